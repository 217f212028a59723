// What a run can do with a server of its own, beside putting load on it: replace its gateways, and ask logic how often it
// read the store.
import type { Stack } from "../../cli/stack.ts";

/** Reads of the store since logic's start, by what was asked for. */
export interface StoreReads {
  /** Of who talks with whom: what a resume needs when it is not in memory. */
  users: number;
  /** Of heads, and of what senders sent last. */
  conversations: number;
  /** Of rows that were sent again. */
  repeats: number;
  /** Of rows: what was missed. */
  pages: number;
}

export interface OwnServer {
  /** Replaces all gateways, one after the other. */
  roll(): Promise<void>;
  storeReads(): Promise<StoreReads>;
}

export function ownServer(stack: Stack): OwnServer {
  return {
    roll: () => stack.roll(),
    storeReads: async () => storeReadsOf(await (await fetch(`${stack.urls.logicHttp}/metrics`)).text()),
  };
}

/** Of what logic shows to Prometheus. Throws RangeError when it shows no such figure: that is not 0. */
export function storeReadsOf(metrics: string): StoreReads {
  const read = (kind: string): number => {
    const found = new RegExp(`^hawser_logic_store_reads_total\\{kind="${kind}"\\} (\\d+)$`, "m").exec(metrics);
    if (found === null) throw new RangeError(`logic shows no hawser_logic_store_reads_total of kind ${kind}`);
    return Number(found[1]);
  };
  return { users: read("users"), conversations: read("conversations"), repeats: read("repeats"), pages: read("pages") };
}

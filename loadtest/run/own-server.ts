// What a run can do with a server of its own, beside putting load on it: replace its gateways, and ask logic how often it
// read the store.
import type { Stack } from "../../cli/stack.ts";

/** Reads of the store since logic's start, by what was asked for. */
export interface StoreReads {
  /** Of who talks with whom: what a resume needs when it is not in memory. */
  users: number;
  /** Of heads, and of what senders sent last. */
  conversations: number;
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

/** Of what logic shows to Prometheus. */
export function storeReadsOf(metrics: string): StoreReads {
  const read = (kind: string): number => Number(new RegExp(`^hawser_logic_store_reads_total\\{kind="${kind}"\\} (\\S+)`, "m").exec(metrics)?.[1] ?? 0);
  return { users: read("users"), conversations: read("conversations"), pages: read("pages") };
}

// What a session takes in memory where there is no socket: the gateway's tables (session, wheel, outbox, relay) and logic's
// sessions and users. Read after collections in a process of its own: JavaScript's heap and typed arrays, and, beside them, what
// the process grew by. Sockets are measured where there are some, by the load test's idle scenario.
import { inChild } from "../child.ts";
import { memoryInUse } from "../collect.ts";
import type { BenchOptions, BenchResult, Row } from "../result.ts";
import { GatewayStage } from "../stage/gateway-stage.ts";
import { LogicStage } from "../stage/logic-stage.ts";

/** Type of what the functions below give; its fields are bytes for each session. */
export type SessionBytes = {
  heap_bytes: number;
  array_bytes: number;
  total_bytes: number;
  rss_bytes: number;
};

export async function run({ quick, progress, watch }: BenchOptions): Promise<BenchResult> {
  const meter = watch.begin();
  const rows: Row[] = [];
  for (const sessions of quick ? [100_000] : [100_000, 1_000_000]) {
    progress(`${sessions.toLocaleString("en")} sessions in a gateway`);
    rows.push({ name: "gateway, session without its socket", sessions, ...(await gatewayInChild(sessions)) });
  }
  for (const [sessions, conversations] of quick
    ? [
        [100_000, -1],
        [10_000, 0],
        [10_000, 20],
      ]
    : [
        [100_000, -1],
        [1_000_000, -1],
        [50_000, 0],
        [50_000, 20],
      ]) {
    const synced = conversations! >= 0;
    progress(`${sessions!.toLocaleString("en")} sessions in logic`);
    const name = synced ? `logic, session that synced ${conversations} conversations` : "logic, session attached";
    rows.push({ name, sessions: sessions!, ...(await logicInChild(sessions!, conversations!)) });
  }
  const columns = [
    { key: "name", title: "" },
    { key: "sessions", title: "sessions" },
    { key: "heap_bytes", title: "heap", digits: 0 },
    { key: "array_bytes", title: "arrays", digits: 0 },
    { key: "total_bytes", title: "total", digits: 0 },
    { key: "rss_bytes", title: "RSS", digits: 0 },
  ];
  const notes = [
    "Bytes for each session: users of 11 bytes, devices of 8. Arrays are made for as many slots as are in use here; a gateway makes them for --connections-max,",
    "and the kernel gives it the pages that are touched.",
  ];
  return { bench: "sessions", notes, tables: [{ title: "bytes for each session", columns, rows }], conditions: await meter.end(), unfit: [] };
}

export function gatewayInChild(sessions: number): Promise<SessionBytes> {
  return inChild(import.meta.url, "gatewaySessionBytes", [sessions], LARGE_HEAP);
}

/** `conversations`: -1: the session did not sync. */
export function logicInChild(sessions: number, conversations: number): Promise<SessionBytes> {
  return inChild(import.meta.url, "logicSessionBytes", [sessions, conversations], LARGE_HEAP);
}
const LARGE_HEAP = ["--max-old-space-size=4096"];

/** In this process: a gateway with that many sessions, over what the process took without. */
export async function gatewaySessionBytes(sessions: number): Promise<SessionBytes> {
  // One of each first: code and what is made once.
  await new GatewayStage(1).admit(users(1));
  return bytesFor(sessions, async () => {
    const stage = new GatewayStage(sessions);
    await stage.admit(users(sessions));
    return stage;
  });
}

export async function logicSessionBytes(sessions: number, conversations: number): Promise<SessionBytes> {
  const attach = async (count: number): Promise<LogicStage> => {
    const stage = new LogicStage(Math.max(0, conversations));
    for (let done = 0; done < count; done += ATTACHED_AT_ONCE) {
      const ids = [...users(count, done, done + ATTACHED_AT_ONCE)];
      const installs = ids.map((_, i) => new Uint8Array(Uint32Array.of(done + i, 0x1d1d1d1d).buffer));
      await stage.attach(ids, installs, conversations >= 0);
    }
    return stage;
  };
  await attach(1);
  return bytesFor(sessions, () => attach(sessions));
}
const ATTACHED_AT_ONCE = 4096;

async function bytesFor(sessions: number, make: () => Promise<object>): Promise<SessionBytes> {
  const before = await memoryInUse();
  const made = await make();
  const after = await memoryInUse();
  held = made;
  const heap = (after.heap - before.heap) / sessions;
  const arrays = (after.arrays - before.arrays) / sessions;
  return { heap_bytes: heap, array_bytes: arrays, total_bytes: heap + arrays, rss_bytes: (after.rss - before.rss) / sessions };
}
/** Keeps what was measured alive until it was. */
export let held: object = {};

function* users(count: number, from = 0, to = count): Generator<Uint8Array> {
  for (let i = from; i < Math.min(to, count); i++) yield new Uint8Array(Buffer.from(`u${String(i).padStart(10, "0")}`));
}

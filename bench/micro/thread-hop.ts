// What a thread takes off the event loop when it compresses instead, and what that costs: the time that the loop is busy, and the
// CPU of all threads, for each body. A worker thread with a channel is the least that any pool of them does.
import { Worker } from "node:worker_threads";
import { performance } from "node:perf_hooks";
import { deflateRaw, deflateRawSync } from "node:zlib";
import type { Row, Table } from "../result.ts";

/** Bodies under way at once. */
const AT_ONCE = 4;

const WORKER = `
const { parentPort, workerData } = require("node:worker_threads");
const { deflateRawSync } = require("node:zlib");
parentPort.on("message", ({ id, bytes, level }) => {
  const data = new Uint8Array(deflateRawSync(bytes, { level, dictionary: workerData }));
  parentPort.postMessage({ id, data }, [data.buffer]);
});`;

type Way = (bytes: Uint8Array) => Promise<unknown> | unknown;

/** `units`: bodies by what they are; `rounds`: how many of each are compressed. */
export async function threadHopTable(
  units: readonly { name: string; bodies: readonly Uint8Array[] }[],
  dictionary: Uint8Array,
  level: number,
  rounds: number,
): Promise<Table> {
  const worker = new Worker(WORKER, { eval: true, workerData: dictionary });
  const waiting = new Map<number, () => void>();
  let next = 0;
  worker.on("message", ({ id }: { id: number }) => {
    waiting.get(id)!();
    waiting.delete(id);
  });
  const ways: Record<string, Way> = {
    "on the event loop": (bytes) => deflateRawSync(bytes, { level, dictionary }),
    "zlib's own threads": (bytes) => new Promise((resolve) => deflateRaw(bytes, { level, dictionary }, resolve)),
    "a worker thread": (bytes) =>
      new Promise<void>((resolve) => {
        waiting.set(next, resolve);
        worker.postMessage({ id: next++, bytes, level });
      }),
  };
  const rows: Row[] = [];
  try {
    for (const { name, bodies } of units) {
      for (const [way, compress] of Object.entries(ways)) rows.push({ name: `${name}, ${way}`, ...(await timed(bodies, compress, rounds)) });
    }
  } finally {
    await worker.terminate();
  }
  const columns = [
    { key: "name", title: "" },
    { key: "loop_busy_us", title: "loop busy µs" },
    { key: "cpu_us", title: "CPU µs, all threads" },
  ];
  return {
    title: `where to compress, deflate ${level} with dictionary, ${AT_ONCE} at once (the loop's time is by the clock, and longer where others use the CPU)`,
    columns,
    rows,
  };
}

async function timed(bodies: readonly Uint8Array[], compress: Way, rounds: number): Promise<{ loop_busy_us: number; cpu_us: number }> {
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => compress(bodies[(i + j) % bodies.length]!)));
  };
  // Between two measurements the loop must have turned, or its busy time is not counted.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await run(Math.ceil(rounds / 10));
  await turn();
  const loop = performance.eventLoopUtilization();
  const cpu = process.cpuUsage();
  await run(rounds);
  await turn();
  const { active } = performance.eventLoopUtilization(loop);
  const { user, system } = process.cpuUsage(cpu);
  return { loop_busy_us: (active * 1000) / rounds, cpu_us: (user + system) / rounds };
}

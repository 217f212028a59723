// The garbage collector on demand, in any process: between measurements, so that each pays for its own garbage only, and
// before memory is read.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options?: { type: "minor" | "major" }) => void;

// The flag may be set late; a context made afterwards has the function.
setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as Collect;

/** The young generation only: a fraction of a millisecond. */
export function collectYoung(): void {
  gc({ type: "minor" });
}

/** Everything, twice: what the first round leaves to finalizers goes in the second. */
export async function collectAll(): Promise<void> {
  gc();
  await new Promise((resolve) => setImmediate(resolve));
  gc();
}

export interface Memory {
  /** Objects of JavaScript that are alive. */
  heap: number;
  /** Typed arrays and buffers. */
  arrays: number;
  /** Memory of the process that is in RAM. */
  rss: number;
}

const SETTLED_BYTES = 1024;
const COLLECTIONS_MAX = 10;

/** What is in use after collections, in bytes: as many as it takes until another one finds nothing. */
export async function memoryInUse(): Promise<Memory> {
  for (let before = Number.POSITIVE_INFINITY, i = 0; i < COLLECTIONS_MAX; i++) {
    await collectAll();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    if (before - heapUsed - arrayBuffers < SETTLED_BYTES) break;
    before = heapUsed + arrayBuffers;
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, arrays: arrayBuffers, rss };
}

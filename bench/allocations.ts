// Bytes of heap that a piece of work allocates: how much the heap grows while nothing is collected. For that the process must
// have a young generation larger than anything that is measured (YOUNG_FLAGS); a window in which the collector ran all the
// same is thrown away. The least of several windows counts: what the compiler allocates beside, and code that is not yet
// optimized, only add to it.
import { PerformanceObserver } from "node:perf_hooks";
import { collectAll } from "./collect.ts";

/** For the child process: 256 MiB for young objects, from the start. */
export const YOUNG_FLAGS: readonly string[] = ["--min-semi-space-size=256", "--max-semi-space-size=256"];

const WINDOWS = 5;

export interface Allocations {
  /** Objects of JavaScript, and typed arrays' memory outside of its heap. */
  heap_bytes: number;
  array_bytes: number;
}

/** Bytes for each of the `count` operations that `run` does. `prepare` is called before, outside of what is counted. */
export async function allocationsOf(
  count: number,
  run: (count: number) => number | Promise<number>,
  prepare?: (count: number) => void | Promise<void>,
): Promise<Allocations> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const heaps: number[] = [];
  const arrays: number[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    await prepare?.(count);
    await collectAll();
    // What the observer has to say of the collections so far comes a turn later.
    await turn();
    collections = 0;
    const before = process.memoryUsage();
    await run(count);
    const after = process.memoryUsage();
    await turn();
    if (collections > 0) continue;
    heaps.push((after.heapUsed - before.heapUsed) / count);
    arrays.push((after.arrayBuffers - before.arrayBuffers) / count);
  }
  observer.disconnect();
  if (heaps.length === 0) throw new Error("the collector ran in every window: count fewer operations");
  return { heap_bytes: Math.min(...heaps), array_bytes: Math.min(...arrays) };
}

async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

// What the processes of a server use, from /proc: processor time, memory of their own, and what the kernel keeps for all
// connections of the machine.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { cpuMicros } from "../../process-cpu.ts";

/** Of x86-64 and of arm64 as Debian configures it. */
const PAGE_BYTES = 4096;
const SETTLE_MS = 500;
/** Steady: three readings in a row within this part of each other. */
const SETTLED_WITHIN = 0.005;
const SETTLED_READINGS = 4;

export function totalCpuMicros(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += cpuMicros(pid);
  return total;
}

/** Memory that the processes do not share with files: stacks, heaps, anonymous maps (RssAnon), in bytes. */
export function privateBytes(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) total += kilobytes(`/proc/${pid}/status`, "RssAnon") * 1024;
  return total;
}

/** What the kernel has in slabs and in buffers of TCP, over the whole machine, in bytes. */
export function kernelBytes(): number {
  const pages = /^TCP: .*\bmem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "latin1"));
  return kilobytes("/proc/meminfo", "Slab") * 1024 + Number(pages?.[1] ?? 0) * PAGE_BYTES;
}

function kilobytes(file: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "latin1"));
  if (match === null) throw new Error(`${file} does not tell ${name}`);
  return Number(match[1]);
}

/** Waits until the memory of the processes stands still, for at most `timeoutMs`; returns it. */
export async function settledBytes(pids: () => readonly number[], timeoutMs: number): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  const readings: number[] = [];
  for (;;) {
    readings.push(privateBytes(pids()));
    const last = readings.slice(-SETTLED_READINGS);
    const steady = last.length === SETTLED_READINGS && Math.max(...last) - Math.min(...last) <= Math.max(...last) * SETTLED_WITHIN;
    if (steady || performance.now() > deadline) return last.at(-1)!;
    await delay(SETTLE_MS);
  }
}

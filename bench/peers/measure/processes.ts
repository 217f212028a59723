// What the processes of a server use, from /proc: processor time, memory of their own, and what the kernel keeps for all
// connections of the machine.
import { readFileSync } from "node:fs";
import { cpuMicros } from "../../process-cpu.ts";

/** Of x86-64 and of arm64 as Debian configures it. */
const PAGE_BYTES = 4096;

/** A figure of each process of a server, by part. */
export type Split = Record<string, number>;

export function sum(split: Split): number {
  return Object.values(split).reduce((total, value) => total + value, 0);
}

/** What has come since `before`, each part divided by `count`. */
export function since(before: Split, now: Split, count: number): Split {
  return Object.fromEntries(Object.entries(now).map(([part, value]) => [part, (value - (before[part] ?? 0)) / count]));
}

/** Processor time so far, in µs. */
export function cpuOf(pids: Record<string, number>): Split {
  return Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, cpuMicros(pid)]));
}

/** Watches what this process, the driver, uses of one core. */
export class DriverMeter {
  private readonly startedAt: number;
  private readonly before: NodeJS.CpuUsage;

  constructor() {
    this.startedAt = performance.now();
    this.before = process.cpuUsage();
  }

  percent(): number {
    const { user, system } = process.cpuUsage(this.before);
    return (user + system) / 10 / (performance.now() - this.startedAt);
  }
}

/** Memory that the processes do not share with files: stacks, heaps, anonymous maps (RssAnon), in bytes. */
export function privateBytesOf(pids: Record<string, number>): Split {
  return Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, kilobytes(`/proc/${pid}/status`, "RssAnon") * 1024]));
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

// What this process has in memory that no other has: RssAnon of /proc (Linux), else all that is resident.
import { readFileSync } from "node:fs";

export function ownBytes(): number {
  try {
    const kib = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return process.memoryUsage.rss();
}

// How much comes in at once: a bounded number of token checks run together, the rest wait their turn in the order
// they came (one for each connection at most, so the queue is bounded by the connections); and how many
// connections the process can hold at all.
import { readFileSync } from "node:fs";
import type { Refused, Verified } from "../session/token.ts";

export interface AdmissionOwner {
  /** False: the session is gone, its token need not be checked any more. */
  waiting(slot: number, generation: number): boolean;
  verified(slot: number, generation: number, result: Verified | Refused): void;
}

interface Waiting {
  slot: number;
  generation: number;
  token: string;
  device: string;
}

export class Admission {
  private readonly verify: (token: string, device: string) => Promise<Verified | Refused>;
  private readonly owner: AdmissionOwner;
  private readonly runningMax: number;
  private runningCount: number;
  private queue: Waiting[];
  private queueStart: number;

  constructor(verify: (token: string, device: string) => Promise<Verified | Refused>, owner: AdmissionOwner, runningMax: number) {
    this.verify = verify;
    this.owner = owner;
    this.runningMax = runningMax;
    this.runningCount = 0;
    this.queue = [];
    this.queueStart = 0;
  }

  get running(): number {
    return this.runningCount;
  }

  get queued(): number {
    return this.queue.length - this.queueStart;
  }

  add(slot: number, generation: number, token: string, device: string): void {
    this.queue.push({ slot, generation, token, device });
    this.next();
  }

  private next(): void {
    while (this.runningCount < this.runningMax && this.queueStart < this.queue.length) {
      const waiting = this.queue[this.queueStart]!;
      this.queueStart++;
      if (this.owner.waiting(waiting.slot, waiting.generation)) void this.run(waiting);
    }
    if (this.queueStart < 1024 && this.queueStart < this.queue.length) return;
    this.queue = this.queue.slice(this.queueStart);
    this.queueStart = 0;
  }

  private async run({ slot, generation, token, device }: Waiting): Promise<void> {
    this.runningCount++;
    const result = await this.verify(token, device);
    this.runningCount--;
    this.owner.verified(slot, generation, result);
    this.next();
  }
}

/** Files that this process may have open; undefined where the system does not say. */
export function openFilesMax(limitsFile = "/proc/self/limits"): number | undefined {
  let limits: string;
  try {
    limits = readFileSync(limitsFile, "utf8");
  } catch {
    // Not Linux.
    return undefined;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

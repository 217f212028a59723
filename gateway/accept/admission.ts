// How much comes in at once. Handshakes begin at the pace of handshake-schedule.ts; those that may begin have their tokens checked, a
// bounded number of them together. Two lines, each in the order they came: who was given a slot, and everybody else. Also: how
// many connections the process can hold at all.
//
// Invariant: the lines together hold at most 2 · lineMax, and one whose connection is gone costs the pace nothing.
import { readFileSync } from "node:fs";
import { idText } from "../../proto/conversation.ts";
import type { Hello } from "../session/handshake.ts";
import type { Refused, Verified } from "../session/token.ts";
import { type HandshakePace, HandshakeSchedule, Turn } from "./handshake-schedule.ts";

export interface AdmissionOwner {
  /** False: the session is gone, its token need not be checked any more. */
  waiting(slot: number, generation: number): boolean;
  verified(slot: number, generation: number, result: Verified | Refused): void;
  /** Is to be told BUSY, and to come back after that time. */
  turnedAway(slot: number, retryAfterMs: number): void;
  /** Some wait for time to pass: `next` is to be called again within some 10 ms. */
  nextSoon(): void;
}

export interface AdmissionLimits extends HandshakePace {
  /** Token checks at once. */
  authenticationsMax: number;
}

interface Waiting {
  slot: number;
  generation: number;
  token: string;
  device: string;
}

export class Admission {
  /** Who came with a slot that was due, and who was given one. */
  returned: number;
  turnedAway: number;
  private readonly verify: (token: string, device: string) => Promise<Verified | Refused>;
  private readonly owner: AdmissionOwner;
  private readonly schedule: HandshakeSchedule;
  private readonly runningMax: number;
  private readonly now: () => number;
  private runningCount: number;
  private readonly first: Line;
  private readonly others: Line;

  /** `now`: monotonic ms. `random`: uniform in [0, 1). */
  constructor(
    verify: (token: string, device: string) => Promise<Verified | Refused>,
    owner: AdmissionOwner,
    limits: AdmissionLimits,
    now: () => number,
    random: () => number,
  ) {
    this.returned = 0;
    this.turnedAway = 0;
    this.verify = verify;
    this.owner = owner;
    this.schedule = new HandshakeSchedule(limits, random, now());
    this.runningMax = limits.authenticationsMax;
    this.now = now;
    this.runningCount = 0;
    this.first = new Line();
    this.others = new Line();
  }

  get running(): number {
    return this.runningCount;
  }

  get queued(): number {
    return this.first.length + this.others.length;
  }

  /** A Hello was read. Calls back, now or later: verified, or turnedAway. */
  add(slot: number, generation: number, hello: Hello): void {
    const turn = this.schedule.arrive(hello.install, this.first.length, this.others.length, this.now());
    if (turn === Turn.Later) {
      this.turnedAway++;
      return this.owner.turnedAway(slot, this.schedule.retryAfterMs);
    }
    if (turn === Turn.First) this.returned++;
    const waiting = { slot, generation, token: hello.token, device: idText(hello.device) ?? "" };
    (turn === Turn.First ? this.first : this.others).push(waiting);
    this.next();
  }

  /** When a connection that is not even heard may come back. */
  turnAway(): number {
    this.turnedAway++;
    return this.schedule.turnAway(this.now());
  }

  /** Begins what may begin. */
  next(): void {
    const now = this.now();
    while (this.runningCount < this.runningMax) {
      const turn = this.first.length > 0 ? Turn.First : Turn.Other;
      const line = turn === Turn.First ? this.first : this.others;
      if (line.length === 0) return;
      const { slot, generation } = line.head;
      if (this.owner.waiting(slot, generation)) {
        if (!this.schedule.may(turn, now)) return this.owner.nextSoon();
        this.schedule.begin();
        void this.run(line.head);
      }
      line.shift();
    }
  }

  private async run({ slot, generation, token, device }: Waiting): Promise<void> {
    this.runningCount++;
    const result = await this.verify(token, device);
    this.runningCount--;
    this.owner.verified(slot, generation, result);
    this.next();
  }
}

/** First in, first out; what went is cut off now and then. */
class Line {
  private items: Waiting[];
  private start: number;

  constructor() {
    this.items = [];
    this.start = 0;
  }

  get length(): number {
    return this.items.length - this.start;
  }

  /** Of a line that is not empty. */
  get head(): Waiting {
    return this.items[this.start]!;
  }

  push(waiting: Waiting): void {
    this.items.push(waiting);
  }

  shift(): void {
    this.start++;
    if (this.start < 1024 && this.start < this.items.length) return;
    this.items = this.items.slice(this.start);
    this.start = 0;
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

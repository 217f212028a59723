// Orders that take a while, over a share of the sessions: connecting at a pace, ending connections at a pace, and people who
// leave or move again and again. Driven by tick(), a few hundred times a second.
import { Latency } from "./latency.ts";
import type { Answers } from "./control.ts";
import { Flag, type SessionTable, State } from "./session-table.ts";
import type { Sessions } from "./sessions.ts";

/** Sessions from `from` (inclusive) to `to` (exclusive). */
export interface Range {
  from: number;
  to: number;
}

/** Connections that are begun, or ended, in one turn of the loop. */
const AT_ONCE_MAX = 500;
/** Below this pace a driver connects some at a time, ten times a second, instead of waking for each. */
const SLOW_PER_SECOND = 200;
/** Paced connecting waits for a server that is behind: so many seconds of its pace, and some more, may be under way. */
const UNDER_WAY_SECONDS = 2;
const UNDER_WAY_MIN = 100;

/** So many a second since the start, a tick's part at a time. */
class Pace {
  private readonly perSecond: number;
  private readonly startMs: number;
  private done: number;

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond;
    this.startMs = nowMs;
    this.done = 0;
  }

  /** How many may go now. */
  take(nowMs: number): number {
    const due = Math.floor((this.perSecond * (nowMs - this.startMs)) / 1000) + 1 - this.done;
    return Math.max(0, Math.min(AT_ONCE_MAX, due));
  }

  took(count: number): void {
    this.done += count;
  }
}

/** Brings a share of the sessions to be connected and synced. */
export class Connecting {
  /** Resolves when all are there, or the time is up. */
  readonly done: Promise<Answers["connect"]>;
  private readonly sessions: Sessions;
  private readonly table: SessionTable;
  private readonly range: Range;
  private readonly pace: Pace;
  private readonly startMs: number;
  private readonly endMs: number;
  private readonly reached: Latency;
  private resolve: ((answer: Answers["connect"]) => void) | undefined;
  private ordered: number;
  private missing: number;
  /** Of those that are missing, the ones that the server does not want back. */
  private refused: number;
  private next: number;
  /** Begun by this order. */
  private begun: number;
  private readonly underWayMax: number;
  /** Need not be ticked more often than a calm driver ticks. */
  readonly slow: boolean;

  constructor(sessions: Sessions, range: Range, perSecond: number, timeoutMs: number) {
    const { table } = sessions;
    this.sessions = sessions;
    this.table = table;
    this.range = range;
    this.startMs = sessions.nowMs;
    this.endMs = this.startMs + timeoutMs;
    this.pace = new Pace(perSecond, this.startMs);
    this.reached = new Latency();
    this.ordered = 0;
    for (let session = range.from; session < range.to; session++) {
      if (table.state[session] === State.Ready && table.has(session, Flag.Synced)) continue;
      table.set(session, Flag.Ordered);
      this.ordered++;
    }
    this.missing = this.ordered;
    this.refused = 0;
    this.next = range.from;
    this.begun = 0;
    this.underWayMax = UNDER_WAY_MIN + UNDER_WAY_SECONDS * perSecond;
    this.slow = perSecond < SLOW_PER_SECOND;
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.finishIf(this.missing === 0);
  }

  welcomed(session: number): void {
    if (this.table.has(session, Flag.Ordered)) this.reached.record((this.sessions.nowMs - this.startMs) * 1000);
  }

  synced(session: number): void {
    if (!this.table.has(session, Flag.Ordered)) return;
    this.table.clear(session, Flag.Ordered);
    this.missing--;
    this.finishIf(this.missing === this.refused);
  }

  /** The session stays away for good. */
  turnedAway(session: number): void {
    if (!this.table.has(session, Flag.Ordered)) return;
    this.table.clear(session, Flag.Ordered);
    this.refused++;
    this.finishIf(this.missing === this.refused);
  }

  /** Another order takes its place: answers with what there is. */
  end(): void {
    this.finishIf(true);
  }

  tick(): void {
    const { table, range } = this;
    const now = this.sessions.nowMs;
    const arrived = this.ordered - this.missing + this.refused;
    const due = this.pace.take(now);
    const room = this.underWayMax - (this.begun - arrived);
    let left = Math.min(due, room);
    // What is not begun for want of room is due no more: a server that was behind is not run over when it is back.
    if (room < due) this.pace.took(due - Math.max(0, left));
    let took = 0;
    for (; this.next < range.to && left > 0; this.next++) {
      if (!table.has(this.next, Flag.Ordered)) continue;
      if (table.state[this.next]! > State.Waiting) continue;
      this.sessions.connect(this.next);
      left--;
      took++;
    }
    this.begun += took;
    this.pace.took(took);
    this.finishIf(now >= this.endMs);
  }

  get finished(): boolean {
    return this.resolve === undefined;
  }

  private finishIf(over: boolean): void {
    if (!over || this.resolve === undefined) return;
    for (let session = this.range.from; session < this.range.to; session++) this.table.clear(session, Flag.Ordered);
    const { reached } = this;
    const answer: Answers["connect"] = {
      connected: this.ordered - this.missing,
      failed: this.missing,
      refused: this.refused,
      tookMs: this.sessions.nowMs - this.startMs,
      reachedMs: { p50: reached.percentile(50), p99: reached.percentile(99), p999: reached.percentile(99.9), max: reached.percentile(100) },
    };
    const reachedUs = reached.take();
    if (reachedUs !== undefined) answer.reachedUs = reachedUs;
    this.resolve(answer);
    this.resolve = undefined;
  }
}

/** Sends a share of the sessions away. */
export class Disconnecting {
  readonly done: Promise<void>;
  private readonly sessions: Sessions;
  private readonly range: Range;
  private readonly how: "close" | "reset";
  private readonly pace: Pace | undefined;
  private resolve: (() => void) | undefined;
  private next: number;

  constructor(sessions: Sessions, range: Range, how: "close" | "reset", perSecond: number | undefined) {
    this.sessions = sessions;
    this.range = range;
    this.how = how;
    this.pace = perSecond === undefined ? undefined : new Pace(perSecond, sessions.nowMs);
    this.next = range.from;
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.tick();
  }

  tick(): void {
    let left = this.pace?.take(this.sessions.nowMs) ?? Number.POSITIVE_INFINITY;
    let took = 0;
    for (; this.next < this.range.to && left > 0; this.next++) {
      this.sessions.leave(this.next, this.how);
      left--;
      took++;
    }
    this.pace?.took(took);
    if (this.next < this.range.to) return;
    this.resolve?.();
    this.resolve = undefined;
  }

  get finished(): boolean {
    return this.resolve === undefined;
  }
}

/** What Wandering knows of the sessions. */
export interface WanderingHost {
  readonly nowMs: number;
  readonly table: SessionTable;
}

/** Each minute a part of a share's sessions, evenly over the minute, each as often as the others. */
export class Wandering {
  private readonly sessions: WanderingHost;
  private readonly range: Range;
  private readonly perMs: number;
  private readonly each: (session: number) => void;
  private readonly step: number;
  private at: number;
  private lastMs: number;
  private due: number;

  constructor(sessions: WanderingHost, range: Range, partPerMinute: number, each: (session: number) => void) {
    this.sessions = sessions;
    this.range = range;
    this.each = each;
    const count = range.to - range.from;
    this.perMs = (partPerMinute * count) / 60_000;
    // The golden ratio's steps keep neighbours in time apart in number; without a common divisor they reach every session before
    // they come back to one.
    this.step = Math.max(1, Math.round(count * 0.618033988749895));
    while (commonDivisor(this.step, count) > 1) this.step++;
    this.at = 0;
    this.lastMs = sessions.nowMs;
    this.due = 0;
  }

  tick(): void {
    const now = this.sessions.nowMs;
    const count = this.range.to - this.range.from;
    this.due += this.perMs * (now - this.lastMs);
    this.lastMs = now;
    for (let looks = 0; this.due >= 1 && looks < AT_ONCE_MAX; looks++) {
      const session = this.range.from + this.at;
      this.at = (this.at + this.step) % count;
      if (this.sessions.table.state[session] !== State.Ready) continue;
      this.each(session);
      this.due--;
    }
    // Nobody was there to leave: they are not owed for ever.
    this.due = Math.min(this.due, AT_ONCE_MAX);
  }
}

/** Euclid's. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

// When each handshake may begin. A token bucket sets the pace of what is expensive (token check, Welcome, first Sync);
// whoever comes when it is empty waits a moment if the line is short, and otherwise gets a time slot: the next free place of
// a virtual line that moves at exactly the admitted rate. So those who were refused together come back one after the
// other, each when the gateway has time for it, and nobody is refused twice.
//
//   arrives ─▶ has a slot that is due ─▶ First: before all others
//           ─▶ tokens left, nobody waits, none of them promised ─▶ Other, begins at once
//           ─▶ the line is shorter than waitMs ─▶ Other, in order
//           ─▶ else ─▶ Later, retryAfterMs from now
//
// Tokens are kept back for slots of the last RESERVE_TICKS that nobody has come for, so that newcomers do not take the place of
// those who were told to come now; those who never come lose theirs after that.
// Invariant: in any w seconds at most burst + rate · w handshakes begin.
import { TicketBook } from "./ticket-book.ts";

export interface HandshakePace {
  handshakesPerSecond: number;
  /** At once after a quiet time. */
  handshakesBurst: number;
  /** Longest time to keep somebody waiting with the connection open; shorter than the time for a handshake. */
  waitMs: number;
  /** Slots lie at most so far ahead. Who would be later still is told to ask again, at a random time of its second half. */
  horizonMs: number;
}

export const Turn = { First: 0, Other: 1, Later: 2 } as const;
export type Turn = (typeof Turn)[keyof typeof Turn];

const TICK_MS = 100;
/** Tokens are kept back for this long for somebody who was told to come. */
const RESERVE_TICKS = 5;
/** A slot counts from a little before, for clocks that differ, until a while after: connecting takes time. */
const EARLY_TICKS = 5;
const LATE_TICKS = 50;

export class HandshakeSchedule {
  /** After `Turn.Later`: when to come back. */
  retryAfterMs: number;
  /** Waiting for their turn at most. */
  readonly lineMax: number;
  private readonly pace: HandshakePace;
  private readonly random: () => number;
  private readonly startAt: number;
  private readonly book: TicketBook;
  private tokens: number;
  private filledAt: number;
  /** When the next place of the virtual line is free. */
  private frontier: number;
  /** Slots handed out and not used, by tick; a ring over the horizon. */
  private readonly promised: Uint32Array;
  private tick: number;
  /** Of those, the ones of the last RESERVE_TICKS. */
  private due: number;

  /** `random`: uniform in [0, 1). `now`: ms on the clock that is used from then on. */
  constructor(pace: HandshakePace, random: () => number, now: number) {
    this.retryAfterMs = 0;
    this.lineMax = Math.max(1, Math.ceil((pace.handshakesPerSecond * pace.waitMs) / 1000));
    this.pace = pace;
    this.random = random;
    // Ticks begin well above 0: what is looked at lies before now, too.
    this.startAt = now - TICK_MS * (LATE_TICKS + 1);
    this.book = new TicketBook((pace.handshakesPerSecond * pace.horizonMs) / 1000, random);
    this.tokens = pace.handshakesBurst;
    this.filledAt = now;
    this.frontier = now;
    this.promised = new Uint32Array(Math.ceil(pace.horizonMs / TICK_MS) + RESERVE_TICKS + 4);
    this.tick = this.tickOf(now);
    this.due = 0;
  }

  /** What becomes of a Hello; `first` and `others` wait already, with their slot and without. */
  arrive(install: Uint8Array, first: number, others: number, now: number): Turn {
    this.advance(now);
    const ticket = this.book.take(install, this.tick - LATE_TICKS, this.tick + EARLY_TICKS);
    if (ticket >= 0) {
      this.shown(ticket);
      if (first < this.lineMax) return Turn.First;
    } else if (first + others === 0 && this.spare()) return Turn.Other;
    const at = Math.max(this.frontier, now);
    const place = 1000 / this.pace.handshakesPerSecond;
    if (at - now <= this.pace.waitMs && others < this.lineMax) {
      this.frontier = at + place;
      return Turn.Other;
    }
    this.slot(install, Math.max(at, now + this.pace.waitMs), place, now);
    return Turn.Later;
  }

  /** A slot for somebody who was refused before saying who it is: it takes a place of the line, and is a newcomer when it comes. */
  turnAway(now: number): number {
    this.advance(now);
    this.slot(undefined, Math.max(this.frontier, now + this.pace.waitMs), 1000 / this.pace.handshakesPerSecond, now);
    return this.retryAfterMs;
  }

  /** Whether one who waits may begin now. */
  may(turn: Turn, now: number): boolean {
    this.advance(now);
    return turn === Turn.First ? this.tokens >= 1 : this.spare();
  }

  /** One begins: `may` has just said so. */
  begin(): void {
    this.tokens--;
  }

  /** A token that is promised to nobody. Never more than half of them are kept back: else slots that nobody comes for would stop everybody. */
  private spare(): boolean {
    return this.tokens >= 1 + Math.min(this.due, this.pace.handshakesBurst / 2);
  }

  private slot(install: Uint8Array | undefined, at: number, place: number, now: number): void {
    const { horizonMs } = this.pace;
    if (at - now > horizonMs) {
      this.retryAfterMs = Math.ceil(horizonMs * (0.5 + this.random() / 2));
      return;
    }
    this.frontier = at + place;
    // Within a tick the order does not matter; the same moment for many would.
    const moment = at + this.random() * TICK_MS;
    this.retryAfterMs = Math.ceil(moment - now);
    if (install === undefined) return;
    const due = this.tickOf(moment);
    this.promised[due % this.promised.length]!++;
    if (due <= this.tick) this.due++;
    this.book.add(install, due, this.tick - LATE_TICKS);
  }

  /** Somebody came for the slot of this tick. */
  private shown(due: number): void {
    const at = due % this.promised.length;
    // Given up already, or of a tick that is long over.
    if (due < this.tick - RESERVE_TICKS || this.promised[at] === 0) return;
    this.promised[at]!--;
    if (due <= this.tick) this.due--;
  }

  private advance(now: number): void {
    const { pace, promised } = this;
    if (now > this.filledAt) {
      this.tokens = Math.min(pace.handshakesBurst, this.tokens + ((now - this.filledAt) * pace.handshakesPerSecond) / 1000);
      this.filledAt = now;
    }
    const tick = this.tickOf(now);
    if (tick - this.tick >= promised.length) {
      promised.fill(0);
      this.due = 0;
      this.tick = tick;
    }
    while (this.tick < tick) {
      this.tick++;
      this.due += promised[this.tick % promised.length]!;
      const over = (this.tick - RESERVE_TICKS - 1) % promised.length;
      this.due -= promised[over]!;
      promised[over] = 0;
    }
  }

  private tickOf(now: number): number {
    return Math.floor((now - this.startAt) / TICK_MS);
  }
}

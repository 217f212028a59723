// Who is to be told Resync, and how fast: after something may have been lost, all sessions are told, but not all
// at once, since each of them will ask for its heads. No I/O.

/** However many there are, all are told within this time. */
const WHOLE_WITHIN_MS = 5000;

export class ResyncPacer {
  private readonly wanted: Uint8Array;
  private readonly perSecond: number;
  private wantedCount: number;
  /** Where the round goes on. */
  private cursor: number;
  private toldAt: number;
  /** Resyncs that may be sent, fractions of them included. */
  private credit: number;
  private ratePerMs: number;

  constructor(capacity: number, perSecond: number) {
    this.wanted = new Uint8Array(capacity);
    this.perSecond = perSecond;
    this.wantedCount = 0;
    this.cursor = 0;
    this.toldAt = 0;
    this.credit = 0;
    this.ratePerMs = 0;
  }

  get waiting(): number {
    return this.wantedCount;
  }

  want(slot: number): void {
    if (this.wanted[slot] === 1) return;
    this.wanted[slot] = 1;
    this.wantedCount++;
  }

  cancel(slot: number): void {
    if (this.wanted[slot] === 0) return;
    this.wanted[slot] = 0;
    this.wantedCount--;
  }

  /** Fixes the pace for what is wanted now. */
  start(now: number): void {
    this.toldAt = now;
    this.credit = 0;
    this.ratePerMs = Math.max(this.perSecond / 1000, this.wantedCount / WHOLE_WITHIN_MS, this.ratePerMs);
  }

  /** Calls `tell` for as many as the time since the last call allows. */
  advance(now: number, tell: (slot: number) => void): void {
    if (this.wantedCount === 0) {
      this.ratePerMs = 0;
      return;
    }
    this.credit += (now - this.toldAt) * this.ratePerMs;
    this.toldAt = now;
    for (; this.credit >= 1 && this.wantedCount > 0; this.cursor++) {
      if (this.cursor >= this.wanted.length) this.cursor = 0;
      if (this.wanted[this.cursor] === 0) continue;
      this.cancel(this.cursor);
      this.credit--;
      tell(this.cursor);
    }
  }
}

// The server's limit of Sends per second, kept on this side too, so that it is seldom hit: a bucket of twice the rate
// that fills with the rate (SPEC.md §13).

export class TokenBucket {
  private readonly perSecond: number;
  private tokens: number;
  private filledAt: number;

  /** A full bucket. `perSecond` 0: no limit. */
  constructor(perSecond: number, now: number) {
    this.perSecond = perSecond;
    this.tokens = 2 * perSecond;
    this.filledAt = now;
  }

  /** When the next token may be taken: `now`, or a time to come. */
  nextAt(now: number): number {
    if (this.perSecond === 0) return now;
    this.tokens = Math.min(2 * this.perSecond, this.tokens + ((now - this.filledAt) * this.perSecond) / 1000);
    this.filledAt = now;
    return this.tokens >= 1 ? now : now + ((1 - this.tokens) * 1000) / this.perSecond;
  }

  /** After nextAt() said now. */
  take(): void {
    this.tokens--;
  }
}

// A token bucket per slot in one number: the generic cell rate algorithm (ITU-T I.371). The number is when the
// bucket would be full again; a request moves it on by one interval, and is refused when that would put it
// more than the burst ahead of now.

export class RateLimit {
  private readonly intervalMs: number;
  private readonly allowanceMs: number;
  private readonly fullAt: Float64Array;

  /** `perSecond` > 0 in the long run, `burst` ≥ 1 at once. */
  constructor(capacity: number, perSecond: number, burst: number) {
    this.intervalMs = 1000 / perSecond;
    this.allowanceMs = (burst - 1) * this.intervalMs;
    this.fullAt = new Float64Array(capacity);
  }

  /** Takes one. 0: admitted; else refused, and ms until one would be admitted. */
  take(slot: number, now: number): number {
    const fullAt = this.fullAt[slot]!;
    const waitMs = fullAt - this.allowanceMs - now;
    if (waitMs > 0) return Math.max(1, Math.ceil(waitMs));
    this.fullAt[slot] = Math.max(fullAt, now) + this.intervalMs;
    return 0;
  }

  reset(slot: number): void {
    this.fullAt[slot] = 0;
  }
}

// Connections that have lasted long enough: each gets an end when it is welcomed, the lifetime with dither, so that those who
// came together do not end together. A few slots are looked at in each tick, all of them within a minute: four bytes a session
// and no timers.
//
// Invariant: a slot is reported within SWEEP_MS of its end, and not before it.

/** All slots are looked at within this time. */
const SWEEP_MS = 60_000;
/** Part of the lifetime by which an end lies earlier or later. */
const DITHER = 0.25;

export class Lifetimes {
  private readonly lifetimeMs: number;
  private readonly random: () => number;
  private readonly startAt: number;
  /** By slot: s since the start, at least 1; 0: none. */
  private readonly endsAt: Uint32Array;
  private next: number;
  private lookedAt: number;

  /** `lifetimeMs` 0: connections last as long as they last. `random`: uniform in [0, 1). `now`: monotonic ms. */
  constructor(capacity: number, lifetimeMs: number, random: () => number, now: number) {
    this.lifetimeMs = lifetimeMs;
    this.random = random;
    this.startAt = now;
    this.endsAt = new Uint32Array(lifetimeMs === 0 ? 0 : capacity);
    this.next = 0;
    this.lookedAt = now;
  }

  /** A lifetime begins, or begins anew. */
  begin(slot: number, now: number): void {
    if (this.lifetimeMs === 0) return;
    const lasts = this.lifetimeMs * (1 + DITHER * (2 * this.random() - 1));
    this.endsAt[slot] = Math.max(1, Math.ceil((now - this.startAt + lasts) / 1000));
  }

  end(slot: number): void {
    if (this.lifetimeMs !== 0) this.endsAt[slot] = 0;
  }

  /** Looks at the next slots of 0 … slotEnd - 1 and reports those whose end has come; they have none any more. */
  sweep(now: number, slotEnd: number, over: (slot: number) => void): void {
    if (this.lifetimeMs === 0 || slotEnd === 0) return;
    const part = Math.min(1, (now - this.lookedAt) / SWEEP_MS);
    this.lookedAt = now;
    const second = Math.floor((now - this.startAt) / 1000);
    for (let left = Math.ceil(slotEnd * part); left > 0; left--) {
      if (this.next >= slotEnd) this.next = 0;
      const slot = this.next++;
      const endsAt = this.endsAt[slot]!;
      if (endsAt === 0 || endsAt > second) continue;
      this.endsAt[slot] = 0;
      over(slot);
    }
  }
}

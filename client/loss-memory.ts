// What a client remembers of connections that silence killed: whatever interval the server names, it beats twice as often as what
// died, for a while that grows with each repetition (SPEC.md §10). The server learns for a whole network; this is for the
// device whose own router is worse than its neighbours'. Pure.

/** How long the first loss is remembered; each further one four times as long. */
const REMEMBER_MS = 2 * 3_600_000;
const REMEMBER_FACTOR = 4;
const REMEMBER_MS_MAX = 7 * 86_400_000;
/** Beats never come faster than this on account of a loss. */
const CAP_MS_MIN = 15_000;
/** Silences up to this many times the cap are what it brings about by itself. */
const CAP_SLACK = 1.3;

export class LossMemory {
  private cap: number;
  private until: number;
  private losses: number;
  private lostAt: number;

  constructor() {
    this.cap = Number.POSITIVE_INFINITY;
    this.until = 0;
    this.losses = 0;
    this.lostAt = 0;
  }

  /** A connection on this network was found dead after `silentMs` without a byte. */
  lost(silentMs: number, now: number): void {
    // So short a silence is nobody's timer: the network itself was gone.
    if (silentMs < 2 * CAP_MS_MIN) return;
    this.losses = now - this.lostAt > REMEMBER_MS_MAX ? 1 : this.losses + 1;
    this.lostAt = now;
    this.cap = Math.max(CAP_MS_MIN, silentMs / 2);
    this.until = now + Math.min(REMEMBER_MS_MAX, REMEMBER_MS * REMEMBER_FACTOR ** (this.losses - 1));
  }

  /** A silence of so long was survived: if nothing kept it short, what was lost earlier was no matter of silence. */
  survived(silentMs: number): void {
    if (silentMs <= this.cap * CAP_SLACK) return;
    this.losses = 0;
    this.until = 0;
  }

  /** The device is on another network. */
  forget(): void {
    this.losses = 0;
    this.until = 0;
  }

  /** No interval above this, ms; Infinity: as the server says. */
  capMs(now: number): number {
    return now < this.until ? this.cap : Number.POSITIVE_INFINITY;
  }
}

// Whether compressing something pays, from what it is, how its connection does, and how busy this process is. Pure: readings
// come in as numbers. The figures behind the thresholds are those of `npm run bench -- compression` (docs/decisions.md).
//
//   effort   Full      idle enough    pages, heads and batches of some size for everybody; smaller ones and pushes where the link is slow
//            Saving    busy           the same, for slow links only
//            Off       too busy       nothing: bytes leave as they are
//
// It changes by a smoothed utilisation of the event loop, at other values up than down, so that it does not flap; going up again
// takes a while as well. A connection counts as slow from a long round trip or bytes that wait for it, until both are gone.

export const Effort = { Off: 0, Saving: 1, Full: 2 } as const;
export type Effort = (typeof Effort)[keyof typeof Effort];

/** What may be compressed. */
export const Kind = { Push: 0, Batch: 1, Page: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * The least of each kind, in bytes of frames. Measured: a µs of CPU takes 2.7 bytes off a push by itself, 4.7 off a batch of four
 * (280 bytes), 9.5 off one of twenty (1.4 KB), 34 off a full page. On a slow link all of that is time for its reader; elsewhere it
 * is traffic, and from half a kilobyte on a byte costs less than 0.15 µs.
 */
const SLOW_LINK_BYTES_MIN: Readonly<Record<Kind, number>> = { 0: 48, 1: 96, 2: 192 };
const ANY_LINK_BYTES_MIN: Readonly<Record<Kind, number>> = { 0: Number.POSITIVE_INFINITY, 1: 512, 2: 512 };

/** Utilisation above which effort falls to the level, and below which it leaves it upwards. */
const SAVING_ABOVE = 0.65;
const FULL_BELOW = 0.45;
const OFF_ABOVE = 0.9;
const SAVING_BELOW = 0.75;
/** Weight of a new reading, ten of them a second: half of a change is seen after a second. */
const SMOOTHING = 0.07;
/** Effort rises a step at most this often. */
const RISE_MS = 3000;

/** A mobile network, or the other side of the world. */
const SLOW_ROUND_TRIP_MS = 150;
const QUICK_ROUND_TRIP_MS = 90;

export class CompressionPolicy {
  effort: Effort;
  private utilisation: number;
  private changedAt: number;

  constructor() {
    this.effort = Effort.Full;
    this.utilisation = 0;
    this.changedAt = Number.NEGATIVE_INFINITY;
  }

  /** Share of the time since the last call that the event loop was busy, 0 to 1; about ten times a second. */
  observe(now: number, utilisation: number): void {
    this.utilisation += SMOOTHING * (utilisation - this.utilisation);
    const wanted = this.wanted();
    if (wanted === this.effort || (wanted > this.effort && now - this.changedAt < RISE_MS)) return;
    this.effort = wanted > this.effort ? ((this.effort + 1) as Effort) : wanted;
    this.changedAt = now;
  }

  /** Whether `bytes` of this kind are worth trying, for a slow link or another. */
  worth(kind: Kind, bytes: number, slow: boolean): boolean {
    if (this.effort === Effort.Off || (!slow && this.effort === Effort.Saving)) return false;
    return bytes >= (slow ? SLOW_LINK_BYTES_MIN : ANY_LINK_BYTES_MIN)[kind];
  }

  private wanted(): Effort {
    const { utilisation, effort } = this;
    if (utilisation > OFF_ABOVE) return Effort.Off;
    if (effort === Effort.Off) return utilisation < SAVING_BELOW ? Effort.Saving : Effort.Off;
    if (utilisation > SAVING_ABOVE) return Effort.Saving;
    return utilisation < FULL_BELOW ? Effort.Full : effort;
  }
}

/** Whether a link that nothing waits for counts as slow, which it did before or did not. `roundTripMs`: undefined where it is not known. */
export function isSlow(before: boolean, roundTripMs: number | undefined): boolean {
  return roundTripMs !== undefined && roundTripMs > (before ? QUICK_ROUND_TRIP_MS : SLOW_ROUND_TRIP_MS);
}

// How long a watch of a bucket may show nothing before it is begun anew, and how long until a beginning that failed is tried again.
// The server says nothing when a watch of its has died; but a bucket may also be quiet (dictionaries), or the machine busy, and then
// hundreds of processes that begin anew at once make it busier. So both times grow while nothing new is heard, and both are drawn by
// chance. Only after a reconnect, when the server may be another one that knows of no watch, the first silence is short. Counted in looks that the process really made: one that stood still itself has not listened either.

/** Owners' leases move twice a second: so long a silence is no accident. Also what the client library takes to notice by itself. */
export const SILENCE_MS = 10_000;
export const SILENCE_MS_MAX = 60_000;
/** After a reconnect, up to twice this. */
export const RECONNECTED_MS = 2000;
export const LOOK_MS = 1000;
export const RETRY_MS = 300;
export const RETRY_MS_MAX = 5000;

export class WatchPatience {
  private readonly random: () => number;
  private silenceMs: number;
  private retryMs: number;
  private newest: number;
  private looks: number;
  private looksSinceBegan: number;
  private looksMax: number;
  private reconnectedNow: boolean;

  /** `random`: in [0, 1). */
  constructor(random: () => number) {
    this.random = random;
    this.silenceMs = SILENCE_MS;
    this.retryMs = RETRY_MS;
    this.newest = 0;
    this.looks = 0;
    this.looksSinceBegan = 0;
    this.looksMax = 0;
    this.reconnectedNow = false;
    this.began();
  }

  /** A watch began. */
  began(): void {
    this.looks = 0;
    this.looksSinceBegan = 0;
    this.retryMs = RETRY_MS;
    this.looksMax = this.drawn();
    this.reconnectedNow = false;
  }

  /** The connection was away: the server may have forgotten the watch. */
  reconnected(): void {
    this.reconnectedNow = true;
    this.looks = 0;
    this.looksMax = Math.ceil(((1 + this.random()) * RECONNECTED_MS) / LOOK_MS);
  }

  /** An entry came. What a watch tells again when it begins is nothing new; a bucket that was made anew counts from 1. */
  heard(revision: number): void {
    this.looks = 0;
    if (this.reconnectedNow) {
      this.reconnectedNow = false;
      this.looksMax = this.drawn();
    }
    if (revision <= this.newest && this.looksSinceBegan < SILENCE_MS / LOOK_MS) return;
    this.newest = revision;
    if (this.silenceMs === SILENCE_MS) return;
    this.silenceMs = SILENCE_MS;
    this.looksMax = this.drawn();
  }

  /** To be called every LOOK_MS. True: the watch has been silent for too long, and is to begin anew. */
  look(): boolean {
    this.looksSinceBegan++;
    if (++this.looks < this.looksMax) return false;
    this.silenceMs = Math.min(SILENCE_MS_MAX - SILENCE_MS, 2 * this.silenceMs);
    return true;
  }

  /** Ms until a beginning is tried, the next one later. */
  nextRetryMs(): number {
    const wait = RETRY_MS / 2 + this.random() * (this.retryMs - RETRY_MS / 2);
    this.retryMs = Math.min(RETRY_MS_MAX, 2 * this.retryMs);
    return wait;
  }

  private drawn(): number {
    return Math.ceil((SILENCE_MS + this.random() * this.silenceMs) / LOOK_MS);
  }
}

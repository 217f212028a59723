// How long gathered frames may wait for more of their connection, so that several leave in one write: not at all while the loop has time to
// spare, some ms when it has not and waiting is known to save writes. Known, because it is measured: a few ms out of every look nothing is
// held, and it is counted how many writes there were and to how many connections; the difference is what holding saves.
//
// A connection that is behind needs no deadline: what comes for it waits in the backlog until its transport drained, and leaves together.
// No I/O: times and the loop's utilisation come in.

/** Longest hold, ms; the sample is as long, so what it finds is what that hold would bring. */
export const HOLD_MS_MAX = 8;
/** Below this share of time in which the loop works, latency counts more than CPU. */
const BUSY_FROM = 0.5;
/** Writes for each connection within a sample from which holding pays: a fifth of the writes saved. */
const WRITES_PER_CONNECTION_MIN = 1.25;
/** Weight of the newest sample. */
const NEWEST = 0.4;

/**
 * The policy: ms that gathered frames may wait. `utilisation`: share of time in which the loop works, 0 to 1. `writesPerConnection`: writes to a connection within
 * HOLD_MS_MAX, of those that were written to, when nothing is held.
 */
export function holdFor(utilisation: number, writesPerConnection: number): number {
  if (utilisation < BUSY_FROM || writesPerConnection < WRITES_PER_CONNECTION_MIN) return 0;
  return Math.max(1, Math.round((HOLD_MS_MAX * (utilisation - BUSY_FROM)) / (1 - BUSY_FROM)));
}

export class Coalescing {
  /** How long what is gathered may wait, ms; 0: it leaves at the end of the turn. */
  deadlineMs: number;
  /** Slots written to in this sample, a bit each. */
  private readonly seen: Uint32Array;
  private writes: number;
  private connections: number;
  private sampling: boolean;
  private sampleEndsAt: number;
  private writesPerConnection: number;
  /** When what is gathered began to wait; -1: it does not. */
  private heldSince: number;

  constructor(capacity: number) {
    this.deadlineMs = 0;
    this.seen = new Uint32Array(Math.ceil(capacity / 32));
    this.writes = 0;
    this.connections = 0;
    this.sampling = false;
    this.sampleEndsAt = 0;
    this.writesPerConnection = 1;
    this.heldSince = -1;
  }

  /** At the end of a turn with something gathered: ms until it has to be written, 0: now. */
  holdMs(now: number): number {
    if (this.sampling) {
      if (now < this.sampleEndsAt) return 0;
      this.endSample();
    }
    if (this.deadlineMs === 0) return 0;
    if (this.heldSince < 0) this.heldSince = now;
    return Math.max(0, this.heldSince + this.deadlineMs - now);
  }

  /** A connection was written to. */
  wrote(slot: number): void {
    if (!this.sampling) return;
    this.writes++;
    const bit = 1 << (slot & 31);
    if ((this.seen[slot >>> 5]! & bit) !== 0) return;
    this.seen[slot >>> 5]! |= bit;
    this.connections++;
  }

  /** Everything that was gathered is written. */
  flushed(): void {
    this.heldSince = -1;
  }

  /** Chooses the deadline and begins a sample when the loop is busy. `utilisation`: since the last tick. Called about ten times a second. */
  tick(now: number, utilisation: number): void {
    if (this.sampling) this.endSample();
    this.deadlineMs = holdFor(utilisation, this.writesPerConnection);
    if (utilisation < BUSY_FROM) {
      this.writesPerConnection = 1;
      return;
    }
    this.seen.fill(0);
    this.writes = 0;
    this.connections = 0;
    this.sampling = true;
    this.sampleEndsAt = now + HOLD_MS_MAX;
  }

  private endSample(): void {
    this.sampling = false;
    const found = this.connections === 0 ? 1 : this.writes / this.connections;
    this.writesPerConnection += NEWEST * (found - this.writesPerConnection);
  }
}

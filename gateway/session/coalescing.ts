// How long gathered frames may wait for more of their connection, so that several leave in one write: not at all while the loop has time to
// spare, some ms when it has not and waiting saves writes. Whether it does is measured, in two steps:
//
// - a few ms of every look nothing is held, and it is counted how many writes there were and to how many connections: where that is about
//   one each, there is nothing to join;
// - while frames are held, more of them must leave in a write than in those ms. They do not where each message waits for the one before it (a
//   client that sends its next when the last was acknowledged): there holding only adds to the time. Then it rests, for longer each time.
//
// A connection that is behind needs no deadline: what comes for it waits in the backlog until its transport drained, and leaves together.
// No I/O: times and the loop's utilisation come in.

/** Share of time in which the loop works: up to the first latency counts more than CPU, from the second on the hold is the longest. */
const BUSY_FROM = 0.3;
const BUSY_FULL = 0.7;
/** Writes for each connection within a sample from which holding may pay: a fifth of the writes saved. The same of frames in a write, held against not. */
const GAIN_MIN = 1.25;
/** Where a trial begins: two looks without a gain end it. */
const GAIN_HOPED = 1.5;
/** Weight of the newest look. */
const NEWEST = 0.4;
const REST_MS_MIN = 1000;
const REST_MS_MAX = 30_000;

/**
 * The policy: ms that gathered frames may wait, at most holdMsMax. `utilisation`: share of time in which the loop works, 0 to 1.
 * `writesPerConnection`: writes to a connection within holdMsMax, of those that were written to, when nothing is held.
 */
export function holdFor(utilisation: number, writesPerConnection: number, holdMsMax: number): number {
  if (utilisation < BUSY_FROM || writesPerConnection < GAIN_MIN) return 0;
  return Math.min(holdMsMax, Math.max(1, Math.round((holdMsMax * (utilisation - BUSY_FROM)) / (BUSY_FULL - BUSY_FROM))));
}

export class Coalescing {
  /** How long what is gathered may wait, ms; 0: it leaves at the end of the turn. */
  deadlineMs: number;
  /** Longest hold, ms, 0: none. The sample is as long, so what it finds is what that hold could bring. */
  private readonly holdMsMax: number;
  /** Slots written to in this sample, a bit each. */
  private readonly seen: Uint32Array;
  /** In this sample, and behind it while held. */
  private connections: number;
  private writes: number;
  private frames: number;
  private heldWrites: number;
  private heldFrames: number;
  private sampling: boolean;
  private sampleEndsAt: number;
  /** Smoothed: what samples found, what holding brought, and how busy the loop is (a hold makes it less so, and must not end itself). */
  private writesPerConnection: number;
  private framesPerWrite: number;
  private gain: number;
  private utilisation: number;
  /** Holding did not pay: no more of it before this time, and how long to rest the next time. */
  private restUntil: number;
  private restMs: number;
  /** When what is gathered began to wait; -1: it does not. */
  private heldSince: number;

  constructor(capacity: number, holdMsMax: number) {
    this.deadlineMs = 0;
    this.holdMsMax = holdMsMax;
    this.seen = new Uint32Array(Math.ceil(capacity / 32));
    this.connections = 0;
    this.writes = 0;
    this.frames = 0;
    this.heldWrites = 0;
    this.heldFrames = 0;
    this.sampling = false;
    this.sampleEndsAt = 0;
    this.writesPerConnection = 1;
    this.framesPerWrite = 1;
    this.gain = GAIN_HOPED;
    this.utilisation = 0;
    this.restUntil = 0;
    this.restMs = REST_MS_MIN;
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

  /** So many frames were written to a connection at once. */
  wrote(slot: number, frames: number): void {
    if (!this.sampling) {
      this.heldWrites++;
      this.heldFrames += frames;
      return;
    }
    this.writes++;
    this.frames += frames;
    const bit = 1 << (slot & 31);
    if ((this.seen[slot >>> 5]! & bit) !== 0) return;
    this.seen[slot >>> 5]! |= bit;
    this.connections++;
  }

  /** Everything that was gathered is written. */
  flushed(): void {
    this.heldSince = -1;
  }

  /** Chooses the deadline, and begins a sample when the loop has something to do. `utilisation`: since the last tick. Called about four times a second. */
  tick(now: number, utilisation: number): void {
    if (this.holdMsMax === 0) return;
    if (this.sampling) this.endSample();
    if (this.deadlineMs > 0 && this.heldWrites > 0) {
      const found = this.heldFrames / this.heldWrites / this.framesPerWrite;
      this.gain += NEWEST * (found - this.gain);
      if (this.gain < GAIN_MIN) this.rest(now);
      else if (found >= GAIN_MIN) this.restMs = REST_MS_MIN;
    }
    this.utilisation += NEWEST * (utilisation - this.utilisation);
    this.deadlineMs = now < this.restUntil ? 0 : holdFor(this.utilisation, this.writesPerConnection, this.holdMsMax);
    this.heldWrites = 0;
    this.heldFrames = 0;
    if (this.utilisation < BUSY_FROM / 2) return;
    this.seen.fill(0);
    this.connections = 0;
    this.writes = 0;
    this.frames = 0;
    this.sampling = true;
    this.sampleEndsAt = now + this.holdMsMax;
  }

  private rest(now: number): void {
    this.restUntil = now + this.restMs;
    this.restMs = Math.min(REST_MS_MAX, 2 * this.restMs);
    this.gain = GAIN_HOPED;
  }

  private endSample(): void {
    this.sampling = false;
    if (this.connections === 0) return;
    this.writesPerConnection += NEWEST * (this.writes / this.connections - this.writesPerConnection);
    this.framesPerWrite += NEWEST * (this.frames / this.writes - this.framesPerWrite);
  }
}

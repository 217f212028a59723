// What is kept of each session, in arrays under the session's number, which is also its slot of the wire: some 70 bytes.
// Those who talk have a Talker besides.

export const State = {
  /** Not to be connected. */
  Away: 0,
  /** To be connected again at the time in the wheel. */
  Waiting: 1,
  Connecting: 2,
  /** Hello was written. */
  Greeting: 3,
  /** Welcomed. */
  Ready: 4,
} as const;
export type State = (typeof State)[keyof typeof State];

export const Flag = {
  /** A beat was sent and nothing was heard since. */
  BeatAsked: 1,
  /** The heads of this connection have come. */
  Synced: 2,
  /** To read slowly. */
  Throttled: 4,
  /** GoAway told it when to leave: that is what it has in the wheel. */
  Leaving: 8,
  /** The first connection of this session was synced. */
  Known: 16,
  /** Away on purpose for a while: it comes back at the time in the wheel. */
  OnLeave: 32,
  /** No beat was due yet on this connection. */
  FirstBeat: 64,
  /** An order to connect waits for it. */
  Ordered: 128,
} as const;

/** A watermark is 16 bytes at present; one that is longer than this is not kept, and everything is asked for. */
const WATERMARK_BYTES_MAX = 23;
const WATERMARK_SLOT = WATERMARK_BYTES_MAX + 1;

export const NOBODY = -1;

export class SessionTable {
  readonly sessions: number;
  readonly state: Uint8Array;
  readonly flags: Uint8Array;
  /** Attempts to connect since the last that led to a Sync. */
  readonly attempts: Uint8Array;
  /** How often it has moved to another source address. */
  readonly moves: Uint8Array;
  /** Hello's counter. */
  readonly connection: Uint32Array;
  /** Requests of this connection. */
  readonly refs: Uint32Array;
  /** When something was written last, and the last unanswered beat, in ms since the driver's start. */
  readonly saidAt: Uint32Array;
  readonly beatAt: Uint32Array;
  /** Between its beats, ms, as Welcome or a later Heartbeat says; 0: no beats are needed. */
  readonly heartbeatMs: Uint32Array;
  /** Number of its Talker; NOBODY: it has nobody to talk to. */
  readonly talker: Int32Array;
  private readonly watermarks: Uint8Array;

  constructor(sessions: number) {
    this.sessions = sessions;
    this.state = new Uint8Array(sessions);
    this.flags = new Uint8Array(sessions);
    this.attempts = new Uint8Array(sessions);
    this.moves = new Uint8Array(sessions);
    this.connection = new Uint32Array(sessions);
    this.refs = new Uint32Array(sessions);
    this.saidAt = new Uint32Array(sessions);
    this.beatAt = new Uint32Array(sessions);
    this.heartbeatMs = new Uint32Array(sessions);
    this.talker = new Int32Array(sessions).fill(NOBODY);
    this.watermarks = new Uint8Array(sessions * WATERMARK_SLOT);
  }

  has(session: number, flag: number): boolean {
    return (this.flags[session]! & flag) !== 0;
  }

  set(session: number, flag: number): void {
    this.flags[session]! |= flag;
  }

  clear(session: number, flag: number): void {
    this.flags[session]! &= ~flag;
  }

  watermark(session: number): Uint8Array {
    const at = session * WATERMARK_SLOT;
    return this.watermarks.subarray(at + 1, at + 1 + this.watermarks[at]!);
  }

  setWatermark(session: number, watermark: Uint8Array): void {
    const at = session * WATERMARK_SLOT;
    const length = watermark.length <= WATERMARK_BYTES_MAX ? watermark.length : 0;
    this.watermarks[at] = length;
    this.watermarks.set(watermark.subarray(0, length), at + 1);
  }
}

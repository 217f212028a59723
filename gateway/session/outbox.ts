// Everything that is written to clients, gathered: one write for each connection and loop turn, and a bounded
// number of bytes waiting for each, by kind of frame.
//
//   pushes     up to pushBytesMax waiting; beyond, the connection lags: it gets one Resync, and its pushes are dropped
//              until the answer to its Sync passes by (everything dropped before is in that answer's heads)
//   all others up to controlBytesMax more; beyond, it is closed with SLOW_CONSUMER
//
// A connection that takes nothing for stallMs while something waits is closed as well.
// Invariant: a slot with gathered frames is on the dirty list, and stands there once; it is on the backlog list from
// a write that was Buffered until it was seen empty.
import { encodeMessage, lengthRead, readLength } from "../../proto/frame.ts";
import { FrameType, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { WriteResult } from "../accept/transport.ts";
import { CloseReason, type Counters, DropReason } from "../counters.ts";

export const RESYNC_FRAME: Uint8Array = encodeMessage(FrameType.Resync, hawser.v1.Resync, {});

/** The part of a transport that is written to. */
export interface OutboxPort {
  write(slot: number, bytes: Uint8Array): WriteResult;
  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult;
  bufferedBytes(slot: number): number;
  close(slot: number, lastBytes?: Uint8Array): void;
}

export interface OutboxOwner {
  /** Too much waits for this slot, or for too long: to be closed with SLOW_CONSUMER. */
  slow(slot: number): void;
  /** To have `flush` called at the end of this loop turn. */
  flushSoon(): void;
}

export interface OutboxLimits {
  pushBytesMax: number;
  /** Beyond pushBytesMax. */
  controlBytesMax: number;
  stallMs: number;
}

const Flag = { Backlog: 1, Lagging: 2, Dirty: 4 } as const;
const END = -1;
/** Gathered frames that are written at once instead of at the end of the turn. */
const GATHERED_MAX = 65_536;
const UNSEEN = -1;

export class Outbox {
  private readonly port: OutboxPort;
  private readonly owner: OutboxOwner;
  private readonly counters: Counters;
  private readonly limits: OutboxLimits;
  private readonly flags: Uint8Array;
  /** Gathered frames: entries linked by slot, used again each turn. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly gatheredBytes: Uint32Array;
  private readonly frames: Uint8Array[];
  private readonly next: number[];
  private count: number;
  private readonly dirty: number[];
  private readonly many: Uint8Array[];
  private readonly backlog: number[];
  /** Where a slot stands in the backlog list; meaningful while it has the flag. */
  private readonly backlogAt: Int32Array;
  /** Bytes given to the port, and how many of them it had taken when the slot last made progress, and when. */
  private readonly given: Float64Array;
  private readonly taken: Float64Array;
  private readonly takenAt: Float64Array;
  /** Connections that lag now. */
  laggingCount: number;

  constructor(capacity: number, port: OutboxPort, owner: OutboxOwner, counters: Counters, limits: OutboxLimits) {
    this.port = port;
    this.owner = owner;
    this.counters = counters;
    this.limits = limits;
    this.flags = new Uint8Array(capacity);
    this.first = new Int32Array(capacity).fill(END);
    this.last = new Int32Array(capacity).fill(END);
    this.gatheredBytes = new Uint32Array(capacity);
    this.frames = [];
    this.next = [];
    this.count = 0;
    this.dirty = [];
    this.many = [];
    this.backlog = [];
    this.backlogAt = new Int32Array(capacity);
    this.given = new Float64Array(capacity);
    this.taken = new Float64Array(capacity);
    this.takenAt = new Float64Array(capacity);
    this.laggingCount = 0;
  }

  /** A frame that must arrive, or the connection is closed. */
  control(slot: number, frame: Uint8Array): void {
    if (this.hasRoom(slot, frame.length, this.limits.pushBytesMax + this.limits.controlBytesMax)) this.gather(slot, frame);
    else this.owner.slow(slot);
  }

  /** A frame that a lagging connection can do without. */
  push(slot: number, frame: Uint8Array): void {
    if ((this.flags[slot]! & Flag.Lagging) === 0) {
      if (this.hasRoom(slot, frame.length, this.limits.pushBytesMax)) return this.gather(slot, frame);
      this.flags[slot]! |= Flag.Lagging;
      this.laggingCount++;
      this.counters.resyncs++;
      this.control(slot, RESYNC_FRAME);
    }
    this.counters.drops[DropReason.Lagging]!++;
  }

  /** A page of heads: what was dropped before is in it or in a later page; each later lag has a Resync of its own. */
  sync(slot: number, frame: Uint8Array): void {
    this.caughtUp(slot);
    this.control(slot, frame);
  }

  /** Writes what is gathered, then `lastFrame`, and closes. */
  close(slot: number, lastFrame: Uint8Array | undefined): void {
    if (lastFrame !== undefined) this.gather(slot, lastFrame);
    this.write(slot);
    this.port.close(slot);
    this.caughtUp(slot);
  }

  /** The connection is gone. */
  closed(slot: number): void {
    this.caughtUp(slot);
    // What was gathered for it must not reach its successor.
    this.first[slot] = END;
    this.gatheredBytes[slot] = 0;
    this.leaveBacklog(slot);
    this.given[slot] = 0;
  }

  /** The port holds nothing for the slot any more. */
  drained(slot: number): void {
    this.leaveBacklog(slot);
  }

  lagging(slot: number): boolean {
    return (this.flags[slot]! & Flag.Lagging) !== 0;
  }

  /** Writes everything that was gathered. */
  flush(): void {
    const { dirty } = this;
    for (let i = 0; i < dirty.length; i++) {
      const slot = dirty[i]!;
      this.flags[slot]! &= ~Flag.Dirty;
      this.write(slot);
    }
    dirty.length = 0;
    this.frames.fill(NONE, 0, this.count);
    this.count = 0;
  }

  /** Closes those who take nothing. Called about once a second. */
  sweep(now: number): void {
    for (let i = this.backlog.length - 1; i >= 0; i--) {
      const slot = this.backlog[i]!;
      const waiting = this.port.bufferedBytes(slot);
      const taken = this.given[slot]! - waiting;
      if (waiting === 0) this.leaveBacklog(slot);
      else if (this.takenAt[slot] === UNSEEN || taken > this.taken[slot]!) {
        this.taken[slot] = taken;
        this.takenAt[slot] = now;
      } else if (now - this.takenAt[slot]! >= this.limits.stallMs) this.owner.slow(slot);
    }
  }

  /** Connections with bytes waiting in this process, as far as known. */
  get backlogCount(): number {
    return this.backlog.length;
  }

  private hasRoom(slot: number, bytes: number, bytesMax: number): boolean {
    if (this.waitingBytes(slot) + bytes <= bytesMax) return true;
    if (this.gatheredBytes[slot] === 0) return false;
    // What was only gathered may go at once: a turn with much for somebody who reads is no lag.
    this.write(slot);
    return this.waitingBytes(slot) + bytes <= bytesMax;
  }

  /** Bytes waiting in this process for connections that do not take them: bounded by the limits for each. */
  get backlogBytes(): number {
    let bytes = 0;
    for (const slot of this.backlog) bytes += this.port.bufferedBytes(slot);
    return bytes;
  }

  private waitingBytes(slot: number): number {
    const gathered = this.gatheredBytes[slot]!;
    return (this.flags[slot]! & Flag.Backlog) === 0 ? gathered : gathered + this.port.bufferedBytes(slot);
  }

  private gather(slot: number, frame: Uint8Array): void {
    const entry = this.count++;
    this.frames[entry] = frame;
    this.next[entry] = END;
    if (this.first[slot] === END) this.first[slot] = entry;
    else this.next[this.last[slot]!] = entry;
    this.last[slot] = entry;
    this.gatheredBytes[slot]! += frame.length;
    this.counters.framesOut[frameType(frame)]!++;
    if ((this.flags[slot]! & Flag.Dirty) !== 0) return;
    this.flags[slot]! |= Flag.Dirty;
    if (this.dirty.push(slot) === 1) this.owner.flushSoon();
    if (this.count >= GATHERED_MAX) this.flush();
  }

  private write(slot: number): void {
    let entry = this.first[slot]!;
    if (entry === END) return;
    this.first[slot] = END;
    const bytes = this.gatheredBytes[slot]!;
    this.gatheredBytes[slot] = 0;
    let result: WriteResult;
    if (this.next[entry] === END) result = this.port.write(slot, this.frames[entry]!);
    else {
      let count = 0;
      for (; entry !== END; entry = this.next[entry]!) this.many[count++] = this.frames[entry]!;
      result = this.port.writeMany(slot, this.many, count);
      this.many.fill(NONE, 0, count);
    }
    if (result === WriteResult.Dropped) return;
    this.counters.bytesOut[0]! += bytes;
    this.given[slot]! += bytes;
    if (result === WriteResult.Sent || (this.flags[slot]! & Flag.Backlog) !== 0) return;
    this.flags[slot]! |= Flag.Backlog;
    this.takenAt[slot] = UNSEEN;
    this.backlogAt[slot] = this.backlog.push(slot) - 1;
  }

  private caughtUp(slot: number): void {
    if ((this.flags[slot]! & Flag.Lagging) === 0) return;
    this.flags[slot]! &= ~Flag.Lagging;
    this.laggingCount--;
  }

  private leaveBacklog(slot: number): void {
    if ((this.flags[slot]! & Flag.Backlog) === 0) return;
    this.flags[slot]! &= ~Flag.Backlog;
    const at = this.backlogAt[slot]!;
    const moved = this.backlog.pop()!;
    if (moved === slot) return;
    this.backlog[at] = moved;
    this.backlogAt[moved] = at;
  }
}
const NONE = new Uint8Array(0);

/** The type of a whole frame; 0 for a beat. */
function frameType(frame: Uint8Array): number {
  const at = frame[0]! < 0x80 ? 1 : readLength(frame, 0, frame.length);
  return at < 0 || at >= frame.length ? 0 : frame[at]! & TYPE_MASK;
}

/** For the count of closes: which error a last frame is. */
export function closeReasonOf(frame: Uint8Array): number {
  if (frameType(frame) !== FrameType.Error) return CloseReason.Other;
  const end = readLength(frame, 0, frame.length);
  try {
    const { code } = hawser.v1.Error.decode(frame.subarray(end + 1, end + lengthRead));
    return code < CloseReason.Drained ? code : CloseReason.Other;
  } catch {
    return CloseReason.Other;
  }
}

// Everything that is written to clients: gathered, one write for each connection and loop turn, and a bounded number of bytes waiting for
// each connection and for all of them, by kind of frame.
//
//   pushes         up to pushBytesMax waiting; beyond, the connection lags: it gets one Resync, and its pushes are dropped
//                  until the answer to its Sync passes by (everything dropped before is in that answer's heads)
//   control        up to controlBytesMax more; beyond, it is closed with SLOW_CONSUMER
//   receipts       behind all those, the newest of each conversation, in an eighth of pushBytesMax more; what does not fit is
//                  made up for by a Resync when all is written
//   ephemeral      dropped as soon as anything waits
//
// All connections together have backlogBytesMax for pushes and receipts, and twice that for everything, beside what a turn gathered for them before they
// waited: once half of the former is taken, who holds more than an equal share of it lags; when the latter is used up, those who hold the most are closed,
// whoever comes next. A connection that takes nothing for stallMs while something waits is closed as well.
// Invariant: a slot has the flag Waiting while the backlog knows it.
import { encodeMessage } from "../../proto/frame.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { WriteResult } from "../accept/transport.ts";
import type { FrameShaper } from "../compress/shaper.ts";
import { type Counters, DropReason } from "../counters.ts";
import { Backlog, type BacklogOwner } from "./backlog.ts";
import { Coalescing } from "./coalescing.ts";
import { frameType } from "./frame-kind.ts";
import { Gathered } from "./gathered.ts";
import { type OutboxPort, OutboxWriter } from "./outbox-writer.ts";

export const RESYNC_FRAME: Uint8Array = encodeMessage(FrameType.Resync, hawser.v1.Resync, {});

export interface OutboxOwner {
  /** Too much waits for this slot, or for too long: to be closed with SLOW_CONSUMER. Not always the one that is being written to. */
  slow(slot: number): void;
  /** To have `flush` called at the end of this loop turn, or `holdMs` later. */
  flushSoon(): void;
}

export interface OutboxLimits {
  pushBytesMax: number;
  /** Beyond pushBytesMax. */
  controlBytesMax: number;
  /** Pushes and receipts that wait for all connections together; with control frames twice that. */
  backlogBytesMax: number;
  stallMs: number;
  /** Gathered frames may wait so long for more of their connection, under load and where that joins writes; 0: never. */
  holdMsMax: number;
}

const Flag = { Waiting: 1, Lagging: 2 } as const;
/** Gathered frames and bytes that are written at once instead of at the end of the turn. */
const GATHERED_FRAMES_MAX = 65_536;
const GATHERED_BYTES_MAX = 8 * 1024 * 1024;
/** Receipts that wait for a connection may take this part of what pushes may. */
const RECEIPT_SHARE = 8;
/** When there is no room for all, connections are closed until this part of it is free. */
const SHED_SHARE = 1 / 8;
/** What waits for a connection that is closed still goes out when it is no more than this. */
const CLOSING_BYTES_MAX = 64 * 1024;
const NONE = new Uint8Array(0);

export class Outbox implements BacklogOwner {
  readonly coalescing: Coalescing;
  private readonly port: OutboxPort;
  private readonly owner: OutboxOwner;
  private readonly counters: Counters;
  private readonly limits: OutboxLimits;
  private readonly writer: OutboxWriter;
  private readonly gathered: Gathered;
  private readonly backlog: Backlog;
  private readonly flags: Uint8Array;
  private readonly many: Uint8Array[];
  /** Connections that lag now. */
  laggingCount: number;

  constructor(capacity: number, port: OutboxPort, owner: OutboxOwner, counters: Counters, limits: OutboxLimits, shaper?: FrameShaper) {
    this.coalescing = new Coalescing(capacity, limits.holdMsMax);
    this.port = port;
    this.owner = owner;
    this.counters = counters;
    this.limits = limits;
    this.writer = new OutboxWriter(port, counters, shaper);
    this.gathered = new Gathered(capacity);
    this.backlog = new Backlog(this.writer, this, counters, RESYNC_FRAME);
    this.flags = new Uint8Array(capacity);
    this.many = [];
    this.laggingCount = 0;
  }

  /** A delivery of any class but Close. One that this gateway does not know yet is treated as a push. */
  deliver(slot: number, frame: Uint8Array, deliveryClass: number): void {
    if (deliveryClass === DeliveryClass.Control) this.control(slot, frame);
    else if (deliveryClass === DeliveryClass.Sync) this.sync(slot, frame);
    else if (deliveryClass === DeliveryClass.Receipt) this.receipt(slot, frame);
    else if (deliveryClass === DeliveryClass.Ephemeral) this.ephemeral(slot, frame);
    else this.push(slot, frame);
  }

  /** A frame that must arrive, or the connection is closed. */
  control(slot: number, frame: Uint8Array): void {
    const { pushBytesMax, controlBytesMax, backlogBytesMax } = this.limits;
    const bytesMax = pushBytesMax + controlBytesMax;
    const allBytesMax = 2 * backlogBytesMax;
    if (this.hasRoom(slot, frame.length, bytesMax, allBytesMax)) return this.gather(slot, frame);
    if (this.fits(slot, frame.length, bytesMax, Number.POSITIVE_INFINITY)) {
      // Its own waiting is in order. So that this is not done for each frame, it makes room for many.
      this.backlog.shed(allBytesMax * (1 - SHED_SHARE));
      if ((this.flags[slot]! & Flag.Waiting) === 0) return;
      if (this.fits(slot, frame.length, bytesMax, allBytesMax)) return this.gather(slot, frame);
    }
    this.owner.slow(slot);
  }

  /** A frame that a lagging connection can do without. */
  push(slot: number, frame: Uint8Array): void {
    if ((this.flags[slot]! & Flag.Lagging) === 0) {
      const { pushBytesMax, backlogBytesMax } = this.limits;
      if (this.hasRoom(slot, frame.length, this.pushShare(pushBytesMax), backlogBytesMax)) return this.gather(slot, frame);
      this.flags[slot]! |= Flag.Lagging;
      this.laggingCount++;
      this.counters.resyncs++;
      this.backlog.forgetReceipts(slot);
      this.control(slot, RESYNC_FRAME);
    }
    this.counters.drops[DropReason.Lagging]!++;
  }

  /** A page of heads: what was dropped before is in it or in a later page; each later lag has a Resync of its own. */
  sync(slot: number, frame: Uint8Array): void {
    this.pushAgain(slot);
    this.control(slot, frame);
  }

  /** A read position. A lagging connection learns it from the heads of its Sync. */
  receipt(slot: number, frame: Uint8Array): void {
    const flags = this.flags[slot]!;
    if (flags === 0) return this.gather(slot, frame);
    const waiting = this.backlog.of(slot);
    if ((flags & Flag.Lagging) !== 0) this.counters.drops[DropReason.Lagging]!++;
    else if (waiting === undefined || !this.backlog.blocked(waiting)) this.gather(slot, frame);
    else this.backlog.receipt(waiting, frame, this.limits.pushBytesMax / RECEIPT_SHARE, this.limits.backlogBytesMax);
  }

  /** A frame that is worth nothing once it is late. */
  ephemeral(slot: number, frame: Uint8Array): void {
    if (this.flags[slot] === 0) this.gather(slot, frame);
    else this.counters.drops[DropReason.Ephemeral]!++;
  }

  /** Writes what waits, then `lastFrame`, and closes. Of one who is far behind only `lastFrame`: it would not read the rest in time. */
  close(slot: number, lastFrame: Uint8Array | undefined): void {
    const waiting = this.backlog.of(slot);
    let count = 0;
    if (waiting === undefined || waiting.queue.bytes + this.gathered.bytesOf(slot) <= CLOSING_BYTES_MAX) {
      if (waiting !== undefined) count = this.backlog.takeAll(waiting, this.many);
      count += this.gathered.take(slot, this.many, count);
    }
    if (lastFrame !== undefined) {
      this.many[count++] = lastFrame;
      this.counters.framesOut[frameType(lastFrame)]!++;
    }
    if (count > 0) this.writer.write(slot, this.many, count);
    this.port.close(slot);
    this.closed(slot);
  }

  /** The connection is gone: nothing of it must reach its successor. */
  closed(slot: number): void {
    this.pushAgain(slot);
    this.gathered.forget(slot);
    this.backlog.forget(slot);
  }

  /** The port holds nothing for the slot any more, or little. */
  drained(slot: number): void {
    const waiting = this.backlog.of(slot);
    if (waiting !== undefined) this.backlog.release(waiting);
  }

  lagging(slot: number): boolean {
    return (this.flags[slot]! & Flag.Lagging) !== 0;
  }

  /** At the end of a turn: ms that what was gathered may wait for more, 0: flush now. */
  holdMs(now: number): number {
    return this.gathered.frameCount === 0 ? 0 : this.coalescing.holdMs(now);
  }

  /** Writes everything that was gathered. */
  flush(): void {
    const { gathered } = this;
    for (let place = 0; place < gathered.placeCount; place++) this.write(gathered.slotAt(place));
    gathered.clear();
    this.coalescing.flushed();
  }

  /** Hands over where something drained, and closes those who take nothing. Called several times a second. */
  sweep(now: number): void {
    this.backlog.sweep(now, this.limits.stallMs);
  }

  /** Connections with bytes waiting in this process, as far as known. */
  get backlogCount(): number {
    return this.backlog.count;
  }

  /** Memory that waits in this process for connections that do not take it. */
  get backlogBytes(): number {
    return this.backlog.bytes;
  }

  // The backlog tells

  givenUp(slot: number): void {
    this.owner.slow(slot);
  }

  caughtUp(slot: number): void {
    this.flags[slot]! &= ~Flag.Waiting;
  }

  /** What one connection may have waiting before it lags. */
  private pushShare(bytesMax: number): number {
    const { backlog } = this;
    const { backlogBytesMax } = this.limits;
    return 2 * backlog.bytes <= backlogBytesMax ? bytesMax : Math.min(bytesMax, backlogBytesMax / backlog.count);
  }

  private hasRoom(slot: number, bytes: number, bytesMax: number, allBytesMax: number): boolean {
    if (this.fits(slot, bytes, bytesMax, allBytesMax)) return true;
    if (this.gathered.bytesOf(slot) === 0) return false;
    // What was only gathered may go at once: a turn with much for somebody who reads is no lag.
    this.write(slot);
    return this.fits(slot, bytes, bytesMax, allBytesMax);
  }

  private fits(slot: number, bytes: number, bytesMax: number, allBytesMax: number): boolean {
    const gathered = this.gathered.bytesOf(slot) + bytes;
    if ((this.flags[slot]! & Flag.Waiting) === 0) return gathered <= bytesMax;
    return gathered + this.backlog.bytesOf(slot) <= bytesMax && gathered + this.backlog.bytes <= allBytesMax;
  }

  private gather(slot: number, frame: Uint8Array): void {
    const { gathered } = this;
    this.counters.framesOut[frameType(frame)]!++;
    if ((this.flags[slot]! & Flag.Waiting) !== 0 && this.waits(slot, frame)) return;
    gathered.add(slot, frame);
    if (gathered.frameCount === 1) this.owner.flushSoon();
    else if (gathered.frameCount >= GATHERED_FRAMES_MAX || gathered.byteCount >= GATHERED_BYTES_MAX) this.flush();
  }

  /** Puts the frame behind what waits for the slot, at once, so that it counts at once. False: its transport takes more. */
  private waits(slot: number, frame: Uint8Array): boolean {
    const waiting = this.backlog.of(slot)!;
    if (!this.backlog.blocked(waiting)) return false;
    const count = this.gathered.take(slot, this.many, 0);
    this.many[count] = frame;
    this.backlog.enqueue(waiting, this.many, count + 1);
    this.many.fill(NONE, 0, count + 1);
    return true;
  }

  /** Hands what was gathered for the slot to its transport, or lets it wait behind what waits. */
  private write(slot: number): void {
    const count = this.gathered.take(slot, this.many, 0);
    if (count === 0) return;
    if ((this.flags[slot]! & Flag.Waiting) !== 0) {
      const waiting = this.backlog.of(slot)!;
      if (this.backlog.blocked(waiting)) {
        this.backlog.enqueue(waiting, this.many, count);
        this.many.fill(NONE, 0, count);
        return;
      }
    }
    this.coalescing.wrote(slot, count);
    const result = this.writer.write(slot, this.many, count);
    if (result === WriteResult.Dropped || (result === WriteResult.Sent && this.flags[slot] === 0)) return;
    if (result === WriteResult.Buffered) this.flags[slot]! |= Flag.Waiting;
    this.backlog.wrote(slot, result);
  }

  /** Pushes are no longer dropped. */
  private pushAgain(slot: number): void {
    if ((this.flags[slot]! & Flag.Lagging) === 0) return;
    this.flags[slot]! &= ~Flag.Lagging;
    this.laggingCount--;
  }
}

// Connections that do not take what is written as fast as it comes: what waits for each, in the order in which it will leave, and when one is given up.
//
//   acks, messages and everything else   in the order they came
//   receipts                             when none of those waits any more, the newest of each conversation
//   what is ephemeral                    never waits (outbox.ts drops it)
//
// The transport is given no more than PORT_BYTES_LOW and a hand-over ahead: what it holds cannot be put behind anything any more. Objects are made for
// those who wait, and only for them.
//
// Invariant: `bytes` is the memory that waits for all of them together, in the transport too (as last seen, which only shrinks by itself).
import { WriteResult } from "../accept/transport.ts";
import { type Counters, DropReason } from "../counters.ts";
import { FrameQueue, splitFrames } from "./frame-queue.ts";
import { frameType } from "./frame-kind.ts";
import type { OutboxWriter } from "./outbox-writer.ts";
import { Receipts } from "./receipts.ts";

/** With fewer bytes than this waiting in the transport it is given more: as much as Node's streams hold before they tell of draining. */
const PORT_BYTES_LOW = 16 * 1024;
/** Handed over at a time, and a chunk: a reader's progress is seen in steps of that. */
const HANDOVER_BYTES = 32 * 1024;
const UNSEEN = -1;
const GONE = -1;
const MAGNITUDES = 33;

/** What waits for one connection. */
export class Waiting {
  readonly slot: number;
  readonly queue: FrameQueue;
  receipts: Receipts | undefined;
  /** A receipt was left out: to be told to sync when everything else is gone. */
  owesResync: boolean;
  /** Bytes given to the transport since it waits, how many of them it had got rid of when it last made progress, and when that was. */
  given: number;
  taken: number;
  takenAt: number;
  /** Memory as counted in Backlog.bytes. */
  counted: number;
  /** Place in the list of all; GONE: it waits no more. */
  place: number;

  constructor(slot: number, place: number) {
    this.slot = slot;
    this.queue = new FrameQueue();
    this.receipts = undefined;
    this.owesResync = false;
    this.given = 0;
    this.taken = 0;
    this.takenAt = UNSEEN;
    this.counted = 0;
    this.place = place;
  }
}

export interface BacklogOwner {
  /** It took nothing for too long, or holds the most while there is no room for all. */
  givenUp(slot: number): void;
  /** Nothing waits for this slot any more. */
  caughtUp(slot: number): void;
}

export class Backlog {
  private readonly writer: OutboxWriter;
  private readonly owner: BacklogOwner;
  private readonly counters: Counters;
  private readonly resyncFrame: Uint8Array;
  private readonly bySlot: Map<number, Waiting>;
  private readonly all: Waiting[];
  private readonly many: Uint8Array[];
  private releasing: boolean;
  /** Memory that waits for all connections. */
  bytes: number;

  constructor(writer: OutboxWriter, owner: BacklogOwner, counters: Counters, resyncFrame: Uint8Array) {
    this.writer = writer;
    this.owner = owner;
    this.counters = counters;
    this.resyncFrame = resyncFrame;
    this.bySlot = new Map();
    this.all = [];
    this.many = [];
    this.releasing = false;
    this.bytes = 0;
  }

  /** Connections that wait. */
  get count(): number {
    return this.all.length;
  }

  of(slot: number): Waiting | undefined {
    return this.bySlot.get(slot);
  }

  /** Bytes of frames that wait for this slot, receipts apart. */
  bytesOf(slot: number): number {
    const waiting = this.bySlot.get(slot);
    return waiting === undefined ? 0 : waiting.queue.bytes + this.writer.port.bufferedBytes(slot);
  }

  /** Whether what comes now has to wait here. */
  blocked(waiting: Waiting): boolean {
    const { slot, queue } = waiting;
    if (queue.bytes > 0 && this.writer.port.bufferedBytes(slot) < PORT_BYTES_LOW) this.release(waiting);
    return queue.bytes > 0 || this.writer.port.bufferedBytes(slot) >= PORT_BYTES_LOW;
  }

  /** The transport reported Buffered or Sent for what the writer wrote last. */
  wrote(slot: number, result: WriteResult): void {
    let waiting = this.bySlot.get(slot);
    if (waiting === undefined) {
      if (result !== WriteResult.Buffered) return;
      waiting = new Waiting(slot, this.all.length);
      this.all.push(waiting);
      this.bySlot.set(slot, waiting);
      waiting.given = this.writer.port.bufferedBytes(slot);
    } else waiting.given += this.writer.writtenBytes;
    if (result === WriteResult.Sent && this.isEmpty(waiting)) this.leave(waiting);
    else this.account(waiting);
  }

  /** Frames behind all that wait. */
  enqueue(waiting: Waiting, frames: Uint8Array[], count: number): void {
    for (let i = 0; i < count; i++) waiting.queue.push(frames[i]!);
    this.account(waiting);
  }

  /** A read position; it may be left out, and made up for by a Resync at the end: no room for this slot, or for all. */
  receipt(waiting: Waiting, frame: Uint8Array, bytesMax: number, allBytesMax: number): void {
    waiting.receipts ??= new Receipts();
    if (!waiting.receipts.put(frame, Math.min(bytesMax, waiting.receipts.bytes + allBytesMax - this.bytes))) {
      waiting.owesResync = true;
      this.counters.drops[DropReason.Receipt]!++;
    }
    this.account(waiting);
  }

  /** A Resync goes out anyway: what it makes up for need not be kept. */
  forgetReceipts(slot: number): void {
    const waiting = this.bySlot.get(slot);
    if (waiting === undefined) return;
    waiting.receipts = undefined;
    waiting.owesResync = false;
    this.account(waiting);
  }

  /** Hands over what the transport takes, in order of importance. */
  release(waiting: Waiting): void {
    if (this.releasing) return;
    this.releasing = true;
    const { slot } = waiting;
    const { port } = this.writer;
    for (;;) {
      const count = this.next(waiting);
      if (count === 0) break;
      const result = this.writer.write(slot, this.many, count);
      waiting.given += this.writer.writtenBytes;
      if (result === WriteResult.Dropped) break;
      if (result === WriteResult.Buffered && port.bufferedBytes(slot) >= PORT_BYTES_LOW) break;
    }
    this.releasing = false;
    if (this.isEmpty(waiting)) this.leave(waiting);
    else this.account(waiting);
  }

  /** All that waits but receipts to into[0 … count - 1], in order; returns count. The slot waits no more. */
  takeAll(waiting: Waiting, into: Uint8Array[]): number {
    const apart = this.writer.shapes(waiting.slot);
    let count = 0;
    for (let chunk = waiting.queue.shift(); chunk !== undefined; chunk = waiting.queue.shift()) {
      if (apart) count = splitFrames(chunk, into, count);
      else into[count++] = chunk;
    }
    this.leave(waiting);
    return count;
  }

  /** What waits for the slot is of no use any more. */
  forget(slot: number): void {
    const waiting = this.bySlot.get(slot);
    if (waiting !== undefined) this.leave(waiting);
  }

  /** Hands over where a transport drained without a word, and tells of those who take nothing. Called several times a second. */
  sweep(now: number, stallMs: number): void {
    const { port } = this.writer;
    for (let i = this.all.length - 1; i >= 0; i--) {
      const waiting = this.all[i]!;
      if (port.bufferedBytes(waiting.slot) < PORT_BYTES_LOW) this.release(waiting);
      const buffered = port.bufferedBytes(waiting.slot);
      if (waiting.place === GONE || buffered === 0) continue;
      const taken = waiting.given - buffered;
      if (waiting.takenAt === UNSEEN || taken > waiting.taken) {
        waiting.taken = taken;
        waiting.takenAt = now;
        this.account(waiting);
      } else if (now - waiting.takenAt >= stallMs) this.owner.givenUp(waiting.slot);
    }
  }

  /** Gives up those who hold the most, to within a factor of two, until no more than `bytesMax` wait. Two walks over all who wait. */
  shed(bytesMax: number): void {
    const byMagnitude = new Float64Array(MAGNITUDES);
    for (const { counted } of this.all) byMagnitude[magnitude(counted)]! += counted;
    let least = MAGNITUDES;
    for (let bytes = this.bytes; bytes > bytesMax && least > 1; ) bytes -= byMagnitude[--least]!;
    // Whoever goes is replaced by one that was looked at already.
    for (let i = this.all.length - 1; i >= 0 && this.bytes > bytesMax; i--) {
      const { slot, counted } = this.all[i]!;
      if (magnitude(counted) >= least) this.owner.givenUp(slot);
    }
  }

  /** What to hand over next, in `many`. */
  private next(waiting: Waiting): number {
    const { queue, receipts, slot } = waiting;
    const apart = this.writer.shapes(slot);
    let count = 0;
    let bytes = 0;
    while (bytes < HANDOVER_BYTES) {
      const chunk = queue.shift();
      if (chunk === undefined) break;
      bytes += chunk.length;
      if (apart) count = splitFrames(chunk, this.many, count);
      else this.many[count++] = chunk;
    }
    if (count > 0) return count;
    if (receipts !== undefined) {
      count = receipts.take(this.many);
      waiting.receipts = undefined;
    }
    if (waiting.owesResync) {
      waiting.owesResync = false;
      this.counters.resyncs++;
      this.many[count++] = this.resyncFrame;
    }
    for (let i = 0; i < count; i++) this.counters.framesOut[frameType(this.many[i]!)]!++;
    return count;
  }

  private isEmpty(waiting: Waiting): boolean {
    return waiting.queue.bytes === 0 && waiting.receipts === undefined && !waiting.owesResync && this.writer.port.bufferedBytes(waiting.slot) === 0;
  }

  private account(waiting: Waiting): void {
    // Its memory is no longer counted here.
    if (waiting.place === GONE) return;
    const bytes = waiting.queue.heldBytes + (waiting.receipts?.bytes ?? 0) + this.writer.port.bufferedBytes(waiting.slot);
    this.bytes += bytes - waiting.counted;
    waiting.counted = bytes;
  }

  private leave(waiting: Waiting): void {
    if (waiting.place === GONE) return;
    this.bySlot.delete(waiting.slot);
    this.bytes -= waiting.counted;
    waiting.counted = 0;
    const moved = this.all.pop()!;
    if (moved !== waiting) {
      this.all[waiting.place] = moved;
      moved.place = waiting.place;
    }
    waiting.place = GONE;
    this.owner.caughtUp(waiting.slot);
  }
}

/** Binary digits of a number of bytes. */
function magnitude(bytes: number): number {
  return 32 - Math.clz32(bytes);
}

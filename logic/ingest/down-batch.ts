// Deliveries of one Down batch (fabric.proto), encoded as they come into one buffer that is used again: by hand, as the gateway
// encodes what goes up. Field order on the wire is deliveries, head, epoch; protobuf lets a reader take any.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import type { LinkHead } from "../../proto/link.ts";
import { bytesFieldBytes, numberFieldBytes, varintBytes, writeBytesField, writeNumberField, writeVarint } from "../../proto/varint.ts";
import type { Session } from "../shard/session.ts";

const TAG_HEAD = 0x0a;
const TAG_EPOCH = 0x10;
const TAG_DELIVERY = 0x1a;
const TAG_FRAME = 0x0a;
const TAG_SLOTS = 0x12;
const TAG_GENERATIONS = 0x1a;
const TAG_CLASS = 0x20;

const START_BYTES = 16 * 1024;
/** Tags, lengths and class of a delivery, and what one session adds to it, at their longest. */
const DELIVERY_OVERHEAD_BYTES = 32;
const SESSION_BYTES_MAX = 10;
/** Head and epoch at their longest. */
const TAIL_BYTES = 128;

export class DownBatch {
  private bytes: Uint8Array;
  private length: number;

  constructor() {
    this.bytes = new Uint8Array(START_BYTES);
    this.length = 0;
  }

  /** Bytes gathered. */
  get byteLength(): number {
    return this.length;
  }

  /** The most that one more delivery could add. */
  static roomFor(frameBytes: number, sessions: number): number {
    return DELIVERY_OVERHEAD_BYTES + frameBytes + SESSION_BYTES_MAX * sessions;
  }

  /** One frame to one session. `deliveryClass`: fabric's DeliveryClass. */
  add(session: Session, frame: Uint8Array, deliveryClass: number): void {
    const { slot, generation } = session;
    const slots = varintBytes(slot);
    const generations = varintBytes(generation);
    let at = this.begin(frame, deliveryClass, slots, generations, 1);
    const out = this.bytes;
    out[at++] = TAG_SLOTS;
    at = writeVarint(out, writeVarint(out, at, slots), slot);
    out[at++] = TAG_GENERATIONS;
    at = writeVarint(out, writeVarint(out, at, generations), generation);
    this.length = writeNumberField(out, at, TAG_CLASS, deliveryClass);
  }

  /** The same frame to several sessions, one at least. */
  addMany(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void {
    let slots = 0;
    let generations = 0;
    for (const session of sessions) {
      slots += varintBytes(session.slot);
      generations += varintBytes(session.generation);
    }
    let at = this.begin(frame, deliveryClass, slots, generations, sessions.length);
    const out = this.bytes;
    out[at++] = TAG_SLOTS;
    at = writeVarint(out, at, slots);
    for (const session of sessions) at = writeVarint(out, at, session.slot);
    out[at++] = TAG_GENERATIONS;
    at = writeVarint(out, at, generations);
    for (const session of sessions) at = writeVarint(out, at, session.generation);
    this.length = writeNumberField(out, at, TAG_CLASS, deliveryClass);
  }

  /** The whole batch as its own bytes; the next one begins empty. */
  finish(head: LinkHead, epoch: number): Uint8Array {
    const headBytes = fabric.fabric.v1.LinkHead.encode(head).finish();
    this.reserve(TAIL_BYTES);
    const at = writeNumberField(this.bytes, writeBytesField(this.bytes, this.length, TAG_HEAD, headBytes), TAG_EPOCH, epoch);
    this.length = 0;
    const batch = this.bytes.slice(0, at);
    // The buffer of a storm, or of a large page, is not kept for ever.
    if (this.bytes.length > 4 * START_BYTES && at < START_BYTES) this.bytes = new Uint8Array(START_BYTES);
    return batch;
  }

  /** Gives up what was gathered. */
  clear(): void {
    this.length = 0;
  }

  /** Writes a delivery as far as its frame; returns the offset behind it. `slots`, `generations`: bytes that these take together. */
  private begin(frame: Uint8Array, deliveryClass: number, slots: number, generations: number, sessions: number): number {
    this.reserve(DownBatch.roomFor(frame.length, sessions) + TAIL_BYTES);
    const size = bytesFieldBytes(frame.length) + bytesFieldBytes(slots) + bytesFieldBytes(generations) + numberFieldBytes(deliveryClass);
    const out = this.bytes;
    out[this.length] = TAG_DELIVERY;
    return writeBytesField(out, writeVarint(out, this.length + 1, size), TAG_FRAME, frame);
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

// Down batches in: which link one belongs to, whether it is new, and each delivery of it to its sessions. Decoded by
// hand as far as deliveries go, so that no object is made for each; the frame inside is not looked at.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { Reader } from "../../proto/runtime.ts";
import type { LinkHead } from "../../proto/link.ts";

const FIELD_HEAD = 1;
const FIELD_EPOCH = 2;
const FIELD_DELIVERIES = 3;
const FIELD_FRAME = 1;
const FIELD_SLOTS = 2;
const FIELD_GENERATIONS = 3;
const FIELD_CLASS = 4;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;

export interface DeliverySink {
  /** The same frame to sessions (slots[i], generations[i]), i < count; `frame` is a view of the batch. */
  delivery(frame: Uint8Array, deliveryClass: number, slots: Uint32Array, generations: Uint32Array, count: number): void;
}

export class DownBatch {
  head: LinkHead;
  epoch: number;
  private bytes: Uint8Array;
  /** Sessions of one delivery: scratch. */
  private slots: Uint32Array;
  private generations: Uint32Array;

  constructor() {
    this.head = NO_HEAD;
    this.epoch = 0;
    this.bytes = NONE;
    this.slots = new Uint32Array(256);
    this.generations = new Uint32Array(256);
  }

  /** Reads the head of a batch. Throws RangeError or Error when the bytes are none. */
  read(bytes: Uint8Array): void {
    const reader = Reader.create(bytes);
    this.bytes = bytes;
    this.head = NO_HEAD;
    this.epoch = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === ((FIELD_HEAD << 3) | WIRE_BYTES)) this.head = fabric.fabric.v1.LinkHead.decode(reader, reader.uint32());
      else if (tag === ((FIELD_EPOCH << 3) | WIRE_VARINT)) this.epoch = reader.uint64();
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
  }

  /** Hands out the deliveries of the batch that was read. Throws RangeError or Error where they are malformed. */
  deliver(sink: DeliverySink): void {
    const reader = Reader.create(this.bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === ((FIELD_DELIVERIES << 3) | WIRE_BYTES)) this.deliverOne(reader, sink);
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
    this.bytes = NONE;
  }

  private deliverOne(reader: Reader, sink: DeliverySink): void {
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > reader.len) throw new RangeError("delivery longer than its batch");
    let frame: Uint8Array = NONE;
    let deliveryClass = 0;
    let slotCount = 0;
    let generationCount = 0;
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag) {
        case (FIELD_FRAME << 3) | WIRE_BYTES:
          frame = reader.bytes();
          break;
        case (FIELD_SLOTS << 3) | WIRE_BYTES:
          for (const packed = reader.uint32() + reader.pos; reader.pos < packed; slotCount++) {
            if (slotCount === this.slots.length) this.slots = grown(this.slots);
            this.slots[slotCount] = reader.uint32();
          }
          break;
        case (FIELD_GENERATIONS << 3) | WIRE_BYTES:
          for (const packed = reader.uint32() + reader.pos; reader.pos < packed; generationCount++) {
            if (generationCount === this.generations.length) this.generations = grown(this.generations);
            this.generations[generationCount] = reader.uint32();
          }
          break;
        case (FIELD_CLASS << 3) | WIRE_VARINT:
          deliveryClass = reader.uint32();
          break;
        default:
          reader.skipType(tag & 7, 0, tag >>> 3);
      }
    }
    if (reader.pos !== end || slotCount !== generationCount || frame.length === 0) throw new RangeError("malformed delivery");
    sink.delivery(frame, deliveryClass, this.slots, this.generations, slotCount);
  }
}
const NONE = new Uint8Array(0);
const NO_HEAD: LinkHead = { from: NONE, to: NONE, link: 0, number: 0, last: 0, ack: 0, reset: false };

function grown(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}

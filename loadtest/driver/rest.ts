// The bytes that an owner left unconsumed, by slot, presented again in front of the next. Only connections in the middle
// of a frame have any, so an idle one costs nothing here.
// Invariant: a slot's rest is at most WIRE_REST_BYTES_MAX, and belongs to the connection that the slot has now.
import { WIRE_REST_BYTES_MAX, type WireEvents } from "./wire.ts";

/** Bytes that are gathered, with room behind `length`, so that what comes in crumbs is not copied once per crumb. */
export interface Gathered {
  bytes: Buffer;
  length: number;
}

export class RestBytes {
  private readonly events: WireEvents;
  private readonly rests: Map<number, Gathered>;
  /** Whom we are telling right now; −1 when nobody, or when that connection ended meanwhile. */
  private telling: number;

  constructor(events: WireEvents) {
    this.events = events;
    this.rests = new Map();
    this.telling = -1;
  }

  /**
   * Tells the owner bytes[start, end) with the slot's rest in front, and keeps what is left. Returns false when more is
   * left than may be: the caller resets the connection.
   */
  tell(slot: number, bytes: Buffer, start: number, end: number): boolean {
    const rest = this.rests.size === 0 ? undefined : this.rests.get(slot);
    if (rest) {
      append(rest, bytes, start, end);
      bytes = rest.bytes;
      start = 0;
      end = rest.length;
    }
    this.telling = slot;
    const consumed = this.events.data(slot, bytes, start, end);
    // The owner ended this connection, and may have begun another in its place.
    if (this.telling !== slot) return true;
    this.telling = -1;
    if (consumed < 0 || consumed > end - start) throw new RangeError(`${consumed} of ${end - start} bytes consumed`);
    const left = end - start - consumed;
    if (left === 0) {
      if (rest) this.rests.delete(slot);
    } else if (left > WIRE_REST_BYTES_MAX) {
      return false;
    } else if (!rest) {
      this.rests.set(slot, { bytes: Buffer.from(bytes.subarray(start + consumed, end)), length: left });
    } else if (consumed > 0) {
      rest.bytes = Buffer.from(bytes.subarray(consumed, end));
      rest.length = left;
    }
    return true;
  }

  /** The slot's connection ended. */
  drop(slot: number): void {
    if (this.telling === slot) this.telling = -1;
    if (this.rests.size > 0) this.rests.delete(slot);
  }

  clear(): void {
    this.telling = -1;
    this.rests.clear();
  }
}

export function append(rest: Gathered, bytes: Buffer, start: number, end: number): void {
  const length = rest.length + end - start;
  if (length > rest.bytes.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * rest.bytes.length, 256));
    rest.bytes.copy(larger, 0, 0, rest.length);
    rest.bytes = larger;
  }
  bytes.copy(rest.bytes, rest.length, start, end);
  rest.length = length;
}

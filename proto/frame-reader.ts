// Chunks in, whole frames out. Bounded: a frame that is split over chunks is gathered in a buffer that
// grows with the bytes that came, not with the length that was claimed, and never beyond the limit.
// Invariant: carried ≤ carry.length ≤ limit + LENGTH_BYTES_MAX.
import { ErrorCode } from "./error-code.ts";
import { LENGTH_BYTES_MAX, LENGTH_INCOMPLETE, lengthRead, readLength } from "./frame.ts";
import { HeaderBit, TYPE_MASK } from "./frame-type.ts";

/** The header that a sink is given for a beat; no frame has it, since type 0 is never used. */
export const BEAT = 0;

export interface FrameSink {
  /**
   * One whole frame: its body is bytes[start, end), valid only during the call. `header` is BEAT for a beat.
   * Returns false to stop reading (the connection is being closed).
   */
  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean;
}

const NONE = new Uint8Array(0);
const CARRY_BYTES_MIN = 256;

export class FrameReader {
  /** Largest length value accepted; may be raised at any time (after Welcome). */
  limit: number;
  private carry: Uint8Array;
  private carried: number;
  private ended: boolean;

  constructor(limit: number) {
    this.limit = limit;
    this.carry = NONE;
    this.carried = 0;
    this.ended = false;
  }

  /** Bytes of an unfinished frame that are held. */
  get heldBytes(): number {
    return this.carried;
  }

  /**
   * Reads one chunk. Returns 0, or the ErrorCode that ends the stream (BadFrame, FrameTooLarge); frames before
   * the error were handed out, and nothing is read any more afterwards.
   */
  push(chunk: Uint8Array, sink: FrameSink): 0 | ErrorCode {
    if (this.ended) return 0;
    let at = 0;
    // A frame that began in an earlier chunk: add what it lacks, hand it out, go on behind it.
    while (this.carried > 0 && at < chunk.length) {
      at += this.fill(chunk, at);
      if (this.settled()) {
        const bytes = this.carry;
        const end = this.carried;
        this.carry = NONE;
        this.carried = 0;
        const result = this.read(bytes, 0, end, sink);
        if (result < 0) return this.fail(-result as ErrorCode);
        if (this.ended) return 0;
      }
    }
    const stopped = this.read(chunk, at, chunk.length, sink);
    if (stopped < 0) return this.fail(-stopped as ErrorCode);
    if (!this.ended && stopped < chunk.length) this.append(chunk.subarray(stopped));
    return 0;
  }

  /** Hands out the whole frames in bytes[at, end). Returns where the first unfinished one begins, or -ErrorCode. */
  private read(bytes: Uint8Array, at: number, end: number, sink: FrameSink): number {
    while (at < end) {
      const header = readLength(bytes, at, end);
      if (header === LENGTH_INCOMPLETE) return at;
      if (header < 0) return -ErrorCode.BadFrame;
      const length = lengthRead;
      if (length > this.limit) return -ErrorCode.FrameTooLarge;
      if (header + length > end) return at;
      if (length === 0) {
        if (!sink.frame(BEAT, bytes, header, header)) return this.stop(end);
        at = header;
        continue;
      }
      const kind = bytes[header]!;
      if ((kind & HeaderBit.Reserved) !== 0 || (kind & TYPE_MASK) === 0) return -ErrorCode.BadFrame;
      at = header + length;
      if (!sink.frame(kind, bytes, header + 1, at)) return this.stop(end);
    }
    return at;
  }

  /** Takes from the chunk what the carried frame lacks, as far as that is known. Returns the bytes taken. */
  private fill(chunk: Uint8Array, at: number): number {
    const header = readLength(this.carry, 0, this.carried);
    const want = header === LENGTH_INCOMPLETE ? 1 : header + lengthRead - this.carried;
    const taken = Math.min(want, chunk.length - at);
    this.append(chunk.subarray(at, at + taken));
    return taken;
  }

  /** The carried frame is whole, or its length is one to refuse: `read` says which. */
  private settled(): boolean {
    const header = readLength(this.carry, 0, this.carried);
    if (header < 0) return header !== LENGTH_INCOMPLETE;
    return lengthRead > this.limit || this.carried === header + lengthRead;
  }

  private append(bytes: Uint8Array): void {
    const needed = this.carried + bytes.length;
    if (needed > this.carry.length) {
      const grown = new Uint8Array(Math.min(Math.max(needed, 2 * this.carry.length, CARRY_BYTES_MIN), Math.max(needed, this.limit + LENGTH_BYTES_MAX)));
      grown.set(this.carry.subarray(0, this.carried));
      this.carry = grown;
    }
    this.carry.set(bytes, this.carried);
    this.carried = needed;
  }

  private fail(code: ErrorCode): ErrorCode {
    this.stop(0);
    return code;
  }

  private stop(result: number): number {
    this.ended = true;
    this.carry = NONE;
    this.carried = 0;
    return result;
  }
}

// Frames that a client sent behind its Hello, kept until its token is checked: copies, one behind the other in
// one buffer. Reading pauses above the soft limit; what still comes is kept up to the hard limit (what a
// transport had read already, or cannot stop reading), and refused beyond.
import { Limits } from "../../proto/limits.ts";

/** Header byte, then the body's length in 4 bytes. */
const PREFIX_BYTES = 5;
const START_BYTES = 1024;

export const PARKED_SOFT_BYTES_MAX = Limits.pipelinedBytesMax;
/** Room for two chunks of a socket beyond the soft limit, prefixes included. */
export const PARKED_HARD_BYTES_MAX = PARKED_SOFT_BYTES_MAX + 128 * 1024;

export class ParkedFrames {
  private bytes: Uint8Array;
  private length: number;

  constructor() {
    this.bytes = new Uint8Array(START_BYTES);
    this.length = 0;
  }

  get byteLength(): number {
    return this.length;
  }

  /** False: beyond the hard limit, nothing was kept. */
  add(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    const needed = this.length + PREFIX_BYTES + end - start;
    if (needed > PARKED_HARD_BYTES_MAX) return false;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes[this.length] = header;
    new DataView(this.bytes.buffer).setUint32(this.length + 1, end - start);
    this.bytes.set(bytes.subarray(start, end), this.length + PREFIX_BYTES);
    this.length = needed;
    return true;
  }

  /** The frames in the order they came. */
  forEach(frame: (header: number, bytes: Uint8Array, start: number, end: number) => void): void {
    const view = new DataView(this.bytes.buffer);
    for (let at = 0; at < this.length; ) {
      const start = at + PREFIX_BYTES;
      const end = start + view.getUint32(at + 1);
      frame(this.bytes[at]!, this.bytes, start, end);
      at = end;
    }
  }
}

// Frames in order for one connection that does not take them now, copied one behind the other into chunks: the memory is that of the bytes,
// whatever the frames are views of. A chunk holds whole frames, so it can be one WebSocket message or one write.
//
// Invariant: every chunk but the last is at least half full, so memory is at most twice the bytes and one chunk, and `heldBytes` says how much.
import { lengthRead, readLength } from "../../proto/frame.ts";

const CHUNK_BYTES = 8 * 1024;
/** Most who wait do so for a moment. */
const FIRST_CHUNK_BYTES = 2 * 1024;

export class FrameQueue {
  private readonly chunks: Uint8Array[];
  /** Bytes used of the last chunk. The others are cut to what they hold. */
  private used: number;
  private total: number;
  private held: number;

  constructor() {
    this.chunks = [];
    this.used = 0;
    this.total = 0;
    this.held = 0;
  }

  /** Bytes of the frames. */
  get bytes(): number {
    return this.total;
  }

  /** Bytes of memory, the few words for each chunk apart. */
  get heldBytes(): number {
    return this.held;
  }

  push(frame: Uint8Array): void {
    const { length } = frame;
    let open = this.chunks.at(-1);
    if (open === undefined || this.used + length > open.length) {
      if (open !== undefined) {
        const closed = cut(open, this.used);
        this.held += closed.buffer.byteLength - open.buffer.byteLength;
        this.chunks[this.chunks.length - 1] = closed;
      }
      const bytes = this.total === 0 ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
      // Buffers of their own: a slice of a shared pool would keep the whole of it.
      open = Buffer.allocUnsafeSlow(length > bytes / 2 ? length : bytes);
      this.chunks.push(open);
      this.held += open.length;
      this.used = 0;
    }
    open.set(frame, this.used);
    this.used += length;
    this.total += length;
  }

  /** The oldest frames, one behind the other; undefined: there are none. */
  shift(): Uint8Array | undefined {
    const chunk = this.chunks.shift();
    if (chunk === undefined) return undefined;
    const bytes = this.chunks.length === 0 ? chunk.subarray(0, this.used) : chunk;
    if (this.chunks.length === 0) this.used = 0;
    this.total -= bytes.length;
    this.held -= chunk.buffer.byteLength;
    return bytes;
  }
}

function cut(chunk: Uint8Array, used: number): Uint8Array {
  // slice() of a Buffer would be a view.
  return 2 * used < chunk.length ? Uint8Array.prototype.slice.call(chunk, 0, used) : chunk.subarray(0, used);
}

/** The frames of a chunk as views, to into[count …]; returns the new count. */
export function splitFrames(chunk: Uint8Array, into: Uint8Array[], count: number): number {
  let at = 0;
  let end = count;
  while (at < chunk.length) {
    const header = readLength(chunk, at, chunk.length);
    // Chunks hold what encoders wrote; if not, the rest goes as it is.
    const next = header < 0 ? chunk.length : header + lengthRead;
    into[end++] = chunk.subarray(at, next);
    at = next;
  }
  return end;
}

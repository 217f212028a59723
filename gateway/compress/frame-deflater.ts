// Frames in, one compressed frame out, when it is smaller: several pushes as a batch, or one frame as it is. Small bodies are
// deflated by our own code, which has the dictionary indexed, larger ones by zlib, which is quicker there.
import { deflateRawSync } from "node:zlib";
import { compressedFrame, PREFIX_BYTES_MAX } from "../../proto/codec/codec.ts";
import { SMALL_BYTES_MAX, SmallDeflater } from "../../proto/codec/deflate.ts";
import { lengthRead, readLength } from "../../proto/frame.ts";
import { HeaderBit } from "../../proto/frame-type.ts";
import { Limits } from "../../proto/limits.ts";
import { varintBytes, writeVarint } from "../../proto/varint.ts";

/** From here on zlib takes less time than our own, setting up and dictionary included (measured: they meet between 1 and 1.5 KB). */
const ZLIB_BYTES_MIN = 1200;
/** Level 1 saves most for each µs; level 6 leaves 7% less for twice the time. */
const ZLIB_LEVEL = 1;
/** zlib's least. */
const CHUNK_BYTES_MIN = 64;

export class FrameDeflater {
  private readonly dictionary: Uint8Array;
  private readonly small: SmallDeflater;

  constructor(dictionary: Uint8Array) {
    this.dictionary = dictionary;
    this.small = new SmallDeflater(dictionary);
  }

  /** One frame with its body compressed, or undefined when that is not smaller. */
  one(frame: Uint8Array): Uint8Array | undefined {
    const at = readLength(frame, 0, frame.length);
    const body = frame.subarray(at + 1, at + lengthRead);
    return this.compress(frame[at]! | HeaderBit.Compressed, body, frame.length);
  }

  /** frames[from … to - 1], all of the type of `header`, plain or batched, as one compressed batch, or undefined when that is not smaller. */
  batch(header: number, frames: readonly Uint8Array[], from: number, to: number): Uint8Array | undefined {
    let length = 0;
    let frameBytes = 0;
    for (let i = from; i < to; i++) {
      const frame = frames[i]!;
      const at = readLength(frame, 0, frame.length);
      const batched = (frame[at]! & HeaderBit.Batch) !== 0;
      const body = lengthRead - 1;
      length += batched ? body : varintBytes(body) + body;
      frameBytes += frame.length;
    }
    if (length > batchBody.length) return undefined;
    let end = 0;
    for (let i = from; i < to; i++) {
      const frame = frames[i]!;
      const at = readLength(frame, 0, frame.length);
      const batched = (frame[at]! & HeaderBit.Batch) !== 0;
      const body = lengthRead - 1;
      if (!batched) end = writeVarint(batchBody, end, body);
      batchBody.set(frame.subarray(at + 1), end);
      end += body;
    }
    return this.compress(header | HeaderBit.Batch | HeaderBit.Compressed, batchBody.subarray(0, end), frameBytes);
  }

  /** `frameBytes`: what the frame must be smaller than. */
  private compress(header: number, body: Uint8Array, frameBytes: number): Uint8Array | undefined {
    // Two bytes less at least, or inflating it is not worth a look.
    const dataBytesMax = Math.min(body.length, frameBytes - PREFIX_BYTES_MAX) - 2;
    if (dataBytesMax <= 0) return undefined;
    if (body.length < ZLIB_BYTES_MIN) {
      const end = this.small.deflate(body, work, PREFIX_BYTES_MAX, dataBytesMax);
      return end < 0 ? undefined : compressedFrame(header, body.length, work, end);
    }
    const chunkSize = Math.max(CHUNK_BYTES_MIN, body.length);
    const data = deflateRawSync(body, { level: ZLIB_LEVEL, chunkSize, ...(this.dictionary.length > 0 && { dictionary: this.dictionary }) });
    if (data.length > dataBytesMax) return undefined;
    const end = PREFIX_BYTES_MAX + data.length;
    const space = end <= work.length ? work : new Uint8Array(end);
    space.set(data, PREFIX_BYTES_MAX);
    return compressedFrame(header, body.length, space, end);
  }
}

/** A batch of pushes is at most this, inflated: every client takes a frame of that size. */
export const BATCH_BYTES_MAX = 16 * 1024;
if (BATCH_BYTES_MAX > Limits.payloadBytesMax) throw new Error("a batch is larger than what every client must take");
if (ZLIB_BYTES_MIN > SMALL_BYTES_MAX) throw new Error("some sizes are too large for one deflater and too small for the other");

// Scratch: a call uses it from beginning to end.
const batchBody = new Uint8Array(BATCH_BYTES_MAX);
const work = new Uint8Array(PREFIX_BYTES_MAX + BATCH_BYTES_MAX);

// What a dictionary saves, on messages that it was not trained on: bytes of frames with it to bytes without compression.
import { compressedFrame, PREFIX_BYTES_MAX } from "../../proto/codec/codec.ts";
import { SmallDeflater } from "../../proto/codec/deflate.ts";
import { encodeBatch, encodeFrame } from "../../proto/frame.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";

/** Messages that wait for a connection together, about. */
export const BATCH = 20;
const BATCH_BYTES_MAX = 4096;

export interface Saving {
  /** Bytes left of each byte, of pushes by themselves and of batches. */
  readonly single: number;
  readonly batch: number;
}

/** `bodies`: Pushes as they are compressed. What does not shrink counts as it is. */
export function savingOf(dictionary: Uint8Array, bodies: readonly Uint8Array[]): Saving {
  const deflater = new SmallDeflater(dictionary);
  return { single: ratio(deflater, bodies, 1), batch: ratio(deflater, bodies, BATCH) };
}

function ratio(deflater: SmallDeflater, bodies: readonly Uint8Array[], together: number): number {
  let plain = 0;
  let left = 0;
  for (let i = 0; i + together <= bodies.length; i += together) {
    const frame = together === 1 ? encodeFrame(FrameType.Push, bodies[i]!) : encodeBatch(FrameType.Push | HeaderBit.Batch, bodies.slice(i, i + together));
    const at = frame.length < 0x82 ? 2 : 3;
    const body = frame.subarray(at);
    if (body.length > BATCH_BYTES_MAX) continue;
    const work = new Uint8Array(PREFIX_BYTES_MAX + body.length);
    const end = deflater.deflate(body, work, PREFIX_BYTES_MAX, body.length);
    plain += frame.length;
    left += end < 0 ? frame.length : Math.min(frame.length, compressedFrame(HeaderBit.Compressed, body.length, work, end).length);
  }
  return plain === 0 ? 1 : left / plain;
}

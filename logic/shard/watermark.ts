// The watermark that clients keep: opaque to them, (incarnation of the process, change counter) to us. Not the epoch: a
// store that was restored from a copy mints the same epochs again, and a watermark from before would hide rows.
import { compareBytes } from "../../proto/conversation.ts";

const INCARNATION_BYTES = 8;
const BYTES = INCARNATION_BYTES + 8;

/** 8 bytes incarnation, 8 bytes counter, big-endian. */
export function encodeWatermark(incarnation: Uint8Array, counter: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  bytes.set(incarnation);
  new DataView(bytes.buffer).setBigUint64(INCARNATION_BYTES, BigInt(counter));
  return bytes;
}

/** The counter, or 0 (everything) when the watermark is empty, foreign or of another process. */
export function decodeWatermark(bytes: Uint8Array, incarnation: Uint8Array): number {
  if (bytes.length !== BYTES || compareBytes(bytes.subarray(0, INCARNATION_BYTES), incarnation) !== 0) return 0;
  const counter = new DataView(bytes.buffer, bytes.byteOffset, BYTES).getBigUint64(INCARNATION_BYTES);
  return counter <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(counter) : 0;
}

// The watermark that clients keep: opaque to them, (epoch, change counter) to us.

const BYTES = 16;

/** 8 bytes epoch, 8 bytes counter, big-endian. */
export function encodeWatermark(epoch: number, counter: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(epoch));
  view.setBigUint64(8, BigInt(counter));
  return bytes;
}

/** The counter, or 0 (everything) when the watermark is empty, foreign or of another epoch. */
export function decodeWatermark(bytes: Uint8Array, epoch: number): number {
  if (bytes.length !== BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  if (view.getBigUint64(0) !== BigInt(epoch)) return 0;
  const counter = view.getBigUint64(8);
  return counter <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(counter) : 0;
}

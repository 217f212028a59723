// Varints, and protobuf fields put into place by hand: for the few messages that are made so often that a protobufjs Writer,
// which makes an object for every field, would cost more than all else about them. Numbers are integers from 0 to 2^53 - 1;
// tags are of one byte; a field that is 0 or empty is left out, as proto3 has it. Pure.

/** Bytes that the varint of n takes: 1 to 8. */
export function varintBytes(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  if (n < 0x20_0000) return 3;
  if (n < 0x1000_0000) return 4;
  if (n < 0x8_0000_0000) return 5;
  if (n < 0x400_0000_0000) return 6;
  return n < 0x2_0000_0000_0000 ? 7 : 8;
}

/** Writes the varint of n at `at`; returns the offset behind it. */
export function writeVarint(bytes: Uint8Array, at: number, n: number): number {
  // Shifts end at 2^32.
  while (n >= 0x1000_0000) {
    bytes[at++] = (n % 128) | 0x80;
    n = Math.floor(n / 128);
  }
  while (n >= 0x80) {
    bytes[at++] = (n & 0x7f) | 0x80;
    n >>>= 7;
  }
  bytes[at++] = n;
  return at;
}

/** Bytes of a number's field. */
export function numberFieldBytes(n: number): number {
  return n === 0 ? 0 : 1 + varintBytes(n);
}

/** Bytes of a field that holds so many bytes. */
export function bytesFieldBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

/** Writes a number's field at `at`; returns the offset behind it. */
export function writeNumberField(out: Uint8Array, at: number, tag: number, n: number): number {
  if (n === 0) return at;
  out[at++] = tag;
  return writeVarint(out, at, n);
}

/** Below this many bytes a loop is faster than making a view for `set`. */
const LOOP_BYTES_MAX = 64;

/** Writes a field of bytes[start, end) at `at`; returns the offset behind it. */
export function writeBytesField(out: Uint8Array, at: number, tag: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (start === end) return at;
  out[at++] = tag;
  at = writeVarint(out, at, end - start);
  if (end - start > LOOP_BYTES_MAX) {
    out.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
    return at + end - start;
  }
  for (let i = start; i < end; i++) out[at++] = bytes[i]!;
  return at;
}

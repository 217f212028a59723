// Integers as the store writes them: unsigned LEB128 varints up to 2^53 - 1, and fixed big-endian ones where the order
// of bytes must be the order of numbers. Reading is bounded by the value's end and throws RangeError beyond it.

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

/** Writes the varint of n (an integer from 0 to 2^53 - 1) at `at`; returns the offset behind it. */
export function writeVarint(bytes: Uint8Array, at: number, n: number): number {
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

/** Six bytes, big-endian: seqs and journal numbers in keys. n below 2^48. */
export function writeUint48(bytes: Uint8Array, at: number, n: number): number {
  const high = Math.floor(n / 0x1_0000_0000);
  bytes[at] = high >>> 8;
  bytes[at + 1] = high;
  return writeUint32(bytes, at + 2, n);
}

export function readUint48(bytes: Uint8Array, at: number): number {
  return (bytes[at]! * 0x100 + bytes[at + 1]!) * 0x1_0000_0000 + readUint32(bytes, at + 2);
}

export function writeUint32(bytes: Uint8Array, at: number, n: number): number {
  bytes[at] = n >>> 24;
  bytes[at + 1] = n >>> 16;
  bytes[at + 2] = n >>> 8;
  bytes[at + 3] = n;
  return at + 4;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** A cursor over bytes[at, end). */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  varint(): number {
    const { bytes, end } = this;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.at >= end) throw new RangeError("a number is cut off");
      const byte = bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError("a number is too long");
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError("a byte is missing");
    return this.bytes[this.at++]!;
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const { bytes, at } = this;
    if (length < 0 || length > this.end - at) throw new RangeError("a field is cut off");
    this.at = at + length;
    return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
  }
}

// Integers as the store writes them: the varints of proto/varint.ts, and fixed big-endian ones where the order of bytes must
// be the order of numbers. Reading is bounded by the value's end and throws RangeError beyond it.

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

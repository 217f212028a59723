// The protobuf runtime that the generated code in gen/ is bound to: protobufjs, with two differences.
// 1. uint64 fields read as plain numbers, and a value above 2^53 - 1 is refused, where protobufjs would
//    make a Long object for each (slow, and its global switch would change it for everybody else's code in
//    the same program). Sequences, refs and times here stay far below 2^53.
// 2. bytes fields are views into the frame and unknown fields are not collected. Whoever keeps a field
//    longer than the frame copies it, by slice(): the views are plain Uint8Arrays even when the frame came as a
//    Buffer, whose slice() copies nothing.
import protobuf from "protobufjs/minimal.js";

const EMPTY = new Uint8Array(0);

export class Reader extends protobuf.Reader {
  constructor(bytes: Uint8Array) {
    super(bytes);
    this.discardUnknown = true;
  }

  static override create(bytes: Uint8Array): Reader {
    return new Reader(bytes);
  }

  override bytes(): Uint8Array {
    const length = this.size();
    const start = this.pos;
    if (length > this.len - start) throw new RangeError("field longer than its message");
    this.pos = start + length;
    if (length === 0) return EMPTY;
    const { buffer, byteOffset } = this.buf;
    return new Uint8Array(buffer, byteOffset + start, length);
  }

  // The base class says Long; nothing here ever makes one.
  override uint64(): never {
    const buf = this.buf;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.pos >= this.len) throw new RangeError("truncated varint");
      const byte = buf[this.pos++]!;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("integer above 2^53 - 1");
        return value as never;
      }
      scale *= 128;
    }
    throw new RangeError("varint longer than 10 bytes");
  }
}
Reader.recursionLimit = protobuf.Reader.recursionLimit;

export const Writer: typeof protobuf.Writer = protobuf.Writer;
export type Writer = protobuf.Writer;

export default {
  Reader,
  Writer,
  util: Object.create(protobuf.util, { Long: { value: undefined } }),
  roots: {},
};

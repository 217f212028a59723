// What compressed frames and dictionaries are on the wire (SPEC.md §2): `varint inflated size | data`, data being raw deflate
// with the connection's dictionary. Pure: whoever inflates hands in how (zlib-inflate.ts in Node, inflate.ts elsewhere).
//
// Invariant: inflating takes memory for the size that the frame claims and one byte, and a claim above the limit takes none.
import { lengthRead, readLength } from "../frame.ts";
import { hex } from "../hex.ts";
import { Limits } from "../limits.ts";
import { varintBytes, writeVarint } from "../varint.ts";

/** Numbers of hawser.proto's Codec. */
export const Codec = { None: 0, Deflate: 1 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

/** What tells a dictionary from others, and its bytes. */
export interface Dictionary {
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** The id as 16 hex digits. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A dictionary by its bytes. Throws RangeError when there are too many or none. */
export function dictionaryOf(bytes: Uint8Array, sha256: (bytes: Uint8Array) => Uint8Array): Dictionary {
  if (bytes.length === 0 || bytes.length > Limits.dictionaryBytesMax) {
    throw new RangeError(`a dictionary has 1 to ${Limits.dictionaryBytesMax} bytes, not ${bytes.length}`);
  }
  const id = sha256(bytes).slice(0, Limits.dictionaryIdBytes);
  return { id, name: hex(id), bytes };
}

/**
 * Raw deflate back into exactly `size` bytes, or undefined when `data` is anything else. Takes memory for `size` bytes and little
 * more, whatever the data say. The dictionary may be empty.
 */
export type Inflate = (data: Uint8Array, size: number, dictionary: Uint8Array) => Uint8Array | undefined;

/**
 * What the body of a compressed frame, bytes[start, end), inflates to; undefined when it is none: a BadFrame. `sizeMax`: the
 * largest body that may come out of it, a byte less than the frame limit of that direction.
 */
export function inflateBody(bytes: Uint8Array, start: number, end: number, sizeMax: number, dictionary: Uint8Array, inflate: Inflate): Uint8Array | undefined {
  const at = readLength(bytes, start, end);
  if (at < 0 || lengthRead === 0 || lengthRead > sizeMax || at === end) return undefined;
  return inflate(bytes.subarray(at, end), lengthRead, dictionary);
}

/** Room that a compressed frame needs before its data, at most: length, header, inflated size. */
export const PREFIX_BYTES_MAX = 4 + 1 + 4;

/**
 * A whole frame out of data that stand in `work` from PREFIX_BYTES_MAX to `end`; `header` has the compressed bit. The result
 * is a copy of its own size.
 */
export function compressedFrame(header: number, inflatedBytes: number, work: Uint8Array, end: number): Uint8Array {
  const sizeBytes = varintBytes(inflatedBytes);
  const length = 1 + sizeBytes + end - PREFIX_BYTES_MAX;
  const start = PREFIX_BYTES_MAX - sizeBytes - 1 - varintBytes(length);
  const at = writeVarint(work, start, length);
  work[at] = header;
  writeVarint(work, at + 1, inflatedBytes);
  return work.slice(start, end);
}

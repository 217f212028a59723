// Inflating in Node, by zlib: strict about everything, bytes behind the end included.
import { inflateRawSync } from "node:zlib";
import type { Inflate } from "./codec.ts";

/** zlib takes output in pieces of this at least. */
const CHUNK_BYTES_MIN = 64;

interface Inflated {
  readonly buffer: Buffer;
  /** `bytesWritten`: how much of the data was read. */
  readonly engine: { readonly bytesWritten: number };
}

export const zlibInflate: Inflate = (data, size, dictionary) => {
  // A piece with a byte to spare: what fits takes one, and what does not ends at the limit.
  const options = { maxOutputLength: size, chunkSize: Math.max(CHUNK_BYTES_MIN, size + 1), info: true, ...(dictionary.length > 0 && { dictionary }) };
  let inflated: Inflated;
  try {
    inflated = inflateRawSync(data, options) as unknown as Inflated;
  } catch {
    // Every reason means the same: it is not what the frame says it is.
    return undefined;
  }
  const { buffer, engine } = inflated;
  if (buffer.length !== size || engine.bytesWritten !== data.length) return undefined;
  // Not a Buffer, whose slices are what its callers do not expect.
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size);
};

// Inflating in Node: by zlib, strict about everything, bytes behind the end included; what is small by our own code, since
// setting zlib up takes longer than all of it (measured: 10 µs for a message that takes 2, and they meet at 600 bytes).
import { inflateRawSync } from "node:zlib";
import type { Inflate } from "./codec.ts";
import { inflateRaw } from "./inflate.ts";

const ZLIB_BYTES_MIN = 600;

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

/** What Node inflates with. */
export const nodeInflate: Inflate = (data, size, dictionary) => (size < ZLIB_BYTES_MIN ? inflateRaw : zlibInflate)(data, size, dictionary);

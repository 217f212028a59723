// Inflating without Node: browsers' own streams (DecompressionStream) take no dictionary.
import { inflateSync } from "fflate";
import type { Inflate } from "./codec.ts";

export const fflateInflate: Inflate = (data, size, dictionary) => {
  // One byte to spare: what is longer than it should be fills it, and nothing is written beyond.
  const out = new Uint8Array(size + 1);
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(data, dictionary.length > 0 ? { out, dictionary } : { out });
  } catch {
    // Every reason means the same: it is not what the frame says it is.
    return undefined;
  }
  return inflated.length === size ? inflated : undefined;
};

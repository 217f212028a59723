// SHA-256 in one call: several times cheaper than createHash for inputs as small as ours. By way of text, because for a
// digest as bytes Node makes a buffer outside V8's heap, which takes four times as long as the hashing (1.3 µs against 0.3).
import { hash } from "node:crypto";

const DIGEST_BYTES = 32;

export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const text = hash("sha256", bytes, "binary");
  // Not of Buffer's pool: a digest that is kept would keep 8 KiB.
  const digest = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = text.charCodeAt(i);
  return digest;
};

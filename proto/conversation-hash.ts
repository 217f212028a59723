// The running hash of a conversation and the digest of a user's heads (SPEC.md §8, §11). Pure: SHA-256
// itself is handed in, because Node has a fast one and browsers have none that is synchronous.

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** h(0). */
export const HASH_START: Uint8Array = new Uint8Array(32);

/** h(n) from h(n-1), the row's own fields and SHA-256 of its payload. `sender` is a user id of at most 64 bytes. */
export function nextHash(
  sha256: Sha256,
  previous: Uint8Array,
  seq: number,
  sender: Uint8Array,
  kind: number,
  time: number,
  payloadHash: Uint8Array,
): Uint8Array {
  const length = 32 + 8 + 1 + sender.length + 4 + 8 + 32;
  // A view of module scratch: synchronous use only, and SHA-256 keeps nothing of its input.
  const input = scratch.subarray(0, length);
  input.set(previous, 0);
  let at = writeUint64(input, 32, seq);
  input[at++] = sender.length;
  input.set(sender, at);
  at = writeUint32(input, at + sender.length, kind);
  at = writeUint64(input, at, time);
  input.set(payloadHash, at);
  return sha256(input);
}
const scratch = new Uint8Array(32 + 8 + 1 + 255 + 4 + 8 + 32);

/** The part that one conversation adds to a Check digest. */
export function digestTerm(sha256: Sha256, key: Uint8Array, seq: number): bigint {
  const input = new Uint8Array(key.length + 8);
  input.set(key, 0);
  writeUint64(input, key.length, seq);
  const hash = sha256(input);
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0);
}

/** A sum of digest terms as the 8 bytes that Check carries. */
export function digestBytes(sum: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, sum));
  return bytes;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

function writeUint64(bytes: Uint8Array, at: number, value: number): number {
  writeUint32(bytes, at, Math.floor(value / 0x1_0000_0000));
  return writeUint32(bytes, at + 4, (value % 0x1_0000_0000) | 0);
}

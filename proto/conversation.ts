// Naming conversations: ids, keys, shards (SPEC.md §5). Pure, and safe for browsers.

import { Limits } from "./limits.ts";

export const ConversationKind = { User: 0, Direct: 1, Group: 2, Self: 3 } as const;
export type ConversationKind = (typeof ConversationKind)[keyof typeof ConversationKind];

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** The id as text, or undefined when it is empty, over 64 bytes or not valid UTF-8. */
export function idText(id: Uint8Array): string | undefined {
  if (id.length === 0 || id.length > Limits.idBytesMax) return undefined;
  let ascii = true;
  for (let i = 0; i < id.length; i++) if (id[i]! >= 0x80) ascii = false;
  if (ascii) return String.fromCharCode.apply(undefined, id as unknown as number[]);
  try {
    return strictUtf8.decode(id);
  } catch {
    return undefined;
  }
}

/** Whether bytes[start, end) are an id: idText without its text. */
export function isId(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  if (start === end || end - start > Limits.idBytesMax) return false;
  for (let i = start; i < end; i++) if (bytes[i]! >= 0x80) return idText(bytes.subarray(start, end)) !== undefined;
  return true;
}

/** The bytes of an id given as text. Throws RangeError when it is not 1 to 64 bytes, or holds a lone surrogate. */
export function idBytes(id: string): Uint8Array {
  const bytes = encoder.encode(id);
  if (idText(bytes) !== id) throw new RangeError(`not an id (1 to ${Limits.idBytesMax} bytes of UTF-8): ${JSON.stringify(id)}`);
  return bytes;
}

/** direct(a, b) = 0x01 | len(x) | x | len(y) | y, sorted bytewise; direct(a, a) is notes to self. */
export function directKey(a: Uint8Array, b: Uint8Array): Uint8Array {
  const first = compareBytes(a, b) <= 0 ? a : b;
  const second = first === a ? b : a;
  const key = new Uint8Array(3 + a.length + b.length);
  key[0] = ConversationKind.Direct;
  key[1] = first.length;
  key.set(first, 2);
  key[2 + first.length] = second.length;
  key.set(second, 3 + first.length);
  return key;
}

/** group(g) = 0x02 | len(g) | g */
export function groupKey(group: Uint8Array): Uint8Array {
  return idKey(ConversationKind.Group, group);
}

/** self(u) = 0x03 | len(u) | u */
export function selfKey(user: Uint8Array): Uint8Array {
  return idKey(ConversationKind.Self, user);
}

/** user(u) = 0x00 | len(u) | u: no conversation, but what places a user on a shard. */
export function userKey(user: Uint8Array): Uint8Array {
  return idKey(ConversationKind.User, user);
}

function idKey(kind: ConversationKind, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(2 + id.length);
  key[0] = kind;
  key[1] = id.length;
  key.set(id, 2);
  return key;
}

/** The two users of a direct conversation's key. */
export function directUsers(key: Uint8Array): [Uint8Array, Uint8Array] {
  const first = key[1]!;
  return [key.subarray(2, 2 + first), key.subarray(3 + first)];
}

/** Bytewise order; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * Which shard a key lives on: 32-bit FNV-1a (draft-eastlake-fnv), then the finaliser of MurmurHash3 (Austin
 * Appleby, public domain), because FNV alone spreads its last bytes badly over a power of two.
 */
export function shardOf(key: Uint8Array, shardCount: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key[i]!, 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return (h >>> 0) % shardCount;
}

// The layout of keys in LevelDB. The first byte is the kind; ids that something follows carry their length, so that no
// key of one owner is a prefix of another's; numbers are big-endian. Bytewise order is then the order that reads need:
//
//   !meta                                     store id, shard count, epoch                        (meta.ts)
//   !checkpoint                               journal number, shard positions                     (meta.ts)
//   b  len conversation firstSeq(6)           a block of rows                                     (block.ts)
//   h  conversation                           the head, last senders, the open block              (head.ts)
//   j  number(6)                              a commit                                            (journal.ts)
//   m  len user                               there is at least one of the next kind              (members.ts)
//   m  len user conversation                  membership and read position                        (members.ts)
//   n  len conversation install(8) chunk(6)   what 64 numbers of an install became                (sender-state.ts)
//   s  len conversation install(8)            an install's last numbers, if not with the head     (sender-state.ts)
import { textOf, writeText } from "./latin1.ts";
import { readUint48, writeUint32, writeUint48 } from "./varint.ts";

const B = 0x62;
const H = 0x68;
const J = 0x6a;
const M = 0x6d;
const N = 0x6e;
const S = 0x73;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const META_KEY = ascii("!meta");
export const CHECKPOINT_KEY = ascii("!checkpoint");
/** Above every key: nothing is stored there. */
export const AFTER_ALL = Uint8Array.of(0xff);

/** Longest conversation key or user id that a length byte can announce. */
export const ID_BYTES_MAX = 255;
export const INSTALL_BYTES = 8;

// Conversations are given as text (latin1.ts): that is how they are known in memory.

export function blockKey(conversation: string, firstSeq: number): Uint8Array {
  const key = owned(B, conversation, 6);
  writeUint48(key, key.length - 6, firstSeq);
  return key;
}

export function blockFirstSeq(key: Uint8Array): number {
  return readUint48(key, key.length - 6);
}

export function headKey(conversation: string): Uint8Array {
  const key = Buffer.allocUnsafe(1 + conversation.length);
  key[0] = H;
  writeText(key, 1, conversation);
  return key;
}

/** All heads: gte, lt. */
export const HEADS = { gte: Uint8Array.of(H), lt: Uint8Array.of(H + 1) };

export function headConversation(key: Uint8Array): string {
  return textOf(key, 1);
}

export function journalKey(number: number): Uint8Array {
  const key = Buffer.allocUnsafe(7);
  key[0] = J;
  writeUint48(key, 1, number);
  return key;
}

/** All commits: gte, lt. */
export const JOURNAL = { gte: Uint8Array.of(J), lt: Uint8Array.of(J + 1) };

export function journalNumber(key: Uint8Array): number {
  return readUint48(key, 1);
}

export function memberKey(user: string, conversation: string): Uint8Array {
  const key = owned(M, user, conversation.length);
  writeText(key, 2 + user.length, conversation);
  return key;
}

/** Says that the user has memberships. */
export function anyMemberKey(user: string): Uint8Array {
  return owned(M, user, 0);
}

/** Whether a key of memberships is one of anyMemberKey. */
export function isAnyMemberKey(key: Uint8Array): boolean {
  return key.length === 2 + key[1]!;
}

/** All memberships of all users: gte, lt. */
export const MEMBERS = { gte: Uint8Array.of(M), lt: Uint8Array.of(M + 1) };

export function memberUser(key: Uint8Array): string {
  return textOf(key, 2, 2 + key[1]!);
}

/** A user's memberships above `after`: gte, lt. */
export function memberRange(user: string, after: string | undefined): { gte: Uint8Array; lt: Uint8Array } {
  // The least key above `after` is `after` with a zero byte behind it; no conversation's key begins with one.
  const gte = memberKey(user, `${after ?? ""}\0`);
  return { gte, lt: successor(owned(M, user, 0)) };
}

/** The least key above all that begin with `prefix`, which does not consist of 0xff alone. */
function successor(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1;
  while (prefix[last] === 0xff) last--;
  const next = prefix.slice(0, last + 1);
  next[last]!++;
  return next;
}

export function memberConversation(key: Uint8Array): string {
  return textOf(key, 2 + key[1]!);
}

export function senderKey(conversation: string, installHigh: number, installLow: number): Uint8Array {
  const key = owned(S, conversation, INSTALL_BYTES);
  writeUint32(key, writeUint32(key, key.length - INSTALL_BYTES, installHigh), installLow);
  return key;
}

export function sendsKey(conversation: string, installHigh: number, installLow: number, chunk: number): Uint8Array {
  const key = owned(N, conversation, INSTALL_BYTES + 6);
  let at = writeUint32(key, key.length - INSTALL_BYTES - 6, installHigh);
  at = writeUint32(key, at, installLow);
  writeUint48(key, at, chunk);
  return key;
}

function owned(kind: number, owner: string, rest: number): Buffer {
  const key = Buffer.allocUnsafe(2 + owner.length + rest);
  key[0] = kind;
  key[1] = owner.length;
  writeText(key, 2, owner);
  return key;
}

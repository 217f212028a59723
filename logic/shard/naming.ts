// Which conversation a message speaks of, as its sender sees it, and back (SPEC.md §5).
import { ConversationKind, compareBytes, directUsers, groupKey, isId, selfKey } from "../../proto/conversation.ts";
import { bytesOf } from "../store/latin1.ts";

/** The naming fields that Send, Fetch, Read and Head share. */
export interface Named {
  readonly peer: Uint8Array;
  readonly group: Uint8Array;
  readonly self: boolean;
}

/**
 * The key of the conversation that `named` means for the user (latin1.ts); undefined when it names none, several, or by an
 * id that is none. (A field given twice is found by the gateway, where the bytes are.)
 */
export function conversationKey(named: Named, userText: string): Uint8Array | undefined {
  const count = (named.peer.length > 0 ? 1 : 0) + (named.group.length > 0 ? 1 : 0) + (named.self ? 1 : 0);
  if (count !== 1) return undefined;
  if (named.self) return selfKey(bytesOf(userText));
  if (named.peer.length > 0) return isId(named.peer) ? directKeyOf(userText, named.peer) : undefined;
  return isId(named.group) ? groupKey(named.group) : undefined;
}

/** directKey() of a user who is known as text: the key is the only thing that is made. */
export function directKeyOf(userText: string, peer: Uint8Array): Uint8Array {
  const { length: own } = userText;
  const { length: other } = peer;
  const key = new Uint8Array(3 + own + other);
  key[0] = ConversationKind.Direct;
  const first = isBefore(userText, peer);
  let at = first ? 1 : 2 + other;
  key[at++] = own;
  for (let i = 0; i < own; i++) key[at++] = userText.charCodeAt(i);
  at = first ? 2 + own : 1;
  key[at++] = other;
  for (let i = 0; i < other; i++) key[at++] = peer[i]!;
  return key;
}

/** Bytewise order, in which a prefix comes first; of equals either is. */
function isBefore(userText: string, peer: Uint8Array): boolean {
  const common = Math.min(userText.length, peer.length);
  for (let i = 0; i < common; i++) {
    const difference = userText.charCodeAt(i) - peer[i]!;
    if (difference !== 0) return difference < 0;
  }
  return userText.length <= peer.length;
}

/** The naming fields by which `user` knows the conversation. */
export function nameFor(key: Uint8Array, user: Uint8Array): { peer?: Uint8Array; group?: Uint8Array; self?: boolean } {
  switch (key[0]) {
    case ConversationKind.Direct:
      return { peer: peerOf(key, user) };
    case ConversationKind.Group:
      return { group: key.subarray(2) };
    default:
      return { self: true };
  }
}

/** The other user of a direct conversation; the same one for notes to self. */
export function peerOf(key: Uint8Array, user: Uint8Array): Uint8Array {
  const [first, second] = directUsers(key);
  return compareBytes(first, user) === 0 ? second : first;
}

/** Whether that one of a direct conversation's users stands first in its key; without a view of it. */
export function isFirstUser(key: Uint8Array, user: Uint8Array): boolean {
  const { length } = user;
  if (key[1] !== length) return false;
  for (let i = 0; i < length; i++) if (key[2 + i] !== user[i]) return false;
  return true;
}

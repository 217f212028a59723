// Which conversation a message speaks of, as its sender sees it, and back (SPEC.md §5).
import { ConversationKind, compareBytes, directKey, directUsers, groupKey, isId, selfKey } from "../../proto/conversation.ts";

/** The naming fields that Send, Fetch, Read and Head share. */
export interface Named {
  readonly peer: Uint8Array;
  readonly group: Uint8Array;
  readonly self: boolean;
}

/**
 * The key of the conversation that `named` means for `user`; undefined when it names none, several, or by an
 * id that is none. (A field given twice is found by the gateway, where the bytes are.)
 */
export function conversationKey(named: Named, user: Uint8Array): Uint8Array | undefined {
  const count = (named.peer.length > 0 ? 1 : 0) + (named.group.length > 0 ? 1 : 0) + (named.self ? 1 : 0);
  if (count !== 1) return undefined;
  if (named.self) return selfKey(user);
  if (named.peer.length > 0) return isId(named.peer) ? directKey(user, named.peer) : undefined;
  return isId(named.group) ? groupKey(named.group) : undefined;
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

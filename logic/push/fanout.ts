// Who gets a committed row: the users of its conversation, each on the shard that knows their sessions.
import { compareBytes, directUsers, shardOf, userKey } from "../../proto/conversation.ts";
import type { Conversation, Member, PendingSend } from "../shard/conversation.ts";
import { pushFromFrame, pushToFrame } from "../shard/frames.ts";
import { bytesText } from "../shard/session.ts";
import type { UserShard } from "../shard/user-shard.ts";
import type { StoredHead } from "../store/store.ts";

const NOBODY: readonly never[] = [];

/** Pushes a committed row of a direct conversation to both users' devices, but to those that get Sent for it. */
export function fanOutDirect(users: readonly UserShard[], conversation: Conversation, pending: PendingSend, head: StoredHead): void {
  const row = pending.row!;
  const members = (conversation.members ??= membersOf(conversation.key, users.length));
  const first = members[0]!;
  const second = members[1];
  const sender = second === undefined || compareBytes(first.user, row.sender) === 0 ? first : second;
  const peer = sender === first ? (second ?? first) : first;
  users[sender.shard]!.deliver(sender.userText, conversation, head, pending.waiters, row, peer.user, pushToFrame);
  if (peer !== sender) users[peer.shard]!.deliver(peer.userText, conversation, head, NOBODY, row, peer.user, pushFromFrame);
}

/** The users of a direct conversation: two, or one for notes to self. */
function membersOf(key: Uint8Array, shardCount: number): Member[] {
  const [first, second] = directUsers(key);
  const member = (user: Uint8Array): Member => ({ user, userText: bytesText(user), shard: shardOf(userKey(user), shardCount) });
  return compareBytes(first, second) === 0 ? [member(first)] : [member(first), member(second)];
}

// Who gets a committed row: the users of its conversation, each on the shard that knows their sessions.
import { directUsers, shardOf, userKey } from "../../proto/conversation.ts";
import type { Conversation, Members, PendingSend } from "../shard/conversation.ts";
import { pushFromFrame, pushToFrame } from "../shard/frames.ts";
import { isFirstUser } from "../shard/naming.ts";
import { bytesText } from "../shard/session.ts";
import type { UserShard } from "../shard/user-shard.ts";
import type { StoredHead } from "../store/store.ts";

const NOBODY: readonly never[] = [];

/** Pushes a committed row of a direct conversation to both users' devices, but to those that get Sent for it. */
export function fanOutDirect(users: readonly UserShard[], conversation: Conversation, pending: PendingSend, head: StoredHead): void {
  const row = pending.row!;
  const { firstText, firstShard, secondText, secondShard } = (conversation.members ??= membersOf(conversation.key, users.length));
  const fromFirst = isFirstUser(conversation.key, row.sender);
  const sender = users[fromFirst ? firstShard : secondShard]!;
  sender.deliver(fromFirst ? firstText : secondText, conversation, head, pending.waiters, row, pushToFrame);
  if (firstText === secondText) return;
  const peer = users[fromFirst ? secondShard : firstShard]!;
  peer.deliver(fromFirst ? secondText : firstText, conversation, head, NOBODY, row, pushFromFrame);
}

function membersOf(key: Uint8Array, shardCount: number): Members {
  // Of a copy: the key stays in memory, and views would give it a buffer of its own outside the heap.
  const [first, second] = directUsers(key.slice());
  return {
    firstText: bytesText(first),
    firstShard: shardOf(userKey(first), shardCount),
    secondText: bytesText(second),
    secondShard: shardOf(userKey(second), shardCount),
  };
}

// Who gets a committed row: the users of its conversation, each on the shard that knows their sessions.
import { directUsers, shardOf, userKey } from "../../proto/conversation.ts";
import type { PendingSend } from "../shard/conversation.ts";
import { peerOf } from "../shard/naming.ts";
import { pushFromFrame, pushToFrame } from "../shard/page.ts";
import { bytesText } from "../shard/session.ts";
import type { UserShard } from "../shard/user-shard.ts";
import type { StoredHead } from "../store/store.ts";

const NOBODY: readonly never[] = [];

/** Pushes a committed row of a direct conversation to both users' devices, but to those that get Sent for it. */
export function fanOutDirect(users: readonly UserShard[], key: Uint8Array, pending: PendingSend, head: StoredHead): void {
  const row = pending.row!;
  const peer = peerOf(key, row.sender);
  const shardOfUser = (user: Uint8Array) => users[shardOf(userKey(user), users.length)]!;
  shardOfUser(row.sender).deliver(row.sender, key, head, pending.waiters, () => pushToFrame(row, peer));
  const [first, second] = directUsers(key);
  if (bytesText(first) === bytesText(second)) return;
  shardOfUser(peer).deliver(peer, key, head, NOBODY, () => pushFromFrame(row));
}

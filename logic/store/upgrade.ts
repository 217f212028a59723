// Brings a store of an older format up to the present one, before anything else looks at it. Ended half way, it is done again at
// the next opening: the format in meta.ts rises only behind it, and what it writes may be written twice.
import { anyMemberKey, AFTER_ALL, isAnyMemberKey, MEMBERS, memberUser } from "./keys.ts";
import { ANY_MEMBER } from "./members.ts";
import type { Level } from "./reader.ts";

const KEYS_PER_BATCH = 4096;

/** Format 1 to 2: each user with memberships gets an anyMemberKey. About 2 µs of CPU for each membership. */
export async function upgradeFrom1(db: Level): Promise<void> {
  const keys = db.keys(MEMBERS);
  try {
    let last = "";
    while (true) {
      const some = await keys.nextv(KEYS_PER_BATCH);
      if (some.length === 0) break;
      const batch = db.batch();
      for (const key of some) {
        const user = memberUser(key);
        if (user === last || isAnyMemberKey(key)) continue;
        last = user;
        batch.put(anyMemberKey(user), ANY_MEMBER);
      }
      await batch.write();
    }
  } finally {
    await keys.close();
  }
  // LevelDB may lose unsynced writes although it keeps a later, synced one; not those that are in its tables.
  await db.compactRange(AFTER_ALL, AFTER_ALL);
}

// The store port with nothing behind it: every commit is durable at once and forgotten, so that what is measured above it is
// logic alone. What a store costs is measured by itself (bench/store.ts).
import { hawser } from "../../proto/gen/hawser.js";
import { hash } from "node:crypto";
import { directKey } from "../../proto/conversation.ts";
import type { Store, StoredHead, StoredMembership, StoredPage, StoredSend, StoredSender, StoreMeta } from "../../logic/store/store.ts";

const DONE: Promise<void> = Promise.resolve();
const NOTHING: Promise<undefined> = Promise.resolve(undefined);
const NO_PAGE: Promise<StoredPage> = Promise.resolve({ rows: [], hashBefore: new Uint8Array(32) });
const HEAD_TIME = 46_000_000_000;

export class InstantStore implements Store {
  readonly meta: StoreMeta;
  readonly durability = hawser.v1.Durability.DURABILITY_FSYNC;
  /** Committed so far. */
  records: number;
  /** Users whose heads were asked for. */
  loads: number;
  /** Conversations that every user is a member of. */
  private readonly conversationsPerUser: number;

  constructor(shardCount: number, conversationsPerUser = 0) {
    this.meta = { storeId: new Uint8Array(8).fill(7), shardCount, epoch: 1 };
    this.records = 0;
    this.loads = 0;
    this.conversationsPerUser = conversationsPerUser;
  }

  positions(): Float64Array {
    return new Float64Array(this.meta.shardCount);
  }

  commit({ shards }: Parameters<Store["commit"]>[0]): Promise<void> {
    for (const { records } of shards) this.records += records.length;
    return DONE;
  }

  loadHead(): Promise<StoredHead | undefined> {
    return NOTHING;
  }

  loadSender(): Promise<StoredSender | undefined> {
    return NOTHING;
  }

  findSend(): Promise<StoredSend | undefined> {
    return NOTHING;
  }

  readPage(): Promise<StoredPage> {
    return NO_PAGE;
  }

  loadMemberships(user: Uint8Array, after: Uint8Array | undefined): Promise<readonly StoredMembership[]> {
    this.loads++;
    if (after !== undefined) return Promise.resolve([]);
    return Promise.resolve(Array.from({ length: this.conversationsPerUser }, (_, i) => membership(user, i)));
  }

  close(): Promise<void> {
    return DONE;
  }
}

function membership(user: Uint8Array, index: number): StoredMembership {
  const conversation = directKey(user, Buffer.from(`p${String(index).padStart(10, "0")}`));
  // A copy in V8's heap, as the real store's reader makes it.
  const head = { seq: index + 1, hash: Uint8Array.from(hash("sha256", user, "buffer")), time: HEAD_TIME, uncounted: 0 };
  return { conversation, head, readSeq: index };
}

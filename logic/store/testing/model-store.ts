// The store port kept in plain arrays and maps, as simply as it can be said: what real stores are compared with. It
// demands nothing beyond the port (logic/testing/memory-store.ts is the one that judges its callers, and can hold and
// fail what they ask). "Durable" is what stays in the ModelDisk when the store is opened again.
import { hawser } from "../../../proto/gen/hawser.js";
import { compareBytes } from "../../../proto/conversation.ts";
import { HASH_START } from "../../../proto/conversation-hash.ts";
import { EpochConflict, PositionConflict, StoreFailed, StoreLocked, StoreMismatch } from "../errors.ts";
import {
  type Commit,
  type PageQuery,
  RecordType,
  type Row,
  type Store,
  type StoredHead,
  type StoredMembership,
  type StoredPage,
  type StoredSend,
  type StoredSender,
  type StoreMeta,
  type StoreRecord,
} from "../store.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

interface Conversation {
  rows: Row[];
  /** hashes[n] is the hash at row n; hashes[0] is HASH_START. */
  hashes: Uint8Array[];
  /** By install and number. */
  sends: Map<string, Map<number, StoredSend>>;
}

interface Membership {
  conversation: Uint8Array;
  member: boolean;
  readSeq: number;
}

export class ModelDisk {
  storeId: Uint8Array | undefined = undefined;
  shardCount = 0;
  epoch = 0;
  open = false;
  positions: Float64Array = new Float64Array(0);
  readonly conversations = new Map<string, Conversation>();
  readonly users = new Map<string, Map<string, Membership>>();
}

export class ModelStore implements Store {
  readonly meta: StoreMeta;
  readonly durability = hawser.v1.Durability.DURABILITY_FSYNC;
  private readonly disk: ModelDisk;
  private closed: boolean;

  constructor(disk: ModelDisk, shardCount: number) {
    if (disk.open) throw new StoreLocked("memory");
    if (disk.storeId === undefined) {
      disk.storeId = new Uint8Array(8).map(() => Math.floor(Math.random() * 256));
      disk.shardCount = shardCount;
      disk.positions = new Float64Array(shardCount);
    }
    if (disk.shardCount !== shardCount) throw new StoreMismatch(`the store was made with ${disk.shardCount} shards`);
    disk.open = true;
    disk.epoch++;
    this.disk = disk;
    this.meta = { storeId: disk.storeId, shardCount, epoch: disk.epoch };
    this.closed = false;
  }

  positions(): Float64Array {
    return this.disk.positions.slice();
  }

  async commit(commit: Commit): Promise<void> {
    this.assertOpen();
    if (commit.epoch !== this.meta.epoch) throw new EpochConflict(commit.epoch, this.meta.epoch);
    for (const { shard, position } of commit.shards) {
      const expected = this.disk.positions[shard]! + 1;
      if (position !== expected) throw new PositionConflict(shard, position, expected);
    }
    this.check(commit.shards.flatMap(({ records }) => records));
    await new Promise((resolve) => setImmediate(resolve));
    for (const { shard, position, records } of commit.shards) {
      this.disk.positions[shard] = position;
      for (const record of records) this.apply(record);
    }
  }

  async loadHead(conversation: Uint8Array): Promise<StoredHead | undefined> {
    this.assertOpen();
    return this.head(conversation);
  }

  async loadSender(conversation: Uint8Array, install: Uint8Array): Promise<StoredSender | undefined> {
    this.assertOpen();
    const numbers = this.disk.conversations.get(text(conversation))?.sends.get(text(install));
    return numbers === undefined ? undefined : { clientSeq: Math.max(...numbers.keys()) };
  }

  async findSend(conversation: Uint8Array, install: Uint8Array, clientSeq: number): Promise<StoredSend | undefined> {
    this.assertOpen();
    return this.disk.conversations.get(text(conversation))?.sends.get(text(install))?.get(clientSeq);
  }

  async readPage(conversation: Uint8Array, query: PageQuery): Promise<StoredPage> {
    this.assertOpen();
    const { rows, hashes } = this.disk.conversations.get(text(conversation)) ?? { rows: [], hashes: [HASH_START] };
    const from = query.backward ? Math.min(query.fromSeq, rows.length) : query.fromSeq;
    if (from < 1 || from > rows.length) return { rows: [], hashBefore: hashes[rows.length]! };
    const page: Row[] = [];
    let bytes = 0;
    for (let seq = from; seq >= 1 && seq <= rows.length && page.length < query.rowsMax; seq += query.backward ? -1 : 1) {
      const row = rows[seq - 1]!;
      bytes += row.payload.length + 64;
      if (page.length > 0 && bytes > query.bytesMax) break;
      page.push(row);
    }
    if (query.backward) page.reverse();
    return { rows: page, hashBefore: hashes[page[0]!.seq - 1]! };
  }

  async loadMemberships(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly StoredMembership[]> {
    this.assertOpen();
    return [...(this.disk.users.get(text(user))?.values() ?? [])]
      .filter(({ conversation, member }) => member && (after === undefined || compareBytes(conversation, after) > 0))
      .sort((a, b) => compareBytes(a.conversation, b.conversation))
      .slice(0, limit)
      .map(({ conversation, readSeq }) => {
        return { conversation, readSeq, head: this.head(conversation) ?? { seq: 0, hash: HASH_START, time: 0, uncounted: 0 } };
      });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.disk.open = false;
  }

  private head(conversation: Uint8Array): StoredHead | undefined {
    const stored = this.disk.conversations.get(text(conversation));
    const last = stored?.rows.at(-1);
    if (stored === undefined || last === undefined) return undefined;
    return { seq: last.seq, hash: stored.hashes[last.seq]!, time: last.time, uncounted: last.uncounted };
  }

  private check(records: readonly StoreRecord[]): void {
    const heads = new Map<string, number>();
    const numbers = new Map<string, number>();
    for (const record of records) {
      if (record.type !== RecordType.Row && record.type !== RecordType.Refusal) continue;
      const id = text(record.conversation);
      const stored = this.disk.conversations.get(id);
      if (record.type === RecordType.Row) {
        const expected = (heads.get(id) ?? stored?.rows.length ?? 0) + 1;
        if (record.row.seq !== expected) throw new RangeError(`row ${record.row.seq} where the conversation expects ${expected}`);
        heads.set(id, expected);
      }
      const { install, clientSeq } = record.type === RecordType.Row ? record.row : record;
      if (clientSeq === 0 && record.type === RecordType.Row) continue;
      const used = numbers.get(id + text(install)) ?? Math.max(0, ...(stored?.sends.get(text(install))?.keys() ?? []));
      if (clientSeq <= used) throw new RangeError(`number ${clientSeq} of an install that has used ${used}`);
      numbers.set(id + text(install), clientSeq);
    }
  }

  private apply(record: StoreRecord): void {
    switch (record.type) {
      case RecordType.Row: {
        const { rows, hashes } = this.conversation(record.conversation);
        // As long as the store lives: the caller's memory is the caller's.
        const { sender, payload, install } = record.row;
        const row = { ...record.row, sender: sender.slice(), payload: payload.slice(), install: install.slice() };
        rows.push(row);
        hashes.push(record.hash);
        if (row.clientSeq > 0) this.sends(record.conversation, install).set(row.clientSeq, { row });
        return;
      }
      case RecordType.Refusal:
        this.sends(record.conversation, record.install).set(record.clientSeq, { refused: record.code });
        return;
      case RecordType.Member:
        this.membership(record.user, record.conversation).member = true;
        return;
      case RecordType.Read: {
        const membership = this.membership(record.user, record.conversation);
        membership.readSeq = Math.max(membership.readSeq, record.seq);
        return;
      }
    }
  }

  private conversation(key: Uint8Array): Conversation {
    return getOrMake(this.disk.conversations, text(key), () => ({ rows: [], hashes: [HASH_START], sends: new Map() }));
  }

  private sends(conversation: Uint8Array, install: Uint8Array): Map<number, StoredSend> {
    return getOrMake(this.conversation(conversation).sends, text(install), () => new Map());
  }

  private membership(user: Uint8Array, conversation: Uint8Array): Membership {
    const memberships = getOrMake(this.disk.users, text(user), () => new Map<string, Membership>());
    return getOrMake(memberships, text(conversation), () => ({ conversation: conversation.slice(), member: false, readSeq: 0 }));
  }

  private assertOpen(): void {
    if (this.closed) throw new StoreFailed("the store cannot be used any more: it was closed");
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

// What a store keeps, in memory: survives the "crash" of every process that used it. It is also the judge of the
// store port: a commit that breaks one of the port's rules (positions, contiguous seqs and client_seqs, a hash that is
// not SPEC.md's, a time that falls, a row on the wrong shard, a conversation that its members cannot find) throws
// RuleBroken, so that each test that writes through it checks all of them.
import { createHash } from "node:crypto";
import { directUsers, shardOf, userKey } from "../../proto/conversation.ts";
import { EpochConflict, PositionConflict } from "../store/errors.ts";
import {
  type Commit,
  type PageQuery,
  RecordType,
  type Row,
  type StoredHead,
  type StoredMembership,
  type StoredPage,
  type StoredSend,
  type StoredSender,
  type StoreRecord,
} from "../store/store.ts";

/** The caller of the store broke the port's contract. */
export class RuleBroken extends Error {}

export interface KeptRow {
  readonly row: Row;
  /** The conversation hash at it. */
  readonly hash: Uint8Array;
}

interface KeptConversation {
  readonly rows: KeptRow[];
  /** By install: what became of its Sends 1, 2, 3 … */
  readonly senders: Map<string, StoredSend[]>;
}

const HASH_START = new Uint8Array(32);

export class MemoryDisk {
  readonly storeId: Uint8Array;
  readonly shardCount: number;
  /** Minted by the last opening. */
  epoch: number;
  readonly positions: Float64Array;
  private readonly conversations: Map<string, KeptConversation>;
  /** By user, then by conversation: the read position. */
  private readonly members: Map<string, Map<string, number>>;

  constructor(shardCount: number, storeId: Uint8Array = new Uint8Array(8).fill(7)) {
    this.storeId = storeId;
    this.shardCount = shardCount;
    this.epoch = 0;
    this.positions = new Float64Array(shardCount);
    this.conversations = new Map();
    this.members = new Map();
  }

  /** Makes a commit durable. Throws EpochConflict or PositionConflict, with nothing written; RuleBroken when its author has a bug. */
  apply(commit: Commit): void {
    if (commit.epoch !== this.epoch) throw new EpochConflict(commit.epoch, this.epoch);
    if (commit.shards.length === 0) throw new RuleBroken("empty commit");
    for (const { shard, position } of commit.shards) {
      const expected = this.positions[shard]! + 1;
      if (position !== expected) throw new PositionConflict(shard, position, expected);
    }
    for (const { shard, position, records } of commit.shards) {
      if (this.positions[shard] === position) throw new RuleBroken(`shard ${shard} stands twice in a commit`);
      if (records.length === 0) throw new RuleBroken(`a commit with nothing for shard ${shard}`);
      this.positions[shard] = position;
      for (const record of records) this.applyRecord(shard, record);
    }
    for (const { records } of commit.shards) for (const record of records) this.checkFindable(record);
  }

  head(conversation: Uint8Array): StoredHead | undefined {
    const last = this.conversations.get(text(conversation))?.rows.at(-1);
    return last && { seq: last.row.seq, hash: last.hash, time: last.row.time, uncounted: last.row.uncounted };
  }

  sender(conversation: Uint8Array, install: Uint8Array): StoredSender | undefined {
    const sends = this.conversations.get(text(conversation))?.senders.get(text(install));
    return sends && { clientSeq: sends.length };
  }

  send(conversation: Uint8Array, install: Uint8Array, clientSeq: number): StoredSend | undefined {
    return this.conversations.get(text(conversation))?.senders.get(text(install))?.[clientSeq - 1];
  }

  page(conversation: Uint8Array, { fromSeq, backward, rowsMax, bytesMax }: PageQuery): StoredPage {
    const rows = this.conversations.get(text(conversation))?.rows ?? [];
    const hashAt = (seq: number) => (seq < 1 ? HASH_START : (rows[Math.min(seq, rows.length) - 1]?.hash ?? HASH_START));
    const taken: Row[] = [];
    let bytes = 0;
    for (let seq = fromSeq; seq >= 1 && seq <= rows.length && taken.length < rowsMax; seq += backward ? -1 : 1) {
      const { row } = rows[seq - 1]!;
      bytes += row.payload.length + 64;
      if (taken.length > 0 && bytes > bytesMax) break;
      taken.push(row);
    }
    if (backward) taken.reverse();
    const before = taken[0] === undefined ? (backward ? rows.length : fromSeq - 1) : taken[0].seq - 1;
    return { rows: taken, hashBefore: hashAt(before) };
  }

  memberships(user: Uint8Array, after: Uint8Array | undefined, limit: number): StoredMembership[] {
    const keys = [...(this.members.get(text(user))?.keys() ?? [])].sort();
    const from = after === undefined ? keys : keys.filter((key) => key > text(after));
    return from.slice(0, limit).map((key) => {
      const conversation = bytes(key);
      const head = this.head(conversation);
      if (head === undefined) throw new RuleBroken("a member of a conversation without rows");
      return { conversation, head, readSeq: this.members.get(text(user))!.get(key)! };
    });
  }

  /** One row and the conversation hash at it, for tests. */
  row(conversation: Uint8Array, seq: number): KeptRow | undefined {
    return this.conversations.get(text(conversation))?.rows[seq - 1];
  }

  /** All rows of a conversation, for tests. */
  rows(conversation: Uint8Array): Row[] {
    return (this.conversations.get(text(conversation))?.rows ?? []).map(({ row }) => row);
  }

  /** Keys of all conversations, for tests. */
  keys(): Uint8Array[] {
    return [...this.conversations.keys()].map(bytes);
  }

  /** A user's read position in a conversation, for tests. */
  readSeq(user: Uint8Array, conversation: Uint8Array): number {
    return this.members.get(text(user))?.get(text(conversation)) ?? 0;
  }

  private applyRecord(shard: number, record: StoreRecord): void {
    const key = text(record.conversation);
    switch (record.type) {
      case RecordType.Row:
        this.checkShard(shard, record.conversation);
        this.checkRow(record.conversation, record.row, record.hash);
        this.conversation(key).rows.push({ row: record.row, hash: record.hash });
        this.useNumber(key, record.row.install, record.row.clientSeq, { row: record.row });
        return;
      case RecordType.Refusal:
        this.checkShard(shard, record.conversation);
        this.useNumber(key, record.install, record.clientSeq, { refused: record.code });
        return;
      case RecordType.Member:
        if (!this.membersOf(record.user).has(key)) this.membersOf(record.user).set(key, 0);
        return;
      case RecordType.Read: {
        if (shard !== shardOf(userKey(record.user), this.shardCount)) throw new RuleBroken("read position on another shard than its user's");
        const known = this.membersOf(record.user).get(key);
        if (known === undefined) throw new RuleBroken("read position of somebody who is no member");
        if (record.seq > (this.head(record.conversation)?.seq ?? 0)) throw new RuleBroken("read position beyond the head");
        this.membersOf(record.user).set(key, Math.max(known, record.seq));
      }
    }
  }

  private checkShard(shard: number, conversation: Uint8Array): void {
    if (shard !== shardOf(conversation, this.shardCount)) throw new RuleBroken("a conversation on the wrong shard");
  }

  private checkRow(conversation: Uint8Array, row: Row, hash: Uint8Array): void {
    const head = this.head(conversation);
    if (row.seq !== (head?.seq ?? 0) + 1) throw new RuleBroken(`row ${row.seq} after ${head?.seq ?? 0}`);
    if (row.time < (head?.time ?? 0)) throw new RuleBroken(`time falls from ${head?.time} to ${row.time}`);
    if (row.install.length !== 8) throw new RuleBroken("an install that is none");
    if (!directUsers(conversation).some((user) => text(user) === text(row.sender))) throw new RuleBroken("a sender from outside the conversation");
    if (text(hash) !== text(rowHash(head?.hash ?? HASH_START, row))) throw new RuleBroken(`wrong hash at row ${row.seq}`);
  }

  private useNumber(key: string, install: Uint8Array, clientSeq: number, send: StoredSend): void {
    const { senders } = this.conversation(key);
    const sends = senders.get(text(install)) ?? [];
    if (clientSeq !== sends.length + 1) throw new RuleBroken(`client_seq ${clientSeq} after ${sends.length}`);
    sends.push(send);
    senders.set(text(install), sends);
  }

  private checkFindable(record: StoreRecord): void {
    if (record.type !== RecordType.Row) return;
    for (const user of directUsers(record.conversation)) {
      if (!this.membersOf(user).has(text(record.conversation))) throw new RuleBroken("a conversation that its member cannot find");
    }
  }

  private conversation(key: string): KeptConversation {
    let kept = this.conversations.get(key);
    if (kept === undefined) {
      kept = { rows: [], senders: new Map() };
      this.conversations.set(key, kept);
    }
    return kept;
  }

  private membersOf(user: Uint8Array): Map<string, number> {
    let members = this.members.get(text(user));
    if (members === undefined) {
      members = new Map();
      this.members.set(text(user), members);
    }
    return members;
  }
}

/** SPEC.md §11 written down a second time, from the page and not from the code under test. */
export function rowHash(previous: Uint8Array, row: Row): Uint8Array {
  const numbers = Buffer.alloc(20);
  numbers.writeBigUInt64BE(BigInt(row.seq), 0);
  numbers.writeUInt32BE(row.kind, 8);
  numbers.writeBigUInt64BE(BigInt(row.time), 12);
  return createHash("sha256")
    .update(previous)
    .update(numbers.subarray(0, 8))
    .update(Uint8Array.of(row.sender.length))
    .update(row.sender)
    .update(numbers.subarray(8))
    .update(createHash("sha256").update(row.payload).digest())
    .digest();
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

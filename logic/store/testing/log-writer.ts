// Makes commits that are right: numbers, hashes and positions go on from where the store is. What a shard core does, without
// any of its rules.
import { directKey, shardOf } from "../../../proto/conversation.ts";
import { HASH_START, nextHash } from "../../../proto/conversation-hash.ts";
import { sha256 } from "../../shard/sha256.ts";
import { type Commit, RecordType, type Row, type Store, type StoreRecord } from "../store.ts";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const direct = (a: string, b: string): Uint8Array => directKey(bytes(a), bytes(b));
/** An install id that says its number. */
export const install = (n: number): Uint8Array => Uint8Array.of(0xee, 0, 0, 0, n >>> 24, n >>> 16, n >>> 8, n);

export interface RowFields {
  time?: number;
  kind?: number;
  sender?: Uint8Array;
  payload?: Uint8Array;
  install?: Uint8Array;
  clientSeq?: number;
  uncounted?: number;
}

interface Head {
  seq: number;
  hash: Uint8Array;
  time: number;
  uncounted: number;
}

export class LogWriter {
  readonly store: Store;
  private readonly positions: Float64Array;
  private readonly heads: Map<string, Head>;
  private readonly numbers: Map<string, number>;
  private pending: Map<number, StoreRecord[]>;

  constructor(store: Store) {
    this.store = store;
    this.positions = store.positions();
    this.heads = new Map();
    this.numbers = new Map();
    this.pending = new Map();
  }

  /** Learns where a conversation is, of a store that was not written by this writer. */
  async learn(conversation: Uint8Array, ...installs: Uint8Array[]): Promise<void> {
    const head = await this.store.loadHead(conversation);
    if (head !== undefined) this.heads.set(id(conversation), { ...head });
    for (const each of installs) {
      const sender = await this.store.loadSender(conversation, each);
      if (sender !== undefined) this.numbers.set(id(conversation) + id(each), sender.clientSeq);
    }
  }

  /** Adds the conversation's next row to the open commit. Without clientSeq it takes the install's next number. */
  row(conversation: Uint8Array, fields: RowFields = {}): Row {
    const before = this.heads.get(id(conversation)) ?? { seq: 0, hash: HASH_START, time: 0, uncounted: 0 };
    const from = fields.install ?? install(1);
    const row: Row = {
      seq: before.seq + 1,
      time: fields.time ?? before.time + 7,
      kind: fields.kind ?? 0,
      sender: fields.sender ?? bytes("ann"),
      payload: fields.payload ?? bytes(`row ${before.seq + 1}`),
      install: from,
      clientSeq: fields.clientSeq ?? this.next(conversation, from),
      uncounted: fields.uncounted ?? before.uncounted,
    };
    if (row.clientSeq > 0) this.numbers.set(id(conversation) + id(from), row.clientSeq);
    const hash = nextHash(sha256, before.hash, row.seq, row.sender, row.kind, row.time, sha256(row.payload));
    this.heads.set(id(conversation), { seq: row.seq, hash, time: row.time, uncounted: row.uncounted });
    this.add(conversation, { type: RecordType.Row, conversation, row, hash });
    return row;
  }

  refuse(conversation: Uint8Array, from: Uint8Array, code: number): number {
    const clientSeq = this.next(conversation, from);
    this.numbers.set(id(conversation) + id(from), clientSeq);
    this.add(conversation, { type: RecordType.Refusal, conversation, install: from, clientSeq, code });
    return clientSeq;
  }

  member(user: Uint8Array, conversation: Uint8Array): void {
    this.add(conversation, { type: RecordType.Member, user, conversation });
  }

  read(user: Uint8Array, conversation: Uint8Array, seq: number): void {
    this.add(conversation, { type: RecordType.Read, user, conversation, seq });
  }

  /** The open commit; the next begins. */
  take(): Commit {
    const shards = [...this.pending].map(([shard, records]) => ({ shard, position: ++this.positions[shard]!, records }));
    this.pending = new Map();
    return { epoch: this.store.meta.epoch, shards };
  }

  commit(): Promise<void> {
    return this.store.commit(this.take());
  }

  hash(conversation: Uint8Array): Uint8Array {
    return this.heads.get(id(conversation))?.hash ?? HASH_START;
  }

  lastNumber(conversation: Uint8Array, from: Uint8Array): number {
    return this.numbers.get(id(conversation) + id(from)) ?? 0;
  }

  private next(conversation: Uint8Array, from: Uint8Array): number {
    return this.lastNumber(conversation, from) + 1;
  }

  private add(conversation: Uint8Array, record: StoreRecord): void {
    const shard = shardOf(conversation, this.positions.length);
    const records = this.pending.get(shard);
    if (records === undefined) this.pending.set(shard, [record]);
    else records.push(record);
  }
}

const id = (value: Uint8Array): string => Buffer.from(value).toString("latin1");

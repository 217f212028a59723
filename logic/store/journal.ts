// A commit as one value: the only thing that is written and synced before a commit resolves. Rows stand in it as they
// will stand in blocks (row.ts), so what is applied to memory afterwards is copied from here, not encoded again.
//
//   value  = envelope | epoch | shards | shard…             (integers: varints)
//   shard  = shard | position | records | record…
//   record = 1 conversation seq hash(first 8 bytes) row     2 conversation install(8) clientSeq code
//          | 3 user conversation                            4 user conversation seq
//   user, conversation = length byte, bytes; a conversation of length 0 is that of the record before
//
// Eight bytes of the hash are enough to notice on recovery that a row is not what was committed: the hash is computed anew
// from the head, and damage does not aim.
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { ID_BYTES_MAX, INSTALL_BYTES, journalKey } from "./keys.ts";
import { readRow, rowBodyBytes, writeRow } from "./row.ts";
import { type Commit, RecordType, type Row, type StoreRecord } from "./store.ts";
import type { ByteReader } from "./varint.ts";

export const HASH_PREFIX_BYTES = 8;
const SCRATCH_BYTES = 64 * 1024;
/** A larger scratch is not kept after its commit. */
const SCRATCH_KEPT_MAX = 1024 * 1024;
/** Of one value: far above what group commit gathers, far below what LevelDB can take. */
export const COMMIT_BYTES_MAX = 128 * 1024 * 1024;

/** Encodes commits, one at a time, into memory that it uses again: LevelDB copies the value when it is given it. */
export class JournalWriter {
  /** Where the row of the n-th record of the last commit stands in `bytes`, as writeRow made it. */
  readonly rowStarts: number[];
  readonly rowEnds: number[];
  bytes: Buffer;
  private at: number;
  private conversation: Uint8Array | undefined;

  constructor() {
    this.rowStarts = [];
    this.rowEnds = [];
    this.bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.at = 0;
    this.conversation = undefined;
  }

  /** The value of a commit, a view that is valid until the next call. Throws RangeError when it is too large. */
  encode(commit: Commit): Uint8Array {
    if (this.bytes.length > SCRATCH_KEPT_MAX) this.bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
    this.at = ENVELOPE_BYTES;
    this.conversation = undefined;
    this.ensure(32);
    this.varint(commit.epoch);
    this.varint(commit.shards.length);
    let index = 0;
    for (const shard of commit.shards) {
      this.ensure(32);
      this.varint(shard.shard);
      this.varint(shard.position);
      this.varint(shard.records.length);
      for (const record of shard.records) this.record(record, index++);
    }
    return seal(this.bytes, this.at, Tag.Journal);
  }

  private record(record: StoreRecord, index: number): void {
    switch (record.type) {
      case RecordType.Row: {
        const { row, conversation } = record;
        const body = rowBodyBytes(row);
        const size = varintBytes(body) + body;
        this.ensure(32 + ID_BYTES_MAX + size);
        this.bytes[this.at++] = RecordType.Row;
        this.conversationRef(conversation);
        this.varint(row.seq);
        for (let i = 0; i < HASH_PREFIX_BYTES; i++) this.bytes[this.at++] = record.hash[i]!;
        this.rowStarts[index] = this.at;
        this.at = writeRow(this.bytes, this.at, row, body);
        this.rowEnds[index] = this.at;
        return;
      }
      case RecordType.Refusal:
        this.ensure(64 + ID_BYTES_MAX);
        this.bytes[this.at++] = RecordType.Refusal;
        this.conversationRef(record.conversation);
        this.bytes.set(record.install, this.at);
        this.at += INSTALL_BYTES;
        this.varint(record.clientSeq);
        this.varint(record.code);
        return;
      case RecordType.Member:
      case RecordType.Read:
        this.ensure(64 + 2 * ID_BYTES_MAX);
        this.bytes[this.at++] = record.type;
        this.id(record.user);
        this.conversationRef(record.conversation);
        if (record.type === RecordType.Read) this.varint(record.seq);
        return;
    }
  }

  private conversationRef(conversation: Uint8Array): void {
    if (conversation === this.conversation) this.bytes[this.at++] = 0;
    else this.id(conversation);
    this.conversation = conversation;
  }

  private id(id: Uint8Array): void {
    this.bytes[this.at++] = id.length;
    this.bytes.set(id, this.at);
    this.at += id.length;
  }

  private varint(n: number): void {
    this.at = writeVarint(this.bytes, this.at, n);
  }

  private ensure(more: number): void {
    const needed = this.at + more;
    if (needed <= this.bytes.length) return;
    if (needed > COMMIT_BYTES_MAX) throw new RangeError(`a commit must stay below ${COMMIT_BYTES_MAX} bytes`);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }
}

/** A record as recovery reads it: of a row, where it stands in the value, and only the first bytes of its hash. */
export type JournalRecord =
  | {
      readonly type: typeof RecordType.Row;
      readonly conversation: Uint8Array;
      readonly row: Row;
      readonly hashPrefix: Uint8Array;
      readonly start: number;
      readonly end: number;
    }
  | Exclude<StoreRecord, { type: typeof RecordType.Row }>;

export interface JournalShard {
  readonly shard: number;
  readonly position: number;
  readonly records: readonly JournalRecord[];
}

export interface JournalEntry {
  readonly epoch: number;
  readonly shards: readonly JournalShard[];
}

/** A commit out of its value. Byte fields are views of it. Throws StoreCorrupt. */
export function decodeCommit(number: number, value: Uint8Array): JournalEntry {
  const key = journalKey(number);
  const reader = unseal(value, Tag.Journal, "commit", key);
  try {
    const last = { conversation: undefined as Uint8Array | undefined };
    const epoch = reader.varint();
    const shards: JournalShard[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      const shard = reader.varint();
      const position = reader.varint();
      const records: JournalRecord[] = [];
      for (let more = reader.varint(); more > 0; more--) records.push(readRecord(reader, last));
      shards.push({ shard, position, records });
    }
    if (!reader.done) throw new RangeError("bytes are left over");
    return { epoch, shards };
  } catch (error) {
    throw corrupt("commit", key, (error as Error).message, error);
  }
}

function readRecord(reader: ByteReader, last: { conversation: Uint8Array | undefined }): JournalRecord {
  const type = reader.byte();
  switch (type) {
    case RecordType.Row: {
      const conversation = readConversation(reader, last);
      const seq = reader.varint();
      const hashPrefix = reader.take(HASH_PREFIX_BYTES);
      const start = reader.at;
      const row = readRow(reader, seq);
      return { type, conversation, row, hashPrefix, start, end: reader.at };
    }
    case RecordType.Refusal: {
      const conversation = readConversation(reader, last);
      const install = reader.take(INSTALL_BYTES);
      const clientSeq = reader.varint();
      return { type, conversation, install, clientSeq, code: reader.varint() };
    }
    case RecordType.Member:
    case RecordType.Read: {
      const user = reader.take(reader.byte());
      const conversation = readConversation(reader, last);
      return type === RecordType.Member ? { type, user, conversation } : { type, user, conversation, seq: reader.varint() };
    }
    default:
      throw new RangeError(`a record of type ${type}`);
  }
}

function readConversation(reader: ByteReader, last: { conversation: Uint8Array | undefined }): Uint8Array {
  const length = reader.byte();
  if (length > 0) last.conversation = reader.take(length);
  if (last.conversation === undefined) throw new RangeError("the first record names no conversation");
  return last.conversation;
}

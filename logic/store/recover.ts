// Opening: reads the checkpoint, replays the commits above it, and trusts nothing on the way.
//
// LevelDB skips damaged stretches of its log without a word, so the journal is numbered and must be without a hole from
// the checkpoint on; shard positions and seqs must go on from where they were; and each row's hash is computed anew from
// the head before it. What does not fit is StoreCorrupt, with the place.
//
// A commit may be in its place already, in part or wholly: a checkpoint was under way. A row up to its conversation's head
// and a number up to its sender's last are there and passed over; everything else is applied as by a commit.
import { nextHash } from "../../proto/conversation-hash.ts";
import { sha256 } from "../shard/sha256.ts";
import { type ConversationState, ROW_OVERHEAD_BYTES } from "./conversation-state.ts";
import { corrupt } from "./envelope.ts";
import { StoreCorrupt } from "./errors.ts";
import { decodeCommit, HASH_PREFIX_BYTES, type JournalEntry, type JournalRecord } from "./journal.ts";
import { JournalState } from "./journal-state.ts";
import { CHECKPOINT_KEY, HEADS, JOURNAL, journalKey, journalNumber } from "./keys.ts";
import { bytesOf } from "./latin1.ts";
import type { Loader } from "./loader.ts";
import type { Members } from "./members.ts";
import { decodeCheckpoint } from "./meta.ts";
import type { Overlay } from "./overlay.ts";
import type { Level } from "./reader.ts";
import { refusalToken, rowToken, type SenderState, TOKEN_STORED } from "./sender-state.ts";
import { RecordType, type StoreMeta } from "./store.ts";

/** Commits that are read, and whose conversations are loaded, at once. */
const COMMITS_PER_READ = 256;
const BYTES_PER_READ = 1024 * 1024;

export interface RecoverParts {
  db: Level;
  overlay: Overlay;
  members: Members;
  loader: Loader;
}

/** Brings the overlay to the last commit. `meta` as stored: no commit may be of a later epoch. Writes nothing. */
export async function recover(parts: RecoverParts, meta: StoreMeta): Promise<JournalState> {
  const { db } = parts;
  const checkpoint = decodeCheckpoint(await db.get(CHECKPOINT_KEY), meta.shardCount);
  const [oldest] = await db.keys({ ...JOURNAL, limit: 1 }).all();
  const first = oldest === undefined ? checkpoint.number + 1 : Math.min(journalNumber(oldest), checkpoint.number + 1);
  const journal = new JournalState(first, checkpoint.number, checkpoint.positions);
  await refuseOrphans(db, checkpoint.number, oldest);
  const iterator = db.iterator({ gte: journalKey(checkpoint.number + 1), lt: JOURNAL.lt, highWaterMarkBytes: BYTES_PER_READ });
  try {
    for (;;) {
      const values = await iterator.nextv(COMMITS_PER_READ);
      if (values.length === 0) return journal;
      const replays = values.map(([key, value]) => new Replay(parts, journal, meta, journalNumber(key), value));
      await Promise.all(replays.map((replay) => replay.load()));
      for (const replay of replays) replay.apply();
    }
  } finally {
    await iterator.close();
  }
}

/** Heads without any checkpoint or journal: those were lost, and with them nobody knows what else. */
async function refuseOrphans(db: Level, checkpoint: number, oldest: Uint8Array | undefined): Promise<void> {
  if (checkpoint > 0 || oldest !== undefined) return;
  const heads = await db.keys({ ...HEADS, limit: 1 }).all();
  if (heads.length > 0) throw corrupt("checkpoint", CHECKPOINT_KEY, "it is missing, but there are conversations");
}

/** One commit of the journal. */
class Replay {
  private readonly parts: RecoverParts;
  private readonly journal: JournalState;
  private readonly meta: StoreMeta;
  private readonly number: number;
  private readonly value: Uint8Array;
  private readonly entry: JournalEntry;
  private readonly states: (ConversationState | undefined)[];
  private readonly senders: (SenderState | undefined)[];

  constructor(parts: RecoverParts, journal: JournalState, meta: StoreMeta, number: number, value: Uint8Array) {
    this.parts = parts;
    this.journal = journal;
    this.meta = meta;
    this.number = number;
    this.value = value;
    this.entry = decodeCommit(number, value);
    this.states = [];
    this.senders = [];
  }

  /** Brings what the commit touches into memory, and keeps it there until apply(). */
  async load(): Promise<void> {
    const records = this.entry.shards.flatMap((shard) => shard.records);
    await Promise.all(records.map((record, index) => this.loadFor(record, index)));
  }

  private async loadFor(record: JournalRecord, index: number): Promise<void> {
    if (record.type === RecordType.Member || record.type === RecordType.Read) return;
    const { loader } = this.parts;
    const found = loader.state(record.conversation);
    // Pinned in the same turn in which it is there: it could be dropped in the next.
    const state = found instanceof Promise ? await found : found;
    state.pins++;
    this.states[index] = state;
    const used = record.type === RecordType.Refusal ? record : record.row;
    if (used.clientSeq > 0) this.senders[index] = await loader.sender(state, used.install);
  }

  apply(): void {
    const { journal, number, entry, meta } = this;
    if (number !== journal.last + 1) throw new StoreCorrupt("the journal", `commit ${journal.last + 1} is missing, the next is ${number}`);
    if (entry.epoch > meta.epoch) throw this.corrupt(`it is of epoch ${entry.epoch}, the store of ${meta.epoch}`);
    let index = 0;
    for (const { shard, position, records } of entry.shards) {
      const last = journal.positions[shard];
      if (last === undefined) throw this.corrupt(`it has shard ${shard}`);
      if (position !== last + 1) throw this.corrupt(`it has position ${position} of shard ${shard}, which is at ${last}`);
      journal.positions[shard] = position;
      for (const record of records) this.applyRecord(record, index++);
    }
    for (const state of this.states) if (state !== undefined) state.pins--;
    journal.last = number;
    journal.replayed++;
  }

  private applyRecord(record: JournalRecord, index: number): void {
    const { overlay, members } = this.parts;
    switch (record.type) {
      case RecordType.Row:
        this.applyRow(record, this.states[index]!, this.senders[index]);
        return;
      case RecordType.Refusal: {
        const state = this.states[index]!;
        const sender = this.senders[index]!;
        if (record.clientSeq <= sender.last) return;
        state.useNumber(sender, record.clientSeq, refusalToken(record.code));
        overlay.soil(state, ROW_OVERHEAD_BYTES);
        return;
      }
      case RecordType.Member:
        overlay.dirtyBytes += members.merge(record.user, record.conversation, true, 0);
        return;
      case RecordType.Read:
        overlay.dirtyBytes += members.merge(record.user, record.conversation, false, record.seq);
        return;
    }
  }

  private applyRow(record: Extract<JournalRecord, { type: typeof RecordType.Row }>, state: ConversationState, sender: SenderState | undefined): void {
    const { row, start, end } = record;
    if (row.seq > state.seq + 1) throw this.corrupt(`it has row ${row.seq} of a conversation that is at ${state.seq}`);
    const fresh = row.seq === state.seq + 1;
    const before = bytesOf(state.hash);
    const hash = fresh ? nextHash(sha256, before, row.seq, row.sender, row.kind, row.time, sha256(row.payload)) : before;
    // Of a row below the head only the head's hash is known, which covers it.
    if (row.seq >= state.seq) this.checkHash(row.seq, hash, record.hashPrefix);
    if (fresh) {
      state.addRow(this.value, start, end, row.time, row.uncounted, hash);
      this.parts.overlay.soil(state, end - start + ROW_OVERHEAD_BYTES);
    }
    if (sender === undefined) return;
    // A head is written with the numbers of all its rows; those of a conversation in parts may even be ahead of it.
    if (fresh && row.clientSeq > sender.last) state.useNumber(sender, row.clientSeq, rowToken(row.seq));
    else this.checkNumber(sender, row.clientSeq, row.seq);
  }

  /** A number that is used already must have become the same row. */
  private checkNumber(sender: SenderState, clientSeq: number, seq: number): void {
    const token = sender.find(clientSeq);
    if (token !== TOKEN_STORED && token !== rowToken(seq)) throw this.corrupt(`number ${clientSeq} of an install is used twice, by row ${seq} too`);
  }

  private checkHash(seq: number, hash: Uint8Array, prefix: Uint8Array): void {
    for (let i = 0; i < HASH_PREFIX_BYTES; i++) if (hash[i] !== prefix[i]) throw this.corrupt(`the hash at row ${seq} is not that of its content`);
  }

  private corrupt(problem: string): StoreCorrupt {
    return corrupt("commit", journalKey(this.number), problem);
  }
}

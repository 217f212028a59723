// The ack path: check, encode, one synced write, and only then into memory, where reads see it. Everything that the checks
// need (heads, and what the installs have used) is nearly always in memory, because whoever orders a conversation asked for
// it before; else it is read first.
//
// Invariant: when anything is refused, nothing of the commit was written or applied.
import type { Checkpointer } from "./checkpoint.ts";
import { type ConversationState, ROW_OVERHEAD_BYTES } from "./conversation-state.ts";
import { EpochConflict, PositionConflict, storeError } from "./errors.ts";
import type { Gate } from "./gate.ts";
import type { Health } from "./health.ts";
import { JournalWriter } from "./journal.ts";
import type { JournalState } from "./journal-state.ts";
import { journalKey } from "./keys.ts";
import type { Loader } from "./loader.ts";
import type { Members } from "./members.ts";
import type { Overlay } from "./overlay.ts";
import type { Level } from "./reader.ts";
import { refusalToken, rowToken, type SenderState } from "./sender-state.ts";
import { checkRecord, usedInstall } from "./record-check.ts";
import { type Commit, RecordType, type RefusalRecord, type RowRecord } from "./store.ts";

const SYNCED = { sync: true };

export interface CommitterParts {
  db: Level;
  epoch: number;
  overlay: Overlay;
  members: Members;
  loader: Loader;
  journal: JournalState;
  checkpointer: Checkpointer;
  gate: Gate;
  health: Health;
}

export class Committer {
  private readonly parts: CommitterParts;
  private readonly writer: JournalWriter;
  private busy: boolean;
  /** Number of the present call: states and senders that carry it were met in it before. */
  private attempt: number;
  private readonly shardAttempt: Float64Array;
  // By record of the present commit, in order.
  private states: (ConversationState | undefined)[];
  private senders: (SenderState | undefined)[];

  constructor(parts: CommitterParts) {
    this.parts = parts;
    this.writer = new JournalWriter();
    this.busy = false;
    this.attempt = 0;
    this.shardAttempt = new Float64Array(parts.journal.positions.length);
    this.states = [];
    this.senders = [];
  }

  /** See Store.commit. Rejects with EpochConflict, PositionConflict, RangeError (nothing was written) or StoreFailed. */
  async commit(commit: Commit): Promise<void> {
    const { health, checkpointer, gate } = this.parts;
    health.assert();
    if (this.busy) throw new RangeError("a commit is under way: one at a time");
    this.busy = true;
    this.attempt++;
    try {
      this.checkShards(commit);
      for (const { records } of commit.shards) for (const record of records) checkRecord(record);
      if (checkpointer.crowded) await checkpointer.room();
      const statesLoading = this.findStates(commit);
      if (statesLoading !== undefined) await this.loaded(statesLoading);
      const sendersLoading = this.findSenders(commit);
      if (sendersLoading !== undefined) await this.loaded(sendersLoading);
      this.checkOrder(commit);
      const value = this.writer.encode(commit);
      const turn = gate.enter();
      if (turn !== undefined) await turn;
      try {
        health.assert();
        await this.write(value);
      } finally {
        gate.leave();
      }
      this.apply(commit);
      checkpointer.committed();
    } finally {
      for (const state of this.states) if (state !== undefined) state.pins--;
      this.states = [];
      this.senders = [];
      this.busy = false;
    }
  }

  /** What cannot be read fails the store: other reads of this commit may still be under way. */
  private async loaded(loading: Promise<unknown>): Promise<void> {
    try {
      await loading;
    } catch (error) {
      this.parts.health.fail(error as Error);
      throw error;
    }
  }

  private async write(value: Uint8Array): Promise<void> {
    const { db, journal, health } = this.parts;
    try {
      await db.put(journalKey(journal.last + 1), value, SYNCED);
    } catch (error) {
      const failure = storeError("writing a commit", error);
      health.fail(failure);
      throw failure;
    }
  }

  private checkShards(commit: Commit): void {
    const { epoch, journal } = this.parts;
    if (commit.epoch !== epoch) throw new EpochConflict(commit.epoch, epoch);
    for (const { shard, position } of commit.shards) {
      const last = journal.positions[shard];
      if (last === undefined || this.shardAttempt[shard] === this.attempt) throw new RangeError(`shard ${shard} does not exist, or is twice in the commit`);
      this.shardAttempt[shard] = this.attempt;
      if (position !== last + 1 || position > Number.MAX_SAFE_INTEGER) throw new PositionConflict(shard, position, last + 1);
    }
  }

  /** Finds and pins the conversation state of each record that needs one. Undefined: all were in memory. */
  private findStates(commit: Commit): Promise<unknown> | undefined {
    let loading: Promise<void>[] | undefined;
    let index = 0;
    for (const shard of commit.shards) {
      for (const record of shard.records) {
        const at = index++;
        if (record.type !== RecordType.Row && record.type !== RecordType.Refusal) {
          this.states[at] = undefined;
          continue;
        }
        const state = this.parts.loader.state(record.conversation);
        if (state instanceof Promise) (loading ??= []).push(state.then((loaded) => this.pin(at, loaded)));
        else this.pin(at, state);
      }
    }
    return loading && Promise.all(loading);
  }

  private pin(index: number, state: ConversationState): void {
    state.pins++;
    this.states[index] = state;
  }

  /** Finds the sender of each record that uses a number. Undefined: all were in memory. */
  private findSenders(commit: Commit): Promise<unknown> | undefined {
    let loading: Promise<void>[] | undefined;
    let index = 0;
    for (const shard of commit.shards) {
      for (const record of shard.records) {
        const at = index++;
        const state = this.states[at];
        const install = state === undefined ? undefined : usedInstall(record as RowRecord | RefusalRecord);
        this.senders[at] = undefined;
        if (state === undefined || install === undefined) continue;
        const sender = this.parts.loader.sender(state, install);
        if (sender instanceof Promise) (loading ??= []).push(sender.then((loaded) => void (this.senders[at] = loaded)));
        else this.senders[at] = sender;
      }
    }
    return loading && Promise.all(loading);
  }

  /** Whether seqs and numbers go on from where they are. What does not is a mistake of the caller. */
  private checkOrder(commit: Commit): void {
    let index = 0;
    for (const shard of commit.shards) {
      for (const record of shard.records) {
        const state = this.states[index];
        const sender = this.senders[index++];
        if (record.type === RecordType.Row) this.checkSeq(state!, record.row.seq);
        if (sender !== undefined) this.checkNumber(sender, record.type === RecordType.Row ? record.row.clientSeq : (record as RefusalRecord).clientSeq);
      }
    }
  }

  private checkSeq(state: ConversationState, seq: number): void {
    if (state.attempt !== this.attempt) {
      state.attempt = this.attempt;
      state.assigned = state.seq;
    }
    if (seq !== ++state.assigned) throw new RangeError(`row ${seq} where the conversation expects ${state.assigned}`);
  }

  private checkNumber(sender: SenderState, clientSeq: number): void {
    if (sender.attempt !== this.attempt) {
      sender.attempt = this.attempt;
      sender.assigned = sender.last;
    }
    if (clientSeq <= sender.assigned) throw new RangeError(`number ${clientSeq} of an install that has used ${sender.assigned}`);
    sender.assigned = clientSeq;
  }

  /** The commit is durable: from here on reads see it. */
  private apply(commit: Commit): void {
    const { overlay, members, journal } = this.parts;
    // In one go with what follows: a checkpoint that begins in between would take the commit for written.
    journal.last++;
    const { bytes, rowStarts, rowEnds } = this.writer;
    let index = 0;
    for (const shard of commit.shards) {
      journal.positions[shard.shard] = shard.position;
      for (const record of shard.records) {
        const at = index++;
        switch (record.type) {
          case RecordType.Row: {
            const { row } = record;
            const state = this.states[at]!;
            const sender = this.senders[at];
            const start = rowStarts[at]!;
            const end = rowEnds[at]!;
            state.addRow(bytes, start, end, row.time, row.uncounted, record.hash);
            if (sender !== undefined) state.useNumber(sender, row.clientSeq, rowToken(row.seq));
            overlay.soil(state, end - start + ROW_OVERHEAD_BYTES);
            break;
          }
          case RecordType.Refusal:
            this.states[at]!.useNumber(this.senders[at]!, record.clientSeq, refusalToken(record.code));
            overlay.soil(this.states[at]!, ROW_OVERHEAD_BYTES);
            break;
          case RecordType.Member:
            overlay.dirtyBytes += members.merge(record.user, record.conversation, true, 0);
            break;
          case RecordType.Read:
            overlay.dirtyBytes += members.merge(record.user, record.conversation, false, record.seq);
            break;
        }
      }
    }
  }
}

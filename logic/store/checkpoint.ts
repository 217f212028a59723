// Puts what commits left in memory into its place on disk, and shortens the journal. A checkpoint goes through the dirty
// conversations in slices of about a hundred kilobytes, each a batch, between which commits have their turn; so it
// never holds up a commit for longer than one slice takes. It reads nothing but memberships.
//
// What makes it safe at any crash point:
// - Until it is complete, the journal still holds everything, and replaying a commit over what is in its place already
//   changes nothing (recover.ts). A conversation's head, blocks and senders are in one batch, so each is wholly
//   new or wholly old. (A conversation too large for one batch goes in several, each synced before the next.)
// - Batches are not synced. A sync only covers LevelDB's present log, and logs change whenever its memtable is full: an
//   unsynced batch may be lost although later, synced writes are kept. So before the journal is shortened, compactRange
//   makes LevelDB write its memtable to a table, synced, and wait for it; only then the checkpoint's number is
//   written, synced; only then commits up to it are deleted.
import type { Block } from "./block.ts";
import { type ConversationState, encodeHead } from "./conversation-state.ts";
import { storeError } from "./errors.ts";
import type { Gate } from "./gate.ts";
import type { Health } from "./health.ts";
import type { JournalState } from "./journal-state.ts";
import { AFTER_ALL, blockKey, CHECKPOINT_KEY, headKey, journalKey, memberKey, sendsKey, senderKey } from "./keys.ts";
import { decodeMember, encodeMember, MEMBER_BYTES, type Members, type MemberState } from "./members.ts";
import { encodeCheckpoint } from "./meta.ts";
import type { Overlay } from "./overlay.ts";
import type { Level } from "./reader.ts";
import type { StoredHead } from "./store.ts";
import { encodeChunk, type SenderState } from "./sender-state.ts";

export interface CheckpointTuning {
  /** Begin when this much is dirty, or this long after the first commit since the last checkpoint. */
  checkpointBytes: number;
  checkpointMs: number;
  /** Commits wait while this much is dirty. */
  overlayBytesMax: number;
  /** Size of a batch. */
  sliceBytes: number;
}

const SYNCED = { sync: true };
const UNSYNCED = { sync: false };
/** A conversation with fewer rows and bytes than these in its open block keeps it in its head's value, where the next checkpoint adds to it. */
const OPEN_ROWS_MAX = 16;
const OPEN_BYTES_MAX = 1024;
const MEMBERS_PER_SLICE = 256;
const DELETES_PER_SLICE = 512;

/** What is in memory only until the open slice is written. */
interface Written {
  readonly state: ConversationState;
  readonly bytes: number;
  readonly blocks: number;
  readonly senders: readonly SenderState[];
}

const NO_SENDERS: readonly SenderState[] = [];

type Batch = ReturnType<typeof newBatch>;
const newBatch = (db: Level) => db.batch();

export class Checkpointer {
  /** Since the start. */
  checkpoints: number;
  private readonly db: Level;
  private readonly overlay: Overlay;
  private readonly members: Members;
  private readonly journal: JournalState;
  private readonly gate: Gate;
  private readonly health: Health;
  private readonly tuning: CheckpointTuning;
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private waiting: (() => void)[];
  // The open slice.
  private batch: Batch | undefined;
  private batchBytes: number;
  private slice: Written[];

  constructor(db: Level, overlay: Overlay, members: Members, journal: JournalState, gate: Gate, health: Health, tuning: CheckpointTuning) {
    this.checkpoints = 0;
    this.db = db;
    this.overlay = overlay;
    this.members = members;
    this.journal = journal;
    this.gate = gate;
    this.health = health;
    this.tuning = tuning;
    this.running = undefined;
    this.timer = undefined;
    this.waiting = [];
    this.batch = undefined;
    this.batchBytes = 0;
    this.slice = [];
  }

  /** Whether a commit must wait for room(). */
  get crowded(): boolean {
    return this.overlay.dirtyBytes >= this.tuning.overlayBytesMax;
  }

  /** Resolves when there is room for a commit again. Rejects when the store has failed. */
  async room(): Promise<void> {
    while (this.crowded) {
      this.start();
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      this.health.assert();
    }
  }

  /** A commit was applied. */
  committed(): void {
    if (this.overlay.dirtyBytes >= this.tuning.checkpointBytes) this.start();
    else if (this.timer === undefined) this.timer = setTimeout(() => this.start(), this.tuning.checkpointMs).unref();
  }

  /** Begins a checkpoint unless one is under way. */
  start(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.running !== undefined || this.health.failure !== undefined) return;
    this.running = this.run()
      .catch((error) => this.health.fail(storeError("a checkpoint", error)))
      .finally(() => {
        this.running = undefined;
        this.wake();
        if (this.overlay.dirtyBytes > 0 && this.health.failure === undefined) this.committed();
      });
  }

  /** Resolves when nothing is dirty any more, or the store has failed. For closing: no commits may come meanwhile. */
  async finish(): Promise<void> {
    while (this.health.failure === undefined && (this.running !== undefined || this.journal.first <= this.journal.last)) {
      this.start();
      await this.running;
    }
    await this.stop();
  }

  /** Resolves when no checkpoint is under way; none begins any more once the store has failed or was closed. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    const { journal } = this;
    const upTo = journal.last;
    const positions = journal.positions.slice();
    try {
      for (const state of this.overlay.takeDirty()) {
        await this.writeState(state);
        if (this.batchBytes >= this.tuning.sliceBytes) await this.flush(UNSYNCED);
      }
      await this.flush(UNSYNCED);
      await this.writeMembers(this.members.takeDirty());
      await this.db.compactRange(AFTER_ALL, AFTER_ALL);
      await this.exclusively(() => this.db.put(CHECKPOINT_KEY, encodeCheckpoint(upTo, positions), SYNCED));
    } finally {
      await this.batch?.close();
      this.batch = undefined;
    }
    this.checkpoints++;
    await this.shorten(upTo);
  }

  /** Adds a conversation to the open slice. */
  private async writeState(state: ConversationState): Promise<void> {
    if (pendingBytes(state) > 2 * this.tuning.sliceBytes) await this.writeLarge(state);
    const bytes = state.dirtyBytes;
    state.dirtyBytes = 0;
    state.writing = true;
    const open = state.open;
    if (open !== undefined && (open.rows >= OPEN_ROWS_MAX || open.length >= OPEN_BYTES_MAX)) {
      state.closeBlock(open);
      state.open = undefined;
    }
    for (const block of state.closed) this.put(blockKey(state.conversation, block.firstSeq), block.seal());
    const senders = this.putHead(state, state, state.open);
    this.slice.push({ state, bytes, blocks: state.closed.length, senders });
  }

  /** Adds a head to the open slice, with what its senders used since the last time. Returns those that have chunks in the slice. */
  private putHead(state: ConversationState, head: StoredHead, open: Block | undefined): readonly SenderState[] {
    const { conversation } = state;
    for (const sender of state.placeSenders()) this.put(senderKey(conversation, sender.installHigh, sender.installLow), sender.encode());
    let chunked = NO_SENDERS;
    for (const sender of state.senders) {
      if (!sender.dirty) continue;
      sender.dirty = false;
      if (sender.closed.length === 0) continue;
      for (const chunk of sender.closed) this.put(sendsKey(conversation, sender.installHigh, sender.installLow, chunk.index), encodeChunk(chunk));
      sender.writing = sender.closed.length;
      chunked = [...chunked, sender];
    }
    this.put(headKey(conversation), encodeHead(state, head, open));
    return chunked;
  }

  /**
   * Writes the older blocks of a conversation with very many rows, with the head as it was behind them. Its senders may be
   * ahead of that head for a moment: replaying finds the numbers used, by the same rows.
   */
  private async writeLarge(state: ConversationState): Promise<void> {
    await this.flush(UNSYNCED);
    while (pendingBytes(state) > 2 * this.tuning.sliceBytes) {
      let blocks = 0;
      let bytes = 0;
      while (blocks < state.closed.length - 1 && this.batchBytes < this.tuning.sliceBytes) {
        const block = state.closed[blocks++]!;
        this.put(blockKey(state.conversation, block.firstSeq), block.seal());
        bytes += block.length;
      }
      if (blocks === 0) return;
      const { lastSeq, time, uncounted } = state.closed[blocks - 1]!;
      const senders = this.putHead(state, { seq: lastSeq, hash: state.closed[blocks]!.hashBefore, time, uncounted }, undefined);
      const taken = Math.min(bytes, state.dirtyBytes - 1);
      state.dirtyBytes -= taken;
      state.writing = true;
      this.slice.push({ state, bytes: taken, blocks, senders });
      await this.flush(SYNCED);
    }
  }

  private put(key: Uint8Array, value: Uint8Array): void {
    this.batch ??= newBatch(this.db);
    this.batch.put(key, value);
    this.batchBytes += key.length + value.length;
  }

  /** Writes the open slice; what was in it need not be kept in memory any more. */
  private async flush(options: { sync: boolean }): Promise<void> {
    const { batch, slice } = this;
    this.batch = undefined;
    this.batchBytes = 0;
    this.slice = [];
    if (batch !== undefined) await this.exclusively(() => batch.write(options));
    for (const { state, bytes, blocks, senders } of slice) {
      state.writing = false;
      state.dropBlocks(blocks);
      for (const sender of senders) sender.dropWritten();
      this.overlay.written(state, bytes);
    }
    this.wake();
  }

  private async writeMembers(members: MemberState[]): Promise<void> {
    for (let at = 0; at < members.length; at += MEMBERS_PER_SLICE) {
      const slice = members.slice(at, at + MEMBERS_PER_SLICE);
      const stored = await this.db.getMany(slice.map((member) => memberKey(member.user, member.conversation)));
      for (let i = 0; i < slice.length; i++) this.putMember(slice[i]!, stored[i]);
      await this.flush(UNSYNCED);
      for (const member of slice) this.members.written(member);
      this.overlay.dirtyBytes -= slice.length * MEMBER_BYTES;
    }
    this.wake();
  }

  private putMember(state: MemberState, stored: Uint8Array | undefined): void {
    const { user, conversation } = state;
    const before = stored === undefined ? undefined : decodeMember(user, conversation, stored);
    state.dirty = false;
    this.put(memberKey(user, conversation), encodeMember(state.member || (before?.member ?? false), Math.max(state.readSeq, before?.readSeq ?? 0)));
  }

  /** Deletes the commits up to `upTo`, which a durable checkpoint has made superfluous. */
  private async shorten(upTo: number): Promise<void> {
    const { journal } = this;
    while (journal.first <= upTo) {
      const batch = newBatch(this.db);
      const end = Math.min(upTo, journal.first + DELETES_PER_SLICE - 1);
      for (let number = journal.first; number <= end; number++) batch.del(journalKey(number));
      await this.exclusively(() => batch.write(UNSYNCED));
      journal.first = end + 1;
    }
  }

  /** One write at a time, and none after one has failed. */
  private async exclusively(write: () => Promise<void>): Promise<void> {
    const turn = this.gate.enter();
    if (turn !== undefined) await turn;
    try {
      this.health.assert();
      await write();
    } catch (error) {
      // Before the gate opens: whoever is next must see it.
      this.health.fail(storeError("a checkpoint", error));
      throw error;
    } finally {
      this.gate.leave();
    }
  }

  private wake(): void {
    if (this.crowded && this.health.failure === undefined) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Bytes of full blocks that the conversation waits to have written. */
function pendingBytes(state: ConversationState): number {
  let bytes = 0;
  for (const block of state.closed) bytes += block.length;
  return bytes;
}

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
import type { ConversationState } from "./conversation-state.ts";
import { storeError } from "./errors.ts";
import type { Gate } from "./gate.ts";
import type { Health } from "./health.ts";
import type { JournalState } from "./journal-state.ts";
import { AFTER_ALL, CHECKPOINT_KEY, journalKey, memberKey } from "./keys.ts";
import { MEMBER_BYTES, type Members, type MemberState } from "./members.ts";
import { encodeCheckpoint } from "./meta.ts";
import type { Overlay } from "./overlay.ts";
import type { Level } from "./reader.ts";
import { Slice } from "./slice.ts";

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
const MEMBERS_PER_SLICE = 256;
const DELETES_PER_SLICE = 512;

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
  /** What goes into the next batch. */
  private slice: Slice | undefined;

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
    this.slice = undefined;
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
        if (pendingBytes(state) > 2 * this.tuning.sliceBytes) await this.writeParts(state);
        this.openSlice().putConversation(state);
        if (this.openSlice().bytes >= this.tuning.sliceBytes) await this.flush(UNSYNCED);
      }
      await this.flush(UNSYNCED);
      await this.writeMembers(this.members.takeDirty());
      await this.db.compactRange(AFTER_ALL, AFTER_ALL);
      await this.exclusively(() => this.db.put(CHECKPOINT_KEY, encodeCheckpoint(upTo, positions), SYNCED));
    } finally {
      await this.slice?.drop();
      this.slice = undefined;
    }
    this.checkpoints++;
    await this.shorten(upTo);
  }

  private openSlice(): Slice {
    this.slice ??= new Slice(this.db);
    return this.slice;
  }

  /** Writes a conversation with very many rows but for the last of them, in order: each part is durable before the next is written. */
  private async writeParts(state: ConversationState): Promise<void> {
    await this.flush(UNSYNCED);
    while (pendingBytes(state) > 2 * this.tuning.sliceBytes && this.openSlice().putPart(state, this.tuning.sliceBytes)) await this.flush(SYNCED);
  }

  private async writeMembers(members: MemberState[]): Promise<void> {
    for (let at = 0; at < members.length; at += MEMBERS_PER_SLICE) {
      const some = members.slice(at, at + MEMBERS_PER_SLICE);
      const stored = await this.db.getMany(some.map((member) => memberKey(member.user, member.conversation)));
      for (let i = 0; i < some.length; i++) this.openSlice().putMember(some[i]!, stored[i]);
      await this.flush(UNSYNCED);
      for (const member of some) this.members.written(member);
      this.overlay.dirtyBytes -= some.length * MEMBER_BYTES;
    }
    this.wake();
  }

  private async flush(options: { sync: boolean }): Promise<void> {
    const { slice } = this;
    if (slice === undefined) return;
    this.slice = undefined;
    await this.exclusively(() => slice.write(options));
    slice.written(this.overlay);
    this.wake();
  }

  /** Deletes the commits up to `upTo`, which a durable checkpoint has made superfluous. */
  private async shorten(upTo: number): Promise<void> {
    const { journal } = this;
    while (journal.first <= upTo) {
      const batch = this.db.batch();
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

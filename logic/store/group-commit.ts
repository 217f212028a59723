// Group commit: while one batch is being written and synced, the next gathers. At low load a record waits for
// nothing but the disk; under load the cost of a sync is shared by all that came during the one before.
import { type Loop, NODE_LOOP } from "../loop.ts";
import type { Completion } from "../shard/output.ts";
import type { Store, StoreRecord } from "./store.ts";

export interface GroupCommitLimits {
  /** Records and payload bytes of the open commit, above which new Sends are told to come back. */
  recordsMax: number;
  bytesMax: number;
}

export const GROUP_COMMIT_LIMITS: GroupCommitLimits = { recordsMax: 16_384, bytesMax: 16 * 1024 * 1024 };

export class GroupCommit {
  /** Since the start. */
  commits: number;
  records: number;
  private readonly store: Store;
  private readonly failed: (error: unknown) => void;
  private readonly loop: Loop;
  private readonly limits: GroupCommitLimits;
  private readonly positions: Float64Array;
  /** The open commit: records by shard, and who is to be told. */
  private open: Map<number, StoreRecord[]>;
  private openRecords: number;
  private openBytes: number;
  private completions: Completion[];
  private writing: boolean;
  private scheduled: boolean;
  private dead: boolean;
  private idle: (() => void)[];

  /** `failed` is called once, when a commit's outcome is unknown: nothing may be answered any more. */
  constructor(store: Store, failed: (error: unknown) => void, loop: Loop = NODE_LOOP, limits: GroupCommitLimits = GROUP_COMMIT_LIMITS) {
    this.commits = 0;
    this.records = 0;
    this.store = store;
    this.failed = failed;
    this.loop = loop;
    this.limits = limits;
    this.positions = store.positions();
    this.open = new Map();
    this.openRecords = 0;
    this.openBytes = 0;
    this.completions = [];
    this.writing = false;
    this.scheduled = false;
    this.dead = false;
    this.idle = [];
  }

  get hasRoom(): boolean {
    return this.openRecords < this.limits.recordsMax && this.openBytes < this.limits.bytesMax;
  }

  add(shard: number, record: StoreRecord, completion: Completion | undefined): void {
    if (this.dead) return;
    const records = this.open.get(shard);
    if (records === undefined) this.open.set(shard, [record]);
    else records.push(record);
    this.openRecords++;
    if ("row" in record) this.openBytes += record.row.payload.length;
    if (completion !== undefined) this.completions.push(completion);
    if (this.writing || this.scheduled) return;
    // At the end of the turn, so that all commands of a batch from NATS share one commit.
    this.scheduled = true;
    this.loop.endOfTurn(this.turnEnded);
  }

  /** Resolves when everything added so far is durable (or the store has failed). */
  async settled(): Promise<void> {
    if (this.dead || (!this.writing && this.openRecords === 0)) return;
    await new Promise<void>((resolve) => this.idle.push(resolve));
  }

  private readonly turnEnded = (): void => {
    this.scheduled = false;
    if (!this.writing) this.write();
  };

  private write(): void {
    if (this.dead) return;
    const { completions } = this;
    const shards = [];
    for (const [shard, records] of this.open) shards.push({ shard, position: ++this.positions[shard]!, records });
    this.commits++;
    this.records += this.openRecords;
    this.open = new Map();
    this.openRecords = 0;
    this.openBytes = 0;
    this.completions = [];
    this.writing = true;
    this.store.commit({ epoch: this.store.meta.epoch, shards }).then(
      () => this.wrote(completions),
      (error) => this.fail(error),
    );
  }

  private wrote(completions: Completion[]): void {
    if (this.dead) return;
    this.writing = false;
    // The next one first: the disk works while the answers are made.
    if (this.openRecords > 0) this.write();
    try {
      for (const completion of completions) completion.committed();
    } catch (error) {
      this.fail(error);
    }
    if (!this.writing && this.openRecords === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  private fail(error: unknown): void {
    if (this.dead) return;
    this.dead = true;
    for (const resolve of this.idle.splice(0)) resolve();
    this.failed(error);
  }
}

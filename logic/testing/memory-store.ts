// The store port over a MemoryDisk: one opening of it, by one process. By default everything resolves at once, in the
// order of the calls; a test may hold commits and reads, let them through one by one, fail them, or never answer.
//
// Invariant, as the port demands: nothing of a commit is seen by a read before the commit resolves.
import { hawser } from "../../proto/gen/hawser.js";
import { EpochConflict, StoreFailed } from "../store/errors.ts";
import type {
  Commit,
  PageQuery,
  Row,
  Store,
  StoredHead,
  StoredMembership,
  StoredPage,
  StoredSend,
  StoredSender,
  StoreMeta,
  StoreRecord,
} from "../store/store.ts";
import { type MemoryDisk, RuleBroken } from "./memory-disk.ts";

interface HeldCommit {
  readonly commit: Commit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface HeldRead {
  /** What it sees when it looked at the start. */
  readonly early: unknown;
  readonly look: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class MemoryStore implements Store {
  readonly meta: StoreMeta;
  readonly durability = hawser.v1.Durability.DURABILITY_FSYNC;
  /** True: commits wait for commitNow, commitFails or for ever. */
  holdCommits: boolean;
  /** True: reads wait for readNow. */
  holdReads: boolean;
  private readonly disk: MemoryDisk;
  private commit_: HeldCommit | undefined;
  private readonly reads: HeldRead[];
  private closed: boolean;

  /** Opens the disk: mints an epoch, and so deposes whoever had it open before. */
  constructor(disk: MemoryDisk) {
    this.meta = { storeId: disk.storeId, shardCount: disk.shardCount, epoch: ++disk.epoch };
    this.holdCommits = false;
    this.holdReads = false;
    this.disk = disk;
    this.commit_ = undefined;
    this.reads = [];
    this.closed = false;
  }

  /** The commit that waits. */
  get heldCommit(): Commit | undefined {
    return this.commit_?.commit;
  }

  /** How many reads wait. */
  get heldReads(): number {
    return this.reads.length;
  }

  /** Makes the waiting commit durable and says so; `told` false: durable, but its author never hears of it. */
  commitNow(told = true): void {
    const held = this.takeCommit();
    try {
      this.disk.apply(held.commit);
    } catch (error) {
      held.reject(error);
      return;
    }
    if (told) held.resolve();
  }

  /** Fails the waiting commit; its author cannot know whether it was written. */
  commitFails(error: unknown, written: boolean): void {
    const held = this.takeCommit();
    if (written) this.disk.apply(held.commit);
    held.reject(error);
  }

  /** Answers the read that waits at `index`. `early`: with what was there when it was asked. */
  readNow(index = 0, early = false): void {
    const [held] = this.reads.splice(index, 1);
    if (held === undefined) throw new Error("no read waits");
    held.resolve(early ? held.early : held.look());
  }

  readFails(error: unknown, index = 0): void {
    const [held] = this.reads.splice(index, 1);
    if (held === undefined) throw new Error("no read waits");
    held.reject(error);
  }

  /** The process is gone: nothing that waits is ever answered. */
  crash(): void {
    this.closed = true;
    this.commit_ = undefined;
    this.reads.length = 0;
  }

  positions(): Float64Array {
    return this.disk.positions.slice();
  }

  commit(commit: Commit): Promise<void> {
    if (this.closed) return Promise.reject(new StoreFailed("closed"));
    if (commit.epoch !== this.meta.epoch) return Promise.reject(new EpochConflict(commit.epoch, this.meta.epoch));
    if (this.commit_ !== undefined) return Promise.reject(new RuleBroken("a commit while another is pending"));
    return new Promise((resolve, reject) => {
      // A copy: what is written is what the records were when commit was called.
      this.commit_ = { commit: copyCommit(commit), resolve, reject };
      if (!this.holdCommits) queueMicrotask(() => this.commit_ !== undefined && this.commitNow());
    });
  }

  loadHead(conversation: Uint8Array): Promise<StoredHead | undefined> {
    return this.read(() => this.disk.head(conversation));
  }

  loadSender(conversation: Uint8Array, install: Uint8Array): Promise<StoredSender | undefined> {
    return this.read(() => this.disk.sender(conversation, install));
  }

  findSend(conversation: Uint8Array, install: Uint8Array, clientSeq: number): Promise<StoredSend | undefined> {
    return this.read(() => this.disk.send(conversation, install, clientSeq));
  }

  readPage(conversation: Uint8Array, query: PageQuery): Promise<StoredPage> {
    return this.read(() => this.disk.page(conversation, query));
  }

  loadMemberships(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly StoredMembership[]> {
    return this.read(() => this.disk.memberships(user, after, limit));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private read<T>(look: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new StoreFailed("closed"));
    return new Promise<T>((resolve, reject) => {
      const held: HeldRead = { early: look(), look, resolve: resolve as (value: unknown) => void, reject };
      if (this.holdReads) this.reads.push(held);
      else resolve(look());
    });
  }

  private takeCommit(): HeldCommit {
    const held = this.commit_;
    if (held === undefined) throw new Error("no commit waits");
    this.commit_ = undefined;
    return held;
  }
}

function copyCommit({ epoch, shards }: Commit): Commit {
  return { epoch, shards: shards.map(({ shard, position, records }) => ({ shard, position, records: records.map(copyRecord) })) };
}

function copyRecord(record: StoreRecord): StoreRecord {
  const copy = { ...record } as Record<string, unknown>;
  for (const [name, value] of Object.entries(record)) copy[name] = value instanceof Uint8Array ? Uint8Array.from(value) : value;
  if ("row" in record) copy["row"] = copyRow(record.row);
  return copy as unknown as StoreRecord;
}

function copyRow(row: Row): Row {
  return { ...row, sender: Uint8Array.from(row.sender), payload: Uint8Array.from(row.payload), install: Uint8Array.from(row.install) };
}

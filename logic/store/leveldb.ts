// The embedded store on LevelDB (see README.md for how it works and what it costs). This file opens it, wires the parts,
// and answers reads; committer.ts is the way in, checkpoint.ts what happens behind it, recover.ts what happens at opening.
//
// Memory: rows of a page are views of blocks (a few kilobytes each) that belong to that page. Of a commit nothing is kept
// by reference once it has resolved.
import { randomBytes } from "node:crypto";
import { ClassicLevel } from "classic-level";
import { hawser } from "../../proto/gen/hawser.js";
import { Checkpointer, type CheckpointTuning } from "./checkpoint.ts";
import { Committer } from "./committer.ts";
import { corrupt } from "./envelope.ts";
import { StoreCorrupt, StoreFailed, StoreLocked, StoreMismatch } from "./errors.ts";
import { Gate } from "./gate.ts";
import { Health } from "./health.ts";
import type { JournalState } from "./journal-state.ts";
import { INSTALL_BYTES, META_KEY, sendsKey } from "./keys.ts";
import { Loader } from "./loader.ts";
import { Members } from "./members.ts";
import { Memberships } from "./memberships.ts";
import { decodeMeta, encodeMeta, FORMAT } from "./meta.ts";
import { Overlay } from "./overlay.ts";
import { readPage, readRowAt } from "./pages.ts";
import { type Level, Reader } from "./reader.ts";
import { recover } from "./recover.ts";
import { chunkOf, findInChunk, TOKEN_STORED, TOKEN_UNUSED } from "./sender-state.ts";
import { upgradeFrom1 } from "./upgrade.ts";
import type { Commit, PageQuery, Store, StoredHead, StoredMembership, StoredPage, StoredSend, StoredSender, StoreMeta } from "./store.ts";

export interface LevelTuning extends CheckpointTuning {
  /** Memory for conversations that have nothing to be written, beside LevelDB's cache of its blocks. */
  cacheBytesMax: number;
  blockCacheBytes: number;
  /** LevelDB's memtable; up to two are in memory. */
  writeBufferBytes: number;
  /** False: leave the last commits to be replayed at the next opening. */
  checkpointOnClose: boolean;
}

const MIB = 1024 * 1024;
/** Four times LevelDB's default: so many fewer files to be opened in a large store. */
const TABLE_BYTES = 8 * MIB;
export const LEVEL_TUNING: LevelTuning = {
  checkpointBytes: 64 * MIB,
  checkpointMs: 30_000,
  overlayBytesMax: 192 * MIB,
  sliceBytes: 128 * 1024,
  cacheBytesMax: 64 * MIB,
  blockCacheBytes: 32 * MIB,
  writeBufferBytes: 16 * MIB,
  checkpointOnClose: true,
};

export interface LevelStoreOptions extends Partial<LevelTuning> {
  dir: string;
  shardCount: number;
  /** Called once when the store must not be used any more, also when no call was waiting. */
  onFailure?: (error: Error) => void;
}

export interface LevelStats {
  /** Commits that were replayed at opening. */
  replayed: number;
  /** Commits that the journal holds. */
  journal: number;
  dirtyBytes: number;
  conversations: number;
  checkpoints: number;
}

/**
 * Opens the store in `dir`, or makes one. Rejects with StoreLocked, StoreMismatch (another shard count), StoreCorrupt,
 * StoreFailed (the disk), RangeError (tuning).
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<LevelStore> {
  const tuning: LevelTuning = { ...LEVEL_TUNING, ...options };
  if (tuning.overlayBytesMax < 2 * tuning.checkpointBytes) throw new RangeError("overlayBytesMax must be at least twice checkpointBytes");
  const db = await openLevel(options.dir, tuning, true);
  try {
    const stored = await readMeta(db, options.dir, options.shardCount);
    if (stored.format === 1) await upgradeFrom1(db);
    const { storeId, shardCount } = stored;
    const meta = { storeId, shardCount, epoch: stored.epoch + 1 };
    await db.put(META_KEY, encodeMeta(meta), { sync: true });
    const overlay = new Overlay(tuning.cacheBytesMax);
    const members = new Members();
    const reader = new Reader(db);
    const loader = new Loader(reader, overlay);
    const journal = await recover({ db, overlay, members, loader }, stored);
    return new LevelStore(db, meta, tuning, overlay, members, reader, loader, journal, new Health(options.onFailure));
  } catch (error) {
    await db.close();
    throw error instanceof StoreCorrupt || error instanceof StoreMismatch ? error : openError(options.dir, error);
  }
}

/** LevelDB itself, opened. */
export async function openLevel(dir: string, tuning: LevelTuning, createIfMissing: boolean): Promise<Level> {
  const db: Level = new ClassicLevel(dir, {
    keyEncoding: "view",
    valueEncoding: "view",
    createIfMissing,
    cacheSize: tuning.blockCacheBytes,
    writeBufferSize: tuning.writeBufferBytes,
    maxFileSize: TABLE_BYTES,
  });
  try {
    await db.open();
  } catch (error) {
    throw openError(dir, (error as Error).cause ?? error);
  }
  return db;
}

function openError(dir: string, error: unknown): Error {
  const { code, message } = error as { code?: string; message: string };
  if (code === "LEVEL_LOCKED") return new StoreLocked(dir, { cause: error });
  if (code === "LEVEL_CORRUPTION") return new StoreCorrupt(dir, message, { cause: error });
  return new StoreFailed(`the store in ${dir} cannot be opened: ${message}`, { cause: error });
}

/** What the store says of itself; of a new one, with epoch 0. `shardCount` undefined: whatever it has. */
export async function readMeta(db: Level, dir: string, shardCount: number | undefined): Promise<StoreMeta & { readonly format: number }> {
  const value = await db.get(META_KEY);
  if (value === undefined) {
    const [other] = await db.keys({ limit: 1 }).all();
    if (other !== undefined) throw corrupt("meta", META_KEY, "it is missing, but there are other values");
    if (shardCount === undefined) throw new StoreMismatch(`there is no store in ${dir}`);
    return { format: FORMAT, storeId: new Uint8Array(randomBytes(8)), shardCount, epoch: 0 };
  }
  const meta = decodeMeta(value);
  if (shardCount !== undefined && meta.shardCount !== shardCount) {
    throw new StoreMismatch(`the store in ${dir} was made with ${meta.shardCount} shards: set the shard count to ${meta.shardCount}, not ${shardCount}`);
  }
  return meta;
}

export class LevelStore implements Store {
  readonly meta: StoreMeta;
  readonly durability: number;
  private readonly db: Level;
  private readonly tuning: LevelTuning;
  private readonly overlay: Overlay;
  private readonly reader: Reader;
  private readonly loader: Loader;
  private readonly journal: JournalState;
  private readonly health: Health;
  private readonly checkpointer: Checkpointer;
  private readonly committer: Committer;
  private readonly memberships: Memberships;
  private closing: Promise<void> | undefined;

  constructor(
    db: Level,
    meta: StoreMeta,
    tuning: LevelTuning,
    overlay: Overlay,
    members: Members,
    reader: Reader,
    loader: Loader,
    journal: JournalState,
    health: Health,
  ) {
    const gate = new Gate();
    this.meta = meta;
    this.durability = hawser.v1.Durability.DURABILITY_FSYNC;
    this.db = db;
    this.tuning = tuning;
    this.overlay = overlay;
    this.reader = reader;
    this.loader = loader;
    this.journal = journal;
    this.health = health;
    this.checkpointer = new Checkpointer(db, overlay, members, journal, gate, health, tuning);
    this.committer = new Committer({ db, epoch: meta.epoch, overlay, members, loader, journal, checkpointer: this.checkpointer, gate, health });
    this.memberships = new Memberships(reader, overlay, members);
    this.closing = undefined;
    if (journal.first <= journal.last) this.checkpointer.committed();
  }

  positions(): Float64Array {
    return this.journal.positions.slice();
  }

  /** Rejects with EpochConflict, PositionConflict, RangeError (a mistake; nothing was written), or StoreFailed: open it anew. */
  commit(commit: Commit): Promise<void> {
    return this.committer.commit(commit);
  }

  async loadHead(conversation: Uint8Array): Promise<StoredHead | undefined> {
    this.health.assert();
    return (await this.loader.state(conversation)).head();
  }

  async loadSender(conversation: Uint8Array, install: Uint8Array): Promise<StoredSender | undefined> {
    this.health.assert();
    if (install.length !== INSTALL_BYTES) throw new RangeError(`an install of ${install.length} bytes`);
    const { last } = await this.loader.sender(await this.loader.state(conversation), install);
    return last === 0 ? undefined : { clientSeq: last };
  }

  async findSend(conversation: Uint8Array, install: Uint8Array, clientSeq: number): Promise<StoredSend | undefined> {
    this.health.assert();
    if (install.length !== INSTALL_BYTES) throw new RangeError(`an install of ${install.length} bytes`);
    const state = await this.loader.state(conversation);
    const sender = await this.loader.sender(state, install);
    let token = sender.find(clientSeq);
    if (token === TOKEN_STORED) {
      const value = await this.reader.get(sendsKey(state.id, sender.installHigh, sender.installLow, chunkOf(clientSeq)));
      token = findInChunk(state.id, sender, clientSeq, value);
    }
    if (token === TOKEN_UNUSED) return undefined;
    if (token % 2 === 1) return { refused: (token - 1) / 2 };
    return { row: await readRowAt(this.reader, state, token / 2) };
  }

  async readPage(conversation: Uint8Array, query: PageQuery): Promise<StoredPage> {
    this.health.assert();
    return readPage(this.reader, await this.loader.state(conversation), query);
  }

  async loadMemberships(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly StoredMembership[]> {
    this.health.assert();
    return this.memberships.load(user, after, limit);
  }

  /** Begins a checkpoint now, whatever is due. */
  checkpoint(): void {
    this.checkpointer.start();
  }

  stats(): LevelStats {
    return {
      replayed: this.journal.replayed,
      journal: this.journal.last - this.journal.first + 1,
      dirtyBytes: this.overlay.dirtyBytes,
      conversations: this.overlay.conversations,
      checkpoints: this.checkpointer.checkpoints,
    };
  }

  /** Writes everything to its place, unless the store has failed, and lets go of the directory. May be called twice. */
  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    if (this.tuning.checkpointOnClose) await this.checkpointer.finish();
    this.health.close();
    await this.checkpointer.stop();
    await this.db.close();
  }
}

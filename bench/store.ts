// What a committed row costs: rows per second and CPU per row of the embedded store, against a floor of raw appends with
// fdatasync of as many bytes in the same run. CPU is utime + stime of the whole process, LevelDB's threads included,
// until all rows are in their place and the store is closed (the checkpoint, which works behind the commits, is paid for).
//
//   npm run bench -- store [--rows 200000] [--json OUT]
import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nextHash } from "../proto/conversation-hash.ts";
import { directKey, shardOf } from "../proto/conversation.ts";
import { type LevelStore, openLevelStore } from "../logic/store/leveldb.ts";
import type { Table } from "./result.ts";
import { type Commit, RecordType, type ShardCommit, type StoreRecord } from "../logic/store/store.ts";

/** Of a row in the journal, with its envelope: what DESIGN's measurements took for a message. */
const ROW_BYTES = 180;
const SHARDS = 256;
const FLOOR = "raw append + fdatasync";
const PAGE_ROWS = 50;
/** In turn: many rows of each between two checkpoints; some; hardly ever a second row, so that most must be read first. */
const CONVERSATIONS = [1000, 20_000, 200_000];

export interface StoreBenchOptions {
  /** Rows for each measurement of 200 rows a commit; smaller commits get fewer. */
  rows: number;
  rowsPerCommit: readonly number[];
}

export const STORE_BENCH_OPTIONS: StoreBenchOptions = { rows: 200_000, rowsPerCommit: [20, 200, 1000] };

export interface Measured {
  name: string;
  rowsPerCommit: number;
  perSecond: number;
  cpuUs: number;
  /** Highest time a commit took, in ms. */
  commitMsMax: number;
  commitMsP99: number;
}

export interface StoreBenchResult {
  rowBytes: number;
  commits: Measured[];
  pages: { name: string; perSecond: number; cpuUs: number }[];
}

/** Runs everything, one after the other: about a minute for the defaults. */
export async function benchStore(options: Partial<StoreBenchOptions> = {}, dir = tmpdir()): Promise<StoreBenchResult> {
  const { rows, rowsPerCommit } = { ...STORE_BENCH_OPTIONS, ...options };
  const result: StoreBenchResult = { rowBytes: ROW_BYTES, commits: [], pages: [] };
  const place = mkdtempSync(join(dir, "hawser-bench-"));
  try {
    for (const each of rowsPerCommit) {
      // So that small commits, which wait for the disk each, do not take minutes.
      const count = Math.max(each, Math.min(rows, each * 2000));
      result.commits.push(await rawAppend(join(place, `raw${each}`), count, each));
      for (const conversations of CONVERSATIONS) {
        const name = `${conversations.toLocaleString("en")} conversations`;
        result.commits.push(await commits(join(place, `store${each}-${conversations}`), name, count, each, conversations));
      }
    }
    result.pages.push(...(await pages(join(place, "pages"), Math.min(rows, 100_000))));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return result;
}

class Meter {
  private readonly cpu = process.cpuUsage();
  private readonly started = performance.now();

  stop(count: number): { perSecond: number; cpuUs: number } {
    const { user, system } = process.cpuUsage(this.cpu);
    return { perSecond: (count / (performance.now() - this.started)) * 1000, cpuUs: (user + system) / count };
  }
}

async function rawAppend(path: string, rows: number, rowsPerCommit: number): Promise<Measured> {
  const file = await open(path, "a");
  const value = Buffer.alloc(ROW_BYTES * rowsPerCommit, "a message of usual size ");
  const times: number[] = [];
  const meter = new Meter();
  for (let done = 0; done < rows; done += rowsPerCommit) {
    const before = performance.now();
    await file.write(value);
    await file.datasync();
    times.push(performance.now() - before);
  }
  const measured = meter.stop(rows);
  await file.close();
  return { name: FLOOR, rowsPerCommit, ...measured, ...latency(times) };
}

async function commits(dir: string, name: string, rows: number, rowsPerCommit: number, conversations: number): Promise<Measured> {
  const store = await openLevelStore({ dir, shardCount: SHARDS });
  // Rows are made as they are needed, as a server does (so that they die young), and what that costs is taken off again:
  // hashing and making records is the shard's work, not the store's. Once before, so that it is compiled.
  const alone = new CommitMaker(store, conversations);
  for (let done = 0; done < Math.min(rows, 50_000); done += rowsPerCommit) alone.make(rowsPerCommit);
  const making = new Meter();
  for (let done = 0; done < rows; done += rowsPerCommit) alone.make(rowsPerCommit);
  const made = making.stop(rows);
  const maker = new CommitMaker(store, conversations);
  const times: number[] = [];
  const meter = new Meter();
  for (let done = 0; done < rows; done += rowsPerCommit) {
    const commit = maker.make(rowsPerCommit);
    const before = performance.now();
    await store.commit(commit);
    times.push(performance.now() - before);
  }
  const { perSecond } = meter.stop(rows);
  await store.close();
  const { cpuUs } = meter.stop(rows);
  return { name, rowsPerCommit, perSecond: 1 / (1 / perSecond - 1 / made.perSecond), cpuUs: cpuUs - made.cpuUs, ...latency(times) };
}

async function pages(dir: string, rows: number): Promise<StoreBenchResult["pages"]> {
  const conversations = Math.ceil(rows / 200);
  let store = await openLevelStore({ dir, shardCount: SHARDS });
  const maker = new CommitMaker(store, conversations);
  for (let done = 0; done < rows; done += 500) await store.commit(maker.make(500));
  await store.close();
  store = await openLevelStore({ dir, shardCount: SHARDS });
  const results = [];
  for (const [name, fromSeq, backward] of [
    ["newest 50 rows, first time", Number.MAX_SAFE_INTEGER, true],
    ["newest 50 rows, again", Number.MAX_SAFE_INTEGER, true],
    ["50 rows from the middle, forward", 75, false],
    ["50 rows from the middle, backward", 125, true],
  ] as const) {
    const meter = new Meter();
    const reads = 2000;
    // Eight at a time, as sessions ask for them.
    for (let done = 0; done < reads; done += 8) {
      await Promise.all(
        Array.from({ length: 8 }, (_, i) => store.readPage(maker.key((done + i) * 7), { fromSeq, backward, rowsMax: PAGE_ROWS, bytesMax: 65536 })),
      );
    }
    results.push({ name, ...meter.stop(reads) });
  }
  await store.close();
  return results;
}

/**
 * Commits of rows over so many conversations, in turn in a scattered order, two senders in each. Where a conversation is
 * stands in flat arrays, so that the collector's work is the store's.
 */
class CommitMaker {
  private readonly store: LevelStore;
  private readonly conversations: number;
  private readonly seqs: Uint32Array;
  private readonly hashes: Buffer;
  private readonly positions: Float64Array;
  private time: number;
  private index: number;

  constructor(store: LevelStore, conversations: number) {
    this.store = store;
    this.conversations = conversations;
    this.seqs = new Uint32Array(conversations);
    this.hashes = Buffer.alloc(32 * conversations);
    this.positions = store.positions();
    this.time = 5e10;
    this.index = 0;
  }

  key(n: number): Uint8Array {
    return directKey(Buffer.from(`user${n % this.conversations}`), Buffer.from(`user${(n % this.conversations) + 1}`));
  }

  make(rowsPerCommit: number): Commit {
    const byShard = new Map<number, StoreRecord[]>();
    for (let i = 0; i < rowsPerCommit; i++) {
      // A step coprime to the counts: neighbours in time are no neighbours on disk.
      this.index = (this.index + 7919) % this.conversations;
      const conversation = this.key(this.index);
      const shard = shardOf(conversation, SHARDS);
      const record = this.record(this.index, conversation);
      const records = byShard.get(shard);
      if (records === undefined) byShard.set(shard, [record]);
      else records.push(record);
    }
    const shards: ShardCommit[] = [...byShard].map(([shard, records]) => ({ shard, position: ++this.positions[shard]!, records }));
    return { epoch: this.store.meta.epoch, shards };
  }

  private record(index: number, conversation: Uint8Array): StoreRecord {
    const seq = ++this.seqs[index]!;
    const second = seq % 2 === 0;
    const install = Buffer.alloc(8, 1);
    install.writeUInt32BE(index, 0);
    install[4] = second ? 1 : 0;
    const sender = Buffer.from(`user${second ? index + 1 : index}`);
    const time = (this.time += 3);
    // What the journal adds to the payload: key, seq, hash, lengths, kind, time, counts, ids.
    const payload = Buffer.alloc(Math.max(1, ROW_BYTES - conversation.length - sender.length - 36));
    TEXT.copy(payload, 0, (index * 31 + seq * 17) % (TEXT.length - ROW_BYTES));
    const sha256 = (bytes: Uint8Array) => hash("sha256", bytes, "buffer");
    const before = this.hashes.subarray(32 * index, 32 * index + 32);
    const after = nextHash(sha256, before, seq, sender, 0, time, sha256(payload));
    before.set(after);
    const row = { seq, time, kind: 0, sender, payload, install, clientSeq: Math.ceil(seq / 2), uncounted: 0 };
    return { type: RecordType.Row, conversation, row, hash: after };
  }
}

/** Something that compresses about as badly as chat does. */
const WORDS =
  "see you at eight then, no the other one, I think it was the blue door on the left, call me when you are there! ok 👍 did you get the tickets? ".split(" ");
const TEXT = Buffer.from(Array.from({ length: 20_000 }, (_, i) => WORDS[(i * i * 31 + i * 7) % WORDS.length]! + ((i * 7919) % 97).toString(36)).join(" "));

function latency(times: number[]): { commitMsMax: number; commitMsP99: number } {
  times.sort((a, b) => a - b);
  return { commitMsMax: times.at(-1)!, commitMsP99: times[Math.floor(times.length * 0.99)]! };
}

/** The figures as tables. */
export function storeTables(result: StoreBenchResult): Table[] {
  const floors = new Map(result.commits.filter(({ name }) => name === FLOOR).map((measured) => [measured.rowsPerCommit, measured]));
  const commits = {
    title: `synced commits of rows of ${result.rowBytes} bytes`,
    columns: [
      { key: "name", title: "" },
      { key: "rowsPerCommit", title: "rows/commit" },
      { key: "perSecond", title: "rows/s", digits: 0 },
      { key: "cpuUs", title: "CPU µs/row" },
      { key: "ratio", title: "ratio" },
      { key: "commitMsP99", title: "p99 ms", digits: 1 },
      { key: "commitMsMax", title: "max ms", digits: 1 },
    ],
    rows: result.commits.map((measured) => ({ ...measured, ratio: measured.cpuUs / floors.get(measured.rowsPerCommit)!.cpuUs })),
  };
  const columns = [
    { key: "name", title: "" },
    { key: "perSecond", title: "pages/s", digits: 0 },
    { key: "cpuUs", title: "CPU µs/page" },
  ];
  return [commits, { title: `pages of ${PAGE_ROWS} rows`, columns, rows: result.pages }];
}

// A process that commits as fast as it can, to be killed. What it was told is durable it writes to a file; and after
// every synced write, how long LevelDB's logs were then: what a power cut would have left of them at least.
//
//   argv: the CrashChildOptions as JSON
import { openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { CHECKPOINT_KEY } from "../keys.ts";
import { type LevelTuning, openLevelStore } from "../leveldb.ts";
import { bytes, direct, install, LogWriter } from "./log-writer.ts";

export interface CrashChildOptions {
  dir: string;
  /** Appended to: `epoch.commit` a line, once that commit has resolved. */
  ackedFile: string;
  /** Overwritten from its beginning: names and sizes of logs as JSON, in SYNCED_BYTES bytes. */
  syncedFile: string;
  seed: number;
  rowsMax: number;
  /**
   * Stop (SIGSTOP) when the journal was just shortened, until told to go on: whenever an old log is still needed that is
   * not synced to its end, for then it matters what the checkpoint has waited for; and now and then otherwise.
   */
  stopAfterCheckpoints: boolean;
  /** When a commit fails, end, and write here what the store said then and afterwards. */
  failureFile: string | undefined;
  tuning: Partial<LevelTuning>;
}

export const SYNCED_BYTES = 4096;
export const SHARDS = 8;
/** The user whose memberships are the commits: direct(WITNESS, "epoch.commit"). */
export const WITNESS = "witness";
export const CONVERSATIONS = Array.from({ length: 12 }, (_, i) => direct(`user${i}`, `peer${i % 5}`));
export const INSTALLS = Array.from({ length: 7 }, (_, i) => install(i + 1));

async function run(options: CrashChildOptions): Promise<void> {
  let random = options.seed;
  const below = (n: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((random / 0x8000_0000) * n);
  };
  tellSynced(options);
  const acked = openSync(options.ackedFile, "a");
  const told: unknown[] = [];
  const store = await openLevelStore({ dir: options.dir, shardCount: SHARDS, ...options.tuning, onFailure: (error) => told.push(codeOf(error)) });
  const log = new LogWriter(store);
  for (const conversation of CONVERSATIONS) await log.learn(conversation, ...INSTALLS);
  for (let commit = 1; ; commit++) {
    const name = `${store.meta.epoch}.${commit}`;
    const rows = 1 + below(options.rowsMax);
    log.member(bytes(WITNESS), direct(WITNESS, name));
    for (let i = 0; i < rows; i++) {
      // Most rows go to few conversations: some fill blocks, some hardly have any.
      const conversation = CONVERSATIONS[below(1 + below(CONVERSATIONS.length))]!;
      const from = INSTALLS[below(INSTALLS.length)]!;
      if (below(20) === 0) log.refuse(conversation, from, 15 + below(4));
      log.row(conversation, { install: from, payload: bytes(`${name} ${i} ${rows} ${"x".repeat(below(300))}`) });
      if (below(10) === 0) log.read(bytes(WITNESS), direct(WITNESS, name), i);
    }
    try {
      await log.commit();
    } catch (error) {
      if (options.failureFile === undefined) throw error;
      const calls = [
        log.commit(),
        store.loadHead(CONVERSATIONS[0]!),
        store.loadMemberships(bytes(WITNESS), undefined, 1),
        store.close().then(() => log.commit()),
      ];
      const after = await Promise.all(calls.map((call) => call.then(() => "resolved", codeOf)));
      writeFileSync(options.failureFile, JSON.stringify({ commit: codeOf(error), told, after }));
      return;
    }
    writeSync(acked, `${name}\n`);
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: string }).code ?? String(error);

/** After each synced write, while no other can be under way, tells what is durable now. */
function tellSynced({ dir, syncedFile, stopAfterCheckpoints }: CrashChildOptions): void {
  let sinceCheckpoint = Number.POSITIVE_INFINITY;
  let checkpoints = 0;
  const file = openSync(syncedFile, "w");
  const synced: Record<string, number> = {};
  const newest = () =>
    readdirSync(dir)
      .filter((name) => name.endsWith(".log"))
      .sort()
      .at(-1);
  const size = (name: string) => statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
  const tell = (before: string | undefined) => {
    // A sync covers the log that the write went to, not the one before it, whose last writes may still be in memory. When
    // the log has changed meanwhile, the write is in the new one unless that is empty.
    const now = newest();
    const name = now !== undefined && size(now) > 0 ? now : before;
    if (name !== undefined) synced[name] = size(name);
    for (const old of Object.keys(synced)) if (size(old) === 0) Reflect.deleteProperty(synced, old);
    writeSync(file, JSON.stringify(synced).padEnd(SYNCED_BYTES), 0);
  };
  type Write = (...args: unknown[]) => Promise<void>;
  const wrap = (prototype: Record<string, Write>, method: string) => {
    const original = prototype[method]!;
    prototype[method] = async function (this: unknown, ...args: unknown[]) {
      const before = newest();
      await original.apply(this, args);
      if (!(args.at(-1) as { sync?: boolean }).sync) return;
      tell(before);
      if (!stopAfterCheckpoints) return;
      if (args[0] instanceof Uint8Array && Buffer.compare(args[0], CHECKPOINT_KEY) === 0) {
        sinceCheckpoint = 0;
        checkpoints++;
      } else if (++sinceCheckpoint === 2 || sinceCheckpoint === 3) {
        const atRisk = Object.entries(synced).some(([name, bytes]) => name !== newest() && size(name) > bytes);
        if (atRisk || checkpoints % 16 === 0) process.kill(process.pid, "SIGSTOP");
      }
    };
  };
  wrap(ClassicLevel.prototype as unknown as Record<string, Write>, "_put");
  const { batch } = ClassicLevel.prototype;
  let wrapped = false;
  (ClassicLevel.prototype as { batch: unknown }).batch = function (this: ClassicLevel, ...args: []) {
    const made = batch.apply(this, args);
    if (!wrapped) wrap(Object.getPrototypeOf(made) as Record<string, Write>, "_write");
    wrapped = true;
    return made;
  };
}

if (process.argv[2] !== undefined && process.argv[1]?.includes("crash-child")) await run(JSON.parse(process.argv[2]) as CrashChildOptions);

// What the embedded store keeps when its process is killed, when the power goes, and when the disk is full or damaged. Real
// processes, real files.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { readAllRows } from "./inspect.ts";
import { openLevelStore } from "./leveldb.ts";
import { CONVERSATIONS, type CrashChildOptions, INSTALLS, SHARDS, WITNESS } from "./testing/crash-child.ts";
import { bytes, direct } from "./testing/log-writer.ts";
import { plain } from "./testing/plain.ts";

t.setTimeout(180_000);

const compiled = import.meta.url.endsWith(".js");
const CHILD = fileURLToPath(new URL(compiled ? "./testing/crash-child.js" : "./testing/crash-child.ts", import.meta.url));
/** A checkpoint is nearly always under way, in many slices, and memtables change all the time. */
const BUSY = { checkpointBytes: 60_000, overlayBytesMax: 200_000, sliceBytes: 8000, cacheBytesMax: 10_000, writeBufferBytes: 64 * 1024 };
/** Conversations are written in parts. */
const PARTS = { ...BUSY, checkpointBytes: 100_000, overlayBytesMax: 400_000, sliceBytes: 2000 };

interface Place {
  root: string;
  options: CrashChildOptions;
}

function place(t: Test, tuning: CrashChildOptions["tuning"], rowsMax: number): Place {
  const root = mkdtempSync(join(tmpdir(), "hawser-crash-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "store");
  mkdirSync(dir);
  return {
    root,
    options: {
      dir,
      ackedFile: join(root, "acked"),
      syncedFile: join(root, "synced"),
      seed: 1,
      rowsMax,
      tuning,
      stopAfterCheckpoints: false,
      failureFile: undefined,
    },
  };
}

function start(t: Test, options: CrashChildOptions, shell = ""): ChildProcess {
  const command = [process.execPath, ...(compiled ? [] : ["--import", "tsx"]), CHILD, JSON.stringify(options)];
  const [program, ...args] = shell === "" ? command : ["sh", "-c", `${shell}exec "$0" "$@"`, ...command];
  const child = spawn(program!, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, NODE_OPTIONS: "" } });
  t.teardown(() => child.kill("SIGKILL"));
  return child;
}

function acked(options: CrashChildOptions): string[] {
  return existsSync(options.ackedFile) ? readFileSync(options.ackedFile, "utf8").split("\n").slice(0, -1) : [];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once("exit", resolve));
}

/** Waits until the child has acknowledged more commits than `count`. */
async function progress(child: ChildProcess, options: CrashChildOptions, count: number): Promise<void> {
  while (acked(options).length <= count) {
    if (child.exitCode !== null) throw new Error(`the child ended with ${child.exitCode}`);
    await sleep(5);
  }
}

/** Reads the store from end to end (which checks order and hashes) and compares it with what was acknowledged. */
async function check(t: Test, dir: string, acknowledged: readonly string[], what: string): Promise<void> {
  const found = new Map<string, { rows: number; of: number }>();
  const sends = [];
  for await (const { conversation, row } of readAllRows(dir)) {
    const [name, , of] = Buffer.from(row.payload).toString().split(" ") as [string, string, string];
    const commit = found.get(name) ?? { rows: 0, of: Number(of) };
    commit.rows++;
    found.set(name, commit);
    sends.push({ conversation, row });
  }
  const missing = acknowledged.filter((name) => !found.has(name));
  if (missing.length > 0) return void t.fail(`${what}: ${missing.length} acknowledged commits are gone, ${missing.slice(0, 5)}`);
  const halves = [...found].filter(([, { rows, of }]) => rows !== of);
  if (halves.length > 0) return void t.same(halves, [], `${what}: a half commit`);
  const store = await openLevelStore({ dir, shardCount: SHARDS, checkpointOnClose: false });
  const witnessed = [];
  for (let after: Uint8Array | undefined; ; ) {
    const page = await store.loadMemberships(bytes(WITNESS), after, 500);
    witnessed.push(...page.map(({ conversation }) => Buffer.from(conversation).toString("latin1")));
    if (page.length < 500) break;
    after = page.at(-1)!.conversation;
  }
  const expected = [...found.keys()].map((name) => Buffer.from(direct(WITNESS, name)).toString("latin1"));
  if (witnessed.sort().join() !== expected.sort().join()) return void t.fail(`${what}: members and rows of a commit are not together`);
  // Every so many numbers, and the last ones.
  const step = Math.max(1, Math.floor(sends.length / 100));
  for (let i = sends.length - 1; i >= 0; i -= step) {
    const { conversation, row } = sends[i]!;
    const send = await store.findSend(conversation, row.install, row.clientSeq);
    if (JSON.stringify(plain(send)) !== JSON.stringify(plain({ row }))) return void t.same(plain(send), plain({ row }), `${what}: number ${row.clientSeq}`);
  }
  for (const conversation of CONVERSATIONS) {
    for (const install of INSTALLS) {
      const last = (await store.loadSender(conversation, install))?.clientSeq ?? 0;
      if (last > 0 && (await store.findSend(conversation, install, last)) === undefined) return void t.fail(`${what}: number ${last} is lost`);
    }
  }
  await store.close();
  t.pass(`${what}: ${acknowledged.length} acknowledged commits, ${found.size} found, ${sends.length} rows`);
}

for (const [name, tuning, rowsMax] of [
  ["checkpoints all the time", BUSY, 40],
  ["no checkpoint", {}, 40],
  ["conversations in parts", PARTS, 200],
] as const) {
  t.test(`killed at any moment: ${name}`, async (t) => {
    const { options } = place(t, tuning, rowsMax);
    for (let round = 0; round < 3; round++) {
      const before = acked(options).length;
      const child = start(t, { ...options, seed: 1000 + round });
      await progress(child, options, before + 3);
      await sleep(Math.random() * 250);
      child.kill("SIGKILL");
      await ended(child);
      await check(t, options.dir, acked(options), `round ${round + 1}`);
    }
  });
}

// The process is stopped, and its files are copied as a power cut would have left them at worst: of each log only what a
// sync has covered. Table files and the manifest are synced by LevelDB itself before they count.
const CUTS = [
  { name: "at any moment", tuning: BUSY, rowsMax: 40, stopAfterCheckpoints: false },
  { name: "while conversations are written in parts", tuning: PARTS, rowsMax: 200, stopAfterCheckpoints: false },
  // Memtables that take a while to be written, so that logs of before the checkpoint are still needed after it.
  { name: "just after checkpoints", tuning: { ...BUSY, checkpointBytes: 100_000, writeBufferBytes: 6_000_000 }, rowsMax: 40, stopAfterCheckpoints: true },
];
for (const { name, tuning, rowsMax, stopAfterCheckpoints } of CUTS) {
  t.test(`the power goes ${name}`, { skip: process.platform !== "linux" && "needs /proc" }, async (t) => {
    for (let store = 0; store < 2; store++) {
      const { root, options } = place(t, tuning, rowsMax);
      const child = start(t, { ...options, seed: store, stopAfterCheckpoints });
      await progress(child, options, 0);
      for (let cut = 0; cut < 6; cut++) {
        await sleep(Math.random() * 40);
        if (!stopAfterCheckpoints) child.kill("SIGSTOP");
        await stopped(child.pid!);
        const dir = join(root, `cut${cut}`);
        cpSync(options.dir, dir, { recursive: true });
        const synced = JSON.parse(readFileSync(options.syncedFile, "utf8")) as Record<string, number>;
        for (const file of readdirSync(dir)) if (file.endsWith(".log")) truncateSync(join(dir, file), synced[file] ?? 0);
        await check(t, dir, acked(options), `store ${store}, cut ${cut}`);
        child.kill("SIGCONT");
      }
      child.kill("SIGKILL");
      await ended(child);
    }
  });
}

// A file may not grow beyond a megabyte, which fails LevelDB's log as a full disk would: in the middle of a record.
t.test("the disk takes no more", { skip: process.platform === "win32" && "needs a shell" }, async (t) => {
  for (const tuning of [{}, BUSY]) {
    const { root, options } = place(t, { ...tuning, writeBufferBytes: 16 * 1024 * 1024 }, 40);
    const failureFile = join(root, "failure");
    const child = start(t, { ...options, failureFile }, "ulimit -f 2048; ");
    await ended(child);
    t.same(JSON.parse(readFileSync(failureFile, "utf8")), {
      commit: "STORE_FAILED",
      told: ["STORE_FAILED"],
      after: ["STORE_FAILED", "STORE_FAILED", "STORE_FAILED", "STORE_FAILED"],
    });
    t.ok(acked(options).length > 10);
    await check(t, options.dir, acked(options), "after it");
  }
});

async function stopped(pid: number): Promise<void> {
  for (;;) {
    const states = readdirSync(`/proc/${pid}/task`).map((task) => /\) (\S)/.exec(readFileSync(`/proc/${pid}/task/${task}/stat`, "latin1"))?.[1]);
    if (states.every((state) => state === "T")) return;
    await sleep(1);
  }
}

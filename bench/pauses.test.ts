// The watcher of pauses, with a real pause: a process of a higher real-time priority keeps a core from it, as a host would.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import t from "tap";
import { compiledProgram } from "./floor/compile.ts";
import { startPauses, summary } from "./pauses.ts";

/** Holds its core for so long, from when it is told to, and is done. */
const HOG = `
process.stdout.write("ready\\n");
process.stdin.once("data", () => {
  const end = performance.now() + 300;
  while (performance.now() < end);
  process.stdout.write("done\\n");
});`;

const isRoot = process.getuid?.() === 0;

t.test("a pause is seen on its core, in the time since a mark only", { skip: process.platform !== "linux" }, async (t) => {
  const meter = await startPauses();
  t.teardown(() => meter.stop());
  if (!meter.realtime) return t.comment("no real-time priority here: nothing more to see");
  if (spawnSync("chrt", ["-f", "90", "true"]).status !== 0) return t.comment("no chrt here: nothing more to see");
  const before = meter.mark();
  const first = await meter.since(before);
  const core = first.perCore.at(-1)!.core;
  const hog = spawn("taskset", ["-c", String(core), "chrt", "-f", "90", process.execPath, "-e", HOG], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(hog, "exit");
  const lines = createInterface({ input: hog.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const mark = meter.mark();
  hog.stdin.write("go\\n");
  await lines.next();
  // The watching thread gets its core back only now and then.
  let seen = await meter.since(mark);
  while (seen.longestMs < 250) {
    await delay(20);
    seen = await meter.since(mark);
  }
  const own = seen.perCore.find((each) => each.core === core)!;
  t.ok(own.longestMs >= 250, `${own.longestMs} ms`);
  t.ok(seen.pausedMs >= own.pausedMs && own.pausedMs >= own.longestMs && own.count >= 1);
  t.ok(seen.pausedPercent > 0 && seen.complete && seen.realtime);
  t.ok(seen.wallMs > 250);
  const after = await meter.since(meter.mark());
  t.ok(after.longestMs < 250 && after.wallMs < seen.wallMs, "a later mark does not hold it");
  hog.stdin.end();
  await exited;
});

t.test("many questions at once are all answered; one that is stopped or killed rejects", { skip: process.platform !== "linux" }, async (t) => {
  const meter = await startPauses(2000);
  const mark = meter.mark();
  const answers = await Promise.all(Array.from({ length: 300 }, () => meter.since(mark)));
  t.ok(answers.every(({ wallMs, complete }) => wallMs >= 0 && complete));
  t.strictSame(
    answers[0]!.perCore.map(({ core }) => core),
    answers[299]!.perCore.map(({ core }) => core),
  );
  await meter.stop();
  await t.rejects(meter.since(mark), { message: "the watcher of pauses is gone" });
  await t.rejects(startPauses(0), { message: "the watcher of pauses is gone" });
});

t.test("without the permission it says so, and still works", { skip: !isRoot || process.platform !== "linux" }, async (t) => {
  // Where everybody may run it, which is not so for every checkout.
  const dir = mkdtempSync(join(tmpdir(), "hawser-pauses-"));
  t.teardown(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  copyFileSync(compiledProgram("pauses"), join(dir, "pauses"));
  const child = spawn(join(dir, "pauses"), ["1000", "1"], { uid: 65534, gid: 65534, stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const head = JSON.parse((await lines.next()).value) as { realtime: boolean; tickUs: number; thresholdUs: number };
  t.match(head, { realtime: false, tickUs: 1000, thresholdUs: 1 });
  const pause = JSON.parse((await lines.next()).value) as { core: number; endUs: number; us: number };
  t.ok(pause.us >= 1 && Math.abs(pause.endUs - Number(process.hrtime.bigint()) / 1000) < 60e6, "on the clock of process.hrtime");
  child.stdin.end();
  await exited;
  t.equal(child.exitCode, 0, "ends with its input");
});

t.test("summary: only what lies between the two moments counts", (t) => {
  const pauses = [
    { core: 0, endUs: 10_000, us: 5000 },
    { core: 0, endUs: 21_000, us: 4000 },
    { core: 1, endUs: 30_000, us: 2000 },
    { core: 1, endUs: 52_000, us: 4000 },
    { core: 1, endUs: 90_000, us: 1000 },
    { core: 7, endUs: 30_000, us: 9000 },
  ];
  const found = summary(pauses, [0, 1], true, 20_000, 50_000, true);
  t.strictSame(found, {
    pausedMs: 5,
    longestMs: 2,
    count: 3,
    perCore: [
      { core: 0, pausedMs: 1, longestMs: 1, count: 1 },
      { core: 1, pausedMs: 4, longestMs: 2, count: 2 },
    ],
    wallMs: 30,
    pausedPercent: (100 * 5) / 60,
    realtime: true,
    complete: true,
  });
  t.equal(summary([], [0], true, 5, 5, true).pausedPercent, 0);
  t.end();
});

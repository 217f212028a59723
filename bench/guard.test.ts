// The guard's judgement, its short form on this very build, and whether the stages that benchmarks measure on do the work that
// the figures claim.
import t from "tap";
import { compareGuard, type Kept, type Measured, measureGuard, readKept, updated, Verdict } from "./guard.ts";
import { DownWay, UpWay } from "./micro/codec.ts";
import { SEND_DELIVERS, SendTraffic } from "./micro/shard.ts";
import { fixedSamples } from "./samples.ts";
import { GatewayStage } from "./stage/gateway-stage.ts";

const figure = (value: number, allowed_percent = 5) => ({ value, allowed_percent, from: "a test" });

t.test("worse fails, better is told, and what cannot be compared is not", async (t) => {
  const kept: Kept = {
    format: 1,
    node: "v20.1.0",
    taken: "2025-01-01",
    figures: { same: figure(100), worse: figure(100), better: figure(100), edge: figure(100), "instructions, x": figure(100), gone: figure(1) },
  };
  const measured: Measured = {
    node: "v22.1.0",
    figures: new Map([
      ["same", figure(102)],
      ["worse", figure(106)],
      ["better", figure(94)],
      ["edge", figure(105)],
      ["instructions, x", figure(900)],
      ["fresh", figure(7)],
    ]),
    skipped: new Map([["left out", "a reason"]]),
  };
  const verdicts = Object.fromEntries(compareGuard(kept, measured).map(({ name, verdict }) => [name, verdict]));
  t.strictSame(verdicts, {
    same: Verdict.Kept,
    worse: Verdict.Worse,
    better: Verdict.Better,
    edge: Verdict.Kept,
    "instructions, x": Verdict.Skipped,
    gone: Verdict.Skipped,
    fresh: Verdict.New,
    "left out": Verdict.Skipped,
  });
  const next = updated({ ...kept, figures: { ...kept.figures, worse: figure(100, 1) } }, measured, new Date(0));
  t.strictSame(next.figures["worse"], figure(106, 1), "the drift that somebody allowed stays");
  t.strictSame(next.figures["gone"], figure(1), "and so does what was not measured");
  t.equal(next.node, "v22.1.0");
});

t.test("no figure that is quick to measure is worse than what is kept", async (t) => {
  const measured = await measureGuard("short", () => undefined);
  t.ok(measured.figures.size >= 9);
  for (const { name, kept, now, drift_percent, verdict } of compareGuard(readKept(), measured)) {
    if (measured.figures.has(name)) t.not(verdict, Verdict.Worse, `${name}: ${now} (kept: ${kept}, ${drift_percent?.toFixed(1)}%)`);
  }
});

t.test("on the stage of logic every Send is acked and pushed", async (t) => {
  const traffic = new SendTraffic(
    fixedSamples(100).map(({ row }) => row.payload),
    8,
  );
  await traffic.start();
  const types = await traffic.deliveries();
  t.strictSame(types.sort(), SEND_DELIVERS.flatMap((type) => Array.from({ length: 8 }, () => type)).sort());
  traffic.verify();
});

t.test("on the stage of the gateway every Send goes up and every Push comes down", async (t) => {
  const samples = fixedSamples(2000);
  const up = new UpWay(samples);
  await up.start();
  const text = samples.slice(0, 1024).reduce((sum, { row }) => sum + row.payload.length, 0) / 1024;
  t.ok(up.bytesPerSend() > text + 20, "texts are in the Up batches");
  const down = new DownWay(samples);
  await down.start();
  const before = down.run();
  down.prepare(64);
  const pushed = samples.slice(0, 64).reduce((sum, { row }) => sum + row.payload.length, 0);
  t.ok(down.run() - before > pushed, "texts are in what was written");
  const stage = new GatewayStage(3);
  const names = ["ann", "bob", "cleo"].map((name) => new Uint8Array(Buffer.from(name)));
  t.equal(await stage.admit(names), 3);
  t.equal(stage.transport.writes, 3, "each was welcomed");
  stage.receive(stage.encodeFanOut(Uint8Array.of(1, 15), [0, 2], 1));
  t.equal(stage.transport.writes, 5);
});

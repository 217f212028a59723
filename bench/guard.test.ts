// The guard's judgement, its short form on this very build, and whether the stages that benchmarks measure on do the work that
// the figures claim.
import t from "tap";
import { compareGuard, type Kept, type KeptFigure, type Measured, measureGuard, readKept, updated, Verdict } from "./guard.ts";
import { DownWay, UpWay } from "./micro/codec.ts";
import { SEND_DELIVERS, SendTraffic } from "./micro/shard.ts";
import { fixedSamples } from "./samples.ts";
import { GatewayStage } from "./stage/gateway-stage.ts";

const figure = (value: number, allowed_percent = 5) => ({ value, allowed_percent, from: "a test" });
const ofNode = (node: string, value: number) => ({ ...figure(value), node });

t.test("worse fails, better is told, and what cannot be compared is not", async (t) => {
  const kept: Kept = {
    format: 2,
    taken: "2025-01-01",
    figures: {
      same: figure(100),
      worse: figure(100),
      better: figure(100),
      edge: figure(100),
      "of another V8": ofNode("v20.1.0", 100),
      "of this V8": ofNode("v22.0.0", 100),
      gone: ofNode("v20.1.0", 1),
    },
  };
  const measured: Measured = {
    figures: new Map<string, KeptFigure>([
      ["same", figure(102)],
      ["worse", figure(106)],
      ["better", figure(94)],
      ["edge", figure(105)],
      ["of another V8", ofNode("v22.1.0", 900)],
      ["of this V8", ofNode("v22.1.0", 900)],
      ["fresh", figure(7)],
    ]),
    skipped: new Map([["left out", "a reason"]]),
  };
  const compared = compareGuard(kept, measured);
  const verdicts = Object.fromEntries(compared.map(({ name, verdict }) => [name, verdict]));
  t.strictSame(verdicts, {
    same: Verdict.Kept,
    worse: Verdict.Worse,
    better: Verdict.Better,
    edge: Verdict.Kept,
    "of another V8": Verdict.Skipped,
    "of this V8": Verdict.Worse,
    gone: Verdict.Skipped,
    fresh: Verdict.New,
    "left out": Verdict.Skipped,
  });
  t.strictSame(
    compared.flatMap(({ name, reason }) => (reason === null ? [] : [`${name}: ${reason}`])),
    ["of another V8: kept of Node v20.1.0, and this is v22.1.0", "gone: not measured", "left out: a reason"],
    "whatever is skipped has a reason, and nothing else",
  );
  const next = updated({ ...kept, figures: { ...kept.figures, worse: figure(100, 1) } }, measured, new Date(0));
  t.strictSame(next.figures["worse"], figure(106, 1), "the drift that somebody allowed stays");
  t.strictSame(next.figures["gone"], ofNode("v20.1.0", 1), "and so does what was not measured, with its version of Node");
  t.strictSame(next.figures["of another V8"], ofNode("v22.1.0", 900), "what was measured has this one's");
});

t.test("no figure that is quick to measure is worse than what is kept", async (t) => {
  const measured = await measureGuard("short", () => undefined);
  t.ok(measured.figures.size >= 9);
  for (const { name, kept, now, drift_percent, verdict, reason } of compareGuard(readKept(), measured)) {
    if (!measured.figures.has(name)) continue;
    if (verdict === Verdict.Skipped) t.comment(`${name} is not compared: ${reason}`);
    else t.not(verdict, Verdict.Worse, `${name}: ${now} (kept: ${kept}, ${drift_percent?.toFixed(1)}%)`);
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

// `hawser loadtest` as a person runs it: short real runs of the scenarios against real servers, what they write and how they
// exit; that a broken promise shows, whatever broke it; and that a stop leaves nothing behind.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { startStack } from "../../cli/stack.ts";
import { Run } from "../../cli/testing/run.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { Result } from "../result.ts";
import { type Tamper, type TamperedConnection, TamperingProxy } from "./testing/tampering-proxy.ts";

const dir = mkdtempSync(join(tmpdir(), "hawser-loadtest-test-"));
// Devices for the fan-out, and a budget that a slow reader uses up soon.
const stack = await startStack({
  dataDir: join(dir, "stack"),
  ports: "free",
  dev: true,
  quiet: true,
  logLevel: "error",
  gatewayArgs: ["--sends-per-second", "10000", "--push-bytes-max", "66560"],
  logicArgs: ["--sessions-per-user", "64"],
});
t.teardown(async () => {
  await stack.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Some runs go side by side, on a machine that may be busy. */
t.setTimeout(120_000);

let runs = 0;

interface Ended {
  code: number | null;
  result: Result;
  err: string;
}

async function loadtest(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const json = join(dir, `${++runs}.json`);
  const run = await new Run(["loadtest", ...args, "--json", json], env, "").ended;
  return { code: run.code, result: JSON.parse(readFileSync(json, "utf8")) as Result, err: run.err };
}

const HERE = ["--url", stack.urls.tcp];

const temporary = join(dir, "tmp");
mkdirSync(temporary);
const direct = loadtest(["--connections", "100", "--seconds", "3", "--rate", "200", "--report", join(dir, "report.html")], { TMPDIR: temporary });

/** And figures that each must have, by phase. */
const cases: [args: string[], figures: Record<string, string[]>][] = [
  [["--scenario", "fanout", "--connections", "42", "--devices", "20", "--seconds", "1", "--rate", "10"], { traffic: ["deliveries_per_message"] }],
  [
    ["--scenario", "storm", "--connections", "60", "--seconds", "2", "--rate", "60"],
    { storm: ["time_to_50_ms", "time_to_99_ms", "time_to_999_ms", "time_to_all_ms"] },
  ],
  [["--scenario", "offline", "--connections", "60", "--seconds", "1", "--rate", "200"], { return: ["time_to_synced_ms", "synced_messages"] }],
  [
    ["--scenario", "slow", "--connections", "40", "--percent", "5", "--seconds", "2", "--rate", "200", "--data", join(dir, "stack")],
    { slow: ["p99_ratio_to_before", "slow_sessions"] },
  ],
];
const scenarios = Promise.all(cases.map(([args]) => loadtest([...HERE, ...args])));

let pushes = 0;
const otherText: Tamper = (from, header, body) => {
  if (from !== "server" || header !== FrameType.Push || ++pushes !== 20) return undefined;
  const push = hawser.v1.Push.decode(body);
  push.payload = Buffer.from(push.payload.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
  return encodeMessage(FrameType.Push, hawser.v1.Push, push);
};
const changed = await TamperingProxy.start(stack.urls.tcp, otherText);

/** Everything that one user writes to another is acked and goes nowhere. */
let victim: { connection: TamperedConnection; peer: string; seq: number } | undefined;
const forgedAcks: Tamper = (from, header, body, connection) => {
  if (from !== "client" || header !== FrameType.Send) return undefined;
  const { peer, clientSeq } = hawser.v1.Send.decode(body);
  const to = Buffer.from(peer).toString();
  if (victim === undefined && clientSeq === 1) victim = { connection, peer: to, seq: 0 };
  if (victim?.connection !== connection || victim.peer !== to) return undefined;
  connection.toClient(encodeMessage(FrameType.Sent, hawser.v1.Sent, { ref: connection.requests, seq: ++victim.seq, time: 5e10, durability: 2 }));
  // A request that counts and changes nothing, so that the numbers of both sides stay in step.
  return encodeMessage(FrameType.Read, hawser.v1.Read, { peer, seq: 0 });
};
const forging = await TamperingProxy.start(stack.urls.tcp, forgedAcks);
const lies = Promise.all([changed, forging].map(({ url }) => loadtest(["--url", url, "--connections", "20", "--seconds", "1", "--rate", "60"])));

const notDone = [
  ["--url", "tcp://127.0.0.1:1", "--data", dir],
  ["--messages", join(dir, "nothing.jsonl")],
  ["--json", join(dir, "nowhere", "out.json")],
  ["--url", "tcp://localhost:1", "--connections", "20"],
  ["--url", stack.urls.tcp, "--connections", "20", "--secret", "not the right one, but long enough"],
];
const hopeless = Promise.all(notDone.map((args) => new Run(["loadtest", ...args], {}, "").ended));

const stopped = stopInTraffic();

async function stopInTraffic(): Promise<{ run: Run; json: string }> {
  const json = join(dir, "stopped.json");
  const run = new Run(["loadtest", ...HERE, "--connections", "20", "--rate", "50", "--seconds", "600", "--json", json], {}, "");
  while (!run.err.includes("traffic") && run.code === null) await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), run.ended]);
  run.child.kill("SIGINT");
  return { run: await run.ended, json };
}

t.test("direct, on a stack of its own: every figure is there, and nothing is left behind", async (t) => {
  const { code, result, err } = await direct;
  t.equal(code, 0, err);
  t.match(result, {
    format: 1,
    scenario: "direct",
    connections: 100,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    check: { unacked: 0, heads_wrong: 0 },
    options: {
      connections: 100,
      seconds: 3,
      rate: 200,
      transport: "tcp",
      drivers: 1,
      gateways: 1,
      server: "own stack",
      messages: /^\S.*, \d+ messages$/,
      data_in_memory: Boolean,
    },
    failures: [],
    passed: true,
  });
  t.equal(result.acked, result.sent);
  t.equal(result.delivered, result.acked, "one device each");
  t.ok(result.sent >= 600 && result.sent < 2000, `${result.sent} sent`);
  const { p50, p90, p99, p999, max } = result.latency_ms!;
  t.ok(p50 > 0 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
  t.ok(result.ack_latency_ms!.p50 > 0);
  if (process.platform === "linux") {
    const { split, cpu_us_per_message: cpu } = result.server!;
    t.strictSame(Object.keys(split).sort(), ["gateway", "logic", "nats"]);
    t.ok(cpu! > 5 && cpu! < 5000, `${cpu} µs a message`);
    t.ok(result.samples.some((sample) => (sample.server_rss_bytes?.["gateway"] ?? 0) > 10e6));
  }
  t.ok(result.frame_bytes["Send"]! > 10 && result.frame_bytes["Push"]! > 10);
  t.ok(result.driver_cpu_percent > 0);
  t.strictSame(
    result.phases.map(({ name }) => name),
    ["connect", "rest", "warm-up", "traffic", "settle", "check"],
  );
  t.ok(result.samples.some((sample) => sample.phase === "traffic" && sample.sent_per_second > 0));
  t.match(result.command, /^npm run loadtest -- --connections 100/);
  t.match(err, /PASSED/);
  t.match(readFileSync(join(dir, "report.html"), "utf8"), /<html/i);
  t.notOk(
    readdirSync(temporary).some((name) => name.startsWith("hawser-")),
    "its data is gone",
  );
});

t.test("what takes a server of its own: gateways replaced under load, reads of the store in a storm", async (t) => {
  const few = ["--connections", "60", "--seconds", "2", "--rate", "60"];
  const [deploy, storm] = await Promise.all([loadtest(["--scenario", "deploy", ...few]), loadtest(["--scenario", "storm", ...few])]);
  const figures = ({ result }: Ended, phase: string) => result.phases.find(({ name }) => name === phase)!.figures;
  for (const { result, err } of [deploy, storm]) {
    t.match(result, { lost: 0, duplicated: 0, out_of_order: 0, check: { unacked: 0, heads_wrong: 0 } }, err);
    // How late messages were is for a quiet machine to say.
    t.same(
      result.failures.filter((failure) => !failure.includes("took more than")),
      [],
    );
  }
  t.equal(figures(deploy, "roll")["connections_cut"], 0);
  t.ok(figures(deploy, "roll")["moves"]! >= 60);
  t.equal(figures(storm, "storm")["store_reads"], 0);
  t.equal(figures(storm, "storm")["store_reads_at_first"], 60);
});

t.test("scenarios pass on a server that works", async (t) => {
  const finished = await scenarios;
  for (const [i, { code, result, err }] of finished.entries()) {
    const figures = cases[i]![1];
    const { scenario } = result;
    t.equal(code, 0, `${scenario}: ${err}`);
    t.match(result, { lost: 0, duplicated: 0, out_of_order: 0, check: { unacked: 0, heads_wrong: 0 }, passed: true }, scenario);
    t.ok(result.acked > 0 && result.delivered > 0, scenario);
    t.match(result.options["server_needs"], /^gateway --sends-per-second/, "what a server of --url should be told");
    for (const [phase, names] of Object.entries(figures)) {
      const found = result.phases.find(({ name }) => name === phase)!.figures;
      for (const name of names) t.ok(Number.isFinite(found[name]) && found[name]! >= 0, `${scenario}: ${phase} has ${name}`);
    }
    if (scenario === "slow") t.ok(result.server !== null || process.platform !== "linux", "by --data its processes are known");
    else t.equal(result.server, null, "elsewhere they are not");
    if (scenario === "fanout") t.equal(result.delivered, result.acked * 20);
  }
});

t.test("a broken promise shows: a text that was changed on the way, an ack for what was never stored", async (t) => {
  const [altered, forged] = (await lies) as [Ended, Ended];
  changed.close();
  forging.close();
  t.equal(altered.code, 1, altered.err);
  t.ok(altered.result.lost + altered.result.out_of_order + altered.result.duplicated > 0);
  t.ok(altered.result.traces.length > 0, "with a trace");
  t.match(altered.err, /FAILED/);
  t.equal(forged.code, 1, forged.err);
  t.equal(forged.result.passed, false);
  t.ok(forged.result.lost + forged.result.check.unacked + forged.result.check.heads_wrong > 0, "an ack for what was never stored");
  t.ok(forged.result.traces.length > 0, "with a trace");
});

t.test("what cannot be done ends with 2, and so does a stop, with what was measured", async (t) => {
  const [nobody, file, output, refused, secret] = (await hopeless) as [Run, Run, Run, Run, Run];
  t.equal(nobody.code, 2);
  t.match(nobody.err, /holds no run.json/);
  t.equal(file.code, 2);
  t.match(file.err, /nothing.jsonl is not there/);
  t.equal(output.code, 2);
  t.match(output.err, /out.json cannot be written: ENOENT/);
  t.equal(refused.code, 2);
  t.match(refused.err, /not one session could connect: .*ECONNREFUSED/);
  t.equal(secret.code, 2);
  t.match(secret.err, /not one session could connect/);

  const { run, json } = await stopped;
  t.equal(run.code, 2);
  const result = JSON.parse(readFileSync(json, "utf8")) as Result;
  t.match(result.unfit, [/stopped before its end/]);
  t.match(result, { lost: 0, duplicated: 0, check: { unacked: 0 } });
  t.ok(result.acked > 0);
});

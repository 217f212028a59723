// `hawser bench [NAME]`: what things cost, each beside a floor that is measured in the same run. What is measured, and how to
// read it, is in bench/README.md.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { ConditionsWatch, machine, unfitBecauseOf } from "../bench/conditions.ts";
import { type BenchOptions, type BenchResult, formatResult, formatTable } from "../bench/result.ts";
import { integer, option } from "./options.ts";
import type { Stack } from "./stack.ts";

interface MicroPlan {
  summary: string;
  load: () => Promise<{ run(options: BenchOptions): Promise<BenchResult> }>;
}

/** Benchmarks that need nothing but a processor. */
const MICRO: Record<string, MicroPlan> = {
  frames: { summary: "bytes on the wire of each frame that a real message becomes", load: () => import("../bench/micro/frames.ts") },
  framing: { summary: "frames out of a byte stream, and into one", load: () => import("../bench/micro/framing.ts") },
  codec: { summary: "encoding and decoding of messages and batches; the gateway's way up and down", load: () => import("../bench/micro/codec.ts") },
  compression: {
    summary: "ratio and time of compressors on real messages, with and without a dictionary",
    load: () => import("../bench/micro/compression.ts"),
  },
  wheel: { summary: "the gateway's timing wheel at a million sessions", load: () => import("../bench/micro/wheel.ts") },
  sessions: { summary: "bytes that a session takes in gateway and logic, without its socket", load: () => import("../bench/micro/sessions.ts") },
  heartbeat: {
    summary: "learned intervals of beats beside fixed ones, FCM's and Mars's, on simulated carriers: beats and minutes silently dead",
    load: () => import("../bench/heartbeat/run.ts"),
  },
  shard: { summary: "what a Send costs logic, with a store that answers at once", load: () => import("../bench/micro/shard.ts") },
};

/** Of `bench` itself: they stand before or behind the name. */
interface CommonFlags {
  json?: string;
  quick?: boolean;
}

export function build(command: Command): void {
  command
    .description(
      "What things cost, as CPU time and as ratios to a floor that is measured in the same run. With a NAME: that benchmark. Without: all that need nothing " +
        "but a processor, in their quick setting (about a minute). How to read the figures: bench/README.md.",
    )
    .usage("[NAME] [options]")
    .option("--json <out>", "write the figures as JSON to this file (- for standard output; tables then go to standard error)")
    .option("--quick", "seconds instead of minutes: to compare, not to write down")
    .allowExcessArguments()
    .action(async () => {
      const [unknown] = command.args;
      if (unknown !== undefined)
        command.error(`error: there is no benchmark ${unknown}: give one of ${command.commands.map((each) => each.name()).join(", ")}`);
      await micro(Object.keys(MICRO), { ...flags(command), quick: true });
    });
  for (const [name, { summary }] of Object.entries(MICRO)) {
    command
      .command(name)
      .summary(summary)
      .description(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`)
      .action(async () => micro([name], flags(command)));
  }
  command
    .command("crowd")
    .summary("a million sessions in one logic process: bytes, CPU and the collector's pauses as they come, send, leave and come back")
    .description(
      "Sessions in one logic process with a store that answers at once: what each takes in memory, CPU and the collector's longest pauses while all attach and sync, " +
        "while some send, while all leave and come back, and while all are reported to a new owner. A minute for a million (--quick: 100,000).",
    )
    .addOption(option("--count <sessions>", "how many", { default: 1_000_000, parse: integer(1000, 5_000_000) }))
    .addOption(option("--node <flags>", "flags of V8 for the process, separated by spaces, to compare"))
    .action(async (own: { count: number; node?: string }) => crowd({ ...flags(command), ...own }));
  command
    .command("store")
    .summary("synced commits and page reads of the embedded store")
    .description(
      "Rows a second and CPU per row of synced commits, beside an append with fdatasync as the floor, and pages a second. Uses the directory for temporary files.",
    )
    .addOption(option("--rows <count>", "rows of each measurement (--quick: 20000)", { parse: integer(1000, 100_000_000) }))
    .action(async (own: { rows?: number }) => store({ ...flags(command), ...own }));
  command
    .command("echo")
    .summary("CPU of the gateway's TCP per frame and per beat, bytes per idle connection")
    .description(
      "CPU per frame that is written back through the gateway's transports, the native core and node:net, and per beat, beside a floor in C that does one read and " +
        "one write; bytes per idle connection. Linux; needs a C compiler.",
    )
    .addOption(option("--seconds <count>", "length of each measurement (--quick: 1)", { default: 3, parse: integer(1, 600) }))
    .addOption(option("--rounds <count>", "measurements of each, of which the median counts (--quick: 3)", { default: 5, parse: integer(1, 100) }))
    .addOption(option("--connections <count>", "idle ones (--quick: 3000)", { default: 15_000, parse: integer(100, 17_000) }))
    .action(async (own: EchoFlags) => echo({ ...flags(command), ...own }));
  command
    .command("spine")
    .summary("server CPU per durable direct message, from few pairs of users to many")
    .description(
      "CPU of gateway, logic and nats-server (user and system) per durable direct message, with one message in flight per pair, and the ratio to a floor: " +
        "a relay in C that does one read and one write per message. Starts a stack of its own. Needs a C compiler.",
    )
    .addOption(
      option("--pairs <list>", "numbers of pairs, separated by commas", { default: [10, 30, 100, 300, 1000], defaultText: "10,30,100,300,1000", parse: list }),
    )
    .addOption(option("--seconds <count>", "length of each measurement", { default: 5, parse: integer(1, 600) }))
    .addOption(option("--rounds <count>", "measurements of each level, of which the median counts", { default: 3, parse: integer(1, 100) }))
    .action(async (own: SpineFlags) => spine({ ...flags(command), ...own }));
  command
    .command("http")
    .summary("requests to the HTTP ports of gateway and logic, idle and while messages flow")
    .description(
      "Requests a second, latency and CPU of the server per request for /healthz, /readyz and /metrics of gateway and logic, by autocannon, which is installed into " +
        "bench/http at the first use. Starts a stack of its own.",
    )
    .addOption(option("--seconds <count>", "length of each measurement (--quick: 1)", { default: 3, parse: integer(1, 600) }))
    .addOption(option("--rounds <count>", "measurements of each, of which the median counts (--quick: 1)", { default: 3, parse: integer(1, 100) }))
    .action(async (own: HttpFlags) => http({ ...flags(command), ...own }));
  command
    .command("guard")
    .summary("figures that no noise moves, compared with those kept in bench/guard.json")
    .description(
      "Bytes of frames, of sessions and of the timing wheel, allocations and instructions per message: measured now and compared with bench/guard.json. " +
        "Fails when one is worse than allowed. --quick leaves the instructions out, which take some minutes and valgrind.",
    )
    .option("--update", "keep the figures of now")
    .action(async (own: { update?: boolean }) => guard({ ...flags(command), ...own }));
}

function flags(command: Command): CommonFlags {
  return command.opts();
}

/** Runs them one after the other. A result is shown as soon as it is there. */
async function micro(names: string[], { json, quick = false }: CommonFlags): Promise<void> {
  const show = json === "-" ? console.error : console.log;
  if (names.length > 1) {
    for (const name of names) console.error(`${name.padEnd(12)} ${MICRO[name]!.summary}`);
    console.error("store, spine, http, crowd and guard by name only\n");
  }
  const benches: BenchResult[] = [];
  await watched(async (watch) => {
    for (const name of names) {
      const { run } = await MICRO[name]!.load();
      const result = await run({ quick, watch, progress: (line) => console.error(`${name}: ${line}`) });
      show(formatResult(result));
      benches.push(result);
    }
  });
  // Columns are for the eye.
  const figures = benches.map(({ tables, ...result }) => ({ ...result, tables: tables.map(({ title, rows }) => ({ title, rows })) }));
  writeJson(json, { quick, benches: figures });
}

async function crowd({ json, quick = false, count, node = "" }: CommonFlags & { count: number; node?: string }): Promise<void> {
  const { run } = await import("../bench/micro/crowd.ts");
  await watched(async (watch) => {
    const sessions = quick ? Math.min(count, 100_000) : count;
    const nodeArgs = node.split(" ").filter((flag) => flag !== "");
    const result = await run({ quick, watch, progress: (line) => console.error(`crowd: ${line}`) }, { sessions, nodeArgs });
    (json === "-" ? console.error : console.log)(formatResult(result));
    writeJson(json, { ...result });
  });
}

function writeJson(out: string | undefined, figures: object): void {
  if (out === undefined) return;
  const json = JSON.stringify({ format: 1, taken: new Date().toISOString(), node: process.version, machine: machine(), ...figures }, undefined, 2);
  if (out === "-") console.log(json);
  else writeFileSync(out, `${json}\n`);
}

async function store({ json, quick, rows }: CommonFlags & { rows?: number }): Promise<void> {
  const { benchStore, storeTables } = await import("../bench/store.ts");
  await watched(async (watch) => {
    const meter = watch.begin();
    const result = await benchStore({ rows: rows ?? (quick ? 20_000 : 200_000) });
    const conditions = await meter.end();
    const shown = { bench: "store", notes: [], tables: storeTables(result), conditions, unfit: unfitBecauseOf(conditions) };
    (json === "-" ? console.error : console.log)(formatResult(shown));
    writeJson(json, { bench: "store", ...result, conditions, unfit: shown.unfit });
  });
}

async function guard({ json, quick = false, update = false }: CommonFlags & { update?: boolean }): Promise<void> {
  const { compareGuard, guardTable, measureGuard, readKept, updated, Verdict, writeKept } = await import("../bench/guard.ts");
  const measured = await measureGuard(quick ? "quick" : "full", (line) => console.error(`guard: ${line}`));
  const kept = readKept();
  const compared = compareGuard(kept, measured);
  for (const { name, reason } of compared) if (reason !== null) console.error(`SKIPPED: ${name}: ${reason}`);
  (json === "-" ? console.error : console.log)(formatTable(guardTable(compared)));
  writeJson(json, { bench: "guard", figures: compared });
  if (update) {
    writeKept(updated(kept, measured, new Date()));
    console.error("bench/guard.json holds the figures of now");
    return;
  }
  if (compared.some(({ verdict }) => verdict === Verdict.Worse)) {
    console.error("Some figures are worse than allowed. Where that is meant to be so, keep them with --update and say why in the commit.");
    process.exitCode = 1;
  } else if (compared.some(({ verdict }) => verdict === Verdict.Better || verdict === Verdict.New)) {
    console.error("Some figures are better, or new: keep them with --update.");
  }
}

/** Has a stack of its own while `work` lasts. Whatever was started is stopped, and its folder removed, also when the stack did not come up. */
async function onStack(work: (stack: Stack, watch: ConditionsWatch) => Promise<void>): Promise<void> {
  const { startStack } = await import("./stack.ts");
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-bench-"));
  try {
    await watched(async (watch) => {
      const stack = await startStack({ dataDir, ports: "free", dev: true, quiet: true, logLevel: "error", gatewayArgs: ["--sends-per-second", "100000"] });
      try {
        await work(stack, watch);
      } finally {
        await stack.stop();
      }
    });
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Watches the machine while `work` lasts. */
async function watched(work: (watch: ConditionsWatch) => Promise<void>): Promise<void> {
  const watch = await ConditionsWatch.start(console.error);
  try {
    await work(watch);
  } finally {
    await watch.stop();
  }
}

interface HttpFlags {
  seconds: number;
  rounds: number;
}

async function http({ json, quick, ...own }: CommonFlags & HttpFlags): Promise<void> {
  const [{ benchHttp, HTTP_BENCH_OPTIONS, httpTable }, { realSamples }] = await Promise.all([import("../bench/http/http.ts"), import("../bench/samples.ts")]);
  const { samples, source } = await realSamples(20_000);
  await onStack(async (stack, watch) => {
    const { http: gateway, logicHttp: logic, tcp } = stack.urls;
    const parts = { gateway: { url: gateway, pid: stack.pids["gateway"]! }, logic: { url: logic, pid: stack.pids["logic"]! } };
    const options = { ...HTTP_BENCH_OPTIONS, ...own, ...(quick && { seconds: 1, rounds: 1 }) };
    const meter = watch.begin();
    const target = { host: "127.0.0.1", tcpPort: Number(new URL(tcp).port), parts };
    const texts = samples.map(({ row }) => Buffer.from(row.payload));
    const levels = await benchHttp(target, { ...options, texts, progress: (line) => console.error(line) });
    const conditions = await meter.end();
    const notes = [
      `idle: ${options.connections} connections, as fast as answers come; beside messages: ${options.messagesPerSecond} a second (texts from ${source}), requests at a set rate`,
      `medians of ${options.rounds} rounds; latencies in whole ms; beside messages, CPU per request is a difference, left out where noise is larger`,
    ];
    const shown = { bench: "http", notes, tables: [httpTable(levels)], conditions, unfit: unfitBecauseOf(conditions) };
    (json === "-" ? console.error : console.log)(formatResult(shown));
    writeJson(json, { bench: "http", levels, conditions, unfit: shown.unfit });
  });
}

interface EchoFlags {
  seconds: number;
  rounds: number;
  connections: number;
}

async function echo({ json, quick, connections, ...own }: CommonFlags & EchoFlags): Promise<void> {
  const { benchEcho, ECHO_OPTIONS, ECHO_QUICK } = await import("../bench/echo.ts");
  await watched(async (watch) => {
    const options = quick ? ECHO_QUICK : { ...ECHO_OPTIONS, ...own, idle: connections };
    const meter = watch.begin();
    const tables = await benchEcho({ ...options, progress: (line) => console.error(line) });
    const conditions = await meter.end();
    const notes = [
      `medians of ${options.rounds} rounds of ${options.seconds} s; CPU, user and system, of the server's process; one frame in flight per connection`,
      "a beat is answered by the transport itself; bytes are of the process alone, the kernel's sockets apart",
    ];
    const shown = { bench: "echo", notes, tables, conditions, unfit: unfitBecauseOf(conditions) };
    (json === "-" ? console.error : console.log)(formatResult(shown));
    writeJson(json, { bench: "echo", tables: tables.map(({ title, rows }) => ({ title, rows })), conditions, unfit: shown.unfit });
  });
}

interface SpineFlags {
  pairs: number[];
  seconds: number;
  rounds: number;
}

async function spine({ json, quick, ...own }: CommonFlags & SpineFlags): Promise<void> {
  const [{ benchSpine, spineTable }, { realSamples }] = await Promise.all([import("../bench/spine.ts"), import("../bench/samples.ts")]);
  const { samples, source } = await realSamples(20_000);
  await onStack(async (stack, watch) => {
    const target = { host: "127.0.0.1", tcpPort: Number(new URL(stack.urls.tcp).port), pids: () => stack.pids };
    const texts = samples.map(({ row }) => Buffer.from(row.payload));
    const options = quick ? { ...own, pairs: own.pairs.slice(0, 3), seconds: Math.min(own.seconds, 2) } : own;
    const meter = watch.begin();
    const levels = await benchSpine(target, { ...options, texts, progress: (line) => console.error(line) });
    const conditions = await meter.end();
    const notes = [`texts from ${source}; medians of ${own.rounds} rounds, the split is the median round's`];
    const shown = { bench: "spine", notes, tables: [spineTable(levels)], conditions, unfit: unfitBecauseOf(conditions) };
    (json === "-" ? console.error : console.log)(formatResult(shown));
    writeJson(json, { bench: "spine", levels, conditions, unfit: shown.unfit });
  });
}

function list(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.some((number) => !Number.isInteger(number) || number < 1 || number > 9000))
    throw new InvalidArgumentError("It must be numbers from 1 to 9000, separated by commas.");
  return numbers;
}

// `hawser fuzz`: feeds the framing, the decoders, PROXY headers, compressed bodies and the session core of the gateway with
// inputs that no friend would send, and holds what they do against rules. A broken rule is printed as the smallest input that
// breaks it.
import process from "node:process";
import { writeFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Command } from "commander";
import { type FuzzFailure, FuzzRun, GROWTH_BYTES_MAX, TARGETS } from "../loadtest/fuzz/run.ts";
import { failureOf } from "../loadtest/fuzz/shrink.ts";
import { Watchdog } from "../loadtest/fuzz/watchdog.ts";
import { Failure } from "./failure.ts";
import { fuzzNative } from "./fuzz-native.ts";
import { integer, option, seconds } from "./options.ts";

interface Flags {
  target: string;
  inputs: number;
  seed?: number;
  seconds?: number;
  json?: string;
  replay?: string;
}

const SLICE_MS = 50;
const PROGRESS_MS = 1000;

export function build(command: Command): void {
  command
    .addOption(option("--target <name>", "what is fuzzed", { default: "all", choices: [...Object.keys(TARGETS), "native", "all"] }))
    .addOption(
      option("--inputs <count>", "chunks, bodies and events to feed, in total over the targets", {
        default: 10_000_000,
        parse: integer(1, Number.MAX_SAFE_INTEGER),
      }),
    )
    .addOption(option("--seed <number>", "the same seed gives the same inputs (default: another each time)", { parse: integer(0, 2 ** 32 - 1) }))
    .addOption(option("--seconds <time>", "stop after this long, whatever is left", { parse: seconds }))
    .addOption(option("--replay <hex>", "feed this one input to --target, as a failure printed it"))
    .option("--json <out>", "write the figures as JSON to this file (- for standard output)")
    .addHelpText(
      "after",
      `
Targets:
  frame    streams of frames, cut into chunks: the reader against a second one that sees the whole
  message  bodies: the generated decoders against a second one
  session  events of a gateway's sessions: the state machine against a model of it
  proxy    PROXY protocol headers: the reader against a second one
  deflate  bodies of compressed frames: our inflater against zlib
  heartbeat  sessions that come, lie, fall silent and go: intervals, counts and bounds of what is learned
  native   the TCP core in C, under sanitizers: its readers against second ones, its connections over a made-up kernel (not in "all")

Examples:
  npm run fuzz
  npm run fuzz -- --target frame --inputs 50000000 --seed 7
Ends with code 0 when no rule was broken, 1 otherwise.`,
    )
    .action(fuzz);
}

async function fuzz(flags: Flags): Promise<void> {
  if (flags.target === "native") return fuzzNative(flags);
  if (flags.replay !== undefined) return replay(flags.target, flags.replay);
  const seed = flags.seed ?? Date.now() % 2 ** 32;
  const names = flags.target === "all" ? Object.keys(TARGETS) : [flags.target];
  const watchdog = new Watchdog(names);
  const runs = names.map((name) => new FuzzRun(watchdog.watched(TARGETS[name]!()), seed, Math.ceil(flags.inputs / names.length)));
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  console.error(`seed ${seed}`);
  const start = performance.now();
  const deadline = flags.seconds === undefined ? Number.POSITIVE_INFINITY : start + flags.seconds * 1000;
  let shownAt = start;
  for (let next = 0; !stopped && performance.now() < deadline && runs.some((run) => !run.done); next++) {
    const run = runs[next % runs.length]!;
    if (!run.done) run.slice(SLICE_MS);
    if (performance.now() - shownAt >= PROGRESS_MS) {
      shownAt = performance.now();
      showProgress(runs, seed, flags.inputs, (shownAt - start) / 1000);
    }
    // A turn of the loop, for signals.
    await nextTurn();
  }
  await watchdog.stop();
  process.off("SIGINT", stop);
  process.off("SIGTERM", stop);
  summarize(runs, seed, (performance.now() - start) / 1000, flags);
  if (stopped) {
    const inputs = total(runs);
    console.error(
      `stopped; the same inputs again: npm run fuzz -- --target ${flags.target} --seed ${seed} --inputs ${flags.inputs}  (stopped after ${inputs})`,
    );
    process.exitCode = 130;
  }
  if (runs.some(broken)) process.exitCode = 1;
}

function replay(name: string, hex: string): void {
  const make = TARGETS[name];
  if (make === undefined) throw new Failure(`--replay needs the target it is for: --target ${Object.keys(TARGETS).join(" or ")}`);
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new Failure("--replay takes hex, two digits a byte");
  const error = failureOf(make(), new Uint8Array(Buffer.from(hex, "hex")));
  console.log(error === undefined ? "no rule broken" : `broken: ${error.stack}`);
  if (error !== undefined) process.exitCode = 1;
}

function total(runs: readonly FuzzRun[]): number {
  return runs.reduce((sum, { inputs }) => sum + inputs, 0);
}

/** A rule was broken, or memory grew with the inputs. */
function broken(run: FuzzRun): boolean {
  return run.failure !== undefined || run.growthBytes() > GROWTH_BYTES_MAX;
}

function showProgress(runs: readonly FuzzRun[], seed: number, wanted: number, elapsedS: number): void {
  const inputs = total(runs);
  const mebibytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
  const leftS = Math.round((Math.max(0, wanted - inputs) * elapsedS) / Math.max(1, inputs));
  const pace = `${Math.round(inputs / elapsedS).toLocaleString("en")}/s  about ${leftS} s left`;
  const line = `seed ${seed}  ${inputs.toLocaleString("en")} inputs (${((100 * inputs) / wanted).toFixed(1)}%)  ${pace}  ${mebibytes} MiB`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

function summarize(runs: readonly FuzzRun[], seed: number, elapsedS: number, flags: Flags): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const targets = runs.map((run) => ({
    name: run.target.name,
    unit: run.target.unit,
    inputs: run.inputs,
    cases: run.cases,
    inputs_per_second: Math.round(run.inputs / Math.max(run.elapsedMs / 1000, 0.001)),
    growth_bytes: run.growthBytes(),
  }));
  for (const { name, unit, inputs, cases, inputs_per_second, growth_bytes } of targets) {
    const growth = `live memory ${growth_bytes >= 0 ? "+" : ""}${(growth_bytes / 2 ** 20).toFixed(1)} MiB`;
    console.error(
      `${name.padEnd(8)} ${inputs.toLocaleString("en")} ${unit} in ${cases.toLocaleString("en")} cases, ${inputs_per_second.toLocaleString("en")}/s, ${growth}`,
    );
    if (growth_bytes > GROWTH_BYTES_MAX) console.error(`BROKEN   ${name}: live memory grows with the inputs`);
  }
  const failures = runs.flatMap(({ failure }) => failure ?? []);
  for (const failure of failures) showFailure(failure, seed);
  const inputs = total(runs);
  if (!runs.some(broken)) console.error(`no rule broken by ${inputs.toLocaleString("en")} inputs in ${elapsedS.toFixed(1)} s, seed ${seed}`);
  if (flags.json === undefined) return;
  const shown = failures.map(({ target, rule, minimal }) => ({ target, rule, input: Buffer.from(minimal).toString("hex") }));
  const json = JSON.stringify({ seed, node: process.version, seconds: Number(elapsedS.toFixed(2)), inputs, targets, failures: shown }, undefined, 2);
  if (flags.json === "-") console.log(json);
  else writeFileSync(flags.json, `${json}\n`);
}

function showFailure({ target, rule, stack, found, minimal }: FuzzFailure, seed: number): void {
  console.error(`BROKEN   ${target}: ${rule}`);
  console.error(`${stack}\nfound with seed ${seed} in an input of ${found.length} bytes; the smallest that still breaks a rule has ${minimal.length}. Again:`);
  console.error(`  npm run fuzz -- --target ${target} --replay ${Buffer.from(minimal).toString("hex")}`);
}

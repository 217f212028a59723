// `hawser loadtest`: puts load on a whole Hawser, measures it and checks every message. Options to dials, the result to
// people and files; what happens in between is in loadtest/run/ and loadtest/scenario/.
import { existsSync, writeFileSync } from "node:fs";
import { type Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { compareFiles, formatComparison } from "../loadtest/compare.ts";
import { renderReport } from "../loadtest/report/html.ts";
import type { Result } from "../loadtest/result.ts";
import { parseUrls, transportFor } from "../loadtest/run/layout.ts";
import { runLoadTest } from "../loadtest/run/load-test.ts";
import { commandLine } from "../loadtest/run/machine.ts";
import { exitCode, renderTable } from "../loadtest/run/table.ts";
import { describeScenarios, dialsFor, SCENARIOS, scenarioNamed } from "../loadtest/scenario/catalogue.ts";
import { LINK_PROFILES } from "../loadtest/shaper/link-profiles.ts";
import { Failure, report } from "./failure.ts";
import { checkWritable, type Flags, pick } from "./loadtest-flags.ts";
import { buildSweep, type Stops } from "./loadtest-sweep.ts";
import { integer, option } from "./options.ts";

/** A run that could not be done. */
const EXIT_NOT_DONE = 2;
/** One Ctrl-C can arrive twice: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 1_000;

export function build(command: Command): void {
  command
    .exitOverride((error) => {
      throw new CommanderError(error.exitCode === 0 ? 0 : EXIT_NOT_DONE, error.code, error.message);
    })
    .addOption(option("--scenario <name>", "what to do; see below", { default: "direct", choices: SCENARIOS.map(({ name }) => name) }))
    .addOption(option("--connections <count>", "sessions, in all; for sweep several numbers, separated by commas", { parse: sizes }))
    .addOption(option("--seconds <count>", "length of the part that is measured", { parse: integer(1, 1_000_000) }))
    .addOption(option("--rate <count>", "messages a second, in all, open loop", { parse: integer(0, 1_000_000) }))
    .addOption(option("--transport <kind>", "tcp, ws (WebSocket), or both by halves (default: tcp)", { choices: ["tcp", "ws", "both"] }))
    .addOption(
      option("--connect-rate <count>", "sessions that connect each second, in all (default: 1000; from 50,000 connections on 2500)", {
        parse: integer(1, 1_000_000),
      }),
    )
    .addOption(option("--percent <number>", "of sessions, where a scenario does something to a part of them", { parse: percent }))
    .addOption(option("--devices <count>", "of each receiver, in fanout", { parse: integer(1, 10_000) }))
    .addOption(option("--profile <name>", "of the shaped network, in mobile", { choices: Object.keys(LINK_PROFILES) }))
    .addOption(option("--heartbeat <seconds>", "between the beats of a silent session, in idle", { parse: integer(1, 3600) }))
    .addOption(option("--talkers <count>", "sessions that talk, in idle with --rate", { parse: integer(2, 1_000_000) }))
    .addOption(option("--talk-gateways <count>", "gateways that those who talk are connected to, in idle (default: all)", { parse: integer(1, 64) }))
    .addOption(
      new Option("--url <url>", "a running server instead of one of its own: tcp://host:port or ws://host:port; repeatable, or several by commas").argParser(
        (url: string, before: string[] | undefined) => [...(before ?? []), url],
      ),
    )
    .option("--data <dir>", "with --url: data directory of that stack when it runs on this machine (hawser start --data), to look at its processes")
    .addOption(option("--secret <text>", "sign tokens with it (HS256) instead of using development tokens", { env: "HAWSER_JWT_SECRET" }))
    .addOption(option("--drivers <count>", "driver processes (default: as many as the connections and the rate need)", { parse: integer(1, 250) }))
    .addOption(option("--gateways <count>", "gateways of its own stack (default: as many as the connections need)", { parse: integer(1, 64) }))
    .addOption(
      option(
        "--messages <file>",
        'texts and who writes to whom: {"from", "to", "text"} a line, plain or .gz (default: what HAWSER_MESSAGES names, else a sample)',
      ),
    )
    .addOption(option("--seed <number>", "of who writes when", { default: 1, parse: integer(0, 4_294_967_295) }))
    .option("--json <out>", "write the result as JSON to this file (- for standard output)")
    .option("--report <out.html>", "write a page with plots")
    .option("--lean", "processes of its own stack and drivers keep their heaps small (default: with more than 8 processes)")
    .option("--no-lean", "they do not")
    .addOption(
      option("--memory-floor <MiB>", "free memory below which a run stops in order, and is not begun; 0: not looked at", {
        default: 400,
        parse: integer(0, 1_000_000),
      }),
    )
    .option("--strict", "exit with 3 when the figures should not be trusted")
    .option("--verbose", "show what the server processes print")
    .addHelpText(
      "after",
      `
${describeScenarios()}

Link profiles of mobile:
${Object.entries(LINK_PROFILES)
  .map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`)
  .join("\n")}

Environment: HAWSER_MESSAGES names the message file that is used without --messages; HAWSER_JWT_SECRET is --secret.
With --url no argument of gateways and logic is set (--heartbeat, the push budget of slow, the devices of fanout): the run says which ones its own stack would have.

Exit code: 0 everything that was acked arrived once and in order; 1 something did not, or the scenario's own demands did not hold;
2 the run could not be done, or was stopped; 3 with --strict: the figures should not be trusted. loadtest/README.md says more.

Examples:
  npm run loadtest
  npm run loadtest -- --scenario storm --connections 5000 --report storm.html
  npm run loadtest -- --scenario idle --connections 100000 --seconds 600 --json idle.json
  npm run loadtest -- --url tcp://127.0.0.1:7070 --url ws://127.0.0.1:7071 --transport both --data data
  npm run loadtest -- sweep --connections 1000,10000,100000 --report sweep.html
  npm run loadtest -- compare before.json after.json`,
    )
    .action(async (flags: Flags) => {
      await withExitCode(() => loadtest(flags));
    });
  buildSweep(command, sweeping);
  command
    .command("compare")
    .argument("<a>", "result of --json")
    .argument("<b>", "another")
    .summary("two results side by side")
    .description("Shows two results side by side: which figures are better or worse beyond noise, and why the two may not be comparable.")
    .option("--json <out>", "write the comparison as JSON to this file (- for standard output)")
    .option("--fail-on-worse", "exit with 1 when a figure of the second is worse")
    .action(async (a: string, b: string, flags: { json?: string; failOnWorse?: boolean }) => {
      await withExitCode(async () => {
        const comparison = await compareFiles(a, b);
        // Those of the command above have the same name, and it takes them first.
        const json = flags.json ?? command.opts<Flags>().json;
        if (json === "-") console.log(JSON.stringify(comparison));
        else console.log(formatComparison(comparison));
        if (json !== undefined && json !== "-") writeFileSync(json, `${JSON.stringify(comparison)}\n`);
        return flags.failOnWorse === true && comparison.worse > 0 ? 1 : 0;
      });
    });
}

/** Runs something for its exit code; what it throws is told to people, and is a run that could not be done. */
async function withExitCode(run: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await run();
  } catch (error) {
    report(error, process.argv.includes("--debug") || Boolean(process.env["HAWSER_DEBUG"]));
    process.exitCode = EXIT_NOT_DONE;
  }
}

/** Runs a sweep, with the signals that end one. */
async function sweeping(act: (stops: Stops) => Promise<number>): Promise<void> {
  await withExitCode(async () => {
    const stop = new AbortController();
    const kill = new AbortController();
    const forget = onSignals(stop, kill);
    try {
      return await act({ stop: stop.signal, kill: kill.signal });
    } finally {
      forget();
    }
  });
}

async function loadtest(flags: Flags): Promise<number> {
  const gateways = flags.url === undefined ? undefined : parseUrls(flags.url);
  if (gateways?.length === 0) throw new Failure("--url names no address: give tcp://host:port or ws://host:port");
  if (gateways !== undefined && flags.gateways !== undefined) throw new Failure("--gateways is for a stack of its own: with --url give each gateway's address");
  if (gateways === undefined && flags.data !== undefined) throw new Failure("--data goes with --url: a stack of its own has its data in a temporary folder");
  if (flags.messages !== undefined && !existsSync(flags.messages)) throw new Failure(`--messages ${flags.messages} is not there`);
  if (flags.connections !== undefined && flags.connections.length > 1)
    throw new Failure("several numbers of --connections are for a sweep: hawser loadtest sweep");
  checkWritable("--json", flags.json);
  checkWritable("--report", flags.report);
  const scenario = scenarioNamed(flags.scenario);
  const asked = { ...pick(flags) };
  const dials = dialsFor(scenario, asked);
  if (gateways !== undefined) dials.transport = transportFor(gateways, flags.transport, dials.transport);
  const stop = new AbortController();
  const kill = new AbortController();
  const forget = onSignals(stop, kill);
  try {
    const { result, interrupted } = await runLoadTest({
      scenario,
      dials,
      gateways,
      dataDir: flags.data,
      driverCount: flags.drivers,
      gatewayCount: flags.gateways,
      messages: flags.messages,
      seed: flags.seed,
      secret: flags.secret,
      command: commandLine(process.argv.slice(3)),
      verbose: flags.verbose === true,
      lean: flags.lean,
      memoryFloorBytes: flags.memoryFloor * 1024 * 1024,
      screen: process.stderr,
      stop: stop.signal,
      kill: kill.signal,
    });
    console.error(renderTable(result));
    write(flags, result);
    return exitCode(result, interrupted, flags.strict === true);
  } finally {
    forget();
  }
}

function write(flags: Flags, result: Result): void {
  // First what nothing can be made from again.
  if (flags.json === "-") console.log(JSON.stringify(result));
  else if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result)}\n`);
  if (flags.report !== undefined) {
    writeFileSync(flags.report, renderReport(result));
    console.error(`report: ${flags.report}`);
  }
}

/** The first signal stops the run in order, another one ends everything at once, a third one this process, whatever it waits for. Returns how to undo it. */
function onSignals(stop: AbortController, kill: AbortController): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let lastAt = Number.NEGATIVE_INFINITY;
  const asked = (): void => {
    const now = performance.now();
    if (now - lastAt < SAME_SIGNAL_MS) return;
    lastAt = now;
    if (!stop.signal.aborted) {
      console.error("\nstopping: what is under way arrives and is checked (Ctrl-C again to end at once)");
      stop.abort();
    } else if (!kill.signal.aborted) {
      console.error("\nending everything at once");
      kill.abort();
    } else {
      // Drivers, logic and gateways end with the channel to this process.
      process.exit(EXIT_NOT_DONE);
    }
  };
  for (const signal of signals) process.on(signal, asked);
  return () => {
    for (const signal of signals) process.off(signal, asked);
  };
}

const size = integer(2, 10_000_000);

function sizes(text: string): number[] {
  return text.split(",").map(size);
}

function percent(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= 100_000)) throw new InvalidArgumentError("It must be a percentage above 0.");
  return value;
}

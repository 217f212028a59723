// `hawser loadtest sweep`: the same load at several numbers of connections, run now or read from results of before, as one
// comparison of what a message and a connection cost.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { readResult } from "../loadtest/read-result.ts";
import { renderSweep } from "../loadtest/report/sweep-report.ts";
import { commandLine } from "../loadtest/run/machine.ts";
import { type LoadTestOptions, runLoadTest } from "../loadtest/run/load-test.ts";
import { sweepWords } from "../loadtest/run/sweep-table.ts";
import { dialsFor, scenarioNamed } from "../loadtest/scenario/catalogue.ts";
import { makeSweep, type SweepInput } from "../loadtest/sweep.ts";
import { Failure } from "./failure.ts";
import { checkWritable, type Flags, pick } from "./loadtest-flags.ts";

interface OwnFlags {
  from?: string[];
  keep?: string;
}

/** What ends a run, from the command around this one. */
export interface Stops {
  stop: AbortSignal;
  kill: AbortSignal;
}

const SCENARIO = "idle";
const RATE = 500;
const SECONDS = 30;
/** Long enough that few beats are due while messages are measured, and at every size the same part of the sessions. */
const HEARTBEAT_S = 240;
const SIZES = [1_000, 10_000, 100_000];
/** Of sessions that talk, where nobody says: as many as the smallest size has, so that they are the same in each. */
const TALKERS_MAX = 1000;

export function buildSweep(command: Command, run: (act: (stops: Stops) => Promise<number>) => Promise<void>): void {
  command
    .command("sweep")
    .summary("the same load at several numbers of connections")
    .description(
      "Runs the idle scenario with the same messages at several numbers of connections, and says what a message and a connection cost at each. The messages are those of " +
        "the same few sessions, through one gateway (which holds as many connections as the others), so that like is compared with like.",
    )
    .option("--from <files>", "results of --json to take in, separated by commas", (text) => text.split(",").filter((part) => part !== ""))
    .option("--keep <folder>", "write each run's own result there as JSON, as soon as it is done")
    .addHelpText(
      "after",
      `
The options of loadtest that idle heeds are those of each run. Without them: --connections ${SIZES.join(",")} (none with --from), --rate ${RATE}, --seconds ${SECONDS},
--talkers ${TALKERS_MAX} or the smallest size, --talk-gateways 1, --heartbeat ${HEARTBEAT_S}. --json and --report are of the comparison.

Exit code: 0 all runs held their promises, whatever the figures are; 1 one did not; 2 a run could not be done, or was stopped.

Examples:
  npm run loadtest -- sweep --connections 1000,10000,100000 --rate 500 --report sweep.html
  npm run loadtest -- sweep --from small.json,large.json --json sweep.json`,
    )
    .action(async (own: OwnFlags) => {
      await run((stops) => sweep({ ...command.opts<Flags>(), ...own }, stops));
    });
}

async function sweep(flags: Flags & OwnFlags, stops: Stops): Promise<number> {
  if (flags.scenario !== "direct" && flags.scenario !== SCENARIO) throw new Failure(`a sweep is of the ${SCENARIO} scenario: leave --scenario out`);
  if (flags.url !== undefined) throw new Failure("a sweep starts a stack of its own for each size: leave --url out");
  checkWritable("--json", flags.json);
  checkWritable("--report", flags.report);
  const inputs: SweepInput[] = [];
  for (const file of flags.from ?? []) inputs.push({ result: await readResult(file), file });
  const sizes = [...(flags.connections ?? (inputs.length > 0 ? [] : SIZES))].sort((a, b) => a - b);
  if (inputs.length + sizes.length === 0) throw new Failure("nothing to compare: give --connections or --from");
  if (flags.keep !== undefined) mkdirSync(flags.keep, { recursive: true });
  const scenario = scenarioNamed(SCENARIO);
  const talkers = flags.talkers ?? Math.min(TALKERS_MAX, ...sizes);
  for (const connections of sizes) {
    const dials = dialsFor(scenario, { rate: RATE, seconds: SECONDS, talkGateways: 1, heartbeat: HEARTBEAT_S, ...pick(flags), talkers, connections });
    const options: LoadTestOptions = {
      scenario,
      dials,
      gateways: undefined,
      dataDir: undefined,
      driverCount: flags.drivers,
      gatewayCount: flags.gateways,
      messages: flags.messages,
      seed: flags.seed,
      secret: flags.secret,
      command: commandLine(process.argv.slice(3)),
      verbose: flags.verbose === true,
      // The same for all sizes.
      lean: flags.lean ?? true,
      memoryFloorBytes: flags.memoryFloor * 1024 * 1024,
      screen: process.stderr,
      ...stops,
    };
    console.error(`\n${connections.toLocaleString("en-US")} connections`);
    const { result, interrupted } = await runLoadTest(options);
    if (flags.keep !== undefined) writeFileSync(join(flags.keep, `${scenario.name}-${connections}.json`), `${JSON.stringify(result)}\n`);
    if (interrupted) throw new Failure(`the run with ${connections} connections was stopped: ${result.failures.join("; ") || "as asked"}`);
    inputs.push({ result });
  }
  const compared = makeSweep(inputs);
  if (flags.json === "-") console.log(JSON.stringify(compared));
  else if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(compared)}\n`);
  if (flags.report !== undefined) writeFileSync(flags.report, renderSweep(compared));
  console.error(sweepWords(compared));
  return compared.points.every(({ passed }) => passed) ? 0 : 1;
}

// `hawser bench NAME`: what things cost, each beside a floor that is measured in the same run.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { benchSpine, type SpineLevel } from "../bench/spine.ts";
import { benchStore, printStoreBench } from "../bench/store.ts";
import { readMessages } from "../loadtest/cast/messages.ts";
import { integer, option } from "./options.ts";
import { startStack } from "./stack.ts";

interface SpineFlags {
  pairs: number[];
  seconds: number;
  rounds: number;
  json?: string;
}

export function build(command: Command): void {
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
    .option("--json <out>", "write the figures as JSON to this file (- for standard output)")
    .action(spine);
  command
    .command("store")
    .summary("synced commits and page reads of the embedded store")
    .description(
      "Rows a second and CPU per row of synced commits, beside an append with fdatasync as the floor, and pages a second. Uses the directory for temporary files.",
    )
    .addOption(option("--rows <count>", "rows of each measurement", { default: 200_000, parse: integer(1000, 100_000_000) }))
    .option("--json <out>", "write the figures as JSON to this file (- for standard output)")
    .action(store);
}

async function store(flags: { rows: number; json?: string }): Promise<void> {
  const result = await benchStore({ rows: flags.rows });
  printStoreBench(result);
  writeJson(flags.json, { bench: "store", node: process.version, ...result });
}

function writeJson(out: string | undefined, figures: object): void {
  const json = JSON.stringify(figures, undefined, 2);
  if (out === "-") console.log(json);
  else if (out !== undefined) writeFileSync(out, `${json}\n`);
}

async function spine(flags: SpineFlags): Promise<void> {
  const { messages, source } = await readMessages(undefined, 20_000);
  console.error(`texts from ${source}`);
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-bench-"));
  const stack = await startStack({ dataDir, ports: "free", dev: true, quiet: true, logLevel: "error", gatewayArgs: ["--sends-per-second", "100000"] });
  try {
    const target = { host: "127.0.0.1", tcpPort: Number(new URL(stack.urls.tcp).port), pids: () => stack.pids };
    const texts = messages.map(({ text }) => Buffer.from(text));
    const levels = await benchSpine(target, { ...flags, texts, progress: (line) => console.error(line) });
    printTable(levels);
    writeJson(flags.json, { bench: "spine", node: process.version, levels });
  } finally {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function printTable(levels: SpineLevel[]): void {
  const rows = levels.map((level) => ({
    pairs: level.pairs,
    "messages/s": level.messages_per_second,
    "µs/message": Number(level.cpu_us_per_message.toFixed(1)),
    ...Object.fromEntries(Object.entries(level.split_us).map(([part, us]) => [`${part} µs`, Number(us.toFixed(1))])),
    "floor µs": Number(level.floor_us_per_message.toFixed(1)),
    "ratio to floor": Number(level.ratio_to_floor.toFixed(1)),
    "stolen %": Number(level.stolen_percent.toFixed(1)),
  }));
  console.error("medians; the split is the median round's");
  console.table(rows);
}

function list(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.some((number) => !Number.isInteger(number) || number < 1 || number > 9000))
    throw new InvalidArgumentError("It must be numbers from 1 to 9000, separated by commas.");
  return numbers;
}

// `hawser bench:peers`: Hawser beside others on the same machine, in the same run, driven by the same driver.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { catalogue, FLOOR, type Measure, type Peer } from "../bench/peers/catalogue.ts";
import { runPeers } from "../bench/peers/run.ts";
import { PEERS_FOLDER } from "../bench/peers/server/install.ts";
import { BEGIN, END, formatPeers, markdown, withTable } from "../bench/peers/table.ts";
import { readMessages } from "../loadtest/cast/messages.ts";
import { wireMaker } from "../loadtest/driver/open-wire.ts";
import { Failure } from "./failure.ts";
import { integer, option } from "./options.ts";

interface Flags {
  peers?: string[];
  measures: Measure[];
  rounds: number;
  seconds: number;
  connections: number;
  settleSeconds: number;
  pairs: number;
  busyPairs: number;
  members: number;
  inFlight: number;
  install: boolean;
  json?: string;
  write?: string;
}

const MEASURES: readonly Measure[] = ["idle", "direct", "busy", "fanout"];
/** Beats of the slowest kind come every 25 s (socket.io); a measurement without them is shorter. */
const SECONDS_MAX = 20;
/** All of the usual file: it begins with one language only. */
const TEXTS_MAX = 100_000;
const WARM_SECONDS = 2;

export function build(command: Command): void {
  const names = catalogue().map(({ name }) => name);
  command
    .description(
      "Hawser beside others on this machine, in the same run, driven by the same driver: memory per idle connection, CPU per 1:1 message and per fan-out delivery, " +
        "wire bytes per real message, and recovery after all connections are dropped; beside a floor in C. Rounds are interleaved, figures are medians. " +
        "Peers that are not there are installed first: mosquitto and ejabberd by apt-get where that takes no password (their services are not started, and the ones of the " +
        "machine are not touched), socket.io, ws and uWebSockets.js by npm into bench/peers. What cannot be installed is left out, and the table says so.",
    )
    .addOption(option("--peers <list>", "which, separated by commas; the floor is always among them", { defaultText: "all", parse: list(names) }))
    .addOption(option("--measures <list>", `which of ${MEASURES.join(", ")}`, { default: [...MEASURES], defaultText: "all", parse: list(MEASURES) }))
    .addOption(option("--rounds <count>", "rounds, of which the medians count", { default: 3, parse: integer(1, 100) }))
    .addOption(option("--seconds <count>", "length of each measurement of messages", { default: 5, parse: integer(1, SECONDS_MAX) }))
    .addOption(option("--connections <count>", "idle connections, dropped and logged in again", { default: 5000, parse: integer(100, 100_000) }))
    .addOption(option("--settle-seconds <count>", "how long they are idle before memory is read; 0: it is not", { default: 40, parse: integer(0, 600) }))
    .addOption(option("--pairs <count>", "pairs that write to each other", { default: 100, parse: integer(1, 10_000) }))
    .addOption(option("--busy-pairs <count>", "the same with so many that servers are at their limit", { default: 1000, parse: integer(1, 10_000) }))
    .addOption(option("--members <count>", "receivers of the fan-out", { default: 200, parse: integer(1, 10_000) }))
    .addOption(option("--in-flight <count>", "messages of the fan-out under way at once", { default: 8, parse: integer(1, 90) }))
    .option("--no-install", "install nothing: leave out what is not there")
    .option("--json <out>", "write all figures as JSON to this file (- for standard output)")
    .option("--write <page>", `write the table between ${BEGIN} and ${END} of this page; README and RESULTS stand for README.md and bench/peers/RESULTS.md`)
    .addHelpText("after", `\nPeers: ${names.join(", ")}\n\nExample:\n  npm run bench:peers -- --peers hawser,mosquitto-qos1,ejabberd-archive --rounds 1`)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const page = flags.write === undefined ? undefined : pageOf(flags.write);
  const wanted = flags.peers;
  const peers: Peer[] = catalogue().filter(({ name }) => wanted === undefined || name === FLOOR || wanted.includes(name));
  const { messages, source } = await readMessages(undefined, TEXTS_MAX);
  console.error(`texts from ${source}`);
  const maker = await wireMaker("auto");
  // Asked twice, it ends at once; the servers are ended then as well (bench/peers/server/child.ts).
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(130);
      asked = true;
      console.error("\nStopping (Ctrl-C again: at once).");
    });
  }
  const result = await runPeers(peers, {
    ...flags,
    warmSeconds: WARM_SECONDS,
    source,
    maker,
    texts: messages.map(({ text }) => Buffer.from(text)).filter(isPlain),
    command: commandLine(process.argv.slice(3)),
    progress: (line) => console.error(line),
    stopped: () => asked,
  }).catch((error: unknown) => {
    throw asked ? new Failure("stopped; nothing is written") : error;
  });
  console.log(formatPeers(result));
  const json = JSON.stringify(result, undefined, 2);
  if (flags.json === "-") console.log(json);
  else if (flags.json !== undefined) writeFileSync(flags.json, `${json}\n`);
  if (page !== undefined) {
    writeFileSync(page.path, withTable(page.text, markdown(result)));
    console.error(`wrote the table to ${page.path}`);
  }
}

/** What measures the same again; where the results went is nothing to it. */
function commandLine(args: readonly string[]): string {
  const measuring = args.filter((arg, i) => !/^--(json|write)\b/.test(arg) && !/^--(json|write)$/.test(args[i - 1] ?? ""));
  return ["npm run bench:peers", ...(measuring.length > 0 ? ["--", ...measuring] : [])].join(" ");
}

/** XML cannot carry control characters, so nobody is asked to; an empty text is no message everywhere. */
function isPlain(text: Uint8Array): boolean {
  return text.length > 0 && text.every((byte) => byte >= 0x20 || byte === 0x0a || byte === 0x09);
}

/** The page to write to, looked at before anything is measured. */
function pageOf(name: string): { path: string; text: string } {
  const known: Record<string, string> = { README: join(PEERS_FOLDER, "../../README.md"), RESULTS: join(PEERS_FOLDER, "RESULTS.md") };
  const path = known[name] ?? name;
  const text = existsSync(path) ? readFileSync(path, "utf8") : `# Hawser beside others\n\n${BEGIN}\n${END}\n`;
  try {
    withTable(text, "");
  } catch (error) {
    throw new Failure(`${path}: ${(error as Error).message}`);
  }
  return { path, text };
}

function list<T extends string>(names: readonly T[]): (text: string) => T[] {
  return (text) => {
    const asked = text.split(",");
    const unknown = asked.find((name) => !names.includes(name as T));
    if (unknown !== undefined) throw new InvalidArgumentError(`There is no ${JSON.stringify(unknown)}; there are ${names.join(", ")}.`);
    return asked as T[];
  };
}

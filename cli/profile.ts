// `hawser profile MODE`: where the time of a gateway or of logic goes while a scenario runs. The means are in bench/profile/.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { CLINIC_TOOLS, type ClinicMode, profileByClinic } from "../bench/profile/clinic.ts";
import { formatCosts, profileCpu } from "../bench/profile/cpu.ts";
import { TRAFFIC_NAMES, type TrafficPlan } from "../bench/profile/traffic.ts";
import { integer, option } from "./options.ts";

interface Flags {
  part?: "gateway" | "logic";
  scenario: string;
  seconds: number;
  connections?: number;
  rate?: number;
  out: string;
}

const MODES: Record<ClinicMode | "cpu", string> = {
  cpu: "the costliest functions of gateway and logic, as a table, from V8's own profiler",
  flame: "a flame graph (clinic flame)",
  doctor: "CPU, memory, delays of the event loop and what may be wrong with them (clinic doctor)",
  bubble: "where asynchronous operations wait (clinic bubbleprof)",
};

/** bubbleprof keeps every asynchronous operation: some 30 KB of page for each message. */
const SMALL = { seconds: 5, connections: 100, rate: 200 };

export function build(command: Command): void {
  command
    .description(
      "Where the time of a gateway or of logic goes while a scenario of the load test runs. Starts a stack of its own. cpu needs nothing else; flame, doctor and " +
        "bubble run clinic, which is installed into bench/profile at the first use: some 700 packages, unmaintained by their authors since 2023.",
    )
    .usage("MODE [options]");
  for (const [mode, summary] of Object.entries(MODES) as [ClinicMode | "cpu", string][]) {
    const both = mode === "cpu";
    const usual = mode === "bubble" ? SMALL : undefined;
    command
      .command(mode)
      .summary(summary)
      .description(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`)
      .addOption(option("--part <name>", `which process${both ? " (default: both)" : ' (default: "gateway")'}`, { choices: ["gateway", "logic"] }))
      .addOption(
        option("--scenario <name>", "of the load test, see hawser loadtest --help; or pairs, which write as fast as the server answers", {
          default: "direct",
          choices: TRAFFIC_NAMES,
        }),
      )
      .addOption(option("--seconds <count>", "length of the part that counts", { default: usual?.seconds ?? 20, parse: integer(1, 3600) }))
      .addOption(option("--connections <count>", `sessions, in all (default: ${usual?.connections ?? "the scenario's"})`, { parse: integer(2, 1_000_000) }))
      .addOption(option("--rate <count>", `messages a second, in all (default: ${usual?.rate ?? "the scenario's"})`, { parse: integer(1, 1_000_000) }))
      .addOption(option("--out <dir>", "where the profiles go", { default: "profiles" }))
      .action((flags: Flags) => profile(mode, { ...usual, ...flags }));
  }
}

async function profile(mode: ClinicMode | "cpu", { part, out, ...plan }: Flags & TrafficPlan): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-profile-"));
  // A folder for each run, so that none overwrites another's.
  const folder = join(out, `${mode}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`);
  const progress = (line: string): void => console.error(line);
  try {
    if (mode === "cpu") {
      const { traffic, parts } = await profileCpu({ ...plan, parts: part === undefined ? ["gateway", "logic"] : [part], dataDir, out: folder, progress });
      console.log(
        [`${traffic.what}, for ${traffic.seconds.toFixed(1)} s; the profiler's own cost is in the figures`, ...parts.map((costs) => formatCosts(costs))].join(
          "\n\n",
        ),
      );
    } else {
      const { traffic, page } = await profileByClinic({ ...plan, mode, part: part ?? "gateway", dataDir, out: folder, progress });
      console.log(`${traffic.what}\nclinic ${CLINIC_TOOLS[mode]}: ${relative("", page)}\nopen ${pathToFileURL(resolve(page))} in a browser`);
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

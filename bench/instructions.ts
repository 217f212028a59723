// Instructions that a piece of work takes, counted by valgrind (cachegrind): a figure that does not know what else the machine
// does. The work runs in two processes, `count` and three times `count` operations, and the difference counts: start, loading and
// most of the compiler's work are the same in both. With one thread and fixed seeds it repeats within a tenth of a percent as a
// rule, within two where the compiler changed its mind; the figure is of one version of Node, and compared with its like only.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inChild } from "./child.ts";

/** Everything that could come out differently from run to run is fixed or left out. */
const NODE_FLAGS = ["--single-threaded", "--hash-seed=1", "--random-seed=1", "--min-semi-space-size=16", "--max-semi-space-size=16"];

/** Why instructions cannot be counted here; undefined: they can. */
export function noInstructions(): string | undefined {
  if (import.meta.url.endsWith(".ts")) return "counting instructions takes compiled sources: npm run bench -- guard";
  const { status } = spawnSync("valgrind", ["--version"], { stdio: "ignore" });
  return status === 0 ? undefined : "there is no valgrind to count instructions with (apt-get install valgrind)";
}

/** Instructions for each operation of `name`, which the module exports and which takes the count. Takes about a minute. */
export async function instructionsOf(module: string, name: string, count: number): Promise<number> {
  const once = await instructions(module, name, count);
  return ((await instructions(module, name, 3 * count)) - once) / (2 * count);
}

async function instructions(module: string, name: string, count: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "hawser-instructions-"));
  const log = join(dir, "log");
  // V8 writes code while it runs, outside of any file.
  const command = [
    "valgrind",
    "--tool=cachegrind",
    "--cache-sim=no",
    `--cachegrind-out-file=${join(dir, "out")}`,
    `--log-file=${log}`,
    "--smc-check=all-non-file",
  ];
  try {
    await inChild(module, name, [count], NODE_FLAGS, command);
    const counted = /I\s+refs:\s+([\d,]+)/.exec(readFileSync(log, "utf8"))?.[1];
    if (counted === undefined) throw new Error("cachegrind counted nothing");
    return Number(counted.replaceAll(",", ""));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

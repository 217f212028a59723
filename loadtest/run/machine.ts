// What a run ran on: versions, the machine, its limits. For the result, so that two results can be judged side by side.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { openFilesMax } from "../../gateway/accept/admission.ts";
import { findNatsServer } from "../../scripts/find-nats.mjs";
import type { Result } from "../result.ts";

export function machine(): Result["machine"] {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memory_bytes: totalmem(),
    files_per_process: openFilesMax() ?? 0,
  };
}

/** `ownStack`: the NATS server is the one that this machine's stacks start. */
export function versions(ownStack: boolean): Result["versions"] {
  return { hawser: hawserVersion(), node: process.version, nats: ownStack ? natsVersion() : null, kernel: `${type()} ${release()}` };
}

/** Of statfs(2), linux/magic.h. */
const TMPFS = 0x01021994;
const RAMFS = 0x858458f6;

/** Whether what is written in the folder is only in memory, so that fsync means nothing. */
export function inMemory(folder: string): boolean {
  return process.platform === "linux" && [TMPFS, RAMFS].includes(statfsSync(folder).type);
}

function hawserVersion(): string {
  // This file runs from loadtest/run/ or, compiled, from dist/loadtest/run/.
  const found = ["../../package.json", "../../../package.json"].map((path) => new URL(path, import.meta.url)).find((path) => existsSync(path));
  return found === undefined ? "unknown" : (JSON.parse(readFileSync(found, "utf8")) as { version: string }).version;
}

function natsVersion(): string | null {
  const program = findNatsServer();
  if (program === undefined) return null;
  return /v?(\d+\.\d+\.\S+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1] ?? null;
}

/** A command line as a person would type it. */
export function commandLine(args: readonly string[]): string {
  return ["npm run loadtest --", ...args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`))].join(" ");
}

// Remembers on disk which processes a supervisor started, so that the next one can end what a killed supervisor left
// behind, and so that two supervisors do not share a data directory. A process is known by its id together with the
// moment it started, since ids are used again.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "./failure.ts";

export interface Identity {
  pid: number;
  /** Opaque; differs for a later process with the same id. */
  started: string;
}

/** The latest rolling restart; number 0: none yet. */
export interface RollRecord {
  number: number;
  state: "none" | "running" | "done" | "failed";
  /** Why it failed, for people. */
  why?: string;
}

export interface RecordFile {
  supervisor: Identity;
  parts: Record<string, Identity>;
  /** Only of a supervisor that rolls when it is asked by a signal. */
  roll?: RollRecord;
}

/** How long a leftover may take to stop before it is killed. */
const LEFTOVER_STOP_MS = 5_000;

/** The process that has this id now, or undefined when there is none that runs. */
export function identify(pid: number): (Identity & { command: string }) | undefined {
  if (!existsSync("/proc/self/stat")) return identifyByPs(pid);
  try {
    // Behind the name, which is in brackets and may hold anything, come state (field 3) … start time (field 22), see proc(5).
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, started: fields[19]!, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() };
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function identifyByPs(pid: number): (Identity & { command: string }) | undefined {
  try {
    const line = execFileSync("ps", ["-o", "lstart=,command=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return line === "" ? undefined : { pid, started: line.slice(0, 24), command: line.slice(24).trim() };
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined;
  }
}

/** Whether the process that was known by this identity still runs. */
export function runs(identity: Identity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

export interface ClaimOptions {
  /** What to say when process `holder` has the record. */
  inUse: (holder: string) => string;
  /** Whether a leftover with this command line is what the record says; such are ended. */
  ours?: (part: string, command: string) => boolean;
  /** What is done about leftovers, for people. */
  tell?: (text: string) => void;
}

export class ProcessRecord {
  private readonly path: string;
  private readonly file: RecordFile;

  private constructor(path: string, file: RecordFile) {
    this.path = path;
    this.file = file;
  }

  /**
   * Takes the record at `path` for this process, after ending what a dead supervisor left running. Throws Failure when
   * a process that runs has it.
   */
  static async claim(path: string, options: ClaimOptions): Promise<ProcessRecord> {
    const before = readRecord(path);
    if (before && runs(before.supervisor)) {
      throw new Failure(options.inUse(before.supervisor.pid === process.pid ? "this process" : `process ${before.supervisor.pid}`));
    }
    for (const [part, identity] of Object.entries(before?.parts ?? {})) {
      const found = identify(identity.pid);
      if (found?.started !== identity.started || !options.ours?.(part, found.command)) continue;
      options.tell?.(`ending ${part} (process ${identity.pid}), left over from a start that was killed`);
      await end(identity);
    }
    const self = identify(process.pid);
    if (!self) throw new Error("cannot read this process's own start time");
    const record = new ProcessRecord(path, { supervisor: { pid: self.pid, started: self.started }, parts: {} });
    record.write();
    return record;
  }

  add(part: string, pid: number): void {
    const found = identify(pid);
    if (!found) return;
    this.file.parts[part] = { pid, started: found.started };
    this.write();
  }

  remove(part: string): void {
    if (!(part in this.file.parts)) return;
    Reflect.deleteProperty(this.file.parts, part);
    this.write();
  }

  /** Remembers how a rolling restart stands. */
  noteRoll(roll: RollRecord): void {
    this.file.roll = roll;
    this.write();
  }

  /** Gives the record up; nothing runs any more. */
  release(): void {
    rmSync(this.path, { force: true });
  }

  private write(): void {
    mkdirSync(dirname(this.path), { recursive: true });
    // Renamed into place: whoever is killed here leaves the old record or the new one, never half of one.
    writeFileSync(`${this.path}.new`, JSON.stringify(this.file));
    renameSync(`${this.path}.new`, this.path);
  }
}

/** The record at `path`; undefined: there is none. Throws Failure when it cannot be read. */
export function readRecord(path: string): RecordFile | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as RecordFile;
  } catch (error) {
    throw new Failure(`${path} cannot be read (${(error as Error).message}): if no Hawser runs in this directory, delete that file`);
  }
}

async function end(identity: Identity): Promise<void> {
  const deadline = performance.now() + LEFTOVER_STOP_MS;
  signal(identity.pid, "SIGTERM");
  while (runs(identity)) {
    if (performance.now() > deadline) signal(identity.pid, "SIGKILL");
    await sleep(50);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

// How much time the host took away while something was measured. floor/pauses.c watches each core and tells of every pause;
// this keeps them, newest last, so that a measurement can ask for those since a mark.
//
// The kernel's own count of stolen time (process-cpu.ts) is zero on many hosts that do take time away, and where it is, the
// kernel charges a pause to whatever process was running: a figure of CPU per message then holds the host's time too. It stays
// in there: pauses say whether a figure can be trusted, and correct none (bench/README.md).
//
// Tried on a virtual machine with two cores: a minute with both busy and eight processes waiting had 32 pauses of 33 ms together,
// at most 2.7 ms, and no stolen time. On that quiet day fixed work still varied by 14% from run to run, with 0.2% of it
// paused: what neighbours do to caches and clocks of a core is no pause, and only a floor in the same run tells.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { compiledProgram } from "./floor/compile.ts";

/** Sleeping takes CPU too: about 20 µs a step on a virtual machine, which is 0.5% of each core at this length. */
const TICK_US = 4000;
/** Above what a core needs to wake up, also on a virtual machine. */
const THRESHOLD_US = 500;
/** Pauses kept; older ones are forgotten, and a question that reaches back to them says that it is incomplete. */
const KEPT_MAX = 100_000;
const ANSWER_MS = 10_000;

/** A moment, in µs of the clock that the kernel calls monotonic. */
export type PauseMark = number & { readonly PauseMark: unique symbol };

export interface CorePauses {
  core: number;
  pausedMs: number;
  longestMs: number;
  count: number;
}

export interface Pauses {
  /** Over all cores. At least: each pause was longer than it looks by 2 ms on average, and those below 4.5 ms may be missing. */
  pausedMs: number;
  longestMs: number;
  count: number;
  perCore: CorePauses[];
  /** Since the mark. */
  wallMs: number;
  /** Of the time of all cores. */
  pausedPercent: number;
  /** False when waiting for other processes of this machine may be among it, since a real-time priority was not permitted. */
  realtime: boolean;
  /** False when there were more pauses than are kept. */
  complete: boolean;
}

interface Pause {
  core: number;
  endUs: number;
  us: number;
}

interface Head {
  cores: number[];
  realtime: boolean;
}

/**
 * Starts watching. Rejects when it cannot be compiled or started (no C compiler, not Linux); a harness then measures
 * without, and says so. Show `pausedPercent` and `longestMs` beside figures; above some percent a run is unfit.
 */
export async function startPauses(tickUs: number = TICK_US, thresholdUs: number = THRESHOLD_US): Promise<PauseMeter> {
  if (process.platform !== "linux") throw new Error(`pauses are measured on Linux only, and this is ${process.platform}`);
  const child = spawn(compiledProgram("pauses"), [String(tickUs), String(thresholdUs)], { stdio: ["pipe", "pipe", "inherit"] });
  const meter = new PauseMeter(child);
  await meter.started();
  return meter;
}

export class PauseMeter {
  private readonly child: ChildProcess;
  private head: Head | undefined;
  private readonly pauses: Pause[];
  /** When the newest of the forgotten ones ended. */
  private forgottenUs: number;
  private dropped: number;
  private readonly waiting: Map<number, { resolve: (nowUs: number) => void; reject: (error: Error) => void }>;
  private questions: number;
  private readonly begun: Promise<void>;
  private readonly ended: Promise<void>;
  private gone: Error | undefined;

  /** Use `startPauses`. */
  constructor(child: ChildProcess) {
    this.child = child;
    this.head = undefined;
    this.pauses = [];
    this.forgottenUs = 0;
    this.dropped = 0;
    this.waiting = new Map();
    this.questions = 0;
    this.gone = undefined;
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.gone ??= new Error(`the watcher of pauses is gone: ${how}`);
        for (const { reject } of this.waiting.values()) reject(this.gone);
        this.waiting.clear();
        resolve();
      };
      child.once("error", (error) => end(error.message));
      child.once("close", (code, signal) => end(signal ?? `exit code ${code}`));
    });
    // A write to a watcher that has just died fails here, and `ended` says so.
    child.stdin!.on("error", () => undefined);
    this.begun = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout! }).on("line", (line) => {
        this.line(JSON.parse(line) as Head | Pause | { echo: number; nowUs: number; dropped: number });
        resolve();
      });
      void this.ended.then(() => reject(this.gone!));
    });
    // A benchmark that forgets to stop it must not hang.
    child.unref();
    for (const stream of [child.stdin!, child.stdout!]) (stream as unknown as { unref(): void }).unref();
  }

  /** Resolves when it watches. */
  async started(): Promise<void> {
    this.hold(true);
    await this.begun.finally(() => this.hold(false));
  }

  /** Whether only the host (and the kernel) can be to blame. */
  get realtime(): boolean {
    return this.head!.realtime;
  }

  mark(): PauseMark {
    return Number(process.hrtime.bigint() / 1000n) as PauseMark;
  }

  /** What was taken away since then, as far as the watching threads have noticed: a pause that still lasts is not in it. Rejects when the watcher is gone. */
  async since(mark: PauseMark): Promise<Pauses> {
    if (this.gone !== undefined) throw this.gone;
    const question = ++this.questions;
    this.hold(true);
    let timer: NodeJS.Timeout | undefined;
    const nowUs = await new Promise<number>((resolve, reject) => {
      this.waiting.set(question, { resolve, reject });
      timer = setTimeout(() => reject(new Error("the watcher of pauses does not answer")), ANSWER_MS);
      this.child.stdin!.write(`${question}\n`);
    }).finally(() => {
      clearTimeout(timer);
      this.waiting.delete(question);
      if (this.waiting.size === 0) this.hold(false);
    });
    const { cores, realtime } = this.head!;
    return summary(this.pauses, cores, realtime, mark, nowUs, this.forgottenUs <= mark && this.dropped === 0);
  }

  async stop(): Promise<void> {
    this.hold(true);
    this.child.stdin!.end();
    await this.ended;
  }

  private hold(on: boolean): void {
    for (const each of [this.child, this.child.stdout as unknown as ChildProcess]) {
      if (on) each.ref();
      else each.unref();
    }
  }

  private line(line: Head | Pause | { echo: number; nowUs: number; dropped: number }): void {
    if ("cores" in line) this.head = line;
    else if ("echo" in line) {
      this.dropped = line.dropped;
      this.waiting.get(line.echo)?.resolve(line.nowUs);
    } else {
      this.pauses.push(line);
      if (this.pauses.length < 2 * KEPT_MAX) return;
      this.forgottenUs = this.pauses[KEPT_MAX - 1]!.endUs;
      this.pauses.splice(0, KEPT_MAX);
    }
  }
}

/** The pauses between two moments; one that lies across `fromUs` counts with what is behind it. */
export function summary(pauses: readonly Pause[], cores: readonly number[], realtime: boolean, fromUs: number, toUs: number, complete: boolean): Pauses {
  const perCore = new Map(cores.map((core) => [core, { core, pausedMs: 0, longestMs: 0, count: 0 }]));
  for (const { core, endUs, us } of pauses) {
    const inside = (Math.min(endUs, toUs) - Math.max(endUs - us, fromUs)) / 1000;
    const of = perCore.get(core);
    if (inside <= 0 || of === undefined) continue;
    of.pausedMs += inside;
    of.longestMs = Math.max(of.longestMs, inside);
    of.count++;
  }
  const all = [...perCore.values()];
  const pausedMs = all.reduce((sum, core) => sum + core.pausedMs, 0);
  const wallMs = (toUs - fromUs) / 1000;
  return {
    pausedMs,
    longestMs: all.reduce((longest, core) => Math.max(longest, core.longestMs), 0),
    count: all.reduce((sum, core) => sum + core.count, 0),
    perCore: all,
    wallMs,
    pausedPercent: wallMs <= 0 ? 0 : (100 * pausedMs) / (wallMs * cores.length),
    realtime,
    complete,
  };
}

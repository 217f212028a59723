// One process of a part: starts it, reads its output by lines, asks it until it is ready, tells of its end. The thin
// shell around what the supervisor decides.
import { type ChildProcess, spawn } from "node:child_process";
import { constants, getPriority, setPriority } from "node:os";
import { createInterface } from "node:readline";

export interface PartCommand {
  command: string;
  args: readonly string[];
  /** Added to this process's environment. */
  env?: Record<string, string>;
  /** A Node program of ours, which ends itself when its channel to the supervisor closes. */
  channel: boolean;
  /** How far it stands back for other processes, as nice(1) has it; 0 when left out. */
  nice?: number;
  /** Asked again and again after the start until it says true. */
  ready: () => Promise<boolean>;
}

export interface PartEvents {
  line(text: string): void;
  ready(): void;
  /** Comes once, after the last line. `how`: for people, such as "exit code 1". */
  exited(how: string): void;
}

/** Between two questions whether it is ready: at first, and later, when it takes its time and others want the processor. */
const PROBE_MS = 50;
const PROBE_MS_MAX = 400;
const PROBE_GROWTH = 1.15;

export class PartProcess {
  readonly pid: number | undefined;
  private readonly child: ChildProcess;
  private readonly plan: PartCommand;
  private readonly events: PartEvents;
  private ended: boolean;
  private timer: NodeJS.Timeout | undefined;

  constructor(plan: PartCommand, events: PartEvents) {
    this.plan = plan;
    this.events = events;
    this.ended = false;
    this.timer = undefined;
    // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which stops its parts in order.
    this.child = spawn(plan.command, plan.args, {
      detached: true,
      env: { ...process.env, ...plan.env },
      stdio: ["ignore", "pipe", "pipe", ...(plan.channel ? (["ipc"] as const) : [])],
    });
    this.pid = this.child.pid;
    if (this.pid !== undefined) standBack(this.pid, plan.nice ?? 0);
    for (const stream of [this.child.stdout!, this.child.stderr!])
      createInterface({ input: stream, crlfDelay: Infinity }).on("line", (line) => events.line(line));
    let problem = "";
    this.child.on("error", (error) => {
      problem = error.message;
      // A program that could not be started has no exit event.
      if (this.pid === undefined) this.end(problem);
    });
    // "close" comes after "exit" and after the last of the output.
    this.child.on("close", (code, signal) => this.end(signal ? `signal ${signal}` : problem || `exit code ${code}`));
    if (this.pid !== undefined) void this.probe(PROBE_MS);
  }

  signal(name: NodeJS.Signals): void {
    if (!this.ended) this.child.kill(name);
  }

  private async probe(againMs: number): Promise<void> {
    const ready = await this.plan.ready();
    if (this.ended) return;
    if (ready) this.events.ready();
    else this.timer = setTimeout(() => void this.probe(Math.min(PROBE_MS_MAX, againMs * PROBE_GROWTH)), againMs);
  }

  private end(how: string): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.timer);
    this.events.exited(how);
  }
}

/** Lets a process stand back for others: by so much more than this one, as far as it goes. */
export function standBack(pid: number, nice: number): void {
  if (nice > 0) setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority() + nice));
}

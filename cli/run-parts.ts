// Runs parts under a Supervisor: turns its actions into processes, signals and timers, and what happens into its
// inputs. Knows nothing of what the parts are.
import { Failure } from "./failure.ts";
import { type PartCommand, PartProcess } from "./part-process.ts";
import type { ProcessRecord } from "./process-record.ts";
import { type Action, type Input, type PartPlan, Supervisor } from "./supervisor.ts";

export interface Part extends PartPlan, PartCommand {}

export interface RunPartsOptions {
  record: ProcessRecord;
  /** Each line that a part prints. */
  line: (part: string, text: string) => void;
  /** A part exited by itself, or was killed, and comes back in `inMs`. */
  restarting: (part: string, how: string, inMs: number) => void;
}

/** Lines kept of each part, to be shown when it does not start. */
const LAST_LINES = 5;

export class RunningParts {
  private readonly parts: Map<string, Part>;
  private readonly options: RunPartsOptions;
  private readonly supervisor: Supervisor;
  private readonly processes: Map<string, PartProcess>;
  private readonly lastLines: Map<string, string[]>;
  /** How each part ended last, for people. */
  private readonly exits: Map<string, string>;
  private readonly readies: Map<string, (() => void)[]>;
  private readonly ended: Promise<void>;
  private timer: NodeJS.Timeout | undefined;
  private failure: Failure | undefined;
  private up!: () => void;
  private down!: () => void;

  private constructor(parts: readonly Part[], options: RunPartsOptions) {
    this.parts = new Map(parts.map((part) => [part.name, part]));
    this.options = options;
    this.supervisor = new Supervisor(parts);
    this.processes = new Map();
    this.lastLines = new Map(parts.map((part) => [part.name, []]));
    this.exits = new Map();
    this.readies = new Map();
    this.ended = new Promise((resolve) => {
      this.down = resolve;
    });
    this.timer = undefined;
    this.failure = undefined;
  }

  /** Starts all parts. Resolves when all are ready; throws Failure, with nothing left running, when one does not come up. */
  static async start(parts: readonly Part[], options: RunPartsOptions): Promise<RunningParts> {
    const running = new RunningParts(parts, options);
    const up = new Promise<void>((resolve) => {
      running.up = resolve;
    });
    running.step({ type: "start" });
    await Promise.race([up, running.ended]);
    if (running.failure) {
      await running.ended;
      throw running.failure;
    }
    return running;
  }

  /** Process ids of the parts that run now. */
  get pids(): Record<string, number> {
    return Object.fromEntries([...this.processes].map(([name, process]) => [name, process.pid!]));
  }

  /** Sends a signal to a part, as if from outside; a part that dies of it is restarted. */
  signal(part: string, name: NodeJS.Signals): void {
    this.supervisor.phase(part);
    this.processes.get(part)?.signal(name);
  }

  /** Resolves when `part`, from now on, has become ready again. */
  nextReady(part: string): Promise<void> {
    this.supervisor.phase(part);
    return new Promise((resolve) => {
      this.readies.set(part, [...(this.readies.get(part) ?? []), resolve]);
    });
  }

  /** Stops the parts from the highest tier down, each with its time; resolves when none runs. Can be called again. */
  stop(): Promise<void> {
    this.step({ type: "stop" });
    return this.ended;
  }

  /** Kills whatever runs, at once. */
  kill(): Promise<void> {
    this.step({ type: "kill" });
    return this.ended;
  }

  private step(input: Input): void {
    const now = performance.now();
    for (const action of this.supervisor.step(input, now)) this.carryOut(action);
    clearTimeout(this.timer);
    const wakeAt = this.supervisor.wakeAt;
    if (wakeAt !== Infinity) this.timer = setTimeout(() => this.step({ type: "tick" }), Math.max(0, Math.ceil(wakeAt - performance.now())));
  }

  private carryOut(action: Action): void {
    switch (action.type) {
      case "spawn":
        this.spawn(this.parts.get(action.part)!);
        break;
      case "signal":
        this.processes.get(action.part)?.signal(action.signal);
        break;
      case "restarting":
        this.options.restarting(action.part, this.exits.get(action.part) ?? "", action.inMs);
        break;
      case "failed":
        this.failure = this.explainFailure(action.part, action.reason);
        break;
      case "up":
        this.up();
        break;
      case "down":
        this.down();
        break;
    }
  }

  private spawn(part: Part): void {
    const { name } = part;
    const process = new PartProcess(part, {
      line: (text) => {
        const last = this.lastLines.get(name)!;
        last.push(text);
        if (last.length > LAST_LINES) last.shift();
        this.options.line(name, text);
      },
      ready: () => {
        this.step({ type: "ready", part: name });
        const waiting = this.readies.get(name) ?? [];
        this.readies.delete(name);
        for (const resolve of waiting) resolve();
      },
      exited: (how) => {
        this.processes.delete(name);
        this.exits.set(name, how);
        this.options.record.remove(name);
        this.step({ type: "exited", part: name });
      },
    });
    this.processes.set(name, process);
    if (process.pid !== undefined) this.options.record.add(name, process.pid);
  }

  private explainFailure(part: string, reason: "exited" | "timeout"): Failure {
    const how = reason === "timeout" ? `was not ready after ${this.parts.get(part)!.readyMs / 1000} s` : `ended with ${this.exits.get(part)}`;
    const said = this.lastLines.get(part)!.map((line) => `\n  ${line}`);
    return new Failure(`${part} did not start: it ${how}${said.length > 0 ? `, and said last:${said.join("")}` : " and said nothing"}`);
  }
}

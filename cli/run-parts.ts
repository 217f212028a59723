// Runs parts under a Supervisor: turns its actions into processes, signals and timers, and what happens into its
// inputs. Knows nothing of what the parts are.
import { Failure } from "./failure.ts";
import { type PartCommand, PartProcess } from "./part-process.ts";
import type { ProcessRecord } from "./process-record.ts";
import { type Action, type Input, type PartPlan, Supervisor } from "./supervisor.ts";

export interface Part extends PartPlan, PartCommand {
  /** What runs beside the part's own process when that is replaced (`rolls: "beside"`); the two take turns. */
  beside?: PartCommand;
}

export interface RunPartsOptions {
  record: ProcessRecord;
  /** Each line that a part prints. */
  line: (part: string, text: string) => void;
  /** A part exited by itself, or was killed, and comes back in `inMs`. */
  restarting: (part: string, how: string, inMs: number) => void;
  /** Its new process serves from now on; `beside`: it is the one of Part.beside. */
  handedOver?: (part: string, beside: boolean) => void;
}

/** Lines kept of each part, to be shown when it does not start. */
const LAST_LINES = 5;
/** Behind a part's name, where one of its two processes is meant. */
const NEW = "/new";
const OLD = "/old";

export class RunningParts {
  private readonly parts: Map<string, Part>;
  private readonly options: RunPartsOptions;
  private readonly supervisor: Supervisor;
  private readonly processes: Map<string, PartProcess>;
  /** While a part is replaced: the process that is to be its own, and the one that was. */
  private readonly heirs: Map<string, PartProcess>;
  private readonly retired: Map<string, PartProcess>;
  /** Parts whose own process is that of Part.beside. */
  private readonly turned: Set<string>;
  private rollEnds: { done: () => void; failed: (failure: Failure) => void } | undefined;
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
    this.heirs = new Map();
    this.retired = new Map();
    this.turned = new Set();
    this.rollEnds = undefined;
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

  /** Process ids of the parts that run now; while a part is replaced, also of the other one ("gateway/new", "gateway/old"). */
  get pids(): Record<string, number> {
    const named = (processes: Map<string, PartProcess>, behind: string) => [...processes].map(([name, process]) => [name + behind, process.pid!]);
    return Object.fromEntries([...named(this.processes, ""), ...named(this.heirs, NEW), ...named(this.retired, OLD)]);
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

  /** Replaces the parts that can be replaced, one after the other. Rejects with Failure where that ends early; what served then serves on. */
  roll(): Promise<void> {
    if (this.supervisor.rolling) return Promise.reject(new Failure("a rolling restart is under way"));
    return new Promise((done, failed) => {
      this.rollEnds = { done, failed };
      this.step({ type: "roll" });
      if (!this.supervisor.rolling) this.rollFailed("nothing can be replaced now");
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
        this.spawn(this.parts.get(action.part)!, false);
        break;
      case "signal":
        this.bearers(action.of).get(action.part)?.signal(action.signal);
        break;
      case "spawnHeir":
        this.spawn(this.parts.get(action.part)!, true);
        break;
      case "handOver":
        this.handOver(action.part);
        break;
      case "rolled":
        this.rollEnds?.done();
        this.rollEnds = undefined;
        break;
      case "rollFailed":
        this.rollFailed(`${action.part}: ${this.explain(action.part, action.reason)}`);
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

  private bearers(of: "heir" | "retired" | undefined): Map<string, PartProcess> {
    return of === undefined ? this.processes : of === "heir" ? this.heirs : this.retired;
  }

  private handOver(name: string): void {
    const heir = this.heirs.get(name)!;
    const old = this.processes.get(name);
    this.heirs.delete(name);
    if (old !== undefined) this.retired.set(name, old);
    this.processes.set(name, heir);
    if (!this.turned.delete(name)) this.turned.add(name);
    const { record } = this.options;
    for (const [key, process] of [
      [name, heir],
      [name + OLD, old],
    ] as const)
      if (process?.pid !== undefined) record.add(key, process.pid);
    record.remove(name + NEW);
    this.options.handedOver?.(name, this.turned.has(name));
    this.becameReady(name);
  }

  private rollFailed(why: string): void {
    this.rollEnds?.failed(new Failure(`the rolling restart ended: ${why}`));
    this.rollEnds = undefined;
  }

  /** Whose process it is now: of the part, or of its replacement. */
  private roleOf(name: string, process: PartProcess): "own" | "heir" | "retired" {
    return this.heirs.get(name) === process ? "heir" : this.retired.get(name) === process ? "retired" : "own";
  }

  private becameReady(name: string): void {
    const waiting = this.readies.get(name) ?? [];
    this.readies.delete(name);
    for (const resolve of waiting) resolve();
  }

  private spawn(part: Part, heir: boolean): void {
    const { name } = part;
    const command = part.beside !== undefined && this.turned.has(name) !== heir ? part.beside : part;
    // Of this process alone: what its predecessor says meanwhile explains nothing.
    const last: string[] = [];
    this.lastLines.set(name, last);
    const process: PartProcess = new PartProcess(command, {
      line: (text) => {
        last.push(text);
        if (last.length > LAST_LINES) last.shift();
        this.options.line(name, text);
      },
      ready: () => {
        if (this.roleOf(name, process) !== "own") return this.step({ type: "extraReady", part: name });
        this.step({ type: "ready", part: name });
        this.becameReady(name);
      },
      exited: (how) => {
        const role = this.roleOf(name, process);
        this.bearers(role === "own" ? undefined : role).delete(name);
        if (role !== "retired") this.exits.set(name, how);
        this.options.record.remove(role === "own" ? name : name + (role === "heir" ? NEW : OLD));
        this.step({ type: role === "own" ? "exited" : "extraExited", part: name });
      },
    });
    (heir ? this.heirs : this.processes).set(name, process);
    if (process.pid !== undefined) this.options.record.add(heir ? name + NEW : name, process.pid);
  }

  private explainFailure(part: string, reason: "exited" | "timeout"): Failure {
    return new Failure(`${part} did not start: ${this.explain(part, reason)}`);
  }

  private explain(part: string, reason: "exited" | "timeout" | "stopped"): string {
    if (reason === "stopped") return "everything is being stopped";
    const how = reason === "timeout" ? `was not ready after ${this.parts.get(part)!.readyMs / 1000} s` : `ended with ${this.exits.get(part)}`;
    const said = this.lastLines.get(part)!.map((line) => `\n  ${line}`);
    return `it ${how}${said.length > 0 ? `, and said last:${said.join("")}` : " and said nothing"}`;
  }
}

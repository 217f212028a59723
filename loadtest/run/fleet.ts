// The driver processes: starts them, gives every one the same orders, waits for all answers. A driver that dies or falls
// silent fails whatever is waited for, with a message that says which and how; nothing is retried, since a load test
// with a part of its drivers measures something else.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answers, DriverPlan, FromDriver, Order, Tick, ToDriver } from "../driver/control.ts";
import { Failure } from "../../cli/failure.ts";
import { standBack } from "../../cli/part-process.ts";

export interface FleetEvents {
  tick(driver: number, tick: Tick): void;
  /** A line that a driver printed. */
  line(driver: number, text: string): void;
}

export interface FleetOptions {
  /** What runs as a driver; loadtest/driver/process.ts when left out. */
  program?: string;
  /** Options of Node itself for the drivers. */
  node?: readonly string[];
  /** How far the drivers stand back for other processes; 0 when left out. */
  nice?: number;
  /** Without a tick for so long a driver counts as dead. */
  silenceMs?: number;
  /** Ends the drivers, while they start and later. */
  kill?: AbortSignal;
}

export type AnswerOf<O extends Order> = O["order"] extends keyof Answers ? Answers[O["order"]] : undefined;

const SILENCE_MS = 60_000;
/** How long a driver may take to end in order. */
const STOP_MS = 3_000;
const OUTPUT_LINES_KEPT = 10;

interface Waiting {
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

class Driver {
  readonly index: number;
  readonly child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  readonly output: string[];
  lastSignMs: number;
  ticks: number;
  dead: Error | undefined;

  constructor(index: number, child: ChildProcess) {
    this.index = index;
    this.child = child;
    this.waiting = new Map();
    this.output = [];
    this.lastSignMs = performance.now();
    this.ticks = 0;
    this.dead = undefined;
  }
}

export class Fleet {
  private readonly drivers: Driver[];
  private readonly events: FleetEvents;
  private readonly silenceMs: number;
  private readonly watch: NodeJS.Timeout;
  private nextId: number;
  private tickWaiters: (() => void)[];
  /** What connections are made of in the drivers; see driver/open-wire.ts. */
  wire: string;
  /** Which messages they send, as they say it. */
  messages: string;
  /** Private memory of all drivers before they had sessions. */
  bareBytes: number;
  private fail!: (error: Error) => void;
  /** Rejects when a driver is gone; never resolves. */
  private readonly failed: Promise<never>;

  private constructor(count: number, events: FleetEvents, options: FleetOptions) {
    this.events = events;
    this.silenceMs = options.silenceMs ?? SILENCE_MS;
    this.nextId = 1;
    this.tickWaiters = [];
    this.wire = "";
    this.messages = "";
    this.bareBytes = 0;
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Whoever waits for something hears of it; nobody waiting is no reason to die of an unhandled rejection.
    this.failed.catch(() => undefined);
    this.drivers = Array.from({ length: count }, (_, index) => this.start(index, options));
    this.watch = setInterval(() => this.checkSilence(), 1000);
  }

  /** Starts one driver for each plan; resolves when every one has taken its plan. Throws Failure, with nothing left running. */
  static async start(plans: readonly DriverPlan[], events: FleetEvents, options: FleetOptions = {}): Promise<Fleet> {
    options.kill?.throwIfAborted();
    const fleet = new Fleet(plans.length, events, options);
    options.kill?.addEventListener("abort", () => void fleet.stop(), { once: true });
    try {
      const answers = await fleet.each((index) => ({ order: "plan", plan: plans[index]! }));
      fleet.bareBytes = answers.reduce((sum, answer) => sum + answer.bareBytes, 0);
      fleet.wire = [...new Set(answers.map((answer) => answer.wire))].join(", ");
      fleet.messages = [...new Set(answers.map((answer) => answer.messages))].join("; ");
      return fleet;
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  get pids(): number[] {
    return this.drivers.map((driver) => driver.child.pid!);
  }

  /** The same order to every driver; their answers in the drivers' order. */
  all<O extends Order>(order: O): Promise<AnswerOf<O>[]> {
    return this.each(() => order);
  }

  /** An order made for each driver. */
  each<O extends Order>(order: (driver: number) => O): Promise<AnswerOf<O>[]> {
    const answers = this.drivers.map((driver) => this.send(driver, order(driver.index)));
    // One that fails first is told at once; the others' failures that follow from it are not unhandled.
    for (const answer of answers) answer.catch(() => undefined);
    return Promise.race([Promise.all(answers) as Promise<AnswerOf<O>[]>, this.failed]);
  }

  /** Resolves when every driver has told its state since now. Throws when one is gone. */
  async nextTicks(): Promise<void> {
    const before = this.drivers.map((driver) => driver.ticks);
    while (this.drivers.some((driver, i) => driver.ticks === before[i])) {
      await Promise.race([new Promise<void>((resolve) => this.tickWaiters.push(resolve)), this.failed]);
    }
  }

  /** Asks all drivers to end, and kills those that do not; what is waited for fails. Can be called again. */
  async stop(): Promise<void> {
    clearInterval(this.watch);
    await Promise.all(this.drivers.map((driver) => this.stopOne(driver)));
  }

  private start(index: number, { program = driverProgram(), node = [], nice = 0 }: FleetOptions): Driver {
    // A session of its own: Ctrl-C in the terminal reaches the coordinator alone. The channel is its lifeline.
    const execArgv = [...(program.endsWith(".ts") ? process.execArgv : []), ...node];
    const child = fork(program, [], { detached: true, stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv });
    if (child.pid !== undefined) standBack(child.pid, nice);
    const driver = new Driver(index, child);
    for (const stream of [child.stdout!, child.stderr!]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!.slice(-4096);
        for (const line of lines) this.printed(driver, line);
      });
    }
    child.on("message", (message) => this.received(driver, message as FromDriver));
    child.on("error", (error) => this.lost(driver, error.message));
    // "close" comes when its output has been read to the end, too.
    child.on("close", (code, signal) => this.lost(driver, signal === null ? `exit code ${code}` : `signal ${signal}`));
    return driver;
  }

  private send(driver: Driver, order: Order): Promise<unknown> {
    if (driver.dead !== undefined) return Promise.reject(driver.dead);
    const message: ToDriver = { ...order, id: this.nextId++ };
    return new Promise((resolve, reject) => {
      driver.waiting.set(message.id, { resolve, reject });
      driver.child.send(message, (error) => {
        if (error !== null) this.lost(driver, error.message);
      });
    });
  }

  private received(driver: Driver, message: FromDriver): void {
    driver.lastSignMs = performance.now();
    if (message.kind === "tick") {
      driver.ticks++;
      this.events.tick(driver.index, message.tick);
      const waiters = this.tickWaiters;
      this.tickWaiters = [];
      for (const resolve of waiters) resolve();
      return;
    }
    const waiting = driver.waiting.get(message.id);
    driver.waiting.delete(message.id);
    if (message.kind === "done") waiting?.resolve(message.answer);
    else waiting?.reject(new Failure(`driver ${driver.index + 1}: ${message.message}`));
  }

  private printed(driver: Driver, line: string): void {
    driver.output.push(line);
    if (driver.output.length > OUTPUT_LINES_KEPT) driver.output.shift();
    this.events.line(driver.index, line);
  }

  private lost(driver: Driver, how: string): void {
    if (driver.dead !== undefined) return;
    const said = driver.output.length > 0 ? `, and said last:\n  ${driver.output.join("\n  ")}` : "";
    driver.dead = new Failure(`driver ${driver.index + 1} of ${this.drivers.length} ended with ${how}${said}`);
    for (const waiting of driver.waiting.values()) waiting.reject(driver.dead);
    driver.waiting.clear();
    // While it is stopping, too: whoever waits for ticks would wait for ever.
    this.fail(driver.dead);
  }

  private checkSilence(): void {
    const now = performance.now();
    for (const driver of this.drivers) {
      if (driver.dead !== undefined || now - driver.lastSignMs < this.silenceMs) continue;
      this.lost(driver, `no sign of life for ${this.silenceMs / 1000} s`);
      driver.child.kill("SIGKILL");
    }
  }

  private async stopOne(driver: Driver): Promise<void> {
    const { child } = driver;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    this.send(driver, { order: "end" }).catch(() => undefined);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** The driver's program: compiled, or as TypeScript under the loader that runs this. */
function driverProgram(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../driver/process.ts" : "../driver/process.js", import.meta.url));
}

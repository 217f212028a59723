// Plays a scenario: turns its verbs into orders to the fleet, looks at drivers and servers every second, measures windows,
// and keeps all that a result is made of. However the script ends, finish() lets everything arrive and has it checked.
import { setTimeout as delay } from "node:timers/promises";
import { type Answers, EVERYBODY, type Share, type Verdict } from "../driver/control.ts";
import type { PhaseResult, Sample } from "../result.ts";
import type { Counts, Dials, Figures, PhasePlan, Scenario, Stage } from "../scenario/scenario.ts";
import { AT_ONCE } from "../scenario/scenario.ts";
import { Failure } from "../../cli/failure.ts";
import type { Fleet } from "./fleet.ts";
import type { Layout } from "./layout.ts";
import { gb } from "./headroom.ts";
import { Latencies } from "./histograms.ts";
import { cpuBetween, errorsByName, type Meter, round, type Window } from "./meter.ts";
import type { OwnServer, StoreReads } from "./own-server.ts";
import type { ServerLook, Servers } from "./servers.ts";

/** A person stopped the run, or the machine ran short of memory. */
export class Interrupted extends Error {}

export interface MeasuredWindow extends Window {
  cpu: boolean;
  /** Messages a second that were asked for while it was open. */
  rateAsked: number;
  /** Part of the sessions that were to be there; see Counts. */
  there: number;
}

/** All that was seen, for result.ts. */
export interface Seen {
  seconds: number;
  /** Before the first connection; drivers before they had sessions. */
  before: ServerLook & { driverBytes: number };
  /** With everybody connected and nothing said; undefined when the scenario does not rest. */
  resting: { connections: number; look: ServerLook; driverBytes: number; seconds: number; cpuMicros: Record<string, number> | null } | undefined;
  /** Most sessions that were connected at once. */
  connections: number;
  /** Windows that count for the result. */
  windows: MeasuredWindow[];
  phases: PhaseResult[];
  samples: Sample[];
  failures: string[];
  verdicts: Verdict[];
  interrupted: boolean;
  /** With the first sessions there; undefined where a scenario does not ask. */
  warm: PeopledLook | undefined;
  /** At the end of what was played, before anything settles. */
  end: PeopledLook | undefined;
}

/** A look at everything with so many sessions there. */
export type PeopledLook = ServerLook & { driverBytes: number; connections: number };

export interface DirectorEvents {
  /** Once a second. */
  sample(sample: Sample): void;
  phase(name: string): void;
  /** See Stage. */
  batches?(): Promise<number | undefined>;
}

/** Between the first sessions and the look at them. */
const BASELINE_SECONDS = 1;
const NOBODY: Share = { from: 0, to: 0 };
const SAMPLE_MS = 1000;
/** Ticks come each second; some a little late. */
const TICK_LEEWAY_SECONDS = 0.2;
/** A window that is opened so soon after another one was closed continues it. */
const SAME_TICKS_MS = 50;
/** Beside the time that pacing takes. */
const CONNECT_GRACE_MS = 60_000;
/** Ticks (a second each) with failed connections and not one that was welcomed, before a run is given up. */
const HOPELESS_TICKS = 10;
const SETTLE_QUIET_SECONDS = 8;
const SETTLE_MS_MAX = 600_000;
/** Between everything having arrived and the check. */
const LATE_ROWS_MS = 1_000;
/** After a stop by a person. */
const HURRY_MS = 10_000;

export class Director implements Stage {
  private readonly fleet: Fleet;
  private readonly server: OwnServer | undefined;
  private readonly meter: Meter;
  private readonly servers: Servers;
  private readonly sessions: readonly number[];
  private readonly talkers: readonly number[];
  private readonly dials: Dials;
  private readonly memoryFloorBytes: number;
  private shortOfMemory: boolean;
  private readonly events: DirectorEvents;
  private readonly seen: Seen;
  private readonly startedAt: number;
  private readonly timer: NodeJS.Timeout;
  private readonly interrupted: Promise<never>;
  private interruptNow!: (error: Interrupted) => void;
  private phaseName: string;
  private phaseStartedAt: number;
  private rate: number;
  private sampledAt: number;
  private windowClosedAt: number;

  /** `server`: where it is ours. `memoryFloorBytes`: with less than this free the run stops, before the kernel ends processes; 0: whatever happens. */
  constructor(fleet: Fleet, meter: Meter, servers: Servers, layout: Layout, dials: Dials, events: DirectorEvents, memoryFloorBytes = 0, server?: OwnServer) {
    this.fleet = fleet;
    this.server = server;
    this.meter = meter;
    this.servers = servers;
    this.sessions = layout.sessions;
    this.talkers = layout.talkers ?? layout.sessions;
    this.dials = dials;
    this.events = events;
    this.memoryFloorBytes = memoryFloorBytes;
    this.shortOfMemory = false;
    this.startedAt = performance.now();
    this.phaseName = "start";
    this.phaseStartedAt = this.startedAt;
    this.rate = 0;
    this.sampledAt = this.startedAt;
    this.windowClosedAt = Number.NEGATIVE_INFINITY;
    const before = { ...servers.look(), driverBytes: fleet.bareBytes };
    this.seen = {
      seconds: 0,
      before,
      resting: undefined,
      connections: 0,
      windows: [],
      phases: [],
      samples: [],
      failures: [],
      verdicts: [],
      interrupted: false,
      warm: undefined,
      end: undefined,
    };
    this.interrupted = new Promise((_, reject) => {
      this.interruptNow = reject;
    });
    this.interrupted.catch(() => undefined);
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  /** Plays the scenario to its end, or to interrupt(). Throws when a driver dies. */
  async play(scenario: Scenario): Promise<Seen> {
    try {
      try {
        await scenario.play(this, this.dials);
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        this.seen.interrupted = true;
      }
      this.seen.end = this.lookNow();
      await this.finish();
    } finally {
      clearInterval(this.timer);
    }
    this.seen.seconds = round((performance.now() - this.startedAt) / 1000, 1);
    return this.seen;
  }

  /** Stops the script where it is; play() goes on with settling and checking, in a hurry. */
  interrupt(): void {
    this.interruptNow(new Interrupted("stopped"));
  }

  /** The phase that runs, and since when, in seconds. */
  get now(): { phase: string; seconds: number } {
    return { phase: this.phaseName, seconds: (performance.now() - this.phaseStartedAt) / 1000 };
  }

  async phase(name: string, act: (figures: Figures) => Promise<void>): Promise<void> {
    this.beginPhase(name);
    const figures: Figures = {};
    try {
      await act(figures);
    } finally {
      this.seen.phases.push({ name, seconds: round(this.now.seconds, 2), figures });
    }
  }

  async connect(share: Share = EVERYBODY, perSecond: number = this.dials.connectRate): Promise<Answers["connect"]> {
    const pacedMs = perSecond >= AT_ONCE ? 0 : (this.dials.connections / perSecond) * 1000;
    const timeoutMs = Math.round(CONNECT_GRACE_MS + 2 * pacedMs + this.dials.connections);
    const connecting = this.fleet.each((i) => ({ order: "connect" as const, share, perSecond: this.part(perSecond, i), timeoutMs }));
    const answers = await this.or(this.seen.connections > 0 ? connecting : Promise.race([connecting, this.hopeless()]));
    await this.or(this.fleet.nextTicks());
    this.note();
    if (this.seen.connections === 0) throw this.nobodyConnected();
    return mergeConnects(answers);
  }

  async baseline(): Promise<void> {
    await this.wait(BASELINE_SECONDS);
    await this.or(this.fleet.nextTicks());
    this.seen.warm = this.lookNow();
  }

  async rest(seconds: number): Promise<void> {
    // What connecting left behind is cleared away first, as far as it goes by itself.
    await this.wait(Math.min(1, seconds / 3));
    const from = this.servers.look();
    await this.wait(seconds);
    const look = this.servers.look();
    const elapsed = (look.at - from.at) / 1000;
    const cpuMicros = cpuBetween(from, look);
    this.seen.resting = { connections: this.meter.totals().connected, look, driverBytes: this.meter.driverBytes(), seconds: elapsed, cpuMicros };
  }

  async traffic(perSecond: number, senders: Share = EVERYBODY): Promise<void> {
    const all = this.talkers.reduce((sum, count) => sum + count, 0);
    await this.or(this.fleet.each((i) => ({ order: "traffic", perSecond: (perSecond * this.talkers[i]!) / Math.max(1, all), senders })));
    this.rate = perSecond;
  }

  async stopTraffic(): Promise<void> {
    this.rate = 0;
    await this.or(this.fleet.all({ order: "stopTraffic" }));
  }

  wait(seconds: number): Promise<void> {
    return this.or(delay(seconds * 1000));
  }

  measure(seconds: number, counts?: Counts): Promise<Window> {
    // The tick at the end is waited for: the window is as long as asked, not a tick longer.
    return this.during(() => this.wait(Math.max(0, seconds - TICK_LEEWAY_SECONDS)), counts);
  }

  async during(act: () => Promise<unknown>, { latencies = true, cpu = true, there = 1 }: Counts = {}): Promise<Window> {
    // What begins where the last window ended begins behind the same ticks: nothing is in between that nobody measures.
    if (performance.now() - this.windowClosedAt > SAME_TICKS_MS) await this.or(this.fleet.nextTicks());
    const from = this.servers.look();
    const open = this.meter.open(from.at, from, latencies);
    const rateAsked = this.rate;
    let window: Window;
    try {
      await act();
    } finally {
      // What was measured until a person stopped it counts, too.
      await this.fleet.nextTicks();
      const to = this.servers.look();
      window = this.meter.close(open, to.at, to);
      this.windowClosedAt = to.at;
      if (latencies || cpu) this.seen.windows.push({ ...window, cpu, rateAsked, there });
    }
    return window;
  }

  async disconnect(share: Share, how: "close" | "reset", perSecond?: number): Promise<void> {
    await this.or(
      this.fleet.each((i) => ({ order: "disconnect" as const, share, how, ...(perSecond !== undefined && { perSecond: this.part(perSecond, i) }) })),
    );
  }

  async throttle(share: Share, bytesPerSecond: number): Promise<number> {
    await this.or(this.fleet.all({ order: "throttle", share, bytesPerSecond }));
    return sessionsIn(share, this.sessions);
  }

  async churn(share: Share, partPerMinute: number, awayMs: number): Promise<void> {
    await this.or(this.fleet.all({ order: "churn", share, partPerMinute, awayMs }));
  }

  async switchNetworks(share: Share, partPerMinute: number): Promise<void> {
    await this.or(this.fleet.all({ order: "switchNetworks", share, partPerMinute }));
  }

  async settle(quietSeconds: number = SETTLE_QUIET_SECONDS): Promise<Answers["settle"]> {
    const answers = await this.or(this.fleet.all({ order: "settle", quietMs: quietSeconds * 1000, timeoutMs: SETTLE_MS_MAX }));
    return { settled: answers.every((answer) => answer.settled), tookMs: Math.max(...answers.map((answer) => answer.tookMs)) };
  }

  async connected(): Promise<number> {
    await this.or(this.fleet.nextTicks());
    return this.meter.totals().connected;
  }

  async roll(): Promise<void> {
    if (this.server === undefined) throw new Failure("gateways can be replaced on a server of the run's own only: leave --url out");
    await this.or(this.server.roll());
  }

  async storeReads(): Promise<StoreReads | undefined> {
    return this.server?.storeReads();
  }

  gatewayBytes(): number | undefined {
    return this.servers.look().privateBytes?.["gateway"];
  }

  batches(): Promise<number | undefined> {
    return this.events.batches?.() ?? Promise.resolve(undefined);
  }

  require(holds: boolean, otherwise: string): void {
    if (!holds) this.seen.failures.push(otherwise);
  }

  /** Everything arrives, and is compared. */
  private async finish(): Promise<void> {
    const { interrupted } = this.seen;
    const begun = performance.now();
    this.beginPhase("settle");
    this.rate = 0;
    await this.fleet.all({ order: "stopTraffic" });
    if (interrupted) {
      // The script may have been stopped with sessions away or slow: what waits for them is not lost.
      await this.fleet.all({ order: "churn", share: EVERYBODY, partPerMinute: 0, awayMs: 0 });
      await this.fleet.all({ order: "throttle", share: EVERYBODY, bytesPerSecond: 0 });
      // Without memory nobody else is to come: an order for nobody ends the one before.
      const share = this.shortOfMemory ? NOBODY : EVERYBODY;
      if (this.seen.connections > 0) await this.fleet.each(() => ({ order: "connect", share, perSecond: AT_ONCE, timeoutMs: HURRY_MS }));
    }
    const answers = await this.fleet.all({
      order: "settle",
      quietMs: (interrupted ? 2 : SETTLE_QUIET_SECONDS) * 1000,
      timeoutMs: interrupted ? HURRY_MS : SETTLE_MS_MAX,
    });
    this.seen.phases.push({ name: "settle", seconds: round(this.now.seconds, 2), figures: { took_ms: Math.round(performance.now() - begun) } });
    if (!answers.every((answer) => answer.settled))
      this.seen.failures.push("not everything that was sent was acked and delivered before nothing moved any more");
    this.beginPhase("check");
    // What comes too much may come a little later than what is waited for.
    await delay(LATE_ROWS_MS);
    this.seen.verdicts = await this.fleet.all({ order: "check" });
    this.seen.phases.push({ name: "check", seconds: round(this.now.seconds, 2), figures: {} });
    // So that the last second is in the plots; a moment's rates would be noise.
    if (performance.now() - this.sampledAt > SAMPLE_MS / 2) this.sample();
  }

  /** Rejects when nobody has ever connected for a while though it was tried; never resolves, and ends when somebody has. */
  private async hopeless(): Promise<never> {
    for (let second = 0; this.seen.connections === 0; second++) {
      await this.fleet.nextTicks();
      this.note();
      const { connected, closeReasons, errors } = this.meter.totals();
      const tried = Object.keys(closeReasons).length + Object.keys(errors).length > 0;
      if (second >= HOPELESS_TICKS && connected === 0 && tried && this.seen.connections === 0) throw this.nobodyConnected();
    }
    return new Promise(() => undefined);
  }

  private nobodyConnected(): Failure {
    const reasons = Object.entries(errorsByName(this.meter.totals())).sort((a, b) => b[1] - a[1]);
    const most = reasons[0];
    return new Failure(
      `not one session could connect${most === undefined ? "" : `: ${most[0]} (${most[1]} times)`}; look at --url and at the secret that tokens are signed with`,
    );
  }

  private beginPhase(name: string): void {
    this.phaseName = name;
    this.phaseStartedAt = performance.now();
    this.events.phase(name);
  }

  private sample(): void {
    const look = this.servers.look();
    this.sampledAt = look.at;
    const sample = this.meter.sample((look.at - this.startedAt) / 1000, this.phaseName, look);
    this.seen.samples.push(sample);
    this.note();
    this.watchMemory(look);
    this.events.sample(sample);
  }

  private lookNow(): PeopledLook {
    return { ...this.servers.look(), driverBytes: this.meter.driverBytes(), connections: this.meter.totals().connected };
  }

  /** Stops in order while there is still memory to do so. */
  private watchMemory({ availableBytes }: ServerLook): void {
    if (this.shortOfMemory || availableBytes === null || availableBytes >= this.memoryFloorBytes) return;
    this.shortOfMemory = true;
    const { connections } = this.seen;
    this.seen.failures.push(
      `memory ran short: ${gb(availableBytes)} were free (floor ${gb(this.memoryFloorBytes)}) with ${this.meter.totals().connected} sessions connected; the most that were held at once are ${connections} of ${this.dials.connections}`,
    );
    this.interrupt();
  }

  private note(): void {
    this.seen.connections = Math.max(this.seen.connections, this.meter.totals().connected);
  }

  /** A driver's part of a rate, by its sessions. */
  private part(perSecond: number, driver: number): number {
    return (perSecond * this.sessions[driver]!) / this.dials.connections;
  }

  private or<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.interrupted]);
  }
}

/** How many sessions a share is, over drivers with so many each; rounded as they do. */
export function sessionsIn({ from, to }: Share, sessions: readonly number[]): number {
  return sessions.reduce((sum, count) => sum + Math.round(to * count) - Math.round(from * count), 0);
}

/** Several drivers' answers as one; percentiles exactly where they sent histograms, else the slowest driver's. */
export function mergeConnects(answers: readonly Answers["connect"][]): Answers["connect"] {
  const slowest = (of: (answer: Answers["connect"]) => number) => Math.max(0, ...answers.map(of));
  const merged = {
    connected: answers.reduce((sum, answer) => sum + answer.connected, 0),
    failed: answers.reduce((sum, answer) => sum + answer.failed, 0),
    tookMs: slowest((answer) => answer.tookMs),
    reachedMs: {
      p50: slowest((answer) => answer.reachedMs.p50),
      p99: slowest((answer) => answer.reachedMs.p99),
      p999: slowest((answer) => answer.reachedMs.p999),
      max: slowest((answer) => answer.reachedMs.max),
    },
  };
  // A driver of which nobody was in the share has none.
  if (answers.length > 1 && answers.every(({ connected, reachedUs }) => reachedUs !== undefined || connected === 0)) {
    const all = new Latencies();
    for (const { reachedUs } of answers) if (reachedUs !== undefined) all.add(reachedUs);
    const exact = all.percentiles();
    if (exact !== null) merged.reachedMs = exact;
  }
  return merged;
}

/** Of a phase in which sessions connect: how long it takes in all, as fast as it went so far; undefined: too early to say. */
export function connectingSeconds(connected: number, sessions: number, secondsInPhase: number): number | undefined {
  if (secondsInPhase < 3 || connected < sessions / 1000) return undefined;
  return (secondsInPhase * sessions) / connected;
}

/**
 * How far a run is, from 0 to 1, and about how many seconds are left; a phase that takes longer than planned waits at its end.
 * `takes`: how long the phase of now takes in all, where that is known better than it was planned.
 */
export function progress(plan: readonly PhasePlan[], phase: string, secondsInPhase: number, takes?: number): { part: number; secondsLeft: number } {
  const at = plan.findIndex(({ name }) => name === phase);
  let done = 0;
  let total = 0;
  for (const [i, { seconds: planned }] of plan.entries()) {
    const seconds = i === at && takes !== undefined ? Math.max(takes, secondsInPhase) : planned;
    total += seconds;
    if (i < at) done += seconds;
    else if (i === at) done += Math.min(seconds, secondsInPhase);
  }
  return { part: total > 0 ? done / total : 0, secondsLeft: Math.max(0, Math.round(total - done)) };
}

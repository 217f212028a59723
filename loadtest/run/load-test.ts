// A whole load test: servers (of our own, or given), drivers, a scenario played over both, and the result. Whatever
// happens, what was started here is ended here: drivers, then the stack, then its data.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../cli/failure.ts";
import { type Identity, runs } from "../../cli/process-record.ts";
import { type Stack, startStack } from "../../cli/stack.ts";
import { openFilesMax } from "../../gateway/accept/admission.ts";
import { canSharePorts } from "../../gateway/accept/listen-tcp.ts";
import type { Gateway } from "../driver/control.ts";
import type { Result } from "../result.ts";
import { CONNECT_PHASE, type PhasePlan, type Scenario, type Setup, type Dials } from "../scenario/scenario.ts";
import { connectingSeconds, Director, progress } from "./director.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { roomWords, shortages } from "./headroom.ts";
import { driverPlans, gatewayArgs, type Layout, LEAN_NICE, LEAN_NODE, layOut, leanFor, resolveHosts, serverNeeds } from "./layout.ts";
import { logicBatches } from "./logic-metrics.ts";
import { LiveView, type Screen } from "./live-view.ts";
import { inMemory, machine, versions } from "./machine.ts";
import { readRoom } from "./machine-room.ts";
import { errorsByName, Meter } from "./meter.ts";
import { ownServer } from "./own-server.ts";
import { makeResult } from "./result.ts";
import { Servers } from "./servers.ts";

export interface LoadTestOptions {
  scenario: Scenario;
  dials: Dials;
  /** A running server's; undefined: a stack of our own. */
  gateways: Gateway[] | undefined;
  /** Data directory of the stack behind them, where it runs on this machine. */
  dataDir: string | undefined;
  driverCount: number | undefined;
  gatewayCount: number | undefined;
  messages: string | undefined;
  seed: number;
  /** Signs tokens with it; undefined: development tokens. */
  secret: string | undefined;
  /** As a person would type it again. */
  command: string;
  verbose: boolean;
  /** Servers of our own and drivers save memory at the cost of some collections of garbage; where nothing is said, they do where there are many. */
  lean?: boolean | undefined;
  /** With less free memory than this the run is not begun, and stops; 0, or nothing said: it is not looked at. */
  memoryFloorBytes?: number;
  screen: Screen;
  /** First: ends the script, and goes on with settling and checking. */
  stop: AbortSignal;
  /** Then: ends everything at once. */
  kill: AbortSignal;
  /** A phase of the scenario begins; the last ones are "settle" and "check". */
  onPhase?: (name: string) => void;
  /** For tests of the coordinator. */
  fleet?: FleetOptions;
}

export interface Outcome {
  result: Result;
  interrupted: boolean;
}

/** Phases that every run ends with, for the progress bar. */
const ENDING: PhasePlan[] = [
  { name: "settle", seconds: 2, what: "" },
  { name: "check", seconds: 2, what: "" },
];
/** From so many connections on, people are told what room there is. */
const ROOM_TOLD_FROM = 20_000;
/** Letters of the id that keeps the users of runs apart. */
const RUN_ID_LETTERS = 6;

/** Throws Failure (or RangeError) when the run cannot be done, with nothing left running. */
export async function runLoadTest(options: LoadTestOptions): Promise<Outcome> {
  const { scenario, dials } = options;
  const view = new LiveView(options.screen);
  const setup = scenario.setup(dials);
  const filesMax = openFilesMax();
  const layout = layOut(
    { dials, talkers: setup.talkers, drivers: options.driverCount, gateways: options.gatewayCount, gatewaysMin: setup.gatewaysMin, filesMax },
    options.gateways === undefined,
  );
  await checkRoom(options, layout, view);
  const lean = options.lean ?? leanFor(layout);
  const started = new Date().toISOString();
  const restarts: string[] = [];
  const serverArgs = options.gateways === undefined ? gatewayArgs(dials, setup, layout.gateways, filesMax) : [];
  let stack: OwnStack | undefined;
  let fleet: Fleet | undefined;
  // The fleet heeds the signal itself. A stack that only starts is ended as soon as it is there, or has failed.
  const killNow = (): void => void stack?.stopNow();
  options.kill.addEventListener("abort", killNow);
  try {
    if (options.gateways === undefined) {
      view.tell(`starting NATS, logic and ${layout.gateways === 1 ? "a gateway" : `${layout.gateways} gateways`} on free ports`);
      stack = await startOwnStack(layout, serverArgs, setup, lean, options, (line) => restarts.push(line));
    }
    stopped(options.stop);
    if (options.gateways !== undefined) {
      const needs = serverNeeds(dials, setup, options.gateways.length);
      view.tell(`a server of --url is taken as it is; on a stack of its own this scenario has: ${needs}`);
    }
    const gateways = options.gateways !== undefined ? await resolveHosts(options.gateways) : stack!.stack.urls.gateways.map(({ tcp, ws }) => ({ tcp, ws }));
    const dataDir = stack?.dataDir ?? options.dataDir;
    const meter = new Meter(layout.sessions.length);
    const plans = driverPlans({
      dials,
      setup,
      layout,
      gateways,
      run: runId(),
      seed: options.seed,
      messages: options.messages,
      token: options.secret === undefined ? { kind: "dev" } : { kind: "secret", secret: options.secret },
      platform: process.platform,
    });
    fleet = await Fleet.start(
      plans,
      { tick: (driver, tick) => meter.tick(driver, tick), line: (driver, text) => view.tell(`driver ${driver + 1}: ${text}`) },
      { ...(lean && { node: LEAN_NODE }), ...(leanFor(layout) && { nice: LEAN_NICE }), ...options.fleet, kill: options.kill },
    );
    await fleet.nextTicks();
    stopped(options.stop);
    const servers = new Servers(stack === undefined ? recordedPids(options.dataDir) : () => stack!.stack.pids, dials.talkGateways);
    const plan = [...scenario.phases(dials), ...ENDING];
    const director = new Director(
      fleet,
      meter,
      servers,
      layout,
      dials,
      {
        phase: (name) => options.onPhase?.(name),
        batches: async () => (stack === undefined ? undefined : logicBatches(stack.stack.urls.logicHttp)),
        sample: (sample) => {
          const { phase, seconds } = director.now;
          const totals = meter.totals();
          const takes = phase === CONNECT_PHASE ? connectingSeconds(totals.connected, dials.connections, seconds) : undefined;
          const state = { scenario: scenario.name, phase, ...progress(plan, phase, seconds, takes), sample, sessions: dials.connections };
          view.show({ ...state, sent: totals.sent, acked: totals.acked, delivered: totals.delivered, errors: errorsByName(totals) });
        },
      },
      options.memoryFloorBytes,
      stack === undefined ? undefined : ownServer(stack.stack),
    );
    options.stop.addEventListener("abort", () => director.interrupt());
    const seen = await director.play(scenario);
    view.end();
    const result = makeResult({
      scenario: scenario.name,
      command: options.command,
      started,
      versions: versions(stack !== undefined),
      machine: machine(),
      options: {
        ...optionsOf(options, layout, serverArgs),
        lean,
        ...(options.gateways !== undefined && { server_needs: serverNeeds(dials, setup, options.gateways.length) }),
        ...(dataDir !== undefined && { data_in_memory: inMemory(dataDir) }),
        messages: fleet.messages,
      },
      dataInMemory: dataDir !== undefined && inMemory(dataDir),
      seen,
      meter,
      sessionsAsked: dials.connections,
      wire: fleet.wire,
      restarts: stack === undefined ? servers.newcomers : restarts,
    });
    return { result, interrupted: seen.interrupted };
  } catch (error) {
    // Whatever failed then, failed of that.
    if (options.kill.aborted) throw new Failure("ended at once, as asked: nothing was checked");
    throw error;
  } finally {
    options.kill.removeEventListener("abort", killNow);
    view.end();
    await fleet?.stop();
    await (options.kill.aborted ? stack?.stopNow() : stack?.stop());
  }
}

/** Throws Failure when the run does not fit into this machine. */
async function checkRoom({ dials, gateways, memoryFloorBytes = 0 }: LoadTestOptions, layout: Layout, view: LiveView): Promise<void> {
  if (memoryFloorBytes === 0) return;
  const { connections, transport, connectRate } = dials;
  const demand = { connections, transport, connectRate, gateways: layout.gateways, drivers: layout.sessions.length, ownStack: gateways === undefined };
  const room = await readRoom();
  const short = shortages(demand, room);
  if (short.length > 0) throw new Failure(`this machine has no room for the run:\n  ${short.join("\n  ")}`);
  if (connections >= ROOM_TOLD_FROM) view.tell(roomWords(demand, room));
}

interface OwnStack {
  stack: Stack;
  dataDir: string;
  stop(): Promise<void>;
  stopNow(): Promise<void>;
}

async function startOwnStack(
  layout: Layout,
  gatewayArgs: readonly string[],
  { logicArgs = [], sharePorts, drainMs }: Setup,
  lean: boolean,
  { secret, verbose }: LoadTestOptions,
  restarted: (line: string) => void,
): Promise<OwnStack> {
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-loadtest-"));
  const cleanUp = (): void => rmSync(dataDir, { recursive: true, force: true });
  try {
    const stack = await startStack({
      dataDir,
      ports: "free",
      gateways: layout.gateways,
      ...(secret === undefined ? { dev: true } : { jwtSecret: secret }),
      logLevel: verbose ? "info" : "error",
      line: (part, text) => process.stderr.write(`${part.padEnd(9)} | ${text}\n`),
      gatewayArgs,
      ...(lean && { nodeArgs: LEAN_NODE }),
      ...(leanFor(layout) && { gatewayNice: LEAN_NICE }),
      logicArgs,
      sharePorts: sharePorts === true && canSharePorts(),
      ...(drainMs !== undefined && { drainMs }),
      onRestart: (part, how) => restarted(`${part} ended with ${how}`),
    });
    return {
      stack,
      dataDir,
      stop: () => stack.stop().finally(cleanUp),
      stopNow: () => stack.stopNow().finally(cleanUp),
    };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

/** Server processes as a running stack's record names them. Throws Failure when there is no such stack. */
function recordedPids(dataDir: string | undefined): (() => Record<string, number>) | undefined {
  if (dataDir === undefined) return undefined;
  const path = join(dataDir, "run.json");
  const read = (): Record<string, Identity> => (JSON.parse(readFileSync(path, "utf8")) as { parts: Record<string, Identity> }).parts;
  try {
    const parts = Object.entries(read());
    if (parts.length === 0 || !parts.every(([, identity]) => runs(identity))) throw new Failure(`--data ${dataDir}: what its run.json names does not run`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new Failure(`--data ${dataDir} holds no run.json: no stack runs on it (hawser start --data)`);
    throw error;
  }
  return () => Object.fromEntries(Object.entries(read()).map(([part, { pid }]) => [part, pid]));
}

function stopped(signal: AbortSignal): void {
  if (signal.aborted) throw new Failure("stopped before it began");
}

function runId(): string {
  let id = "";
  while (id.length < RUN_ID_LETTERS) id += Math.floor(Math.random() * 36).toString(36);
  return id;
}

function optionsOf({ scenario, dials, gateways, seed, secret }: LoadTestOptions, layout: Layout, serverArgs: readonly string[]): Result["options"] {
  return {
    connections: dials.connections,
    seconds: dials.seconds,
    rate: dials.rate,
    transport: dials.transport,
    connect_rate: dials.connectRate,
    ...Object.fromEntries((scenario.heeds ?? []).map((dial) => [dial, dials[dial]])),
    drivers: layout.sessions.length,
    gateways: gateways?.length ?? layout.gateways,
    ...(layout.talkers !== undefined && { talkers: layout.talkers.reduce((sum, count) => sum + count, 0) }),
    server: gateways === undefined ? "own stack" : gateways.flatMap(({ tcp, ws }) => [tcp, ws].filter((url) => url !== undefined)).join(","),
    ...(serverArgs.length > 0 && { gateway_args: serverArgs.join(" ") }),
    tokens: secret === undefined ? "dev" : "JWT",
    seed,
  };
}

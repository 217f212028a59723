// What a scenario is: a short script over verbs, with its defaults, and a plan of its phases for people and progress bars.
// The verbs are carried out by run/director.ts; a scenario knows nothing of processes, sockets or screens.
import type { Answers, CastPlan, NetworkPlan, Share } from "../driver/control.ts";
import type { Window } from "../run/meter.ts";
import type { StoreReads } from "../run/own-server.ts";

export type Transport = "tcp" | "ws" | "both";

/** What a scenario can be told; every one has defaults for those it uses. */
export interface Dials {
  /** Sessions, in all. */
  connections: number;
  /** How long the part that counts lasts. */
  seconds: number;
  /** Messages a second, in all. */
  rate: number;
  transport: Transport;
  /** Sessions that connect each second, in all, where the scenario does not ask for more. */
  connectRate: number;
  /** Of sessions, where a scenario does something to a part of them. */
  percent: number;
  /** Of a receiver, in fan-out. */
  devices: number;
  /** Of a shaped network. */
  profile: string;
  /** Between the beats of a silent session, s; 0: as the gateway has it. */
  heartbeat: number;
  /** Sessions that talk, where most do not; 0: as many as the scenario thinks fit. */
  talkers: number;
  /** Gateways that those who talk are connected to, the first ones; 0: all. */
  talkGateways: number;
}

/** How a stack and its drivers have to be set up for a scenario. */
export interface Setup {
  cast: CastPlan;
  /** How many sessions of all talk, in place of the part that the cast says. */
  talkers?: number;
  network?: NetworkPlan;
  gatewayArgs?: readonly string[];
  logicArgs?: readonly string[];
  /** Gateways that there have to be, where a person does not say how many. */
  gatewaysMin?: number;
  /** All gateways on the same ports, where this machine can do that. */
  sharePorts?: boolean;
  /** How long a gateway takes to send its sessions away. */
  drainMs?: number;
}

export interface PhasePlan {
  name: string;
  /** About how long it takes. */
  seconds: number;
  /** For --help. */
  what: string;
}

/** A scenario's own figures of a phase; names end in their unit. */
export type Figures = Record<string, number>;

/** What of a window goes into the figures of the whole result: everything, where nothing is said. */
export interface Counts {
  /** Latencies of the result. */
  latencies?: boolean;
  /** Server CPU per message; the load has to be steady for that. */
  cpu?: boolean;
  /**
   * The part of the sessions that the scenario itself lets be there and read freely; all, where nothing is said. So much at the least is to
   * be delivered of what is acked meanwhile, else the run is unfit; and where it is not all, senders may be passed over for others.
   */
  there?: number;
}

/** What a scenario may do. Every verb throws when a driver dies or a person stops the run. */
export interface Stage {
  /** Runs a part of the script under a name; its figures are shown and written with the result. */
  phase(name: string, act: (figures: Figures) => Promise<void>): Promise<void>;
  /** Connects the share's sessions that are not connected. `perSecond` in all; AT_ONCE: no pacing. Sessions that fail are counted, and make the run unfit. */
  connect(share?: Share, perSecond?: number): Promise<Answers["connect"]>;
  /** Everybody is there and nobody talks: looks at memory per connection and at what idling costs. */
  rest(seconds: number): Promise<void>;
  /** Sends open loop from now on, so many messages a second in all. */
  traffic(perSecond: number, senders?: Share): Promise<void>;
  stopTraffic(): Promise<void>;
  /** Looks at the memory of all parts with those there who are there now: see MemoryAccount.warm. */
  baseline(): Promise<void>;
  /** Lets what goes on go on, unmeasured. */
  wait(seconds: number): Promise<void>;
  /** The same, measured; see `during`. */
  measure(seconds: number, counts?: Counts): Promise<Window>;
  /** Measures while `act` runs, from a tick of every driver to one behind its end. */
  during(act: () => Promise<unknown>, counts?: Counts): Promise<Window>;
  disconnect(share: Share, how: "close" | "reset", perSecond?: number): Promise<void>;
  /** The share's sessions read so many bytes a second; 0: as fast as they can. Returns how many these are. */
  throttle(share: Share, bytesPerSecond: number): Promise<number>;
  churn(share: Share, partPerMinute: number, awayMs: number): Promise<void>;
  switchNetworks(share: Share, partPerMinute: number): Promise<void>;
  /** Waits until everything sent is acked and delivered; false when nothing moved for `quietSeconds` before that. */
  settle(quietSeconds?: number): Promise<Answers["settle"]>;
  /** Sessions connected now, as the drivers said last. */
  connected(): Promise<number>;
  /** Replaces all gateways, one after the other. Throws Failure where the server is not ours. */
  roll(): Promise<void>;
  /** How often logic read the store since its start; undefined where it is not ours to ask. */
  storeReads(): Promise<StoreReads | undefined>;
  /** Private memory of all gateways; undefined where they are not ours to look at. */
  gatewayBytes(): number | undefined;
  /** Batches that gateways have sent to logic since its start; undefined where it does not say. */
  batches(): Promise<number | undefined>;
  /** Says what did not hold; the run has failed then. */
  require(holds: boolean, otherwise: string): void;
}

/** Dials that only some scenarios know. */
export const SPECIAL_DIALS = ["percent", "devices", "profile", "heartbeat", "talkers", "talkGateways"] as const satisfies (keyof Dials)[];
export type SpecialDial = (typeof SPECIAL_DIALS)[number];

export interface Scenario {
  readonly name: string;
  /** For the list, without a capital and a full stop. */
  readonly summary: string;
  /** What it means, in sentences. */
  readonly meaning: string;
  readonly defaults: Partial<Dials> & Pick<Dials, "connections" | "seconds" | "rate">;
  /** Options beside the common ones that it heeds. */
  readonly heeds?: readonly SpecialDial[];
  /** The most that --percent may be; for a share that comes again each minute it may be above 100. */
  readonly percentMax?: number;
  setup(dials: Dials): Setup;
  phases(dials: Dials): PhasePlan[];
  play(stage: Stage, dials: Dials): Promise<void>;
}

/** No pacing: as fast as the server admits. */
export const AT_ONCE = 1_000_000;

export const COMMON_DEFAULTS: Dials = {
  connections: 0,
  seconds: 0,
  rate: 0,
  transport: "tcp",
  connectRate: 1000,
  percent: 0,
  devices: 0,
  profile: "",
  heartbeat: 0,
  talkers: 0,
  talkGateways: 0,
};

/** Where nothing is said, from this number on they connect faster: a million at a thousand a second take 17 minutes. */
const MANY_CONNECTIONS = 50_000;
const CONNECT_RATE_OF_MANY = 2500;

/** Sessions that connect each second, where nobody says. */
export function usualConnectRate(connections: number): number {
  return connections >= MANY_CONNECTIONS ? CONNECT_RATE_OF_MANY : COMMON_DEFAULTS.connectRate;
}

/** How long resting lasts, s. */
export const REST_SECONDS = 3;

/** Traffic that warms up caches and compilers before it counts: a fifth of what counts, within bounds; s. */
function warmUpSeconds({ seconds }: Dials): number {
  return Math.min(5, Math.max(1, Math.round(seconds / 5)));
}

/** How it is announced. */
export function warmUpPlan(dials: Dials): PhasePlan {
  return { name: "warm-up", seconds: warmUpSeconds(dials), what: "messages flow, unmeasured (but checked)" };
}

/** Starts the traffic, which goes on afterwards. */
export async function warmUp(stage: Stage, dials: Dials): Promise<void> {
  await stage.phase("warm-up", async () => {
    await stage.traffic(dials.rate);
    await stage.wait(warmUpSeconds(dials));
  });
}

/** How long it takes to connect everybody, s. */
export function connectSeconds({ connections, connectRate }: Dials): number {
  return Math.max(1, Math.ceil(connections / connectRate));
}

/** The name of the phase in which everybody comes. */
export const CONNECT_PHASE = "connect";

/** The phases that nearly every scenario begins with: all come, and rest. */
export function beginning(dials: Dials, restSeconds = REST_SECONDS): PhasePlan[] {
  return [
    { name: CONNECT_PHASE, seconds: connectSeconds(dials), what: "all sessions connect, paced by --connect-rate" },
    { name: "rest", seconds: restSeconds, what: "nobody talks: memory per connection, CPU of idling" },
  ];
}

/** Everybody is there at the end of traffic in which nobody was sent away for good. */
export async function requireAll(stage: Stage, { connections }: Dials): Promise<void> {
  const alive = await stage.connected();
  stage.require(alive === connections, `only ${alive} of ${connections} sessions were there at the end of the traffic`);
}

/**
 * Carries them out. `warmPart` of the sessions come first and are looked at before the others: by then every process has done what it does once, so
 * that what the others add is what a connection costs.
 */
export async function begin(stage: Stage, dials: Dials, restSeconds = Math.min(REST_SECONDS, Math.max(1, dials.seconds / 4)), warmPart = 0): Promise<void> {
  await stage.phase(CONNECT_PHASE, async (figures) => {
    const first = warmPart > 0 ? await stage.connect({ from: 0, to: warmPart }) : undefined;
    if (first !== undefined) await stage.baseline();
    const { connected, failed, tookMs, reachedMs } = await stage.connect();
    const all = connected + (first?.connected ?? 0);
    figures["connects_per_second"] = Math.round((all * 1000) / Math.max(1, tookMs + (first?.tookMs ?? 0)));
    if (failed === 0) figures["time_to_all_ms"] = Math.round(reachedMs.max + (first?.reachedMs.max ?? 0));
    else figures["failed"] = failed;
  });
  await stage.phase("rest", () => stage.rest(restSeconds));
}

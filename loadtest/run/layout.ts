// How many processes a run needs and what each is told: arithmetic on what was asked for and what the machine allows, and
// addresses in numbers.
import { lookup } from "node:dns/promises";
import { Failure } from "../../cli/failure.ts";
import type { CastPlan, DriverPlan, Gateway } from "../driver/control.ts";
import type { Dials, Setup, Transport } from "../scenario/scenario.ts";

/** Connections of a process, where it may open 20,000 files: the rest is for its other files (a gateway keeps 256 back) and for connections that are just being closed. */
const CONNECTIONS_PER_PROCESS = 19_400;
const FILES_PER_CONNECTION = 20_000 / CONNECTIONS_PER_PROCESS;
/** Messages a second that a driver process sends and receives with time to spare. */
const RATE_PER_DRIVER = 20_000;
/** Where few of the sessions talk, this many at the most are in one driver: the texts and what is kept of each conversation cost memory, and do so in few processes. */
const TALKERS_PER_DRIVER = 10_000;
/** Source addresses of a driver on loopback: each has some 28,000 ports for each address that is connected to. */
const SOURCES_PER_DRIVER = 4;
/** Above what one person may send by default; the load here has few people who talk much. */
const SENDS_PER_SECOND = 100_000;
const REQUESTS_PER_SECOND = 100_000;

export interface LayoutInput {
  dials: Dials;
  /** Sessions that talk, in all; undefined: the cast says what part of each driver's. */
  talkers?: number | undefined;
  /** Given by a person; undefined: as many as are needed. */
  drivers: number | undefined;
  gateways: number | undefined;
  /** Where it is not given. */
  gatewaysMin?: number | undefined;
  /** Files that a process may open; undefined: no limit known. */
  filesMax: number | undefined;
}

export interface Layout {
  gateways: number;
  /** Sessions of each driver. */
  sessions: number[];
  /** Of these, those who talk, where the scenario says how many; undefined: the cast says. */
  talkers?: number[];
}

/** Throws RangeError when it cannot be done on this machine. */
export function layOut({ dials, talkers, drivers, gateways, gatewaysMin = 1, filesMax }: LayoutInput, ownStack: boolean): Layout {
  const perProcess = filesMax === undefined ? CONNECTIONS_PER_PROCESS : Math.min(CONNECTIONS_PER_PROCESS, Math.floor(filesMax / FILES_PER_CONNECTION));
  const needed = Math.max(1, Math.ceil(dials.connections / perProcess));
  const forRate = Math.ceil(dials.rate / RATE_PER_DRIVER);
  const layout: Layout = { gateways: gateways ?? Math.max(needed, gatewaysMin), sessions: split(dials.connections, drivers ?? Math.max(needed, forRate)) };
  const most = Math.max(...layout.sessions);
  const limit = filesMax === undefined ? Number.POSITIVE_INFINITY : filesMax - 256;
  if (most > limit) throw new RangeError(`${most} connections in one driver process, which may open ${filesMax} files: take more --drivers`);
  if (ownStack && dials.connections / layout.gateways > limit) {
    throw new RangeError(
      `${Math.ceil(dials.connections / layout.gateways)} connections to one gateway, which may open ${filesMax} files: take more --gateways`,
    );
  }
  if (layout.sessions.length > dials.connections) throw new RangeError(`${layout.sessions.length} drivers for ${dials.connections} connections: take fewer`);
  if (layout.sessions.length > 250) throw new RangeError("at most 250 drivers: each has source addresses of its own");
  if (talkers !== undefined) layout.talkers = whoTalks(layout.sessions, talkers, forRate);
  if (dials.talkGateways > layout.gateways)
    throw new RangeError(`--talk-gateways ${dials.talkGateways} of ${layout.gateways} gateways: take fewer, or more --gateways`);
  return layout;
}

/** How many of each driver's sessions talk: `total`, in as few drivers as take them, at least `driversMin`, each with room for partners. */
function whoTalks(sessions: readonly number[], total: number, driversMin: number): number[] {
  const wanted = Math.min(
    total,
    sessions.reduce((sum, count) => sum + count, 0),
  );
  const smallest = Math.min(...sessions);
  const parts = Math.min(sessions.length, Math.max(driversMin, Math.ceil(wanted / Math.min(TALKERS_PER_DRIVER, smallest)), wanted > 0 ? 1 : 0));
  const talkers = split(wanted, Math.max(1, parts));
  return sessions.map((count, driver) => Math.min(count, talkers[driver] ?? 0));
}

/**
 * Of the sessions that do not talk, the part that goes to the gateways of those who do, so that every gateway has as many
 * connections as every other: `talkGateways` of `gateways` hold all `talkers` of `connections` sessions.
 */
export function idleWithTalkers(connections: number, talkers: number, gateways: number, talkGateways: number): number {
  const idle = connections - talkers;
  if (idle <= 0) return 0;
  return Math.min(1, Math.max(0, (connections * (talkGateways / gateways) - talkers) / idle));
}

/** `total` in so many nearly equal parts. */
function split(total: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts));
}

/** Arguments of the gateways of a stack of our own: room for everybody, and no limit on how much one session talks. */
export function gatewayArgs(dials: Dials, setup: Setup, gateways: number, filesMax: number | undefined): string[] {
  const room = Math.ceil((dials.connections / gateways) * 1.25) + 256;
  const connections = filesMax === undefined ? room : Math.min(room, filesMax - 256);
  return [
    ...["--connections-max", `${connections}`, "--sends-per-second", `${SENDS_PER_SECOND}`, "--requests-per-second", `${REQUESTS_PER_SECOND}`],
    ...(dials.heartbeat > 0 ? ["--heartbeat-ms", `${dials.heartbeat * 1000}`] : []),
    ...(setup.gatewayArgs ?? []),
  ];
}

/** With more processes than this on this machine, memory is what ends first. */
const PROCESSES_MANY = 8;
/**
 * Options of Node for a process of which there are many: the young generation of its heap, which grows to 48 MB under load by default,
 * stays at 3 MB, and V8 has one thread of its own instead of four. With 19,000 connections on one gateway (TCP, 300 messages a second) that is
 * 32 MB of private memory instead of 63, a driver 39 instead of 67, at the same CPU per message.
 */
export const LEAN_NODE: readonly string[] = ["--max-semi-space-size=1", "--v8-pool-size=1"];

/**
 * How far such processes stand back for others (nice): a hundred gateways and drivers would leave NATS and logic, one process each through which all go, a
 * fiftieth of two cores when all want them at once, as when they start or connect. At 15 a hundred of them weigh as much as four that do not.
 */
export const LEAN_NICE = 15;

/** Whether gateways and drivers are to save memory where nobody says. */
export function leanFor({ gateways, sessions }: Layout): boolean {
  return gateways + sessions.length > PROCESSES_MANY;
}

export interface DriversInput {
  dials: Dials;
  setup: Setup;
  layout: Layout;
  gateways: Gateway[];
  run: string;
  seed: number;
  messages: string | undefined;
  token: DriverPlan["token"];
  platform: NodeJS.Platform;
}

export function driverPlans({ dials, setup, layout, gateways, run, seed, messages, token, platform }: DriversInput): DriverPlan[] {
  const drivers = layout.sessions.length;
  // On Linux all of 127/8 is this machine without being set up; elsewhere only 127.0.0.1 is.
  const ownSources = platform === "linux" && gateways.every(isLoopback);
  const { talkers } = layout;
  const castOf = (driver: number): CastPlan =>
    talkers === undefined || setup.cast.kind !== "pairs" ? setup.cast : { kind: "pairs", talkers: talkers[driver]! / layout.sessions[driver]! };
  const together = dials.talkGateways > 0 && dials.talkGateways < gateways.length && talkers !== undefined;
  const talk = together && {
    gateways: dials.talkGateways,
    idlePart: idleWithTalkers(
      dials.connections,
      talkers.reduce((sum, count) => sum + count, 0),
      gateways.length,
      dials.talkGateways,
    ),
  };
  return layout.sessions.map((sessions, driver) => ({
    driver,
    drivers,
    sessions,
    transport: dials.transport,
    gateways,
    sources: ownSources ? Array.from({ length: SOURCES_PER_DRIVER }, (_, i) => `127.1.${driver}.${i + 1}`) : [],
    run,
    seed,
    cast: castOf(driver),
    ...(talk !== false && { talk }),
    ...(messages !== undefined && { messages }),
    token,
    ...(setup.network !== undefined && { network: setup.network }),
  }));
}

function isLoopback(gateway: Gateway): boolean {
  return [gateway.tcp, gateway.ws].every((url) => url === undefined || /^(127\.|localhost$)/.test(new URL(url).hostname));
}

/** What a given server has to be told for a scenario to be what it is on a stack of our own, in words. */
export function serverNeeds(dials: Dials, setup: Setup, gateways: number): string {
  const [, , ...args] = gatewayArgs(dials, setup, gateways, undefined);
  return [`gateway ${args.join(" ")}`, ...(setup.logicArgs === undefined ? [] : [`logic ${setup.logicArgs.join(" ")}`])].join("; ");
}

/** The same addresses with numbers for names: what opens connections looks nothing up. Throws Failure naming the one that is not known. */
export async function resolveHosts(gateways: readonly Gateway[]): Promise<Gateway[]> {
  const numbered = async (text: string): Promise<string> => {
    const url = new URL(text);
    try {
      // Of these schemes a URL lets the name be replaced in its text only.
      const { address } = await lookup(url.hostname, { family: 4 });
      return text.replace(url.hostname, address);
    } catch (error) {
      throw new Failure(`--url ${text}: no IPv4 address of ${url.hostname} is known (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    }
  };
  return Promise.all(
    gateways.map(async ({ tcp, ws }) => ({ ...(tcp !== undefined && { tcp: await numbered(tcp) }), ...(ws !== undefined && { ws: await numbered(ws) }) })),
  );
}

/** Addresses from --url: tcp:// and ws://, several in one by commas. Throws RangeError naming the one that is not. */
export function parseUrls(urls: readonly string[]): Gateway[] {
  return urls
    .flatMap((url) => url.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text): Gateway => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      if (url?.protocol === "tcp:" && url.port !== "") return { tcp: text };
      if (url?.protocol === "ws:" && url.hostname !== "") return { ws: text };
      const why = url?.protocol === "tls:" || url?.protocol === "wss:" ? "load is put on plain connections only" : "give tcp://host:port or ws://host:port";
      throw new RangeError(`--url ${text}: ${why}`);
    });
}

/** The transport to use on these addresses: what was asked for, else what they speak. Throws RangeError when they do not. */
export function transportFor(gateways: readonly Gateway[], asked: Transport | undefined, usual: Transport): Transport {
  const tcp = gateways.some((gateway) => gateway.tcp !== undefined);
  const ws = gateways.some((gateway) => gateway.ws !== undefined);
  const transport =
    asked ?? (usual !== "both" && (usual === "tcp" ? !tcp : !ws) ? (tcp ? "tcp" : "ws") : usual === "both" && !(tcp && ws) ? (tcp ? "tcp" : "ws") : usual);
  if ((transport !== "ws" && !tcp) || (transport !== "tcp" && !ws)) {
    throw new RangeError(`--transport ${transport} needs ${transport === "both" ? "a tcp:// and a ws://" : `a ${transport}://`} address in --url`);
  }
  return transport;
}

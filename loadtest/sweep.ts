// What a message and a connection cost as connections grow: several results of the same load at different sizes, side by side.
// Pure: from results to a Sweep, which is what `hawser loadtest sweep --json` writes and report/sweep-report.ts draws.
//
// What is compared is the same rate of messages, through as many gateways, at each size. A gateway through which nobody talks
// costs what it costs idle, and stands apart ("idle gateways"); what everything else uses idle, seen while nobody talked, is
// taken off too. So "in play" says what a message costs; the totals stand beside it.
import type { Result } from "./result.ts";
import { IDLE_GATEWAYS, sum } from "./run/servers.ts";

export const SWEEP_FORMAT = 1;

/** What counts as flat: the largest at most so many times the smallest. */
export const FLAT_RATIO_MAX = 1.15;
/** Below so many connections a heap's own steps are more than they cost: shown, and not judged. */
export const BYTES_CONNECTIONS_MIN = 10_000;

export interface SweepPoint {
  connections: number;
  /** Where it was read from; absent when it was run for the sweep. */
  file?: string;
  gateways: number;
  /** Gateways that those who talk are connected to. */
  talk_gateways: number;
  talkers: number;
  messages_per_second: number;
  /** µs of CPU per acked message: of all server processes; without what they use idle; and the latter of those in play. Null where it was not seen. */
  cpu_us: { total: number | null; over_idle: number | null; in_play: number | null; split: Record<string, number> };
  /** Percent of one core that everything takes with everybody connected and silent. */
  idle_cpu_percent: number;
  /** Messages in a batch from a gateway to logic. */
  messages_per_batch: number | null;
  /** Per connection, over warm processes where the run says: private memory of servers by part, of drivers, and of the kernel for both ends. */
  bytes: { servers: number | null; split: Record<string, number>; drivers: number | null; kernel: number | null; all: number | null };
  connect_seconds: number | null;
  latency_ms: { p50: number; p99: number } | null;
  lost: number;
  passed: boolean;
  unfit: string[];
}

export interface Flatness {
  min: number;
  max: number;
  /** max / min. */
  ratio: number;
  flat: boolean;
  /** Sizes that were judged. */
  points: number;
}

export interface Sweep {
  format: typeof SWEEP_FORMAT;
  kind: "sweep";
  points: SweepPoint[];
  /** Null with fewer than two sizes that tell. */
  flatness: Record<"cpu_us_total" | "cpu_us_over_idle" | "cpu_us_in_play" | "bytes_servers" | "bytes_kernel" | "bytes_all", Flatness | null>;
  /** Why like is not compared with like. */
  warnings: string[];
}

export interface SweepInput {
  result: Result;
  file?: string;
}

export function makeSweep(inputs: readonly SweepInput[]): Sweep {
  const points = inputs.map(pointOf).sort((a, b) => a.connections - b.connections);
  const big = points.filter(({ connections }) => connections >= BYTES_CONNECTIONS_MIN);
  return {
    format: SWEEP_FORMAT,
    kind: "sweep",
    points,
    flatness: {
      cpu_us_total: flatness(points.map(({ cpu_us }) => cpu_us.total)),
      cpu_us_over_idle: flatness(points.map(({ cpu_us }) => cpu_us.over_idle)),
      cpu_us_in_play: flatness(points.map(({ cpu_us }) => cpu_us.in_play)),
      bytes_servers: flatness(big.map(({ bytes }) => bytes.servers)),
      bytes_kernel: flatness(big.map(({ bytes }) => bytes.kernel)),
      bytes_all: flatness(big.map(({ bytes }) => bytes.all)),
    },
    warnings: warningsOf(points),
  };
}

/** Of values above 0; null when there are fewer than two. */
export function flatness(values: readonly (number | null)[]): Flatness | null {
  const known = values.filter((value): value is number => value !== null && value > 0);
  if (known.length < 2) return null;
  const [min, max] = [Math.min(...known), Math.max(...known)];
  const ratio = Number((max / min).toFixed(3));
  return { min, max, ratio, flat: ratio <= FLAT_RATIO_MAX, points: known.length };
}

function pointOf({ result, file }: SweepInput): SweepPoint {
  const { server, options, memory } = result;
  const gateways = number(options["gateways"]) ?? 1;
  const talk = number(options["talkGateways"]) ?? 0;
  const hold = result.phases.find(({ figures }) => "acked_per_second" in figures)?.figures ?? {};
  const perSecond = hold["acked_per_second"] ?? number(options["rate"]) ?? 0;
  const idle = server?.idle_cpu_percent ?? {};
  const further = memory?.further_bytes_per_connection;
  const kernel = further?.["kernel"] ?? memory?.bytes_per_connection["kernel"] ?? server?.kernel_bytes_per_connection ?? null;
  const drivers = further?.["drivers"] ?? memory?.bytes_per_connection["drivers"] ?? result.driver.bytes_per_connection;
  const split = further === undefined ? (server?.bytes_per_connection_split ?? {}) : serversOf(further);
  const servers = further === undefined ? (server?.bytes_per_connection ?? null) : sum(split);
  const connect = result.phases.find(({ figures }) => "time_to_all_ms" in figures)?.figures["time_to_all_ms"];
  return {
    connections: result.connections,
    ...(file !== undefined && { file }),
    gateways,
    talk_gateways: talk === 0 ? gateways : Math.min(talk, gateways),
    talkers: number(options["talkers"]) ?? result.connections,
    messages_per_second: perSecond,
    cpu_us: {
      total: server?.cpu_us_per_message ?? null,
      over_idle: server?.cpu_us_per_message_over_idle ?? null,
      in_play: server === null || server.cpu_us_per_message_over_idle === null ? null : inPlay(server.split, idle, perSecond),
      split: server?.split ?? {},
    },
    idle_cpu_percent: Number(sum(idle).toFixed(2)),
    messages_per_batch: hold["messages_per_batch"] ?? null,
    bytes: {
      servers,
      split,
      drivers,
      kernel,
      all: servers === null || kernel === null ? null : servers + kernel + (drivers ?? 0),
    },
    connect_seconds: connect === undefined ? null : connect / 1000,
    latency_ms: result.latency_ms === null ? null : { p50: result.latency_ms.p50, p99: result.latency_ms.p99 },
    lost: result.lost,
    passed: result.passed,
    unfit: result.unfit,
  };
}

/** CPU per message of all parts but gateways that nobody talks through, without what these parts use idle. */
function inPlay(split: Record<string, number>, idlePercent: Record<string, number>, perSecond: number): number | null {
  if (perSecond <= 0) return null;
  let micros = 0;
  for (const [part, perMessage] of Object.entries(split)) {
    if (part !== IDLE_GATEWAYS) micros += perMessage - ((idlePercent[part] ?? 0) * 10_000) / perSecond;
  }
  return micros > 0 ? Number(micros.toFixed(2)) : null;
}

function warningsOf(points: readonly SweepPoint[]): string[] {
  const warnings: string[] = [];
  const differ = (what: string, values: readonly number[], tolerance = 0): void => {
    const [min, max] = [Math.min(...values), Math.max(...values)];
    if (max > min * (1 + tolerance)) warnings.push(`${what} differ: ${values.join(", ")}`);
  };
  if (points.length === 0) return warnings;
  differ(
    "gateways that messages go through (more of them have smaller batches)",
    points.map(({ talk_gateways }) => talk_gateways),
  );
  differ(
    "messages a second",
    points.map(({ messages_per_second }) => messages_per_second),
    0.05,
  );
  differ(
    "sessions that talk",
    points.map(({ talkers }) => talkers),
  );
  for (const { connections, passed, unfit } of points) {
    if (!passed) warnings.push(`the run with ${connections} connections failed`);
    for (const reason of unfit) warnings.push(`${connections} connections: ${reason}`);
  }
  return warnings;
}

/** Of all parts, those of the server. */
function serversOf({ kernel: _kernel, drivers: _drivers, ...parts }: Record<string, number>): Record<string, number> {
  return parts;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

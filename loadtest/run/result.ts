// Makes the result of a run out of what was seen. Pure: every figure comes from what is handed in.
import type { Verdict } from "../driver/control.ts";
import { type CheckCounts, RESULT_FORMAT, type Result, type Trace } from "../result.ts";
import type { MeasuredWindow, Seen } from "./director.ts";
import { type FitnessFacts, unfitReasons } from "./fitness.ts";
import { memoryAccount } from "./memory.ts";
import { errorsByName, type Meter, round } from "./meter.ts";
import { sum } from "./servers.ts";

/** Fewer connections than this, and the noise of a heap is more than they cost. */
export const MEMORY_CONNECTIONS_MIN = 1000;
/** The same of a driver, which also has the texts. */
const DRIVER_MEMORY_CONNECTIONS_MIN = 10_000;
/** What idling costs is known where so nearly as many were connected then: the part by which they may differ. */
const IDLE_CONNECTIONS_PART = 0.05;
const TRACES_OF_KIND_MAX = 100;
/** Of memory against connections. */
const CURVE_POINTS_MAX = 200;

export interface ResultInput extends Pick<Result, "scenario" | "command" | "started" | "versions" | "machine" | "options"> {
  seen: Seen;
  meter: Meter;
  sessionsAsked: number;
  wire: string;
  restarts: readonly string[];
  /** The server's data are not on a disk. */
  dataInMemory: boolean;
}

export function makeResult(input: ResultInput): Result {
  const { seen, meter } = input;
  const verdict = mergeVerdicts(seen.verdicts);
  const { traces, frames, ...check } = verdict;
  const counted = seen.windows.filter((window) => window.cpu);
  const driverCpu = driverCpuOf(seen.windows, input.meter);
  // Of the measured windows only: with what came outside of them, warm-up would be in it.
  const gathered = meter.headline;
  const latency = gathered.delivery.percentiles();
  const sent = total(counted, (window) => window.sent);
  // Deliveries of a message, from the end of the run, when all of them have come.
  const fanOut = check.acked > 0 ? check.delivered / check.acked : 0;
  const lagP99Ms = round(gathered.lagP99(), 3);
  const throttled = meter.all.throttled.percentiles();
  const facts: FitnessFacts = {
    driverCpuPercent: driverCpu,
    driverPeakPercent: Math.max(0, ...counted.flatMap((window) => window.driverCpu.map(({ max }) => max))),
    lagP99Ms,
    latencyP99Ms: latency?.p99 ?? null,
    stolenPercent: weighted(seen.windows, (window) => window.stolenPercent),
    rateAsked: weighted(counted, (window) => window.rateAsked),
    rateSent: counted.length === 0 ? 0 : total(counted, (window) => window.sent) / total(counted, (window) => window.seconds),
    window: {
      sent,
      acked: total(counted, (window) => window.acked),
      delivered: total(counted, (window) => window.delivered),
      owed: fanOut * total(counted, (window) => window.acked * window.there),
      overLimit: total(counted, (window) => window.overLimit),
    },
    passedOverPart: passedOverPart(counted.filter((window) => window.there === 1)),
    nothingMeasured: latency === null && total(seen.windows, (window) => window.sent) > 0,
    skipped: meter.totals().skipped,
    sessionsAsked: input.sessionsAsked,
    sessionsConnected: seen.connections,
    restarts: input.restarts,
    dataInMemory: input.dataInMemory,
    interrupted: seen.interrupted,
  };
  const memory = memoryAccount(seen);
  const failures = [...seen.failures, ...promisesBroken(check)];
  return {
    format: RESULT_FORMAT,
    scenario: input.scenario,
    command: input.command,
    started: input.started,
    seconds: seen.seconds,
    versions: input.versions,
    machine: input.machine,
    options: input.options,
    connections: seen.connections,
    sent: check.sent,
    acked: check.acked,
    delivered: check.delivered,
    lost: check.lost,
    duplicated: check.duplicated,
    out_of_order: check.out_of_order,
    check,
    traces,
    latency_ms: latency,
    ack_latency_ms: gathered.ack.percentiles(),
    ...(throttled !== null && { throttled_latency_ms: throttled }),
    latency_curve: gathered.delivery.curve(),
    ack_latency_curve: gathered.ack.curve(),
    server: serverOf(seen, counted),
    ...(memory !== undefined && { memory }),
    memory_curve: memoryCurve(seen),
    driver_cpu_percent: Math.max(0, ...driverCpu),
    driver: {
      processes: driverCpu.length,
      cpu_percent: driverCpu,
      bytes_per_connection: driverBytesPerConnection(seen),
      lag_p99_ms: lagP99Ms,
      passed_over_percent: round(100 * passedOverPart(counted), 2),
      over_limit_percent: sent === 0 ? 0 : round((100 * facts.window.overLimit) / sent, 2),
      wire: input.wire,
    },
    frame_bytes: Object.fromEntries(Object.entries(frames).map(([type, { count, bytes }]) => [type, round(bytes / Math.max(1, count), 2)])),
    phases: seen.phases,
    samples: seen.samples,
    errors: errorsByName(meter.totals()),
    ...(Object.keys(meter.errorDetails()).length > 0 && { error_details: meter.errorDetails() }),
    unfit: unfitReasons(facts),
    failures,
    passed: failures.length === 0,
  };
}

/** What the checker found against the promises, in words. */
function promisesBroken(check: CheckCounts): string[] {
  const broken: string[] = [];
  if (check.lost > 0) broken.push(`${check.lost} deliveries of acked messages never came`);
  if (check.not_pushed) broken.push(`${check.not_pushed} deliveries were not pushed, and came only when they were asked for at the end`);
  if (check.duplicated > 0) broken.push(`${check.duplicated} deliveries came again as another row`);
  if (check.out_of_order > 0) broken.push(`${check.out_of_order} deliveries were out of order or not what was sent`);
  if (check.unacked > 0) broken.push(`${check.unacked} messages were never acked`);
  if (check.heads_wrong > 0) broken.push(`${check.heads_wrong} of ${check.heads_checked} conversations do not end where the acks say`);
  if (check.heads_unchecked) broken.push(`the heads of ${check.heads_unchecked} conversations could not be compared with the acks`);
  if (check.foreign) broken.push(`${check.foreign} rows or heads came to sessions that should never have seen them, or as something else than was sent`);
  if (check.protocol_errors) broken.push(`the server broke the protocol on ${check.protocol_errors} connections`);
  return broken;
}

const COUNTS = [
  "sent",
  "acked",
  "delivered",
  "lost",
  "duplicated",
  "out_of_order",
  "repeated_on_wire",
  "unacked",
  "heads_checked",
  "heads_wrong",
  "not_pushed",
  "heads_unchecked",
  "foreign",
  "protocol_errors",
] as const satisfies (keyof CheckCounts)[];

export function mergeVerdicts(verdicts: readonly Verdict[]): Verdict {
  const counts = Object.fromEntries(
    COUNTS.map((count) => [count, verdicts.reduce((sum, verdict) => sum + (verdict[count] ?? 0), 0)]),
  ) as unknown as CheckCounts;
  // Of each kind some: a thousand that are lost must not hide the one that came twice.
  const kinds: Record<string, number> = {};
  const traces: Trace[] = verdicts.flatMap((verdict) => verdict.traces).filter(({ what }) => (kinds[what] = (kinds[what] ?? 0) + 1) <= TRACES_OF_KIND_MAX);
  const frames: Verdict["frames"] = {};
  for (const verdict of verdicts) {
    for (const [type, { count, bytes }] of Object.entries(verdict.frames)) {
      const merged = (frames[type] ??= { count: 0, bytes: 0 });
      merged.count += count;
      merged.bytes += bytes;
    }
  }
  return { ...counts, traces, frames };
}

/** CPU per message over the windows that count: all of it, and without what the same processes use when nobody talks. */
function serverOf(seen: Seen, counted: readonly MeasuredWindow[]): Result["server"] {
  if (seen.before.privateBytes === null) return null;
  const { resting } = seen;
  const idleMicrosPerSecond: Record<string, number> = {};
  for (const [part, micros] of Object.entries(resting?.cpuMicros ?? {})) idleMicrosPerSecond[part] = micros / resting!.seconds;
  const measured = counted.filter((window) => window.cpuMicros !== null && window.acked > 0);
  const acked = total(measured, (window) => window.acked);
  const delivered = total(measured, (window) => window.delivered);
  const split: Record<string, number> = {};
  for (const { cpuMicros } of measured) {
    for (const [part, micros] of Object.entries(cpuMicros!)) split[part] = (split[part] ?? 0) + micros / acked;
  }
  return {
    cpu_us_per_message: acked === 0 ? null : round(sum(split), 2),
    cpu_us_per_message_over_idle: acked === 0 ? null : overIdle(sum(split), sum(idleMicrosPerSecond), acked, measured, resting),
    cpu_us_per_delivery: acked === 0 || delivered === 0 ? null : round((sum(split) * acked) / delivered, 2),
    split: rounded(split, 2),
    idle_cpu_percent: rounded(Object.fromEntries(Object.entries(idleMicrosPerSecond).map(([part, micros]) => [part, micros / 10_000])), 2),
    ...memoryOf(seen),
  };
}

/** Null where idling was not seen, or with another number of connections, or where its short sample is above what was used under load. */
function overIdle(gross: number, idleMicrosPerSecond: number, acked: number, measured: readonly MeasuredWindow[], resting: Seen["resting"]): number | null {
  if (resting === undefined || resting.cpuMicros === null) return null;
  const { connections } = resting;
  const alike = (connected: number): boolean => Math.abs(connected - connections) <= connections * IDLE_CONNECTIONS_PART;
  if (!measured.every(({ connectedFrom, connectedTo }) => alike(connectedFrom) && alike(connectedTo))) return null;
  const left = gross - (idleMicrosPerSecond * total(measured, (window) => window.seconds)) / acked;
  return left < 0 ? null : round(left, 2);
}

function memoryOf(seen: Seen): Pick<NonNullable<Result["server"]>, "bytes_per_connection" | "bytes_per_connection_split" | "kernel_bytes_per_connection"> {
  const { before, resting } = seen;
  if (resting === undefined || resting.connections < MEMORY_CONNECTIONS_MIN || resting.look.privateBytes === null || before.privateBytes === null) {
    return { bytes_per_connection: null, bytes_per_connection_split: {}, kernel_bytes_per_connection: null };
  }
  const { connections, look } = resting;
  const split = Object.fromEntries(
    Object.entries(resting.look.privateBytes).map(([part, bytes]) => [part, Math.round((bytes - (before.privateBytes![part] ?? 0)) / connections)]),
  );
  const kernel = look.kernelBytes === null || before.kernelBytes === null ? null : Math.round((look.kernelBytes - before.kernelBytes) / connections);
  return { bytes_per_connection: sum(split), bytes_per_connection_split: split, kernel_bytes_per_connection: kernel };
}

function driverBytesPerConnection({ before, resting }: Seen): number | null {
  if (resting === undefined || resting.connections < DRIVER_MEMORY_CONNECTIONS_MIN) return null;
  return Math.round((resting.driverBytes - before.driverBytes) / resting.connections);
}

/** [connections, private bytes of the gateways], from none on, while their number grew for the first time. */
function memoryCurve({ samples, before }: Seen): [number, number][] {
  const empty = before.privateBytes?.["gateway"];
  const curve: [number, number][] = empty === undefined ? [] : [[0, empty]];
  for (const { connected, server_rss_bytes: bytes } of samples) {
    const gateway = bytes?.["gateway"];
    if (gateway !== undefined && connected > (curve.at(-1)?.[0] ?? -1)) curve.push([connected, gateway]);
  }
  const step = Math.ceil(curve.length / CURVE_POINTS_MAX);
  return curve.filter((_, i) => i % step === 0 || i === curve.length - 1);
}

/** By driver, averaged over the windows by their length; without windows over the whole run. */
function driverCpuOf(windows: readonly MeasuredWindow[], meter: Meter): number[] {
  if (windows.length === 0) return meter.all.cpu.map(({ sum, ticks }) => round(sum / ticks, 1));
  return windows[0]!.driverCpu.map((_, driver) =>
    round(
      weighted(windows, (window) => window.driverCpu[driver]!.mean),
      1,
    ),
  );
}

function passedOverPart(windows: readonly MeasuredWindow[]): number {
  const sent = total(windows, (window) => window.sent);
  return sent === 0 ? 0 : total(windows, (window) => window.passedOver) / sent;
}

function weighted(windows: readonly MeasuredWindow[], value: (window: MeasuredWindow) => number): number {
  const seconds = total(windows, (window) => window.seconds);
  return seconds === 0 ? 0 : total(windows, (window) => value(window) * window.seconds) / seconds;
}

function total(windows: readonly MeasuredWindow[], value: (window: MeasuredWindow) => number): number {
  return windows.reduce((sum, window) => sum + value(window), 0);
}

function rounded(values: Record<string, number>, digits: number): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value, digits)]));
}

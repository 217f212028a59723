// What a run of the peers gives back. Field names carry their units and are what scripts read: add, but do not rename.
import type { Conditions, Machine } from "../conditions.ts";
import { median } from "../process-cpu.ts";
import type { Guarantees } from "./catalogue.ts";
import type { DirectResult } from "./measure/direct.ts";
import type { FanoutResult } from "./measure/fanout.ts";
import type { IdleResult } from "./measure/idle.ts";
import type { Split } from "./measure/processes.ts";

/** One measurement of one peer in one round. */
export interface RoundOf<T> {
  round: number;
  result: T | null;
  /** Why there is no result. */
  failed: string | null;
  conditions: Conditions;
}

export interface PeerRounds {
  name: string;
  label: string;
  version: string;
  guarantees: Guarantees;
  /** Why it was not measured; null: it was. */
  skipped: string | null;
  idle: RoundOf<IdleResult>[];
  direct: RoundOf<DirectResult>[];
  busy: RoundOf<DirectResult>[];
  fanout: RoundOf<FanoutResult>[];
}

/** Medians over the rounds; null where nothing was measured. */
export interface PeerFigures {
  name: string;
  label: string;
  version: string;
  guarantees: Guarantees;
  skipped: string | null;
  failed: string[];
  user_bytes_per_connection: number | null;
  /** Medians by process, here and below: they need not add up. */
  user_bytes_split: Split;
  kernel_bytes_per_connection: number | null;
  cpu_us_per_message: number | null;
  message_split_us: Split;
  message_ratio_to_floor: number | null;
  messages_per_second: number | null;
  /** Of one core, used by the driver meanwhile. */
  message_driver_percent: number | null;
  /** The same with so many pairs that servers are at their limit. */
  busy_cpu_us_per_message: number | null;
  busy_split_us: Split;
  busy_ratio_to_floor: number | null;
  busy_messages_per_second: number | null;
  busy_driver_percent: number | null;
  cpu_us_per_delivery: number | null;
  delivery_split_us: Split;
  delivery_ratio_to_floor: number | null;
  deliveries_per_second: number | null;
  wire_bytes_per_message: number | null;
  /** Without the text itself, which travels twice. */
  wire_overhead_per_message: number | null;
  recovery_ms: number | null;
  /** The largest number of sessions that did not come back in a round. */
  missing: number | null;
}

export interface PeersResult {
  bench: "peers";
  at: string;
  command: string;
  machine: Machine;
  settings: {
    rounds: number;
    seconds: number;
    settle_seconds: number;
    connections: number;
    pairs: number;
    busy_pairs: number;
    members: number;
    in_flight: number;
    wire: string;
    texts: string;
  };
  figures: PeerFigures[];
  /** Where others are better than Hawser, and by how much. */
  losses: string[];
  unfit: string[];
  rounds: PeerRounds[];
}

/** Medians, and ratios to the floor of the same round. */
export function figuresOf(peer: PeerRounds, floor: PeerRounds | undefined): PeerFigures {
  const idle = peer.idle.flatMap(({ result }) => result ?? []);
  const direct = peer.direct.flatMap(({ result }) => result ?? []);
  const busy = peer.busy.flatMap(({ result }) => result ?? []);
  const fanout = peer.fanout.flatMap(({ result }) => result ?? []);
  const recovery = idle.flatMap(({ recoveryMs }) => recoveryMs ?? []);
  const failed = [...peer.idle, ...peer.direct, ...peer.busy, ...peer.fanout].flatMap(({ failed }) => failed ?? []);
  return {
    name: peer.name,
    label: peer.label,
    version: peer.version,
    guarantees: peer.guarantees,
    skipped: peer.skipped,
    failed: [...new Set(failed)],
    user_bytes_per_connection: medianOf(idle, ({ userBytes }) => userBytes),
    user_bytes_split: medianSplit(idle.filter(({ userBytes }) => userBytes !== null)),
    kernel_bytes_per_connection: medianOf(idle, ({ kernelBytes }) => kernelBytes),
    cpu_us_per_message: medianOf(direct, ({ cpuMicros }) => cpuMicros),
    message_split_us: medianSplit(direct),
    message_ratio_to_floor: ratio(peer.direct, floor?.direct),
    messages_per_second: medianOf(direct, ({ perSecond }) => perSecond),
    message_driver_percent: medianOf(direct, ({ driverPercent }) => driverPercent),
    busy_cpu_us_per_message: medianOf(busy, ({ cpuMicros }) => cpuMicros),
    busy_split_us: medianSplit(busy),
    busy_ratio_to_floor: ratio(peer.busy, floor?.busy),
    busy_messages_per_second: medianOf(busy, ({ perSecond }) => perSecond),
    busy_driver_percent: medianOf(busy, ({ driverPercent }) => driverPercent),
    cpu_us_per_delivery: medianOf(fanout, ({ cpuMicros }) => cpuMicros),
    delivery_split_us: medianSplit(fanout),
    delivery_ratio_to_floor: ratio(peer.fanout, floor?.fanout),
    deliveries_per_second: medianOf(fanout, ({ perSecond }) => perSecond),
    wire_bytes_per_message: medianOf(direct, ({ wireBytes }) => wireBytes),
    wire_overhead_per_message: medianOf(direct, ({ wireBytes, textBytes }) => wireBytes - 2 * textBytes),
    recovery_ms: medianOf(recovery, (ms) => ms),
    missing: idle.length === 0 ? null : Math.max(...idle.map(({ missing }) => missing)),
  };
}

function medianOf<T>(values: readonly T[], of: (value: T) => number | null): number | null {
  const known = values.flatMap((value) => of(value) ?? []);
  return known.length === 0 ? null : median(known);
}

function medianSplit(values: readonly { split: Split }[]): Split {
  return Object.fromEntries(Object.keys(values[0]?.split ?? {}).map((part) => [part, median(values.flatMap(({ split }) => split[part] ?? []))]));
}

function ratio(own: readonly RoundOf<{ cpuMicros: number }>[], floor: readonly RoundOf<{ cpuMicros: number }>[] | undefined): number | null {
  const ratios = own.flatMap(({ round, result }) => {
    const below = floor?.find((other) => other.round === round)?.result;
    return result && below ? [result.cpuMicros / below.cpuMicros] : [];
  });
  return medianOf(ratios, (value) => value);
}

type Figure = "user_bytes_per_connection" | "cpu_us_per_message" | "busy_cpu_us_per_message" | "cpu_us_per_delivery" | "wire_bytes_per_message" | "recovery_ms";

/** `acks`: what is promised for that price belongs to the comparison. */
const COMPARED: readonly { figure: Figure; what: string; unit: string; digits: number; acks: boolean }[] = [
  { figure: "user_bytes_per_connection", what: "memory per idle connection", unit: "bytes", digits: 0, acks: false },
  { figure: "cpu_us_per_message", what: "CPU per 1:1 message", unit: "µs", digits: 1, acks: true },
  { figure: "busy_cpu_us_per_message", what: "CPU per 1:1 message with many pairs", unit: "µs", digits: 1, acks: true },
  { figure: "cpu_us_per_delivery", what: "CPU per fan-out delivery", unit: "µs", digits: 1, acks: true },
  { figure: "wire_bytes_per_message", what: "wire bytes per message", unit: "bytes", digits: 0, acks: true },
  { figure: "recovery_ms", what: "recovery after all were dropped", unit: "ms", digits: 0, acks: false },
];

/** Of differences below this nothing is said: they are within what runs vary. */
const NOTABLE = 1.05;

/** In which figures `own` is worse than which of the others, a sentence for each figure; where acknowledgements cost something, what those of the better ones say. */
export function lossesOf(own: PeerFigures, others: readonly PeerFigures[]): string[] {
  const losses: string[] = [];
  for (const { figure, what, unit, digits, acks } of COMPARED) {
    const value = own[figure];
    if (value === null) continue;
    const better = others
      .flatMap((other) => {
        const theirs = other[figure];
        return theirs !== null && value > theirs * NOTABLE ? [{ other, theirs }] : [];
      })
      .sort((a, b) => a.theirs - b.theirs);
    if (better.length === 0) continue;
    const names = better.map(({ other, theirs }) => `${other.label} (${theirs.toFixed(digits)}${acks ? `; ack: ${other.guarantees.ack}` : ""})`);
    losses.push(`${own.label} loses in ${what}, ${value.toFixed(digits)} ${unit}, to ${names.join(", ")}.`);
  }
  return losses;
}

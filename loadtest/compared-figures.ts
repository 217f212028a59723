// The figures of a result that are worth comparing, each with what is better and how much of a difference is noise. Pure.
import type { Percentiles, Result, Sample } from "./result.ts";

export type Better = "lower" | "higher" | "neither";

export interface Measured {
  /** Unique, with its unit at its end where it has one. */
  name: string;
  value: number;
  better: Better;
  /** A difference up to this part is noise by the kind of the figure; 0: every difference counts. */
  tolerance: number;
  /** A difference below this, in the figure's own unit, is less than can be measured. */
  least: number;
  /** How far its values of single seconds lie apart: half of their interquartile range, as a part of their median. */
  spread?: number;
}

/** Parts of a figure that may differ between two runs of the same thing. */
export const TOLERANCE = {
  /** What is counted and promised. */
  exact: 0,
  /** Mean sizes on the wire: only the choice of messages moves them. */
  frames: 0.01,
  /** Private memory over tens of thousands of connections. */
  memory: 0.05,
  /** CPU, rates, latencies. */
  usual: 0.1,
  /** Figures of phases: seen once in a run. */
  once: 0.25,
} as const;

/**
 * Differences that are less than can be measured, by the unit at the end of the name: steps of histograms, and of the clock
 * that CPU time is counted by (10 ms) over the few seconds in which idling is looked at.
 */
const LEAST: Record<string, number> = { _ms: 0.05, _percent: 1 };
/** What the heap of a process, or the kernel's slab, is larger or smaller by from run to run, whatever it holds. */
export const HEAP_NOISE_BYTES = 10 * 2 ** 20;

/** Of seconds, before their spread says anything. */
const SECONDS_MIN = 5;

/** In the order in which they are shown. What was not measured is left out. */
export function figuresOf(result: Result): Measured[] {
  const flowing = result.samples.filter((one) => one.acked_per_second > 0);
  const figures: Measured[] = [];
  const add = (name: string, value: number | null | undefined, better: Better, tolerance: number, bySecond?: (sample: Sample) => number | undefined): void => {
    if (value === null || value === undefined) return;
    const spread = bySecond === undefined ? undefined : spreadOf(flowing.map(bySecond));
    const memory = name.endsWith("_bytes_per_connection") ? HEAP_NOISE_BYTES / Math.max(1, result.connections) : 0;
    const least = Object.entries(LEAST).find(([unit]) => name.endsWith(unit))?.[1] ?? memory;
    figures.push({ name, value, better, tolerance, least, ...(spread === undefined ? {} : { spread }) });
  };
  for (const name of ["lost", "duplicated", "out_of_order"] as const) add(name, result[name], "lower", TOLERANCE.exact);
  for (const name of ["unacked", "heads_wrong", "not_pushed", "heads_unchecked", "foreign", "protocol_errors"] as const)
    add(name, result.check[name], "lower", TOLERANCE.exact);
  add("errors", sum(Object.values(result.errors)), "lower", TOLERANCE.usual);
  for (const of of ["sent", "acked", "delivered"] as const) {
    if (flowing.length > 0)
      add(`${of}_per_second`, medianOf(flowing.map((one) => one[`${of}_per_second`])), "higher", TOLERANCE.usual, (one) => one[`${of}_per_second`]);
  }
  addPercentiles("latency", result.latency_ms);
  addPercentiles("ack_latency", result.ack_latency_ms);
  addPercentiles("throttled_latency", result.throttled_latency_ms);
  const { server, driver } = result;
  const cpu = (one: Sample): number | undefined =>
    one.server_cpu_percent === undefined ? undefined : (sum(Object.values(one.server_cpu_percent)) * 1e4) / one.acked_per_second;
  if (server !== null) {
    add("server_cpu_us_per_message", server.cpu_us_per_message, "lower", TOLERANCE.usual, cpu);
    for (const [part, value] of Object.entries(server.split)) {
      add(`${part}_cpu_us_per_message`, value, "lower", TOLERANCE.usual, (one) => percentOf(one, part));
    }
    add("server_cpu_us_per_message_over_idle", server.cpu_us_per_message_over_idle, "lower", TOLERANCE.usual, cpu);
    add("server_cpu_us_per_delivery", server.cpu_us_per_delivery, "lower", TOLERANCE.usual, cpu);
    for (const [part, value] of Object.entries(server.idle_cpu_percent)) add(`${part}_idle_cpu_percent`, value, "lower", TOLERANCE.once);
    add("server_bytes_per_connection", server.bytes_per_connection, "lower", TOLERANCE.memory);
    for (const [part, value] of Object.entries(server.bytes_per_connection_split)) add(`${part}_bytes_per_connection`, value, "lower", TOLERANCE.memory);
    add("kernel_bytes_per_connection", server.kernel_bytes_per_connection, "lower", TOLERANCE.memory);
  }
  for (const [frame, value] of Object.entries(result.frame_bytes)) add(`frame_${frame}_bytes`, value, "lower", TOLERANCE.frames);
  for (const { name, figures: own } of result.phases) {
    for (const [figure, value] of Object.entries(own)) add(`${name}: ${figure}`, value, betterOf(figure), TOLERANCE.once);
  }
  add("driver_cpu_percent", result.driver_cpu_percent, "neither", TOLERANCE.usual, (one) => one.driver_cpu_percent);
  add("driver_bytes_per_connection", driver.bytes_per_connection, "neither", TOLERANCE.memory);
  add("driver_lag_p99_ms", driver.lag_p99_ms, "neither", TOLERANCE.once);
  add("driver_passed_over_percent", driver.passed_over_percent, "neither", TOLERANCE.once);
  add("driver_over_limit_percent", driver.over_limit_percent, "neither", TOLERANCE.once);
  if (result.samples.length > 0)
    add("stolen_percent", mean(result.samples.map((one) => one.stolen_percent)), "neither", TOLERANCE.usual, (one) => one.stolen_percent);
  return figures;

  function addPercentiles(name: string, percentiles: Percentiles | null | undefined): void {
    if (percentiles === null || percentiles === undefined) return;
    const bySecond = { p50: (one: Sample) => one.p50_ms, p90: (one: Sample) => one.p50_ms, p99: (one: Sample) => one.p99_ms };
    for (const place of ["p50", "p90", "p99", "p999", "max"] as const) {
      add(`${name}_${place}_ms`, percentiles[place], "lower", TOLERANCE.usual, place === "p999" || place === "max" ? (one) => one.max_ms : bySecond[place]);
    }
  }
}

/** Of a figure of a phase, by its unit. */
function betterOf(name: string): Better {
  if (/(^|_)(ms|us|bytes)(_per_|$)/.test(name)) return "lower";
  return name.endsWith("_per_second") ? "higher" : "neither";
}

/** Half of the interquartile range, as a part of the median. */
export function spreadOf(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined && Number.isFinite(value)).sort((a, b) => a! - b!) as number[];
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
  if (sorted.length < SECONDS_MIN || at(0.5) <= 0) return undefined;
  return (at(0.75) - at(0.25)) / 2 / at(0.5);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function percentOf(one: Sample, part: string): number | undefined {
  const percent = one.server_cpu_percent?.[part];
  return percent === undefined ? undefined : (percent * 1e4) / one.acked_per_second;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

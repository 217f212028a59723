// Times small pieces of work against each other, and against a floor that nothing doing the same job could beat.
//
// On a machine that is never quiet a figure alone says little, so: CPU time instead of the clock on the wall; each candidate is
// run so often that a slice takes `sliceMs`; slices of all candidates take turns, round by round, so that a bad moment hits
// all alike; ratios are taken within a round; and what is reported are medians over the rounds, with their spread.
// Invariant: what a candidate returns is summed up in `consumed`, so its work cannot be compiled away.
import { collectYoung } from "./collect.ts";
import { type Conditions, ConditionsWatch, unfitBecauseOf } from "./conditions.ts";
import { median } from "./process-cpu.ts";

export interface Candidate {
  readonly name: string;
  /** Does the work `count` times. The number that it returns depends on all of it. */
  run(count: number): number | Promise<number>;
  /** Called before each run of `count`, outside of what is measured. */
  prepare?(count: number): void | Promise<void>;
  /** Name of the candidate that is this one's floor. */
  readonly floor?: string;
  /** Bytes that one operation works through: shown as MB/s. */
  readonly bytes?: number;
  /** Most operations that a slice may hold, where they use up what was prepared. */
  readonly countMax?: number;
}

export interface MeasureOptions {
  rounds: number;
  /** CPU time of one slice. */
  sliceMs: number;
  /** Without one, pauses of the host are not looked for. */
  watch?: ConditionsWatch;
  /** CPU time of this process so far, in µs; for tests. */
  cpuMicros?: () => number;
}

/** Enough to compare, in a few seconds. */
const QUICK = { rounds: 7, sliceMs: 15 };
/** For figures that are written down. */
const FULL = { rounds: 15, sliceMs: 40 };

export function measureOptions({ quick, watch }: { quick: boolean; watch: ConditionsWatch }): MeasureOptions {
  return { ...(quick ? QUICK : FULL), watch };
}

export interface Timing {
  name: string;
  ns_per_op: number;
  ops_per_second: number;
  mb_per_second: number | null;
  floor: string | null;
  floor_ns: number | null;
  ratio_to_floor: number | null;
  /** Between the quartiles of the rounds, in percent of the median: of the ratio, or of the time where there is no floor. */
  spread_percent: number;
  rounds: number;
  /** Operations of one slice. */
  ops_per_slice: number;
}

export interface Measurement {
  timings: Timing[];
  conditions: Conditions;
  unfit: string[];
}

/** Above this a row varies too much between rounds to say more than its order of magnitude. */
export const SPREAD_PERCENT_MAX = 40;
const COUNT_MAX = 2 ** 30;
/** CPU time that each candidate runs before it counts, at least: the compiler has optimized what it will by then. */
const WARM_MICROS = 150_000;

/** Where all results end up. */
export let consumed = 0;

/** Measures the candidates together. Throws when a floor is named that is not among them. */
export async function measure(candidates: readonly Candidate[], options: MeasureOptions): Promise<Measurement> {
  const cpuMicros = options.cpuMicros ?? processCpuMicros;
  const places = new Map(candidates.map(({ name }, place) => [name, place]));
  for (const { name, floor } of candidates)
    if (floor !== undefined && !places.has(floor)) throw new Error(`${name} has a floor that is not measured: ${floor}`);
  const counts: number[] = [];
  for (const candidate of candidates) counts.push(await calibrate(candidate, options.sliceMs, cpuMicros));
  const meter = (options.watch ?? ConditionsWatch.withoutPauses()).begin();
  const nanos: number[][] = candidates.map(() => []);
  for (let round = 0; round < options.rounds; round++) {
    for (let i = 0; i < candidates.length; i++) {
      // Another one first each time: who comes behind whom must not matter.
      const place = (i + round) % candidates.length;
      nanos[place]!.push((await sliceMicros(candidates[place]!, counts[place]!, cpuMicros)) * (1000 / counts[place]!));
    }
  }
  const conditions = await meter.end();
  const timings = candidates.map((candidate, place) => {
    const floorNanos = candidate.floor === undefined ? undefined : nanos[places.get(candidate.floor)!]!;
    return timing(candidate, counts[place]!, nanos[place]!, floorNanos);
  });
  const varying = timings.filter(({ spread_percent }) => spread_percent > SPREAD_PERCENT_MAX);
  const unfit = unfitBecauseOf(conditions);
  if (varying.length * 4 > timings.length) unfit.push(`${varying.length} of ${timings.length} rows vary by more than ${SPREAD_PERCENT_MAX}% between rounds`);
  return { timings, conditions, unfit };
}

/** How often the candidate must run to take `sliceMs` of CPU, once it has warmed up. */
export async function calibrate(candidate: Candidate, sliceMs: number, cpuMicros: () => number): Promise<number> {
  const sliceTarget = sliceMs * 1000;
  const countMax = candidate.countMax ?? COUNT_MAX;
  let warmMicros = 0;
  for (let count = 1; ; ) {
    const micros = await sliceMicros(candidate, count, cpuMicros);
    warmMicros += micros;
    const wanted = micros <= 0 ? countMax : Math.max(1, Math.round((count * sliceTarget) / micros));
    // Settled: warm, and a slice that is long enough to trust.
    if (warmMicros >= WARM_MICROS && (micros >= sliceTarget / 2 || count === countMax)) return Math.min(wanted, countMax);
    count = Math.min(wanted, count * 4, countMax);
  }
}

/** Quartiles apart, in percent of the median. */
export function spreadPercent(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = median(sorted);
  if (sorted.length < 2 || middle === 0) return 0;
  return (100 * (quantile(sorted, 0.75) - quantile(sorted, 0.25))) / middle;
}

/** Of sorted values, between neighbours in proportion. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  const low = sorted[below]!;
  return low + (sorted[Math.min(below + 1, sorted.length - 1)]! - low) * (at - below);
}

/** An empty loop: what counting alone costs. */
export const EMPTY_LOOP: Candidate = {
  name: "empty loop",
  run(count) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = (sum + i) | 0;
    return sum;
  },
};

function timing(candidate: Candidate, count: number, nanos: readonly number[], floorNanos: readonly number[] | undefined): Timing {
  const ns = median(nanos);
  const ratios = floorNanos === undefined ? undefined : nanos.map((value, round) => value / floorNanos[round]!);
  return {
    name: candidate.name,
    ns_per_op: ns,
    ops_per_second: 1e9 / ns,
    mb_per_second: candidate.bytes === undefined ? null : (candidate.bytes * 1000) / ns,
    floor: candidate.floor ?? null,
    floor_ns: floorNanos === undefined ? null : median(floorNanos),
    ratio_to_floor: ratios === undefined ? null : median(ratios),
    spread_percent: spreadPercent(ratios ?? nanos),
    rounds: nanos.length,
    ops_per_slice: count,
  };
}

async function sliceMicros(candidate: Candidate, count: number, cpuMicros: () => number): Promise<number> {
  if (candidate.prepare !== undefined) await candidate.prepare(count);
  // Who made the garbage pays for it, and not who comes next.
  collectYoung();
  const before = cpuMicros();
  const result = candidate.run(count);
  consumed += typeof result === "number" ? result : await result;
  return cpuMicros() - before;
}

/** User and system time of this process with all its threads: what the collector and the compiler do beside is paid for. */
function processCpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

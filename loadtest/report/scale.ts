// Axes without any drawing: a scale turns a value into a position from 0 (start of the axis) to 1 (its end) and names
// round values for its ticks. Invariant, for every scale: positions are finite, rise with the value and stay within 0..1;
// ticks lie within the domain and ascend.

export interface Scale {
  readonly lo: number;
  readonly hi: number;
  /** Position of a value; values outside of the domain are put at its ends. */
  at(value: number): number;
  /** At most `max` (2 or more) round values. */
  ticks(max: number): number[];
}

/** Steps of 1, 2 and 5 times a power of ten. */
const ROUND = [1, 2, 5];

/** Steps of a clock, in seconds; beyond a day, whole days. */
const CLOCK_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** The smallest 1, 2 or 5 × 10ⁿ that is not below `least` (more than 0). */
export function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  for (const factor of ROUND) if (factor * power >= least * (1 - 1e-12)) return exact(factor * power);
  return exact(10 * power);
}

/** Equal steps. `even`: the domain is widened to whole steps, so that the axis ends on a tick. */
export function linearScale(lo: number, hi: number, { even = true, ticksMax = 5 } = {}): Scale {
  // A domain that is narrow beside its values would have ticks that differ in no digit.
  const widthMin = Math.max(Math.abs(lo), Math.abs(hi), 1e-9) * 1e-9;
  let [from, to] = hi - lo >= widthMin ? [lo, hi] : [lo, lo + widthMin];
  if (even) {
    const step = roundStep((to - from) / ticksMax);
    from = exact(Math.floor(from / step + 1e-9) * step);
    to = exact(Math.ceil(to / step - 1e-9) * step);
  }
  return {
    lo: from,
    hi: to,
    at: (value) => within((value - from) / (to - from)),
    ticks: (max) => multiples(from, to, roundStep((to - from) / Math.max(1, max - 1))),
  };
}

/** Equal ratios; lo and hi are above 0 and widened to 1, 2 or 5 × 10ⁿ. */
export function logScale(lo: number, hi: number): Scale {
  const from = exact(roundDown(lo));
  let to = roundStep(hi);
  if (to <= from) to = roundStep(from * 1.5);
  const base = Math.log10(from);
  const width = Math.log10(to) - base;
  return { lo: from, hi: to, at: (value) => within((Math.log10(Math.max(value, from)) - base) / width), ticks: (max) => decades(from, to, max) };
}

/** Percentiles by their nines: 0, 90, 99, 99.9 … at equal distances, up to `hi` (below 100). Everything beyond, 100 itself above all, is at the end. */
export function ninesScale(hi: number): Scale {
  const nines = (percentile: number): number => -Math.log10(1 - Math.min(percentile, hi) / 100);
  const width = nines(hi);
  return {
    lo: 0,
    hi,
    at: (value) => within(nines(value) / width),
    ticks: (max) => {
      const counts = Array.from({ length: Math.floor(width + 1e-9) }, (_, index) => index + 1);
      const stride = Math.ceil(counts.length / Math.max(2, max));
      // Counted from the end, so that the last nine, which says how far the tail goes, always stands there.
      const found = counts.filter((nine) => (counts.length - nine) % stride === 0).map((nine) => exact(100 - 100 * 10 ** -nine));
      const room = max - found.length;
      return room >= 3 ? [0, 50, ...found] : room >= 1 ? [0, ...found] : found;
    },
  };
}

/** Seconds from 0 on, with the steps of a clock. The axis ends where the time ends. */
export function timeScale(seconds: number): Scale {
  const hi = seconds > 0 ? seconds : 1;
  return {
    lo: 0,
    hi,
    at: (value) => within(value / hi),
    ticks: (max) => {
      const least = hi / Math.max(1, max - 1);
      return multiples(0, hi, CLOCK_S.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400);
    },
  };
}

function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = ROUND.findLast((one) => one * power <= value * (1 + 1e-12));
  return factor === undefined ? power / 2 : factor * power;
}

/** 1, 2, 5 while they are few, else powers of ten, else every second, third … of these. */
function decades(lo: number, hi: number, max: number): number[] {
  const first = Math.floor(Math.log10(lo) + 1e-9);
  const last = Math.ceil(Math.log10(hi) - 1e-9);
  const pick = (factors: number[], stride: number): number[] => {
    const found: number[] = [];
    for (let power = Math.ceil(first / stride) * stride; power <= last; power += stride) {
      for (const factor of factors) {
        const value = exact(factor * 10 ** power);
        if (value >= lo * (1 - 1e-12) && value <= hi * (1 + 1e-12)) found.push(value);
      }
    }
    return found;
  };
  const fine = pick(ROUND, 1);
  if (fine.length <= max) return fine;
  for (let stride = 1; ; stride++) {
    const coarse = pick([1], stride);
    if (coarse.length <= max) return coarse;
  }
}

function multiples(lo: number, hi: number, step: number): number[] {
  const found: number[] = [];
  const last = Math.floor(hi / step + 1e-9);
  for (let count = Math.ceil(lo / step - 1e-9); count <= last; count++) found.push(Math.min(Math.max(exact(count * step), lo), hi));
  return found;
}

/** Without the last digits, in which 3 × 0.1 is not 0.3. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}

function within(position: number): number {
  return position >= 1 ? 1 : position > 0 ? position : 0;
}

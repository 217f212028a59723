// The scale of idle times, and the statistics of what survived and what died in a bucket of it. Pure.
//
// Buckets are logarithmic, four to a doubling, from one second to beyond six hours, and the same everywhere: gateways with other
// bounds can share what they learned.

const PER_DOUBLING = 4;
const FIRST_MS = 1000;
export const BUCKETS = 60;
/** A doubling, in buckets. */
export const DOUBLING = PER_DOUBLING;

/** Where bucket `index` begins, ms. */
export function bucketMs(index: number): number {
  return FIRST_MS * 2 ** (index / PER_DOUBLING);
}

/** The bucket that an idle time lies in; -1: too short to count. */
export function bucketOf(idleMs: number): number {
  if (!(idleMs >= FIRST_MS)) return -1;
  // The nudge keeps bucketOf(bucketMs(i)) at i in floating point.
  return Math.min(BUCKETS - 1, Math.floor(Math.log2(idleMs / FIRST_MS) * PER_DOUBLING + 1e-9));
}

/** One-sided 95%. */
const Z = 1.645;

/**
 * Wilson's score bounds of a rate of which `died` of died + survived were seen (E. B. Wilson, JASA 22, 1927): usable from the first
 * observation on, unlike the normal approximation. Weights need not be whole. With nothing seen they are 0 and 1; with three
 * that all agree they pass one half, so no fewer than three can prove anything.
 */
export function upperRate(died: number, survived: number): number {
  return wilson(died, survived, 1);
}

export function lowerRate(died: number, survived: number): number {
  return wilson(died, survived, -1);
}

function wilson(died: number, survived: number, side: 1 | -1): number {
  const n = died + survived;
  if (n <= 0) return side === 1 ? 1 : 0;
  const p = died / n;
  const z2 = Z * Z;
  const spread = Z * Math.sqrt(Math.max(0, (p * (1 - p)) / n + z2 / (4 * n * n)));
  return Math.min(1, Math.max(0, (p + z2 / (2 * n) + side * spread) / (1 + z2 / n)));
}

// Makes a failing input smaller: leaves out runs of bytes, then turns bytes into zero, as long as it still
// fails. Any way of failing counts, since a shorter input that breaks another rule is no worse to look at.
import type { FuzzTarget } from "./target.ts";

/** The error that an input provokes, or undefined. */
export function failureOf(target: FuzzTarget, input: Uint8Array): Error | undefined {
  try {
    target.check(input);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(`threw ${String(error)}, which is no Error`);
  }
}

/** A smaller input that fails, after at most `triesMax` tries; the input itself when there is none. */
export function shrink(target: FuzzTarget, failing: Uint8Array, triesMax: number): Uint8Array {
  let best: Uint8Array = failing.slice();
  let tries = 0;
  const attempt = (candidate: Uint8Array): boolean => {
    if (tries >= triesMax) return false;
    tries++;
    // A copy: a target may work in place.
    if (failureOf(target, candidate.slice()) === undefined) return false;
    best = candidate;
    return true;
  };
  for (let progress = true; progress && tries < triesMax; ) {
    progress = false;
    for (let span = Math.max(1, best.length >> 1); span >= 1; span >>= 1) {
      for (let at = 0; at < best.length; ) {
        const shorter = new Uint8Array(best.length - Math.min(span, best.length - at));
        shorter.set(best.subarray(0, at));
        shorter.set(best.subarray(at + span), at);
        if (attempt(shorter)) progress = true;
        else at += span;
      }
    }
    for (let at = 0; at < best.length; at++) {
      if (best[at] === 0) continue;
      const zeroed = best.slice();
      zeroed[at] = 0;
      if (attempt(zeroed)) progress = true;
    }
  }
  return best;
}

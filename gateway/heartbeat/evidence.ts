// What is known of one network: weights of idle times that survived and that died, by bucket, twice over: `slow` forgets half in
// two days and says what usually holds; `fast` forgets half in an hour and notices that a carrier changed its timer. Pure.
//
// A survived idle time says that the network's limit is above it (right-censored), a death that it is at or below the idle time
// at which the failed beat left (between the last byte and that beat, so interval-censored). Both are statements about
// one bucket: "of idle times like this one, so many die".
import { BUCKETS } from "./buckets.ts";

export interface Evidence {
  /** By bucket. */
  readonly survived: Float32Array;
  readonly died: Float32Array;
  readonly survivedFast: Float32Array;
  readonly diedFast: Float32Array;
  /** Until when it was aged, ms since 1970. */
  agedAt: number;
  /** Bucket that beats have now, and the one that those who explore have; probe = best: nobody explores. */
  best: number;
  probe: number;
  /** Best and probe before the last change, of which somebody can die at once; -1: there were none. */
  allowedBest: number;
  allowedProbe: number;
  /** When one of them changed last, ms since 1970: nobody can have died of the new one sooner than it takes. */
  changedAt: number;
  /** Sketches of who spoke, one bit for each thirty-second of all users: since the last change for longer, for shorter; ever. */
  longerUsers: number;
  shorterUsers: number;
  users: number;
}

export function newEvidence(best: number, now: number): Evidence {
  return {
    survived: new Float32Array(BUCKETS),
    died: new Float32Array(BUCKETS),
    survivedFast: new Float32Array(BUCKETS),
    diedFast: new Float32Array(BUCKETS),
    agedAt: now,
    best,
    probe: best,
    allowedBest: -1,
    allowedProbe: -1,
    changedAt: now,
    longerUsers: 0,
    shorterUsers: 0,
    users: 0,
  };
}

/** Below this a weight is nothing: rounding must not keep networks alive. */
const WEIGHT_MIN = 0.01;

/**
 * Forgets what the time since the last call takes: half in each half-life. Deaths are forgotten twice as fast, so that what
 * once failed is tried again. A clock that went back takes nothing.
 */
export function age(evidence: Evidence, now: number, slowHalfLifeMs: number, fastHalfLifeMs: number): void {
  const elapsedMs = now - evidence.agedAt;
  if (elapsedMs <= 0) return;
  evidence.agedAt = now;
  const slow = 0.5 ** (elapsedMs / slowHalfLifeMs);
  const fast = 0.5 ** (elapsedMs / fastHalfLifeMs);
  for (let i = 0; i < BUCKETS; i++) {
    scale(evidence.survived, i, slow);
    scale(evidence.died, i, slow * slow);
    scale(evidence.survivedFast, i, fast);
    scale(evidence.diedFast, i, fast);
  }
}

function scale(weights: Float32Array, i: number, factor: number): void {
  const weight = weights[i]! * factor;
  weights[i] = weight < WEIGHT_MIN ? 0 : weight;
}

/** One observation. `user`: any 32 bits of who made it. */
export function observe(evidence: Evidence, bucket: number, died: boolean, weight: number, user: number): void {
  const bit = 1 << (user & 31);
  evidence.users |= bit;
  if (died) {
    evidence.died[bucket]! += weight;
    evidence.diedFast[bucket]! += weight;
    if (bucket <= evidence.best) evidence.shorterUsers |= bit;
  } else {
    evidence.survived[bucket]! += weight;
    evidence.survivedFast[bucket]! += weight;
    if (bucket > evidence.best) evidence.longerUsers |= bit;
  }
}

/** Somebody who survived shortly before has died: his last word counts, or the two would cancel out just when a carrier changes its timer. */
export function takeBack({ survivedFast }: Evidence, bucket: number, weight: number): void {
  for (let i = bucket, left = weight; i < BUCKETS && left > 0; i++) {
    const taken = Math.min(left, survivedFast[i]!);
    survivedFast[i]! -= taken;
    left -= taken;
  }
}

/** All of it, as a number: what the least known network to forget is found by. */
export function weightOf(evidence: Evidence): number {
  let sum = 0;
  for (let i = 0; i < BUCKETS; i++) sum += evidence.survived[i]! + evidence.died[i]!;
  return sum;
}

export function bitCount(bits: number): number {
  let count = 0;
  for (let left = bits >>> 0; left !== 0; left &= left - 1) count++;
  return count;
}

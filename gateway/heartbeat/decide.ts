// From the evidence about a network to the interval of its beats. Pure.
//
// A NAT's limit is a step: below it nothing dies, above it everything does. So the question for each bucket is which half the
// majority is in, and that majority is what makes lies cheap to survive: fewer than half of those who speak cannot move it.
//   bad    deaths are surely (95%) more than half, of the idle times in this bucket and of all longer ones that survived
//   good   deaths are surely fewer than half
// A longer idle time that survived speaks for all shorter ones, as in Reed and Muench's accumulation for quantal responses (Am. J.
// Hygiene 27, 1938); a death speaks for its own bucket, and for longer ones only by what bad means: nothing above a bad bucket is
// chosen. That leaves the order intact without letting the stray deaths of many short intervals outvote the few who explore.
//
// Chosen is the longest good bucket below the first bad one. The start stands in where nothing is known, half of the first bad
// one where the start is bad. The next probe doubles while nothing died above, then halves the distance: the slow start and
// the search of TCP's congestion window, on a scale of times.
import { BUCKETS, bucketMs, DOUBLING, lowerRate, upperRate } from "./buckets.ts";
import { bitCount, type Evidence } from "./evidence.ts";

export interface Bounds {
  /** Buckets: the shortest and the longest that may be chosen, and the one for networks that nobody knows. */
  readonly min: number;
  readonly max: number;
  readonly start: number;
  /** Different users that must have spoken before the choice moves; as many as there are where there are fewer. */
  readonly quorum: number;
}

/** More than half of those who speak. */
const HALF = 0.5;
/** From this weight on, deaths without survivors keep explorers away. */
const SUSPECT_WEIGHT = 2;

/** Chooses best and probe anew. Returns whether best changed. */
export function decide(evidence: Evidence, bounds: Bounds, now: number): boolean {
  const firstBad = findBad(evidence, bounds);
  const candidate = choose(evidence, bounds, firstBad);
  const quorum = Math.min(bounds.quorum, Math.max(1, bitCount(evidence.users)));
  const { best } = evidence;
  const up = candidate > best && bitCount(evidence.longerUsers) >= quorum;
  // Down without a quorum only when what spoke for it has faded, not because somebody speaks against it.
  const down = candidate < best && heardAll(evidence, best, now) && (firstBad > best || bitCount(evidence.shorterUsers) >= quorum);
  const moved = up || down;
  if (moved) {
    evidence.allowedBest = best;
    evidence.best = candidate;
    evidence.changedAt = now;
    evidence.longerUsers = 0;
    evidence.shorterUsers = 0;
  }
  const probe = probeOf(evidence, bounds, firstBad);
  if (probe !== evidence.probe && (moved || probe > evidence.probe || heardAll(evidence, evidence.probe, now))) {
    evidence.allowedProbe = evidence.probe;
    evidence.probe = probe;
    evidence.changedAt = now;
  }
  return moved;
}

/** Whether those who survive `bucket` had the time to say so as well: deaths can be claimed sooner. */
function heardAll(evidence: Evidence, bucket: number, now: number): boolean {
  return now - evidence.changedAt >= HEARD_AFTER * bucketMs(bucket);
}
const HEARD_AFTER = 1.5;

/** The shortest bucket in which surely more than half die; BUCKETS: none. */
function findBad(evidence: Evidence, bounds: Bounds): number {
  const { survived, died, survivedFast, diedFast } = evidence;
  let above = 0;
  let aboveFast = 0;
  let firstBad = BUCKETS;
  for (let i = BUCKETS - 1; i >= bounds.min; i--) {
    above += survived[i]!;
    aboveFast += survivedFast[i]!;
    if (lowerRate(died[i]!, above) > HALF) firstBad = i;
    else if (lowerRate(diedFast[i]!, aboveFast) > HALF) {
      // It held until lately: what survived then says nothing any more, of shorter silences neither.
      firstBad = i;
      for (let j = Math.min(i, bounds.start + 1); j < BUCKETS; j++) survived[j] = survivedFast[j]!;
      above = aboveFast;
    }
  }
  return firstBad;
}

function choose(evidence: Evidence, bounds: Bounds, firstBad: number): number {
  const { min, max, start } = bounds;
  const unknown = start < firstBad ? start : firstBad - DOUBLING;
  let chosen = Math.max(min, unknown);
  let above = 0;
  // What survived where most die says nothing about shorter silences: it was before, or somebody without a NAT.
  for (let i = Math.min(BUCKETS, firstBad) - 1; i > chosen; i--) {
    above += evidence.survived[i]!;
    if (upperRate(evidence.died[i]!, above) < HALF) {
      chosen = i;
      break;
    }
  }
  return Math.min(max, chosen);
}

/** What those who explore try: twice as long, or half way to what died. */
function probeOf(evidence: Evidence, bounds: Bounds, firstBad: number): number {
  const { best } = evidence;
  let wall = firstBad;
  for (let i = best + 1; i < wall; i++) {
    if (evidence.died[i]! >= SUSPECT_WEIGHT && evidence.died[i]! > evidence.survived[i]!) wall = i;
  }
  if (wall === BUCKETS) return Math.min(bounds.max, best + DOUBLING);
  return Math.min(bounds.max, Math.max(best, best + Math.min(DOUBLING, Math.floor((wall - best) / 2))));
}

// The intervals of all sessions of this gateway: each gets one in Welcome, is told when another serves better, and what its silences
// survived or died of goes to the learner. No I/O and no timers: gateway.ts passes on times, and does what the sink says.
//
// State is 17 bytes for each slot. A pass over all slots takes a few seconds, in pieces: a session that was heard since the last pass
// has ended a silence, which counts if nothing was written to it meanwhile either (what is written keeps a NAT's entry alive as
// well), and is just awake, so that a Heartbeat frame costs its phone nothing. Only a session whose interval fell to half or less is told at once,
// for a radio's waking costs less than to be dead for the rest of the old one. It was silent as it had been told, so it has the time
// to answer, and if it does not, it died of no interval that anybody chose.
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { idleDeadlineMs } from "../../proto/limits.ts";
import { bucketMs, bucketOf, BUCKETS, DOUBLING } from "./buckets.ts";
import { type HeartbeatLearner, IDLE_TIMEOUT_WEIGHT, userHash } from "./learner.ts";
import { hash32, networkKey } from "./network-key.ts";
import { NO_NETWORK } from "./networks.ts";

/** What a session's Hello says about its way here. */
export interface NetworkClaim {
  /** Hello.network and Hello.lost_after_ms. */
  readonly network: string;
  readonly lostAfterMs: number;
}

/** Who names the interval of a session's beats, ms; told when the session becomes Ready. */
export interface SessionBeats {
  begin(slot: number, user: Uint8Array, claim: NetworkClaim, now: number): number;
}

/** The same interval for all. */
export function fixedBeats(heartbeatMs: number): SessionBeats {
  return { begin: () => heartbeatMs };
}

export interface HeartbeatSink {
  quietMs(slot: number): number;
  takeLongestGapMs(slot: number): number;
  watch(slot: number, idleMs: number): void;
  write(slot: number, frame: Uint8Array): void;
}

const NONE = 0xff;
const PASS_MS_MAX = 5000;
/** Slots looked at in one tick, and frames written. */
const SLOTS_PER_TICK_MAX = 5000;
const CHANGES_PER_TICK_MAX = 200;
/** An answer to what began a silence may follow it by this much, or by this part of the silence. */
const ANSWER_MS = 5000;
const ANSWER_SHARE = 0.25;
const WRITE_TICK_MS = 100;
/** Who is told in the midst of a silence has so long to answer, at least: a radio wakes, and a frame is lost once. */
const TOLD_ANSWER_MS = 15_000;

export class SessionHeartbeats implements SessionBeats {
  readonly learner: HeartbeatLearner;
  /** Sessions by bucket of their interval. */
  readonly byBucket: Int32Array;
  /** Heartbeat frames written. */
  changes: number;
  private readonly sink: HeartbeatSink;
  private readonly random: () => number;
  private readonly unixNow: () => number;
  private readonly startedAt: number;
  private readonly network: Int32Array;
  private readonly user: Uint32Array;
  /** When something was last written to it, ticks of 100 ms. */
  private readonly wroteAt: Uint32Array;
  private readonly address: Uint16Array;
  private readonly bucket: Uint8Array;
  /** 1 + the epoch (modulo 255) in which it came back from a death, for which it is spared; 0: it did not. */
  private readonly spared: Uint8Array;
  /** 1: it was told another interval in the midst of a silence, and not heard since. */
  private readonly asked: Uint8Array;
  /** Of those in their handshake. */
  private readonly addresses: Map<number, string>;
  private readonly passMs: number;
  private cursor: number;

  /** `now`: monotonic ms, as everywhere here; `unixNow`: ms since 1970, which evidence is dated by. */
  constructor(slotCount: number, learner: HeartbeatLearner, sink: HeartbeatSink, random: () => number, unixNow: () => number, now: number) {
    this.learner = learner;
    this.byBucket = new Int32Array(BUCKETS);
    this.changes = 0;
    this.sink = sink;
    this.random = random;
    this.unixNow = unixNow;
    this.startedAt = now;
    this.network = new Int32Array(slotCount).fill(NO_NETWORK);
    this.user = new Uint32Array(slotCount);
    this.wroteAt = new Uint32Array(slotCount);
    this.address = new Uint16Array(slotCount);
    this.bucket = new Uint8Array(slotCount).fill(NONE);
    this.spared = new Uint8Array(slotCount);
    this.asked = new Uint8Array(slotCount);
    this.addresses = new Map();
    this.passMs = Math.min(PASS_MS_MAX, learner.options.minMs / 2);
    this.cursor = 0;
  }

  /** A connection from this address begins. */
  opened(slot: number, address: string): void {
    this.addresses.set(slot, address);
  }

  /** SessionBeats. */
  begin(slot: number, user: Uint8Array, claim: NetworkClaim, now: number): number {
    const { learner } = this;
    const unix = this.unixNow();
    const address = this.addresses.get(slot) ?? "";
    this.addresses.delete(slot);
    const network = learner.joined(networkKey(claim.network, address), unix);
    this.network[slot] = network;
    this.user[slot] = userHash(user);
    this.address[slot] = hash32(address, 0) & 0xffff;
    this.wroteAt[slot] = this.ticks(now);
    this.spared[slot] = 0;
    this.asked[slot] = 0;
    let bucket = learner.bucketFor(network, this.user[slot]!, unix);
    if (claim.lostAfterMs > 0) {
      learner.died(network, this.user[slot]!, this.address[slot]!, claim.lostAfterMs, 1, unix);
      this.spared[slot] = 1 + (this.epoch(unix) % 255);
      bucket = Math.min(learner.bucketFor(network, this.user[slot]!, unix), this.sparing(claim.lostAfterMs));
    }
    this.bucket[slot] = bucket;
    this.byBucket[bucket]!++;
    return learner.intervalMs(bucket, this.random());
  }

  /** Something is written to it that it did not ask for. */
  wrote(slot: number, now: number): void {
    this.wroteAt[slot] = this.ticks(now);
  }

  /** Nothing came from it for so long that it is given up: weak evidence, a phone that was switched off looks the same. */
  idle(slot: number): void {
    const bucket = this.bucket[slot]!;
    if (bucket === NONE || this.asked[slot] === 1) return;
    this.learner.died(this.network[slot]!, this.user[slot]!, this.address[slot]!, bucketMs(bucket), IDLE_TIMEOUT_WEIGHT, this.unixNow());
  }

  closed(slot: number): void {
    this.addresses.delete(slot);
    const bucket = this.bucket[slot]!;
    if (bucket === NONE) return;
    this.byBucket[bucket]!--;
    this.learner.left(this.network[slot]!);
    this.network[slot] = NO_NETWORK;
    this.bucket[slot] = NONE;
  }

  /** Goes on with the pass; to be called every `tickMs`. Slots at and above `slotEnd` were never used. */
  tick(now: number, tickMs: number, slotEnd: number): void {
    const count = Math.min(slotEnd, SLOTS_PER_TICK_MAX, Math.ceil((slotEnd * tickMs) / this.passMs));
    // A pass over very many slots takes longer: who was heard since the last one is found all the same.
    const heardMs = Math.max(this.passMs, (slotEnd / SLOTS_PER_TICK_MAX) * tickMs) + tickMs;
    const unix = this.unixNow();
    let changes = 0;
    for (let i = 0; i < count && changes < CHANGES_PER_TICK_MAX; i++) {
      if (this.cursor >= slotEnd) this.cursor = 0;
      const slot = this.cursor++;
      if (this.bucket[slot] !== NONE && this.look(slot, now, unix, heardMs)) changes++;
    }
  }

  private look(slot: number, now: number, unix: number, heardMs: number): boolean {
    const { sink, learner } = this;
    const network = this.network[slot]!;
    const quietMs = sink.quietMs(slot);
    const heard = quietMs <= heardMs;
    if (heard && network !== NO_NETWORK) {
      const gapMs = sink.takeLongestGapMs(slot);
      const answerMs = Math.min(ANSWER_MS, gapMs * ANSWER_SHARE);
      // What was written before the silence, or as an answer at its beginning, did not shorten it. Anything later may have.
      const wroteAt = this.wroteAt[slot]! * WRITE_TICK_MS + this.startedAt;
      const cleanly = wroteAt <= now - quietMs - gapMs + answerMs;
      if (gapMs > 0 && cleanly) learner.survived(network, this.user[slot]!, this.address[slot]!, gapMs, unix);
    }
    const { bucket, asked } = this;
    if (heard && asked[slot] === 1) {
      asked[slot] = 0;
      // The longest that it may have been told.
      sink.watch(slot, idleDeadlineMs(learner.intervalMs(bucket[slot]!, 1)));
    }
    let wanted = learner.bucketFor(network, this.user[slot]!, unix);
    if (this.spared[slot] !== 0) {
      if (this.spares(slot, unix)) wanted = Math.min(wanted, bucket[slot]!);
      else this.spared[slot] = 0;
    }
    if (wanted === bucket[slot] || (!heard && wanted > bucket[slot]! - DOUBLING)) return false;
    this.byBucket[bucket[slot]!]!--;
    this.byBucket[wanted]!++;
    bucket[slot] = wanted;
    const heartbeatMs = learner.intervalMs(wanted, this.random());
    this.changes++;
    if (!heard) asked[slot] = 1;
    sink.watch(slot, heard ? idleDeadlineMs(heartbeatMs) : Math.max(idleDeadlineMs(heartbeatMs), quietMs + TOLD_ANSWER_MS));
    sink.write(slot, encodeMessage(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs }));
    return true;
  }

  /** For a session that came back from a death: the start, if that is shorter than what it died of, or half of that. */
  private sparing(lostAfterMs: number): number {
    const { startMs } = this.learner.options;
    const { min, start } = this.learner.bounds;
    return lostAfterMs > startMs * 1.2 ? start : Math.max(min, bucketOf(lostAfterMs / 2));
  }

  private spares(slot: number, unix: number): boolean {
    const since = this.spared[slot]! - 1;
    const epoch = this.epoch(unix) % 255;
    return epoch === since || epoch === (since + 1) % 255;
  }

  private epoch(unix: number): number {
    return Math.floor(unix / this.learner.options.epochMs);
  }

  private ticks(now: number): number {
    return Math.max(0, Math.floor((now - this.startedAt) / WRITE_TICK_MS));
  }
}

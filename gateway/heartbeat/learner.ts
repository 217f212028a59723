// Learns, network by network, how long a connection may be silent before a NAT or firewall on its path forgets it, and
// hands out intervals of beats accordingly. A core without I/O: what survived and what died comes in with its time, an interval comes out.
//
//   survived / died ─▶ weighed (once per user, key and window; few per address) ─▶ Evidence ─▶ decide ─▶ best, probe
//
// Most sessions get the best interval known; a bounded share, drawn anew each epoch, explores the next longer one. A lost
// exploration costs its session one reconnect. What a lie can do:
// - Survival is measured by the gateway, so nobody can claim it; only deaths are told by clients.
// - A claim counts if its author was told an interval that long, once per user, claim window and doubling of the interval, and at most ADDRESS_WEIGHT per address.
// - Deaths must be more than half of what speaks for a bucket, of at least three users (fewer only where fewer were ever seen).
// - Who lies alone gets only beats of his own. A lying majority of one network makes that network's beats as frequent as bounds.min,
//   for as long as it goes on; no other network notices.
//
// Invariants: at most networksMax networks are kept (networks.ts); an index from `joined` stays that network's until `left` was
// called as often.
import { bucketMs, bucketOf, BUCKETS, DOUBLING } from "./buckets.ts";
import { type Bounds, decide } from "./decide.ts";
import { age, type Evidence, newEvidence, observe, takeBack } from "./evidence.ts";
import { hash32, mix32, withoutHint } from "./network-key.ts";
import { Networks, NO_NETWORK } from "./networks.ts";
import { Spoke } from "./spoke.ts";

export interface LearnerOptions {
  /** Shortest and longest interval ever handed out, and the one for networks that nobody knows, ms. */
  minMs: number;
  maxMs: number;
  startMs: number;
  slowHalfLifeMs: number;
  fastHalfLifeMs: number;
  /** A user's survival counts once in this time, a death that he claims once in that. */
  windowMs: number;
  claimWindowMs: number;
  /** Who explores is drawn anew this often. */
  epochMs: number;
  networksMax: number;
  quorum: number;
}

export const LEARNER_OPTIONS: LearnerOptions = {
  minMs: 45_000,
  maxMs: 1_800_000,
  startMs: 240_000,
  slowHalfLifeMs: 48 * 3_600_000,
  fastHalfLifeMs: 2_700_000,
  windowMs: 3_600_000,
  claimWindowMs: 6 * 3_600_000,
  epochMs: 2 * 3_600_000,
  networksMax: 8192,
  quorum: 3,
};

/** Share of a network's sessions that explore: enough for the quorum in small ones, few in large ones. */
const EXPLORERS_WANTED = 8;
const SHARE_MIN = 0.002;
const SHARE_MAX = 0.34;
/** Users of one address that count in one window: a household or one machine has no more weight than that. */
const ADDRESS_WEIGHT = 4;
/** Of a connection that fell silent for good: a phone that was switched off looks the same. */
export const IDLE_TIMEOUT_WEIGHT = 0.1;
const SPEAKERS_MAX = 65_536;
/** Observations kept for sharing; beyond that they count here only. */
const PENDING_MAX = 8192;
/** Evidence is aged in steps of this part of a half-life. */
const AGE_STEP = 1 / 64;

/** An observation that was weighed and waits to be shared. */
export interface Observation {
  readonly key: string;
  readonly bucket: number;
  readonly died: boolean;
  readonly weight: number;
  readonly user: number;
}

export class HeartbeatLearner {
  readonly options: LearnerOptions;
  readonly bounds: Bounds;
  /** Counted for metrics: what counted, and what was not believed. */
  survivals: number;
  deaths: number;
  unbelieved: number;
  repeated: number;
  /** To be shared, oldest first. */
  pending: Observation[];
  private salt: number;
  private readonly kept: Networks;
  private readonly survivors: Spoke;
  private readonly claimants: Spoke;

  /** `salt`: 32 random bits, so that nobody can choose a name that explores. Gateways share one. Throws RangeError on bounds that do not fit. */
  constructor(options: Partial<LearnerOptions>, salt: number) {
    this.options = { ...LEARNER_OPTIONS, ...options };
    const { minMs, maxMs, startMs, quorum } = this.options;
    if (!(minMs >= bucketMs(0) && minMs <= startMs && startMs <= maxMs)) throw new RangeError("heartbeats: minimum, start and maximum must ascend, from 1 s");
    // Whole buckets only, so that an interval and what is observed of it lie in the same.
    const min = bucketMs(bucketOf(minMs)) < minMs ? bucketOf(minMs) + 1 : bucketOf(minMs);
    this.bounds = { min, max: Math.max(min, bucketOf(maxMs)), start: Math.max(min, bucketOf(startMs)), quorum };
    this.survivals = 0;
    this.deaths = 0;
    this.unbelieved = 0;
    this.repeated = 0;
    this.pending = [];
    this.salt = salt;
    this.kept = new Networks(this.options.networksMax);
    this.survivors = new Spoke(SPEAKERS_MAX);
    this.claimants = new Spoke(SPEAKERS_MAX);
  }

  get networkCount(): number {
    return this.kept.size;
  }

  /** The salt that all gateways share became known. */
  setSalt(salt: number): void {
    this.salt = salt;
  }

  /** A session begins on this network, or where there is no room for it, on that of the same addresses without a hint. Returns its index, or NO_NETWORK. */
  joined(key: string, now: number): number {
    let network = this.find(key, now);
    if (network === NO_NETWORK) network = this.find(withoutHint(key), now);
    if (network !== NO_NETWORK) this.kept.enter(network);
    return network;
  }

  left(network: number): void {
    if (network !== NO_NETWORK) this.kept.leave(network);
  }

  /** Bucket of the interval for this user on this network. */
  bucketFor(network: number, user: number, now: number): number {
    const evidence = this.kept.of(network);
    if (evidence === undefined) return this.bounds.start;
    return evidence.probe > evidence.best && this.explores(network, user, this.epoch(now)) ? evidence.probe : evidence.best;
  }

  /** Bucket that most sessions of a network have; undefined: nobody knows the network. */
  bestOf(key: string): number | undefined {
    return this.known(key)?.best;
  }

  /**
   * The interval of a bucket for one connection, ms. `random` in [0, 1) spreads it over the lower half of the bucket: beats of many do
   * not align, and what survives or dies lies in the bucket that was meant. Never above the configured maximum.
   */
  intervalMs(bucket: number, random: number): number {
    const baseMs = bucketMs(bucket);
    return Math.ceil(baseMs + (Math.min(this.options.maxMs, baseMs * (1 + SPREAD)) - baseMs) * random);
  }

  /** A connection was silent both ways for so long, and lived. */
  survived(network: number, user: number, address: number, idleMs: number, now: number): void {
    const evidence = this.kept.of(network);
    // What is far shorter than beats are now says nothing that decides anything.
    if (evidence === undefined || idleMs < bucketMs(Math.max(0, evidence.best - 1))) return;
    const bucket = Math.min(bucketOf(idleMs), Math.max(evidence.probe, evidence.best));
    if (!this.heard(this.survivors, network, user, address, bucket > evidence.best ? 1 : 0, Math.floor(now / this.options.windowMs))) return;
    this.survivals++;
    this.add(network, evidence, bucket, false, 1, user, now);
  }

  /** A connection had been silent for so long when its beat found it dead. `weight` is 1 for what a client tells. */
  died(network: number, user: number, address: number, idleMs: number, weight: number, now: number): void {
    const evidence = this.kept.of(network);
    const bucket = bucketOf(idleMs);
    if (evidence === undefined || bucket < 0) return;
    const epoch = this.epoch(now);
    const explored = this.explores(network, user, epoch) || this.explores(network, user, epoch - 1);
    const before = explored ? Math.max(evidence.allowedBest, evidence.allowedProbe) : evidence.allowedBest;
    const since = explored ? Math.max(evidence.best, evidence.probe) : evidence.best;
    const told = now - evidence.changedAt >= 0.9 * idleMs ? Math.max(before, since) : before;
    // Longer than it was told to be silent, or than there was time for since: a frozen process, or an invention. Timers may be
    // late by a little. Shorter than any interval: not for want of beats.
    if (bucket > told + 1 || bucket < this.bounds.min) {
      this.unbelieved++;
      return;
    }
    // Who dies again of half the silence has something new to say.
    const kind = (Math.floor(bucket / DOUBLING) << 1) | (weight < 1 ? 1 : 0);
    const claimWindow = Math.floor(now / this.options.claimWindowMs);
    if (!this.heard(this.claimants, network, user, address, kind, claimWindow)) return;
    this.deaths++;
    const at = Math.min(bucket, told);
    // Once a window his death takes back that he survived before.
    if (this.claimants.first(this.fingerprint(network, user, KINDS - 1), claimWindow)) takeBack(evidence, at, weight);
    this.add(network, evidence, at, true, weight, user, now);
  }

  /** What a network is known by, for sharing. Undefined: nobody knows it. */
  known(key: string): Evidence | undefined {
    return this.kept.of(this.kept.indexOf(key));
  }

  /** What all gateways together know of a network; observations that still wait to be shared are added to it again. */
  adopt(key: string, shared: Evidence, waiting: readonly Observation[], now: number): void {
    const network = this.find(key, now);
    if (network === NO_NETWORK) return;
    for (const { bucket, died, weight, user } of waiting) observe(shared, bucket, died, weight, user);
    const { min, max } = this.bounds;
    shared.best = Math.min(max, Math.max(min, shared.best));
    shared.probe = Math.min(max, Math.max(shared.best, shared.probe));
    this.kept.set(network, shared);
    this.settle(shared, now);
  }

  /** Every network that is kept. */
  networks(): Iterable<readonly [key: string, network: number]> {
    return this.kept.entries();
  }

  sessionsOn(network: number): number {
    return this.kept.sessionsOn(network);
  }

  /** These could not be shared yet. */
  wait(observations: readonly Observation[]): void {
    for (const observation of observations) if (this.pending.length < PENDING_MAX) this.pending.push(observation);
  }

  private add(network: number, evidence: Evidence, bucket: number, died: boolean, weight: number, user: number, now: number): void {
    observe(evidence, bucket, died, weight, user);
    if (this.pending.length < PENDING_MAX) this.pending.push({ key: this.kept.keyOf(network), bucket, died, weight, user });
    this.settle(evidence, now);
  }

  /** Forgets what time takes, and chooses anew. */
  private settle(evidence: Evidence, now: number): void {
    const { slowHalfLifeMs, fastHalfLifeMs } = this.options;
    if (now - evidence.agedAt >= fastHalfLifeMs * AGE_STEP) age(evidence, now, slowHalfLifeMs, fastHalfLifeMs);
    // One choice may open the way to the next: the wall that it stood before has gone.
    for (let i = 0; i < 2 && decide(evidence, this.bounds, now); i++);
  }

  /** Once per user and window, and few users of one address. */
  private heard(spoke: Spoke, network: number, user: number, address: number, kind: number, window: number): boolean {
    if (!spoke.first(this.fingerprint(network, user, kind), window)) {
      this.repeated++;
      return false;
    }
    for (let i = 1; i <= ADDRESS_WEIGHT; i++) if (spoke.first(this.fingerprint(network, mix32(address + i * 0x9e3779b9), kind), window)) return true;
    this.repeated++;
    return false;
  }

  private fingerprint(network: number, who: number, kind: number): number {
    return mix32(who ^ mix32((network * KINDS + kind) ^ this.salt));
  }

  private explores(network: number, user: number, epoch: number): boolean {
    const share = Math.min(SHARE_MAX, Math.max(SHARE_MIN, EXPLORERS_WANTED / Math.max(1, this.kept.sessionsOn(network))));
    return mix32(user ^ mix32(epoch ^ this.salt)) < share * 0x1_0000_0000;
  }

  private epoch(now: number): number {
    return Math.floor(now / this.options.epochMs);
  }

  private find(key: string, now: number): number {
    const known = this.kept.indexOf(key);
    if (known !== NO_NETWORK) return known;
    const evidence = newEvidence(this.bounds.start, now);
    this.settle(evidence, now);
    // Nobody was told anything before.
    evidence.allowedProbe = -1;
    return this.kept.add(key, evidence);
  }
}
/** Above what `kind` may be. */
const KINDS = 64;
/** Of the interval: with four buckets to a doubling (19% each) it stays inside the bucket, with room for late timers. */
const SPREAD = 0.11;

/** 32 bits of a user's id, for sampling and counting. */
export function userHash(user: Uint8Array): number {
  let text = "";
  for (const byte of user) text += String.fromCharCode(byte);
  return hash32(text, 0);
}

/** Of all buckets, as names for metrics. */
export function bucketName(bucket: number): string {
  return String(Math.round(bucketMs(Math.min(bucket, BUCKETS - 1)) / 1000));
}

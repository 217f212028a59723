// What is compared: how each way to choose the interval of beats behaves, as the simulator sees it.
import { HeartbeatLearner, IDLE_TIMEOUT_WEIGHT } from "../../gateway/heartbeat/learner.ts";
import { bucketMs } from "../../gateway/heartbeat/buckets.ts";
import { decodePage, encodePage } from "../../gateway/heartbeat/summary.ts";
import { LossMemory } from "../../client/loss-memory.ts";
import type { Carrier } from "./world.ts";

export interface Policy {
  readonly name: string;
  /** The phone is connected; `lostAfterMs` is how long the connection before it had been silent when its beat stayed unanswered, 0: it ended otherwise. */
  connected(phone: number, carrier: number, lostAfterMs: number, now: number): void;
  /** What the phone waits before it beats, from now on. */
  intervalMs(phone: number, now: number): number;
  /** A beat or message got through after this much silence of the phone; `clean`: nothing was sent to it either meanwhile. */
  survived(phone: number, silenceMs: number, clean: boolean, beat: boolean, now: number): void;
  /** The server heard nothing of the phone for so long that it gave it up, and it did not come back with a reason. */
  gaveUp(phone: number, now: number): void;
  /** Interval that a new phone on this carrier would have, or the median phone's where each learns for itself. */
  typicalMs(carrier: number): number;
  /** All gateways start again. */
  restarted(now: number): void;
}

/** The same for everybody; or one for mobile, one for Wi-Fi. */
export class FixedPolicy implements Policy {
  readonly name: string;
  private readonly carriers: readonly Carrier[];
  private readonly mobileMs: number;
  private readonly wifiMs: number;
  private readonly carrierOf: number[];

  constructor(name: string, carriers: readonly Carrier[], mobileMs: number, wifiMs: number) {
    this.name = name;
    this.carriers = carriers;
    this.mobileMs = mobileMs;
    this.wifiMs = wifiMs;
    this.carrierOf = [];
  }

  connected(phone: number, carrier: number): void {
    this.carrierOf[phone] = carrier;
  }

  intervalMs(phone: number): number {
    return this.typicalMs(this.carrierOf[phone]!);
  }

  survived(): void {}

  gaveUp(): void {}

  typicalMs(carrier: number): number {
    return this.carriers[carrier]!.kind === "mobile" ? this.mobileMs : this.wifiMs;
  }

  restarted(): void {}
}

/** What one phone knows in Mars. */
class MarsPhone {
  carrier = 0;
  cur = MARS.min;
  last: number = MARS.min;
  stable = false;
  succeeded = 0;
  succeededAtCur = 0;
  failed = 0;
  changedAt = 0;
}

/**
 * Tencent Mars, as published: stn/config.h (3.5 to 10 minutes, steps of 60 s, 20 s off the result, five successes for a step, two failures against
 * it, three beats at the minimum before it trusts a connection) and stn/src/smart_heartbeat.cc for the rules. Each phone learns for itself, one network
 * at a time. In its favour: it is never "in the foreground", where it would stay at the minimum.
 */
const MARS = { min: 210_000, max: 600_000, step: 60_000, backoff: 20_000, successes: 5, failures: 2, trusted: 3, retryMs: 7 * 86_400_000 };

export class MarsPolicy implements Policy {
  readonly name = "Mars";
  private readonly phones: MarsPhone[];

  constructor(phones: number) {
    this.phones = Array.from({ length: phones }, () => new MarsPhone());
  }

  connected(phone: number, carrier: number, lostAfterMs: number): void {
    const state = this.phones[phone]!;
    state.carrier = carrier;
    if (lostAfterMs > 0) this.failed(state);
    if (state.stable) {
      state.succeededAtCur = 0;
      state.last = MARS.min;
    }
    state.succeeded = 0;
  }

  intervalMs(phone: number): number {
    const state = this.phones[phone]!;
    state.last = state.succeeded < MARS.trusted ? MARS.min : state.cur;
    return state.last;
  }

  survived(phone: number, _silenceMs: number, _clean: boolean, beat: boolean, now: number): void {
    if (!beat) return;
    const state = this.phones[phone]!;
    state.succeeded++;
    if (state.stable) {
      if (state.succeeded >= MARS.trusted && state.cur < MARS.max - MARS.backoff && now - state.changedAt >= MARS.retryMs) {
        state.cur += MARS.backoff;
        state.succeededAtCur = 0;
        state.stable = false;
        state.failed = 0;
        state.changedAt = now;
      }
      return;
    }
    if (state.last !== state.cur || state.succeeded < MARS.trusted) return;
    state.succeededAtCur++;
    state.failed = 0;
    if (state.cur >= MARS.max) {
      state.cur = MARS.max - MARS.backoff;
      state.stable = true;
      state.changedAt = now;
    } else if (state.succeededAtCur >= MARS.successes) {
      state.cur = Math.min(MARS.max, state.cur + MARS.step);
      state.succeededAtCur = 0;
    }
  }

  gaveUp(): void {}

  typicalMs(carrier: number): number {
    const of = this.phones.filter((phone) => phone.carrier === carrier).map((phone) => phone.cur);
    of.sort((a, b) => a - b);
    return of[of.length >> 1]!;
  }

  restarted(): void {}

  private failed(state: MarsPhone): void {
    if (state.last !== state.cur || state.succeeded < MARS.trusted || state.last === MARS.min) return;
    if (++state.failed < MARS.failures) return;
    state.cur = state.stable ? MARS.min : Math.max(MARS.min, state.cur - MARS.step - MARS.backoff);
    state.stable = !state.stable;
    state.succeededAtCur = 0;
    state.failed = 0;
  }
}

/** The gateway's own learner, and what the client remembers. */
export class LearnedPolicy implements Policy {
  readonly name: string;
  private readonly carriers: readonly Carrier[];
  private readonly random: () => number;
  private readonly startedAt: number;
  private learner: HeartbeatLearner;
  private readonly networks: number[];
  private readonly memories: LossMemory[];
  private readonly spread: number[];

  constructor(name: string, carriers: readonly Carrier[], phones: number, random: () => number) {
    this.name = name;
    this.carriers = carriers;
    this.random = random;
    // A number of the size of a time of today.
    this.startedAt = 1_700_000_000_000;
    this.learner = new HeartbeatLearner({}, 12345);
    this.networks = [];
    this.memories = Array.from({ length: phones }, () => new LossMemory());
    this.spread = Array.from({ length: phones }, () => 0);
  }

  connected(phone: number, carrier: number, lostAfterMs: number, now: number): void {
    const { learner } = this;
    const at = this.startedAt + now;
    const before = this.networks[phone];
    const network = learner.joined(this.keyOf(carrier), at);
    if (before !== undefined) learner.left(before);
    this.networks[phone] = network;
    this.spread[phone] = this.random();
    if (lostAfterMs === 0) return;
    learner.died(network, userOf(phone), addressOf(phone), lostAfterMs, 1, at);
    this.memories[phone]!.lost(lostAfterMs, now);
  }

  /** A lie: a death that was none. */
  claim(phone: number, now: number): void {
    const at = this.startedAt + now;
    const told = this.learner.bucketFor(this.networks[phone]!, userOf(phone), at);
    this.learner.died(this.networks[phone]!, userOf(phone), addressOf(phone), bucketMs(told), 1, at);
  }

  intervalMs(phone: number, now: number): number {
    const { learner } = this;
    const bucket = learner.bucketFor(this.networks[phone]!, userOf(phone), this.startedAt + now);
    return Math.min(learner.intervalMs(bucket, this.spread[phone]!), this.memories[phone]!.capMs(now));
  }

  survived(phone: number, silenceMs: number, clean: boolean, _beat: boolean, now: number): void {
    if (clean) this.memories[phone]!.survived(silenceMs);
    if (clean) this.learner.survived(this.networks[phone]!, userOf(phone), addressOf(phone), silenceMs, this.startedAt + now);
  }

  gaveUp(phone: number, now: number): void {
    const at = this.startedAt + now;
    const bucket = this.learner.bucketFor(this.networks[phone]!, userOf(phone), at);
    this.learner.died(this.networks[phone]!, userOf(phone), addressOf(phone), bucketMs(bucket), IDLE_TIMEOUT_WEIGHT, at);
  }

  typicalMs(carrier: number): number {
    const bucket = this.learner.bestOf(this.keyOf(carrier));
    return this.learner.intervalMs(bucket ?? this.learner.bounds.start, 0.5);
  }

  /** Nothing is left but what was shared. */
  restarted(now: number): void {
    const page = new Map([...this.learner.networks()].map(([key]) => [key, this.learner.known(key)!] as const));
    const shared = decodePage(encodePage(page))!;
    this.learner = new HeartbeatLearner({}, 12345);
    this.networks.length = 0;
    for (const [key, evidence] of shared) this.learner.adopt(key, evidence, [], this.startedAt + now);
  }

  private keyOf(carrier: number): string {
    return `10.0.${carrier}_${this.carriers[carrier]!.kind}`;
  }
}

function userOf(phone: number): number {
  return Math.imul(phone + 1, 0x9e3779b1) >>> 0;
}

/** Sixteen phones behind each address, as behind a carrier's NAT. */
function addressOf(phone: number): number {
  return phone >> 4;
}

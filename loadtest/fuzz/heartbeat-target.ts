// Fuzzes the intervals of beats: sessions that come from odd networks, lie about how they were lost, fall silent, beat and go,
// in any order, with few networks kept so that some have to go. Whatever comes: intervals stay within their bounds, each
// session is counted once and its network given back, and what is learned and waits to be shared is bounded.
//
// An input is a program: what and which slot (1 byte), then an operand (1 byte).
import { BUCKETS } from "../../gateway/heartbeat/buckets.ts";
import { HeartbeatLearner } from "../../gateway/heartbeat/learner.ts";
import { type HeartbeatSink, SessionHeartbeats } from "../../gateway/heartbeat/sessions.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { idleDeadlineMs } from "../../proto/limits.ts";
import { Random } from "../../proto/testing/random.ts";
import { expect, type FuzzTarget, Input } from "./target.ts";

const SLOTS = 16;
const NETWORKS_MAX = 5;
const TICK_MS = 100;
const UNIX_MS = 1_780_000_000_000;
const OPTIONS = { minMs: 45_000, maxMs: 1_800_000, startMs: 240_000, networksMax: NETWORKS_MAX };
const NETWORKS = ["", "wifi:home", "cell:262-01", "cell:262-02", "cell:262-03", "x".repeat(300), "\0", "wifi:work", "wifi:train"];
const ADDRESSES = ["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "2001:db8:1:2::3", "2001:0db8:0001:0003:0000:0000:0000:0001", "", "no address"];
const LOST_MS = [0, 0, 0, 1, 1000, 44_000, 60_000, 240_000, 900_000, 1_800_000, 86_400_000, 2 ** 32 - 1];
const What = { Come: 0, Go: 1, Hear: 2, Write: 3, Idle: 4, Time: 5, Hours: 6, Share: 7 } as const;

export class HeartbeatTarget implements FuzzTarget {
  readonly name = "heartbeat";
  readonly unit = "events";
  private readonly program: Input;

  constructor() {
    this.program = new Input(16 * 1024);
  }

  generate(random: Random): Uint8Array {
    const { program } = this;
    program.length = 0;
    program.byte(random.uint32());
    const slots = random.pick([1, 4, SLOTS]);
    for (let count = random.between(200, 6000); count > 0; count--) {
      program.byte((random.pick(BAG) << 4) | random.below(slots));
      program.byte(random.uint32());
    }
    return program.taken;
  }

  check(input: Uint8Array): number {
    return new Player(input).play();
  }
}
const BAG = [0, 0, 0, 1, 2, 2, 2, 2, 3, 5, 5, 5, 5, 6, 4, 7];

class Player implements HeartbeatSink {
  private readonly input: Uint8Array;
  private readonly learner: HeartbeatLearner;
  private readonly beats: SessionHeartbeats;
  private readonly heardAt: Float64Array;
  private readonly gapMs: Float64Array;
  private readonly ready: boolean[];
  /** What the last `watch` said, until its Heartbeat frame is written. */
  private idleMs: number;
  private now: number;

  constructor(input: Uint8Array) {
    const random = new Random(input[0] ?? 0);
    this.input = input;
    this.now = 1000;
    this.learner = new HeartbeatLearner(OPTIONS, input[0] ?? 0);
    this.beats = new SessionHeartbeats(
      SLOTS,
      this.learner,
      this,
      () => random.uint32() / 2 ** 32,
      () => UNIX_MS + this.now,
      this.now,
    );
    this.heardAt = new Float64Array(SLOTS);
    this.gapMs = new Float64Array(SLOTS);
    this.ready = new Array(SLOTS).fill(false);
    this.idleMs = 0;
  }

  play(): number {
    const { input, beats } = this;
    let events = 0;
    for (let at = 1; at + 1 < input.length; at += 2) {
      this.step((input[at]! >> 4) & 7, input[at]! & (SLOTS - 1), input[at + 1]!);
      if (++events % 16 === 0) this.rules();
    }
    for (let slot = 0; slot < SLOTS; slot++) beats.closed(slot);
    this.ready.fill(false);
    this.rules();
    // Nobody is there any more: any network can make room for others.
    for (let i = 0; i < 3 * NETWORKS_MAX; i++)
      expect(this.learner.joined(`another ${i}`, UNIX_MS + this.now) >= 0 || i >= NETWORKS_MAX, "networks without sessions make room");
    expect(this.learner.networkCount <= NETWORKS_MAX, "networks are bounded");
    return events;
  }

  private step(what: number, slot: number, operand: number): void {
    const { beats, ready, now } = this;
    switch (what) {
      case What.Come: {
        if (ready[slot]) return;
        beats.opened(slot, ADDRESSES[operand % ADDRESSES.length]!);
        // Some never say who they are.
        if (operand > 240) return beats.closed(slot);
        const claim = { network: NETWORKS[(operand >> 3) % NETWORKS.length]!, lostAfterMs: LOST_MS[(operand * 7) % LOST_MS.length]! };
        this.interval(beats.begin(slot, Uint8Array.of(operand & 7), claim, now));
        ready[slot] = true;
        this.heardAt[slot] = now;
        this.gapMs[slot] = 0;
        return;
      }
      case What.Go:
        beats.closed(slot);
        ready[slot] = false;
        return;
      case What.Hear:
        this.gapMs[slot] = Math.max(this.gapMs[slot]!, now - this.heardAt[slot]!);
        this.heardAt[slot] = now;
        return;
      case What.Write:
        return beats.wrote(slot, now);
      case What.Idle:
        return beats.idle(slot);
      case What.Time:
        this.now += operand * 500;
        return this.tick();
      case What.Hours:
        this.now += operand * operand * 4000;
        return this.tick();
      default:
        // What was learned is taken away to be shared now and then.
        if (operand < 16) this.learner.pending.length = 0;
    }
  }

  private tick(): void {
    for (let i = 0; i < 4; i++) this.beats.tick(this.now, TICK_MS, SLOTS);
  }

  private rules(): void {
    const { beats, learner, ready } = this;
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      expect(beats.byBucket[bucket]! >= 0, "no bucket has fewer than none");
      count += beats.byBucket[bucket]!;
    }
    expect(count === ready.filter(Boolean).length, "each session is counted once");
    expect(learner.networkCount <= NETWORKS_MAX, "networks are bounded");
    expect(learner.pending.length <= PENDING_MAX, "what waits to be shared is bounded");
  }

  private interval(ms: number): void {
    expect(Number.isFinite(ms) && ms >= OPTIONS.minMs && ms <= OPTIONS.maxMs, "an interval within its bounds");
  }

  // HeartbeatSink

  quietMs(slot: number): number {
    return this.now - this.heardAt[slot]!;
  }

  takeLongestGapMs(slot: number): number {
    const gap = this.gapMs[slot]!;
    this.gapMs[slot] = 0;
    return gap;
  }

  watch(slot: number, idleMs: number): void {
    expect(this.ready[slot] === true, "only sessions that are there are told another interval");
    this.idleMs = idleMs;
  }

  write(slot: number, frame: Uint8Array): void {
    expect(this.ready[slot] === true && frame[1] === FrameType.Heartbeat, "a Heartbeat frame, to who is there");
    const { heartbeatMs } = hawser.v1.Heartbeat.decode(frame.subarray(2));
    this.interval(heartbeatMs);
    const promisedMs = idleDeadlineMs(heartbeatMs);
    expect(this.idleMs - promisedMs > -2 && this.idleMs < Math.max(promisedMs, this.quietMs(slot) + ANSWER_MS) + 2, "watched for as long as it says");
    expect(this.idleMs - this.quietMs(slot) >= Math.min(promisedMs / 2, ANSWER_MS), "with time to answer");
  }
}
const PENDING_MAX = 8192;
const ANSWER_MS = 15_000;

// Learning of intervals: the pure parts, liars among them, sessions on a made-up transport, and sharing over a real NATS server
// that everybody is restarted on. How it compares over days is bench/heartbeat.
import fc from "fast-check";
import t from "tap";
import { connectBus } from "../../proto/bus-nats.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { idleDeadlineMs } from "../../proto/limits.ts";
import { heartbeatsBucket } from "../../proto/subject.ts";
import { Liveness } from "../accept/liveness.ts";
import { type GatewayOptions, gatewayConfig } from "../config.ts";
import { SILENT } from "../log.ts";
import { runGateway } from "../main.ts";
import { openClient } from "../testing/client.ts";
import { startNats } from "../testing/nats-server.ts";
import { BUCKETS, bucketMs, bucketOf, lowerRate, upperRate } from "./buckets.ts";
import { bitCount } from "./evidence.ts";
import { HeartbeatLearner, LEARNER_OPTIONS, type LearnerOptions } from "./learner.ts";
import { addressPrefix, KEY_CHARS_MAX, mix32, networkKey } from "./network-key.ts";
import { HINTS_MAX, NO_NETWORK } from "./networks.ts";
import { fixedBeats, SessionHeartbeats } from "./sessions.ts";
import { HeartbeatSharing } from "./sharing.ts";
import { Spoke } from "./spoke.ts";
import { addToPage, decodePage, encodePage, PAGE_NETWORKS_MAX, pageOf, PAGES } from "./summary.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Some time of today. */
const START = 1_760_000_000_000;
t.setTimeout(100_000);

t.test("network key: what the gateway sees of the address, then the hint; always short and plain", (t) => {
  t.equal(networkKey("wifi", "192.0.2.77"), "192.0.2_wifi");
  t.equal(networkKey("", "::ffff:192.0.2.77"), "192.0.2_");
  t.equal(networkKey("310-260", "2001:DB8:1:2::3"), "2001:db8:1_310-260");
  t.equal(networkKey("Ä/|\n", "10.1.2.3"), "10.1.2_____");
  t.equal(addressPrefix("2001:db8::1"), "2001:db8:0");
  t.equal(addressPrefix("::1"), "0:0:0");
  t.equal(addressPrefix("fe80::1%eth0"), "fe80:0:0");
  for (const none of ["no address", "0:", "1.2.3", ""]) t.equal(addressPrefix(none), "?");
  t.equal(addressPrefix("64:ff9b::192.0.2.1"), "64:ff9b:0");
  t.not(networkKey("wifi", "192.0.2.1"), networkKey("wifi", "192.0.3.1"), "a hint alone reaches nobody else's network");
  fc.assert(
    fc.property(fc.string(), fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (hint, address) => {
      const key = networkKey(hint, address);
      return key.length > 0 && key.length <= KEY_CHARS_MAX && /^[a-z0-9.:?_-]+$/.test(key);
    }),
  );
  t.end();
});

t.test("buckets and bounds of rates", (t) => {
  for (let i = 0; i < BUCKETS; i++) t.equal(bucketOf(bucketMs(i)), i);
  t.equal(bucketOf(999), -1);
  t.equal(bucketOf(Number.NaN), -1);
  t.equal(bucketOf(1e12), BUCKETS - 1);
  t.ok(bucketMs(BUCKETS - 1) > 6 * HOUR);
  t.same([upperRate(0, 0), lowerRate(0, 0)], [1, 0]);
  t.ok(upperRate(0, 2) > 0.5 && upperRate(0, 3) < 0.5, "two are too few, three that agree are enough");
  t.ok(lowerRate(2, 0) < 0.5 && lowerRate(3, 0) > 0.5);
  // Wilson's interval for 10 of 100 at z = 1.645, worked out by hand: 0.0604 … 0.1610.
  t.ok(Math.abs(lowerRate(10, 90) - 0.0604) < 0.001 && Math.abs(upperRate(10, 90) - 0.161) < 0.001);
  t.end();
});

t.test("who spoke: once a window, and no more than there is room for", (t) => {
  const spoke = new Spoke(4);
  t.ok(spoke.first(1, 0));
  t.notOk(spoke.first(1, 0));
  t.ok(spoke.first(0xffff_ffff, 0));
  t.ok(spoke.first(7, 0) && spoke.first(8, 0));
  t.notOk(spoke.first(9, 0), "full");
  t.ok(spoke.first(1, 1), "the next window");
  t.end();
});

/** Phones of one network whose NAT forgets after `limitMs`; each beats as it is told, and comes back from deaths with their silence. */
class Street {
  readonly learner: HeartbeatLearner;
  readonly network: number;
  readonly users: number[];
  readonly key: string;
  now: number;

  constructor(users: number, options: Partial<LearnerOptions> = {}, key = "192.0.2_wifi") {
    this.learner = new HeartbeatLearner(options, 77);
    this.key = key;
    this.now = START;
    this.users = Array.from({ length: users }, (_, i) => mix32(i + 1));
    this.network = NO_NETWORK;
    for (const _ of this.users) this.network = this.learner.joined(key, this.now);
  }

  /** For `hours`, `step` minutes at a time; `lies` says whether a user does. */
  live(hours: number, limitMs: number, lies: (index: number) => boolean = () => false): void {
    const nextAt = this.users.map((_, i) => this.now + this.silenceOf(i));
    const silences = this.users.map((_, i) => this.silenceOf(i));
    for (const end = this.now + hours * HOUR; this.now < end; this.now += MINUTE / 2) {
      for (let i = 0; i < this.users.length; i++) {
        if (nextAt[i]! > this.now) continue;
        const user = this.users[i]!;
        const silence = silences[i]!;
        if (lies(i) || silence > limitMs) this.learner.died(this.network, user, i, silence, 1, this.now);
        else this.learner.survived(this.network, user, i, silence, this.now);
        silences[i] = this.silenceOf(i);
        nextAt[i] = this.now + silences[i]!;
      }
    }
  }

  private silenceOf(i: number): number {
    return this.learner.intervalMs(this.learner.bucketFor(this.network, this.users[i]!, this.now), (i % 10) / 10);
  }

  get bestMs(): number {
    return bucketMs(this.learner.bestOf(this.key)!);
  }
}

t.test("learner: finds limits from one minute to none, and stays below them", (t) => {
  for (const minutes of [1, 2, 3, 5, 8, 15, 30, 60, 360, Number.POSITIVE_INFINITY]) {
    const street = new Street(40);
    street.live(24, minutes * MINUTE);
    const wanted = Math.min(minutes * MINUTE, LEARNER_OPTIONS.maxMs);
    t.ok(street.bestMs < minutes * MINUTE && street.bestMs >= wanted / 1.6, `${minutes} min: ${Math.round(street.bestMs / 1000)} s`);
  }
  t.end();
});

t.test("learner: notices that a carrier made its timer shorter within hours, and longer within days", (t) => {
  const street = new Street(40);
  street.live(48, 30 * MINUTE);
  t.ok(street.bestMs > 15 * MINUTE);
  street.live(3, 5 * MINUTE);
  t.ok(street.bestMs <= 5 * MINUTE, `${Math.round(street.bestMs / 1000)} s`);
  street.live(96, 30 * MINUTE);
  t.ok(street.bestMs > 15 * MINUTE, `${Math.round(street.bestMs / 1000)} s`);
  t.end();
});

t.test("learner: liars", (t) => {
  const honest = new Street(100);
  honest.live(48, 60 * MINUTE);
  for (const percent of [1, 5]) {
    const street = new Street(100);
    street.live(48, 60 * MINUTE, (i) => i < percent);
    t.equal(street.bestMs, honest.bestMs, `${percent}% change nothing`);
  }
  const many = new Street(100);
  many.live(48, 60 * MINUTE, (i) => i < 30);
  t.ok(many.bestMs >= LEARNER_OPTIONS.startMs * 0.85, `30% do not push it below what it was before anybody learned: ${Math.round(many.bestMs / 1000)} s`);
  const most = new Street(100);
  most.live(48, 60 * MINUTE, (i) => i < 90);
  t.ok(most.bestMs >= LEARNER_OPTIONS.minMs, "a lying majority gets the shortest interval that is configured, and no less");

  const { learner, network, users, key } = new Street(40);
  for (const user of users) learner.died(network, user, user, 200_000, 1, START + 1000);
  t.equal(learner.deaths, 0, "nobody can have died of what there was no time for");
  t.equal(learner.unbelieved, 40);
  const now = START + HOUR;
  const before = learner.bestOf(key);
  for (let i = 0; i < 1000; i++) learner.died(network, users[0]!, 0, 200_000, 1, now + i);
  t.equal(learner.deaths, 1, "one user counts once");
  t.equal(learner.bestOf(key), before);
  for (let i = 0; i < 40; i++) learner.died(network, users[i]!, 5, 200_000, 1, now + 2000);
  t.equal(learner.deaths, 5, "and four of one address");
  for (let i = 0; i < 40; i++) learner.died(network, users[i]!, i, 12 * HOUR, 1, now + 3000);
  t.equal(learner.deaths, 5);
  t.equal(learner.unbelieved, 80, "nobody was told to be silent for that long");
  t.equal(learner.pending.length, 5, "only what counts is shared");
  const other = learner.joined("192.0.3_wifi", now);
  t.equal(learner.bucketFor(other, users[0]!, now), learner.bounds.start, "other networks notice nothing");
  t.end();
});

t.test("learner: a quorum moves it, alone or together; what is unused is forgotten; networks are bounded", (t) => {
  const few = new HeartbeatLearner({}, 1);
  const network = few.joined("a", START);
  few.survived(network, 1, 1, HOUR, START);
  few.survived(network, 2, 2, HOUR, START);
  t.equal(few.bestOf("a"), few.bounds.start, "two do not");
  few.survived(network, 3, 3, HOUR, START);
  t.ok(few.bestOf("a")! > few.bounds.start, "three do");
  t.ok(few.bestOf("a")! <= few.bounds.start + 4, "a doubling at a time, whatever they survived");

  const street = new Street(40);
  street.live(24, 30 * MINUTE);
  const learned = street.learner.bestOf(street.key)!;
  street.learner.adopt(street.key, street.learner.known(street.key)!, [], street.now + 40 * 24 * HOUR);
  t.ok(learned > street.learner.bounds.start);
  t.equal(street.learner.bestOf(street.key), street.learner.bounds.start, "after weeks without anybody it starts anew");

  const small = new HeartbeatLearner({ networksMax: 8 }, 1);
  const kept = small.joined("kept", START);
  for (let i = 0; i < 7; i++) small.left(small.joined(`gone ${i}`, START));
  t.equal(small.networkCount, 8);
  t.not(small.joined("new", START), NO_NETWORK);
  t.equal(small.networkCount, 8, "one without sessions went");
  t.equal(small.joined("kept", START), kept);
  for (let i = 0; i < 20; i++) small.joined(`more ${i}`, START);
  t.equal(small.networkCount, 8);
  t.equal(small.joined("too many", START), NO_NETWORK);
  t.equal(small.bucketFor(NO_NETWORK, 1, START), small.bounds.start);
  small.survived(NO_NETWORK, 1, 1, HOUR, START);
  small.died(NO_NETWORK, 1, 1, HOUR, 1, START);
  t.equal(small.survivals + small.deaths, 0);
  t.throws(() => new HeartbeatLearner({ minMs: 500_000 }, 1), RangeError);
  t.end();
});

t.test("learner: whenever a network has no session, another finds room; hints of one address have a bound of their own", (t) => {
  const MAX = 600;
  const learner = new HeartbeatLearner({ networksMax: MAX }, 1);
  const keyOf = (i: number) => networkKey("wifi", `10.${i >> 8}.${i & 255}.1`);
  // More that stay than any sample looks at, all of them older than those that go.
  for (let i = 0; i < MAX - 10; i++) learner.joined(keyOf(i), START);
  let refused = 0;
  for (let i = MAX; i < MAX + 5000; i++) {
    const network = learner.joined(keyOf(i), START);
    if (network === NO_NETWORK) refused++;
    learner.left(network);
  }
  t.equal(refused, 0);
  t.equal(learner.networkCount, MAX);
  for (let i = 0; i < MAX - 10; i++) if (learner.sessionsOn(learner.joined(keyOf(i), START)) !== 2) t.fail("who has sessions is kept");

  const hints = new HeartbeatLearner({}, 1);
  const known = hints.joined(networkKey("310-260", "192.0.2.1"), START);
  for (let user = 1; user < 4; user++) hints.survived(known, user, user, HOUR, START);
  hints.left(known);
  for (let i = 0; i < 1000; i++) hints.left(hints.joined(networkKey(`made up ${i}`, "192.0.2.2"), START));
  t.equal(hints.networkCount, HINTS_MAX, "one address does not fill the table, nor the bucket that gateways share");
  t.equal(hints.joined(networkKey("310-260", "192.0.2.1"), START), known, "what is known best stays");
  const stays = Array.from({ length: 100 }, (_, i) => hints.joined(networkKey(`stays ${i}`, "192.0.2.2"), START));
  const shared = hints.joined(networkKey("", "192.0.2.3"), START);
  t.equal(hints.networkCount, HINTS_MAX + 1);
  t.equal(stays.filter((network) => network === shared).length, 100 - (HINTS_MAX - 1), "those without room share the network without a hint");
  t.equal(hints.sessionsOn(shared), 100 - (HINTS_MAX - 1) + 1);
  for (const network of stays) hints.left(network);
  t.equal(hints.sessionsOn(shared), 1);
  t.not(hints.joined(networkKey("new", "192.0.2.9"), START), shared, "and later ones find room again");
  hints.adopt(networkKey("elsewhere", "192.0.2.9"), hints.known(networkKey("310-260", "192.0.2.1"))!, [], START);
  t.equal(hints.bestOf(networkKey("", "192.0.2.9")), hints.bounds.start, "what others know of one hint is not put on another");
  t.end();
});

t.test("intervals: never above the maximum, and no two sessions need have the same", (t) => {
  const learner = new HeartbeatLearner({}, 1);
  const { minMs, maxMs } = learner.options;
  for (let bucket = learner.bounds.min; bucket <= learner.bounds.max; bucket++) {
    const each = new Set(Array.from({ length: 100 }, (_, i) => learner.intervalMs(bucket, i / 100)));
    t.ok(each.size > 90 && Math.min(...each) >= minMs && Math.max(...each) <= maxMs);
    t.ok(
      [...each].every((ms) => bucketOf(ms) === bucket),
      "what is handed out is seen again in the bucket that was meant",
    );
  }
  t.ok(learner.intervalMs(learner.bounds.start, 0.999) <= learner.options.startMs);
  t.end();
});

t.test("pages: as they were after a trip, whatever else comes is left out; full ones forget the least known", (t) => {
  const street = new Street(40);
  street.live(24, 8 * MINUTE);
  const page = new Map([[street.key, street.learner.known(street.key)!]]);
  const again = decodePage(encodePage(page))!.get(street.key)!;
  for (const field of ["best", "probe", "agedAt", "changedAt", "users", "allowedBest"] as const) t.equal(again[field], page.get(street.key)![field], field);
  t.ok(again.survived.every((weight, i) => Math.abs(weight - page.get(street.key)!.survived[i]!) <= 0.005));
  const other = new HeartbeatLearner({}, 5);
  other.adopt(street.key, again, [], street.now);
  t.equal(other.bestOf(street.key), street.learner.bestOf(street.key), "another gateway knows the same at once");

  t.equal(decodePage(new Uint8Array(0))!.size, 0);
  t.equal(decodePage(new TextEncoder().encode('{"format":2,"networks":{}}')), undefined, "somebody's newer format is not ours to write over");
  const json = fc.jsonValue();
  fc.assert(
    fc.property(json, json, (network, w) => {
      const decoded = decodePage(
        new TextEncoder().encode(JSON.stringify({ format: 1, networks: { a: network, b: { at: 1, best: network, w }, c: { at: 1, w: { 3: w } } } })),
      );
      for (const evidence of decoded?.values() ?? []) {
        if (!(evidence.best >= 0 && evidence.best < BUCKETS)) return false;
        if (![...evidence.survived, ...evidence.died, ...evidence.survivedFast, ...evidence.diedFast].every((weight) => weight >= 0 && weight <= 1e6))
          return false;
      }
      return true;
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => decodePage(bytes) === undefined || bytes.length === 0 || decodePage(bytes) !== null));

  const { options, bounds } = other;
  const full = new Map();
  const seen = (key: string) => ({ key, bucket: 32, died: false, weight: 1, user: 1 });
  for (let i = 0; i < PAGE_NETWORKS_MAX; i++) addToPage(full, [seen(`n${i}`), seen(`n${i}`)], options, bounds, START);
  addToPage(full, [seen("new")], options, bounds, START);
  t.equal(full.size, PAGE_NETWORKS_MAX);
  t.ok(full.has("new"));
  t.ok(pageOf("192.0.2_wifi") < PAGES);
  t.end();
});

t.test("sessions: Welcome's interval, Heartbeat behind a beat, silences of both ways, causes told apart, bounded passes", (t) => {
  const learner = new HeartbeatLearner({}, 9);
  let unix = START;
  let now = 1000;
  const quiet = new Map<number, number>();
  const gap = new Map<number, number>();
  const watched: [number, number][] = [];
  const written: [number, Uint8Array][] = [];
  let looks = 0;
  const sink = {
    quietMs: (slot: number) => {
      looks++;
      return quiet.get(slot) ?? HOUR;
    },
    takeLongestGapMs: (slot: number) => {
      const ms = gap.get(slot) ?? 0;
      gap.delete(slot);
      return ms;
    },
    watch: (slot: number, idleMs: number) => void watched.push([slot, idleMs]),
    write: (slot: number, frame: Uint8Array) => void written.push([slot, frame]),
  };
  const sessions = new SessionHeartbeats(
    1000,
    learner,
    sink,
    () => 0.5,
    () => unix,
    now,
  );
  const claim = { network: "wifi", lostAfterMs: 0 };
  const begin = (slot: number, lostAfterMs = 0) => {
    sessions.opened(slot, `192.0.2.${slot % 200}`);
    return sessions.begin(slot, new TextEncoder().encode(`user ${slot}`), { ...claim, lostAfterMs }, now);
  };
  for (let slot = 0; slot < 10; slot++) t.ok(begin(slot) <= 2 * learner.options.startMs);
  t.equal(
    sessions.byBucket.reduce((sum, count) => sum + count, 0),
    10,
  );

  // Nine survive half an hour; a push reached the tenth meanwhile.
  const pass = (ms: number) => {
    now += ms;
    unix += ms;
    for (let i = 0; i < 51; i++) sessions.tick(now, 100, 10);
  };
  pass(10 * MINUTE);
  sessions.wrote(9, now);
  now += 20 * MINUTE;
  unix += 20 * MINUTE;
  for (let slot = 0; slot < 10; slot++) {
    quiet.set(slot, 100);
    gap.set(slot, 29 * MINUTE);
  }
  pass(1000);
  t.equal(learner.survivals, 9, "silence that a push broke does not count");
  t.ok(learner.bestOf("192.0.2_wifi")! > learner.bounds.start);
  t.ok(written.length >= 9, "who was just heard is told the new interval");
  const told = hawser.v1.Heartbeat.decode(written[0]![1].subarray(2)).heartbeatMs;
  t.same(written[0]![1], encodeMessage(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs: told }));
  t.ok(
    watched.some(([, idleMs]) => idleMs === idleDeadlineMs(told)),
    "and the transport waits as long as fits it",
  );
  const frames = written.length;
  for (let slot = 0; slot < 10; slot++) quiet.set(slot, HOUR);
  pass(1000);
  t.equal(written.length, frames, "nobody is woken for a longer interval, nor told twice");

  // A death is the client's word in its next Hello; switching off is not one.
  const before = learner.deaths;
  sessions.closed(3);
  t.ok(begin(3, 400_000) <= learner.options.startMs, "who came back from a death is spared");
  t.equal(learner.deaths, before + 1);
  sessions.closed(4);
  begin(4);
  t.equal(learner.deaths, before + 1, "a takeover, a drain, a restart say nothing");
  sessions.idle(5);
  const { died } = learner.known("192.0.2_wifi")!;
  t.ok(died.reduce((sum, weight) => sum + weight, 0) < 1.2, "an idle timeout is weak evidence");

  // Everybody dies of what he has now: those that still live are told without waiting for their beats.
  unix += 2 * HOUR;
  const deadly = learner.bestOf("192.0.2_wifi")!;
  for (let slot = 100; slot < 160; slot++) begin(slot, bucketMs(deadly) + 1000);
  t.ok(learner.bestOf("192.0.2_wifi")! < deadly);
  written.length = 0;
  for (let i = 0; i < 60; i++) sessions.tick(now, 100, 160);
  t.ok(written.length > 0);

  looks = 0;
  sessions.tick(now, 100, 1000);
  t.ok(looks <= 20, "a tick looks at a fiftieth of the slots");
  for (let slot = 0; slot < 1000; slot++) sessions.closed(slot);
  t.equal(
    sessions.byBucket.reduce((sum, count) => sum + count, 0),
    0,
  );
  t.equal(learner.sessionsOn(learner.joined("192.0.2_wifi", unix)), 1);
  t.equal(fixedBeats(5000).begin(1, new Uint8Array(1), claim, now), 5000);
  t.end();
});

t.test("sessions: a carrier shortens its timer; who is silent at that moment is asked, and not closed before the answer can be there", (t) => {
  const COUNT = 400;
  const ROUND_TRIP_MS = 3000;
  const learner = new HeartbeatLearner({}, 7);
  let now = 1000;
  const unix = () => START + now;
  const liveness = new Liveness(COUNT, now);
  const answers: { at: number; slot: number }[] = [];
  const told = new Map<number, number>();
  let natMs = Number.POSITIVE_INFINITY;
  const sessions = new SessionHeartbeats(
    COUNT,
    learner,
    {
      quietMs: (slot) => liveness.quietMs(slot, now),
      takeLongestGapMs: (slot) => liveness.takeLongestGapMs(slot),
      watch: (slot, idleMs) => liveness.watch(slot, idleMs, now),
      write: (slot, frame) => {
        told.set(slot, hawser.v1.Heartbeat.decode(frame.subarray(2)).heartbeatMs);
        if (liveness.quietMs(slot, now) < natMs) answers.push({ at: now + ROUND_TRIP_MS, slot });
      },
    },
    () => 0.5,
    unix,
    now,
  );
  const before = learner.bounds.max;
  const key = "203.0.113_lte";
  learner.joined(key, unix());
  const evidence = learner.known(key)!;
  evidence.best = evidence.probe = before;
  evidence.survived[before] = 12;
  evidence.users = -1;
  for (let slot = 0; slot < COUNT; slot++) {
    liveness.opened(slot, now);
    sessions.opened(slot, `203.0.113.${slot % 250}`);
    const heartbeatMs = sessions.begin(slot, new TextEncoder().encode(`user ${slot}`), { network: "lte", lostAfterMs: 0 }, now);
    liveness.watch(slot, idleDeadlineMs(heartbeatMs), now);
  }
  // Everybody beats, each at a moment of his own.
  now += 3 * bucketMs(before);
  const sweep = (ms: number) => {
    for (const end = now + ms; now < end; now = Math.min(end, now + 1000)) liveness.sweep(now, () => t.fail("nobody is silent for too long"));
  };
  for (const end = now + bucketMs(before); now < end; sweep(bucketMs(before) / COUNT)) {
    liveness.received(Math.floor((1 - (end - now) / bucketMs(before)) * COUNT + 0.5) % COUNT, now);
  }
  natMs = 25 * MINUTE;
  for (let i = 0; learner.bestOf(key) === before && i < 40; i++) learner.died(0, mix32(i + 1), i, bucketMs(before) * 0.99, 1, unix());
  const after = learner.bestOf(key)!;
  t.ok(before - after >= 4, "the interval fell to half or less");
  const quiet = Array.from({ length: COUNT }, (_, slot) => liveness.quietMs(slot, now));
  const late = quiet.filter((ms) => ms > idleDeadlineMs(bucketMs(after) * 1.1) && ms < natMs).length;
  t.ok(late > 5, `${late} have been silent for longer than the new deadline, and live`);
  const died = () => learner.known(key)!.died.slice();
  const deaths = died();

  const closed = new Set<number>();
  const run = (ms: number) => {
    for (const end = now + ms; now < end; now += 100) {
      sessions.tick(now, 100, COUNT);
      while (answers[0] !== undefined && answers[0].at <= now) liveness.received(answers.shift()!.slot, now);
      liveness.sweep(now, (slot) => {
        closed.add(slot);
        sessions.idle(slot);
        sessions.closed(slot);
      });
    }
  };
  run(30_000);
  t.equal(told.size, COUNT, "all are told");
  t.same(
    [...closed].filter((slot) => quiet[slot]! + 5000 < natMs),
    [],
    "nobody is closed whose connection lives",
  );
  t.ok(closed.size > 50, "those that do not answer are known to be dead long before their old deadline");
  t.same(died(), deaths, "and they died of no silence that they were told to keep");

  // From the answer on the new deadline holds, and its death counts.
  const open = quiet.findIndex((ms, slot) => !closed.has(slot) && ms > idleDeadlineMs(bucketMs(after) * 1.1));
  const deadlineMs = idleDeadlineMs(told.get(open)!);
  for (let slot = 0; slot < COUNT; slot++) if (slot !== open) sessions.closed(slot);
  closed.clear();
  const heardAt = now - liveness.quietMs(open, now);
  run(heardAt + deadlineMs - now - 1000);
  t.equal(closed.size, 0);
  run(idleDeadlineMs(bucketMs(after + 1)) - deadlineMs + 5000);
  t.ok(closed.has(open));
  t.ok(died()[after]! > deaths[after]!);
  t.end();
});

t.test("what may be configured", (t) => {
  const of = (options: GatewayOptions) => gatewayConfig({ devTokens: true, ...options });
  t.equal(of({}).heartbeats?.learner.startMs, 240_000, "learned by default");
  t.equal(of({ heartbeatMs: 5000 }).heartbeats, undefined, "fixed where an interval is given");
  t.equal(of({ heartbeat: "fixed" }).heartbeats, undefined);
  t.match(of({ heartbeat: "adaptive", heartbeatMs: 5000 }).heartbeats?.learner, { minMs: 5000, startMs: 5000, maxMs: 1_800_000 });
  t.throws(() => of({ heartbeat: "fixed", heartbeatMaxMs: 600_000 }), /leave them out/);
  t.throws(() => of({ heartbeatMinMs: 300_000 }), /heartbeatMinMs is 300000: give a number from 1000 to 240000/);
  t.throws(() => of({ heartbeatMaxMs: 1e9 }), /heartbeatMaxMs/);
  t.throws(() => of({ heartbeat: "sometimes" as "fixed" }), /"adaptive" or "fixed"/);
  t.end();
});

t.test("sharing over NATS", async (t) => {
  const nats = await startNats();
  if (nats === undefined) {
    t.pass("SKIPPED: there is no nats-server on this machine");
    return;
  }
  t.teardown(() => nats.stop());

  await t.test("several gateways learn together what none could alone, each observation once", async (t) => {
    const bus = await connectBus({ servers: nats.url, name: "test" });
    t.teardown(() => bus.close());
    const bucket = await bus.keyValue(heartbeatsBucket("together"));
    const learners = [1, 2, 3, 4].map((salt) => new HeartbeatLearner({}, salt));
    const sharing: HeartbeatSharing[] = [];
    for (const learner of learners) sharing.push(await HeartbeatSharing.start(bucket, learner, SILENT, HOUR, Math.random, () => START));
    t.teardown(() => Promise.all(sharing.map((one) => one.stop())));
    for (const [i, learner] of learners.entries()) {
      const network = learner.joined("192.0.2_wifi", START);
      for (let user = 0; user < 2; user++) learner.survived(network, mix32(i * 10 + user), i * 10 + user, 400_000, START);
    }
    t.same(
      learners.map((learner) => learner.bestOf("192.0.2_wifi")),
      learners.map((learner) => learner.bounds.start),
      "two users do not move it",
    );
    // All at once: compare-and-set lets nobody write over anybody.
    await Promise.all(sharing.map((one) => one.share()));
    for (const one of sharing) for (let i = 0; i < PAGES / 4; i++) await one.share();
    const weights = learners.map((learner) => learner.known("192.0.2_wifi")!.survived.reduce((sum, weight) => sum + weight, 0));
    t.same(weights, [8, 8, 8, 8]);
    t.ok(bitCount(learners[0]!.known("192.0.2_wifi")!.users) > 2);
    for (const learner of learners) t.ok(learner.bestOf("192.0.2_wifi")! > learner.bounds.start);
    t.same(new Set(learners.map((learner) => learner.bestOf("192.0.2_wifi"))).size, 1, "all alike");
    for (let user = 0; user < 100; user++) {
      t.equal(new Set(learners.map((learner) => learner.bucketFor(learner.joined("192.0.2_wifi", START), mix32(user), START))).size <= 2, true);
    }
  });

  await t.test("what was learned outlives all gateways and NATS", async (t) => {
    const config = gatewayConfig({
      cluster: "restarts",
      natsServers: nats.url,
      host: "127.0.0.1",
      tcpPort: 0,
      webSocketPort: false,
      adminPort: 0,
      devTokens: true,
      drainMs: 0,
      lingerMs: 50,
      heartbeatLearning: { periodMs: 100 },
    });
    const hello = encodeMessage(FrameType.Hello, hawser.v1.Hello, {
      versionMin: 1,
      versionMax: 1,
      token: "dev:newcomer",
      device: new TextEncoder().encode("phone"),
      install: new Uint8Array(8).fill(7),
      connection: 1,
      network: "wifi",
    });
    const welcomeOf = async (port: number) => {
      const client = await openClient("tcp", port);
      client.write(hello);
      const welcome = hawser.v1.Welcome.decode(await client.next(FrameType.Welcome));
      client.destroy();
      return welcome.heartbeatMs;
    };
    let running = await runGateway(config, SILENT);
    const { learner } = running.gateway.heartbeats!;
    t.ok((await welcomeOf(running.tcpPort!)) <= 2 * 240_000, "a first guess, or twice that");
    const key = networkKey("wifi", "127.0.0.1");
    // A day of twenty users who survive a quarter of an hour.
    const network = learner.joined(key, Date.now());
    for (let round = 0; round < 4; round++)
      for (let user = 0; user < 20; user++) learner.survived(network, mix32(user), user, 15 * MINUTE, Date.now() + round * HOUR);
    const learned = learner.bestOf(key)!;
    t.ok(bucketMs(learned) > 400_000);
    await running.stop();
    await nats.kill();
    await nats.start();
    running = await runGateway(config, SILENT);
    t.teardown(() => running.stop());
    t.equal(running.gateway.heartbeats!.learner.bestOf(key), learned);
    const given = await welcomeOf(running.tcpPort!);
    t.ok(given >= bucketMs(learned), `a new phone begins with ${Math.round(given / 1000)} s`);
    const metrics = await (await fetch(`http://127.0.0.1:${running.adminPort}/metrics`)).text();
    t.match(metrics, /hawser_gateway_heartbeat_networks 1\n/);
    t.match(metrics, /hawser_gateway_heartbeat_survivals_total 0\n/);
  });
});

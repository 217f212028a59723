// Links between processes (link.ts) over a simulated bus: whatever is lost, every batch arrives once and in
// order, or the link says that it is over; and afterwards there is quiet.
import t from "tap";
import type { Test } from "tap";
import { LINK_LIMITS, LinkEnd, Verdict, sessionDigestTerm } from "./link.ts";
import type { LinkHead } from "./link.ts";
import { LinkSimulation } from "./testing/link-simulation.ts";
import type { BusConditions } from "./testing/link-simulation.ts";
import { Random } from "./testing/random.ts";

const GOOD: BusConditions = { loss: 0, delayMsMin: 0, delayMsMax: 2, messagesPerSecond: Infinity };
const DEAD: BusConditions = { ...GOOD, loss: 1 };
const SECOND = 1000;

/** The end of a run: all arrived, all acknowledged, and nothing but beats from now on. */
function checkSettled(t: Test, simulation: LinkSimulation, what: string): void {
  const { left, right } = simulation;
  const state = { over: [left.over, right.over], taken: [left.taken, right.taken], unacked: [left.link.unacked, right.link.unacked] };
  t.same(state, { over: ["", ""], taken: [right.sent, left.sent], unacked: [0, 0] }, `${what}: all arrived and acknowledged`);
  const before = { resent: left.resent + right.resent, heads: left.heads + right.heads };
  simulation.run(10 * SECOND);
  t.equal(left.resent + right.resent, before.resent, `${what}: nothing is sent again afterwards`);
  const beats = left.heads + right.heads - before.heads;
  t.ok(beats >= 30 && beats <= 44, `${what}: ten quiet seconds are beats only: ${beats}`);
  t.same([left.over, right.over], ["", ""], `${what}: and beats keep the link alive`);
}

t.test("a good bus: nothing is sent twice", (t) => {
  for (const eager of [true, false]) {
    const simulation = new LinkSimulation(new Random(1), LINK_LIMITS, GOOD, eager);
    simulation.run(10 * SECOND, 0.5, 0.3);
    simulation.run(SECOND);
    checkSettled(t, simulation, `eager ${eager}`);
    t.equal(simulation.left.resent + simulation.right.resent, 0);
    t.ok(simulation.left.sent > 4000);
  }
  t.end();
});

t.test("the last batch lost, and nothing behind it that would show the hole", (t) => {
  for (const eager of [true, false]) {
    const simulation = new LinkSimulation(new Random(2), LINK_LIMITS, GOOD, eager);
    simulation.run(100, 0.5);
    simulation.conditions = DEAD;
    simulation.left.sendBatch();
    simulation.conditions = GOOD;
    simulation.run(2 * SECOND);
    t.ok(simulation.left.resent >= 1);
    checkSettled(t, simulation, `eager ${eager}`);
  }
  t.end();
});

t.test("the first batch lost", (t) => {
  const simulation = new LinkSimulation(new Random(3), LINK_LIMITS, DEAD, true);
  simulation.left.sendBatch();
  simulation.conditions = GOOD;
  simulation.run(2 * SECOND);
  checkSettled(t, simulation, "first");
  t.end();
});

t.test("acks lost: batches are not sent again for ever, and are taken once", (t) => {
  const simulation = new LinkSimulation(new Random(4), LINK_LIMITS, GOOD, true);
  simulation.run(200, 0.5);
  const publish = simulation.publish.bind(simulation);
  simulation.publish = (from, bytes) => (from === simulation.left ? publish(from, bytes) : undefined);
  simulation.run(2 * SECOND, 0.5);
  t.ok(simulation.left.link.unacked > 0);
  simulation.publish = publish;
  simulation.run(2 * SECOND);
  checkSettled(t, simulation, "acks");
  t.end();
});

t.test("an outage shorter than lostMs is made up for; a longer one ends the link on both sides", (t) => {
  const short = new LinkSimulation(new Random(5), LINK_LIMITS, GOOD, true);
  short.run(SECOND, 0.2, 0.2);
  short.conditions = DEAD;
  short.run(4 * SECOND, 0.2, 0.2);
  short.conditions = GOOD;
  short.run(3 * SECOND);
  checkSettled(t, short, "4 s");

  const long = new LinkSimulation(new Random(6), LINK_LIMITS, GOOD, true);
  long.run(SECOND, 0.2, 0.2);
  long.conditions = DEAD;
  long.run(LINK_LIMITS.lostMs + SECOND, 0.2, 0.2);
  t.same([long.left.over, long.right.over], ["lost", "lost"]);
  t.end();
});

t.test("a silent peer is lost after lostMs, not before; a peer with nothing to say is not silent", (t) => {
  const end = new LinkEnd(Uint8Array.of(1), Uint8Array.of(2), 1, 0);
  t.equal(end.lost(LINK_LIMITS.lostMs), false);
  t.equal(end.lost(LINK_LIMITS.lostMs + 1), true);
  const quiet = new LinkSimulation(new Random(7), LINK_LIMITS, GOOD, false);
  quiet.run(60 * SECOND);
  t.same([quiet.left.over, quiet.right.over], ["", ""]);
  t.end();
});

t.test("a ring that is full ends the link: by batches, and by bytes", (t) => {
  const limits = { ...LINK_LIMITS, ringBatchesMax: 100, ringBytesMax: 1000 };
  const byBatches = new LinkEnd(Uint8Array.of(1), Uint8Array.of(2), 1, 0, limits);
  for (let i = 1; i <= 101; i++) {
    byBatches.nextHead();
    t.equal(byBatches.retain(Uint8Array.of(i), 0), i <= 100);
  }
  const byBytes = new LinkEnd(Uint8Array.of(1), Uint8Array.of(2), 1, 0, limits);
  for (let i = 1; i <= 5; i++) {
    byBytes.nextHead();
    t.equal(byBytes.retain(new Uint8Array(250), 0), i <= 4);
  }
  t.equal(byBytes.unackedBytes, 1250);
  const simulation = new LinkSimulation(new Random(8), limits, DEAD, true);
  simulation.run(2 * SECOND, 1);
  t.equal(simulation.left.over, "ring");
  t.equal(simulation.left.sent, 26, "40 bytes each: the 26th goes beyond 1000");
  t.end();
});

t.test("heads that make no sense do no harm", (t) => {
  const end = new LinkEnd(Uint8Array.of(1), Uint8Array.of(2), 1, 0);
  const head = (fields: Partial<LinkHead>): LinkHead => ({ from: end.peer, to: end.self, link: 1, number: 0, last: 0, ack: 0, reset: false, ...fields });
  const none = (): void => void t.fail("nothing to send again");
  end.nextHead();
  end.retain(new Uint8Array(10), 0);
  t.equal(end.receive(head({ ack: 2 }), 1, none), Verdict.Skip);
  t.equal(end.unacked, 1, "an ack of what was never sent counts for nothing");
  t.equal(end.receive(head({ number: 2, last: 2 }), 100, none), Verdict.Skip, "behind a hole");
  t.equal(end.headDue(100), true, "which the peer is told");
  t.equal(end.bareHead(100).ack, 0);
  t.equal(end.receive(head({ number: 2, last: 2 }), 101, none), Verdict.Skip);
  t.equal(end.headDue(101), false, "though not again at once");
  t.equal(end.receive(head({ number: 1, last: 2 }), 150, none), Verdict.Deliver);
  t.equal(end.receive(head({ number: 1, last: 2 }), 160, none), Verdict.Skip, "a duplicate");
  t.equal(end.headDue(160), true, "whose ack was lost, perhaps");
  t.equal(end.receive(head({ number: Number.MAX_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER, ack: 1 }), 170, none), Verdict.Skip);
  t.equal(end.unacked, 0);
  t.equal(end.receive(head({ ack: 0 }), 180, none), Verdict.Skip);
  t.equal(end.unacked, 0, "an old ack takes nothing back");
  t.same(end.nextHead(), head({ from: end.self, to: end.peer, number: 2, last: 2, ack: 1 }));
  t.end();
});

t.test("a long gap is made up for in parts: the bus is never filled with what is sent again", (t) => {
  for (const eager of [true, false]) {
    const simulation = new LinkSimulation(new Random(11), LINK_LIMITS, GOOD, eager);
    const { left, right } = simulation;
    simulation.run(100, 1);
    simulation.conditions = DEAD;
    simulation.run(4 * SECOND, 1);
    simulation.conditions = GOOD;
    let most = 0;
    let headsMost = 0;
    for (let ms = 0; ms < 6 * SECOND; ms += 10) {
      const before = { resent: left.resent, heads: right.heads };
      simulation.run(10, ms < 3 * SECOND ? 0.3 : 0);
      most = Math.max(most, left.resent - before.resent);
      headsMost = Math.max(headsMost, right.heads - before.heads);
    }
    t.ok(most <= 3 * 256, `eager ${eager}: at most ${most} sent again in 10 ms`);
    t.ok(headsMost <= 24, `eager ${eager}: and at most ${headsMost} heads in 10 ms to answer them`);
    t.ok(left.resent < 1.5 * left.sent, `eager ${eager}: ${left.resent} sent again of ${left.sent}`);
    checkSettled(t, simulation, `eager ${eager}`);
  }
  const end = new LinkEnd(Uint8Array.of(1), Uint8Array.of(2), 1, 0);
  for (let i = 0; i < 60; i++) {
    end.nextHead();
    end.retain(new Uint8Array(700_000), 0);
  }
  let bytes = 0;
  end.receive({ from: end.peer, to: end.self, link: 1, number: 0, last: 0, ack: 0, reset: false }, 1000, (again) => (bytes += again.length));
  t.ok(bytes > 0 && bytes < 5 * 1024 * 1024, `large batches: ${bytes} bytes at a time`);
  t.end();
});

t.test("steady traffic both ways repairs a hole too, whenever the owner looks for due heads", (t) => {
  for (const eager of [true, false]) {
    const simulation = new LinkSimulation(new Random(9), LINK_LIMITS, GOOD, eager);
    simulation.run(SECOND, 1, 1);
    simulation.conditions = DEAD;
    simulation.left.sendBatch();
    simulation.conditions = GOOD;
    simulation.run(3 * SECOND, 1, 1);
    const missing = simulation.left.sent - simulation.right.taken;
    t.ok(missing < 50, `eager ${eager}: after 3 s of traffic ${missing} batches have not arrived`);
    simulation.run(2 * SECOND);
    checkSettled(t, simulation, `eager ${eager}`);
  }
  t.end();
});

t.test("a bus that is slow but loses nothing is not made slower by sending again", (t) => {
  for (const [what, conditions] of [
    ["400 ms away", { ...GOOD, delayMsMin: 400, delayMsMax: 450 }],
    ["1.5 s away", { ...GOOD, delayMsMin: 1500, delayMsMax: 1600 }],
    ["at its capacity after a burst", { ...GOOD, messagesPerSecond: 400 }],
  ] as const) {
    const simulation = new LinkSimulation(new Random(10), LINK_LIMITS, conditions, true);
    for (let i = 0; i < 400; i++) simulation.left.sendBatch();
    simulation.run(20 * SECOND, 0.3);
    const { left, right } = simulation;
    t.same([left.over, right.over], ["", ""], `${what}: the link lasts`);
    t.ok(left.resent <= left.sent / 2, `${what}: ${left.resent} sent again of ${left.sent}`);
    t.ok(left.sent - right.taken < 600, `${what}: ${left.sent - right.taken} have not arrived`);
    simulation.run(10 * SECOND);
    checkSettled(t, simulation, what);
  }
  t.end();
});

t.test("200 seeded runs: loss, delay, pauses, small rings", (t) => {
  const ends = { settled: 0, ring: 0, lost: 0 };
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const limits = { ...LINK_LIMITS, ringBatchesMax: random.pick([50, 500, 8192]), ackEveryBatches: random.pick([1, 8, 32]) };
    const conditions = (): BusConditions => {
      const delayMsMin = random.pick([0, 0, 5, 100]);
      return {
        loss: random.pick([0, 0.01, 0.1, 0.3, 0.6]),
        delayMsMin,
        delayMsMax: delayMsMin + random.pick([1, 30, 300]),
        messagesPerSecond: random.pick([Infinity, 5000]),
      };
    };
    const simulation = new LinkSimulation(random, limits, conditions(), random.chance(0.5));
    const { left, right } = simulation;
    for (let phase = 0; phase < 5; phase++) {
      simulation.conditions = random.chance(0.2) ? DEAD : conditions();
      simulation.run(random.between(100, 2500), random.pick([0, 0.01, 0.2]), random.pick([0, 0.01, 0.2]));
    }
    simulation.conditions = GOOD;
    simulation.run(12 * SECOND);
    // One side may have given up while the other still hopes: it will hear nothing any more, and give up too.
    const over = left.over || right.over;
    if (over === "") {
      t.same([left.taken, right.taken, left.link.unacked, right.link.unacked], [right.sent, left.sent, 0, 0], `seed ${seed}: settled`);
      const before = left.resent + right.resent;
      simulation.run(3 * SECOND);
      t.equal(left.resent + right.resent, before, `seed ${seed}: quiet`);
      ends.settled++;
    } else {
      t.ok(left.over !== "" && right.over !== "", `seed ${seed}: both know that it is over`);
      t.ok(left.taken <= right.sent && right.taken <= left.sent);
      ends[over]++;
    }
    t.ok(left.link.unacked <= limits.ringBatchesMax + 1 && right.link.unacked <= limits.ringBatchesMax + 1, `seed ${seed}: bounded`);
  }
  t.comment(JSON.stringify(ends));
  t.ok(ends.settled > 60 && ends.ring > 5 && ends.lost > 0, "all three endings were seen");
  t.end();
});

t.test("session digests: order does not matter, slot and generation do, and a session can be taken out", (t) => {
  const terms = new Set<number>();
  for (let slot = 0; slot < 300; slot++) for (let generation = 1; generation <= 30; generation++) terms.add(sessionDigestTerm(slot, generation));
  t.ok(terms.size >= 300 * 30 - 30, `${terms.size} different terms of 9000`);
  for (const term of terms) if (!(Number.isInteger(term) && term >= 0 && term < 2 ** 32)) t.fail(`${term} is no u32`);
  const random = new Random(3);
  let sum = 0;
  const sessions = Array.from({ length: 100 }, () => [random.uint32(), random.uint32()] as const);
  for (const [slot, generation] of sessions) sum = (sum + sessionDigestTerm(slot, generation)) >>> 0;
  for (const [slot, generation] of sessions.reverse()) sum = (sum - sessionDigestTerm(slot, generation)) >>> 0;
  t.equal(sum, 0);
  t.end();
});

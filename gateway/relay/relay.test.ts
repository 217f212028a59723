// The relay between a table of sessions and small logic peers, over a bus in memory that can lose: routing, batches,
// session tables that agree, and every way in which a link ends and the next one begins.
import t from "tap";
import { directKey, shardOf, userKey } from "../../proto/conversation.ts";
import { type ErrorCode, errorName } from "../../proto/error-code.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { LinkLimits } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";
import { Counters } from "../counters.ts";
import { SILENT } from "../log.ts";
import { SessionTable } from "../session/session-table.ts";
import { LogicPeer, type LogicPeerOptions } from "../testing/logic-peer.ts";
import { type Publisher, Relay, type RelaySessions } from "./relay.ts";

const LIMITS: LinkLimits = { ringBatchesMax: 8192, ringBytesMax: 64 * 1024 * 1024, beatMs: 500, resendMs: 250, lostMs: 5000, ackEveryBatches: 32 };
const bytesOf = (value: string) => new TextEncoder().encode(value);
const SYNC = hawser.v1.Sync.encode({}).finish();
const EMPTY = new Uint8Array(0);

class Bench implements Publisher, RelaySessions {
  now = 10_000;
  connected = true;
  /** Whether a message gets through; asked for each. */
  passes: () => boolean = () => true;
  readonly peers = new Map<string, LogicPeer>();
  readonly told: string[] = [];
  readonly delivered: string[] = [];
  readonly table = new SessionTable(64);
  readonly counters = new Counters();
  readonly relay: Relay;
  readonly incarnation = bytesOf("gateway1");
  /** What Math.random would draw. */
  chance = 0;
  private flushWanted = false;
  /** What is on its way: a bus never delivers from inside a call of publish. */
  private readonly underway: (() => void)[] = [];

  constructor(limits: LinkLimits = LIMITS) {
    this.relay = new Relay(this, this.table, this, this.counters, SILENT, () => this.now, {
      incarnation: this.incarnation,
      resyncsPerSecond: 100,
      linkLimits: limits,
      random: () => this.chance,
    });
  }

  publish(owner: string, bytes: Uint8Array): boolean {
    if (this.connected && this.passes()) this.underway.push(() => this.peers.get(owner)?.receive(bytes.slice()));
    return this.connected;
  }

  refuse(slot: number, ref: number, code: ErrorCode, retryAfterMs = 0): void {
    this.told.push(`refuse ${slot} ${ref} ${errorName(code)} ${retryAfterMs}`);
  }

  resync(slot: number): void {
    this.told.push(`resync ${slot}`);
  }

  flushSoon(): void {
    this.flushWanted = true;
  }

  delivery(frame: Uint8Array, deliveryClass: number, slots: Uint32Array, generations: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) this.delivered.push(`${Buffer.from(frame)} to ${slots[i]}.${generations[i]} class ${deliveryClass}`);
  }

  /** A logic process that owns shards from now on. */
  owner(name: string, options: Partial<LogicPeerOptions> & { key?: string } = {}): LogicPeer {
    const peer = new LogicPeer({
      incarnation: bytesOf(name.padEnd(8, "_")),
      now: () => this.now,
      limits: LIMITS,
      publish: (_gateway, bytes) => {
        if (this.connected && this.passes()) this.underway.push(() => this.relay.receive(bytes));
      },
      ...options,
    });
    this.peers.set(hex(peer.incarnation), peer);
    this.relay.links.ownerEntry(options.key ?? "shards.0-255", peer.owner);
    this.turn();
    return peer;
  }

  session(slot: number, user: string, sync = true): void {
    this.table.open(slot);
    this.table.ready(slot, bytesOf(user), bytesOf("phone"), bytesOf("install1"));
    this.relay.attach(slot, sync, EMPTY);
    this.turn();
  }

  close(slot: number): void {
    this.relay.detach(slot);
    this.table.free(slot);
    this.turn();
  }

  request(slot: number, type: number, ref: number, body: Uint8Array): void {
    this.relay.command(slot, type, ref, body, 0, body.length);
  }

  send(slot: number, ref: number, peer: string, payload = EMPTY): void {
    this.request(slot, FrameType.Send, ref, hawser.v1.Send.encode({ peer: bytesOf(peer), clientSeq: ref, payload }).finish());
  }

  turn(): void {
    do {
      for (const arrive of this.underway.splice(0)) arrive();
      if (this.flushWanted) this.relay.flush();
      this.flushWanted = false;
    } while (this.underway.length > 0);
  }

  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now += 100;
      for (const peer of this.peers.values()) peer.tick();
      this.relay.tick();
      this.turn();
    }
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

t.test("requests go to the owner of their shard, in order, one batch a turn", async (t) => {
  const bench = new Bench();
  const low = bench.owner("low", { shardLast: 127, key: "low" });
  const high = bench.owner("high", { shardFirst: 128, key: "high" });
  const users = ["alice", "bob", "carol", "dave", "erin", "frank"];
  for (const [slot, user] of users.entries()) bench.session(slot, user);
  for (const [i, user] of users.entries()) {
    const owner = shardOf(userKey(bytesOf(user)), 256) < 128 ? low : high;
    t.ok(owner.attaches.includes(`${user} sync`), `${user} at its shard's owner`);
    t.equal(owner.session(user).slot, i);
  }
  bench.now += 1;
  const acked = [...bench.relay.links.byOwner.values()].map((link) => link.end.unacked);
  for (const [slot, user] of users.entries()) {
    for (const [i, peer] of users.entries()) bench.send(slot, i + 1, peer);
    bench.request(slot, FrameType.Sync, 7, SYNC);
    bench.request(slot, FrameType.Read, 8, hawser.v1.Read.encode({ peer: bytesOf("bob"), seq: 3 }).finish());
    bench.request(slot, FrameType.Fetch, 9, hawser.v1.Fetch.encode({ group: bytesOf("g"), fromSeq: 1 }).finish());
    bench.request(slot, FrameType.Check, 10, hawser.v1.Check.encode({ digest: new Uint8Array(8) }).finish());
    t.strictSame(
      [...low.requests, ...high.requests].filter((line) => line.startsWith(user)),
      [],
      "nothing before the end of the turn",
    );
  }
  bench.turn();
  t.ok(
    [...bench.relay.links.byOwner.values()].every((link, i) => link.end.unacked <= acked[i]! + 1),
    "one batch for each owner",
  );
  for (const user of users) {
    const ownerOf = (key: Uint8Array) => (shardOf(key, 256) < 128 ? low : high);
    users.forEach((peer, i) => {
      t.ok(ownerOf(directKey(bytesOf(user), bytesOf(peer))).requests.includes(`${user} ${FrameType.Send} ${i + 1}`), `${user} to ${peer}`);
    });
    for (const line of [`${user} ${FrameType.Sync} 7`, `${user} ${FrameType.Read} 8`, `${user} ${FrameType.Check} 10`]) {
      t.ok(ownerOf(userKey(bytesOf(user))).requests.includes(line), line);
    }
    const refs = low.requests.filter((line) => line.startsWith(user)).map((line) => Number(line.split(" ")[2]));
    t.strictSame(
      refs,
      [...refs].sort((a, b) => a - b),
      "in order",
    );
  }
  bench.request(0, FrameType.Send, 11, hawser.v1.Send.encode({ clientSeq: 1 }).finish());
  bench.request(0, FrameType.Read, 12, hawser.v1.Read.encode({ peer: bytesOf("bob"), group: bytesOf("g") }).finish());
  t.strictSame(bench.take(), ["refuse 0 11 BAD_REQUEST 0", "refuse 0 12 BAD_REQUEST 0"]);
  t.strictSame([...low.mismatches, ...high.mismatches], []);
});

t.test("deliveries come once and in order, whatever is lost", async (t) => {
  const bench = new Bench();
  const logic = bench.owner("logic");
  bench.session(3, "alice");
  const alice = logic.session("alice");
  let n = 0;
  bench.passes = () => ++n % 3 !== 0;
  for (let i = 0; i < 100; i++) {
    logic.deliver(logic.only, Buffer.from(`m${i}`), [alice], i % 3);
    bench.send(3, i + 1, "bob");
    bench.turn();
    if (i % 10 === 0) bench.run(100);
  }
  bench.passes = () => true;
  bench.run(5000);
  t.strictSame(
    bench.delivered,
    Array.from({ length: 100 }, (_, i) => `m${i} to 3.1 class ${i % 3}`),
  );
  t.strictSame(
    logic.requests,
    Array.from({ length: 100 }, (_, i) => `alice 5 ${i + 1}`),
  );
  t.strictSame(bench.take(), [], "nobody has to sync for it");
  t.equal(bench.relay.links.newest, 1);
  const [link] = bench.relay.links.byOwner.values();
  t.equal(link!.end.unacked, 0);
});

t.test("session tables agree while sessions come and go", async (t) => {
  const bench = new Bench();
  const logic = bench.owner("logic");
  for (let round = 0; round < 30; round++) {
    for (let slot = 0; slot < 10; slot++) {
      if ((round * 7 + slot) % 3 !== 0) continue;
      if (bench.table.state[slot] === 0) bench.session(slot, `user${slot}`);
      else bench.close(slot);
    }
    bench.run(100);
    t.equal(logic.only.sessions.size, bench.table.readyCount);
  }
  t.strictSame(logic.mismatches, []);
});

t.test("no owner: BUSY; the first owner is told of those who wait, and they sync", async (t) => {
  const bench = new Bench();
  bench.session(0, "alice");
  bench.send(0, 1, "bob");
  bench.chance = 0.9999;
  bench.request(0, FrameType.Sync, 2, SYNC);
  t.strictSame(bench.take(), ["refuse 0 1 BUSY 500", "refuse 0 2 BUSY 1499"], "not to return together");
  t.notOk(bench.relay.ready);
  const logic = bench.owner("logic");
  t.strictSame(logic.attaches, ["alice report"]);
  bench.run(1000);
  t.strictSame(bench.take(), ["resync 0"]);
  bench.session(1, "bob");
  bench.run(3000);
  t.strictSame(bench.take(), [], "who came later needs no Resync");
  bench.send(0, 3, "bob");
  bench.turn();
  t.strictSame(logic.requests, ["alice 5 3"]);
  t.ok(bench.relay.ready);
});

t.test("another owner, another epoch: a new link, reports, paced Resyncs", async (t) => {
  const bench = new Bench();
  const first = bench.owner("first");
  for (let slot = 0; slot < 40; slot++) bench.session(slot, `user${slot}`, false);
  bench.run(200);
  const second = bench.owner("second", { epoch: 2 });
  t.equal(second.attaches.filter((line) => line.endsWith(" report")).length, 40);
  t.equal(second.only.sessions.size, 40);
  t.strictSame([...bench.relay.links.byOwner.keys()], [hex(second.incarnation)], "the old one is nobody any more");
  bench.run(200);
  const early = bench.take().length;
  t.ok(early > 0 && early <= 20, `${early} of 40 soon after it answered, at 100 a second`);
  bench.session(50, "late");
  bench.close(39);
  bench.run(1000);
  const later = bench.take();
  t.equal(early + later.length, 39);
  t.notOk(later.includes("resync 50"));
  first.deliver(first.only, Buffer.from("old"), [{ slot: 0, generation: 1 }]);
  t.strictSame(bench.delivered, [], "what the old owner says is not heard");

  second.epoch = 3;
  bench.relay.links.ownerEntry("shards.0-255", second.owner);
  bench.turn();
  bench.run(1000);
  t.equal(bench.relay.links.newest, 3);
  t.equal(bench.take().length, 40, "the same process with another epoch has forgotten");
  second.epoch = 2;
  second.deliver(second.only, Buffer.from("before the takeover"), [{ slot: 0, generation: 1 }]);
  t.strictSame(bench.delivered, [], "a lower epoch is not heard");
  second.epoch = 3;
  bench.relay.links.ownerEntry("shards.0-255", first.owner);
  t.equal(bench.relay.links.newest, 3, "a lower epoch in the bucket changes nothing");
  bench.relay.links.ownerEntry("shards.0-255", EMPTY);
  bench.send(0, 1, "bob");
  t.strictSame(bench.take(), ["refuse 0 1 BUSY 500"], "the key is gone, and nobody owns anything");
});

t.test("a long report waits for acks; whoever says something meanwhile, or leaves, is told of at once or not at all", async (t) => {
  const limits = { ...LIMITS, ringBytesMax: 8 * 1024 };
  const bench = new Bench(limits);
  for (let slot = 0; slot < 60; slot++) bench.session(slot, `user-${slot}`);
  let quiet = true;
  const logic = bench.owner("logic", { limits, publish: (_gateway, bytes) => void (quiet || bench.relay.receive(bytes)) });
  bench.run(300);
  const [link] = bench.relay.links.byOwner.values();
  const first = logic.attaches.length;
  t.ok(first > 5 && first < 30, `a part of them: ${first}`);
  bench.send(50, 1, "user-1");
  bench.turn();
  t.strictSame(logic.attaches.slice(first), ["user-50 report"], "one that asks for something comes before it");
  t.strictSame(logic.requests, ["user-50 5 1"]);
  bench.close(55);
  t.equal(link!.broken, "");
  quiet = false;
  bench.run(5000);
  t.equal(logic.attaches.length, 59, "all but the one that left");
  t.equal(new Set(logic.attaches).size, 59, "each once");
  t.equal(link!.sessions, 59);
  t.equal(bench.relay.links.newest, link!.number, "on the same link");
  t.strictSame(logic.mismatches, []);
  t.equal(bench.take().filter((line) => line.startsWith("resync")).length, 59, "and told to sync");
});

t.test("an owner that falls silent: BUSY, then a new link, and Resyncs only once it answers", async (t) => {
  const bench = new Bench();
  const logic = bench.owner("logic");
  bench.session(0, "alice");
  bench.run(1000);
  bench.passes = () => false;
  bench.run(4000);
  bench.send(0, 1, "bob");
  t.strictSame(bench.take(), [], "a silence of 4 s is waited out");
  bench.run(20_000);
  bench.send(0, 2, "bob");
  t.strictSame(bench.take(), ["refuse 0 2 BUSY 500"], "nobody is told to sync with somebody who is not there");
  t.ok(bench.relay.links.newest > 2, "it was tried again");
  bench.passes = () => true;
  bench.run(3000);
  t.strictSame(bench.take(), ["resync 0"]);
  t.equal(logic.attaches.at(-1), "alice report");
  bench.send(0, 3, "bob");
  bench.turn();
  t.equal(logic.requests.at(-1), "alice 5 3");
  t.strictSame(logic.mismatches, []);
});

t.test("NATS away for long: no links are opened into the void", async (t) => {
  const bench = new Bench();
  bench.owner("logic");
  bench.session(0, "alice");
  bench.connected = false;
  bench.run(60_000);
  t.equal(bench.relay.links.newest, 1);
  bench.send(0, 1, "bob");
  t.strictSame(bench.take(), ["refuse 0 1 BUSY 500"]);
  bench.connected = true;
  bench.run(3000);
  t.equal(bench.relay.links.newest, 2);
  t.strictSame(bench.take(), ["resync 0"]);
});

t.test("a reset, a ring that ran over, a batch that is none", async (t) => {
  const bench = new Bench({ ...LIMITS, ringBatchesMax: 20 });
  const logic = bench.owner("logic");
  bench.session(0, "alice");
  bench.run(500);
  logic.reset(bench.incarnation, 1);
  bench.turn();
  bench.send(0, 1, "bob");
  t.strictSame(bench.take(), ["refuse 0 1 BUSY 500"]);
  bench.run(1000);
  t.equal(bench.relay.links.newest, 2);
  t.strictSame(bench.take(), ["resync 0"]);
  logic.reset(bench.incarnation, 1);
  bench.run(1000);
  t.equal(bench.relay.links.newest, 2, "a reset of a former link is old news");

  bench.passes = () => false;
  for (let ref = 2; ref < 40; ref++) {
    bench.send(0, ref, "bob");
    bench.turn();
  }
  t.ok(
    bench.take().every((line) => line.endsWith("BUSY 500")),
    "beyond the ring",
  );
  bench.passes = () => true;
  bench.run(1500);
  t.equal(bench.relay.links.newest, 3);
  t.strictSame(bench.take(), ["resync 0"]);

  bench.relay.receive(Uint8Array.of(0xff, 0xff));
  bench.relay.receive(Uint8Array.of());
  t.equal(bench.counters.badBatches, 2);
  logic.batch(logic.only, [{ frame: Uint8Array.of(1, 15), slots: [1], generations: [] }]);
  bench.turn();
  t.equal(bench.counters.badBatches, 3);
  bench.run(1000);
  t.equal(bench.relay.links.newest, 4, "what could not be read may have been anything");
  t.strictSame(bench.take(), ["resync 0"]);
  t.strictSame(logic.mismatches, []);
});

t.test("batches are cut by bytes", async (t) => {
  const bench = new Bench();
  const logic = bench.owner("logic");
  bench.session(0, "alice");
  const sizes: number[] = [];
  const { publish } = bench;
  bench.publish = (owner, bytes) => {
    sizes.push(bytes.length);
    return publish.call(bench, owner, bytes);
  };
  const big = new Uint8Array(500 * 1024);
  for (let ref = 1; ref <= 5; ref++) bench.send(0, ref, "bob", big.subarray(0, ref === 3 ? 100 : big.length));
  for (let ref = 6; ref < 4000; ref++) bench.send(0, ref, "bob", big.subarray(0, 300));
  bench.turn();
  t.ok(Math.max(...sizes) <= 768 * 1024, `largest ${Math.max(...sizes)}`);
  t.equal(logic.requests.length, 3999);
  t.equal(logic.requests.at(-1), "alice 5 3999");
});

t.test("whatever a batch is cut behind, it claims the sessions that it and those before it made", async (t) => {
  const bench = new Bench();
  const logic = bench.owner("logic");
  for (let slot = 0; slot < 6; slot++) bench.session(slot, `user${slot}`);
  let batches = 0;
  const { publish } = bench;
  bench.publish = (owner, bytes) => {
    batches++;
    return publish.call(bench, owner, bytes);
  };
  const big = new Uint8Array(500 * 1024);
  const cuts: Record<string, () => void> = {
    close: () => bench.close(1),
    attach: () => bench.session(1, "user1"),
    "close and attach in one slot": () => {
      bench.relay.detach(2);
      bench.table.free(2);
      bench.session(2, "another");
    },
    "closes in a row": () => {
      for (const slot of [3, 4]) {
        bench.relay.detach(slot);
        bench.table.free(slot);
        bench.send(0, 1, "bob", big);
      }
      bench.close(5);
    },
  };
  for (const [name, cut] of Object.entries(cuts)) {
    batches = 0;
    // More than a batch is cut at: the next command finds it full.
    bench.send(0, 1, "bob", big);
    t.equal(batches, 0);
    cut();
    t.ok(batches > 1, `${name}: behind a cut`);
    t.strictSame(logic.mismatches.splice(0), [], name);
    t.equal(logic.only.sessions.size, bench.table.readyCount, name);
  }
});

// Batches into a whole Logic over real link ends: how links begin, are replaced and end, what becomes of sessions with
// them, and what garbage, forgery and hostile clients do (nothing).
import fc from "fast-check";
import t from "tap";
import { directKey } from "../../proto/conversation.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { LINK_LIMITS } from "../../proto/link.ts";
import { Random } from "../../proto/testing/random.ts";
import { installOf } from "../testing/fake-gateway.ts";
import { LogicBench } from "../testing/logic-bench.ts";
import { MemoryDisk } from "../testing/memory-disk.ts";
import { MemoryStore } from "../testing/memory-store.ts";

const { Operation, Up } = fabric.fabric.v1;
const SHARDS = 8;

function bench(): { bench: LogicBench; disk: MemoryDisk; store: MemoryStore } {
  const disk = new MemoryDisk(SHARDS);
  const store = new MemoryStore(disk);
  return { bench: new LogicBench(store), disk, store };
}

t.test("the way of a message: batch in, commit, Sent back, Push to the other gateway, one batch each", async (t) => {
  const { bench: b } = bench();
  const [g1, g2] = [b.gateway("g1"), b.gateway("g2")];
  g1.attach(0, 1, { user: "ann", install: 1, sync: true });
  g1.send(0, 1, 1, "bob", 1);
  g1.send(0, 1, 2, "bob", 2);
  g1.flush();
  g2.attach(7, 3, { user: "bob", install: 2 });
  g2.flush();
  await b.settle();
  t.strictSame(g1.take(), ["0.1 Heads 0 of 0", "0.1 Sent 1 seq 1", "0.1 Sent 2 seq 2"]);
  t.strictSame(g2.take(), ["7.3 Push 1", "7.3 Push 2"]);
  t.equal(g2.received, 2, "the head that says that the link is known, then both pushes in one batch");
  t.strictSame(b.failures, []);
});

t.test("a batch that comes twice, or after a hole, is taken once and in order", async (t) => {
  const { bench: b, disk } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  const first = g.flush();
  b.logic.receive(first);
  g.send(0, 1, 1, "bob", 1);
  const lost = g.flush(true);
  g.send(0, 1, 2, "bob", 2);
  const behind = g.flush();
  await b.settle();
  t.strictSame(g.take(), [], "what is behind a hole waits");
  b.logic.receive(lost);
  b.logic.receive(behind);
  b.logic.receive(lost);
  b.logic.receive(behind);
  await b.settle();
  t.strictSame(g.take(), ["0.1 Sent 1 seq 1", "0.1 Sent 2 seq 2"]);
  t.equal(disk.rows(directKey(Buffer.from("ann"), Buffer.from("bob"))).length, 2);
});

t.test("logic sends again what the gateway did not get", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.send(0, 1, 1, "bob", 1);
  g.deaf = true;
  g.flush();
  await b.settle();
  g.deaf = false;
  t.strictSame(g.take(), []);
  for (let i = 0; i < 20; i++) {
    b.pass(100);
    if (i % 5 === 0) g.beat();
  }
  t.strictSame(g.take(), ["0.1 Sent 1 seq 1"]);
});

t.test("a link that logic does not know is reset, whatever comes on it", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush(true);
  g.send(0, 1, 1, "bob", 1);
  g.flush();
  t.strictSame(g.resets.splice(0), [1], "it begins with its second batch");
  g.beat();
  t.strictSame(g.resets.splice(0), [1], "a head that speaks of batches never seen");
  t.equal(b.logic.ingest.peers.size, 0);
  g.open(2);
  g.beat();
  t.strictSame(g.resets, [], "an empty link may begin with a bare head");
  g.attach(0, 1, { user: "ann", install: 1, report: true });
  g.send(0, 1, 1, "bob", 1);
  g.flush();
  await b.settle();
  t.strictSame(g.take(), ["0.1 Sent 1 seq 1"]);
});

t.test("a new link replaces the old one with all its sessions; answers for the old one go nowhere", async (t) => {
  const { bench: b, store } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.attach(1, 1, { user: "bob", install: 2 });
  g.send(0, 1, 1, "bob", 1);
  store.holdCommits = true;
  g.flush();
  await b.settle();
  g.open(2);
  g.attach(0, 1, { user: "ann", install: 1, report: true });
  g.flush();
  const received = g.received;
  store.commitNow();
  store.holdCommits = false;
  await b.settle();
  t.strictSame(g.take(), ["0.1 Push 1"], "the session is another one to logic now, and is not answered but told");
  t.equal(g.received, received + 1, "nothing is sent on the old link");
  t.equal([...b.logic.ingest.peers.values()][0]!.sessions.size, 1, "bob was not reported");
  g.send(0, 1, 9, "bob", 1);
  g.flush();
  await b.settle();
  t.strictSame(g.take(), ["0.1 Sent 9 seq 1"]);
});

t.test("a large gateway's lost sessions go a part at a time, and stand in nobody's way meanwhile", async (t) => {
  const { bench: b } = bench();
  const [g, other] = [b.gateway("g"), b.gateway("h")];
  const count = 10_000;
  for (let slot = 0; slot < count; slot++) g.attach(slot, 1, { user: `user-${slot}`, install: slot, device: "phone", connection: 7 });
  g.flush();
  await b.settle();
  g.take();
  const users = () => b.logic.users.reduce((sum, shard) => sum + shard.size, 0);
  t.equal(users(), count);
  g.open(2);
  // The last slots are the last to be detached. The first is reported, and a lower counter, or another install, does not lose to what is gone.
  g.attach(count - 1, 1, { user: `user-${count - 1}`, install: count - 1, device: "phone", connection: 7, report: true });
  g.attach(5, 1, { user: `user-${count - 2}`, install: count - 2, device: "phone", connection: 3 });
  g.attach(6, 1, { user: `user-${count - 3}`, install: 1_000_000, device: "phone", connection: 1, report: true });
  g.flush();
  other.attach(0, 1, { user: "ann", install: 1 });
  other.send(0, 1, 1, `user-${count - 1}`, 1);
  other.send(0, 1, 2, `user-${count - 4}`, 1);
  other.flush();
  await b.settle();
  t.ok(users() > 4, `${users()} users: not all at once`);
  t.strictSame(g.take(), [`${count - 1}.1 Push 1`], "nobody is told to go, and what is lost gets nothing");
  t.strictSame(other.take(), ["0.1 Sent 1 seq 1", "0.1 Sent 2 seq 1"]);
  for (let tick = 0; tick < 3; tick++) b.logic.tick();
  t.equal(users(), 4, "those that are attached");
  g.attach(5, 2, { user: "late", install: 9 });
  g.flush();
  await b.settle();
  t.equal(users(), 4, "a slot has another session then");
  t.strictSame(b.failures, []);
});

/** Whether objects reachable from `root` hold the memory of `bytes`, by themselves or through a view. */
function holds(root: object, bytes: Uint8Array): boolean {
  const seen = new Set<unknown>([root]);
  for (const value of seen) {
    if (ArrayBuffer.isView(value)) {
      if (value.buffer === bytes.buffer) return true;
      continue;
    }
    const parts: Iterable<unknown> = value instanceof Map ? [...value].flat() : value instanceof Set ? value : Object.values(value as object);
    for (const part of parts) if (typeof part === "object" && part !== null) seen.add(part);
  }
  return false;
}

t.test("a batch that was read, refused or could not be read is not kept", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  // In memory of its own, as it comes from the bus.
  const receive = (bytes: Uint8Array): Uint8Array => {
    const own = Uint8Array.from(bytes);
    b.logic.receive(own);
    return own;
  };
  g.attach(0, 1, { user: "ann", install: 1 });
  g.attach(1, 1, { user: "bob", install: 2 });
  const good = g.flush(true);
  t.notOk(holds(b.logic.ingest, receive(good)), "taken");
  t.equal([...b.logic.ingest.peers.values()][0]!.sessions.size, 2);
  t.notOk(holds(b.logic.ingest, receive(good)), "had before");
  t.notOk(holds(b.logic.ingest, receive(good.subarray(0, good.length - 1))), "cut off");
  t.notOk(holds(b.logic.ingest, receive(g.encode({ ...g.end.nextHead(), to: Buffer.from("somebody") }, []))), "for somebody else");
  t.notOk(holds(b.logic.ingest, receive(g.encode({ ...g.end.nextHead(), link: 7 }, []))), "of a link that is not known");
  t.equal(b.logic.ingest.counters.badBatches, 2);
  t.equal(b.logic.ingest.counters.resets, 1);
});

t.test("a batch of a replaced link is ignored", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush();
  g.send(0, 1, 1, "bob", 1);
  const late = g.flush(true);
  g.open(2);
  g.attach(0, 1, { user: "ann", install: 1, report: true });
  g.flush();
  b.logic.receive(late);
  await b.settle();
  t.strictSame(g.take(), []);
  t.strictSame(g.resets, []);
});

t.test("a session table that differs from the gateway's ends the link", async (t) => {
  for (const how of ["count", "digest"] as const) {
    const { bench: b } = bench();
    const g = b.gateway("g");
    g.attach(0, 1, { user: "ann", install: 1 });
    g.flush();
    if (how === "count") g.sessions.set(5, 1);
    else g.sessions.set(0, 2);
    g.send(0, 1, 1, "bob", 1);
    g.flush();
    t.strictSame(g.resets, [1]);
    t.match(b.warnings, [/session tables differ/]);
    t.equal(b.logic.ingest.counters.digestMismatches, 1);
    t.equal(b.logic.ingest.peers.size, 0);
    await b.settle();
    t.strictSame(g.take(), [], "nothing more on that link");
    g.open(2);
    g.attach(0, 2, { user: "ann", install: 1, report: true });
    g.flush();
    await b.settle();
    t.equal(b.logic.ingest.counters.digestMismatches, 1, "mended");
  }
});

t.test("a gateway that falls silent is forgotten with its sessions; heads keep it alive", async (t) => {
  const { bench: b } = bench();
  const [g, other] = [b.gateway("g"), b.gateway("other")];
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush();
  other.attach(0, 1, { user: "bob", install: 2 });
  other.flush();
  for (let i = 0; i < 12; i++) {
    b.pass(1000);
    other.beat();
  }
  t.strictSame([...b.logic.ingest.peers.keys()], [Buffer.from(other.incarnation).toString("hex")]);
  t.equal(b.logic.ingest.counters.lostGateways, 1);
  const heard = g.received;
  other.send(0, 1, 1, "ann", 1);
  other.flush();
  await b.settle();
  t.equal(g.received, heard, "nothing is sent to a gateway that is gone");
  t.strictSame(g.take(), []);
  g.beat();
  t.strictSame(g.resets, [1], "and it is told when it comes back");
});

t.test("a gateway that takes nothing: the ring runs over, the link is given up, memory is bounded", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush();
  g.deaf = true;
  const [peer] = b.logic.ingest.peers.values();
  for (let i = 0; i < LINK_LIMITS.ringBatchesMax + 10; i++) {
    g.command({ slot: 0, generation: 1, type: FrameType.Check, ref: i, body: new Uint8Array(0) });
    g.flush();
    if (i % 64 === 0) await b.settle();
    else for (const each of b.logic.ingest.peers.values()) each.flush();
  }
  t.ok(peer!.over);
  t.ok(peer!.link.unacked <= LINK_LIMITS.ringBatchesMax + 1);
  b.pass(100);
  t.equal(b.logic.ingest.peers.size, 0);
  t.match(b.warnings, [/takes nothing/]);
  g.deaf = false;
  g.beat();
  t.strictSame(g.resets, [1]);
});

t.test("gateways are bounded; those that are served may open new links all the same", (t) => {
  const { bench: b } = bench();
  const gateways = Array.from({ length: 1025 }, (_, i) => b.gateway(`g${i}`));
  for (const g of gateways) g.beat();
  t.equal(b.logic.ingest.peers.size, 1024);
  t.strictSame(
    gateways.filter((g) => g.resets.length > 0),
    gateways.slice(1024),
  );
  gateways[5]!.open(2);
  gateways[5]!.attach(0, 1, { user: "ann", install: 1, report: true });
  gateways[5]!.flush();
  t.strictSame(gateways[5]!.resets, []);
  t.end();
});

t.test("commands for sessions that are not there, or whose slot has another now, are dropped", async (t) => {
  const { bench: b, disk } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.send(3, 1, 1, "bob", 1);
  g.send(0, 2, 2, "bob", 1);
  g.detach(0, 2);
  g.detach(9, 9);
  g.flush();
  await b.settle();
  t.strictSame(g.take(), []);
  // The slot is opened again without a Detach: the new generation takes it over.
  g.attach(0, 2, { user: "carl", install: 3 });
  g.send(0, 1, 3, "bob", 1);
  g.send(0, 2, 4, "bob", 1);
  g.flush();
  await b.settle();
  t.strictSame(g.take(), ["0.2 Sent 4 seq 1"]);
  t.strictSame(g.resets, []);
  t.equal(disk.rows(directKey(Buffer.from("ann"), Buffer.from("bob"))).length, 0);
  t.equal(disk.rows(directKey(Buffer.from("carl"), Buffer.from("bob"))).length, 1, "the user is the session's, not the command's");
});

t.test("a command's own user and install change nothing: they are the session's", async (t) => {
  const { bench: b, disk } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  const body = hawser.v1.Send.encode({ peer: Buffer.from("bob"), clientSeq: 1, payload: Buffer.from("x") }).finish();
  g.command({ slot: 0, generation: 1, type: FrameType.Send, ref: 1, body, user: Buffer.from("mallory"), install: installOf(99) });
  g.flush();
  await b.settle();
  t.match(disk.rows(directKey(Buffer.from("ann"), Buffer.from("bob"))), [{ install: installOf(1) }]);
});

t.test("detached sessions get nothing; a device that comes back through another gateway gets it all", async (t) => {
  const { bench: b } = bench();
  const [g1, g2] = [b.gateway("g1"), b.gateway("g2")];
  g1.attach(0, 1, { user: "ann", install: 1 });
  g1.attach(1, 1, { user: "bob", install: 2 });
  g1.flush();
  g1.detach(0, 1);
  g1.send(1, 1, 1, "ann", 1);
  g1.flush();
  await b.settle();
  t.strictSame(g1.take(), ["1.1 Sent 1 seq 1"]);
  g2.attach(4, 1, { user: "ann", install: 1, connection: 2, sync: true });
  g2.flush();
  await b.settle();
  t.strictSame(g2.take(), ["4.1 Heads 0 of 1"]);
});

t.test("garbage, forgery and batches for others are counted and change nothing", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush();
  const { counters, peers } = b.logic.ingest;
  const head = { from: g.incarnation, to: b.logic.incarnation, link: 1, number: 2, last: 2 };
  const send = { slot: 0, generation: 1, type: FrameType.Send, ref: 1, body: hawser.v1.Send.encode({ peer: Buffer.from("bob"), clientSeq: 1 }).finish() };
  const bad = [
    new Uint8Array(0),
    Uint8Array.of(0xff),
    new Uint8Array(1000).fill(0x0a),
    Up.encode({ commands: [send] }).finish(),
    g.encode({ ...head, from: g.incarnation.subarray(1) }, [send]),
    g.encode({ ...head, from: new Uint8Array(4096) }, [send]),
    g.encode({ ...head, to: Buffer.from("logic-02") }, [send]),
    g.encode({ ...head, to: new Uint8Array(0) }, [send]),
  ];
  for (const bytes of bad) b.logic.receive(bytes);
  t.equal(counters.badBatches, bad.length);
  await b.settle();
  t.strictSame(g.take(), []);
  t.equal(peers.size, 1);

  // Somebody else's incarnation as sender: another gateway, with no sessions of this one.
  b.logic.receive(g.encode({ ...head, from: Buffer.from("forger--"), number: 1, last: 1 }, [send], 0));
  await b.settle();
  t.strictSame(g.take(), []);
  t.strictSame(b.failures, []);
});

t.test("sessions that cannot be: refused one by one, without an end of the link or of the process", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  const attach = fabric.fabric.v1.Attach.encode({ device: Buffer.from("phone"), connection: 1 }).finish();
  const good = { user: Buffer.from("ann"), install: installOf(1), body: attach };
  const bad = [
    { ...good, body: Uint8Array.of(0xff, 0xff) },
    { ...good, body: fabric.fabric.v1.Attach.encode({ connection: 1 }).finish() },
    { ...good, body: fabric.fabric.v1.Attach.encode({ device: new Uint8Array(65).fill(97) }).finish() },
    { ...good, user: new Uint8Array(0) },
    { ...good, user: new Uint8Array(65).fill(97) },
    { ...good, user: new Uint8Array(300).fill(97) },
    { ...good, user: Uint8Array.of(0xc3, 0x28) },
    { ...good, install: new Uint8Array(7) },
    { ...good, install: new Uint8Array(0) },
  ];
  for (const [slot, fields] of bad.entries()) {
    g.sessions.set(slot, 1);
    g.command({ slot, generation: 1, type: Operation.OPERATION_ATTACH, ...fields });
    g.send(slot, 1, 1, "bob", 1);
  }
  g.attach(100, 1, { user: "carl", install: 5, sync: true });
  g.flush();
  await b.settle();
  t.strictSame(g.take().sort(), ["100.1 Heads 0 of 0", ...bad.map((_, slot) => `${slot}.1 BAD_REQUEST 0 closes`)].sort());
  t.strictSame(g.resets, [], "the tables agree");
  for (const slot of bad.keys()) g.detach(slot, 1);
  g.flush();
  t.strictSame(g.resets, []);
  t.strictSame(b.failures, []);
});

t.test("what a client may say wrongly has its typed answer", async (t) => {
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  const v1 = hawser.v1;
  const peer = Buffer.from("bob");
  const long = new Uint8Array(65).fill(97);
  const cases: [type: number, body: Uint8Array, answer: string | undefined][] = [
    [FrameType.Send, v1.Send.encode({ clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ peer, group: peer, clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ peer, self: true, clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ peer: long, clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ peer: Uint8Array.of(0xff), clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ peer }).finish(), "BAD_REQUEST"],
    [FrameType.Send, Buffer.concat([v1.Send.encode({ peer }).finish(), Buffer.from([0x20, ...new Uint8Array(9).fill(0xff), 0x01])]), "BAD_REQUEST"],
    [FrameType.Send, v1.Send.encode({ self: true, clientSeq: 1 }).finish(), "FORBIDDEN"],
    [FrameType.Send, v1.Send.encode({ group: peer, clientSeq: 1 }).finish(), "NOT_MEMBER"],
    [FrameType.Send, v1.Send.encode({ group: long, clientSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Send, Uint8Array.of(0xff), "BAD_REQUEST"],
    [FrameType.Fetch, v1.Fetch.encode({ peer }).finish(), "BAD_REQUEST"],
    [FrameType.Fetch, v1.Fetch.encode({ fromSeq: 1 }).finish(), "BAD_REQUEST"],
    [FrameType.Fetch, v1.Fetch.encode({ group: peer, fromSeq: 1 }).finish(), "NOT_MEMBER"],
    [FrameType.Check, v1.Check.encode({ digest: long }).finish(), "BAD_REQUEST"],
    [FrameType.Check, Uint8Array.of(0x0a, 0x50), "BAD_REQUEST"],
    [FrameType.Read, v1.Read.encode({ seq: 5 }).finish(), "BAD_REQUEST"],
    [FrameType.Read, v1.Read.encode({ peer, seq: 5 }).finish(), undefined],
    [FrameType.Welcome, new Uint8Array(0), "BAD_REQUEST"],
    [31, new Uint8Array(0), "BAD_REQUEST"],
    [0, new Uint8Array(0), "BAD_REQUEST"],
    [200, new Uint8Array(0), "BAD_REQUEST"],
    [0xffff_ffff, new Uint8Array(0), "BAD_REQUEST"],
  ];
  for (const [i, [type, body]] of cases.entries()) g.command({ slot: 0, generation: 1, type, ref: i + 1, body });
  g.flush();
  await b.settle();
  t.strictSame(
    g.take(),
    cases.flatMap(([, , answer], i) => (answer === undefined ? [] : [`0.1 ${answer} ${i + 1}`])),
  );
  t.strictSame(b.failures, []);
});

t.test("fuzz: whatever bodies come, nothing throws, and every request but Read is answered exactly once", async (t) => {
  const random = new Random(20250801);
  const v1 = hawser.v1;
  const id = () => (random.chance(0.3) ? random.bytes(random.below(70)) : Buffer.from(random.pick(["ann", "bob", "carl", "ann"])));
  const number = () => random.spread(53);
  const bodies: ((type: number) => Uint8Array)[] = [
    () => random.bytes(random.below(40)),
    () =>
      v1.Send.encode({
        peer: id(),
        group: random.chance(0.1) ? id() : null,
        self: random.chance(0.1),
        clientSeq: number(),
        kind: random.spread(32),
        payload: random.bytes(random.below(100)),
      }).finish(),
    () => v1.Fetch.encode({ peer: id(), fromSeq: number(), backward: random.chance(0.5), limit: random.spread(32) }).finish(),
    () => v1.Sync.encode({ watermark: random.bytes(random.below(70)) }).finish(),
    () => v1.Check.encode({ digest: random.bytes(random.pick([0, 8, 8, 9])), count: number() }).finish(),
    () => v1.Read.encode({ peer: id(), seq: number() }).finish(),
  ];
  const types = [FrameType.Send, FrameType.Send, FrameType.Fetch, FrameType.Sync, FrameType.Check, FrameType.Read, FrameType.Hello, 17, 99];
  const { bench: b } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.flush();
  let ref = 0;
  for (let round = 0; round < 300; round++) {
    const asked = new Set<number>();
    const read = new Set<number>();
    for (let i = 0; i < 20; i++) {
      const type = random.pick(types);
      let body = random.pick(bodies)(type);
      // Of well-formed ones some are cut, and some have a byte changed.
      const damage = random.below(10);
      if (damage < 2) body = body.slice(0, random.below(body.length + 1));
      else if (damage < 4 && body.length > 0) body[random.below(body.length)] = random.below(256);
      (type === FrameType.Read ? read : asked).add(++ref);
      g.command({ slot: 0, generation: 1, type, ref, body });
    }
    g.flush();
    await b.settle();
    b.pass(100);
    for (const line of g.take()) {
      const words = line.split(" ");
      const answered = Number(words[2]);
      if (!asked.delete(answered) && !(read.delete(answered) && words[1] === "BAD_REQUEST") && words[1] !== "NOT_MEMBER") t.fail(`not asked for: ${line}`);
    }
    if (asked.size > 0) t.fail(`without an answer: ${[...asked]}`);
  }
  t.strictSame(b.failures, []);
  t.strictSame(g.resets, []);
});

t.test("fuzz: batches with bytes changed never throw", async () => {
  const { bench: b } = bench();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.nat(5), async (changes, commands) => {
      const g = b.gateway("fuzz");
      g.open(b.now++);
      g.attach(0, 1, { user: "ann", install: 1, sync: true });
      for (let i = 1; i <= commands; i++) g.send(0, 1, i, "bob", i);
      const bytes = g.flush(true);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      b.logic.receive(bytes);
      await b.settle();
      if (b.failures.length > 0) throw b.failures[0];
    }),
    { numRuns: 500 },
  );
});

t.test("a store that fails ends the process's service: one call of fatal, and nothing leaves afterwards", async (t) => {
  const { bench: b, store } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.send(0, 1, 1, "bob", 1);
  store.holdCommits = true;
  g.flush();
  await b.settle();
  store.holdReads = true;
  g.send(0, 1, 2, "carl", 1);
  g.command({ slot: 0, generation: 1, type: FrameType.Sync, ref: 3, body: new Uint8Array(0) });
  g.flush();
  await b.settle();
  const received = g.received;
  store.commitFails(new Error("power cut"), true);
  await b.settle();
  store.readFails(new Error("so do reads"));
  while (store.heldReads > 0) store.readNow();
  await b.settle();
  g.send(0, 1, 4, "dora", 1);
  g.flush();
  await b.settle();
  b.pass(2000);
  t.match(b.failures, [{ message: "power cut" }]);
  t.equal(g.received, received, "not even a head");
  t.strictSame(g.take(), []);
});

t.test("stop makes durable and answers what was taken, then is silent; loads under way are nobody's error", async (t) => {
  const { bench: b, store } = bench();
  const g = b.gateway("g");
  g.attach(0, 1, { user: "ann", install: 1 });
  g.send(0, 1, 1, "bob", 1);
  g.flush();
  await b.settle();
  g.take();
  g.send(0, 1, 2, "bob", 2);
  store.holdReads = true;
  g.send(0, 1, 3, "carl", 1);
  g.flush();
  const stopped = b.logic.stop();
  await b.settle();
  await stopped;
  t.strictSame(g.take(), ["0.1 Sent 2 seq 2"]);
  while (store.heldReads > 0) store.readFails(new Error("closed"));
  g.send(0, 1, 4, "bob", 3);
  g.flush();
  await b.settle();
  t.strictSame(g.take(), []);
  t.strictSame(b.failures, []);
});

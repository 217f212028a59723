// Every way that a Send and a Fetch can take through a conversation's shard, then all of them at random. The disk of
// the bench is the judge: it refuses a commit that breaks an order, a hash or a number.
import fc from "fast-check";
import t from "tap";
import { directKey } from "../../proto/conversation.ts";
import { Limits } from "../../proto/limits.ts";
import { ConversationBench } from "../testing/conversation-bench.ts";
import { FakeGateway, installOf, short } from "../testing/fake-gateway.ts";
import { rowHash } from "../testing/memory-disk.ts";
import { RecordType } from "../store/store.ts";

const name = (id: Uint8Array | null | undefined) => Buffer.from(id ?? []).toString();
const key = (a: string, b: string) => directKey(Buffer.from(a), Buffer.from(b));

t.test("an ack promises what the store does, also when it is asked for again", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  for (const durability of [1, 2, 3]) {
    bench.durability = durability;
    bench.send(ann, "bob", durability, durability);
    bench.commit();
    bench.send(ann, "bob", 10, durability);
    const promised = gateway.take().map((each) => (each.type === "Sent" ? each.message.durability : undefined));
    t.strictSame(promised, [durability, durability]);
  }
  t.end();
});

t.test("a Send that is next is assigned, and answered when its commit is durable, not before", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1);
  bench.send(ann, "bob", 2, 2);
  t.strictSame(gateway.takeShort(), [], "no answer to an open commit");
  t.equal(bench.pushed.length, 0, "no push either");
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 2 seq 2"]);
  t.strictSame(
    bench.pushed.map(({ head }) => head.seq),
    [1, 2],
    "pushed in order, each with the head it made",
  );
  t.end();
});

t.test("an ack says what is stored", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.now = 77_000;
  bench.send(ann, "bob", 9, 1, { kind: 33, payload: Uint8Array.of(0, 255) });
  bench.commit();
  const [sent] = gateway.take();
  t.match(sent, { type: "Sent", message: { ref: 9, seq: 1, time: 77_000, durability: 2 }, deliveryClass: 0 });
  const [row] = bench.disk.rows(key("ann", "bob"));
  t.match(row, { seq: 1, time: 77_000, kind: 33, clientSeq: 1, uncounted: 0 });
  t.strictSame(row!.install, installOf(1));
  t.strictSame(Buffer.from(row!.sender).toString(), "ann");
  t.strictSame([...row!.payload], [0, 255]);
  t.end();
});

t.test("a commit that never ends answers nothing, whatever is asked about it", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const again = gateway.session("ann", 1, { connection: 2 });
  bench.send(ann, "bob", 1, 1);
  bench.send(ann, "bob", 2, 2);
  bench.send(again, "bob", 1, 1);
  bench.send(again, "bob", 2, 2);
  bench.send(ann, "bob", 3, 1);
  t.strictSame(gateway.takeShort(), []);
  bench.fetch(again, "bob", 4, { fromSeq: 1 });
  t.strictSame(gateway.takeShort(), ["Page 4 rows  head 0"], "a Fetch sees committed state only");
  t.end();
});

t.test("a Send repeated while its commit is open joins it; every waiter is answered", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const first = gateway.session("ann", 1);
  const second = gateway.session("ann", 1, { connection: 2 });
  const third = gateway.session("ann", 1, { connection: 3 });
  bench.send(first, "bob", 5, 1);
  bench.send(second, "bob", 1, 1);
  bench.send(third, "bob", 1, 1);
  bench.send(third, "bob", 2, 1);
  bench.commit();
  const answers = gateway.take();
  t.strictSame(
    answers.map((answer) => [answer.session, short(answer)]),
    [
      [first, "Sent 5 seq 1"],
      [second, "Sent 1 seq 1"],
      [third, "Sent 1 seq 1"],
      [third, "Sent 2 seq 1"],
    ],
  );
  t.equal(bench.disk.rows(key("ann", "bob")).length, 1, "one row");
  t.equal(bench.pushed.length, 1, "one push");
  t.strictSame(
    bench.pushed[0]!.pending.waiters.map(({ session }) => session),
    [first, second, third, third],
    "whoever gets Sent gets no push",
  );
  t.end();
});

t.test("the waiters of one open Send are bounded", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  for (let ref = 1; ref <= Limits.requestsInFlightMax + 3; ref++) bench.send(ann, "bob", ref, 1);
  t.strictSame(
    gateway.takeShort(),
    [257, 258, 259].map((ref) => `BUSY ${ref}`),
  );
  bench.commit();
  t.equal(gateway.take().length, Limits.requestsInFlightMax);
  t.end();
});

t.test("a Send repeated after its commit gets the first answer: at once, after eviction, after a restart", (t) => {
  const bench = new ConversationBench({ conversationsMax: 1 });
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.now = 5000;
  bench.send(ann, "bob", 1, 1);
  bench.commit();
  bench.now = 9000;
  bench.send(ann, "bob", 2, 2);
  bench.commit();
  gateway.take();

  const repeat = (how: string) => {
    bench.now += 1000;
    bench.send(ann, "bob", 3, 1);
    t.match(gateway.take(), [{ type: "Sent", message: { ref: 3, seq: 1, time: 5000, durability: 2 } }], how);
    t.equal(bench.records.length, 0, "nothing more to commit");
  };
  repeat("at once");
  bench.send(ann, "carl", 4, 1);
  bench.commit();
  gateway.take();
  t.equal(bench.shard.size, 1, "evicted");
  repeat("after eviction");
  bench.restart();
  repeat("after a restart");
  bench.send(ann, "bob", 5, 3);
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 5 seq 3"], "and the numbering goes on");
  t.end();
});

t.test("too many reads of the store: what needs one is told to come back, what does not goes on", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1);
  bench.commit();
  gateway.take();
  bench.readsHaveRoom = false;
  bench.send(ann, "bob", 2, 1);
  bench.fetch(ann, "bob", 3, { fromSeq: 1 });
  t.strictSame(gateway.takeShort(), ["BUSY 2", "BUSY 3"]);
  bench.send(ann, "bob", 4, 2);
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 4 seq 2"], "a new Send needs none");
  bench.readsHaveRoom = true;
  bench.send(ann, "bob", 5, 1);
  t.strictSame(gateway.takeShort(), ["Sent 5 seq 1"]);
  t.end();
});

t.test("a gap is refused with the number that is expected", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 2);
  bench.send(ann, "bob", 2, 1);
  bench.send(ann, "bob", 3, 3);
  bench.send(ann, "bob", 4, 2);
  bench.send(ann, "bob", 5, Number.MAX_SAFE_INTEGER);
  bench.commit();
  t.strictSame(gateway.takeShort(), ["OUT_OF_ORDER 1 expects 1", "OUT_OF_ORDER 3 expects 2", "OUT_OF_ORDER 5 expects 3", "Sent 2 seq 1", "Sent 4 seq 2"]);
  t.end();
});

t.test("a full commit: BUSY keeps the number free, those behind it are out of order, retries pass", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1);
  bench.commitHasRoom = false;
  bench.send(ann, "bob", 2, 2);
  bench.send(ann, "bob", 3, 3);
  bench.send(ann, "bob", 4, 1);
  const [busy, behind] = gateway.take();
  t.match(busy, { type: "Error", message: { code: 12, ref: 2, closes: false } });
  t.ok((busy!.message as { retryAfterMs: number }).retryAfterMs > 0, "says when to come back");
  t.equal(short(behind!), "OUT_OF_ORDER 3 expects 2");
  bench.commitHasRoom = true;
  bench.commit();
  bench.send(ann, "bob", 5, 2);
  bench.send(ann, "bob", 6, 3);
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 4 seq 1", "Sent 5 seq 2", "Sent 6 seq 3"]);
  t.end();
});

t.test("a Send refused for good uses its number up durably; a retry gets the same refusal", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const badText = Uint8Array.of(0xc3, 0x28);
  const cases = [
    { clientSeq: 1, fields: { kind: 0, payload: badText }, code: "BAD_TEXT" },
    { clientSeq: 2, fields: { kind: 1, payload: new Uint8Array(Limits.payloadBytesMax + 1) }, code: "PAYLOAD_TOO_LARGE" },
    { clientSeq: 3, fields: { kind: 2, payload: "x" }, code: "UNSUPPORTED" },
    { clientSeq: 4, fields: { kind: 31, payload: "x" }, code: "UNSUPPORTED" },
  ];
  for (const { clientSeq, fields } of cases) bench.send(ann, "bob", clientSeq, clientSeq, fields);
  t.strictSame(gateway.takeShort(), [], "a refusal is durable before it is told");
  bench.send(ann, "bob", 50, 1, { payload: badText });
  bench.commit();
  t.strictSame(gateway.takeShort(), ["BAD_TEXT 1", "BAD_TEXT 50", "PAYLOAD_TOO_LARGE 2", "UNSUPPORTED 3", "UNSUPPORTED 4"]);
  t.equal(bench.pushed.length, 0, "nobody sees a refused Send");

  const retryAll = () => {
    for (const { clientSeq, fields } of cases) bench.send(ann, "bob", 10 + clientSeq, clientSeq, fields);
    t.strictSame(
      gateway.takeShort(),
      cases.map(({ code, clientSeq }) => `${code} ${10 + clientSeq}`),
    );
  };
  retryAll();
  bench.restart();
  retryAll();
  bench.send(ann, "bob", 20, 1, { payload: "valid now" });
  t.strictSame(gateway.takeShort(), ["BAD_TEXT 20"], "the number is gone, whatever comes under it");
  bench.send(ann, "bob", 21, 5, { kind: 0, payload: "five" });
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 21 seq 1"], "the next number is free, and refusals took no seq");
  t.end();
});

t.test("what is not refused: empty payloads, the largest one, kinds 0, 1, 32 and above", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1, { payload: "" });
  bench.send(ann, "bob", 2, 2, { kind: 1, payload: new Uint8Array(Limits.payloadBytesMax).fill(0xff) });
  bench.send(ann, "bob", 3, 3, { kind: 32, payload: Uint8Array.of(0xff) });
  bench.send(ann, "bob", 4, 4, { kind: 0xffffffff, payload: Uint8Array.of(0xff) });
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 2 seq 2", "Sent 3 seq 3", "Sent 4 seq 4"]);
  t.end();
});

t.test("a number used again for other bytes is refused, open or committed; the row stays", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1, { payload: "first" });
  bench.send(ann, "bob", 2, 1, { payload: "other" });
  bench.send(ann, "bob", 3, 1, { kind: 1, payload: "first" });
  t.strictSame(gateway.takeShort(), ["CLIENT_SEQ_REUSED 2", "CLIENT_SEQ_REUSED 3"], "open");
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1"]);
  bench.send(ann, "bob", 4, 1, { payload: "other" });
  bench.send(ann, "bob", 5, 1, { kind: 32, payload: "first" });
  bench.send(ann, "bob", 6, 1, { payload: "first" });
  t.strictSame(gateway.takeShort(), ["CLIENT_SEQ_REUSED 4", "CLIENT_SEQ_REUSED 5", "Sent 6 seq 1"], "committed");
  t.equal(Buffer.from(bench.disk.rows(key("ann", "bob"))[0]!.payload).toString(), "first");
  t.end();
});

t.test("installs are numbered apart, seqs are one order over all of them", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const phone = gateway.session("ann", 1);
  const laptop = gateway.session("ann", 2);
  const bob = gateway.session("bob", 3);
  bench.send(phone, "bob", 1, 1, { payload: "p1" });
  bench.send(bob, "ann", 1, 1, { payload: "b1" });
  bench.send(laptop, "bob", 1, 1, { payload: "l1" });
  bench.commit();
  bench.send(bob, "ann", 2, 2, { payload: "b2" });
  bench.send(phone, "bob", 2, 2, { payload: "p2" });
  bench.send(laptop, "bob", 2, 3, { payload: "l3" });
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 1 seq 2", "Sent 1 seq 3", "OUT_OF_ORDER 2 expects 2", "Sent 2 seq 4", "Sent 2 seq 5"]);
  const rows = bench.disk.rows(key("bob", "ann"));
  t.strictSame(
    rows.map((row) => `${row.seq} ${Buffer.from(row.payload)} ${Buffer.from(row.sender)}`),
    ["1 p1 ann", "2 b1 bob", "3 l1 ann", "4 b2 bob", "5 p2 ann"],
  );
  t.end();
});

t.test("time never falls, within a process or over a restart", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  for (const [clientSeq, now] of [
    [1, 5000],
    [2, 4000],
    [3, 6000],
  ] as const) {
    bench.now = now;
    bench.send(ann, "bob", clientSeq, clientSeq);
  }
  bench.commit();
  bench.restart();
  bench.now = 10;
  bench.send(ann, "bob", 4, 4);
  bench.commit();
  t.strictSame(
    bench.disk.rows(key("ann", "bob")).map((row) => row.time),
    [5000, 5000, 6000, 6000],
  );
  t.end();
});

t.test("the hash is SPEC.md's, from the first row on and after a restart", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  bench.send(ann, "bob", 1, 1, { payload: "hällo" });
  bench.send(bob, "ann", 1, 1, { kind: 40, payload: Uint8Array.of(1, 2, 3) });
  bench.commit();
  bench.restart();
  bench.send(ann, "bob", 2, 2, { payload: "" });
  bench.commit();
  let hash: Uint8Array = new Uint8Array(32);
  for (const row of bench.disk.rows(key("ann", "bob"))) hash = rowHash(hash, row);
  t.strictSame(Buffer.from(bench.pushed.at(-1)!.head.hash), Buffer.from(hash));
  t.strictSame(Buffer.from(bench.disk.head(key("ann", "bob"))!.hash), Buffer.from(hash));
  t.end();
});

t.test("the first row makes both members find the conversation; later ones do not repeat it; notes to self have one member", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const members = () =>
    bench.records.filter((record) => record.type === RecordType.Member).map((record) => Buffer.from((record as { user: Uint8Array }).user).toString());
  bench.send(ann, "bob", 1, 1);
  bench.send(ann, "bob", 2, 2);
  t.strictSame(members(), ["ann", "bob"]);
  bench.commit();
  bench.send(ann, "bob", 3, 3);
  t.strictSame(members(), []);
  bench.commit();
  bench.send(ann, "ann", 4, 1);
  t.strictSame(members(), ["ann"]);
  bench.commit();
  gateway.take();
  bench.fetch(ann, "ann", 5, { fromSeq: 1 });
  t.match(gateway.take(), [{ type: "Page", message: { headSeq: 1, rows: [{ seq: 1, clientSeq: 1 }] } }]);
  t.equal(bench.disk.memberships(Buffer.from("ann"), undefined, 10).length, 2);
  t.end();
});

t.test("commands for a conversation that loads are parked in the order they came", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  bench.holdReads = true;
  bench.send(ann, "bob", 1, 1, { payload: "a1" });
  bench.fetch(bob, "ann", 1, { fromSeq: 1 });
  bench.send(bob, "ann", 2, 1, { payload: "b1" });
  bench.send(ann, "bob", 2, 2, { payload: "a2" });
  bench.send(bob, "ann", 3, 2, { payload: "b2" });
  t.equal(bench.reads.length, 1, "one load for all of them");
  while (bench.reads.length > 0) bench.answer();
  bench.commit();
  t.strictSame(
    bench.disk.rows(key("ann", "bob")).map((row) => Buffer.from(row.payload).toString()),
    ["a1", "b1", "a2", "b2"],
  );
  t.strictSame(gateway.takeShort(), ["Page 1 rows  head 0", "Sent 1 seq 1", "Sent 2 seq 2", "Sent 2 seq 3", "Sent 3 seq 4"]);
  t.end();
});

t.test("a new sender's load parks those behind it, though their own state is in memory", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  bench.send(ann, "bob", 1, 1, { payload: "a1" });
  bench.holdReads = true;
  bench.send(bob, "ann", 1, 1, { payload: "b1" });
  bench.send(ann, "bob", 2, 2, { payload: "a2" });
  bench.answer();
  bench.commit();
  t.strictSame(
    bench.disk.rows(key("ann", "bob")).map((row) => Buffer.from(row.payload).toString()),
    ["a1", "b1", "a2"],
  );
  t.end();
});

t.test("parked commands are bounded for each conversation", (t) => {
  const bench = new ConversationBench({ parkedMax: 3 });
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.holdReads = true;
  for (let i = 1; i <= 5; i++) bench.send(ann, "bob", i, i);
  t.strictSame(gateway.takeShort(), ["BUSY 4", "BUSY 5"]);
  bench.fetch(ann, "bob", 6, { fromSeq: 1 });
  t.strictSame(gateway.takeShort(), ["BUSY 6"]);
  while (bench.reads.length > 0) bench.answer();
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 2 seq 2", "Sent 3 seq 3"]);
  bench.send(ann, "bob", 7, 4);
  bench.commit();
  t.strictSame(gateway.takeShort(), ["Sent 7 seq 4"], "there is room again");
  t.end();
});

t.test("parked commands are bounded by bytes over all conversations, and keep no batch of a gateway alive", (t) => {
  const bench = new ConversationBench({ parkedBytesMax: 3100 });
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.holdReads = true;
  const batch = new Uint8Array(700_000);
  for (const [i, peer] of ["b", "c", "d", "e"].entries()) bench.send(ann, peer, i + 1, 1, { kind: 1, payload: batch.subarray(i * 500, i * 500 + 500) });
  bench.fetch(ann, "b", 5, { fromSeq: 1 });
  t.strictSame(gateway.takeShort(), ["BUSY 5"]);
  bench.send(ann, "b", 6, 2, { kind: 1, payload: new Uint8Array(100_000) });
  t.strictSame(gateway.takeShort(), ["BUSY 6"]);
  batch.fill(9);
  while (bench.reads.length > 0) bench.answer();
  t.equal(bench.parkedBytes.value, 0, "all of it is given back");
  bench.commit();
  t.equal(gateway.takeShort().length, 4);
  t.strictSame([...bench.disk.rows(key("ann", "b"))[0]!.payload.subarray(0, 2)], [0, 0], "a parked payload is a copy");
  t.end();
});

t.test("a conversation with open Sends is never evicted, nor is a sender with any", (t) => {
  const bench = new ConversationBench({ conversationsMax: 2, sendersMax: 1 });
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const laptop = gateway.session("ann", 2);
  for (const peer of ["b", "c", "d", "e"]) bench.send(ann, peer, 1, 1);
  bench.send(laptop, "b", 1, 1);
  bench.send(ann, "b", 2, 2);
  bench.send(ann, "c", 2, 2);
  t.equal(bench.shard.size, 4, "all are open");
  bench.commit();
  t.equal(gateway.takeShort().filter((line) => line.startsWith("Sent")).length, 7);
  t.strictSame(
    bench.disk.rows(key("ann", "b")).map((row) => row.clientSeq),
    [1, 1, 2],
  );
  t.strictSame(
    bench.disk.rows(key("ann", "c")).map((row) => row.clientSeq),
    [1, 2],
  );
  t.end();
});

t.test("after a flood of open conversations, memory goes back to its bound", (t) => {
  const bench = new ConversationBench({ conversationsMax: 2 });
  const ann = new FakeGateway().session("ann", 1);
  for (let i = 0; i < 20; i++) bench.send(ann, `peer-${i}`, i, 1);
  bench.commit();
  bench.send(ann, "one-more", 100, 1);
  bench.commit();
  t.ok(bench.shard.size <= 2, `${bench.shard.size} conversations`);
  t.end();
});

t.test("a conversation is not evicted under commands that wait for another sender's load", (t) => {
  // The load looks at the store before the open row is committed; if the conversation went meanwhile, it would be
  // made again from that old head and the seq be given out a second time.
  const bench = new ConversationBench({ conversationsMax: 1 });
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  const carl = gateway.session("carl", 3);
  bench.send(ann, "bob", 1, 1, { payload: "a1" });
  bench.holdReads = true;
  bench.send(bob, "ann", 1, 1, { payload: "b1" });
  bench.commit();
  bench.send(carl, "dora", 1, 1);
  bench.answer(1);
  bench.answer(0);
  t.doesNotThrow(() => bench.commit());
  t.strictSame(
    bench.disk.rows(key("ann", "bob")).map((row) => row.seq),
    [1, 2],
  );
  t.strictSame(gateway.takeShort(), ["Sent 1 seq 1", "Sent 1 seq 1", "Sent 1 seq 2"]);
  t.end();
});

t.test("Fetch answers from committed rows: forward, backward, limits, ends", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  for (let i = 1; i <= 5; i++) bench.send(ann, "bob", i, i);
  bench.commit();
  bench.send(ann, "bob", 6, 6);
  gateway.take();
  const pages: [hawserFetch: Parameters<ConversationBench["fetch"]>[3], expected: string][] = [
    [{ fromSeq: 1 }, "rows 1,2,3,4,5 head 5"],
    [{ fromSeq: 4, limit: 100 }, "rows 4,5 head 5"],
    [{ fromSeq: 2, limit: 2 }, "rows 2,3 head 5 more"],
    [{ fromSeq: 6 }, "rows  head 5"],
    [{ fromSeq: 1_000_000 }, "rows  head 5"],
    [{ backward: true }, "rows 1,2,3,4,5 head 5"],
    [{ backward: true, limit: 2 }, "rows 4,5 head 5 more"],
    [{ backward: true, fromSeq: 2 }, "rows 1,2 head 5"],
    [{ backward: true, fromSeq: 99, limit: 1 }, "rows 5 head 5 more"],
    [{ backward: true, fromSeq: 1 }, "rows 1 head 5"],
  ];
  for (const [query, expected] of pages) {
    bench.fetch(bob, "ann", 7, query);
    t.strictSame(gateway.takeShort(), [`Page 7 ${expected}`], JSON.stringify(query));
  }
  bench.fetch(bob, "nobody", 8, { fromSeq: 1 });
  t.strictSame(gateway.takeShort(), ["Page 8 rows  head 0"], "no rows: an empty page");
  t.end();
});

t.test("a Page shows own rows with install and number, others' with their sender, and carries the hash before them", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  const bob = gateway.session("bob", 2);
  bench.send(ann, "bob", 1, 1, { payload: "a1" });
  bench.send(bob, "ann", 1, 1, { payload: "b1" });
  bench.commit();
  gateway.take();
  bench.fetch(ann, "bob", 2, { fromSeq: 1 });
  bench.fetch(bob, "ann", 2, { fromSeq: 2 });
  const [forAnn, forBob] = gateway.take();
  if (forAnn?.type !== "Page" || forBob?.type !== "Page") throw new Error("two pages");
  t.equal(Buffer.from(forAnn.message.peer).toString(), "bob");
  t.strictSame(
    forAnn.message.rows.map((row) => [name(row.from), row.clientSeq ?? 0, row.install?.length ?? 0]),
    [
      ["", 1, 8],
      ["bob", 0, 0],
    ],
  );
  t.strictSame(Buffer.from(forAnn.message.hashBefore), Buffer.alloc(32));
  t.equal(Buffer.from(forBob.message.peer).toString(), "ann");
  t.strictSame(
    forBob.message.rows.map((row) => [name(row.from), row.clientSeq]),
    [["", 1]],
  );
  t.strictSame(Buffer.from(forBob.message.hashBefore), Buffer.from(rowHash(new Uint8Array(32), bench.disk.rows(key("ann", "bob"))[0]!)));
  t.end();
});

t.test("a page that is answered later than it was asked for announces no rows that it does not know of", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1);
  bench.commit();
  gateway.take();
  bench.holdReads = true;
  bench.fetch(ann, "bob", 2, { fromSeq: 1 });
  for (let i = 2; i <= 4; i++) bench.send(ann, "bob", i + 1, i);
  bench.commit();
  gateway.take();
  bench.answer();
  const [page] = gateway.take();
  if (page?.type !== "Page") throw new Error("a page");
  const last = page.message.rows.at(-1)!.seq ?? 0;
  t.ok(page.message.headSeq >= last, `head ${page.message.headSeq}, rows up to ${last}`);
  t.equal(page.message.more, last < page.message.headSeq, "more says whether the head lies further");
  t.end();
});

t.test("a session's requests to the store are bounded", (t) => {
  const bench = new ConversationBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.send(ann, "bob", 1, 1);
  bench.commit();
  gateway.take();
  bench.holdReads = true;
  for (let i = 1; i <= Limits.requestsInFlightMax; i++) {
    if (i % 2 === 0) bench.fetch(ann, "bob", i, { fromSeq: 1 });
    else bench.send(ann, "bob", i, 1);
  }
  t.strictSame(gateway.takeShort(), []);
  bench.fetch(ann, "bob", 1000, { fromSeq: 1 });
  bench.send(ann, "bob", 1001, 1);
  t.strictSame(gateway.takeShort(), ["BUSY 1000", "BUSY 1001"]);
  while (bench.reads.length > 0) bench.answer();
  t.equal(gateway.take().length, Limits.requestsInFlightMax);
  t.equal(ann.waiting, 0);
  bench.fetch(ann, "bob", 1002, { fromSeq: 1 });
  bench.answer();
  t.equal(gateway.takeShort().length, 1);
  t.end();
});

t.test("a refused Send does not keep its payload in memory until the commit", (t) => {
  // What a commit holds is bounded by its rows' bytes; refusals count nothing there and may be half a MiB each.
  const bench = new ConversationBench();
  const ann = new FakeGateway().session("ann", 1);
  bench.send(ann, "bob", 1, 1, { kind: 1, payload: new Uint8Array(500 * 1024) });
  t.notOk(heldBytes(bench.shard) > 64 * 1024, "the shard holds a half MiB for a refusal");
  t.end();
});

/** Bytes of all byte arrays that can be reached from an object. */
function heldBytes(from: unknown, seen = new Set<unknown>()): number {
  if (typeof from !== "object" || from === null || seen.has(from)) return 0;
  seen.add(from);
  if (from instanceof Uint8Array) return from.length;
  const parts = from instanceof Map ? [...from.values()] : Object.values(from);
  return parts.reduce((sum: number, part) => sum + heldBytes(part, seen), 0);
}

t.test("all of it at random: nothing is lost, doubled, reordered or answered too early", (t) => {
  // Each install sends 1, 2, 3 … as SPEC.md §6 tells a client: on doubt all unanswered again, in order.
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ op: fc.constant("send"), who: fc.nat(3), peer: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("retry"), who: fc.nat(3), peer: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("answer"), who: fc.nat(5), peer: fc.constant(0) }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant("commit"), who: fc.constant(0), peer: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("restart"), who: fc.constant(0), peer: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("fetch"), who: fc.nat(3), peer: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("full"), who: fc.constant(0), peer: fc.constant(0) }) },
  );
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 120, size: "max" }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      (commands, conversationsMax, sendersMax) => {
        const bench = new ConversationBench({ conversationsMax, sendersMax, parkedMax: 8 });
        bench.holdReads = true;
        const gateway = new FakeGateway();
        const users = ["ann", "ann", "bob", "carl"];
        const sessions = users.map((user, i) => gateway.session(user, i + 1));
        const peers = ["ann", "bob", "carl"];
        const sent = new Map<string, number>();
        const acked = new Map<string, number>();
        const refs = new Map<number, { name: string; clientSeq: number; who: number; peer: number }>();
        let ref = 0;
        const payload = (name: string, clientSeq: number) => (clientSeq % 5 === 3 ? Uint8Array.of(0xff, clientSeq) : Buffer.from(`${name} ${clientSeq}`));
        const send = (who: number, peer: number, clientSeq: number) => {
          const name = `${who}>${peer}`;
          refs.set(++ref, { name, clientSeq, who, peer });
          bench.send(sessions[who]!, peers[peer]!, ref, clientSeq, { payload: payload(name, clientSeq) });
        };
        const check = () => {
          for (const answer of gateway.take()) {
            if (answer.type === "Page") {
              const seqs = answer.message.rows.map((row) => row.seq);
              if (seqs.some((seq, i) => seq !== i + 1) || answer.message.headSeq < seqs.length) throw new Error(`page ${seqs}`);
              continue;
            }
            if (answer.type !== "Sent" && answer.type !== "Error") throw new Error(`unexpected ${answer.type}`);
            const asked = refs.get(answer.message.ref);
            // A Fetch that found no room.
            if (asked === undefined) continue;
            const stored = bench.disk.send(key(users[asked.who]!, peers[asked.peer]!), installOf(asked.who + 1), asked.clientSeq);
            const ackName = `${asked.name} ${asked.clientSeq}`;
            if (answer.type === "Sent") {
              if (stored === undefined || !("row" in stored)) throw new Error(`an ack of what is not stored: ${ackName}`);
              if (stored.row.seq !== answer.message.seq || stored.row.time !== answer.message.time) throw new Error("an ack that is not the row's");
              if ((acked.get(ackName) ?? answer.message.seq) !== answer.message.seq) throw new Error("two acks that differ");
              acked.set(ackName, answer.message.seq);
            } else if (answer.message.code === 16) {
              if (stored === undefined || !("refused" in stored)) throw new Error(`a refusal that is not stored: ${ackName}`);
            } else if (answer.message.code !== 12 && answer.message.code !== 13) throw new Error(short(answer));
          }
        };
        for (const { op, who, peer } of commands) {
          const name = `${who}>${peer}`;
          if (op === "send") {
            sent.set(name, (sent.get(name) ?? 0) + 1);
            send(who, peer, sent.get(name)!);
          } else if (op === "retry") for (let i = 1; i <= (sent.get(name) ?? 0); i++) send(who, peer, i);
          else if (op === "answer" && bench.reads.length > 0) bench.answer(who % bench.reads.length);
          else if (op === "commit") bench.commit();
          else if (op === "restart") bench.restart();
          else if (op === "fetch") bench.fetch(sessions[who]!, peers[peer]!, ++ref, { fromSeq: 1 });
          else if (op === "full") bench.commitHasRoom = !bench.commitHasRoom;
          check();
        }
        // At the end everybody repeats until all is stored.
        bench.commitHasRoom = true;
        while (bench.reads.length > 0) bench.answer();
        for (const [name, count] of sent) {
          const [who, peer] = name.split(">").map(Number) as [number, number];
          for (let i = 1; i <= count; i++) {
            send(who, peer, i);
            while (bench.reads.length > 0) bench.answer();
          }
        }
        bench.commit();
        check();
        for (const [name, count] of sent) {
          const [who, peer] = name.split(">").map(Number) as [number, number];
          for (let i = 1; i <= count; i++) {
            const stored = bench.disk.send(key(users[who]!, peers[peer]!), installOf(who + 1), i);
            if (stored === undefined) throw new Error(`${name} ${i} was never stored`);
            if ("row" in stored && !Buffer.from(stored.row.payload).equals(payload(name, i))) throw new Error("the wrong bytes");
          }
        }
      },
    ),
    { numRuns: 200 },
  );
  t.end();
});

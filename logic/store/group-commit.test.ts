// The group commit over a store whose answers the test holds: what shares a commit, who is told when, what is bounded,
// and that after a failure nobody is told anything.
import t from "tap";
import { directKey, shardOf, userKey } from "../../proto/conversation.ts";
import type { Loop } from "../loop.ts";
import { installOf } from "../testing/fake-gateway.ts";
import { MemoryDisk } from "../testing/memory-disk.ts";
import { MemoryStore } from "../testing/memory-store.ts";
import { GroupCommit, type GroupCommitLimits } from "./group-commit.ts";
import { RecordType, type StoreRecord } from "./store.ts";

const SHARDS = 8;
const LIMITS: GroupCommitLimits = { recordsMax: 1000, bytesMax: 1_000_000 };

class Bench {
  readonly disk: MemoryDisk;
  readonly store: MemoryStore;
  readonly group: GroupCommit;
  /** What waits for the end of the turn. */
  turn: (() => void)[];
  told: string[];
  failures: unknown[];
  private numbers: Map<string, number>;

  constructor(limits = LIMITS) {
    this.disk = new MemoryDisk(SHARDS);
    this.store = new MemoryStore(this.disk);
    this.store.holdCommits = true;
    this.turn = [];
    this.told = [];
    this.failures = [];
    this.numbers = new Map();
    const loop: Loop = { now: () => 0, unixNow: () => 0, endOfTurn: (run) => this.turn.push(run) };
    this.group = new GroupCommit(this.store, (error) => this.failures.push(error), loop, limits);
  }

  /** A refusal in the notes of `user` to themselves: the smallest record that the disk checks. */
  add(user: string, then: () => void = () => undefined): void {
    const key = directKey(Buffer.from(user), Buffer.from(user));
    const clientSeq = (this.numbers.get(user) ?? 0) + 1;
    this.numbers.set(user, clientSeq);
    const name = `${user} ${clientSeq}`;
    const refusal: StoreRecord = { type: RecordType.Refusal, conversation: key, install: installOf(1), clientSeq, code: 16 };
    const committed = () => {
      this.told.push(name);
      then();
    };
    this.group.add(shardOf(key, SHARDS), refusal, { committed });
  }

  endTurn(): void {
    for (const run of this.turn.splice(0)) run();
  }

  /** The commit that is under way becomes durable, or fails; then everything that follows from it happens. */
  async answer(error?: Error): Promise<void> {
    if (error === undefined) this.store.commitNow();
    else this.store.commitFails(error, true);
    await new Promise((resolve) => setImmediate(resolve));
  }

  get records(): number {
    return this.store.heldCommit?.shards.reduce((sum, { records }) => sum + records.length, 0) ?? 0;
  }
}

t.test("what comes in one turn is one commit over all shards, told in order when it is durable", async (t) => {
  const bench = new Bench();
  const users = ["ann", "bob", "carl", "dora", "ann", "eve", "bob"];
  for (const user of users) bench.add(user);
  t.equal(bench.store.heldCommit, undefined, "nothing before the end of the turn");
  bench.endTurn();
  t.equal(bench.records, users.length);
  const shards = bench.store.heldCommit!.shards;
  t.equal(new Set(shards.map(({ shard }) => shard)).size, shards.length, "one position for each shard");
  t.ok(shards.every(({ position }) => position === 1));
  t.strictSame(bench.told, []);
  await bench.answer();
  t.strictSame(bench.told, ["ann 1", "bob 1", "carl 1", "dora 1", "ann 2", "eve 1", "bob 2"]);
  t.equal(bench.turn.length, 0);
  t.strictSame([bench.group.commits, bench.group.records], [1, 7]);
});

t.test("what comes while a commit is written gathers into the next, which begins at once", async (t) => {
  const bench = new Bench();
  bench.add("ann");
  bench.endTurn();
  bench.add("ann");
  bench.add("bob");
  bench.endTurn();
  bench.add("carl");
  t.equal(bench.records, 1);
  await bench.answer();
  t.strictSame(bench.told, ["ann 1"]);
  t.equal(bench.records, 3, "the next one is on its way");
  await bench.answer();
  t.strictSame(bench.told, ["ann 1", "ann 2", "bob 1", "carl 1"]);
  t.equal(bench.store.heldCommit, undefined);
});

t.test("what a completion adds is written too", async (t) => {
  const bench = new Bench();
  bench.add("ann", () => bench.add("bob", () => bench.add("carl")));
  bench.endTurn();
  for (let i = 0; i < 3; i++) {
    await bench.answer();
    bench.endTurn();
  }
  t.strictSame(bench.told, ["ann 1", "bob 1", "carl 1"]);
});

t.test("positions go on from what is stored, shard by shard", async (t) => {
  const bench = new Bench();
  for (let i = 0; i < 3; i++) {
    bench.add("ann");
    bench.endTurn();
    await bench.answer();
  }
  const shard = shardOf(directKey(Buffer.from("ann"), Buffer.from("ann")), SHARDS);
  t.equal(bench.disk.positions[shard], 3);
  const next = new MemoryStore(bench.disk);
  const group = new GroupCommit(next, (error) => t.fail(String(error)));
  const user = Buffer.from("ann");
  group.add(shard, { type: RecordType.Refusal, conversation: directKey(user, user), install: installOf(1), clientSeq: 4, code: 16 }, undefined);
  await group.settled();
  t.equal(bench.disk.positions[shard], 4);
});

t.test("the open commit is bounded by records and by payload bytes; what is being written does not count", async (t) => {
  const bench = new Bench({ recordsMax: 3, bytesMax: 1000 });
  for (let i = 0; i < 2; i++) bench.add("ann");
  t.ok(bench.group.hasRoom);
  bench.add("ann");
  t.notOk(bench.group.hasRoom);
  bench.endTurn();
  t.ok(bench.group.hasRoom);
  const user = Buffer.from("ann");
  const row = { seq: 1, time: 1, kind: 1, sender: user, payload: new Uint8Array(1000), install: installOf(2), clientSeq: 1, uncounted: 0 };
  bench.group.add(0, { type: RecordType.Row, conversation: directKey(user, user), row, hash: new Uint8Array(32) }, undefined);
  t.notOk(bench.group.hasRoom);
});

t.test("settled waits for all that was added, and for what that added", async (t) => {
  const bench = new Bench();
  bench.store.holdCommits = false;
  await bench.group.settled();
  bench.add("ann", () => bench.add("bob"));
  const settled = bench.group.settled();
  bench.endTurn();
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(bench.told, ["ann 1"]);
  bench.endTurn();
  await settled;
  t.strictSame(bench.told, ["ann 1", "bob 1"]);
});

t.test("after a failed commit nobody is told, nothing is written, and nothing piles up", async (t) => {
  const bench = new Bench();
  bench.add("ann");
  bench.endTurn();
  bench.add("bob");
  const settled = bench.group.settled();
  await bench.answer(new Error("disk full"));
  await settled;
  t.match(bench.failures, [{ message: "disk full" }]);
  t.strictSame(bench.told, [], "though it may have been written");
  t.equal(bench.store.heldCommit, undefined, "the next one is not tried");
  for (let i = 0; i < 2000; i++) bench.add("carl");
  t.ok(bench.group.hasRoom, "what nobody will ever write is not kept");
  bench.endTurn();
  t.equal(bench.store.heldCommit, undefined);
  t.equal(bench.failures.length, 1, "said once");
});

t.test("a deposed writer's commit fails, and it is told so", async (t) => {
  const bench = new Bench();
  bench.add("ann");
  bench.endTurn();
  new MemoryStore(bench.disk);
  await bench.answer();
  t.match(bench.failures, [{ code: "EPOCH_CONFLICT" }]);
  t.strictSame(bench.told, []);
});

t.test("a completion that throws ends everything, the commit under way included", async (t) => {
  const bench = new Bench();
  bench.add("ann", () => {
    throw new Error("a bug");
  });
  bench.add("bob");
  bench.endTurn();
  bench.add("carl");
  await bench.answer();
  t.match(bench.failures, [{ message: "a bug" }]);
  t.equal(bench.records, 1, "the next commit had begun");
  await bench.answer();
  t.strictSame(bench.told, ["ann 1"], "but nobody hears of it");
  t.equal(bench.failures.length, 1);
});

t.test("the real loop: one turn, one commit", async (t) => {
  const disk = new MemoryDisk(SHARDS);
  const store = new MemoryStore(disk);
  const group = new GroupCommit(store, (error) => t.fail(String(error)));
  const user = Buffer.from("ann");
  const shard = shardOf(userKey(user), SHARDS);
  for (const conversation of ["a", "b", "c"].map((peer) => directKey(user, Buffer.from(peer)))) {
    group.add(shard, { type: RecordType.Member, user, conversation }, undefined);
  }
  await group.settled();
  t.equal(group.commits, 1);
});

// The embedded store: the contract of all stores, and what is its own. What crashes leave is in leveldb-crash.test.ts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import t, { type Test } from "tap";
import { compareBytes } from "../../proto/conversation.ts";
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { corrupt, crc32InScript, ENVELOPE_BYTES, seal, Tag, type Tag as TagType } from "./envelope.ts";
import { readAllRows } from "./inspect.ts";
import { blockKey, isAnyMemberKey, journalKey, MEMBERS, META_KEY, memberKey, memberRange, memberUser } from "./keys.ts";
import { textOf } from "./latin1.ts";
import { type LevelStoreOptions, openLevelStore } from "./leveldb.ts";
import { BLOCK_ROWS_MAX } from "./block.ts";
import { decodeMeta, encodeMeta } from "./meta.ts";
import type { Commit, Row, Store } from "./store.ts";
import { alter, within } from "./testing/damage.ts";
import { bytes, direct, install, LogWriter } from "./testing/log-writer.ts";
import { ModelDisk, ModelStore } from "./testing/model-store.ts";
import { plain } from "./testing/plain.ts";
import { storeContract } from "./testing/store-contract.ts";
import { ByteReader, readUint32, writeUint32 } from "./varint.ts";

t.setTimeout(180_000);

function freshDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), "hawser-store-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A checkpoint after nearly every commit, a memory that holds next to nothing, and replay at every opening. */
const SMALL = { checkpointBytes: 4000, overlayBytesMax: 16_000, sliceBytes: 1000, cacheBytesMax: 1, checkpointOnClose: false };
const ALL = { rowsMax: 1_000_000, bytesMax: 1 << 30 };
const AB = direct("ann", "bob");

storeContract(t, "model", () => {
  const disk = new ModelDisk();
  return { open: async (shardCount) => new ModelStore(disk, shardCount) };
});
storeContract(t, "leveldb", (t) => {
  const dir = freshDir(t);
  return { open: (shardCount) => openLevelStore({ dir, shardCount }) };
});
storeContract(t, "leveldb, small", (t) => {
  const dir = freshDir(t);
  return { open: (shardCount) => openLevelStore({ dir, shardCount, ...SMALL }) };
});

// Whatever is committed, in whatever order checkpoints and openings come: every read says what the model says.
const CONVERSATIONS = [AB, direct("ann", "ann"), direct("bob", "cat"), direct("cat", "dan"), Uint8Array.of(0xff, 0xff), bytes("x")];
const USERS = ["ann", "an", "anna", "bob"].map(bytes);
const INSTALLS = Array.from({ length: 9 }, (_, i) => install(i * 0x0101_0101));
const conversation = fc.nat(CONVERSATIONS.length - 1).map((i) => CONVERSATIONS[i]!);
const from = fc.nat(INSTALLS.length - 1).map((i) => INSTALLS[i]!);
const user = fc.nat(USERS.length - 1).map((i) => USERS[i]!);
const payload = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.nat(6000).map((n) => new Uint8Array(n).fill(n)) },
);
const record = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ is: fc.constant("row" as const), conversation, from, payload, skip: fc.oneof(fc.constant(0), fc.nat(200)), server: fc.nat(9) }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("refusal" as const), conversation, from, code: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("member" as const), conversation, user }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("read" as const), conversation, user, seq: fc.nat(50) }) },
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ is: fc.constant("commit" as const), records: fc.array(record, { minLength: 1, maxLength: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("checkpoint" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("open" as const), checkpointOnClose: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("look" as const), seed: fc.nat() }) },
);

function fill(log: LogWriter, records: readonly (typeof record extends fc.Arbitrary<infer T> ? T : never)[]): Commit {
  for (const each of records) {
    if (each.is === "row" && each.server === 0)
      log.row(each.conversation, { payload: each.payload, sender: new Uint8Array(0), install: new Uint8Array(0), clientSeq: 0 });
    else if (each.is === "row") {
      const clientSeq = log.lastNumber(each.conversation, each.from) + 1 + each.skip;
      log.row(each.conversation, { payload: each.payload, install: each.from, clientSeq });
    } else if (each.is === "refusal") log.refuse(each.conversation, each.from, each.code);
    else if (each.is === "member") log.member(each.user, each.conversation);
    else log.read(each.user, each.conversation, each.seq);
  }
  return log.take();
}

/** Everything that a store can be asked, with queries drawn from the seed; all at once, so that answers overlap. */
async function answers(store: Store, seed: number): Promise<unknown> {
  const below = (n: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return seed % n;
  };
  const asked: Promise<unknown>[] = [];
  for (const each of CONVERSATIONS) {
    asked.push(store.loadHead(each));
    for (const one of INSTALLS) asked.push(store.loadSender(each, one), store.findSend(each, one, 1 + below(8)), store.findSend(each, one, 1 + below(300)));
    for (let i = 0; i < 3; i++) {
      asked.push(
        store.readPage(each, { fromSeq: 1 + below(100), backward: below(2) === 0, rowsMax: 1 + below(70), bytesMax: below(2) === 0 ? below(5000) : 1 << 20 }),
      );
    }
    asked.push(store.readPage(each, { fromSeq: 1, backward: false, ...ALL }));
  }
  for (const each of USERS) {
    const after = [undefined, ...CONVERSATIONS][below(7)];
    asked.push(store.loadMemberships(each, after, 1 + below(3)), store.loadMemberships(each, undefined, 100));
  }
  return plain([[...store.positions()], await Promise.all(asked)]);
}

t.test("says what the model says", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const dir = mkdtempSync(join(tmpdir(), "hawser-model-"));
      const disk = new ModelDisk();
      const options: LevelStoreOptions = { dir, shardCount: 4, ...SMALL, cacheBytesMax: 6000 };
      let model = new ModelStore(disk, 4);
      let store = await openLevelStore(options);
      let log = new LogWriter(store);
      try {
        for (const each of [...steps, { is: "look", seed: 1 } as const]) {
          if (each.is === "commit") {
            const commit = fill(log, each.records);
            // Reads that overlap the commit, too: loads in flight must not bring back what was.
            const overlapping = answers(store, 7);
            await store.commit(commit);
            await overlapping;
            await model.commit({ ...commit, epoch: model.meta.epoch });
          } else if (each.is === "checkpoint") store.checkpoint();
          else if (each.is === "look") {
            const [said, expected] = await Promise.all([answers(store, each.seed), answers(model, each.seed)]);
            if (JSON.stringify(said) !== JSON.stringify(expected)) t.same(said, expected);
          } else {
            await store.close();
            await model.close();
            store = await openLevelStore({ ...options, checkpointOnClose: each.checkpointOnClose });
            model = new ModelStore(disk, 4);
            log = new LogWriter(store);
            for (const key of CONVERSATIONS) await log.learn(key, ...INSTALLS);
          }
        }
      } finally {
        await store.close();
        await checkInspection(t, dir, model);
        rmSync(dir, { recursive: true });
      }
      return t.passing();
    }),
    { numRuns: 60 },
  );
  t.ok(t.passing());
});

/** readAllRows gives the model's rows, in order. */
async function checkInspection(t: Test, dir: string, model: Store): Promise<void> {
  const found: unknown[] = [];
  for await (const { conversation, row } of readAllRows(dir)) found.push(plain({ conversation, row }));
  const expected: unknown[] = [];
  for (const conversation of [...CONVERSATIONS].sort(compareBytes)) {
    for (const row of (await model.readPage(conversation, { fromSeq: 1, backward: false, ...ALL })).rows) expected.push(plain({ conversation, row }));
  }
  if (JSON.stringify(found) !== JSON.stringify(expected)) t.same(found, expected, "rows of the closed store");
}

t.test("a hundred thousand numbers, found after opening again", async (t) => {
  const dir = freshDir(t);
  let store = await openLevelStore({ dir, shardCount: 4, checkpointBytes: 500_000, overlayBytesMax: 2_000_000 });
  let log = new LogWriter(store);
  const rows: Row[] = [];
  for (let i = 0; i < 100_000; i++) {
    rows.push(log.row(AB, { install: install(i % 2), payload: bytes(`message ${i}`) }));
    if (i % 2000 === 1999) await log.commit();
  }
  t.ok(store.stats().checkpoints > 0);
  await store.close();
  store = await openLevelStore({ dir, shardCount: 4 });
  t.equal(store.stats().replayed, 0, "nothing to replay after a clean end");
  for (let i = 0; i < 100_000; i += 997) {
    const { install: from, clientSeq } = rows[i]!;
    t.same(plain(await store.findSend(AB, from, clientSeq)), plain({ row: rows[i] }));
    const page = await store.readPage(AB, { fromSeq: i + 1, backward: i % 2 === 0, rowsMax: 30, bytesMax: 65536 });
    t.same(plain(page.rows), plain(i % 2 === 0 ? rows.slice(Math.max(0, i - 29), i + 1) : rows.slice(i, i + 30)));
  }
  t.same(await store.loadSender(AB, install(0)), { clientSeq: 50_000 });
  // One value more than the head, and the row's block: whatever the number.
  log = new LogWriter(store);
  await log.learn(AB, install(0), install(1));
  log.row(AB, { install: install(0) });
  await log.commit();
  t.equal((await store.loadHead(AB))?.seq, 100_001);
  await store.close();
});

t.test("commits wait while too much is dirty", async (t) => {
  const dir = freshDir(t);
  const overlayBytesMax = 300_000;
  const store = await openLevelStore({ dir, shardCount: 4, checkpointBytes: 100_000, overlayBytesMax, sliceBytes: 4000 });
  const log = new LogWriter(store);
  let highest = 0;
  for (let i = 0; i < 150; i++) {
    // Conversations of one row, and one with many: both ways of being dirty.
    for (let k = 0; k < 10; k++) log.row(direct("ann", `peer${i}.${k}`), { payload: new Uint8Array(100) });
    for (let k = 0; k < 100; k++) log.row(AB, { payload: new Uint8Array(200) });
    log.member(bytes("ann"), direct("ann", `peer${i}`));
    const before = store.stats().dirtyBytes;
    await log.commit();
    const { dirtyBytes } = store.stats();
    // It may have been just below the limit before.
    t.ok(dirtyBytes <= overlayBytesMax + 100_000, `${before} before, ${dirtyBytes} after`);
    highest = Math.max(highest, dirtyBytes);
  }
  t.ok(highest > 100_000);
  await store.close();
  t.equal(store.stats().dirtyBytes, 0, "what was counted in was counted out");
  t.equal(store.stats().journal, 0, "nor is anything left in the journal");
});

t.test("memory for what is clean is bounded", async (t) => {
  const store = await openLevelStore({ dir: freshDir(t), shardCount: 4, cacheBytesMax: 100_000 });
  for (let i = 0; i < 2000; i++) {
    await store.loadHead(direct("ann", `peer${i}`));
    await store.loadSender(AB, install(i));
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.ok(store.stats().conversations < 300, `${store.stats().conversations} conversations`);
  await store.close();
});

t.test("a commit that is refused, or too large, leaves the store as it is", async (t) => {
  const store = await openLevelStore({ dir: freshDir(t), shardCount: 4 });
  const log = new LogWriter(store);
  log.row(AB);
  const good = log.take();
  const shard = good.shards[0]!;
  const row = shard.records[0] as Extract<(typeof shard.records)[0], { type: 1 }>;
  const bad = [
    { ...row, conversation: new Uint8Array(0) },
    { ...row, conversation: new Uint8Array(256) },
    { ...row, hash: new Uint8Array(31) },
    { ...row, row: { ...row.row, install: new Uint8Array(7) } },
    { ...row, row: { ...row.row, install: new Uint8Array(9), clientSeq: 0 } },
    { ...row, row: { ...row.row, sender: new Uint8Array(256) } },
    { ...row, row: { ...row.row, seq: Number.NaN } },
    { ...row, row: { ...row.row, time: -1 } },
    { ...row, row: { ...row.row, kind: 0.5 } },
    { ...row, row: { ...row.row, payload: new Uint8Array(129 << 20) } },
    { type: 2, conversation: AB, install: install(1), clientSeq: 0, code: 1 } as const,
    { type: 2, conversation: direct("ann", "new"), install: install(1), clientSeq: 1, code: 2 ** 33 } as const,
    { type: 4, conversation: AB, user: new Uint8Array(0), seq: 1 } as const,
    { type: 4, conversation: AB, user: bytes("ann"), seq: 2 ** 48 } as const,
  ];
  for (const record of bad) await t.rejects(store.commit({ ...good, shards: [{ ...shard, records: [record] }] }), RangeError);
  await t.rejects(store.commit({ ...good, shards: [shard, shard] }), RangeError, "a shard twice");
  await t.rejects(store.commit({ ...good, shards: [{ ...shard, shard: 4 }] }), RangeError, "a shard that there is not");
  const under = store.commit(good);
  await t.rejects(store.commit(good), RangeError, "one at a time");
  await under;
  t.equal((await store.loadHead(AB))?.seq, 1);
  await t.rejects(openLevelStore({ dir: freshDir(t), shardCount: 4, checkpointBytes: 10, overlayBytesMax: 19 }), RangeError);
  await store.close();
});

t.test("a conversation with many senders", async (t) => {
  const dir = freshDir(t);
  let store = await openLevelStore({ dir, shardCount: 4, ...SMALL });
  const log = new LogWriter(store);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) log.row(AB, { install: install((i * 7) % 200) });
    await log.commit();
  }
  const look = async () => {
    for (let i = 0; i < 200; i++) t.same(await store.loadSender(AB, install(i)), { clientSeq: 3 });
    for (let i = 0; i < 200; i += 9) t.equal(((await store.findSend(AB, install((i * 7) % 200), 2)) as { row: Row }).row.seq, 200 + i + 1);
  };
  await look();
  await store.close();
  store = await openLevelStore({ dir, shardCount: 4 });
  await look();
  await store.close();
  // Only the last few stand in the head, however many there are.
  await alter(dir, "h", 0, (head) => {
    t.ok(head.length < 2000, `${head.length} bytes of head`);
    return head;
  });
  store = await openLevelStore({ dir, shardCount: 4 });
  await store.close();
});

t.test("a store of format 1, which did not say who has conversations at all, is brought up to date when it is opened", async (t) => {
  const dir = freshDir(t);
  let store = await openLevelStore({ dir, shardCount: 4 });
  const log = new LogWriter(store);
  log.row(AB);
  for (const user of ["ann", "bob"]) log.member(bytes(user), AB);
  await log.commit();
  await store.close();
  const marks: string[] = [];
  await within(dir, async (db) => {
    for (const key of await db.keys(MEMBERS).all()) {
      if (!isAnyMemberKey(key)) continue;
      marks.push(memberUser(key));
      await db.del(key);
    }
    const { format, ...meta } = decodeMeta((await db.get(META_KEY))!);
    t.equal(format, 2);
    await db.put(META_KEY, encodeMeta(meta, 1), { sync: true });
  });
  t.strictSame(marks, ["ann", "bob"]);
  for (let opening = 0; opening < 2; opening++) {
    store = await openLevelStore({ dir, shardCount: 4 });
    for (const user of marks) t.equal((await store.loadMemberships(bytes(user), undefined, 10)).length, 1, user);
    t.strictSame(await store.loadMemberships(bytes("cat"), undefined, 10), []);
    await store.close();
  }
  await within(dir, async (db) => {
    t.equal(decodeMeta((await db.get(META_KEY))!).format, 2);
  });
  await within(dir, async (db) => db.put(META_KEY, encodeMeta({ storeId: new Uint8Array(8), shardCount: 4, epoch: 1 }, 3), { sync: true }));
  await t.rejects(openLevelStore({ dir, shardCount: 4 }), { code: "STORE_CORRUPT", message: /format/ });
});

// Damage. Each case begins with a store whose last commits are in the journal only.
async function damaged(t: Test): Promise<string> {
  const dir = freshDir(t);
  let store = await openLevelStore({ dir, shardCount: 4 });
  let log = new LogWriter(store);
  for (let i = 0; i < 3 * BLOCK_ROWS_MAX + 5; i++) log.row(AB);
  log.member(bytes("ann"), AB);
  for (let i = 0; i < 200; i++) log.row(direct("ann", "cat"), { install: install(5) });
  await log.commit();
  await store.close();
  store = await openLevelStore({ dir, shardCount: 4, checkpointOnClose: false });
  log = new LogWriter(store);
  await log.learn(AB, install(1));
  for (let i = 0; i < 5; i++) {
    log.row(AB);
    await log.commit();
  }
  await store.close();
  return dir;
}

const flip = (at: number) => (value: Uint8Array) => {
  value[at < 0 ? value.length + at : at]! ^= 1;
  return value;
};
/** Changes a value and makes its checksum right again. */
const forge = (tag: TagType, at: number) => (value: Uint8Array) => seal(flip(at)(value), value.length, tag);
const gone = () => undefined;

const REFUSED_AT_OPENING: [string, (dir: string) => Promise<unknown>][] = [
  ["a byte of a commit", (dir) => alter(dir, "j", 2, flip(-1))],
  ["the tag of a commit", (dir) => alter(dir, "j", 2, flip(0))],
  ["a commit cut short", (dir) => alter(dir, "j", 2, (value) => seal(value, value.length - 3, Tag.Journal))],
  ["an empty commit", (dir) => alter(dir, "j", 2, () => new Uint8Array(0))],
  ["a payload, with a checksum that is right", (dir) => alter(dir, "j", 2, forge(Tag.Journal, -1))],
  ["a commit that is gone", (dir) => alter(dir, "j", 2, gone)],
  ["the first commit gone", (dir) => alter(dir, "j", 0, gone)],
  ["a later epoch", (dir) => alter(dir, "j", 4, (value) => seal(Object.assign(value, { [ENVELOPE_BYTES]: 9 }), value.length, Tag.Journal))],
  ["a commit twice", (dir) => within(dir, async (db) => db.put(journalKey(7), (await db.get(journalKey(6)))!))],
  ["the head that a commit goes on from", (dir) => alter(dir, "h", 0, flip(8))],
  ["that head, forged", (dir) => alter(dir, "h", 0, forge(Tag.Head, ENVELOPE_BYTES + 12))],
  ["that head gone", (dir) => alter(dir, "h", 0, gone)],
  ["the checkpoint", (dir) => alter(dir, "!c", 0, flip(6))],
  ["the checkpoint gone", (dir) => alter(dir, "!c", 0, gone)],
  ["the meta", (dir) => alter(dir, "!m", 0, flip(6))],
  ["the meta gone", (dir) => alter(dir, "!m", 0, gone)],
];
for (const [what, damage] of REFUSED_AT_OPENING) {
  t.test(`damage: ${what}`, async (t) => {
    const dir = await damaged(t);
    await damage(dir);
    await t.rejects(openLevelStore({ dir, shardCount: 4 }), { code: "STORE_CORRUPT", place: /./ });
    await t.rejects(readAll(dir), { code: "STORE_CORRUPT" });
  });
}

async function readAll(dir: string): Promise<number> {
  let rows = 0;
  for await (const _ of readAllRows(dir)) rows++;
  return rows;
}

t.test("damage: a stretch of LevelDB's log, which LevelDB skips silently", async (t) => {
  const dir = freshDir(t);
  const store = await openLevelStore({ dir, shardCount: 4, checkpointOnClose: false });
  const log = new LogWriter(store);
  for (let i = 0; i < 40; i++) {
    log.row(AB, { payload: new Uint8Array(5000).fill(i) });
    await log.commit();
  }
  await store.close();
  const name = readdirSync(dir)
    .filter((each) => each.endsWith(".log"))
    .sort((a, b) => statSync(join(dir, b)).size - statSync(join(dir, a)).size)[0]!;
  const content = readFileSync(join(dir, name));
  // In the middle of the log, so that commits before and after are kept.
  content[100_000]! ^= 0xff;
  writeFileSync(join(dir, name), content);
  await t.rejects(openLevelStore({ dir, shardCount: 4 }), { code: "STORE_CORRUPT", message: /commit \d+ is missing/ });
});

t.test("damage: what is read later is refused then", async (t) => {
  const page = (store: Store, fromSeq: number) => store.readPage(AB, { fromSeq, backward: false, rowsMax: 100, bytesMax: 1 << 20 });
  const cases: [string, string, number, (value: Uint8Array) => Uint8Array | undefined, (store: Store) => Promise<unknown>, boolean][] = [
    ["a block", "b", 1, flip(-1), (store) => page(store, 70), true],
    ["a block's header", "b", 1, forge(Tag.Block, ENVELOPE_BYTES + 5), (store) => page(store, 70), true],
    ["a block's number of rows", "b", 1, forge(Tag.Block, ENVELOPE_BYTES + 6 + 32 + 1), (store) => page(store, 70), true],
    ["a block that is gone", "b", 1, gone, (store) => page(store, 70), true],
    ["a block that is gone, from before", "b", 1, gone, (store) => page(store, 1), true],
    ["a head", "h", 1, flip(-1), (store) => store.loadHead(direct("ann", "cat")), true],
    ["a chunk of the send index", "n", 0, flip(-1), (store) => store.findSend(AB, install(1), 3), false],
    ["a membership", "m", 0, flip(-1), (store) => store.loadMemberships(bytes("ann"), undefined, 9), false],
  ];
  for (const [what, kind, n, change, read, rows] of cases) {
    const dir = await damaged(t);
    await alter(dir, kind, n, change);
    const store = await openLevelStore({ dir, shardCount: 4, checkpointOnClose: false });
    await t.rejects(read(store), { code: "STORE_CORRUPT", place: /./ }, what);
    await store.close();
    if (rows) await t.rejects(readAll(dir), { code: "STORE_CORRUPT" }, `${what}: seen by inspection`);
    else t.equal(await readAll(dir), 402);
  }
  const dir = await damaged(t);
  await alter(dir, "b", 1, forge(Tag.Block, -1));
  await t.rejects(readAll(dir), { code: "STORE_CORRUPT", message: /hash/ }, "a forged payload is seen by its hash");
  await t.rejects(readAll(freshDir(t)), { code: "STORE_FAILED" }, "there is no store");
});

t.test("numbers, checksums and keys", async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.maxSafeNat(),
        fc.nat(),
        fc.nat(300),
        fc.integer({ min: 0, max: 53 }).map((n) => 2 ** n - 1),
      ),
      (n) => {
        const buffer = new Uint8Array(10);
        const end = writeVarint(buffer, 1, n);
        const reader = new ByteReader(buffer, 1, end);
        return end - 1 === varintBytes(n) && reader.varint() === n && reader.done;
      },
    ),
  );
  for (const end of [0, 1, 2]) t.throws(() => new ByteReader(Uint8Array.of(0x80, 0x80, 0x01), 0, end).varint(), RangeError);
  t.throws(() => new ByteReader(new Uint8Array(9).fill(0x80), 0, 9).varint(), RangeError);
  t.throws(() => new ByteReader(new Uint8Array(9), 0, 9).take(10), RangeError);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (n) => {
      const buffer = new Uint8Array(5);
      return writeUint32(buffer, 1, n) === 5 && readUint32(buffer, 1) === n;
    }),
  );
  if (zlibCrc32 !== undefined)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (data, value) => crc32InScript(data, value) === zlibCrc32(data, value)));
  const id = fc.uint8Array({ minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(id, fc.nat(), id, fc.nat(), (a, m, b, n) => {
      const order = compareBytes(a, b) === 0 ? Math.sign(m - n) : undefined;
      return order === undefined || Math.sign(compareBytes(blockKey(textOf(a), m * 1000), blockKey(textOf(b), n * 1000))) === order;
    }),
  );
  // A user's range holds exactly the user's memberships above `after`.
  fc.assert(
    fc.property(id, id, id, fc.option(id, { nil: undefined }), (user, other, conversation, after) => {
      const { gte, lt } = memberRange(textOf(user), after && textOf(after));
      const key = memberKey(textOf(other), textOf(conversation));
      const inside = compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0;
      return inside === (compareBytes(user, other) === 0 && (after === undefined || compareBytes(conversation, after) > 0));
    }),
  );
  t.match(corrupt("block", Uint8Array.of(0x62, 1, 0x5c), "why").message, /block "b\\x01\\x5c": why/);
});

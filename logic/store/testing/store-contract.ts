// What every store must do, as a suite that takes a factory. A backend's own tests run it, and add what only they can see.
import type { Test } from "tap";
import { HASH_START } from "../../../proto/conversation-hash.ts";
import type { Row, Store, StoredSend } from "../store.ts";
import { bytes, direct, install, LogWriter } from "./log-writer.ts";
import { plain } from "./plain.ts";

export interface StorePlace {
  /** Opens the store of this place. Rejects while it is open. */
  open(shardCount: number): Promise<Store>;
}

const ANN = bytes("ann");
const BOB = bytes("bob");
const AB = direct("ann", "bob");
const AC = direct("ann", "cat");
const SHARDS = 16;
const ALL = { rowsMax: 1000, bytesMax: 1 << 20 };

/** `make` makes a new, empty place. */
export function storeContract(t: Test, name: string, make: (t: Test) => StorePlace): void {
  const contract = (what: string, body: (t: Test, place: StorePlace) => Promise<void>) => t.test(`${name}: ${what}`, (t) => body(t, make(t)));

  contract("a new store is empty, and has an id and an epoch", async (t, place) => {
    const store = await place.open(SHARDS);
    t.equal(store.meta.storeId.length, 8);
    t.equal(store.meta.shardCount, SHARDS);
    t.same([...store.positions()], new Array(SHARDS).fill(0));
    t.equal(await store.loadHead(AB), undefined);
    t.equal(await store.loadSender(AB, install(1)), undefined);
    t.equal(await store.findSend(AB, install(1), 1), undefined);
    t.same(plain(await store.readPage(AB, { fromSeq: 1, backward: false, ...ALL })), plain({ rows: [], hashBefore: HASH_START }));
    t.same(plain(await store.readPage(AB, { fromSeq: 0, backward: true, ...ALL })), plain({ rows: [], hashBefore: HASH_START }));
    t.same(await store.loadMemberships(ANN, undefined, 10), []);
    await store.close();
  });

  contract("opening again keeps everything and raises the epoch", async (t, place) => {
    const first = await place.open(SHARDS);
    const log = new LogWriter(first);
    log.row(AB);
    log.member(ANN, AB);
    log.read(ANN, AB, 1);
    log.refuse(AC, install(2), 15);
    await log.commit();
    const before = await everything(first);
    await t.rejects(place.open(SHARDS), { code: "STORE_LOCKED" }, "it is open already");
    await first.close();
    await t.rejects(place.open(SHARDS * 2), { code: "STORE_MISMATCH", message: /16/ }, "another shard count");
    const second = await place.open(SHARDS);
    t.ok(second.meta.epoch > first.meta.epoch);
    t.same(second.meta.storeId, first.meta.storeId);
    t.same(await everything(second), before);
    await second.close();
    await t.rejects(second.loadHead(AB), { code: "STORE_FAILED" }, "it is closed");
    await t.rejects(second.commit({ epoch: second.meta.epoch, shards: [] }), { code: "STORE_FAILED" });
  });

  contract("a commit is not visible before it resolves, and wholly visible then", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    log.row(AB);
    log.row(AC);
    log.member(ANN, AB);
    const empty = await everything(store);
    let resolved = false;
    const commit = log.commit().then(() => (resolved = true));
    const during = everything(store);
    t.equal(resolved, false);
    const seen = await during;
    // The reads may have been overtaken by the commit, each of them: but then it had resolved.
    if (!resolved) t.same(seen, empty);
    await commit;
    t.equal((await store.loadHead(AB))?.seq, 1);
    t.equal((await store.loadHead(AC))?.seq, 1);
    t.equal((await store.loadMemberships(ANN, undefined, 9)).length, 1);
    await store.close();
  });

  contract("what does not fit is refused, and changes nothing", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    log.row(AB);
    log.row(AB);
    await log.commit();
    const before = await everything(store);
    log.row(AB);
    const next = log.take();
    const shard = next.shards[0]!;
    const record = shard.records[0]! as Extract<(typeof shard.records)[0], { type: 1 }>;
    const but = (row: object) => ({ ...next, shards: [{ ...shard, records: [{ ...record, row: { ...record.row, ...row } }] }] });
    await t.rejects(store.commit({ ...next, epoch: next.epoch - 1 }), { code: "EPOCH_CONFLICT" });
    await t.rejects(store.commit({ ...next, shards: [{ ...shard, position: shard.position - 1 }] }), { code: "POSITION_CONFLICT" });
    await t.rejects(store.commit({ ...next, shards: [{ ...shard, position: shard.position + 1 }] }), { code: "POSITION_CONFLICT" });
    await t.rejects(store.commit(but({ seq: 2 })), RangeError, "a seq that is there");
    await t.rejects(store.commit(but({ seq: 4 })), RangeError, "a hole");
    await t.rejects(store.commit(but({ clientSeq: 2 })), RangeError, "a number that was used");
    t.same(await everything(store), before);
    await store.commit(next);
    t.equal((await store.loadHead(AB))?.seq, 3);
    await store.close();
  });

  contract("rows come back as they were, with their head", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    const large = new Uint8Array(64 * 1024).map((_, i) => i * 7);
    const rows = [
      log.row(AB, { payload: new Uint8Array(0), sender: new Uint8Array(0), install: new Uint8Array(0), clientSeq: 0 }),
      log.row(AB, { payload: large, kind: 0xffff_ffff, uncounted: 1, sender: bytes("x".repeat(64)) }),
      log.row(AB, { time: 2 ** 45, install: install(3), clientSeq: 2 ** 40, sender: BOB, uncounted: 1 }),
    ];
    await log.commit();
    t.same(plain(await store.loadHead(AB)), plain({ seq: 3, time: 2 ** 45, uncounted: 1, hash: log.hash(AB) }));
    t.same(plain((await store.readPage(AB, { fromSeq: 1, backward: false, ...ALL })).rows), plain(rows));
    t.same(plain(await store.findSend(AB, install(3), 2 ** 40)), plain({ row: rows[2] }));
    t.equal(await store.findSend(AB, install(3), 2 ** 40 - 1), undefined);
    t.same(await store.loadSender(AB, install(3)), { clientSeq: 2 ** 40 });
    // Numbers far apart, so that the index is written in places far apart.
    const far = [2 ** 40 + 1, 2 ** 40 + 2 ** 38, 2 ** 40 + 2 ** 38 + 1, 2 ** 52, 2 ** 53 - 1];
    const sent = [];
    for (const clientSeq of far) {
      sent.push(log.row(AB, { time: 2 ** 45, install: install(3), clientSeq }));
      await log.commit();
    }
    t.same(plain(await Promise.all(far.map((clientSeq) => store.findSend(AB, install(3), clientSeq)))), plain(sent.map((row) => ({ row }))));
    t.same(plain(await store.findSend(AB, install(3), 2 ** 40)), plain({ row: rows[2] }));
    t.equal(await store.findSend(AB, install(3), 2 ** 40 + 2 ** 32), undefined);
    await store.close();
  });

  contract("the caller's memory is the caller's again once a commit resolved", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    const payload = bytes("as it was");
    const conversation = direct("ann", "dan");
    const user = bytes("ann");
    const row = log.row(conversation, { payload });
    log.member(user, conversation);
    const expected = plain([row]);
    await log.commit();
    payload.fill(0);
    conversation.fill(0xff);
    user.fill(0);
    const key = direct("ann", "dan");
    t.same(plain((await store.readPage(key, { fromSeq: 1, backward: false, ...ALL })).rows), expected);
    t.same(plain((await store.loadMemberships(ANN, undefined, 1))[0]?.conversation), plain(key));
    await store.close();
  });

  contract("numbers are found for ever, rows and refusals alike", async (t, place) => {
    let store = await place.open(SHARDS);
    let log = new LogWriter(store);
    const expected: StoredSend[] = [];
    for (let i = 0; i < 300; i++) {
      if (i % 5 === 3) {
        log.refuse(AB, install(1), 15 + (i % 4));
        expected.push({ refused: 15 + (i % 4) });
      } else expected.push({ row: log.row(AB, { install: install(1) }) });
      log.row(AB, { install: install(2), sender: BOB });
      if (i % 40 === 0) await log.commit();
    }
    await log.commit();
    const found = async (from: Store) => Promise.all(expected.map((_, i) => from.findSend(AB, install(1), i + 1)));
    t.same(plain(await found(store)), plain(expected));
    await store.close();
    store = await place.open(SHARDS);
    t.same(plain(await found(store)), plain(expected));
    t.equal(await store.findSend(AB, install(1), 301), undefined);
    t.equal(await store.findSend(AB, install(1), 0), undefined);
    t.equal(await store.findSend(AB, install(9), 1), undefined);
    t.equal(await store.findSend(AC, install(1), 1), undefined);
    t.same(await store.loadSender(AB, install(1)), { clientSeq: 300 });
    log = new LogWriter(store);
    await log.learn(AB, install(1));
    t.equal(log.refuse(AB, install(1), 16), 301);
    await log.commit();
    t.same(await store.findSend(AB, install(1), 301), { refused: 16 });
    await store.close();
  });

  contract("pages go both ways, within rows and bytes", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    const rows: Row[] = [];
    const hashes = [HASH_START];
    for (let i = 0; i < 200; i++) {
      rows.push(log.row(AB, { payload: new Uint8Array(i % 50 === 49 ? 5000 : 36) }));
      hashes.push(log.hash(AB));
    }
    await log.commit();
    const page = async (fromSeq: number, backward: boolean, rowsMax: number, bytesMax: number) => {
      const { rows: found, hashBefore } = await store.readPage(AB, { fromSeq, backward, rowsMax, bytesMax });
      const first = found[0]?.seq ?? (backward ? 201 : fromSeq);
      t.same(plain(found), plain(rows.slice(first - 1, first - 1 + found.length)), `rows ${first} to ${first + found.length - 1}`);
      t.same(plain(hashBefore), plain(hashes[first - 1]), `hash before ${first}`);
      return [first, first + found.length - 1];
    };
    t.same(await page(1, false, 10, 1 << 20), [1, 10]);
    t.same(await page(95, false, 10, 1 << 20), [95, 104]);
    t.same(await page(195, false, 10, 1 << 20), [195, 200]);
    t.same(await page(200, true, 10, 1 << 20), [191, 200]);
    t.same(await page(104, true, 10, 1 << 20), [95, 104]);
    t.same(await page(5, true, 10, 1 << 20), [1, 5]);
    t.same(await page(1, true, 10, 1 << 20), [1, 1]);
    t.same(await page(1, false, 1000, 1 << 20), [1, 200]);
    t.same(await page(200, true, Number.MAX_SAFE_INTEGER, 1 << 20), [1, 200]);
    t.same(await page(1, false, 1000, 300), [1, 3], "a row counts for its payload and 64");
    t.same(await page(3, true, 1000, 299), [2, 3]);
    t.same(await page(50, false, 10, 1), [50, 50], "at least one row");
    t.same(await page(50, true, 10, 1), [50, 50]);
    t.same(await page(48, false, 10, 1000), [48, 49], "a large one ends the page");
    t.same(await page(201, false, 10, 1000), [201, 200], "after the head: the hash there");
    await store.close();
  });

  contract("memberships come in key order, in pages, with heads and read positions", async (t, place) => {
    const store = await place.open(SHARDS);
    const log = new LogWriter(store);
    const keys = [];
    for (let i = 0; i < 25; i++) {
      const key = direct("ann", `peer${i}`);
      keys.push(key);
      log.member(ANN, key);
      log.member(bytes(`peer${i}`), key);
      for (let k = 0; k <= i % 3; k++) log.row(key);
      if (i % 2 === 0) log.read(ANN, key, i);
      if (i % 4 === 0) log.read(ANN, key, i - 1 < 0 ? 0 : i - 1);
      if (i % 10 === 9) await log.commit();
    }
    const noRows = direct("ann", "zed");
    log.member(ANN, noRows);
    log.member(ANN, keys[0]!);
    const readOnly = direct("ann", "peer1x");
    log.read(ANN, readOnly, 5);
    await log.commit();
    const expected = keys.map((key, i) => {
      const seq = (i % 3) + 1;
      return { conversation: key, head: { seq, hash: log.hash(key), time: 7 * seq, uncounted: 0 }, readSeq: i % 2 === 0 ? i : 0 };
    });
    expected.push({ conversation: noRows, head: { seq: 0, hash: HASH_START, time: 0, uncounted: 0 }, readSeq: 0 });
    expected.sort((a, b) => Buffer.compare(a.conversation, b.conversation));
    const found = [];
    for (let after: Uint8Array | undefined; ; ) {
      const page = await store.loadMemberships(ANN, after, 7);
      found.push(...page);
      if (page.length < 7) break;
      after = page.at(-1)!.conversation;
    }
    t.same(plain(found), plain(expected));
    t.equal((await store.loadMemberships(bytes("peer3"), undefined, 7)).length, 1);
    t.same(await store.loadMemberships(bytes("peer"), undefined, 7), [], "not those of a user whose id begins the same");
    await store.close();
  });

  contract("positions count a shard's commits", async (t, place) => {
    let store = await place.open(SHARDS);
    let log = new LogWriter(store);
    for (let i = 0; i < 5; i++) {
      log.row(AB);
      await log.commit();
    }
    t.equal(Math.max(...store.positions()), 5);
    store.positions().fill(9);
    t.equal(Math.max(...store.positions()), 5, "a copy");
    const before = [...store.positions()];
    await store.close();
    store = await place.open(SHARDS);
    t.same([...store.positions()], before);
    log = new LogWriter(store);
    await log.learn(AB, install(1));
    log.row(AB);
    await log.commit();
    t.equal(Math.max(...store.positions()), 6);
    await store.close();
  });
}

/** All that the contract's small stores can say. */
async function everything(store: Store): Promise<unknown> {
  const conversations = [AB, AC];
  return plain(
    await Promise.all([
      store.positions().join(),
      ...conversations.map((key) => store.loadHead(key)),
      ...conversations.flatMap((key) => [1, 2].map((n) => store.loadSender(key, install(n)))),
      ...conversations.flatMap((key) => [1, 2, 3, 4].map((n) => store.findSend(key, install(1), n))),
      ...conversations.map((key) => store.readPage(key, { fromSeq: 1, backward: false, ...ALL })),
      ...[ANN, BOB].map((user) => store.loadMemberships(user, undefined, 100)),
    ]),
  );
}

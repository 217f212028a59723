// Sessions and take-overs, Sync, Check and read positions of a user's shard; then all of it at random, against
// clients that do what SPEC.md tells them: whatever happened, what they hold at the end is what is stored.
import fc from "fast-check";
import t from "tap";
import { directKey, directUsers } from "../../proto/conversation.ts";
import { digestBytes, digestTerm } from "../../proto/conversation-hash.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { Limits } from "../../proto/limits.ts";
import { FakeGateway, short } from "../testing/fake-gateway.ts";
import { UserBench } from "../testing/user-bench.ts";
import type { Session } from "./session.ts";
import { sha256 } from "./sha256.ts";
import { absentBytes } from "./absent.ts";
import { HeadTable } from "./head-table.ts";
import { User } from "./user.ts";
import { USER_LIMITS, UserShard } from "./user-shard.ts";
import { encodeWatermark } from "./watermark.ts";

const NONE = new Uint8Array(0);
const key = (a: string, b: string) => directKey(Buffer.from(a), Buffer.from(b));
const text = (id: Uint8Array | null | undefined) => Buffer.from(id ?? NONE).toString();

/** Syncs from a watermark to the end. Returns the heads as "peer seq", in order, and the last watermark. */
function syncAll(bench: UserBench, gateway: FakeGateway, session: Session, from: Uint8Array): { heads: string[]; pages: number; watermark: Uint8Array } {
  const heads: string[] = [];
  let watermark = from;
  for (let pages = 1; ; pages++) {
    bench.shard.sync(session, pages, watermark);
    bench.answerAll();
    const [page, ...rest] = gateway.take();
    if (page?.type !== "Heads" || rest.length > 0) throw new Error("one page of heads");
    for (const head of page.message.heads) heads.push(`${text(head.peer)} ${head.seq}`);
    watermark = page.message.watermark;
    if (!page.message.more) return { heads, pages, watermark };
  }
}

function digestOf(heads: ReadonlyMap<string, number>): Uint8Array {
  let sum = 0n;
  for (const [conversation, seq] of heads) sum += digestTerm(sha256, Buffer.from(conversation, "latin1"), seq);
  return digestBytes(sum);
}

t.test("take-overs within an install: the higher counter stays, of equals the newer", (t) => {
  const cases = [
    { first: 1, second: 2, loser: "first" },
    { first: 2, second: 1, loser: "second" },
    { first: 3, second: 3, loser: "first" },
  ];
  for (const { first, second, loser } of cases) {
    const bench = new UserBench();
    const gateway = new FakeGateway();
    const sessions = [gateway.session("ann", 1, { connection: first }), gateway.session("ann", 1, { connection: second, device: "other name" })];
    for (const session of sessions) bench.shard.attach(session);
    const [kicked, ...rest] = gateway.take();
    t.strictSame(rest, []);
    t.match(kicked, { type: "Error", message: { code: 8, ref: 0, closes: true }, deliveryClass: 3 });
    t.equal(kicked!.session, sessions[loser === "first" ? 0 : 1]);
    bench.row("bob", "ann");
    t.strictSame(
      gateway.take().map(({ session }) => session),
      [sessions[loser === "first" ? 1 : 0]],
      "only the other gets pushes",
    );
    bench.shard.sync(kicked!.session, 1, NONE);
    bench.shard.check(kicked!.session, 2, new Uint8Array(8), 0);
    bench.shard.read(key("ann", "bob").toString(), kicked!.session, 3, 1);
    t.equal(bench.loads.length, 0, "the loser is not served any more");
    bench.shard.detach(kicked!.session);
    bench.row("bob", "ann");
    t.equal(gateway.take().length, 1, "its going takes nobody with it");
  }
  t.end();
});

t.test("take-overs of a device: another install is another store, and the newer connection stays whatever its counter", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const old = gateway.session("ann", 1, { device: "phone", connection: 9 });
  const now = gateway.session("ann", 2, { device: "phone", connection: 1 });
  bench.shard.attach(old);
  bench.shard.attach(now);
  t.strictSame(
    gateway.take().map((sent) => [sent.session, short(sent)]),
    [[old, "REPLACED 0"]],
  );
  t.end();
});

t.test("a late connection that loses to its own install replaces nobody else", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const phone = gateway.session("ann", 2, { device: "phone" });
  const moved = gateway.session("ann", 1, { device: "tablet", connection: 5 });
  const late = gateway.session("ann", 1, { device: "phone", connection: 4 });
  for (const session of [phone, moved, late]) bench.shard.attach(session);
  t.strictSame(
    gateway.take().map((sent) => [sent.session, short(sent)]),
    [[late, "REPLACED 0"]],
  );
  t.end();
});

/** What the gateways were told, as who and what. */
const told = (...gateways: FakeGateway[]) => gateways.flatMap((gateway) => gateway.take().map((sent) => [sent.session, short(sent)]));

t.test("sessions reported to a new owner come in any order: within an install the counter decides, between installs nothing does", (t) => {
  // Which of the two is the newer nobody can tell then; the other one's gateway finds out by itself when it is dead.
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const live = gateway.session("ann", 2, { device: "phone", connection: 1, reported: true });
  const dead = gateway.session("ann", 1, { device: "phone", connection: 9, reported: true });
  bench.shard.attach(live);
  bench.shard.attach(dead);
  t.strictSame(gateway.take(), []);
  const older = gateway.session("ann", 1, { device: "phone", connection: 8, reported: true });
  bench.shard.attach(older);
  t.strictSame(told(gateway), [[older, "REPLACED 0"]]);
  const newest = gateway.session("ann", 3, { device: "phone" });
  bench.shard.attach(newest);
  t.strictSame(
    told(gateway),
    [
      [live, "REPLACED 0"],
      [dead, "REPLACED 0"],
    ],
    "a new connection replaces both",
  );
  t.end();
});

t.test("a report comes behind a newer connection of its device", (t) => {
  const bench = new UserBench();
  const [here, there] = [new FakeGateway(), new FakeGateway()];
  const now = here.session("ann", 2, { device: "phone", connection: 1 });
  const before = here.session("ann", 1, { device: "phone", connection: 9, reported: true });
  const tablet = here.session("ann", 3, { device: "tablet", reported: true });
  const elsewhere = there.session("ann", 4, { device: "phone", reported: true });
  for (const session of [now, before, tablet]) bench.shard.attach(session);
  t.strictSame(told(here), [[before, "REPLACED 0"]], "on one link what is reported is the older, whatever its counter; another device stays");
  bench.shard.attach(elsewhere);
  t.strictSame(told(here, there), [], "of a report by another gateway nobody knows: it may be a connection that its gateway could not tell of before");
  bench.row("bob", "ann");
  t.strictSame(
    [...here.take(), ...there.take()].map(({ session }) => session).sort((a, b) => a.slot - b.slot),
    [now, elsewhere, tablet].sort((a, b) => a.slot - b.slot),
  );
  t.end();
});

t.test("a report of an install that has connected again: the higher counter stays, of equals the one that is new", (t) => {
  for (const gateways of [1, 2]) {
    for (const [counter, loser] of [
      [4, "report"],
      [5, "report"],
      [6, "new"],
    ] as const) {
      const bench = new UserBench();
      const here = new FakeGateway();
      const there = gateways === 1 ? here : new FakeGateway();
      const now = here.session("ann", 1, { connection: 5 });
      const report = there.session("ann", 1, { connection: counter, reported: true });
      bench.shard.attach(now);
      bench.shard.attach(report);
      t.strictSame(told(...new Set([here, there])), [[loser === "new" ? now : report, "REPLACED 0"]], `${counter} after 5, gateways: ${gateways}`);
      const again = there.session("ann", 1, { connection: counter, reported: true });
      bench.shard.attach(again);
      t.strictSame(told(...new Set([here, there])), [[loser === "new" ? report : again, "REPLACED 0"]], "of equal reports the later one stays");
    }
  }
  t.end();
});

t.test("a row goes to both users, whoever of them wrote it, and as each of them sees the other", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  // One id begins with the other; one is as long as an id may be.
  const users = ["a", "an", "b".repeat(64)];
  const devices = new Map(users.map((user, i) => [user, [gateway.session(user, 2 * i), gateway.session(user, 2 * i + 1)] as const]));
  for (const session of [...devices.values()].flat()) bench.shard.attach(session);
  for (const sender of users) {
    for (const peer of users) {
      const [phone, tablet] = devices.get(sender)!;
      bench.row(sender, peer, [phone]);
      const seen = gateway.take().map((sent) => {
        const { from, to, seq } = sent.message as { from: Uint8Array; to: Uint8Array; seq: number };
        return [sent.session.userText, sent.session.slot, text(from), text(to), seq];
      });
      const seq = bench.disk.head(key(sender, peer))!.seq;
      const others = sender === peer ? [] : devices.get(peer)!.map(({ slot }) => [peer, slot, sender, "", seq]);
      t.strictSame(seen, [[sender, tablet.slot, "", peer, seq], ...others], `${sender} to ${peer}`);
    }
  }
  const { members } = bench.conversation(key("a", "an"));
  // Views of the key, or copies, would double what a conversation takes in memory.
  t.strictSame(
    Object.values(members!).map((value) => typeof value),
    ["string", "number", "string", "number"],
  );
  t.end();
});

t.test("devices of a user are independent; users are too", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const sessions = [1, 2, 3].map((install) => gateway.session("ann", install));
  const bob = gateway.session("bob", 1);
  for (const session of [...sessions, bob]) bench.shard.attach(session);
  t.strictSame(gateway.take(), []);
  bench.row("bob", "ann", [bob]);
  t.strictSame(
    gateway.take().map(({ session }) => session),
    sessions,
  );
  bench.row("ann", "bob", [sessions[1]!]);
  const pushes = gateway.take();
  t.strictSame(
    pushes.map(({ session }) => session),
    [sessions[0], sessions[2], bob],
    "the one that gets Sent gets no Push",
  );
  t.match(pushes[0], { type: "Push", message: { seq: 2, clientSeq: 1 }, deliveryClass: 1 });
  if (pushes[0]?.type !== "Push" || pushes[2]?.type !== "Push") throw new Error("pushes");
  t.strictSame([text(pushes[0].message.to), text(pushes[0].message.from), pushes[0].message.install.length], ["bob", "", 8]);
  t.strictSame([text(pushes[2].message.to), text(pushes[2].message.from), pushes[2].message.install.length], ["", "ann", 0]);
  t.end();
});

t.test("a frame for several sessions of one gateway is handed over once", (t) => {
  const bench = new UserBench();
  const gateways = [new FakeGateway(), new FakeGateway()];
  for (let install = 1; install <= 6; install++) bench.shard.attach(gateways[install % 2]!.session("ann", install));
  bench.row("bob", "ann");
  t.strictSame(
    gateways.map(({ calls, delivered }) => [calls, delivered.length]),
    [
      [1, 3],
      [1, 3],
    ],
  );
  t.end();
});

t.test("notes to self: one push to each other device", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const sessions = [1, 2].map((install) => gateway.session("ann", install));
  for (const session of sessions) bench.shard.attach(session);
  bench.row("ann", "ann", [sessions[0]!]);
  const pushes = gateway.take();
  t.equal(pushes.length, 1);
  t.equal(text((pushes[0]!.message as { to: Uint8Array }).to), "ann");
  t.strictSame(syncAll(bench, gateway, sessions[1]!, NONE).heads, ["ann 1"]);
  t.end();
});

t.test("sessions of a user are bounded; who has to go is told to come back later, not for good", (t) => {
  const bench = new UserBench({ sessionsPerUserMax: 3 });
  const gateway = new FakeGateway();
  const sessions = [1, 2, 3, 4].map((install) => gateway.session("ann", install));
  for (const session of sessions) bench.shard.attach(session);
  const [gone, ...rest] = gateway.take();
  t.strictSame(rest, []);
  t.equal(gone!.session, sessions[0]);
  t.match(gone, { type: "Error", message: { code: 22, closes: true }, deliveryClass: 3 });
  t.ok((gone!.message as { retryAfterMs: number }).retryAfterMs >= 1000);
  bench.row("bob", "ann");
  t.strictSame(
    gateway.take().map(({ session }) => session),
    sessions.slice(1),
  );
  t.end();
});

t.test("sessions of a user are bounded: reported ones go before those that connected since, in whatever order they come", (t) => {
  const bench = new UserBench({ sessionsPerUserMax: 3 });
  const gateway = new FakeGateway();
  const session = (install: number, reported: boolean) => gateway.session("ann", install, { reported });
  const [old1, old2, old3, late] = [session(1, true), session(2, true), session(3, true), session(4, true)];
  const [new1, new2, new3, new4] = [session(5, false), session(6, false), session(7, false), session(8, false)];
  const gone = (attached: Session) => {
    bench.shard.attach(attached);
    return told(gateway);
  };
  t.strictSame([new1, old1, old2].flatMap(gone), []);
  t.strictSame(gone(old3), [[old1, "TOO_MANY_CONNECTIONS 0"]], "of reports the one that came first");
  t.strictSame(gone(new2), [[old2, "TOO_MANY_CONNECTIONS 0"]]);
  t.strictSame(gone(new3), [[old3, "TOO_MANY_CONNECTIONS 0"]]);
  t.strictSame(gone(late), [[late, "TOO_MANY_CONNECTIONS 0"]], "a report finds newer ones only");
  t.strictSame(gone(new4), [[new1, "TOO_MANY_CONNECTIONS 0"]]);
  bench.shard.sync(late, 1, NONE);
  t.equal(bench.loads.length, 0);
  bench.row("bob", "ann");
  t.strictSame(
    gateway.take().map(({ session }) => session),
    [new2, new3, new4],
  );
  t.end();
});

t.test("Sync: all heads at first, then what changed, in the order of change", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  for (const peer of ["bob", "carl", "dora"]) bench.row(peer, "ann");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  const first = syncAll(bench, gateway, ann, NONE);
  t.strictSame(first.heads.sort(), ["bob 1", "carl 1", "dora 1"]);
  t.strictSame(syncAll(bench, gateway, ann, first.watermark), { heads: [], pages: 1, watermark: first.watermark });
  bench.row("dora", "ann");
  bench.row("bob", "ann");
  bench.row("dora", "ann");
  gateway.take();
  const second = syncAll(bench, gateway, ann, first.watermark);
  t.strictSame(second.heads, ["bob 2", "dora 3"]);
  t.strictSame(syncAll(bench, gateway, ann, first.watermark).heads, ["bob 2", "dora 3"], "an old watermark stays good");
  t.strictSame(syncAll(bench, gateway, ann, second.watermark).heads, []);
  t.end();
});

t.test("a Head says what is stored: seq, hash, time, counts and read position", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  bench.row("bob", "ann");
  bench.row("ann", "bob");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  bench.shard.sync(ann, 0, NONE);
  bench.answerAll();
  const [page] = gateway.take();
  if (page?.type !== "Heads") throw new Error("heads");
  t.equal(page.deliveryClass, 2, "tells the gateway that the session is not lagging any more");
  t.equal(page.message.ref, 0);
  const head = bench.disk.head(key("ann", "bob"))!;
  t.match(page.message.heads, [{ seq: 2, time: head.time }]);
  t.strictSame(Buffer.from(page.message.heads[0]!.hash!), Buffer.from(head.hash));
  t.end();
});

t.test("a watermark of another process, a damaged or a forged one is answered with all heads", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  bench.row("bob", "ann");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  const { watermark } = syncAll(bench, gateway, ann, NONE);
  bench.row("bob", "ann");
  gateway.take();
  for (const bad of [
    Uint8Array.of(1),
    new Uint8Array(64).fill(255),
    watermark.slice(0, 15),
    Uint8Array.from([...watermark, 0]),
    encodeWatermark(new Uint8Array(8).fill(77), 5),
    new Uint8Array(Limits.watermarkBytesMax + 1),
  ]) {
    t.strictSame(syncAll(bench, gateway, ann, bad).heads, ["bob 2"], Buffer.from(bad).toString("hex"));
  }
  bench.restart();
  bench.shard.attach(ann);
  const next = syncAll(bench, gateway, ann, watermark);
  t.strictSame(next.heads, ["bob 2"]);
  t.strictSame(syncAll(bench, gateway, ann, next.watermark).heads, [], "the new process's own watermark is good");
  t.end();
});

t.test("a watermark from before a store was restored from a copy hides nothing, though the epoch is the same again", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  for (let i = 0; i < 9; i++) bench.row("bob", "ann");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  const { watermark } = syncAll(bench, gateway, ann, NONE);
  bench.restart(bench.disk.epoch);
  bench.shard.attach(ann);
  t.strictSame(syncAll(bench, gateway, ann, watermark).heads, ["bob 9"]);
  t.end();
});

t.test("a watermark from before the user was forgotten is answered with all heads", (t) => {
  const bench = new UserBench({ absentBytesMax: absentBytes(1) });
  const gateway = new FakeGateway();
  bench.row("bob", "ann");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  const { watermark } = syncAll(bench, gateway, ann, NONE);
  bench.shard.detach(ann);
  const others = ["x", "y"].map((user) => gateway.session(user, 9));
  for (const other of others) {
    bench.shard.attach(other);
    syncAll(bench, gateway, other, NONE);
    bench.shard.detach(other);
  }
  t.equal(bench.shard.size, 2, "ann is forgotten, as the longest absent");
  bench.row("carl", "ann");
  const again = gateway.session("ann", 1, { connection: 2 });
  bench.shard.attach(again);
  t.strictSame(syncAll(bench, gateway, again, watermark).heads.sort(), ["bob 1", "carl 1"]);
  t.end();
});

t.test("heads come in pages: by count, by bytes, at least one; changes between pages are in later ones", (t) => {
  const bench = new UserBench({}, 7);
  const gateway = new FakeGateway();
  const peers = Array.from({ length: 40 }, (_, i) => `peer-${String(i).padStart(2, "0")}`);
  for (const peer of peers) bench.row(peer, "ann");
  const all = peers.map((peer) => `${peer} 1`).sort();
  const KEY_BYTES = 3 + "ann".length + "peer-00".length;
  for (const frameBytesMax of [0, 800, 4096, 512 * 1024]) {
    const ann = gateway.session("ann", 1, { frameBytesMax });
    bench.shard.attach(ann);
    gateway.take();
    const { heads, pages } = syncAll(bench, gateway, ann, NONE);
    t.strictSame(heads.sort(), all);
    t.equal(
      pages,
      frameBytesMax === 0 ? 40 : Math.ceil(40 / Math.floor(Math.min(frameBytesMax / 2, Limits.pageBytesMax) / (96 + KEY_BYTES))),
      `${frameBytesMax} bytes`,
    );
  }
  const ann = gateway.session("ann", 1, { frameBytesMax: 4096 });
  bench.shard.attach(ann);
  gateway.take();
  bench.shard.sync(ann, 1, NONE);
  const [first] = gateway.take();
  if (first?.type !== "Heads") throw new Error("heads");
  t.equal(first.message.more, true);
  // One that was told already, and one that was not yet.
  const told = text(first.message.heads[0]!.peer);
  const untold = peers.find((peer) => !first.message.heads.some((head) => text(head.peer) === peer))!;
  bench.row(told, "ann");
  bench.row(untold, "ann");
  gateway.take();
  const rest = syncAll(bench, gateway, ann, first.message.watermark).heads;
  t.strictSame(rest.slice(-2), [`${told} 2`, `${untold} 2`]);
  t.equal(rest.length, 40 - first.message.heads.length + 1, "nothing else twice");
  t.end();
});

t.test("what is delivered while heads load is not lost, whichever came first", (t) => {
  for (const early of [true, false]) {
    const bench = new UserBench({}, 2);
    const gateway = new FakeGateway();
    for (const peer of ["b", "c", "d", "e"]) bench.row(peer, "ann");
    const ann = gateway.session("ann", 1);
    bench.shard.attach(ann);
    bench.shard.sync(ann, 1, NONE);
    bench.row("b", "ann");
    bench.answer(0, early);
    bench.row("c", "ann");
    bench.row("a", "ann");
    bench.answer(0, early);
    bench.row("e", "ann");
    while (bench.loads.length > 0) bench.answer(0, early);
    const sent = gateway.take();
    t.strictSame(sent.slice(0, -1).map(short), ["Push 2", "Push 2", "Push 1", "Push 2"], "pushed meanwhile");
    const heads = sent.at(-1);
    if (heads?.type !== "Heads") throw new Error("heads");
    t.strictSame(heads.message.heads.map((head) => `${text(head.peer)} ${head.seq}`).sort(), ["a 1", "b 2", "c 2", "d 1", "e 2"]);
  }
  t.end();
});

t.test("commands wait for the heads in order, bounded; one load serves all of a user's sessions", (t) => {
  const bench = new UserBench({ waitingMax: 3 });
  const gateway = new FakeGateway();
  bench.row("bob", "ann");
  const [a, b] = [gateway.session("ann", 1), gateway.session("ann", 2)];
  bench.shard.attach(a);
  bench.shard.attach(b);
  bench.shard.sync(a, 1, NONE);
  bench.shard.check(b, 1, new Uint8Array(8), 0);
  bench.shard.sync(b, 2, NONE);
  bench.shard.sync(a, 2, NONE);
  t.strictSame(gateway.takeShort(), ["BUSY 2"]);
  t.equal(bench.loads.length, 1);
  bench.answerAll();
  t.strictSame(
    gateway.take().map((sent) => [sent.session, short(sent)]),
    [
      [a, "Heads 1 of 1"],
      [b, "Heads 1 of 1"],
      [b, "Heads 2 of 1"],
    ],
  );
  t.end();
});

t.test("a user whose sessions all left during the load is remembered once it is there", (t) => {
  const bench = new UserBench({ absentBytesMax: absentBytes(1) });
  const gateway = new FakeGateway();
  bench.row("bob", "ann");
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  bench.shard.sync(ann, 1, NONE);
  bench.shard.detach(ann);
  bench.answerAll();
  t.equal(bench.shard.size, 1);
  const again = gateway.session("ann", 1, { connection: 2 });
  bench.shard.attach(again);
  bench.shard.sync(again, 1, NONE);
  t.equal(bench.loads.length, 0, "no second load");

  // And forgotten when others follow; but not while a session is there.
  for (const [i, user] of ["carl", "dora", "fay"].entries()) {
    bench.row(user, "zoe");
    const other = gateway.session(user, 9);
    bench.shard.attach(other);
    bench.shard.sync(other, 1, NONE);
    bench.shard.detach(other);
    bench.answerAll();
    t.equal(bench.shard.size, 2, "ann and one absent");
    if (i === 1) bench.row("eve", "ann");
  }
  gateway.take();
  bench.shard.sync(again, 2, NONE);
  t.equal(bench.loads.length, 0, "no load: ann was there all the time");
  t.strictSame(gateway.takeShort(), ["Heads 2 of 2"]);
  t.end();
});

t.test("absent users: one bound in bytes and one in time for all shards; what returns is counted no more", (t) => {
  const bench = new UserBench({ absentBytesMax: absentBytes(0, 3) + absentBytes(1), absentSecondsMax: 100 });
  const gateway = new FakeGateway();
  const other = new UserShard(1, new Uint8Array(8).fill(1), bench, bench.counter, bench.absent, { ...USER_LIMITS, absentBytesMax: absentBytes(1, 3) });
  const leave = (shard: UserShard, user: string, install = 1) => {
    const session = gateway.session(user, install);
    shard.attach(session);
    shard.sync(session, 1, NONE);
    for (const load of bench.loads.splice(0)) shard.loadedPage(load.user, load.look(), true);
    shard.detach(session);
  };
  bench.row("a", "z");
  for (const user of ["a", "b", "c"]) leave(bench.shard, user);
  leave(other, "d");
  t.strictSame([bench.absent.users, bench.absent.bytes], [4, absentBytes(1) + absentBytes(0, 3)], "all fit");
  leave(bench.shard, "b", 2);
  t.equal(bench.absent.users, 4, "who returns and goes is one");
  bench.row("b", "c");
  t.equal(bench.absent.bytes, absentBytes(1, 3) + absentBytes(0), "heads that come meanwhile count");
  leave(bench.shard, "e");
  t.strictSame([bench.shard.size, other.size], [2, 1], "a and c go: too much, and the longest absent first");
  t.strictSame([bench.absent.users, bench.absent.bytes], [3, absentBytes(1) + absentBytes(0, 2)]);
  bench.absent.nowSeconds = 100;
  leave(bench.shard, "f");
  bench.absent.nowSeconds = 101;
  bench.shard.forgetAbsent();
  t.strictSame([bench.shard.size, other.size], [1, 1], "b and e were away for too long");
  other.forgetAbsent();
  t.strictSame([bench.absent.users, bench.absent.bytes], [2, absentBytes(0, 2)], "the other shard has a longer bound of its own here");
  t.end();
});

t.test("users without sessions and without heads leave nothing behind", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  for (let i = 0; i < 100; i++) {
    const session = gateway.session(`user-${i}`, 1);
    bench.shard.attach(session);
    bench.shard.detach(session);
    bench.shard.detach(session);
    bench.row("bob", `user-${i}`);
  }
  t.equal(bench.shard.size, 0);
  t.end();
});

t.test("Check: Checked for the right digest and count, all heads for anything else, BAD_REQUEST for no digest", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  const ann = gateway.session("ann", 1);
  bench.shard.attach(ann);
  const check = (heads: Map<string, number>, count = heads.size) => {
    bench.shard.check(ann, 1, digestOf(heads), count);
    bench.answerAll();
    return gateway.takeShort();
  };
  const name = (peer: string) => Buffer.from(key("ann", peer)).toString("latin1");
  t.strictSame(check(new Map()), ["Checked 1"], "nothing held, nothing there");
  bench.row("bob", "ann");
  bench.row("carl", "ann");
  bench.row("carl", "ann");
  gateway.take();
  const held = new Map([
    [name("bob"), 1],
    [name("carl"), 2],
  ]);
  t.strictSame(check(held), ["Checked 1"]);
  t.strictSame(check(held, 3), ["Heads 1 of 2"]);
  t.strictSame(
    check(
      new Map([
        [name("bob"), 1],
        [name("carl"), 1],
      ]),
    ),
    ["Heads 1 of 2"],
  );
  t.strictSame(check(new Map([[name("bob"), 1]])), ["Heads 1 of 2"]);
  bench.row("bob", "ann");
  gateway.take();
  t.strictSame(check(held), ["Heads 1 of 2"]);
  t.strictSame(check(held.set(name("bob"), 2)), ["Checked 1"]);
  for (const bytes of [0, 7, 9]) {
    bench.shard.check(ann, 2, new Uint8Array(bytes), 0);
    t.strictSame(gateway.takeShort(), ["BAD_REQUEST 2"]);
  }
  t.end();
});

t.test("heads in the table, against a model: found, in the order of their changes from anywhere, digested, and released for others", (t) => {
  const step = fc.record({ user: fc.nat(3), peer: fc.nat(40), seq: fc.nat(9), read: fc.nat(9), what: fc.nat(19) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const table = new HeadTable();
      const users = Array.from({ length: 4 }, (_, i) => new User(`user-${i}`));
      const models = users.map(() => new Map<string, { seq: number; readSeq: number; change: number }>());
      let change = 0;
      for (const { user: index, peer, seq, read, what } of steps) {
        const user = users[index]!;
        const model = models[index]!;
        const name = Buffer.from(key(user.idText, `p${peer}`)).toString("latin1");
        const known = model.get(name);
        change++;
        if (what === 0) {
          table.release(user);
          model.clear();
        } else if (what < 4) {
          if (known !== undefined) {
            table.changed(user, table.find(user, name), change);
            known.change = change;
          }
        } else {
          table.merge(user, name, { seq, hash: new Uint8Array(32).fill(seq + peer), time: seq, uncounted: seq }, read, change);
          if (known === undefined) model.set(name, { seq, readSeq: read, change });
          else {
            known.readSeq = Math.max(known.readSeq, read);
            if (seq > known.seq) Object.assign(known, { seq, change });
          }
        }
        const since = change - seq * 5;
        const expected = [...model].filter(([, head]) => head.change > since).sort(([, a], [, b]) => a.change - b.change);
        const found: string[] = [];
        for (let at = table.firstChange(user, since); at !== 0; at = table.next(at)) found.push(table.keyText(at));
        t.strictSame(
          found,
          expected.map(([each]) => each),
        );
        if (what === 19) {
          const sum = [...model].reduce((digest, [each, head]) => digest + digestTerm(sha256, Buffer.from(each, "latin1"), head.seq), 0n);
          t.equal(table.digest(user, sha256), BigInt.asUintN(64, sum));
        }
      }
      for (const [i, user] of users.entries()) {
        t.equal(user.heads?.count ?? 0, models[i]!.size);
        for (const [name, head] of models[i]!) {
          const at = table.find(user, name);
          const peer = Number(name.slice(name.indexOf("p") + 1).match(/^\d+/)?.[0]);
          t.strictSame([table.seq[at], table.readSeq[at], table.time[at], table.uncounted[at]], [head.seq, head.readSeq, head.seq, head.seq]);
          t.strictSame([...new Set(table.hash(at))], [head.seq + peer], name);
        }
        t.equal(table.find(user, "none"), 0);
      }
    }),
    { numRuns: 60 },
  );
  t.end();
});

t.test("a Check costs what changed since the last one, however many conversations there are", (t) => {
  const user = new User("ann");
  const table = new HeadTable();
  const truth = new Map<string, number>();
  let hashed = 0;
  const counting = (bytes: Uint8Array) => {
    hashed++;
    return sha256(bytes);
  };
  let change = 0;
  const advance = (peer: number) => {
    const name = Buffer.from(key("ann", `peer-${peer}`)).toString("latin1");
    truth.set(name, (truth.get(name) ?? 0) + 1);
    table.merge(user, name, { seq: truth.get(name)!, hash: NONE, time: 0, uncounted: 0 }, 0, ++change);
  };
  for (let peer = 0; peer < 300; peer++) advance(peer);
  for (const changed of [[], [5], [5, 5, 5, 7], [301], []]) {
    for (const peer of changed) advance(peer);
    hashed = 0;
    t.strictSame(digestBytes(table.digest(user, counting)), digestOf(truth));
    if (change > 300) t.equal(hashed, new Set(changed).size);
  }
  t.end();
});

t.test("Read is a max-register, cut to the head, stored at the flush, and told to the other devices", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  for (let i = 0; i < 5; i++) bench.row("bob", "ann");
  const [phone, laptop] = [gateway.session("ann", 1), gateway.session("ann", 2)];
  bench.shard.attach(phone);
  bench.shard.attach(laptop);
  const { watermark } = syncAll(bench, gateway, laptop, NONE);
  const read = (session: Session, seq: number) => bench.shard.read(Buffer.from(key("ann", "bob")).toString("latin1"), session, 1, seq);
  const flush = () => {
    bench.shard.flushReads();
    const records = bench.records.map(({ record }) => (record as { seq: number }).seq);
    bench.commitReads();
    return records;
  };
  read(phone, 2);
  read(phone, 1);
  read(phone, 3);
  t.strictSame(gateway.takeShort(), [], "coalesced");
  t.strictSame(flush(), [3]);
  t.strictSame(
    gateway.take().map((sent) => [sent.session, short(sent), sent.deliveryClass]),
    [[laptop, "Read 3", DeliveryClass.Receipt]],
  );
  t.equal(bench.disk.readSeq(Buffer.from("ann"), key("ann", "bob")), 3);
  read(laptop, 3);
  read(laptop, 2);
  t.strictSame(flush(), [], "nothing lower or equal is stored");
  read(laptop, 999_999);
  t.strictSame(flush(), [5], "cut to the head");
  t.strictSame(
    gateway.take().map((sent) => [sent.session, short(sent)]),
    [[phone, "Read 5"]],
  );
  bench.shard.sync(laptop, 7, watermark);
  t.match(gateway.take(), [{ type: "Heads", message: { heads: [{ seq: 5, readSeq: 5 }] } }], "a device that was away learns it by Sync");
  bench.shard.read("no such conversation", phone, 8, 1);
  t.strictSame(flush(), []);
  t.strictSame(gateway.takeShort(), []);
  t.end();
});

t.test("a read position that a load finds is taken also for a head that was delivered meanwhile", (t) => {
  const bench = new UserBench();
  const gateway = new FakeGateway();
  for (let i = 0; i < 3; i++) bench.row("bob", "ann");
  const phone = gateway.session("ann", 1);
  bench.shard.attach(phone);
  syncAll(bench, gateway, phone, NONE);
  bench.shard.read(Buffer.from(key("ann", "bob")).toString("latin1"), phone, 1, 2);
  bench.shard.flushReads();
  bench.commitReads();
  bench.restart();
  bench.shard.attach(phone);
  bench.shard.sync(phone, 1, NONE);
  bench.row("bob", "ann");
  bench.answerAll();
  t.match(gateway.take().at(-1), { type: "Heads", message: { heads: [{ seq: 4, readSeq: 2 }] } });
  t.end();
});

t.test("a read position is not lost on a user who leaves, is forgotten and comes back before it is stored", (t) => {
  const bench = new UserBench({ absentBytesMax: 0 });
  const gateway = new FakeGateway();
  for (let i = 0; i < 5; i++) bench.row("bob", "ann");
  const phone = gateway.session("ann", 1);
  bench.shard.attach(phone);
  syncAll(bench, gateway, phone, NONE);
  bench.shard.read(Buffer.from(key("ann", "bob")).toString("latin1"), phone, 1, 3);
  bench.shard.read(Buffer.from(key("ann", "bob")).toString("latin1"), phone, 1, 4);
  bench.shard.detach(phone);
  const laptop = gateway.session("ann", 2);
  bench.shard.attach(laptop);
  bench.shard.sync(laptop, 1, NONE);
  bench.answerAll();
  t.match(gateway.take(), [{ type: "Heads", message: { heads: [{ readSeq: 4 }] } }], "before the flush");
  bench.shard.flushReads();
  bench.shard.detach(laptop);
  bench.shard.attach(laptop);
  bench.shard.sync(laptop, 2, NONE);
  bench.answerAll();
  t.match(gateway.take().at(-1), { type: "Heads", message: { heads: [{ readSeq: 4 }] } }, "between flush and commit");
  bench.commitReads();
  bench.shard.detach(laptop);
  t.equal(bench.shard.size, 0, "and is forgotten when all is stored");
  t.end();
});

/** A device as SPEC.md wants it, as far as heads go: `held` is how far it holds each conversation without a hole. */
class Device {
  readonly user: string;
  readonly install: number;
  readonly held: Map<string, number>;
  readonly read: Map<string, number>;
  watermark: Uint8Array;
  connection: number;
  session: Session | undefined;
  /** What the gateway has written, and the device has not read. */
  inbox: ReturnType<FakeGateway["take"]>;
  /** The gateway drops pushes until a Sync is answered. */
  lagging: boolean;
  syncing: boolean;

  constructor(user: string, install: number) {
    this.user = user;
    this.install = install;
    this.held = new Map();
    this.read = new Map();
    this.watermark = NONE;
    this.connection = 0;
    this.session = undefined;
    this.inbox = [];
    this.lagging = false;
    this.syncing = false;
  }
}

class Users {
  readonly bench: UserBench;
  readonly gateway: FakeGateway;
  readonly devices: Device[];
  private ref: number;

  constructor(absentUsersMax: number) {
    this.bench = new UserBench({ absentBytesMax: absentBytes(1, absentUsersMax), waitingMax: 50 }, 2);
    this.gateway = new FakeGateway();
    this.devices = [new Device("ann", 1), new Device("ann", 2), new Device("bob", 3), new Device("carl", 4)];
    this.ref = 0;
  }

  connect(device: Device): void {
    this.disconnect(device);
    device.connection++;
    device.session = this.gateway.session(device.user, device.install, { connection: device.connection, frameBytesMax: 800 });
    this.bench.shard.attach(device.session);
    this.sync(device, device.watermark);
  }

  disconnect(device: Device): void {
    if (device.session === undefined) return;
    this.bench.shard.detach(device.session);
    device.session = undefined;
    device.inbox = [];
    device.lagging = false;
    device.syncing = false;
  }

  /** The process restarts: gateways report their sessions and tell all of them to sync. */
  restart(): void {
    this.route();
    this.bench.restart();
    for (const device of this.devices) {
      if (device.session === undefined) continue;
      this.bench.shard.attach(device.session);
      this.resync(device);
    }
  }

  resync(device: Device): void {
    this.sync(device, device.watermark);
  }

  sync(device: Device, watermark: Uint8Array): void {
    device.syncing = true;
    this.bench.shard.sync(device.session!, ++this.ref, watermark);
  }

  /** Gateway to devices: a lagging connection gets no pushes until the first page of a Sync. */
  route(): void {
    for (const sent of this.gateway.take()) {
      const device = this.devices.find(({ session }) => session === sent.session);
      if (device === undefined) continue;
      if (sent.deliveryClass === 2) device.lagging = false;
      if (sent.deliveryClass !== 1 || !device.lagging) device.inbox.push(sent);
    }
  }

  /** The device reads one frame. */
  take(device: Device): void {
    const frame = device.inbox.shift();
    if (frame === undefined) return;
    const raise = (conversation: Uint8Array, seq: number) => {
      const name = Buffer.from(conversation).toString("latin1");
      device.held.set(name, Math.max(device.held.get(name) ?? 0, seq));
    };
    switch (frame.type) {
      case "Push": {
        const peer = frame.message.from.length > 0 ? frame.message.from : frame.message.to;
        return raise(key(device.user, text(peer)), frame.message.seq);
      }
      case "Heads":
        for (const head of frame.message.heads) {
          const conversation = key(device.user, text(head.peer));
          raise(conversation, head.seq!);
          this.raiseRead(device, conversation, head.readSeq ?? 0);
        }
        if (frame.message.more) return this.sync(device, frame.message.watermark);
        device.watermark = frame.message.watermark;
        device.syncing = false;
        return;
      case "Read":
        return this.raiseRead(device, key(device.user, text(frame.message.peer)), frame.message.seq);
      case "Error":
        if (frame.message.code === 12) return this.resync(device);
        throw new Error(short(frame));
      default:
        throw new Error(short(frame));
    }
  }

  raiseRead(device: Device, conversation: Uint8Array, seq: number): void {
    const name = Buffer.from(conversation).toString("latin1");
    device.read.set(name, Math.max(device.read.get(name) ?? 0, seq));
  }

  /** Everything that is under way arrives; nothing new is asked for but the next pages of Syncs under way. */
  settle(): void {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      while (this.bench.effects.length > 0) this.bench.tellEffect();
      this.bench.answerAll();
      this.bench.shard.flushReads();
      this.bench.commitReads();
      this.route();
      for (const device of this.devices) {
        while (device.inbox.length > 0) {
          quiet = false;
          this.take(device);
        }
      }
    }
  }

  /** What a device should hold, from the disk. */
  truth(user: string): Map<string, number> {
    const heads = new Map<string, number>();
    for (const conversation of this.bench.disk.keys()) {
      if (!directUsers(conversation).some((member) => text(member) === user)) continue;
      heads.set(Buffer.from(conversation).toString("latin1"), this.bench.disk.head(conversation)!.seq);
    }
    return heads;
  }
}

t.test("at random: whatever happens, a connected device that has synced holds what is stored", (t) => {
  const ops = ["row", "effect", "answer", "answerEarly", "take", "takeAll", "connect", "disconnect", "lag", "read", "flush", "commitReads"] as const;
  const command = fc.oneof(
    { weight: 40, arbitrary: fc.record({ op: fc.constantFrom(...ops), a: fc.nat(3), b: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("restart" as const), a: fc.nat(3), b: fc.nat(5) }) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 150, size: "max" }), fc.integer({ min: 0, max: 2 }), (commands, absentUsersMax) => {
      const users = new Users(absentUsersMax);
      const { bench } = users;
      const names = ["ann", "bob", "carl", "dora", "eve", "fred"];
      for (const { op, a, b } of commands) {
        const device = users.devices[a]!;
        switch (op) {
          case "row":
            bench.commitRow(names[a]!, names[b]!);
            break;
          case "effect":
            bench.tellEffect();
            break;
          case "answer":
          case "answerEarly":
            if (bench.loads.length > 0) bench.answer(b % bench.loads.length, op === "answerEarly");
            break;
          case "take":
            users.take(device);
            break;
          case "takeAll":
            while (device.inbox.length > 0) users.take(device);
            break;
          case "connect":
            users.connect(device);
            break;
          case "disconnect":
            users.disconnect(device);
            break;
          case "lag":
            if (device.session === undefined) break;
            device.lagging = true;
            // The gateway's Resync reaches the device after all that it has written before.
            while (device.inbox.length > 0) users.take(device);
            users.resync(device);
            break;
          case "read": {
            const [name, seq] = [...device.held][b] ?? [];
            if (name === undefined || device.session === undefined) break;
            users.raiseRead(device, Buffer.from(name, "latin1"), seq!);
            bench.shard.read(name, device.session, 99, seq!);
            break;
          }
          case "flush":
            bench.shard.flushReads();
            break;
          case "commitReads":
            bench.commitReads();
            break;
          case "restart":
            users.restart();
            break;
        }
        users.route();
      }
      users.settle();
      const compare = (device: Device, when: string) => {
        const truth = users.truth(device.user);
        for (const [name, seq] of truth) {
          if (device.held.get(name) !== seq) throw new Error(`${when}: install ${device.install} of ${device.user} holds ${device.held.get(name)} of ${seq}`);
        }
        if (device.held.size !== truth.size) throw new Error(`${when}: conversations from nowhere`);
      };
      for (const device of users.devices) {
        if (device.syncing) throw new Error("a Sync without an end");
        if (device.session !== undefined) compare(device, "connected all along");
      }
      for (const device of users.devices) if (device.session === undefined) users.connect(device);
      users.settle();
      for (const device of users.devices) {
        compare(device, "connected again");
        bench.shard.check(device.session!, 1, digestOf(device.held), device.held.size);
        if (users.gateway.takeShort().join() !== "Checked 1") throw new Error("a Check that fails for the right heads");
      }
      // Read positions: what the devices of a user know may be lost in a restart; a Read sent again mends it (SPEC.md §9).
      for (const device of users.devices) for (const [name, seq] of device.read) bench.shard.read(name, device.session!, 1, seq);
      users.settle();
      for (const device of users.devices) {
        users.resync(device);
        users.settle();
        for (const [name, seq] of device.read) {
          const stored = bench.disk.readSeq(Buffer.from(device.user), Buffer.from(name, "latin1"));
          if (stored !== seq) throw new Error(`read up to ${seq} here, ${stored} in the store`);
        }
      }
    }),
    { numRuns: 600 },
  );
  t.end();
});

// The client's core against scripted frames: each rule of SPEC.md §3 to §12 that a client must keep.
import fc from "fast-check";
import t from "tap";
import { digestBytes, digestTerm, HASH_START, nextHash } from "../proto/conversation-hash.ts";
import { directKey } from "../proto/conversation.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { encodeBatch, encodeFrame, encodeMessage } from "../proto/frame.ts";
import { FrameType, HeaderBit } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { HawserError, LocalErrorCode } from "./errors.ts";
import { Harness, seededRandom, sha256, utf8 } from "./testing/harness.ts";

const { Sent, Push, Page, Read, Resync, GoAway, Checked, Sync } = hawser.v1;
const BOB = utf8.encode("bob");
const ME = utf8.encode("me");
/** What the harness's random numbers make. */
const INSTALL = new Uint8Array(8).fill(128);
const INSTALL_HEX = "8080808080808080";

/** The row that push() makes, and the hash behind it. */
function chain(texts: string[], sender: Uint8Array = BOB): Uint8Array[] {
  const hashes = [HASH_START];
  for (const [i, text] of texts.entries()) hashes.push(nextHash(sha256, hashes[i]!, i + 1, sender, 0, 1001 + i, sha256(utf8.encode(text))));
  return hashes;
}

function rows(from: number, texts: string[], sender: Uint8Array = BOB): hawser.v1.Push.$Properties[] {
  return texts.map((text, i) => ({ from: sender, seq: from + i, time: 1000 + from + i, payload: utf8.encode(text) }));
}

function page(ref: number, fields: hawser.v1.Page.$Properties): hawser.v1.Page.$Properties {
  return { peer: BOB, ref, ...fields };
}

t.test("Hello, Welcome, connection counter and states", (t) => {
  const h = new Harness({ records: new Map(), network: "wifi" });
  h.do(() => h.core.start(h.now));
  t.equal(h.orders.length, 1);
  h.storeAtOnce = false;
  h.connect("secret");
  const [hello] = h.took();
  t.match(hello?.body, { versionMin: 1, versionMax: 1, token: "secret", connection: 1, sync: true, network: "wifi" });
  t.same([...hello!.body.install], [...INSTALL]);
  t.same(Buffer.from(hello!.body.device).toString(), "phone");
  t.same(
    h.of("state").map((event) => event.change.state),
    ["connecting"],
  );
  h.welcome();
  t.same(
    h.of("state").map((event) => event.change.state),
    ["online"],
  );
  t.equal(h.core.user, "me");
  h.lose();
  t.match(h.of("state")[0]?.change, { state: "offline", retryInMs: 250 }, "half of 500 ms, as the random number says");
  h.pass(250);
  t.equal(h.orders.length, 2);
  h.connect();
  t.same(h.types(), [], "the raised counter is not in the store yet: no Hello");
  h.store();
  t.equal(h.took()[0]?.body.connection, 2);
  t.match(h.records!.get("client"), /"connection":2/);
  t.end();
});

t.test("a second run continues install, device, counter and watermark", (t) => {
  const h = new Harness({ records: new Map() }).online({}, "mark");
  h.send("bob", "one");
  const again = h.restart();
  again.do(() => again.core.start(again.now));
  again.connect();
  const hello = again.took()[0]!.body;
  t.same([...hello.install], [...INSTALL]);
  t.equal(hello.connection, 2);
  t.same(Buffer.from(hello.watermark).toString(), "mark");
  again.welcome();
  t.match(again.took(), [{ type: FrameType.Send, body: { clientSeq: 1 } }], "what was pending is sent, with its number");
  again.send("bob", "two");
  t.match(again.took(), [{ type: FrameType.Send, body: { clientSeq: 2 } }]);
  t.end();
});

t.test("Sends are numbered per conversation, confirmed, and shown once at their place", (t) => {
  const h = new Harness().online();
  h.send("bob", "a");
  h.send("carol", "x");
  h.send("bob", "b");
  const sends = h.took();
  t.same(
    sends.map((one) => [one.ref, Buffer.from(one.body.peer).toString(), one.body.clientSeq]),
    [
      [1, "bob", 1],
      [2, "carol", 1],
      [3, "bob", 2],
    ],
  );
  h.receive(FrameType.Sent, Sent, { ref: 3, seq: 2, time: 9, durability: 2 });
  t.same(h.shown(), [], "its place is behind a row that is not here");
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 8, durability: 2 });
  const [first, second] = h.messages();
  t.match(first, { from: "me", to: "bob", mine: true, local: true, seq: 1, text: "a", clientSeq: 1, install: INSTALL_HEX });
  t.match(second, { seq: 2, text: "b", clientSeq: 2 });
  const sent = h.of("sent");
  t.same(
    sent.map((event) => event.send.clientSeq),
    [2, 1],
  );
  t.match(sent[1]?.receipt, { seq: 1, time: Date.UTC(2025, 0, 1) + 8, durability: "fsync" });
  // A Push of the same row, however it came about, is not shown again.
  h.push("me", 1, "a", { from: null, to: BOB, install: INSTALL, clientSeq: 1 });
  t.equal(h.messages().length, 2);
  t.end();
});

t.test("messages are shown in order and once; a hole is fetched at once", (t) => {
  const h = new Harness().online();
  h.push("bob", 1, "one");
  h.push("bob", 1, "one");
  h.push("bob", 4, "four");
  t.same(h.shown(), ["bob#1 one"]);
  const [fetch] = h.took();
  t.match(fetch, { type: FrameType.Fetch, body: { fromSeq: 2, backward: false } });
  h.push("bob", 5, "five");
  t.same(h.types(), [], "one fetch at a time");
  h.receive(FrameType.Page, Page, page(fetch!.ref, { rows: rows(2, ["two", "three", "four"]), hashBefore: chain(["one"])[1]!, headSeq: 5 }));
  t.same(h.shown(), ["bob#2 two", "bob#3 three", "bob#4 four", "bob#5 five"]);
  t.same(h.types(), []);
  t.end();
});

t.test("a hole that an own Sent opened may close by itself for a second", (t) => {
  const h = new Harness().online();
  h.push("bob", 1, "one");
  h.send("bob", "mine");
  h.took();
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 3, time: 2000 });
  h.pass(900);
  t.same(h.types(), [], "the Push of 2 is under way");
  h.push("bob", 2, "two");
  t.same(h.shown(), ["bob#1 one", "bob#2 two", "me#3 mine"]);
  h.pass(5000);
  t.same(h.types(), []);
  // The same while an own Send is unanswered: 4 may be ours.
  h.send("bob", "later");
  h.took();
  h.push("bob", 5, "five");
  h.pass(999);
  t.same(h.types(), []);
  h.pass(1);
  t.match(h.took(), [{ type: FrameType.Fetch, body: { fromSeq: 4 } }], "a second is over");
  t.end();
});

t.test("rows of the own user: other installs', and the pending message settled by its row", (t) => {
  const h = new Harness({ records: new Map() }).online();
  h.push("", 1, "from my tablet", { from: null, to: BOB, install: utf8.encode("OTHERINS"), clientSeq: 7 });
  t.match(h.messages()[0], { from: "me", to: "bob", mine: true, local: false, clientSeq: 7 });
  h.send("bob", "lost ack");
  h.lose();
  h.clear();
  h.pass(1000);
  h.connect();
  h.welcome();
  h.heads(0, [{ peer: BOB, seq: 2 }], "w2");
  const written = h.took();
  const fetch = written.find((one) => one.type === FrameType.Fetch)!;
  t.match(
    written.map((one) => one.type),
    [FrameType.Hello, FrameType.Send, FrameType.Fetch],
  );
  h.clear();
  h.receive(
    FrameType.Page,
    Page,
    page(fetch.ref, { rows: [{ seq: 2, time: 2, payload: utf8.encode("lost ack"), install: INSTALL, clientSeq: 1 }], headSeq: 2 }),
  );
  t.match(h.of("sent"), [{ send: { clientSeq: 1 }, receipt: { seq: 2, durability: "unspecified" } }]);
  t.match(h.messages(), [{ seq: 2, local: true, text: "lost ack" }]);
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 2, time: 2 });
  t.same([h.of("sent").length, h.messages().length], [0, 1], "the ack that comes after it changes nothing");
  t.notOk([...h.records!.keys()].some((key) => key.startsWith("send/")));
  t.equal(h.core.requestsInFlight, 0);
  t.end();
});

t.test("notes to self, groups and the self conversation", (t) => {
  const h = new Harness().online();
  h.push("", 1, "note", { from: null, to: ME });
  h.push("ann", 1, "hi all", { group: utf8.encode("team") });
  h.push("", 1, "mine", { from: null, group: utf8.encode("club") });
  h.push("", 1, "invited", { from: null, self: true });
  t.match(h.messages(), [
    { conversation: { peer: "me" }, from: "me", to: "me", mine: true },
    { conversation: { group: "team" }, from: "ann", to: undefined, mine: false },
    { conversation: { group: "club" }, from: "me", mine: true },
    { conversation: { self: true }, from: "", mine: false },
  ]);
  t.end();
});

t.test("unanswered Sends go again in order: after a loss, and after ten seconds", (t) => {
  const h = new Harness().online();
  h.send("bob", "a");
  h.send("bob", "b");
  h.took();
  // Something comes, so that the connection does not count as dead.
  h.pass(9_000);
  h.push("eve", 1, "hi");
  h.pass(1_000);
  t.same(
    h.took().map((one) => [one.ref, one.body.clientSeq]),
    [
      [3, 1],
      [4, 2],
    ],
  );
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 1 });
  t.match(h.of("sent"), [{ send: { clientSeq: 1 } }], "a late answer to a void number counts");
  h.error(ErrorCode.OutOfOrder, { ref: 2, expected: 1 });
  t.same(h.types(), [], "but an Error to it does not");
  h.lose();
  h.pass(30_000);
  h.connect();
  h.welcome();
  t.same(
    h.took().map((one) => [one.type, one.body?.clientSeq]),
    [
      [FrameType.Hello, undefined],
      [FrameType.Send, 2],
    ],
  );
  t.end();
});

t.test("BUSY, INTERNAL and RATE_LIMITED: the same number again after retry_after_ms", (t) => {
  for (const code of [ErrorCode.Busy, ErrorCode.Internal]) {
    const h = new Harness().online();
    for (const text of ["a", "b", "c"]) h.send("bob", text);
    h.send("carol", "x");
    h.took();
    h.error(code, { ref: 1, retryAfterMs: 700 });
    h.error(ErrorCode.OutOfOrder, { ref: 2, expected: 1 });
    h.error(ErrorCode.OutOfOrder, { ref: 3, expected: 1 });
    h.receive(FrameType.Sent, Sent, { ref: 4, seq: 1, time: 1 });
    h.send("bob", "d");
    h.send("carol", "y");
    t.same(
      h.took().map((one) => [one.ref, one.body.clientSeq]),
      [[5, 2]],
      "only bob's conversation waits",
    );
    h.pass(699);
    t.same(h.types(), []);
    h.pass(1);
    t.same(
      h.took().map((one) => one.body.clientSeq),
      [1, 2, 3, 4],
    );
    t.same(h.of("sent").length, 1);
  }
  const h = new Harness().online();
  h.send("bob", "a");
  h.send("carol", "x");
  h.took();
  h.error(ErrorCode.RateLimited, { ref: 2, retryAfterMs: 300 });
  h.send("dave", "y");
  t.same(h.types(), [], "the rate is the connection's: all wait");
  h.pass(300);
  t.same(
    h
      .took()
      .map((one) => Buffer.from(one.body.peer).toString())
      .sort(),
    ["carol", "dave"],
  );
  t.end();
});

t.test("a transient refusal that does not say when: full jitter", (t) => {
  const h = new Harness().online();
  h.send("bob", "a");
  for (const [ref, wait] of [250, 500, 1000, 2000].entries()) {
    h.took();
    h.error(ErrorCode.Busy, { ref: ref + 1 });
    h.pass(wait - 1);
    t.same(h.types(), []);
    h.pass(1);
  }
  h.receive(FrameType.Sent, Sent, { ref: 5, seq: 1, time: 1 });
  h.send("bob", "b");
  h.took();
  h.error(ErrorCode.Internal, { ref: 6 });
  h.pass(250);
  t.equal(h.types().length, 1, "a confirmation ends the row of refusals");
  t.end();
});

t.test("OUT_OF_ORDER: again from the number that the server waits for", (t) => {
  const h = new Harness().online();
  for (const text of ["a", "b", "c"]) h.send("bob", text);
  h.took();
  h.error(ErrorCode.OutOfOrder, { ref: 3, expected: 2 });
  t.same(
    h.took().map((one) => [one.ref, one.body.clientSeq]),
    [
      [4, 2],
      [5, 3],
    ],
  );
  h.error(ErrorCode.OutOfOrder, { ref: 5, expected: 2 });
  t.same(h.types(), [], "the second time it takes its time");
  h.pass(1000);
  t.same(
    h.took().map((one) => one.body.clientSeq),
    [2, 3],
  );
  t.end();
});

t.test("permanent refusals are the caller's; the number is used where the table says so", (t) => {
  const h = new Harness({ records: new Map() }).online();
  for (const text of ["a", "b", "c", "d"]) h.send("bob", text);
  h.took();
  h.error(ErrorCode.NotMember, { ref: 1, detail: "not you" });
  const [refused] = h.of("sent");
  t.match(refused, { send: { clientSeq: 1 }, receipt: undefined });
  t.ok(refused?.error instanceof HawserError);
  t.match(refused?.error, { code: 17, name: "NOT_MEMBER", message: "not you" });
  t.same(h.types(), [], "the others are under way with their numbers");
  h.error(999, { ref: 3 });
  t.match(h.of("sent"), [{ send: { clientSeq: 3 }, error: { code: 999, name: "ERROR_999" } }], "a code that is not known");
  // The server says that this number was not used after all: what follows moves up.
  h.error(ErrorCode.OutOfOrder, { ref: 4, expected: 3 });
  t.same(
    h.took().map((one) => [one.body.clientSeq, Buffer.from(one.body.payload).toString()]),
    [[3, "d"]],
  );
  t.same([...h.records!.keys()].filter((key) => key.startsWith("send/")).sort(), ["send/d:bob/2", "send/d:bob/3"]);
  h.send("bob", "e");
  t.match(h.took(), [{ body: { clientSeq: 4 } }]);
  // BAD_REQUEST is about the conversation's name: all are given up, and no number was used.
  h.send("carol", "other");
  h.error(ErrorCode.BadRequest, { ref: 2 });
  t.same(
    h.of("sent").map((event) => [event.send.clientSeq, event.error?.name]),
    [2, 3, 4].map((number) => [number, "BAD_REQUEST"]),
  );
  t.same(
    [...h.records!.keys()].filter((key) => key.startsWith("send/")),
    ["send/d:carol/1"],
  );
  h.took();
  h.send("bob", "f");
  t.match(h.took(), [{ body: { clientSeq: 2 } }]);
  h.error(ErrorCode.OutOfOrder, { ref: 5, expected: 2 });
  t.same(h.types(), [], "answers to what was given up mean nothing");
  t.end();
});

t.test("numbers that are not the server's: a new install, and what is unanswered is numbered anew", (t) => {
  for (const answer of [{ code: ErrorCode.OutOfOrder, expected: 2 }, { code: ErrorCode.ClientSeqReused }]) {
    const h = new Harness({ records: new Map() }).online();
    for (const text of ["a", "b", "c", "d"]) h.send("bob", text);
    h.send("carol", "x");
    for (let ref = 1; ref <= 3; ref++) h.receive(FrameType.Sent, Sent, { ref, seq: ref, time: 1 });
    h.receive(FrameType.Sent, Sent, { ref: 5, seq: 1, time: 1 });
    h.clear();
    let seed = 0;
    h.random = () => (seed += 0.01);
    h.error(answer.code, { ref: 4, ...answer });
    t.match(h.of("error"), [{ error: { code: answer.code } }]);
    t.same(h.of("sent"), [], "the message is not given up");
    h.pass(1000);
    h.connect();
    const [hello] = h.took();
    t.equal(hello?.body.connection, 1);
    t.notSame([...hello!.body.install], [...INSTALL]);
    h.welcome();
    t.match(h.took(), [{ type: FrameType.Send, body: { clientSeq: 1 } }]);
    t.same(
      [...h.records!.keys()].filter((key) => key.startsWith("send/")),
      ["send/d:bob/1"],
    );
    h.send("carol", "y");
    t.match(h.took(), [{ body: { clientSeq: 1 } }]);
    // A server that goes on saying so is believed: the message is refused.
    for (let turn = 0; turn < 3; turn++) {
      h.error(ErrorCode.ClientSeqReused, { ref: 1 });
      if (turn === 2) break;
      h.pass(5_000);
      h.connect();
      h.welcome();
    }
    t.match(h.of("sent"), [{ error: { name: "CLIENT_SEQ_REUSED" } }]);
    t.ok(h.core.online);
  }
  t.end();
});

t.test("the queue is bounded, the payload too, and the windows hold", (t) => {
  const h = new Harness({ pendingMax: 5, pendingBytesMax: 1000 });
  t.throws(() => h.send("bob", "x".repeat(70_000)), { name: "PAYLOAD_TOO_LARGE" });
  t.throws(() => h.send("", "x"), { name: "BAD_ARGUMENT" });
  t.throws(() => h.send("b".repeat(65), "x"), { name: "BAD_ARGUMENT" });
  h.send("bob", "x".repeat(999));
  t.throws(() => h.send("bob", "xx"), { name: "QUEUE_FULL" }, "bytes");
  for (let i = 0; i < 4; i++) h.send("bob", "");
  t.throws(() => h.send("bob", ""), { name: "QUEUE_FULL", code: LocalErrorCode.QueueFull }, "count");

  const w = new Harness({ pendingMax: 1000 }).online({ requestsInFlightMax: 8 });
  for (let i = 0; i < 50; i++) w.send(`user${i % 5}`, `${i}`);
  t.equal(w.took().length, 3, "sends leave room for other requests");
  for (let i = 0; i < 30; i++) w.push(`peer${i}`, 3, "hole");
  const fetches = w.took();
  t.ok(fetches.length > 0 && fetches.length + 3 <= 8);
  t.ok(w.core.requestsInFlight <= 8);
  let most = 0;
  let answered = 0;
  // Answer everything; the number in flight never passes the limit.
  for (let ref = 1; w.core.requestsInFlight > 0; ref++) {
    const fetch = fetches.find((one) => one.ref === ref);
    if (fetch === undefined) w.receive(FrameType.Sent, Sent, { ref, seq: Math.floor(answered++ / 5) + 1, time: 1 });
    else w.receive(FrameType.Page, Page, { peer: fetch.body.peer, ref, rows: rows(1, ["1", "2", "hole"], fetch.body.peer), headSeq: 3 });
    most = Math.max(most, w.core.requestsInFlight);
    fetches.push(...w.took().filter((one) => one.type === FrameType.Fetch));
  }
  t.ok(most <= 8, `${most}`);
  t.equal(w.of("sent").length, 50);
  t.equal(w.messages().filter((message) => message.from.startsWith("peer")).length, 90);

  const r = new Harness().online({ sendsPerSecond: 10 });
  for (let i = 0; i < 30; i++) r.send("bob", `${i}`);
  t.equal(r.took().length, 20, "a burst of twice the rate");
  r.pass(500);
  t.equal(r.took().length, 5, "then the rate");
  t.end();
});

t.test("a Send waits for the store", (t) => {
  const h = new Harness({ records: new Map() }).online();
  h.storeAtOnce = false;
  h.send("bob", "kept first");
  t.same(h.types(), []);
  h.store();
  t.match(h.took(), [{ type: FrameType.Send, body: { clientSeq: 1 } }]);
  t.match(h.records!.get("send/d:bob/1"), /payload/);
  t.end();
});

t.test("sync: pages of heads, several conversations at a time, the watermark only at the end", (t) => {
  const h = new Harness({ records: new Map() });
  h.do(() => h.core.start(h.now));
  h.connect();
  h.welcome();
  h.clear();
  const peers = ["bob", "carol", "dave"];
  h.heads(
    0,
    [
      { peer: BOB, seq: 3 },
      { peer: utf8.encode("carol"), seq: 1 },
    ],
    "page1",
    true,
  );
  h.heads(99, [], "stranger");
  const first = h.took();
  t.same(
    first.map((one) => one.type),
    [FrameType.Sync, FrameType.Fetch, FrameType.Fetch],
  );
  t.equal(Buffer.from(first[0]!.body.watermark).toString(), "page1");
  h.heads(first[0]!.ref, [{ peer: utf8.encode("dave"), seq: 2 }], "page2");
  const fetches = [...first.slice(1), ...h.took()];
  t.equal(fetches.length, 3);
  t.match(h.records!.get("client"), /"watermark":"","synced":false/);
  h.receive(FrameType.Page, Page, page(fetches[0]!.ref, { rows: rows(1, ["1", "2"]), headSeq: 3, more: true }));
  const [rest] = h.took();
  t.match(rest, { type: FrameType.Fetch, body: { fromSeq: 3 } });
  for (const fetch of fetches.slice(1)) {
    const name = Buffer.from(fetch.body.peer).toString();
    const texts = name === "carol" ? ["c"] : ["d", "e"];
    h.receive(FrameType.Page, Page, { peer: fetch.body.peer, ref: fetch.ref, rows: rows(1, texts, fetch.body.peer), headSeq: texts.length });
  }
  // While it is pulled, a push of a later row comes: shown at its place.
  h.push("bob", 4, "4");
  t.equal(h.of("synced").length, 0, "bob's third row is missing");
  t.match(h.records!.get("client"), /"watermark":"",/);
  h.receive(FrameType.Page, Page, page(rest!.ref, { rows: rows(3, ["3"]), headSeq: 4 }));
  t.equal(h.of("synced").length, 1);
  t.match(h.records!.get("client"), new RegExp(`"watermark":"${btoa("page2")}","synced":true`));
  t.same(
    h.shown().filter((line) => line.startsWith("bob")),
    ["bob#1 1", "bob#2 2", "bob#3 3", "bob#4 4"],
  );
  t.same(
    [...h.core.logs()].map((log) => log.name),
    peers,
  );
  t.end();
});

t.test("the Heads of Hello that do not come are asked for; a refused Sync is tried again", (t) => {
  const h = new Harness();
  h.do(() => h.core.start(h.now));
  h.connect();
  h.welcome();
  h.clear();
  h.pass(9_999);
  t.same(h.types(), []);
  h.pass(1);
  const [sync] = h.took();
  t.equal(sync?.type, FrameType.Sync);
  h.error(ErrorCode.Busy, { ref: sync!.ref, retryAfterMs: 400 });
  h.pass(399);
  t.same(h.types(), []);
  h.pass(1);
  const [second] = h.took();
  t.equal(second?.type, FrameType.Sync);
  h.heads(second!.ref, [], "w");
  t.equal(h.of("synced").length, 1);

  const refused = new Harness();
  refused.do(() => refused.core.start(refused.now));
  refused.connect();
  refused.welcome();
  refused.clear();
  refused.error(ErrorCode.Busy, { retryAfterMs: 300 });
  t.same(refused.of("error"), [], "an Error without a number answers the Sync of Hello");
  refused.pass(299);
  t.same(refused.types(), []);
  refused.pass(1);
  t.same(refused.types(), [FrameType.Sync]);
  t.end();
});

t.test("a new store pulls as much history as asked for, later everything; fetchHistory gets the rest", (t) => {
  const h = new Harness({ history: 2, records: new Map() });
  h.do(() => h.core.start(h.now));
  h.connect();
  h.welcome();
  h.clear();
  h.heads(0, [{ peer: BOB, seq: 10 }], "w");
  const [fetch] = h.took();
  t.equal(fetch?.body.fromSeq, 9);
  const hashes = chain(Array.from({ length: 10 }, (_, i) => `${i + 1}`));
  h.receive(FrameType.Page, Page, page(fetch!.ref, { rows: rows(9, ["9", "10"]), headSeq: 10, hashBefore: hashes[8]! }));
  t.same(h.shown(), ["bob#9 9", "bob#10 10"]);
  t.equal(h.of("synced").length, 1);
  h.do(() => h.core.fetchHistory(1, "bob", 9, 3, "ticket", h.now));
  const [history] = h.took();
  t.match(history?.body, { fromSeq: 8, backward: true, limit: 3 });
  h.receive(FrameType.Page, Page, page(history!.ref, { rows: rows(6, ["6", "7", "8"]), headSeq: 10, more: true }));
  const [event] = h.of("history");
  t.match(event, { ticket: "ticket", result: { more: true, messages: [{ seq: 6 }, { seq: 7 }, { seq: 8, text: "8" }] } });
  t.same(h.shown(), [], "history is an answer, not news");
  h.do(() => h.core.fetchHistory(1, "bob", 1, 3, "start", h.now));
  t.match(h.of("history"), [{ ticket: "start", result: { more: false, messages: [] } }]);
  // A conversation that turns up later is new: none of it was seen.
  h.push("zoe", 3, "third");
  t.match(h.took(), [{ type: FrameType.Fetch, body: { fromSeq: 1 } }]);
  // none: nothing of what was before
  const none = new Harness({ history: 0 });
  none.do(() => none.core.start(none.now));
  none.connect();
  none.welcome();
  none.clear();
  none.heads(0, [{ peer: BOB, seq: 10, hash: hashes[10]! }], "w");
  t.same(none.types(), []);
  none.push("bob", 11, "11");
  t.same(none.shown(), ["bob#11 11"]);
  t.end();
});

t.test("fetches that are refused: later, or never", (t) => {
  const h = new Harness();
  h.do(() => h.core.start(h.now));
  h.connect();
  h.welcome();
  h.clear();
  h.heads(
    0,
    [
      { peer: BOB, seq: 1 },
      { peer: utf8.encode("carol"), seq: 1 },
    ],
    "w",
  );
  const [bob, carol] = h.took();
  h.error(ErrorCode.Busy, { ref: bob!.ref, retryAfterMs: 2000 });
  h.error(ErrorCode.NotMember, { ref: carol!.ref });
  t.match(h.of("error"), [{ error: { name: "NOT_MEMBER" } }]);
  h.push("bob", 2, "two");
  h.heads(0, [{ peer: BOB, seq: 2 }], "w");
  h.pass(1999);
  t.same(h.types(), [], "the server said when");
  h.pass(1);
  const [again] = h.took();
  t.match(again, { type: FrameType.Fetch, body: { fromSeq: 1 } });
  h.receive(FrameType.Page, Page, page(again!.ref, { rows: rows(1, ["one"]), headSeq: 2 }));
  t.same(h.shown(), ["bob#1 one", "bob#2 two"]);
  t.equal(h.of("synced").length, 1, "what may not be had is not waited for");
  t.end();
});

t.test("rows that were announced and never written", (t) => {
  const h = new Harness().online();
  h.push("bob", 1, "one");
  h.push("bob", 3, "phantom");
  for (let asked = 0; asked < 4; asked++) {
    const [fetch] = h.took();
    t.equal(fetch?.body.fromSeq, 2);
    h.receive(FrameType.Page, Page, page(fetch!.ref, { rows: [], headSeq: 1 }));
    h.pass(10_000);
  }
  t.same(h.types(), [], "given up: the server's log ends before");
  h.push("bob", 2, "two");
  t.same(h.shown(), ["bob#1 one", "bob#2 two"], "and the row that was held is gone");
  t.end();
});

t.test("Resync: unanswered requests again, Sends first, then Sync from the stored watermark", (t) => {
  const h = new Harness({ records: new Map() }).online({}, "stored");
  h.send("bob", "a");
  h.send("bob", "b");
  h.push("carol", 2, "hole");
  h.do(() => h.core.fetchHistory(1, "dave", 0, 5, "ticket", h.now));
  t.same(h.types(), [FrameType.Send, FrameType.Send, FrameType.Fetch, FrameType.Fetch]);
  h.receive(FrameType.Resync, Resync, {});
  const again = h.took();
  t.same(
    again.map((one) => [one.ref, one.type]),
    [
      [5, FrameType.Send],
      [6, FrameType.Send],
      [7, FrameType.Sync],
      [8, FrameType.Fetch],
      [9, FrameType.Fetch],
    ],
  );
  t.same(
    again.slice(0, 2).map((one) => one.body.clientSeq),
    [1, 2],
  );
  t.equal(Buffer.from(again[2]!.body.watermark).toString(), "stored");
  t.equal(h.core.requestsInFlight, 5);
  h.receive(FrameType.Page, Page, { peer: utf8.encode("carol"), ref: 3, rows: rows(1, ["first"], utf8.encode("carol")), headSeq: 2 });
  t.same(h.shown(), ["carol#1 first", "carol#2 hole"], "an answer to a void number is used all the same");
  // In the middle of a Sync: the Heads of before do not move the watermark.
  h.receive(FrameType.Resync, Resync, {});
  h.heads(7, [], "too old");
  t.match(h.records!.get("client"), new RegExp(btoa("stored")));
  const sync = h.took().find((one) => one.type === FrameType.Sync)!;
  h.heads(sync.ref, [], "new");
  t.match(h.records!.get("client"), new RegExp(btoa("new")));
  t.end();
});

t.test("Check: on waking up and every five minutes; Heads as an answer are pulled", (t) => {
  const h = new Harness().online();
  h.push("bob", 1, "one");
  h.push("bob", 2, "two");
  h.push("carol", 1, "hi");
  // Known, but without a row: not in the digest.
  h.do(() => h.core.markRead(1, "dave", 0, h.now));
  h.do(() => h.core.wake(h.now));
  h.do(() => h.core.wake(h.now));
  const checks = h.took();
  t.equal(checks.length, 1);
  t.equal(checks[0]?.type, FrameType.Check);
  t.same(
    Buffer.from(checks[0]!.body.digest),
    Buffer.from(digestBytes(digestTerm(sha256, directKey(ME, BOB), 2) + digestTerm(sha256, directKey(ME, utf8.encode("carol")), 1))),
  );
  t.equal(checks[0]?.body.count, 2);
  h.receive(FrameType.Checked, Checked, { ref: checks[0]!.ref });
  t.equal(h.of("synced").length, 1);
  let check: number | undefined;
  for (let minute = 0; minute < 6 && check === undefined; minute++) {
    h.pass(60_000);
    h.bytes(Uint8Array.of(0));
    check = h.took().find((one) => one.type === FrameType.Check)?.ref;
    if (minute < 3) t.equal(check, undefined);
  }
  h.heads(check!, [{ peer: BOB, seq: 3 }], "all", true);
  const next = h.took();
  t.same(
    next.map((one) => one.type),
    [FrameType.Sync, FrameType.Fetch],
  );
  h.heads(next[0]!.ref, [], "end");
  h.receive(FrameType.Page, Page, page(next[1]!.ref, { rows: rows(3, ["three"]), headSeq: 3 }));
  t.equal(h.of("synced").length, 1);
  t.same(h.shown(), ["bob#1 one", "bob#2 two", "carol#1 hi", "bob#3 three"]);
  t.end();
});

t.test("wake while waiting connects at once, unless the server named the time", (t) => {
  const h = new Harness().online();
  h.lose();
  h.do(() => h.core.wake(h.now));
  t.equal(h.orders.length, 2);
  h.connect();
  h.error(ErrorCode.TooManyConnections, { closes: true, retryAfterMs: 7000 });
  h.do(() => h.core.wake(h.now));
  t.equal(h.orders.length, 2);
  h.pass(6999);
  t.equal(h.orders.length, 2);
  h.pass(1);
  t.equal(h.orders.length, 3);
  t.end();
});

t.test("a time slot is kept to the millisecond, however often there was one before", (t) => {
  const h = new Harness();
  h.do(() => h.core.start(h.now));
  for (const [i, slot] of [1234, 60_000, 1017].entries()) {
    h.connect();
    h.error(ErrorCode.Busy, { closes: true, retryAfterMs: slot });
    h.do(() => h.core.wake(h.now));
    h.pass(slot - 1);
    t.equal(h.orders.length, i + 1, "not before its slot");
    h.pass(1);
    t.equal(h.orders.length, i + 2, "and then at once");
  }
  t.end();
});

t.test("a refused connection is not tried again at once, and not by all at the same moment", (t) => {
  const moments = new Set<number>();
  for (let i = 0; i < 20; i++) {
    const h = new Harness({ random: seededRandom(i + 1) });
    h.do(() => h.core.start(h.now));
    h.connect();
    h.error(ErrorCode.Busy, { closes: true, retryAfterMs: 10 });
    const change = h.of("state").at(-1)!.change;
    t.ok(change.retryInMs! >= 250 && change.retryInMs! <= 1000, `${change.retryInMs}`);
    moments.add(change.retryInMs!);
  }
  t.ok(moments.size > 10);
  t.end();
});

t.test("hashes: the same log passes, another is dropped and fetched again", (t) => {
  const texts = ["one", "two", "three"];
  const good = chain(texts);
  const h = new Harness({ records: new Map() }).online();
  h.push("bob", 1, "one");
  h.push("bob", 2, "two");
  h.heads(0, [{ peer: BOB, seq: 2, hash: good[2]! }], "w");
  t.equal(h.of("diverged").length, 0);
  h.heads(0, [{ peer: BOB, seq: 3, hash: good[3]! }], "w");
  const [fetch] = h.took();
  // The server's page does not join on to what was shown.
  h.receive(FrameType.Page, Page, page(fetch!.ref, { rows: rows(3, ["three"]), hashBefore: chain(["uno", "dos"])[2]!, headSeq: 3 }));
  t.match(h.of("diverged"), [{ diverged: { conversation: { peer: "bob" }, fromSeq: 1 } }]);
  t.match(h.records!.get("client"), /"watermark":""/, "a crash now must not hide it");
  t.same(h.shown(), ["bob#1 one", "bob#2 two"]);
  const [again] = h.took();
  t.match(again, { type: FrameType.Fetch, body: { fromSeq: 1 } });
  h.receive(FrameType.Page, Page, page(again!.ref, { rows: rows(1, texts), hashBefore: HASH_START, headSeq: 3 }));
  t.same(h.shown(), ["bob#1 one", "bob#2 two", "bob#3 three"]);
  t.equal(h.of("diverged").length, 0);
  // A row that differs from what the head says about it.
  h.heads(0, [{ peer: BOB, seq: 4, hash: new Uint8Array(32).fill(7) }], "w");
  h.push("bob", 4, "four");
  t.equal(h.of("diverged").length, 1);
  // Not for ever: a server whose hashes are wrong.
  h.receive(FrameType.Page, Page, page(h.took().at(-1)!.ref, { rows: rows(1, [...texts, "four"]), headSeq: 4 }));
  h.heads(0, [{ peer: BOB, seq: 4, hash: new Uint8Array(32).fill(7) }], "w");
  t.equal(h.of("diverged").length, 0);

  const off = new Harness({ verify: false }).online();
  off.push("bob", 1, "one");
  off.heads(0, [{ peer: BOB, seq: 1, hash: new Uint8Array(32).fill(7) }], "w");
  t.equal(off.of("diverged").length, 0);
  t.end();
});

t.test("hashes: pages that overlap, own rows, a start in the middle, a second run", (t) => {
  const h = new Harness({ records: new Map() }).online();
  h.send("bob", "mine");
  h.took();
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 1001 });
  const first = nextHash(sha256, HASH_START, 1, ME, 0, 1001, sha256(utf8.encode("mine")));
  const second = nextHash(sha256, first, 2, BOB, 0, 1002, sha256(utf8.encode("two")));
  h.push("bob", 3, "three");
  const [fetch] = h.took();
  h.push("bob", 2, "two");
  // Rows 2 and 3 were shown meanwhile: the page's hash is carried over them.
  const third = nextHash(sha256, second, 3, BOB, 0, 1003, sha256(utf8.encode("three")));
  h.receive(FrameType.Page, Page, page(fetch!.ref, { rows: rows(2, ["two", "three"]), hashBefore: first, headSeq: 3 }));
  h.heads(0, [{ peer: BOB, seq: 3, hash: third }], "w");
  t.equal(h.of("diverged").length, 0);
  const run = h.restart();
  run.online();
  run.heads(0, [{ peer: BOB, seq: 3, hash: third }], "w");
  t.equal(run.of("diverged").length, 0);
  run.heads(0, [{ peer: BOB, seq: 3, hash: second }], "w");
  t.equal(run.of("diverged").length, 1, "the hash was kept over the restart");

  const middle = new Harness({ history: 1 });
  middle.do(() => middle.core.start(middle.now));
  middle.connect();
  middle.welcome();
  middle.clear();
  middle.heads(0, [{ peer: BOB, seq: 3, hash: third }], "w");
  middle.receive(FrameType.Page, Page, page(middle.took()[0]!.ref, { rows: rows(3, ["three"]), hashBefore: second, headSeq: 3 }));
  t.equal(middle.of("diverged").length, 0, "learned from the page, and joined on to");
  middle.heads(0, [{ peer: BOB, seq: 3, hash: second }], "w");
  t.equal(middle.of("diverged").length, 1);
  t.end();
});

t.test("hashes: the self conversation, whose rows have no sender", (t) => {
  const h = new Harness().online();
  h.push("", 1, "invited", { from: null, self: true });
  const hash = nextHash(sha256, HASH_START, 1, new Uint8Array(0), 0, 1001, sha256(utf8.encode("invited")));
  h.heads(0, [{ self: true, seq: 2, hash: nextHash(sha256, hash, 2, new Uint8Array(0), 0, 1002, sha256(utf8.encode("again"))) }], "w");
  h.receive(FrameType.Page, Page, {
    self: true,
    ref: h.took()[0]!.ref,
    rows: [{ seq: 2, time: 1002, payload: utf8.encode("again") }],
    hashBefore: hash,
    headSeq: 2,
  });
  t.equal(h.of("diverged").length, 0);
  t.match(h.messages(), [
    { from: "", conversation: { self: true } },
    { seq: 2, text: "again" },
  ]);
  const [one, two] = ["invited", "again"].map((text, i) => ({ seq: i + 1, time: 1001 + i, payload: utf8.encode(text) }));
  h.receive(FrameType.Page, Page, { self: true, rows: [one!, two!], hashBefore: HASH_START, headSeq: 2 });
  t.equal(h.of("diverged").length, 0, "a page over what was shown");
  h.heads(0, [{ self: true, seq: 2, hash }], "w");
  t.equal(h.of("diverged").length, 1);
  t.end();
});

t.test("a server that lost rows is found out", (t) => {
  const h = new Harness().online();
  for (let seq = 1; seq <= 3; seq++) h.push("bob", seq, `${seq}`);
  h.heads(0, [{ peer: BOB, seq: 2 }], "w");
  const [probe] = h.took();
  t.match(probe, { type: FrameType.Fetch, body: { fromSeq: 4 } });
  h.receive(FrameType.Page, Page, page(probe!.ref, { rows: [], headSeq: 3, hashBefore: chain(["1", "2", "3"])[3]! }));
  t.equal(h.of("diverged").length, 0, "the head was only old");
  t.same(h.types(), []);
  const other = new Harness().online();
  other.push("bob", 1, "one");
  other.push("bob", 2, "two");
  other.heads(0, [{ peer: BOB, seq: 1 }], "w");
  other.receive(FrameType.Page, Page, page(other.took()[0]!.ref, { rows: [], headSeq: 2, hashBefore: chain(["one", "zwei"])[2]! }));
  t.equal(other.of("diverged").length, 1, "as many rows, but not the same");
  h.heads(0, [{ peer: BOB, seq: 2 }], "w");
  h.receive(FrameType.Page, Page, page(h.took()[0]!.ref, { rows: [], headSeq: 2 }));
  t.equal(h.of("diverged").length, 1);
  h.clear();
  t.end();
});

t.test("read positions: told once a moment, again when the head is behind, merged when ahead", (t) => {
  const h = new Harness({ records: new Map() }).online();
  for (let seq = 1; seq <= 3; seq++) h.push("bob", seq, `${seq}`);
  h.do(() => h.core.markRead(1, "bob", 1, h.now));
  h.do(() => h.core.markRead(1, "bob", undefined, h.now));
  h.do(() => h.core.markRead(1, "bob", 2, h.now));
  h.pass(1000);
  t.match(h.took(), [{ type: FrameType.Read, ref: 1, body: { seq: 3 } }]);
  t.equal(h.core.requestsInFlight, 0, "a Read is not answered");
  h.pass(15_000);
  t.equal(h.closes, 0, "and its silence is no sign of death");
  h.heads(0, [{ peer: BOB, seq: 3, readSeq: 1 }], "w");
  h.pass(1000);
  t.match(h.took(), [{ type: FrameType.Read, ref: 2, body: { seq: 3 } }]);
  h.heads(0, [{ peer: BOB, seq: 9, readSeq: 7 }], "w");
  t.match(h.of("read"), [{ read: { conversation: { peer: "bob" }, seq: 7 } }]);
  h.receive(FrameType.Read, Read, { peer: BOB, seq: 9 });
  h.receive(FrameType.Read, Read, { peer: BOB, seq: 4 });
  t.match(h.of("read"), [{ read: { seq: 9 } }]);
  t.match(h.records!.get("conversation/d:bob"), /"read":9/);
  // Offline, and told at the end: before leaving.
  h.send("bob", "x");
  h.took();
  h.do(() => h.core.markRead(1, "bob", 10, h.now));
  t.equal(h.core.close(h.now).length, 1);
  h.drain();
  t.same(h.types(), [FrameType.Read]);
  t.equal(h.closes, 1);
  t.end();
});

t.test("read positions have no answer: told again after a Resync or a refusal, until a head confirms them", (t) => {
  const h = new Harness().online();
  const reads = () => h.took().filter(({ type }) => type === FrameType.Read);
  h.push("bob", 1, "one");
  h.do(() => h.core.markRead(1, "bob", undefined, h.now));
  h.pass(1000);
  t.equal(reads().length, 1);
  h.receive(FrameType.Error, hawser.v1.Error, { code: ErrorCode.Busy as number, ref: 1, retryAfterMs: 3000 });
  h.pass(2500);
  t.equal(reads().length, 0, "not before retry_after_ms");
  h.pass(1500);
  t.match(reads(), [{ body: { seq: 1 } }], "told again after it");
  h.receive(FrameType.Resync, hawser.v1.Resync, {});
  h.pass(1000);
  t.match(reads(), [{ body: { seq: 1 } }], "and after a Resync");
  h.heads(0, [{ peer: BOB, seq: 1, readSeq: 1 }], "w");
  h.receive(FrameType.Resync, hawser.v1.Resync, {});
  h.pass(1000);
  t.equal(reads().length, 0, "a head has confirmed it");
  t.end();
});

t.test("beats: after heartbeat_ms without a frame; silence after one is death", (t) => {
  const h = new Harness({ random: () => 0 }).online({ heartbeatMs: 40_000 });
  h.pass(19_999);
  t.same(h.types(), []);
  h.pass(1);
  t.same(h.types(), [0], "the first one early, by chance");
  h.bytes(Uint8Array.of(0));
  h.pass(30_000);
  h.send("bob", "resets the time");
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 1 });
  h.took();
  h.pass(39_999);
  t.same(h.types(), []);
  h.pass(1);
  t.same(h.types(), [0]);
  h.pass(9_999);
  t.equal(h.closes, 0);
  h.pass(1);
  t.equal(h.closes, 1);
  t.match(h.of("state").at(-2), { change: { state: "offline", reason: { name: "CONNECT_FAILED" } } });
  t.equal(h.orders.length, 2, "and at once, since chance said 0 ms");
  t.end();
});

t.test("intervals: another one by Heartbeat; a death of silence is told in the next Hello and avoided for a while, other ends are not", (t) => {
  const MINUTE = 60_000;
  const h = new Harness({ random: () => 0 }).online({ heartbeatMs: 10 * MINUTE });
  /** What goes out next must come in `ms`, and is answered. */
  const next = (ms: number, type: number, why: string) => {
    h.pass(ms - 1);
    t.same(h.types(), [], `not before: ${why}`);
    h.pass(1);
    const [written] = h.took();
    t.equal(written?.type, type, why);
    if (type === FrameType.Check) h.receive(FrameType.Checked, hawser.v1.Checked, { ref: written!.ref });
    else h.bytes(Uint8Array.of(0));
    return written;
  };
  next(5 * MINUTE, FrameType.Check, "the first one early; where beats are rarer than Checks, a Check takes the place of a beat");
  h.receive(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs: 20 * MINUTE });
  next(13.5 * MINUTE, FrameType.Check, "the next was planned for shorter beats");
  next(20 * MINUTE, FrameType.Check, "a longer one");
  h.pass(10 * MINUTE);
  h.receive(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs: 2 * MINUTE });
  h.pass(0);
  t.equal(h.types().length, 1, "a shorter one, which is over already");
  h.bytes(Uint8Array.of(0));
  h.receive(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs: 0 });
  h.took();
  h.pass(9 * MINUTE);
  t.notOk(h.types().includes(0), "none");
  t.end();
});

t.test("a death of silence is told in the next Hello and avoided for a while; other ends are not", (t) => {
  const MINUTE = 60_000;
  let network = "wifi";
  const h = new Harness({ random: () => 0, network: () => network }).online({ heartbeatMs: 4 * MINUTE });
  /** Connects again and shows the Hello; the server says four minutes. */
  const again = () => {
    h.pass(0);
    h.connect();
    const hello = h.took().find(({ type }) => type === FrameType.Hello)!.body;
    h.welcome({ heartbeatMs: 4 * MINUTE });
    h.heads(0, [], "w");
    h.took();
    return hello;
  };
  const beat = (ms: number) => {
    h.pass(ms);
    t.same(h.types(), [0]);
    h.bytes(Uint8Array.of(0));
  };
  beat(2 * MINUTE);
  h.pass(2.5 * MINUTE);
  h.took().map(({ ref }) => h.receive(FrameType.Checked, hawser.v1.Checked, { ref }));
  h.pass(4 * MINUTE);
  t.same(h.types(), [0]);
  h.pass(10_000);
  t.equal(h.closes, 1, "no answer");
  t.equal(again().lostAfterMs, 4 * MINUTE, "what it died of");
  beat(MINUTE);
  beat(2 * MINUTE);
  h.lose();
  t.equal(again().lostAfterMs, 0, "an end that was none of silence");
  beat(MINUTE);
  h.pass(2 * MINUTE);
  h.do(() => h.core.wake(h.now));
  h.pass(10_000);
  t.equal(h.closes, 3);
  t.equal(again().lostAfterMs, 0, "whoever slept may have been anywhere");
  beat(MINUTE);
  h.pass(2 * MINUTE + 10_000);
  network = "310-260";
  t.match(again(), { network: "310-260", lostAfterMs: 0 }, "another network's death is nobody's business");
  h.pass(2 * MINUTE);
  t.same(h.types(), [0], "and its interval is the server's again");
  t.end();
});

t.test("a connection that does not open, and a Hello without answer", (t) => {
  const h = new Harness();
  h.do(() => h.core.start(h.now));
  h.pass(60_000);
  t.equal(h.closes, 0, "the token may take its time");
  h.do(() => h.core.opening(h.orders[0]!.link, h.now));
  h.pass(10_000);
  t.equal(h.closes, 1);
  h.pass(1000);
  t.equal(h.orders.length, 2);
  h.connect();
  h.pass(10_000);
  t.equal(h.closes, 2);
  h.do(() => h.core.connected(h.orders[0]!.link, "late", h.now));
  t.not(h.core.online, "what is told of an earlier connection is not believed");
  t.end();
});

t.test("full jitter: growing, bounded, and new after a complete Sync", (t) => {
  const random = seededRandom(5);
  const h = new Harness({ random });
  h.do(() => h.core.start(h.now));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 60; attempt++) {
    h.lose();
    const wait = h.of("state").at(-1)!.change.retryInMs!;
    t.ok(wait <= Math.min(30_000, 500 * 2 ** attempt), `attempt ${attempt}: ${wait}`);
    waits.push(wait);
    h.pass(wait);
  }
  t.ok(Math.max(...waits) > 20_000);
  h.online();
  h.lose();
  t.ok(h.of("state").at(-1)!.change.retryInMs! <= 500);
  t.end();
});

t.test("GoAway: works on, leaves at its moment to the target, then the usual address again", (t) => {
  const h = new Harness().online();
  h.receive(FrameType.GoAway, GoAway, { reason: 1, reconnectAfterMs: 5000, target: "gw2:7070" });
  h.send("bob", "still here");
  t.same(h.types(), [FrameType.Send]);
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 1 });
  h.pass(4999);
  t.equal(h.orders.length, 1);
  h.pass(1);
  t.match(h.orders[1], { target: "gw2:7070" });
  t.equal(h.closes, 1);
  h.lose();
  h.pass(500);
  t.match(h.orders[2], { target: "" }, "a target that fails is not tried again");
  // The server closes early: the moment stays the moment.
  h.online();
  h.receive(FrameType.GoAway, GoAway, { reconnectAfterMs: 3000, target: "gw3:1" });
  h.lose();
  t.match(h.of("state")[0], { change: { state: "offline", retryInMs: 3000 } });
  h.pass(2999);
  t.equal(h.orders.length, 3);
  h.pass(1);
  t.match(h.orders[3], { target: "gw3:1" });
  t.end();
});

t.test("errors that end it for good, and errors that close", (t) => {
  for (const code of [ErrorCode.Replaced, ErrorCode.AuthFailed, ErrorCode.VersionUnsupported, ErrorCode.BadRequest]) {
    const h = new Harness();
    h.do(() => h.core.start(h.now));
    h.connect();
    h.error(code, { closes: true });
    t.match(h.of("state").at(-1), { change: { state: "stopped", reason: { code } } });
    h.pass(600_000);
    t.equal(h.orders.length, 1);
    t.equal(h.of("error").length, 1);
    h.do(() => h.core.start(h.now));
    t.equal(h.orders.length, 2, "until the application says so");
  }
  const h = new Harness().online();
  h.error(ErrorCode.TokenExpired, { closes: true });
  h.pass(0);
  t.match(h.orders[1], { freshToken: true }, "at once, with another token");
  h.connect();
  h.error(ErrorCode.TokenExpired, { closes: true });
  h.pass(0);
  t.equal(h.orders.length, 2, "but not at once again and again");
  h.pass(500);
  t.equal(h.orders.length, 3);

  const idle = new Harness().online();
  idle.error(ErrorCode.IdleTimeout);
  idle.pass(0);
  t.equal(idle.orders.length, 2);

  const closing = new Harness().online();
  closing.send("bob", "bad");
  closing.send("bob", "good");
  closing.error(ErrorCode.Unsupported, { ref: 1, closes: true });
  t.match(closing.of("sent"), [{ error: { name: "UNSUPPORTED" } }], "or it would close every connection");
  closing.pass(1000);
  closing.took();
  closing.connect();
  closing.welcome();
  t.match(closing.took().at(-1), { body: { clientSeq: 2 } });
  closing.error(ErrorCode.Busy, { ref: 1, closes: true, retryAfterMs: 100 });
  t.equal(closing.of("sent").length, 0);
  closing.pass(1000);
  closing.connect();
  closing.welcome();
  t.match(closing.took().at(-1), { body: { clientSeq: 2 } }, "a transient one is not the message's fate");

  const other = new Harness({ records: new Map() }).online();
  other.lose();
  other.pass(500);
  other.connect();
  other.welcome({ user: BOB });
  t.match(other.of("error"), [{ error: { name: "WRONG_USER" } }]);
  t.ok(other.core.stopped);
  t.end();
});

t.test("what a server must not send costs the connection; what is unknown is ignored", (t) => {
  const bad: [string, Uint8Array][] = [
    ["reserved bit", encodeFrame(HeaderBit.Reserved | FrameType.Push, new Uint8Array(1))],
    ["compressed", encodeFrame(HeaderBit.Compressed | FrameType.Push, new Uint8Array(1))],
    ["cut body", encodeFrame(FrameType.Push, Uint8Array.of(0x0a, 0x7f))],
    ["no conversation", encodeMessage(FrameType.Push, Push, { seq: 1 })],
    ["no number", encodeMessage(FrameType.Push, Push, { from: BOB })],
    ["id not UTF-8", encodeMessage(FrameType.Push, Push, { from: Uint8Array.of(0xff), seq: 1 })],
    ["cut batch", encodeFrame(HeaderBit.Batch | FrameType.Push, Uint8Array.of(9, 1))],
    ["hole in a page", encodeMessage(FrameType.Page, Page, page(0, { rows: [...rows(1, ["a"]), ...rows(3, ["c"])], headSeq: 3 }))],
    ["second Welcome", encodeMessage(FrameType.Welcome, hawser.v1.Welcome, { user: ME })],
    ["too large", Uint8Array.of(0xff, 0xff, 0xff, 0x7f)],
    ["a protobuf group", encodeFrame(FrameType.Push, Uint8Array.of(0x0b, 0x0c))],
    ["an integer above 2^53 - 1", encodeFrame(FrameType.Push, Uint8Array.of(0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f))],
  ];
  for (const [what, bytes] of bad) {
    const h = new Harness().online();
    h.bytes(bytes);
    t.match(h.of("error"), [{ error: { name: "PROTOCOL_VIOLATION" } }], what);
    t.equal(h.closes, 1);
    h.pass(500);
    t.equal(h.orders.length, 2, "and a new one is opened");
  }
  const early = new Harness();
  early.do(() => early.core.start(early.now));
  early.connect();
  early.push("bob", 1, "before Welcome");
  t.match(early.of("error"), [{ error: { name: "PROTOCOL_VIOLATION" } }]);

  const split = new Harness().online();
  split.bytes(encodeMessage(FrameType.Checked, Checked, { ref: 4 }).subarray(0, 2), true);
  t.match(split.of("error"), [{ error: { name: "PROTOCOL_VIOLATION" } }], "a frame over two WebSocket messages");

  const h = new Harness().online();
  for (const type of [16, 19, 24, 30, 31]) h.bytes(encodeFrame(type, Uint8Array.of(1, 2, 3)));
  for (const type of [FrameType.Hello, FrameType.Send, FrameType.Fetch]) h.bytes(encodeFrame(type, new Uint8Array(0)));
  h.receive(FrameType.Sent, Sent, { ref: 77, seq: 1, time: 1 });
  h.error(ErrorCode.Busy, { ref: 77 });
  h.receive(FrameType.Sync, Sync, {});
  t.equal(h.closes, 0);
  h.error(12345);
  t.match(h.of("error"), [{ error: { code: 12345 } }]);
  t.end();
});

t.test("whatever comes: no exception, and messages once and in order", (t) => {
  const small = fc.nat({ max: 6 });
  const id = fc.constantFrom(BOB, ME, utf8.encode("carol"), new Uint8Array(0), Uint8Array.of(0xff));
  const flag = fc.boolean();
  const bytes = fc.uint8Array({ maxLength: 40 });
  const row = fc.record(
    { from: id, group: id, to: id, self: flag, seq: small, time: small, kind: small, payload: bytes, install: fc.constantFrom(INSTALL, BOB), clientSeq: small },
    { requiredKeys: [] },
  );
  const head = fc.record({ peer: id, group: id, self: flag, seq: small, hash: fc.constantFrom(HASH_START, BOB), readSeq: small }, { requiredKeys: [] });
  const pageOf = fc.record({ from: small, count: fc.nat({ max: 4 }) }).map(({ from, count }) =>
    rows(
      from,
      Array.from({ length: count }, (_, i) => `${from + i}`),
    ),
  );
  const of = (
    type: number,
    codec: { encode(message: object): { finish(): Uint8Array } },
    fields: Record<string, fc.Arbitrary<unknown>>,
  ): fc.Arbitrary<Uint8Array> => fc.record(fields, { requiredKeys: [] }).map((message) => encodeFrame(type, codec.encode(message).finish()));
  const v1 = hawser.v1;
  const frame = fc.oneof(
    of(
      FrameType.Push,
      { encode: (message) => v1.Push.encode(message) },
      { from: id, group: id, to: id, self: flag, seq: small, payload: bytes, install: fc.constant(INSTALL), clientSeq: small },
    ),
    of(FrameType.Sent, v1.Sent, { ref: small, seq: small, time: small, durability: small }),
    of(FrameType.Heads, v1.Heads, { ref: small, heads: fc.array(head, { maxLength: 4 }), watermark: bytes, more: flag }),
    of(FrameType.Page, v1.Page, {
      peer: id,
      group: id,
      self: flag,
      ref: small,
      rows: fc.oneof(pageOf, fc.array(row, { maxLength: 3 })),
      hashBefore: fc.constantFrom(HASH_START, BOB),
      headSeq: small,
      more: flag,
    }),
    of(FrameType.Error, v1.Error, { code: fc.nat({ max: 25 }), ref: small, retryAfterMs: small, closes: flag, expected: small }),
    of(FrameType.Checked, v1.Checked, { ref: small }),
    of(FrameType.Read, v1.Read, { peer: id, group: id, self: flag, seq: small }),
    of(FrameType.GoAway, v1.GoAway, { reconnectAfterMs: small, target: fc.string({ maxLength: 9 }) }),
    fc.constant(encodeFrame(FrameType.Resync, new Uint8Array(0))),
    fc.record({ header: fc.nat({ max: 255 }), body: bytes }).map(({ header, body }) => encodeFrame(header, body)),
    bytes,
  );
  const step = fc.oneof(
    { weight: 8, arbitrary: frame },
    { weight: 3, arbitrary: fc.record({ send: fc.constantFrom("bob", "carol", "me") }) },
    { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(1, 300, 1500, 11_000, 400_000) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom("all" as const, 0, 2), (steps, history) => {
      const h = new Harness({ records: new Map(), history });
      const next = new Map<string, number>();
      h.do(() => h.core.start(h.now));
      for (const one of steps) {
        if (h.core.stopped) h.do(() => h.core.start(h.now));
        if (h.core.awaits(h.orders.at(-1)!.link)) {
          h.connect();
          h.welcome();
        }
        if (one instanceof Uint8Array) h.bytes(one);
        else if ("send" in one) h.send(one.send, "x");
        else h.pass(one.pass);
        for (const event of h.events) {
          if (event.type === "diverged") next.set(JSON.stringify(event.diverged.conversation), event.diverged.fromSeq);
          if (event.type !== "message") continue;
          const key = JSON.stringify(event.message.conversation);
          const due = next.get(key) ?? event.message.seq;
          if (event.message.seq !== due) throw new Error(`${key}: ${event.message.seq} instead of ${due}`);
          next.set(key, due + 1);
        }
        h.clear();
        if (h.core.requestsInFlight < 0 || h.core.requestsInFlight > 256) throw new Error(`${h.core.requestsInFlight} in flight`);
      }
      // What is left can be loaded.
      h.restart();
    }),
    { numRuns: 1500 },
  );
  t.end();
});

t.test("batches, and any split of the bytes, mean the same", (t) => {
  const bodies = [1, 2, 3].map((seq) => Push.encode({ from: BOB, seq, time: 1000 + seq, payload: utf8.encode(`${seq}`) }).finish());
  const stream = Buffer.concat([
    encodeMessage(FrameType.Welcome, hawser.v1.Welcome, { user: ME, heartbeatMs: 60_000 }),
    encodeMessage(FrameType.Heads, hawser.v1.Heads, { watermark: utf8.encode("w") }),
    Uint8Array.of(0),
    encodeBatch(HeaderBit.Batch | FrameType.Push, bodies),
    encodeMessage(FrameType.Push, Push, { from: BOB, seq: 4, payload: utf8.encode("4".repeat(300)) }),
    encodeFrame(29, Uint8Array.of(1)),
    encodeBatch(HeaderBit.Batch | FrameType.Read, [Read.encode({ peer: BOB, seq: 2 }).finish()]),
  ]);
  const random = seededRandom(11);
  let expected: string | undefined;
  for (let run = 0; run < 200; run++) {
    const h = new Harness();
    h.do(() => h.core.start(h.now));
    h.connect();
    for (let at = 0; at < stream.length; ) {
      const size = run === 0 ? stream.length : run === 1 ? 1 : 1 + Math.floor(random() * 40);
      h.bytes(stream.subarray(at, at + size));
      at += size;
    }
    // "synced" is told at the end of a chunk; all else has its place.
    t.equal(h.of("synced").length, 1);
    const outcome = JSON.stringify(h.events.map((event) => (event.type === "message" ? [event.message.seq, event.message.text] : event)));
    expected ??= outcome;
    t.equal(outcome, expected, `run ${run}`);
  }
  t.match(expected, /\[4,"444/);
  t.match(expected, /"type":"read"/);
  t.end();
});

t.test("nothing twice, nothing kept: a Sent after its row, early rows that a page brought too", (t) => {
  const h = new Harness().online();
  h.send("bob", "a");
  // A row of ours that does not say which message it is.
  h.push("", 1, "a", { from: null, to: BOB });
  h.receive(FrameType.Sent, Sent, { ref: 1, seq: 1, time: 1001 });
  t.same(h.shown(), ["me#1 a"]);
  t.equal(h.of("sent").length, 1);
  h.push("bob", 4, "four");
  h.push("bob", 6, "six");
  h.took();
  t.equal(h.core.heldRows, 2);
  h.receive(FrameType.Page, Page, page(2, { rows: rows(2, ["two", "three", "four", "five", "six"]), headSeq: 6 }));
  t.equal(h.shown().length, 5);
  t.equal(h.core.heldRows, 0);
  t.end();
});

t.test("a record of a message without its conversation's: the numbers go on", (t) => {
  const h = new Harness({ records: new Map() }).online();
  h.send("bob", "a");
  h.send("bob", "b");
  h.records!.delete("conversation/d:bob");
  const again = h.restart();
  again.do(() => again.core.start(again.now));
  again.connect();
  again.welcome();
  again.send("bob", "c");
  t.same(
    again
      .took()
      .slice(1)
      .map((one) => one.body.clientSeq),
    [1, 2, 3],
  );
  t.end();
});

t.test("what was shown owns its bytes", (t) => {
  const h = new Harness().online();
  const bytes = encodeMessage(FrameType.Push, Push, { from: BOB, seq: 2, kind: 1, payload: Uint8Array.of(1, 2, 3) });
  h.bytes(bytes);
  bytes.fill(0xff);
  h.push("bob", 1, "one");
  t.same([...h.messages()[1]!.payload], [1, 2, 3]);
  t.end();
});

t.test("the store's records: damage is a typed error, not a guess", (t) => {
  const h = new Harness({ records: new Map() }).online();
  h.push("bob", 1, "one");
  h.send("bob", "two");
  const good = h.records!;
  for (const [key, value] of [
    ["client", "{}"],
    ["client", "not JSON"],
    ["client", good.get("client")!.replace(INSTALL_HEX, "80")],
    ["conversation/d:bob", '{"next":-1}'],
    ["conversation/x:bob", good.get("conversation/d:bob")!],
    ["send/d:bob/x", good.get("send/d:bob/1")!],
    ["send/d:bob/1", '{"kind":0,"payload":"***"}'],
  ] as const) {
    t.throws(() => new Harness({ records: new Map(good).set(key, value) }), { name: "STORE_FAILED" }, `${key} ${value}`);
  }
  const headless = new Map(good);
  headless.delete("client");
  t.throws(() => new Harness({ records: headless }), { name: "STORE_FAILED" });
  t.end();
});

t.test("close: calls that wait are told, nothing happens afterwards", (t) => {
  const h = new Harness().online();
  h.send("bob", "a");
  h.do(() => h.core.fetchHistory(1, "bob", 0, 5, "asked", h.now));
  t.match(h.core.close(h.now), [{ clientSeq: 1 }]);
  h.drain();
  t.match(h.of("history"), [{ ticket: "asked", result: { name: "CLOSED" } }]);
  t.throws(() => h.send("bob", "b"), { name: "CLOSED" });
  h.clear();
  h.core.start(h.now);
  h.core.wake(h.now);
  h.pass(1_000_000);
  t.same([h.written, h.orders.length], [[], 1]);
  t.end();
});

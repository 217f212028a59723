// Compression in the client's core: what it offers and takes, what it refuses, the dictionary that it fetches, and queues that go
// out in batches.
import { deflateRawSync } from "node:zlib";
import t from "tap";
import { dictionaryOf } from "../proto/codec/codec.ts";
import { defaultDictionary } from "../proto/codec/default-dictionary.ts";
import { inflateRaw } from "../proto/codec/inflate.ts";
import { ConversationKind } from "../proto/conversation.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { encodeBatch, encodeFrame } from "../proto/frame.ts";
import { FrameType, HeaderBit } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { varintBytes, writeVarint } from "../proto/varint.ts";
import { DICTIONARY_KEY } from "./codec.ts";
import { LocalErrorCode } from "./errors.ts";
import { Harness, sha256, utf8 } from "./testing/harness.ts";

const own = defaultDictionary(sha256);
const other = dictionaryOf(utf8.encode("the lighthouse keeper says good night"), sha256);
const agreed = { codec: 1, dictionary: own.id };
const bench = (more: object = {}): Harness => new Harness({ inflate: inflateRaw, records: new Map(), ...more });

/** A frame as a gateway compresses it. */
function compressed(header: number, body: Uint8Array, dictionary: Uint8Array, claim = body.length): Uint8Array {
  const data = deflateRawSync(body, dictionary.length > 0 ? { dictionary } : {});
  const whole = new Uint8Array(varintBytes(claim) + data.length);
  whole.set(data, writeVarint(whole, 0, claim));
  return encodeFrame(header | HeaderBit.Compressed, whole);
}
const push = (seq: number, text: string): Uint8Array =>
  hawser.v1.Push.encode({ from: utf8.encode("bob"), seq, time: 1000 + seq, payload: utf8.encode(text) }).finish();
const bodyOf = (frame: Uint8Array): Uint8Array => frame.subarray(frame[0]! < 0x80 ? 2 : 3);
const violations = (h: Harness): number => h.of("error").filter(({ error }) => error.code === LocalErrorCode.ProtocolViolation).length;

t.test("it offers what it has, takes what was agreed on, and nothing else", async (t) => {
  const plain = new Harness({ records: new Map() });
  plain.do(() => plain.core.start(plain.now));
  plain.connect();
  t.same(plain.took()[0]?.body.codecs, []);
  plain.welcome({ codec: 1 });
  t.equal(violations(plain), 1, "a codec that was not offered");

  const h = bench();
  h.do(() => h.core.start(h.now));
  h.connect();
  const [hello] = h.took();
  t.same([...hello!.body.codecs], [1]);
  t.same(
    hello!.body.dictionaries.map((id: Uint8Array) => Buffer.from(id)),
    [Buffer.from(own.id)],
  );
  h.welcome(agreed);
  h.heads(0, [], "w1");
  h.clear();
  h.bytes(compressed(FrameType.Push, push(1, "See you tomorrow!"), own.bytes));
  const batch = bodyOf(encodeBatch(FrameType.Push | HeaderBit.Batch, [push(2, "Where are you?"), push(3, "on my way")]));
  h.bytes(compressed(FrameType.Push | HeaderBit.Batch, batch, own.bytes));
  t.same(
    h.messages().map(({ seq, text }) => `${seq} ${text}`),
    ["1 See you tomorrow!", "2 Where are you?", "3 on my way"],
  );
  h.bytes(compressed(FrameType.Push, push(4, "hello"), own.bytes, 9));
  t.equal(violations(h), 1, "a size that is a lie");

  for (const welcome of [
    { codec: 2, dictionary: own.id },
    { codec: 1, dictionary: other.id },
  ]) {
    const wrong = bench();
    wrong.do(() => wrong.core.start(wrong.now));
    wrong.connect();
    wrong.welcome(welcome);
    t.equal(violations(wrong), 1, "not offered");
  }
  const bare = bench().online({ codec: 1 });
  bare.bytes(compressed(FrameType.Push, push(1, "without a dictionary"), new Uint8Array(0)));
  t.equal(bare.messages()[0]?.text, "without a dictionary");
  const none = bench().online();
  none.bytes(compressed(FrameType.Push, push(1, "no codec"), own.bytes));
  t.equal(violations(none), 1);
});

t.test("the dictionary that the server wants is fetched after the first sync, checked, kept and offered", async (t) => {
  const h = bench();
  h.do(() => h.core.start(h.now));
  h.connect();
  h.welcome({ ...agreed, dictionaryWanted: other.id });
  t.notOk(h.types().includes(FrameType.Dictionary), "not before the sync is complete");
  h.heads(0, [], "w1");
  const request = h.took().find(({ type }) => type === FrameType.Dictionary);
  t.same(Buffer.from(request?.body.id), Buffer.from(other.id));
  t.equal(request?.ref, 1);
  h.receive(FrameType.Dictionary, hawser.v1.Dictionary, { id: other.id, ref: 1, bytes: other.bytes });
  t.ok(h.records!.get(DICTIONARY_KEY), "kept");
  t.equal(h.core.requestsInFlight, 0);
  h.bytes(compressed(FrameType.Push, push(1, "as agreed before"), own.bytes));
  t.equal(h.messages()[0]?.text, "as agreed before", "this connection goes on as it is");

  for (const records of [h.records!, new Map(h.records!).set(DICTIONARY_KEY, "nonsense")]) {
    const next = bench({ records });
    next.do(() => next.core.start(next.now));
    next.connect();
    const ids = next.took()[0]!.body.dictionaries.map((id: Uint8Array) => Buffer.from(id).toString("hex"));
    t.same(ids, records === h.records ? [other.name, own.name] : [own.name], "the one that makes no sense is as good as none");
    if (records !== h.records) continue;
    next.welcome({ codec: 1, dictionary: other.id, dictionaryWanted: other.id });
    next.heads(0, [], "w2");
    t.notOk(next.types().includes(FrameType.Dictionary), "it has it");
    next.bytes(compressed(FrameType.Push, push(2, "good night"), other.bytes));
    t.equal(next.messages()[0]?.text, "good night");
  }

  const lied = bench();
  lied.do(() => lied.core.start(lied.now));
  lied.connect();
  lied.welcome({ ...agreed, dictionaryWanted: other.id });
  lied.heads(0, [], "w1");
  lied.receive(FrameType.Dictionary, hawser.v1.Dictionary, { id: other.id, ref: 1, bytes: utf8.encode("something else") });
  t.equal(violations(lied), 1, "not what its id says");
  t.notOk(lied.records!.get(DICTIONARY_KEY));

  const refused = bench().online({ ...agreed, dictionaryWanted: other.id });
  refused.receive(FrameType.Error, hawser.v1.Error, { code: ErrorCode.Unsupported, ref: 1 });
  refused.receive(FrameType.Dictionary, hawser.v1.Dictionary, { id: other.id, ref: 9, bytes: other.bytes });
  t.same(refused.of("error"), [], "no dictionary is no error, and one that nobody asked for is nothing");
  t.notOk(refused.records!.get(DICTIONARY_KEY));
});

t.test("a queue that is flushed goes out in compressed batches, in order; a few Sends as they are", async (t) => {
  const h = bench();
  for (let i = 1; i <= 60; i++)
    h.do(() => h.core.send(ConversationKind.Direct, "bob", 0, utf8.encode(`I'll call you when I get home, message ${i}`), undefined, h.now));
  h.online(agreed);
  const sends = (): { ref: number; body: hawser.v1.Send }[] => h.took().filter(({ type }) => type === FrameType.Send);
  h.lose();
  h.pass(60_000);
  h.connect();
  h.clear();
  h.welcome(agreed);
  const first = sends();
  t.ok(first.length >= 60, `${first.length}`);
  t.same(
    first.map(({ ref }) => ref),
    first.map((_, i) => i + 1),
    "each has its own number",
  );
  t.same(
    first.map(({ body }) => body.clientSeq),
    first.map((_, i) => i + 1),
  );
  t.ok(h.stream.compressed >= 1 && h.stream.compressed <= 2, `${h.stream.compressed} compressed frames`);
  const before = h.stream.compressed;
  for (const { ref } of first) h.receive(FrameType.Sent, hawser.v1.Sent, { ref, seq: ref, time: 1, durability: 2 });
  h.heads(0, [], "w1");
  h.clear();
  h.do(() => h.core.send(ConversationKind.Direct, "bob", 0, utf8.encode("one by itself"), undefined, h.now));
  t.equal(sends().length, 1);
  t.equal(h.stream.compressed, before);
  const plain = bench();
  for (let i = 1; i <= 60; i++)
    plain.do(() => plain.core.send(ConversationKind.Direct, "bob", 0, utf8.encode("hello hello hello hello"), undefined, plain.now));
  plain.online();
  t.equal(plain.stream.compressed, 0, "no codec");
});

// Compression of the gateway's connections: what is agreed on, what is compressed for whom and once, and that messages never
// change, whatever happens to the frames around them.
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import type { KeyValue } from "../../proto/bus.ts";
import { Codec, dictionaryOf, inflateBody } from "../../proto/codec/codec.ts";
import { defaultDictionary } from "../../proto/codec/default-dictionary.ts";
import { DICTIONARIES_LIST_KEY, dictionaryKey, withNewest } from "../../proto/codec/dictionary-list.ts";
import { inflateRaw } from "../../proto/codec/inflate.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { encodeBatch, encodeFrame, encodeMessage, lengthRead, readLength, splitBatch } from "../../proto/frame.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { CompressionCounters, Counters } from "../counters.ts";
import type { Log } from "../log.ts";
import { Requests } from "../session/requests.ts";
import { SessionState, SessionTable } from "../session/session-table.ts";
import { Compression } from "./compression.ts";
import { DictionarySource, sha256 } from "./dictionary-source.ts";
import { DictionarySet, NO_DICTIONARY } from "./dictionary-set.ts";
import { BATCH_BYTES_MAX } from "./frame-deflater.ts";
import { CompressionPolicy, Effort, isSlow, Kind } from "./policy.ts";

const own = defaultDictionary(sha256);
const NONE = new Uint8Array(0);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const dictionary = (text: string) => dictionaryOf(utf8(text), sha256);

class Links {
  roundTrip: number | undefined = undefined;
  waiting = 0;
  looks = 0;
  roundTripMs(): number | undefined {
    this.looks++;
    return this.roundTrip;
  }
  bufferedBytes(): number {
    return this.waiting;
  }
}

function bench(enabled = true) {
  const links = new Links();
  const counters = new CompressionCounters();
  const compression = new Compression(8, own, links, counters, enabled);
  return { links, counters, compression };
}

function push(seq: number, text: string): Uint8Array {
  return encodeMessage(FrameType.Push, hawser.v1.Push, { from: utf8("alice"), seq, time: 47_000_000_000 + seq, payload: utf8(text) });
}
const texts = ["See you tomorrow!", "I'm on my way home now", "Thank you so much for everything", "Where are you? Call me when you are free", "ok"];
const pushes = (count: number, from = 1): Uint8Array[] => Array.from({ length: count }, (_, i) => push(from + i, texts[i % texts.length]!));
const page = (rows: number): Uint8Array =>
  encodeMessage(FrameType.Page, hawser.v1.Page, {
    ref: 3,
    rows: Array.from({ length: rows }, (_, i) => ({ seq: i + 1, payload: utf8(texts[i % texts.length]!) })),
  });

/** Every message of the frames as `type hex`, as a client reads them. */
function messagesOf(frames: readonly Uint8Array[], dictionaryBytes: Uint8Array): string[] {
  const messages: string[] = [];
  for (const frame of frames) {
    const at = readLength(frame, 0, frame.length);
    if (at + lengthRead !== frame.length) throw new Error("not a whole frame");
    let header = frame[at]!;
    let body = frame.subarray(at + 1);
    if ((header & HeaderBit.Compressed) !== 0) {
      const inflated = inflateBody(frame, at + 1, frame.length, Limits.payloadBytesMax, dictionaryBytes, inflateRaw);
      if (inflated === undefined) throw new Error("it does not inflate");
      body = inflated;
      header &= ~HeaderBit.Compressed;
    }
    const add = (start: number, end: number) => messages.push(`${header & TYPE_MASK} ${Buffer.from(body.subarray(start, end)).toString("hex")}`);
    if ((header & HeaderBit.Batch) === 0) add(0, body.length);
    else if (!splitBatch(body, 0, body.length, add)) throw new Error("a malformed batch");
  }
  return messages;
}

function shaped(compression: Compression, slot: number, frames: readonly Uint8Array[]): Uint8Array[] {
  const list = frames.slice();
  return list.slice(0, compression.shape(slot, list, list.length));
}
const bytesOf = (frames: readonly Uint8Array[]): number => frames.reduce((sum, frame) => sum + frame.length, 0);
const offer = { deflate: true, dictionaries: [own.name] };

t.test("what Welcome says follows from what Hello offers", async (t) => {
  const { compression } = bench();
  const plain = { codec: Codec.None, dictionary: NONE, dictionaryWanted: NONE };
  t.same(compression.agree(0, { deflate: false, dictionaries: [own.name] }), plain);
  t.notOk(compression.shapes(0));
  t.same(bench(false).compression.agree(0, offer), plain, "switched off");
  t.same(compression.agree(1, offer), { codec: Codec.Deflate, dictionary: own.id, dictionaryWanted: NONE });
  t.ok(compression.shapes(1));
  t.same(
    compression.agree(2, { deflate: true, dictionaries: ["0123456789abcdef"] }),
    { codec: Codec.Deflate, dictionary: NONE, dictionaryWanted: NONE },
    "unknown here",
  );
  compression.closed(1);
  t.notOk(compression.shapes(1), "a slot's next session begins anew");

  const [first, second] = [dictionary("one two three"), dictionary("four five six")];
  compression.dictionaries.publish([first]);
  t.same(compression.agree(1, offer), { codec: Codec.Deflate, dictionary: own.id, dictionaryWanted: first.id }, "there is a better one");
  t.same(compression.agree(3, { deflate: true, dictionaries: [own.name, first.name] }), { codec: Codec.Deflate, dictionary: first.id, dictionaryWanted: NONE });
  compression.dictionaries.publish([second, first]);
  t.same(
    compression.agree(4, { deflate: true, dictionaries: [own.name, first.name] }),
    { codec: Codec.Deflate, dictionary: first.id, dictionaryWanted: second.id },
    "an old version is honoured",
  );
  t.same(messagesOf(shaped(compression, 3, pushes(20)), first.bytes), messagesOf(pushes(20), NONE), "and goes on for those who have it");
});

t.test("dictionaries keep their number while a session holds them, and no longer", async (t) => {
  const set = new DictionarySet(own);
  const many = Array.from({ length: 30 }, (_, i) => dictionary(`dictionary ${i}`));
  t.equal(set.best([many[0]!.name]), NO_DICTIONARY);
  t.ok(set.publish([many[0]!]));
  const held = set.best([many[0]!.name, own.name]);
  set.hold(held);
  for (let i = 1; i < many.length; i++) t.ok(set.publish([many[i]!]), "room for another");
  t.equal(set.of(held), many[0]);
  t.equal(set.find(many[5]!.name), undefined, "nobody used it");
  t.equal(set.newest, set.find(many[29]!.name));
  set.release(held);
  set.publish([many[29]!]);
  t.equal(set.find(many[0]!.name), undefined);
  for (let i = 0; i < 30; i++) {
    set.publish([many[i]!]);
    const index = set.find(many[i]!.name);
    if (index !== undefined) set.hold(index);
  }
  t.notOk(set.publish([many[29]!, dictionary("one more")]), "when all are in use there is no room");
  t.equal(set.find(own.name), 1, "the default one stays");
  t.ok(set.publish([own]), "and may be published");
});

t.test("published dictionaries are read until all of them are here", async (t) => {
  const set = new DictionarySet(own);
  const [newest, ...held] = Array.from({ length: 17 }, (_, i) => dictionary(`dictionary ${i}`));
  const values = new Map<string, Uint8Array>();
  let revision = 5;
  let reads = 0;
  const bucket = {
    async get(key: string) {
      reads++;
      const value = values.get(key);
      return value === undefined ? undefined : { value, revision };
    },
  } as unknown as KeyValue;
  const warnings: string[] = [];
  const log = { info() {}, warn: (_: object, text: string) => warnings.push(text), error() {} } as unknown as Log;
  const source = new DictionarySource(set, log);
  values.set(DICTIONARIES_LIST_KEY, withNewest([], newest!.name));
  for (let i = 0; i < 5; i++) await source.read(bucket);
  t.match(warnings, [/not in the bucket/], "told once");
  t.equal(set.newest, NO_DICTIONARY);
  values.set(dictionaryKey(newest!.name), newest!.bytes);
  await source.read(bucket);
  t.equal(set.newest, set.find(newest!.name), "it came later than the list");
  reads = 0;
  for (let i = 0; i < 5; i++) await source.read(bucket);
  t.equal(reads, 5, "nothing but the list is read again");

  for (const one of held) {
    set.publish([one]);
    set.hold(set.find(one.name)!);
  }
  revision++;
  for (let i = 0; i < 5; i++) await source.read(bucket);
  t.match(warnings, [/not in the bucket/, /too many/]);
  t.equal(set.newest, NO_DICTIONARY);
  for (const one of held) set.release(set.find(one.name)!);
  await source.read(bucket);
  t.equal(set.newest, set.find(newest!.name), "there is room now");
});

t.test("pushes become one batch, pages shrink, everything else passes, all in order", async (t) => {
  const { compression, counters } = bench();
  compression.agree(0, offer);
  const others = [encodeMessage(FrameType.Sent, hawser.v1.Sent, { ref: 1, seq: 2 }), Uint8Array.of(0), encodeMessage(FrameType.Resync, hawser.v1.Resync, {})];
  const frames = [...pushes(18), others[0]!, page(40), ...pushes(15, 20), others[1]!, others[2]!, encodeMessage(FrameType.Heads, hawser.v1.Heads, { ref: 9 })];
  const out = shaped(compression, 0, frames);
  t.same(messagesOf(out, own.bytes), messagesOf(frames, own.bytes));
  t.equal(out.length, 7);
  t.ok(bytesOf(out) < 0.5 * bytesOf(frames), `${bytesOf(out)} of ${bytesOf(frames)} bytes`);
  t.equal(counters.bytesSaved, bytesOf(frames) - bytesOf(out));
  t.equal(counters.framesOut, 3);
  const noise = Array.from({ length: 6 }, (_, i) =>
    encodeFrame(
      FrameType.Push,
      Uint8Array.from({ length: 60 }, (_, j) => (i * 7919 + j * j * 31 + ((j * 257) >> 3)) & 0xff),
    ),
  );
  const bare = bench().compression;
  bare.agree(0, { deflate: true, dictionaries: [] });
  const kept = shaped(bare, 0, noise.slice(0, 1).concat(page(0)));
  t.same(kept, [noise[0], page(0)], "what is small or does not shrink stays the same object or bytes");
  const large = Array.from({ length: 40 }, (_, i) => push(i + 1, "where are you now? ".repeat(60)));
  const batches = shaped(compression, 0, large);
  t.ok(batches.length > 1 && batches.length < 6, `${batches.length} frames`);
  t.same(messagesOf(batches, own.bytes), messagesOf(large, own.bytes), "a batch is bounded, inflated");
  t.ok(bytesOf(large) > 2 * BATCH_BYTES_MAX);
  const batched = encodeBatch(
    FrameType.Push | HeaderBit.Batch,
    pushes(5).map((frame) => frame.subarray(2)),
  );
  t.same(
    messagesOf(shaped(compression, 0, [...pushes(3), batched, ...pushes(2, 50)]), own.bytes),
    messagesOf([...pushes(3), batched, ...pushes(2, 50)], own.bytes),
    "a batch joins",
  );
});

t.test("any frames in any number: the same messages in the same order, never more bytes", async () => {
  const frame = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.nat({ max: 1000 }), fc.string({ maxLength: 200 })).map(([seq, text]) => push(seq, text)) },
    { weight: 1, arbitrary: fc.nat({ max: 60 }).map(page) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(3, 6, 9, 11, 14, 30), fc.uint8Array({ minLength: 1, maxLength: 700 })).map(([type, body]) => encodeFrame(type, body)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20_000, size: "max" }).map((body) => encodeFrame(FrameType.Push, body)) },
    { weight: 1, arbitrary: fc.constant(Uint8Array.of(0)) },
  );
  const { compression, links } = bench();
  for (const [slot, dictionaries] of [[own.name], []].entries()) compression.agree(slot, { deflate: true, dictionaries });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 30 }), fc.nat({ max: 1 }), fc.boolean(), (frames, slot, slow) => {
      links.waiting = slow ? 1 : 0;
      const before = frames.map((one) => one.slice());
      const out = shaped(compression, slot, frames);
      compression.endTurn();
      const words = slot === 0 ? own.bytes : NONE;
      const untouched = frames.every((one, i) => Buffer.compare(one, before[i]!) === 0);
      return untouched && bytesOf(out) <= bytesOf(frames) && messagesOf(out, words).join() === messagesOf(frames, words).join();
    }),
    { numRuns: 300 },
  );
});

t.test("a fan-out is compressed once for each dictionary, in one turn, and no turn does too much", async (t) => {
  const { compression, counters } = bench();
  for (let slot = 0; slot < 4; slot++) compression.agree(slot, slot === 3 ? { deflate: true, dictionaries: [] } : offer);
  const frames = pushes(20);
  const [first, second, third] = [0, 1, 3].map((slot) => shaped(compression, slot, frames)[0]);
  t.equal(first, second, "the very same bytes");
  t.not(third, first);
  t.not(shaped(compression, 2, frames.slice(0, 15))[0], first, "other messages");
  t.equal(counters.framesOut, 4);
  compression.endTurn();
  t.not(shaped(compression, 0, frames)[0], first, "nothing outlives the turn");
  t.same(shaped(compression, 1, frames)[0], first);
  compression.endTurn();
  let compressed = 0;
  const pages = Array.from({ length: 60 }, () => page(900));
  for (const one of pages) if (shaped(compression, 0, [one])[0] !== one) compressed++;
  t.ok(compressed > 3 && compressed < 30, `${compressed} of ${pages.length} pages of ${pages[0]!.length} bytes in one turn`);
  compression.endTurn();
  t.not(shaped(compression, 0, [pages[0]!])[0], pages[0], "and it goes on in the next");
});

t.test("links: a push by itself is compressed where that is slow; the round trip is looked at now and then", async (t) => {
  const { compression, links } = bench();
  compression.agree(0, offer);
  const one = [push(7, "I will be there in 10 minutes. See you tomorrow!")];
  const small = (): boolean => shaped(compression, 0, one)[0] !== one[0];
  t.notOk(small(), "nothing is known of the link");
  links.waiting = 10;
  compression.endTurn();
  links.looks = 0;
  for (let i = 0; i < 160; i++) {
    t.ok(small(), "bytes wait for it");
    compression.endTurn();
  }
  t.equal(links.looks, 0, "and that is enough to know");
  links.waiting = 0;
  links.roundTrip = 400;
  links.looks = 0;
  for (let i = 0; i < 160; i++) {
    small();
    compression.endTurn();
  }
  t.ok(small(), "a long round trip");
  t.ok(links.looks >= 9 && links.looks <= 12, `${links.looks} looks for 160 writes`);
  t.ok(isSlow(true, 100) && !isSlow(false, 100), "between the two thresholds it stays what it was");
  t.notOk(isSlow(true, 50));
  t.notOk(isSlow(true, undefined));
});

t.test("effort falls with the load and comes back slowly, without flapping", async (t) => {
  const policy = new CompressionPolicy();
  let now = 0;
  const run = (seconds: number, utilisation: number): number => {
    for (let i = 0; i < seconds * 10; i++) policy.observe((now += 100), utilisation);
    return policy.effort;
  };
  t.equal(run(1, 0.3), Effort.Full);
  t.ok(policy.worth(Kind.Page, 5000, false) && policy.worth(Kind.Batch, 800, false));
  t.notOk(policy.worth(Kind.Page, 300, false) || policy.worth(Kind.Batch, 300, false));
  t.ok(policy.worth(Kind.Page, 300, true) && policy.worth(Kind.Batch, 300, true));
  t.notOk(policy.worth(Kind.Push, 100, false));
  t.ok(policy.worth(Kind.Push, 100, true));
  t.notOk(policy.worth(Kind.Push, 20, true) || policy.worth(Kind.Page, 50, true), "too small");
  t.equal(run(0.3, 1), Effort.Full, "a busy moment is none");
  t.equal(run(5, 0.75), Effort.Saving);
  t.notOk(policy.worth(Kind.Page, 5000, false));
  t.ok(policy.worth(Kind.Page, 5000, true));
  t.equal(run(10, 0.5), Effort.Saving, "not yet idle enough");
  t.equal(run(10, 1), Effort.Off);
  t.notOk(policy.worth(Kind.Page, 5000, true));
  t.equal(run(10, 0.8), Effort.Off);
  t.equal(run(2.5, 0.2), Effort.Saving, "one step at a time");
  t.equal(run(4, 0.2), Effort.Full);
  let changes = 0;
  for (let i = 0, last = policy.effort as number; i < 600; i++) {
    policy.observe((now += 100), i % 20 < 10 ? 0.9 : 0.4);
    if (policy.effort !== last) changes++;
    last = policy.effort;
  }
  t.ok(changes <= 2, `${changes} changes in a minute of ups and downs`);
});

t.test("inwards: only what the connection agreed on; dictionaries for those who ask, a few times", async (t) => {
  const { compression, counters } = bench();
  compression.agree(0, offer);
  compression.agree(1, { deflate: false, dictionaries: [] });
  const [made] = shaped(compression, 0, pushes(20));
  const at = readLength(made!, 0, made!.length) + 1;
  const inflate = (slot: number, sizeMax = 10_000) => compression.inflate(slot, made!, at, made!.length, sizeMax);
  t.equal(inflate(0)?.length, bytesOf(pushes(20)) - 20, "their length bytes without their headers");
  t.equal(counters.framesIn, 1);
  t.equal(inflate(0, 50), undefined);
  t.equal(inflate(1), undefined, "no codec");
  t.equal(counters.framesIn, 1);

  const body = (id: Uint8Array): Uint8Array => hawser.v1.Dictionary.encode({ id }).finish();
  const ask = (slot: number, bytes: Uint8Array, ref = 5) => compression.dictionaryFor(slot, ref, bytes, 0, bytes.length);
  const answer = ask(1, body(own.id)) as Uint8Array;
  const start = readLength(answer, 0, answer.length);
  t.equal(answer[start], FrameType.Dictionary);
  const { id, ref, bytes } = hawser.v1.Dictionary.decode(answer.subarray(start + 1));
  t.same([Buffer.from(id), ref, Buffer.from(bytes)], [Buffer.from(own.id), 5, Buffer.from(own.bytes)]);
  t.equal(ask(0, body(Uint8Array.of(1, 2, 3))), ErrorCode.Unsupported);
  t.equal(ask(0, body(NONE)), ErrorCode.Unsupported);
  t.equal(ask(0, Uint8Array.of(0x0a, 0x7f)), ErrorCode.BadRequest);
  for (let i = 0; i < 3; i++) t.type(ask(1, body(own.id)), Uint8Array);
  t.equal(ask(1, body(own.id)), ErrorCode.RateLimited, "enough for one connection");
  t.type(ask(0, body(own.id)), Uint8Array, "others have their own");
  t.equal(counters.dictionariesSent, 5);
});

t.test("requests: what inflates is handled like others, counted by what comes out, and cut off when it is too much", async (t) => {
  const { compression } = bench();
  compression.agree(0, offer);
  const said: string[] = [];
  const table = new SessionTable(8);
  table.open(0);
  table.state[0] = SessionState.Ready;
  const outcomes = {
    fail(slot: number, code: ErrorCode): void {
      said.push(`fail ${code}`);
      table.state[slot] = SessionState.Closing;
    },
    refuse: (_slot: number, ref: number, code: ErrorCode) => said.push(`refuse ${ref} ${code}`),
    retryMs: () => 1000,
  };
  const sink = {
    write: () => said.push("write"),
    command: (_slot: number, type: number, ref: number, _bytes: Uint8Array, start: number, end: number) => said.push(`${type} ${ref} ${end - start}`),
  };
  const limits = {
    sendsPerSecond: 1e6,
    sendsBurst: 1e6,
    requestsPerSecond: 1,
    requestsBurst: 8,
    nuisancesPerSecond: 1e6,
    nuisancesBurst: 1e6,
    frameBytesMax: 70_000,
  };
  const requests = new Requests(outcomes, table, sink, new Counters(), limits, compression);
  const take = (header: number, inflated: Uint8Array, now = 0): string[] => {
    const data = deflateRawSync(inflated, { dictionary: own.bytes });
    const body = new Uint8Array(varintBytes(inflated.length) + data.length);
    body.set(data, writeVarint(body, 0, inflated.length));
    requests.frame(0, header | HeaderBit.Compressed, body, 0, body.length, now);
    return said.splice(0);
  };
  t.same(take(FrameType.Send, utf8("hello")), [`${FrameType.Send} 1 5`]);
  const batch = encodeBatch(FrameType.Send | HeaderBit.Batch, [utf8("one"), utf8("three")]);
  t.same(take(FrameType.Send | HeaderBit.Batch, batch.subarray(2)), [`${FrameType.Send} 2 3`, `${FrameType.Send} 3 5`]);
  t.same(take(FrameType.Send, new Uint8Array(64 * 1024)), [`${FrameType.Send} 4 65536`], "four at once");
  t.same(take(FrameType.Send, new Uint8Array(64 * 1024)), [`fail ${ErrorCode.Busy}`], "too much");
  for (const [header, inflated] of [
    [FrameType.Send, new Uint8Array(70_000)],
    [FrameType.Hello, utf8("hello")],
    [FrameType.Send | HeaderBit.Batch, utf8("no batch at all")],
  ] as const) {
    table.state[0] = SessionState.Ready;
    t.same(take(header, inflated, 60_000), [`fail ${ErrorCode.BadFrame}`]);
  }
});

// Compressed bodies: whatever is deflated comes back by every inflater, and whatever else is given is refused at a bounded price.
import { hash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import { encodeFrame, lengthRead, readLength } from "../frame.ts";
import { FrameType, HeaderBit } from "../frame-type.ts";
import { Limits } from "../limits.ts";
import { fromHex, projectText, toHex, vectors } from "../testing/project-file.ts";
import { varintBytes, writeVarint } from "../varint.ts";
import { compressedFrame, dictionaryOf, type Inflate, inflateBody, PREFIX_BYTES_MAX } from "./codec.ts";
import { defaultDictionary } from "./default-dictionary.ts";
import { SMALL_BYTES_MAX, SmallDeflater } from "./deflate.ts";
import { DICTIONARIES_LISTED_MAX, readDictionaryList, withNewest } from "./dictionary-list.ts";
import { codeLengths } from "./huffman.ts";
import { inflateRaw } from "./inflate.ts";
import { zlibInflate } from "./zlib-inflate.ts";

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hash("sha256", bytes, "buffer"));
const inflaters: [string, Inflate][] = [
  ["zlib", zlibInflate],
  ["our own", inflateRaw],
];
const NONE = new Uint8Array(0);
const words = defaultDictionary(sha256).bytes;
const same = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0;
/** With dictionaries of every kind of size: none, one byte, common, longer than what is indexed. */
const dictionaries = [NONE, words.subarray(0, 1), words.subarray(0, 4), words, Buffer.concat(Array.from({ length: 6 }, () => words)).subarray(0, 32_768)];

/** Bytes that are like messages: words of the dictionary, repetitions, and anything. */
const text = fc
  .array(
    fc.oneof(
      fc.nat({ max: words.length - 40 }).chain((at) => fc.integer({ min: 1, max: 40 }).map((length) => words.subarray(at, at + length))),
      fc.uint8Array({ maxLength: 30 }),
      fc.tuple(fc.nat({ max: 255 }), fc.integer({ min: 1, max: 400 })).map(([byte, length]) => new Uint8Array(length).fill(byte)),
    ),
    { maxLength: 24 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts).subarray(0, SMALL_BYTES_MAX)));

t.test("what the deflater makes, every inflater takes back, whatever came before", async (t) => {
  for (const dictionary of dictionaries) {
    const deflater = new SmallDeflater(dictionary);
    const out = new Uint8Array(2 * SMALL_BYTES_MAX);
    fc.assert(
      fc.property(text, fc.nat({ max: 9 }), (input, at) => {
        const end = deflater.deflate(input, out, at, out.length - at);
        const data = out.slice(at, end);
        const options = dictionary.length > 0 ? { dictionary } : {};
        if (!same(inflateRawSync(data, options), input)) return false;
        return inflaters.every(([, inflate]) => input.length === 0 || same(inflate(data, input.length, dictionary), input));
      }),
      { numRuns: 150 },
    );
  }
  const deflater = new SmallDeflater(words);
  const out = new Uint8Array(3 * SMALL_BYTES_MAX);
  const longest = Uint8Array.from({ length: SMALL_BYTES_MAX }, (_, i) => (i * i * 31) >> 3);
  t.ok(same(inflateRawSync(out.subarray(0, deflater.deflate(longest, out, 0, out.length)), { dictionary: words }), longest), "the longest input");
  const phrase = new TextEncoder().encode("I'll call you when I get home. See you tomorrow!");
  const bytes = deflater.deflate(phrase, out, 0, out.length);
  t.ok(bytes < phrase.length / 2, `${bytes} of ${phrase.length} bytes: the dictionary is used`);
  t.equal(deflater.deflate(phrase, out, 0, bytes), bytes, "just enough room");
  out.fill(7);
  t.equal(deflater.deflate(phrase, out, 5, bytes - 1), -1, "a byte too little");
  t.ok(
    out.every((byte) => byte === 7),
    "then nothing is written",
  );
  // The tables are used again and again: entries of long ago must never be taken for new ones.
  let wrong = 0;
  for (let i = 0; i < 3000; i++) {
    const input = words.subarray((i * 37) % 5000, ((i * 37) % 5000) + (i % 300) + 1);
    if (!same(inflateRawSync(out.subarray(0, deflater.deflate(input, out, 0, out.length)), { dictionary: words }), input)) wrong++;
  }
  t.equal(wrong, 0);
});

t.test("code lengths are complete and within their limit, also for frequencies that ask for more", async () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.nat({ max: 3 }),
          fc.integer({ min: 0, max: 20 }).map((n) => 2 ** n),
        ),
        { minLength: 2, maxLength: 288 },
      ),
      fc.constantFrom(9, 15),
      (counts, limit) => {
        counts[0] ||= 1;
        counts[1] ||= 1;
        const lengths = new Uint8Array(counts.length);
        codeLengths(Uint32Array.from(counts), counts.length, limit, lengths);
        const kraft = lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);
        return kraft === 1 && lengths.every((length, i) => length <= limit && length > 0 === counts[i]! > 0);
      },
    ),
  );
});

interface CompressionVectors {
  dictionaries: { name: string; id: string; bytes: string }[];
  bodies: { name: string; dictionary: string; limit: number; body: string; inflated?: string; error?: string }[];
}

t.test("vectors, by every inflater", async (t) => {
  const { dictionaries: given, bodies } = vectors<CompressionVectors>("compression.json");
  t.equal(given[0]!.bytes, toHex(words), "the default dictionary is what the vectors say");
  t.equal(projectText("proto/vectors/default-dictionary.txt"), new TextDecoder().decode(words));
  for (const { id, bytes, name } of given) t.equal(dictionaryOf(fromHex(bytes), sha256).name, id, name);
  for (const { name, dictionary, limit, body, inflated, error } of bodies) {
    const bytes = fromHex(body);
    const held = fromHex(given.find(({ id }) => id === dictionary)?.bytes ?? "");
    for (const [by, inflate] of inflaters) {
      const found = inflateBody(bytes, 0, bytes.length, limit, held, inflate);
      t.equal(found === undefined ? "BAD_FRAME" : toHex(found), error ?? toHex(fromHex(inflated!)), `${name}, by ${by}`);
    }
  }
});

/** A body as it stands in a compressed frame. */
function claimed(size: number, data: Uint8Array): Uint8Array {
  const body = new Uint8Array(varintBytes(size) + data.length);
  body.set(data, writeVarint(body, 0, size));
  return body;
}

for (const [name, inflate] of inflaters) {
  t.test(`${name}: a compressed body is what it says or nothing`, async (t) => {
    const input = new TextEncoder().encode("where are you? I am on my way home now, call me later. ".repeat(9));
    const data = new Uint8Array(deflateRawSync(input, { dictionary: words }));
    const body = claimed(input.length, data);
    const read = (bytes: Uint8Array, sizeMax = 10_000, dictionary: Uint8Array = words): Uint8Array | undefined =>
      inflateBody(bytes, 0, bytes.length, sizeMax, dictionary, inflate);
    t.same(read(body), input);
    t.same(inflateBody(Buffer.concat([Buffer.of(1, 2), body, Buffer.of(3)]), 2, 2 + body.length, 10_000, words, inflate), input, "inside other bytes");
    t.same(read(body, input.length), input, "just as large as it may be");
    t.equal(read(body, input.length - 1), undefined, "a byte larger than it may be");
    t.equal(read(claimed(input.length - 1, data)), undefined, "longer than it says");
    t.equal(read(claimed(input.length + 1, data)), undefined, "shorter than it says");
    t.equal(read(claimed(0, data)), undefined, "nothing is claimed");
    t.equal(read(NONE), undefined, "no size");
    t.equal(read(Uint8Array.of(5)), undefined, "no data");
    t.equal(read(Buffer.concat([Buffer.of(0x80 | (input.length & 0x7f), 0x80 | (input.length >> 7), 0), data])), undefined, "a size that is not minimal");
    t.equal(read(Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0xff, 1), data])), undefined, "a size of five bytes");
    for (let cut = 1; cut < data.length; cut++) if (read(body.subarray(0, body.length - cut)) !== undefined) t.fail(`cut by ${cut}`);
    t.not(Buffer.compare(read(body, 10_000, words.slice().reverse()) ?? NONE, input), 0, "another dictionary");
    t.equal(read(body, 10_000, NONE), undefined, "no dictionary");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 3000 }), (noise, size) => {
        const result = read(claimed(size, noise));
        return result === undefined || result.length === size;
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(fc.nat({ max: data.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const broken = data.slice();
        broken[at]! ^= flip;
        const result = read(claimed(input.length, broken));
        return result === undefined || result.length === input.length;
      }),
      { numRuns: 400 },
    );
  });

  t.test(`${name}: a bomb takes no more memory than the frame may`, async (t) => {
    const bomb = new Uint8Array(deflateRawSync(Buffer.alloc(64 * 1024 * 1024)));
    t.ok(bomb.length < 70_000);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (const size of [1, 1000, Limits.frameBytesMax - 1]) {
      for (let i = 0; i < 4; i++) {
        t.equal(inflate(bomb, size, NONE), undefined);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
    }
    t.ok(most < 16 * Limits.frameBytesMax, `${most} bytes`);
    t.equal(
      inflateBody(claimed(64 * 1024 * 1024, bomb), 0, bomb.length + 4, Limits.frameBytesMax - 1, NONE, () => t.fail("never tried") as never),
      undefined,
    );
  });
}

t.test("both take and refuse the same, and bytes behind the end of the data are an error", async (t) => {
  const data = deflateRawSync(Buffer.from("hello hello hello"));
  for (const [, inflate] of inflaters) {
    t.ok(inflate(data, 17, NONE));
    t.equal(inflate(Buffer.concat([data, Buffer.of(0)]), 17, NONE), undefined);
  }
  // Of every level and strategy, stored and many blocks, whole and with a byte changed.
  let taken = 0;
  fc.assert(
    fc.property(
      text,
      fc.record({ level: fc.integer({ min: 0, max: 9 }), strategy: fc.integer({ min: 0, max: 4 }), memLevel: fc.integer({ min: 1, max: 9 }) }),
      fc.constantFrom(...dictionaries),
      fc.nat(),
      fc.nat({ max: 255 }),
      (input, options, dictionary, where, flip) => {
        if (input.length === 0) return true;
        const data = deflateRawSync(input, dictionary.length > 0 ? { ...options, dictionary } : options);
        if (!same(inflateRaw(data, input.length, dictionary), input)) return false;
        data[where % data.length]! ^= flip;
        const [a, b] = [zlibInflate(data, input.length, dictionary), inflateRaw(data, input.length, dictionary)];
        if (a !== undefined) taken++;
        return a === undefined ? b === undefined : same(b, a);
      },
    ),
    { numRuns: 1500 },
  );
  t.ok(taken > 10, "some of the changed ones are still deflate");
});

t.test("a compressed frame is a frame around it", async (t) => {
  for (const size of [5, 130, 20_000]) {
    const work = new Uint8Array(PREFIX_BYTES_MAX + size).fill(9);
    const frame = compressedFrame(FrameType.Page | HeaderBit.Compressed, 40_000, work, work.length);
    const expected = encodeFrame(FrameType.Page | HeaderBit.Compressed, claimed(40_000, new Uint8Array(size).fill(9)));
    t.same(frame, expected);
    t.equal(readLength(frame, 0, frame.length) + lengthRead, frame.length);
  }
});

t.test("dictionaries: what they may be, the list of those published", async (t) => {
  // Shipped clients name it: other phrases are another dictionary, beside this one.
  t.equal(defaultDictionary(sha256).name, "87be066e1bbf481e");
  t.throws(() => dictionaryOf(NONE, sha256), RangeError);
  t.throws(() => dictionaryOf(new Uint8Array(Limits.dictionaryBytesMax + 1), sha256), RangeError);
  t.same(dictionaryOf(Uint8Array.of(1), sha256).id, sha256(Uint8Array.of(1)).subarray(0, 8));
  const name = (i: number): string => String(i).padStart(16, "0");
  let names: string[] = [];
  for (let i = 0; i < 12; i++) names = readDictionaryList(withNewest(names, name(i)));
  t.same(
    names,
    Array.from({ length: DICTIONARIES_LISTED_MAX }, (_, i) => name(11 - i)),
  );
  t.same(readDictionaryList(withNewest(names, name(8))).slice(0, 3), [name(8), name(11), name(10)], "one that is published again is the newest");
  for (const bad of ["x", "0123456789abcdeg", `${name(1)}\n`, Array.from({ length: 9 }, (_, i) => name(i)).join("\n")]) {
    t.throws(() => readDictionaryList(new TextEncoder().encode(bad)), RangeError);
  }
  t.same(readDictionaryList(NONE), []);
});

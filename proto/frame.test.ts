// Framing (SPEC.md §2): the vectors in every way a stream can be cut, round trips, limits, and how much memory a
// liar can hold.
import fc from "fast-check";
import t from "tap";
import { ErrorCode, errorName } from "./error-code.ts";
import { BEAT_FRAME, LENGTH_BYTES_MAX, encodeBatch, encodeFrame, encodeMessage, lengthRead, readLength, splitBatch } from "./frame.ts";
import { varintBytes, writeVarint } from "./varint.ts";
import { BEAT, FrameReader } from "./frame-reader.ts";
import type { FrameSink } from "./frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK, frameTypeName } from "./frame-type.ts";
import { hawser } from "./gen/hawser.js";
import { Limits } from "./limits.ts";
import { fromHex, toHex, vectors } from "./testing/project-file.ts";
import { Random } from "./testing/random.ts";

interface Found {
  beat?: boolean;
  type?: number;
  batch?: boolean;
  bodies?: string[];
}
interface StreamVector {
  name: string;
  stream: string;
  limit: number;
  frames: Found[];
  unfinished?: number;
  error?: string;
}

/** Reads as a server does that speaks no codec: the batch and the compressed bit are the sink's business. */
class Collector implements FrameSink {
  readonly found: Found[] = [];
  error: number = 0;

  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (header === BEAT) {
      this.found.push({ beat: true });
      return true;
    }
    if ((header & HeaderBit.Compressed) !== 0) return this.refuse();
    const type = header & TYPE_MASK;
    if ((header & HeaderBit.Batch) === 0) {
      this.found.push({ type, bodies: [toHex(bytes.subarray(start, end))] });
      return true;
    }
    const bodies: string[] = [];
    if (!splitBatch(bytes, start, end, (from, to) => bodies.push(toHex(bytes.subarray(from, to))))) return this.refuse();
    this.found.push({ type, batch: true, bodies });
    return true;
  }

  private refuse(): boolean {
    this.error = ErrorCode.BadFrame;
    return false;
  }
}

interface Outcome {
  found: Found[];
  error: number;
  held: number;
  /** Bytes fed when the error came; the whole stream when none did. */
  fed: number;
}

function readAll(stream: Uint8Array, limit: number, cuts: readonly number[]): Outcome {
  const reader = new FrameReader(limit);
  const sink = new Collector();
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    // A copy of its own, as a socket would give it: reading beyond the chunk cannot succeed by accident.
    const error = reader.push(stream.slice(from, to), sink) || sink.error;
    if (error !== 0) return { found: sink.found, error, held: reader.heldBytes, fed: to };
    from = to;
  }
  return { found: sink.found, error: 0, held: reader.heldBytes, fed: stream.length };
}

const everyByte = (length: number): number[] => Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
const held = (reader: FrameReader): number => reader["carry"].length;

t.test("vectors, however the stream is cut", (t) => {
  const { streams } = vectors<{ streams: StreamVector[] }>("frames.json");
  const random = new Random(1);
  for (const vector of streams) {
    const stream = fromHex(vector.stream);
    const frames = vector.frames.map((frame) => (frame.bodies ? { ...frame, bodies: frame.bodies.map((body) => toHex(fromHex(body))) } : frame));
    const expected = { found: frames, error: vector.error ?? "none", held: vector.error ? 0 : (vector.unfinished ?? 0) };
    const check = (cuts: number[], how: string): void => {
      const { found, error, held } = readAll(stream, vector.limit, cuts);
      const actual = { found, error: error === 0 ? "none" : errorName(error), held };
      if (JSON.stringify(actual) !== JSON.stringify(expected)) t.same(actual, expected, `${vector.name}, ${how}`);
    };
    check([], "whole");
    // Byte by byte and at each point where that is affordable; long streams (of equal bytes) near their ends.
    if (stream.length <= 20_000) check(everyByte(stream.length), "byte by byte");
    for (const cut of everyByte(stream.length)) {
      if (stream.length <= 300 || cut < 20 || cut > stream.length - 20) check([cut], `cut at ${cut}`);
    }
    for (let round = 0; round < 20; round++) {
      const cuts = Array.from({ length: random.between(1, 6) }, () => random.below(stream.length + 1)).sort((a, b) => a - b);
      check(cuts, `cut at ${cuts.join(", ")}`);
    }
    t.pass(vector.name);
  }
  t.ok(streams.length > 50, "the vectors are there");
  t.end();
});

t.test("a length that is refused is refused as soon as it is there, wherever the chunks end", (t) => {
  for (const [hex, code] of [
    ["818020", ErrorCode.FrameTooLarge],
    ["ffff7f", ErrorCode.FrameTooLarge],
    ["ffffff7f", ErrorCode.FrameTooLarge],
    ["8000", ErrorCode.BadFrame],
    ["ffffffff", ErrorCode.BadFrame],
  ] as const) {
    const stream = fromHex(hex);
    for (const cuts of [[], everyByte(stream.length), ...everyByte(stream.length).map((cut) => [cut])]) {
      t.equal(readAll(stream, Limits.frameBytesMax, cuts).error, code, `${hex} cut at [${cuts}]`);
    }
  }
  t.end();
});

t.test("random frames, cut at random, come out as they went in", (t) => {
  const body = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 100, maxLength: 400 }));
  const frame = fc.oneof(
    { weight: 1, arbitrary: fc.constant({ bytes: BEAT_FRAME, found: { beat: true } as Found }) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 31 }), body)
        .map(([type, body]) => ({ bytes: encodeFrame(type, body), found: { type, bodies: [toHex(body)] } as Found })),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.integer({ min: 1, max: 31 }), fc.array(body, { minLength: 1, maxLength: 8 })).map(([type, bodies]) => ({
        bytes: encodeBatch(type | HeaderBit.Batch, bodies),
        found: { type, batch: true, bodies: bodies.map(toHex) } as Found,
      })),
    },
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), fc.array(fc.nat(4000), { maxLength: 30 }), (frames, points) => {
      const stream = new Uint8Array(Buffer.concat(frames.map((one) => one.bytes)));
      const cuts = points.filter((point) => point <= stream.length).sort((a, b) => a - b);
      const expected = frames.map((one) => one.found);
      for (const way of [[], cuts, everyByte(stream.length)]) {
        const { found, error, held } = readAll(stream, Limits.frameBytesMax, way);
        t.same({ found, error, held }, { found: expected, error: 0, held: 0 });
      }
    }),
    { seed: 7, numRuns: 300 },
  );
  t.end();
});

t.test("random bytes never throw, and mean the same in all chunks", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 10 }), fc.constantFrom(16, 100, 8192), (stream, points, limit) => {
      const whole = readAll(stream, limit, []);
      const cuts = points.filter((point) => point <= stream.length).sort((a, b) => a - b);
      for (const way of [cuts, everyByte(stream.length)]) {
        const { found, error, held } = readAll(stream, limit, way);
        t.same({ found, error, held }, { found: whole.found, error: whole.error, held: whole.held });
      }
    }),
    { seed: 8, numRuns: 500 },
  );
  t.end();
});

t.test("lengths: written, measured and read alike; only the minimal form is read", (t) => {
  const scratch = new Uint8Array(8);
  for (const n of [0, 1, 127, 128, 300, 16383, 16384, 2097151, 2097152, 2 ** 28 - 1]) {
    const end = writeVarint(scratch, 0, n);
    t.equal(end, varintBytes(n), `${n} takes ${end} bytes`);
    t.equal(readLength(scratch, 0, end), end);
    t.equal(lengthRead, n);
    for (let short = 0; short < end; short++) t.equal(readLength(scratch, 0, short), -1, "incomplete");
    if (end < LENGTH_BYTES_MAX) {
      scratch[end - 1]! |= 0x80;
      scratch[end] = 0;
      t.equal(readLength(scratch, 0, end + 1), -2, `${n} in one byte more than it needs`);
    }
  }
  t.end();
});

t.test("encoders agree: a message in one pass, and its body in a frame", (t) => {
  const sizes = [0, 1, 100, 124, 125, 126, 127, 128, 129, 130, 16370, 16380, 16384, 70_000];
  for (const size of sizes) {
    const message = { peer: Buffer.from("bob"), clientSeq: 1, payload: new Uint8Array(size).fill(97) };
    const body = hawser.v1.Send.encode(message).finish();
    t.equal(toHex(encodeMessage(FrameType.Send, hawser.v1.Send, message)), toHex(encodeFrame(FrameType.Send, body)), `${size} bytes of payload`);
  }
  t.equal(toHex(encodeMessage(FrameType.Resync, hawser.v1.Resync, {})), "010f");
  t.same(BEAT_FRAME, Uint8Array.of(0), "a beat is one byte");
  t.equal(frameTypeName(FrameType.Hello), "Hello");
  t.equal(frameTypeName(23), "type-23");
  t.end();
});

t.test("a batch is handed out whole or not at all", (t) => {
  const good = encodeBatch(FrameType.Send | HeaderBit.Batch, [Uint8Array.of(1), Uint8Array.of(2, 3)]).subarray(2);
  for (let end = 1; end <= good.length; end++) {
    let handed = 0;
    const whole = splitBatch(good, 0, end, () => handed++);
    t.equal(handed, whole ? (end === good.length ? 2 : 1) : 0, `${end} bytes of it`);
    t.equal(whole, end === 2 || end === good.length);
  }
  t.equal(
    splitBatch(good, 0, 0, () => t.fail("nothing is in it")),
    false,
  );
  t.equal(
    splitBatch(good, 2, 2, () => t.fail("nothing is in it")),
    false,
  );
  t.end();
});

t.test("the limit holds for the length value, and can be raised between two frames", (t) => {
  const reader = new FrameReader(Limits.frameBytesMaxBeforeWelcome);
  const sink = new Collector();
  t.equal(reader.push(encodeFrame(FrameType.Hello, new Uint8Array(Limits.frameBytesMaxBeforeWelcome - 1)), sink), 0);
  reader.limit = Limits.frameBytesMax;
  t.equal(reader.push(encodeFrame(FrameType.Send, new Uint8Array(Limits.frameBytesMax - 1)), sink), 0);
  t.equal(sink.found.length, 2);
  t.equal(reader.push(encodeFrame(FrameType.Send, new Uint8Array(Limits.frameBytesMax)), sink), ErrorCode.FrameTooLarge);
  t.equal(reader.push(Uint8Array.of(0), sink), 0, "afterwards nothing is read");
  t.equal(sink.found.length, 2);
  t.end();
});

t.test("a sink that says stop gets nothing more, from whichever chunk", (t) => {
  const stream = new Uint8Array(
    Buffer.concat([encodeFrame(5, Uint8Array.of(1)), encodeFrame(6, Uint8Array.of(2)), BEAT_FRAME, encodeFrame(7, Uint8Array.of(3))]),
  );
  for (let stopAt = 1; stopAt <= 4; stopAt++) {
    for (const cuts of [[], everyByte(stream.length), [2], [4], [7]]) {
      const reader = new FrameReader(Limits.frameBytesMax);
      let seen = 0;
      const sink: FrameSink = { frame: () => ++seen < stopAt };
      let from = 0;
      for (const to of [...cuts, stream.length]) {
        t.equal(reader.push(stream.slice(from, to), sink), 0);
        from = to;
      }
      t.equal(seen, stopAt, `stopped at ${stopAt}, cut at [${cuts}]`);
      t.equal(held(reader), 0, "and holds nothing");
    }
  }
  t.end();
});

t.test("memory follows the bytes that came, not the length that was claimed", (t) => {
  const sink = new Collector();
  const claim = fromHex("808020");
  const idle = new FrameReader(Limits.frameBytesMax);
  idle.push(fromHex("00 0605 61*5"), sink);
  t.equal(held(idle), 0, "nothing between two frames");

  const liars = Array.from({ length: 1000 }, () => new FrameReader(Limits.frameBytesMax));
  for (const liar of liars) for (const byte of [...claim, 5, 97, 97]) liar.push(Uint8Array.of(byte), sink);
  const each = Math.max(...liars.map(held));
  t.ok(each <= 256, `a claim of 512 KiB and six bytes hold ${each} bytes`);

  const slow = new FrameReader(Limits.frameBytesMax);
  slow.push(claim, sink);
  slow.push(Uint8Array.of(FrameType.Send), sink);
  const before = sink.found.length;
  const chunk = new Uint8Array(100);
  let sent = 1;
  let grown = 0;
  let size = held(slow);
  while (sent + chunk.length < Limits.frameBytesMax) {
    if (slow.push(chunk, sink) !== 0) t.fail("refused");
    sent += chunk.length;
    if (slow.heldBytes !== sent + 3) t.equal(slow.heldBytes, sent + 3);
    if (held(slow) > 2 * slow.heldBytes + 256) t.fail(`${slow.heldBytes} bytes came, ${held(slow)} are held`);
    if (held(slow) !== size) grown++;
    size = held(slow);
  }
  t.ok(size <= Limits.frameBytesMax + LENGTH_BYTES_MAX, `at most the limit and a length: ${size}`);
  t.ok(grown <= 12, `the buffer doubles, so bytes are copied twice on average: grew ${grown} times`);
  t.equal(sink.found.length, before);
  slow.push(new Uint8Array(Limits.frameBytesMax - sent), sink);
  t.equal(sink.found.length, before + 1, "and then it is a frame");
  t.equal(held(slow), 0, "and nothing is held");
  t.end();
});

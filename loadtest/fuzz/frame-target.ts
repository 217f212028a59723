// Fuzzes the framing: FrameReader and splitBatch against a second reader that sees the whole stream at once.
// Whatever the chunks, both must find the same frames and the same error at the same place; a chunk's memory must
// not be needed after it was read; what is held must follow what came.
//
// An input: limit and sink (1 byte), how to cut (4 bytes), then the stream.
import { ErrorCode } from "../../proto/error-code.ts";
import { splitBatch } from "../../proto/frame.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import type { FrameSink } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { Random } from "../../proto/testing/random.ts";
import { ReferenceFrames, Verdict, referenceBatch } from "./reference-frames.ts";
import { Input, expect, mutate } from "./target.ts";
import type { FuzzTarget } from "./target.ts";

const PREFIX_BYTES = 5;
const LIMITS = [64, 8 * 1024, 8 * 1024, 512 * 1024];
/** Chunks of at most so many bytes, by the way of cutting. */
const CHUNK_BYTES_MAX = [1, 2, 8, 8, 64, 64, 1500, 65536];
const STREAM_BYTES_MAX = 96 * 1024;
/** FrameReader's buffer starts with 256 bytes and doubles. */
const HELD_BYTES_MIN = 256;

/** Compares what the reader hands out with the reference, frame by frame. */
class ComparingSink implements FrameSink {
  readonly reference: ReferenceFrames;
  stream: Uint8Array;
  reader: FrameReader;
  raisedLimit: number;
  /** Stop at this frame; -1: never. */
  stopAt: number;
  next: number;
  private readonly memberStarts: number[];
  private readonly memberEnds: number[];
  private bytes: Uint8Array;
  private member: number;
  private offset: number;
  private readonly takeMember: (start: number, end: number) => void;

  constructor() {
    this.reference = new ReferenceFrames();
    this.stream = new Uint8Array(0);
    this.reader = new FrameReader(0);
    this.raisedLimit = 0;
    this.stopAt = -1;
    this.next = 0;
    this.memberStarts = [];
    this.memberEnds = [];
    this.bytes = this.stream;
    this.member = 0;
    this.offset = 0;
    this.takeMember = (start, end) => {
      const expected = this.memberStarts[this.member]! - this.offset;
      expect(start === expected && end === this.memberEnds[this.member]! - this.offset, "splitBatch: the reference's messages, in order");
      this.member++;
    };
  }

  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { reference, stream, next } = this;
    expect(next < reference.count, "no frame beyond those the reference finds");
    const from = reference.starts[next]!;
    expect(header === reference.headers[next]! && end - start === reference.ends[next]! - from, "the reference's header and length");
    for (let i = start, j = from; i < end; i++, j++) if (bytes[i] !== stream[j]) expect(false, "the reference's bytes");
    if ((header & HeaderBit.Batch) !== 0) {
      // The same bytes at another place: offsets differ by a constant.
      this.offset = from - start;
      this.bytes = bytes;
      this.member = 0;
      const members = referenceBatch(stream, from, reference.ends[next]!, this.memberStarts, this.memberEnds);
      const whole = splitBatch(this.bytes, start, end, this.takeMember);
      expect(whole === members >= 0 && this.member === Math.max(members, 0), "splitBatch: the reference's messages, or none");
    }
    if ((header & 31) === FrameType.Welcome) this.reader.limit = this.raisedLimit;
    this.next++;
    return this.stopAt !== next;
  }
}

export class FrameTarget implements FuzzTarget {
  readonly name = "frame";
  readonly unit = "chunks";
  private readonly input: Input;
  private readonly sink: ComparingSink;
  private readonly cuts: Random;
  private readonly chunk: Uint8Array;

  constructor() {
    this.input = new Input(STREAM_BYTES_MAX);
    this.sink = new ComparingSink();
    this.cuts = new Random(0);
    this.chunk = new Uint8Array(STREAM_BYTES_MAX);
  }

  generate(random: Random): Uint8Array {
    const { input } = this;
    input.length = 0;
    input.noise(random, PREFIX_BYTES);
    const items = random.between(1, 12);
    for (let i = 0; i < items; i++) writeItem(random, input);
    if (random.chance(0.4)) mutate(random, input, PREFIX_BYTES);
    return input.taken;
  }

  check(input: Uint8Array): number {
    const { sink, cuts } = this;
    const way = input[0] ?? 0;
    const limit = LIMITS[way & 3]!;
    const raisedLimit = (way & 4) !== 0 ? 512 * 1024 : limit;
    const stream = input.subarray(PREFIX_BYTES);
    sink.stream = stream;
    sink.raisedLimit = raisedLimit;
    sink.reference.read(stream, limit, FrameType.Welcome, raisedLimit);
    let fed = 0;
    cuts.reseed((input[1] ?? 0) + (input[2] ?? 0) * 256 + (input[3] ?? 0) * 65536);
    // The same stream cut three ways: once at random, once as large as it comes, once by single bytes if it is short.
    const chunkBytesMax = CHUNK_BYTES_MAX[(input[4] ?? 0) & 7]!;
    sink.stopAt = (way & 0xf8) === 0xf8 ? cuts.below(8) : -1;
    fed += this.feed(limit, chunkBytesMax);
    fed += this.feed(limit, stream.length + 1);
    if (stream.length <= 64) fed += this.feed(limit, 1);
    return fed;
  }

  private feed(limit: number, chunkBytesMax: number): number {
    const { sink, cuts } = this;
    const { stream, reference } = sink;
    const reader = new FrameReader(limit);
    sink.reader = reader;
    sink.next = 0;
    const stopped = sink.stopAt >= 0 && sink.stopAt < reference.count;
    let fed = 0;
    let error = 0;
    let carryBytes = 0;
    let carryBytesGrown = 0;
    for (let at = 0; at < stream.length && error === 0; ) {
      const length = Math.min(chunkBytesMax <= 2 ? chunkBytesMax : cuts.between(1, chunkBytesMax), stream.length - at);
      const chunk = this.chunk.subarray(0, length);
      for (let i = 0; i < length; i++) chunk[i] = stream[at + i]!;
      error = reader.push(chunk, sink);
      // Whoever still looks at the chunk sees this.
      chunk.fill(0xee);
      at += length;
      fed++;
      const carry = reader["carry"].length;
      expect(carry <= Math.max(HELD_BYTES_MIN, 2 * reader.heldBytes), "memory held follows the bytes that came");
      if (carry > carryBytes) carryBytesGrown += carry;
      carryBytes = carry;
      if (stopped && sink.next > sink.stopAt) break;
      if (error !== 0) expect(reference.verdict !== Verdict.Good && at >= reference.verdictFrom, "no error before its bytes came");
      else expect(reference.verdict === Verdict.Good || at < reference.verdictBy, "the error as soon as its bytes came");
    }
    expect(carryBytesGrown <= 4 * stream.length + HELD_BYTES_MIN * (reference.count + 1), "copying is bounded by the bytes that came");
    if (stopped) {
      expect(sink.next === sink.stopAt + 1 && error === 0, "a sink that stops gets nothing more");
    } else {
      expect(sink.next === reference.count, "every frame of the reference");
      expect(error === EXPECTED_ERROR[reference.verdict], "the reference's verdict");
    }
    const over = stopped || error !== 0;
    expect(reader.heldBytes === (over ? 0 : stream.length - reference.restAt), "what is held is the unfinished frame");
    if (over) {
      expect(reader.push(AFTERWARDS, sink) === 0 && reader.heldBytes === 0, "afterwards nothing is read");
      fed++;
    }
    return fed;
  }
}
const EXPECTED_ERROR = [0, ErrorCode.BadFrame, ErrorCode.FrameTooLarge];
const AFTERWARDS = Uint8Array.of(0, 1, 15, 0x80, 0x00, 3, 5, 1);

function bodyBytes(random: Random): number {
  const kind = random.below(100);
  if (kind < 70) return random.below(40);
  if (kind < 95) return random.between(90, 300);
  return kind < 99 ? random.below(9000) : random.between(16_000, 20_000);
}

function writeItem(random: Random, input: Input): void {
  const kind = random.below(100);
  if (kind < 15) return input.byte(0);
  if (kind < 60) return writeFrame(random, input, random.between(1, 31), bodyBytes(random));
  if (kind < 85) {
    const start = input.length;
    input.byte(random.between(1, 31) | HeaderBit.Batch);
    for (let members = random.between(1, 6); members > 0; members--) {
      const length = random.below(random.chance(0.1) ? 300 : 12);
      input.varint(length, random.chance(0.01) ? 3 : 1);
      input.run(random.uint32(), random.chance(0.02) ? length - 1 : length);
    }
    return input.prefixLength(start);
  }
  if (kind < 92) return writeFrame(random, input, random.below(256), bodyBytes(random));
  // A length that is wrong in one way or another, or very large.
  if (kind < 96) return input.varint(random.spread(34), random.below(6));
  input.noise(random, random.below(20));
}

function writeFrame(random: Random, input: Input, header: number, length: number): void {
  input.varint(length + 1);
  input.byte(header);
  if (length < 50) input.noise(random, length);
  else input.run(random.uint32(), length);
}

// Fuzzes the gateway's session core: programs of events for a few slots (open, chunks good and bad, the outcome of
// token checks in time and too late, closes from either side, time), held against session-model.ts after each.
//
// An input is the program: an operation's high bits say what, its low bits which slot, its operands follow.
import { deflateRawSync } from "node:zlib";
import { Compression } from "../../gateway/compress/compression.ts";
import { sha256 } from "../../gateway/compress/dictionary-source.ts";
import { Counters } from "../../gateway/counters.ts";
import { SessionCore } from "../../gateway/session/session.ts";
import type { SessionLimits } from "../../gateway/session/session.ts";
import { SessionTable } from "../../gateway/session/session-table.ts";
import { TimingWheel } from "../../gateway/session/timing-wheel.ts";
import { PARKED_HARD_BYTES_MAX, PARKED_SOFT_BYTES_MAX } from "../../gateway/session/parked-frames.ts";
import { Codec, dictionaryOf } from "../../proto/codec/codec.ts";
import { SMALL_BYTES_MAX, SmallDeflater } from "../../proto/codec/deflate.ts";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import type { FrameSink } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { Random } from "../../proto/testing/random.ts";
import { Phase, SessionModel } from "./session-model.ts";
import { Input, expect } from "./target.ts";
import type { FuzzTarget } from "./target.ts";

const SLOTS = 8;
const TICK_MS = 250;
const START_MS = 1_000_000;
const UNIX_MS = 1_780_000_000_000;
const LIMITS: SessionLimits = {
  connectionsMax: 6,
  heartbeatMs: 30_000,
  handshakeMs: 10_000,
  frameBytesMax: Limits.frameBytesMax,
  parkedBytesMax: 250 * 1024,
  sendsPerSecond: 20,
  sendsBurst: 40,
  requestsPerSecond: 10,
  requestsBurst: 20,
  nuisancesPerSecond: 5,
  nuisancesBurst: 30,
};

const Operation = {
  Open: 0,
  Hello: 1,
  /** Hello, its verification, and so a Ready session, in one. */
  Enter: 2,
  Messages: 3,
  Batch: 4,
  Beats: 5,
  Noise: 6,
  Accept: 7,
  Refuse: 8,
  PeerCloses: 9,
  TransportCloses: 10,
  Time: 11,
  Frame: 12,
  Large: 13,
  Gateway: 14,
  /** The next chunks of the slot are cut into pieces of so many bytes. */
  Cut: 15,
} as const;
/** What Operation.Gateway does: first what the gateway asks of a session, then frames that are compressed, well or not. */
const Act = {
  Refuse: 0,
  Slow: 1,
  Replace: 2,
  Idle: 3,
  TurnAway: 4,
  NoRoom: 5,
  GoAway: 6,
  Leave: 7,
  Compressed: 8,
  CompressedBatch: 9,
  WrongSize: 10,
  Damaged: 11,
  Bomb: 12,
  TooLarge: 13,
  End: 14,
  GoAwayAll: 100,
  CloseAll: 200,
} as const;
/** How often the generator takes each operation, and how many operands it has (Noise: those that its first counts, too). */
const WEIGHTS = [6, 5, 8, 14, 8, 6, 4, 6, 2, 3, 6, 8, 6, 3, 3, 3];
const OPERANDS = [0, 1, 1, 3, 3, 1, 1, 2, 2, 0, 0, 2, 3, 3, 2, 1];
const BAG = WEIGHTS.flatMap((weight, operation) => Array<number>(weight).fill(operation));
const TYPES = [5, 5, 5, 5, 8, 10, 12, 14, 1, 2, 3, 16, 18, 24, 31];
const REFUSALS = [ErrorCode.AuthFailed, ErrorCode.TokenExpired, ErrorCode.Internal];
const DICTIONARY = dictionaryOf(Buffer.from("good morning, are you there? see you tonight"), sha256);
const DEFLATER = new SmallDeflater(DICTIONARY.bytes);
const BARE_DEFLATER = new SmallDeflater(new Uint8Array(0));
/** As much as a frame may inflate to, in some five hundred bytes. */
const BOMB_BYTES = Limits.frameBytesMax - 1;
const BOMB = deflateRawSync(new Uint8Array(BOMB_BYTES));
const PLAIN = new Uint8Array(SMALL_BYTES_MAX);
const WORK = new Uint8Array(2 * SMALL_BYTES_MAX);
const NO_LINKS = { roundTripMs: () => undefined, bufferedBytes: () => 0 };
const INSTALL = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

export class SessionTarget implements FuzzTarget {
  readonly name = "session";
  readonly unit = "events";
  private readonly program: Input;

  constructor() {
    this.program = new Input(16 * 1024);
  }

  generate(random: Random): Uint8Array {
    const { program } = this;
    program.length = 0;
    program.byte(random.uint32());
    const slots = random.pick([1, 2, 3, SLOTS]);
    const weird = random.chance(0.5);
    for (let count = random.between(5, 150); count > 0; count--) {
      const slot = random.below(slots);
      const operation = random.pick(BAG);
      program.byte((operation << 4) | slot);
      // Mostly small numbers, and choices that mean "as it should be".
      const choices = operation === Operation.Gateway ? Act.End : 6;
      for (let i = OPERANDS[operation]!; i > 0; i--) program.byte(weird && random.chance(0.3) ? random.uint32() : random.below(choices));
      if (operation === Operation.Noise) program.noise(random, program.bytes[program.length - 1]!);
      // What chance alone seldom brings: a client that lives long, and clients in a great hurry.
      if (random.chance(0.01)) this.stayAlive(random, slot);
      if (random.chance(0.0004)) for (let who = 0; who < slots; who++) this.hurry(random, who);
    }
    return program.taken;
  }

  check(input: Uint8Array): number {
    return new Player(input).play();
  }

  /** A token for some minutes, and beats every half a minute, perhaps beyond its end. */
  private stayAlive(random: Random, slot: number): void {
    for (const byte of [(Operation.TransportCloses << 4) | slot, (Operation.Enter << 4) | slot, random.below(256)]) this.program.byte(byte);
    for (let beats = random.between(2, 16); beats > 0; beats--) {
      for (const byte of [(Operation.Beats << 4) | slot, 1, (Operation.Time << 4) | slot, 10, 30]) this.program.byte(byte);
    }
  }

  /** A Hello and far too much behind it. */
  private hurry(random: Random, slot: number): void {
    for (const byte of [(Operation.Open << 4) | slot, (Operation.Hello << 4) | slot, 0]) this.program.byte(byte);
    if (random.chance(0.3)) for (const byte of [(Operation.Beats << 4) | slot, random.between(200, 255)]) this.program.byte(byte);
    else for (const byte of [(Operation.Messages << 4) | slot, random.between(100, 255), 0, 255]) this.program.byte(byte);
  }
}

/** Plays one program. */
class Player implements FrameSink {
  private readonly input: Uint8Array;
  private at: number;
  private readonly model: SessionModel;
  private readonly table: SessionTable;
  private readonly wheel: TimingWheel;
  private readonly core: SessionCore;
  private readonly codecs: Compression;
  private readonly chunk: Input;
  private readonly cuts: Uint8Array;
  private events: number;
  /** The slot whose chunk is being read. */
  private slot: number;

  constructor(input: Uint8Array) {
    this.input = input;
    this.at = 0;
    this.model = new SessionModel(SLOTS, LIMITS, START_MS, DICTIONARY);
    this.table = new SessionTable(SLOTS);
    this.wheel = new TimingWheel(SLOTS, TICK_MS, 64, START_MS);
    const random = new Random(this.operand());
    const { model } = this;
    const counters = new Counters();
    this.codecs = new Compression(SLOTS, DICTIONARY, NO_LINKS, counters.compression, true);
    this.core = new SessionCore(
      this.table,
      this.wheel,
      model,
      counters,
      LIMITS,
      INSTALL,
      () => random.uint32() / 2 ** 32,
      () => UNIX_MS + model.now,
      this.codecs,
    );
    this.chunk = CHUNK;
    this.cuts = new Uint8Array(SLOTS);
    this.events = 0;
    this.slot = 0;
  }

  play(): number {
    while (this.at < this.input.length) {
      const byte = this.operand();
      const operation = byte >> 4;
      const operands = OPERANDS[operation]!;
      const a = operands > 0 ? this.operand() : 0;
      const b = operands > 1 ? this.operand() : 0;
      const c = operands > 2 ? this.operand() : 0;
      this.step(operation, byte & (SLOTS - 1), a, b, c);
      this.events++;
      this.checkState();
    }
    this.finish();
    return this.events;
  }

  /** Frames reach the core as a transport hands them over: those behind one that closed the session as well. */
  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { model, slot } = this;
    model.frame(slot, header, bytes, start, end);
    this.core.frame(slot, header, bytes, start, end, model.now);
    model.settled(slot);
    this.events++;
    return true;
  }

  private operand(): number {
    return this.input[this.at++] ?? 0;
  }

  private step(operation: number, slot: number, a: number, b: number, c: number): void {
    const { model, chunk } = this;
    const session = model.sessions[slot]!;
    chunk.length = 0;
    switch (operation) {
      case Operation.Open:
        if (session.phase === Phase.Free) this.open(slot);
        return;
      case Operation.Enter:
        if (session.phase === Phase.Free) this.open(slot);
        if (model.sessions[slot]!.phase !== Phase.Hello) return;
        // Odd lives come with compression.
        this.writeHello((a & 1) * (4 | (a & 2)));
        this.feed(slot);
        return this.accept(model.verifications.length - 1, a);
      case Operation.Hello:
        this.writeHello(a);
        return this.feed(slot);
      case Operation.Messages:
        for (let i = many(a, 4); i > 0; i--) this.writeFrame(TYPES[b % TYPES.length]!, c, i);
        return this.feed(slot);
      case Operation.Batch:
        this.writeBatch(TYPES[b % TYPES.length]!, a, c >> 2);
        return this.feed(slot);
      case Operation.Beats:
        chunk.run(0, many(a, 130));
        return this.feed(slot);
      case Operation.Noise:
        for (let length = a; length > 0; length--) chunk.byte(this.operand());
        return this.feed(slot);
      case Operation.Accept:
        return this.accept(a % Math.max(1, model.verifications.length), b);
      case Operation.Refuse:
        return this.refuse(a % Math.max(1, model.verifications.length), REFUSALS[b % REFUSALS.length]!);
      case Operation.PeerCloses:
        if (session.phase !== Phase.Free) this.closed(slot);
        return;
      case Operation.TransportCloses:
        if (session.phase === Phase.Closing) this.closed(slot);
        return;
      case Operation.Time:
        return this.pass(2 ** (a % 17) * (1 + b));
      case Operation.Frame:
        this.writeFrame(a, b, c);
        return this.feed(slot);
      case Operation.Large:
        chunk.varint(2 ** (a % 21));
        chunk.byte(TYPES[b % TYPES.length]!);
        chunk.run(7, Math.min(2 ** (a % 21) - 1, 256 * c));
        return this.feed(slot);
      case Operation.Gateway:
        return this.act(slot, a, b);
      default:
        this.cuts[slot] = a;
    }
  }

  /** `refused`: it is turned away at once with this code. */
  private open(slot: number, refused = 0): void {
    const { model } = this;
    model.open(slot, new FrameReader(Limits.frameBytesMaxBeforeWelcome));
    model.sessions[slot]!.asked = refused;
    this.core.opened(slot, model.now, refused === 0 ? undefined : { code: refused as ErrorCode, retryAfterMs: 5, detail: "no" });
    expect(refused === 0 || model.sessions[slot]!.phase === Phase.Closing, "one that is turned away is closed");
  }

  private closed(slot: number): void {
    const { model } = this;
    this.core.closed(slot);
    this.codecs.closed(slot);
    const session = model.sessions[slot]!;
    expect(!session.attached, "a session that is gone is detached");
    session.phase = Phase.Free;
    session.reader = undefined;
  }

  private accept(index: number, life: number): void {
    const { model } = this;
    const [verification] = model.verifications.splice(index, 1);
    if (verification === undefined) return;
    const { slot, generation, hello } = verification;
    const session = model.sessions[slot]!;
    // A life of 4 to 255: a token that ends so many seconds from now.
    const ends = life < 4 ? Number.POSITIVE_INFINITY : UNIX_MS + model.now + life * 1000;
    const concerned = session.phase === Phase.Verifying && session.generation === generation;
    if (concerned) {
      session.expiresAt = ends - UNIX_MS;
      expect(hello.install.length === Limits.installBytes && hello.watermark.length <= Limits.watermarkBytesMax, "what is kept of a Hello is as it must be");
      for (let i = 0; i < INSTALL.length; i++) if (hello.install[i] !== INSTALL[i]) expect(false, "and is a copy");
    }
    this.core.verified(slot, generation, { code: 0, user: Uint8Array.of(97), expiresAtUnixMs: ends }, model.now);
    if (concerned) model.settled(slot);
  }

  private refuse(index: number, code: ErrorCode): void {
    const { model, core } = this;
    const [verification] = model.verifications.splice(index, 1);
    if (verification === undefined) return;
    const { slot, generation } = verification;
    const session = model.sessions[slot]!;
    if (session.phase === Phase.Verifying && session.generation === generation) session.asked = code;
    core.verified(slot, generation, { code, detail: "no" }, model.now);
  }

  private pass(ms: number): void {
    this.model.now += ms;
    this.wheel.advance(this.model.now, this.core);
    this.model.checkDeadlines(TICK_MS);
  }

  /** What else a gateway does with a session. */
  private act(slot: number, what: number, operand: number): void {
    const { model, core } = this;
    const session = model.sessions[slot]!;
    const open = session.phase !== Phase.Free && session.phase !== Phase.Closing;
    switch (what) {
      case Act.Refuse:
        if (session.phase === Phase.Ready) session.asked = ErrorCode.Busy;
        core.refuse(slot, 1, ErrorCode.Busy, model.now, 500);
        session.asked = 0;
        return;
      case Act.Slow:
        if (open) session.asked = ErrorCode.SlowConsumer;
        return core.fail(slot, ErrorCode.SlowConsumer);
      case Act.Replace:
        if (session.phase === Phase.Ready) session.asked = ErrorCode.Replaced;
        return core.closeWith(slot, errorFrame(ErrorCode.Replaced), ErrorCode.Replaced);
      case Act.Idle:
        if (open) session.asked = ErrorCode.IdleTimeout;
        return core.idle(slot);
      case Act.TurnAway:
        if (session.phase === Phase.Free) this.open(slot, ErrorCode.Busy);
        return;
      case Act.NoRoom:
        if (open) session.asked = ErrorCode.Busy;
        return core.broken(slot, ErrorCode.Busy);
      case Act.GoAway:
        return core.goAway(model.now, 1000 * operand, Uint32Array.of(slot, operand & (SLOTS - 1)), () => "gateway-2:7070");
      case Act.Leave:
        return core.tellToLeave(slot, operand, 50 * operand, "");
      case Act.GoAwayAll:
        return core.goAway(model.now, 1000 * operand);
      case Act.CloseAll:
        for (const one of model.sessions) one.asked = ErrorCode.Internal;
        return core.closeAll();
      default:
        if (what >= Act.End) return;
        this.writeCompressed(what, operand, session.dictionary ? DEFLATER : BARE_DEFLATER);
        return this.feed(slot);
    }
  }

  /** A compressed frame, as good as `what` says; the operand chooses its type and size. */
  private writeCompressed(what: number, operand: number, deflater: SmallDeflater): void {
    const { chunk } = this;
    const start = chunk.length;
    const type = TYPES[operand % TYPES.length]!;
    chunk.byte(type | HeaderBit.Compressed | (what === Act.CompressedBatch ? HeaderBit.Batch : 0));
    if (what === Act.Bomb || what === Act.TooLarge) {
      chunk.varint(what === Act.Bomb ? BOMB_BYTES : BOMB_BYTES + 1 + operand);
      for (const byte of BOMB) chunk.byte(byte);
      return chunk.prefixLength(start);
    }
    let length = 0;
    if (what === Act.CompressedBatch) {
      // Messages of 2 bytes each; one operand stands for a batch that is none.
      for (let i = 0; i < operand; i++, length += 3) PLAIN.set([2, i, 9], length);
      if (operand === 33) PLAIN[length - 3] = 3;
    } else {
      length = (operand * 17) % SMALL_BYTES_MAX;
      PLAIN.fill(operand, 0, length);
    }
    const end = deflater.deflate(PLAIN.subarray(0, length), WORK, 0, WORK.length);
    chunk.varint(what === Act.WrongSize ? length + (operand % 3) - 1 : length);
    if (what === Act.Damaged && end > 0) WORK[operand % end]! ^= 1 << (operand & 7);
    for (let i = 0; i < end; i++) chunk.byte(WORK[i]!);
    chunk.prefixLength(start);
  }

  /** Gives the chunk to the slot's reader, cut as the program wants it, as a socket does: in Buffers that are used again. */
  private feed(slot: number): void {
    const { model, chunk } = this;
    const { reader } = model.sessions[slot]!;
    const step = this.cuts[slot]! || chunk.length;
    for (let at = 0; at < chunk.length; at += step) {
      const session = model.sessions[slot]!;
      if (session.phase === Phase.Free || session.phase === Phase.Closing || session.paused) return;
      const piece = Buffer.from(chunk.bytes.buffer, at, Math.min(step, chunk.length - at));
      this.slot = slot;
      const error = reader!.push(piece, this);
      piece.fill(0xee);
      if (error === 0 || model.sessions[slot]!.phase === (Phase.Closing as number)) continue;
      session.asked = error;
      this.core.broken(slot, error);
      expect(session.phase === Phase.Closing, "a broken stream ends its session");
    }
  }

  /** Hello with the faults that the bits of `faults` above 2 ask for. */
  private writeHello(faults: number): void {
    const hello = hawser.v1.Hello.encode({
      versionMin: (faults & 8) !== 0 ? 2 : 1,
      versionMax: 2,
      token: (faults & 16) !== 0 ? "" : "t".repeat((faults & 32) !== 0 ? 5000 : 3),
      device: (faults & 64) !== 0 ? Uint8Array.of(0xff) : Uint8Array.of(112, 49),
      install: (faults & 128) !== 0 ? INSTALL.subarray(1) : INSTALL,
      connection: 1,
      codecs: (faults & 4) !== 0 ? [Codec.Deflate] : [],
      dictionaries: (faults & 2) !== 0 ? [DICTIONARY.id] : [],
      sync: (faults & 1) !== 0,
      watermark: new Uint8Array((faults & 2) !== 0 ? 70 : 3),
    }).finish();
    this.chunk.varint(hello.length + 1);
    this.chunk.byte((faults & 7) === 7 ? FrameType.Hello | HeaderBit.Batch : FrameType.Hello);
    for (const byte of hello) this.chunk.byte(byte);
  }

  private writeBatch(type: number, count: number, length: number): void {
    const { chunk } = this;
    const start = chunk.length;
    chunk.byte(type | HeaderBit.Batch);
    for (let i = 0; i < count; i++) {
      chunk.varint(length);
      // One number of messages stands for a batch that is none: each is longer than it says.
      chunk.run(i, count === 33 ? length + 1 : length);
    }
    chunk.prefixLength(start);
  }

  private writeFrame(header: number, length: number, fill: number): void {
    this.chunk.varint(length + 1);
    this.chunk.byte(header);
    this.chunk.run(fill, length);
  }

  private checkState(): void {
    const { model, table, core } = this;
    expect(table.openCount === model.openCount && table.readyCount === model.readyCount, "the table counts as the model does");
    let parked = 0;
    for (const handshake of core["handshakes"]) {
      const bytes = handshake?.parked?.byteLength ?? 0;
      expect(bytes <= PARKED_HARD_BYTES_MAX && (bytes < PARKED_SOFT_BYTES_MAX || handshake!.paused), "a handshake parks so much, and then pauses");
      parked += bytes;
    }
    expect(core["parkedBytes"] === parked && parked <= LIMITS.parkedBytesMax, "parked bytes are counted and bounded");
    for (let slot = 0; slot < SLOTS; slot++) {
      const { phase, expiresAt } = model.sessions[slot]!;
      const open = phase !== Phase.Free && phase !== Phase.Closing;
      const ends = open && (phase !== Phase.Ready || expiresAt !== Number.POSITIVE_INFINITY);
      expect(this.wheel.armed(slot) === ends, "a deadline for each handshake and each token that ends, and none for others");
      expect(core["handshakes"][slot] === undefined || phase === Phase.Hello || phase === Phase.Verifying, "nothing is kept of a handshake that is over");
    }
  }

  /** Time passes until everybody is gone, and nothing is left. */
  private finish(): void {
    const { model } = this;
    for (let round = 0; round < 4; round++) this.pass(60_000);
    for (let slot = 0; slot < SLOTS; slot++) {
      if (model.sessions[slot]!.phase === Phase.Ready) this.act(slot, Act.Idle, 0);
      const { phase } = model.sessions[slot]!;
      expect(phase === Phase.Free || phase === Phase.Closing, "silence ends every session");
      if (phase === Phase.Closing) this.closed(slot);
    }
    while (model.verifications.length > 0) this.accept(0, 0);
    expect(this.table.openCount === 0 && this.table.readyCount === 0, "the table is empty in the end");
    this.checkState();
  }
}
const CHUNK = new Input(160 * 1024);

/** The highest counts stand for far more. */
function many(count: number, times: number): number {
  return count >= 240 ? count * times : count;
}

// What a session must do, as a model for the fuzzer: hears everything the session core asks for and holds it against
// what was fed. Each message has exactly one outcome, in order and under its number; nothing is said before Welcome
// or after the close; attach, detach, pause and resume come in pairs; a session ends when its time is over, and not
// before; every error is one of the table.
import { Codec, type Dictionary } from "../../proto/codec/codec.ts";
import { zlibInflate } from "../../proto/codec/zlib-inflate.ts";
import { ERROR_RULES, ErrorCode } from "../../proto/error-code.ts";
import type { FrameReader } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import type { Hello } from "../../gateway/session/handshake.ts";
import type { SessionLimits, SessionSink } from "../../gateway/session/session.ts";
import { referenceDecode } from "../../proto/testing/reference-decoder.ts";
import { readSchema } from "../../proto/testing/schema.ts";
import { ReferenceFrames, Verdict, referenceBatch } from "./reference-frames.ts";
import { expect } from "./target.ts";

export const Phase = { Free: 0, Hello: 1, Verifying: 2, Ready: 3, Closing: 4 } as const;

/** What one frame or message must lead to. */
interface Expected {
  /** A beat's answer, a command or refusal, or the end of the session with this code. */
  kind: "beat" | "message" | "end";
  type: number;
  ref: number;
  body: Uint8Array;
  code: number;
}

export class ModelSession {
  phase: number = Phase.Free;
  generation = 0;
  openedAt = 0;
  readyAt = 0;
  expiresAt = Infinity;
  reader: FrameReader | undefined;
  limitRaised = false;
  welcomed = false;
  attached = false;
  paused = false;
  messages = 0;
  sends = 0;
  others = 0;
  nuisances = 0;
  /** Deflate was agreed on, with a dictionary; and something was inflated, which may be too much. */
  deflate = false;
  dictionary = false;
  inflated = false;
  expected: Expected[] = [];
  /** Code and ref of the close or refusal that the driver itself asked for. */
  asked = 0;
}

const REQUESTS: readonly number[] = [FrameType.Send, FrameType.Sync, FrameType.Fetch, FrameType.Check, FrameType.Read];
const schema = readSchema("hawser.proto");
const utf8 = new TextDecoder("utf-8", { fatal: true });

export class SessionModel implements SessionSink {
  readonly sessions: ModelSession[];
  readonly limits: SessionLimits;
  /** Verifications that were asked for and not answered. */
  readonly verifications: { slot: number; generation: number; hello: Hello }[];
  now: number;
  idleMs: number;
  private readonly reference: ReferenceFrames;
  private readonly starts: number[];
  private readonly ends: number[];
  private readonly dictionary: Dictionary;

  constructor(slots: number, limits: SessionLimits, now: number, dictionary: Dictionary) {
    this.sessions = Array.from({ length: slots }, () => new ModelSession());
    this.limits = limits;
    this.verifications = [];
    this.now = now;
    this.idleMs = limits.heartbeatMs * 1.5 + 10_000;
    this.reference = new ReferenceFrames();
    this.starts = [];
    this.ends = [];
    this.dictionary = dictionary;
  }

  open(slot: number, reader: FrameReader): void {
    const session = new ModelSession();
    session.generation = this.sessions[slot]!.generation + 1;
    session.phase = Phase.Hello;
    session.openedAt = this.now;
    session.reader = reader;
    this.sessions[slot] = session;
  }

  /** A frame is about to be fed: notes what it must lead to. */
  frame(slot: number, header: number, bytes: Uint8Array, start: number, end: number): void {
    const session = this.sessions[slot]!;
    if (session.phase === Phase.Hello) this.expectHello(session, header, bytes.subarray(start, end));
    else if (session.phase === Phase.Verifying || session.phase === Phase.Ready) this.expectOutcomes(session, header, bytes, start, end);
  }

  /** The core returned: nothing may be owed to a session that is Ready. */
  settled(slot: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase !== Phase.Ready || session.expected.length === 0, "every message of a frame has its outcome");
    expect(session.phase !== Phase.Hello || session.expected.length === 0, "a first frame that is refused ends the session");
  }

  /** The wheel was advanced: whose time is over must be gone. */
  checkDeadlines(tickMs: number): void {
    for (const { phase, openedAt, expiresAt } of this.sessions) {
      const waiting = phase === Phase.Hello || phase === Phase.Verifying;
      expect(!waiting || this.now < openedAt + this.limits.handshakeMs + tickMs, "a handshake ends in time");
      expect(phase !== Phase.Ready || this.now < expiresAt + tickMs, "an expired session ends in time");
    }
  }

  get openCount(): number {
    return this.sessions.filter(({ phase }) => phase !== Phase.Free).length;
  }

  get readyCount(): number {
    return this.sessions.filter(({ phase }) => phase === Phase.Ready).length;
  }

  // ---- what the core asks for ----

  write(slot: number, frame: Uint8Array): void {
    const session = this.sessions[slot]!;
    const { type, body } = this.whole(frame);
    if (type === FrameType.Welcome) {
      expect(session.phase === Phase.Verifying && !session.welcomed, "one Welcome, after a token was verified");
      session.welcomed = true;
      const { codec, dictionary } = hawser.v1.Welcome.decode(body);
      expect(
        (codec === (Codec.Deflate as number)) === session.deflate && dictionary.length > 0 === session.dictionary,
        "deflate and the dictionary for those who offered them",
      );
      return;
    }
    expect(session.phase === Phase.Ready, "nothing is written but to a session that was welcomed and is not closing");
    if (type === FrameType.GoAway) return;
    const next = session.expected[0];
    if (type === 0) {
      expect(next?.kind === "beat", "a beat answers a beat");
      session.expected.shift();
      return this.countNuisance(session);
    }
    if (type === FrameType.Dictionary) {
      expect(next?.kind === "message" && next.type === FrameType.Dictionary, "a dictionary answers the request for one");
      session.expected.shift();
      return;
    }
    expect(type === FrameType.Error, "a gateway writes beats, Welcome, GoAway and errors by itself");
    const { code, ref, closes, retryAfterMs } = hawser.v1.Error.decode(body);
    expect(code in ERROR_RULES && !closes, "an Error of the table, which does not say that it closes");
    if (session.asked !== 0 && code === session.asked) {
      session.asked = 0;
    } else {
      expect(next?.kind === "message" && ref === next.ref, "an Error names the request whose turn it is");
      const limited = REQUESTS.includes(next.type);
      if (next.type === FrameType.Dictionary) expect(DICTIONARY_REFUSALS.includes(code), "an error of those for dictionaries");
      else expect(code === (limited ? ErrorCode.RateLimited : ErrorCode.UnknownType), "RATE_LIMITED for a request, UNKNOWN_TYPE for the rest");
      expect(code !== ErrorCode.RateLimited || retryAfterMs > 0, "RATE_LIMITED says how long to wait");
      session.expected.shift();
    }
    if (code !== ErrorCode.Busy) this.countNuisance(session);
  }

  close(slot: number, lastFrame: Uint8Array | undefined): void {
    const session = this.sessions[slot]!;
    const { phase, expected } = session;
    expect(phase !== Phase.Free && phase !== Phase.Closing, "a session is closed once");
    expect(!session.attached, "detach comes before close");
    session.phase = Phase.Closing;
    if (lastFrame === undefined) {
      expect(session.asked !== 0, "an end without a word only when the gateway was told to");
      return;
    }
    const { type, body } = this.whole(lastFrame);
    if (type !== FrameType.Error) {
      expect(session.asked !== 0, "a last frame that is no Error comes from logic");
      return;
    }
    const { code, closes } = hawser.v1.Error.decode(body);
    expect(code in ERROR_RULES && closes, "the last Error is one of the table and says that it closes");
    if (code === session.asked) return;
    const { now, limits } = this;
    switch (code) {
      case ErrorCode.HandshakeTimeout:
        return expect(phase === Phase.Hello && now >= session.openedAt + limits.handshakeMs, "HANDSHAKE_TIMEOUT not before its time");
      case ErrorCode.TokenExpired:
        return expect(now >= session.expiresAt, "TOKEN_EXPIRED not before its time");
      case ErrorCode.TooManyConnections:
        return expect(this.openCount > limits.connectionsMax, "TOO_MANY_CONNECTIONS only above the limit");
      case ErrorCode.Busy:
        // Too much before Welcome, a check that takes too long, too much to inflate, or too many nuisances.
        return expect(phase === Phase.Verifying || session.inflated || session.nuisances >= limits.nuisancesBurst, "BUSY closes for a reason");
      default:
        return expect(expected[0]?.kind === "end" && expected[0].code === code, "the error that the input calls for, when its turn has come");
    }
  }

  pause(slot: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Verifying && !session.paused, "reading pauses once, before Welcome");
    session.paused = true;
  }

  resume(slot: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Ready && session.paused, "reading goes on once, after Welcome");
    session.paused = false;
  }

  watch(slot: number, idleMs: number): void {
    expect(this.sessions[slot]!.phase === Phase.Ready || this.sessions[slot]!.phase === Phase.Verifying, "only a session that is welcomed is watched");
    expect(idleMs === this.idleMs, "for as long as the heartbeat says");
  }

  setFrameLimit(slot: number, bytes: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Verifying && bytes === this.limits.frameBytesMax, "frames may be larger after Welcome");
    session.limitRaised = true;
    session.reader!.limit = bytes;
  }

  verify(slot: number, generation: number, hello: Hello): void {
    const session = this.sessions[slot]!;
    const next = session.expected.shift();
    expect(session.phase === Phase.Hello && next?.kind === "message", "a good Hello is verified, once");
    expect(generation === session.generation, "under the slot's generation");
    session.phase = Phase.Verifying;
    session.deflate = hello.codecs.deflate;
    session.dictionary = hello.codecs.deflate && hello.codecs.dictionaries.includes(this.dictionary.name);
    this.verifications.push({ slot, generation, hello });
  }

  attach(slot: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Verifying && session.welcomed && !session.attached, "attached once, behind Welcome");
    expect(session.limitRaised, "which says that frames may be larger now");
    session.attached = true;
    session.phase = Phase.Ready;
    session.readyAt = this.now;
  }

  detach(slot: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Ready && session.attached, "detached once, if attached");
    session.attached = false;
  }

  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    const session = this.sessions[slot]!;
    expect(session.phase === Phase.Ready && session.attached, "commands between attach and detach");
    const next = session.expected.shift();
    expect(next?.kind === "message" && next.type === type && next.ref === ref, "the message whose turn it is, under its number");
    expect(REQUESTS.includes(type), "requests only");
    expect(end - start === next.body.length, "its body");
    for (let i = start, j = 0; i < end; i++, j++) if (bytes[i] !== next.body[j]) expect(false, "its body");
    const seconds = (this.now - session.readyAt) / 1000;
    const { sendsBurst, sendsPerSecond, requestsBurst, requestsPerSecond } = this.limits;
    if (type === FrameType.Send) expect(++session.sends <= sendsBurst + sendsPerSecond * seconds + 1, "Sends stay within their rate");
    else expect(++session.others <= requestsBurst + requestsPerSecond * seconds + 1, "requests stay within their rate");
  }

  // ---- what frames call for ----

  private expectHello(session: ModelSession, header: number, body: Uint8Array): void {
    let code: number = 0;
    if (header !== FrameType.Hello) {
      const malformed = (header & HeaderBit.Compressed) !== 0 || (header & 31) === FrameType.Hello;
      code = malformed ? ErrorCode.BadFrame : ErrorCode.HelloExpected;
    } else code = refusalOf(body);
    session.expected.push({ kind: code === 0 ? "message" : "end", type: FrameType.Hello, ref: 0, body: NONE, code });
  }

  private expectOutcomes(session: ModelSession, header: number, bytes: Uint8Array, start: number, end: number): void {
    if (header === 0) {
      session.expected.push({ kind: "beat", type: 0, ref: 0, body: NONE, code: 0 });
      return;
    }
    if ((header & HeaderBit.Compressed) !== 0) {
      const allowed = session.phase === Phase.Ready && session.deflate && (header & 31) !== FrameType.Hello;
      const body = allowed ? inflated(bytes, start, end, this.limits.frameBytesMax - 1, session.dictionary ? this.dictionary.bytes : NONE) : undefined;
      if (body === undefined) return this.expectEnd(session, ErrorCode.BadFrame);
      session.inflated = true;
      return this.expectOutcomes(session, header & ~HeaderBit.Compressed, body, 0, body.length);
    }
    if ((header & HeaderBit.Batch) === 0) return this.expectMessage(session, header, Uint8Array.from(bytes.subarray(start, end)));
    if ((header & 31) === FrameType.Hello) return this.expectEnd(session, ErrorCode.BadFrame);
    const count = referenceBatch(bytes, start, end, this.starts, this.ends);
    if (count < 0) return this.expectEnd(session, ErrorCode.BadFrame);
    for (let i = 0; i < count; i++) this.expectMessage(session, header & 31, Uint8Array.from(bytes.subarray(this.starts[i], this.ends[i])));
  }

  private expectMessage(session: ModelSession, type: number, body: Uint8Array): void {
    const ref = ++session.messages;
    if (type === FrameType.Hello) this.expectEnd(session, ErrorCode.BadRequest);
    else session.expected.push({ kind: "message", type, ref, body, code: 0 });
  }

  private expectEnd(session: ModelSession, code: number): void {
    session.expected.push({ kind: "end", type: 0, ref: 0, body: NONE, code });
  }

  private countNuisance(session: ModelSession): void {
    const { nuisancesBurst, nuisancesPerSecond } = this.limits;
    const allowed = nuisancesBurst + nuisancesPerSecond * ((this.now - session.readyAt) / 1000) + 2;
    expect(++session.nuisances <= allowed, "beats and refusals are answered within their rate only");
  }

  /** Bytes that the core writes are one whole frame. */
  private whole(frame: Uint8Array): { type: number; body: Uint8Array } {
    const { reference } = this;
    reference.read(frame, Limits.frameBytesMax, -1, 0);
    expect(reference.verdict === Verdict.Good && reference.count === 1 && reference.restAt === frame.length, "what is written is one whole frame");
    return { type: reference.headers[0]!, body: frame.subarray(reference.starts[0], reference.ends[0]) };
  }
}
const NONE = new Uint8Array(0);
const DICTIONARY_REFUSALS: readonly number[] = [ErrorCode.BadRequest, ErrorCode.RateLimited, ErrorCode.Unsupported];

/** The body of a compressed frame by SPEC.md §2: a minimal varint of its size, at most `sizeMax`, and all of the rest is deflate. */
function inflated(bytes: Uint8Array, start: number, end: number, sizeMax: number, dictionary: Uint8Array): Uint8Array | undefined {
  let size = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    if (at === end || shift > 21) return undefined;
    const byte = bytes[at++]!;
    size += (byte & 127) << shift;
    if (byte >= 128) continue;
    if (byte === 0 && shift > 0) return undefined;
    break;
  }
  if (size === 0 || size > sizeMax || at === end) return undefined;
  return zlibInflate(bytes.subarray(at, end), size, dictionary);
}

/** The error that a Hello body calls for (SPEC.md §3), 0 for a good one. */
function refusalOf(body: Uint8Array): number {
  const hello = referenceDecode(schema, "Hello", body);
  if (hello === undefined) return ErrorCode.BadRequest;
  const {
    versionMin = 0,
    versionMax = 0,
    device,
    install,
    token = "",
  } = hello as { versionMin?: number; versionMax?: number; device?: Uint8Array; install?: Uint8Array; token?: string };
  if (versionMin > 1 || versionMax < 1) return ErrorCode.VersionUnsupported;
  if (device === undefined || device.length > 64 || !isUtf8(device) || install?.length !== 8) return ErrorCode.BadRequest;
  return token === "" || token.length > 4096 ? ErrorCode.AuthFailed : 0;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

// The state machine of every client session (SPEC.md §2-§4, §10, §12, §13), without I/O: events and times come in,
// what to do goes to a SessionSink. Its state is the SessionTable; there is no object per session but what a
// handshake needs while it lasts.
//
//   opened → Hello ── Hello ──▶ Verifying ── verified ──▶ Ready ──▶ Closing ── closed → Free
//
// Invariants: the sink hears attach once for each session that becomes Ready, detach once when it stops being so,
// and command only in between, in the order the client sent. `close` is asked for once a slot.
import { ErrorCode, type ErrorFields, errorFrame } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { BEAT } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { idleDeadlineMs } from "../../proto/limits.ts";
import { NO_CODECS, type SessionCodecs } from "../compress/codecs.ts";
import { CloseReason, type Counters } from "../counters.ts";
import { fixedBeats, type SessionBeats } from "../heartbeat/sessions.ts";
import { type Hello, readHello, sessionName, welcomeFrame } from "./handshake.ts";
import { ParkedFrames, PARKED_SOFT_BYTES_MAX } from "./parked-frames.ts";
import { type RequestLimits, type RequestOutcomes, Requests } from "./requests.ts";
import { SessionState, type SessionTable } from "./session-table.ts";
import type { TimingWheel, WheelSink } from "./timing-wheel.ts";
import type { Refused, Verified } from "./token.ts";

/** What the session core asks for; implemented by gateway.ts. */
export interface SessionSink {
  write(slot: number, frame: Uint8Array): void;
  /** Ends the connection, with a last frame if there is one. */
  close(slot: number, lastFrame: Uint8Array | undefined): void;
  pause(slot: number): void;
  resume(slot: number): void;
  setFrameLimit(slot: number, bytes: number): void;
  /** The transport answers beats from now on, and tells when nothing came for `idleMs`. */
  watch(slot: number, idleMs: number): void;
  /** To be answered by SessionCore.verified. */
  verify(slot: number, generation: number, hello: Hello): void;
  attach(slot: number, sync: boolean, watermark: Uint8Array): void;
  detach(slot: number): void;
  /** A request of a Ready session; the body is bytes[start, end), valid during the call. */
  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void;
}

export interface SessionLimits extends RequestLimits {
  connectionsMax: number;
  heartbeatMs: number;
  handshakeMs: number;
  /** Largest frame read after Welcome (length value). */
  frameBytesMax: number;
  /** Frames parked by all handshakes together. */
  parkedBytesMax: number;
}

interface Handshake {
  hello: Hello | undefined;
  parked: ParkedFrames | undefined;
  paused: boolean;
}

const { GO_AWAY_DRAIN } = hawser.v1.GoAwayReason;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 10_000;

export class SessionCore implements WheelSink, RequestOutcomes {
  private readonly table: SessionTable;
  private readonly wheel: TimingWheel;
  private readonly sink: SessionSink;
  private readonly counters: Counters;
  private readonly limits: SessionLimits;
  private readonly incarnation: Uint8Array;
  /** Uniform in [0, 1). */
  private readonly random: () => number;
  /** ms since 1970, for Welcome. */
  private readonly unixNow: () => number;
  private readonly beats: SessionBeats;
  private readonly codecs: SessionCodecs;
  private readonly requests: Requests;
  /** By slot, while in Hello or Verifying. */
  private readonly handshakes: (Handshake | undefined)[];
  private parkedBytes: number;
  /** Connections that have not said who they are, or are not believed yet. */
  handshakeCount: number;
  /** When all sessions will be closed; 0: not draining. */
  private drainEndsAt: number;
  /** Where a session is to go meanwhile; "": where it is. */
  private targetOf: (slot: number) => string;

  constructor(
    table: SessionTable,
    wheel: TimingWheel,
    sink: SessionSink,
    counters: Counters,
    limits: SessionLimits,
    incarnation: Uint8Array,
    random: () => number,
    unixNow: () => number,
    codecs: SessionCodecs = NO_CODECS,
    beats: SessionBeats = fixedBeats(limits.heartbeatMs),
  ) {
    this.table = table;
    this.wheel = wheel;
    this.sink = sink;
    this.counters = counters;
    this.limits = limits;
    this.incarnation = incarnation;
    this.random = random;
    this.unixNow = unixNow;
    this.beats = beats;
    this.codecs = codecs;
    this.requests = new Requests(this, table, sink, counters, limits, codecs);
    this.handshakes = new Array(table.capacity).fill(undefined);
    this.parkedBytes = 0;
    this.handshakeCount = 0;
    this.drainEndsAt = 0;
    this.targetOf = () => "";
  }

  /** `refused`: why it is turned away at once; nothing is kept of it then. */
  opened(slot: number, now: number, refused?: { code: ErrorCode; retryAfterMs: number; detail: string }): void {
    const { table } = this;
    this.counters.accepted++;
    table.open(slot);
    if (refused !== undefined) return this.fail(slot, refused.code, { closes: true, retryAfterMs: refused.retryAfterMs, detail: refused.detail });
    if (table.openCount > this.limits.connectionsMax) return this.fail(slot, ErrorCode.TooManyConnections, { retryAfterMs: this.retryMs() });
    this.requests.opened(slot);
    this.handshakes[slot] = { hello: undefined, parked: undefined, paused: false };
    this.handshakeCount++;
    this.wheel.arm(slot, now + this.limits.handshakeMs);
  }

  /** One frame: bytes[start, end) is its body; `header` is BEAT for a beat. */
  frame(slot: number, header: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    switch (this.table.state[slot]) {
      case SessionState.Ready:
        return this.requests.frame(slot, header, bytes, start, end, now);
      case SessionState.Hello:
        return this.helloFrame(slot, header, bytes, start, end);
      case SessionState.Verifying:
        return this.park(slot, header, bytes, start, end);
      default:
        // Closing: what stood behind the frame that ended it.
        return;
    }
  }

  /** What the token check found. Ignored when the session is gone. */
  verified(slot: number, generation: number, result: Verified | Refused, now: number): void {
    const { table } = this;
    if (table.state[slot] !== SessionState.Verifying || table.generation[slot] !== generation) return;
    if (result.code !== 0) {
      this.counters.authFailures[result.code]!++;
      return this.fail(slot, result.code, { closes: true, detail: result.detail });
    }
    const expiresAt = now + (result.expiresAtUnixMs - this.unixNow());
    const { hello, parked, paused } = this.endHandshake(slot);
    const { device, install, connection, frameBytesMax, sync, watermark, codecs } = hello!;
    table.ready(slot, result.user, device, install);
    table.connection[slot] = connection;
    table.frameBytesMax[slot] = frameBytesMax;
    table.expiresAt[slot] = expiresAt;
    if (expiresAt === Number.POSITIVE_INFINITY) this.wheel.disarm(slot);
    else this.wheel.arm(slot, expiresAt);
    const heartbeatMs = this.beats.begin(slot, result.user, hello!, now);
    this.sink.watch(slot, idleDeadlineMs(heartbeatMs));
    this.sink.setFrameLimit(slot, this.limits.frameBytesMax);
    const welcome = {
      session: sessionName(this.incarnation, slot, generation),
      user: result.user,
      heartbeatMs,
      frameBytesMax: this.limits.frameBytesMax,
      sendsPerSecond: this.limits.sendsPerSecond,
      unixMs: this.unixNow(),
      terms: this.codecs.agree(slot, codecs),
    };
    this.sink.write(slot, welcomeFrame(welcome));
    this.sink.attach(slot, sync, watermark);
    if (this.drainEndsAt !== 0) this.tellToLeave(slot, GO_AWAY_DRAIN, this.random() * Math.max(0, this.drainEndsAt - now), this.targetOf(slot));
    parked?.forEach((header, bytes, start, end) => {
      if ((header & HeaderBit.Compressed) !== 0) this.fail(slot, ErrorCode.BadFrame, { detail: "compressed before Welcome" });
      else this.frame(slot, header, bytes, start, end, now);
    });
    if (paused && table.isReady(slot, generation)) this.sink.resume(slot);
  }

  /** The transport received nothing for as long as `watch` said. */
  idle(slot: number): void {
    this.fail(slot, ErrorCode.IdleTimeout);
  }

  /** The transport read bytes that are no frames, or has no room for the frames that they begin (Busy). */
  broken(slot: number, code: ErrorCode): void {
    if (code === ErrorCode.Busy) this.fail(slot, code, { closes: true, retryAfterMs: this.retryMs(), detail: "too many unfinished frames" });
    else this.fail(slot, code);
  }

  /** The connection is gone; the slot may be opened again. */
  closed(slot: number): void {
    if (this.table.state[slot] !== SessionState.Closing) this.leave(slot, CloseReason.Peer);
    this.table.free(slot);
  }

  /** A deadline of the slot came. */
  due(slot: number, now: number): void {
    const { table } = this;
    switch (table.state[slot]) {
      case SessionState.Hello:
        return this.fail(slot, ErrorCode.HandshakeTimeout);
      case SessionState.Verifying:
        return this.fail(slot, ErrorCode.Busy, { closes: true, retryAfterMs: this.retryMs(), detail: "the token check takes too long" });
      case SessionState.Ready:
        if (table.expiresAt[slot]! <= now) this.fail(slot, ErrorCode.TokenExpired);
    }
  }

  /**
   * Tells the sessions of these slots to leave, one after the other, spread evenly over `drainMs`; those that finish their handshake
   * later are told then.
   */
  goAway(now: number, drainMs: number, slots = this.table.readySlots(), targetOf = this.targetOf): void {
    this.drainEndsAt = now + drainMs;
    this.targetOf = targetOf;
    for (let i = 0; i < slots.length; i++) this.tellToLeave(slots[i]!, GO_AWAY_DRAIN, (drainMs * i) / slots.length, targetOf(slots[i]!));
  }

  /** Tells a session to connect again at that moment, to `target` or, when that is "", to where it is. */
  tellToLeave(slot: number, reason: number, reconnectAfterMs: number, target: string): void {
    if (this.table.state[slot] !== SessionState.Ready) return;
    const fields = { reason, reconnectAfterMs: Math.floor(reconnectAfterMs), target };
    this.sink.write(slot, encodeMessage(FrameType.GoAway, hawser.v1.GoAway, fields));
  }

  /** Closes every session. */
  closeAll(): void {
    for (let slot = 0; slot < this.table.slotEnd; slot++) {
      const state = this.table.state[slot];
      if (state !== SessionState.Free && state !== SessionState.Closing) this.end(slot, CloseReason.Drained, undefined);
    }
  }

  /** A request is answered with an error; the connection stays. */
  refuse(slot: number, ref: number, code: ErrorCode, now: number, retryAfterMs = 0, detail = ""): void {
    if (this.table.state[slot] !== SessionState.Ready) return;
    this.counters.refusals[code]!++;
    this.sink.write(slot, errorFrame(code, { ref, retryAfterMs, detail }));
    // Busy is our own doing.
    if (code !== ErrorCode.Busy) this.requests.nuisance(slot, now);
  }

  /** Writes an error and closes. Nothing happens when the session is closing already. */
  fail(slot: number, code: ErrorCode, fields: ErrorFields = {}): void {
    const state = this.table.state[slot];
    if (state === SessionState.Free || state === SessionState.Closing) return;
    this.end(slot, code, errorFrame(code, fields));
  }

  /** Closes behind a frame that says why (fabric's DELIVERY_CLOSE). */
  closeWith(slot: number, frame: Uint8Array, code: number): void {
    if (this.table.state[slot] === SessionState.Ready) this.end(slot, code, frame);
  }

  private end(slot: number, reason: number, lastFrame: Uint8Array | undefined): void {
    this.leave(slot, reason);
    this.sink.close(slot, lastFrame);
  }

  /** Everything that ends with a session, but for its connection. */
  private leave(slot: number, reason: number): void {
    const wasReady = this.table.state[slot] === SessionState.Ready;
    this.counters.closes[reason]!++;
    this.wheel.disarm(slot);
    this.endHandshake(slot);
    // While it is Ready: whoever is told of the detach may look at its ids.
    if (wasReady) this.sink.detach(slot);
    this.table.closing(slot);
  }

  private endHandshake(slot: number): Handshake {
    const handshake = this.handshakes[slot];
    if (handshake === undefined) return NO_HANDSHAKE;
    this.handshakes[slot] = undefined;
    this.handshakeCount--;
    this.parkedBytes -= handshake.parked?.byteLength ?? 0;
    return handshake;
  }

  private helloFrame(slot: number, header: number, bytes: Uint8Array, start: number, end: number): void {
    if (header === BEAT || (header & TYPE_MASK) !== FrameType.Hello) {
      if ((header & HeaderBit.Compressed) !== 0) return this.fail(slot, ErrorCode.BadFrame);
      return this.fail(slot, ErrorCode.HelloExpected);
    }
    this.counters.framesIn[FrameType.Hello]!++;
    if (header !== FrameType.Hello) return this.fail(slot, ErrorCode.BadFrame, { detail: "Hello is never batched or compressed" });
    const hello = readHello(bytes, start, end, this.limits.frameBytesMax);
    if ("code" in hello) return this.fail(slot, hello.code, { closes: true, detail: hello.detail });
    this.table.state[slot] = SessionState.Verifying;
    this.handshakes[slot]!.hello = hello;
    this.sink.verify(slot, this.table.generation[slot]!, hello);
  }

  private park(slot: number, header: number, bytes: Uint8Array, start: number, end: number): void {
    const handshake = this.handshakes[slot]!;
    handshake.parked ??= new ParkedFrames();
    const { parked } = handshake;
    const before = parked.byteLength;
    if (!parked.add(header, bytes, start, end) || this.parkedBytes + parked.byteLength - before > this.limits.parkedBytesMax) {
      this.parkedBytes += parked.byteLength - before;
      return this.fail(slot, ErrorCode.Busy, { closes: true, retryAfterMs: this.retryMs(), detail: "too much before Welcome" });
    }
    this.parkedBytes += parked.byteLength - before;
    if (handshake.paused || parked.byteLength < PARKED_SOFT_BYTES_MAX) return;
    handshake.paused = true;
    this.sink.pause(slot);
  }

  /** Spread, so that those who were refused together do not come back together. */
  retryMs(): number {
    return Math.floor(RETRY_MS_MIN + this.random() * (RETRY_MS_MAX - RETRY_MS_MIN));
  }
}
const NO_HANDSHAKE: Handshake = { hello: undefined, parked: undefined, paused: false };

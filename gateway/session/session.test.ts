// The session state machine, rule by rule (SPEC.md §2-§4, §10, §12, §13), and under random input.
import fc from "fast-check";
import t from "tap";
import { ErrorCode, errorName } from "../../proto/error-code.ts";
import { encodeBatch, encodeMessage, lengthRead, readLength } from "../../proto/frame.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { idleDeadlineMs, Limits } from "../../proto/limits.ts";
import { CloseReason, Counters } from "../counters.ts";
import type { Hello } from "./handshake.ts";
import { PARKED_HARD_BYTES_MAX } from "./parked-frames.ts";
import { SessionCore, type SessionLimits, type SessionSink } from "./session.ts";
import { IdSlab } from "./id-slab.ts";
import { SessionState, SessionTable } from "./session-table.ts";
import { TimingWheel } from "./timing-wheel.ts";

const LIMITS: SessionLimits = {
  connectionsMax: 8,
  heartbeatMs: 20_000,
  handshakeMs: 10_000,
  frameBytesMax: Limits.frameBytesMax,
  sendsPerSecond: 10,
  sendsBurst: 20,
  requestsPerSecond: 100,
  requestsBurst: 50,
  nuisancesPerSecond: 10,
  nuisancesBurst: 30,
  parkedBytesMax: 1024 * 1024,
};
const UNIX_MS = 1_770_000_000_000;
const text = (value: string) => new TextEncoder().encode(value);
const ALICE = text("alice");
const INSTALL = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A session core with everything it asks for written down, in order. */
class Bench implements SessionSink {
  now = 1000;
  readonly done: string[] = [];
  readonly errors: hawser.v1.Error[] = [];
  readonly commands: { slot: number; type: number; ref: number; body: Uint8Array }[] = [];
  readonly hellos: Hello[] = [];
  welcome: hawser.v1.Welcome | undefined;
  goAway: hawser.v1.GoAway | undefined;
  readonly table = new SessionTable(16);
  readonly counters = new Counters();
  readonly wheel = new TimingWheel(16, 100, 4096, 1000);
  readonly core: SessionCore;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.core = new SessionCore(
      this.table,
      this.wheel,
      this,
      this.counters,
      { ...LIMITS, ...limits },
      Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9),
      () => 0.5,
      () => UNIX_MS + this.now,
    );
  }

  write(slot: number, frame: Uint8Array): void {
    this.done.push(`write ${slot} ${this.describe(frame)}`);
  }

  close(slot: number, lastFrame: Uint8Array | undefined): void {
    this.done.push(`close ${slot}${lastFrame === undefined ? "" : ` ${this.describe(lastFrame)}`}`);
  }

  watch(slot: number, idleMs: number): void {
    this.done.push(`watch ${slot} ${idleMs}`);
  }

  pause(slot: number): void {
    this.done.push(`pause ${slot}`);
  }

  resume(slot: number): void {
    this.done.push(`resume ${slot}`);
  }

  setFrameLimit(slot: number, bytes: number): void {
    this.done.push(`limit ${slot} ${bytes}`);
  }

  verify(slot: number, _generation: number, hello: Hello): void {
    this.hellos.push(hello);
    this.done.push(`verify ${slot} ${hello.token}`);
  }

  attach(slot: number, sync: boolean, watermark: Uint8Array): void {
    this.done.push(`attach ${slot} ${sync} ${watermark.length}`);
  }

  detach(slot: number): void {
    this.done.push(`detach ${slot}`);
  }

  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    this.commands.push({ slot, type, ref, body: bytes.slice(start, end) });
    this.done.push(`command ${slot} ${type} ${ref}`);
  }

  /** Bytes of whole frames, as a transport would hand them over. */
  frames(slot: number, ...frames: Uint8Array[]): void {
    for (const frame of frames) {
      new FrameReader(1 << 20).push(frame, {
        frame: (header, bytes, start, end) => {
          this.core.frame(slot, header, bytes, start, end, this.now);
          return true;
        },
      });
    }
  }

  advance(ms: number): void {
    this.now += ms;
    this.wheel.advance(this.now, this.core);
  }

  /** What was done since the last call. */
  take(): string[] {
    return this.done.splice(0);
  }

  ready(slot = 0, hello: hawser.v1.Hello.$Properties = {}, expiresAtUnixMs = Number.POSITIVE_INFINITY): void {
    this.core.opened(slot, this.now);
    this.frames(slot, helloFrame(hello));
    this.core.verified(slot, this.table.generation[slot]!, { code: 0, user: ALICE, expiresAtUnixMs }, this.now);
    this.take();
  }

  private describe(frame: Uint8Array): string {
    if (frame.length === 1) return "Beat";
    const at = readLength(frame, 0, frame.length);
    const body = frame.subarray(at + 1, at + lengthRead);
    switch (frame[at]! & TYPE_MASK) {
      case FrameType.Welcome:
        this.welcome = hawser.v1.Welcome.decode(body);
        return "Welcome";
      case FrameType.GoAway:
        this.goAway = hawser.v1.GoAway.decode(body);
        return `GoAway ${this.goAway.reconnectAfterMs}`;
      case FrameType.Error: {
        const error = hawser.v1.Error.decode(body);
        this.errors.push(error);
        return `${errorName(error.code)}${error.ref === 0 ? "" : ` ref ${error.ref}`}${error.closes ? " closes" : ""}`;
      }
      default:
        return `frame of type ${frame[at]}`;
    }
  }
}

function helloFrame(fields: hawser.v1.Hello.$Properties = {}, header: number = FrameType.Hello): Uint8Array {
  const hello = { versionMin: 1, versionMax: 1, token: "t", device: text("phone"), install: INSTALL, connection: 1, ...fields };
  return encodeMessage(header, hawser.v1.Hello, hello);
}

function sendFrame(clientSeq: number): Uint8Array {
  return encodeMessage(FrameType.Send, hawser.v1.Send, { peer: text("bob"), clientSeq, payload: text("hi") });
}

const SYNC = encodeMessage(FrameType.Sync, hawser.v1.Sync, {});
const BEAT = Uint8Array.of(0);

t.test("Hello, token, Welcome, and what was pipelined, in order", async (t) => {
  const bench = new Bench();
  bench.core.opened(3, bench.now);
  bench.frames(3, helloFrame({ token: "secret", connection: 7, sync: true, watermark: Uint8Array.of(1, 2), frameBytesMax: 100 }));
  t.strictSame(bench.take(), ["verify 3 secret"]);
  bench.frames(3, sendFrame(1), BEAT, SYNC);
  t.strictSame(bench.take(), [], "parked");
  bench.core.verified(3, 1, { code: 0, user: ALICE, expiresAtUnixMs: Number.POSITIVE_INFINITY }, bench.now);
  t.strictSame(bench.take(), [
    `watch 3 ${idleDeadlineMs(LIMITS.heartbeatMs)}`,
    "limit 3 524288",
    "write 3 Welcome",
    "attach 3 true 2",
    "command 3 5 1",
    "write 3 Beat",
    "command 3 8 2",
  ]);
  const { welcome } = bench;
  t.match(welcome, {
    version: 1,
    heartbeatMs: 20_000,
    frameBytesMax: 524_288,
    payloadBytesMax: 65_536,
    codec: 0,
    sendsPerSecond: 10,
    requestsInFlightMax: 256,
  });
  t.strictSame([...welcome!.user], [...ALICE]);
  t.strictSame([...welcome!.session], [9, 9, 9, 9, 0, 0, 0, 3, 0, 0, 0, 1]);
  t.equal(welcome!.serverTime, UNIX_MS + bench.now - Date.UTC(2025, 0, 1));
  t.equal(bench.table.frameBytesMax[3], 4096, "a smaller wish counts as 4096");
  t.strictSame([...bench.table.install(3)], [...INSTALL]);
  t.equal(bench.table.connection[3], 7);
  bench.core.closed(3);
  t.strictSame(bench.take(), ["detach 3"]);
  t.equal(bench.table.state[3], SessionState.Free);
  t.equal(bench.counters.closes[CloseReason.Peer], 1);
});

t.test("what may stand first", async (t) => {
  const cases: [string, Uint8Array, string][] = [
    ["a beat", BEAT, "HELLO_EXPECTED closes"],
    ["another type", SYNC, "HELLO_EXPECTED closes"],
    ["an unknown type", Uint8Array.of(1, 25), "HELLO_EXPECTED closes"],
    ["a compressed frame", Uint8Array.of(1, FrameType.Send | HeaderBit.Compressed), "BAD_FRAME closes"],
    ["a batched Hello", encodeBatch(FrameType.Hello | HeaderBit.Batch, [helloFrame().subarray(2)]), "BAD_FRAME closes"],
    ["no protobuf", Uint8Array.of(3, FrameType.Hello, 0x0a, 0xff), "BAD_REQUEST closes"],
    ["version 0", helloFrame({ versionMin: 0, versionMax: 0 }), "VERSION_UNSUPPORTED closes"],
    ["version 2", helloFrame({ versionMin: 2, versionMax: 3 }), "VERSION_UNSUPPORTED closes"],
    ["no device", helloFrame({ device: text("") }), "BAD_REQUEST closes"],
    ["a long device", helloFrame({ device: text("d".repeat(65)) }), "BAD_REQUEST closes"],
    ["a device that is not UTF-8", helloFrame({ device: Uint8Array.of(0xff) }), "BAD_REQUEST closes"],
    ["a short install", helloFrame({ install: INSTALL.subarray(1) }), "BAD_REQUEST closes"],
    ["no token", helloFrame({ token: "" }), "AUTH_FAILED closes"],
    ["a long token", helloFrame({ token: "x".repeat(4097) }), "AUTH_FAILED closes"],
  ];
  for (const [name, frame, expected] of cases) {
    const bench = new Bench();
    bench.core.opened(0, bench.now);
    bench.frames(0, frame, SYNC);
    t.strictSame(bench.take(), [`close 0 ${expected}`], name);
    bench.core.closed(0);
    t.strictSame(bench.take(), [], "nothing was attached");
  }
  const bench = new Bench();
  bench.core.opened(0, bench.now);
  bench.frames(0, helloFrame({ versionMin: 0, versionMax: 9, watermark: new Uint8Array(65) }));
  t.equal(bench.hellos[0]!.watermark.length, 0, "a watermark that cannot be ours is left out");
});

t.test("a token that is refused drops all that was pipelined", async (t) => {
  const bench = new Bench();
  bench.core.opened(0, bench.now);
  bench.frames(0, helloFrame(), sendFrame(1), SYNC);
  bench.core.verified(0, 1, { code: ErrorCode.AuthFailed, detail: "no" }, bench.now);
  t.strictSame(bench.take(), ["verify 0 t", "close 0 AUTH_FAILED closes"]);
  bench.core.closed(0);
  bench.core.opened(0, bench.now);
  bench.frames(0, helloFrame({ token: "second" }));
  bench.core.verified(0, 1, { code: 0, user: ALICE, expiresAtUnixMs: Number.POSITIVE_INFINITY }, bench.now);
  t.strictSame(bench.take(), ["verify 0 second"], "an answer for the slot's former session is not ours");
  t.equal(bench.counters.authFailures[ErrorCode.AuthFailed], 1);
});

t.test("pipelining: reading pauses, then nothing more is taken", async (t) => {
  const bench = new Bench();
  bench.core.opened(0, bench.now);
  bench.frames(0, helloFrame());
  bench.take();
  const big = encodeMessage(FrameType.Send, hawser.v1.Send, { peer: text("bob"), payload: new Uint8Array(5000) });
  bench.frames(0, big, big, big);
  t.strictSame(bench.take(), []);
  bench.frames(0, big);
  t.strictSame(bench.take(), ["pause 0"], "above 16 KiB");
  bench.frames(0, big);
  t.strictSame(bench.take(), [], "once");
  bench.core.verified(0, 1, { code: 0, user: ALICE, expiresAtUnixMs: Number.POSITIVE_INFINITY }, bench.now);
  t.strictSame(bench.take(), [
    "watch 0 40000",
    "limit 0 524288",
    "write 0 Welcome",
    "attach 0 false 0",
    ...[1, 2, 3, 4, 5].map((ref) => `command 0 5 ${ref}`),
    "resume 0",
  ]);
  t.ok(
    bench.commands.every(({ body }) => body.length > 5000 && hawser.v1.Send.decode(body).payload.length === 5000),
    "whole copies",
  );

  const flood = new Bench();
  flood.core.opened(0, flood.now);
  flood.frames(0, helloFrame());
  for (let bytes = 0; bytes < PARKED_HARD_BYTES_MAX + 6000; bytes += 5000) flood.frames(0, big);
  t.strictSame(flood.take(), ["verify 0 t", "pause 0", "close 0 BUSY closes"], "a peer that cannot be paused is closed in the end");

  const crowd = new Bench({ parkedBytesMax: 20_000 });
  for (let slot = 0; slot < 3; slot++) {
    crowd.core.opened(slot, crowd.now);
    crowd.frames(slot, helloFrame(), big, big);
  }
  t.strictSame(crowd.take(), ["verify 0 t", "verify 1 t", "close 1 BUSY closes", "verify 2 t", "close 2 BUSY closes"], "all handshakes together are bounded");
  crowd.core.closed(0);
  crowd.core.opened(0, crowd.now);
  crowd.frames(0, helloFrame(), big, big);
  t.strictSame(crowd.take(), ["verify 0 t"], "and give back what they held");
});

t.test("every message counts, and batches are split", async (t) => {
  const bench = new Bench();
  bench.ready();
  const bodies = [1, 2].map((clientSeq) => hawser.v1.Send.encode({ peer: text("bob"), clientSeq }).finish());
  bench.frames(0, sendFrame(1), BEAT, Uint8Array.of(1, 25), encodeBatch(FrameType.Send | HeaderBit.Batch, bodies), Uint8Array.of(1, FrameType.Push));
  bench.frames(0, encodeBatch(29 | HeaderBit.Batch, [text("a"), text("b")]), SYNC);
  t.strictSame(bench.take(), [
    "command 0 5 1",
    "write 0 Beat",
    "write 0 UNKNOWN_TYPE ref 2",
    "command 0 5 3",
    "command 0 5 4",
    "write 0 UNKNOWN_TYPE ref 5",
    "write 0 UNKNOWN_TYPE ref 6",
    "write 0 UNKNOWN_TYPE ref 7",
    "command 0 8 8",
  ]);
  t.strictSame(
    bench.commands.slice(1, 3).map(({ body }) => hawser.v1.Send.decode(body).clientSeq),
    [1, 2],
  );
  t.equal(bench.counters.framesIn[FrameType.Send], 3);
  t.equal(bench.counters.refusals[ErrorCode.UnknownType], 4);
});

t.test("what ends a session that is ready", async (t) => {
  const cases: [string, Uint8Array, string][] = [
    ["a second Hello", helloFrame(), "BAD_REQUEST ref 1 closes"],
    ["a batch of Hellos", encodeBatch(FrameType.Hello | HeaderBit.Batch, [text(""), text("")]), "BAD_FRAME closes"],
    ["a compressed frame", Uint8Array.of(1, FrameType.Send | HeaderBit.Compressed), "BAD_FRAME closes"],
    ["an empty batch", Uint8Array.of(1, FrameType.Send | HeaderBit.Batch), "BAD_FRAME closes"],
    ["a batch that is cut short", Uint8Array.of(3, FrameType.Send | HeaderBit.Batch, 2, 0), "BAD_FRAME closes"],
    ["a batch with a length that is not minimal", Uint8Array.of(4, FrameType.Send | HeaderBit.Batch, 0x81, 0x00, 0), "BAD_FRAME closes"],
  ];
  for (const [name, frame, expected] of cases) {
    const bench = new Bench();
    bench.ready();
    bench.frames(0, frame, SYNC, BEAT);
    t.strictSame(bench.take(), ["detach 0", `close 0 ${expected}`], name);
  }
  const bench = new Bench();
  bench.ready();
  bench.core.broken(0, ErrorCode.FrameTooLarge);
  bench.core.broken(0, ErrorCode.BadFrame);
  t.strictSame(bench.take(), ["detach 0", "close 0 FRAME_TOO_LARGE closes"], "what the transport found, once");
});

t.test("rates", async (t) => {
  const bench = new Bench({ nuisancesPerSecond: 1000, nuisancesBurst: 1000 });
  bench.ready();
  for (let i = 1; i <= 22; i++) bench.frames(0, sendFrame(i));
  const done = bench.take();
  t.strictSame(
    done.slice(0, 20),
    Array.from({ length: 20 }, (_, i) => `command 0 5 ${i + 1}`),
    "a burst",
  );
  t.strictSame(done.slice(20), ["write 0 RATE_LIMITED ref 21", "write 0 RATE_LIMITED ref 22"]);
  t.equal(bench.errors.at(-1)!.retryAfterMs, 100, "until the next one");
  bench.frames(0, SYNC);
  t.strictSame(bench.take(), ["command 0 8 23"], "other requests have a rate of their own");
  bench.advance(100);
  bench.frames(0, sendFrame(21), sendFrame(22));
  t.strictSame(bench.take(), ["command 0 5 24", "write 0 RATE_LIMITED ref 25"]);
  for (let i = 0; i < 60; i++) bench.frames(0, SYNC);
  t.match(bench.take().at(-1), /RATE_LIMITED ref/);

  const flood = new Bench();
  flood.ready();
  for (let i = 0; i < 40; i++) flood.frames(0, BEAT);
  t.strictSame(flood.take().slice(30), ["write 0 Beat", "detach 0", "close 0 BUSY closes"], "beats without end");
  const unknown = new Bench();
  unknown.ready();
  unknown.frames(
    0,
    encodeBatch(
      28 | HeaderBit.Batch,
      Array.from({ length: 5000 }, () => text("")),
    ),
  );
  t.equal(unknown.take().length, 33, "a batch of nonsense is not answered to its end");
});

t.test("deadlines", async (t) => {
  const bench = new Bench();
  bench.core.opened(0, bench.now);
  bench.core.opened(1, bench.now);
  bench.frames(1, helloFrame());
  bench.take();
  bench.advance(9900);
  t.strictSame(bench.take(), []);
  bench.advance(200);
  t.strictSame(bench.take().sort(), ["close 0 HANDSHAKE_TIMEOUT closes", "close 1 BUSY closes"]);
  bench.core.closed(0);
  bench.core.closed(1);

  bench.ready(0);
  bench.core.idle(0);
  t.strictSame(bench.take(), ["detach 0", "close 0 IDLE_TIMEOUT closes"]);
  bench.core.closed(0);

  bench.ready(0, {}, UNIX_MS + bench.now + 5000);
  bench.frames(0, BEAT);
  bench.take();
  bench.advance(4900);
  t.strictSame(bench.take(), []);
  bench.advance(200);
  t.strictSame(bench.take(), ["detach 0", "close 0 TOKEN_EXPIRED closes"]);
  bench.core.closed(0);
  t.equal(bench.table.openCount, 0);
});

t.test("too many, going away, closing all", async (t) => {
  const bench = new Bench({ connectionsMax: 2 });
  bench.ready(0);
  bench.ready(1);
  bench.core.opened(2, bench.now);
  t.strictSame(bench.take(), ["close 2 TOO_MANY_CONNECTIONS closes"]);
  t.ok(bench.errors.at(-1)!.retryAfterMs >= 1000);
  bench.core.closed(2);
  bench.core.closed(1);
  bench.ready(3);
  bench.core.goAway(bench.now, 1000);
  t.strictSame(bench.take(), ["write 0 GoAway 0", "write 3 GoAway 500"], "each its own moment");
  t.equal(bench.goAway!.reason, 1);
  bench.core.closed(0);
  bench.take();
  bench.core.opened(4, bench.now);
  bench.frames(4, helloFrame());
  bench.advance(500);
  bench.core.verified(4, 1, { code: 0, user: ALICE, expiresAtUnixMs: Number.POSITIVE_INFINITY }, bench.now);
  t.strictSame(bench.take().slice(-2), ["attach 4 false 0", "write 4 GoAway 250"], "who comes in between is told as well");
  bench.core.closeAll();
  t.strictSame(bench.take(), ["detach 3", "close 3", "detach 4", "close 4"]);
  bench.core.closed(3);
  bench.core.closed(4);
  t.strictSame([bench.table.openCount, bench.table.readyCount], [0, 0]);
  t.equal(bench.counters.closes[CloseReason.Drained], 2);
});

t.test("whatever comes, the sink's rules hold", async () => {
  const event = fc.oneof(
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom("opened", "closed", "broken", "verified", "refused"), slot: fc.nat(3), bytes: fc.constant(BEAT) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("frame"),
        slot: fc.nat(3),
        bytes: fc.oneof(
          fc.constantFrom(BEAT, SYNC, sendFrame(1), helloFrame()),
          fc.uint8Array({ minLength: 1, maxLength: 40 }).map((body) => Uint8Array.of(body.length, ...body)),
        ),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait"), slot: fc.nat(40_000), bytes: fc.constant(BEAT) }) },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const bench = new Bench({ connectionsMax: 3 });
      const open = new Set<number>();
      const attached = new Set<number>();
      const closing = new Set<number>();
      const check = () => {
        for (const line of bench.take()) {
          const [verb, slotText, type] = line.split(" ");
          const slot = Number(slotText);
          if (closing.has(slot)) throw new Error(`${line} after close`);
          if (verb === "attach") {
            if (attached.has(slot)) throw new Error("attached twice");
            attached.add(slot);
          } else if (verb === "detach" && !attached.delete(slot)) throw new Error("detached without attach");
          else if (verb === "command" && !attached.has(slot)) throw new Error("command without attach");
          else if (verb === "close") {
            if (attached.has(slot)) throw new Error("closed while attached");
            closing.add(slot);
          } else if (verb === "write" && type === "Welcome" && attached.has(slot)) throw new Error("Welcome twice");
        }
      };
      for (const { kind, slot, bytes } of events) {
        if (kind === "opened" && !open.has(slot)) {
          open.add(slot);
          bench.core.opened(slot, bench.now);
        } else if (kind === "closed" && open.delete(slot)) {
          bench.core.closed(slot);
          check();
          closing.delete(slot);
        } else if (kind === "broken" && open.has(slot)) bench.core.broken(slot, ErrorCode.BadFrame);
        else if (kind === "verified")
          bench.core.verified(slot, bench.table.generation[slot]!, { code: 0, user: ALICE, expiresAtUnixMs: UNIX_MS + bench.now + 60_000 }, bench.now);
        else if (kind === "refused") bench.core.verified(slot, bench.table.generation[slot]!, { code: ErrorCode.AuthFailed, detail: "" }, bench.now);
        else if (kind === "frame" && open.has(slot)) bench.frames(slot, bytes);
        else if (kind === "wait") bench.advance(slot);
        check();
      }
      for (let slot = 0; slot < 4; slot++) {
        if (attached.has(slot) !== (bench.table.state[slot] === SessionState.Ready)) throw new Error("attached is not Ready");
        if (open.has(slot) !== (bench.table.state[slot] !== SessionState.Free)) throw new Error("open is not used");
      }
      if (bench.table.openCount !== open.size || bench.table.readyCount !== attached.size) throw new Error("counts are off");
    }),
    { numRuns: 800 },
  );
});

t.test("id slab: records keep what was written, and room never runs out", (t) => {
  const record = fc.record({ slot: fc.nat(7), length: fc.integer({ min: 10, max: 136 }), fill: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const slab = new IdSlab(8, 136);
      const held = new Map<number, { at: number; length: number; fill: number }>();
      for (const { slot, length, fill } of records) {
        const old = held.get(slot);
        if (old !== undefined) {
          slab.release(old.at, old.length);
          held.delete(slot);
        } else {
          const at = slab.take(length);
          slab.page(at).fill(fill, slab.start(at), slab.start(at) + length);
          held.set(slot, { at, length, fill });
        }
        for (const { at, length, fill } of held.values()) {
          const start = slab.start(at);
          for (let i = start; i < start + length; i++) if (slab.page(at)[i] !== fill) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
  const slab = new IdSlab(2, 136);
  slab.take(136);
  slab.take(136);
  t.throws(() => slab.take(136), "more than there can be is a mistake, not a reason to grow");
  // Over many pages: no two records share a byte.
  const large = new IdSlab(5000, 136);
  const places = Array.from({ length: 5000 }, (_, i) => ({ at: large.take(30 + (i % 100)), length: 30 + (i % 100), fill: i % 251 }));
  for (const { at, length, fill } of places) large.page(at).fill(fill, large.start(at), large.start(at) + length);
  t.ok(
    places.every(({ at, length, fill }) =>
      large
        .page(at)
        .subarray(large.start(at), large.start(at) + length)
        .every((byte) => byte === fill),
    ),
  );
  t.end();
});

// All sessions of a driver: who is connected, greeted, welcomed, away; when each beats, gives up waiting, and comes back.
// Typed arrays and one timing wheel for all; what passes over a connection is read in inbound.ts.
//
//   Away ─ ordered ─▶ Connecting ─ open ─▶ Greeting ─ Welcome ─▶ Ready ─ lost ─▶ Waiting ─ wheel ─▶ Connecting …
//
// A session comes back by itself only when it was not sent away (SPEC.md §3: full jitter).
// Invariant: a session's wire is free in Away and Waiting, and in use in the other states.
import { TimingWheel } from "../../gateway/session/timing-wheel.ts";
import { BEAT_FRAME, encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { Random } from "../../proto/testing/random.ts";
import type { Counts } from "./counts.ts";
import { Due, Heartbeat, PATIENCE_MS } from "./heartbeat.ts";
import type { Identity } from "./identity.ts";
import type { Inbound, InboundHost, Return } from "./inbound.ts";
import type { Pulling, PullingHost } from "./pulling.ts";
import { type Address, parseAddress, type Routes } from "./routes.ts";
import type { Sending } from "./sending.ts";
import { Flag, NOBODY, type SessionTable, State } from "./session-table.ts";
import type { Talker } from "./talker.ts";
import type { Wire, WireEvents } from "./wire.ts";

const WHEEL_TICK_MS = 50;
const WHEEL_BUCKETS = 8192;
/** From the first packet to Welcome. */
const HANDSHAKE_MS = 30_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A Sync that is refused is asked for again after a time that doubles so often. */
const SYNC_BACKOFFS_MAX = 4;
/** For a connection whose receive buffer is to be small, until it is to be slow. */
const UNHURRIED_BYTES_PER_SECOND = 1_000_000_000;

export interface SessionsHost {
  /** A session is welcomed; its heads have come. */
  welcomed(session: number): void;
  synced(session: number): void;
  /** The server does not want the session back, which is away for good. */
  turnedAway(session: number): void;
}

export interface SessionsSetup {
  readonly table: SessionTable;
  readonly talkers: Talker[];
  readonly counts: Counts;
  readonly identity: Identity;
  readonly routes: Routes;
  readonly random: Random;
}

/** What deals with frames; made after Sessions, which they call. */
export interface SessionsParts {
  inbound: Inbound;
  sending: Sending;
  pulling: Pulling;
}

export class Sessions implements WireEvents, InboundHost, PullingHost {
  readonly table: SessionTable;
  readonly talkers: Talker[];
  readonly counts: Counts;
  parts: SessionsParts | undefined;
  /** By transport: TCP, WebSocket. */
  tcp: Wire | undefined;
  ws: Wire | undefined;
  private readonly host: SessionsHost;
  private readonly identity: Identity;
  private readonly routes: Routes;
  private readonly random: Random;
  private readonly wheel: TimingWheel;
  private readonly originMs: number;
  private readonly epochMs: number;
  private readonly heartbeat: Heartbeat;
  private readonly attention: Set<Talker>;
  /** Of few sessions at a time: how they are to come back, where to, and how slowly they read. */
  private readonly returns: Map<number, Return>;
  private readonly targets: Map<number, Address>;
  private readonly throttles: Map<number, number>;

  constructor({ table, talkers, counts, identity, routes, random }: SessionsSetup, host: SessionsHost) {
    this.table = table;
    this.talkers = talkers;
    this.counts = counts;
    this.identity = identity;
    this.parts = undefined;
    this.tcp = undefined;
    this.ws = undefined;
    this.host = host;
    this.routes = routes;
    this.random = random;
    this.originMs = performance.now();
    // Read once: it is a getter that costs more than the clock.
    this.epochMs = performance.timeOrigin;
    this.wheel = new TimingWheel(table.sessions, WHEEL_TICK_MS, WHEEL_BUCKETS, 0);
    this.heartbeat = new Heartbeat(table, random);
    this.attention = new Set();
    this.returns = new Map();
    this.targets = new Map();
    this.throttles = new Map();
  }

  /** Since the driver's start. */
  get nowMs(): number {
    return performance.now() - this.originMs;
  }

  /** Since the epoch; the same clock in all processes of a machine. */
  get nowUs(): number {
    return (this.epochMs + performance.now()) * 1000;
  }

  /** Undefined: the session has nobody to talk to. */
  talkerAt(session: number): Talker | undefined {
    const number = this.table.talker[session]!;
    return number === NOBODY ? undefined : this.talkers[number];
  }

  // ---- orders ----

  /** Begins to connect a session that is not connected. */
  connect(session: number): void {
    const { table } = this;
    if (table.state[session]! > State.Waiting) return;
    table.state[session] = State.Connecting;
    table.clear(session, Flag.BeatAsked | Flag.Synced | Flag.Leaving | Flag.OnLeave | Flag.FirstBeat);
    this.wheel.arm(session, this.nowMs + HANDSHAKE_MS);
    const wire = this.wireOf(session);
    if (table.has(session, Flag.Throttled)) wire.throttle(session, UNHURRIED_BYTES_PER_SECOND);
    const elsewhere = this.targets.get(session);
    if (elsewhere !== undefined) this.targets.delete(session);
    try {
      wire.connect(session, this.routes.target(session, table.moves[session]!, elsewhere));
    } catch (error) {
      this.counts.error("NO_CONNECT", (error as Error).message);
      this.closed(session, "refused by the wire");
    }
  }

  /** Ends its connection, if any. Away for good, or for `awayMs`. */
  leave(session: number, how: "close" | "reset", awayMs?: number): void {
    const { table } = this;
    this.drop(session, how);
    if (awayMs === undefined) {
      table.state[session] = State.Away;
      this.wheel.disarm(session);
    } else {
      table.state[session] = State.Waiting;
      table.set(session, Flag.OnLeave);
      this.wheel.arm(session, this.nowMs + awayMs);
    }
  }

  /** Loses its connection without a goodbye and comes back from another address at once. */
  move(session: number): void {
    this.drop(session, "reset");
    this.table.moves[session]!++;
    this.table.state[session] = State.Waiting;
    this.connect(session);
  }

  /** Reads so slowly once it has what it missed, on a connection of its own for that; 0: freely, at once. */
  throttle(session: number, bytesPerSecond: number): void {
    const { table } = this;
    const talker = this.talkerAt(session);
    if (bytesPerSecond === 0) {
      if (!table.has(session, Flag.Throttled)) return;
      table.clear(session, Flag.Throttled);
      this.throttles.delete(session);
      this.wireOf(session).throttle(session, 0);
      if (talker !== undefined) talker.freeSince = this.nowUs;
      return;
    }
    table.set(session, Flag.Throttled);
    this.throttles.set(session, bytesPerSecond);
    if (talker !== undefined) talker.freeSince = Number.POSITIVE_INFINITY;
    if (table.state[session] === State.Away) return;
    this.drop(session, "close");
    table.state[session] = State.Waiting;
    this.connect(session);
  }

  // ---- time ----

  /** Whether somebody waits for the next tick. */
  get restless(): boolean {
    return this.attention.size > 0;
  }

  /** To be called every few ms. */
  tick(): void {
    this.wheel.advance(this.nowMs, this);
    if (this.attention.size === 0) return;
    // Taken out first: a pump that has to wait asks to be looked at again, and that is for the next tick.
    const talkers = [...this.attention];
    this.attention.clear();
    for (const talker of talkers) {
      this.parts!.pulling.pump(talker);
      this.parts!.sending.pump(talker);
    }
  }

  /** To be called once a second: requests that got no answer. */
  sweep(): void {
    const { table } = this;
    const late = this.nowMs - PATIENCE_MS;
    for (const talker of this.talkers) {
      const { session, requests } = talker;
      const asked = requests.oldestAt;
      if (asked > late || table.state[session] !== State.Ready || table.has(session, Flag.Throttled)) continue;
      this.counts.error("UNANSWERED");
      if (talker.heardAt < asked) this.dead(session, "silence");
      else this.parts!.inbound.repeat(talker);
    }
  }

  /** WheelSink. */
  due(session: number, now: number): void {
    const { table } = this;
    switch (table.state[session]) {
      case State.Waiting:
        return this.connect(session);
      case State.Connecting:
      case State.Greeting:
        return this.dead(session, "handshake");
      case State.Ready:
        break;
      default:
        return;
    }
    if (table.has(session, Flag.Leaving)) {
      this.drop(session, "close");
      table.state[session] = State.Waiting;
      return this.connect(session);
    }
    const due = this.heartbeat.due(session, now);
    if (due === Due.Dead) return this.dead(session, "silence");
    if (!table.has(session, Flag.Synced) && !table.has(session, Flag.Throttled)) this.syncNow(session);
    if (due === Due.Beat) {
      this.counts.beats++;
      this.write(session, 0, BEAT_FRAME);
    }
    this.wheel.arm(session, this.heartbeat.againAt);
  }

  // ---- the wire ----

  /** WireEvents. */
  opened(session: number): void {
    const { table, identity } = this;
    table.state[session] = State.Greeting;
    table.refs[session] = 0;
    const hello = {
      versionMin: 1,
      versionMax: 1,
      token: identity.token(session),
      device: identity.device(session),
      install: identity.install(session),
      connection: ++table.connection[session]!,
      sync: true,
      watermark: table.watermark(session),
    };
    this.write(session, FrameType.Hello, encodeMessage(FrameType.Hello, hawser.v1.Hello, hello));
  }

  /** WireEvents. */
  data(session: number, bytes: Buffer, start: number, end: number): number {
    const { table } = this;
    table.flags[session]! &= ~Flag.BeatAsked;
    const number = table.talker[session]!;
    if (number !== NOBODY) this.talkers[number]!.heardAt = this.nowMs;
    return this.parts!.inbound.data(session, bytes, start, end);
  }

  /** WireEvents. */
  closed(session: number, reason: string): void {
    const state = this.table.state[session]!;
    if (state === State.Ready) {
      this.counts.connected--;
      this.counts.closes++;
    } else this.counts.connectErrors++;
    this.counts.closed(state === State.Ready ? reason : `connecting: ${reason}`);
    this.lost(session);
  }

  // ---- InboundHost ----

  write(session: number, type: number, frame: Uint8Array): void {
    this.table.saidAt[session] = this.nowMs;
    this.counts.frame(type, frame.length);
    this.wireOf(session).write(session, frame);
  }

  later(talker: Talker): void {
    this.attention.add(talker);
  }

  count(error: string): void {
    this.counts.error(error);
  }

  welcomed(session: number, welcome: hawser.v1.Welcome): void {
    const { table } = this;
    const { sending, pulling } = this.parts!;
    table.state[session] = State.Ready;
    table.set(session, Flag.FirstBeat);
    sending.sendsPerSecond = welcome.sendsPerSecond;
    sending.inFlightMax = welcome.requestsInFlightMax;
    this.counts.connected++;
    this.counts.welcomes++;
    this.wheel.arm(session, this.heartbeat.begin(session, this.nowMs, welcome.heartbeatMs));
    const talker = this.talkerAt(session);
    if (talker !== undefined) {
      talker.requests.begin(1);
      talker.steadySince = Number.POSITIVE_INFINITY;
      talker.fullAt = 0;
      talker.sendAt = 0;
      talker.held = false;
      talker.pullAt = 0;
      talker.syncFrom = undefined;
      talker.headsSeen = undefined;
      talker.reached = undefined;
      sending.repeatAll(talker);
      sending.pump(talker);
      pulling.repeatAll(talker);
      pulling.pump(talker);
    }
    this.host.welcomed(session);
  }

  synced(session: number): void {
    this.table.attempts[session] = 0;
    const rate = this.throttles.get(session);
    if (rate !== undefined) this.wireOf(session).throttle(session, rate);
    const talker = this.talkerAt(session);
    if (talker?.steadySince === Number.POSITIVE_INFINITY) talker.steadySince = this.nowUs;
    this.host.synced(session);
  }

  goAway(session: number, afterMs: number, target: string): void {
    const address = parseAddress(target);
    if (address !== undefined) this.targets.set(session, address);
    // Looking names up is not for a load driver; it comes back to the gateway that it knows.
    else if (target !== "") this.counts.error("GO_AWAY_TARGET", target);
    this.table.set(session, Flag.Leaving);
    this.counts.error("GO_AWAY");
    this.wheel.arm(session, this.nowMs + afterMs);
  }

  beatEvery(session: number, intervalMs: number): void {
    const at = this.heartbeat.change(session, this.nowMs, intervalMs);
    if (!this.table.has(session, Flag.Leaving)) this.wheel.arm(session, at);
  }

  closing(session: number, back: Return): void {
    this.returns.set(session, back);
  }

  syncLater(session: number, afterMs: number): void {
    const talker = this.talkerAt(session);
    if (talker !== undefined) {
      talker.steadySince = Number.POSITIVE_INFINITY;
      talker.pullAt = Math.max(talker.pullAt, this.nowMs + afterMs);
      this.parts!.pulling.sync(talker);
    } else if (afterMs === 0) this.syncNow(session);
    else {
      this.table.clear(session, Flag.Synced);
      // Not all again at that moment, and later each time: thousands that ask a server that is behind keep it there.
      const refusals = this.table.attempts[session]!;
      if (refusals < SYNC_BACKOFFS_MAX) this.table.attempts[session] = refusals + 1;
      this.wheel.arm(session, this.nowMs + afterMs * 2 ** Math.min(refusals, SYNC_BACKOFFS_MAX) * (1 + this.random.uint32() / 0x1_0000_0000));
    }
  }

  violation(session: number, detail: string): void {
    this.counts.error("PROTOCOL", detail);
    this.counts.violations++;
    this.dead(session, "protocol");
  }

  // ---- within ----

  private syncNow(session: number): void {
    const talker = this.talkerAt(session);
    if (talker !== undefined) return this.parts!.pulling.sync(talker);
    this.table.refs[session]!++;
    this.write(session, FrameType.Sync, encodeMessage(FrameType.Sync, hawser.v1.Sync, { watermark: this.table.watermark(session) }));
  }

  /** Gives a connection up that the server has not ended. */
  private dead(session: number, reason: string): void {
    const ready = this.table.state[session] === State.Ready;
    this.drop(session, "reset");
    if (ready) this.counts.closes++;
    else this.counts.connectErrors++;
    this.counts.closed(ready ? reason : `connecting: ${reason}`);
    this.lost(session);
  }

  /** The connection is gone; the session comes back by itself. */
  private lost(session: number): void {
    const { table } = this;
    const back = this.returns.get(session) ?? "backoff";
    this.returns.delete(session);
    if (back === "never") {
      table.state[session] = State.Away;
      this.wheel.disarm(session);
      this.host.turnedAway(session);
      return;
    }
    table.state[session] = State.Waiting;
    const attempt = table.attempts[session]!;
    if (attempt < 255) table.attempts[session] = attempt + 1;
    const mostMs = back === "now" ? BACKOFF_FIRST_MS : Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
    const waitMs = typeof back === "object" ? back.afterMs : (this.random.uint32() / 0x1_0000_0000) * mostMs;
    this.wheel.arm(session, this.nowMs + waitMs);
  }

  private drop(session: number, how: "close" | "reset"): void {
    const { table } = this;
    this.returns.delete(session);
    if (table.state[session]! <= State.Waiting) return;
    if (table.state[session] === State.Ready) this.counts.connected--;
    if (how === "close") this.wireOf(session).close(session);
    else this.wireOf(session).reset(session);
    table.state[session] = State.Away;
  }

  private wireOf(session: number): Wire {
    return this.routes.isWs(session) ? this.ws! : this.tcp!;
  }
}

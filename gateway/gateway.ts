// The composition root: transports, sessions, outbox and relay, wired in the order a message takes, and the turn
// that they share. Everything here only passes on; the decisions are in the parts.
//
// A turn: whatever the sockets and NATS bring is worked off as it comes; what must leave is gathered, and leaves
// once, when the loop has read everything there was (setImmediate), or some ms later under load (session/coalescing.ts).
import { randomBytes } from "node:crypto";
import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Bus } from "../proto/bus.ts";
import { defaultDictionary } from "../proto/codec/default-dictionary.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { hawser } from "../proto/gen/hawser.js";
import { gatewaySubject, logicSubject } from "../proto/subject.ts";
import { AddressLimits } from "./accept/address-limits.ts";
import { Admission, type AdmissionOwner } from "./accept/admission.ts";
import { type DrainTarget, drain, quietestFirst } from "./accept/drain.ts";
import { FRAME_FIELDS, type TransportEvents } from "./accept/transport.ts";
import { TransportSet } from "./accept/transport-set.ts";
import { Compression } from "./compress/compression.ts";
import { sha256 } from "./compress/dictionary-source.ts";
import type { GatewayConfig } from "./config.ts";
import { Counters, DropReason } from "./counters.ts";
import { Lifetimes } from "./fleet/lifetimes.ts";
import type { Membership } from "./fleet/membership.ts";
import { HeartbeatLearner } from "./heartbeat/learner.ts";
import { type HeartbeatSink, SessionHeartbeats } from "./heartbeat/sessions.ts";
import type { Log } from "./log.ts";
import { type Publisher, Relay, type RelaySessions } from "./relay/relay.ts";
import type { Hello } from "./session/handshake.ts";
import { DeliveryClass } from "../proto/delivery-class.ts";
import { closeReasonOf } from "./session/frame-kind.ts";
import { Outbox, type OutboxOwner, RESYNC_FRAME } from "./session/outbox.ts";
import { SessionCore, type SessionSink } from "./session/session.ts";
import { SessionState, SessionTable } from "./session/session-table.ts";
import { TimingWheel } from "./session/timing-wheel.ts";
import type { Refused, TokenVerifier, Verified } from "./session/token.ts";

/** What is due within a tick waits for it: deadlines are seconds, heads of links are due twice a second. Each tick wakes an idle process. */
const TICK_MS = 250;
/** Who has outlived its connection leaves within this time. */
const LEAVE_WITHIN_MS = 10_000;
/** Between two looks at who may begin, while some wait for their turn. */
const ADMIT_MS = 10;
/** Handshakes end within this wheel's 64 s; the ends of tokens wait in its last bucket and are put on. */
const WHEEL_BUCKETS = 256;
const WHEEL_TICK_MS = TICK_MS;
/** Subjects of owners that are kept; owners are few. */
const SUBJECTS_MAX = 1024;

export class Gateway implements TransportEvents, SessionSink, RelaySessions, OutboxOwner, AdmissionOwner, Publisher, DrainTarget {
  readonly incarnation: Uint8Array;
  readonly config: GatewayConfig;
  readonly table: SessionTable;
  readonly counters: Counters;
  readonly transports: TransportSet;
  readonly outbox: Outbox;
  readonly relay: Relay;
  readonly admission: Admission;
  readonly addressLimits: AddressLimits;
  /** When the certificate in use ends, ms since 1970; 0: no TLS. Set by whoever watches it. */
  certificateEndsAtUnixMs: number;
  readonly compression: Compression;
  /** Intervals that are learned; undefined: all sessions have the same. */
  readonly heartbeats: SessionHeartbeats | undefined;
  draining: boolean;
  /** Set once it listens. */
  membership: Membership | undefined;
  private readonly bus: Bus;
  private readonly log: Log;
  private readonly sessions: SessionCore;
  private readonly wheel: TimingWheel;
  private readonly lifetimes: Lifetimes;
  private readonly subjects: Map<string, string>;
  private turnScheduled: boolean;
  private ticker: NodeJS.Timeout | undefined;
  private admitting: NodeJS.Timeout | undefined;
  /** Runs while gathered frames wait for more of their connections. */
  private held: NodeJS.Timeout | undefined;
  private utilisation: EventLoopUtilization;

  /** `slotCount`: slots of all transports together. */
  constructor(config: GatewayConfig, bus: Bus, verifier: TokenVerifier, log: Log, slotCount: number) {
    this.incarnation = new Uint8Array(randomBytes(8));
    this.config = config;
    this.table = new SessionTable(slotCount);
    this.addressLimits = new AddressLimits(slotCount, config.addressLimits, randomBytes(4).readUInt32BE());
    this.certificateEndsAtUnixMs = 0;
    this.counters = new Counters();
    this.transports = new TransportSet();
    this.bus = bus;
    this.log = log;
    this.draining = false;
    this.membership = undefined;
    this.lifetimes = new Lifetimes(slotCount, config.connectionLifetimeMs, Math.random, performance.now());
    this.subjects = new Map();
    this.turnScheduled = false;
    this.ticker = undefined;
    this.admitting = undefined;
    this.held = undefined;
    this.utilisation = performance.eventLoopUtilization();
    this.compression = new Compression(slotCount, defaultDictionary(sha256), this.transports, this.counters.compression, config.compression);
    this.wheel = new TimingWheel(slotCount, WHEEL_TICK_MS, WHEEL_BUCKETS, performance.now());
    const { sessions: limits, heartbeats } = config;
    const learner = heartbeats === undefined ? undefined : new HeartbeatLearner(heartbeats.learner, randomBytes(4).readUInt32BE());
    this.heartbeats = learner && new SessionHeartbeats(slotCount, learner, this.heartbeatSink(), Math.random, Date.now, performance.now());
    const { table, wheel, counters, incarnation: own, compression } = this;
    this.sessions = new SessionCore(table, wheel, this, counters, limits, own, Math.random, Date.now, compression, this.heartbeats);
    this.outbox = new Outbox(slotCount, this.transports, this, this.counters, config.outbox, this.compression);
    const clock = () => performance.now();
    this.admission = new Admission((token, device) => verifier.verify(token, device), this, config.admission, clock, Math.random);
    const { incarnation } = this;
    const { resyncsPerSecond, linkLimits } = config;
    this.relay = new Relay(this, this.table, this, this.counters, log, clock, { incarnation, resyncsPerSecond, linkLimits, random: Math.random });
  }

  /** Takes batches from now on, and ticks. */
  start(): void {
    this.bus.subscribe(gatewaySubject(this.config.cluster, this.incarnation), (bytes) => this.relay.receive(bytes));
    this.ticker = setInterval(() => this.tick(), TICK_MS);
  }

  /** Whether clients should be sent here. */
  get ready(): boolean {
    return !this.draining && this.bus.connected && this.relay.ready;
  }

  /** Connections that are not past their handshake. */
  get handshakes(): number {
    return this.sessions.handshakeCount;
  }

  /** An entry of the owners bucket. */
  ownerEntry(key: string, value: Uint8Array): void {
    this.relay.links.ownerEntry(key, value);
  }

  /** Drains, sends what is under way, and closes everything but the bus. */
  async stop(): Promise<void> {
    this.draining = true;
    this.membership?.announce();
    this.log.info({ connections: this.table.openCount, drainMs: this.config.drainMs }, "draining");
    await drain(this, this.config.drainMs, this.config.lingerMs);
    for (const transport of this.transports.all) await transport.stop();
    clearInterval(this.ticker);
    clearTimeout(this.admitting);
    clearTimeout(this.held);
    this.turn();
    await this.bus.flush();
  }

  // Transports tell

  admits(remoteAddress: string): boolean {
    return this.addressLimits.admits(remoteAddress, performance.now());
  }

  opened(slot: number, remoteAddress: string, ageMs = 0): void {
    const now = performance.now();
    const turned = this.addressLimits.opened(slot, remoteAddress, now);
    this.heartbeats?.opened(slot, remoteAddress);
    this.sessions.opened(slot, now - ageMs, turned);
    if (turned === undefined && this.sessions.handshakeCount > this.config.handshakesMax) this.turnedAway(slot, this.admission.turnAway());
  }

  frames(bytes: Uint8Array, table: Int32Array, count: number): void {
    const now = performance.now();
    for (let at = 0; at < count * FRAME_FIELDS; at += FRAME_FIELDS) {
      this.sessions.frame(table[at]!, table[at + 1]!, bytes, table[at + 2]!, table[at + 3]!, now);
    }
  }

  idle(slot: number): void {
    this.heartbeats?.idle(slot);
    this.sessions.idle(slot);
  }

  broken(slot: number, code: ErrorCode): void {
    this.sessions.broken(slot, code);
  }

  drained(slot: number): void {
    this.outbox.drained(slot);
  }

  closed(slot: number): void {
    this.sessions.closed(slot);
    this.addressLimits.closed(slot);
    this.heartbeats?.closed(slot);
    this.outbox.closed(slot);
    this.compression.closed(slot);
  }

  // Sessions ask

  write(slot: number, frame: Uint8Array): void {
    this.outbox.control(slot, frame);
  }

  close(slot: number, lastFrame: Uint8Array | undefined): void {
    this.outbox.close(slot, lastFrame);
  }

  pause(slot: number): void {
    this.transports.of(slot).pause(slot);
  }

  resume(slot: number): void {
    this.transports.of(slot).resume(slot);
  }

  setFrameLimit(slot: number, bytes: number): void {
    this.transports.of(slot).setFrameLimit(slot, bytes);
  }

  watch(slot: number, idleMs: number): void {
    this.transports.of(slot).watch(slot, idleMs);
  }

  verify(slot: number, generation: number, hello: Hello): void {
    this.admission.add(slot, generation, hello);
  }

  attach(slot: number, sync: boolean, watermark: Uint8Array): void {
    this.lifetimes.begin(slot, performance.now());
    this.relay.attach(slot, sync, watermark);
  }

  detach(slot: number): void {
    this.lifetimes.end(slot);
    this.relay.detach(slot);
  }

  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    this.relay.command(slot, type, ref, bytes, start, end);
  }

  // Admission tells

  waiting(slot: number, generation: number): boolean {
    return this.table.state[slot] === SessionState.Verifying && this.table.generation[slot] === generation;
  }

  verified(slot: number, generation: number, result: Verified | Refused): void {
    if (!this.waiting(slot, generation)) return;
    const now = performance.now();
    if (result.code === ErrorCode.AuthFailed) this.addressLimits.authFailed(slot, now);
    const turned = result.code === 0 ? this.addressLimits.userConnected(result.user, now) : undefined;
    if (turned === undefined) this.sessions.verified(slot, generation, result, now);
    else this.sessions.fail(slot, turned.code, { closes: true, retryAfterMs: turned.retryAfterMs, detail: turned.detail });
  }

  turnedAway(slot: number, retryAfterMs: number): void {
    this.sessions.fail(slot, ErrorCode.Busy, { closes: true, retryAfterMs, detail: "many come at once: come back then" });
  }

  nextSoon(): void {
    this.admitting ??= setTimeout(() => {
      this.admitting = undefined;
      this.admission.next();
    }, ADMIT_MS);
  }

  // The relay asks

  get connected(): boolean {
    return this.bus.connected;
  }

  publish(owner: string, bytes: Uint8Array): boolean {
    let subject = this.subjects.get(owner);
    if (subject === undefined) {
      if (this.subjects.size >= SUBJECTS_MAX) this.subjects.clear();
      subject = logicSubject(this.config.cluster, Buffer.from(owner, "hex"));
      this.subjects.set(owner, subject);
    }
    return this.bus.publish(subject, bytes);
  }

  refuse(slot: number, ref: number, code: ErrorCode, retryAfterMs?: number, detail?: string): void {
    this.sessions.refuse(slot, ref, code, performance.now(), retryAfterMs, detail);
  }

  resync(slot: number): void {
    this.outbox.control(slot, RESYNC_FRAME);
  }

  delivery(frame: Uint8Array, deliveryClass: number, slots: Uint32Array, generations: Uint32Array, count: number): void {
    this.counters.deliveries[deliveryClass]! += count;
    const now = performance.now();
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      if (!this.table.isReady(slot, generations[i]!)) this.counters.drops[DropReason.Stale]!++;
      else if (deliveryClass === DeliveryClass.Close) this.sessions.closeWith(slot, frame, closeReasonOf(frame));
      else {
        this.outbox.deliver(slot, frame, deliveryClass);
        this.heartbeats?.wrote(slot, now);
      }
    }
  }

  // The outbox asks

  slow(slot: number): void {
    this.sessions.fail(slot, ErrorCode.SlowConsumer);
  }

  flushSoon(): void {
    if (this.turnScheduled) return;
    this.turnScheduled = true;
    setImmediate(this.turn);
  }

  // Draining asks

  get openCount(): number {
    return this.table.openCount;
  }

  stopListening(): void {
    for (const transport of this.transports.all) transport.stopListening();
  }

  goAway(withinMs: number): void {
    const slots = quietestFirst(this.table.readySlots(), (slot) => this.transports.of(slot).quietMs(slot));
    this.sessions.goAway(performance.now(), withinMs, slots, (slot) => this.target(slot));
  }

  closeAll(): void {
    this.sessions.closeAll();
  }

  // Others are told

  get sessionsMax(): number {
    return this.config.sessions.connectionsMax;
  }

  get sessionsOpen(): number {
    return this.table.openCount;
  }

  private heartbeatSink(): HeartbeatSink {
    return {
      quietMs: (slot) => this.transports.of(slot).quietMs(slot),
      takeLongestGapMs: (slot) => this.transports.of(slot).takeLongestGapMs(slot),
      watch: (slot, idleMs) => this.watch(slot, idleMs),
      write: (slot, frame) => this.write(slot, frame),
    };
  }

  /** Where a session is to go; "": where it is. */
  private target(slot: number): string {
    return this.membership?.target(this.transports.of(slot).name === "websocket" ? "websocket" : "tcp") ?? "";
  }

  /** A connection has lasted long enough: it moves if others have fewer, and otherwise has another lifetime. */
  private readonly outlived = (slot: number): void => {
    this.lifetimes.begin(slot, performance.now());
    if (this.draining || this.membership?.tooFull !== true) return;
    this.sessions.tellToLeave(slot, hawser.v1.GoAwayReason.GO_AWAY_LIFETIME, Math.random() * LEAVE_WITHIN_MS, this.target(slot));
  };

  private readonly turn = (): void => {
    this.turnScheduled = false;
    this.relay.flush();
    const holdMs = this.outbox.holdMs(performance.now());
    // A timer knows whole ms only.
    if (holdMs < 1 || this.draining) this.flush();
    else this.held ??= setTimeout(this.flushHeld, holdMs);
  };

  private readonly flushHeld = (): void => {
    this.held = undefined;
    this.flush();
  };

  private flush(): void {
    this.outbox.flush();
    this.compression.endTurn();
  }

  private tick(): void {
    const now = performance.now();
    this.wheel.advance(now, this.sessions);
    this.relay.tick();
    this.lifetimes.sweep(now, this.table.slotEnd, this.outlived);
    this.outbox.sweep(now);
    this.heartbeats?.tick(now, TICK_MS, this.table.slotEnd);
    const utilisation = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(utilisation, this.utilisation).utilization;
    this.outbox.coalescing.tick(now, share);
    this.compression.policy.observe(now, share);
    this.utilisation = utilisation;
  }
}

// A gateway of the simulated world: the real session core, outbox and relay, over connections in memory instead of
// sockets. Wired as gateway.ts does it.
import { FrameReader } from "../../proto/frame-reader.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { Limits } from "../../proto/limits.ts";
import { LINK_LIMITS } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";
import { WriteResult } from "../../gateway/accept/transport.ts";
import { Counters } from "../../gateway/counters.ts";
import { SILENT } from "../../gateway/log.ts";
import { type Publisher, Relay, type RelaySessions } from "../../gateway/relay/relay.ts";
import type { Hello } from "../../gateway/session/handshake.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { closeReasonOf } from "../../gateway/session/frame-kind.ts";
import { Outbox, type OutboxOwner, RESYNC_FRAME } from "../../gateway/session/outbox.ts";
import type { OutboxPort } from "../../gateway/session/outbox-writer.ts";
import { SessionCore, type SessionSink } from "../../gateway/session/session.ts";
import { SessionTable } from "../../gateway/session/session-table.ts";
import { TimingWheel } from "../../gateway/session/timing-wheel.ts";
import type { Connection } from "./connection.ts";
import { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

const SLOTS = 64;
const TICK_MS = 100;
const OUTBOX = { pushBytesMax: 1500, controlBytesMax: 1_000_000, backlogBytesMax: 10_000_000, stallMs: 8000, holdMsMax: 0 };
const SESSIONS = {
  connectionsMax: SLOTS,
  heartbeatMs: 600_000,
  handshakeMs: 10_000,
  frameBytesMax: Limits.frameBytesMax,
  sendsPerSecond: 1000,
  sendsBurst: 2000,
  requestsPerSecond: 1000,
  requestsBurst: 4000,
  nuisancesPerSecond: 1000,
  nuisancesBurst: 10_000,
  parkedBytesMax: 1_000_000,
};

interface Place {
  readonly connection: Connection;
  readonly reader: FrameReader;
  /** What came while reading is paused. */
  paused: Uint8Array[] | undefined;
}

export class GatewayProcess extends SimProcess implements SessionSink, RelaySessions, OutboxOwner, Publisher {
  readonly name: string;
  readonly relay: Relay;
  private readonly world: World;
  private readonly table: SessionTable;
  private readonly wheel: TimingWheel;
  private readonly sessions: SessionCore;
  private readonly outbox: Outbox;
  private readonly places: (Place | undefined)[];
  /** All that were ever opened to it and have not ended, accepted or not. */
  readonly connections: Set<Connection>;
  private turnScheduled: boolean;

  constructor(world: World) {
    super();
    const incarnation = world.random.bytes(8);
    const counters = new Counters();
    this.name = hex(incarnation);
    this.world = world;
    this.places = new Array(SLOTS).fill(undefined);
    this.connections = new Set();
    this.turnScheduled = false;
    this.table = new SessionTable(SLOTS);
    this.wheel = new TimingWheel(SLOTS, 125, 64, world.queue.now);
    const random = () => world.random.uint32() / 0x1_0000_0000;
    this.sessions = new SessionCore(this.table, this.wheel, this, counters, SESSIONS, incarnation, random, () => world.unixNow());
    this.outbox = new Outbox(SLOTS, new SimTransport(this.places), this, counters, OUTBOX);
    const options = { incarnation, resyncsPerSecond: 20, linkLimits: LINK_LIMITS, random };
    this.relay = new Relay(this, this.table, this, counters, SILENT, () => world.queue.now, options);
    world.bus.subscribe(this.name, this);
    this.ticks();
  }

  override crash(): void {
    if (!this.alive) return;
    super.crash();
    this.world.bus.unsubscribe(this.name);
    for (const connection of this.connections) connection.serverGone();
  }

  receive(bytes: Uint8Array): void {
    this.perform(() => this.relay.receive(bytes));
  }

  /** The entry of the owners bucket. */
  ownerEntry(value: Uint8Array): void {
    this.perform(() => this.relay.links.ownerEntry("shards", value));
  }

  // Connections tell

  /** The slot that the connection takes; -1: none is free. */
  accept(connection: Connection): number {
    const slot = this.places.indexOf(undefined);
    if (slot < 0) return -1;
    this.places[slot] = { connection, reader: new FrameReader(Limits.frameBytesMaxBeforeWelcome), paused: undefined };
    this.sessions.opened(slot, this.world.queue.now);
    return slot;
  }

  bytes(slot: number, bytes: Uint8Array): void {
    const place = this.places[slot]!;
    if (place.paused !== undefined) {
      place.paused.push(bytes);
      return;
    }
    const frame = (header: number, chunk: Uint8Array, start: number, end: number) => {
      this.sessions.frame(slot, header, chunk, start, end, this.world.queue.now);
      return true;
    };
    const error = place.reader.push(bytes, { frame });
    if (error !== 0) this.sessions.broken(slot, error);
  }

  drained(slot: number): void {
    this.outbox.drained(slot);
  }

  closed(slot: number): void {
    this.sessions.closed(slot);
    this.outbox.closed(slot);
    this.places[slot] = undefined;
  }

  // Sessions ask

  write(slot: number, frame: Uint8Array): void {
    this.outbox.control(slot, frame);
  }

  close(slot: number, lastFrame: Uint8Array | undefined): void {
    this.outbox.close(slot, lastFrame);
  }

  pause(slot: number): void {
    this.places[slot]!.paused ??= [];
  }

  resume(slot: number): void {
    const place = this.places[slot]!;
    const waiting = place.paused ?? [];
    place.paused = undefined;
    for (const bytes of waiting) this.bytes(slot, bytes);
  }

  setFrameLimit(slot: number, bytes: number): void {
    this.places[slot]!.reader.limit = bytes;
  }

  /** The simulation's connections die by faults, not by silence, and its clients' beats reach the session. */
  watch(): void {}

  verify(slot: number, generation: number, hello: Hello): void {
    // The token is the user's name.
    const user = Buffer.from(hello.token);
    this.world.queue.after(this.world.random.below(30), () =>
      this.perform(() => this.sessions.verified(slot, generation, { code: 0, user, expiresAtUnixMs: Number.POSITIVE_INFINITY }, this.world.queue.now)),
    );
  }

  attach(slot: number, sync: boolean, watermark: Uint8Array): void {
    this.relay.attach(slot, sync, watermark);
  }

  detach(slot: number): void {
    this.relay.detach(slot);
  }

  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    this.relay.command(slot, type, ref, bytes, start, end);
  }

  // The relay asks

  get connected(): boolean {
    return this.world.bus.connected;
  }

  publish(owner: string, bytes: Uint8Array): boolean {
    return this.world.bus.publish(this.name, owner, bytes);
  }

  refuse(slot: number, ref: number, code: ErrorCode, retryAfterMs?: number, detail?: string): void {
    this.sessions.refuse(slot, ref, code, this.world.queue.now, retryAfterMs, detail);
  }

  resync(slot: number): void {
    this.world.count("resyncs for links");
    this.outbox.control(slot, RESYNC_FRAME);
  }

  delivery(frame: Uint8Array, deliveryClass: number, slots: Uint32Array, generations: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      if (!this.table.isReady(slot, generations[i]!)) continue;
      if (deliveryClass === DeliveryClass.Close) this.sessions.closeWith(slot, frame, closeReasonOf(frame));
      else this.outbox.deliver(slot, frame, deliveryClass);
    }
  }

  // The outbox asks

  slow(slot: number): void {
    this.world.count("slow consumers");
    this.sessions.fail(slot, ErrorCode.SlowConsumer);
  }

  flushSoon(): void {
    if (this.turnScheduled) return;
    this.turnScheduled = true;
    this.world.queue.after(0, () => this.perform(() => this.turn()));
  }

  private turn(): void {
    this.turnScheduled = false;
    this.relay.flush();
    this.outbox.flush();
  }

  private ticks(): void {
    this.world.queue.after(TICK_MS, () => {
      if (!this.alive) return;
      this.perform(() => this.tick());
      this.ticks();
    });
  }

  private tick(): void {
    const { now } = this.world.queue;
    this.wheel.advance(now, this.sessions);
    this.relay.tick();
    this.outbox.sweep(now);
  }
}

/** The sockets, as the outbox writes to them. */
class SimTransport implements OutboxPort {
  private readonly places: readonly (Place | undefined)[];

  constructor(places: readonly (Place | undefined)[]) {
    this.places = places;
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    const connection = this.places[slot]?.connection;
    if (connection?.send(bytes) !== true) return WriteResult.Dropped;
    return connection.bufferedBytes > 0 ? WriteResult.Buffered : WriteResult.Sent;
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    let result: WriteResult = WriteResult.Sent;
    for (let i = 0; i < count; i++) result = this.write(slot, frames[i]!);
    return result;
  }

  bufferedBytes(slot: number): number {
    return this.places[slot]?.connection.bufferedBytes ?? 0;
  }

  close(slot: number): void {
    this.places[slot]?.connection.close();
  }
}

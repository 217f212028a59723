// A whole Gateway on a stage: frames go in as a transport hands them over, writes come out as a transport gets them, and the
// bus and the owner of all shards around it are instant. There is no socket, so what is measured is the gateway's own work
// and memory.
import type { Bus, KeyValue } from "../../proto/bus.ts";
import { idBytes } from "../../proto/conversation.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { FrameTable } from "../../gateway/accept/frame-table.ts";
import { type Transport, type TransportEvents, WriteResult } from "../../gateway/accept/transport.ts";
import { gatewayConfig } from "../../gateway/config.ts";
import { Gateway } from "../../gateway/gateway.ts";
import { SILENT } from "../../gateway/log.ts";
import { TokenVerifier } from "../../gateway/session/token.ts";

const { Down, Owner, Up } = fabric.fabric.v1;

const OWNER = Buffer.from("logic-01");
const SHARDS = 256;
/** Up batches that may be without an ack: well below what the gateway's ring holds. */
const UNACKED_MAX = 256;
/** Sessions admitted at a time, so that their handshakes do not all exist at once. */
const ADMITTED_AT_ONCE = 1024;

export class GatewayStage implements Bus {
  readonly connected: boolean;
  readonly gateway: Gateway;
  readonly transport: StageTransport;
  /** Up batches published so far. */
  batches: number;
  batchBytes: number;
  private lastUp: Uint8Array | undefined;
  private ackedBatches: number;
  private number: number;

  constructor(slots: number) {
    this.connected = true;
    this.transport = new StageTransport();
    this.batches = 0;
    this.batchBytes = 0;
    this.lastUp = undefined;
    this.ackedBatches = 0;
    this.number = 0;
    const config = gatewayConfig({
      devTokens: true,
      sendsPerSecond: 1e6,
      requestsPerSecond: 1e6,
      nuisancesPerSecond: 1e6,
      handshakesPerSecond: 1e6,
      handshakesMax: 1e6,
      connectsPerUserPerMinute: 0,
    });
    // Without sockets the limit on open files does not matter.
    const unlimited = { ...config, sessions: { ...config.sessions, connectionsMax: slots, sendsBurst: 1e9 } };
    this.gateway = new Gateway(unlimited, this, new TokenVerifier({ devTokens: true }), SILENT, slots);
    this.gateway.transports.add(this.transport, slots);
    const owner = { incarnation: OWNER, epoch: 1, shardFirst: 0, shardLast: SHARDS - 1, shardCount: SHARDS, store: Buffer.from("store-01") };
    this.gateway.ownerEntry(`shards.0-${SHARDS - 1}`, Owner.encode(owner).finish());
  }

  /** Sessions of these users on slots 0 … users.length - 1, through Hello and Welcome. */
  async admit(users: Iterable<Uint8Array>): Promise<number> {
    const reader = new FrameReader(Limits.frameBytesMax);
    const events: TransportEvents = this.gateway;
    const table = new FrameTable(events, NOTHING);
    let slot = 0;
    for (const user of users) {
      events.opened(slot, "127.0.0.1");
      table.begin(slot, false);
      reader.push(helloFrame(user, slot), table);
      table.end();
      slot++;
      if (slot % ADMITTED_AT_ONCE === 0) await this.settle();
    }
    await this.settle();
    if (this.gateway.table.readyCount !== slot) throw new Error(`${this.gateway.table.readyCount} of ${slot} sessions are ready`);
    return slot;
  }

  /** Lets handshakes end and turns pass, and acknowledges what was relayed. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    this.acknowledge();
  }

  /** What the end of a loop turn does: everything gathered leaves. */
  turn(): void {
    this.gateway.relay.flush();
    this.gateway.outbox.flush();
    if (this.batches - this.ackedBatches >= UNACKED_MAX) this.acknowledge();
  }

  /** A Down batch with one delivery for each slot: frames[i] to slots[i]. To be received in the order in which they were encoded. */
  encodeDown(frames: readonly Uint8Array[], slots: readonly number[], deliveryClass: number): Uint8Array {
    const deliveries = frames.map((frame, i) => ({ frame, slots: [slots[i]!], generations: [1], class: deliveryClass }));
    return Down.encode({ head: this.head(++this.number), epoch: 1, deliveries }).finish();
  }

  /** The same with one delivery to all of the slots. */
  encodeFanOut(frame: Uint8Array, slots: readonly number[], deliveryClass: number): Uint8Array {
    const delivery = { frame, slots: [...slots], generations: slots.map(() => 1), class: deliveryClass };
    return Down.encode({ head: this.head(++this.number), epoch: 1, deliveries: [delivery] }).finish();
  }

  /** Has a Down batch received and written. */
  receive(down: Uint8Array): void {
    this.gateway.relay.receive(down);
    this.turn();
  }

  private head(number: number): fabric.fabric.v1.LinkHead.$Properties {
    const ack = this.lastUp === undefined ? 0 : (Up.decode(this.lastUp).head?.last ?? 0);
    return { from: OWNER, to: this.gateway.incarnation, link: this.gateway.relay.links.newest, number, last: this.number, ack };
  }

  private acknowledge(): void {
    this.ackedBatches = this.batches;
    this.gateway.relay.receive(Down.encode({ head: this.head(0), epoch: 1, deliveries: [] }).finish());
  }

  publish(_subject: string, bytes: Uint8Array): boolean {
    this.batches++;
    this.batchBytes += bytes.length;
    this.lastUp = bytes;
    return true;
  }

  subscribe(): void {}

  flush(): Promise<void> {
    return Promise.resolve();
  }

  keyValue(): Promise<KeyValue> {
    return Promise.reject(new Error("the stage says who owns what"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const NOTHING = () => undefined;

/** Takes everything at once, and counts it. */
class StageTransport implements Transport {
  readonly name = "stage";
  readonly port = 0;
  readonly openCount = 0;
  readonly bytesRead = 0;
  readonly failedHandshakes = 0;
  readonly beatsAnswered = 0;
  /** Calls of write or writeMany, each a system call elsewhere, and what was written. */
  writes = 0;
  bytes = 0;

  write(_slot: number, bytes: Uint8Array): WriteResult {
    this.writes++;
    this.bytes += bytes.length;
    return WriteResult.Sent;
  }

  writeMany(_slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    this.writes++;
    for (let i = 0; i < count; i++) this.bytes += frames[i]!.length;
    return WriteResult.Sent;
  }

  bufferedBytes(): number {
    return 0;
  }

  close(slot: number): void {
    throw new Error(`the gateway closes slot ${slot}`);
  }

  pause(): void {}
  resume(): void {}
  setFrameLimit(): void {}
  watch(): void {}
  quietMs(): number {
    return 0;
  }
  takeLongestGapMs(): number {
    return 0;
  }
  roundTripMs(): undefined {
    return undefined;
  }
  stopListening(): void {}

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** The Hello of a client that was here before. */
function helloFrame(user: Uint8Array, index: number): Uint8Array {
  const install = new Uint8Array(8).fill(0x1d);
  new DataView(install.buffer).setUint32(0, index);
  const hello = { versionMin: 1, versionMax: 1, token: `dev:${Buffer.from(user)}`, device: idBytes("device-1"), install, connection: 1 };
  return encodeMessage(FrameType.Hello, hawser.v1.Hello, hello);
}

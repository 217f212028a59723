// The connection of a minimal client (plain-client.ts): Hello, the numbers of requests, reading frames, and what to do
// when the connection ends. Its state survives connections as a client's store would.
import { ErrorCode } from "../../proto/error-code.ts";
import { encodeFrame, encodeMessage } from "../../proto/frame.ts";
import { BEAT, FrameReader } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { Violation } from "./judge.ts";
import type { Pending, PlainLog } from "./plain-log.ts";
import type { World } from "./world.ts";

export interface Request {
  readonly type: "send" | "sync" | "fetch" | "read" | "check";
  readonly log: PlainLog | undefined;
  readonly pending: Pending | undefined;
  readonly fromSeq: number;
  /** Made before a Resync. */
  isVoid: boolean;
}

/** Ends after which a client comes back by itself. */
const MAY_CLOSE: readonly number[] = [ErrorCode.SlowConsumer, ErrorCode.Busy, ErrorCode.HandshakeTimeout, ErrorCode.TooManyConnections];

export abstract class PlainLink implements ConnectionOwner {
  readonly user: string;
  readonly device: string;
  install: Uint8Array;
  connection: Connection | undefined;
  /** Welcome came. */
  online: boolean;
  protected readonly world: World;
  protected watermark: Uint8Array;
  /** By ref. */
  protected requests: Map<number, Request>;
  private counter: number;
  private reader: FrameReader;
  private ref: number;
  /** Grows with every life of the store, so that timers of an earlier one do nothing. */
  private life: number;

  constructor(world: World, user: string, device: string) {
    this.user = user;
    this.device = device;
    this.world = world;
    this.install = world.random.bytes(Limits.installBytes);
    this.connection = undefined;
    this.online = false;
    this.watermark = new Uint8Array(0);
    this.requests = new Map();
    this.counter = 0;
    this.reader = new FrameReader(Limits.frameBytesMax);
    this.ref = 0;
    this.life = 0;
  }

  get name(): string {
    return `${this.user}/${this.device}`;
  }

  /** A connection is open and Hello written: requests may follow at once. */
  protected abstract begun(): void;
  protected abstract frame(type: number, body: Uint8Array): void;

  connect(): void {
    const gateway = this.world.anyGateway();
    this.leave()?.end();
    if (gateway === undefined) this.later(500, () => this.connect());
    else this.connection = new Connection(this.world, gateway, this);
  }

  opened(connection: Connection): void {
    if (connection !== this.connection) return;
    this.reader = new FrameReader(Limits.frameBytesMax);
    this.requests = new Map();
    this.ref = 0;
    const hello = {
      versionMin: 1,
      versionMax: 1,
      token: this.user,
      device: Buffer.from(this.device),
      install: this.install,
      connection: ++this.counter,
      sync: true,
      watermark: this.watermark,
      frameBytesMax: this.world.random.pick([0, 4096]),
    };
    connection.write(encodeMessage(FrameType.Hello, hawser.v1.Hello, hello));
    this.begun();
  }

  received(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.connection) return;
    const error = this.reader.push(bytes, {
      frame: (header, chunk, start, end) => {
        if (header === BEAT || (header & HeaderBit.Batch) !== 0) throw new Violation("a beat or a batch that nobody asked for");
        this.frame(header, chunk.subarray(start, end));
        return this.connection === connection;
      },
    });
    if (error !== 0) throw new Violation(`${this.name} cannot read what the gateway writes`);
  }

  lost(connection: Connection): void {
    if (connection !== this.connection) return;
    this.leave();
    this.later(this.world.random.below(2000), () => this.connectUnlessConnected());
  }

  /** The gateway says why it closes. */
  protected closedWith(code: number, retryAfterMs: number): void {
    this.leave()?.end();
    if (code === ErrorCode.Replaced) {
      // It has the highest counter of its install, and its device is nobody else's.
      if (!this.world.faults.mayReplace) throw new Violation(`${this.name} was replaced by nobody`);
      this.world.count("replaced");
    } else if (!MAY_CLOSE.includes(code)) throw new Violation(`${this.name} was closed with ${code}`);
    this.later(Math.max(retryAfterMs, 1000), () => this.connectUnlessConnected());
  }

  /** The store is gone: a new install, which knows nothing. */
  protected startOver(): void {
    this.leave()?.cut();
    this.life++;
    this.install = this.world.random.bytes(Limits.installBytes);
    this.counter = 0;
    this.watermark = new Uint8Array(0);
    this.later(3000, () => this.connect());
  }

  /** Writes a request; returns its number. */
  protected request(type: number, body: Uint8Array, request: Partial<Request> & Pick<Request, "type">): number {
    const ref = ++this.ref;
    this.requests.set(ref, { log: undefined, pending: undefined, fromSeq: 0, isVoid: false, ...request });
    this.connection!.write(encodeFrame(type, body));
    return ref;
  }

  protected take(ref: number): Request | undefined {
    const request = this.requests.get(ref);
    this.requests.delete(ref);
    return request;
  }

  protected later(ms: number, run: () => void): void {
    const { life } = this;
    this.world.queue.after(ms, () => {
      if (this.life === life) run();
    });
  }

  /** Later, if this connection is still the one. */
  protected laterHere(ms: number, run: () => void): void {
    const { connection } = this;
    this.later(ms, () => {
      if (this.online && this.connection === connection) run();
    });
  }

  private connectUnlessConnected(): void {
    if (this.connection === undefined) this.connect();
  }

  private leave(): Connection | undefined {
    const { connection } = this;
    this.connection = undefined;
    this.online = false;
    return connection;
  }
}

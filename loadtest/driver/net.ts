// A wire over node:net, for machines where the addon of epoll.ts cannot be built: the same contract at some kilobytes per
// connection instead of some tens of bytes.
// Two differences: the receive buffer of a throttled connection stays as large as the kernel makes it, and a connection
// that is throttled while it is open may take one more chunk (at most 64 KiB) before it slows down.
import { connect, type Socket } from "node:net";
import { RestBytes } from "./rest.ts";
import { WIRE_BACKLOG_BYTES_MAX, WIRE_LINGER_MS, type Wire, type WireEvents, type WireTarget } from "./wire.ts";

const READ_BYTES = 64 * 1024;
const THROTTLE_TICK_MS = 100;

/** One buffer to read into serves all sockets: what is in it is told before the next socket reads. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export class NetWire implements Wire {
  readonly events: WireEvents;
  readonly rest: RestBytes;
  private readonly connections: (NetConnection | undefined)[];
  /** Bytes a second of slots that are throttled, connected or not. */
  private readonly rates: Map<number, number>;
  /** Corked since this turn began. */
  private touched: NetConnection[];
  /** Closed in order, and not gone yet. */
  private readonly leaving: Set<Socket>;
  private flushing: NodeJS.Immediate | undefined;
  private ticking: NodeJS.Timeout | undefined;
  private tickedAt: number;
  private endedBytesOut: number;
  private destroyed: boolean;
  bytesIn: number;

  constructor(slots: number, events: WireEvents) {
    this.events = events;
    this.rest = new RestBytes(events);
    this.connections = new Array<NetConnection | undefined>(slots).fill(undefined);
    this.rates = new Map();
    this.touched = [];
    this.leaving = new Set();
    this.flushing = undefined;
    this.ticking = undefined;
    this.tickedAt = 0;
    this.endedBytesOut = 0;
    this.destroyed = false;
    this.bytesIn = 0;
  }

  connect(slot: number, target: WireTarget): void {
    if (this.destroyed) throw new Error("the wire is destroyed");
    if (!(slot >= 0 && slot < this.connections.length)) throw new RangeError(`slot ${slot} of ${this.connections.length}`);
    if (this.connections[slot]) throw new Error(`slot ${slot} is in use`);
    this.connections[slot] = new NetConnection(this, slot, target, this.rates.get(slot) ?? 0);
  }

  write(slot: number, bytes: Uint8Array): void {
    const connection = this.connections[slot];
    if (!connection || connection.socket.destroyed || bytes.length === 0) return;
    if (connection.socket.writableLength + bytes.length > WIRE_BACKLOG_BYTES_MAX) {
      connection.fail("ENOBUFS");
      return;
    }
    if (!connection.corked) {
      connection.corked = true;
      connection.socket.cork();
      this.touched.push(connection);
      this.flushing ??= setImmediate(() => this.flush());
    }
    connection.socket.write(Buffer.from(bytes));
  }

  close(slot: number): void {
    const connection = this.leave(slot);
    if (!connection) return;
    const { socket } = connection;
    this.leaving.add(socket);
    socket.once("close", () => this.leaving.delete(socket));
    uncork(connection);
    // Half a read behind a throttle must not hold the end back, nor a peer that never ends its side.
    socket.resume();
    socket.end();
    socket.setTimeout(WIRE_LINGER_MS, () => socket.destroy());
  }

  reset(slot: number): void {
    const connection = this.leave(slot);
    if (connection) abort(connection.socket);
  }

  throttle(slot: number, bytesPerSecond: number): void {
    if (bytesPerSecond > 0) this.rates.set(slot, bytesPerSecond);
    else this.rates.delete(slot);
    this.connections[slot]?.throttle(bytesPerSecond);
    if (this.rates.size === 0) {
      clearInterval(this.ticking);
      this.ticking = undefined;
    } else if (!this.ticking) {
      this.tickedAt = performance.now();
      this.ticking = setInterval(() => this.tick(), THROTTLE_TICK_MS).unref();
    }
  }

  isOpen(slot: number): boolean {
    return this.connections[slot]?.open === true;
  }

  get bytesOut(): number {
    let sum = this.endedBytesOut;
    for (const connection of this.connections) if (connection) sum += sentBytes(connection.socket);
    for (const socket of this.leaving) sum += sentBytes(socket);
    return sum;
  }

  get backlogBytes(): number {
    let sum = 0;
    for (const connection of this.connections) if (connection) sum += connection.socket.writableLength;
    for (const socket of this.leaving) sum += socket.writableLength;
    return sum;
  }

  destroy(): void {
    this.destroyed = true;
    clearImmediate(this.flushing);
    clearInterval(this.ticking);
    for (const [slot, connection] of this.connections.entries()) if (connection) this.leave(slot)!.socket.destroy();
    for (const socket of this.leaving) socket.destroy();
    this.rest.clear();
  }

  /** The slot is free from here on, and its connection tells nothing any more. */
  leave(slot: number): NetConnection | undefined {
    const connection = this.connections[slot];
    if (!connection) return undefined;
    this.connections[slot] = undefined;
    this.rest.drop(slot);
    connection.gone = true;
    connection.socket.once("close", () => (this.endedBytesOut += sentBytes(connection.socket)));
    return connection;
  }

  private flush(): void {
    this.flushing = undefined;
    const touched = this.touched;
    this.touched = [];
    for (const connection of touched) uncork(connection);
  }

  private tick(): void {
    const now = performance.now();
    const seconds = (now - this.tickedAt) / 1000;
    this.tickedAt = now;
    for (const slot of this.rates.keys()) this.connections[slot]?.tick(seconds);
  }
}

class NetConnection {
  readonly socket: Socket;
  readonly slot: number;
  private readonly wire: NetWire;
  open: boolean;
  corked: boolean;
  gone: boolean;
  private rate: number;
  /** Bytes that may be read now; below 0 after a chunk that was larger than it may have been. */
  private credit: number;
  private reason: string;

  constructor(wire: NetWire, slot: number, target: WireTarget, rate: number) {
    this.wire = wire;
    this.slot = slot;
    this.open = false;
    this.corked = false;
    this.gone = false;
    this.rate = rate;
    this.credit = 0;
    this.reason = "end";
    this.socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      ...(target.from === undefined ? {} : { localAddress: target.from }),
      onread: { buffer: () => this.nextBuffer(), callback: (bytes, buffer) => this.data(bytes, buffer as Buffer) },
    });
    this.socket.once("connect", () => {
      if (this.gone) return;
      this.open = true;
      if (this.rate > 0) this.socket.pause();
      this.wire.events.opened(this.slot);
    });
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      if (this.reason === "end") this.reason = error.code ?? error.message;
    });
    this.socket.once("end", () => this.socket.destroy());
    this.socket.once("close", () => {
      if (this.gone) return;
      this.wire.leave(this.slot);
      this.wire.events.closed(this.slot, this.reason);
    });
  }

  throttle(rate: number): void {
    this.rate = rate;
    this.credit = rate > 0 ? Math.min(this.credit, 0) : 0;
    if (!this.open) return;
    if (rate > 0) this.socket.pause();
    else this.socket.resume();
  }

  tick(seconds: number): void {
    this.credit = Math.min(this.credit + this.rate * seconds, Math.max(1, this.rate));
    if (this.open && this.credit >= 1) this.socket.resume();
  }

  /** Ends with RST; the owner is told once the socket is gone. */
  fail(reason: string): void {
    this.reason = reason;
    this.open = false;
    abort(this.socket);
  }

  /** What the next read fills, chosen when the one before is done. */
  private nextBuffer(): Buffer {
    return this.rate > 0 ? readBuffer.subarray(0, Math.max(1, Math.min(this.rate, READ_BYTES))) : readBuffer;
  }

  /** Returns false to stop reading. */
  private data(bytes: number, buffer: Buffer): boolean {
    this.wire.bytesIn += bytes;
    if (this.gone || this.socket.destroyed) return true;
    if (!this.wire.rest.tell(this.slot, buffer, 0, bytes)) this.fail("EMSGSIZE");
    if (this.gone || this.rate === 0) return true;
    this.credit -= bytes;
    if (this.credit >= 1) return true;
    this.socket.pause();
    return false;
  }
}

function uncork(connection: NetConnection): void {
  if (!connection.corked) return;
  connection.corked = false;
  connection.socket.uncork();
}

function sentBytes(socket: Socket): number {
  return Math.max(0, socket.bytesWritten - socket.writableLength);
}

/**
 * RST where there is a connection. Node would wait for one that is still being made, and would never close one that is
 * being ended: libuv refuses, and the handle is taken for closed (Node 20; it even spins at exit then).
 */
function abort(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

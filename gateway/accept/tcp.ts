// Raw TCP, and TLS over it, on node:net. One FrameReader per connection cuts the stream into frames; listener
// functions are shared by all sockets, and find their connection through two properties of the socket.
//
// A written piece is never joined with the next ones while it waits (sockets here have no _writev), so that
// bufferedBytes falls as the peer reads: that is how a slow reader is told from a dead one.
import { createServer, type Server, type Socket } from "node:net";
import { ErrorCode } from "../../proto/error-code.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { Limits } from "../../proto/limits.ts";
import { Entry } from "./entry.ts";
import { SlotTransport } from "./slot-transport.ts";
import { type Transport, type TransportEvents, type TransportOptions, WriteResult } from "./transport.ts";

/** Written at a time; also the least that counts as progress of a reader. */
const PIECE_BYTES_MAX = 64 * 1024;
/** A view of a buffer this much larger than itself is copied before it is written: a slow reader would keep the whole. */
const PINNED_BYTES_MAX = 16 * 1024;
const SWEEP_MS = 250;
const BACKLOG = 4096;

const SLOT = Symbol("slot");
const OWNER = Symbol("transport");
interface Connection extends Socket {
  [SLOT]: number;
  [OWNER]: TcpTransport;
}

/** Listens; rejects when it cannot (address in use, unreadable certificate). */
export async function listenTcp(options: TransportOptions, events: TransportEvents): Promise<Transport> {
  const { sharePort } = options;
  if (sharePort && !netSharesPorts(process.versions.node)) {
    throw new Error(
      `node:net of Node ${process.versions.node} cannot share a TCP port: take the native TCP core (tcpCore, without TLS) or Node 22.12 or later, or leave sharePorts out`,
    );
  }
  const server = createServer({ noDelay: true, keepAlive: false });
  const transport = new TcpTransport(server, options, events);
  server.on("connection", (socket) => transport.entry.accept(socket));
  // Counts those in their TLS handshake too, which have no slot yet.
  server.maxConnections = options.slotsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Types of Node 20 do not know reusePort.
    server.listen({ host: options.host, port: options.port, backlog: BACKLOG, ...(sharePort && { reusePort: true }) }, () => {
      server.off("error", reject);
      // Out of file descriptors, most likely: the server goes on, the peer tries again.
      server.on("error", () => transport.entry.failed++);
      resolve();
    });
  });
  return transport;
}

/** Whether node:net of this version has the option reusePort: 23.1, and 22.12 of the line before. */
export function netSharesPorts(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

class TcpTransport extends SlotTransport implements Transport {
  readonly name = "tcp";
  bytesRead: number;
  readonly entry: Entry;
  /** Held by all readers, of frames that are not whole yet. */
  private unfinishedBytes: number;
  private readonly server: Server;
  /** By slot - slotFirst. */
  private readonly sockets: (Connection | undefined)[];
  private readonly readers: (FrameReader | undefined)[];
  /** When close() was called, 0: it was not. */
  private readonly closingSince: Float64Array;
  private closingCount: number;
  private sweeper: NodeJS.Timeout | undefined;
  /** The last view that was copied, and its copy: a frame for many connections is copied once. */
  private copiedFrom: Uint8Array | undefined;
  private copy: Uint8Array | undefined;

  constructor(server: Server, options: TransportOptions, events: TransportEvents) {
    super(options, events);
    this.bytesRead = 0;
    const { proxyProtocol, trustedProxies, handshakeMs = Limits.handshakeMs, tls } = options;
    this.entry = new Entry(
      {
        proxyProtocol,
        handshakeMs,
        ...(trustedProxies !== undefined && { trustedProxies }),
        ...(tls !== undefined && { tls }),
        admits: (address) => events.admits?.(address) !== false,
      },
      (socket, address, ageMs) => this.accept(socket, address, ageMs),
    );
    this.unfinishedBytes = 0;
    this.server = server;
    this.sockets = new Array(options.slotsMax).fill(undefined);
    this.readers = new Array(options.slotsMax).fill(undefined);
    this.closingSince = new Float64Array(options.slotsMax);
    this.closingCount = 0;
    this.sweeper = undefined;
    this.copiedFrom = undefined;
    this.copy = undefined;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get failedHandshakes(): number {
    return this.entry.failed;
  }

  renewCertificate(): void {
    this.entry.renewCertificate();
  }

  accept(accepted: Socket, address: string, ageMs: number): void {
    const socket = accepted as Connection;
    // Whatever went wrong with a socket, its close follows and says all there is to say.
    socket.on("error", ignore);
    const slot = socket.destroyed ? -1 : this.pool.take();
    if (slot < 0) {
      socket.destroy();
      return;
    }
    socket[SLOT] = slot;
    socket[OWNER] = this;
    (socket as { _writev?: unknown })._writev = undefined;
    this.sockets[slot - this.slotFirst] = socket;
    this.readers[slot - this.slotFirst] = new FrameReader(this.options.frameBytesMax);
    this.liveness.opened(slot - this.slotFirst, performance.now());
    socket.on("close", onClose);
    socket.on("drain", onDrain);
    this.events.opened(slot, address, ageMs);
    socket.on("data", onData);
  }

  read(slot: number, chunk: Uint8Array): void {
    const index = slot - this.slotFirst;
    this.bytesRead += chunk.length;
    if (this.closingSince[index] !== 0) return;
    this.table.begin(slot, this.liveness.received(index, performance.now()));
    const reader = this.readers[index]!;
    const heldBefore = reader.heldBytes;
    let code: ErrorCode | 0 = reader.push(chunk, this.table);
    this.unfinishedBytes += (this.readers[index] === reader ? reader.heldBytes : 0) - heldBefore;
    if (!this.table.end()) return;
    if (code === 0 && reader.heldBytes > 0 && this.unfinishedBytes > this.options.unfinishedBytesMax) code = ErrorCode.Busy;
    if (code !== 0) this.events.broken(slot, code);
  }

  drained(slot: number): void {
    if (this.closingSince[slot - this.slotFirst] === 0) this.events.drained(slot);
  }

  gone(slot: number): void {
    const index = slot - this.slotFirst;
    this.sockets[index] = undefined;
    this.forget(index);
    if (this.closingSince[index] !== 0) this.closingCount--;
    this.closingSince[index] = 0;
    this.liveness.closed(index);
    this.pool.release(slot);
    this.events.closed(slot);
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    const index = slot - this.slotFirst;
    const socket = this.sockets[index];
    if (socket === undefined || this.closingSince[index] !== 0 || !socket.writable) return WriteResult.Dropped;
    this.put(socket, this.kept(bytes));
    return socket.writableLength === 0 ? WriteResult.Sent : WriteResult.Buffered;
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    // One copy of small frames is cheaper than a system call, or an entry of a writev, for each.
    return this.write(slot, joined(frames, count));
  }

  close(slot: number, lastBytes?: Uint8Array): void {
    const index = slot - this.slotFirst;
    const socket = this.sockets[index];
    if (socket === undefined || this.closingSince[index] !== 0) return;
    this.closingSince[index] = performance.now();
    this.closingCount++;
    this.table.closing(slot);
    this.forget(index);
    this.liveness.closed(index);
    if (lastBytes !== undefined && socket.writable) this.put(socket, this.kept(lastBytes));
    socket.end();
    // Read on, into nothing: closing a socket that holds unread bytes would reset it, and the peer would lose
    // the last bytes that tell it why.
    socket.resume();
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  pause(slot: number): void {
    this.sockets[slot - this.slotFirst]?.pause();
  }

  resume(slot: number): void {
    this.sockets[slot - this.slotFirst]?.resume();
  }

  bufferedBytes(slot: number): number {
    return this.sockets[slot - this.slotFirst]?.writableLength ?? 0;
  }

  setFrameLimit(slot: number, bytes: number): void {
    const reader = this.readers[slot - this.slotFirst];
    if (reader !== undefined) reader.limit = bytes;
  }

  stopListening(): void {
    this.server.close();
  }

  async stop(): Promise<void> {
    if (this.server.listening) this.server.close();
    this.entry.stop();
    for (const socket of this.sockets) socket?.destroy();
    await this.emptied();
    clearInterval(this.sweeper);
  }

  private forget(index: number): void {
    this.unfinishedBytes -= this.readers[index]?.heldBytes ?? 0;
    this.readers[index] = undefined;
  }

  private put(socket: Connection, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
      socket.write(bytes.length <= PIECE_BYTES_MAX ? bytes : bytes.subarray(at, at + PIECE_BYTES_MAX));
    }
  }

  private kept(bytes: Uint8Array): Uint8Array {
    if (bytes.buffer.byteLength - bytes.length <= PINNED_BYTES_MAX) return bytes;
    if (bytes !== this.copiedFrom) {
      this.copiedFrom = bytes;
      this.copy = Buffer.from(bytes);
    }
    return this.copy!;
  }

  /** Cuts off those who were told to go and did not. */
  private sweep(): void {
    const before = performance.now() - this.options.lingerMs;
    for (let index = 0; index < this.sockets.length && this.closingCount > 0; index++) {
      const since = this.closingSince[index]!;
      if (since !== 0 && since <= before) this.sockets[index]?.destroy();
    }
    if (this.closingCount > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }
}

/** The frames one behind the other. */
export function joined(frames: readonly Uint8Array[], count: number): Uint8Array {
  let length = 0;
  for (let i = 0; i < count; i++) length += frames[i]!.length;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (let i = 0; i < count; i++) {
    bytes.set(frames[i]!, at);
    at += frames[i]!.length;
  }
  return bytes;
}

function onData(this: Socket, chunk: Buffer): void {
  (this as Connection)[OWNER].read((this as Connection)[SLOT], chunk);
}

function onDrain(this: Socket): void {
  (this as Connection)[OWNER].drained((this as Connection)[SLOT]);
}

function onClose(this: Socket): void {
  (this as Connection)[OWNER].gone((this as Connection)[SLOT]);
}

function ignore(): void {}

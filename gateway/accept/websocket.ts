// WebSocket, and TLS under it, on uWebSockets.js. Binary messages hold whole frames; compression and automatic
// pings are off, because the protocol has its own beats; a text message closes with status 1003.
//
// uWebSockets.js cannot stop reading one WebSocket: pause() does nothing here, and what parks frames bounds them
// itself. It also calls the close handler from inside end() and close(), so `closed` is told a turn later.
import { existsSync } from "node:fs";
import type { TemplatedApp, us_listen_socket, WebSocket } from "uWebSockets.js";
import { ErrorCode } from "../../proto/error-code.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { BEAT_FRAME } from "../../proto/frame.ts";
import { FrameTable } from "./frame-table.ts";
import { Liveness, SWEEP_MS } from "./liveness.ts";
import { SlotPool } from "./slot-pool.ts";
import { joined } from "./tcp.ts";
import { type Transport, type TransportEvents, type TransportOptions, WriteResult } from "./transport.ts";

export const SUBPROTOCOL = "hawser.v1";

/** A message holds whole frames, so it may be a little larger than the largest of them. */
const MESSAGE_ROOM_BYTES = 64 * 1024;
const Status = { Normal: 1000, Unsupported: 1003 } as const;
/** What uWebSockets.js answers to a send. */
const SEND_BUFFERED = 0;
const SEND_DROPPED = 2;

interface UserData {
  slot: number;
}
type Socket = WebSocket<UserData>;
/** The engine's declarations leave out this option, and the form of listen() that takes it with a host. */
type Engine = typeof import("uWebSockets.js") & { LIBUS_LISTEN_EXCLUSIVE_PORT: number };
interface Listening {
  listen(host: string, port: number, options: number, listening: (socket: us_listen_socket | false) => void): void;
}

/** Listens; rejects when it cannot (address in use, unreadable certificate, no build of uWebSockets.js for this system). */
export async function listenWebSocket(options: TransportOptions, events: TransportEvents): Promise<Transport> {
  let engine: Engine;
  try {
    engine = (await import("uWebSockets.js")) as Engine;
  } catch (error) {
    throw new Error("uWebSockets.js has no build for this system: use Node 20 or 22 on Linux (glibc), macOS or Windows, or switch the WebSocket port off", {
      cause: error,
    });
  }
  const { tls } = options;
  for (const file of tls === undefined ? [] : [tls.certFile, tls.keyFile]) if (!existsSync(file)) throw new Error(`no such file: ${file}`);
  const app = tls === undefined ? engine.App() : engine.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile });
  const transport = new WebSocketTransport(engine, app, options, events);
  await transport.listen();
  return transport;
}

class WebSocketTransport implements Transport {
  readonly name = "websocket";
  port: number;
  bytesRead: number;
  failedHandshakes: number;
  private readonly engine: Engine;
  private readonly app: TemplatedApp;
  private readonly options: TransportOptions;
  private readonly events: TransportEvents;
  private readonly table: FrameTable;
  private readonly pool: SlotPool;
  private readonly slotFirst: number;
  private listening: us_listen_socket | undefined;
  /** One for all: messages hold whole frames, so it carries nothing from one to the next. */
  private reader: FrameReader;
  /** By slot - slotFirst. Undefined as soon as the socket must not be touched any more. */
  private readonly sockets: (Socket | undefined)[];
  private readonly limits: Uint32Array;
  /** Slots whose end is to be told at the end of the turn. */
  private ended: number[];
  private readonly liveness: Liveness;
  private readonly watcher: NodeJS.Timeout;
  beatsAnswered: number;

  constructor(engine: Engine, app: TemplatedApp, options: TransportOptions, events: TransportEvents) {
    this.port = 0;
    this.bytesRead = 0;
    this.failedHandshakes = 0;
    this.engine = engine;
    this.app = app;
    this.options = options;
    this.events = events;
    this.table = new FrameTable(events, (slot) => this.answerBeat(slot));
    this.pool = new SlotPool(options.slotFirst, options.slotsMax);
    this.slotFirst = options.slotFirst;
    this.listening = undefined;
    this.reader = new FrameReader(options.frameBytesMax);
    this.sockets = new Array(options.slotsMax).fill(undefined);
    this.limits = new Uint32Array(options.slotsMax);
    this.ended = [];
    this.liveness = new Liveness(options.slotsMax, performance.now());
    this.watcher = setInterval(() => this.liveness.sweep(performance.now(), this.tellIdle), SWEEP_MS).unref();
    this.beatsAnswered = 0;
  }

  get openCount(): number {
    return this.pool.taken;
  }

  listen(): Promise<void> {
    this.app.ws<UserData>("/*", {
      compression: 0,
      maxPayloadLength: this.options.frameBytesLimit + MESSAGE_ROOM_BYTES,
      idleTimeout: 0,
      maxLifetime: 0,
      sendPingsAutomatically: false,
      // The outbox bounds what a connection may hold, and by kind of frame.
      maxBackpressure: 0,
      upgrade: (response, request, context) => {
        const offered = request.getHeader("sec-websocket-protocol").split(",");
        if (!offered.some((name) => name.trim() === SUBPROTOCOL)) {
          this.failedHandshakes++;
          response.writeStatus("400 Bad Request").end(`ask for the subprotocol ${SUBPROTOCOL}\n`, true);
          return;
        }
        const key = request.getHeader("sec-websocket-key");
        response.upgrade<UserData>({ slot: -1 }, key, SUBPROTOCOL, request.getHeader("sec-websocket-extensions"), context);
      },
      open: (socket) => this.opened(socket),
      message: (socket, message, isBinary) => this.message(socket, message, isBinary),
      drain: (socket) => {
        if (socket.getBufferedAmount() === 0) this.events.drained(socket.getUserData().slot);
      },
      close: (socket) => this.gone(socket.getUserData().slot),
    });
    this.app.any("/*", (response) => {
      this.failedHandshakes++;
      response.writeStatus("426 Upgrade Required").writeHeader("upgrade", "websocket").end(`this is a WebSocket endpoint (${SUBPROTOCOL})\n`, true);
    });
    return new Promise((resolve, reject) => {
      // Exclusive: by default a second process could share the port, and take half of the connections.
      (this.app as unknown as Listening).listen(this.options.host, this.options.port, this.engine.LIBUS_LISTEN_EXCLUSIVE_PORT, (listening) => {
        if (listening === false) return reject(new Error(`cannot listen on ${this.options.host}:${this.options.port} (in use, or not allowed)`));
        this.listening = listening;
        this.port = this.engine.us_socket_local_port(listening);
        resolve();
      });
    });
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    const socket = this.sockets[slot - this.slotFirst];
    if (socket === undefined) return WriteResult.Dropped;
    const result = socket.send(bytes, true);
    return result === SEND_BUFFERED ? WriteResult.Buffered : result === SEND_DROPPED ? WriteResult.Dropped : WriteResult.Sent;
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    return this.write(slot, joined(frames, count));
  }

  close(slot: number, lastBytes?: Uint8Array): void {
    this.end(slot, Status.Normal, lastBytes);
  }

  /** Nothing can be stopped here; see the head of this file. */
  pause(): void {}

  resume(): void {}

  bufferedBytes(slot: number): number {
    return this.sockets[slot - this.slotFirst]?.getBufferedAmount() ?? 0;
  }

  setFrameLimit(slot: number, bytes: number): void {
    this.limits[slot - this.slotFirst] = bytes;
  }

  watch(slot: number, idleMs: number): void {
    this.liveness.watch(slot - this.slotFirst, idleMs, performance.now());
  }

  quietMs(slot: number): number {
    return this.liveness.quietMs(slot - this.slotFirst, performance.now());
  }

  takeLongestGapMs(slot: number): number {
    return this.liveness.takeLongestGapMs(slot - this.slotFirst);
  }

  /** uWebSockets.js does not tell. */
  roundTripMs(): undefined {
    return undefined;
  }

  stopListening(): void {
    if (this.listening !== undefined) this.engine.us_listen_socket_close(this.listening);
    this.listening = undefined;
  }

  async stop(): Promise<void> {
    this.stopListening();
    this.app.close();
    while (this.pool.taken > 0) await new Promise((resolve) => setImmediate(resolve));
    clearInterval(this.watcher);
  }

  private answerBeat(slot: number): void {
    this.beatsAnswered++;
    this.write(slot, BEAT_FRAME);
  }

  private readonly tellIdle = (index: number): void => {
    this.events.idle(this.slotFirst + index);
  };

  private opened(socket: Socket): void {
    const slot = this.pool.take();
    if (slot < 0) {
      socket.close();
      return;
    }
    socket.getUserData().slot = slot;
    this.sockets[slot - this.slotFirst] = socket;
    this.limits[slot - this.slotFirst] = this.options.frameBytesMax;
    this.liveness.opened(slot - this.slotFirst, performance.now());
    this.events.opened(slot, Buffer.from(socket.getRemoteAddressAsText()).toString());
  }

  private message(socket: Socket, message: ArrayBuffer, isBinary: boolean): void {
    const { slot } = socket.getUserData();
    this.bytesRead += message.byteLength;
    if (this.sockets[slot - this.slotFirst] === undefined) return;
    if (!isBinary) return this.end(slot, Status.Unsupported);
    const { reader } = this;
    reader.limit = this.limits[slot - this.slotFirst]!;
    this.table.begin(slot, this.liveness.received(slot - this.slotFirst, performance.now()));
    let code = reader.push(new Uint8Array(message), this.table);
    const open = this.table.end();
    if (code === 0 && open && (reader.heldBytes > 0 || message.byteLength === 0)) code = ErrorCode.BadFrame;
    // A reader that stopped, or holds a part of a frame, is of no use for the next message.
    if (code !== 0 || !open) this.reader = new FrameReader(this.options.frameBytesMax);
    if (code !== 0 && open) this.events.broken(slot, code);
  }

  private end(slot: number, status: number, lastBytes?: Uint8Array): void {
    const socket = this.sockets[slot - this.slotFirst];
    if (socket === undefined) return;
    this.table.closing(slot);
    this.sockets[slot - this.slotFirst] = undefined;
    this.liveness.closed(slot - this.slotFirst);
    if (lastBytes !== undefined) socket.send(lastBytes, true);
    // Cuts the peer off by itself when it does not close within some seconds.
    socket.end(status);
  }

  private gone(slot: number): void {
    if (slot < 0) return;
    this.sockets[slot - this.slotFirst] = undefined;
    this.liveness.closed(slot - this.slotFirst);
    this.ended.push(slot);
    if (this.ended.length === 1) setImmediate(this.tellEnded);
  }

  private readonly tellEnded = (): void => {
    const { ended } = this;
    this.ended = [];
    for (const slot of ended) {
      this.pool.release(slot);
      this.events.closed(slot);
    }
  };
}

// WebSocket, and TLS under it, on uWebSockets.js. Binary messages hold whole frames; compression and automatic
// pings are off, because the protocol has its own beats; a text message closes with status 1003.
//
// uWebSockets.js cannot stop reading one WebSocket: pause() does nothing here, and what parks frames bounds them
// itself. It also calls the close handler from inside end() and close(), so `closed` is told a turn later.
//
// Before the upgrade a socket is the engine's: it gives TLS and HTTP together 10 to 12 s, however slowly bytes come, and
// reads a header of 4 KiB at most; how many there are is counted here, and bounded.
import type { HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from "uWebSockets.js";
import { ErrorCode } from "../../proto/error-code.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { ipBytes } from "./ip-address.ts";
import { SlotTransport } from "./slot-transport.ts";
import { joined } from "./tcp.ts";
import { CIPHERS_1_2, CIPHERS_1_3_ONLY, TlsFiles } from "./tls.ts";
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
/** What the engine's declarations leave out. */
type Engine = typeof import("uWebSockets.js") & { LIBUS_LISTEN_EXCLUSIVE_PORT: number };
type App = Omit<TemplatedApp, "listen" | "filter"> & {
  listen(host: string, port: number, options: number, listening: (socket: us_listen_socket | false) => void): unknown;
  /** Told +1 for each new socket and -1 for each that goes, those that were upgraded apart. */
  filter(handler: (response: HttpResponse, difference: number) => void): unknown;
  /** Sockets that this app accepts are given to those that were added, in turn. */
  addChildAppDescriptor(descriptor: unknown): void;
  removeChildAppDescriptor(descriptor: unknown): void;
  getDescriptor(): unknown;
};
/** Shares the port with other processes. */
const LISTEN_SHARED = 0;

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
  if (options.proxyProtocol && options.tls !== undefined) {
    throw new Error(
      "WebSocket with TLS cannot read a PROXY header, which stands before TLS: let the proxy end TLS, or switch proxyProtocol or the WebSocket port off",
    );
  }
  const transport = new WebSocketTransport(engine, options, events);
  await transport.listen();
  return transport;
}

class WebSocketTransport extends SlotTransport implements Transport {
  readonly name = "websocket";
  port: number;
  bytesRead: number;
  failedHandshakes: number;
  private readonly engine: Engine;
  /** Accepts. Without TLS it serves as well. */
  private readonly app: App;
  /** With TLS: serves what `app` accepts, with the certificate of its time. */
  private serving: App;
  private readonly files: TlsFiles | undefined;
  /** Sockets that are in their TLS or HTTP handshake. */
  private pendingCount: number;
  private upgradingAddress: string;
  /**
   * Served with an older certificate: their connections live on, and `stop` closes them. Without a bound: the engine frees no app,
   * closed or forgotten, before the process ends (36 KiB each, measured), so that forgetting one here would save nothing.
   */
  private readonly retired: App[];
  private listening: us_listen_socket | undefined;
  /** One for all: messages hold whole frames, so it carries nothing from one to the next. */
  private reader: FrameReader;
  /** By slot - slotFirst. Undefined as soon as the socket must not be touched any more. */
  private readonly sockets: (Socket | undefined)[];
  private readonly limits: Uint32Array;
  /** Slots whose end is to be told at the end of the turn. */
  private ended: number[];

  constructor(engine: Engine, options: TransportOptions, events: TransportEvents) {
    super(options, events);
    this.port = 0;
    this.bytesRead = 0;
    this.failedHandshakes = 0;
    this.engine = engine;
    this.files = options.tls === undefined ? undefined : new TlsFiles(options.tls);
    this.app = this.newApp();
    this.serving = this.app;
    this.pendingCount = 0;
    this.upgradingAddress = "";
    this.retired = [];
    this.listening = undefined;
    this.reader = new FrameReader(options.frameBytesMax);
    this.sockets = new Array(options.slotsMax).fill(undefined);
    this.limits = new Uint32Array(options.slotsMax);
    this.ended = [];
  }

  listen(): Promise<void> {
    if (this.files === undefined) this.serve(this.app);
    else this.serveWithNewCertificate();
    const mode = this.options.sharePort ? LISTEN_SHARED : this.engine.LIBUS_LISTEN_EXCLUSIVE_PORT;
    return new Promise((resolve, reject) => {
      this.app.listen(this.options.host, this.options.port, mode, (listening) => {
        if (listening === false) return reject(new Error(`cannot listen on ${this.options.host}:${this.options.port} (in use, or not allowed)`));
        this.listening = listening;
        this.port = this.engine.us_socket_local_port(listening);
        resolve();
      });
    });
  }

  /**
   * The engine reads a certificate when an app is made, and never again. So the app that listens passes each socket on to
   * another, and that one is replaced: the listening socket and its queue stay, and so do the old app's connections.
   */
  renewCertificate(): void {
    const { files } = this;
    if (files?.reload() !== true) return;
    try {
      this.serveWithNewCertificate();
    } catch (error) {
      // The engine reads the files itself, and may have met others.
      files.forget();
      throw new Error("the WebSocket engine cannot read the new certificate", { cause: error });
    }
  }

  private serveWithNewCertificate(): void {
    const next = this.newApp();
    this.serve(next);
    // In one turn, so that nothing is accepted while there are two of them, or none.
    this.app.addChildAppDescriptor(next.getDescriptor());
    if (this.serving !== this.app) {
      this.app.removeChildAppDescriptor(this.serving.getDescriptor());
      this.retired.push(this.serving);
    }
    this.serving = next;
  }

  private newApp(): App {
    const { engine, files } = this;
    if (files === undefined) return engine.App() as unknown as App;
    const { certFile, keyFile, minVersion } = files.options;
    const ciphers = minVersion === "1.3" ? CIPHERS_1_3_ONLY : CIPHERS_1_2;
    return engine.SSLApp({ cert_file_name: certFile, key_file_name: keyFile, ssl_ciphers: ciphers }) as unknown as App;
  }

  private serve(app: App): void {
    app.filter(this.counted);
    app.ws<UserData>("/*", {
      compression: 0,
      maxPayloadLength: this.options.frameBytesLimit + MESSAGE_ROOM_BYTES,
      idleTimeout: 0,
      maxLifetime: 0,
      sendPingsAutomatically: false,
      // The outbox bounds what a connection may hold, and by kind of frame.
      maxBackpressure: 0,
      upgrade: (response, request, context) => {
        const offered = request.getHeader("sec-websocket-protocol").split(",");
        if (!offered.some((name) => name.trim() === SUBPROTOCOL)) return this.refuse(response, "400 Bad Request", `ask for the subprotocol ${SUBPROTOCOL}\n`);
        const address = this.addressOf(response);
        if (address === undefined) return this.refuse(response, "400 Bad Request", "a PROXY header of version 2, from a trusted proxy, must come first\n");
        this.pendingCount--;
        // `open` is called from inside upgrade().
        this.upgradingAddress = address;
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
    app.any("/*", (response) => this.refuse(response, "426 Upgrade Required", `this is a WebSocket endpoint (${SUBPROTOCOL})\n`));
  }

  private readonly counted = (response: HttpResponse, difference: number): void => {
    this.pendingCount += difference;
    if (difference < 0) return;
    // Behind a proxy its address says nothing, and the client's comes later.
    const admitted = this.options.proxyProtocol || this.events.admits?.(Buffer.from(response.getRemoteAddressAsText()).toString()) !== false;
    if (admitted && this.pendingCount <= this.options.slotsMax) return;
    this.failedHandshakes++;
    response.close();
  };

  private refuse(response: HttpResponse, status: string, text: string): void {
    this.failedHandshakes++;
    // With an answer, the engine would go on with what the client sent behind its request: a PROXY header of its own, for one.
    if (this.options.proxyProtocol) response.close();
    else response.writeStatus(status).writeHeader("upgrade", "websocket").end(text, true);
  }

  /** The client's address; undefined: it should have come through a trusted proxy, and did not. */
  private addressOf(response: HttpResponse): string | undefined {
    const { proxyProtocol, trustedProxies } = this.options;
    const direct = Buffer.from(response.getRemoteAddressAsText()).toString();
    if (!proxyProtocol) return direct;
    const from = ipBytes(direct);
    if (trustedProxies !== undefined && (from === undefined || !trustedProxies.has(from))) return undefined;
    return Buffer.from(response.getProxiedRemoteAddressAsText()).toString() || undefined;
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

  stopListening(): void {
    if (this.listening !== undefined) this.engine.us_listen_socket_close(this.listening);
    this.listening = undefined;
  }

  async stop(): Promise<void> {
    this.stopListening();
    for (const app of new Set([this.app, this.serving, ...this.retired])) app.close();
    await this.emptied();
  }

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
    this.events.opened(slot, this.upgradingAddress);
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

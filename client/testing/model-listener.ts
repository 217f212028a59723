// The model server behind real sockets: TCP, TLS and WebSocket on 127.0.0.1. For tests of the shells around the core.
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { FrameType } from "../../proto/frame-type.ts";
import { ClientStream } from "./harness.ts";
import type { Written } from "./harness.ts";
import { ModelServer } from "./model-server.ts";
import type { ModelOutput, ModelSession } from "./model-server.ts";

interface Peer {
  write(bytes: Uint8Array): void;
  destroy(): void;
}

export class ModelListener {
  readonly model: ModelServer;
  /** Hello's token → what to answer instead of Welcome, then close. */
  readonly refusals: Map<string, Uint8Array>;
  readonly hellos: Written["body"][];
  /** false: requests get no answer. */
  answers: boolean;
  /** Writes that came in, to see that small ones are joined. */
  chunks: number;
  private readonly peers: Map<Peer, ModelSession | undefined>;
  private readonly servers: (Server | WebSocketServer)[];

  constructor() {
    this.model = new ModelServer(() => 50, 256);
    this.refusals = new Map();
    this.hellos = [];
    this.answers = true;
    this.chunks = 0;
    this.peers = new Map();
    this.servers = [];
  }

  /** Resolves with the address, "tcp://127.0.0.1:port". */
  async tcp(tls?: { key: string; cert: string }): Promise<string> {
    const accept = (socket: Socket): void => {
      const peer: Peer = { write: (bytes) => socket.write(bytes), destroy: () => socket.destroy() };
      const receive = this.accept(peer);
      socket.on("data", receive);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.gone(peer));
    };
    const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `${tls === undefined ? "tcp" : "tls"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async webSocket(): Promise<string> {
    const server = new WebSocketServer({
      port: 0,
      host: "127.0.0.1",
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has("hawser.v1") ? "hawser.v1" : false),
    });
    this.servers.push(server);
    server.on("connection", (socket: WebSocket) => {
      const peer: Peer = { write: (bytes) => socket.send(bytes), destroy: () => socket.terminate() };
      const receive = this.accept(peer);
      socket.on("message", (data: Buffer, binary: boolean) => (binary ? receive(data) : socket.close(1003)));
      socket.on("close", () => this.gone(peer));
    });
    await new Promise<void>((resolve) => server.once("listening", resolve));
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const peer of this.peers.keys()) peer.destroy();
  }

  /** Writes to all connections. */
  tell(bytes: Uint8Array): void {
    for (const peer of this.peers.keys()) peer.write(bytes);
  }

  get connections(): number {
    return this.peers.size;
  }

  async stop(): Promise<void> {
    this.cut();
    for (const server of this.servers) await new Promise<unknown>((resolve) => server.close(resolve));
  }

  private accept(peer: Peer): (bytes: Uint8Array) => void {
    const stream = new ClientStream();
    this.peers.set(peer, undefined);
    return (bytes) => {
      this.chunks++;
      for (const written of stream.read(bytes)) this.handle(peer, written);
    };
  }

  private handle(peer: Peer, written: Written): void {
    if (written.type === 0) return peer.write(Uint8Array.of(0));
    if (written.type === FrameType.Hello) {
      this.hellos.push(written.body);
      const refusal = this.refusals.get(written.body.token);
      if (refusal !== undefined) return peer.write(refusal);
      const { session, outputs } = this.model.attach(written.body, String(written.body.token).replace(/^dev:/, ""));
      this.peers.set(peer, session);
      return this.deliver(outputs);
    }
    if (!this.answers) return;
    const { outputs, commit } = this.model.request(this.peers.get(peer)!, written);
    this.deliver(outputs);
    if (commit !== undefined) this.deliver(commit());
  }

  private deliver(outputs: readonly ModelOutput[]): void {
    for (const output of outputs) {
      for (const [peer, session] of this.peers) if (session === output.session) peer.write(output.frame);
    }
  }

  private gone(peer: Peer): void {
    const session = this.peers.get(peer);
    this.peers.delete(peer);
    if (session !== undefined) this.model.detach(session);
  }
}

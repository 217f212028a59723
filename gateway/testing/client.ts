// A connection as raw as a test needs it: bytes out, bytes in, over TCP, TLS, WebSocket or WebSocket over TLS.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { FrameReader } from "../../proto/frame-reader.ts";
import { TYPE_MASK } from "../../proto/frame-type.ts";

export type ClientKind = "tcp" | "tls" | "ws" | "wss";

export interface Frame {
  /** 0: a beat. */
  type: number;
  body: Uint8Array;
}

export abstract class Client {
  readonly frames: Frame[] = [];
  /** All bytes, while `keepBytes`. */
  received = Buffer.alloc(0);
  keepBytes = false;
  closed = false;
  /** Of a WebSocket. */
  closeCode = 0;
  private readonly reader = new FrameReader(1 << 24);
  private changed: (() => void)[] = [];

  abstract write(bytes: Uint8Array): void;
  abstract pause(): void;
  abstract resume(): void;
  abstract end(): void;
  abstract destroy(): void;

  /** Resolves when `condition` holds; rejects after `withinMs`. */
  async until(condition: () => boolean, what: string, withinMs = 8000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50);
        this.changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The next frame of that type, taken out of the order. */
  async next(type: number): Promise<Uint8Array> {
    await this.until(() => this.frames.some((frame) => frame.type === type), `a frame of type ${type}, have ${this.frames.map((frame) => frame.type)}`);
    return this.frames.splice(
      this.frames.findIndex((frame) => frame.type === type),
      1,
    )[0]!.body;
  }

  protected take(chunk: Buffer): void {
    if (this.keepBytes) this.received = Buffer.concat([this.received, chunk]);
    else {
      this.reader.push(chunk, {
        frame: (header, bytes, start, end) => {
          this.frames.push({ type: header & TYPE_MASK, body: bytes.slice(start, end) });
          return true;
        },
      });
    }
    this.wake();
  }

  protected wake(): void {
    for (const wake of this.changed.splice(0)) wake();
  }
}

class StreamClient extends Client {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.take(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export class WebSocketClient extends Client {
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.socket = socket;
    socket.on("message", (data: Buffer) => this.take(data));
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.closed = true;
      this.closeCode = code;
      this.wake();
    });
  }

  write(bytes: Uint8Array): void {
    this.socket.send(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.close();
  }

  destroy(): void {
    this.socket.terminate();
  }
}

/** Connects to 127.0.0.1. Rejects when it is refused. */
export async function openClient(kind: ClientKind, port: number): Promise<Client> {
  if (kind === "ws" || kind === "wss") {
    const socket = new WebSocket(`${kind}://127.0.0.1:${port}/`, "hawser.v1", { rejectUnauthorized: false, perMessageDeflate: true });
    const client = new WebSocketClient(socket);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return client;
  }
  const socket = kind === "tcp" ? connectTcp(port, "127.0.0.1") : connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await new Promise((resolve, reject) => {
    socket.once(kind === "tcp" ? "connect" : "secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.setNoDelay();
  return new StreamClient(socket);
}

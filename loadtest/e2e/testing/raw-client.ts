// A client without the rules of one: it sends whatever bytes it is told, and keeps every frame that comes. It can stop
// reading. It reads frames by code of its own.
import { randomBytes } from "node:crypto";
import type { EventEmitter } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket } from "ws";
import { errorName } from "../../../proto/error-code.ts";
import { hawser } from "../../../proto/gen/hawser.js";
import { PATIENCE_MS } from "./wait.ts";
import { BATCH, frame, hello, type HelloFields, Type } from "./wire-bytes.ts";

const v1 = hawser.v1;

/** What the server may send, by name. */
export interface Answers {
  Welcome: hawser.v1.Welcome;
  Error: hawser.v1.Error;
  GoAway: hawser.v1.GoAway;
  Sent: hawser.v1.Sent;
  Push: hawser.v1.Push;
  Heads: hawser.v1.Heads;
  Page: hawser.v1.Page;
  Checked: hawser.v1.Checked;
  Read: hawser.v1.Read;
  Resync: hawser.v1.Resync;
  Beat: Record<string, never>;
}
type Name = keyof Answers;

const DECODERS: Record<number, { name: Name; decode: (bytes: Uint8Array) => object }> = Object.fromEntries(
  (["Welcome", "Error", "GoAway", "Sent", "Push", "Heads", "Page", "Checked", "Read", "Resync"] as const).map((name) => [
    Type[name],
    { name, decode: (bytes: Uint8Array) => v1[name].decode(bytes) },
  ]),
);

export interface Received {
  readonly name: Name;
  readonly message: object;
  /** Bytes of its body. */
  readonly size: number;
}

/** The part of a connection that a Raw needs. */
interface Wire {
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  destroy(): void;
}

export class Raw {
  /** Everything that came and was not taken yet, in order. */
  readonly inbox: Received[] = [];
  last: Received | undefined;
  ended = false;
  /** Of a WebSocket. */
  closeCode = 0;
  /** Number of the last request. */
  requests = 0;
  private unread: Buffer = Buffer.alloc(0);
  /** Who wait for something to come. */
  private waiting: (() => void)[] = [];
  private readonly wire: Wire;

  private constructor(wire: (raw: Raw) => Wire) {
    this.wire = wire(this);
  }

  /** Connects to a tcp://, tls://, ws:// or wss:// URL; any certificate will do. Rejects when it is refused. */
  static async open(url: string): Promise<Raw> {
    const { protocol, hostname: host, port } = new URL(url);
    if (protocol === "ws:" || protocol === "wss:") {
      const socket = new WebSocket(url, "hawser.v1", { rejectUnauthorized: false, maxPayload: 1 << 26 });
      // It listens from the start: the first message may come with the upgrade itself.
      const raw = Raw.overWebSocket(socket);
      await opened(socket, "open");
      return raw;
    }
    const secure = protocol === "tls:";
    const socket = secure ? connectTls({ host, port: Number(port), rejectUnauthorized: false }) : connectTcp({ host, port: Number(port), noDelay: true });
    const raw = Raw.overSocket(socket);
    await opened(socket, secure ? "secureConnect" : "connect");
    return raw;
  }

  static overSocket(socket: Socket): Raw {
    const raw = new Raw(() => ({
      write: (bytes) => socket.write(bytes),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      destroy: () => socket.destroy(),
    }));
    socket.on("data", (chunk: Buffer) => raw.read(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => raw.finish(0));
    return raw;
  }

  static overWebSocket(socket: WebSocket): Raw {
    const raw = new Raw(() => ({
      write: (bytes) => socket.send(bytes),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      destroy: () => socket.terminate(),
    }));
    socket.on("message", (data: Buffer) => raw.read(data));
    socket.on("error", () => undefined);
    socket.on("close", (code) => raw.finish(code));
    return raw;
  }

  /** Connects and waits for Welcome. */
  static async welcomed(url: string, fields: HelloFields): Promise<Raw> {
    const raw = await Raw.open(url);
    raw.write(hello({ install: randomBytes(8), ...fields }));
    await raw.take("Welcome");
    return raw;
  }

  write(...bytes: Uint8Array[]): void {
    this.wire.write(Buffer.concat(bytes));
  }

  pause(): void {
    this.wire.pause();
  }

  resume(): void {
    this.wire.resume();
  }

  destroy(): void {
    this.wire.destroy();
  }

  /** Sends one message with `body` as its bytes; returns its number. */
  request(type: number, body: Uint8Array): number {
    this.write(frame(type, body));
    return ++this.requests;
  }

  /** A Send, and what it is answered by. */
  async send(fields: hawser.v1.Send.$Properties): Promise<hawser.v1.Sent> {
    const ref = this.request(Type.Send, v1.Send.encode(fields).finish());
    return this.take("Sent", (sent) => sent.ref === ref);
  }

  async fetch(fields: hawser.v1.Fetch.$Properties): Promise<hawser.v1.Page> {
    const ref = this.request(Type.Fetch, v1.Fetch.encode(fields).finish());
    return this.take("Page", (page) => page.ref === ref);
  }

  /** All heads since the watermark, page by page. */
  async sync(watermark: Uint8Array = new Uint8Array(0)): Promise<{ heads: hawser.v1.Head.$Properties[]; watermark: Uint8Array }> {
    const heads: hawser.v1.Head.$Properties[] = [];
    for (;;) {
      const ref = this.request(Type.Sync, v1.Sync.encode({ watermark }).finish());
      const page = await this.take("Heads", (found) => found.ref === ref);
      heads.push(...page.heads);
      watermark = page.watermark;
      if (!page.more) return { heads, watermark };
    }
  }

  /** Takes the first message of this name (for which `where` holds) out of the inbox, waiting for it. Rejects when the connection ends without it. */
  async take<N extends Name>(name: N, where: (message: Answers[N]) => boolean = () => true, withinMs = PATIENCE_MS): Promise<Answers[N]> {
    const find = (): number => this.inbox.findIndex((one) => one.name === name && where(one.message as Answers[N]));
    await this.until(() => find() >= 0 || this.ended, name, withinMs);
    // Found anew: others may have taken something meanwhile.
    const at = find();
    if (at < 0) throw new Error(`the connection ended without ${name}; had ${this.toString()}`);
    return this.inbox.splice(at, 1)[0]!.message as Answers[N];
  }

  /** The Error that answers request `ref` (0: the connection). */
  async error(ref: number): Promise<{ name: string; error: hawser.v1.Error }> {
    const error = await this.take("Error", (one) => one.ref === ref);
    return { name: errorName(error.code), error };
  }

  /** Takes what answers request `ref` out of the inbox, whatever it is. */
  async answer(ref: number): Promise<Received> {
    const find = (): number => this.inbox.findIndex(({ message }) => (message as { ref?: number }).ref === ref);
    await this.until(() => find() >= 0 || this.ended, `an answer to ${ref}`);
    const at = find();
    if (at < 0) throw new Error(`the connection ended without an answer to ${ref}; had ${this.toString()}`);
    return this.inbox.splice(at, 1)[0]!;
  }

  /** Resolves when `condition` holds, looked at whenever something came. */
  async until(condition: () => boolean, what: string, withinMs = PATIENCE_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`waited ${withinMs} ms for ${what}; have ${this.toString()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** How the server ended the connection: the name of the Error that was its last frame, "" when it was none that closes. */
  async end(withinMs = PATIENCE_MS): Promise<string> {
    await this.until(() => this.ended, "the end", withinMs);
    if (this.last?.name !== "Error") return "";
    const error = this.last.message as hawser.v1.Error;
    return error.closes ? errorName(error.code) : "";
  }

  /** What is in the inbox, for people. */
  toString(): string {
    const names = this.inbox.map(({ name, message }) =>
      name === "Error" ? `Error ${errorName((message as hawser.v1.Error).code)} ref ${(message as hawser.v1.Error).ref}` : name,
    );
    return `[${names.slice(-20).join(", ")}]${this.ended ? " and the end" : ""}`;
  }

  private read(chunk: Buffer): void {
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    for (;;) {
      const prefix = readVarint(this.unread, 0);
      if (prefix === undefined || this.unread.length < prefix.end + prefix.value) return;
      const whole = this.unread.subarray(prefix.end, prefix.end + prefix.value);
      this.unread = this.unread.subarray(prefix.end + prefix.value);
      if (whole.length === 0) this.keep({ name: "Beat", message: {}, size: 0 });
      else this.open(whole[0]!, whole.subarray(1));
    }
  }

  private open(header: number, body: Buffer): void {
    const decoder = DECODERS[header & 0x1f];
    // A server must not send what this version has no name for, but a client has to ignore it.
    if (decoder === undefined) return;
    if ((header & BATCH) === 0) return this.keep({ name: decoder.name, message: decoder.decode(body), size: body.length });
    for (let at = 0; at < body.length; ) {
      const { value, end } = readVarint(body, at)!;
      at = end + value;
      this.keep({ name: decoder.name, message: decoder.decode(body.subarray(end, at)), size: value });
    }
  }

  private keep(received: Received): void {
    this.inbox.push(received);
    this.last = received;
    this.wake();
  }

  private finish(closeCode: number): void {
    this.closeCode = closeCode;
    this.ended = true;
    this.wake();
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }
}

function opened(socket: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once("error", reject);
  });
}

function readVarint(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let scale = 1; at < bytes.length; scale *= 0x80) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at };
  }
  return undefined;
}

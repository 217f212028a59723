// A core on a bench: plays the shell and the server by hand. Frames that the core writes are decoded into
// `written`, events are gathered, time moves only when told.
import { hash } from "node:crypto";
import { inflateBody } from "../../proto/codec/codec.ts";
import { defaultDictionary } from "../../proto/codec/default-dictionary.ts";
import { inflateRaw } from "../../proto/codec/inflate.ts";
import { encodeMessage, splitBatch } from "../../proto/frame.ts";
import type { Encodable } from "../../proto/frame.ts";
import { BEAT, FrameReader } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { ClientCore } from "../core.ts";
import type { CoreOptions } from "../core.ts";
import type { Message } from "../message.ts";
import type { ConnectOrder, CoreEvent } from "../outputs.ts";
import { applyChanges } from "../store.ts";

export const utf8 = new TextEncoder();

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/** A small seeded generator (mulberry32), for tests only. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const CODECS: Readonly<Record<number, { decode(bytes: Uint8Array): object }>> = {
  [FrameType.Hello]: hawser.v1.Hello,
  [FrameType.Send]: hawser.v1.Send,
  [FrameType.Sync]: hawser.v1.Sync,
  [FrameType.Fetch]: hawser.v1.Fetch,
  [FrameType.Check]: hawser.v1.Check,
  [FrameType.Read]: hawser.v1.Read,
  [FrameType.Dictionary]: hawser.v1.Dictionary,
};

/** A frame from the client; `ref` is its number on the connection (0: Hello or a beat). */
export interface Written {
  readonly type: number;
  readonly ref: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at the fields of whichever message it is
  readonly body: any;
}

/** Reads what a client writes, and numbers it as a server does. */
export class ClientStream {
  private readonly reader: FrameReader;
  private count: number;
  /** Compressed frames. */
  compressed: number;

  constructor() {
    this.reader = new FrameReader(1 << 20);
    this.compressed = 0;
    this.count = 0;
  }

  read(bytes: Uint8Array): Written[] {
    const written: Written[] = [];
    const error = this.reader.push(bytes, {
      frame: (header, chunk, start, end) => {
        if (header === BEAT) written.push({ type: BEAT, ref: 0, body: undefined });
        else this.message(header, new Uint8Array(chunk.subarray(start, end)), written);
        return true;
      },
    });
    if (error !== 0) throw new Error(`the client wrote a bad frame: ${error}`);
    return written;
  }

  /** Compressed frames are of the default dictionary. */
  private message(header: number, body: Uint8Array, written: Written[]): void {
    if ((header & HeaderBit.Compressed) !== 0) {
      this.compressed++;
      const inflated = inflateBody(body, 0, body.length, 1 << 20, defaultDictionary(sha256).bytes, inflateRaw);
      if (inflated === undefined) throw new Error("the client wrote what does not inflate");
      return this.message(header & ~HeaderBit.Compressed, inflated, written);
    }
    if ((header & HeaderBit.Batch) !== 0) {
      splitBatch(body, 0, body.length, (start, end) => this.message(header & ~HeaderBit.Batch, body.subarray(start, end), written));
      return;
    }
    const type = header & TYPE_MASK;
    const ref = type === FrameType.Hello ? 0 : ++this.count;
    written.push({ type, ref, body: CODECS[type]!.decode(body) });
  }
}

export class Harness {
  core: ClientCore;
  now: number;
  readonly records: Map<string, string> | undefined;
  written: Written[];
  events: CoreEvent[];
  orders: ConnectOrder[];
  closes: number;
  /** May be changed at any time. */
  random: () => number;
  /** false: changes are not written by themselves, as when a disk is slow. */
  storeAtOnce: boolean;
  stream: ClientStream;
  private readonly options: CoreOptions;

  constructor(options: Partial<CoreOptions> = {}) {
    this.now = 1_000;
    this.records = options.records === undefined ? undefined : new Map(options.records);
    this.random = options.random ?? (() => 0.5);
    this.options = {
      sha256,
      verify: true,
      history: "all",
      network: "",
      pendingMax: 100,
      pendingBytesMax: 1 << 20,
      device: "phone",
      ...options,
      random: () => this.random(),
      records: this.records,
    };
    this.core = new ClientCore(this.options);
    this.written = [];
    this.events = [];
    this.orders = [];
    this.closes = 0;
    this.storeAtOnce = true;
    this.stream = new ClientStream();
  }

  /** Connects and says Welcome, with no conversations. Forgets what was written and reported for it. */
  online(welcome: hawser.v1.Welcome.$Properties = {}, watermark = "w1"): this {
    if (this.orders.length === 0) this.do(() => this.core.start(this.now));
    this.connect();
    this.welcome(welcome);
    this.heads(0, [], watermark);
    this.clear();
    return this;
  }

  /** Opens the connection that was ordered last. */
  connect(token = "token"): void {
    this.stream = new ClientStream();
    const order = this.orders.at(-1)!;
    this.do(() => {
      this.core.opening(order.link, this.now);
      this.core.connected(order.link, token, this.now);
    });
  }

  welcome(welcome: hawser.v1.Welcome.$Properties = {}): void {
    this.receive(FrameType.Welcome, hawser.v1.Welcome, {
      version: 1,
      heartbeatMs: 60_000,
      frameBytesMax: 512 * 1024,
      payloadBytesMax: 64 * 1024,
      user: utf8.encode("me"),
      requestsInFlightMax: 256,
      ...welcome,
    });
  }

  heads(ref: number, heads: hawser.v1.Head.$Properties[], watermark: string, more = false): void {
    this.receive(FrameType.Heads, hawser.v1.Heads, { ref, heads, watermark: utf8.encode(watermark), more });
  }

  receive<T>(type: number, codec: Encodable<T>, message: T): void {
    this.bytes(encodeMessage(type, codec, message));
  }

  error(code: number, fields: hawser.v1.Error.$Properties = {}): void {
    this.receive(FrameType.Error, hawser.v1.Error, { code: code as hawser.v1.ErrorCode, ...fields });
  }

  bytes(bytes: Uint8Array, whole = false): void {
    this.do(() => this.core.received(this.orders.at(-1)!.link, bytes, whole, this.now));
  }

  push(from: string, seq: number, text: string, more: hawser.v1.Push.$Properties = {}): void {
    this.receive(FrameType.Push, hawser.v1.Push, { from: utf8.encode(from), seq, time: 1000 + seq, payload: utf8.encode(text), ...more });
  }

  send(to: string, text: string): void {
    this.do(() => this.core.send(1, to, 0, utf8.encode(text), undefined, this.now));
  }

  lose(): void {
    this.do(() => this.core.lost(this.orders.at(-1)!.link, undefined, this.now));
  }

  /** Lets time pass, with all the ticks that the core asks for. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (let ticks = 0; this.core.outputs.dueAt <= end; ticks++) {
      if (ticks > 10_000) throw new Error("the core ticks without end");
      this.now = Math.max(this.now, this.core.outputs.dueAt);
      this.do(() => this.core.tick(this.now));
    }
    this.now = end;
  }

  do(input: () => void): void {
    input();
    this.drain();
  }

  drain(): void {
    const outputs = this.core.outputs;
    for (const frame of outputs.takeFrames()) this.written.push(...this.stream.read(frame));
    if (outputs.takeClose()) this.closes++;
    const connect = outputs.takeConnect();
    if (connect !== undefined) this.orders.push(connect);
    this.events.push(...outputs.takeEvents());
    if (this.storeAtOnce) this.store();
  }

  /** Writes what changed, as the shell does. */
  store(): void {
    const changes = this.core.journal.take();
    if (changes === undefined) return;
    applyChanges(this.records!, changes);
    this.core.stored(this.core.journal.version, this.now);
    this.drain();
  }

  /** A new run on the same records, as after a crash. */
  restart(): Harness {
    return new Harness({ ...this.options, records: this.records, random: () => 0.25 });
  }

  clear(): void {
    this.written = [];
    this.events = [];
  }

  /** Takes what was written since, and says it in short: "Send:1", "Fetch:5". */
  took(): Written[] {
    const written = this.written;
    this.written = [];
    return written;
  }

  types(): number[] {
    return this.took().map((one) => one.type);
  }

  /** Takes the messages that were shown since: "bob#1 hello". */
  shown(): string[] {
    const messages = this.messages().map((message) => `${message.from}#${message.seq} ${message.text}`);
    this.events = this.events.filter((event) => event.type !== "message");
    return messages;
  }

  messages(): Message[] {
    const messages: Message[] = [];
    for (const event of this.events) if (event.type === "message") messages.push(event.message);
    return messages;
  }

  /** Takes all events of a type. */
  of<T extends CoreEvent["type"]>(type: T): Extract<CoreEvent, { type: T }>[] {
    const found = this.events.filter((event) => event.type === type);
    this.events = this.events.filter((event) => event.type !== type);
    return found as Extract<CoreEvent, { type: T }>[];
  }
}

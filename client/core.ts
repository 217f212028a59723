// The client's protocol without I/O: (state, input, now) → outputs. The shell (client.ts, or a simulation) feeds it
// what happens (connected, received, lost, stored, calls of the application, ticks) and does what `outputs` then
// says. Time is the shell's monotonic clock in ms; randomness is handed in; nothing here reads either.
//
//   bytes ─▶ Receiver ─▶ Inbox ─▶ ConversationLog      order, holes, hash: "message" events
//               ├─────▶ SendQueue                      numbers, window, refusals: Sends
//               ├─────▶ Sync                           heads, the watermark: Sync, Check
//               └─────▶ Fetcher                        pages: Fetch
//   each input ends in finish(): what may be written now is written.
//
// Invariants: every message but Hello and beats goes out through Requests, which counts it; nothing that the
// store must hold first (Hello's counter, a Send) goes out before stored() covers it.
import type { Inflate } from "../proto/codec/codec.ts";
import type { Sha256 } from "../proto/conversation-hash.ts";
import { idText } from "../proto/conversation.ts";
import type { ConversationKind } from "../proto/conversation.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { FrameType } from "../proto/frame-type.ts";
import { encodeMessage } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import { Limits } from "../proto/limits.ts";
import { ClientCodec, DICTIONARY_KEY } from "./codec.ts";
import { Connection, Phase } from "./connection.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { Conversations, Violation } from "./conversations.ts";
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import { Fetcher } from "./fetcher.ts";
import { Inbox } from "./inbox.ts";
import { Journal } from "./journal.ts";
import { NEVER, Outputs } from "./outputs.ts";
import type { PendingSend } from "./pending-send.ts";
import { ReadPositions } from "./read-positions.ts";
import { Receiver } from "./receiver.ts";
import type { ReceiverControl } from "./receiver.ts";
import { loadRecords, ROOT_KEY, RootRecord } from "./records.ts";
import { Requests } from "./requests.ts";
import type { Request } from "./requests.ts";
import { recordKey, SendQueue } from "./send-queue.ts";
import type { DigestSource } from "./sync.ts";
import { Sync } from "./sync.ts";

const VERSION = 1;
/** How often one run makes a new install before it takes the server's word for a refusal. */
const RENEWALS_MAX = 3;

export interface CoreOptions {
  readonly sha256: Sha256;
  /** In [0, 1). Installs are made of it too, so it must not repeat itself on other devices. */
  readonly random: () => number;
  /** Compare the conversations' hashes with the server's. */
  readonly verify: boolean;
  /** How many rows of each conversation the first Sync of a new store pulls. */
  readonly history: number | "all";
  /** Hint for the server: a stable name of the network in use, or what tells it, asked for each connection. */
  readonly network: string | (() => string);
  /** Messages, and bytes of them, that may wait for confirmation. */
  readonly pendingMax: number;
  readonly pendingBytesMax: number;
  /** What the store holds; undefined: there is no store, nothing is kept. */
  readonly records: ReadonlyMap<string, string> | undefined;
  /** A name for this device, if the store holds none. */
  readonly device: string;
  /** How to inflate; undefined: no compression is offered. */
  readonly inflate?: Inflate | undefined;
}

export class ClientCore implements ReceiverControl, DigestSource {
  readonly outputs: Outputs;
  readonly journal: Journal;
  readonly digestSha256: Sha256;
  private readonly network: string | (() => string);
  /** Of the last connection; undefined: there was none. */
  private lastNetwork: string | undefined;
  private readonly random: () => number;
  private readonly root: RootRecord;
  private readonly connection: Connection;
  private readonly requests: Requests;
  private readonly sends: SendQueue;
  private readonly sync: Sync;
  private readonly fetcher: Fetcher;
  private readonly reads: ReadPositions;
  private readonly conversations: Conversations;
  private readonly inbox: Inbox;
  private readonly codec: ClientCodec;
  private readonly receiver: Receiver;
  /** While Greeting: the token for Hello, until Hello is written. */
  private token: string | undefined;
  /** The store must hold this before Hello names its connection counter. */
  private helloVersion: number;
  private payloadBytesMax: number;
  private renewals: number;
  private now: number;
  private closed: boolean;

  /** Throws STORE_FAILED when the records make no sense, BAD_ARGUMENT on a device that is no id. */
  constructor(options: CoreOptions) {
    const { random, sha256 } = options;
    this.outputs = new Outputs();
    this.journal = new Journal(options.records !== undefined);
    this.digestSha256 = sha256;
    this.network = options.network;
    this.lastNetwork = undefined;
    this.random = random;
    this.root = new RootRecord(newInstall(random), options.device);
    this.connection = new Connection(this.outputs, random);
    this.requests = new Requests(this.outputs, this.connection);
    this.sends = new SendQueue(this.outputs, this.requests, this.journal, random, options.pendingMax, options.pendingBytesMax);
    this.sync = new Sync(this.outputs, this.requests, random);
    this.fetcher = new Fetcher(this.outputs, this.requests);
    this.reads = new ReadPositions(this.outputs, this.requests);
    this.conversations = new Conversations();
    this.inbox = new Inbox(this.outputs, this.journal, this.root, this.sends, this.sync, this.fetcher, options.verify ? sha256 : undefined, options.history);
    this.codec = new ClientCodec(options.inflate, sha256, this.journal);
    const { outputs, journal, connection, requests, sends, sync, fetcher, reads, conversations, inbox, codec } = this;
    this.receiver = new Receiver({ outputs, journal, connection, requests, sends, sync, fetcher, reads, conversations, inbox, codec }, this);
    this.token = undefined;
    this.helloVersion = 0;
    this.payloadBytesMax = Limits.payloadBytesMax;
    this.renewals = 0;
    this.now = 0;
    this.closed = false;
    if (options.records === undefined) return;
    const known = loadRecords(options.records, this.root, this.sends, (kind, name) => this.conversations.get(kind, name));
    if (!known) this.journal.mark(ROOT_KEY, this.root);
    const dictionary = options.records.get(DICTIONARY_KEY);
    if (dictionary !== undefined) this.codec.restore(dictionary);
  }

  /** The user that the token names; "" before the first Welcome on this store. */
  get user(): string {
    return this.root.user;
  }

  /** DigestSource. */
  get meBytes(): Uint8Array {
    return this.root.userBytes;
  }

  /** 16 hex digits. */
  get installHex(): string {
    return this.root.installHex;
  }

  get online(): boolean {
    return this.connection.phase === Phase.Online;
  }

  get stopped(): boolean {
    return this.connection.phase === Phase.Stopped;
  }

  /** Connection `link` was ordered and is not open yet. */
  awaits(link: number): boolean {
    return link === this.connection.link && this.connection.phase === Phase.Opening;
  }

  /** Requests that wait for an answer. */
  get requestsInFlight(): number {
    return this.requests.inFlight;
  }

  /** Rows that came early and wait for those before them. */
  get heldRows(): number {
    return this.inbox.heldRows;
  }

  /** All conversations. */
  logs(): Iterable<ConversationLog> {
    return this.conversations.all();
  }

  /** All messages that are not confirmed, conversation by conversation. */
  pending(): PendingSend[] {
    const pending: PendingSend[] = [];
    for (const log of this.logs()) if (log.outbox !== undefined) pending.push(...log.outbox.sends);
    return pending;
  }

  // ---- inputs: the connection ----

  /** Connect, and stay connected. */
  start(now: number): void {
    if (this.closed || !this.stopped) return;
    this.openLink();
    this.finish(now);
  }

  /** The shell has the token for connection `link` and opens the socket now. */
  opening(link: number, now: number): void {
    if (this.awaits(link)) this.connection.opening(now);
  }

  /** Connection `link` is open. */
  connected(link: number, token: string, now: number): void {
    if (!this.awaits(link)) return;
    this.connection.connected(now);
    this.receiver.open();
    this.token = token;
    this.finish(now);
  }

  /** Bytes came; they are not kept. `whole`: they end with a frame's end (a WebSocket message). */
  received(link: number, bytes: Uint8Array, whole: boolean, now: number): void {
    if (link !== this.connection.link) return;
    this.now = now;
    this.receiver.receive(bytes, whole, now);
    this.finish(now);
  }

  /** Connection `link` ended, or could not be opened. */
  lost(link: number, reason: HawserError | undefined, now: number): void {
    if (link !== this.connection.link || this.connection.phase < Phase.Opening) return;
    this.now = now;
    this.endLink(reason, undefined);
    this.finish(now);
  }

  /** There is no use in connecting again (no other token, say). start() may be called again. */
  giveUp(reason: HawserError, now: number): void {
    this.now = now;
    this.stop(reason);
    this.finish(now);
  }

  /** The store holds everything up to `version` of the journal. */
  stored(version: number, now: number): void {
    this.journal.stored = version;
    this.finish(now);
  }

  /** The application is done with this client. Returns what was not confirmed. */
  close(now: number): PendingSend[] {
    if (this.closed) return [];
    this.closed = true;
    if (this.online) this.reads.flush(now);
    this.connection.stop(undefined);
    this.receiver.close();
    const calls = this.fetcher.takeHistory();
    this.requests.forgetAll((request) => {
      if (request.history !== undefined) calls.push(request.history);
    });
    for (const call of calls) this.outputs.events.push({ type: "history", ticket: call.ticket, result: new HawserError(LocalErrorCode.Closed) });
    return this.pending();
  }

  // ---- inputs: the application ----

  /**
   * Numbers a message and queues it; it goes out when it may. Throws BAD_ARGUMENT, PAYLOAD_TOO_LARGE, QUEUE_FULL, CLOSED.
   */
  send(kind: ConversationKind, name: string, messageKind: number, payload: Uint8Array, ticket: unknown, now: number): PendingSend {
    const log = this.named(kind, name);
    if (payload.length > this.payloadBytesMax) {
      throw new HawserError(ErrorCode.PayloadTooLarge, `${payload.length} bytes, at most ${this.payloadBytesMax} are taken`);
    }
    const send = this.sends.add(log, messageKind, payload, ticket);
    this.finish(now);
    return send;
  }

  /** The user has read up to `seq`, or up to the last row shown. Throws BAD_ARGUMENT, CLOSED. */
  markRead(kind: ConversationKind, name: string, seq: number | undefined, now: number): void {
    const log = this.named(kind, name);
    const upTo = seq ?? log.next - 1;
    if (upTo <= log.readSeq) return;
    log.readSeq = upTo;
    this.journal.mark(recordKey(log), log);
    this.reads.add(log, now);
    this.finish(now);
  }

  /** Asks for rows before `before` (0: the newest); the answer is a "history" event with `ticket`. Throws BAD_ARGUMENT, QUEUE_FULL, CLOSED. */
  fetchHistory(kind: ConversationKind, name: string, before: number, limit: number, ticket: unknown, now: number): void {
    const log = this.named(kind, name);
    if (before === 1) this.outputs.events.push({ type: "history", ticket, result: { messages: [], more: false } });
    else this.fetcher.addHistory({ log, fromSeq: before === 0 ? 0 : before - 1, limit, ticket });
    this.finish(now);
  }

  /** Asks the server whether anything is missing; "synced" follows when it is sure that nothing is. */
  check(now: number): void {
    if (this.online) this.sync.check(now);
    this.finish(now);
  }

  /** The device woke up, or is on another network: connect without further waiting, or make sure that nothing was missed. */
  wake(now: number): void {
    if (this.connection.wakes()) {
      this.connection.succeeded();
      this.openLink();
    } else if (this.online) this.sync.check(now);
    this.finish(now);
  }

  /** To be called at outputs.dueAt, or later. */
  tick(now: number): void {
    this.now = now;
    this.outputs.dueAt = NEVER;
    if (this.connection.beatDue(now) && this.sync.insteadOfBeat(now)) this.connection.putOffBeat(now);
    const due = this.connection.tick(now);
    if (due === "open") {
      if (this.online) this.outputs.close = true;
      this.openLink();
    } else if (due !== undefined) this.endLink(due, undefined);
    if (this.online) {
      for (let late = this.requests.expire(now); late !== undefined; late = this.requests.expire(now)) this.repeat(late);
      this.sends.tick(now);
      this.sync.tick(now);
      this.fetcher.tick(now);
    }
    this.reschedule(now);
    this.finish(now);
  }

  // ---- what the receiver asks for ----

  /** ReceiverControl. */
  welcomed(welcome: hawser.v1.Welcome, now: number): void {
    const user = idText(welcome.user);
    const root = this.root;
    if (user === undefined || this.token !== undefined) throw new Violation("a Welcome without a user, or before Hello");
    if (root.user !== "" && root.user !== user) {
      this.stop(new HawserError(LocalErrorCode.WrongUser, `the store belongs to ${root.user}, the token names ${user}`));
      return;
    }
    if (root.user === "") {
      root.setUser(user);
      this.journal.mark(ROOT_KEY, root);
    }
    this.codec.open(welcome);
    if (welcome.payloadBytesMax > 0) this.payloadBytesMax = welcome.payloadBytesMax;
    this.requests.open(welcome.requestsInFlightMax);
    this.sends.open(welcome.frameBytesMax, welcome.sendsPerSecond, now);
    this.connection.online(welcome.heartbeatMs, now);
    this.sync.restMs = this.connection.intervalMs(now);
    this.sync.opened(root.watermark, now);
    // What came due while there was no connection.
    this.sends.tick(now);
    this.sync.tick(now);
    this.fetcher.tick(now);
    this.reschedule(now);
  }

  /** ReceiverControl. */
  endLink(reason: HawserError | undefined, delayMs: number | undefined): void {
    this.dropLink();
    this.connection.lost(reason, delayMs, this.now);
  }

  /** ReceiverControl. */
  stop(reason: HawserError): void {
    this.dropLink();
    this.connection.stop(reason);
    this.outputs.error(reason);
  }

  /** ReceiverControl. What is unanswered is numbered anew; what of it was stored may then appear twice (SPEC.md §6). */
  renewInstall(reason: HawserError): boolean {
    if (++this.renewals > RENEWALS_MAX) return false;
    this.root.renew(newInstall(this.random));
    this.journal.mark(ROOT_KEY, this.root);
    this.outputs.error(new HawserError(reason.code, `the numbers of this install are not the server's; beginning a new one: ${reason.message}`));
    this.endLink(reason, this.connection.soon());
    this.sends.renumberAll(this.logs());
    return true;
  }

  /** ReceiverControl. */
  repeat(request: Request): void {
    if (request.send !== undefined) this.sends.repeat(request.send);
    else {
      this.sync.repeat(request, this.now);
      this.fetcher.repeat(request, this.now);
    }
  }

  /** ReceiverControl. */
  restartSync(): void {
    this.sync.restart(this.root.watermark, this.now);
  }

  // ---- within ----

  /** A conversation that the application names. */
  private named(kind: ConversationKind, id: string): ConversationLog {
    if (this.closed) throw new HawserError(LocalErrorCode.Closed);
    try {
      return this.conversations.get(kind, id);
    } catch (thrown) {
      throw new HawserError(LocalErrorCode.BadArgument, describe(thrown));
    }
  }

  private openLink(): void {
    this.dropLink();
    this.root.connection++;
    this.journal.mark(ROOT_KEY, this.root);
    this.helloVersion = this.journal.version;
    this.connection.open();
  }

  private dropLink(): void {
    this.receiver.close();
    this.codec.close();
    this.token = undefined;
    this.requests.forgetAll((request) => this.repeat(request));
  }

  private writeHello(token: string): void {
    const root = this.root;
    const network = typeof this.network === "string" ? this.network : this.network();
    if (this.lastNetwork !== undefined && network !== this.lastNetwork) this.connection.moved();
    this.lastNetwork = network;
    const hello = {
      versionMin: VERSION,
      versionMax: VERSION,
      token,
      device: root.deviceBytes,
      install: root.install,
      connection: root.connection,
      sync: true,
      watermark: root.watermark,
      network,
      lostAfterMs: this.connection.lostAfterMs,
      ...this.codec.offer(),
    };
    this.outputs.frames.push(encodeMessage(FrameType.Hello, hawser.v1.Hello, hello));
    this.token = undefined;
  }

  /** The end of every input. */
  private finish(now: number): void {
    this.now = now;
    if (this.connection.phase === Phase.Greeting) {
      if (this.token !== undefined && this.journal.stored >= this.helloVersion) this.writeHello(this.token);
      return;
    }
    if (this.connection.phase !== Phase.Online) return;
    // Sends before Sync and Fetch: the order that a Resync asks for (SPEC.md §4).
    this.sends.pump(now);
    const watermark = this.sync.complete(now);
    if (watermark !== undefined) this.synced(watermark);
    this.sync.pump(this, now);
    this.fetcher.pump(now);
    this.reads.pump(now);
    if (watermark !== undefined) this.codec.pump(this.requests, now);
    this.outputs.frames = this.codec.packed(this.outputs.frames);
  }

  private synced(watermark: Uint8Array): void {
    this.root.watermark = watermark;
    this.root.synced = true;
    this.journal.mark(ROOT_KEY, this.root);
    this.connection.succeeded();
    this.outputs.events.push({ type: "synced" });
  }

  /** The next tick, from everything that has a time. What is already due waits for something else than time. */
  private reschedule(now: number): void {
    this.scheduleAfter(now, this.connection.dueAt());
    if (!this.online) return;
    this.sync.restMs = this.connection.intervalMs(now);
    this.scheduleAfter(now, this.requests.dueAt());
    this.scheduleAfter(now, this.sends.dueAt(now));
    this.scheduleAfter(now, this.sync.dueAt());
    this.scheduleAfter(now, this.fetcher.dueAt(now));
    this.scheduleAfter(now, this.reads.dueAt());
  }

  private scheduleAfter(now: number, at: number): void {
    if (at > now) this.outputs.schedule(at);
  }
}

function newInstall(random: () => number): Uint8Array {
  const install = new Uint8Array(Limits.installBytes);
  for (let i = 0; i < install.length; i++) install[i] = random() * 256;
  return install;
}

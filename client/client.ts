// The client that applications use, but for its sockets: a thin shell around ClientCore. It carries bytes between core
// and transport, events to listeners, changes to the store, and time to the core. The entries (index.ts,
// browser.ts) hand in what differs between platforms.
//
// Order within one turn: frames out, connection orders, events to listeners, then what changed to the store. So a
// listener has seen a message before its place is stored (store.ts tells what follows from that).
import type { Inflate } from "../proto/codec/codec.ts";
import type { Sha256 } from "../proto/conversation-hash.ts";
import { ConversationKind } from "../proto/conversation.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { sharedClock } from "./clock.ts";
import type { Ticking } from "./clock.ts";
import { ClientCore } from "./core.ts";
import { Dialer } from "./dialer.ts";
import type { DialerSink } from "./dialer.ts";
import { Emitter } from "./emitter.ts";
import { hex } from "../proto/hex.ts";
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import { bodyParts } from "./message.ts";
import type { Body, Conversation, Destination, Receipt } from "./message.ts";
import { HISTORY_DEFAULT, PENDING_BYTES_MAX_DEFAULT, PENDING_MAX_DEFAULT } from "./options.ts";
import type { ClientEvents, ClientOptions, ConversationInfo, PendingMessage } from "./options.ts";
import { NEVER } from "./outputs.ts";
import type { ConnectionState, CoreEvent, HistoryResult } from "./outputs.ts";
import { asStoreError, StoreWriter } from "./store-writer.ts";
import type { StoreWriterSink } from "./store-writer.ts";
import { parseAddress } from "./transport.ts";
import type { OpenTransport } from "./transport.ts";

/** What differs between Node and browsers. */
export interface Platform {
  readonly sha256: Sha256;
  /** URL schemes that `open` serves, with their colon. */
  readonly schemes: readonly string[];
  readonly inflate: Inflate;
  readonly open: OpenTransport;
}

/** One who waits for the outcome of a call. */
/** Calls of connect(), or of check(), that wait at once. */
const TICKETS_MAX = 1024;

interface Ticket<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: HawserError) => void;
}

interface EarlyCall {
  readonly ticket: Ticket<never>;
  readonly run: (core: ClientCore) => void;
}

export class Client extends Emitter<ClientEvents> implements Ticking, StoreWriterSink, DialerSink {
  /** Ticking. */
  clockIndex: number;
  private readonly sha256: Sha256;
  private readonly inflate: Inflate;
  private readonly options: ClientOptions;
  private readonly dialer: Dialer;
  /** undefined until the store is read. */
  private core: ClientCore | undefined;
  private writer: StoreWriter | undefined;
  private loading: Promise<void> | undefined;
  /** Calls that wait until the store is read. */
  private early: EarlyCall[];
  private connectTickets: Ticket<void>[];
  private checkTickets: Ticket<void>[];
  private currentState: ConnectionState;
  private closing: Promise<void> | undefined;
  private flushing: boolean;
  private flushScheduled: boolean;

  /** Throws BAD_ARGUMENT on options that make no sense. */
  constructor(options: ClientOptions, platform: Platform) {
    super();
    this.clockIndex = -1;
    this.sha256 = platform.sha256;
    this.inflate = platform.inflate;
    this.options = options;
    this.dialer = new Dialer(this, parseAddress(options.url, platform.schemes), platform.schemes, platform.open, options.token);
    this.core = undefined;
    this.writer = undefined;
    this.loading = undefined;
    this.early = [];
    this.connectTickets = [];
    this.checkTickets = [];
    this.currentState = "stopped";
    this.closing = undefined;
    this.flushing = false;
    this.flushScheduled = false;
    const history = options.history ?? HISTORY_DEFAULT;
    if (history !== "all" && !(Number.isSafeInteger(history) && history >= 0))
      throw new HawserError(LocalErrorCode.BadArgument, 'history is a number of rows or "all"');
    if (options.store === undefined) this.core = this.newCore(undefined);
  }

  // ---- calls of the application ----

  /**
   * Connects, and stays connected until close() or a refusal for good (AUTH_FAILED, REPLACED …). Resolves at the first
   * Welcome; until then failures are "state" events, and it goes on trying. Rejects with what ended the trying. May be
   * called again after "stopped".
   */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const ticket: Ticket<void> = { resolve, reject };
      this.call(ticket, (core) => {
        if (core.online) return resolve();
        if (this.connectTickets.length >= TICKETS_MAX) throw new HawserError(LocalErrorCode.QueueFull, "so many calls of connect() wait already");
        this.connectTickets.push(ticket);
        core.start(this.now());
      });
    });
  }

  /**
   * Sends a message. The order of calls is the order of messages. Resolves with the server's confirmation, however
   * long it takes, over losses of the connection; rejects when the server refuses it for good (NOT_MEMBER,
   * PAYLOAD_TOO_LARGE …), when too much waits (QUEUE_FULL), on arguments that make no sense (BAD_ARGUMENT), or with
   * CLOSED on close(): then the store, if there is one, still holds it, and the next client on that store
   * sends it. May be called offline, and before connect().
   */
  send(to: Destination, body: Body): Promise<Receipt> {
    const promise = new Promise<Receipt>((resolve, reject) => {
      const { kind, name } = destination(to);
      if (kind === ConversationKind.Self) throw new HawserError(ErrorCode.Forbidden, "the self conversation is written by the server");
      const parts = bodyParts(body);
      const ticket: Ticket<Receipt> = { resolve, reject };
      this.call(ticket, (core) => core.send(kind, name, parts.kind, parts.payload, ticket, this.now()));
    });
    // Who does not look at the promise has the "sent" event: no unhandled rejection ends the process.
    promise.catch(ignore);
    return promise;
  }

  /**
   * Older rows: those right before row `before`, or the newest; they are returned, not reported as events. `limit` 0: as
   * many as fit a page. Rejects with what the server refuses it with, BAD_ARGUMENT, QUEUE_FULL or CLOSED.
   */
  fetchHistory(of: Destination | Conversation, options: { readonly before?: number; readonly limit?: number } = {}): Promise<HistoryResult> {
    return new Promise((resolve, reject) => {
      const { kind, name } = destination(of);
      const ticket: Ticket<HistoryResult> = { resolve, reject };
      this.call(ticket, (core) => core.fetchHistory(kind, name, options.before ?? 0, options.limit ?? 0, ticket, this.now()));
    });
  }

  /** The user has read up to `seq`, or all that was shown: tells the server and, through it, the user's other devices. */
  markRead(of: Destination | Conversation, seq?: number): void {
    const { kind, name } = destination(of);
    const ticket: Ticket<never> = { resolve: ignore, reject: (error) => this.report({ type: "error", error }) };
    this.call(ticket, (core) => core.markRead(kind, name, seq, this.now()));
  }

  /** Asks the server whether anything is missing. Resolves when nothing is, having pulled what was. */
  check(): Promise<void> {
    return new Promise((resolve, reject) => {
      const ticket: Ticket<void> = { resolve, reject };
      this.call(ticket, (core) => {
        if (this.checkTickets.length >= TICKETS_MAX) throw new HawserError(LocalErrorCode.QueueFull, "so many calls of check() wait already");
        this.checkTickets.push(ticket);
        core.check(this.now());
      });
    });
  }

  /** The device woke up, or is on another network: reconnects at once, or makes sure that nothing was missed. */
  wake(): void {
    if (this.core === undefined || this.closing !== undefined) return;
    this.core.wake(this.now());
    this.flushSoon();
  }

  /** Leaves. Resolves when the store holds everything; rejects with STORE_FAILED. Calls that still wait reject with CLOSED. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Messages that wait for confirmation; after a restart, those that the store kept. */
  pending(): PendingMessage[] {
    const pending = this.core?.pending() ?? [];
    return pending.map((send) => ({ conversation: send.log.conversation, clientSeq: send.clientSeq, kind: send.kind, payload: send.payload }));
  }

  /** The conversations that are known. */
  conversations(): ConversationInfo[] {
    const infos: ConversationInfo[] = [];
    for (const log of this.core?.logs() ?? []) infos.push({ conversation: log.conversation, seq: Math.max(0, log.next - 1), readSeq: log.readSeq });
    return infos;
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  /** Whom the token names; "" before the first Welcome. */
  get user(): string {
    return this.core?.user ?? "";
  }

  // ---- the clock's ----

  /** Ticking. */
  get dueAt(): number {
    const coreDue = this.core?.outputs.dueAt ?? NEVER;
    const storeDue = this.writer?.retryAt ?? NEVER;
    return coreDue < storeDue ? coreDue : storeDue;
  }

  /** Ticking. */
  tick(now: number): void {
    this.core?.tick(now);
    this.flush();
  }

  // ---- the store's ----

  /** StoreWriterSink. */
  stored(version: number): void {
    this.core!.stored(version, this.now());
    this.flush();
  }

  /** StoreWriterSink. */
  storeFailed(error: HawserError): void {
    this.report({ type: "error", error });
    this.flush();
  }

  // ---- the dialer's ----

  /** DialerSink. */
  awaits(link: number): boolean {
    return this.core!.awaits(link);
  }

  /** DialerSink. */
  linkOpening(link: number): void {
    this.core!.opening(link, this.now());
    this.flush();
  }

  /** DialerSink. */
  linkOpened(link: number, token: string): void {
    this.core!.connected(link, token, this.now());
    this.flush();
  }

  /** DialerSink. */
  linkReceived(link: number, bytes: Uint8Array, whole: boolean): void {
    this.core!.received(link, bytes, whole, this.now());
    this.flush();
  }

  /** DialerSink. */
  linkClosed(link: number, reason: HawserError | undefined): void {
    this.core!.lost(link, reason, this.now());
    this.flush();
  }

  /** DialerSink. */
  noToken(reason: HawserError): void {
    this.core!.giveUp(reason, this.now());
    this.flush();
  }

  /** DialerSink. */
  dialError(error: HawserError): void {
    this.report({ type: "error", error });
  }

  // ---- beginning and end ----

  private now(): number {
    return sharedClock.now();
  }

  private newCore(records: ReadonlyMap<string, string> | undefined): ClientCore {
    const options = this.options;
    return new ClientCore({
      sha256: this.sha256,
      random: secureRandom,
      verify: options.verify ?? true,
      history: options.history ?? HISTORY_DEFAULT,
      network: options.network ?? "",
      pendingMax: options.pendingMax ?? PENDING_MAX_DEFAULT,
      pendingBytesMax: options.pendingBytesMax ?? PENDING_BYTES_MAX_DEFAULT,
      records,
      inflate: options.compression === false ? undefined : this.inflate,
      device: options.device ?? `device-${hex(crypto.getRandomValues(new Uint8Array(8)))}`,
    });
  }

  /** Runs a call now, or once the store is read; what it throws is the ticket's. */
  private call(ticket: Ticket<never>, run: (core: ClientCore) => void): void {
    if (this.closing !== undefined) return ticket.reject(new HawserError(LocalErrorCode.Closed));
    if (this.core !== undefined) return this.run(this.core, { ticket, run });
    if (this.early.length >= (this.options.pendingMax ?? PENDING_MAX_DEFAULT))
      return ticket.reject(new HawserError(LocalErrorCode.QueueFull, "the store is being read"));
    this.early.push({ ticket, run });
    this.loading ??= this.load();
  }

  private run(core: ClientCore, call: EarlyCall): void {
    try {
      call.run(core);
    } catch (thrown) {
      if (!(thrown instanceof HawserError)) throw thrown;
      call.ticket.reject(thrown);
    }
    this.flushSoon();
  }

  private async load(): Promise<void> {
    const store = this.options.store!;
    try {
      const core = this.newCore(await store.load());
      this.writer = new StoreWriter(store, core.journal, this);
      this.core = core;
    } catch (thrown) {
      const error = asStoreError(thrown);
      const early = this.early;
      this.early = [];
      this.loading = undefined;
      this.report({ type: "error", error });
      for (const call of early) call.ticket.reject(error);
      return;
    }
    const early = this.early;
    this.early = [];
    for (const call of early) this.run(this.core, call);
  }

  private async shutDown(): Promise<void> {
    await this.loading;
    const closed = new HawserError(LocalErrorCode.Closed);
    const pending = this.core?.close(this.now()) ?? [];
    this.flush();
    for (const send of pending) (send.ticket as Ticket<Receipt> | undefined)?.reject(closed);
    for (const ticket of this.connectTickets.concat(this.checkTickets)) ticket.reject(closed);
    this.connectTickets = [];
    this.checkTickets = [];
    sharedClock.remove(this);
    await this.writer?.close();
  }

  // ---- doing what the core says ----

  /** Once for all calls of this turn of the event loop. */
  private flushSoon(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    queueMicrotask(() => {
      this.flushScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    // A listener's call comes here again: the outer turn goes on with what it caused.
    if (this.flushing || this.core === undefined) return;
    const core = this.core;
    const outputs = core.outputs;
    this.flushing = true;
    let work = true;
    while (work) {
      work = false;
      if (outputs.frames.length > 0) this.dialer.write(outputs.takeFrames());
      if (outputs.takeClose()) this.dialer.drop();
      const connect = outputs.takeConnect();
      if (connect !== undefined) this.dialer.open(connect);
      if (outputs.events.length === 0) continue;
      work = true;
      for (const event of outputs.takeEvents()) this.report(event);
    }
    this.flushing = false;
    this.writer?.flush(this.now());
    if (core.stopped && this.dueAt === NEVER) sharedClock.remove(this);
    else if (this.closing === undefined) sharedClock.add(this);
  }

  private report(event: CoreEvent): void {
    switch (event.type) {
      case "message":
        return this.emit("message", event.message, this.handlerFailed);
      case "sent": {
        const { send, receipt, error } = event;
        const ticket = send.ticket as Ticket<Receipt> | undefined;
        if (receipt !== undefined) ticket?.resolve(receipt);
        else ticket?.reject(error!);
        return this.emit("sent", { conversation: send.log.conversation, clientSeq: send.clientSeq, receipt, error }, this.handlerFailed);
      }
      case "read":
        return this.emit("read", event.read, this.handlerFailed);
      case "state":
        this.currentState = event.change.state;
        this.settleConnect(event.change.state, event.change.reason);
        return this.emit("state", event.change, this.handlerFailed);
      case "heads":
        return this.emit("heads", event.heads, this.handlerFailed);
      case "synced":
        for (const ticket of this.checkTickets.splice(0)) ticket.resolve();
        return this.emit("synced", undefined, this.handlerFailed);
      case "diverged":
        return this.emit("diverged", event.diverged, this.handlerFailed);
      case "history": {
        const ticket = event.ticket as Ticket<HistoryResult>;
        return event.result instanceof HawserError ? ticket.reject(event.result) : ticket.resolve(event.result);
      }
      case "error":
        return this.emit("error", event.error, rethrow);
    }
  }

  private settleConnect(state: ConnectionState, reason: HawserError | undefined): void {
    if (state === "stopped") this.dialer.forgetToken();
    else if (state !== "online") return;
    const stopped = reason ?? new HawserError(LocalErrorCode.Closed);
    for (const ticket of this.connectTickets.splice(0)) {
      if (state === "online") ticket.resolve();
      else ticket.reject(stopped);
    }
  }

  /** A listener threw: told as an error if somebody listens, else to whoever watches uncaught exceptions. */
  private readonly handlerFailed = (thrown: unknown): void => {
    if (this.listenerCount("error") === 0) return rethrow(thrown);
    this.emit("error", new HawserError(LocalErrorCode.HandlerFailed, describe(thrown), thrown), rethrow);
  };
}

function destination(to: Destination | Conversation): { kind: ConversationKind; name: string } {
  if (typeof to === "string") return { kind: ConversationKind.Direct, name: to };
  if ("peer" in to) return { kind: ConversationKind.Direct, name: to.peer };
  if ("group" in to) return { kind: ConversationKind.Group, name: to.group };
  return { kind: ConversationKind.Self, name: "" };
}

function ignore(): void {}

/** In [0, 1), from the system's generator: install ids are made of it. Seldom called. */
function secureRandom(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}

/** As an exception that nobody caught, in a turn of its own: here it must not stop what goes on. */
function rethrow(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

// The client's protocol without I/O: (state, input, now) → outputs. The shell (client.ts, or a simulation) feeds it
// what happens (connected, received, lost, stored, calls of the application, ticks) and does what `outputs` then
// says. Time is the shell's monotonic clock in ms; randomness is handed in; nothing here reads either.
//
//   received ─▶ FrameReader ─▶ frame ─▶ one handler per type ─▶ ConversationLog (order, holes, hash)
//                                          │                    SendQueue (numbers, window, refusals)
//                                          └──────────────────▶ Puller (Sync, Fetch, Check)
//   each input ends in finish(): what may be written now is written.
//
// Invariants: every message but Hello and beats goes out through Requests, which counts it; nothing that the
// store must hold first (Hello's counter, a Send) goes out before stored() covers it.
import type { Sha256 } from "../proto/conversation-hash.ts";
import { ConversationKind, idBytes, idText } from "../proto/conversation.ts";
import { ErrorCode, ERROR_RULES } from "../proto/error-code.ts";
import { FrameReader, BEAT } from "../proto/frame-reader.ts";
import type { FrameSink } from "../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../proto/frame-type.ts";
import { encodeMessage, splitBatch } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import { Limits } from "../proto/limits.ts";
import { fromWireTime } from "../proto/time.ts";
import { Connection, Phase } from "./connection.ts";
import { ConversationLog, Accepted } from "./conversation-log.ts";
import type { LogContext } from "./conversation-log.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";
import { Journal } from "./journal.ts";
import { durabilityName, Message, NO_BYTES } from "./message.ts";
import type { PushRow } from "./message.ts";
import { NEVER, Outputs } from "./outputs.ts";
import type { HeadInfo } from "./outputs.ts";
import type { PendingSend } from "./pending-send.ts";
import { OWN_HOLE_MS, Puller } from "./puller.ts";
import { ReadPositions } from "./read-positions.ts";
import { RequestKind, Requests } from "./requests.ts";
import type { Request } from "./requests.ts";
import { recordKey, RETRY_MS, SendQueue } from "./send-queue.ts";
import { loadRecords, ROOT_KEY, RootRecord } from "./records.ts";

const VERSION = 1;
/** Rows that came early and are held, per client. */
const HELD_ROWS_MAX = 4096;

export interface CoreOptions {
  readonly sha256: Sha256;
  readonly random: () => number;
  /** Compare the conversations' hashes with the server's. */
  readonly verify: boolean;
  /** How many rows of each conversation the first Sync of a new store pulls. */
  readonly history: number | "all";
  /** Hint for the server: a stable name of the network in use. */
  readonly network: string;
  /** Messages, and bytes of them, that may wait for confirmation. */
  readonly pendingMax: number;
  readonly pendingBytesMax: number;
  /** What the store holds; undefined: there is no store, nothing is kept. */
  readonly records: ReadonlyMap<string, string> | undefined;
  /** Used when the store holds none: 8 random bytes, and a name for this device. */
  readonly install: Uint8Array;
  readonly device: string;
}

export class ClientCore implements FrameSink, LogContext {
  readonly outputs: Outputs;
  readonly journal: Journal;
  readonly sha256: Sha256 | undefined;
  readonly heldRowsMax: number;
  heldRows: number;
  meBytes: Uint8Array;
  private readonly options: CoreOptions;
  private readonly root: RootRecord;
  private readonly connection: Connection;
  private readonly requests: Requests;
  private readonly sends: SendQueue;
  private readonly puller: Puller;
  private readonly reads: ReadPositions;
  private readonly direct: Map<string, ConversationLog>;
  private readonly groups: Map<string, ConversationLog>;
  private self: ConversationLog | undefined;
  private reader: FrameReader | undefined;
  /** While Greeting: the token for Hello, until Hello is written. */
  private token: string | undefined;
  /** The store must hold this before Hello names its connection counter. */
  private helloVersion: number;
  private payloadBytesMax: number;
  private now: number;
  private closed: boolean;

  /** Throws STORE_FAILED when the records make no sense. */
  constructor(options: CoreOptions) {
    this.options = options;
    this.outputs = new Outputs();
    this.journal = new Journal(options.records !== undefined);
    this.sha256 = options.verify ? options.sha256 : undefined;
    this.heldRowsMax = HELD_ROWS_MAX;
    this.heldRows = 0;
    this.meBytes = NO_BYTES;
    this.root = new RootRecord(options.install, options.device);
    this.connection = new Connection(this.outputs, options.random);
    this.requests = new Requests(this.outputs, this.connection);
    this.sends = new SendQueue(this.outputs, this.requests, this.journal, options.pendingMax, options.pendingBytesMax);
    this.puller = new Puller(this.outputs, this.requests, options.random);
    this.reads = new ReadPositions(this.outputs, this.requests);
    this.direct = new Map();
    this.groups = new Map();
    this.self = undefined;
    this.reader = undefined;
    this.token = undefined;
    this.helloVersion = 0;
    this.payloadBytesMax = Limits.payloadBytesMax;
    this.now = 0;
    this.closed = false;
    if (options.records !== undefined) {
      const fresh = !loadRecords(options.records, this.root, this.sends, (kind, name) => this.log(kind, name));
      if (fresh) this.journal.mark(ROOT_KEY, this.root);
      if (this.root.user !== "") this.meBytes = idBytes(this.root.user);
    }
  }

  /** The user that the token names; "" before the first Welcome on this store. */
  get user(): string {
    return this.root.user;
  }

  get device(): string {
    return this.root.device;
  }

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

  /** All conversations, in the order they became known. */
  *logs(): Generator<ConversationLog> {
    yield* this.direct.values();
    yield* this.groups.values();
    if (this.self !== undefined) yield this.self;
  }

  // ---- inputs: the connection ----

  /** Connect, and stay connected. */
  start(now: number): void {
    if (this.closed || this.connection.phase !== Phase.Stopped) return;
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
    this.reader = new FrameReader(Limits.frameBytesMaxBeforeWelcome);
    this.token = token;
    this.finish(now);
  }

  /** Bytes came. `whole`: they end with a frame's end (a WebSocket message), or the server is wrong. */
  received(link: number, bytes: Uint8Array, whole: boolean, now: number): void {
    const reader = this.reader;
    if (link !== this.connection.link || reader === undefined) return;
    this.now = now;
    this.connection.received();
    const error = reader.push(bytes, this);
    // The handlers may have ended the connection.
    if (this.reader !== reader) return this.finish(now);
    if (error !== 0) this.violation(`bad framing (${ERROR_RULES[error].name})`);
    else if (whole && reader.heldBytes > 0) this.violation("a frame crosses WebSocket messages");
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
    this.reader = undefined;
    const calls = this.puller.takeHistory();
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
    if (this.closed) throw new HawserError(LocalErrorCode.Closed);
    if (payload.length > this.payloadBytesMax) {
      throw new HawserError(ErrorCode.PayloadTooLarge, `${payload.length} bytes, at most ${this.payloadBytesMax} are taken`);
    }
    const send = this.sends.add(this.named(kind, name), messageKind, payload, ticket);
    this.finish(now);
    return send;
  }

  /** All messages that are not confirmed, conversation by conversation. */
  pending(): PendingSend[] {
    const pending: PendingSend[] = [];
    for (const log of this.logs()) if (log.outbox !== undefined) pending.push(...log.outbox.sends);
    return pending;
  }

  /** The user has read up to `seq`, or up to the last row shown. */
  markRead(kind: ConversationKind, name: string, seq: number | undefined, now: number): void {
    if (this.closed) throw new HawserError(LocalErrorCode.Closed);
    const log = this.named(kind, name);
    const upTo = seq ?? log.next - 1;
    if (upTo <= log.readSeq) return;
    log.readSeq = upTo;
    this.journal.mark(recordKey(log), log);
    this.reads.add(log, now);
    this.finish(now);
  }

  /** Asks for rows before `before` (0: the newest); the answer is a "history" event with `ticket`. Throws QUEUE_FULL. */
  fetchHistory(kind: ConversationKind, name: string, before: number, limit: number, ticket: unknown, now: number): void {
    if (this.closed) throw new HawserError(LocalErrorCode.Closed);
    const log = this.named(kind, name);
    if (before === 1) this.outputs.events.push({ type: "history", ticket, result: { messages: [], more: false } });
    else this.puller.addHistory({ log, fromSeq: before === 0 ? 0 : before - 1, limit, ticket });
    this.finish(now);
  }

  /** Asks the server whether anything is missing; "synced" follows when it is sure that nothing is. */
  check(now: number): void {
    if (this.online) this.puller.check(now);
    this.finish(now);
  }

  /** The device woke up, or is on another network: connect without further waiting, or make sure that nothing was missed. */
  wake(now: number): void {
    if (this.connection.wakes()) {
      this.connection.succeeded();
      this.openLink();
    } else if (this.online) this.puller.check(now);
    this.finish(now);
  }

  /** To be called at outputs.dueAt, or later. */
  tick(now: number): void {
    this.now = now;
    this.outputs.dueAt = NEVER;
    const due = this.connection.tick(now);
    if (due === "open") {
      if (this.online) this.outputs.close = true;
      this.openLink();
    } else if (due !== undefined) this.endLink(due, undefined);
    if (this.online) {
      for (let late = this.requests.expire(now); late !== undefined; late = this.requests.expire(now)) this.repeat(late);
      this.sends.tick(now);
      this.puller.tick(now);
    }
    this.reschedule(now);
    this.finish(now);
  }

  // ---- frames ----

  /** FrameSink. */
  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (header === BEAT) return true;
    const reader = this.reader;
    const type = header & TYPE_MASK;
    if ((header & HeaderBit.Compressed) !== 0) this.violation("a compressed frame without a codec");
    else if ((header & HeaderBit.Batch) === 0) this.message(type, bytes.subarray(start, end));
    else {
      const whole = splitBatch(bytes, start, end, (from, to) => {
        if (this.reader === reader) this.message(type, bytes.subarray(from, to));
      });
      if (!whole) this.violation("a malformed batch");
    }
    // Another reader, or none: the connection ended while the frame was handled.
    return this.reader === reader;
  }

  private message(type: number, body: Uint8Array): void {
    try {
      if (this.connection.phase === Phase.Greeting) this.greeted(type, body);
      else this.answered(type, body);
    } catch (thrown) {
      // protobufjs says RangeError of a body that is cut short or wrong; everything else is our own fault.
      if (!(thrown instanceof RangeError || thrown instanceof Violation)) throw thrown;
      this.violation(`frame of type ${type}: ${thrown.message}`);
    }
  }

  /** Before Welcome. */
  private greeted(type: number, body: Uint8Array): void {
    if (type === FrameType.Welcome) this.onWelcome(hawser.v1.Welcome.decode(body));
    else if (type === FrameType.Error) this.onError(hawser.v1.Error.decode(body));
    else if (type === FrameType.GoAway) this.onGoAway(hawser.v1.GoAway.decode(body));
    else if (type >= FrameType.Hello && type <= FrameType.Resync) throw new Violation("before Welcome");
  }

  private answered(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.Push:
        return this.onPush(hawser.v1.Push.decode(body));
      case FrameType.Sent:
        return this.onSent(hawser.v1.Sent.decode(body));
      case FrameType.Heads:
        return this.onHeads(hawser.v1.Heads.decode(body));
      case FrameType.Page:
        return this.onPage(hawser.v1.Page.decode(body));
      case FrameType.Checked:
        return this.onChecked(hawser.v1.Checked.decode(body).ref);
      case FrameType.Read:
        return this.onRead(hawser.v1.Read.decode(body));
      case FrameType.Error:
        return this.onError(hawser.v1.Error.decode(body));
      case FrameType.Resync:
        return this.onResync();
      case FrameType.GoAway:
        return this.onGoAway(hawser.v1.GoAway.decode(body));
      case FrameType.Welcome:
        throw new Violation("a second Welcome");
      default:
      // Unknown, or nothing for a client: ignored, so that a newer server may speak to us (SPEC.md §2).
    }
  }

  private onWelcome(welcome: hawser.v1.Welcome): void {
    const user = idText(welcome.user);
    if (user === undefined || this.token !== undefined) throw new Violation("Welcome without a user, or before Hello");
    if (this.root.user !== "" && this.root.user !== user) {
      this.stop(new HawserError(LocalErrorCode.WrongUser, `the store belongs to ${this.root.user}, the token names ${user}`));
      return;
    }
    if (this.root.user === "") {
      this.root.user = user;
      this.meBytes = idBytes(user);
      this.journal.mark(ROOT_KEY, this.root);
    }
    this.reader!.limit = Limits.frameBytesMax;
    if (welcome.payloadBytesMax > 0) this.payloadBytesMax = welcome.payloadBytesMax;
    this.requests.open(welcome.requestsInFlightMax);
    this.sends.open(welcome.frameBytesMax, welcome.sendsPerSecond, this.now);
    this.connection.online(welcome.heartbeatMs, this.now);
    this.puller.opened(this.root.watermark, this.now);
    // What came due while there was no connection.
    this.sends.tick(this.now);
    this.puller.tick(this.now);
    this.reschedule(this.now);
  }

  private onPush(push: hawser.v1.Push): void {
    let log: ConversationLog;
    if (push.self) log = this.log(ConversationKind.Self, "");
    else if (push.group.length > 0) log = this.log(ConversationKind.Group, name(push.group));
    else log = this.log(ConversationKind.Direct, name(push.from.length > 0 ? push.from : push.to));
    this.takeRow(log, push);
  }

  private onSent(sent: hawser.v1.Sent): void {
    const request = this.requests.take(sent.ref);
    const send = request?.send;
    if (sent.seq === 0) throw new Violation("Sent without a number");
    if (send === undefined || send.settled) return;
    const log = send.log;
    this.begin(log, sent.seq, true);
    this.sends.confirm(send, { seq: sent.seq, time: fromWireTime(sent.time), durability: durabilityName(sent.durability) });
    const to = log.kind === ConversationKind.Direct ? log.name : undefined;
    const message = new Message(log.conversation, this.user, to, true, true, sent.seq, sent.time, send.kind, send.payload, this.installHex, send.clientSeq);
    // Its place may be behind rows whose Push is still under way.
    this.accept(log, message, OWN_HOLE_MS);
  }

  private onHeads(heads: hawser.v1.Heads): void {
    const request = heads.ref > 0 ? this.requests.take(heads.ref) : undefined;
    const infos: HeadInfo[] = [];
    for (const head of heads.heads as hawser.v1.Head[]) {
      const log = this.addressed(head);
      this.begin(log, head.seq, false);
      if (head.seq > log.known) log.known = head.seq;
      log.expect(head.seq, head.hash, this);
      this.mendIfDiverged(log);
      this.puller.announce(log, head.seq);
      // Below ours: late news of a moment ago, or a server that lost rows. A page from our place tells which.
      if (head.seq < log.next - 1) log.probe = true;
      this.puller.want(log, this.now, this.now);
      if (head.readSeq > log.readSeq) this.readElsewhere(log, head.readSeq);
      else if (head.readSeq < log.readSeq) this.reads.add(log, this.now);
      infos.push({ conversation: log.conversation, seq: head.seq, uncounted: head.uncounted, readSeq: log.readSeq, time: fromWireTime(head.time) });
    }
    this.puller.heads(heads.ref, request, heads.watermark, heads.more, this.now);
    if (infos.length > 0) this.outputs.events.push({ type: "heads", heads: infos });
  }

  private onPage(page: hawser.v1.Page): void {
    const request = this.requests.take(page.ref);
    const log = this.addressed(page);
    const rows = page.rows as PushRow[];
    for (let i = 1; i < rows.length; i++) if (rows[i]!.seq !== rows[i - 1]!.seq! + 1) throw new Violation("rows of a page with a hole");
    if (request?.history !== undefined) {
      const call = request.history;
      if (request.live) this.outputs.events.push({ type: "history", ticket: call.ticket, result: { messages: rows.map((row) => this.toMessage(log, row)), more: page.more } });
      return;
    }
    const live = request?.kind === RequestKind.Fetch && request.live;
    this.begin(log, page.headSeq, false);
    // The page was made after we asked, from committed rows: what we had then, it must have.
    if (request !== undefined && page.headSeq < request.fromSeq - 1 && request.fromSeq <= log.next) {
      log.diverged = true;
      log.forgetAbove(page.headSeq, this);
    } else log.checkPage(page.hashBefore, rows, request?.fromSeq ?? 0, this);
    this.mendIfDiverged(log);
    for (const row of rows) this.takeRow(log, row);
    if (!live || !this.puller.fetched(log, request.fromSeq, page.headSeq, this.now)) return;
    // Rows were announced and are not there. If the server's log ends here, they were never written.
    if (page.headSeq < log.next) {
      log.forgetAbove(page.headSeq, this);
      this.puller.abandon(log);
    } else this.outputs.error(new HawserError(LocalErrorCode.ProtocolViolation, `row ${log.next} of ${log.key} exists and is not given`));
  }

  private onChecked(ref: number): void {
    const request = this.requests.take(ref);
    if (request?.kind !== RequestKind.Check || !request.live) return;
    this.puller.checked(this.now);
    this.outputs.events.push({ type: "synced" });
  }

  private onRead(read: hawser.v1.Read): void {
    const log = this.addressed(read);
    if (read.seq > log.readSeq) this.readElsewhere(log, read.seq);
  }

  private onResync(): void {
    this.requests.voidAll((request) => this.repeat(request));
    this.puller.restart(this.root.watermark, this.now);
  }

  private onGoAway(goAway: hawser.v1.GoAway): void {
    this.connection.goAway(goAway.reconnectAfterMs, goAway.target, this.now);
  }

  private onError(error: hawser.v1.Error): void {
    const code = error.code as number;
    const rule = ERROR_RULES[code as ErrorCode];
    const closes = error.closes || rule?.closes === true;
    const request = error.ref > 0 ? this.requests.take(error.ref) : undefined;
    // One without a live request answers a Read, or something that was asked anew since.
    if (request?.live === true) this.refused(request, code, closes, error);
    else if (error.ref === 0 && !closes) this.outputs.error(new HawserError(code, error.detail));
    if (!closes) return;
    const reason = new HawserError(code, error.detail);
    switch (rule?.retry) {
      case "never":
        if (rule.closes) this.stop(reason);
        else this.endLink(reason, undefined);
        return;
      case "token":
        if (code === ErrorCode.AuthFailed) return this.stop(reason);
        this.connection.freshToken = true;
        return this.endLink(reason, this.connection.soon());
      case "now":
        return this.endLink(reason, this.connection.soon());
      default:
        this.endLink(reason, error.retryAfterMs || undefined);
    }
  }

  /** An Error answered a live request. */
  private refused(request: Request, code: number, closes: boolean, error: hawser.v1.Error): void {
    const send = request.send;
    if (send !== undefined) {
      if (SendQueue.decides(code, closes)) this.sends.refuse(send, code, error.retryAfterMs, error.expected, error.detail, this.now);
      else this.sends.repeat(send);
      return;
    }
    if (closes) return this.puller.repeat(request, this.now);
    const wait = ERROR_RULES[code as ErrorCode]?.retry === "wait" ? error.retryAfterMs || RETRY_MS : undefined;
    switch (request.kind) {
      case RequestKind.History:
        if (wait !== undefined) this.puller.holdHistory(request.history!, this.now + wait);
        else this.outputs.events.push({ type: "history", ticket: request.history!.ticket, result: new HawserError(code, error.detail) });
        return;
      case RequestKind.Fetch:
        if (wait !== undefined) return this.puller.holdBack(request.log!, this.now + wait);
        // Rows that may not be had are not waited for; the application is told.
        this.puller.abandon(request.log!);
        this.outputs.error(new HawserError(code, `${request.log!.key} cannot be fetched: ${error.detail}`));
        return;
      default:
        this.puller.refused(request, wait, this.now);
        if (wait === undefined) this.outputs.error(new HawserError(code, error.detail));
    }
  }

  // ---- rows ----

  private takeRow(log: ConversationLog, row: PushRow): void {
    const seq = row.seq ?? 0;
    if (seq === 0) throw new Violation("a row without a number");
    this.begin(log, seq, true);
    if (seq < log.next) return;
    const message = this.toMessage(log, row);
    if (message.local) this.settleByRow(log, message);
    // A row of our own that is not confirmed yet may be what is missing: its Sent is under way.
    this.accept(log, message, log.outbox !== undefined && log.outbox.cursor > 0 ? OWN_HOLE_MS : 0);
  }

  /** `patienceMs`: how long a hole before this row may take to close by itself. */
  private accept(log: ConversationLog, message: Message, patienceMs: number): void {
    const accepted = log.accept(message, this);
    if (accepted === Accepted.Shown) {
      this.puller.advanced(log);
      this.mendIfDiverged(log);
    }
    if (log.known >= log.next && log.fetchAt === 0) this.puller.want(log, this.now + patienceMs, this.now);
  }

  /** LogContext. */
  shown(log: ConversationLog, message: Message): void {
    this.outputs.events.push({ type: "message", message });
    if (this.options.records !== undefined) this.journal.mark(recordKey(log), log);
  }

  private settleByRow(log: ConversationLog, message: Message): void {
    const number = message.clientSeq ?? 0;
    const send = this.sends.find(log, number, message.kind, message.payload);
    if (send !== undefined) this.sends.confirm(send, { seq: message.seq, time: message.time, durability: "unspecified" });
    else if (number >= log.nextClientSeq) {
      // The store lost a number that the server has: never use it again.
      log.nextClientSeq = number + 1;
      this.journal.mark(recordKey(log), log);
    }
  }

  /** Fixes where a log begins whose head is, or is at least, `seq`. `row`: a row of this number is at hand, to be shown. */
  private begin(log: ConversationLog, seq: number, row: boolean): void {
    if (log.next > 0) return;
    const history = this.options.history;
    // After a complete Sync every conversation that turns up is a new one, and all of it is news.
    if (history === "all" || this.root.synced) log.start(1);
    else log.start(Math.max(1, seq - (row ? Math.max(1, history) : history) + 1));
  }

  private mendIfDiverged(log: ConversationLog): void {
    if (!log.diverged) return;
    // If the server's log ends before ours begins, it is another log.
    const from = log.known < log.first ? 1 : log.first;
    log.restart(from, this);
    // Until a Sync is complete again, a crash must not leave these rows behind.
    this.root.watermark = NO_BYTES;
    this.journal.mark(ROOT_KEY, this.root);
    this.journal.mark(recordKey(log), log);
    this.outputs.events.push({ type: "diverged", diverged: { conversation: log.conversation, fromSeq: from } });
    this.puller.announce(log, log.known);
    this.puller.want(log, this.now, this.now);
  }

  private readElsewhere(log: ConversationLog, seq: number): void {
    log.readSeq = seq;
    this.journal.mark(recordKey(log), log);
    this.outputs.events.push({ type: "read", read: { conversation: log.conversation, seq } });
  }

  private toMessage(log: ConversationLog, row: PushRow): Message {
    const sender = row.from?.length ? row.from : undefined;
    const isSelf = log.kind === ConversationKind.Self;
    const from = sender !== undefined ? name(sender) : isSelf ? "" : this.user;
    const mine = !isSelf && from === this.user;
    const install = mine && row.install?.length ? row.install : undefined;
    const local = install !== undefined && this.root.isInstall(install);
    return new Message(
      log.conversation,
      from,
      log.kind === ConversationKind.Direct ? (mine ? log.name : this.user) : undefined,
      mine,
      local,
      row.seq ?? 0,
      row.time ?? 0,
      row.kind ?? 0,
      // Copied: the frame's bytes belong to the socket's chunk.
      row.payload?.length ? new Uint8Array(row.payload) : NO_BYTES,
      local ? this.installHex : install && RootRecord.hex(install),
      row.clientSeq || undefined,
    );
  }

  // ---- conversations ----

  private log(kind: ConversationKind, id: string): ConversationLog {
    if (kind === ConversationKind.Self) {
      this.self ??= new ConversationLog(kind, "");
      return this.self;
    }
    const logs = kind === ConversationKind.Direct ? this.direct : this.groups;
    let log = logs.get(id);
    if (log === undefined) {
      log = new ConversationLog(kind, id);
      logs.set(id, log);
    }
    return log;
  }

  /** A conversation that the application names. Throws BAD_ARGUMENT. */
  private named(kind: ConversationKind, id: string): ConversationLog {
    try {
      return this.log(kind, id);
    } catch (thrown) {
      throw new HawserError(LocalErrorCode.BadArgument, (thrown as Error).message);
    }
  }

  /** The conversation that a Head, Page or Read names. */
  private addressed(by: { peer: Uint8Array; group: Uint8Array; self: boolean }): ConversationLog {
    if (by.self) return this.log(ConversationKind.Self, "");
    if (by.group.length > 0) return this.log(ConversationKind.Group, name(by.group));
    return this.log(ConversationKind.Direct, name(by.peer));
  }

  // ---- the connection's end and beginning ----

  private openLink(): void {
    this.dropLink();
    this.root.connection++;
    this.journal.mark(ROOT_KEY, this.root);
    this.helloVersion = this.journal.version;
    this.connection.open();
  }

  private endLink(reason: HawserError | undefined, delayMs: number | undefined): void {
    this.dropLink();
    this.outputs.frames = [];
    this.connection.lost(reason, delayMs, this.now);
  }

  private stop(reason: HawserError): void {
    this.dropLink();
    this.connection.stop(reason);
    this.outputs.error(reason);
  }

  private dropLink(): void {
    this.reader = undefined;
    this.token = undefined;
    this.requests.forgetAll((request) => this.repeat(request));
  }

  private violation(detail: string): void {
    const reason = new HawserError(LocalErrorCode.ProtocolViolation, detail);
    this.outputs.error(reason);
    this.endLink(reason, undefined);
  }

  private repeat(request: Request): void {
    if (request.send !== undefined) this.sends.repeat(request.send);
    else this.puller.repeat(request, this.now);
  }

  private writeHello(): void {
    const root = this.root;
    const hello = {
      versionMin: VERSION,
      versionMax: VERSION,
      token: this.token ?? null,
      device: root.deviceBytes,
      install: root.install,
      connection: root.connection,
      sync: true,
      watermark: root.watermark,
      network: this.options.network,
    };
    this.outputs.frames.push(encodeMessage(FrameType.Hello, hawser.v1.Hello, hello));
    this.token = undefined;
  }

  /** The end of every input. */
  private finish(now: number): void {
    this.now = now;
    if (this.connection.phase === Phase.Greeting) {
      if (this.token !== undefined && this.journal.stored >= this.helloVersion) this.writeHello();
      return;
    }
    if (this.connection.phase !== Phase.Online) return;
    // Sends before Sync and Fetch: the order that a Resync asks for (SPEC.md §4).
    this.sends.pump(now);
    const watermark = this.puller.complete(now);
    if (watermark !== undefined) this.synced(watermark);
    this.puller.pump(this, now);
    this.reads.pump(now);
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
    this.scheduleAfter(now, this.requests.dueAt());
    this.scheduleAfter(now, this.sends.dueAt(now));
    this.scheduleAfter(now, this.puller.dueAt(now));
    this.scheduleAfter(now, this.reads.dueAt());
  }

  private scheduleAfter(now: number, at: number): void {
    if (at > now) this.outputs.schedule(at);
  }

  /** What a Check needs: each conversation's key and place. */
  get digestSha256(): Sha256 {
    return this.options.sha256;
  }
}

/** The server sent what SPEC.md forbids. */
class Violation extends Error {}

function name(id: Uint8Array): string {
  const text = idText(id);
  if (text === undefined) throw new Violation("an id that is empty, too long or not UTF-8");
  return text;
}

// What the server sends: from bytes to frames, and one handler for each type. A frame that SPEC.md forbids costs the
// connection; one of a type that is not known is ignored, so that a newer server may speak to us.
import { ErrorCode, ERROR_RULES } from "../proto/error-code.ts";
import { BEAT, FrameReader } from "../proto/frame-reader.ts";
import type { FrameSink } from "../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../proto/frame-type.ts";
import { splitBatch } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import { Limits } from "../proto/limits.ts";
import { fromWireTime } from "../proto/time.ts";
import type { ClientCodec } from "./codec.ts";
import type { Connection } from "./connection.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { Violation } from "./conversations.ts";
import type { Conversations } from "./conversations.ts";
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Inbox } from "./inbox.ts";
import type { Journal } from "./journal.ts";
import type { PushRow } from "./message.ts";
import type { HeadInfo, Outputs } from "./outputs.ts";
import type { ReadPositions } from "./read-positions.ts";
import { RequestKind } from "./requests.ts";
import type { Request, Requests } from "./requests.ts";
import { recordKey, SendQueue } from "./send-queue.ts";
import type { Sync } from "./sync.ts";

/** A row larger than a page comes in a frame of its own, with this much around its payload at most (SPEC.md §3). */
const ROW_ENVELOPE_BYTES = 1024;

/** What a handler may ask of the core. */
export interface ReceiverControl {
  /** Throws Violation when it names nobody. */
  welcomed(welcome: hawser.v1.Welcome, now: number): void;
  /** Gives the connection up; `delayMs` as for Connection.lost(). */
  endLink(reason: HawserError, delayMs: number | undefined): void;
  /** Connects no more. */
  stop(reason: HawserError): void;
  /** The server and this store disagree about our numbers. False: it would be once too often. */
  renewInstall(reason: HawserError): boolean;
  /** Asks again what `request` asked. */
  repeat(request: Request): void;
  /** From the stored watermark. */
  restartSync(): void;
}

export interface ReceiverParts {
  readonly outputs: Outputs;
  readonly journal: Journal;
  readonly connection: Connection;
  readonly requests: Requests;
  readonly sends: SendQueue;
  readonly sync: Sync;
  readonly fetcher: Fetcher;
  readonly reads: ReadPositions;
  readonly conversations: Conversations;
  readonly inbox: Inbox;
  readonly codec: ClientCodec;
}

interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

export class Receiver implements FrameSink {
  private readonly parts: ReceiverParts;
  private readonly control: ReceiverControl;
  private reader: FrameReader | undefined;
  private welcomed: boolean;
  private now: number;
  /** Transient refusals in a row, of other requests than Sends. */
  private refusals: number;

  constructor(parts: ReceiverParts, control: ReceiverControl) {
    this.parts = parts;
    this.control = control;
    this.reader = undefined;
    this.welcomed = false;
    this.now = 0;
    this.refusals = 0;
  }

  /** A connection opened. */
  open(): void {
    this.reader = new FrameReader(Limits.frameBytesMaxBeforeWelcome);
    this.welcomed = false;
  }

  /** It ended; of what is being read, nothing more is handled. */
  close(): void {
    this.reader = undefined;
  }

  /** Bytes came. `whole`: they end with a frame's end (a WebSocket message), or the server is wrong. */
  receive(bytes: Uint8Array, whole: boolean, now: number): void {
    const reader = this.reader;
    if (reader === undefined) return;
    this.now = now;
    this.parts.connection.received(now);
    const error = reader.push(bytes, this);
    if (this.reader !== reader) return;
    if (error !== 0) this.violation(`bad framing (${ERROR_RULES[error].name})`);
    else if (whole && reader.heldBytes > 0) this.violation("a frame crosses WebSocket messages");
  }

  /** FrameSink. */
  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (header === BEAT) return true;
    if ((header & HeaderBit.Compressed) !== 0) return this.compressed(header & ~HeaderBit.Compressed, bytes, start, end);
    const reader = this.reader;
    const type = header & TYPE_MASK;
    if ((header & HeaderBit.Batch) === 0) this.message(type, bytes.subarray(start, end));
    else {
      const whole = splitBatch(bytes, start, end, (from, to) => {
        if (this.reader === reader) this.message(type, bytes.subarray(from, to));
      });
      if (!whole) this.violation("a malformed batch");
    }
    // Another reader, or none: the connection ended while the frame was handled.
    return this.reader === reader;
  }

  /** What it inflates to is a frame like others. */
  private compressed(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    const body = this.parts.codec.inflated(bytes, start, end, this.reader!.limit - 1);
    if (body !== undefined) return this.frame(header, body, 0, body.length);
    this.violation("a compressed frame that is not what the codec of this connection makes");
    return false;
  }

  private message(type: number, body: Uint8Array): void {
    try {
      if (this.welcomed) this.handle(type, body);
      else this.greet(type, body);
    } catch (thrown) {
      if (!(thrown instanceof Violation)) throw thrown;
      this.violation(`frame of type ${type}: ${thrown.message}`);
    }
  }

  private greet(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.Welcome:
        return this.onWelcome(decode(hawser.v1.Welcome, body));
      case FrameType.Error:
        return this.onError(decode(hawser.v1.Error, body));
      case FrameType.GoAway:
        return this.onGoAway(decode(hawser.v1.GoAway, body));
      default:
        if (type >= FrameType.Hello && type <= FrameType.Resync) throw new Violation("before Welcome");
    }
  }

  private handle(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.Push:
        return this.onPush(decode(hawser.v1.Push, body));
      case FrameType.Sent:
        return this.onSent(decode(hawser.v1.Sent, body));
      case FrameType.Heads:
        return this.onHeads(decode(hawser.v1.Heads, body));
      case FrameType.Page:
        return this.onPage(decode(hawser.v1.Page, body));
      case FrameType.Checked:
        return this.onChecked(decode(hawser.v1.Checked, body).ref);
      case FrameType.Read:
        return this.onRead(decode(hawser.v1.Read, body));
      case FrameType.Error:
        return this.onError(decode(hawser.v1.Error, body));
      case FrameType.Resync:
        return this.onResync();
      case FrameType.Dictionary:
        return this.onDictionary(decode(hawser.v1.Dictionary, body));
      case FrameType.GoAway:
        return this.onGoAway(decode(hawser.v1.GoAway, body));
      case FrameType.Heartbeat:
        return this.parts.connection.heartbeat(decode(hawser.v1.Heartbeat, body).heartbeatMs, this.now);
      case FrameType.Welcome:
        throw new Violation("a second Welcome");
      default:
      // Unknown, or nothing for a client: ignored (SPEC.md §2).
    }
  }

  private onWelcome(welcome: hawser.v1.Welcome): void {
    const reader = this.reader!;
    this.control.welcomed(welcome, this.now);
    if (this.reader !== reader) return;
    this.welcomed = true;
    this.parts.reads.again(this.now);
    reader.limit = Math.max(Limits.frameBytesMax, welcome.payloadBytesMax + ROW_ENVELOPE_BYTES);
  }

  private onPush(push: hawser.v1.Push): void {
    this.parts.inbox.row(this.parts.conversations.pushed(push), push, this.now);
  }

  private onSent(sent: hawser.v1.Sent): void {
    if (sent.seq === 0) throw new Violation("Sent without a number");
    const send = this.parts.requests.take(sent.ref)?.send;
    if (send === undefined || send.settled) return;
    this.parts.inbox.confirmed(send, sent.seq, sent.time, sent.durability as number, this.now);
  }

  private onHeads(heads: hawser.v1.Heads): void {
    const { sync, fetcher, inbox, conversations, reads, requests, outputs } = this.parts;
    this.refusals = 0;
    const request = heads.ref > 0 ? requests.take(heads.ref) : undefined;
    const infos: HeadInfo[] = [];
    for (const head of heads.heads as hawser.v1.Head[]) {
      const log = conversations.addressed(head);
      inbox.begin(log, head.seq, false);
      if (head.seq > log.known) log.known = head.seq;
      log.expect(head.seq, head.hash, inbox);
      inbox.mendIfDiverged(log, this.now);
      sync.announce(log, head.seq);
      // Below ours: late news of a moment ago, or a server that lost rows. A page from our place tells which.
      if (head.seq < log.next - 1) log.probe = true;
      fetcher.want(log, this.now, this.now);
      if (head.readSeq > log.readSeq) this.readElsewhere(log, head.readSeq);
      if (head.readSeq < log.readSeq) reads.add(log, this.now);
      else reads.confirmed(log);
      infos.push({ conversation: log.conversation, seq: head.seq, uncounted: head.uncounted, readSeq: log.readSeq, time: fromWireTime(head.time) });
    }
    sync.heads(heads.ref, request, heads.watermark, heads.more, this.now);
    if (infos.length > 0) outputs.events.push({ type: "heads", heads: infos });
  }

  private onPage(page: hawser.v1.Page): void {
    const { fetcher, inbox, conversations, requests, outputs } = this.parts;
    this.refusals = 0;
    const request = requests.take(page.ref);
    const log = conversations.addressed(page);
    const rows = page.rows as PushRow[];
    for (let i = 1; i < rows.length; i++) if (rows[i]!.seq !== rows[i - 1]!.seq! + 1) throw new Violation("rows of a page with a hole");
    if (request?.history !== undefined) {
      const messages = rows.map((row) => inbox.toMessage(log, row));
      if (request.live) outputs.events.push({ type: "history", ticket: request.history.ticket, result: { messages, more: page.more } });
      return;
    }
    inbox.begin(log, page.headSeq, false);
    // The page was made after we asked, from committed rows: what we had then, it must have.
    if (request !== undefined && page.headSeq < request.fromSeq - 1 && request.fromSeq <= log.next) {
      log.diverged = true;
      log.forgetAbove(page.headSeq, inbox);
    } else log.checkPage(page.hashBefore, rows, page.headSeq, inbox);
    inbox.mendIfDiverged(log, this.now);
    for (const row of rows) inbox.row(log, row, this.now);
    const live = request?.kind === RequestKind.Fetch && request.live;
    if (!live || !fetcher.fetched(log, request.fromSeq, page.headSeq, this.now)) return;
    // Rows were announced and are not there. If the server's log ends here, they were never written.
    if (page.headSeq < log.next) {
      log.forgetAbove(page.headSeq, inbox);
      this.abandon(log);
    } else outputs.error(new HawserError(LocalErrorCode.ProtocolViolation, `row ${log.next} of ${log.key} exists and is not given`));
  }

  private onChecked(ref: number): void {
    const request = this.parts.requests.take(ref);
    if (request?.kind !== RequestKind.Check || !request.live) return;
    this.refusals = 0;
    this.parts.sync.checked(this.now);
    this.parts.outputs.events.push({ type: "synced" });
  }

  private onRead(read: hawser.v1.Read): void {
    const log = this.parts.conversations.addressed(read);
    if (read.seq > log.readSeq) this.readElsewhere(log, read.seq);
  }

  private readElsewhere(log: ConversationLog, seq: number): void {
    log.readSeq = seq;
    this.parts.journal.mark(recordKey(log), log);
    this.parts.outputs.events.push({ type: "read", read: { conversation: log.conversation, seq } });
  }

  private onResync(): void {
    this.parts.requests.voidAll((request) => this.control.repeat(request));
    this.control.restartSync();
    this.parts.reads.again(this.now);
  }

  private onDictionary(dictionary: hawser.v1.Dictionary): void {
    if (this.parts.requests.take(dictionary.ref)?.kind === RequestKind.Dictionary) this.parts.codec.received(dictionary);
  }

  private onGoAway(goAway: hawser.v1.GoAway): void {
    this.parts.connection.goAway(goAway.reconnectAfterMs, goAway.target, this.now);
  }

  private onError(error: hawser.v1.Error): void {
    const { connection, requests, sync, outputs } = this.parts;
    const code = error.code as number;
    const rule = ERROR_RULES[code as ErrorCode];
    const closes = error.closes || rule?.closes === true;
    const request = error.ref > 0 ? requests.take(error.ref) : undefined;
    const reader = this.reader;
    // One without a live request answers a Read, or something that was asked anew since.
    if (request?.live === true) this.refused(request, code, closes, error);
    else if (error.ref > 0 && request === undefined && !closes && rule?.retry === "wait") this.parts.reads.again(this.now, error.retryAfterMs);
    else if (error.ref === 0 && !closes && !(this.welcomed && sync.refusedHello(this.waitMs(code, error), this.now))) {
      outputs.error(new HawserError(code, error.detail));
    }
    if (!closes || this.reader !== reader) return;
    const reason = new HawserError(code, error.detail);
    if (code === ErrorCode.AuthFailed || code === ErrorCode.BadRequest || (rule?.closes && rule.retry === "never")) return this.control.stop(reason);
    if (rule?.retry === "token") connection.freshToken = true;
    const atOnce = rule?.retry === "token" || rule?.retry === "now";
    this.control.endLink(reason, atOnce ? connection.soon() : connection.refusedMs(error.retryAfterMs));
  }

  /** An Error answered a live request. */
  private refused(request: Request, code: number, closes: boolean, error: hawser.v1.Error): void {
    const { sync, fetcher, sends, outputs } = this.parts;
    const reason = new HawserError(code, error.detail);
    const send = request.send;
    if (send !== undefined) {
      if (!SendQueue.decides(code, closes)) sends.repeat(send);
      else if (sends.refuse(send, reason, error.retryAfterMs, error.expected, this.now) && !this.control.renewInstall(reason)) sends.giveUp(send, reason);
      return;
    }
    if (closes) return this.control.repeat(request);
    const wait = this.waitMs(code, error);
    switch (request.kind) {
      case RequestKind.Dictionary:
        // It would have served better; the next Welcome names it again.
        return;
      case RequestKind.History:
        if (wait !== undefined) fetcher.holdHistory(request.history!, this.now + wait);
        else outputs.events.push({ type: "history", ticket: request.history!.ticket, result: reason });
        return;
      case RequestKind.Fetch:
        if (wait !== undefined) return fetcher.holdBack(request.log!, this.now + wait);
        // Rows that may not be had are not waited for; the application is told.
        this.abandon(request.log!);
        outputs.error(new HawserError(code, `${request.log!.key} cannot be fetched: ${error.detail}`));
        return;
      default:
        sync.refused(request, wait, this.now);
        if (wait === undefined) outputs.error(reason);
    }
  }

  /** For other requests than Sends: how long to wait before it is tried again; undefined: it is no use. */
  private waitMs(code: number, error: hawser.v1.Error): number | undefined {
    return ERROR_RULES[code as ErrorCode]?.retry === "wait" ? error.retryAfterMs || this.parts.connection.jitterMs(this.refusals++) : undefined;
  }

  /** Rows of `log` cannot be had: nobody waits for them any longer. */
  private abandon(log: ConversationLog): void {
    this.parts.fetcher.abandon(log);
    this.parts.sync.advanced(log, true);
  }

  private violation(detail: string): void {
    const reason = new HawserError(LocalErrorCode.ProtocolViolation, detail);
    this.parts.outputs.error(reason);
    this.control.endLink(reason, undefined);
  }
}

/** A body's message. Throws Violation on a body that is none. */
function decode<T>(codec: Decoder<T>, body: Uint8Array): T {
  try {
    return codec.decode(body);
  } catch (thrown) {
    throw new Violation(describe(thrown));
  }
}

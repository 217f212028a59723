// What this install has sent and the server has not yet confirmed: numbered per conversation when the user
// sends, written in that order, several at a time, and written again on any doubt (SPEC.md §6).
//
// One outbox a conversation:    sends[0 … cursor) are in flight | sends[cursor …] are to be written
// Rewinding moves the cursor back; what was in flight behind it becomes void. Invariants: numbers in an outbox
// ascend; within a conversation the numbers of the live requests ascend in the order they were written.
import { ErrorCode, ERROR_RULES } from "../proto/error-code.ts";
import { ConversationKind } from "../proto/conversation.ts";
import { FrameType } from "../proto/frame-type.ts";
import { encodeMessage } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import { fullJitterMs } from "./connection.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { equalBytes } from "./encoding.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";
import type { Journal } from "./journal.ts";
import type { Receipt } from "./message.ts";
import { NEVER } from "./outputs.ts";
import type { Outputs } from "./outputs.ts";
import { PendingSend } from "./pending-send.ts";
import { Request, RequestKind } from "./requests.ts";
import type { Requests } from "./requests.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Room that a Send's envelope may take in its frame: type, length, two ids, numbers. */
const ENVELOPE_BYTES_MAX = 256;
/** The wait between attempts that contradict each other. */
const CONTRADICTION_MS = 1_000;
const OUT_OF_ORDER_WAIT_MAX_MS = 5_000;

export class Outbox {
  readonly log: ConversationLog;
  readonly sends: PendingSend[];
  cursor: number;
  /** Nothing of it is written before this time. */
  holdUntil: number;
  /** OUT_OF_ORDER answers, and other transient ones, since the last confirmation. */
  disorders: number;
  refusals: number;
  /** In the list of those that have something to write. */
  ready: boolean;

  constructor(log: ConversationLog) {
    this.log = log;
    this.sends = [];
    this.cursor = 0;
    this.holdUntil = 0;
    this.disorders = 0;
    this.refusals = 0;
    this.ready = false;
  }
}

export class SendQueue {
  private readonly outputs: Outputs;
  private readonly requests: Requests;
  private readonly journal: Journal;
  private readonly random: () => number;
  private readonly countMax: number;
  private readonly bytesMax: number;
  private count: number;
  private bytes: number;
  /** Outboxes with something to write, served in turn. */
  private ready: Outbox[];
  private readonly held: Set<Outbox>;
  private pausedUntil: number;
  private frameBytesMax: number;
  private rate: TokenBucket;

  constructor(outputs: Outputs, requests: Requests, journal: Journal, random: () => number, countMax: number, bytesMax: number) {
    this.outputs = outputs;
    this.requests = requests;
    this.journal = journal;
    this.random = random;
    this.countMax = countMax;
    this.bytesMax = bytesMax;
    this.count = 0;
    this.bytes = 0;
    this.ready = [];
    this.held = new Set();
    this.pausedUntil = 0;
    this.frameBytesMax = NEVER;
    this.rate = new TokenBucket(0, 0);
  }

  /** A new connection with the limits of its Welcome. */
  open(frameBytesMax: number, sendsPerSecond: number, now: number): void {
    this.frameBytesMax = frameBytesMax > 0 ? frameBytesMax : NEVER;
    this.rate = new TokenBucket(sendsPerSecond, now);
    this.pausedUntil = 0;
  }

  /** Numbers a message and queues it. Throws QUEUE_FULL. */
  add(log: ConversationLog, kind: number, payload: Uint8Array, ticket: unknown): PendingSend {
    if (this.count >= this.countMax || this.bytes + payload.length > this.bytesMax) {
      throw new HawserError(LocalErrorCode.QueueFull, `${this.count} messages wait to be confirmed`);
    }
    const send = new PendingSend(log, log.nextClientSeq++, kind, payload, ticket, 0);
    this.journal.mark(sendKey(send), send);
    this.journal.mark(recordKey(log), log);
    send.version = this.journal.version;
    this.insert(send);
    return send;
  }

  /** A message that the store kept; in ascending order of clientSeq within a conversation. Bounded when it was added. */
  restore(log: ConversationLog, clientSeq: number, kind: number, payload: Uint8Array): void {
    this.insert(new PendingSend(log, clientSeq, kind, payload, undefined, 0));
    if (log.nextClientSeq <= clientSeq) log.nextClientSeq = clientSeq + 1;
  }

  /** Writes what may be written now. */
  pump(now: number): void {
    if (this.ready.length === 0) return;
    if (now < this.pausedUntil) return this.outputs.schedule(this.pausedUntil);
    let unstored: Outbox[] | undefined;
    while (this.ready.length > 0 && this.requests.canSend()) {
      const allowedAt = this.rate.nextAt(now);
      if (allowedAt > now) {
        this.outputs.schedule(allowedAt);
        break;
      }
      const outbox = this.ready.shift()!;
      const send = outbox.sends[outbox.cursor];
      if (send === undefined || now < outbox.holdUntil) {
        outbox.ready = false;
        continue;
      }
      if (send.version > this.journal.stored) {
        unstored ??= [];
        unstored.push(outbox);
        continue;
      }
      if (send.payload.length + ENVELOPE_BYTES_MAX > this.frameBytesMax) {
        this.dropUnused(outbox, outbox.cursor, new HawserError(ErrorCode.PayloadTooLarge));
      } else {
        this.write(send, now);
        this.rate.take();
        outbox.cursor++;
      }
      if (outbox.cursor < outbox.sends.length) this.ready.push(outbox);
      else outbox.ready = false;
    }
    // They stay ready: the shell reports when the store has them.
    if (unstored !== undefined) this.ready = unstored.concat(this.ready);
  }

  /** The row of a pending message is known: confirmed. */
  confirm(send: PendingSend, receipt: Receipt): void {
    const outbox = send.log.outbox!;
    outbox.disorders = 0;
    outbox.refusals = 0;
    this.settle(outbox, outbox.sends.indexOf(send), receipt, undefined);
  }

  /** The pending message that an own row of this install is, if it is one. */
  find(log: ConversationLog, clientSeq: number, kind: number, payload: Uint8Array): PendingSend | undefined {
    const send = log.outbox?.sends.find((pending) => pending.clientSeq === clientSeq);
    return send !== undefined && send.kind === kind && equalBytes(send.payload, payload) ? send : undefined;
  }

  /**
   * An Error answered the send: SPEC.md §12, columns retry and number. Returns true when it says that our numbers are
   * not those that the server knows: then nothing was done about it.
   */
  refuse(send: PendingSend, error: HawserError, retryAfterMs: number, expected: number, now: number): boolean {
    const outbox = send.log.outbox!;
    const index = outbox.sends.indexOf(send);
    if (index < 0) return false;
    switch (error.code) {
      case ErrorCode.RateLimited:
        this.pausedUntil = now + this.waitMs(outbox, retryAfterMs);
        this.outputs.schedule(this.pausedUntil);
        this.rewind(outbox, index);
        return false;
      case ErrorCode.Busy:
      case ErrorCode.Internal:
        this.hold(outbox, now + this.waitMs(outbox, retryAfterMs));
        this.rewind(outbox, index);
        return false;
      case ErrorCode.OutOfOrder:
        return this.reorder(outbox, index, expected, now);
      case ErrorCode.ClientSeqReused:
        return true;
      case ErrorCode.BadRequest:
      case ErrorCode.UnknownType:
        // It holds for every Send to this conversation, and no number was used.
        this.giveUpAll(outbox, error);
        return false;
      default:
        this.settle(outbox, index, undefined, error);
        return false;
    }
  }

  /** Refused for good. */
  giveUp(send: PendingSend, error: HawserError): void {
    const outbox = send.log.outbox!;
    this.settle(outbox, outbox.sends.indexOf(send), undefined, error);
  }

  /** This is a new install: numbers begin at 1 in every conversation. No request is in flight. */
  renumberAll(logs: Iterable<ConversationLog>): void {
    for (const log of logs) {
      if (log.outbox !== undefined) {
        this.rewind(log.outbox, 0);
        this.renumber(log.outbox, 0, 1);
      } else if (log.nextClientSeq > 1) {
        log.nextClientSeq = 1;
        this.journal.mark(recordKey(log), log);
      }
    }
  }

  /** Whether an Error with this code decides the fate of the Send that it names, even if it closes the connection. */
  static decides(code: number, closes: boolean): boolean {
    const rule = ERROR_RULES[code as ErrorCode];
    if (rule === undefined || rule.retry === "wait" || rule.retry === "order") return !closes;
    return rule.retry === "never" && !rule.closes;
  }

  /** No answer came: again, with all that follow in that conversation. */
  repeat(send: PendingSend): void {
    const outbox = send.log.outbox;
    const index = outbox?.sends.indexOf(send) ?? -1;
    if (index >= 0) this.rewind(outbox!, index);
  }

  tick(now: number): void {
    for (const outbox of this.held) {
      if (now < outbox.holdUntil) continue;
      this.held.delete(outbox);
      outbox.holdUntil = 0;
      this.makeReady(outbox);
    }
  }

  dueAt(now: number): number {
    let due = NEVER;
    for (const outbox of this.held) due = Math.min(due, outbox.holdUntil);
    if (this.ready.length > 0 && this.pausedUntil > now) due = Math.min(due, this.pausedUntil);
    return due;
  }

  private insert(send: PendingSend): void {
    send.log.outbox ??= new Outbox(send.log);
    send.log.outbox.sends.push(send);
    this.count++;
    this.bytes += send.payload.length;
    this.makeReady(send.log.outbox);
  }

  private write(send: PendingSend, now: number): void {
    const log = send.log;
    const direct = log.kind === ConversationKind.Direct;
    const frame = encodeMessage(FrameType.Send, hawser.v1.Send, {
      peer: direct ? log.nameBytes : null,
      group: direct ? null : log.nameBytes,
      clientSeq: send.clientSeq,
      kind: send.kind,
      payload: send.payload,
    });
    send.ref = this.requests.ask(frame, new Request(RequestKind.Send, send, log, undefined, 0, now));
  }

  /** From sends[index] on, all are to be written again. */
  private rewind(outbox: Outbox, index: number): void {
    for (let i = index; i < outbox.cursor; i++) {
      const send = outbox.sends[i]!;
      this.requests.void(send.ref);
      send.ref = 0;
    }
    if (index < outbox.cursor) outbox.cursor = index;
    this.makeReady(outbox);
  }

  /** The server waits for another number than sends[index] has. Returns true when it is one that was settled long ago. */
  private reorder(outbox: Outbox, index: number, expected: number, now: number): boolean {
    const first = outbox.sends[0]!.clientSeq;
    const asked = outbox.sends[index]!.clientSeq;
    if (expected > 0 && expected < first) return true;
    if (outbox.disorders++ > 0) this.hold(outbox, now + Math.min(OUT_OF_ORDER_WAIT_MAX_MS, 50 * 2 ** Math.min(outbox.disorders, 10)));
    if (expected <= 0 || expected > asked) {
      this.hold(outbox, now + CONTRADICTION_MS);
      this.rewind(outbox, index);
      return false;
    }
    const from = outbox.sends.findIndex((send) => send.clientSeq >= expected);
    this.rewind(outbox, from);
    // A number in between that we took for used was not: what follows moves up.
    if (outbox.sends[from]!.clientSeq > expected) this.renumber(outbox, from, expected);
    return false;
  }

  private giveUpAll(outbox: Outbox, error: HawserError): void {
    const number = outbox.sends[0]!.clientSeq;
    this.rewind(outbox, 0);
    while (outbox.sends.length > 0) this.settle(outbox, 0, undefined, error);
    this.renumber(outbox, 0, number);
  }

  private waitMs(outbox: Outbox, retryAfterMs: number): number {
    return retryAfterMs || fullJitterMs(this.random, outbox.refusals++);
  }

  /** Gives sends[index] up; its number was not used. */
  private dropUnused(outbox: Outbox, index: number, error: HawserError): void {
    const number = outbox.sends[index]!.clientSeq;
    this.rewind(outbox, index);
    this.settle(outbox, index, undefined, error);
    this.renumber(outbox, index, number);
  }

  private renumber(outbox: Outbox, index: number, from: number): void {
    let number = from;
    if (index === outbox.sends.length && outbox.log.nextClientSeq === number) return;
    for (let i = index; i < outbox.sends.length; i++) {
      const send = outbox.sends[i]!;
      this.journal.mark(sendKey(send), undefined);
      send.clientSeq = number++;
      this.journal.mark(sendKey(send), send);
    }
    outbox.log.nextClientSeq = number;
    this.journal.mark(recordKey(outbox.log), outbox.log);
    for (let i = index; i < outbox.sends.length; i++) outbox.sends[i]!.version = this.journal.version;
  }

  private settle(outbox: Outbox, index: number, receipt: Receipt | undefined, error: HawserError | undefined): void {
    const send = outbox.sends[index];
    if (send === undefined || send.settled) return;
    send.settled = true;
    outbox.sends.splice(index, 1);
    if (index < outbox.cursor) outbox.cursor--;
    this.count--;
    this.bytes -= send.payload.length;
    this.journal.mark(sendKey(send), undefined);
    this.outputs.events.push({ type: "sent", send, receipt, error });
  }

  private hold(outbox: Outbox, until: number): void {
    outbox.holdUntil = Math.max(outbox.holdUntil, until);
    this.held.add(outbox);
    this.outputs.schedule(outbox.holdUntil);
  }

  private makeReady(outbox: Outbox): void {
    if (outbox.ready || outbox.holdUntil > 0 || outbox.cursor >= outbox.sends.length) return;
    outbox.ready = true;
    this.ready.push(outbox);
  }
}

/** Keys of the store. */
export function recordKey(log: ConversationLog): string {
  return `conversation/${log.key}`;
}

export function sendKey(send: PendingSend): string {
  return `send/${send.log.key}/${send.clientSeq}`;
}

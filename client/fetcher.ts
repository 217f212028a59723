// Fetches the rows that this client lacks (SPEC.md §7, §8), and older ones that the application asks for.
//
// A log with known ≥ next waits in `queue`, or in `delayed` as long as its hole may close by itself or the server asked for
// patience; a few are fetched at a time, page by page. Invariant: a log is in one place at most: queue, delayed, or fetching.
import { ConversationKind } from "../proto/conversation.ts";
import { encodeMessage } from "../proto/frame.ts";
import { FrameType } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import type { ConversationLog } from "./conversation-log.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";
import type { Outputs } from "./outputs.ts";
import { NEVER } from "./outputs.ts";
import type { Requests } from "./requests.ts";
import { Request, RequestKind } from "./requests.ts";

/** How long a hole that an own message opened may close by itself (SPEC.md §7). */
export const OWN_HOLE_MS = 1_000;
const STALL_FIRST_MS = 1_000;
const STALL_MAX_MS = 30_000;
/** Answers in a row without progress after which something is wrong. */
const STALLS_MAX = 4;
/** Calls for history that may wait. */
const HISTORY_CALLS_MAX = 256;

/** The application asked for older rows. */
export interface HistoryCall {
  readonly log: ConversationLog;
  /** The last row wanted; 0: the head. */
  readonly fromSeq: number;
  readonly limit: number;
  readonly ticket: unknown;
}

export class Fetcher {
  private readonly outputs: Outputs;
  private readonly requests: Requests;
  private readonly queue: ConversationLog[];
  private readonly delayed: Set<ConversationLog>;
  private history: HistoryCall[];
  /** Calls for history wait until then. */
  private historyAt: number;

  constructor(outputs: Outputs, requests: Requests) {
    this.outputs = outputs;
    this.requests = requests;
    this.queue = [];
    this.delayed = new Set();
    this.history = [];
    this.historyAt = 0;
  }

  /** Rows of `log` are known to exist and missing: fetches them at `at`, or now. */
  want(log: ConversationLog, at: number, now: number): void {
    if (log.fetching || log.fetchQueued || (log.known < log.next && !log.probe)) return;
    if (log.fetchHeld && now < log.fetchAt) return;
    if (at > now) return this.delay(log, at);
    this.undelay(log);
    log.fetchQueued = true;
    this.queue.push(log);
  }

  /** Rows of `log` were shown. */
  advanced(log: ConversationLog): void {
    log.stalls = 0;
    if (log.known < log.next) this.undelay(log);
  }

  /**
   * A live Fetch from `fromSeq` was answered by a page, whose rows were taken in. Returns true when the server says
   * again and again that there are rows, or was said to have them, and gives none.
   */
  fetched(log: ConversationLog, fromSeq: number, headSeq: number, now: number): boolean {
    log.fetching = false;
    log.probe = false;
    if (headSeq > log.known) log.known = headSeq;
    if (log.known < log.next) return false;
    // A place that moved back was set back by restart().
    if (log.next !== fromSeq) {
      this.want(log, now, now);
      return false;
    }
    this.holdBack(log, now + Math.min(STALL_MAX_MS, STALL_FIRST_MS * 2 ** log.stalls));
    return ++log.stalls % STALLS_MAX === 0;
  }

  /** Rows of `log` are wanted, but not before `at`. */
  holdBack(log: ConversationLog, at: number): void {
    log.fetching = false;
    this.undelay(log);
    this.delay(log, at);
    log.fetchHeld = true;
  }

  /** Rows of `log` cannot be had: asks for them no longer. */
  abandon(log: ConversationLog): void {
    log.fetching = false;
    log.probe = false;
    this.undelay(log);
  }

  /** Throws QUEUE_FULL. */
  addHistory(call: HistoryCall): void {
    if (this.history.length >= HISTORY_CALLS_MAX) throw new HawserError(LocalErrorCode.QueueFull, `${this.history.length} calls for history wait`);
    this.history.push(call);
  }

  /** Hands out all calls for history that wait, to be given up. */
  takeHistory(): HistoryCall[] {
    const history = this.history;
    this.history = [];
    return history;
  }

  /** The server is busy: calls for history wait. */
  holdHistory(call: HistoryCall, at: number): void {
    this.history.unshift(call);
    this.historyAt = at;
    this.outputs.schedule(at);
  }

  /** A Fetch got no answer, or its number is void: it is to be asked again. */
  repeat(request: Request, now: number): void {
    if (request.kind === RequestKind.Fetch) {
      request.log!.fetching = false;
      this.want(request.log!, now, now);
    } else if (request.kind === RequestKind.History) this.history.unshift(request.history!);
  }

  /** Asks what may be asked now. */
  pump(now: number): void {
    let at = 0;
    for (; at < this.queue.length && this.requests.canFetch(); at++) {
      const log = this.queue[at]!;
      log.fetchQueued = false;
      if (log.known >= log.next || log.probe) this.writeFetch(log, now);
    }
    if (at > 0) this.queue.splice(0, at);
    if (now < this.historyAt) return;
    for (at = 0; at < this.history.length && this.requests.canFetch(); at++) this.writeHistory(this.history[at]!, now);
    if (at > 0) this.history.splice(0, at);
  }

  tick(now: number): void {
    for (const log of this.delayed) if (now >= log.fetchAt) this.want(log, now, now);
  }

  dueAt(now: number): number {
    let due = this.history.length > 0 && this.historyAt > now ? this.historyAt : NEVER;
    for (const log of this.delayed) due = Math.min(due, log.fetchAt);
    return due;
  }

  private delay(log: ConversationLog, at: number): void {
    log.fetchAt = at;
    this.delayed.add(log);
    this.outputs.schedule(at);
  }

  private undelay(log: ConversationLog): void {
    if (log.fetchAt === 0) return;
    log.fetchAt = 0;
    log.fetchHeld = false;
    this.delayed.delete(log);
  }

  private writeFetch(log: ConversationLog, now: number): void {
    log.fetching = true;
    const frame = encodeMessage(FrameType.Fetch, hawser.v1.Fetch, { ...address(log), fromSeq: log.next });
    this.requests.ask(frame, new Request(RequestKind.Fetch, undefined, log, undefined, log.next, now));
  }

  private writeHistory(call: HistoryCall, now: number): void {
    const frame = encodeMessage(FrameType.Fetch, hawser.v1.Fetch, { ...address(call.log), fromSeq: call.fromSeq, backward: true, limit: call.limit });
    this.requests.ask(frame, new Request(RequestKind.History, undefined, call.log, call, call.fromSeq, now));
  }
}

/** The fields that name a conversation in a request. */
export function address(log: ConversationLog): { peer: Uint8Array | null; group: Uint8Array | null; self: boolean } {
  return {
    peer: log.kind === ConversationKind.Direct ? log.nameBytes : null,
    group: log.kind === ConversationKind.Group ? log.nameBytes : null,
    self: log.kind === ConversationKind.Self,
  };
}

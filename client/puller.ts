// Pulls what this client lacks: Sync for the heads, Fetch for the rows, Check to be sure (SPEC.md §8).
//
//   sync:   Idle → Asked (heads awaited) → Due (next page of heads) → Asked … → Pulling (last page came) → Idle
//   rows:   a log with known ≥ next waits in `queue` (or in `delayed`, when a hole may close by itself), a few
//           are fetched at a time, page by page
//
// Invariant: the watermark moves only from Pulling to Idle, when every row that the heads of that Sync
// announced was shown.
import { digestBytes, digestTerm } from "../proto/conversation-hash.ts";
import type { Sha256 } from "../proto/conversation-hash.ts";
import { ConversationKind } from "../proto/conversation.ts";
import { FrameType } from "../proto/frame-type.ts";
import { encodeMessage } from "../proto/frame.ts";
import { hawser } from "../proto/gen/hawser.js";
import { fullJitterMs } from "./connection.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";
import { NO_BYTES } from "./message.ts";
import { NEVER } from "./outputs.ts";
import type { Outputs } from "./outputs.ts";
import { ANSWER_MS, Request, RequestKind } from "./requests.ts";
import type { Requests } from "./requests.ts";

/** How long a hole that an own message opened may close by itself (SPEC.md §7). */
export const OWN_HOLE_MS = 1_000;
const CHECK_EVERY_MS = 5 * 60_000;
const REFUSED_SYNC_MS = 30_000;
const STALL_FIRST_MS = 1_000;
const STALL_MAX_MS = 30_000;
/** Answers in a row without progress after which something is wrong. */
const STALLS_MAX = 4;
/** Calls for history that may wait. */
const HISTORY_CALLS_MAX = 256;

const SyncState = { Idle: 0, Due: 1, Asked: 2, Pulling: 3 } as const;
type SyncState = (typeof SyncState)[keyof typeof SyncState];

/** The application asked for older rows. */
export interface HistoryCall {
  readonly log: ConversationLog;
  /** The last row wanted; 0: the head. */
  readonly fromSeq: number;
  readonly limit: number;
  readonly ticket: unknown;
}

/** What the digest of a Check is made from. */
export interface DigestSource {
  readonly digestSha256: Sha256;
  readonly meBytes: Uint8Array;
  logs(): Iterable<ConversationLog>;
}

export class Puller {
  private readonly outputs: Outputs;
  private readonly requests: Requests;
  private readonly random: () => number;
  private sync: SyncState;
  /** Asked: the number whose Heads are awaited; 0 for those of Hello. */
  private syncRef: number;
  /** Due: ask at this time, from `cursor`. Asked of Hello: give up waiting then. */
  private syncAt: number;
  private cursor: Uint8Array;
  /** Pulling: the watermark to keep once nothing is waited for. */
  private reached: Uint8Array;
  /** Logs with rows of this Sync still to come. */
  private readonly waiting: Set<ConversationLog>;
  private checkAt: number;
  private checkAsked: boolean;
  private queue: ConversationLog[];
  private readonly delayed: Set<ConversationLog>;
  private history: HistoryCall[];
  private historyAt: number;
  /** Transient refusals in a row. */
  private refusals: number;

  constructor(outputs: Outputs, requests: Requests, random: () => number) {
    this.outputs = outputs;
    this.requests = requests;
    this.random = random;
    this.sync = SyncState.Idle;
    this.syncRef = 0;
    this.syncAt = NEVER;
    this.cursor = NO_BYTES;
    this.reached = NO_BYTES;
    this.waiting = new Set();
    this.checkAt = NEVER;
    this.checkAsked = false;
    this.queue = [];
    this.delayed = new Set();
    this.history = [];
    this.historyAt = 0;
    this.refusals = 0;
  }

  /** Welcome came, and the Sync in Hello is under way, from `watermark`. */
  opened(watermark: Uint8Array, now: number): void {
    this.clearWaiting();
    this.checkAsked = false;
    this.checkAt = NEVER;
    this.cursor = watermark;
    this.sync = SyncState.Asked;
    this.syncRef = 0;
    this.syncAt = now + ANSWER_MS;
    this.outputs.schedule(this.syncAt);
  }

  /** A Resync came: begins a Sync anew, from the stored `watermark`. */
  restart(watermark: Uint8Array, now: number): void {
    this.clearWaiting();
    this.checkAsked = false;
    this.due(watermark, now);
  }

  /** Asks whether anything is missing; nothing to do while a Sync finds that out anyway. */
  check(now: number): void {
    if (this.sync === SyncState.Idle && !this.checkAsked) this.checkLater(now);
  }

  /** Rows of `log` are known to exist and missing: fetches them at `at`, or now. */
  want(log: ConversationLog, at: number, now: number): void {
    if (log.fetching || log.fetchQueued || (log.known < log.next && !log.probe)) return;
    if (log.fetchHeld && now < log.fetchAt) return;
    if (at > now) {
      // A hole keeps the moment it was given first.
      if (log.fetchAt === 0) this.delay(log, at);
      return;
    }
    this.undelay(log);
    log.fetchQueued = true;
    this.queue.push(log);
  }

  /** Rows of `log` were shown. */
  advanced(log: ConversationLog): void {
    log.stalls = 0;
    if (log.syncTarget > 0 && log.next > log.syncTarget) {
      log.syncTarget = 0;
      this.waiting.delete(log);
    }
    if (log.known < log.next) this.undelay(log);
  }

  /** A page of heads came; each head in it was announced before. */
  heads(ref: number, request: Request | undefined, watermark: Uint8Array, more: boolean, now: number): void {
    this.refusals = 0;
    const answersCheck = request?.kind === RequestKind.Check && request.live;
    if (answersCheck) this.checkAsked = false;
    const current = this.sync === SyncState.Asked && ref === this.syncRef;
    if (!current && !(answersCheck && this.sync === SyncState.Idle)) return;
    if (more) this.due(new Uint8Array(watermark), now);
    else {
      this.sync = SyncState.Pulling;
      this.reached = new Uint8Array(watermark);
    }
  }

  /** A head of the Sync under way: complete only when its row was shown. */
  announce(log: ConversationLog, seq: number): void {
    if (seq < log.next) return;
    log.syncTarget = Math.max(log.syncTarget, seq);
    this.waiting.add(log);
  }

  /** The new watermark if the Sync is complete now, else undefined. */
  complete(now: number): Uint8Array | undefined {
    if (this.sync !== SyncState.Pulling || this.waiting.size > 0) return undefined;
    this.sync = SyncState.Idle;
    this.checked(now);
    return this.reached;
  }

  /** Checked came: nothing is missing. */
  checked(now: number): void {
    this.checkAsked = false;
    // Not all clients of a fleet at the same moment.
    this.checkLater(now + CHECK_EVERY_MS * (0.9 + this.random() / 5));
  }

  /**
   * A live Fetch from `fromSeq` was answered by a page, whose rows were taken in. Returns true when the server says
   * again and again that there are rows, or was said to have them, and gives none.
   */
  fetched(log: ConversationLog, fromSeq: number, headSeq: number, now: number): boolean {
    this.refusals = 0;
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

  /** Rows of `log` cannot be had: waits for them no longer. */
  abandon(log: ConversationLog): void {
    log.fetching = false;
    log.probe = false;
    log.syncTarget = 0;
    this.waiting.delete(log);
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

  /** A request other than a Send got no answer, or its number is void: it is to be asked again. */
  repeat(request: Request, now: number): void {
    switch (request.kind) {
      case RequestKind.Fetch:
        request.log!.fetching = false;
        this.want(request.log!, now, now);
        return;
      case RequestKind.History:
        this.history.unshift(request.history!);
        return;
      case RequestKind.Sync:
        if (this.sync === SyncState.Asked) this.due(this.cursor, now);
        return;
      case RequestKind.Check:
        this.checkAsked = false;
        this.checkLater(now);
    }
  }

  /** The server is busy: calls for history wait. */
  holdHistory(call: HistoryCall, at: number): void {
    this.history.unshift(call);
    this.historyAt = at;
    this.outputs.schedule(at);
  }

  /** How long to wait after a transient refusal that does not say. */
  backoff(): number {
    return fullJitterMs(this.random, this.refusals++);
  }

  /** An Error without a number came: whether it answers the Sync of Hello. `waitMs` as for refused(). */
  refusedHello(waitMs: number | undefined, now: number): boolean {
    if (this.sync !== SyncState.Asked || this.syncRef !== 0) return false;
    this.due(this.cursor, now + (waitMs ?? REFUSED_SYNC_MS));
    return true;
  }

  /** An Error answered a Sync or Check. `waitMs`: try again after that; undefined: it is no use. */
  refused(request: Request, waitMs: number | undefined, now: number): void {
    if (request.kind === RequestKind.Check) {
      this.checkAsked = false;
      this.checkLater(now + (waitMs ?? CHECK_EVERY_MS));
    } else if (this.sync === SyncState.Asked) this.due(this.cursor, now + (waitMs ?? REFUSED_SYNC_MS));
  }

  /** Writes what may be asked now. */
  pump(source: DigestSource, now: number): void {
    if (this.sync === SyncState.Due && now >= this.syncAt && this.requests.canAsk()) {
      const frame = encodeMessage(FrameType.Sync, hawser.v1.Sync, { watermark: this.cursor });
      this.syncRef = this.requests.ask(frame, new Request(RequestKind.Sync, undefined, undefined, undefined, 0, now));
      this.sync = SyncState.Asked;
      this.syncAt = NEVER;
    }
    if (now >= this.checkAt && this.sync === SyncState.Idle && this.requests.canAsk()) this.writeCheck(source, now);
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
    // The Heads of Hello have no number to time out by.
    if (this.sync === SyncState.Asked && now >= this.syncAt) this.due(this.cursor, now);
    for (const log of this.delayed) if (now >= log.fetchAt) this.want(log, now, now);
  }

  dueAt(now: number): number {
    let due = this.sync === SyncState.Idle ? this.checkAt : NEVER;
    if (this.sync === SyncState.Asked || this.sync === SyncState.Due) due = this.syncAt;
    if (this.history.length > 0 && this.historyAt > now) due = Math.min(due, this.historyAt);
    for (const log of this.delayed) due = Math.min(due, log.fetchAt);
    return due;
  }

  private due(cursor: Uint8Array, at: number): void {
    this.sync = SyncState.Due;
    this.cursor = cursor;
    this.syncAt = at;
    this.outputs.schedule(at);
  }

  private clearWaiting(): void {
    for (const log of this.waiting) log.syncTarget = 0;
    this.waiting.clear();
  }

  private checkLater(at: number): void {
    this.checkAt = at;
    this.outputs.schedule(at);
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

  private writeCheck(source: DigestSource, now: number): void {
    let sum = 0n;
    let count = 0;
    for (const log of source.logs()) {
      if (log.next <= 1) continue;
      sum += digestTerm(source.digestSha256, log.keyBytes(source.meBytes), log.next - 1);
      count++;
    }
    const frame = encodeMessage(FrameType.Check, hawser.v1.Check, { digest: digestBytes(sum), count });
    this.requests.ask(frame, new Request(RequestKind.Check, undefined, undefined, undefined, 0, now));
    this.checkAsked = true;
    this.checkAt = NEVER;
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

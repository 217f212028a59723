// The requests of one connection. Nothing on the wire numbers them: both sides count (SPEC.md §4), so every
// message but Hello and beats must go out through here. Keeps what is unanswered, finds what is late, and
// says how much more may be asked. Invariant: live = number of entries that are not void ≤ max.
//
// A request is void once it was asked anew, or a Resync ended its number: a late answer still finds it, but it
// no longer counts as in flight, and an Error for it means nothing any more.
import { Limits } from "../proto/limits.ts";
import type { Connection } from "./connection.ts";
import type { ConversationLog } from "./conversation-log.ts";
import { NEVER } from "./outputs.ts";
import type { Outputs } from "./outputs.ts";
import type { PendingSend } from "./pending-send.ts";
import type { HistoryCall } from "./fetcher.ts";

export const RequestKind = { Send: 1, Sync: 2, Fetch: 3, Check: 4, History: 5, Dictionary: 6 } as const;
export type RequestKind = (typeof RequestKind)[keyof typeof RequestKind];

/** After so long without an answer a request is asked again (SPEC.md §4). */
export const ANSWER_MS = 10_000;
/** Sends in flight, at most: enough to fill a commit, few enough that a refusal does not repeat much. */
const SENDS_MAX = 64;
/** Conversations fetched at a time. */
const FETCHES_MAX = 16;
/** Void requests remembered; what is older is forgotten, and an answer to it ignored. */
const VOID_MAX = 1024;

export class Request {
  readonly kind: RequestKind;
  readonly send: PendingSend | undefined;
  readonly log: ConversationLog | undefined;
  readonly history: HistoryCall | undefined;
  /** Fetch: from_seq. */
  readonly fromSeq: number;
  readonly sentAt: number;
  live: boolean;

  constructor(
    kind: RequestKind,
    send: PendingSend | undefined,
    log: ConversationLog | undefined,
    history: HistoryCall | undefined,
    fromSeq: number,
    sentAt: number,
  ) {
    this.kind = kind;
    this.send = send;
    this.log = log;
    this.history = history;
    this.fromSeq = fromSeq;
    this.sentAt = sentAt;
    this.live = true;
  }
}

export class Requests {
  private readonly outputs: Outputs;
  private readonly connection: Connection;
  private readonly entries: Map<number, Request>;
  /** Number of the last message sent. */
  private last: number;
  private live: number;
  private liveSends: number;
  private liveFetches: number;
  private max: number;
  private sendsMax: number;
  private fetchesMax: number;

  constructor(outputs: Outputs, connection: Connection) {
    this.outputs = outputs;
    this.connection = connection;
    this.entries = new Map();
    this.last = 0;
    this.live = 0;
    this.liveSends = 0;
    this.liveFetches = 0;
    this.max = 0;
    this.sendsMax = 0;
    this.fetchesMax = 0;
  }

  /** A new connection: numbers begin at 1 again. `max` is Welcome's requests_in_flight_max. */
  open(max: number): void {
    this.last = 0;
    this.max = max > 0 ? max : Limits.requestsInFlightMax;
    // Half for Sends, a few for Sync and Check, so that neither kind starves the other.
    this.sendsMax = Math.min(SENDS_MAX, Math.max(1, (this.max - 2) >> 1));
    this.fetchesMax = Math.min(FETCHES_MAX, Math.max(1, this.max - this.sendsMax - 2));
  }

  canAsk(): boolean {
    return this.live < this.max;
  }

  canSend(): boolean {
    return this.liveSends < this.sendsMax && this.live < this.max;
  }

  canFetch(): boolean {
    return this.liveFetches < this.fetchesMax && this.live < this.max;
  }

  /** Number of unanswered requests. */
  get inFlight(): number {
    return this.live;
  }

  /** Writes a frame that will be answered; returns its number. */
  ask(frame: Uint8Array, request: Request): number {
    const ref = this.tell(frame, request.sentAt);
    this.entries.set(ref, request);
    this.count(request, 1);
    this.connection.asked(request.sentAt);
    this.outputs.schedule(request.sentAt + ANSWER_MS);
    if (this.entries.size > this.live + VOID_MAX) this.forgetOldestVoid();
    return ref;
  }

  /** Writes a frame that is not answered. */
  tell(frame: Uint8Array, now: number): number {
    this.outputs.frames.push(frame);
    this.connection.wrote(now);
    return ++this.last;
  }

  /** The request that an answer names, and forgets it. */
  take(ref: number): Request | undefined {
    const request = this.entries.get(ref);
    if (request === undefined) return undefined;
    this.entries.delete(ref);
    if (request.live) this.count(request, -1);
    return request;
  }

  /** It is asked anew: see the head of this file. */
  void(ref: number): void {
    const request = this.entries.get(ref);
    if (request !== undefined) this.voidRequest(request);
  }

  /** Makes all requests void, and hands each of them out. */
  voidAll(each: (request: Request) => void): void {
    for (const request of this.entries.values()) {
      if (!request.live) continue;
      this.voidRequest(request);
      each(request);
    }
  }

  /** The connection is gone: no answer will come. */
  forgetAll(each: (request: Request) => void): void {
    this.voidAll(each);
    this.entries.clear();
  }

  /** The oldest request that waited ANSWER_MS in vain, now void; undefined if there is none. */
  expire(now: number): Request | undefined {
    const oldest = this.oldestLive();
    if (oldest === undefined || oldest.sentAt + ANSWER_MS > now) return undefined;
    this.voidRequest(oldest);
    return oldest;
  }

  /** When expire() will have something, or NEVER. */
  dueAt(): number {
    const oldest = this.oldestLive();
    return oldest === undefined ? NEVER : oldest.sentAt + ANSWER_MS;
  }

  private oldestLive(): Request | undefined {
    if (this.live === 0) return undefined;
    // In the order they were asked, which is the order of time.
    for (const request of this.entries.values()) if (request.live) return request;
    return undefined;
  }

  private voidRequest(request: Request): void {
    if (!request.live) return;
    request.live = false;
    this.count(request, -1);
  }

  private count(request: Request, change: 1 | -1): void {
    this.live += change;
    if (request.kind === RequestKind.Send) this.liveSends += change;
    else if (request.kind === RequestKind.Fetch || request.kind === RequestKind.History) this.liveFetches += change;
  }

  private forgetOldestVoid(): void {
    for (const [ref, request] of this.entries) {
      if (request.live) continue;
      this.entries.delete(ref);
      return;
    }
  }
}

// A session that has somebody to talk to: its conversations, its requests that wait for an answer, and what it may send.
import type { Lane, View } from "./conversation.ts";

export const Ask = { None: 0, Send: 1, Fetch: 2, Sync: 3, /** A Sync whose heads are compared with the ledger. */ HeadCheck: 4 } as const;
export type Ask = (typeof Ask)[keyof typeof Ask];

const RING_MIN = 8;

/** Requests by their number on the connection (SPEC.md §4): a ring from the oldest that is unanswered to the newest. */
export class Requests {
  /** Those without an answer. */
  count: number;
  /** Of the request that take() found last. */
  ask: Ask;
  lane: Lane | null;
  view: View | null;
  entry: number;
  clientSeq: number;
  private first: number;
  private end: number;
  private asks: Uint8Array;
  private lanes: (Lane | null)[];
  private views: (View | null)[];
  private entries: Int32Array;
  private clientSeqs: Uint32Array;
  private askedAt: Float64Array;

  constructor() {
    this.count = 0;
    this.ask = Ask.None;
    this.lane = null;
    this.view = null;
    this.entry = -1;
    this.clientSeq = 0;
    this.first = 1;
    this.end = 1;
    this.asks = NO_ASKS;
    this.lanes = [];
    this.views = [];
    this.entries = new Int32Array(0);
    this.clientSeqs = new Uint32Array(0);
    this.askedAt = new Float64Array(0);
  }

  /** A new connection, or a Resync: `next` is the number of the next request; no answer is waited for. */
  begin(next: number): void {
    this.count = 0;
    this.first = next;
    this.end = next;
    this.asks.fill(Ask.None);
    this.lanes.fill(null);
    this.views.fill(null);
  }

  /** Request `ref`, which is the next number, was written. */
  add(ref: number, ask: Ask, lane: Lane | null, view: View | null, entry: number, clientSeq: number, nowMs: number): void {
    if (this.end - this.first >= this.asks.length) this.grow();
    const i = ref & (this.asks.length - 1);
    this.asks[i] = ask;
    this.lanes[i] = lane;
    this.views[i] = view;
    this.entries[i] = entry;
    this.clientSeqs[i] = clientSeq;
    this.askedAt[i] = nowMs;
    this.end = ref + 1;
    this.count++;
  }

  /** Finds what request `ref` was, into the fields above, and forgets it. False: it is none that waits for an answer. */
  take(ref: number): boolean {
    if (ref < this.first || ref >= this.end) return false;
    const mask = this.asks.length - 1;
    const i = ref & mask;
    if (this.asks[i] === Ask.None) return false;
    this.ask = this.asks[i] as Ask;
    this.lane = this.lanes[i]!;
    this.view = this.views[i]!;
    this.entry = this.entries[i]!;
    this.clientSeq = this.clientSeqs[i]!;
    this.asks[i] = Ask.None;
    this.lanes[i] = null;
    this.views[i] = null;
    this.count--;
    while (this.first < this.end && this.asks[this.first & mask] === Ask.None) this.first++;
    return true;
  }

  /** When the oldest request without an answer was written; Infinity: all are answered. */
  get oldestAt(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.askedAt[this.first & (this.asks.length - 1)]!;
  }

  private grow(): void {
    const size = Math.max(RING_MIN, 2 * this.asks.length);
    const [asks, lanes, views, entries, clientSeqs, askedAt] = [this.asks, this.lanes, this.views, this.entries, this.clientSeqs, this.askedAt];
    this.asks = new Uint8Array(size);
    this.lanes = new Array<Lane | null>(size).fill(null);
    this.views = new Array<View | null>(size).fill(null);
    this.entries = new Int32Array(size);
    this.clientSeqs = new Uint32Array(size);
    this.askedAt = new Float64Array(size);
    for (let ref = this.first; ref < this.end; ref++) {
      const from = ref & (asks.length - 1);
      const to = ref & (size - 1);
      this.asks[to] = asks[from]!;
      this.lanes[to] = lanes[from]!;
      this.views[to] = views[from]!;
      this.entries[to] = entries[from]!;
      this.clientSeqs[to] = clientSeqs[from]!;
      this.askedAt[to] = askedAt[from]!;
    }
  }
}
const NO_ASKS = new Uint8Array(0);

export class Talker {
  readonly session: number;
  readonly user: number;
  readonly views: View[];
  /** By the peer's number, once there are several. */
  private readonly byPeer: Map<number, View>;
  readonly requests: Requests;
  /** Lanes with something to write, in turn. */
  readonly queue: Lane[];
  /** Views that want a Fetch. */
  readonly pulls: View[];
  /** When its send budget is full again, and until when it must not send, or ask for anything else (ms). */
  fullAt: number;
  sendAt: number;
  pullAt: number;
  /** What it has to write waits, or waited, for its send budget. */
  held: boolean;
  /** A Sync from here is to be written. */
  syncFrom: Uint8Array | undefined;
  /** Views whose heads came in answer to a HeadCheck; undefined: none is under way. */
  headsSeen: Set<View> | undefined;
  /** To be kept once nothing is behind. */
  reached: Uint8Array | undefined;
  /** When bytes came last (ms). */
  heardAt: number;
  /** When it began to read freely again, µs since the epoch; Infinity while it reads slowly. */
  freeSince: number;
  /** From when on everything should have been pushed to it: its heads came, and nothing since put in doubt what it has. µs since the epoch; Infinity: not now. */
  steadySince: number;

  constructor(session: number, user: number) {
    this.session = session;
    this.user = user;
    this.views = [];
    this.byPeer = new Map();
    this.requests = new Requests();
    this.queue = [];
    this.pulls = [];
    this.fullAt = 0;
    this.sendAt = 0;
    this.pullAt = 0;
    this.held = false;
    this.syncFrom = undefined;
    this.headsSeen = undefined;
    this.reached = undefined;
    this.heardAt = 0;
    this.freeSince = 0;
    this.steadySince = Number.POSITIVE_INFINITY;
  }

  add(view: View): void {
    this.views.push(view);
    if (this.views.length === 2) for (const each of this.views) this.byPeer.set(each.peer, each);
    else if (this.views.length > 2) this.byPeer.set(view.peer, view);
  }

  /** The view of the conversation with this peer. */
  viewOf(peer: number): View | undefined {
    if (this.views.length > 1) return this.byPeer.get(peer);
    const view = this.views[0];
    return view?.peer === peer ? view : undefined;
  }
}

// The checker: what was meant to be sent, what the server said became of it, and what each session was shown. A core without
// I/O. Its judgement rests on the acks: Sent says which row a message became, so that row, and no other, must hold its bytes in
// every session of the receiver, and rows of one sender must stand in the order in which they were numbered.
//
// Deliveries overtake acks. A row that comes first and holds the bytes of the message whose turn it is counts as that one (a
// claim) until the ack proves it, or says otherwise: then it is judged anew. A row that is nobody's is kept ("extra"): an
// ack may yet explain it, and what no ack explains in the end was stored twice or is foreign.
//
// Counts are exact, whatever goes wrong; traces are the first few of each kind.
// Invariant: an entry leaves its lane's list once it is acked and delivered to all receivers, oldest first.
import type { Texts } from "../cast/texts.ts";
import type { CheckCounts, Trace } from "../result.ts";
import { append, type Conversation, HeadState, type Lane, type View, wasDelivered } from "./conversation.ts";
import { Entries, EntryFlag, NONE } from "./entries.ts";
import { examine, type Found, type Labels, Traces } from "./findings.ts";

/** Who hears of what is measured. */
export interface LedgerSink {
  delivered(view: View, lane: Lane, intendedUs: number, nowUs: number): void;
  acked(lane: Lane, intendedUs: number, nowUs: number): void;
}

/** Rows that are nobody's and are kept with their bytes; more are only counted. */
const EXTRAS_MAX = 100_000;
const WALK_MAX = 100_000;
/** Rows of a view that are compared when they come again; a power of two. */
const RECENT_ROWS = 4;

export class Ledger {
  readonly entries: Entries;
  readonly lanes: Lane[];
  readonly conversations: Conversation[];
  /** Messages meant, those that left at least once, were acked, were refused for good, or were not even taken because too many are under way. */
  intended: number;
  sent: number;
  acked: number;
  refused: number;
  skipped: number;
  /** Deliveries that there are to be, and that were. */
  owed: number;
  delivered: number;
  /** Rows that came again under the same number. */
  repeated: number;
  /** Whether what is shown now comes from a page that was asked for, not from a push. */
  inPage: boolean;
  private notPushed: number;
  private outOfOrder: number;
  private extrasCount: number;
  /** Rows that could not be kept as extras. */
  private extrasLeftOut: number;
  private foreign: number;
  private readonly texts: Texts;
  private readonly labels: Labels;
  private readonly sink: LedgerSink;
  /** Of what cannot be found out again at the end. */
  private readonly traces: Traces;

  constructor(texts: Texts, labels: Labels, sink: LedgerSink, entriesMax = 1_000_000) {
    this.entries = new Entries(entriesMax);
    this.lanes = [];
    this.conversations = [];
    this.intended = 0;
    this.sent = 0;
    this.acked = 0;
    this.refused = 0;
    this.skipped = 0;
    this.owed = 0;
    this.delivered = 0;
    this.repeated = 0;
    this.inPage = false;
    this.notPushed = 0;
    this.outOfOrder = 0;
    this.extrasCount = 0;
    this.extrasLeftOut = 0;
    this.foreign = 0;
    this.texts = texts;
    this.labels = labels;
    this.sink = sink;
    this.traces = new Traces(labels, this.entries, []);
  }

  /** Everything that was meant is acked (or refused) and delivered. */
  get settled(): boolean {
    return this.acked + this.refused === this.intended && this.delivered === this.owed;
  }

  /** A message is meant to be sent at `intendedUs`. Returns its entry; NONE: too many are under way, and it is not sent at all. */
  intend(lane: Lane, text: number, intendedUs: number): number {
    const entry = this.entries.take(lane.index, text, lane.count + 1, intendedUs);
    if (entry === NONE) {
      this.skipped++;
      return NONE;
    }
    lane.count++;
    this.intended++;
    this.owed += lane.receivers.length;
    append(lane, this.entries, entry);
    return entry;
  }

  /** It was written to a connection, for the first time or again. */
  left(lane: Lane, entry: number, nowUs: number): void {
    if (this.entries.sent[entry] !== 0) return;
    this.entries.sent[entry] = nowUs;
    lane.left++;
    this.sent++;
  }

  /** The server says that the message is row `seq`. */
  ack(lane: Lane, entry: number, seq: number, nowUs: number): void {
    const { entries } = this;
    if ((entries.flags[entry]! & EntryFlag.Acked) !== 0) {
      if (entries.seq[entry] !== seq) this.ackedTwice(lane, entry, seq);
      return;
    }
    entries.flags[entry]! |= EntryFlag.Acked;
    entries.acked[entry] = nowUs;
    lane.acked++;
    this.acked++;
    this.passUnacked(lane);
    entries.seq[entry] = seq;
    if (seq > lane.ackedSeq) lane.ackedSeq = seq;
    const { receivers } = lane;
    for (let i = 0; i < receivers.length; i++) this.prove(receivers[i]!, lane, entry, seq, nowUs);
    this.sink.acked(lane, entries.intended[entry]!, nowUs);
    this.retire(lane);
  }

  /** The server refused the message for good: it has no row. */
  refuse(lane: Lane, entry: number, why: string): void {
    const { entries } = this;
    if (entries.flags[entry] !== 0) return;
    entries.flags[entry]! |= EntryFlag.Refused;
    lane.refused++;
    this.refused++;
    for (const view of lane.receivers) this.release(view, entry);
    this.owed -= lane.receivers.length;
    this.traces.message("unacked", lane, entry, { detail: `refused: ${why}` });
    this.passUnacked(lane);
    this.retire(lane);
  }

  /** A session was shown row `seq` of its peer; rows come in order and each once. */
  shown(view: View, seq: number, bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    const { entries } = this;
    const lane = view.incoming;
    if (lane === null) return this.stranger(view.session, `row ${seq} of somebody who writes nothing here`);
    let entry = this.turn(view, seq);
    const proven = entry !== NONE && entries.seq[entry] === seq;
    if (!proven && lane.ackedSeq >= seq) entry = this.find(lane, view, seq);
    else if (!proven && entry !== NONE && (entries.seq[entry] !== 0 || entries.sent[entry] === 0)) entry = NONE;
    if (entry === NONE || !this.texts.equals(entries.text[entry]!, bytes, start, end)) return this.extra(view, seq, copyOf(bytes, start, end));
    const recent = (view.recent ??= new Int32Array(2 * RECENT_ROWS));
    const at = 2 * (seq % RECENT_ROWS);
    recent[at] = seq;
    recent[at + 1] = entries.text[entry]!;
    if (entries.seq[entry] === 0) (view.claims ??= []).push(seq, entry);
    this.deliver(view, lane, entry, nowUs);
    this.retire(lane);
  }

  /** A session was shown row `seq`, which the server says is its own message number `clientSeq` and has not acked to it under that number. */
  shownOwn(view: View, seq: number, clientSeq: number, bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    const { entries } = this;
    const lane = view.outgoing;
    for (let entry = lane?.unacked ?? NONE, steps = 0; entry !== NONE && steps < WALK_MAX; entry = entries.next[entry]!, steps++) {
      if (entries.clientSeq[entry] !== clientSeq) continue;
      if (entries.sent[entry] === 0 || !this.texts.equals(entries.text[entry]!, bytes, start, end)) break;
      if ((entries.flags[entry]! & EntryFlag.Acked) !== 0) break;
      this.ack(lane!, entry, seq, nowUs);
      return;
    }
    this.extra(view, seq, copyOf(bytes, start, end));
  }

  /** A row of the peer came again under a number that was shown already: with the same bytes, as far as they are known still. */
  again(view: View, seq: number, bytes: Uint8Array, start: number, end: number): void {
    this.repeated++;
    const { recent } = view;
    const at = 2 * (seq % RECENT_ROWS);
    if (recent !== null && recent[at] === seq && !this.texts.equals(recent[at + 1]!, bytes, start, end)) this.changed(view, seq);
  }

  /** A row came again that is one's own, or that the caller compares. */
  repeatedRow(): void {
    this.repeated++;
  }

  /** A row came again with other bytes than before. */
  changed(view: View, seq: number): void {
    this.stranger(view.session, `row ${seq} came again with other bytes`);
  }

  /** A session was told of something that it should never have seen. */
  stranger(session: number, detail: string): void {
    this.foreign++;
    if (this.traces.full("foreign")) return;
    const device = this.labels.device(session);
    this.traces.add({ what: "foreign", from: "?", to: device, device, detail });
  }

  /**
   * Nothing moves any more, and this view is about to ask for what it lacks, which it has no reason to suspect. What was sent since
   * `steadyUs`, from when on everything should have been pushed to it, and comes in a page now, is counted as not pushed.
   */
  askedFor(view: View, lane: Lane, steadyUs: number): void {
    const { entries } = this;
    for (let entry = lane.head; entry !== NONE; entry = entries.next[entry]!) {
      if (entries.flags[entry] !== EntryFlag.Acked || entries.sent[entry]! < steadyUs || entries.seq[entry]! <= view.known) continue;
      if (!wasDelivered(view, entries, entry)) (view.asked ??= new Set()).add(entry);
    }
  }

  /** What the server says a conversation's newest row is, once everything has settled. Returns whether it is right. */
  head(conversation: Conversation, seq: number): boolean {
    const right = seq >= conversation.acked && seq <= conversation.left;
    conversation.head = right && conversation.head !== HeadState.Wrong ? HeadState.Right : HeadState.Wrong;
    if (!right) conversation.headSeq = seq;
    return right;
  }

  /** Everything that is wrong as of now. */
  check(): { counts: CheckCounts; traces: Trace[] } {
    const { sent, acked, delivered, refused, repeated } = this;
    const found: Found = {
      ...{ sent, acked, delivered, lost: 0, duplicated: this.extrasLeftOut, out_of_order: this.outOfOrder },
      ...{ repeated_on_wire: repeated, unacked: refused, heads_checked: 0, heads_wrong: 0, heads_unchecked: 0 },
      ...{ not_pushed: this.notPushed, foreign: this.foreign, protocol_errors: 0 },
    };
    return examine(this.lanes, this.conversations, this.entries, found, new Traces(this.labels, this.entries, this.traces.list));
  }

  /** The entry whose turn it is in this view when row `seq` is shown; NONE: there is none. */
  private turn(view: View, seq: number): number {
    const { entries } = this;
    let entry = view.cursor;
    while (entry !== NONE) {
      const flags = entries.flags[entry]!;
      if (view.ahead?.delete(entry) !== true) {
        if ((flags & EntryFlag.Acked) !== 0 && entries.seq[entry]! < seq) (view.missed ??= new Set()).add(entry);
        else if ((flags & EntryFlag.Refused) === 0) break;
      }
      entry = entries.next[entry]!;
    }
    view.cursor = entry;
    return entry;
  }

  private deliver(view: View, lane: Lane, entry: number, nowUs: number): void {
    const { entries } = this;
    if (entry === view.cursor) {
      view.cursor = entries.next[entry]!;
      // What was delivered before its turn may leave the list now; the cursor must not stay on it.
      if (view.ahead !== null) while (view.ahead.delete(view.cursor)) view.cursor = entries.next[view.cursor]!;
    } else if (view.missed?.delete(entry) !== true) (view.ahead ??= new Set()).add(entry);
    if (view.asked?.delete(entry) === true && this.inPage) this.wasNotPushed(view, lane, entry);
    entries.delivered[entry]!++;
    this.delivered++;
    this.sink.delivered(view, lane, entries.intended[entry]!, nowUs);
  }

  private wasNotPushed(view: View, lane: Lane, entry: number): void {
    this.notPushed++;
    if (this.traces.full("not_pushed")) return;
    this.traces.message("not_pushed", lane, entry, { device: this.labels.device(view.session), detail: "came only when it was asked for" });
  }

  /** The message that was acked as row `seq` and not delivered to this view; NONE: there is none. */
  private find(lane: Lane, view: View, seq: number): number {
    const { entries } = this;
    for (let entry = lane.head, steps = 0; entry !== NONE && steps < WALK_MAX; entry = entries.next[entry]!, steps++) {
      if (entries.seq[entry] === seq && !wasDelivered(view, this.entries, entry)) return entry;
    }
    return NONE;
  }

  private extra(view: View, seq: number, bytes: Uint8Array): void {
    view.extras ??= new Map();
    if (this.extrasCount >= EXTRAS_MAX) this.extrasLeftOut++;
    else if (!view.extras.has(seq)) {
      this.extrasCount++;
      view.extras.set(seq, bytes);
    }
  }

  /** The message is row `seq`: what this view was shown at that row, and what it took for that message, is now certain. */
  private prove(view: View, lane: Lane, entry: number, seq: number, nowUs: number): void {
    const { claims } = view;
    if (view.next <= seq) {
      if (claims !== null && claims.length > 0) this.release(view, entry);
      return;
    }
    const taken = claims === null ? NONE : claimant(claims, seq);
    if (taken === entry) {
      this.drop(claims!, seq);
      return;
    }
    this.release(view, entry);
    if (taken !== NONE) this.release(view, taken);
    const bytes = view.extras?.get(seq);
    if (bytes === undefined || !this.texts.equals(this.entries.text[entry]!, bytes, 0, bytes.length)) return;
    view.extras!.delete(seq);
    this.extrasCount--;
    this.turn(view, 0);
    this.deliver(view, lane, entry, nowUs);
  }

  private drop(claims: number[], seq: number): void {
    let at = 0;
    while (claims[at] !== seq) at += 2;
    if (claims.length === 2) claims.length = 0;
    else claims.splice(at, 2);
  }

  /** The row that this view took for the message, if any, is nobody's after all. */
  private release(view: View, entry: number): void {
    const { claims } = view;
    if (claims === null) return;
    for (let at = 0; at < claims.length; at += 2) {
      if (claims[at + 1] !== entry) continue;
      const seq = claims[at]!;
      claims.splice(at, 2);
      if (view.ahead?.delete(entry) !== true) (view.missed ??= new Set()).add(entry);
      this.entries.delivered[entry]!--;
      this.delivered--;
      this.extra(view, seq, this.bytesOf(entry));
      return;
    }
  }

  /** A retry was answered with another row. */
  private ackedTwice(lane: Lane, entry: number, seq: number): void {
    for (const view of lane.receivers) this.extra(view, seq, this.bytesOf(entry));
  }

  private bytesOf(entry: number): Uint8Array {
    const text = this.entries.text[entry]!;
    return this.texts.bytes.slice(this.texts.offsets[text]!, this.texts.offsets[text + 1]!);
  }

  private passUnacked(lane: Lane): void {
    const { entries } = this;
    while (lane.unacked !== NONE && entries.flags[lane.unacked] !== 0) lane.unacked = entries.next[lane.unacked]!;
  }

  /** Takes out of the list what is done. */
  private retire(lane: Lane): void {
    const { entries } = this;
    for (let entry = lane.head; entry !== NONE; entry = lane.head) {
      const flags = entries.flags[entry]!;
      if (flags === 0 || ((flags & EntryFlag.Acked) !== 0 && entries.delivered[entry]! < lane.receivers.length)) return;
      const next = entries.next[entry]!;
      if ((flags & EntryFlag.Acked) !== 0) this.checkOrder(lane, entry);
      else for (const view of lane.receivers) if (view.cursor === entry) view.cursor = next;
      if (lane.toSend === entry) lane.toSend = next;
      lane.head = next;
      if (next === NONE) lane.tail = NONE;
      entries.release(entry);
    }
  }

  private checkOrder(lane: Lane, entry: number): void {
    const seq = this.entries.seq[entry]!;
    if (seq > lane.lastSeq) lane.lastSeq = seq;
    else {
      this.outOfOrder++;
      this.traces.message("out_of_order", lane, entry, { detail: `stands before a message that was sent before it, at ${lane.lastSeq}` });
    }
  }
}

/** The entry that row `seq` is taken for. */
function claimant(claims: readonly number[], seq: number): number {
  for (let at = 0; at < claims.length; at += 2) if (claims[at] === seq) return claims[at + 1]!;
  return NONE;
}

/** Of a Buffer, slice() would be a view of what the wire reads into again. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

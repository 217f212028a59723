// What a client does with the rows of a conversation (SPEC.md §7): shows each once and in order, holds what came early, and
// asks for what is missing. A core without I/O; what is shown goes to the ledger, which judges it.
//
// Invariant: every row below `next` was shown or is known to be a message of one's own; no held row is below `next`.
import { type HeldRow, Pull, type View } from "./conversation.ts";
import { NONE } from "./entries.ts";
import { equalBytes } from "./identity.ts";
import type { Ledger } from "./ledger.ts";

/** Rows that one view holds; those behind them are fetched again. */
const HELD_MAX = 4096;

export interface HoleSink {
  /** Rows of this view are missing; `own`: they may be messages of its own whose Sent is under way. */
  hole(view: View, own: boolean): void;
}

export class Rows {
  /** Holes that opened: rows that came before those in front of them. */
  holes: number;
  private readonly ledger: Ledger;
  private readonly sink: HoleSink;

  constructor(ledger: Ledger, sink: HoleSink) {
    this.holes = 0;
    this.ledger = ledger;
    this.sink = sink;
  }

  /** A row of the peer: its payload is bytes[start, end). */
  pushed(view: View, seq: number, bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    if (seq === view.next) {
      this.ledger.shown(view, seq, bytes, start, end, nowUs);
      view.next++;
      if (view.held !== null) this.drain(view, nowUs);
    } else if (seq < view.next) this.ledger.again(view, seq, bytes, start, end);
    else if (view.held?.has(seq)) {
      this.ledger.repeatedRow();
      const held = view.held.get(seq)!;
      if (held !== null && !equalBytes(held, bytes.subarray(start, end))) this.ledger.changed(view, seq);
    }
    // A copy: slice() of a Buffer is a view of what the wire reads into again.
    else this.hold(view, seq, new Uint8Array(bytes.subarray(start, end)));
  }

  /** A row that is this session's own message: Sent said so. */
  own(view: View, seq: number, nowUs: number): void {
    if (seq === view.next) {
      view.next++;
      if (view.held !== null) this.drain(view, nowUs);
    } else if (seq > view.next && !view.held?.has(seq)) this.hold(view, seq, null);
  }

  /** A row that came as the user's own: message `clientSeq` of this session, if `mine`. */
  pushedOwn(view: View, seq: number, mine: boolean, clientSeq: number, bytes: Uint8Array, start: number, end: number, nowUs: number): void {
    // Known by its Sent, or from an earlier time.
    if (seq < view.next || view.held?.has(seq)) return this.ledger.repeatedRow();
    this.ledger.shownOwn(view, seq, mine ? clientSeq : 0, bytes, start, end, nowUs);
    this.own(view, seq, nowUs);
  }

  /** The conversation has rows up to `seq`. Returns whether some are missing here. */
  announced(view: View, seq: number): boolean {
    if (seq > view.known) view.known = seq;
    return view.behind;
  }

  private hold(view: View, seq: number, row: HeldRow): void {
    view.held ??= new Map();
    if (view.held.size < HELD_MAX) view.held.set(seq, row);
    if (seq > view.known) view.known = seq;
    if (view.holeAt !== 0 || view.pull !== Pull.None) return;
    this.holes++;
    const { outgoing } = view;
    this.sink.hole(view, row === null || (outgoing !== null && outgoing.unacked !== NONE));
  }

  private drain(view: View, nowUs: number): void {
    const held = view.held!;
    for (let row = held.get(view.next); row !== undefined; row = held.get(view.next)) {
      held.delete(view.next);
      if (row !== null) this.ledger.shown(view, view.next, row, 0, row.length, nowUs);
      view.next++;
    }
    if (held.size === 0) view.held = null;
  }
}

// One conversation as a minimal client (plain-client.ts) keeps it: what was shown, what came early, what is known to
// exist, and what was sent and not answered.
import type { SeenRow, Sending } from "./judge.ts";

export interface Pending {
  readonly sending: Sending;
  /** The answer to its latest attempt is outstanding. */
  inFlight: boolean;
}

export class PlainLog {
  readonly peer: string;
  /** The next seq to show. */
  next: number;
  /** The highest seq that is known to exist. */
  known: number;
  pending: Pending[];
  clientSeq: number;
  fetching: boolean;
  fetchScheduled: boolean;
  readSeq: number;
  /** The read position that the server is known to have. */
  readKnown: number;
  private readonly early: Map<number, SeenRow>;

  constructor(peer: string) {
    this.peer = peer;
    this.next = 1;
    this.known = 0;
    this.pending = [];
    this.clientSeq = 0;
    this.fetching = false;
    this.fetchScheduled = false;
    this.readSeq = 0;
    this.readKnown = 0;
    this.early = new Map();
  }

  get hasHole(): boolean {
    return this.next <= this.known;
  }

  get isAtRest(): boolean {
    return this.pending.length === 0 && !this.hasHole;
  }

  /** Takes a row; `show` is called with each that is in its place now. */
  take(row: SeenRow, show: (row: SeenRow) => void): void {
    this.known = Math.max(this.known, row.seq);
    if (row.seq >= this.next) this.early.set(row.seq, { ...row, payload: row.payload.slice() });
    for (let next = this.early.get(this.next); next !== undefined; next = this.early.get(this.next)) {
      this.early.delete(this.next++);
      show(next);
    }
  }

  settle(sending: Sending): void {
    this.pending = this.pending.filter((pending) => pending.sending !== sending);
  }

  /** The connection, or what answers on it, is another one: nothing asked for is under way. */
  forgetRequests(): void {
    this.fetching = false;
    for (const pending of this.pending) pending.inFlight = false;
  }
}

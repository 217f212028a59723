// One conversation in memory. Two states are kept apart: what is assigned (numbers given out, in an open
// commit) and what is committed (durable). Only committed state ever answers a question.
//
// Invariant: committedSeq ≤ seq, and the rows between them are exactly the pending rows, in order.
import { HASH_START } from "../../proto/conversation-hash.ts";
import type { Row, StoredHead } from "../store/store.ts";
import type { Session } from "./session.ts";

/** A Send under way: its number is assigned, its commit is open. */
export interface PendingSend {
  readonly sender: Sender;
  /** The row it became, with the conversation hash at it; or the code it was refused with. */
  readonly row: Row | undefined;
  readonly hash: Uint8Array;
  readonly refused: number;
  /** Who waits for the answer: more than one when it was retried meanwhile. */
  readonly waiters: Waiter[];
}

export interface Waiter {
  readonly session: Session;
  readonly ref: number;
}

/** One install's numbering in a conversation. */
export class Sender {
  readonly install: Uint8Array;
  readonly installText: string;
  /** Highest number assigned. */
  clientSeq: number;
  /** Numbers whose commit is open, ascending; their numbers end at clientSeq without a hole. */
  readonly pending: PendingSend[];

  constructor(install: Uint8Array, installText: string, clientSeq: number) {
    this.install = install;
    this.installText = installText;
    this.clientSeq = clientSeq;
    this.pending = [];
  }

  /** The open Send of that number, or undefined when it is committed already. */
  findPending(clientSeq: number): PendingSend | undefined {
    const index = this.pending.length - 1 - (this.clientSeq - clientSeq);
    return index >= 0 ? this.pending[index] : undefined;
  }
}

/**
 * The users of a direct conversation in the order of its key (twice the same one for notes to self), and the shards where
 * they live. One object without views of the key: up to a million conversations are kept, and this takes about 150 bytes of each.
 */
export interface Members {
  readonly firstText: string;
  readonly firstShard: number;
  readonly secondText: string;
  readonly secondShard: number;
}

export class Conversation {
  readonly key: Uint8Array;
  readonly keyText: string;
  /** Who gets its rows, once somebody has worked it out (push/fanout.ts). */
  members: Members | undefined;
  seq: number;
  hash: Uint8Array;
  time: number;
  uncounted: number;
  committedSeq: number;
  committedHash: Uint8Array;
  committedTime: number;
  committedUncounted: number;
  readonly senders: Map<string, Sender>;
  /** Records in open commits; a conversation with any is never evicted. */
  open: number;

  constructor(key: Uint8Array, keyText: string, head: StoredHead | undefined) {
    this.key = key;
    this.keyText = keyText;
    this.members = undefined;
    this.seq = this.committedSeq = head?.seq ?? 0;
    this.hash = this.committedHash = head?.hash ?? HASH_START;
    this.time = this.committedTime = head?.time ?? 0;
    this.uncounted = this.committedUncounted = head?.uncounted ?? 0;
    this.senders = new Map();
    this.open = 0;
  }

  /** Makes room for one more sender when there are `max`; one with open Sends stays. */
  dropIdleSender(max: number): void {
    if (this.senders.size < max) return;
    for (const sender of this.senders.values()) {
      if (sender.pending.length > 0) continue;
      this.senders.delete(sender.installText);
      return;
    }
  }

  /** The committed head. */
  head(): StoredHead {
    return { seq: this.committedSeq, hash: this.committedHash, time: this.committedTime, uncounted: this.committedUncounted };
  }

  /** A row's commit is durable. Rows commit in the order of their seq. */
  commitRow(row: Row, hash: Uint8Array): void {
    if (row.seq !== this.committedSeq + 1) throw new Error(`commit out of order: row ${row.seq} after ${this.committedSeq}`);
    this.committedSeq = row.seq;
    this.committedHash = hash;
    this.committedTime = row.time;
    this.committedUncounted = row.uncounted;
  }
}

// One conversation in memory. Two states are kept apart: what is assigned (numbers given out, in an open
// commit) and what is committed (durable). Only committed state ever answers a question.
//
// Invariant: committedSeq ≤ seq, and the rows between them are exactly the pending rows, in order.
import { HASH_START } from "../../proto/conversation-hash.ts";
import type { Row, StoredHead } from "../store/store.ts";
import { int32At, type Session } from "./session.ts";

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
  /** The same as two signed numbers (session.ts). */
  readonly installHigh: number;
  readonly installLow: number;
  /** Highest number assigned. */
  clientSeq: number;
  /** Numbers whose commit is open, ascending; their numbers end at clientSeq without a hole. */
  readonly pending: PendingSend[];

  /** `install`: 8 bytes, kept. */
  constructor(install: Uint8Array, clientSeq: number) {
    this.install = install;
    this.installHigh = int32At(install, 0);
    this.installLow = int32At(install, 4);
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

const NO_SENDERS: readonly Sender[] = [];

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
  /** In the order in which they came; few as a rule, so they are looked through. */
  senders: readonly Sender[];
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
    this.senders = NO_SENDERS;
    this.open = 0;
  }

  findSender(installHigh: number, installLow: number): Sender | undefined {
    const { senders } = this;
    for (let i = 0; i < senders.length; i++) {
      const sender = senders[i]!;
      if (sender.installLow === installLow && sender.installHigh === installHigh) return sender;
    }
    return undefined;
  }

  /** Makes room for one more sender when there are `max`; one with open Sends stays. */
  dropIdleSender(max: number): void {
    if (this.senders.length < max) return;
    const idle = this.senders.findIndex((sender) => sender.pending.length === 0);
    if (idle >= 0) this.senders = this.senders.toSpliced(idle, 1);
  }

  /** The list is made anew, exactly as long as it has to be: one that grew has room for 17. */
  addSender(sender: Sender): void {
    this.senders = [...this.senders, sender];
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

// One conversation as this client sees it: rows go in as they arrive, and come out in order, each once.
//
//   shown … | next … hole … | held (rows that came early)      known: the highest seq that is said to exist
//
// The hash is extended row by row as rows are shown, and compared wherever the server names one for the same
// place (a Head, or hash_before of a Page). Invariant: every row below `next`, from `first` on, was shown
// once; nothing held is below `next`. (SPEC.md §7, §8, §11.)
import { HASH_START, nextHash } from "../proto/conversation-hash.ts";
import type { Sha256 } from "../proto/conversation-hash.ts";
import { ConversationKind, directKey, groupKey, idBytes, selfKey } from "../proto/conversation.ts";
import { toWireTime } from "../proto/time.ts";
import { bytesToBase64, equalBytes } from "./encoding.ts";
import type { Kept } from "./journal.ts";
import { NO_BYTES } from "./message.ts";
import type { Conversation, Message, PushRow } from "./message.ts";
import type { Outbox } from "./send-queue.ts";

/** Who I am, and what the logs of one client share. */
export interface LogContext {
  readonly meBytes: Uint8Array;
  /** undefined: hashes are not checked. */
  readonly sha256: Sha256 | undefined;
  /** How many rows may be held in all; a row beyond it is fetched again when its turn comes. */
  readonly heldRowsMax: number;
  heldRows: number;
  /** Called for each row, in order. */
  shown(log: ConversationLog, message: Message): void;
}

/** What became of a row. */
export const Accepted = { Shown: 1, Held: 2, Duplicate: 3, Dropped: 4 } as const;
export type Accepted = (typeof Accepted)[keyof typeof Accepted];

export class ConversationLog implements Kept {
  readonly key: string;
  readonly kind: ConversationKind;
  /** The peer's or group's id; "" for the `self` conversation. */
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly conversation: Conversation;
  /** Next seq to show; 0 until it is known where the log begins. */
  next: number;
  /** Where it begins: rows below were never shown. */
  first: number;
  known: number;
  /** The conversation hash after row next - 1, if it is known. */
  hash: Uint8Array | undefined;
  private expectedSeq: number;
  private expectedHash: Uint8Array;
  /** What was shown is not what the server has; the owner must call restart(). */
  diverged: boolean;
  divergences: number;
  private held: Map<number, Message> | undefined;
  /** The user's own read position. */
  readSeq: number;
  // Kept by the fetcher, but for syncTarget, which is Sync's.
  fetching: boolean;
  fetchQueued: boolean;
  /** Not fetched before this time; 0: not delayed. */
  fetchAt: number;
  /** The delay is the server's wish, or for want of an answer: nothing shortens it. */
  fetchHeld: boolean;
  /** A Sync under way is complete only when this row was shown; 0: none. */
  syncTarget: number;
  /** Pages in a row that brought nothing although rows are known to exist. */
  stalls: number;
  /** Ask for a page although nothing seems to be missing: the server's head is below ours. */
  probe: boolean;
  // Kept by the send queue.
  outbox: Outbox | undefined;
  nextClientSeq: number;

  constructor(kind: ConversationKind, name: string) {
    this.key = logKey(kind, name);
    this.kind = kind;
    this.name = name;
    this.nameBytes = kind === ConversationKind.Self ? NO_BYTES : idBytes(name);
    this.conversation = Object.freeze(
      kind === ConversationKind.Direct ? { peer: name } : kind === ConversationKind.Group ? { group: name } : { self: true as const },
    );
    this.next = 0;
    this.first = 0;
    this.known = 0;
    this.hash = undefined;
    this.expectedSeq = 0;
    this.expectedHash = HASH_START;
    this.diverged = false;
    this.divergences = 0;
    this.held = undefined;
    this.readSeq = 0;
    this.fetching = false;
    this.fetchQueued = false;
    this.fetchAt = 0;
    this.fetchHeld = false;
    this.syncTarget = 0;
    this.stalls = 0;
    this.probe = false;
    this.outbox = undefined;
    this.nextClientSeq = 1;
  }

  /** Fixes where the log begins. Only once, before any row. */
  start(first: number): void {
    this.first = first;
    this.next = first;
    this.hash = first === 1 ? HASH_START : undefined;
  }

  /** Forgets the rows from `first` on: they will come, and be shown, again. */
  restart(first: number, context: LogContext): void {
    context.heldRows -= this.held?.size ?? 0;
    this.held = undefined;
    this.expectedSeq = 0;
    this.diverged = false;
    this.divergences++;
    this.start(first);
  }

  /** Takes a row in. After it, look at `diverged`. */
  accept(message: Message, context: LogContext): Accepted {
    const seq = message.seq;
    if (seq > this.known) this.known = seq;
    if (seq < this.next) return Accepted.Duplicate;
    if (seq > this.next) {
      if (this.held?.has(seq)) return Accepted.Duplicate;
      if (context.heldRows >= context.heldRowsMax) return Accepted.Dropped;
      this.held ??= new Map();
      this.held.set(seq, message);
      context.heldRows++;
      return Accepted.Held;
    }
    this.show(message, context);
    // So nothing at `next` is ever held.
    while (this.held !== undefined && !this.diverged) {
      const early = this.held.get(this.next);
      if (early === undefined) break;
      this.drop(this.next, context);
      this.show(early, context);
    }
    return Accepted.Shown;
  }

  /** Rows above `seq` do not exist after all. */
  forgetAbove(seq: number, context: LogContext): void {
    this.known = seq;
    if (this.held === undefined) return;
    for (const early of this.held.keys()) if (early > seq) this.drop(early, context);
  }

  /** The server's head: compares the hash now, or once its row is shown. */
  expect(seq: number, hash: Uint8Array, context: LogContext): void {
    if (!this.verifies(context) || hash.length !== HASH_START.length) return;
    if (seq === this.next - 1) this.compare(hash);
    else if (seq >= this.next) {
      this.expectedSeq = seq;
      this.expectedHash = new Uint8Array(hash);
    }
  }

  /**
   * Whether a page joins on to what was shown; without rows its hash is that at the head, `headSeq`. Sets
   * `diverged` if not; learns the hash if it was not known.
   */
  checkPage(hashBefore: Uint8Array, rows: readonly PushRow[], headSeq: number, context: LogContext): void {
    const sha256 = context.sha256;
    if (!this.verifies(context) || sha256 === undefined || hashBefore.length !== HASH_START.length) return;
    let seq = rows[0]?.seq ?? headSeq + 1;
    // A page that begins behind our place, or ends before it, says nothing about it.
    if (seq > this.next || seq + rows.length < this.next) return;
    let hash = hashBefore;
    for (const row of rows) {
      if (seq >= this.next) break;
      const sender = row.from?.length ? row.from : this.kind === ConversationKind.Self ? NO_BYTES : context.meBytes;
      hash = nextHash(sha256, hash, seq, sender, row.kind ?? 0, row.time ?? 0, sha256(row.payload ?? NO_BYTES));
      seq++;
    }
    if (seq === this.next) this.compare(hash);
  }

  /** The conversation key of SPEC.md §5. */
  keyBytes(me: Uint8Array): Uint8Array {
    if (this.kind === ConversationKind.Direct) return directKey(me, this.nameBytes);
    return this.kind === ConversationKind.Group ? groupKey(this.nameBytes) : selfKey(me);
  }

  record(): string {
    return JSON.stringify({
      next: this.next,
      first: this.first,
      hash: this.hash === undefined ? "" : bytesToBase64(this.hash),
      clientSeq: this.nextClientSeq,
      read: this.readSeq,
    });
  }

  private show(message: Message, context: LogContext): void {
    const sha256 = context.sha256;
    if (sha256 !== undefined && this.hash !== undefined && this.verifies(context)) {
      this.hash = nextHash(sha256, this.hash, message.seq, this.senderBytes(message, context), message.kind, toWireTime(message.time), sha256(message.payload));
    } else this.hash = undefined;
    this.next = message.seq + 1;
    context.shown(this, message);
    if (message.seq === this.expectedSeq) {
      this.expectedSeq = 0;
      this.compare(this.expectedHash);
    }
  }

  private compare(hash: Uint8Array): void {
    if (this.hash === undefined) this.hash = new Uint8Array(hash);
    else if (!equalBytes(this.hash, hash)) this.diverged = true;
  }

  /** After two divergences in one run the server's own hashes are in doubt, and showing it all once more helps nobody. */
  private verifies(context: LogContext): boolean {
    return context.sha256 !== undefined && this.divergences < DIVERGENCES_MAX;
  }

  /** As the hash has the sender: nobody for rows of the server. */
  private senderBytes(message: Message, context: LogContext): Uint8Array {
    if (message.mine) return context.meBytes;
    if (this.kind === ConversationKind.Self) return NO_BYTES;
    return this.kind === ConversationKind.Direct ? this.nameBytes : idBytes(message.from);
  }

  private drop(seq: number, context: LogContext): void {
    if (this.held === undefined || !this.held.delete(seq)) return;
    context.heldRows--;
    if (this.held.size === 0) this.held = undefined;
  }
}

const DIVERGENCES_MAX = 2;

/** Names a conversation in the store: "d:" + peer, "g:" + group, "s:". */
function logKey(kind: ConversationKind, name: string): string {
  return (kind === ConversationKind.Direct ? "d:" : kind === ConversationKind.Group ? "g:" : "s:") + name;
}

// One user in memory: live sessions, and the committed heads of all conversations in the order in which
// they last changed. Heads are a cache of stored rows, nothing more.
//
// A change number is given to each head from one counter that only grows while the process lives; a watermark is a value
// of that counter, so "what changed since" is the tail of a list. Loaded heads get numbers like changed ones, so a
// watermark from before the user was loaded is answered with all of them.
import { digestTerm, type Sha256 } from "../../proto/conversation-hash.ts";
import type { StoredHead } from "../store/store.ts";
import type { Session } from "./session.ts";

/** How many more places the list of changes may have than twice the heads. */
const STALE_SPARE = 16;

export class UserHead {
  readonly key: Uint8Array;
  head: StoredHead;
  readSeq: number;
  change: number;
  /** What of it is in its user's digest; 0: nothing yet. */
  term: bigint;
  /** That is what should be in it. */
  counted: boolean;

  constructor(key: Uint8Array, head: StoredHead, readSeq: number, change: number) {
    this.key = key;
    this.head = head;
    this.readSeq = readSeq;
    this.change = change;
    this.term = 0n;
    this.counted = false;
  }
}

export const UserState = { Cold: 0, Loading: 1, Loaded: 2 } as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

export class User {
  readonly id: Uint8Array;
  readonly idText: string;
  /** Reported ones first, then in the order in which they came. */
  readonly sessions: Session[];
  state: UserState;
  /** By conversation key. */
  readonly heads: Map<string, UserHead>;
  /** Heads in the order in which they changed, with the number of each change; those that changed again stand there twice. */
  private changed: UserHead[];
  private changes: number[];
  /** Read positions that moved and are not durable yet: a load would find the old ones. */
  unstoredReads: number;
  /** Commands that wait for the heads. */
  readonly waiting: (() => void)[];
  /** Sum of the terms of the heads that are counted, modulo 2^64. */
  private digestSum: bigint;
  /** The others. */
  private readonly uncounted: UserHead[];

  constructor(id: Uint8Array, idText: string) {
    this.id = id;
    this.idText = idText;
    this.sessions = [];
    this.state = UserState.Cold;
    this.heads = new Map();
    this.changed = [];
    this.changes = [];
    this.unstoredReads = 0;
    this.waiting = [];
    this.digestSum = 0n;
    this.uncounted = [];
  }

  /** Sets a head that is newer than the one known, and moves it to the end of the list. */
  mergeHead(key: Uint8Array, keyText: string, head: StoredHead, readSeq: number, change: number): void {
    const known = this.heads.get(keyText);
    if (known === undefined) {
      const added = new UserHead(key, head, readSeq, change);
      this.heads.set(keyText, added);
      this.uncounted.push(added);
      this.change(added, change);
      return;
    }
    known.readSeq = Math.max(known.readSeq, readSeq);
    if (known.head.seq >= head.seq) return;
    known.head = head;
    if (known.counted) this.uncounted.push(known);
    known.counted = false;
    this.change(known, change);
  }

  /** Puts a head at the end of the list of changes. */
  change(head: UserHead, change: number): void {
    head.change = change;
    this.changed.push(head);
    this.changes.push(change);
    if (this.changed.length > 2 * this.heads.size + STALE_SPARE) this.dropStale();
  }

  /** Where in the list the changes after `since` begin. */
  firstChange(since: number): number {
    let low = 0;
    for (let high = this.changes.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.changes[middle]! > since) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** One past the last place of the list. */
  get changesEnd(): number {
    return this.changes.length;
  }

  /** The head that changed at that place; undefined when it changed again, further on. */
  changedAt(index: number): UserHead | undefined {
    const head = this.changed[index]!;
    return head.change === this.changes[index] ? head : undefined;
  }

  private dropStale(): void {
    const changed = this.changed.filter((head, i) => head.change === this.changes[i]);
    this.changed = changed;
    this.changes = changed.map((head) => head.change);
  }

  /** The digest of all heads, for Check: works through what changed since it was last asked for, and no more. */
  digest(sha256: Sha256): bigint {
    for (const head of this.uncounted) {
      const term = digestTerm(sha256, head.key, head.head.seq);
      this.digestSum = BigInt.asUintN(64, this.digestSum + term - head.term);
      head.term = term;
      head.counted = true;
    }
    this.uncounted.length = 0;
    return this.digestSum;
  }

  removeSession(session: Session): boolean {
    const index = this.sessions.indexOf(session);
    if (index < 0) return false;
    this.sessions.splice(index, 1);
    return true;
  }
}

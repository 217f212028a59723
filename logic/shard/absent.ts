// Users without a session whose heads are kept, so that who returns is answered without the store: a storm of all sessions, if
// the memory set for it holds them all. One bound for all shards of a process; each shard forgets its own, the longest absent first.
//
// Invariant: `bytes` is the sum of absentBytes() over the users that the shards keep here.
import type { User } from "./user.ts";

/**
 * What a user takes in memory whose last session is gone, and each of its heads: measured with ids of 11 bytes and over a thousand
 * users to a shard (bench/micro/sessions.ts), and rounded up.
 */
const USER_BYTES = 256;
const HEAD_BYTES = 256;

/** What all shards of a process keep together, and the time, as seconds of any clock that only goes on. */
export interface AbsentTotal {
  bytes: number;
  users: number;
  nowSeconds: number;
}

export interface AbsentLimits {
  /** Of all shards of a process. */
  absentBytesMax: number;
  absentSecondsMax: number;
}

/** What `users` absent users with so many heads each count for. */
export function absentBytes(heads: number, users = 1): number {
  return users * (USER_BYTES + HEAD_BYTES * heads);
}

export class AbsentUsers {
  private readonly total: AbsentTotal;
  private readonly limits: AbsentLimits;
  private readonly forget: (user: User) => void;
  /** Since when, in seconds; the longest absent first. */
  private readonly since: Map<User, number>;

  /** `forget` drops a user from its shard's memory. */
  constructor(total: AbsentTotal, limits: AbsentLimits, forget: (user: User) => void) {
    this.total = total;
    this.limits = limits;
    this.forget = forget;
    this.since = new Map();
  }

  /** The user's last session is gone. */
  add(user: User): void {
    this.since.set(user, this.total.nowSeconds);
    this.total.users++;
    this.total.bytes += absentBytes(user.heads?.count ?? 0);
    this.trim();
  }

  /** The user is back. */
  remove(user: User): void {
    if (!this.since.delete(user)) return;
    this.total.users--;
    this.total.bytes -= absentBytes(user.heads?.count ?? 0);
  }

  /** An absent user has one more head. */
  grown(user: User): void {
    if (this.since.has(user)) this.total.bytes += absentBytes(1) - absentBytes(0);
  }

  /** Back to the bounds. Who has read positions that no load would find yet stays until they are stored. */
  trim(): void {
    if (this.since.size === 0) return;
    const { total, limits } = this;
    const before = total.nowSeconds - limits.absentSecondsMax;
    for (const [user, since] of this.since) {
      if (total.bytes <= limits.absentBytesMax && since >= before) return;
      if (user.heads !== undefined && user.heads.unstoredReads > 0) continue;
      this.remove(user);
      this.forget(user);
    }
  }
}

// One user in memory: live sessions, and where its heads stand in its shard's table. As small as it can be while it has neither:
// a user may be one of a million.
import type { Session } from "./session.ts";

export const UserState = { Cold: 0, Loading: 1, Loaded: 2 } as const;
export type UserState = (typeof UserState)[keyof typeof UserState];

const NO_SESSIONS: readonly Session[] = [];
/** Of all for whom nothing waits; never changed. */
const NOTHING_WAITS: (() => void)[] = [];

export class User {
  readonly idText: string;
  /** Its only session as a rule, or the first of them; `others` is empty when there is none. Reported ones first, then in the order in which they came. */
  first: Session | undefined;
  others: readonly Session[];
  state: UserState;
  /** Undefined: no conversations are known. */
  heads: HeadList | undefined;
  /** Commands that wait for the heads. */
  waiting: (() => void)[];

  constructor(idText: string) {
    this.idText = idText;
    this.first = undefined;
    this.others = NO_SESSIONS;
    this.state = UserState.Cold;
    this.heads = undefined;
    this.waiting = NOTHING_WAITS;
  }

  get sessionCount(): number {
    return this.first === undefined ? 0 : 1 + this.others.length;
  }

  /** All sessions, in order. */
  sessions(): Session[] {
    return this.first === undefined ? [] : [this.first, ...this.others];
  }

  setSessions(sessions: readonly Session[]): void {
    this.first = sessions[0];
    this.others = sessions.length > 1 ? sessions.slice(1) : NO_SESSIONS;
  }

  /** Takes out sessions whose gateway was lost. */
  dropLost(): void {
    if (this.first === undefined || (!this.first.gateway.over && this.others.length === 0)) return;
    const sessions = this.sessions();
    if (sessions.some((session) => session.gateway.over)) this.setSessions(sessions.filter((session) => !session.gateway.over));
  }

  removeSession(session: Session): boolean {
    if (this.first === session) {
      this.setSessions(this.others);
      return true;
    }
    const left = this.others.filter((other) => other !== session);
    if (left.length === this.others.length) return false;
    this.others = left.length > 0 ? left : NO_SESSIONS;
    return true;
  }

  wait(run: () => void): void {
    if (this.waiting === NOTHING_WAITS) this.waiting = [run];
    else this.waiting.push(run);
  }

  takeWaiting(): readonly (() => void)[] {
    const { waiting } = this;
    this.waiting = NOTHING_WAITS;
    return waiting;
  }
}

/** A user's heads in its shard's HeadTable: places there. */
export class HeadList {
  /** The user's number in the table, and nobody else's while it has heads. */
  readonly owner: number;
  count: number;
  /** The one whose last change is the longest ago, and the one that changed last. */
  first: number;
  last: number;
  /** Sum of the terms of the heads, modulo 2^64, as far as they had changed when the counter stood at `digestedTo`. */
  digest: bigint;
  digestedTo: number;
  /** Read positions that moved and are not durable yet: a load would find the old ones. */
  unstoredReads: number;

  constructor(owner: number) {
    this.owner = owner;
    this.count = 0;
    this.first = 0;
    this.last = 0;
    this.digest = 0n;
    this.digestedTo = 0;
    this.unstoredReads = 0;
  }
}

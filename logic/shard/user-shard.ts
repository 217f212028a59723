// The users of one shard: live sessions, take-overs, Sync, Check, read positions, and the last step of every
// push. No I/O: heads come from the store through loadedPage().
//
// A user is cold (only sessions are known), loading, or loaded. A session is registered before its heads are
// loaded, and what is delivered meanwhile is merged, so that nothing falls between the two.
import { digestBytes } from "../../proto/conversation-hash.ts";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import type { Row, StoredHead, StoredMembership } from "../store/store.ts";
import { RecordType } from "../store/store.ts";
import { bytesOf } from "../store/latin1.ts";
import { type AbsentLimits, type AbsentTotal, AbsentUsers } from "./absent.ts";
import { HeadTable } from "./head-table.ts";
import { nameFor } from "./naming.ts";
import type { Completion, UserOutput } from "./output.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { closeSession, replyError } from "./reply.ts";
import { bytesText, type Session } from "./session.ts";
import { sha256 } from "./sha256.ts";
import { User, UserState } from "./user.ts";
import { decodeWatermark, encodeWatermark } from "./watermark.ts";

export interface UserLimits extends AbsentLimits {
  sessionsPerUserMax: number;
  /** Commands of one user that wait for the heads. */
  waitingMax: number;
  headsPerPageMax: number;
}

export const USER_LIMITS: UserLimits = {
  absentBytesMax: 1024 * 1024 * 1024,
  absentSecondsMax: 3600,
  sessionsPerUserMax: 32,
  waitingMax: 256,
  headsPerPageMax: Limits.headsPerPageMax,
};

/** Longest encoding of one Head beside its id: seq, hash, time, counts and tags. */
const HEAD_BYTES_MAX = 96;
const BUSY_RETRY_MS = 200;

/** Of a user's devices the one that connected first has to go; it may come back, but not at once, or they would take turns. */
const TOO_MANY_RETRY_MS = 60_000;
const REPLACED = errorFrame(ErrorCode.Replaced);
const TOO_MANY = errorFrame(ErrorCode.TooManyConnections, { retryAfterMs: TOO_MANY_RETRY_MS });

/** Change numbers of all users of a process come from one counter. */
export interface ChangeCounter {
  value: number;
}

export class UserShard {
  readonly shard: number;
  private readonly incarnation: Uint8Array;
  private readonly output: UserOutput;
  private readonly counter: ChangeCounter;
  private readonly limits: UserLimits;
  private readonly users: Map<string, User>;
  private readonly heads: HeadTable;
  private readonly absent: AbsentUsers;
  /** Read positions that moved since the last flush, by the place of the head. */
  private readonly moved: Map<number, { user: User; origin: Session }>;

  /** `counter` and `absent` are shared by all user shards of a process. */
  constructor(
    shard: number,
    incarnation: Uint8Array,
    output: UserOutput,
    counter: ChangeCounter,
    absent: AbsentTotal = { bytes: 0, users: 0, nowSeconds: 0 },
    limits: UserLimits = USER_LIMITS,
  ) {
    this.shard = shard;
    this.incarnation = incarnation;
    this.output = output;
    this.counter = counter;
    this.limits = limits;
    this.users = new Map();
    this.heads = new HeadTable();
    this.absent = new AbsentUsers(absent, limits, (user) => this.forget(user));
    this.moved = new Map();
  }

  /**
   * A new session, or an old one reported to a new owner. The loser of a take-over is told and closed; of too many the one
   * that connected first is, as far as that can be told: reported ones before those that are not.
   */
  attach(session: Session): void {
    const user = this.userOf(session);
    user.dropLost();
    if (user.first === undefined) {
      this.absent.remove(user);
      user.first = session;
      return;
    }
    const sessions = user.sessions();
    // One that was left behind already replaces nobody.
    if (sessions.some((other) => replaces(other, session))) return closeSession(session, REPLACED);
    for (const other of sessions.slice()) {
      if (!sameInstall(other, session) && (session.reported || other.deviceText !== session.deviceText)) continue;
      sessions.splice(sessions.indexOf(other), 1);
      closeSession(other, REPLACED);
    }
    const firstNew = session.reported ? sessions.findIndex((other) => !other.reported) : -1;
    sessions.splice(firstNew < 0 ? sessions.length : firstNew, 0, session);
    if (sessions.length > this.limits.sessionsPerUserMax) closeSession(sessions.shift()!, TOO_MANY);
    user.setSessions(sessions);
  }

  detach(session: Session): void {
    const user = this.users.get(session.userText);
    if (user === undefined || !user.removeSession(session) || user.first !== undefined) return;
    if (user.state === UserState.Loaded) this.absent.add(user);
    else if (user.state === UserState.Cold) this.users.delete(user.idText);
  }

  /** Sync: the heads that changed since the watermark, in the order of their changes, a page of them. */
  sync(session: Session, ref: number, watermark: Uint8Array): void {
    const since = decodeWatermark(watermark, this.incarnation);
    this.whenLoaded(session, ref, (user) => this.replyHeads(user, session, ref, since));
  }

  /** Check: Checked when the digest of the client's heads is ours, else all heads. */
  check(session: Session, ref: number, digest: Uint8Array, count: number): void {
    if (digest.length !== 8) return replyError(session, ErrorCode.BadRequest, ref);
    const theirs = bytesText(digest);
    this.whenLoaded(session, ref, (user) => {
      if (count === (user.heads?.count ?? 0) && theirs === bytesText(digestBytes(this.heads.digest(user, sha256)))) {
        session.gateway.deliver(session, encodeMessage(FrameType.Checked, hawser.v1.Checked, { ref }), DeliveryClass.Control);
      } else this.replyHeads(user, session, ref, 0);
    });
  }

  /** A read position. It is stored and told to the user's other devices by the next flushReads. */
  read(keyText: string, session: Session, ref: number, seq: number): void {
    this.whenLoaded(session, ref, (user) => {
      const { heads } = this;
      const head = heads.find(user, keyText);
      // Nothing to have read: the conversation has no rows, or the user is not in it.
      if (head === 0) return;
      const readSeq = Math.min(seq, heads.seq[head]!);
      if (readSeq <= heads.readSeq[head]!) return;
      heads.readSeq[head] = readSeq;
      if (!this.moved.has(head)) user.heads!.unstoredReads++;
      this.moved.set(head, { user, origin: session });
    });
  }

  /** Read positions that are not in a commit yet: at most one for each head in memory. */
  get readsWaiting(): number {
    return this.moved.size;
  }

  /** Stores the read positions that moved and tells the users' other devices, as far as the open commit has room. Called a few times a second. */
  flushReads(): void {
    if (this.moved.size === 0) return;
    for (const [head, { user, origin }] of this.moved) {
      if (!this.output.commitHasRoom) return;
      this.moved.delete(head);
      const id = bytesOf(user.idText);
      const conversation = bytesOf(this.heads.keyText(head));
      const seq = this.heads.readSeq[head]!;
      this.output.record(this.shard, { type: RecordType.Read, user: id, conversation, seq }, new ReadCompletion(this, user));
      // A device that was away learns it from the head.
      this.heads.changed(user, head, ++this.counter.value);
      const others = user.sessions().filter((session) => session !== origin);
      if (others.length === 0) continue;
      const frame = encodeMessage(FrameType.Read, hawser.v1.Read, { ...nameFor(conversation, id), seq });
      deliverTo(others, frame, DeliveryClass.Receipt);
    }
  }

  /** Called by ReadCompletion: a read position of that user is durable. */
  readStored(user: User): void {
    user.heads!.unstoredReads--;
    this.absent.trim();
  }

  /** Forgets who has been absent for too long. Called now and then. */
  forgetAbsent(): void {
    this.absent.trim();
  }

  /**
   * A committed row of a conversation that the user is in: moves the head, and pushes to the live sessions but those in
   * `except`. `frame` makes the frame of `row` in the conversation `key`, and is called only when somebody is there to get it.
   */
  deliver(
    userText: string,
    { key, keyText }: { readonly key: Uint8Array; readonly keyText: string },
    head: StoredHead,
    except: readonly { session: Session }[],
    row: Row,
    frame: (row: Row, key: Uint8Array) => Uint8Array,
  ): void {
    const user = this.users.get(userText);
    if (user === undefined) return;
    if (user.state !== UserState.Cold) this.merge(user, keyText, head, 0);
    const { first } = user;
    if (first === undefined) return;
    if (user.others.length === 0) {
      if (!isAmong(first, except)) first.gateway.deliver(first, frame(row, key), DeliveryClass.Push);
      return;
    }
    const receivers = user.sessions().filter((session) => !isAmong(session, except));
    if (receivers.length > 0) deliverTo(receivers, frame(row, key), DeliveryClass.Push);
  }

  /** A page of the answer to UserOutput.loadHeads; `last` says that it was the last. */
  loadedPage(userId: Uint8Array, page: readonly StoredMembership[], last: boolean): void {
    const user = this.users.get(bytesText(userId));
    if (user === undefined || user.state !== UserState.Loading) return;
    for (const { conversation, head, readSeq } of page) this.merge(user, bytesText(conversation), head, readSeq);
    if (!last) return this.output.loadHeads(this.shard, userId, page.at(-1)!.conversation);
    user.state = UserState.Loaded;
    for (const run of user.takeWaiting()) run();
    if (user.first === undefined) this.absent.add(user);
  }

  /** Users in memory. */
  get size(): number {
    return this.users.size;
  }

  private userOf(session: Session): User {
    let user = this.users.get(session.userText);
    if (user === undefined) {
      user = new User(session.userText);
      this.users.set(user.idText, user);
    }
    // One text for all of them.
    session.userText = user.idText;
    return user;
  }

  private merge(user: User, keyText: string, head: StoredHead, readSeq: number): void {
    const known = user.heads?.count;
    this.heads.merge(user, keyText, head, readSeq, ++this.counter.value);
    if (user.first === undefined && user.heads!.count !== known) this.absent.grown(user);
  }

  private forget(user: User): void {
    this.heads.release(user);
    this.users.delete(user.idText);
  }

  private whenLoaded(session: Session, ref: number, run: (user: User) => void): void {
    const user = this.users.get(session.userText);
    // It lost to another one; the gateway just does not know yet.
    if (user === undefined || session.closing) return;
    if (user.state === UserState.Loaded) return run(user);
    if (user.waiting.length >= this.limits.waitingMax) return replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
    user.wait(() => run(user));
    if (user.state === UserState.Loading) return;
    user.state = UserState.Loading;
    this.output.loadHeads(this.shard, bytesOf(user.idText), undefined);
  }

  private replyHeads(user: User, session: Session, ref: number, since: number): void {
    const { heads: table } = this;
    const id = bytesOf(user.idText);
    const heads: hawser.v1.Head.$Properties[] = [];
    const bytesMax = Math.min(Limits.pageBytesMax, Math.floor(session.frameBytesMax / 2));
    let bytes = 0;
    let last = 0;
    let more = false;
    for (let at = table.firstChange(user, since); at !== 0; at = table.next(at)) {
      const key = bytesOf(table.keyText(at));
      bytes += HEAD_BYTES_MAX + key.length;
      if (heads.length > 0 && (heads.length >= this.limits.headsPerPageMax || bytes > bytesMax)) {
        more = true;
        break;
      }
      last = table.change[at]!;
      const [seq, time, uncounted, readSeq] = [table.seq[at]!, table.time[at]!, table.uncounted[at]!, table.readSeq[at]!];
      heads.push({ ...nameFor(key, id), seq, hash: table.hash(at), time, uncounted, readSeq });
    }
    const watermark = encodeWatermark(this.incarnation, more ? last : this.counter.value);
    const frame = encodeMessage(FrameType.Heads, hawser.v1.Heads, { ref, heads, watermark, more });
    // Every page, of a Check's answer too: from the first on, each later change is pushed or stands in a later page, and a lag
    // that begins meanwhile has a Resync, and so a Sync, of its own.
    session.gateway.deliver(session, frame, DeliveryClass.Sync);
  }
}

/** Tells its shard when a read position is durable. */
class ReadCompletion implements Completion {
  private readonly shard: UserShard;
  private readonly user: User;

  constructor(shard: UserShard, user: User) {
    this.shard = shard;
    this.user = user;
  }

  committed(): void {
    this.shard.readStored(this.user);
  }
}

/**
 * Whether `other`, which was here before `session`, stays and `session` goes. Reports come in any order, and behind new
 * sessions: of two installs on one device, two reports both stay, for nobody can tell which is the newer. A report beside a
 * new session of another link does so too: its gateway may have had no link when the client connected, and a client that is
 * wrongly told REPLACED does not come back. On one link it is the older for certain.
 */
function replaces(other: Session, session: Session): boolean {
  const newer = session.reported && !other.reported;
  if (!sameInstall(other, session)) return newer && other.deviceText === session.deviceText && other.gateway === session.gateway;
  return other.connection > session.connection || (newer && other.connection === session.connection);
}

function sameInstall(a: Session, b: Session): boolean {
  return a.installLow === b.installLow && a.installHigh === b.installHigh;
}

function isAmong(session: Session, waiters: readonly { session: Session }[]): boolean {
  for (let i = 0; i < waiters.length; i++) if (waiters[i]!.session === session) return true;
  return false;
}

/** One delivery for each gateway that holds some of the sessions. */
function deliverTo(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void {
  let rest = sessions;
  while (rest.length > 0) {
    const { gateway } = rest[0]!;
    gateway.deliverMany(
      rest.filter((session) => session.gateway === gateway),
      frame,
      deliveryClass,
    );
    rest = rest.filter((session) => session.gateway !== gateway);
  }
}

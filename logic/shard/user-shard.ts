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
import { nameFor } from "./naming.ts";
import type { Completion, UserOutput } from "./output.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { closeSession, replyError } from "./reply.ts";
import { bytesText, type Session } from "./session.ts";
import { sha256 } from "./sha256.ts";
import { User, type UserHead, UserState } from "./user.ts";
import { decodeWatermark, encodeWatermark } from "./watermark.ts";

export interface UserLimits {
  /** Users without a session whose heads are kept, for quick returns; the longest absent go first. */
  absentUsersMax: number;
  sessionsPerUserMax: number;
  /** Commands of one user that wait for the heads. */
  waitingMax: number;
  headsPerPageMax: number;
}

export const USER_LIMITS: UserLimits = { absentUsersMax: 1024, sessionsPerUserMax: 32, waitingMax: 256, headsPerPageMax: Limits.headsPerPageMax };

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
  /** Users without sessions, the longest absent first. */
  private readonly absent: Map<string, User>;
  /** Read positions that moved since the last flush. */
  private readonly moved: Map<UserHead, { user: User; origin: Session }>;

  constructor(shard: number, incarnation: Uint8Array, output: UserOutput, counter: ChangeCounter, limits: UserLimits = USER_LIMITS) {
    this.shard = shard;
    this.incarnation = incarnation;
    this.output = output;
    this.counter = counter;
    this.limits = limits;
    this.users = new Map();
    this.absent = new Map();
    this.moved = new Map();
  }

  /**
   * A new session, or an old one reported to a new owner. The loser of a take-over is told and closed; of too many the one
   * that connected first is, as far as that can be told: reported ones before those that are not.
   */
  attach(session: Session): void {
    const user = this.userOf(session);
    this.absent.delete(user.idText);
    const { sessions } = user;
    // One that was left behind already replaces nobody.
    if (sessions.some((other) => replaces(other, session))) return closeSession(session, REPLACED);
    for (const other of sessions.slice()) {
      if (other.installText !== session.installText && (session.reported || other.deviceText !== session.deviceText)) continue;
      user.removeSession(other);
      closeSession(other, REPLACED);
    }
    const firstNew = session.reported ? sessions.findIndex((other) => !other.reported) : -1;
    sessions.splice(firstNew < 0 ? sessions.length : firstNew, 0, session);
    if (sessions.length > this.limits.sessionsPerUserMax) closeSession(sessions.shift()!, TOO_MANY);
  }

  detach(session: Session): void {
    const user = this.users.get(session.userText);
    if (user === undefined || !user.removeSession(session) || user.sessions.length > 0) return;
    if (user.state !== UserState.Loaded) {
      if (user.state === UserState.Cold) this.users.delete(user.idText);
      return;
    }
    this.left(user);
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
      if (count === user.heads.size && theirs === bytesText(digestBytes(user.digest(sha256)))) {
        session.gateway.deliver(session, encodeMessage(FrameType.Checked, hawser.v1.Checked, { ref }), DeliveryClass.Control);
      } else this.replyHeads(user, session, ref, 0);
    });
  }

  /** A read position. It is stored and told to the user's other devices by the next flushReads. */
  read(keyText: string, session: Session, ref: number, seq: number): void {
    this.whenLoaded(session, ref, (user) => {
      const head = user.heads.get(keyText);
      // Nothing to have read: the conversation has no rows, or the user is not in it.
      if (head === undefined) return;
      const readSeq = Math.min(seq, head.head.seq);
      if (readSeq <= head.readSeq) return;
      head.readSeq = readSeq;
      if (!this.moved.has(head)) user.unstoredReads++;
      this.moved.set(head, { user, origin: session });
    });
  }

  /** Stores the read positions that moved and tells the users' other devices. Called a few times a second. */
  flushReads(): void {
    if (this.moved.size === 0) return;
    for (const [head, { user, origin }] of this.moved) {
      this.output.record(this.shard, { type: RecordType.Read, user: user.id, conversation: head.key, seq: head.readSeq }, new ReadCompletion(this, user));
      // A device that was away learns it from the head.
      user.change(head, ++this.counter.value);
      const others = user.sessions.filter((session) => session !== origin);
      if (others.length === 0) continue;
      const frame = encodeMessage(FrameType.Read, hawser.v1.Read, { ...nameFor(head.key, user.id), seq: head.readSeq });
      deliverTo(others, frame, DeliveryClass.Push);
    }
    this.moved.clear();
  }

  /** Called by ReadCompletion: a read position of that user is durable. */
  readStored(user: User): void {
    user.unstoredReads--;
    this.forgetAbsent();
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
    if (user.state !== UserState.Cold) user.mergeHead(key, keyText, head, 0, ++this.counter.value);
    const { sessions } = user;
    if (sessions.length === 0) return;
    if (sessions.length === 1) {
      const only = sessions[0]!;
      if (!isAmong(only, except)) only.gateway.deliver(only, frame(row, key), DeliveryClass.Push);
      return;
    }
    const receivers = sessions.filter((session) => !isAmong(session, except));
    if (receivers.length > 0) deliverTo(receivers, frame(row, key), DeliveryClass.Push);
  }

  /** A page of the answer to UserOutput.loadHeads; `last` says that it was the last. */
  loadedPage(userId: Uint8Array, page: readonly StoredMembership[], last: boolean): void {
    const user = this.users.get(bytesText(userId));
    if (user === undefined || user.state !== UserState.Loading) return;
    for (const { conversation, head, readSeq } of page) {
      user.mergeHead(conversation, bytesText(conversation), head, readSeq, ++this.counter.value);
    }
    if (!last) return this.output.loadHeads(this.shard, user.id, page.at(-1)!.conversation);
    user.state = UserState.Loaded;
    for (const run of user.waiting.splice(0)) run();
    if (user.sessions.length === 0) this.left(user);
  }

  /** Users in memory. */
  get size(): number {
    return this.users.size;
  }

  private userOf(session: Session): User {
    let user = this.users.get(session.userText);
    if (user === undefined) {
      user = new User(session.user, session.userText);
      this.users.set(session.userText, user);
    }
    return user;
  }

  /** The last session of a loaded user is gone: the heads stay for a while. */
  private left(user: User): void {
    this.absent.set(user.idText, user);
    this.forgetAbsent();
  }

  /** Back to the bound on absent users. Who has read positions that no load would find yet stays until they are stored. */
  private forgetAbsent(): void {
    if (this.absent.size <= this.limits.absentUsersMax) return;
    for (const gone of this.absent.values()) {
      if (gone.unstoredReads > 0) continue;
      this.absent.delete(gone.idText);
      this.users.delete(gone.idText);
      if (this.absent.size <= this.limits.absentUsersMax) return;
    }
  }

  private whenLoaded(session: Session, ref: number, run: (user: User) => void): void {
    const user = this.users.get(session.userText);
    // It lost to another one; the gateway just does not know yet.
    if (user === undefined || session.closing) return;
    if (user.state === UserState.Loaded) return run(user);
    if (user.waiting.length >= this.limits.waitingMax) return replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
    user.waiting.push(() => run(user));
    if (user.state === UserState.Loading) return;
    user.state = UserState.Loading;
    this.output.loadHeads(this.shard, user.id, undefined);
  }

  private replyHeads(user: User, session: Session, ref: number, since: number): void {
    const heads: hawser.v1.Head.$Properties[] = [];
    const bytesMax = Math.min(Limits.pageBytesMax, Math.floor(session.frameBytesMax / 2));
    let bytes = 0;
    let last = 0;
    let more = false;
    for (let at = user.firstChange(since); at < user.changesEnd; at++) {
      const head = user.changedAt(at);
      if (head === undefined) continue;
      bytes += HEAD_BYTES_MAX + head.key.length;
      if (heads.length > 0 && (heads.length >= this.limits.headsPerPageMax || bytes > bytesMax)) {
        more = true;
        break;
      }
      last = head.change;
      const { seq, hash, time, uncounted } = head.head;
      heads.push({ ...nameFor(head.key, user.id), seq, hash, time, uncounted, readSeq: head.readSeq });
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
  if (other.installText !== session.installText) return newer && other.deviceText === session.deviceText && other.gateway === session.gateway;
  return other.connection > session.connection || (newer && other.connection === session.connection);
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

// A UserShard over a MemoryDisk, with every answer of the outside world in the test's hand: rows become durable, their
// effects reach the shard, loads are answered and read positions are stored when the test says so.
import { directKey, directUsers } from "../../proto/conversation.ts";
import { fanOutDirect } from "../push/fanout.ts";
import type { AbsentTotal } from "../shard/absent.ts";
import { Conversation, type PendingSend, Sender } from "../shard/conversation.ts";
import type { Completion, UserOutput } from "../shard/output.ts";
import { bytesText, type Session } from "../shard/session.ts";
import { USER_LIMITS, type UserLimits, UserShard } from "../shard/user-shard.ts";
import { RecordType, type StoredHead, type StoredMembership, type StoreRecord } from "../store/store.ts";
import { installOf } from "./fake-gateway.ts";
import { MemoryDisk, rowHash } from "./memory-disk.ts";

interface Effect {
  readonly conversation: Conversation;
  readonly pending: PendingSend;
  readonly head: StoredHead;
}

interface Load {
  readonly user: Uint8Array;
  readonly early: readonly StoredMembership[];
  readonly look: () => readonly StoredMembership[];
}

export class UserBench implements UserOutput {
  readonly disk: MemoryDisk;
  shard: UserShard;
  /** Shared with the shard: what it last numbered. */
  counter: { value: number };
  /** Likewise: users without sessions, and the time. */
  absent: AbsentTotal;
  /** Loads that wait for answer(). */
  loads: Load[];
  /** Rows that are durable, and that the shard has not heard of. */
  effects: Effect[];
  /** Read positions that are not durable yet. */
  records: { record: StoreRecord; completion: Completion | undefined }[];
  commitHasRoom: boolean;
  private readonly limits: UserLimits;
  private readonly headsPerLoad: number;
  private processes: number;
  private readonly conversations: Map<string, Conversation>;

  constructor(limits: Partial<UserLimits> = {}, headsPerLoad = 500) {
    this.disk = new MemoryDisk(1);
    this.disk.epoch = 1;
    this.counter = { value: 0 };
    this.absent = { bytes: 0, users: 0, nowSeconds: 0 };
    this.limits = { ...USER_LIMITS, ...limits };
    this.headsPerLoad = headsPerLoad;
    this.loads = [];
    this.effects = [];
    this.records = [];
    this.commitHasRoom = true;
    this.processes = 1;
    this.conversations = new Map();
    this.shard = new UserShard(0, this.incarnation, this, this.counter, this.absent, this.limits);
  }

  /** The process died and another one began: what was not durable is gone, and so are effects not had. */
  restart(epoch = this.disk.epoch + 1): void {
    this.disk.epoch = epoch;
    this.counter = { value: 0 };
    this.absent = { bytes: 0, users: 0, nowSeconds: this.absent.nowSeconds };
    this.loads = [];
    this.effects = [];
    this.records = [];
    this.processes++;
    this.conversations.clear();
    this.shard = new UserShard(0, this.incarnation, this, this.counter, this.absent, this.limits);
  }

  /** A row of direct(sender, peer), durable; the shard hears of it by tellEffects. Returns its seq. */
  commitRow(sender: string, peer: string, except: readonly Session[] = []): number {
    const from = Buffer.from(sender);
    const key = directKey(from, Buffer.from(peer));
    const head = this.disk.head(key);
    const install = installOf(sender.charCodeAt(0));
    const clientSeq = (this.disk.sender(key, install)?.clientSeq ?? 0) + 1;
    const row = {
      seq: (head?.seq ?? 0) + 1,
      time: 1000 + (head?.seq ?? 0),
      kind: 0,
      sender: from,
      payload: Buffer.from("hi"),
      install,
      clientSeq,
      uncounted: 0,
    };
    const hash = rowHash(head?.hash ?? new Uint8Array(32), row);
    const [first, second] = directUsers(key);
    const members = [first, second].map((user) => ({ type: RecordType.Member, user, conversation: key }));
    this.write([...(head === undefined ? members : []), { type: RecordType.Row, conversation: key, row, hash }]);
    const stored = this.disk.head(key)!;
    const waiters = except.map((session) => ({ session, ref: 1 }));
    const pending = { sender: new Sender(install, clientSeq), row, hash, refused: 0, waiters };
    this.effects.push({ conversation: this.conversation(key), pending, head: stored });
    return row.seq;
  }

  /** The shard hears of the first row that it has not heard of. */
  tellEffect(): void {
    const effect = this.effects.shift();
    if (effect === undefined) return;
    fanOutDirect([this.shard], effect.conversation, effect.pending, effect.head);
  }

  /** Both at once. */
  row(sender: string, peer: string, except: readonly Session[] = []): number {
    const seq = this.commitRow(sender, peer, except);
    while (this.effects.length > 0) this.tellEffect();
    return seq;
  }

  /** Answers a load; `early`: with what was stored when it was asked for. */
  answer(index = 0, early = false): void {
    const [load] = this.loads.splice(index, 1);
    if (load === undefined) throw new Error("no load waits");
    const page = early ? load.early : load.look();
    this.shard.loadedPage(load.user, page, page.length < this.headsPerLoad);
  }

  answerAll(): void {
    while (this.loads.length > 0) this.answer();
  }

  /** Makes the read positions durable. */
  commitReads(): void {
    const taken = this.records;
    this.records = [];
    if (taken.length > 0) this.write(taken.map(({ record }) => record));
    for (const { completion } of taken) completion?.committed();
  }

  record(_shard: number, record: StoreRecord, completion: Completion | undefined): void {
    this.records.push({ record, completion });
  }

  loadHeads(_shard: number, user: Uint8Array, after: Uint8Array | undefined): void {
    const look = () => this.disk.memberships(user, after, this.headsPerLoad);
    this.loads.push({ user, early: look(), look });
  }

  /** The conversation in memory: of it, rows need the name and the members. */
  conversation(key: Uint8Array): Conversation {
    const keyText = bytesText(key);
    let conversation = this.conversations.get(keyText);
    if (conversation === undefined) {
      conversation = new Conversation(key, keyText, undefined);
      this.conversations.set(keyText, conversation);
    }
    return conversation;
  }

  private get incarnation(): Uint8Array {
    return new Uint8Array(8).fill(this.processes);
  }

  private write(records: StoreRecord[]): void {
    this.disk.apply({ epoch: this.disk.epoch, shards: [{ shard: 0, position: this.disk.positions[0]! + 1, records }] });
  }
}

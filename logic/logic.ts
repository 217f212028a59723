// The composition root of logic: wires the parts in the order of a message's path, carries out what the shard
// cores ask for, and stops everything in reverse.
import { randomBytes } from "node:crypto";
import type { Bus } from "../proto/bus.ts";
import { gatewaySubject, logicSubject, ownersBucket } from "../proto/subject.ts";
import { toWireTime } from "../proto/time.ts";
import { Dispatch } from "./ingest/dispatch.ts";
import type { GatewayPeer, PeerHost } from "./ingest/gateway-peer.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Ownership } from "./ingest/ownership.ts";
import { type Loop, NODE_LOOP } from "./loop.ts";
import { fanOutDirect } from "./push/fanout.ts";
import type { Conversation, PendingSend } from "./shard/conversation.ts";
import type { AbsentTotal } from "./shard/absent.ts";
import { CONVERSATION_LIMITS, type ConversationLimits, ConversationShard } from "./shard/conversation-shard.ts";
import type { Completion, ConversationOutput, RepeatedSend, UserOutput } from "./shard/output.ts";
import { pageFrame } from "./shard/page.ts";
import { DeliveryClass } from "../proto/delivery-class.ts";
import type { Session } from "./shard/session.ts";
import { USER_LIMITS, type UserLimits, UserShard } from "./shard/user-shard.ts";
import { ReadQueue } from "./store/read-queue.ts";
import { GROUP_COMMIT_LIMITS, GroupCommit, type GroupCommitLimits } from "./store/group-commit.ts";
import type { PageQuery, Store, StoredHead, StoreRecord } from "./store/store.ts";

const TICK_MS = 100;
/** Read positions are stored and told on at most this often. */
const FLUSH_READS_TICKS = 3;
/** Each shard forgets who has been away for long once in so many ticks, in turn. */
const FORGET_TICKS = 256;
const HEADS_PER_LOAD = 500;

export interface LogicParts {
  bus: Bus;
  store: Store;
  cluster: string;
  /** Called once when nothing may be served any more: the process must end, and open the store anew. */
  fatal: (error: unknown) => void;
  warn: (message: string, fields: object) => void;
  /** What is kept in memory; by default what a process of its own can take. */
  limits?: Partial<LogicLimits>;
  /** Both for simulations only. */
  loop?: Loop;
  incarnation?: Uint8Array;
}

export interface LogicLimits {
  conversations: ConversationLimits;
  users: UserLimits;
  groupCommit: GroupCommitLimits;
}

export class Logic implements ConversationOutput, UserOutput, PeerHost {
  readonly incarnation: Uint8Array;
  readonly epoch: number;
  readonly ingest: Ingest;
  readonly dispatch: Dispatch;
  readonly groupCommit: GroupCommit;
  readonly reads: ReadQueue;
  readonly conversations: ConversationShard[];
  readonly users: UserShard[];
  readonly absent: AbsentTotal;
  /** Reads of the store since the start, by what was asked for: conversations, users, rows that are sent again, pages of rows. */
  readonly storeReads: { conversations: number; users: number; repeats: number; pages: number };
  ownership: Ownership | undefined;
  private readonly bus: Bus;
  private readonly store: Store;
  private readonly cluster: string;
  private readonly loop: Loop;
  /** Ends everything: from now on nothing is taken and nothing answered. */
  private readonly fail: (error: unknown) => void;
  private ticks: number;
  private timer: NodeJS.Timeout | undefined;
  /** No more commands are taken. */
  private stopping: boolean;
  /** Nothing leaves any more, whatever is still under way. */
  private over: boolean;
  /** Peers with something to send at the end of this loop turn. */
  private toFlush: GatewayPeer[];

  constructor(parts: LogicParts) {
    const { shardCount } = parts.store.meta;
    this.incarnation = parts.incarnation ?? randomBytes(8);
    this.epoch = parts.store.meta.epoch;
    this.bus = parts.bus;
    this.store = parts.store;
    this.cluster = parts.cluster;
    this.loop = parts.loop ?? NODE_LOOP;
    this.fail = (error) => {
      if (this.over) return;
      this.stopping = true;
      this.over = true;
      parts.fatal(error);
    };
    const limits = { conversations: CONVERSATION_LIMITS, users: USER_LIMITS, groupCommit: GROUP_COMMIT_LIMITS, ...parts.limits };
    this.groupCommit = new GroupCommit(parts.store, this.fail, this.loop, limits.groupCommit);
    this.reads = new ReadQueue(this.fail);
    const counter = { value: 0 };
    this.absent = { bytes: 0, users: 0, nowSeconds: 0 };
    const parkedBytes = { value: 0 };
    this.conversations = Array.from({ length: shardCount }, (_, shard) => new ConversationShard(shard, this, parkedBytes, limits.conversations));
    this.users = Array.from({ length: shardCount }, (_, shard) => new UserShard(shard, this.incarnation, this, counter, this.absent, limits.users));
    this.dispatch = new Dispatch(this.conversations, this.users);
    const publishTo = (incarnation: Uint8Array, bytes: Uint8Array) => this.publishTo(incarnation, bytes);
    this.ingest = new Ingest(
      this,
      this.dispatch,
      () => toWireTime(this.loop.unixNow()),
      publishTo,
      (message, gateway) => parts.warn(message, { gateway }),
    );
    this.storeReads = { conversations: 0, users: 0, repeats: 0, pages: 0 };
    this.ownership = undefined;
    this.ticks = 0;
    this.timer = undefined;
    this.stopping = false;
    this.over = false;
    this.toFlush = [];
  }

  /** Listens first, then takes the lease: gateways speak to whom they find there. */
  async start(): Promise<void> {
    this.bus.subscribe(logicSubject(this.cluster, this.incarnation), (bytes) => this.receive(bytes));
    const kv = await this.bus.keyValue(ownersBucket(this.cluster));
    this.ownership = new Ownership(kv, this.incarnation, this.store.meta, this.fail);
    this.ownership.start();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Takes nothing new, makes durable and answers what it took, and closes the store. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.timer);
    await this.ownership?.stop();
    do {
      for (const shard of this.users) shard.flushReads();
      await this.groupCommit.settled();
    } while (!this.over && this.users.some((shard) => shard.readsWaiting > 0));
    this.flushAll();
    await this.bus.flush();
    // Loads that are still under way end with the store, and concern nobody.
    this.over = true;
    await this.store.close();
  }

  /** One batch from a gateway. */
  receive(bytes: Uint8Array): void {
    if (!this.stopping) this.ingest.receive(bytes);
  }

  /** Ten times a second. */
  tick(): void {
    if (this.over) return;
    this.ingest.tick();
    if (++this.ticks % FLUSH_READS_TICKS === 0) for (const shard of this.users) shard.flushReads();
    this.absent.nowSeconds = Math.floor(this.loop.now() / 1000);
    const { length } = this.users;
    for (let i = this.ticks % FORGET_TICKS; i < length; i += FORGET_TICKS) this.users[i]!.forgetAbsent();
  }

  // ConversationOutput and UserOutput: what the cores ask for.

  get commitHasRoom(): boolean {
    return this.groupCommit.hasRoom;
  }

  get durability(): number {
    return this.store.durability;
  }

  readsHaveRoomFor(underWay: number): boolean {
    return this.reads.hasRoomFor(underWay);
  }

  record(shard: number, record: StoreRecord, completion: Completion | undefined): void {
    this.groupCommit.add(shard, record, completion);
  }

  load(shard: number, conversation: Uint8Array, install: Uint8Array | undefined): void {
    this.storeReads.conversations++;
    this.reads.load(async () => {
      const sender = install === undefined ? undefined : this.store.loadSender(conversation, install);
      const [head, stored] = await Promise.all([this.store.loadHead(conversation), sender]);
      this.conversations[shard]!.loaded(conversation, head, install, stored);
    });
  }

  find(shard: number, conversation: Uint8Array, send: RepeatedSend): void {
    this.storeReads.repeats++;
    this.reads.answer(async () => {
      this.conversations[shard]!.found(send, await this.store.findSend(conversation, send.session.install, send.clientSeq));
    });
  }

  page(session: Session, ref: number, conversation: Uint8Array, headSeq: number, query: PageQuery): void {
    this.storeReads.pages++;
    this.reads.answer(async () => {
      const page = await this.store.readPage(conversation, query);
      session.waiting--;
      session.gateway.deliver(session, pageFrame(session.user, ref, conversation, headSeq, query, page), DeliveryClass.Control);
    });
  }

  rowCommitted(conversation: Conversation, pending: PendingSend, head: StoredHead): void {
    fanOutDirect(this.users, conversation, pending, head);
  }

  loadHeads(shard: number, user: Uint8Array, after: Uint8Array | undefined): void {
    this.storeReads.users++;
    this.reads.load(async () => {
      const page = await this.store.loadMemberships(user, after, HEADS_PER_LOAD);
      this.users[shard]!.loadedPage(user, page, page.length < HEADS_PER_LOAD);
    });
  }

  // PeerHost: what gateway peers need.

  now(): number {
    return this.loop.now();
  }

  publish(peer: GatewayPeer, bytes: Uint8Array): void {
    this.publishTo(peer.incarnation, bytes);
  }

  flushSoon(peer: GatewayPeer): void {
    this.toFlush.push(peer);
    if (this.toFlush.length === 1) this.loop.endOfTurn(this.flushAll);
  }

  private publishTo(incarnation: Uint8Array, bytes: Uint8Array): void {
    if (!this.over) this.bus.publish(gatewaySubject(this.cluster, incarnation), bytes);
  }

  private readonly flushAll = (): void => {
    const peers = this.toFlush;
    this.toFlush = [];
    for (const peer of peers) peer.flush();
  };
}

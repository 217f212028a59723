// A ConversationShard over a MemoryDisk, with every answer of the outside world in the test's hand: the commit
// happens when the test says so, and each load, find and page is answered when the test says so.
import { directKey } from "../../proto/conversation.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { CONVERSATION_LIMITS, type ConversationLimits, ConversationShard, type ParkedBytes } from "../shard/conversation-shard.ts";
import type { Conversation, PendingSend } from "../shard/conversation.ts";
import type { Completion, ConversationOutput, RepeatedSend } from "../shard/output.ts";
import { pageFrame } from "../shard/page.ts";
import { bytesText, type Session } from "../shard/session.ts";
import type { PageQuery, StoredHead, StoreRecord } from "../store/store.ts";
import { MemoryDisk } from "./memory-disk.ts";

export interface SendFields {
  kind?: number;
  payload?: string | Uint8Array;
}

export class ConversationBench implements ConversationOutput {
  readonly disk: MemoryDisk;
  shard: ConversationShard;
  /** Wire time of the next command. */
  now: number;
  durability: number;
  commitHasRoom: boolean;
  readsHaveRoom: boolean;
  readonly parkedBytes: ParkedBytes;
  /** True: loads, finds and pages wait for answer(); false: they are answered right after the command. */
  holdReads: boolean;
  /** What waits for the store. */
  reads: { what: "load" | "find" | "page"; answer: () => void }[];
  /** The open commit. */
  records: StoreRecord[];
  /** rowCommitted was called for these, in this order. */
  pushed: { conversation: Conversation; pending: PendingSend; head: StoredHead }[];
  private completions: Completion[];
  private readonly limits: Partial<ConversationLimits>;

  constructor(limits: Partial<ConversationLimits> = {}) {
    this.disk = new MemoryDisk(1);
    this.disk.epoch = 1;
    this.limits = limits;
    this.now = 1000;
    this.durability = hawser.v1.Durability.DURABILITY_FSYNC;
    this.commitHasRoom = true;
    this.readsHaveRoom = true;
    this.parkedBytes = { value: 0 };
    this.holdReads = false;
    this.reads = [];
    this.records = [];
    this.pushed = [];
    this.completions = [];
    this.shard = this.open();
  }

  /** The process died: nothing of the open commit, of its answers or of its memory is left. */
  restart(): void {
    this.reads = [];
    this.records = [];
    this.completions = [];
    this.shard = this.open();
  }

  send(session: Session, peer: string, ref: number, clientSeq: number, { kind = 0, payload = `m${clientSeq}` }: SendFields = {}): void {
    const key = directKey(session.user, Buffer.from(peer));
    const message = new hawser.v1.Send({ clientSeq, kind, payload: typeof payload === "string" ? Buffer.from(payload) : payload });
    this.shard.send(key, bytesText(key), session, ref, message, this.now);
    this.settle();
  }

  fetch(session: Session, peer: string, ref: number, query: hawser.v1.Fetch.$Properties): void {
    const key = directKey(session.user, Buffer.from(peer));
    this.shard.fetch(key, bytesText(key), session, ref, new hawser.v1.Fetch(query));
    this.settle();
  }

  /** Makes the open commit durable, and tells; what the telling records goes into the next one. */
  commit(): void {
    const { records, completions } = this;
    this.records = [];
    this.completions = [];
    if (records.length > 0) this.disk.apply({ epoch: 1, shards: [{ shard: 0, position: this.disk.positions[0]! + 1, records }] });
    for (const completion of completions) completion.committed();
    this.settle();
  }

  /** Lets one answer of the store through. */
  answer(index = 0): void {
    const [read] = this.reads.splice(index, 1);
    if (read === undefined) throw new Error("nothing waits for the store");
    read.answer();
  }

  record(_shard: number, record: StoreRecord, completion: Completion | undefined): void {
    this.records.push(record);
    if (completion !== undefined) this.completions.push(completion);
  }

  readsHaveRoomFor(): boolean {
    return this.readsHaveRoom;
  }

  load(_shard: number, conversation: Uint8Array, install: Uint8Array | undefined): void {
    // Looked up at once, told later: the oldest truth that the port allows.
    const head = this.disk.head(conversation);
    const sender = install === undefined ? undefined : this.disk.sender(conversation, install);
    this.later("load", () => this.shard.loaded(conversation, head, install, sender));
  }

  find(_shard: number, conversation: Uint8Array, send: RepeatedSend): void {
    const found = this.disk.send(conversation, send.session.install, send.clientSeq);
    this.later("find", () => this.shard.found(send, found));
  }

  page(session: Session, ref: number, conversation: Uint8Array, headSeq: number, query: PageQuery): void {
    this.later("page", () => {
      session.waiting--;
      session.gateway.deliver(session, pageFrame(session.user, ref, conversation, headSeq, query, this.disk.page(conversation, query)), 0);
    });
  }

  rowCommitted(conversation: Conversation, pending: PendingSend, head: StoredHead): void {
    this.pushed.push({ conversation, pending, head });
  }

  private later(what: "load" | "find" | "page", answer: () => void): void {
    this.reads.push({ what, answer });
  }

  private settle(): void {
    while (!this.holdReads && this.reads.length > 0) this.answer();
  }

  private open(): ConversationShard {
    this.parkedBytes.value = 0;
    return new ConversationShard(0, this, this.parkedBytes, { ...CONVERSATION_LIMITS, ...this.limits });
  }
}

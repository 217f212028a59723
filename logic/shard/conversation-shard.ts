// The conversations of one shard: takes Send and Fetch, numbers and orders, and says what to commit and,
// once committed, what to answer and push. No I/O: the store answers through loaded() and found().
//
// Every Send takes one of these ways: assigned (joins the open commit), joined (the same number is open),
// repeated (the store knows what became of it), refused for now (number free), refused for good (number used
// up by a record). Commands for a conversation that is not in memory are parked in arrival order, bounded.
import { isUtf8 } from "node:buffer";
import { directUsers } from "../../proto/conversation.ts";
import { nextHash } from "../../proto/conversation-hash.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import type { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import type { StoredHead, StoredSend, StoredSender } from "../store/store.ts";
import { RecordType } from "../store/store.ts";
import { Conversation, type PendingSend, Sender } from "./conversation.ts";
import type { Completion, ConversationOutput, RepeatedSend } from "./output.ts";
import { replyError, replySent } from "./reply.ts";
import { bytesText, int32At, type Session } from "./session.ts";
import { sha256 } from "./sha256.ts";

export interface ConversationLimits {
  /** Conversations kept in memory; the least recently used idle ones go first. */
  conversationsMax: number;
  /** Installs kept in memory for one conversation, likewise. */
  sendersMax: number;
  /** Commands parked for one conversation while it loads. */
  parkedMax: number;
  /** Bytes of all that the process keeps parked; beyond, BUSY. */
  parkedBytesMax: number;
}

/** For each shard: 256 of them keep up to a million conversations. */
export const CONVERSATION_LIMITS: ConversationLimits = { conversationsMax: 4096, sendersMax: 256, parkedMax: 1024, parkedBytesMax: 64 * 1024 * 1024 };

/** When to come back after BUSY, in ms. */
const BUSY_RETRY_MS = 200;

const KIND_TEXT = 0;
const KIND_DATA = 1;
const KIND_APPLICATION_MIN = 32;

/** What a parked command takes beside its payload: itself, its place, its closure. */
const PARKED_BYTES = 256;

interface Parked {
  readonly run: () => void;
  readonly bytes: number;
}

/** What all shards of a process keep parked together. */
export interface ParkedBytes {
  value: number;
}

/** Of a Send, what is left to say once its conversation is known. */
export interface SendContent {
  readonly clientSeq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

export class ConversationShard {
  readonly shard: number;
  private readonly output: ConversationOutput;
  private readonly limits: ConversationLimits;
  private readonly parkedBytes: ParkedBytes;
  /** In order of last use. */
  private readonly conversations: Map<string, Conversation>;
  /** Commands that wait for a load, by conversation. */
  private readonly parked: Map<string, Parked[]>;

  constructor(shard: number, output: ConversationOutput, parkedBytes: ParkedBytes, limits: ConversationLimits = CONVERSATION_LIMITS) {
    this.shard = shard;
    this.output = output;
    this.limits = limits;
    this.parkedBytes = parkedBytes;
    this.conversations = new Map();
    this.parked = new Map();
  }

  /** A Send to the direct conversation `key`. `now`: wire time in ms. */
  send(key: Uint8Array, keyText: string, session: Session, ref: number, message: SendContent, now: number): void {
    const conversation = this.conversations.get(keyText);
    const sender = conversation?.findSender(session.installHigh, session.installLow);
    if (conversation === undefined || sender === undefined || this.parked.has(keyText)) {
      return this.parkSend(key, keyText, session, ref, message, now, sender === undefined);
    }
    const clientSeq = message.clientSeq;
    if (clientSeq > sender.clientSeq + 1) return replyError(session, ErrorCode.OutOfOrder, ref, { expected: sender.clientSeq + 1 });
    if (clientSeq <= sender.clientSeq) return this.repeat(conversation, sender, session, ref, message);
    if (!this.output.commitHasRoom) return replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
    this.touch(conversation);
    const refused = refusal(message);
    if (refused === 0) this.assign(conversation, sender, session, ref, message, now);
    else this.refuse(conversation, sender, session, ref, clientSeq, refused);
  }

  private assign(conversation: Conversation, sender: Sender, session: Session, ref: number, message: SendContent, now: number): void {
    const { clientSeq, kind, payload } = message;
    const { user } = session;
    const seq = ++conversation.seq;
    const time = (conversation.time = Math.max(now, conversation.time));
    const hash = nextHash(sha256, conversation.hash, seq, user, kind, time, sha256(payload));
    conversation.hash = hash;
    sender.clientSeq = clientSeq;
    const row = { seq, time, kind, sender: user, payload, install: sender.install, clientSeq, uncounted: conversation.uncounted };
    const pending: PendingSend = { sender, row, hash, refused: 0, waiters: [{ session, ref }] };
    if (seq === 1) this.index(conversation);
    this.record(conversation, pending, { type: RecordType.Row, conversation: conversation.key, row, hash });
  }

  private refuse(conversation: Conversation, sender: Sender, session: Session, ref: number, clientSeq: number, code: ErrorCode): void {
    sender.clientSeq = clientSeq;
    const pending: PendingSend = { sender, row: undefined, hash: conversation.hash, refused: code, waiters: [{ session, ref }] };
    this.record(conversation, pending, { type: RecordType.Refusal, conversation: conversation.key, install: sender.install, clientSeq, code });
  }

  private record(conversation: Conversation, pending: PendingSend, record: Parameters<ConversationOutput["record"]>[1]): void {
    conversation.open++;
    pending.sender.pending.push(pending);
    this.output.record(this.shard, record, new SendCompletion(this, conversation, pending));
  }

  /** The first row of a conversation makes its members find it. */
  private index(conversation: Conversation): void {
    const [first, second] = directUsers(conversation.key);
    const member = (user: Uint8Array) => this.output.record(this.shard, { type: RecordType.Member, user, conversation: conversation.key }, undefined);
    member(first);
    if (bytesText(first) !== bytesText(second)) member(second);
  }

  /** A number that was used: join its open commit, or ask the store what became of it. */
  private repeat(conversation: Conversation, sender: Sender, session: Session, ref: number, message: SendContent): void {
    const { clientSeq, kind, payload } = message;
    const pending = sender.findPending(clientSeq);
    if (pending === undefined) {
      if (!this.waitForStore(session, ref)) return;
      this.output.find(this.shard, conversation.key, { session, ref, clientSeq, kind, payload: Uint8Array.from(payload) });
    } else if (pending.row !== undefined && !sameSend(pending.row, message)) replyError(session, ErrorCode.ClientSeqReused, ref);
    else if (pending.waiters.length < Limits.requestsInFlightMax) pending.waiters.push({ session, ref });
    else replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
  }

  /** The store's answer to ConversationOutput.find. */
  found(repeated: RepeatedSend, stored: StoredSend | undefined): void {
    const { session, ref } = repeated;
    session.waiting--;
    // The number was below the sender's highest, so the store must know it.
    if (stored === undefined) throw new Error(`the store lost Send ${repeated.clientSeq} of an install`);
    if ("refused" in stored) replyError(session, stored.refused as ErrorCode, ref);
    else if (!sameSend(stored.row, repeated)) replyError(session, ErrorCode.ClientSeqReused, ref);
    else replySent(session, ref, stored.row.seq, stored.row.time, this.output.durability);
  }

  /** A Fetch, which is answered from committed state. */
  fetch(key: Uint8Array, keyText: string, session: Session, ref: number, message: hawser.v1.Fetch): void {
    const conversation = this.conversations.get(keyText);
    if (conversation === undefined || this.parked.has(keyText)) {
      return this.park(key, keyText, session, ref, { run: () => this.fetch(key, keyText, session, ref, message), bytes: PARKED_BYTES }, false);
    }
    this.touch(conversation);
    if (!this.waitForStore(session, ref)) return;
    const { fromSeq, backward, limit } = message;
    const headSeq = conversation.committedSeq;
    const bytesMax = Math.min(Limits.pageBytesMax, Math.floor(session.frameBytesMax / 2));
    const from = backward ? (fromSeq === 0 ? headSeq : Math.min(fromSeq, headSeq)) : Math.min(fromSeq, headSeq + 1);
    this.output.page(session, ref, key, headSeq, { fromSeq: from, backward, rowsMax: limit === 0 ? Number.MAX_SAFE_INTEGER : limit, bytesMax });
  }

  private parkSend(key: Uint8Array, keyText: string, session: Session, ref: number, message: SendContent, now: number, withSender: boolean): void {
    const { clientSeq, kind, payload } = message;
    // A copy: the payload is a view into a whole batch of a gateway, which would be kept for it.
    const kept = { clientSeq, kind, payload: Uint8Array.from(payload) };
    const run = () => this.send(key, keyText, session, ref, kept, now);
    this.park(key, keyText, session, ref, { run, bytes: PARKED_BYTES + payload.length }, withSender);
  }

  /** Keeps a command until the conversation (and the sender, if it is a Send) is in memory. */
  private park(key: Uint8Array, keyText: string, session: Session, ref: number, command: Parked, withSender: boolean): void {
    let parked = this.parked.get(keyText);
    if ((parked?.length ?? 0) >= this.limits.parkedMax || this.parkedBytes.value + command.bytes > this.limits.parkedBytesMax) {
      return replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
    }
    if (parked === undefined) {
      parked = [];
      this.parked.set(keyText, parked);
      this.output.load(this.shard, key, withSender ? session.install : undefined);
    }
    parked.push(command);
    this.parkedBytes.value += command.bytes;
  }

  /** The store's answer to ConversationOutput.load. */
  loaded(key: Uint8Array, head: StoredHead | undefined, install: Uint8Array | undefined, stored: StoredSender | undefined): void {
    const keyText = bytesText(key);
    let conversation = this.conversations.get(keyText);
    if (conversation === undefined) {
      this.evict();
      conversation = new Conversation(key, keyText, head);
      this.conversations.set(keyText, conversation);
    }
    if (install !== undefined) {
      conversation.dropIdleSender(this.limits.sendersMax);
      const known = conversation.findSender(int32At(install, 0), int32At(install, 4));
      if (known === undefined) conversation.addSender(new Sender(install, stored?.clientSeq ?? 0));
    }
    const parked = this.parked.get(keyText) ?? [];
    this.parked.delete(keyText);
    for (const [i, command] of parked.entries()) {
      this.parkedBytes.value -= command.bytes;
      command.run();
      const waiting = this.parked.get(keyText);
      if (waiting === undefined) continue;
      // It needs another sender, and has parked itself again: those behind it follow, in order.
      for (let rest = i + 1; rest < parked.length; rest++) waiting.push(parked[rest]!);
      return;
    }
  }

  /** Counts a request that the store must answer; false when the session has too many of them, or all together have. */
  private waitForStore(session: Session, ref: number): boolean {
    if (session.waiting >= Limits.requestsInFlightMax || !this.output.readsHaveRoomFor(session.waiting)) {
      replyError(session, ErrorCode.Busy, ref, { retryAfterMs: BUSY_RETRY_MS });
      return false;
    }
    session.waiting++;
    return true;
  }

  /** Called by SendCompletion: the record of this Send is durable. */
  committed(conversation: Conversation, pending: PendingSend): void {
    conversation.open--;
    const sender = pending.sender;
    if (sender.pending.shift() !== pending) throw new Error("Sends of an install committed out of order");
    const { row } = pending;
    if (row === undefined) {
      for (const { session, ref } of pending.waiters) replyError(session, pending.refused as ErrorCode, ref);
      return;
    }
    conversation.commitRow(row, pending.hash);
    for (const { session, ref } of pending.waiters) replySent(session, ref, row.seq, row.time, this.output.durability);
    this.output.rowCommitted(conversation, pending, conversation.head());
  }

  /** Conversations in memory. */
  get size(): number {
    return this.conversations.size;
  }

  private touch(conversation: Conversation): void {
    this.conversations.delete(conversation.keyText);
    this.conversations.set(conversation.keyText, conversation);
  }

  /** Makes room for one more conversation. One that a load is under way for stays: what is being read may be older. */
  private evict(): void {
    if (this.conversations.size < this.limits.conversationsMax) return;
    for (const conversation of this.conversations.values()) {
      if (conversation.open > 0 || this.parked.has(conversation.keyText)) continue;
      this.conversations.delete(conversation.keyText);
      if (this.conversations.size < this.limits.conversationsMax) return;
    }
  }
}

/** Tells its shard when the commit that a Send joined is durable. */
class SendCompletion implements Completion {
  private readonly shard: ConversationShard;
  private readonly conversation: Conversation;
  private readonly pending: PendingSend;

  constructor(shard: ConversationShard, conversation: Conversation, pending: PendingSend) {
    this.shard = shard;
    this.conversation = conversation;
    this.pending = pending;
  }

  committed(): void {
    this.shard.committed(this.conversation, this.pending);
  }
}

/** Why a Send is refused for good, or 0. */
function refusal(message: SendContent): 0 | ErrorCode {
  if (message.payload.length > Limits.payloadBytesMax) return ErrorCode.PayloadTooLarge;
  if (message.kind === KIND_TEXT) return isUtf8(message.payload) ? 0 : ErrorCode.BadText;
  return message.kind === KIND_DATA || message.kind >= KIND_APPLICATION_MIN ? 0 : ErrorCode.Unsupported;
}

function sameSend(a: { kind: number; payload: Uint8Array }, b: { kind: number; payload: Uint8Array }): boolean {
  return a.kind === b.kind && Buffer.compare(a.payload, b.payload) === 0;
}

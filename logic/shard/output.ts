// What the shard cores ask the world to do. Cores decide; the shell around them (logic.ts) carries out:
// it writes commits, reads the store, and calls back. Everything here returns at once.
import type { PageQuery, StoredHead, StoreRecord } from "../store/store.ts";
import type { Conversation, PendingSend } from "./conversation.ts";
import type { Session } from "./session.ts";

/** Called back by the shell when the commit that a record joined has become durable. */
export interface Completion {
  committed(): void;
}

export interface ConversationOutput {
  /** False: the open commit is full; the Send is answered BUSY and keeps its number. */
  readonly commitHasRoom: boolean;
  /** False: too much waits for the store; a request that needs it, of a session that waits for so many answers of it, is answered BUSY. */
  readsHaveRoomFor(underWay: number): boolean;
  /** What the acks of this store's commits may promise: hawser.v1.Durability. */
  readonly durability: number;
  /** Adds a record to the open commit. Completions are called in the order of their records. */
  record(shard: number, record: StoreRecord, completion: Completion | undefined): void;
  /** Loads the head, and the sender's state when `install` is given; answered by ConversationShard.loaded. */
  load(shard: number, conversation: Uint8Array, install: Uint8Array | undefined): void;
  /** An old Send was repeated: answered by ConversationShard.found. */
  find(shard: number, conversation: Uint8Array, send: RepeatedSend): void;
  /** Reads rows and answers the session with a Page. */
  page(session: Session, ref: number, conversation: Uint8Array, headSeq: number, query: PageQuery): void;
  /** A committed row, to be pushed to those who should see it. */
  rowCommitted(conversation: Conversation, pending: PendingSend, head: StoredHead): void;
}

/** A Send whose number was used before, waiting for the store to say what became of it. */
export interface RepeatedSend {
  readonly session: Session;
  readonly ref: number;
  readonly clientSeq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

export interface UserOutput {
  /** False: the open commit is full; read positions wait where a later one takes the place of an earlier. */
  readonly commitHasRoom: boolean;
  record(shard: number, record: StoreRecord, completion: Completion | undefined): void;
  /** Loads a user's heads, a page at a time; answered by UserShard.loadedPage until it was the last. */
  loadHeads(shard: number, user: Uint8Array, after: Uint8Array | undefined): void;
}

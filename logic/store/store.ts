// The store port: what logic needs from a durable store, and nothing about how it is done.
//
// Two rules carry the promises. A commit is atomic and durable when `commit` resolves, and not before is
// any of it visible to reads. And reads see exactly the commits that have resolved: never an open one.
// When a commit rejects, its outcome is unknown: the caller must stop using the store, answer nothing for
// that commit, and open the store again.

/** Made once when a store is created; the epoch rises with every opening. */
export interface StoreMeta {
  /** 8 random bytes. */
  readonly storeId: Uint8Array;
  readonly shardCount: number;
  /** Minted and made durable by open(): the fence. Larger than that of every earlier opening. */
  readonly epoch: number;
}

/** A row of a conversation's log. Byte fields are owned by the row: nobody changes them. */
export interface Row {
  readonly seq: number;
  /** Wire time: ms since 2025-01-01 UTC. */
  readonly time: number;
  readonly kind: number;
  /** User id; empty for rows that the server wrote itself. */
  readonly sender: Uint8Array;
  readonly payload: Uint8Array;
  /** 8 bytes, and the number under which that install sent it. */
  readonly install: Uint8Array;
  readonly clientSeq: number;
  readonly uncounted: number;
}

export const RecordType = { Row: 1, Refusal: 2, Member: 3, Read: 4 } as const;

/** A new row: seq is the conversation's head + 1, `hash` the conversation hash at it. */
export interface RowRecord {
  readonly type: typeof RecordType.Row;
  readonly conversation: Uint8Array;
  readonly row: Row;
  readonly hash: Uint8Array;
}

/** A Send that was refused for good: its number is used up. */
export interface RefusalRecord {
  readonly type: typeof RecordType.Refusal;
  readonly conversation: Uint8Array;
  readonly install: Uint8Array;
  readonly clientSeq: number;
  readonly code: number;
}

/** An index row: the user is in the conversation from now on. Idempotent. */
export interface MemberRecord {
  readonly type: typeof RecordType.Member;
  readonly user: Uint8Array;
  readonly conversation: Uint8Array;
}

/** A read position, a max-register: a lower one than the stored has no effect. */
export interface ReadRecord {
  readonly type: typeof RecordType.Read;
  readonly user: Uint8Array;
  readonly conversation: Uint8Array;
  readonly seq: number;
}

export type StoreRecord = RowRecord | RefusalRecord | MemberRecord | ReadRecord;

/** The records of one shard in a commit, in order. */
export interface ShardCommit {
  readonly shard: number;
  /** The shard's previous position + 1; unique in the store, so that a deposed owner's commit fails. */
  readonly position: number;
  readonly records: readonly StoreRecord[];
}

export interface Commit {
  readonly epoch: number;
  readonly shards: readonly ShardCommit[];
}

export interface StoredHead {
  readonly seq: number;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly time: number;
  readonly uncounted: number;
}

export interface StoredSender {
  /** The highest number used up by this install in the conversation. */
  readonly clientSeq: number;
}

/** What became of a Send: a row, or a refusal. */
export type StoredSend = { readonly row: Row } | { readonly refused: number };

export interface PageQuery {
  /** Forward: first seq wanted, at least 1. Backward: last seq wanted, at most the head. */
  readonly fromSeq: number;
  readonly backward: boolean;
  readonly rowsMax: number;
  /** Sum of payload bytes plus 64 a row; at least one row comes if there is one. */
  readonly bytesMax: number;
}

export interface StoredPage {
  /** Ascending and contiguous. */
  readonly rows: readonly Row[];
  /** The conversation hash before rows[0], or at the head (backward) or at fromSeq - 1 (forward) when there are none. */
  readonly hashBefore: Uint8Array;
}

export interface StoredMembership {
  readonly conversation: Uint8Array;
  readonly head: StoredHead;
  readonly readSeq: number;
}

export interface Store {
  readonly meta: StoreMeta;
  /** What a resolved commit means: a number of hawser.v1.Durability. */
  readonly durability: number;
  /** The last committed position of each shard, 0 where there is none. */
  positions(): Float64Array;
  /** One synced, atomic batch. Never called while an earlier call is pending. Rejects: stop and reopen. */
  commit(commit: Commit): Promise<void>;
  /** Undefined: the conversation has no rows. */
  loadHead(conversation: Uint8Array): Promise<StoredHead | undefined>;
  /** Undefined: this install never used a number in the conversation. */
  loadSender(conversation: Uint8Array, install: Uint8Array): Promise<StoredSender | undefined>;
  /** Undefined: that number was never used. Bounded work, however long ago it was. */
  findSend(conversation: Uint8Array, install: Uint8Array, clientSeq: number): Promise<StoredSend | undefined>;
  readPage(conversation: Uint8Array, query: PageQuery): Promise<StoredPage>;
  /** The user's conversations in key order, at most `limit`, those after `after`. */
  loadMemberships(user: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly StoredMembership[]>;
  close(): Promise<void>;
}

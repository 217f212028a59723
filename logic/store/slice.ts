// One batch of a checkpoint: conversations are put in whole (head, senders, blocks), or a part at a time when they are
// large; and what is in memory only until the batch is written is remembered, and let go of then.
import type { Block } from "./block.ts";
import type { ConversationState } from "./conversation-state.ts";
import { encodeHead, type HeadFields } from "./head.ts";
import { anyMemberKey, blockKey, headKey, memberKey, sendsKey, senderKey } from "./keys.ts";
import { ANY_MEMBER, decodeMember, encodeMember, type MemberState } from "./members.ts";
import type { Overlay } from "./overlay.ts";
import type { Level } from "./reader.ts";
import { encodeChunk, type SenderState } from "./sender-state.ts";

/** An open block with as many rows or bytes becomes a block on disk; a smaller one stands in the head, where the next checkpoint adds to it. */
const OPEN_ROWS_MAX = 16;
const OPEN_BYTES_MAX = 1024;

interface Placed {
  readonly state: ConversationState;
  /** Of its dirty bytes. */
  readonly bytes: number;
  readonly blocks: number;
  readonly senders: readonly SenderState[];
}

const NO_SENDERS: readonly SenderState[] = [];

export class Slice {
  bytes: number;
  private readonly batch: ReturnType<Level["batch"]>;
  private readonly placed: Placed[];

  constructor(db: Level) {
    this.bytes = 0;
    this.batch = db.batch();
    this.placed = [];
  }

  /** All that is dirty of a conversation. */
  putConversation(state: ConversationState): void {
    const bytes = state.dirtyBytes;
    state.dirtyBytes = 0;
    state.writing = true;
    const { open } = state;
    if (open !== undefined && (open.rows >= OPEN_ROWS_MAX || open.length >= OPEN_BYTES_MAX)) {
      state.closeBlock(open);
      state.open = undefined;
    }
    for (const block of state.closed) this.put(blockKey(state.id, block.firstSeq), block.seal());
    this.placed.push({ state, bytes, blocks: state.closed.length, senders: this.putHead(state, state, state.open) });
  }

  /**
   * About `bytesMax` of a conversation's oldest full blocks, never the last one, with the head as it was behind them. Its
   * senders may be ahead of that head for a moment: replaying finds the numbers used, by the same rows. False: there is
   * one block only.
   */
  putPart(state: ConversationState, bytesMax: number): boolean {
    let blocks = 0;
    let bytes = 0;
    while (blocks < state.closed.length - 1 && bytes < bytesMax) {
      const block = state.closed[blocks++]!;
      this.put(blockKey(state.id, block.firstSeq), block.seal());
      bytes += block.length;
    }
    if (blocks === 0) return false;
    const { lastSeq, time, uncounted } = state.closed[blocks - 1]!;
    const senders = this.putHead(state, { seq: lastSeq, hash: state.closed[blocks]!.hashBefore, time, uncounted }, undefined);
    // At least one byte stays: the state is among those that this checkpoint has taken up already.
    bytes = Math.min(bytes, state.dirtyBytes - 1);
    state.dirtyBytes -= bytes;
    state.writing = true;
    this.placed.push({ state, bytes, blocks, senders });
    return true;
  }

  /** An entry merged with what is on disk, undefined if there is nothing. */
  putMember(entry: MemberState, stored: Uint8Array | undefined): void {
    const { user, conversation } = entry;
    const before = stored === undefined ? undefined : decodeMember(user, conversation, stored);
    entry.dirty = false;
    // In the same batch: whoever finds none need not look for memberships.
    if (stored === undefined) this.put(anyMemberKey(user), ANY_MEMBER);
    this.put(memberKey(user, conversation), encodeMember(entry.member || (before?.member ?? false), Math.max(entry.readSeq, before?.readSeq ?? 0)));
  }

  write(options: { sync: boolean }): Promise<void> {
    return this.batch.write(options);
  }

  /** The batch was written: what was put in need not stay in memory. */
  written(overlay: Overlay): void {
    for (const { state, bytes, blocks, senders } of this.placed) {
      state.writing = false;
      state.dropBlocks(blocks);
      for (const sender of senders) sender.dropWritten();
      overlay.written(state, bytes);
    }
  }

  /** Without writing it. */
  drop(): Promise<void> {
    return this.batch.close();
  }

  /** A head, with what its senders used since the last time. Returns those that have full chunks in the slice. */
  private putHead(state: ConversationState, head: HeadFields, open: Block | undefined): readonly SenderState[] {
    for (const sender of state.placeSenders()) this.put(senderKey(state.id, sender.installHigh, sender.installLow), sender.encode());
    let chunked = NO_SENDERS;
    for (const sender of state.senders) {
      if (!sender.dirty) continue;
      sender.dirty = false;
      if (sender.closed.length === 0) continue;
      for (const chunk of sender.closed) this.put(sendsKey(state.id, sender.installHigh, sender.installLow, chunk.index), encodeChunk(chunk));
      sender.writing = sender.closed.length;
      chunked = [...chunked, sender];
    }
    this.put(headKey(state.id), encodeHead(state, head, open));
    return chunked;
  }

  private put(key: Uint8Array, value: Uint8Array): void {
    this.batch.put(key, value);
    this.bytes += key.length + value.length;
  }
}

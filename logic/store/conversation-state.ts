// One conversation in memory: its committed head, the rows that are not in blocks on disk yet, and the senders that sent
// last or were asked for. Made from the head's value; what commits add is kept here until a checkpoint has written it.
//
//   head value = envelope | seq | time | uncounted | hash(32) | senders | sender… | the open block, if it has rows
//   senders    = twice the number of those that stand here, plus 1 if there are others with values of their own
//
// So a direct conversation, in which few installs send at a time, is read and written as one value as a rule.
// Invariant: closed and open blocks are contiguous and end at seq; everything before them is in blocks on disk.
import { HASH_START } from "../../proto/conversation-hash.ts";
import { type Block, type BlockView, newBlock, readInlineBlock } from "./block.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { headKey } from "./keys.ts";
import { readInlineSender, type SenderState, type Token } from "./sender-state.ts";
import type { StoredHead } from "./store.ts";
import { readUint32, writeVarint } from "./varint.ts";

/**
 * What a state, its blocks and its senders take in memory beside the rows: resident bytes each, measured over 100,000 of
 * them, so that the limits of the overlay are about what the process grows by.
 */
const STATE_BYTES = 850;
const BLOCK_OVERHEAD_BYTES = 650;
const SENDER_BYTES = 600;
/** What a state counts for when it becomes dirty: it and its open block, with two senders. */
export const DIRTY_STATE_BYTES = STATE_BYTES + BLOCK_OVERHEAD_BYTES + 2 * SENDER_BYTES;
/** What a row or a used number counts for beside the row's bytes: its part of its block's overhead, and its token. */
export const ROW_OVERHEAD_BYTES = 40;
/** Senders in a head's value: the two users of a direct conversation with two devices each. */
const SENDERS_INLINE_MAX = 4;
/** Above this many senders in memory they are found by a map. */
const SENDERS_SCANNED_MAX = 8;

// A hundred thousand states are alive at a time: what they do not need they share. Never added to.
const NO_BLOCKS: Block[] = [];
const NO_SENDERS: SenderState[] = [];

export class ConversationState {
  readonly id: string;
  readonly conversation: Uint8Array;
  seq: number;
  hash: Uint8Array;
  time: number;
  uncounted: number;
  /** Full blocks that no checkpoint has written yet, oldest first; and the block that takes the next row. */
  closed: Block[];
  open: Block | undefined;
  senders: SenderState[];
  /** There are senders on disk that do not stand in the head. */
  moreSenders: boolean;
  private byInstall: Map<number, SenderState[]> | undefined;

  // What the overlay and the checkpoint keep about it (overlay.ts).
  /** What commits added since the last checkpoint took this state; 0: nothing to write. */
  dirtyBytes: number;
  /** A checkpoint has put it in a batch that is not written yet. */
  writing: boolean;
  /** Commits under way that hold it. */
  pins: number;
  touched: boolean;
  queued: boolean;
  /** What it counts for in the cache while it is clean. */
  cachedBytes: number;
  /** The highest seq that the commit being checked assigns; valid while `attempt` is that commit's. */
  assigned: number;
  attempt: number;

  constructor(id: string, conversation: Uint8Array, head: StoredHead | undefined, open: Block | undefined) {
    this.id = id;
    this.conversation = conversation;
    this.seq = head?.seq ?? 0;
    this.hash = head?.hash ?? HASH_START;
    this.time = head?.time ?? 0;
    this.uncounted = head?.uncounted ?? 0;
    this.closed = NO_BLOCKS;
    this.open = open;
    this.senders = NO_SENDERS;
    this.moreSenders = false;
    this.byInstall = undefined;
    this.dirtyBytes = 0;
    this.writing = false;
    this.pins = 0;
    this.touched = true;
    this.queued = false;
    this.cachedBytes = 0;
    this.assigned = 0;
    this.attempt = 0;
  }

  /** The committed head; undefined: no rows. */
  head(): StoredHead | undefined {
    return this.seq === 0 ? undefined : { seq: this.seq, hash: this.hash, time: this.time, uncounted: this.uncounted };
  }

  /** The first seq whose row is in memory, or seq + 1. */
  get firstInMemory(): number {
    return this.closed[0]?.firstSeq ?? this.open?.firstSeq ?? this.seq + 1;
  }

  /** The rows in memory as they are now. */
  views(): BlockView[] {
    const views = this.closed.map((block) => block.view());
    if (this.open !== undefined) views.push(this.open.view());
    return views;
  }

  /** Adds the next row, which is source[start, end) as writeRow made it. */
  addRow(source: Uint8Array, start: number, end: number, time: number, uncounted: number, hash: Uint8Array): void {
    let block = this.open;
    if (block === undefined || block.full) {
      if (block !== undefined) this.closeBlock(block);
      block = this.open = newBlock(this.seq + 1, this.hash, end - start);
    }
    block.append(source, start, end, time, uncounted);
    this.seq++;
    this.time = time;
    this.uncounted = uncounted;
    this.hash = hash;
  }

  useNumber(sender: SenderState, clientSeq: number, token: Token): void {
    sender.use(clientSeq, token);
    sender.usedAt = this.seq;
    sender.dirty = true;
  }

  /** Adds a block to those that wait to be written. */
  closeBlock(block: Block): void {
    if (this.closed.length === 0) this.closed = [block];
    else this.closed.push(block);
  }

  /** The first `count` of them are on disk. */
  dropBlocks(count: number): void {
    this.closed = this.closed.length === count ? NO_BLOCKS : this.closed.slice(count);
  }

  /** The sender if it was loaded, else undefined. `install` is 8 bytes. */
  findSender(install: Uint8Array): SenderState | undefined {
    const high = readUint32(install, 0);
    const low = readUint32(install, 4);
    const candidates = this.byInstall === undefined ? this.senders : this.byInstall.get(low);
    if (candidates === undefined) return undefined;
    for (const sender of candidates) if (sender.installLow === low && sender.installHigh === high) return sender;
    return undefined;
  }

  addSender(sender: SenderState): void {
    if (this.senders.length === 0) this.senders = [sender];
    else this.senders.push(sender);
    if (this.byInstall !== undefined) this.indexSender(sender);
    else if (this.senders.length > SENDERS_SCANNED_MAX) {
      this.byInstall = new Map();
      for (const each of this.senders) this.indexSender(each);
    }
  }

  /** Forgets the senders that have nothing to be written, when they are many: a group has one per install. */
  dropSenders(): void {
    if (this.senders.length <= SENDERS_SCANNED_MAX || this.pins > 0) return;
    const kept = this.senders.filter((sender) => sender.dirty || sender.inline);
    this.senders = NO_SENDERS;
    this.byInstall = undefined;
    for (const sender of kept) this.addSender(sender);
  }

  /**
   * Takes up the dirty senders for writing. Those that sent last will stand in the head; what is returned must get values
   * of their own in the same batch.
   */
  placeSenders(): SenderState[] {
    const placed = this.senders.filter((sender) => sender.dirty || sender.inline);
    const pushed = placed.length > SENDERS_INLINE_MAX ? placed.sort((a, b) => b.usedAt - a.usedAt).splice(SENDERS_INLINE_MAX) : [];
    for (const sender of placed) sender.inline = true;
    for (const sender of pushed) sender.inline = false;
    if (pushed.length > 0) this.moreSenders = true;
    return pushed;
  }

  /** Estimated memory of this state while it is clean. */
  get bytes(): number {
    const open = this.open === undefined ? 0 : BLOCK_OVERHEAD_BYTES + this.open.bytes.length;
    return STATE_BYTES + open + this.senders.length * SENDER_BYTES;
  }

  private indexSender(sender: SenderState): void {
    const same = this.byInstall!.get(sender.installLow);
    if (same === undefined) this.byInstall!.set(sender.installLow, [sender]);
    else same.push(sender);
  }
}

/** A head with the senders that stand in it. `open` is the block that takes the next row, if it has any yet. */
export function encodeHead(state: ConversationState, head: StoredHead, open: Block | undefined): Uint8Array {
  const { seq, time, uncounted, hash } = head;
  let senders = 0;
  let size = HEAD_FIELDS_BYTES_MAX + (open?.length ?? 0);
  for (const sender of state.senders) {
    if (!sender.inline) continue;
    senders++;
    size += sender.inlineBytes;
  }
  if (size > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * size);
  let at = writeVarint(scratch, ENVELOPE_BYTES, seq);
  at = writeVarint(scratch, at, time);
  at = writeVarint(scratch, at, uncounted);
  scratch.set(hash, at);
  at = writeVarint(scratch, at + 32, senders * 2 + (state.moreSenders ? 1 : 0));
  for (const sender of state.senders) if (sender.inline) at = sender.writeInline(scratch, at);
  if (open !== undefined) at = open.writeInto(scratch, at);
  return seal(scratch, at, Tag.Head);
}
const HEAD_FIELDS_BYTES_MAX = ENVELOPE_BYTES + 3 * 8 + 32 + 2;
/** Heads are encoded here, one after the other: LevelDB copies a value when it is given it. */
let scratch = Buffer.allocUnsafeSlow(8192);

/** A state from its head's value, undefined if there is none. Throws StoreCorrupt. */
export function readState(id: string, conversation: Uint8Array, value: Uint8Array | undefined): ConversationState {
  if (value === undefined) return new ConversationState(id, conversation, undefined, undefined);
  const key = headKey(conversation);
  const reader = unseal(value, Tag.Head, "head", key);
  try {
    const head = readHeadFields(reader);
    const senders = reader.varint();
    const inline = Array.from({ length: senders >>> 1 }, () => readInlineSender(reader));
    const open = reader.done ? undefined : readInlineBlock(reader.bytes, reader.at, reader.end, head.time, head.uncounted);
    if (open !== undefined && open.lastSeq !== head.seq) throw new RangeError(`its rows end at ${open.lastSeq}, not at ${head.seq}`);
    const state = new ConversationState(id, conversation, head, open);
    state.moreSenders = senders % 2 === 1;
    for (const sender of inline) state.addSender(sender);
    return state;
  } catch (error) {
    throw corrupt("head", key, (error as Error).message, error);
  }
}

/** Only the head out of its value; its seq is 0 where there are only refusals. Throws StoreCorrupt. */
export function readHead(conversation: Uint8Array, value: Uint8Array): StoredHead {
  const key = headKey(conversation);
  const reader = unseal(value, Tag.Head, "head", key);
  try {
    return readHeadFields(reader);
  } catch (error) {
    throw corrupt("head", key, (error as Error).message, error);
  }
}

function readHeadFields(reader: ReturnType<typeof unseal>): StoredHead {
  const seq = reader.varint();
  const time = reader.varint();
  const uncounted = reader.varint();
  // Copied: a head may be kept for long, and must not keep the block behind it in memory.
  return { seq, time, uncounted, hash: reader.take(32).slice() };
}

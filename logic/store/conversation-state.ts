// One conversation in memory: its committed head, the rows that are not in blocks on disk yet, and the senders that sent
// last or were asked for. Made from the head's value (head.ts); what commits add is kept here until a checkpoint has
// written it.
//
// Invariant: closed and open blocks are contiguous and end at seq; everything before them is in blocks on disk.
import { HASH_START } from "../../proto/conversation-hash.ts";
import { Block, type BlockView } from "./block.ts";
import { bytesOf, textOf } from "./latin1.ts";
import type { SenderState, Token } from "./sender-state.ts";
import type { StoredHead } from "./store.ts";
import { readUint32 } from "./varint.ts";

/**
 * What a state, its blocks and its senders take in memory beside the rows: resident bytes each, measured over 100,000 of
 * them, so that the limits of the overlay are about what the process grows by.
 */
const STATE_BYTES = 450;
const BLOCK_OVERHEAD_BYTES = 370;
const SENDER_BYTES = 500;
/** What a state counts for when it becomes dirty: it and its open block, with two senders. */
export const DIRTY_STATE_BYTES = STATE_BYTES + BLOCK_OVERHEAD_BYTES + 2 * SENDER_BYTES;
/** What a row or a used number counts for beside the row's bytes: headers of strings, and its token. */
export const ROW_OVERHEAD_BYTES = 60;
/** Senders in a head's value: the two users of a direct conversation with two devices each. */
const SENDERS_INLINE_MAX = 4;
/** Above this many senders in memory they are found by a map. */
const SENDERS_SCANNED_MAX = 8;

const HASH_START_TEXT = textOf(HASH_START);

// A hundred thousand states are alive at a time: what they do not need they share. Never added to.
const NO_BLOCKS: Block[] = [];
const NO_SENDERS: SenderState[] = [];

export class ConversationState {
  /** The conversation key as text. */
  readonly id: string;
  seq: number;
  /** As text. */
  hash: string;
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

  constructor(id: string, head: StoredHead | undefined, open: Block | undefined) {
    this.id = id;
    this.seq = head?.seq ?? 0;
    this.hash = head === undefined ? HASH_START_TEXT : textOf(head.hash);
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
    return this.seq === 0 ? undefined : { seq: this.seq, hash: bytesOf(this.hash), time: this.time, uncounted: this.uncounted };
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
      block = this.open = new Block(this.seq + 1, this.hash);
    }
    block.append(source, start, end, time, uncounted);
    this.seq++;
    this.time = time;
    this.uncounted = uncounted;
    this.hash = textOf(hash);
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
    const open = this.open === undefined ? 0 : BLOCK_OVERHEAD_BYTES + this.open.length;
    return STATE_BYTES + open + this.senders.length * SENDER_BYTES;
  }

  private indexSender(sender: SenderState): void {
    const same = this.byInstall!.get(sender.installLow);
    if (same === undefined) this.byInstall!.set(sender.installLow, [sender]);
    else same.push(sender);
  }
}

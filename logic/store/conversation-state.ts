// One conversation in memory: its committed head, the rows that are not in blocks on disk yet, and the senders that were
// asked for. Made from the head's value; what commits add is kept here until a checkpoint has written it.
//
//   head value = envelope | seq | time | uncounted | hash(32) | the open block, if it has rows
//
// Invariant: closed and open blocks are contiguous and end at seq; everything before them is in blocks on disk.
import { HASH_START } from "../../proto/conversation-hash.ts";
import { type Block, type BlockView, newBlock, readInlineBlock } from "./block.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { headKey } from "./keys.ts";
import type { SenderState, Token } from "./sender-state.ts";
import type { StoredHead } from "./store.ts";
import { readUint32, varintBytes, writeVarint } from "./varint.ts";

/** What a state and a sender take in memory beside rows and tokens, roughly (measured by heap snapshots of 100,000). */
export const STATE_BYTES = 500;
export const SENDER_BYTES = 300;
/** Above this many senders they are found by a map. */
const SENDERS_SCANNED_MAX = 8;

export class ConversationState {
  readonly id: string;
  readonly conversation: Uint8Array;
  seq: number;
  hash: Uint8Array;
  time: number;
  uncounted: number;
  /** Full blocks that no checkpoint has written yet, oldest first; and the block that takes the next row. */
  readonly closed: Block[];
  open: Block | undefined;
  senders: SenderState[];
  private byInstall: Map<number, SenderState[]> | undefined;

  // What the overlay and the checkpoint keep about it (overlay.ts).
  /** What commits added since the last checkpoint took this state; 0: nothing to write. */
  dirtyBytes: number;
  headDirty: boolean;
  dirtySenders: SenderState[];
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
    this.closed = [];
    this.open = open;
    this.senders = [];
    this.byInstall = undefined;
    this.dirtyBytes = 0;
    this.headDirty = false;
    this.dirtySenders = [];
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
      if (block !== undefined) this.closed.push(block);
      block = this.open = newBlock(this.seq + 1, this.hash, end - start);
    }
    block.append(source, start, end, time, uncounted);
    this.seq++;
    this.time = time;
    this.uncounted = uncounted;
    this.hash = hash;
    this.headDirty = true;
  }

  useNumber(sender: SenderState, clientSeq: number, token: Token): void {
    sender.use(clientSeq, token);
    if (sender.dirty) return;
    sender.dirty = true;
    this.dirtySenders.push(sender);
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
    this.senders.push(sender);
    if (this.byInstall !== undefined) this.indexSender(sender);
    else if (this.senders.length > SENDERS_SCANNED_MAX) {
      this.byInstall = new Map();
      for (const each of this.senders) this.indexSender(each);
    }
  }

  /** Forgets the senders that have nothing to be written, when they are many: a group has one per install. */
  dropSenders(): void {
    if (this.senders.length <= SENDERS_SCANNED_MAX || this.pins > 0) return;
    const dirty = this.senders.filter((sender) => sender.dirty);
    this.senders = [];
    this.byInstall = undefined;
    for (const sender of dirty) this.addSender(sender);
  }

  /** Estimated memory of this state while it is clean. */
  get bytes(): number {
    return STATE_BYTES + this.conversation.length + (this.open?.bytes.length ?? 0) + this.senders.length * SENDER_BYTES;
  }

  private indexSender(sender: SenderState): void {
    const same = this.byInstall!.get(sender.installLow);
    if (same === undefined) this.byInstall!.set(sender.installLow, [sender]);
    else same.push(sender);
  }
}

/** A head's value. `open` is the block that takes the next row, if it has any yet. */
export function encodeHead(seq: number, hash: Uint8Array, time: number, uncounted: number, open: Block | undefined): Uint8Array {
  const value = Buffer.allocUnsafe(ENVELOPE_BYTES + varintBytes(seq) + varintBytes(time) + varintBytes(uncounted) + 32 + (open?.length ?? 0));
  let at = writeVarint(value, ENVELOPE_BYTES, seq);
  at = writeVarint(value, at, time);
  at = writeVarint(value, at, uncounted);
  value.set(hash, at);
  at += 32;
  if (open !== undefined) at = open.writeInto(value, at);
  return seal(value, at, Tag.Head);
}

/** A state from its head's value, undefined if there is none. Throws StoreCorrupt. */
export function readState(id: string, conversation: Uint8Array, value: Uint8Array | undefined): ConversationState {
  if (value === undefined) return new ConversationState(id, conversation, undefined, undefined);
  const key = headKey(conversation);
  const reader = unseal(value, Tag.Head, "head", key);
  try {
    const head = readHeadFields(reader);
    const open = reader.done ? undefined : readInlineBlock(reader.bytes, reader.at, reader.end, head.time, head.uncounted);
    if (open !== undefined && open.lastSeq !== head.seq) throw new RangeError(`its rows end at ${open.lastSeq}, not at ${head.seq}`);
    return new ConversationState(id, conversation, head, open);
  } catch (error) {
    throw corrupt("head", key, (error as Error).message, error);
  }
}

/** Only the head out of its value. Throws StoreCorrupt. */
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

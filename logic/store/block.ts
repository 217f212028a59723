// Rows of a conversation in blocks: several rows to a value, with the conversation hash before the first of them, so that
// any page's hash_before is at most a block of hashing away. A block is built in the bytes of its value: closing it costs
// a checksum, and storing it no copy.
//
//   envelope(5) | firstSeq(6) | hash before(32) | rows(2) | row …
//
// Invariant: rows are only ever added behind, so a view taken earlier stays valid, whatever is added later.
import { nextHash } from "../../proto/conversation-hash.ts";
import { sha256 } from "../shard/sha256.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { blockFirstSeq } from "./keys.ts";
import { readRow } from "./row.ts";
import type { Row } from "./store.ts";
import { ByteReader, readUint48, writeUint48 } from "./varint.ts";

const FIRST_SEQ_AT = ENVELOPE_BYTES;
const HASH_AT = FIRST_SEQ_AT + 6;
const ROWS_AT = HASH_AT + 32;
const HEADER_BYTES = ROWS_AT + 2;

/** A block takes no more rows once it has this many of them or of bytes: what bounds the hashing for a page. */
export const BLOCK_ROWS_MAX = 64;
export const BLOCK_BYTES = 4096;

/** Room for the row that makes a block full. */
const HEADROOM_BYTES = 256;

/** Rows of a conversation that do not change any more: a stored block, or one in memory as it was. */
export class BlockView {
  readonly firstSeq: number;
  readonly rows: number;
  readonly hashBefore: Uint8Array;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(firstSeq: number, rows: number, hashBefore: Uint8Array, bytes: Uint8Array, end: number) {
    this.firstSeq = firstSeq;
    this.rows = rows;
    this.hashBefore = hashBefore;
    this.bytes = bytes;
    this.end = end;
  }

  get lastSeq(): number {
    return this.firstSeq + this.rows - 1;
  }

  /** All rows, in order. Their byte fields are views of the block. Throws RangeError when they do not fit it. */
  decode(): Row[] {
    const reader = new ByteReader(this.bytes, HEADER_BYTES, this.end);
    const rows: Row[] = [];
    for (let i = 0; i < this.rows; i++) rows.push(readRow(reader, this.firstSeq + i));
    if (!reader.done) throw new RangeError("bytes are left over behind the last row");
    return rows;
  }
}

/** The conversation hash behind rows[0, count), which begin after `hash`. */
export function rollHash(hash: Uint8Array, rows: readonly Row[], count: number): Uint8Array {
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    hash = nextHash(sha256, hash, row.seq, row.sender, row.kind, row.time, sha256(row.payload));
  }
  return hash;
}

/** A block that rows are added to. */
export class Block {
  readonly firstSeq: number;
  readonly hashBefore: Uint8Array;
  rows: number;
  length: number;
  /** Of the last row. */
  time: number;
  uncounted: number;
  bytes: Uint8Array;

  constructor(firstSeq: number, hashBefore: Uint8Array, bytes: Uint8Array, rows: number, length: number, time: number, uncounted: number) {
    this.firstSeq = firstSeq;
    this.hashBefore = hashBefore;
    this.rows = rows;
    this.length = length;
    this.time = time;
    this.uncounted = uncounted;
    this.bytes = bytes;
  }

  get lastSeq(): number {
    return this.firstSeq + this.rows - 1;
  }

  get full(): boolean {
    return this.rows >= BLOCK_ROWS_MAX || this.length >= BLOCK_BYTES;
  }

  /** Adds source[start, end), a row as writeRow made it. */
  append(source: Uint8Array, start: number, end: number, time: number, uncounted: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) this.grow(length);
    this.bytes.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), this.length);
    this.length = length;
    this.rows++;
    this.time = time;
    this.uncounted = uncounted;
  }

  view(): BlockView {
    return new BlockView(this.firstSeq, this.rows, this.hashBefore, this.bytes, this.length);
  }

  /** The block as a value of LevelDB. */
  seal(): Uint8Array {
    this.writeHeader();
    return seal(this.bytes, this.length, Tag.Block);
  }

  /** Copies the block to the end of a head's value; returns the offset behind it. */
  writeInto(value: Uint8Array, at: number): number {
    this.writeHeader();
    value.set(new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, this.length), at);
    return at + this.length;
  }

  private writeHeader(): void {
    const { bytes, rows } = this;
    writeUint48(bytes, FIRST_SEQ_AT, this.firstSeq);
    bytes.set(this.hashBefore, HASH_AT);
    bytes[ROWS_AT] = rows >>> 8;
    bytes[ROWS_AT + 1] = rows;
  }

  private grow(needed: number): void {
    // Own memory, not a slice of the shared pool: a small block in memory must not keep a pool alive. Twice at most, for it
    // is what costs most when a row is added.
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length < BLOCK_BYTES / 4 ? BLOCK_BYTES / 4 : BLOCK_BYTES + HEADROOM_BYTES));
    bytes.set(new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, this.length));
    this.bytes = bytes;
  }
}

/** An empty block that the row of `firstSeq` is about to be added to, which takes `bytes`. */
export function newBlock(firstSeq: number, hashBefore: Uint8Array, bytes: number): Block {
  return new Block(firstSeq, hashBefore, Buffer.allocUnsafeSlow(HEADER_BYTES + bytes), 0, HEADER_BYTES, 0, 0);
}

/** The block that Block.writeInto put at bytes[at, end); `time` and `uncounted` are its last row's. */
export function readInlineBlock(bytes: Uint8Array, at: number, end: number, time: number, uncounted: number): Block {
  if (end - at < HEADER_BYTES) throw new RangeError("the open block is cut off");
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at);
  return new Block(readUint48(view, FIRST_SEQ_AT), view.slice(HASH_AT, ROWS_AT), view, (view[ROWS_AT]! << 8) | view[ROWS_AT + 1]!, view.length, time, uncounted);
}

/** A stored block, checked against its checksum and its key. Throws StoreCorrupt. */
export function readBlock(key: Uint8Array, value: Uint8Array): BlockView {
  const { bytes, end } = unseal(value, Tag.Block, "block", key);
  if (end < HEADER_BYTES) throw corrupt("block", key, "its header is cut off");
  const firstSeq = readUint48(bytes, FIRST_SEQ_AT);
  if (firstSeq !== blockFirstSeq(key)) throw corrupt("block", key, `it says that it begins at ${firstSeq}`);
  return new BlockView(firstSeq, (bytes[ROWS_AT]! << 8) | bytes[ROWS_AT + 1]!, bytes.subarray(HASH_AT, ROWS_AT), bytes, end);
}

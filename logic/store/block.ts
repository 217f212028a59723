// Rows of a conversation in blocks: several rows to a value, with the conversation hash before the first of them, so that
// any page's hash_before is at most a block of hashing away.
//
//   value = envelope | body          body = firstSeq(6) | hash before(32) | rows(2) | row …
//
// In memory a block's rows and hash are text (latin1.ts): appending makes no copy, and what was seen once never changes.
import { nextHash } from "../../proto/conversation-hash.ts";
import { sha256 } from "../shard/sha256.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { blockFirstSeq } from "./keys.ts";
import { bytesOf, textOf, writeText } from "./latin1.ts";
import { readRow } from "./row.ts";
import type { Row } from "./store.ts";
import { ByteReader, readUint48, writeUint48 } from "./varint.ts";

// Offsets behind the envelope.
const HASH_AT = 6;
const ROWS_AT = HASH_AT + 32;
const HEADER_BYTES = ROWS_AT + 2;

/** A block takes no more rows once it has this many of them or of bytes: what bounds the hashing for a page. */
export const BLOCK_ROWS_MAX = 64;
export const BLOCK_BYTES = 4096;

/** Rows of a conversation that do not change any more: a stored block, or one in memory as it was. */
export class BlockView {
  readonly firstSeq: number;
  readonly rows: number;
  /** As text. */
  private readonly hash: string;
  /** Where the rows are: text, or a value behind whose header they begin. */
  private readonly source: string | Uint8Array;

  constructor(firstSeq: number, rows: number, hash: string, source: string | Uint8Array) {
    this.firstSeq = firstSeq;
    this.rows = rows;
    this.hash = hash;
    this.source = source;
  }

  get lastSeq(): number {
    return this.firstSeq + this.rows - 1;
  }

  get hashBefore(): Uint8Array {
    return bytesOf(this.hash);
  }

  /** All rows, in order. Their byte fields are views of memory that this call made. Throws RangeError when they do not fit it. */
  decode(): Row[] {
    const { source } = this;
    const bytes = typeof source === "string" ? bytesOf(source) : source;
    const reader = new ByteReader(bytes, typeof source === "string" ? 0 : ENVELOPE_BYTES + HEADER_BYTES, bytes.length);
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
  /** As text. */
  readonly hashBefore: string;
  rows: number;
  /** Of the last row. */
  time: number;
  uncounted: number;
  private text: string;

  constructor(firstSeq: number, hashBefore: string) {
    this.firstSeq = firstSeq;
    this.hashBefore = hashBefore;
    this.rows = 0;
    this.time = 0;
    this.uncounted = 0;
    this.text = "";
  }

  get lastSeq(): number {
    return this.firstSeq + this.rows - 1;
  }

  /** Bytes of the body. */
  get length(): number {
    return HEADER_BYTES + this.text.length;
  }

  get full(): boolean {
    return this.rows >= BLOCK_ROWS_MAX || this.length >= BLOCK_BYTES;
  }

  /** Adds source[start, end), a row as writeRow made it. */
  append(source: Uint8Array, start: number, end: number, time: number, uncounted: number): void {
    this.text += textOf(source, start, end);
    this.rows++;
    this.time = time;
    this.uncounted = uncounted;
  }

  view(): BlockView {
    return new BlockView(this.firstSeq, this.rows, this.hashBefore, this.text);
  }

  /** The block as a value of LevelDB, which is valid until the next call: LevelDB copies it when it is given it. */
  seal(): Uint8Array {
    if (ENVELOPE_BYTES + this.length > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * this.length);
    return seal(scratch, this.writeInto(scratch, ENVELOPE_BYTES), Tag.Block);
  }

  /** Writes the body at `at`, where `length` bytes are free; returns the offset behind it. */
  writeInto(bytes: Uint8Array, at: number): number {
    writeUint48(bytes, at, this.firstSeq);
    writeText(bytes, at + HASH_AT, this.hashBefore);
    bytes[at + ROWS_AT] = this.rows >>> 8;
    bytes[at + ROWS_AT + 1] = this.rows;
    return writeText(bytes, at + HEADER_BYTES, this.text);
  }

  /** The block that writeInto put at bytes[at, end); `time` and `uncounted` are its last row's. Throws RangeError. */
  static read(bytes: Uint8Array, at: number, end: number, time: number, uncounted: number): Block {
    if (end - at < HEADER_BYTES) throw new RangeError("the open block is cut off");
    const block = new Block(readUint48(bytes, at), textOf(bytes, at + HASH_AT, at + ROWS_AT));
    block.rows = (bytes[at + ROWS_AT]! << 8) | bytes[at + ROWS_AT + 1]!;
    block.time = time;
    block.uncounted = uncounted;
    block.text = textOf(bytes, at + HEADER_BYTES, end);
    return block;
  }
}
let scratch = Buffer.allocUnsafeSlow(2 * BLOCK_BYTES);

/** A stored block, checked against its checksum and its key. Throws StoreCorrupt. */
export function readBlock(key: Uint8Array, value: Uint8Array): BlockView {
  const { at } = unseal(value, Tag.Block, "block", key);
  if (value.length < at + HEADER_BYTES) throw corrupt("block", key, "its header is cut off");
  const firstSeq = readUint48(value, at);
  if (firstSeq !== blockFirstSeq(key)) throw corrupt("block", key, `it says that it begins at ${firstSeq}`);
  return new BlockView(firstSeq, (value[at + ROWS_AT]! << 8) | value[at + ROWS_AT + 1]!, textOf(value, at + HASH_AT, at + ROWS_AT), value);
}

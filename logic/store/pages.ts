// Pages of a conversation's log out of its blocks: those on disk and those in memory. What is in memory is looked at once,
// before anything is awaited; a block leaves memory only after it is on disk, so between the two no row can be missed.
import { type BlockView, readBlock, rollHash } from "./block.ts";
import type { ConversationState } from "./conversation-state.ts";
import { corrupt } from "./envelope.ts";
import { blockKey, headKey } from "./keys.ts";
import { bytesOf } from "./latin1.ts";
import type { KeyRange, Reader } from "./reader.ts";
import type { PageQuery, Row, StoredPage } from "./store.ts";

/** What a row counts for in a page beside its payload (Store.readPage). */
const ROW_BYTES = 64;
/** Blocks fetched at once at most. A page of the usual 64 KiB is 17 blocks of 4 KiB. */
const BLOCKS_PER_READ = 16;
const BYTES_PER_READ = 64 * 1024;

/** See Store.readPage. A forward page from beyond the head is empty, with the hash at the head. */
export async function readPage(reader: Reader, state: ConversationState, query: PageQuery): Promise<StoredPage> {
  const { seq: head, hash } = state;
  const from = query.backward ? Math.min(query.fromSeq, head) : Math.max(query.fromSeq, 1);
  if (from < 1 || from > head) return { rows: [], hashBefore: bytesOf(hash) };
  const inMemory = state.views();
  const source = new BlockSource(reader, state.id, inMemory, state.firstInMemory);
  const limit = new PageLimit(query);
  return query.backward ? readBackward(source, from, limit) : readForward(source, from, head, limit);
}

/** The row of `seq`, which is at least 1 and at most the head. */
export async function readRowAt(reader: Reader, state: ConversationState, seq: number): Promise<Row> {
  const source = new BlockSource(reader, state.id, state.views(), state.firstInMemory);
  const block = await source.containing(seq);
  return source.rows(block)[seq - block.firstSeq]!;
}

async function readForward(source: BlockSource, from: number, head: number, limit: PageLimit): Promise<StoredPage> {
  let block = await source.containing(from);
  let rows = source.rows(block);
  const skipped = from - block.firstSeq;
  const hashBefore = rollHash(block.hashBefore, rows, skipped);
  const page: Row[] = [];
  for (let at = skipped; ; at = 0) {
    for (; at < rows.length; at++) {
      if (!limit.take(rows[at]!)) return { rows: page, hashBefore };
      page.push(rows[at]!);
    }
    if (block.lastSeq >= head) return { rows: page, hashBefore };
    block = await source.after(block, limit.rowsLeft);
    rows = source.rows(block);
  }
}

async function readBackward(source: BlockSource, from: number, limit: PageLimit): Promise<StoredPage> {
  let block = await source.containing(from);
  const page: Row[] = [];
  for (let last = from; ; ) {
    const rows = source.rows(block);
    let at = last - block.firstSeq;
    while (at >= 0 && limit.take(rows[at]!)) page.push(rows[at--]!);
    if (at >= 0 || block.firstSeq === 1) return { rows: page.reverse(), hashBefore: rollHash(block.hashBefore, rows, at + 1) };
    const before = limit.full ? undefined : await source.before(block, limit.rowsLeft);
    if (before === undefined) return { rows: page.reverse(), hashBefore: block.hashBefore };
    block = before;
    last = block.lastSeq;
  }
}

/** Counts a page's rows and bytes. The first row is always taken. */
class PageLimit {
  private rows: number;
  private bytes: number;
  private any: boolean;

  constructor(query: PageQuery) {
    this.rows = Math.max(1, query.rowsMax);
    this.bytes = query.bytesMax;
    this.any = false;
  }

  get rowsLeft(): number {
    return this.rows;
  }

  get full(): boolean {
    return this.rows === 0 || (this.any && this.bytes < ROW_BYTES);
  }

  take(row: Row): boolean {
    const bytes = ROW_BYTES + row.payload.length;
    if (this.rows === 0 || (this.any && bytes > this.bytes)) return false;
    this.rows--;
    this.bytes -= bytes;
    this.any = true;
    return true;
  }
}

/** How many blocks to fetch for so many more rows: as many as hold them if they are like the last one, and one. */
function blocksFor(rows: number, like: BlockView): number {
  return Math.min(BLOCKS_PER_READ, Math.ceil(rows / Math.max(1, like.rows)) + 1);
}

/** The blocks of a conversation, wherever they are. Invariant: blocks on disk end where those in memory begin. */
class BlockSource {
  private readonly reader: Reader;
  private readonly conversation: string;
  private readonly inMemory: readonly BlockView[];
  private readonly firstInMemory: number;
  /** Read ahead, in the direction of the page. */
  private ahead: BlockView[];
  private key: Uint8Array;

  constructor(reader: Reader, conversation: string, inMemory: readonly BlockView[], firstInMemory: number) {
    this.reader = reader;
    this.conversation = conversation;
    this.inMemory = inMemory;
    this.firstInMemory = firstInMemory;
    this.ahead = [];
    this.key = headKey(conversation);
  }

  async containing(seq: number): Promise<BlockView> {
    if (seq >= this.firstInMemory) {
      for (let i = this.inMemory.length - 1; i >= 0; i--) if (this.inMemory[i]!.firstSeq <= seq) return this.inMemory[i]!;
    }
    const [block] = await this.read({ reverse: true, gte: blockKey(this.conversation, 0), lte: blockKey(this.conversation, seq), limit: 1 });
    if (block === undefined || block.lastSeq < seq) throw corrupt("head", this.key, `no block has row ${seq}`);
    return block;
  }

  async after(block: BlockView, rowsWanted: number): Promise<BlockView> {
    const seq = block.lastSeq + 1;
    if (seq >= this.firstInMemory) return this.containing(seq);
    if (this.ahead.length === 0) {
      const range = { gte: blockKey(this.conversation, seq), lt: blockKey(this.conversation, this.firstInMemory), limit: blocksFor(rowsWanted, block) };
      this.ahead = await this.read(range);
    }
    const next = this.ahead.shift();
    if (next === undefined || next.firstSeq !== seq) throw corrupt("head", this.key, `no block begins at row ${seq}`);
    return next;
  }

  async before(block: BlockView, rowsWanted: number): Promise<BlockView> {
    const seq = block.firstSeq - 1;
    if (seq >= this.firstInMemory) return this.containing(seq);
    if (this.ahead.length === 0) {
      const range = { reverse: true, gte: blockKey(this.conversation, 0), lte: blockKey(this.conversation, seq), limit: blocksFor(rowsWanted, block) };
      this.ahead = await this.read(range);
    }
    const next = this.ahead.shift();
    if (next === undefined || next.lastSeq !== seq) throw corrupt("head", this.key, `no block ends at row ${seq}`);
    return next;
  }

  rows(block: BlockView): Row[] {
    try {
      return block.decode();
    } catch (error) {
      throw corrupt("block", blockKey(this.conversation, block.firstSeq), (error as Error).message, error);
    }
  }

  private async read(range: Omit<KeyRange, "bytesMax">): Promise<BlockView[]> {
    const entries = await this.reader.range({ ...range, bytesMax: BYTES_PER_READ });
    return entries.map(([key, value]) => readBlock(key, value));
  }
}

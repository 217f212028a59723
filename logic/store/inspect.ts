// Reads a closed store from end to end, for tools that verify: every row in order, checked on the way. Commits that no
// checkpoint has put in their place are replayed in memory; nothing is written but what LevelDB writes when it opens.
import { HASH_START } from "../../proto/conversation-hash.ts";
import { type BlockView, readBlock, rollHash } from "./block.ts";
import type { ConversationState } from "./conversation-state.ts";
import { corrupt } from "./envelope.ts";
import { readState } from "./head.ts";
import { blockKey, headConversation, headKey, HEADS } from "./keys.ts";
import { bytesOf } from "./latin1.ts";
import { LEVEL_TUNING, openLevel, readMeta } from "./leveldb.ts";
import { Loader } from "./loader.ts";
import { Members } from "./members.ts";
import { Overlay } from "./overlay.ts";
import { type Level, Reader } from "./reader.ts";
import { recover } from "./recover.ts";
import type { Row } from "./store.ts";

/** A row and where it belongs. */
export interface InspectedRow {
  readonly conversation: Uint8Array;
  readonly row: Row;
}

/**
 * All rows by conversation key (bytewise) and seq. The store must be closed. Throws StoreLocked, StoreCorrupt (a hole, or a
 * hash that is not that of the rows), StoreMismatch (no store there), StoreFailed.
 */
export async function* readAllRows(dir: string): AsyncGenerator<InspectedRow> {
  const db = await openLevel(dir, LEVEL_TUNING, false);
  try {
    const overlay = new Overlay(LEVEL_TUNING.cacheBytesMax);
    const loader = new Loader(new Reader(db), overlay);
    await recover({ db, overlay, members: new Members(), loader }, await readMeta(db, dir, undefined));
    for await (const state of allStates(db, overlay)) {
      const conversation = bytesOf(state.id);
      for await (const row of rowsOf(db, state)) yield { conversation, row };
    }
  } finally {
    await db.close();
  }
}

/** Conversations with rows, those on disk merged with those that are in the journal only. */
async function* allStates(db: Level, overlay: Overlay): AsyncGenerator<ConversationState> {
  const replayed = [...overlay.states.values()].filter((state) => state.dirtyBytes > 0 && state.seq > 0);
  replayed.sort((a, b) => (a.id < b.id ? -1 : 1));
  let at = 0;
  for await (const [key, value] of db.iterator(HEADS)) {
    const conversation = headConversation(key);
    while (at < replayed.length && replayed[at]!.id < conversation) yield replayed[at++]!;
    if (replayed[at]?.id === conversation) yield replayed[at++]!;
    else yield readState(conversation, value);
  }
  while (at < replayed.length) yield replayed[at++]!;
}

async function* rowsOf(db: Level, state: ConversationState): AsyncGenerator<Row> {
  let seq = 0;
  let hash = HASH_START;
  for await (const block of blocksOf(db, state)) {
    const key = blockKey(state.id, block.firstSeq);
    if (block.firstSeq !== seq + 1) throw corrupt("block", key, `it follows row ${seq}`);
    if (Buffer.compare(block.hashBefore, hash) !== 0) throw corrupt("block", key, "the hash before it is not that of the rows before it");
    const rows = decode(block, key);
    yield* rows;
    hash = rollHash(hash, rows, rows.length);
    seq = block.lastSeq;
  }
  if (seq !== state.seq) throw corrupt("head", headKey(state.id), `it is at ${state.seq}, but the rows end at ${seq}`);
  if (Buffer.compare(bytesOf(state.hash), hash) !== 0) throw corrupt("head", headKey(state.id), "its hash is not that of the rows");
}

async function* blocksOf(db: Level, state: ConversationState): AsyncGenerator<BlockView> {
  const range = { gte: blockKey(state.id, 0), lt: blockKey(state.id, state.firstInMemory) };
  for await (const [key, value] of db.iterator(range)) yield readBlock(key, value);
  yield* state.views();
}

function decode(block: BlockView, key: Uint8Array): Row[] {
  try {
    return block.decode();
  } catch (error) {
    throw corrupt("block", key, (error as Error).message, error);
  }
}

// The head of a conversation as a value. With it stand the installs that sent last, and the block that takes the next row:
// so a direct conversation, in which few installs send at a time, is read and written as one value as a rule.
//
//   value   = envelope | seq | time | uncounted | hash(32) | senders | sender… | the open block's body, if it has rows
//   senders = twice the number of those that stand here, plus 1 if there are others, with values of their own
import { writeVarint } from "../../proto/varint.ts";
import { Block } from "./block.ts";
import { ConversationState } from "./conversation-state.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { headKey } from "./keys.ts";
import { writeText } from "./latin1.ts";
import { readInlineSender } from "./sender-state.ts";
import type { StoredHead } from "./store.ts";
import type { ByteReader } from "./varint.ts";

/** A head with the senders that stand in it. `open` is the block that takes the next row, if it has any yet. */
export function encodeHead(state: ConversationState, head: HeadFields, open: Block | undefined): Uint8Array {
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
  at = writeText(scratch, at, hash);
  at = writeVarint(scratch, at, senders * 2 + (state.moreSenders ? 1 : 0));
  for (const sender of state.senders) if (sender.inline) at = sender.writeInline(scratch, at);
  if (open !== undefined) at = open.writeInto(scratch, at);
  return seal(scratch, at, Tag.Head);
}
/** Of a state: its own head, or one of its rows'. The hash is text. */
export interface HeadFields {
  readonly seq: number;
  readonly hash: string;
  readonly time: number;
  readonly uncounted: number;
}

const HEAD_FIELDS_BYTES_MAX = ENVELOPE_BYTES + 3 * 8 + 32 + 2;
/** Heads are encoded here, one after the other: LevelDB copies a value when it is given it. */
let scratch = Buffer.allocUnsafeSlow(8192);

/** A state from its head's value, undefined if there is none. Throws StoreCorrupt. */
export function readState(id: string, value: Uint8Array | undefined): ConversationState {
  if (value === undefined) return new ConversationState(id, undefined, undefined);
  const key = headKey(id);
  const reader = unseal(value, Tag.Head, "head", key);
  try {
    const head = readHeadFields(reader);
    const senders = reader.varint();
    const inline = Array.from({ length: senders >>> 1 }, () => readInlineSender(reader));
    const open = reader.done ? undefined : Block.read(reader.bytes, reader.at, reader.end, head.time, head.uncounted);
    if (open !== undefined && open.lastSeq !== head.seq) throw new RangeError(`its rows end at ${open.lastSeq}, not at ${head.seq}`);
    const state = new ConversationState(id, head, open);
    state.moreSenders = senders % 2 === 1;
    for (const sender of inline) state.addSender(sender);
    return state;
  } catch (error) {
    throw corrupt("head", key, (error as Error).message, error);
  }
}

/** Only the head out of its value; its seq is 0 where there are only refusals. Throws StoreCorrupt. */
export function readHead(conversation: string, value: Uint8Array): StoredHead {
  const key = headKey(conversation);
  const reader = unseal(value, Tag.Head, "head", key);
  try {
    return readHeadFields(reader);
  } catch (error) {
    throw corrupt("head", key, (error as Error).message, error);
  }
}

function readHeadFields(reader: ByteReader): StoredHead {
  const seq = reader.varint();
  const time = reader.varint();
  const uncounted = reader.varint();
  // Copied: a head may be kept for long, and must not keep the block behind it in memory.
  return { seq, time, uncounted, hash: reader.take(32).slice() };
}

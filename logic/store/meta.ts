// The two values that tell what a store is and how far its checkpoints have come.
//
//   meta       = envelope | format | store id(8) | shard count | epoch           written with a sync at every opening
//   checkpoint = envelope | number | shards | position…                          written with a sync by every checkpoint
//
// The checkpoint's number is that of the last commit of which everything is in its place, durably; the positions are
// those of the shards at that commit.
import { writeVarint } from "../../proto/varint.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { CHECKPOINT_KEY, META_KEY } from "./keys.ts";
import type { StoreMeta } from "./store.ts";

/**
 * Of the layout as a whole. Values carry versions of their own in their tags. 1 had no anyMemberKey: such a store is brought up to
 * 2 when it is opened (upgrade.ts).
 */
export const FORMAT = 2;
const FORMAT_OLDEST = 1;

export function encodeMeta(meta: StoreMeta, format = FORMAT): Uint8Array {
  const value = Buffer.allocUnsafe(ENVELOPE_BYTES + 40);
  let at = writeVarint(value, ENVELOPE_BYTES, format);
  value.set(meta.storeId, at);
  at += 8;
  at = writeVarint(value, at, meta.shardCount);
  at = writeVarint(value, at, meta.epoch);
  return seal(value, at, Tag.Meta);
}

export function decodeMeta(value: Uint8Array): StoreMeta & { readonly format: number } {
  const reader = unseal(value, Tag.Meta, "meta", META_KEY);
  try {
    const format = reader.varint();
    if (format < FORMAT_OLDEST || format > FORMAT) throw new RangeError(`its format is ${format}, this program reads ${FORMAT_OLDEST} to ${FORMAT}`);
    return { format, storeId: reader.take(8).slice(), shardCount: reader.varint(), epoch: reader.varint() };
  } catch (error) {
    throw corrupt("meta", META_KEY, (error as Error).message, error);
  }
}

export interface CheckpointRecord {
  readonly number: number;
  readonly positions: Float64Array;
}

export function encodeCheckpoint(number: number, positions: Float64Array): Uint8Array {
  const value = Buffer.allocUnsafe(ENVELOPE_BYTES + 16 + 8 * positions.length);
  let at = writeVarint(value, ENVELOPE_BYTES, number);
  at = writeVarint(value, at, positions.length);
  for (const position of positions) at = writeVarint(value, at, position);
  return seal(value, at, Tag.Checkpoint);
}

/** Undefined: no checkpoint yet. */
export function decodeCheckpoint(value: Uint8Array | undefined, shardCount: number): CheckpointRecord {
  const positions = new Float64Array(shardCount);
  if (value === undefined) return { number: 0, positions };
  const reader = unseal(value, Tag.Checkpoint, "checkpoint", CHECKPOINT_KEY);
  try {
    const number = reader.varint();
    if (reader.varint() !== shardCount) throw new RangeError("another number of shards");
    for (let shard = 0; shard < shardCount; shard++) positions[shard] = reader.varint();
    return { number, positions };
  } catch (error) {
    throw corrupt("checkpoint", CHECKPOINT_KEY, (error as Error).message, error);
  }
}

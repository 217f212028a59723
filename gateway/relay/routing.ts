// Which shard a request goes to, found by peeking at the three fields that name its conversation (SPEC.md §5)
// without decoding the rest. A body that names it twice, not at all, or by something that is no id, is refused
// here; so is one whose fields do not fit together. Groups in the protobuf sense (wire types 3 and 4), which no
// proto3 encoder writes, count as malformed.
//
// What is found here only chooses the way: the owner of the shard decodes the whole body and decides itself.
import { ConversationKind, isId, shardOf } from "../../proto/conversation.ts";
import { Limits } from "../../proto/limits.ts";

const Wire = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;
const FIELD_PEER = 1;
const FIELD_GROUP = 2;
const FIELD_SELF = 3;

/** What the last successful `peek` found: valid until the next call only. */
export let peekedKind: ConversationKind = ConversationKind.User;
/** The id, peeked in the bytes given; empty for `self`. */
export let peekedStart = 0;
export let peekedEnd = 0;

/** Where the last varint ended, and its value; -1: there was none. */
let at = 0;
let value = 0;

/** Finds what names the conversation in the body bytes[start, end) of a Send, Fetch or Read. False: BAD_REQUEST. */
export function peek(bytes: Uint8Array, start: number, end: number): boolean {
  let found = false;
  at = start;
  while (at < end) {
    if (!varint(bytes, end, 5)) return false;
    const field = Math.floor(value / 8);
    const wire = value & 7;
    // Five bytes hold more than the 29 bits of a field number.
    if (field === 0 || value > 0xffff_ffff) return false;
    if (field <= FIELD_SELF) {
      if (found || wire !== (field === FIELD_SELF ? Wire.Varint : Wire.Bytes)) return false;
      found = true;
      peekedKind = field === FIELD_PEER ? ConversationKind.Direct : field === FIELD_GROUP ? ConversationKind.Group : ConversationKind.Self;
    }
    switch (wire) {
      case Wire.Varint:
        if (!varint(bytes, end, 10)) return false;
        if (field === FIELD_SELF && value === 0) return false;
        break;
      case Wire.Fixed64:
        at += 8;
        break;
      case Wire.Fixed32:
        at += 4;
        break;
      case Wire.Bytes: {
        if (!varint(bytes, end, 5)) return false;
        const length = value;
        if (field < FIELD_SELF) {
          peekedStart = at;
          peekedEnd = at + length;
        }
        at += length;
        break;
      }
      default:
        return false;
    }
    if (at > end) return false;
  }
  if (!found) return false;
  return peekedKind === ConversationKind.Self || isId(bytes, peekedStart, peekedEnd);
}

/**
 * The shard of the conversation that the last `peek` found in `bytes`, as the user ids[userStart, userEnd) means it. The
 * keys are those of proto/conversation.ts (a test holds them together), put together in one buffer that is used again:
 * this runs for every Send.
 */
export function peekedShard(bytes: Uint8Array, ids: Uint8Array, userStart: number, userEnd: number, shardCount: number): number {
  key[0] = peekedKind;
  let end = 1;
  switch (peekedKind) {
    case ConversationKind.Direct:
      if (comesFirst(ids, userStart, userEnd, bytes, peekedStart, peekedEnd)) {
        end = putId(ids, userStart, userEnd, end);
        end = putId(bytes, peekedStart, peekedEnd, end);
      } else {
        end = putId(bytes, peekedStart, peekedEnd, end);
        end = putId(ids, userStart, userEnd, end);
      }
      break;
    case ConversationKind.Group:
      end = putId(bytes, peekedStart, peekedEnd, end);
      break;
    default:
      end = putId(ids, userStart, userEnd, end);
  }
  return shardOf(key.subarray(0, end), shardCount);
}
const key = new Uint8Array(3 + 2 * Limits.idBytesMax);

function putId(bytes: Uint8Array, start: number, end: number, to: number): number {
  key[to++] = end - start;
  for (let i = start; i < end; i++) key[to++] = bytes[i]!;
  return to;
}

/** Whether a sorts before b, bytewise; a prefix sorts first. */
function comesFirst(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): boolean {
  for (; aStart < aEnd && bStart < bEnd; aStart++, bStart++) {
    if (a[aStart] !== b[bStart]) return a[aStart]! < b[bStart]!;
  }
  return aStart === aEnd;
}

/** Reads a varint at `at`. False: it does not end within `end`, or within `bytesMax`. Values beyond 2^53 come out inexact. */
function varint(bytes: Uint8Array, end: number, bytesMax: number): boolean {
  let scale = 1;
  value = 0;
  for (let i = 0; i < bytesMax; i++) {
    if (at >= end) return false;
    const byte = bytes[at++]!;
    value += (byte & 127) * scale;
    if (byte < 128) return true;
    scale *= 128;
  }
  return false;
}

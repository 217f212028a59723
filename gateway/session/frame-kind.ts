// What a whole encoded frame is, told from its first bytes: for counts, and to join receipts. Frames here come from logic or from the gateway
// itself; one that is not well formed counts as a beat and is never an error.
import { lengthRead, readLength } from "../../proto/frame.ts";
import { FrameType, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { CloseReason } from "../counters.ts";

/** Tags of Read's fields peer, group and self. */
const TAG_PEER = 0x0a;
const TAG_GROUP = 0x12;
const TAG_SELF = 0x18;

/** The type of a whole frame; 0 for a beat. */
export function frameType(frame: Uint8Array): number {
  const at = headerAt(frame);
  return at < 0 ? 0 : frame[at]! & TYPE_MASK;
}

/**
 * Which conversation a Read frame is about, as a key that only equals that of another Read frame about the same. Logic writes what names the
 * conversation first (naming.ts); where that is not so, the key is the whole frame, which then stands for itself alone.
 */
export function receiptKey(frame: Uint8Array): string {
  const at = headerAt(frame);
  if (at >= 0 && frame[at] === FrameType.Read) {
    const tag = frame[at + 1];
    const idBytes = frame[at + 2];
    if (tag === TAG_SELF) return "self";
    // Ids have at most 64 bytes, so their length is one.
    if ((tag === TAG_PEER || tag === TAG_GROUP) && idBytes !== undefined && idBytes < 0x80) return latin1(frame, at + 1, at + 3 + idBytes);
  }
  return `frame ${latin1(frame, 0, frame.length)}`;
}

/** For the count of closes: which error a last frame is. */
export function closeReasonOf(frame: Uint8Array): number {
  if (frameType(frame) !== FrameType.Error) return CloseReason.Other;
  const end = readLength(frame, 0, frame.length);
  try {
    const { code } = hawser.v1.Error.decode(frame.subarray(end + 1, end + lengthRead));
    return code < CloseReason.Drained ? code : CloseReason.Other;
  } catch {
    return CloseReason.Other;
  }
}

/** Where the header stands; -1: there is none. */
function headerAt(frame: Uint8Array): number {
  if (frame.length === 0) return -1;
  const at = frame[0]! < 0x80 ? 1 : readLength(frame, 0, frame.length);
  return at < 0 || at >= frame.length ? -1 : at;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", start, end);
}

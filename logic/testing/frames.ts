// Frames that logic wrote, read back: one type and one decoded message each.
import { readLength, lengthRead } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";

const v1 = hawser.v1;

/** A frame from the server by the name of its type. */
export type ServerFrame =
  | { type: "Error"; message: hawser.v1.Error }
  | { type: "Sent"; message: hawser.v1.Sent }
  | { type: "Push"; message: hawser.v1.Push }
  | { type: "Heads"; message: hawser.v1.Heads }
  | { type: "Page"; message: hawser.v1.Page }
  | { type: "Checked"; message: hawser.v1.Checked }
  | { type: "Read"; message: hawser.v1.Read }
  | { type: "Resync"; message: hawser.v1.Resync };

/** Throws when the bytes are not exactly one frame that a server may send after Welcome. */
export function readFrame(bytes: Uint8Array): ServerFrame {
  const start = readLength(bytes, 0, bytes.length);
  if (start < 0 || start + lengthRead !== bytes.length) throw new Error("not exactly one frame");
  const body = bytes.subarray(start + 1);
  switch (bytes[start]) {
    case FrameType.Error:
      return { type: "Error", message: v1.Error.decode(body) };
    case FrameType.Sent:
      return { type: "Sent", message: v1.Sent.decode(body) };
    case FrameType.Push:
      return { type: "Push", message: v1.Push.decode(body) };
    case FrameType.Heads:
      return { type: "Heads", message: v1.Heads.decode(body) };
    case FrameType.Page:
      return { type: "Page", message: v1.Page.decode(body) };
    case FrameType.Checked:
      return { type: "Checked", message: v1.Checked.decode(body) };
    case FrameType.Read:
      return { type: "Read", message: v1.Read.decode(body) };
    case FrameType.Resync:
      return { type: "Resync", message: v1.Resync.decode(body) };
    default:
      throw new Error(`a server does not send type ${bytes[start]}`);
  }
}

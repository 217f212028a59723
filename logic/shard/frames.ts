// The frames that every message needs: the ack, and the push to each of its two users. Written by hand, field by field in the
// order of their numbers: byte for byte what protobufjs makes of the same message (ingest/by-hand.test.ts holds them together).
import { FrameType } from "../../proto/frame-type.ts";
import { bytesFieldBytes, numberFieldBytes, varintBytes, writeBytesField, writeNumberField, writeVarint } from "../../proto/varint.ts";
import type { Row } from "../store/store.ts";
import { isFirstUser } from "./naming.ts";

const Sent = { Ref: 0x08, Seq: 0x10, Time: 0x18, Durability: 0x20 } as const;
const Push = { From: 0x0a, To: 0x1a, Seq: 0x20, Time: 0x28, Kind: 0x30, Payload: 0x3a, Install: 0x42, ClientSeq: 0x48, Uncounted: 0x50 } as const;

/** The ack of a Send. `durability`: hawser.v1.Durability. */
export function sentFrame(ref: number, seq: number, time: number, durability: number): Uint8Array {
  const body = numberFieldBytes(ref) + numberFieldBytes(seq) + numberFieldBytes(time) + numberFieldBytes(durability);
  const frame = newFrame(FrameType.Sent, body);
  let at = writeNumberField(frame, frame.length - body, Sent.Ref, ref);
  at = writeNumberField(frame, at, Sent.Seq, seq);
  at = writeNumberField(frame, at, Sent.Time, time);
  writeNumberField(frame, at, Sent.Durability, durability);
  return frame;
}

/** The Push for the devices of a direct conversation's other user. */
export function pushFromFrame(row: Row): Uint8Array {
  const { sender } = row;
  const body = bytesFieldBytes(sender.length) + rowBytes(row) + numberFieldBytes(row.uncounted);
  const frame = newFrame(FrameType.Push, body);
  let at = writeBytesField(frame, frame.length - body, Push.From, sender);
  at = writeRow(frame, at, row);
  writeNumberField(frame, at, Push.Uncounted, row.uncounted);
  return frame;
}

/** The Push for the sender's own other devices. `key`: of the direct conversation. */
export function pushToFrame(row: Row, key: Uint8Array): Uint8Array {
  const { install, clientSeq, uncounted } = row;
  // Where the peer stands in the key.
  const firstEnd = 2 + key[1]!;
  const toSecond = isFirstUser(key, row.sender);
  const start = toSecond ? firstEnd + 1 : 2;
  const end = toSecond ? key.length : firstEnd;
  const body = bytesFieldBytes(end - start) + rowBytes(row) + bytesFieldBytes(install.length) + numberFieldBytes(clientSeq) + numberFieldBytes(uncounted);
  const frame = newFrame(FrameType.Push, body);
  let at = writeBytesField(frame, frame.length - body, Push.To, key, start, end);
  at = writeRow(frame, at, row);
  at = writeBytesField(frame, at, Push.Install, install);
  at = writeNumberField(frame, at, Push.ClientSeq, clientSeq);
  writeNumberField(frame, at, Push.Uncounted, uncounted);
  return frame;
}

/** Length and header are in place, and behind them `body` bytes are free. */
function newFrame(header: number, body: number): Uint8Array {
  const frame = Buffer.allocUnsafe(varintBytes(body + 1) + 1 + body);
  frame[writeVarint(frame, 0, body + 1)] = header;
  return frame;
}

/** What all viewers of a row see. */
function rowBytes({ seq, time, kind, payload }: Row): number {
  return numberFieldBytes(seq) + numberFieldBytes(time) + numberFieldBytes(kind) + bytesFieldBytes(payload.length);
}

function writeRow(out: Uint8Array, at: number, { seq, time, kind, payload }: Row): number {
  at = writeNumberField(out, at, Push.Seq, seq);
  at = writeNumberField(out, at, Push.Time, time);
  at = writeNumberField(out, at, Push.Kind, kind);
  return writeBytesField(out, at, Push.Payload, payload);
}

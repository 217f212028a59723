// A row as bytes: written once, into the journal's value, and copied from there into blocks as it is.
//
//   length of the rest | kind | time | uncounted | clientSeq | len sender | len install | payload      (integers: varints)
//
// The seq is not in it: a block's rows are contiguous, and the journal names it beside the row.
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import type { Row } from "./store.ts";
import type { ByteReader } from "./varint.ts";

/** Bytes of the row behind its length. */
export function rowBodyBytes(row: Row): number {
  const { kind, time, uncounted, clientSeq, sender, install, payload } = row;
  return varintBytes(kind) + varintBytes(time) + varintBytes(uncounted) + varintBytes(clientSeq) + 2 + sender.length + install.length + payload.length;
}

/** Writes the row, of which `body` is rowBodyBytes; returns the offset behind it. */
export function writeRow(bytes: Uint8Array, at: number, row: Row, body: number): number {
  const { sender, install } = row;
  at = writeVarint(bytes, at, body);
  at = writeVarint(bytes, at, row.kind);
  at = writeVarint(bytes, at, row.time);
  at = writeVarint(bytes, at, row.uncounted);
  at = writeVarint(bytes, at, row.clientSeq);
  bytes[at++] = sender.length;
  bytes.set(sender, at);
  at += sender.length;
  bytes[at++] = install.length;
  // Eight bytes nearly always: a loop is cheaper than a call.
  for (let i = 0; i < install.length; i++) bytes[at++] = install[i]!;
  bytes.set(row.payload, at);
  return at + row.payload.length;
}

/** The row at the reader's cursor. Its byte fields are views of the reader's bytes. */
export function readRow(reader: ByteReader, seq: number): Row {
  const length = reader.varint();
  const end = reader.at + length;
  if (end > reader.end) throw new RangeError("a row is cut off");
  const kind = reader.varint();
  const time = reader.varint();
  const uncounted = reader.varint();
  const clientSeq = reader.varint();
  const sender = reader.take(reader.byte());
  const install = reader.take(reader.byte());
  const payload = reader.take(end - reader.at);
  return { seq, time, kind, sender, payload, install, clientSeq, uncounted };
}

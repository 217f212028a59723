// Frames as bytes: `length varint | header | body`, a lone 0x00 for a beat (SPEC.md §2). Pure.
import { Writer } from "./runtime.ts";
import { varintBytes, writeVarint } from "./varint.ts";

/** The beat, ready to be written. */
export const BEAT_FRAME: Uint8Array = new Uint8Array(1);

/** Longest length prefix, in bytes: 4 · 7 bits. */
export const LENGTH_BYTES_MAX = 4;

/** What generated message classes offer an encoder. */
export interface Encodable<T> {
  encode(message: T, writer?: Writer): Writer;
}

/**
 * A message as a whole frame, in one pass: protobufjs's length-delimited fork writes our length prefix,
 * since a header byte is below 128 and so is its own varint.
 */
export function encodeMessage<T>(header: number, codec: Encodable<T>, message: T): Uint8Array {
  const writer = Writer.create().fork().uint32(header);
  return codec.encode(message, writer).ldelim().finish();
}

/** A frame around a body that is already encoded. */
export function encodeFrame(header: number, body: Uint8Array): Uint8Array {
  const length = body.length + 1;
  const prefix = varintBytes(length);
  const frame = new Uint8Array(prefix + length);
  writeVarint(frame, 0, length);
  frame[prefix] = header;
  frame.set(body, prefix + 1);
  return frame;
}

/** One batch frame of several bodies of one type; the caller has set the batch bit in `header`. */
export function encodeBatch(header: number, bodies: readonly Uint8Array[]): Uint8Array {
  let length = 1;
  for (const body of bodies) length += varintBytes(body.length) + body.length;
  const frame = new Uint8Array(varintBytes(length) + length);
  let at = writeVarint(frame, 0, length);
  frame[at++] = header;
  for (const body of bodies) {
    at = writeVarint(frame, at, body.length);
    frame.set(body, at);
    at += body.length;
  }
  return frame;
}

/** Calls `each(start, end)` for every message of a batch body. False when the body is not a well-formed batch. */
export function splitBatch(bytes: Uint8Array, start: number, end: number, each: (start: number, end: number) => void): boolean {
  // Looked through before anything is handed out: a batch takes effect whole or not at all.
  if (start >= end) return false;
  for (let at = start; at < end; ) {
    at = readLength(bytes, at, end);
    if (at < 0) return false;
    at += lengthRead;
    if (at > end) return false;
  }
  for (let at = start; at < end; ) {
    const message = readLength(bytes, at, end);
    at = message + lengthRead;
    each(message, at);
  }
  return true;
}

/** Results of readLength other than an offset. */
export const LENGTH_INCOMPLETE = -1;
export const LENGTH_INVALID = -2;

/** The length that the last successful readLength found. Valid until the next call only. */
export let lengthRead = 0;

/**
 * Reads a length prefix at `at`. Returns the offset behind it, with the value in `lengthRead`; or
 * LENGTH_INCOMPLETE when the bytes end first, LENGTH_INVALID when it is not minimal or over 4 bytes.
 */
export function readLength(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    if (at >= end) return LENGTH_INCOMPLETE;
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      if (byte === 0 && i > 0) return LENGTH_INVALID;
      lengthRead = value;
      return at;
    }
  }
  return LENGTH_INVALID;
}

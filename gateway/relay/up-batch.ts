// Commands of one Up batch (fabric.proto), encoded as they come into one buffer that is used again: written by
// hand because a protobufjs Writer makes an object for every field of every command.
// Field order on the wire is commands, head, sessions, digest; protobuf lets a reader take any.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { Limits } from "../../proto/limits.ts";
import type { LinkHead } from "../../proto/link.ts";
import { ID_BYTES, INSTALL_AT, type SessionTable, USER_AT } from "../session/session-table.ts";

const TAG_HEAD = 0x0a;
const TAG_COMMAND = 0x12;
const TAG_SESSIONS = 0x18;
const TAG_DIGEST = 0x25;
const TAG_SLOT = 0x08;
const TAG_GENERATION = 0x10;
const TAG_TYPE = 0x18;
const TAG_REF = 0x20;
const TAG_BODY = 0x2a;
const TAG_USER = 0x32;
const TAG_INSTALL = 0x3a;

const START_BYTES = 16 * 1024;
/** Everything of a command but its body, at its longest. */
const COMMAND_OVERHEAD_BYTES = 64 + Limits.idBytesMax + Limits.installBytes;
/** Head, sessions and digest at their longest. */
const TAIL_BYTES = 128;

export class UpBatch {
  private readonly table: SessionTable;
  private bytes: Uint8Array;
  private length: number;

  /** Generations, users and installs are looked up in `table`. */
  constructor(table: SessionTable) {
    this.table = table;
    this.bytes = new Uint8Array(START_BYTES);
    this.length = 0;
  }

  /** Bytes gathered. */
  get byteLength(): number {
    return this.length;
  }

  /** The most that one more command could add. */
  static roomFor(bodyBytes: number): number {
    return COMMAND_OVERHEAD_BYTES + bodyBytes;
  }

  /** `type`: a frame type or fabric's Operation. The session must be Ready. The body is bytes[start, end). */
  add(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    this.reserve(UpBatch.roomFor(end - start) + TAIL_BYTES);
    const { ids, userBytes, generation: generations } = this.table;
    const generation = generations[slot]!;
    const body = end - start;
    const user = userBytes[slot]!;
    const size =
      numberBytes(slot) +
      numberBytes(generation) +
      numberBytes(type) +
      numberBytes(ref) +
      fieldBytes(body) +
      fieldBytes(user) +
      fieldBytes(Limits.installBytes);
    const out = this.bytes;
    let at = this.length;
    out[at++] = TAG_COMMAND;
    at = putVarint(out, at, size);
    at = putNumber(out, at, TAG_SLOT, slot);
    at = putNumber(out, at, TAG_GENERATION, generation);
    at = putNumber(out, at, TAG_TYPE, type);
    at = putNumber(out, at, TAG_REF, ref);
    at = putField(out, at, TAG_BODY, bytes, start, end);
    const id = slot * ID_BYTES;
    at = putField(out, at, TAG_USER, ids, id + USER_AT, id + USER_AT + user);
    this.length = putField(out, at, TAG_INSTALL, ids, id + INSTALL_AT, id + INSTALL_AT + Limits.installBytes);
  }

  /** The whole batch as its own bytes; the next one begins empty. `head` is this batch's; sessions and digest are those after it. */
  finish(head: LinkHead, sessions: number, digest: number): Uint8Array {
    const headBytes = fabric.fabric.v1.LinkHead.encode(head).finish();
    this.reserve(TAIL_BYTES + headBytes.length);
    const out = this.bytes;
    let at = putField(out, this.length, TAG_HEAD, headBytes, 0, headBytes.length);
    at = putNumber(out, at, TAG_SESSIONS, sessions);
    if (digest !== 0) {
      out[at++] = TAG_DIGEST;
      for (let shift = 0; shift < 32; shift += 8) out[at++] = digest >>> shift;
    }
    this.length = 0;
    const batch = out.slice(0, at);
    // A storm's buffer is not kept for ever.
    if (out.length > 4 * START_BYTES && at < START_BYTES) this.bytes = new Uint8Array(START_BYTES);
    return batch;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

function varintBytes(n: number): number {
  if (n < 0x80) return 1;
  if (n < 0x4000) return 2;
  let bytes = 3;
  for (n = Math.floor(n / 0x20_0000); n > 0; n = Math.floor(n / 128)) bytes++;
  return bytes;
}

/** A field of a one-byte tag; absent when 0 or empty, as proto3 has it. */
function numberBytes(n: number): number {
  return n === 0 ? 0 : 1 + varintBytes(n);
}

function fieldBytes(length: number): number {
  return length === 0 ? 0 : 1 + varintBytes(length) + length;
}

function putVarint(out: Uint8Array, at: number, n: number): number {
  // Generations and refs may pass 2^31, where shifts would not do.
  for (; n > 0x7fff_ffff; n = Math.floor(n / 128)) out[at++] = (n % 128) | 128;
  for (; n >= 128; n >>>= 7) out[at++] = n | 128;
  out[at++] = n;
  return at;
}

function putNumber(out: Uint8Array, at: number, tag: number, n: number): number {
  if (n === 0) return at;
  out[at++] = tag;
  return putVarint(out, at, n);
}

/** Below this many bytes a loop is faster than making a view for `set`. */
const LOOP_BYTES_MAX = 64;

function putField(out: Uint8Array, at: number, tag: number, bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return at;
  out[at++] = tag;
  at = putVarint(out, at, end - start);
  if (end - start > LOOP_BYTES_MAX) {
    out.set(bytes.subarray(start, end), at);
    return at + end - start;
  }
  for (let i = start; i < end; i++) out[at++] = bytes[i]!;
  return at;
}

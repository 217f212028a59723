// Commands of one Up batch (fabric.proto), encoded as they come into one buffer that is used again: written by
// hand because a protobufjs Writer makes an object for every field of every command.
// Field order on the wire is commands, head, sessions, digest; protobuf lets a reader take any.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { Limits } from "../../proto/limits.ts";
import type { LinkHead } from "../../proto/link.ts";
import { bytesFieldBytes, numberFieldBytes, writeBytesField, writeNumberField, writeVarint } from "../../proto/varint.ts";
import { INSTALL_AT, type SessionTable, USER_AT } from "../session/session-table.ts";

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
    const { userBytes, generation: generations } = this.table;
    const generation = generations[slot]!;
    const body = end - start;
    const user = userBytes[slot]!;
    const size =
      numberFieldBytes(slot) +
      numberFieldBytes(generation) +
      numberFieldBytes(type) +
      numberFieldBytes(ref) +
      bytesFieldBytes(body) +
      bytesFieldBytes(user) +
      bytesFieldBytes(Limits.installBytes);
    const out = this.bytes;
    let at = this.length;
    out[at++] = TAG_COMMAND;
    at = writeVarint(out, at, size);
    at = writeNumberField(out, at, TAG_SLOT, slot);
    at = writeNumberField(out, at, TAG_GENERATION, generation);
    at = writeNumberField(out, at, TAG_TYPE, type);
    at = writeNumberField(out, at, TAG_REF, ref);
    at = writeBytesField(out, at, TAG_BODY, bytes, start, end);
    const ids = this.table.ids(slot);
    const id = this.table.idsStart(slot);
    at = writeBytesField(out, at, TAG_USER, ids, id + USER_AT, id + USER_AT + user);
    this.length = writeBytesField(out, at, TAG_INSTALL, ids, id + INSTALL_AT, id + INSTALL_AT + Limits.installBytes);
  }

  /** The whole batch as its own bytes; the next one begins empty. `head` is this batch's; sessions and digest are those after it. */
  finish(head: LinkHead, sessions: number, digest: number): Uint8Array {
    const headBytes = fabric.fabric.v1.LinkHead.encode(head).finish();
    this.reserve(TAIL_BYTES + headBytes.length);
    const out = this.bytes;
    let at = writeBytesField(out, this.length, TAG_HEAD, headBytes, 0, headBytes.length);
    at = writeNumberField(out, at, TAG_SESSIONS, sessions);
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

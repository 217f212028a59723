// Frames of the load test's own making and reading, by hand where each message of the load passes by: Send out, Sent and Push
// in. No object is made for any of them. What is rare goes through the generated code.
import type { UserNames } from "../cast/names.ts";
import type { Texts } from "../cast/texts.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { Limits } from "../../proto/limits.ts";

// Field number and wire type, as they stand in front of a field (hawser.proto).
const SEND_PEER = 0x0a;
const SEND_CLIENT_SEQ = 0x20;
const SEND_PAYLOAD = 0x32;
const SENT_REF = 0x08;
const SENT_SEQ = 0x10;
const PUSH_FROM = 0x0a;
const PUSH_TO = 0x1a;
const PUSH_SEQ = 0x20;
const PUSH_KIND = 0x30;
const PUSH_PAYLOAD = 0x3a;
const PUSH_INSTALL = 0x42;
const PUSH_CLIENT_SEQ = 0x48;

/** Type, length and fields of a Send beside its payload. */
const SEND_ENVELOPE_BYTES_MAX = 128;

/** Writes Send frames, one after the other into the same bytes. */
export class SendWriter {
  readonly bytes: Buffer;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(SEND_ENVELOPE_BYTES_MAX + Limits.payloadBytesMax);
  }

  /** A text of kind 0 to a user of `names`. Returns the length of the frame; it stands at the start of `bytes`. */
  write(names: UserNames, peer: number, clientSeq: number, texts: Texts, text: number): number {
    const { bytes } = this;
    const textStart = texts.offsets[text]!;
    const length = texts.offsets[text + 1]! - textStart;
    const payload = length === 0 ? 0 : 1 + varintBytes(length) + length;
    const body = 1 + 2 + names.length + 1 + varintBytes(clientSeq) + payload;
    let at = writeVarint(bytes, 0, body);
    bytes[at++] = FrameType.Send;
    bytes[at++] = SEND_PEER;
    bytes[at++] = names.length;
    at = names.write(bytes, at, peer);
    bytes[at++] = SEND_CLIENT_SEQ;
    at = writeVarint(bytes, at, clientSeq);
    if (length === 0) return at;
    bytes[at++] = SEND_PAYLOAD;
    at = writeVarint(bytes, at, length);
    const from = texts.bytes;
    for (let i = 0; i < length; i++) bytes[at + i] = from[textStart + i]!;
    return at + length;
  }
}

/** The fields of a Sent or Push that was read last; offsets into the bytes that it was read from. */
export class RowReader {
  ref: number;
  seq: number;
  clientSeq: number;
  kind: number;
  fromStart: number;
  fromEnd: number;
  toStart: number;
  toEnd: number;
  installStart: number;
  installEnd: number;
  payloadStart: number;
  payloadEnd: number;
  private bytes: Uint8Array;
  private at: number;
  private end: number;
  private fieldStart: number;

  constructor() {
    this.fieldStart = 0;
    this.ref = 0;
    this.seq = 0;
    this.clientSeq = 0;
    this.kind = 0;
    this.fromStart = 0;
    this.fromEnd = 0;
    this.toStart = 0;
    this.toEnd = 0;
    this.installStart = 0;
    this.installEnd = 0;
    this.payloadStart = 0;
    this.payloadEnd = 0;
    this.bytes = NOTHING;
    this.at = 0;
    this.end = 0;
  }

  /** Throws RangeError when bytes[start, end) is no Sent. */
  readSent(bytes: Uint8Array, start: number, end: number): void {
    this.begin(bytes, start, end);
    while (this.at < end) {
      const tag = bytes[this.at++]!;
      if (tag === SENT_REF) this.ref = this.varint();
      else if (tag === SENT_SEQ) this.seq = this.varint();
      else this.skip(tag);
    }
  }

  /** Throws RangeError when bytes[start, end) is no Push. */
  readPush(bytes: Uint8Array, start: number, end: number): void {
    this.begin(bytes, start, end);
    while (this.at < end) {
      const tag = bytes[this.at++]!;
      switch (tag) {
        case PUSH_FROM:
          this.fromEnd = this.field();
          this.fromStart = this.fieldStart;
          break;
        case PUSH_SEQ:
          this.seq = this.varint();
          break;
        case PUSH_KIND:
          this.kind = this.varint();
          break;
        case PUSH_PAYLOAD:
          this.payloadEnd = this.field();
          this.payloadStart = this.fieldStart;
          break;
        case PUSH_TO:
          this.toEnd = this.field();
          this.toStart = this.fieldStart;
          break;
        case PUSH_INSTALL:
          this.installEnd = this.field();
          this.installStart = this.fieldStart;
          break;
        case PUSH_CLIENT_SEQ:
          this.clientSeq = this.varint();
          break;
        default:
          this.skip(tag);
      }
    }
  }

  private begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.ref = 0;
    this.seq = 0;
    this.clientSeq = 0;
    this.kind = 0;
    this.fromStart = this.fromEnd = 0;
    this.toStart = this.toEnd = 0;
    this.installStart = this.installEnd = 0;
    this.payloadStart = this.payloadEnd = 0;
  }

  private varint(): number {
    const { bytes, end } = this;
    let byte = this.at < end ? bytes[this.at++]! : TRUNCATED;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    for (let i = 1; i < 10 && byte < TRUNCATED; i++) {
      byte = this.at < end ? bytes[this.at++]! : TRUNCATED;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new RangeError("not a varint");
  }

  /** Passes a field of bytes; returns where it ends, with its start in `fieldStart`. */
  private field(): number {
    const length = this.varint();
    this.fieldStart = this.at;
    this.at += length;
    if (this.at > this.end) throw new RangeError("field longer than its message");
    return this.at;
  }

  private skip(tag: number): void {
    // A field number above 15 has a tag of several bytes.
    for (let byte = tag; byte >= 0x80; byte = this.bytes[this.at++]!) if (this.at >= this.end) throw new RangeError("truncated tag");
    const wireType = tag & 7;
    if (wireType === 0) this.varint();
    else if (wireType === 2) this.field();
    else if (wireType === 1) this.at += 8;
    else if (wireType === 5) this.at += 4;
    else throw new RangeError(`wire type ${wireType}`);
    if (this.at > this.end) throw new RangeError("field longer than its message");
  }
}
const NOTHING = new Uint8Array(0);
const TRUNCATED = 0x100;

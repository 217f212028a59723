// A second protobuf decoder, for tests: slow, plain, driven by the schema, made from the encoding's
// documentation and SPEC.md. The generated decoders must accept what it accepts, read the same values, and
// refuse what it refuses.
import { toHex } from "./project-file.ts";
import type { Field, Schema } from "./schema.ts";

/** Property names to numbers, booleans, text, bytes, messages or lists of those; what is absent has its default. */
export type Decoded = Record<string, unknown>;

/** Groups may nest this deep in unknown fields (protobufjs's limit). */
const DEPTH_MAX = 100;
const LENGTH_MAX = 2 ** 31 - 1;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Refused extends Error {}

/** The fields of a message, or undefined when the bytes are none. */
export function referenceDecode(schema: Schema, type: string, bytes: Uint8Array): Decoded | undefined {
  try {
    return new Decoder(schema, bytes).message(type, 0, bytes.length, 0, {});
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

class Decoder {
  private readonly schema: Schema;
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(schema: Schema, bytes: Uint8Array) {
    this.schema = schema;
    this.bytes = bytes;
    this.at = 0;
  }

  message(type: string, start: number, end: number, depth: number, into: Decoded): Decoded {
    const fields = this.schema.messages.get(type)!;
    this.at = start;
    while (this.at < end) {
      const tag = this.tag(end);
      const field = fields.find((one) => one.number === tag >>> 3);
      if (!field || !this.field(field, tag & 7, end, depth, into)) this.skip(tag, end, depth);
    }
    return into;
  }

  /** False: not of this wire type, which makes it an unknown field. */
  private field(field: Field, wire: number, end: number, depth: number, into: Decoded): boolean {
    const { type, property } = field;
    const scalar = this.schema.messages.has(type) ? "message" : this.schema.enums.has(type) ? "enum" : type;
    const wireWanted = scalar === "bytes" || scalar === "string" || scalar === "message" ? 2 : scalar === "fixed32" ? 5 : 0;
    if (field.repeated && wire === 2 && wireWanted !== 2) {
      const list = (into[property] ??= []) as unknown[];
      const packedEnd = this.length(end);
      while (this.at < packedEnd) list.push(this.value(scalar, packedEnd));
      if (list.length === 0) delete into[property];
      return true;
    }
    if (wire !== wireWanted) return false;
    if (scalar === "message") {
      const messageEnd = this.length(end);
      const value = this.message(type, this.at, messageEnd, depth + 1, field.repeated ? {} : ((into[property] as Decoded) ?? {}));
      if (field.repeated) ((into[property] ??= []) as unknown[]).push(value);
      else into[property] = value;
      return true;
    }
    const value = this.value(scalar, end);
    if (field.repeated) ((into[property] ??= []) as unknown[]).push(value);
    else if (value === 0 || value === false || value === "" || (value instanceof Uint8Array && value.length === 0)) delete into[property];
    else into[property] = value;
    return true;
  }

  private value(scalar: string, end: number): unknown {
    if (scalar === "bytes" || scalar === "string") {
      const to = this.length(end);
      const bytes = Uint8Array.from(this.bytes.subarray(this.at, to));
      this.at = to;
      if (scalar === "bytes") return bytes;
      try {
        return utf8.decode(bytes);
      } catch {
        throw new Refused("not UTF-8");
      }
    }
    if (scalar === "fixed32") {
      if (this.at + 4 > end) throw new Refused("cut off");
      const value = new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(this.at, true);
      this.at += 4;
      return value;
    }
    const value = this.varint(end, 10);
    if (scalar === "bool") return Number(value) !== 0;
    if (scalar === "uint32") return Number(BigInt.asUintN(32, BigInt(value)));
    if (scalar === "enum") return Number(BigInt.asIntN(32, BigInt(value)));
    if (scalar !== "uint64") throw new Error(`no reading of ${scalar}`);
    if (value > Number.MAX_SAFE_INTEGER) throw new Refused("above 2^53 - 1");
    return Number(value);
  }

  /** A number up to 2^49, beyond that a bigint: most are small, and fuzzers read many. */
  private varint(end: number, bytesMax: number): number | bigint {
    let value = 0;
    for (let i = 0; i < bytesMax; i++) {
      if (this.at >= end) throw new Refused("cut off");
      const byte = this.bytes[this.at++]!;
      if (i >= 7) return this.longVarint(end, BigInt(value), byte, i, bytesMax);
      value += (byte & 127) * 128 ** i;
      if (byte < 128) return value;
    }
    throw new Refused("varint too long");
  }

  private longVarint(end: number, value: bigint, byte: number, from: number, bytesMax: number): bigint {
    for (let i = from; ; ) {
      value |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) return value;
      if (++i >= bytesMax) throw new Refused("varint too long");
      if (this.at >= end) throw new Refused("cut off");
      byte = this.bytes[this.at++]!;
    }
  }

  private tag(end: number): number {
    const tag = Number(this.varint(end, 5));
    if (tag > 0xffffffff || tag < 8) throw new Refused("no field number");
    return tag;
  }

  /** Reads a length; returns where what follows ends. */
  private length(end: number): number {
    const length = Number(this.varint(end, 5));
    if (length > LENGTH_MAX || this.at + length > end) throw new Refused("longer than the message");
    return this.at + length;
  }

  private skip(tag: number, end: number, depth: number): void {
    if (depth > DEPTH_MAX) throw new Refused("too deep");
    switch (tag & 7) {
      case 0:
        // Unknown integers may be of any length here: a reader that ignores them need not count their bytes.
        while (this.at < end && this.bytes[this.at]! >= 128) this.at++;
        if (this.at++ >= end) throw new Refused("cut off");
        return;
      case 1:
        this.at += 8;
        break;
      case 2:
        this.at = this.length(end);
        return;
      case 3:
        for (;;) {
          const inner = this.tag(end);
          if ((inner & 7) === 4) {
            if (inner >>> 3 !== tag >>> 3) throw new Refused("the end of another group");
            return;
          }
          this.skip(inner, end, depth + 1);
        }
      case 5:
        this.at += 4;
        break;
      default:
        throw new Refused("no such wire type here");
    }
    if (this.at > end) throw new Refused("cut off");
  }
}

/** Whether what a generated decoder returned says the same as the reference; its bytes must be views into `body`. */
export function agrees(schema: Schema, type: string, message: object, reference: Decoded, body: Uint8Array): boolean {
  const decoded = message as Decoded;
  for (const { property, type: fieldType, repeated } of schema.messages.get(type)!) {
    const expected = reference[property];
    if (!Object.hasOwn(decoded, property)) {
      if (expected !== undefined) return false;
      continue;
    }
    const actual = decoded[property];
    if (!repeated) {
      if (!sameValue(schema, fieldType, actual, expected, body)) return false;
      continue;
    }
    const list = actual as unknown[];
    const wanted = (expected ?? []) as unknown[];
    if (list.length !== wanted.length) return false;
    for (let i = 0; i < list.length; i++) if (!sameValue(schema, fieldType, list[i], wanted[i], body)) return false;
  }
  return true;
}

function sameValue(schema: Schema, type: string, actual: unknown, expected: unknown, body: Uint8Array): boolean {
  if (actual === null || expected === undefined) return actual === null && expected === undefined;
  if (schema.messages.has(type)) return agrees(schema, type, actual as object, expected as Decoded, body);
  if (!(actual instanceof Uint8Array)) return actual === expected;
  const wanted = expected as Uint8Array;
  if (actual.length !== wanted.length || (actual.length > 0 && actual.buffer !== body.buffer)) return false;
  for (let i = 0; i < actual.length; i++) if (actual[i] !== wanted[i]) return false;
  return true;
}

/** What a generated decoder returned, in the reference's form: without defaults, empty lists and the class. */
export function plain(schema: Schema, type: string, message: object): Decoded {
  const result: Decoded = {};
  for (const field of schema.messages.get(type)!) {
    const value = Object.hasOwn(message, field.property) ? (message as Decoded)[field.property] : undefined;
    const nested = schema.messages.has(field.type);
    if (value === undefined || value === null) continue;
    if (field.repeated) {
      const list = value as unknown[];
      if (list.length > 0) result[field.property] = nested ? list.map((one) => plain(schema, field.type, one as object)) : [...list];
    } else if (nested) result[field.property] = plain(schema, field.type, value as object);
    else if (value instanceof Uint8Array) {
      if (value.length > 0) result[field.property] = Uint8Array.from(value);
    } else if (value !== 0 && value !== false && value !== "") result[field.property] = value;
  }
  return result;
}

/** A message as text that two equal messages share, whatever the order of their properties. */
export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `x${toHex(value)}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "nothing";
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${key}:${canonical((value as Decoded)[key])}`).join(",")}}`;
}

// Every value in LevelDB begins with the same five bytes: a tag (what it is, and in which version) and a CRC-32 over the
// tag and the rest. LevelDB has checksums of its own, but its binding verifies them only when it replays a log; and it
// skips damaged log records silently, which is why the journal is numbered besides (recover.ts).
import * as zlib from "node:zlib";
import { StoreCorrupt } from "./errors.ts";
import { ByteReader, readUint32, writeUint32 } from "./varint.ts";

/** High half: what the value is; low half: its version. */
export const Tag = { Meta: 0x11, Checkpoint: 0x21, Journal: 0x31, Head: 0x41, Block: 0x51, Sender: 0x61, Sends: 0x71, Member: 0x81 } as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

export const ENVELOPE_BYTES = 5;

const TABLE = new Uint32Array(256);
for (let i = 0; i < 256; i++) {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  TABLE[i] = c;
}

/** CRC-32 as zlib has it, for Nodes before 20.15 and 22.2, which do not offer zlib's own (30 times faster). */
export function crc32InScript(bytes: Uint8Array, value = 0): number {
  let c = ~value;
  for (let i = 0; i < bytes.length; i++) c = TABLE[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}

const crc32 = (zlib as { crc32?: (bytes: Uint8Array, value?: number) => number }).crc32 ?? crc32InScript;

/** Completes bytes[0, length), whose first ENVELOPE_BYTES were left free, and returns a view of them. */
export function seal(bytes: Uint8Array, length: number, tag: Tag): Uint8Array {
  const value = new Uint8Array(bytes.buffer, bytes.byteOffset, length);
  value[0] = tag;
  writeUint32(value, 1, crc32(new Uint8Array(bytes.buffer, bytes.byteOffset + ENVELOPE_BYTES, length - ENVELOPE_BYTES), tag));
  return value;
}

/** A reader over what `seal` completed. `what` and `key` name the place in the StoreCorrupt that it throws otherwise. */
export function unseal(value: Uint8Array, tag: Tag, what: string, key: Uint8Array): ByteReader {
  if (value.length < ENVELOPE_BYTES) throw corrupt(what, key, `${value.length} bytes are too few`);
  if (value[0] !== tag) throw corrupt(what, key, `it begins with ${value[0]!.toString(16)}, not ${tag.toString(16)}`);
  const body = new Uint8Array(value.buffer, value.byteOffset + ENVELOPE_BYTES, value.length - ENVELOPE_BYTES);
  if (crc32(body, tag) !== readUint32(value, 1)) throw corrupt(what, key, "checksum does not match");
  return new ByteReader(value, ENVELOPE_BYTES, value.length);
}

/** StoreCorrupt at a value, whose key is shown with its bytes as far as they are text. */
export function corrupt(what: string, key: Uint8Array, problem: string, cause?: unknown): StoreCorrupt {
  let text = "";
  for (const byte of key) text += byte >= 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  return new StoreCorrupt(`${what} "${text}"`, problem, cause === undefined ? undefined : { cause });
}

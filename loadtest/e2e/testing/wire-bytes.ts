// Frames, protobuf fields and tokens put together by hand, right or wrong. Nothing of the project's own encoders is used:
// what is tested must not vouch for itself.
import { createHmac } from "node:crypto";

export const Type = {
  Hello: 1,
  Welcome: 2,
  Error: 3,
  GoAway: 4,
  Send: 5,
  Sent: 6,
  Push: 7,
  Sync: 8,
  Heads: 9,
  Fetch: 10,
  Page: 11,
  Check: 12,
  Checked: 13,
  Read: 14,
  Resync: 15,
  Signal: 16,
} as const;
export const BATCH = 0x20;
export const COMPRESSED = 0x40;
export const RESERVED = 0x80;
export const BEAT = Buffer.of(0);

export type Bytes = Uint8Array | string;

/** LEB128, minimal. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return Buffer.from(bytes);
}

export function frame(header: number, ...body: Bytes[]): Buffer {
  const bytes = Buffer.concat(body.map(buffer));
  return Buffer.concat([varint(1 + bytes.length), Buffer.of(header), bytes]);
}

/** One frame of several messages. */
export function batch(type: number, ...bodies: Bytes[]): Buffer {
  return frame(type | BATCH, ...bodies.map((body) => Buffer.concat([varint(buffer(body).length), buffer(body)])));
}

/** Protobuf fields: bytes (wire type 2), and numbers (wire type 0). */
export function bytesField(number: number, value: Bytes): Buffer {
  const bytes = buffer(value);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

export function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

export interface HelloFields {
  versionMin?: number;
  versionMax?: number;
  token: string;
  device?: Bytes;
  install?: Bytes;
  connection?: number;
  sync?: boolean;
  watermark?: Bytes;
  frameBytesMax?: number;
}

export function helloBody(fields: HelloFields): Buffer {
  const {
    versionMin = 1,
    versionMax = 1,
    token,
    device = "device",
    install = "12345678",
    connection = 1,
    sync = false,
    watermark = "",
    frameBytesMax = 0,
  } = fields;
  return Buffer.concat([
    numberField(1, versionMin),
    numberField(2, versionMax),
    bytesField(3, token),
    bytesField(4, device),
    bytesField(5, install),
    numberField(6, connection),
    numberField(7, sync ? 1 : 0),
    bytesField(8, watermark),
    numberField(11, frameBytesMax),
  ]);
}

export function hello(fields: HelloFields): Buffer {
  return frame(Type.Hello, helloBody(fields));
}

export interface SendFields {
  peer?: Bytes;
  group?: Bytes;
  self?: boolean;
  clientSeq?: number;
  kind?: number;
  payload?: Bytes;
}

export function sendBody({ peer, group, self, clientSeq = 1, kind = 0, payload = "" }: SendFields): Buffer {
  return Buffer.concat([conversation({ peer, group, self }), numberField(4, clientSeq), numberField(5, kind), bytesField(6, payload)]);
}

/** The fields that name a conversation; they have the same numbers in Send, Fetch and Read. */
export function conversation({ peer, group, self }: { peer?: Bytes | undefined; group?: Bytes | undefined; self?: boolean | undefined }): Buffer {
  return Buffer.concat([
    peer === undefined ? NONE : bytesField(1, peer),
    group === undefined ? NONE : bytesField(2, group),
    self === undefined ? NONE : numberField(3, self ? 1 : 0),
  ]);
}

/** A JWT; HS256 by `secret`, whatever the header claims. With "" it has no signature. */
export function jwt(claims: object, secret: string, header: object = { alg: "HS256", typ: "JWT" }): string {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${secret === "" ? "" : createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function buffer(bytes: Bytes): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
const NONE = Buffer.alloc(0);

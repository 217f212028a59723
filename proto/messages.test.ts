// Messages through the generated code and runtime.ts: the vectors, a property over every message of both
// .proto files, hostile bodies, and what a median real message costs on the wire.
import { createHash } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { BEAT_FRAME, encodeMessage, readLength } from "./frame.ts";
import type { Encodable } from "./frame.ts";
import { FrameType } from "./frame-type.ts";
import { hawser as fabric } from "./gen/fabric.js";
import { hawser } from "./gen/hawser.js";
import { Reader } from "./runtime.ts";
import { fromHex, projectText, toHex, vectors } from "./testing/project-file.ts";
import { canonical, plain, referenceDecode } from "./testing/reference-decoder.ts";
import { readSchema } from "./testing/schema.ts";
import type { Field, Schema } from "./testing/schema.ts";
import { toWireTime } from "./time.ts";

interface Codec extends Encodable<object> {
  decode(bytes: Uint8Array): object;
}
interface MessageVector {
  name: string;
  type: keyof typeof FrameType;
  frame: string;
  fields?: Record<string, unknown>;
  exact?: boolean;
  invalid?: boolean;
}

const PROTOCOLS: { name: string; schema: Schema; codecs: Record<string, Codec> }[] = [
  { name: "hawser", schema: readSchema("hawser.proto"), codecs: hawser.v1 as unknown as Record<string, Codec> },
  { name: "fabric", schema: readSchema("fabric.proto"), codecs: fabric.fabric.v1 as unknown as Record<string, Codec> },
];
const { schema, codecs } = PROTOCOLS[0]!;

/** A vector's fields under the names and types of generated code. */
function fromVector(type: string, fields: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const field = schema.messages.get(type)!.find((one) => one.name === name)!;
    if (schema.messages.has(field.type)) result[field.property] = (value as Record<string, unknown>[]).map((one) => fromVector(field.type, one));
    else if (field.type !== "bytes") result[field.property] = value;
    else result[field.property] = field.repeated ? (value as string[]).map(fromHex) : fromHex(value as string);
  }
  return result;
}

t.test("generated code belongs to its .proto file", (t) => {
  for (const { name } of PROTOCOLS) {
    const sum = createHash("sha256")
      .update(projectText(`proto/${name}.proto`))
      .digest("hex");
    for (const file of [`${name}.js`, `${name}.d.ts`]) {
      const first = projectText(`proto/gen/${file}`).split("\n", 1)[0]!;
      t.ok(first.endsWith(`sha256 ${sum}`), `proto/gen/${file} is not from this ${name}.proto: npm run proto:generate`);
    }
  }
  t.end();
});

t.test("vectors", (t) => {
  const { messages } = vectors<{ messages: MessageVector[] }>("messages.json");
  const seen = new Set<string>();
  for (const { name, type, frame, fields, exact, invalid } of messages) {
    const bytes = fromHex(frame);
    const header = readLength(bytes, 0, bytes.length);
    t.equal(bytes[header], FrameType[type], `${name}: type`);
    const body = bytes.subarray(header + 1);
    const codec = codecs[type]!;
    if (invalid) {
      t.throws(() => codec.decode(body), Error, name);
      t.equal(referenceDecode(schema, type, body), undefined, `${name}: and the reference agrees`);
      continue;
    }
    const expected = fromVector(type, fields!);
    t.same(plain(schema, type, codec.decode(body)), expected, name);
    t.same(referenceDecode(schema, type, body), expected, `${name}: and the reference agrees`);
    if (exact) {
      t.equal(toHex(encodeMessage(FrameType[type], codec, expected)), frame, `${name}: encodes to the same bytes`);
      seen.add(type);
    }
  }
  t.same(
    [...seen].sort(),
    Object.keys(FrameType)
      .filter((name) => name !== "Signal")
      .sort(),
    "every type is there",
  );
  t.end();
});

const uint64 = fc.oneof(fc.nat(300), fc.maxSafeNat());
const SCALARS: Record<string, fc.Arbitrary<unknown>> = {
  uint32: fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff })),
  uint64,
  fixed32: fc.integer({ min: 0, max: 0xffffffff }),
  bool: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 200 }),
  string: fc.string({ unit: "binary", maxLength: 100 }),
};

function arbitraryMessage(schema: Schema, type: string): fc.Arbitrary<Record<string, unknown>> {
  const arbitraryField = (field: Field): fc.Arbitrary<unknown> => {
    const one = schema.messages.has(field.type) ? arbitraryMessage(schema, field.type) : schema.enums.has(field.type) ? fc.nat(40) : SCALARS[field.type]!;
    return field.repeated ? fc.array(one, { maxLength: 5 }) : one;
  };
  return fc.record(Object.fromEntries(schema.messages.get(type)!.map((field) => [field.property, arbitraryField(field)])), { requiredKeys: [] });
}

t.test("every message comes back as it was encoded, and means the same to the reference", (t) => {
  for (const { name, schema, codecs } of PROTOCOLS) {
    for (const type of schema.messages.keys()) {
      const codec = codecs[type]!;
      fc.assert(
        fc.property(arbitraryMessage(schema, type), (message) => {
          const bytes = codec.encode(message).finish();
          const expected = plain(schema, type, message);
          const read = plain(schema, type, codec.decode(bytes));
          // Thrown, not asserted: fast-check looks for the smallest message that throws.
          if (canonical(read) !== canonical(expected)) throw new Error(`decoded ${canonical(read)} from ${toHex(bytes)}`);
          if (canonical(referenceDecode(schema, type, bytes)) !== canonical(expected)) throw new Error(`the reference differs on ${toHex(bytes)}`);
        }),
        { seed: 11, numRuns: 150 },
      );
      t.pass(`${name} ${type}`);
    }
  }
  t.end();
});

t.test("a body cut anywhere is refused or read as what is there, never beyond", (t) => {
  for (const { schema, codecs } of PROTOCOLS) {
    for (const type of schema.messages.keys()) {
      const [message] = fc.sample(arbitraryMessage(schema, type), { seed: 5, numRuns: 1 });
      const bytes = codecs[type]!.encode(message!).finish();
      // In the middle of others' bytes, as a frame in a chunk is.
      const chunk = new Uint8Array(bytes.length + 32).fill(0x81);
      chunk.set(bytes, 16);
      for (let end = 0; end <= bytes.length; end++) {
        const body = chunk.subarray(16, 16 + end);
        let read: unknown;
        try {
          read = plain(schema, type, codecs[type]!.decode(body));
        } catch (error) {
          if (!(error instanceof Error)) throw error;
        }
        const expected = referenceDecode(schema, type, body);
        if (canonical(read) !== canonical(expected)) t.same(read, expected, `${type} cut at ${end}`);
      }
    }
  }
  t.pass("all prefixes");
  t.end();
});

t.test("integers of 64 bits: exact up to 2^53 - 1, refused above", (t) => {
  const read = (hex: string): unknown => hawser.v1.Sent.decode(fromHex(`10${hex}`)).seq;
  t.equal(read("00"), 0);
  t.equal(read("ffffffffffffff0f"), Number.MAX_SAFE_INTEGER);
  t.equal(read("ffffffffffffff8f8000"), Number.MAX_SAFE_INTEGER, "in ten bytes");
  for (const [hex, what] of [
    ["8080808080808010", "2^53"],
    ["8180808080808010", "2^53 + 1, which no number holds"],
    ["ffffffffffffff7f", "2^56 - 1"],
    ["80808080808080808001", "2^63"],
    ["ffffffffffffffffff01", "2^64 - 1"],
    ["ffffffffffffffffff7f", "2^70 - 1"],
    ["8080808080808080808000", "0 in eleven bytes"],
    ["808080808080808080808001", "twelve bytes"],
    ["80", "cut off"],
    ["ffffffffffffff", "cut off"],
  ] as const) {
    t.throws(() => read(hex), RangeError, what);
  }
  t.equal(hawser.v1.Send.decode(fromHex("28ffffffff0f")).kind, 0xffffffff, "integers of 32 bits");
  t.throws(() => hawser.v1.Send.decode(fromHex("288080808080808080808000")), Error, "0 in eleven bytes, in a field of 32 bits");
  t.end();
});

t.test("bytes are views into the frame, and their length must be true", (t) => {
  const frame = fromHex("0a03626f62200132026869");
  const send = hawser.v1.Send.decode(frame);
  t.equal(toHex(send.peer), "626f62");
  frame[2] = 0x42;
  t.equal(toHex(send.peer), "426f62", "nothing was copied");
  const chunk = Buffer.from("ffff0a03626f62", "hex");
  const { peer } = hawser.v1.Send.decode(chunk.subarray(2));
  t.equal(toHex(peer), "626f62", "from a part of a Buffer, as sockets give it");
  const kept = peer.slice();
  chunk.fill(0);
  t.equal(toHex(kept), "626f62", "slice() makes a copy of that, too, though a Buffer's would not");
  t.equal(hawser.v1.Send.decode(fromHex("3200")).payload.length, 0);
  t.throws(() => hawser.v1.Send.decode(fromHex("0a04626f62")), Error, "one byte too long");
  t.throws(() => hawser.v1.Send.decode(fromHex("0affffffff07626f62")), Error, "2^31 - 1");
  t.throws(() => hawser.v1.Send.decode(fromHex("0affffffff0f626f62")), Error, "2^32 - 1");
  t.throws(() => hawser.v1.Send.decode(fromHex("0a8380808010626f62")), Error, "2^32 + 3 is not 3");
  t.throws(() => hawser.v1.Send.decode(fromHex("0a83808080808080808001626f62")), Error, "2^63 + 3 is not 3");
  t.end();
});

t.test("unknown fields are skipped without being kept", (t) => {
  const body = fromHex("a206e807 61*1000 2001");
  const send = hawser.v1.Send.decode(body);
  t.equal(send.clientSeq, 1);
  t.same(plain(schema, "Send", send), { clientSeq: 1 });
  t.notOk(Object.hasOwn(send, "$unknowns"));
  t.equal(new Reader(body).discardUnknown, true);
  t.end();
});

t.test("nesting is bounded: groups within groups are refused beyond a depth, at no cost", (t) => {
  const nested = (depth: number): Uint8Array => fromHex(`9303*${depth} 9403*${depth} 2001`);
  t.equal(hawser.v1.Send.decode(nested(1)).clientSeq, 1);
  t.equal(hawser.v1.Send.decode(nested(90)).clientSeq, 1);
  t.throws(() => hawser.v1.Send.decode(nested(200)), /depth/);
  t.throws(() => hawser.v1.Send.decode(nested(100_000)), /depth/, "not a stack overflow");
  const inPage = fromHex("2ab05a 9303*5800");
  t.throws(() => hawser.v1.Page.decode(inPage), Error, "inside a row too");
  t.end();
});

t.test("what a median real message costs", (t) => {
  // Half of real messages are 34 bytes or shorter; user ids of 11 bytes; a conversation's seq needs two bytes
  // up to 16383; times of the year 2026 six.
  const text = Buffer.from("See you at the station at 7 then!!");
  const user = Buffer.from("+6591234567");
  t.same([text.length, user.length], [34, 11]);
  const time = toWireTime(Date.UTC(2026, 11, 31));
  const push = encodeMessage(FrameType.Push, hawser.v1.Push, { from: user, seq: 16383, time, payload: text });
  const send = encodeMessage(FrameType.Send, hawser.v1.Send, { peer: user, clientSeq: 16383, payload: text });
  t.ok(push.length <= 34 + 11 + 16, `Push: ${push.length} bytes, ${push.length - 45} beyond text and id`);
  t.ok(send.length <= 56, `Send: ${send.length} bytes, ${send.length - 45} beyond text and id`);
  t.equal(BEAT_FRAME.length, 1, "beat: 1 byte");
  t.comment(`push ${push.length}, send ${send.length}`);
  t.end();
});

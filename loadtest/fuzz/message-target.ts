// Fuzzes the generated decoders with runtime.ts: any body is either read as the reference decoder reads it, its
// bytes being views into the body and nothing else allocated, or refused with an Error; both take and refuse
// the same bodies. And the gateway's peek, which finds the conversation without decoding, must agree with what logic
// decodes: a body that goes to one shard as one conversation is never another one there.
//
// An input: which message (1 byte), then the body.
import { peek, peekedEnd, peekedKind, peekedStart } from "../../gateway/relay/routing.ts";
import { ConversationKind, idText } from "../../proto/conversation.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { agrees, referenceDecode } from "../../proto/testing/reference-decoder.ts";
import type { Random } from "../../proto/testing/random.ts";
import { readSchema } from "../../proto/testing/schema.ts";
import type { Field, Schema } from "../../proto/testing/schema.ts";
import { Input, expect, mutate } from "./target.ts";
import type { FuzzTarget } from "./target.ts";

interface Decodable {
  decode(bytes: Uint8Array): object;
}
interface Kind {
  readonly name: string;
  readonly schema: Schema;
  readonly codec: Decodable;
}

const BODY_BYTES_MAX = 64 * 1024;
/** How V8's own errors begin: a stack or an array that was too large, a value that was not there. */
const ENGINE_ERROR = /^(Maximum|Invalid|Cannot|Array buffer|Offset|Start offset|\S+ is (not|undefined|null))/;
const WIRE_GROUP = 3;
const WIRE_GROUP_END = 4;

export class MessageTarget implements FuzzTarget {
  readonly name = "message";
  readonly unit = "bodies";
  private readonly kinds: readonly Kind[];
  private readonly input: Input;

  constructor() {
    const kinds = (file: string, codecs: object): Kind[] => {
      const schema = readSchema(file);
      return [...schema.messages.keys()].map((name) => ({ name, schema, codec: (codecs as Record<string, Decodable>)[name]! }));
    };
    this.kinds = [...kinds("hawser.proto", hawser.v1), ...kinds("fabric.proto", fabric.fabric.v1)];
    this.input = new Input(BODY_BYTES_MAX);
  }

  generate(random: Random): Uint8Array {
    const { input, kinds } = this;
    input.length = 0;
    input.byte(random.uint32());
    const { schema, name } = kinds[input.bytes[0]! % kinds.length]!;
    if (NAMING.includes(name) && random.chance(0.7)) writeName(random, input);
    else writeMessage(random, input, schema, name, 0);
    const kind = random.below(10);
    if (kind < 3) mutate(random, input, 1);
    else if (kind === 3) input.noise(random, random.below(12));
    return input.taken;
  }

  check(input: Uint8Array): number {
    const { name, schema, codec } = this.kinds[(input[0] ?? 0) % this.kinds.length]!;
    const body = input.subarray(1);
    let message: object | undefined;
    try {
      message = codec.decode(body);
    } catch (error) {
      expect(error instanceof Error && !ENGINE_ERROR.test(error.message), "refused by the decoder, not by the engine");
    }
    const reference = referenceDecode(schema, name, body);
    expect((message === undefined) === (reference === undefined), "taken or refused as by the reference");
    if (message !== undefined) expect(agrees(schema, name, message, reference!, body), "read as by the reference");
    if (NAMING.includes(name)) checkPeek(body, message as Named | undefined);
    return 1;
  }
}

interface Named {
  readonly peer: Uint8Array;
  readonly group: Uint8Array;
  readonly self: boolean;
}
const NAMING: readonly string[] = ["Send", "Fetch", "Read"];

/** `message`: what the decoder made of the body; undefined: it refused it. */
function checkPeek(body: Uint8Array, message: Named | undefined): void {
  const peeked = peek(body, 0, body.length);
  if (message === undefined) return;
  const { peer, group, self } = message;
  const names = (peer.length > 0 ? 1 : 0) + (group.length > 0 ? 1 : 0) + (self ? 1 : 0);
  if (peeked) {
    const id = peekedKind === ConversationKind.Direct ? peer : group;
    const same = peekedKind === ConversationKind.Self ? self : Buffer.compare(id, body.subarray(peekedStart, peekedEnd)) === 0;
    expect(names === 1 && same, "peek finds the conversation that is decoded");
    return;
  }
  const written = timesNamed(body);
  const good = names === 1 && (self || idText(peer.length > 0 ? peer : group) !== undefined);
  expect(!good || written !== 1, "peek takes a body that names its conversation once");
}

/** How often a body that decodes writes out a naming field of whatever kind; 0 when it holds a group, which peek need not take. */
function timesNamed(body: Uint8Array): number {
  let at = 0;
  let value = 0;
  const varint = (): number => {
    value = 0;
    const from = at;
    for (let byte = 128; byte >= 128; ) {
      byte = body[at++]!;
      value += (byte & 127) * 128 ** (at - from - 1);
    }
    return at - from;
  };
  let times = 0;
  while (at < body.length) {
    varint();
    const [field, wire] = [Math.floor(value / 8), value % 8];
    if (field <= 3) times++;
    if (wire === WIRE_GROUP) return 0;
    if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (varint() > 10) return 0;
    else if (wire === 2) at += value;
  }
  return times;
}

/** Fields as a client writes them, a name among them, perhaps a second one. */
function writeName(random: Random, input: Input): void {
  for (let names = random.chance(0.1) ? 2 : 1; names > 0; names--) {
    const field = random.between(1, 3);
    if (random.chance(0.3)) writeUnknown(random, input, 0);
    input.varint(field * 8 + (field === 3 ? 0 : 2));
    if (field === 3) input.varint(random.chance(0.9) ? 1 : random.spread(53), random.chance(0.05) ? 9 : 1);
    else {
      const length = random.chance(0.9) ? random.between(1, 12) : random.below(80);
      input.varint(length);
      input.run(random.chance(0.9) ? random.between(0x20, 0x7f) : random.uint32(), length);
    }
  }
  input.varint(4 * 8);
  input.varint(random.spread(20));
}

function writeMessage(random: Random, input: Input, schema: Schema, name: string, depth: number): void {
  const fields = schema.messages.get(name)!;
  for (let count = random.below(7); count > 0; count--) {
    if (fields.length === 0 || random.chance(0.08)) writeUnknown(random, input, depth);
    else writeField(random, input, schema, random.pick(fields), depth);
  }
}

function writeField(random: Random, input: Input, schema: Schema, field: Field, depth: number): void {
  const isMessage = schema.messages.has(field.type);
  const delimited = isMessage || field.type === "bytes" || field.type === "string";
  const right = field.type === "fixed32" ? 5 : delimited ? 2 : 0;
  const wire = random.chance(0.05) ? random.below(8) : right;
  input.varint(field.number * 8 + wire, random.chance(0.01) ? 5 : 1);
  if (wire !== 2 || !isMessage) return writeValue(random, input, wire, field.type === "string", depth);
  const start = input.length;
  if (depth < 3) writeMessage(random, input, schema, field.type, depth + 1);
  input.prefixLength(start);
}

function writeUnknown(random: Random, input: Input, depth: number): void {
  const number = random.chance(0.02) ? 0 : random.chance(0.7) ? random.between(12, 40) : random.spread(29);
  const wire = random.below(8);
  input.varint(number * 8 + wire);
  writeValue(random, input, wire, false, depth);
  if (wire === WIRE_GROUP && random.chance(0.9)) input.varint(number * 8 + WIRE_GROUP_END);
}

function writeValue(random: Random, input: Input, wire: number, isText: boolean, depth: number): void {
  switch (wire) {
    case 0:
      return input.varint(random.spread(53), random.chance(0.05) ? random.between(2, 12) : 1);
    case 1:
      return input.noise(random, 8);
    case 2: {
      const length = random.chance(0.03) ? random.below(400) : random.below(20);
      // Now and then a length that is not true.
      input.varint(random.chance(0.02) ? random.spread(36) : length, random.chance(0.01) ? 5 : 1);
      if (isText && random.chance(0.9)) return input.run(0x20 + random.below(0x60), length);
      return input.noise(random, length);
    }
    case WIRE_GROUP:
      if (random.chance(0.01)) return input.run(0x0b, random.pick([90, 99, 100, 101, 102, 5000]));
      for (let inner = random.below(3); inner > 0 && depth < 4; inner--) writeUnknown(random, input, depth + 1);
      return;
    case 5:
      return input.noise(random, 4);
  }
}

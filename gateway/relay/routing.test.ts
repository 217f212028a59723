// Peeking agrees with decoding, finds what is named twice, and refuses what no decoder takes. And the batches to and
// from logic, written and read by hand, are what protobufjs makes of them.
import fc from "fast-check";
import t from "tap";
import { ConversationKind, directKey, groupKey, selfKey, shardOf } from "../../proto/conversation.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { Reader } from "../../proto/runtime.ts";
import { SessionState, SessionTable } from "../session/session-table.ts";
import { DownBatch } from "./downlink.ts";
import { OwnersChange, Owners } from "./owners.ts";
import { peek, peekedEnd, peekedKind, peekedShard, peekedStart } from "./routing.ts";
import { UpBatch } from "./up-batch.ts";

const { Send, Fetch, Read } = hawser.v1;
const { Up, Down, Owner } = fabric.fabric.v1;
const bytesOf = (value: string) => new TextEncoder().encode(value);
const id = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 20, unit: "grapheme" })
    .map(bytesOf)
    .filter((bytes) => bytes.length <= 64),
  fc.uint8Array({ minLength: 0, maxLength: 70 }),
);
const naming = fc.oneof(
  fc.record({ peer: id }),
  fc.record({ group: id }),
  fc.record({ self: fc.boolean() }),
  fc.record({ peer: id, group: id, self: fc.boolean() }, { requiredKeys: [] }),
);
const seq = fc.maxSafeNat();
const body = fc.oneof(
  fc
    .tuple(naming, seq, fc.nat(), fc.uint8Array({ maxLength: 300 }))
    .map(([name, clientSeq, kind, payload]) => Send.encode({ ...name, clientSeq, kind, payload }).finish()),
  fc.tuple(naming, seq, fc.boolean(), fc.nat()).map(([name, fromSeq, backward, limit]) => Fetch.encode({ ...name, fromSeq, backward, limit }).finish()),
  fc.constantFrom("alice", "alic", "alicf", "a", "b", "\u0000\u0000").map((peer) => Read.encode({ peer: bytesOf(peer), seq: 1 }).finish()),
  fc.tuple(naming, seq).map(([name, value]) => Read.encode({ ...name, seq: value }).finish()),
);

/** How often fields 1 to 3 stand in a body, by protobufjs's own reader; undefined when the body is none. */
function occurrences(bytes: Uint8Array): number | undefined {
  const reader = new Reader(bytes);
  let count = 0;
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 <= 3) count++;
      // Nobody writes them, and the gateway takes them for malformed.
      if ((tag & 7) === 3 || (tag & 7) === 4) return undefined;
      reader.skipType(tag & 7, 0, tag >>> 3);
    }
    Send.decode(bytes);
  } catch {
    return undefined;
  }
  return count;
}

/** What peeking must say: the id, and of which kind; undefined for BAD_REQUEST. */
function expected(bytes: Uint8Array): { kind: number; id: Uint8Array } | undefined {
  if (occurrences(bytes) !== 1) return undefined;
  const { peer, group, self } = Send.decode(bytes);
  if (self) return { kind: ConversationKind.Self, id: new Uint8Array(0) };
  const found = peer.length > 0 ? { kind: ConversationKind.Direct, id: peer } : { kind: ConversationKind.Group, id: group };
  if (found.id.length === 0 || found.id.length > 64) return undefined;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(found.id);
  } catch {
    return undefined;
  }
  return found;
}

const users = ["alice", "a", "\u0000", "\u{10ffff}".repeat(16), "M"].map(bytesOf);

function check(bytes: Uint8Array): void {
  // In the middle of a chunk, as it comes.
  const chunk = new Uint8Array(bytes.length + 7).fill(0xff);
  chunk.set(bytes, 3);
  const want = expected(bytes);
  const got = peek(chunk, 3, 3 + bytes.length);
  if (got !== (want !== undefined)) throw new Error(`peek says ${got}`);
  if (want === undefined) return;
  if (peekedKind !== want.kind) throw new Error(`kind ${peekedKind}`);
  if (want.kind !== ConversationKind.Self && Buffer.compare(chunk.subarray(peekedStart, peekedEnd), want.id) !== 0) throw new Error("another id");
  const user = users[bytes.length % users.length]!;
  const key = want.kind === ConversationKind.Direct ? directKey(user, want.id) : want.kind === ConversationKind.Group ? groupKey(want.id) : selfKey(user);
  if (peekedShard(chunk, Buffer.concat([Buffer.from("xx"), user]), 2, 2 + user.length, 256) !== shardOf(key, 256)) throw new Error("another shard");
}

t.test("encoded messages, whole, joined and damaged", async () => {
  fc.assert(
    fc.property(body, (bytes) => check(bytes)),
    { numRuns: 3000 },
  );
  // One behind the other is one message with fields given twice, as protobuf has it.
  fc.assert(
    fc.property(body, body, (a, b) => check(Buffer.concat([a, b]))),
    { numRuns: 1500 },
  );
  fc.assert(
    fc.property(body, fc.nat(), (bytes, at) => check(bytes.subarray(0, bytes.length === 0 ? 0 : at % bytes.length))),
    { numRuns: 1500 },
  );
});

t.test("any bytes: what is let through is what logic will read", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.tuple(body, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([whole, at, byte]) => {
      const damaged = whole.slice();
      if (damaged.length > 0) damaged[at % damaged.length] = byte;
      return damaged;
    }),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      if (!peek(input, 0, input.length)) return;
      let message: hawser.v1.Send;
      try {
        message = Send.decode(input);
      } catch {
        return; // Let through, and refused by logic, which decodes everything.
      }
      const count = (message.peer.length > 0 ? 1 : 0) + (message.group.length > 0 ? 1 : 0) + (message.self ? 1 : 0);
      if (count !== 1) throw new Error(`${count} names`);
    }),
    { numRuns: 5000 },
  );
});

t.test("cases", async (t) => {
  const peer = [0x0a, 3, 98, 111, 98];
  const yes = (bytes: number[], message: string) => t.ok(peek(Uint8Array.from(bytes), 0, bytes.length), message);
  const no = (bytes: number[], message: string) => t.notOk(peek(Uint8Array.from(bytes), 0, bytes.length), message);
  yes(peer, "peer alone");
  yes([0x20, 1, ...peer], "at the end");
  yes([0x18, 1], "self");
  yes([0x18, 0x80, 0x80, 0x01], "self by another true value");
  yes([...peer, 0x3a, 0, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 0x4d, 1, 2, 3, 4], "unknown fields of every wire type");
  no([], "nothing");
  no([0x20, 1], "no name");
  no([0x18, 0], "self: false");
  no([...peer, 0x18, 0], "a peer and self: false");
  no([...peer, ...peer], "peer twice");
  no([...peer, 0x12, 1, 103], "peer and group");
  no([0x0a, 0], "empty");
  no([0x08, 1], "peer as a number");
  no([0x1a, 1, 1], "self as bytes");
  no([0x0a, 3, 98, 111], "cut short");
  no([...peer, 0x22], "a length that is missing");
  no([...peer, 0x80], "a tag that is cut short");
  no([...peer, 0x00, 1], "field 0");
  no([...peer, 0x0b, 0x0c], "a group");
  no([...peer, 0x0f, 1], "wire type 7");
  no([...peer, 0x20, ...new Array(11).fill(0x80)], "a varint without end");
  no([...peer, 0x32, 0xff, 0xff, 0xff, 0xff, 0x0f], "4 GB");
});

t.test("Up batches are what protobufjs reads", async () => {
  const SLOTS = 300;
  const command = fc.record({
    slot: fc.nat(SLOTS - 1),
    generation: fc.oneof(fc.nat(5), fc.nat(0xffff_ffff)),
    type: fc.nat(70),
    ref: fc.oneof(fc.nat(300), fc.maxSafeNat()),
    body: fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ minLength: 200, maxLength: 20_000 })),
    user: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    install: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  });
  const table = new SessionTable(SLOTS);
  const batch = new UpBatch(table);
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), fc.nat(), fc.nat(0xffff_ffff), fc.maxSafeNat(), (commands, sessions, digest, number) => {
      for (const { slot, generation, type, ref, body, user, install } of commands) {
        const chunk = Buffer.concat([Buffer.from("chunk"), body, Buffer.from("chunk")]);
        const before = batch.byteLength;
        if (table.state[slot] !== SessionState.Free) table.free(slot);
        table.open(slot);
        table.ready(slot, user, bytesOf("device"), install);
        table.generation[slot] = generation;
        batch.add(slot, type, ref, chunk, 5, 5 + body.length);
        if (batch.byteLength - before > UpBatch.roomFor(body.length)) throw new Error("more room than was said");
      }
      const head = { from: bytesOf("12345678"), to: bytesOf("87654321"), link: 3, number, last: number, ack: 7, reset: false };
      const up = Up.decode(batch.finish(head, sessions, digest >>> 0));
      if (up.sessions !== sessions || up.digest !== digest >>> 0 || up.head!.number !== number) throw new Error("head");
      const got = up.commands.map(({ slot = 0, generation = 0, type = 0, ref = 0, body, user, install }) => [
        slot,
        generation,
        type,
        ref,
        ...[body, user, install].map(text),
      ]);
      const want = commands.map(({ slot, generation, type, ref, body, user, install }) => [slot, generation, type, ref, ...[body, user, install].map(text)]);
      if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(JSON.stringify(up));
    }),
    { numRuns: 500 },
  );
});

function text(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

t.test("Down batches are what protobufjs wrote", async (t) => {
  const delivery = fc.record({
    frame: fc.uint8Array({ minLength: 1, maxLength: 200 }),
    sessions: fc.array(fc.tuple(fc.nat(100_000), fc.nat(0xffff_ffff)), { maxLength: 600 }),
    class: fc.nat(3),
  });
  const batch = new DownBatch();
  fc.assert(
    fc.property(fc.array(delivery, { maxLength: 6 }), fc.maxSafeNat(), (deliveries, epoch) => {
      const head = { from: bytesOf("12345678"), to: bytesOf("87654321"), link: 1, number: 5, last: 6, ack: 4, reset: false };
      const fields = deliveries.map(({ frame, sessions, class: deliveryClass }) => ({
        frame,
        slots: sessions.map(([slot]) => slot),
        generations: sessions.map(([, generation]) => generation),
        class: deliveryClass,
      }));
      batch.read(Down.encode({ head, epoch, deliveries: fields }).finish());
      if (batch.epoch !== epoch || batch.head.number !== 5 || batch.head.last !== 6) throw new Error("head");
      const got: typeof fields = [];
      batch.deliver({
        delivery: (frame, deliveryClass, slots, generations, count) => {
          got.push({ frame: frame.slice(), slots: [...slots.subarray(0, count)], generations: [...generations.subarray(0, count)], class: deliveryClass });
        },
      });
      if (JSON.stringify(got) !== JSON.stringify(fields)) throw new Error("deliveries");
    }),
    { numRuns: 300 },
  );
  const sink = { delivery: () => undefined };
  const malformed = (bytes: number[]) => () => {
    batch.read(Uint8Array.from(bytes));
    batch.deliver(sink);
  };
  t.throws(malformed([0x1a, 9, 0x0a, 1]), "a delivery longer than its batch");
  t.throws(malformed([0x1a, 3, 0x0a, 5, 1]), "a frame longer than its delivery");
  t.throws(malformed([0x1a, 6, 0x0a, 1, 0, 0x12, 1, 5]), "slots without generations");
  t.throws(malformed([0x1a, 0]), "no frame");
  t.throws(malformed([0x0a, 9]), "a head that is cut short");
});

t.test("owners", async (t) => {
  const owners = new Owners();
  const owner = (fields: fabric.fabric.v1.Owner.$Properties = {}) =>
    Owner.encode({ incarnation: bytesOf("ownerone"), epoch: 4, shardFirst: 0, shardLast: 255, shardCount: 256, store: bytesOf("s"), ...fields }).finish();
  t.equal(owners.apply("a", owner()), OwnersChange.Changed);
  t.equal(owners.apply("a", owner()), OwnersChange.None, "a bump");
  t.equal(owners.shardCount, 256);
  t.equal(owners.apply("a", owner({ epoch: 3 })), OwnersChange.Refused, "a deposed owner");
  t.match(owners.problem, /epoch 4 to 3/);
  t.equal(owners.apply("a", owner({ epoch: 1, store: bytesOf("t") })), OwnersChange.Changed, "epochs of another store are others");
  t.equal(owners.apply("a", owner({ epoch: 5, incarnation: bytesOf("ownertwo"), store: bytesOf("t") })), OwnersChange.Changed);
  t.equal(owners.ranges.get("a")!.owner, Buffer.from("ownertwo").toString("hex"));
  t.equal(owners.apply("b", Uint8Array.of(0xff)), OwnersChange.Refused);
  for (const wrong of [{ incarnation: bytesOf("short") }, { shardCount: 0 }, { shardFirst: 9, shardLast: 8 }, { shardLast: 256 }, { shardCount: 1e6 }]) {
    t.equal(owners.apply("b", owner(wrong)), OwnersChange.Refused, JSON.stringify(wrong));
  }
  t.equal(owners.apply("b", new Uint8Array(0)), OwnersChange.None);
  t.equal(owners.apply("a", new Uint8Array(0)), OwnersChange.Changed);
  t.equal(owners.ranges.size, 0);
});

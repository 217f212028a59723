// What is encoded by hand for speed is what protobufjs makes, or reads, of the same message, whatever the values.
import fc from "fast-check";
import t from "tap";
import { directKey } from "../../proto/conversation.ts";
import { type Encodable, encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import type { LinkHead } from "../../proto/link.ts";
import { pushFromFrame, pushToFrame, sentFrame } from "../shard/frames.ts";
import { directKeyOf } from "../shard/naming.ts";
import type { Session } from "../shard/session.ts";
import { textOf } from "../store/latin1.ts";
import { DownBatch } from "./down-batch.ts";
import { Command, TWO_HEADS, UpBatch } from "./up-batch.ts";

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const uint32 = fc.oneof(fc.nat(300), fc.nat(0xffff_ffff));
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const NONE = new Uint8Array(0);
const NO_COMMAND = { slot: 0, generation: 0, type: 0, ref: 0, body: NONE, user: NONE, install: NONE };
const headHex = (head: fabric.fabric.v1.LinkHead.$Properties) => hex(fabric.fabric.v1.LinkHead.encode(head).finish());
const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");

t.test("a direct conversation's key is the same whether its users are bytes or text", async () => {
  const id = fc.uint8Array({ minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(id, fc.oneof(id, fc.nat(9)), (user, other) => {
      // Also the same user, and one whose id begins with the other's.
      const peer = typeof other !== "number" ? other : other < 5 ? user.slice(0, Math.max(1, user.length - other)) : Uint8Array.of(...user, other).slice(0, 64);
      return hex(directKeyOf(textOf(user), peer)) === hex(directKey(user, peer));
    }),
    { numRuns: 1000 },
  );
});

t.test("Sent and Push are byte for byte those of protobufjs", async (t) => {
  const row = fc.record({
    seq: number,
    time: number,
    kind: uint32,
    sender: bytes(64),
    payload: bytes(300),
    install: bytes(8),
    clientSeq: number,
    uncounted: number,
  });
  const same = <T>(frame: Uint8Array, type: number, codec: Encodable<T>, message: T) => t.equal(hex(frame), hex(encodeMessage(type, codec, message)));
  fc.assert(
    fc.property(row, bytes(64), number, fc.nat(3), (row, peer, ref, durability) => {
      const { sender, install, clientSeq, ...seen } = row;
      same(sentFrame(ref, row.seq, row.time, durability), FrameType.Sent, hawser.v1.Sent, { ref, seq: row.seq, time: row.time, durability });
      same(pushFromFrame(row), FrameType.Push, hawser.v1.Push, { from: sender, ...seen });
      same(pushToFrame(row, directKey(sender, peer)), FrameType.Push, hawser.v1.Push, { to: peer, install, clientSeq, ...seen });
    }),
  );
  const row64k = {
    seq: 1,
    time: 2,
    kind: 0,
    sender: Buffer.from("a"),
    payload: new Uint8Array(65_536),
    install: new Uint8Array(8),
    clientSeq: 1,
    uncounted: 0,
  };
  same(pushFromFrame(row64k), FrameType.Push, hawser.v1.Push, { from: row64k.sender, seq: 1, time: 2, payload: row64k.payload });
});

t.test("a Down batch reads as what was put into it", async (t) => {
  const session = fc.record({ slot: uint32, generation: uint32 });
  const delivery = fc.record({
    frame: fc.uint8Array({ minLength: 1, maxLength: 400 }),
    class: fc.nat(3),
    sessions: fc.array(session, { minLength: 1, maxLength: 40 }),
  });
  const head = fc.record({ from: bytes(8), to: bytes(8), link: number, number, last: number, ack: number, reset: fc.constant(false) });
  const batch = new DownBatch();
  fc.assert(
    fc.property(fc.array(delivery, { maxLength: 60 }), head, number, (deliveries, head: LinkHead, epoch) => {
      for (const { frame, sessions, class: deliveryClass } of deliveries) {
        const before = batch.byteLength;
        if (sessions.length === 1) batch.add(sessions[0] as Session, frame, deliveryClass);
        else batch.addMany(sessions as Session[], frame, deliveryClass);
        t.ok(batch.byteLength - before <= DownBatch.roomFor(frame.length, sessions.length), "it takes no more room than was said");
      }
      const bytes = batch.finish(head, epoch);
      t.equal(batch.byteLength, 0);
      const down = fabric.fabric.v1.Down.decode(bytes);
      t.equal(down.epoch, epoch);
      t.equal(headHex(down.head!), headHex(head));
      t.strictSame(
        down.deliveries.map((each) => [hex(each.frame!), each.class, each.slots, each.generations]),
        deliveries.map((each) => [hex(each.frame), each.class, each.sessions.map(({ slot }) => slot), each.sessions.map(({ generation }) => generation)]),
      );
    }),
  );
});

t.test("an Up batch reads as protobufjs reads it, damaged or not", async (t) => {
  const { Up } = fabric.fabric.v1;
  const command = fc.record({ slot: uint32, generation: uint32, type: fc.nat(100), ref: number, body: bytes(80), user: bytes(64), install: bytes(8) });
  const head = fc.record({ from: bytes(8), to: bytes(8), link: number, number, last: number, ack: number, reset: fc.boolean() });
  const damage = fc.option(fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.nat(3) }), { nil: undefined });
  const batch = new UpBatch();
  const command_ = new Command();
  const read = (value: Uint8Array) => {
    batch.read(value);
    const commands = Array.from({ length: batch.count }, (_, i) => {
      batch.get(i, command_);
      const { bytes, bodyStart, bodyEnd, slot, generation, type, ref, user, install } = command_;
      return [slot, generation, type, ref, hex(bytes.subarray(bodyStart, bodyEnd)), hex(user), hex(install)];
    });
    const seen = [headHex(batch.head), batch.sessions, batch.digest, commands];
    batch.release();
    return seen;
  };
  const decode = (value: Uint8Array) => {
    const up = Up.decode(value);
    const commands = up.commands.map((each) => {
      const { slot, generation, type, ref, body, user, install } = { ...NO_COMMAND, ...each };
      return [slot, generation, type, ref, hex(body ?? NONE), hex(user ?? NONE), hex(install ?? NONE)];
    });
    return [headHex(up.head ?? {}), up.sessions, up.digest, commands];
  };
  const outcome = (run: (value: Uint8Array) => unknown, value: Uint8Array) => {
    try {
      return run(value);
    } catch (error) {
      return (error as Error).message === TWO_HEADS ? TWO_HEADS : "refused";
    }
  };
  let refused = 0;
  fc.assert(
    fc.property(fc.array(command, { maxLength: 300 }), head, number, uint32, damage, (commands, head, sessions, digest, damage) => {
      let value = Up.encode({ commands, head, sessions, digest }).finish();
      if (damage !== undefined && value.length > 0) {
        value[damage.at % value.length] = damage.byte;
        value = value.subarray(0, value.length - damage.cut);
      }
      const theirs = outcome(decode, value);
      if (theirs === "refused") refused++;
      const ours = outcome(read, value);
      if (ours !== TWO_HEADS) t.strictSame(ours, theirs);
    }),
    { numRuns: 1000 },
  );
  t.ok(refused > 20, "there was damage to find");
  const twice = Buffer.from([0x0a, 2, 0x18, 1, 0x0a, 2, 0x18, 2]);
  t.equal(outcome(read, twice), TWO_HEADS);
});

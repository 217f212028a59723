// The outbox: one write a turn and connection, and its budgets, over a port whose readers can be stopped.
import fc from "fast-check";
import t from "tap";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { BEAT_FRAME, encodeFrame, encodeMessage } from "../../proto/frame.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { WriteResult } from "../accept/transport.ts";
import type { FrameShaper } from "../compress/shaper.ts";
import { CloseReason, Counters, DropReason } from "../counters.ts";
import { Coalescing, holdFor } from "./coalescing.ts";
import { closeReasonOf } from "./frame-kind.ts";
import { FrameQueue, splitFrames } from "./frame-queue.ts";
import { Outbox, type OutboxLimits, type OutboxOwner, RESYNC_FRAME } from "./outbox.ts";
import type { OutboxPort } from "./outbox-writer.ts";

const HOLD_MS_MAX = 8;

/** A transport whose slots take bytes as long as they are told to. */
class Port implements OutboxPort {
  readonly writes: { slot: number; bytes: number[] }[] = [];
  readonly waiting = new Map<number, number>();
  readonly stopped = new Set<number>();
  readonly gone = new Set<number>();
  /** Slots that take everything with the next write, what waits included. */
  readonly taking = new Set<number>();
  readonly closes: number[] = [];
  private readonly bytes = new Map<number, Uint8Array[]>();

  /** What was written to the slot since the last call, frame by frame. */
  told(slot: number): string[] {
    const written = this.bytes.get(slot) ?? [];
    this.bytes.delete(slot);
    return told(Buffer.concat(written));
  }

  drain(slot: number): void {
    this.waiting.set(slot, 0);
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    if (this.gone.has(slot)) return WriteResult.Dropped;
    this.writes.push({ slot, bytes: bytes.length > 64 ? [bytes.length] : [...bytes] });
    this.bytes.set(slot, [...(this.bytes.get(slot) ?? []), bytes]);
    if (this.taking.has(slot)) this.drain(slot);
    if (!this.stopped.has(slot) || this.taking.has(slot)) return WriteResult.Sent;
    this.waiting.set(slot, this.bufferedBytes(slot) + bytes.length);
    return WriteResult.Buffered;
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    return this.write(slot, Buffer.concat(frames.slice(0, count)));
  }

  bufferedBytes(slot: number): number {
    return this.waiting.get(slot) ?? 0;
  }

  close(slot: number): void {
    this.closes.push(slot);
  }
}

class Bench implements OutboxOwner {
  readonly port = new Port();
  readonly counters = new Counters();
  readonly slows: number[] = [];
  /** As the gateway does with who is too slow. */
  closesSlow = false;
  flushes = 0;
  readonly outbox: Outbox;

  constructor(
    limits: OutboxLimits = { pushBytesMax: 1000, controlBytesMax: 500, backlogBytesMax: 10_000, stallMs: 5000, holdMsMax: HOLD_MS_MAX },
    shaper?: FrameShaper,
  ) {
    this.outbox = new Outbox(8, this.port, this, this.counters, limits, shaper);
  }

  slow(slot: number): void {
    this.slows.push(slot);
    if (!this.closesSlow) return;
    this.port.drain(slot);
    this.port.stopped.delete(slot);
    this.outbox.close(slot, errorFrame(ErrorCode.SlowConsumer));
  }

  flushSoon(): void {
    this.flushes++;
  }

  /** Lengths or bytes of what was written since the last call. */
  flush(): string[] {
    this.outbox.flush();
    if (this.outbox.backlogCount === 0 && this.outbox.backlogBytes !== 0) throw new Error(`${this.outbox.backlogBytes} bytes wait for nobody`);
    return this.port.writes.splice(0).map(({ slot, bytes }) => `${slot}: ${bytes}`);
  }
}

const push = (bytes: number) => encodeFrame(FrameType.Push, new Uint8Array(bytes - (bytes > 16_387 ? 4 : bytes > 129 ? 3 : 2)));

t.test("one write for each connection and turn, frames in order", async (t) => {
  const bench = new Bench();
  const { outbox } = bench;
  outbox.control(1, Uint8Array.of(1, 15));
  outbox.control(0, BEAT_FRAME);
  outbox.push(1, Uint8Array.of(2, 7, 5));
  outbox.control(1, BEAT_FRAME);
  t.equal(bench.flushes, 1, "asked for once");
  t.strictSame(bench.flush(), ["1: 1,15,2,7,5,0", "0: 0"]);
  t.strictSame(bench.flush(), []);
  outbox.control(1, BEAT_FRAME);
  t.equal(bench.flushes, 2);
  t.strictSame(bench.flush(), ["1: 0"]);
  t.equal(bench.counters.framesOut[FrameType.Push], 1);
  t.equal(bench.counters.framesOut[0], 3);
  t.equal(bench.counters.bytesOut[0], 8);
});

t.test("a lagging connection: one Resync, no pushes, until its Sync is answered", async (t) => {
  const bench = new Bench();
  const { outbox, port, counters } = bench;
  port.stopped.add(0);
  outbox.push(0, push(600));
  t.strictSame(bench.flush(), ["0: 600"]);
  outbox.push(0, push(300));
  outbox.push(0, push(200));
  outbox.push(0, push(10));
  t.ok(outbox.lagging(0), "the third would have gone beyond the budget");
  t.strictSame(bench.flush(), ["0: 300", "0: 1,15"], "and a Resync behind the second");
  t.equal(counters.drops[DropReason.Lagging], 2);
  t.equal(counters.resyncs, 1);
  port.waiting.set(0, 0);
  outbox.push(0, push(10));
  t.strictSame(bench.flush(), [], "even when it has read everything");
  outbox.control(0, push(20));
  outbox.sync(0, push(30));
  outbox.push(0, push(40));
  t.notOk(outbox.lagging(0));
  t.strictSame(bench.flush(), ["0: 90"]);
  t.equal(outbox.laggingCount, 0);
  outbox.push(0, push(990));
  outbox.push(0, push(990));
  t.equal(outbox.laggingCount, 1, "it may lag again");
  t.equal(counters.resyncs, 2);
  t.equal(RESYNC_FRAME.length, 2);
});

t.test("control frames have a reserve, and then an end", async (t) => {
  const bench = new Bench();
  const { outbox, port } = bench;
  port.stopped.add(2);
  outbox.push(2, push(1000));
  bench.flush();
  outbox.control(2, push(400));
  t.strictSame(bench.slows, []);
  outbox.control(2, push(101));
  t.strictSame(bench.slows, [2]);
  outbox.control(2, push(50));
  const error = errorFrame(ErrorCode.SlowConsumer);
  outbox.close(2, error);
  t.strictSame(port.closes, [2]);
  t.strictSame(bench.flush(), ["2: 400", `2: ${[...push(50), ...error]}`], "what was gathered goes out with the error");
  port.gone.add(2);
  outbox.closed(2);
  t.equal(outbox.backlogCount, 0);
});

t.test("much in one turn is no lag for who reads", async (t) => {
  const bench = new Bench();
  const { outbox, port } = bench;
  for (let i = 0; i < 5; i++) outbox.push(0, push(400));
  outbox.control(0, push(1400));
  t.notOk(outbox.lagging(0));
  t.strictSame(bench.flush(), ["0: 800", "0: 800", "0: 400", "0: 1400"]);
  t.strictSame([outbox.backlogCount, port.closes.length, bench.slows.length], [0, 0, 0]);
});

t.test("who takes nothing is closed, who takes little is not", async (t) => {
  const bench = new Bench();
  const { outbox, port } = bench;
  for (const slot of [0, 1, 2, 3]) {
    port.stopped.add(slot);
    outbox.push(slot, push(500));
  }
  bench.flush();
  t.equal(outbox.backlogCount, 4);
  for (let now = 0; now <= 6000; now += 1000) {
    outbox.sweep(now);
    // Slot 1 reads a byte a second; 2 reads nothing, and is given more; 3 has read everything.
    port.waiting.set(1, port.bufferedBytes(1) - 1);
    if (now < 3000) outbox.push(2, push(50));
    port.waiting.set(3, 0);
    bench.flush();
  }
  t.strictSame(bench.slows.filter((slot, i, all) => all.indexOf(slot) === i).sort(), [0, 2]);
  t.equal(outbox.backlogCount, 3, "the one that was empty left the list");
  port.waiting.set(1, 0);
  outbox.drained(1);
  outbox.drained(1);
  t.equal(outbox.backlogCount, 2);
});

t.test("what waits is counted once, whenever it leaves", async (t) => {
  const bench = new Bench(ROOMY);
  const { outbox, port } = bench;
  for (const slot of [0, 1, 2]) {
    port.stopped.add(slot);
    outbox.control(slot, push(20_000));
    bench.flush();
    outbox.control(slot, push(20_000));
    port.waiting.set(slot, 5000);
    // The transport takes the rest, and what it held, within the sweep.
    port.taking.add(slot);
    outbox.sweep(1000 * slot);
    t.strictSame([outbox.backlogCount, outbox.backlogBytes], [0, 0]);
  }
});

t.test("nothing of a connection reaches the next one in its slot", async (t) => {
  const bench = new Bench();
  const { outbox, port } = bench;
  port.stopped.add(0);
  outbox.push(0, push(900));
  outbox.push(0, push(900));
  outbox.control(0, push(50));
  outbox.closed(0);
  t.strictSame([outbox.lagging(0), outbox.laggingCount], [false, 0]);
  port.stopped.delete(0);
  port.writes.length = 0;
  outbox.control(0, BEAT_FRAME);
  t.strictSame(bench.flush(), ["0: 0"]);
  port.stopped.add(0);
  port.stopped.add(1);
  outbox.push(0, push(900));
  outbox.push(1, push(900));
  bench.flush();
  outbox.closed(0);
  outbox.closed(1);
  t.equal(outbox.backlogCount, 0);
});

/** A Read of a direct conversation, as logic writes it. */
const read = (peer: string, seq: number) => encodeMessage(FrameType.Read, hawser.v1.Read, { peer: Buffer.from(peer), seq });

/** What was written, as text: sequence numbers of pushes, conversations and numbers of receipts. */
function told(written: Uint8Array): string[] {
  const found: string[] = [];
  const reader = new FrameReader(Limits.frameBytesMax);
  reader.push(written, {
    frame: (header, bytes, start, end) => {
      if (header === FrameType.Read) {
        const { peer, seq } = hawser.v1.Read.decode(bytes.subarray(start, end));
        found.push(`${Buffer.from(peer ?? [])} ${seq}`);
      } else found.push(`${FRAME_NAMES[header] ?? header}${end > start ? ` ${end - start}` : ""}`);
      return true;
    },
  });
  return found;
}
const FRAME_NAMES: Record<number, string> = { [FrameType.Push]: "push", [FrameType.Sent]: "sent", [FrameType.Resync]: "resync", [FrameType.Signal]: "signal" };

/** Limits large enough that something waits in the outbox and not only in the transport. */
const ROOMY = { pushBytesMax: 200_000, controlBytesMax: 100_000, backlogBytesMax: 10_000_000, stallMs: 5000, holdMsMax: HOLD_MS_MAX };

t.test("behind a backlog: acks and messages in order, then the newest receipts, and nothing ephemeral", async (t) => {
  const bench = new Bench(ROOMY);
  const { outbox, port, counters } = bench;
  const typing = Uint8Array.of(1, FrameType.Signal);
  port.stopped.add(0);
  outbox.deliver(0, push(20_000), DeliveryClass.Push);
  outbox.deliver(0, typing, DeliveryClass.Ephemeral);
  outbox.deliver(0, read("ann", 1), DeliveryClass.Receipt);
  outbox.flush();
  t.strictSame(port.told(0), ["push 19996", "signal", "ann 1"], "nothing waited yet: all of it leaves at once");
  outbox.deliver(0, read("ann", 2), DeliveryClass.Receipt);
  outbox.deliver(0, push(10), DeliveryClass.Push);
  outbox.deliver(0, typing, DeliveryClass.Ephemeral);
  outbox.deliver(0, read("bob", 7), DeliveryClass.Receipt);
  outbox.deliver(0, encodeFrame(FrameType.Sent, new Uint8Array(4)), DeliveryClass.Control);
  outbox.deliver(0, read("ann", 3), DeliveryClass.Receipt);
  outbox.flush();
  outbox.deliver(0, push(11), DeliveryClass.Push);
  outbox.flush();
  t.strictSame(port.told(0), [], "the transport holds enough");
  t.equal(counters.drops[DropReason.Ephemeral], 1);
  t.equal(outbox.backlogCount, 1);
  port.drain(0);
  outbox.drained(0);
  t.strictSame(port.told(0), ["push 8", "sent 4", "push 9", "ann 3", "bob 7"]);
  t.equal(counters.framesOut[FrameType.Read], 3, "one of ann's was replaced by a newer one");
  port.drain(0);
  outbox.sweep(0);
  t.strictSame([outbox.backlogCount, outbox.backlogBytes], [0, 0]);
  outbox.deliver(0, typing, DeliveryClass.Ephemeral);
  outbox.flush();
  t.strictSame(port.told(0), ["signal"]);
  outbox.deliver(0, push(10), 17);
  outbox.flush();
  t.strictSame(port.told(0), ["push 8"], "a class of a newer logic is treated as a push");
});

t.test("receipts that have no room are made up for by one Resync; a lag makes up for all of them", async (t) => {
  const bench = new Bench(ROOMY);
  const { outbox, port, counters } = bench;
  const wait = (slot: number) => {
    port.stopped.add(slot);
    outbox.push(slot, push(20_000));
    outbox.flush();
    port.told(slot);
  };
  wait(0);
  const conversations = 500;
  for (let i = 0; i < conversations; i++) outbox.receipt(0, read(`peer ${i}`, i + 1));
  const dropped = counters.drops[DropReason.Receipt]!;
  t.ok(dropped > 0 && dropped < conversations, `${dropped} left out`);
  t.ok(outbox.backlogBytes <= 20_000 + ROOMY.pushBytesMax / 8, "an eighth of the budget");
  outbox.push(0, push(10));
  outbox.flush();
  port.drain(0);
  port.stopped.delete(0);
  outbox.drained(0);
  const written = port.told(0);
  t.equal(written.length, 1 + (conversations - dropped) + 1);
  t.equal(written.at(-1), "resync");
  t.equal(counters.resyncs, 1);
  t.equal(outbox.backlogCount, 0);
  wait(1);
  for (let i = 0; i < conversations; i++) outbox.receipt(1, read(`peer ${i}`, i + 1));
  for (let bytes = 0; bytes <= ROOMY.pushBytesMax; bytes += 20_000) outbox.push(1, push(20_000));
  t.ok(outbox.lagging(1));
  outbox.receipt(1, read("ann", 1));
  port.stopped.delete(1);
  for (let i = 0; i < 20; i++) {
    outbox.flush();
    port.drain(1);
    outbox.drained(1);
  }
  t.strictSame(
    port.told(1).filter((frame) => !frame.startsWith("push")),
    ["resync"],
    "its Sync brings the read positions",
  );
});

t.test("all who wait have a bound together: whoever holds more than a share lags, then everybody does", async (t) => {
  const slots = 8;
  const bench = new Bench({ pushBytesMax: 100_000, controlBytesMax: 50_000, backlogBytesMax: 400_000, stallMs: 5000, holdMsMax: HOLD_MS_MAX });
  const { outbox, port, counters } = bench;
  for (let slot = 0; slot < slots; slot++) {
    port.stopped.add(slot);
    for (let bytes = 0; bytes < 300_000; bytes += 5000) {
      outbox.push(slot, push(5000));
      outbox.flush();
    }
  }
  t.equal(outbox.laggingCount, slots);
  t.equal(counters.resyncs, slots, "one Resync each");
  t.ok(outbox.backlogBytes <= 1.1 * 400_000, `${outbox.backlogBytes} bytes wait`);
  t.strictSame(bench.slows, []);
  for (let round = 0; round < 20; round++) {
    for (let slot = 0; slot < slots; slot++) outbox.control(slot, push(10_000));
    outbox.flush();
  }
  t.ok(outbox.backlogBytes <= 1.1 * 800_000, `${outbox.backlogBytes} bytes wait`);
  t.equal(new Set(bench.slows).size, slots, "answers have a bound too");
  for (let slot = 0; slot < slots; slot++) outbox.close(slot, errorFrame(ErrorCode.SlowConsumer));
  t.strictSame([outbox.backlogBytes, outbox.backlogCount, outbox.laggingCount], [0, 0, 0]);
});

t.test("no room for all: who holds the most is closed, not who comes next", async (t) => {
  const limits = { pushBytesMax: 100_000, controlBytesMax: 50_000, backlogBytesMax: 400_000, stallMs: 5000, holdMsMax: HOLD_MS_MAX };
  const bench = new Bench(limits);
  bench.closesSlow = true;
  const { outbox, port } = bench;
  for (let slot = 0; slot < 8; slot++) port.stopped.add(slot);
  const give = (slot: number, bytes: number): void => {
    outbox.control(slot, push(bytes));
    outbox.flush();
  };
  give(7, 2000);
  give(6, 20_000);
  // Five and a half reserves, each within its own.
  for (let slot = 0; slot < 5; slot++) for (let bytes = 0; bytes < 145_000; bytes += 5000) give(slot, 5000);
  while (outbox.backlogBytes + 500 <= 2 * limits.backlogBytesMax) give(5, 500);
  t.strictSame(bench.slows, [], "nobody has too much");
  for (let i = 0; i < 100; i++) give(7, 40);
  t.equal(bench.slows.length, 1, "one of them was enough");
  t.ok(bench.slows[0]! < 5, `slot ${bench.slows[0]} was closed`);
  t.ok(outbox.backlogBytes <= 2 * limits.backlogBytesMax, `${outbox.backlogBytes} bytes wait`);
  for (let slot = 0; slot < 8; slot++) port.stopped.add(slot);
  for (let round = 0; round < 20_000; round++) give(round % 8, 300);
  t.ok(outbox.backlogBytes <= 2 * limits.backlogBytesMax, `${outbox.backlogBytes} bytes wait`);
  for (let slot = 0; slot < 8; slot++) outbox.close(slot, undefined);
  t.strictSame([outbox.backlogBytes, outbox.backlogCount], [0, 0]);
});

t.test("receipts stand within the bound of all who wait", async (t) => {
  const limits = { ...ROOMY, backlogBytesMax: 400_000 };
  const bench = new Bench(limits);
  const { outbox, port, counters } = bench;
  for (let slot = 0; slot < 8; slot++) {
    port.stopped.add(slot);
    outbox.push(slot, push(45_000));
    outbox.flush();
    port.told(slot);
  }
  for (let slot = 0; slot < 8; slot++) for (let i = 0; i < 80; i++) outbox.receipt(slot, read(`peer ${i}`, i + 1));
  t.ok(outbox.backlogBytes <= limits.backlogBytesMax, `${outbox.backlogBytes} bytes wait`);
  const kept = 8 * 80 - counters.drops[DropReason.Receipt]!;
  t.ok(kept > 100 && kept < 8 * 80, `${kept} kept`);
  let receipts = 0;
  let resyncs = 0;
  for (let slot = 0; slot < 8; slot++) {
    port.drain(slot);
    port.stopped.delete(slot);
    outbox.drained(slot);
    for (const frame of port.told(slot)) {
      if (frame === "resync") resyncs++;
      else receipts++;
    }
  }
  t.equal(receipts, kept);
  t.ok(resyncs > 0 && resyncs <= 8, `${resyncs} are told to sync`);
  t.strictSame([outbox.backlogBytes, outbox.backlogCount], [0, 0]);
});

t.test("leaving: little that waits still goes out, much does not; the successor gets nothing of either", async (t) => {
  const bench = new Bench(ROOMY);
  const { outbox, port } = bench;
  for (const [slot, frames] of [
    [0, 3],
    [1, 30],
  ] as const) {
    port.stopped.add(slot);
    outbox.push(slot, push(20_000));
    outbox.flush();
    port.told(slot);
    for (let i = 0; i < frames; i++) outbox.push(slot, push(5000));
    outbox.receipt(slot, read("ann", 1));
    outbox.flush();
    outbox.push(slot, push(7));
    outbox.close(slot, RESYNC_FRAME);
    t.strictSame(port.told(slot), slot === 0 ? [...new Array<string>(3).fill("push 4997"), "push 5", "resync"] : ["resync"]);
    port.drain(slot);
    outbox.closed(slot);
    port.stopped.delete(slot);
    outbox.control(slot, BEAT_FRAME);
    outbox.flush();
    t.strictSame(port.told(slot), ["0"]);
  }
  t.strictSame([outbox.backlogBytes, outbox.backlogCount], [0, 0]);
});

t.test("what is compressed is looked at frame by frame, also behind a backlog and on leaving", async (t) => {
  const seen: number[][] = [];
  const shaper: FrameShaper = {
    shapes: (slot) => slot === 0,
    shape(_slot, frames, count) {
      seen.push(frames.slice(0, count).map(({ length }) => length));
      frames[0] = BEAT_FRAME;
      return 1;
    },
  };
  const bench = new Bench(ROOMY, shaper);
  const { outbox, port, counters } = bench;
  port.stopped.add(0);
  port.stopped.add(1);
  for (const slot of [0, 1]) {
    outbox.push(slot, push(100));
    outbox.push(slot, push(20_000));
    outbox.flush();
    port.waiting.set(slot, 20_000);
    for (const bytes of [10, 20, 30]) outbox.push(slot, push(bytes));
    outbox.flush();
    port.drain(slot);
    outbox.drained(slot);
    port.waiting.set(slot, 20_000);
    for (const bytes of [11, 12]) outbox.push(slot, push(bytes));
    outbox.close(slot, RESYNC_FRAME);
  }
  t.strictSame(seen, [
    [100, 20_000],
    [10, 20, 30],
    [11, 12, 2],
  ]);
  t.equal(counters.bytesOut[0], 3 + 20_100 + 60 + 25, "bytes are counted as they go out");
});

t.test("a great deal in one turn is written before its end", async (t) => {
  const bench = new Bench({ ...ROOMY, pushBytesMax: 1e8 });
  const { outbox, port } = bench;
  const frame = push(1_000_000);
  for (let i = 0; i < 20; i++) outbox.push(i % 8, frame);
  t.equal(port.writes.length, 16, "at 8 MB each time");
  for (let i = 0; i < 70_000; i++) outbox.push(i % 8, BEAT_FRAME);
  t.ok(port.writes.length >= 16 + 8, "and at 65,536 frames");
});

t.test("a queue of frames gives back what it took, in whole frames, and holds little more than their bytes", async () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 2, max: 200 }), fc.integer({ min: 1000, max: 9000 }), fc.integer({ min: 60_000, max: 70_000 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(lengths, fc.array(fc.boolean(), { maxLength: 60 }), (lengths, shifts) => {
      const queue = new FrameQueue();
      const taken: Uint8Array[] = [];
      const given = lengths.map((length, i) => {
        const frame = push(Math.max(length, 4));
        frame[frame.length - 1] = i;
        queue.push(frame);
        if (queue.heldBytes > 2 * queue.bytes + 8192) throw new Error(`${queue.heldBytes} held for ${queue.bytes}`);
        const chunk = shifts[i] === true ? queue.shift() : undefined;
        if (chunk !== undefined) taken.push(chunk);
        return frame;
      });
      for (let chunk = queue.shift(); chunk !== undefined; chunk = queue.shift()) taken.push(chunk);
      const frames: Uint8Array[] = [];
      let count = 0;
      for (const chunk of taken) count = splitFrames(chunk, frames, count);
      return queue.bytes === 0 && queue.heldBytes === 0 && count === given.length && Buffer.concat(frames).equals(Buffer.concat(given));
    }),
    { numRuns: 300 },
  );
});

t.test("how long frames wait for more of their connection", async (t) => {
  t.equal(holdFor(0.25, 8, HOLD_MS_MAX), 0, "an idle loop does not wait");
  t.equal(holdFor(0.9, 1.1, HOLD_MS_MAX), 0, "nor does one that would save nothing");
  t.equal(holdFor(1, 3, HOLD_MS_MAX), HOLD_MS_MAX);
  let longest = 0;
  for (let utilisation = 0.3; utilisation <= 1; utilisation += 0.01) {
    t.ok(holdFor(utilisation, 2, HOLD_MS_MAX) >= longest && holdFor(utilisation, 2, HOLD_MS_MAX) <= HOLD_MS_MAX);
    longest = holdFor(utilisation, 2, HOLD_MS_MAX);
  }
  let now = 0;
  const coalescing = new Coalescing(100, HOLD_MS_MAX);
  /** A tenth of a second of a busy loop: each connection is written to `each` times within a sample, and then, when held, `joined` frames at a time. */
  const busy = (ticks: number, each: number, joined: number): void => {
    for (let i = 0; i < ticks; i++) {
      now += 100;
      coalescing.tick(now, 1);
      if (coalescing.holdMs(now) !== 0) t.fail("nothing is held while it is measured");
      for (let i = 0; i < each; i++) for (let slot = 0; slot < 100; slot += 3) coalescing.wrote(slot, 1);
      coalescing.holdMs(now + HOLD_MS_MAX);
      coalescing.flushed();
      for (let slot = 0; slot < 100; slot += 3) coalescing.wrote(slot, coalescing.deadlineMs > 0 ? joined : 1);
    }
  };
  busy(5, 1, 1);
  t.equal(coalescing.deadlineMs, 0, "one write each: holding would join nothing");
  busy(20, 4, 4);
  t.equal(coalescing.deadlineMs, HOLD_MS_MAX);
  t.equal(coalescing.holdMs(now + 50), HOLD_MS_MAX, "what is gathered now waits");
  t.equal(coalescing.holdMs(now + 53), HOLD_MS_MAX - 3, "no longer because more came");
  t.equal(coalescing.holdMs(now + 70), 0);
  coalescing.flushed();
  t.equal(coalescing.holdMs(now + 71), HOLD_MS_MAX);
  coalescing.flushed();
  for (let i = 0; i < 4; i++) coalescing.tick((now += 100), 0);
  t.equal(coalescing.deadlineMs, 0, "not when the loop has time again");
  busy(10, 4, 4);
  t.equal(coalescing.deadlineMs, HOLD_MS_MAX);
  let held = 0;
  for (let i = 0; i < 1000; i++) {
    busy(1, 4, 1);
    if (coalescing.deadlineMs > 0) held++;
  }
  t.ok(held < 60, `where each message waits for the one before it, holding is hardly tried: ${held} of 1000 looks`);
  busy(400, 4, 4);
  t.equal(coalescing.deadlineMs, HOLD_MS_MAX, "and taken up again when it pays");
  const off = new Coalescing(100, 0);
  for (let i = 0; i < 20; i++) {
    off.tick(100 * i, 1);
    for (let slot = 0; slot < 50; slot++) off.wrote(slot % 5, 1);
    t.equal(off.holdMs(100 * i + 50), 0);
  }
});

t.test("why a connection was closed, for the count", async (t) => {
  t.equal(closeReasonOf(errorFrame(ErrorCode.Replaced, { detail: "d".repeat(300) })), ErrorCode.Replaced);
  t.equal(closeReasonOf(push(10)), CloseReason.Other);
  t.equal(closeReasonOf(Uint8Array.of(3, FrameType.Error, 0x08)), CloseReason.Other);
  t.equal(closeReasonOf(new Uint8Array(0)), CloseReason.Other);
});

// The outbox: one write a turn and connection, and its budgets, over a port whose readers can be stopped.
import t from "tap";
import { ErrorCode, errorFrame } from "../../proto/error-code.ts";
import { BEAT_FRAME, encodeFrame } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { WriteResult } from "../accept/transport.ts";
import { CloseReason, Counters, DropReason } from "../counters.ts";
import { closeReasonOf, Outbox, type OutboxOwner, type OutboxPort, RESYNC_FRAME } from "./outbox.ts";

/** A transport whose slots take bytes as long as they are told to. */
class Port implements OutboxPort {
  readonly writes: { slot: number; bytes: number[] }[] = [];
  readonly waiting = new Map<number, number>();
  readonly stopped = new Set<number>();
  readonly gone = new Set<number>();
  readonly closes: number[] = [];

  write(slot: number, bytes: Uint8Array): WriteResult {
    if (this.gone.has(slot)) return WriteResult.Dropped;
    this.writes.push({ slot, bytes: bytes.length > 64 ? [bytes.length] : [...bytes] });
    if (!this.stopped.has(slot)) return WriteResult.Sent;
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
  flushes = 0;
  readonly outbox = new Outbox(8, this.port, this, this.counters, { pushBytesMax: 1000, controlBytesMax: 500, stallMs: 5000 });

  slow(slot: number): void {
    this.slows.push(slot);
  }

  flushSoon(): void {
    this.flushes++;
  }

  /** Lengths or bytes of what was written since the last call. */
  flush(): string[] {
    this.outbox.flush();
    return this.port.writes.splice(0).map(({ slot, bytes }) => `${slot}: ${bytes}`);
  }
}

const push = (bytes: number) => encodeFrame(FrameType.Push, new Uint8Array(bytes - (bytes > 129 ? 3 : 2)));

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
  outbox.drained(1);
  outbox.drained(1);
  t.equal(outbox.backlogCount, 2);
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

t.test("why a connection was closed, for the count", async (t) => {
  t.equal(closeReasonOf(errorFrame(ErrorCode.Replaced, { detail: "d".repeat(300) })), ErrorCode.Replaced);
  t.equal(closeReasonOf(push(10)), CloseReason.Other);
  t.equal(closeReasonOf(Uint8Array.of(3, FrameType.Error, 0x08)), CloseReason.Other);
  t.equal(closeReasonOf(new Uint8Array(0)), CloseReason.Other);
});

// The gateway's timing wheel at a million sessions: putting a deadline on, moving it, and a tick of the clock with its due ones.
// The floor is one write to a place that nothing foresees in an array as large, which any table of deadlines has to do.
import { TimingWheel } from "../../gateway/session/timing-wheel.ts";
import { inChild } from "../child.ts";
import { memoryInUse } from "../collect.ts";
import { type Candidate, measure, measureOptions } from "../measure.ts";
import { type BenchOptions, type BenchResult, type Table, timingResult } from "../result.ts";

const SLOTS = 1_000_000;
/** As gateway.ts makes it. */
const TICK_MS = 125;
const BUCKETS = 8192;
/** When a session that says nothing is given up: 1.5 · 240 s + 10 s. */
const IDLE_MS = 370_000;
const FLOOR = "one write at random";

export async function run(options: BenchOptions): Promise<BenchResult> {
  const ids = shuffled(SLOTS);
  const wheel = new TimingWheel(SLOTS, TICK_MS, BUCKETS, 0);
  const bytesPerSlot = await wheelBytesInChild(SLOTS);
  for (const id of ids) wheel.arm(id, (id / SLOTS) * IDLE_MS);
  const candidates: Candidate[] = [randomWrite(ids), inserting(ids), refreshing(wheel, ids), ticking()];
  const notes = [
    `${SLOTS.toLocaleString("en")} slots, ticks of ${TICK_MS} ms, ${BUCKETS} buckets, deadlines ${IDLE_MS / 1000} s away. A frame that arrives does not touch the wheel:`,
    "it notes a time, and the deadline is looked at when it comes. So each session costs one entry that is due and put on again for each deadline.",
  ];
  const result = timingResult("wheel", "per entry", notes, await measure(candidates, measureOptions(options)));
  const memory: Table = {
    title: "memory",
    columns: [
      { key: "name", title: "" },
      { key: "bytes_per_slot", title: "bytes/slot" },
    ],
    rows: [{ name: "TimingWheel", bytes_per_slot: bytesPerSlot }],
  };
  return { ...result, tables: [...result.tables, memory] };
}

/** Bytes that a wheel takes for each of its slots. */
export function wheelBytesInChild(slots: number): Promise<number> {
  return inChild(import.meta.url, "wheelBytes", [slots]);
}

/** The same in this process. */
export async function wheelBytes(slots: number): Promise<number> {
  const before = await memoryInUse();
  const wheel = new TimingWheel(slots, TICK_MS, BUCKETS, 0);
  const after = await memoryInUse();
  wheel.disarm(0);
  return (after.heap + after.arrays - before.heap - before.arrays) / slots;
}

function randomWrite(ids: Uint32Array): Candidate {
  const array = new Float64Array(SLOTS);
  let at = 0;
  return {
    name: FLOOR,
    run(count) {
      for (let i = 0; i < count; i++) {
        array[ids[at]!] = i;
        at = at + 1 === SLOTS ? 0 : at + 1;
      }
      return array[0]!;
    },
  };
}

/** Arms ids that are not armed: a wheel of its own, emptied a part at a time before each run. */
function inserting(ids: Uint32Array): Candidate {
  const wheel = new TimingWheel(SLOTS, TICK_MS, BUCKETS, 0);
  let at = 0;
  return {
    name: "insert",
    floor: FLOOR,
    countMax: SLOTS,
    prepare(count) {
      for (let i = 0; i < count; i++) wheel.disarm(ids[(at + i) % SLOTS]!);
    },
    run(count) {
      let armed = 0;
      for (let i = 0; i < count; i++) {
        const id = ids[at]!;
        at = at + 1 === SLOTS ? 0 : at + 1;
        wheel.arm(id, IDLE_MS - (id & 0xffff));
        armed += id;
      }
      return armed;
    },
  };
}

/** Moves deadlines of a full wheel. */
function refreshing(wheel: TimingWheel, ids: Uint32Array): Candidate {
  let at = 0;
  let now = 0;
  return {
    name: "refresh",
    floor: FLOOR,
    run(count) {
      for (let i = 0; i < count; i++) {
        wheel.arm(ids[at]!, IDLE_MS - (now++ % IDLE_MS));
        at = at + 1 === SLOTS ? 0 : at + 1;
      }
      return now;
    },
  };
}

/** Lets time pass over a full wheel: each entry that is due is put on again. */
function ticking(): Candidate {
  const wheel = new TimingWheel(SLOTS, TICK_MS, BUCKETS, 0);
  for (let id = 0; id < SLOTS; id++) wheel.arm(id, ((id * 7919) % SLOTS) * (IDLE_MS / SLOTS));
  let now = 0;
  let due = 0;
  const sink = {
    due(id: number): void {
      due++;
      wheel.arm(id, now + IDLE_MS);
    },
  };
  return {
    name: "tick: due and put on again",
    floor: FLOOR,
    run(count) {
      for (const wanted = due + count; due < wanted; ) wheel.advance((now += TICK_MS), sink);
      return due;
    },
  };
}

/** 0 … count - 1 in an order without a pattern, the same every time. */
function shuffled(count: number): Uint32Array {
  const ids = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 20250101;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 0x1_0000_0000) * (i + 1));
    const swapped = ids[i]!;
    ids[i] = ids[j]!;
    ids[j] = swapped;
  }
  return ids;
}

// A crowd of sessions in one logic process, a million by default: what they take, what each costs as it comes, and what they cost
// those who send meanwhile. First everybody connects and syncs; then Sends flow between some of them; then all leave and
// come back with their watermark, as in a storm, which no read of the store may answer; and at last all are reported to a new
// owner. Beside each step stand the collector's pauses: the largest is what a message may have waited for.
import { constants, PerformanceObserver } from "node:perf_hooks";
import { Limits } from "../../proto/limits.ts";
import { inChild } from "../child.ts";
import { memoryInUse } from "../collect.ts";
import type { BenchOptions, BenchResult, Row } from "../result.ts";
import { LogicStage } from "../stage/logic-stage.ts";

/** Commands in an Up batch: as a gateway sends them under load. */
const BATCH = 256;
const PAIRS = 10_000;
const SENDS = 60_000;

export interface CrowdOptions {
  sessions: number;
  /** Flags for the process that holds them. */
  nodeArgs: readonly string[];
}

export async function run({ progress, watch }: BenchOptions, { sessions, nodeArgs }: CrowdOptions): Promise<BenchResult> {
  const meter = watch.begin();
  progress(`${sessions.toLocaleString("en")} sessions in a logic process`);
  const rows = await inChild<Row[]>(import.meta.url, "crowd", [sessions], ["--max-old-space-size=4096", ...nodeArgs]);
  const columns = [
    { key: "name", title: "" },
    { key: "us_per_op", title: "µs CPU each" },
    { key: "seconds", title: "s" },
    { key: "gc_percent", title: "GC %", digits: 1 },
    { key: "gc_young_ms_max", title: "longest young ms" },
    { key: "gc_old_ms_max", title: "longest old ms" },
    { key: "heap_bytes", title: "heap", digits: 0 },
    { key: "array_bytes", title: "arrays", digits: 0 },
    { key: "rss_bytes", title: "RSS", digits: 0 },
    { key: "store_loads", title: "loads", digits: 0 },
  ];
  const notes = [
    `One gateway, Up batches of ${BATCH}, users of 11 bytes without conversations but for ${PAIRS} pairs that send; a store that answers at once.`,
    "CPU is the whole process's, collector included; heap, arrays and RSS are bytes for each session, after collections; GC: share of the time, and pauses.",
  ];
  return { bench: "crowd", notes, tables: [{ title: "a crowd of sessions in logic", columns, rows }], conditions: await meter.end(), unfit: [] };
}

/** In this process. */
export async function crowd(sessions: number): Promise<Row[]> {
  const stage = new LogicStage();
  const rows: Row[] = [];
  const before = await memoryInUse();
  const step = async (name: string, operations: number, work: (meter: StepMeter) => Promise<void>): Promise<void> => {
    const loads = stage.store.loads;
    const meter = new StepMeter();
    await work(meter);
    const figures = meter.end(operations);
    const memory = await memoryInUse();
    rows.push({
      name,
      ...figures,
      heap_bytes: (memory.heap - before.heap) / sessions,
      array_bytes: (memory.arrays - before.arrays) / sessions,
      rss_bytes: (memory.rss - before.rss) / sessions,
      store_loads: stage.store.loads - loads,
    });
  };
  const everybody = async (meter: StepMeter, batch: (slots: number[]) => Uint8Array): Promise<void> => {
    for (let done = 0; done < sessions; done += BATCH) {
      const bytes = batch(Array.from({ length: Math.min(BATCH, sessions - done) }, (_, i) => done + i));
      await meter.time(() => stage.settle(bytes));
    }
  };
  await step("attach and Sync", sessions, (meter) => everybody(meter, (slots) => stage.attachBatch(slots.map((slot) => attach(slot, true)))));
  const traffic = new Traffic(stage, Math.min(PAIRS, Math.floor(sessions / 2)), sessions);
  await step("Send, conversation is loaded", traffic.pairs, (meter) => traffic.send(meter, traffic.pairs));
  await step("Send", SENDS, (meter) => traffic.send(meter, SENDS));
  const watermark = stage.watermark();
  await step("detach", sessions, (meter) => everybody(meter, (slots) => stage.detachBatch(slots)));
  await step("attach and Sync again", sessions, (meter) =>
    everybody(meter, (slots) => stage.attachBatch(slots.map((slot) => ({ ...attach(slot, true), generation: 2, watermark })))),
  );
  await step("all reported on a new link", sessions, async (meter) => {
    stage.openLink();
    await everybody(meter, (slots) => stage.attachBatch(slots.map((slot) => ({ ...attach(slot, false), generation: 2, report: true }))));
  });
  return rows;
}

function attach(slot: number, sync: boolean) {
  return { slot, generation: 1, user: userOf(slot), install: installOf(slot), sync };
}

function userOf(slot: number): Uint8Array {
  return Buffer.from(`u${String(slot).padStart(10, "0")}`);
}

function installOf(slot: number): Uint8Array {
  const install = Buffer.alloc(Limits.installBytes, 0x1d);
  install.writeUInt32BE(Math.imul(slot, 0x9e3779b1) >>> 0);
  return install;
}

/** Sends between pairs all over the crowd, each pair in turn. */
class Traffic {
  readonly pairs: number;
  private readonly stage: LogicStage;
  private readonly stride: number;
  private sent: number;

  constructor(stage: LogicStage, pairs: number, sessions: number) {
    this.stage = stage;
    this.pairs = pairs;
    this.stride = Math.floor(sessions / (2 * pairs)) * 2;
    this.sent = 0;
  }

  async send(meter: StepMeter, count: number): Promise<void> {
    for (let done = 0; done < count; done += BATCH) {
      const commands = Array.from({ length: Math.min(BATCH, count - done) }, () => {
        const clientSeq = Math.floor(this.sent / this.pairs) + 1;
        const slot = (this.sent++ % this.pairs) * this.stride;
        const message = { peer: userOf(slot + 1), clientSeq, payload: PAYLOAD };
        return LogicStage.send(slot, userOf(slot), installOf(slot), clientSeq, message);
      });
      const bytes = this.stage.encode(commands);
      await meter.time(() => this.stage.settle(bytes));
    }
  }
}
const PAYLOAD = Buffer.from("a message of the usual length: 34 b");

/** CPU time of what is timed, and the collector's pauses from its making to its end. */
class StepMeter {
  private cpuMicros: number;
  private wallMs: number;
  private youngMsMax: number;
  private oldMsMax: number;
  private gcMs: number;
  private readonly observer: PerformanceObserver;

  constructor() {
    this.cpuMicros = 0;
    this.wallMs = 0;
    this.youngMsMax = 0;
    this.oldMsMax = 0;
    this.gcMs = 0;
    this.observer = new PerformanceObserver((list) => this.pauses(list.getEntries()));
    this.observer.observe({ entryTypes: ["gc"] });
  }

  async time(work: () => Promise<void>): Promise<void> {
    const { user, system } = process.cpuUsage();
    const started = performance.now();
    await work();
    this.wallMs += performance.now() - started;
    const now = process.cpuUsage();
    this.cpuMicros += now.user + now.system - user - system;
  }

  end(operations: number): Row {
    this.pauses(this.observer.takeRecords());
    this.observer.disconnect();
    return {
      us_per_op: this.cpuMicros / operations,
      seconds: this.wallMs / 1000,
      gc_percent: (100 * this.gcMs) / this.wallMs,
      gc_young_ms_max: this.youngMsMax,
      gc_old_ms_max: this.oldMsMax,
    };
  }

  private pauses(entries: readonly { duration: number; detail?: unknown }[]): void {
    for (const { duration, detail } of entries) {
      this.gcMs += duration;
      const { kind } = detail as { kind: number };
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR) this.youngMsMax = Math.max(this.youngMsMax, duration);
      else this.oldMsMax = Math.max(this.oldMsMax, duration);
    }
  }
}

// The state of a driver, once a second, as a Tick.
import type { Tick } from "./control.ts";
import type { Counts } from "./counts.ts";
import { Latency } from "./latency.ts";
import type { Ledger } from "./ledger.ts";
import { ownBytes } from "./own-memory.ts";
import type { Pulling } from "./pulling.ts";
import type { Rows } from "./rows.ts";
import type { Sending } from "./sending.ts";
import type { Traffic } from "./traffic.ts";
import type { Wire } from "./wire.ts";

/** Latencies since the last tick. */
export class Latencies {
  readonly delivery = new Latency();
  readonly throttled = new Latency();
  readonly ack = new Latency();
  readonly lag = new Latency();
}

export interface Reported {
  readonly counts: Counts;
  readonly latencies: Latencies;
  readonly ledger: Ledger;
  readonly pulling: Pulling;
  readonly rows: Rows;
  readonly sending: Sending;
  readonly traffic: Traffic;
  readonly wires: readonly Wire[];
}

export class Reporter {
  private readonly parts: Reported;
  private cpu: NodeJS.CpuUsage;
  private atMs: number;

  constructor(parts: Reported) {
    this.parts = parts;
    this.cpu = process.cpuUsage();
    this.atMs = performance.now();
  }

  tick(): Tick {
    const { counts, latencies, ledger, pulling, rows, sending, traffic, wires } = this.parts;
    const now = performance.now();
    const used = process.cpuUsage(this.cpu);
    const cpuPercent = (used.user + used.system) / (10 * Math.max(1, now - this.atMs));
    this.cpu = process.cpuUsage();
    this.atMs = now;
    const tick: Tick = {
      at: performance.timeOrigin + now,
      connected: counts.connected,
      welcomes: counts.welcomes,
      closes: counts.closes,
      connectErrors: counts.connectErrors,
      sent: ledger.sent,
      acked: ledger.acked,
      delivered: ledger.delivered,
      beats: counts.beats,
      bytesIn: wires.reduce((sum, wire) => sum + wire.bytesIn, 0),
      bytesOut: wires.reduce((sum, wire) => sum + wire.bytesOut, 0),
      errors: Object.fromEntries(counts.errors),
      cpuPercent,
      privateBytes: ownBytes(),
      waiting: ledger.intended - ledger.sent,
      skipped: traffic.skipped + ledger.skipped,
      passedOver: traffic.passedOver,
      overLimit: sending.overLimit,
      holes: rows.holes,
      pulledRows: pulling.pulledRows,
      closeReasons: Object.fromEntries(counts.closeReasons),
    };
    if (counts.errorDetails.size > 0) tick.errorDetails = Object.fromEntries(counts.errorDetails);
    const lagUs = latencies.lag.take();
    if (lagUs !== undefined) tick.lagUs = lagUs;
    const deliveryUs = latencies.delivery.take();
    if (deliveryUs !== undefined) tick.deliveryUs = deliveryUs;
    const throttledUs = latencies.throttled.take();
    if (throttledUs !== undefined) tick.throttledUs = throttledUs;
    const ackUs = latencies.ack.take();
    if (ackUs !== undefined) tick.ackUs = ackUs;
    return tick;
  }
}

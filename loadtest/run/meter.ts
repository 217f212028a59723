// What the drivers say each second, added up: totals, a sample a second for the plots, and windows over which a scenario
// measures. Pure: time comes with the ticks and from the caller.
//
// Ticks of several drivers are not in step. Counts are since a driver's start, so that a late tick shifts a count into the
// next second and none is lost; a window begins and ends behind a tick of every driver.
import type { Tick } from "../driver/control.ts";
import type { Percentiles, Sample } from "../result.ts";
import { Latencies } from "./histograms.ts";
import type { ServerLook } from "./servers.ts";

/** What ticks count since the start of their driver, over all drivers. */
export type Totals = Required<Pick<Tick, (typeof COUNTS)[number] | "skipped" | "passedOver" | "overLimit" | "pulledRows" | "errors" | "closeReasons">>;

/** What was measured between two moments. */
export interface Window {
  seconds: number;
  /** Sessions connected when it began, and when it ended. */
  connectedFrom: number;
  connectedTo: number;
  sent: number;
  acked: number;
  delivered: number;
  welcomes: number;
  closes: number;
  /** Messages that went to another sender than the one whose turn it was, and those that the limits of all senders held back. */
  passedOver: number;
  overLimit: number;
  /** Rows that came in pages instead of pushes. */
  pulledRows: number;
  latency: Percentiles | null;
  ackLatency: Percentiles | null;
  throttledLatency: Percentiles | null;
  /** Server CPU by part, in µs; null where the processes are not ours to look at. */
  cpuMicros: Record<string, number> | null;
  /** Of one core, by driver: on average, and in its busiest second. */
  driverCpu: { mean: number; max: number }[];
  /** Of how late messages left. */
  lagP99Ms: number;
  stolenPercent: number;
}

const COUNTS = ["connected", "welcomes", "closes", "connectErrors", "sent", "acked", "delivered", "beats", "bytesIn", "bytesOut"] as const;

/** A tick's histograms, decoded. */
class Decoded {
  readonly delivery: Latencies | undefined;
  readonly ack: Latencies | undefined;
  readonly throttled: Latencies | undefined;
  readonly lag: Latencies | undefined;

  constructor({ deliveryUs, ackUs, throttledUs, lagUs }: Tick) {
    const decode = (text: string | undefined): Latencies | undefined => (text === undefined ? undefined : Latencies.decode(text));
    this.delivery = decode(deliveryUs);
    this.ack = decode(ackUs);
    this.throttled = decode(throttledUs);
    this.lag = decode(lagUs);
  }
}

/** Histograms and driver figures of some time. */
class Gathered {
  readonly delivery = new Latencies();
  readonly ack = new Latencies();
  readonly throttled = new Latencies();
  readonly lag = new Latencies();
  readonly cpu: { sum: number; max: number; ticks: number }[] = [];

  add(driver: number, tick: Tick, { delivery, ack, throttled, lag }: Decoded): void {
    if (delivery !== undefined) this.delivery.add(delivery);
    if (ack !== undefined) this.ack.add(ack);
    if (throttled !== undefined) this.throttled.add(throttled);
    if (lag !== undefined) this.lag.add(lag);
    const cpu = (this.cpu[driver] ??= { sum: 0, max: 0, ticks: 0 });
    cpu.sum += tick.cpuPercent;
    cpu.max = Math.max(cpu.max, tick.cpuPercent);
    cpu.ticks++;
  }

  lagP99(): number {
    return this.lag.count > 0 ? this.lag.at(99) : 0;
  }
}

interface Edge {
  at: number;
  totals: Totals;
  server: ServerLook;
}

/** A window that is still open. */
export class OpenWindow {
  readonly gathered = new Gathered();
  /** What it sees goes into the result's own latencies. */
  readonly headline: boolean;
  readonly from: Edge;

  constructor(headline: boolean, from: Edge) {
    this.headline = headline;
    this.from = from;
  }
}

export class Meter {
  /** Of the whole run, and of the headline windows. */
  readonly all: Gathered;
  readonly headline: Gathered;
  private readonly last: (Tick | undefined)[];
  private second: Gathered;
  private sampled: { t: number; totals: Totals; server: ServerLook } | undefined;
  private readonly windows: Set<OpenWindow>;

  constructor(drivers: number) {
    this.all = new Gathered();
    this.headline = new Gathered();
    this.last = Array.from({ length: drivers }, () => undefined);
    this.second = new Gathered();
    this.sampled = undefined;
    this.windows = new Set();
  }

  tick(driver: number, tick: Tick): void {
    this.last[driver] = tick;
    // Decoding is what costs: once, however many collections it goes into.
    const decoded = new Decoded(tick);
    this.all.add(driver, tick, decoded);
    this.second.add(driver, tick, decoded);
    let headline = false;
    for (const window of this.windows) {
      window.gathered.add(driver, tick, decoded);
      headline ||= window.headline;
    }
    if (headline) this.headline.add(driver, tick, decoded);
  }

  totals(): Totals {
    const totals: Totals = {
      connected: 0,
      welcomes: 0,
      closes: 0,
      connectErrors: 0,
      sent: 0,
      acked: 0,
      delivered: 0,
      beats: 0,
      bytesIn: 0,
      bytesOut: 0,
      skipped: 0,
      passedOver: 0,
      overLimit: 0,
      pulledRows: 0,
      errors: {},
      closeReasons: {},
    };
    for (const tick of this.last) {
      if (tick === undefined) continue;
      for (const count of COUNTS) totals[count] += tick[count];
      totals.skipped += tick.skipped ?? 0;
      totals.passedOver += tick.passedOver ?? 0;
      totals.overLimit += tick.overLimit ?? 0;
      totals.pulledRows += tick.pulledRows ?? 0;
      addTo(totals.errors, tick.errors);
      addTo(totals.closeReasons, tick.closeReasons ?? {});
    }
    return totals;
  }

  /** The first detail of each error that has any. */
  errorDetails(): Record<string, string> {
    return Object.assign({}, ...this.last.map((tick) => tick?.errorDetails ?? {}).reverse()) as Record<string, string>;
  }

  /** Private memory of all driver processes, as they said last. */
  driverBytes(): number {
    return this.last.reduce((sum, tick) => sum + (tick?.privateBytes ?? 0), 0);
  }

  /** The second (or so) since the last sample; `t` in seconds since the start of the run. */
  sample(t: number, phase: string, server: ServerLook): Sample {
    const totals = this.totals();
    const before = this.sampled;
    const seconds = Math.max(1e-3, t - (before?.t ?? 0));
    const rate = (count: "welcomes" | "sent" | "acked" | "delivered") => Math.max(0, Math.round((totals[count] - (before?.totals[count] ?? 0)) / seconds));
    const latency = this.second.delivery.percentiles();
    const cpu = this.second.cpu.filter((driver) => driver !== undefined).map(({ sum, ticks }) => sum / ticks);
    const sample: Sample = {
      t: round(t, 2),
      phase,
      connected: totals.connected,
      welcomes_per_second: rate("welcomes"),
      sent_per_second: rate("sent"),
      acked_per_second: rate("acked"),
      delivered_per_second: rate("delivered"),
      errors: errorCount(totals) - (before === undefined ? 0 : errorCount(before.totals)),
      ...(latency !== null && { p50_ms: latency.p50, p99_ms: latency.p99, max_ms: latency.max }),
      driver_cpu_percent: round(Math.max(0, ...cpu), 1),
      ...(server.cpuMicros !== null && before?.server.cpuMicros && { server_cpu_percent: cpuPercent(before.server, server) }),
      ...(server.privateBytes !== null && { server_rss_bytes: server.privateBytes }),
      ...(server.kernelBytes !== null && { kernel_bytes: server.kernelBytes }),
      stolen_percent: before === undefined ? 0 : round(stolenPercent(before.server, server), 1),
    };
    this.second = new Gathered();
    this.sampled = { t, totals, server };
    return sample;
  }

  /** `at` in ms on any clock. */
  open(at: number, server: ServerLook, headline: boolean): OpenWindow {
    const window = new OpenWindow(headline, { at, totals: this.totals(), server });
    this.windows.add(window);
    return window;
  }

  close(window: OpenWindow, at: number, server: ServerLook): Window {
    this.windows.delete(window);
    const { from, gathered } = window;
    const totals = this.totals();
    return {
      seconds: (at - from.at) / 1000,
      connectedFrom: from.totals.connected,
      connectedTo: totals.connected,
      sent: totals.sent - from.totals.sent,
      acked: totals.acked - from.totals.acked,
      delivered: totals.delivered - from.totals.delivered,
      welcomes: totals.welcomes - from.totals.welcomes,
      closes: totals.closes - from.totals.closes,
      passedOver: totals.passedOver - from.totals.passedOver,
      overLimit: totals.overLimit - from.totals.overLimit,
      pulledRows: totals.pulledRows - from.totals.pulledRows,
      latency: gathered.delivery.percentiles(),
      ackLatency: gathered.ack.percentiles(),
      throttledLatency: gathered.throttled.percentiles(),
      cpuMicros: cpuBetween(from.server, server),
      driverCpu: this.last.map((_, driver) => {
        const cpu = gathered.cpu[driver];
        return { mean: cpu === undefined ? 0 : round(cpu.sum / cpu.ticks, 1), max: round(cpu?.max ?? 0, 1) };
      }),
      lagP99Ms: round(gathered.lagP99(), 3),
      stolenPercent: round(stolenPercent(from.server, server), 2),
    };
  }
}

/** Everything that should not have happened. */
export function errorCount(totals: Totals): number {
  return Object.values(totals.errors).reduce((sum, count) => sum + count, totals.closes + totals.connectErrors);
}

/** Errors by name, connections that ended unasked or were not made among them, those that happened. */
export function errorsByName(totals: Totals): Record<string, number> {
  const reasons = Object.entries(totals.closeReasons).map(([reason, count]): [string, number] => [`connection ${reason}`, count]);
  return Object.fromEntries([...Object.entries(totals.errors), ...reasons].filter(([, count]) => count > 0));
}

function addTo(sums: Record<string, number>, counts: Record<string, number>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

/** µs of CPU by part between two looks; null when one of them saw none. */
export function cpuBetween(from: ServerLook, to: ServerLook): Record<string, number> | null {
  const { cpuMicros: before } = from;
  if (before === null || to.cpuMicros === null) return null;
  return Object.fromEntries(Object.entries(to.cpuMicros).map(([part, micros]) => [part, Math.max(0, micros - (before[part] ?? 0))]));
}

/** Percent of one core by part between two looks. */
function cpuPercent(from: ServerLook, to: ServerLook): Record<string, number> {
  const elapsedMicros = Math.max(1, (to.at - from.at) * 1000);
  return Object.fromEntries(Object.entries(cpuBetween(from, to) ?? {}).map(([part, micros]) => [part, round((micros / elapsedMicros) * 100, 1)]));
}

function stolenPercent(from: ServerLook, to: ServerLook): number {
  if (from.stolenMicros === null || to.stolenMicros === null) return 0;
  return ((to.stolenMicros - from.stolenMicros) / Math.max(1, (to.at - from.at) * 1000 * to.cores)) * 100;
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

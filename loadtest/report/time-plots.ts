// What happened when: everything that is sampled once a second, over the same time axis, with the phases behind.
import type { Result, Sample } from "../result.ts";
import { type Figure, figure, noFigure } from "./figure.ts";
import { bytes, clockTick, compact, count, latencyTick, MISSING, millis, significant, text } from "./format.ts";
import { type Band, bytesTo, linePlot, type Rule, type Series, zeroTo } from "./line-plot.ts";
import type { Markup } from "./markup.ts";
import { logScale, type Scale, timeScale } from "./scale.ts";
import { colourOf, inOrder } from "./style.ts";
import { thin } from "./thin.ts";

/** Points of a curve and rows of a table: more would be finer than a screen and heavy for a phone. */
const POINTS_MAX = 900;
/** Part of a run that its phases may not add up to. */
const PHASES_OFF_MAX = 0.02;

export interface TimePlots {
  plots: Markup[];
  /** How many seconds one point stands for. */
  merged: number;
}

export function timePlots(result: Result): TimePlots {
  const { samples, merged } = thin(result.samples, POINTS_MAX);
  if (samples.length < 2) {
    const why = samples.length === 0 ? "No second of this run was sampled." : "The run was too short for curves over time: there is one sample.";
    return { plots: [noFigure("Over time", why)], merged };
  }
  const end = Math.max(result.seconds, ...samples.map(({ t }) => t));
  const axis = { samples, x: timeScale(end), end, bands: bandsOf(result) };
  return {
    plots: [throughput(axis), latency(axis), connections(axis), welcomes(axis), cpu(axis), memory(axis), stolen(axis), errors(axis)].filter(
      (plot) => plot !== undefined,
    ),
    merged,
  };
}

interface Axis {
  samples: Sample[];
  x: Scale;
  end: number;
  bands: Band[];
}

interface Curve {
  name: string;
  of: (sample: Sample) => number | undefined;
  colour: string;
  look?: Series["look"];
}

interface Plan {
  title: string;
  note: string;
  alt: string;
  curves: Curve[];
  y: Scale;
  tick: (value: number) => string;
  /** In the table and the readout, with its unit. */
  cell: (value: number) => string;
  rules?: Rule[];
  height: number;
}

function throughput(axis: Axis): Markup {
  const curves: Curve[] = [
    { name: "sent", of: (one) => one.sent_per_second, colour: "c1", look: "broad" },
    { name: "acked", of: (one) => one.acked_per_second, colour: "c2", look: "mid" },
    { name: "delivered", of: (one) => one.delivered_per_second, colour: "c3" },
  ];
  if (peak(axis, curves) === 0) return noFigure("Messages per second", "No message was sent in this run.");
  return overTime(axis, {
    title: "Messages per second",
    note: "Sent (broad), acked and delivered (thin): where they agree, the lines lie on each other.",
    alt: `Messages per second over time; the most delivered in a second: ${count(peak(axis, curves.slice(2)))}.`,
    curves,
    y: fromZero(axis, curves, 180),
    tick: compact,
    cell: (value) => `${count(value)}/s`,
    height: 180,
  });
}

function latency(axis: Axis): Markup {
  const title = "Delivery latency of each second";
  const curves: Curve[] = [
    { name: "max", of: (one) => one.max_ms, colour: "c5", look: "dashed" },
    { name: "p99", of: (one) => one.p99_ms, colour: "c2" },
    { name: "p50", of: (one) => one.p50_ms, colour: "c1" },
  ];
  const values = valuesOf(axis, curves).filter((value) => value > 0);
  if (values.length === 0) return noFigure(title, "Nothing was delivered while it was sampled, so there is no latency to show.");
  return overTime(axis, {
    title,
    note: "From the intended moment of sending, logarithmic. A gap is a second without deliveries.",
    alt: `Delivery latency over time; the worst is ${text(millis(Math.max(...values)))}.`,
    curves,
    y: logScale(Math.min(...values), Math.max(...values)),
    tick: latencyTick,
    cell: (value) => text(millis(value)),
    height: 200,
  });
}

function connections(axis: Axis): Markup {
  const curves: Curve[] = [{ name: "connected", of: (one) => one.connected, colour: "c1", look: "area" }];
  if (peak(axis, curves) === 0) return noFigure("Connections", "No session was connected when it was sampled.");
  return overTime(axis, {
    title: "Connections",
    note: "Sessions that were welcomed and are alive.",
    alt: `Connections over time; at most ${count(peak(axis, curves))}, ${count(axis.samples.at(-1)!.connected)} at the end.`,
    curves,
    y: fromZero(axis, curves, 130),
    tick: compact,
    cell: count,
    height: 130,
  });
}

function welcomes(axis: Axis): Markup | undefined {
  const curves: Curve[] = [{ name: "welcomed", of: (one) => one.welcomes_per_second, colour: "c3", look: "area" }];
  if (peak(axis, curves) === 0) return undefined;
  return overTime(axis, {
    title: "Sessions welcomed per second",
    note: "Connections that were accepted, authenticated and answered with a Welcome.",
    alt: `Sessions welcomed per second over time; at most ${count(peak(axis, curves))}.`,
    curves,
    y: fromZero(axis, curves, 110),
    tick: compact,
    cell: (value) => `${count(value)}/s`,
    height: 110,
  });
}

function cpu(axis: Axis): Markup {
  const parts = keysOf(axis.samples, (one) => one.server_cpu_percent);
  const curves: Curve[] = [
    ...parts.map((part, index): Curve => ({ name: part, of: (one) => one.server_cpu_percent?.[part], colour: colourOf(part, index) })),
    { name: "busiest driver", of: (one) => one.driver_cpu_percent, colour: "c4", look: "dashed" },
  ];
  const hidden = parts.length === 0 ? " The server's processes are not ours to look at." : "";
  return overTime(axis, {
    title: "CPU, percent of one core",
    note: `The server by part (gateways together), and the busiest driver process: near 100% it measures itself.${hidden}`,
    alt: `CPU over time by part and of the busiest driver; the highest is ${significant(peak(axis, curves))} percent of one core.`,
    curves,
    y: zeroTo(Math.max(peak(axis, curves), 10), 190),
    tick: (value) => `${value}%`,
    cell: (value) => `${significant(Math.round(value * 10) / 10)}%`,
    rules: peak(axis, curves) > 60 ? [{ value: 100, text: "one core" }] : [],
    height: 190,
  });
}

function memory(axis: Axis): Markup {
  const parts = keysOf(axis.samples, (one) => one.server_rss_bytes);
  const curves: Curve[] = parts.map((part, index) => ({ name: part, of: (one) => one.server_rss_bytes?.[part], colour: colourOf(part, index) }));
  if (axis.samples.some((one) => one.kernel_bytes !== undefined)) {
    curves.push({ name: "kernel", of: (one) => one.kernel_bytes, colour: "c5", look: "dashed" });
  }
  if (curves.length === 0) return noFigure("Memory", "The server's processes are not ours to look at.");
  return overTime(axis, {
    title: "Memory",
    note: "Server processes by part (gateways together). Kernel: slab and TCP buffers of the whole machine, the driver's ends included.",
    alt: `Memory over time by part; the highest is ${text(bytes(peak(axis, curves)))}.`,
    curves,
    y: bytesTo(Math.max(peak(axis, curves), 1), 180),
    tick: (value) => (value === 0 ? "0" : text(bytes(value))),
    cell: (value) => text(bytes(value)),
    height: 180,
  });
}

function stolen(axis: Axis): Markup {
  const curves: Curve[] = [{ name: "stolen", of: (one) => one.stolen_percent, colour: "c5", look: "area" }];
  const most = peak(axis, curves);
  return overTime(axis, {
    title: "Time that the host took away",
    note: "Part of the machine's time, by the kernel's count (steal). Latencies and CPU of such seconds are not the server's doing.",
    alt: `Stolen time over time; at most ${significant(most)} percent.`,
    curves,
    y: zeroTo(Math.max(most, 10), 90),
    tick: (value) => `${value}%`,
    cell: (value) => `${significant(value)}%`,
    height: 90,
  });
}

function errors(axis: Axis): Markup | undefined {
  const curves: Curve[] = [{ name: "errors", of: (one) => one.errors, colour: "c2", look: "area" }];
  if (peak(axis, curves) === 0) return undefined;
  return overTime(axis, {
    title: "Errors of each second",
    note: "Errors from the server, lost and refused connections.",
    alt: `Errors over time; at most ${count(peak(axis, curves))} in a second.`,
    curves,
    y: fromZero(axis, curves, 90),
    tick: compact,
    cell: count,
    height: 90,
  });
}

function overTime({ samples, x, end, bands }: Axis, plan: Plan): Markup {
  const { title, note, alt, curves, y, tick, cell } = plan;
  const series = curves.map(({ name, of, colour, look = "line" }): Series => ({ name, colour, look, points: samples.map((one) => [one.t, of(one)]) }));
  const row = (one: Sample): Figure["data"]["rows"][number] => ({
    at: x.at(one.t),
    cells: [`${significant(Math.round(one.t * 10) / 10)} s`, one.phase, ...curves.map(({ of }) => orMissing(of(one), cell))],
  });
  return figure({
    title,
    note,
    over: "time",
    plot: linePlot({
      alt,
      x,
      xTick: (value) => clockTick(value, end),
      y,
      yTick: tick,
      series,
      bands,
      rules: (plan.rules ?? []).filter(({ value }) => value <= y.hi),
      height: plan.height,
      labelled: true,
    }),
    data: { head: ["time", "phase", ...curves.map(({ name }) => name)], rows: samples.map(row) },
  });
}

/** The phases one after another; those that are shorter than a pixel as well. Nothing when their lengths do not make up the run. */
export function bandsOf({ seconds, phases }: Pick<Result, "seconds" | "phases">): Band[] {
  let to = 0;
  const bands = phases.map((phase, index): Band => {
    const from = to;
    to += phase.seconds;
    return { from, to, name: phase.name, number: index + 1 };
  });
  return Math.abs(to - seconds) <= Math.max(1, seconds * PHASES_OFF_MAX) ? bands : [];
}

function keysOf(samples: readonly Sample[], of: (sample: Sample) => Record<string, number> | undefined): string[] {
  return inOrder(Object.assign({}, ...samples.map(of)) as Record<string, number>).map(([part]) => part);
}

function valuesOf({ samples }: Axis, curves: readonly Curve[]): number[] {
  return samples.flatMap((one) => curves.map(({ of }) => of(one))).filter((value) => value !== undefined);
}

function peak(axis: Axis, curves: readonly Curve[]): number {
  return valuesOf(axis, curves).reduce((most, value) => Math.max(most, value), 0);
}

function fromZero(axis: Axis, curves: readonly Curve[], height: number): Scale {
  return zeroTo(Math.max(peak(axis, curves), 1), height);
}

function orMissing(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? MISSING : format(value);
}

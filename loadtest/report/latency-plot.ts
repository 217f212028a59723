// Latencies by percentile, on an axis where every nine more takes the same room, so that the tail is as readable as the middle.
import type { PercentileCurve, Percentiles, Result } from "../result.ts";
import { figure, noFigure } from "./figure.ts";
import { latencyTick, MISSING, millis, text } from "./format.ts";
import { linePlot, type Series } from "./line-plot.ts";
import { html, type Markup } from "./markup.ts";
import { logScale, ninesScale, type Scale } from "./scale.ts";
import { namedRow, scrolled, table } from "./table.ts";

const TITLE = "Latency by percentile";

interface Measured {
  name: string;
  colour: string;
  curve: PercentileCurve;
}

export function latencyPlot(result: Result): Markup {
  const throttled = result.throttled_latency_ms;
  const measured: Measured[] = [
    { name: "delivery", colour: "c1", curve: sorted(result.latency_curve) },
    { name: "ack", colour: "c2", curve: sorted(result.ack_latency_curve) },
    // Of throttled sessions there are a few percentiles and no curve: dots with lines between.
    { name: "throttled", colour: "c4", curve: throttled ? asCurve(throttled) : [] },
  ].filter(({ curve }) => curve.length > 0);
  const positive = measured.flatMap(({ curve }) => curve.map(([, ms]) => ms)).filter((ms) => ms > 0);
  if (positive.length === 0) return noFigure(TITLE, "Nothing was acked or delivered, so there is no latency to show.");
  const x = ninesScale(lastNines(measured, Math.max(result.delivered, result.acked)));
  const y = logScale(Math.min(...positive), Math.max(...positive));
  return figure({
    title: TITLE,
    note: html`From the intended moment of sending, both axes logarithmic; beyond the last percentile there is only the maximum, at the right end. ${
      throttled ? "Throttled: sessions that the scenario made slow; known at a few percentiles only." : undefined
    }`,
    plot: linePlot({
      alt: `Latency by percentile: ${measured.map(({ name, curve }) => `${name} at most ${text(millis(curve.at(-1)![1]))}`).join(", ")}.`,
      x,
      xTick: (value) => (value === 0 ? "0%" : `${value}%`),
      xLabel: "percentile",
      xGrid: true,
      y,
      yTick: latencyTick,
      series: measured.map(({ name, colour, curve }): Series => ({ name, colour, look: name === "throttled" ? "dots" : "line", points: curve })),
      height: 260,
      labelled: true,
    }),
    figures: percentileTable(result),
    data: dataOf(measured, x),
  });
}

/** The percentiles that people name, of each curve. */
function percentileTable(result: Result): Markup {
  const all: [string, Percentiles | null | undefined][] = [
    ["delivery", result.latency_ms],
    ["ack", result.ack_latency_ms],
    ["delivery, throttled sessions", result.throttled_latency_ms],
  ];
  const figures = (of: Percentiles): string[] => [of.p50, of.p90, of.p99, of.p999, of.max].map((value) => text(millis(value)));
  const rows = all.flatMap(([name, percentiles]) => (percentiles ? [namedRow(name, figures(percentiles))] : []));
  return scrolled(table("", ["latency", "p50", "p90", "p99", "p99.9", "max"], rows), "percentiles");
}

/** The last nine of the axis: that which the curves reach and beyond which there are still messages. */
function lastNines(measured: readonly Measured[], messages: number): number {
  const reached = Math.max(90, ...measured.flatMap(({ curve }) => curve.map(([percentile]) => percentile)).filter((percentile) => percentile < 100));
  const counted = Math.floor(Math.log10(Math.max(10, messages)) + 1e-9);
  const nines = Math.min(8, counted, Math.max(1, Math.ceil(-Math.log10(1 - reached / 100) - 1e-6)));
  return 100 - 100 * 10 ** -nines;
}

function dataOf(measured: readonly Measured[], x: Scale): { head: string[]; rows: { at: number; cells: string[] }[] } {
  const percentiles = [...new Set(measured.flatMap(({ curve }) => curve.map(([percentile]) => percentile)))].sort((a, b) => a - b);
  const rows = percentiles.map((percentile) => ({
    at: x.at(percentile),
    cells: [`${Number(percentile.toFixed(6))}%`, ...measured.map(({ curve }) => valueAt(curve, percentile))],
  }));
  return { head: ["percentile", ...measured.map(({ name }) => name)], rows };
}

function valueAt(curve: PercentileCurve, percentile: number): string {
  const point = curve.find(([place]) => place === percentile);
  return point === undefined ? MISSING : text(millis(point[1]));
}

function asCurve({ p50, p90, p99, p999, max }: Percentiles): PercentileCurve {
  return [
    [50, p50],
    [90, p90],
    [99, p99],
    [99.9, p999],
    [100, max],
  ];
}

function sorted(curve: PercentileCurve): PercentileCurve {
  return curve.filter(([percentile, ms]) => percentile >= 0 && percentile <= 100 && Number.isFinite(ms)).sort((a, b) => a[0] - b[0]);
}

// The comparison as one page: tables, intervals over time, and what a changed timer does. Needs nothing but itself, as the load test's
// report does, whose pieces it is made of.
import { createHash } from "node:crypto";
import { figure } from "../../loadtest/report/figure.ts";
import { linePlot, type Series } from "../../loadtest/report/line-plot.ts";
import { html, Markup } from "../../loadtest/report/markup.ts";
import { linearScale, logScale } from "../../loadtest/report/scale.ts";
import { styleSheet } from "../../loadtest/report/style.ts";
import { namedRow, scrolled, table } from "../../loadtest/report/table.ts";
import type { Cell, Table } from "../result.ts";
import { SAMPLE_MS } from "./simulate.ts";
import { DAY } from "./world.ts";

export interface Curve {
  name: string;
  /** Seconds, a point each SAMPLE_MS. */
  seconds: readonly number[];
}

export interface Picture {
  title: string;
  note: string;
  curves: readonly Curve[];
}

const COLOURS = ["c1", "c2", "c3", "c4", "c5"];
const POINTS_MAX = 400;

export function renderHeartbeats(title: string, notes: readonly string[], tables: readonly Table[], pictures: readonly Picture[]): string {
  const style = styleSheet();
  const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${new Markup(style)}</style>
</head><body>
<header class="top"><h1>${title}</h1></header>
<main>${notes.map((note) => html`<p class="note">${note}</p>`)}
${tables.map(tableOf)}
${pictures.map(pictureOf)}
</main></body></html>
`.text;
}

function tableOf({ title, columns, rows }: Table): Markup {
  const cells = rows.map((row) =>
    namedRow(
      String(row[columns[0]!.key] ?? ""),
      columns.slice(1).map(({ key, digits }) => text(row[key] ?? null, digits)),
    ),
  );
  return html`<h2>${title}</h2>${scrolled(
    table(
      "figures",
      columns.map((column) => column.title),
      cells,
    ),
  )}`;
}

function text(cell: Cell, digits = 0): string {
  return cell === null ? "–" : typeof cell === "string" ? cell : cell.toFixed(digits);
}

function pictureOf({ title, note, curves }: Picture): Markup {
  const length = Math.max(...curves.map(({ seconds }) => seconds.length));
  const step = Math.max(1, Math.ceil(length / POINTS_MAX));
  const at = Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);
  const days = (index: number) => (index * SAMPLE_MS) / DAY;
  const usable = (value: number | undefined) => (value !== undefined && Number.isFinite(value) && value > 0 ? value : undefined);
  const series: Series[] = curves.map(({ name, seconds }, i) => ({
    name,
    colour: COLOURS[i % COLOURS.length]!,
    points: at.map((index) => [days(index), usable(seconds[index])] as const),
  }));
  const all = series.flatMap(({ points }) => points.flatMap(([, y]) => (y === undefined ? [] : [y])));
  const x = linearScale(0, days(length), { even: false });
  const plot = linePlot({
    alt: `${title}: ${note}`,
    x,
    xTick: (value) => String(value),
    xLabel: "days",
    y: logScale(Math.min(...all), Math.max(...all)),
    yTick: (value) => (value < 120 ? `${value} s` : `${Math.round(value / 60)} min`),
    series,
    height: 260,
    labelled: false,
  });
  const rows = at.map((index) => ({
    at: x.at(days(index)),
    cells: [days(index).toFixed(2), ...curves.map(({ seconds }) => (usable(seconds[index]) === undefined ? "–" : `${Math.round(seconds[index]!)} s`))],
  }));
  return figure({ title, note, plot, data: { head: ["day", ...curves.map(({ name }) => name)], rows } });
}

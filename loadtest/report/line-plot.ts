// A plot of lines as SVG. Its height is in pixels and its width in percent, with the curves in a nested picture that is
// stretched without its strokes, so that one picture fits a phone and a wide screen with text of the same size; ticks
// and band names exist once per width class (`wide` and `narrow`, see style.ts). A gap in the data is a gap in the line.
import { html, type Markup, NOTHING } from "./markup.ts";
import { linearScale, type Scale } from "./scale.ts";
import { percent, round, swatch } from "./svg.ts";

export interface Series {
  name: string;
  /** Ascending in x; undefined is a gap. */
  points: readonly (readonly [x: number, y: number | undefined])[];
  /** A colour class of style.ts. */
  colour: string;
  /** How it is drawn: `broad` and `mid` lie under others and stay visible where curves coincide. */
  look?: "line" | "mid" | "broad" | "dashed" | "dots" | "area";
}

/** A part of the x axis with a name, as a phase of the run, and the number that stands for it where there is no room. */
export interface Band {
  from: number;
  to: number;
  name: string;
  number: number;
}

/** A value of the y axis that means something. */
export interface Rule {
  value: number;
  text: string;
}

export interface LinePlot {
  /** What a person who does not see it is told. */
  alt: string;
  x: Scale;
  xTick: (value: number) => string;
  /** Named below the axis; left out where ticks carry their unit. */
  xLabel?: string;
  /** Lines across the plot at the ticks of the x axis. */
  xGrid?: boolean;
  y: Scale;
  yTick: (value: number) => string;
  series: readonly Series[];
  bands?: readonly Band[];
  rules?: readonly Rule[];
  /** Of the plotted area, in pixels. */
  height: number;
  /** Whether curves are named beside their ends, for which there is room at the right then. */
  labelled: boolean;
}

/** Units of the stretched picture over its width. */
const WIDTH = 1000;
const TICKS = { wide: 10, narrow: 5 };
/** Widths that names of bands are fitted to, in pixels: the least that each width class has. */
const FITTED = { wide: 560, narrow: 210 };
const CHARACTER_PX = 7;
const LABEL_GAP_PX = 15;

export function linePlot(plot: LinePlot): Markup {
  const { height, labelled } = plot;
  const yOf = (value: number): number => round((1 - plot.y.at(value)) * height);
  const base = height + (plot.xLabel === undefined ? 26 : 44);
  return html`<svg class="plot${labelled ? " labelled" : ""}" role="img" aria-label="${plot.alt}" height="${base + 26}">
<g transform="translate(0 24)">
${(plot.bands ?? []).map((band, index) => bandOf(plot, band, index, height))}
${plot.y.ticks(yTicksMax(height)).map((value) => yTick(yOf(value), plot.yTick(value)))}
<line class="base" x1="0" x2="100%" y1="${height}" y2="${height}"/>
${(["wide", "narrow"] as const).map((width) => html`<g class="${width}">${plot.x.ticks(TICKS[width]).map((value) => xTick(plot, value, height))}</g>`)}
${plot.xLabel === undefined ? NOTHING : html`<text class="axis" x="50%" y="${height + 38}" text-anchor="middle">${plot.xLabel}</text>`}
${(plot.rules ?? []).map((rule) => ruleOf(yOf(rule.value), rule.text))}
<svg class="curves" viewBox="0 0 ${WIDTH} ${height}" width="100%" height="${height}" preserveAspectRatio="none">
${plot.series.map((series) => curve(plot, series, yOf, height))}
</svg>
${labelled ? html`<g class="wide">${directLabels(plot.series, yOf, height)}</g>` : NOTHING}
<line class="hair" x1="0" x2="0" y1="0" y2="${height}"/>
</g></svg>${plot.series.length > 1 ? legend(plot.series) : NOTHING}`;
}

/** How many ticks an axis of this height has at most. */
export function yTicksMax(height: number): number {
  return Math.max(3, Math.round(height / 36));
}

/** From 0 to at least `most`, such that the axis ends on a tick. */
export function zeroTo(most: number, height: number): Scale {
  return linearScale(0, most, { ticksMax: yTicksMax(height) - 1 });
}

/** The same for bytes, with ticks that are round in KiB, MiB or GiB. */
export function bytesTo(most: number, height: number): Scale {
  const unit = most < 10_000 ? 1 : 1024 ** Math.floor(Math.log2(most) / 10);
  const scale = zeroTo(most / unit, height);
  return { lo: 0, hi: scale.hi * unit, at: (value) => scale.at(value / unit), ticks: (max) => scale.ticks(max).map((value) => value * unit) };
}

function bandOf(plot: LinePlot, { from, to, name, number }: Band, index: number, height: number): Markup {
  const [start, end] = [plot.x.at(from), plot.x.at(to)];
  const named = (["wide", "narrow"] as const).map((width) => {
    const fitted = fit([`${number} ${name}`, String(number)], (end - start) * FITTED[width]);
    return fitted === undefined
      ? NOTHING
      : html`<text class="band-name ${width}" x="${percent((start + end) / 2)}" y="-11" text-anchor="middle">${fitted}</text>`;
  });
  const kind = index % 2 === 0 ? "even" : "odd";
  return html`<rect class="band ${kind}" x="${percent(start)}" width="${percent(end - start)}" y="-4" height="${height + 4}">
<title>${name}</title></rect>${named}`;
}

/** The first text that there is room for. */
function fit(texts: readonly string[], roomPx: number): string | undefined {
  return texts.find((text) => (text.length + 1) * CHARACTER_PX <= roomPx);
}

function yTick(y: number, text: string): Markup {
  return html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/><text class="tick" x="-8" y="${y + 4}" text-anchor="end">${text}</text>`;
}

function xTick(plot: LinePlot, value: number, height: number): Markup {
  const x = percent(plot.x.at(value));
  const across = plot.xGrid === true ? html`<line class="grid" x1="${x}" x2="${x}" y1="0" y2="${height}"/>` : NOTHING;
  return html`${across}<line class="base" x1="${x}" x2="${x}" y1="${height}" y2="${height + 5}"/>
<text class="tick" x="${x}" y="${height + 19}" text-anchor="middle">${plot.xTick(value)}</text>`;
}

function ruleOf(y: number, text: string): Markup {
  return html`<line class="rule" x1="0" x2="100%" y1="${y}" y2="${y}"/><text class="rule-name" x="6" y="${y - 5}">${text}</text>`;
}

function curve(plot: LinePlot, { points, colour, look = "line" }: Series, yOf: (value: number) => number, height: number): Markup {
  const runs = unbroken(points).map((run) => run.map(([x, y]) => [round(plot.x.at(x) * WIDTH), yOf(y)] as const));
  // A length of nothing with round ends is a dot, whatever the picture is stretched to.
  const dot = ([x, y]: readonly [number, number]): string => `M${x} ${y}h0`;
  const line = (run: (readonly [number, number])[]): string => (run.length === 1 ? dot(run[0]!) : `M${run.map(([x, y]) => `${x} ${y}`).join("L")}`);
  const path = (kind: string, d: string): Markup => (d === "" ? NOTHING : html`<path class="${kind} ${colour}" d="${d}"/>`);
  const lines = runs.map(line).join("");
  if (look === "dots") return html`${path("curve line", lines)}${path("curve dots", runs.flat().map(dot).join(""))}`;
  if (look !== "area") return path(`curve ${look}`, lines);
  const areas = runs.map((run) => `M${run[0]![0]} ${height}L${run.map(([x, y]) => `${x} ${y}`).join("L")}L${run.at(-1)![0]} ${height}Z`);
  return html`${path("fill", areas.join(""))}${path("curve line", lines)}`;
}

/** The runs of points between gaps. */
export function unbroken(points: Series["points"]): [number, number][][] {
  const runs: [number, number][][] = [[]];
  for (const [x, y] of points) {
    if (y === undefined || !Number.isFinite(y) || !Number.isFinite(x)) runs.push([]);
    else runs.at(-1)!.push([x, y]);
  }
  return runs.filter((run) => run.length > 0);
}

function directLabels(series: readonly Series[], yOf: (value: number) => number, height: number): Markup[] {
  const ends = series.flatMap(({ name, colour, points }) => {
    const last = unbroken(points).at(-1)?.at(-1);
    return last === undefined ? [] : [{ name, colour, y: yOf(last[1]) }];
  });
  const places = spread(
    ends.map(({ y }) => y),
    LABEL_GAP_PX,
    0,
    height,
  );
  return ends.map(({ name, colour }, index) => html`<text class="label ${colour}" x="100%" dx="8" y="${round(places[index]! + 4)}">${name}</text>`);
}

/** Moves places so that no two are nearer than `gap`, within lo..hi as far as there is room, in the same order. */
export function spread(places: readonly number[], gap: number, lo: number, hi: number): number[] {
  const order = places.map((_, index) => index).sort((a, b) => places[a]! - places[b]! || a - b);
  const moved = places.map((place) => Math.min(Math.max(place, lo), hi));
  for (let i = 1; i < order.length; i++) moved[order[i]!] = Math.max(moved[order[i]!]!, moved[order[i - 1]!]! + gap);
  const last = order.at(-1);
  if (last !== undefined && moved[last]! > hi) {
    moved[last] = hi;
    for (let i = order.length - 2; i >= 0; i--) moved[order[i]!] = Math.min(moved[order[i]!]!, moved[order[i + 1]!]! - gap);
  }
  return moved;
}

/** Names beside a sample of their colour, for where there is no room beside the curves. */
function legend(series: readonly Series[]): Markup {
  return html`<ul class="legend narrow">${series.map(({ name, colour }) => html`<li>${swatch(colour)}${name}</li>`)}</ul>`;
}

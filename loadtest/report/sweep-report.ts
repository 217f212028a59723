// The report of a sweep: what a message and a connection cost at each size, on a logarithmic axis of connections, with a
// verdict on how flat it is.
import { BYTES_CONNECTIONS_MIN, FLAT_RATIO_MAX, type Flatness, type Sweep, type SweepPoint } from "../sweep.ts";
import { figure, noFigure, panel } from "./figure.ts";
import { bytes, compact, count, duration, micros, MISSING, millis, significant, text } from "./format.ts";
import { bytesTo, linePlot, type Series, zeroTo } from "./line-plot.ts";
import { html, type Markup, NOTHING } from "./markup.ts";
import { renderPage } from "./page.ts";
import { logScale } from "./scale.ts";
import { namedRow, scrolled, table } from "./table.ts";

const HEIGHT = 240;

interface Curve {
  name: string;
  colour: string;
  of: (point: SweepPoint) => number | null;
}

export function renderSweep(sweep: Sweep): string {
  const { points } = sweep;
  const sizes = points.map(({ connections }) => count(connections)).join(", ");
  return renderPage({
    title: "Hawser load test: sweep of connections",
    heading: "Cost as connections grow",
    subtitle: html`${points.length} runs with ${sizes} connections; ${count(points[0]?.messages_per_second ?? 0)} messages a second in each.`,
    main: html`
${verdicts(sweep)}
<h2>CPU of a message</h2>
${plot(
  points,
  "CPU of the servers per message",
  html`User and system time per acked message. In play: of NATS, logic and the gateways that messages go through, without what these use idle. Over idle: of all, without what all use
idle. In all: nothing taken off, so that beats of idle sessions and processes that only hold connections are in it, and more so the more there are.`,
  [
    { name: "in play, over idle", colour: "c1", of: ({ cpu_us }) => cpu_us.in_play },
    { name: "over idle", colour: "c2", of: ({ cpu_us }) => cpu_us.over_idle },
    { name: "in all", colour: "c3", of: ({ cpu_us }) => cpu_us.total },
  ],
  (value) => text(micros(value)),
  (most) => zeroTo(most, HEIGHT),
)}
<h2>Memory of a connection</h2>
${plot(
  points,
  "Bytes per connection",
  html`Private memory over what processes had with no connection; the kernel’s for both ends. Below ${count(BYTES_CONNECTIONS_MIN)} connections the heaps’ own steps of megabytes are most of it:
shown, and not judged.`,
  [
    { name: "all", colour: "c5", of: ({ bytes: of }) => of.all },
    { name: "kernel", colour: "c4", of: ({ bytes: of }) => of.kernel },
    { name: "servers", colour: "c1", of: ({ bytes: of }) => of.servers },
  ],
  (value) => text(bytes(value)),
  (most) => bytesTo(most, HEIGHT),
)}
<h2>Runs</h2>
${runs(points)}
`,
    footer: html`Written by hawser loadtest sweep (format ${sweep.format}). KiB, MiB and GiB are powers of 1024.`,
  });
}

function plot(
  points: readonly SweepPoint[],
  title: string,
  note: Markup,
  curves: readonly Curve[],
  tick: (value: number) => string,
  scale: (most: number) => ReturnType<typeof zeroTo>,
): Markup {
  const known = curves.map(({ of }) => points.map(of).filter((value): value is number => value !== null));
  const values = known.flat();
  if (values.length === 0 || points.length === 0) return noFigure(title, "No run of these knows it.");
  const sizes = points.map(({ connections }) => Math.max(1, connections));
  const x = logScale(Math.min(...sizes), Math.max(...sizes));
  const most = Math.max(...values);
  const series = curves.map(
    ({ name, colour, of }): Series => ({
      name,
      colour,
      look: "dots",
      points: points.map((point) => [Math.max(1, point.connections), of(point) ?? undefined] as const),
    }),
  );
  return figure({
    title,
    note,
    plot: linePlot({
      alt: `${title} at ${points.length} sizes, at most ${tick(most)}.`,
      x,
      xTick: compact,
      xLabel: "connections",
      xGrid: true,
      y: scale(most),
      yTick: (value) => (value === 0 ? "0" : tick(value)),
      series: series.filter((_, index) => known[index]!.length > 0),
      height: HEIGHT,
      labelled: true,
    }),
    data: {
      head: ["connections", ...curves.map(({ name }) => name)],
      rows: points.map((point) => ({
        at: x.at(Math.max(1, point.connections)),
        cells: [count(point.connections), ...curves.map(({ of }) => cell(of(point), tick))],
      })),
    },
  });
}

function verdicts({ flatness, warnings }: Sweep): Markup {
  const cpu = flatness.cpu_us_in_play ?? flatness.cpu_us_over_idle;
  return html`<div class="verdicts">${verdict("CPU per message", cpu, (value) => text(micros(value)))}${verdict("Bytes per connection", flatness.bytes_all, (value) => text(bytes(value)))}</div>
${warnings.length === 0 ? NOTHING : panel("Like is not quite compared with like", html`<ul>${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`)}`;
}

function verdict(what: string, flat: Flatness | null, tick: (value: number) => string): Markup {
  if (flat === null) return html`<section class="verdict warn"><h2>${what}: too few sizes</h2><p>Two that know it are the least.</p></section>`;
  const within = `${Math.round((FLAT_RATIO_MAX - 1) * 100)}%`;
  return html`<section class="verdict ${flat.flat ? "good" : "bad"}"><h2>${flat.flat ? `✓ ${what} flat within ${within}` : `✕ ${what} not flat within ${within}`}</h2>
<p>From ${tick(flat.min)} to ${tick(flat.max)} over ${flat.points} sizes: ${significant(flat.ratio)} times.</p></section>`;
}

function runs(points: readonly SweepPoint[]): Markup {
  const head = ["connections", "gateways (with talkers)", "talkers", "messages/s", "a batch", "idle CPU", "p50", "p99", "time to connect", "lost", "result"];
  const rows = points.map((point) =>
    namedRow(count(point.connections), [
      `${point.gateways} (${point.talk_gateways})`,
      count(point.talkers),
      count(point.messages_per_second),
      cell(point.messages_per_batch, significant),
      `${significant(point.idle_cpu_percent)}%`,
      cell(point.latency_ms?.p50 ?? null, (value) => text(millis(value))),
      cell(point.latency_ms?.p99 ?? null, (value) => text(millis(value))),
      cell(point.connect_seconds, duration),
      count(point.lost),
      `${point.passed ? "passed" : "failed"}${point.unfit.length > 0 ? ", unfit" : ""}`,
    ]),
  );
  return html`<section class="panel">${scrolled(table("", head, rows))}</section>`;
}

function cell(value: number | null, words: (value: number) => string): string {
  return value === null ? MISSING : words(value);
}

// What a message and a connection cost: CPU by part, memory per connection as connections grow, bytes of frames, and how
// busy the drivers were, since a saturated driver would be measuring itself.
import type { Result } from "../result.ts";
import { type Bar, barTable, stackedBar } from "./bar-plot.ts";
import { figure, noFigure, panel } from "./figure.ts";
import { bytes, compact, count, micros, millis, significant, text } from "./format.ts";
import { bytesTo, linePlot } from "./line-plot.ts";
import { html, type Markup } from "./markup.ts";
import { linearScale } from "./scale.ts";
import { COLOUR, colourOf, inOrder } from "./style.ts";

const NOT_OURS = "The server's processes are not ours to look at, so their cost is not known.";
/** Of the largest number of connections: with fewer, the servers' own noise is larger than what is measured. */
const CURVE_FROM = 0.02;
/** Of a curve per connection. */
const POINTS_MIN = 3;
/** Of plots, in pixels. */
const HEIGHT = 200;

export function cpuPerMessage({ server }: Result): Markup {
  const title = "CPU of the server per message";
  if (server === null) return panel(title, html`<p class="empty">${NOT_OURS}</p>`);
  const { cpu_us_per_message: total, cpu_us_per_message_over_idle: overIdle, cpu_us_per_delivery: perDelivery, split, idle_cpu_percent: idle } = server;
  if (total === null) return panel(title, html`<p class="empty">No message flowed, so there is no cost per message.</p>`);
  const idling = inOrder(idle).map(([name, value]) => `${name} ${significant(Math.round(value * 10) / 10)}%`);
  const note = [
    "User and system time of all server processes while traffic flowed, per acked message.",
    overIdle === null ? undefined : `Without what they use while nobody talks it is ${text(micros(overIdle))}.`,
    perDelivery === null ? undefined : `Per delivery it is ${text(micros(perDelivery))}.`,
    idling.length === 0 ? undefined : `Of one core, everybody connected and nobody talking: ${idling.join(", ")}.`,
  ];
  return panel(
    title,
    stackedBar(
      parts(split, (value) => text(micros(value))),
      { name: "per message", text: text(micros(total)) },
    ),
    note.filter((one) => one !== undefined).join(" "),
  );
}

export function bytesPerConnection({ server, driver }: Result): Markup {
  const title = "Memory per connection";
  if (server === null) return panel(title, html`<p class="empty">${NOT_OURS}</p>`);
  const { bytes_per_connection: total, bytes_per_connection_split: split, kernel_bytes_per_connection: kernel } = server;
  if (total === null || total <= 0)
    return panel(title, html`<p class="empty">There were too few connections: what the servers need for themselves would hide it.</p>`);
  const beside = [
    kernel === null ? undefined : `The kernel (slab and TCP buffers, both ends of what is here) takes ${text(bytes(kernel))} beside it.`,
    driver.bytes_per_connection === null || driver.bytes_per_connection <= 0
      ? undefined
      : `A driver needs ${text(bytes(driver.bytes_per_connection))} per connection.`,
  ].filter((one) => one !== undefined);
  return panel(
    title,
    stackedBar(
      parts(split, (value) => text(bytes(value))),
      { name: "per connection", text: text(bytes(total)) },
    ),
    ["Private memory of all server processes over what they had with no connection.", ...beside].join(" "),
  );
}

/** Memory of all gateways as connections grew, whole and per connection. */
export function memoryCurves(result: Result): Markup[] {
  const points = result.memory_curve.filter(([connections, value]) => connections >= 0 && Number.isFinite(value)).sort((a, b) => a[0] - b[0]);
  const most = points.at(-1)?.[0] ?? 0;
  const first = points[0];
  if (first === undefined || most <= first[0]) {
    return [
      noFigure(
        "Gateway memory against connections",
        result.server === null ? NOT_OURS : "Memory was not seen at different numbers of connections in this run.",
      ),
    ];
  }
  const x = linearScale(0, most, { even: false });
  const xAxis = { x, xTick: compact, xLabel: "connections", height: HEIGHT, labelled: false };
  const slope = slopeOf(points);
  const peak = Math.max(...points.map(([, value]) => value));
  const perConnection = points
    .filter(([connections]) => connections - first[0] >= (most - first[0]) * CURVE_FROM)
    .map(([connections, value]): [number, number] => [connections, (value - first[1]) / (connections - first[0])]);
  const top = Math.max(1, ...perConnection.map(([, value]) => value));
  return [
    figure({
      title: "Gateway memory against connections",
      note: `Private memory of all gateways. A straight line through it rises by ${text(bytes(Math.round(slope)))} per connection.`,
      plot: linePlot({
        ...xAxis,
        alt: `Memory of the gateways against connections, up to ${text(bytes(peak))} at ${count(most)} connections.`,
        y: bytesTo(Math.max(1, peak), HEIGHT),
        yTick: (value) => (value === 0 ? "0" : text(bytes(value))),
        series: [{ name: "gateways", colour: COLOUR.gateway, look: points.length > 60 ? "line" : "dots", points }],
      }),
      data: {
        head: ["connections", "gateways"],
        rows: points.map(([connections, value]) => ({ at: x.at(connections), cells: [count(connections), text(bytes(value))] })),
      },
    }),
    perConnection.length < POINTS_MIN
      ? noFigure("Gateway memory per connection against connections", "Connections grew within a few samples: too few points for a curve.")
      : figure({
          title: "Gateway memory per connection against connections",
          note:
            `What the gateways had grown by since ${count(first[0])} connections, per connection. ` +
            `Left out below ${significant(CURVE_FROM * 100)}% of the connections, where it is noise.`,
          plot: linePlot({
            ...xAxis,
            alt: `Memory of the gateways per connection; ${text(bytes(perConnection.at(-1)?.[1] ?? 0))} at ${count(most)} connections.`,
            y: bytesTo(top, HEIGHT),
            yTick: (value) => (value === 0 ? "0" : text(bytes(value))),
            series: [{ name: "per connection", colour: COLOUR.gateway, look: perConnection.length > 60 ? "line" : "dots", points: perConnection }],
          }),
          data: {
            head: ["connections", "per connection"],
            rows: perConnection.map(([connections, value]) => ({ at: x.at(connections), cells: [count(connections), text(bytes(value))] })),
          },
        }),
  ];
}

export function frameBytes({ frame_bytes: frames }: Result): Markup {
  const bars = Object.entries(frames).map(([name, value]): Bar => ({ name, value, text: `${significant(Math.round(value * 10) / 10)} B`, colour: "c1" }));
  if (bars.length === 0) return panel("Bytes of a frame", html`<p class="empty">No frame was counted.</p>`);
  bars.sort((a, b) => b.value - a.value);
  return panel("Bytes of a frame", barTable(bars, bars[0]!.value, ["frame", "mean size"]), "Length prefix included, by type, on average over the run.");
}

export function driverCpu({ driver }: Result): Markup {
  const title = "CPU of the driver";
  if (driver.cpu_percent.length === 0) return panel(title, html`<p class="empty">It was not sampled.</p>`);
  const bars = driver.cpu_percent.map(
    (value, index): Bar => ({ name: `process ${index + 1}`, value, text: `${significant(Math.round(value * 10) / 10)}%`, colour: COLOUR.driver }),
  );
  const note =
    `Percent of one core (the full bar) while traffic flowed. 1% of messages left more than ${text(millis(driver.lag_p99_ms))} after the moment they were ` +
    `meant to; latencies include that. Wire: ${driver.wire}.`;
  return panel(title, barTable(bars, 100, ["driver", "of a core"]), note);
}

function parts(split: Record<string, number>, format: (value: number) => string): Bar[] {
  return inOrder(split).map(([name, value], index) => ({ name, value, text: format(value), colour: colourOf(name, index) }));
}

/** Of the straight line with the least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const [over, under] = points.reduce(([a, b], point) => [a + (point[0] - x) * (point[1] - y), b + (point[0] - x) ** 2] as const, [0, 0] as readonly [
    number,
    number,
  ]);
  return under === 0 ? 0 : over / under;
}

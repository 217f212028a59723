// The result for people: a table in the terminal, and the same as Markdown between two markers of a page.
import { type Column, formatTable, type Row } from "../result.ts";
import { FLOOR } from "./catalogue.ts";
import type { PeerFigures, PeersResult } from "./result.ts";

export const BEGIN = "<!-- peers:begin -->";
export const END = "<!-- peers:end -->";

const COLUMNS: readonly Column[] = [
  { key: "label", title: "" },
  { key: "user_bytes_per_connection", title: "bytes/conn", digits: 0 },
  { key: "kernel_bytes_per_connection", title: "kernel", digits: 0 },
  { key: "cpu_us_per_message", title: "µs/1:1", digits: 1 },
  { key: "message_ratio_to_floor", title: "× floor", digits: 1 },
  { key: "messages_per_second", title: "msg/s", digits: 0 },
  { key: "message_driver_percent", title: "driver %", digits: 0 },
  { key: "busy_cpu_us_per_message", title: "µs/1:1 busy", digits: 1 },
  { key: "busy_ratio_to_floor", title: "× floor", digits: 1 },
  { key: "busy_messages_per_second", title: "msg/s", digits: 0 },
  { key: "busy_driver_percent", title: "driver %", digits: 0 },
  { key: "cpu_us_per_delivery", title: "µs/delivery", digits: 1 },
  { key: "delivery_ratio_to_floor", title: "× floor", digits: 2 },
  { key: "wire_bytes_per_message", title: "wire bytes", digits: 0 },
  { key: "wire_overhead_per_message", title: "beyond text", digits: 0 },
  { key: "recovery_ms", title: "recovery ms", digits: 0 },
  { key: "missing", title: "missing", digits: 0 },
  { key: "ack", title: "ack says" },
];

/** What the processes of a server have in its figures, where there are several. */
function splits(figures: readonly PeerFigures[]): string[] {
  return figures.flatMap(({ label, user_bytes_split, message_split_us, busy_split_us, delivery_split_us }) => {
    const parts = [
      { what: "bytes per connection", split: user_bytes_split, digits: 0 },
      { what: "µs per 1:1 message", split: message_split_us, digits: 1 },
      { what: "busy", split: busy_split_us, digits: 1 },
      { what: "µs per delivery", split: delivery_split_us, digits: 2 },
    ].filter(({ split }) => Object.keys(split).length > 1);
    if (parts.length === 0) return [];
    const shown = parts.map(({ what, split, digits }) => {
      const each = Object.entries(split).map(([part, value]) => `${part} ${value.toFixed(digits)}`);
      return `${what} ${each.join(" + ")}`;
    });
    return [`${label}: ${shown.join("; ")}.`];
  });
}

export function formatPeers(result: PeersResult): string {
  const rows = result.figures.map(
    (figures): Row => ({ ...Object.fromEntries(COLUMNS.map(({ key }) => [key, figures[key as FigureName] ?? null])), ack: state(figures) }),
  );
  const parts = [
    formatTable({ title: `Peers, medians of ${rounds(result)}`, columns: COLUMNS, rows }),
    ...splits(result.figures),
    ...result.losses,
    ...notes(result),
  ];
  return [...parts, ...warnings(result)].join("\n");
}

type FigureName = { [K in keyof PeerFigures]: PeerFigures[K] extends number | string | null ? K : never }[keyof PeerFigures];

function state({ guarantees, skipped, failed }: PeerFigures): string {
  if (skipped !== null) return "NOT INSTALLED, see below";
  return failed.length === 0 ? guarantees.ack : "FAILED, see below";
}

function warnings({ figures, unfit }: PeersResult): string[] {
  return [
    ...figures.flatMap(({ label, failed }) => failed.map((reason) => `FAILED: ${label}: ${reason}`)),
    ...figures.flatMap(({ label, skipped }) => (skipped === null ? [] : [`NOT INSTALLED: ${label}: ${skipped}`])),
    ...unfit.map((reason) => `UNFIT: ${reason}`),
  ];
}

function rounds({ settings }: PeersResult): string {
  return `${settings.rounds} ${settings.rounds === 1 ? "round" : "rounds"}`;
}

/** What one must know to read the figures. */
function notes({ settings }: PeersResult): string[] {
  return [
    `Memory and CPU are those of all processes of a server together (Hawser: gateway, logic and nats-server; ejabberd runs as one process, without epmd). ` +
      `Bytes per connection: private memory over the empty state with ${settings.connections} connections, idle for ${settings.settle_seconds} s, without the kernel's part, ` +
      `which stands beside it and is the whole machine's: anything else that runs is in it; looked at in the first round only.`,
    `1:1: ${settings.pairs} pairs, and ${settings.busy_pairs} for busy, one real message in flight in each, the next when it was delivered, and acknowledged where the peer does that; CPU per message. ` +
      `Where the driver is near 100% of a core, the rate is the driver's, not the server's limit. ` +
      `Fan-out: one sender, ${settings.members} receivers, ${settings.in_flight} messages in flight; CPU per delivery. In Hawser the receivers are devices of one user (logic --sessions-per-user), ` +
      `since there are no groups yet, and every message is stored before it is delivered.`,
    `Wire bytes: TCP payload of a 1:1 message, both ends, acknowledgements and the text (twice) included, beats not. ` +
      `Recovery: all connections reset at once, until 99.9% are logged in again, 100 logins under way at a time. No TLS and no compression anywhere.`,
  ];
}

export function markdown(result: PeersResult): string {
  const { settings, machine } = result;
  const lines = [
    `| | idle bytes per connection (kernel) | CPU µs per 1:1 message, ${settings.pairs} pairs (× floor) | ${settings.busy_pairs} pairs (× floor) | CPU µs per fan-out delivery (× floor) | wire bytes per message (beyond the text) | recovery (missing) | an ack says | order | duplicates |`,
    "|---|---|---|---|---|---|---|---|---|---|",
    ...result.figures.map(row),
    "",
    ...result.losses.map((loss) => `- ${loss}`),
    "",
    ...[...splits(result.figures), ...notes(result)].map((note) => `${note}\n`),
    "",
    `Medians of ${rounds(result)} of \`${result.command}\`, ${settings.seconds} s for each measurement of messages, ${result.at.slice(0, 10)}, on ${machine.cores} cores ` +
      `(${machine.cpu}), Linux ${machine.kernel}, Node ${machine.node}; ${versions(result.figures)}.`,
    ...warnings(result).map((warning) => `\n**${warning.replaceAll("\n", " ")}**`),
  ];
  return lines.join("\n");
}

function row(figures: PeerFigures): string {
  const { label, guarantees, skipped } = figures;
  if (skipped !== null) return `| ${label} | not installed | | | | | | | | |`;
  const bold = label.startsWith("Hawser") ? "**" : "";
  const cells = [
    `${bold}${label}${bold}`,
    `${number(figures.user_bytes_per_connection)} (${number(figures.kernel_bytes_per_connection)})`,
    withRatio(figures.cpu_us_per_message, figures.message_ratio_to_floor, 1),
    withRatio(figures.busy_cpu_us_per_message, figures.busy_ratio_to_floor, 1),
    withRatio(figures.cpu_us_per_delivery, figures.delivery_ratio_to_floor, 2),
    figures.wire_bytes_per_message === null ? "–" : `${number(figures.wire_bytes_per_message)} (${number(figures.wire_overhead_per_message)})`,
    figures.recovery_ms === null ? "–" : `${(figures.recovery_ms / 1000).toFixed(2)} s (${figures.missing ?? "–"})`,
    figures.name === FLOOR ? "" : guarantees.ack,
    figures.name === FLOOR ? "" : guarantees.order,
    figures.name === FLOOR ? "" : guarantees.duplicates,
  ];
  return `| ${cells.join(" | ")} |`;
}

function withRatio(value: number | null, ratio: number | null, digits: number): string {
  if (value === null) return "–";
  return ratio === null ? value.toFixed(1) : `${value.toFixed(1)} (${ratio.toFixed(digits)})`;
}

function number(value: number | null): string {
  return value === null ? "–" : value.toFixed(0).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function versions(figures: readonly PeerFigures[]): string {
  const seen = new Map<string, string>();
  for (const { label, version } of figures) if (version !== "") seen.set(label.replace(/,.*/, ""), version);
  return [...seen].map(([name, version]) => `${name} ${version}`).join(", ");
}

/** The page with what stands between the markers replaced. Throws RangeError when it has none. */
export function withTable(page: string, table: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new RangeError(`there is no ${BEGIN} … ${END} in it: put the two lines where the table shall stand`);
  return `${page.slice(0, begin + BEGIN.length)}\n${table}\n${page.slice(end)}`;
}

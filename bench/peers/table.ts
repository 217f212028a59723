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
  { key: "cpu_us_per_delivery", title: "µs/delivery", digits: 1 },
  { key: "delivery_ratio_to_floor", title: "× floor", digits: 2 },
  { key: "wire_bytes_per_message", title: "wire bytes", digits: 0 },
  { key: "recovery_ms", title: "recovery ms", digits: 0 },
  { key: "missing", title: "missing", digits: 0 },
  { key: "ack", title: "ack says" },
];

export function formatPeers(result: PeersResult): string {
  const rows = result.figures.map(
    ({ guarantees, skipped, failed, ...figures }): Row => ({ ...figures, ack: skipped === null ? (failed.length === 0 ? guarantees.ack : "FAILED, see below") : "not installed" }),
  );
  const parts = [formatTable({ title: `Peers, medians of ${rounds(result)}`, columns: COLUMNS, rows }), ...result.losses, ...notes(result)];
  for (const { label, failed } of result.figures) for (const reason of failed) parts.push(`FAILED: ${label}: ${reason}`);
  for (const { label, skipped } of result.figures) if (skipped !== null) parts.push(`LEFT OUT: ${label}: ${skipped}`);
  for (const reason of result.unfit) parts.push(`UNFIT: ${reason}`);
  return parts.join("\n");
}

function rounds({ settings }: PeersResult): string {
  return `${settings.rounds} ${settings.rounds === 1 ? "round" : "rounds"}`;
}

/** What one must know to read the figures. */
function notes({ settings }: PeersResult): string[] {
  return [
    `Memory and CPU are those of all processes of a server together (Hawser: gateway, logic and nats-server; ejabberd runs as one process, without epmd). ` +
      `Bytes per connection: private memory over the empty state with ${settings.connections} connections idle, without the kernel's part, which stands beside it.`,
    `1:1: ${settings.pairs} pairs, one real message in flight in each, the next when it was delivered, and acknowledged where the peer does that; CPU per message. ` +
      `Fan-out: one sender, ${settings.members} receivers, ${settings.in_flight} messages in flight; CPU per delivery. In Hawser the receivers are devices of one user (logic --sessions-per-user), ` +
      `since there are no groups yet, and every message is stored before it is delivered.`,
    `Wire bytes: TCP payload of a 1:1 message, both ends, acknowledgements and the text (twice) included, beats not. ` +
      `Recovery: all connections reset at once, until 99.9% are logged in again, 100 logins under way at a time. No TLS and no compression anywhere.`,
  ];
}

export function markdown(result: PeersResult): string {
  const { settings, machine } = result;
  const lines = [
    "| | idle bytes per connection (kernel) | CPU µs per 1:1 message (× floor) | CPU µs per fan-out delivery (× floor) | wire bytes per message | recovery (missing) | an ack says | order | duplicates |",
    "|---|---|---|---|---|---|---|---|---|",
    ...result.figures.map(row),
    "",
    ...result.losses.map((loss) => `- ${loss}`),
    "",
    ...notes(result),
    "",
    `Medians of ${rounds(result)} of \`${result.command}\`, ${settings.seconds} s for each measurement of messages, ${result.at.slice(0, 10)}, on ${machine.cores} cores ` +
      `(${machine.cpu}), Linux ${machine.kernel}, Node ${machine.node}; ${versions(result.figures)}.`,
    ...result.unfit.map((reason) => `Read with care: ${reason}.`),
  ];
  return lines.join("\n");
}

function row(figures: PeerFigures): string {
  const { label, guarantees, skipped, failed } = figures;
  if (skipped !== null) return `| ${label} | not installed | | | | | | | |`;
  const bold = label.startsWith("Hawser") ? "**" : "";
  const cells = [
    `${bold}${label}${bold}`,
    `${number(figures.user_bytes_per_connection)} (${number(figures.kernel_bytes_per_connection)})`,
    withRatio(figures.cpu_us_per_message, figures.message_ratio_to_floor, 1),
    withRatio(figures.cpu_us_per_delivery, figures.delivery_ratio_to_floor, 2),
    number(figures.wire_bytes_per_message),
    figures.recovery_ms === null ? "–" : `${(figures.recovery_ms / 1000).toFixed(2)} s (${figures.missing ?? "–"})`,
    figures.name === FLOOR ? "" : guarantees.ack,
    figures.name === FLOOR ? "" : guarantees.order,
    figures.name === FLOOR ? "" : guarantees.duplicates,
  ];
  return `| ${cells.join(" | ")} |${failed.length === 0 ? "" : ` FAILED: ${failed.join("; ")}`}`;
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

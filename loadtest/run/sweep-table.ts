// A sweep as a table for people. Pure.
import type { Flatness, Sweep } from "../sweep.ts";
import { count } from "./live-view.ts";

export function sweepWords({ points, flatness, warnings }: Sweep): string {
  const head = ["connections", "gateways", "messages/s", "µs in play", "µs over idle", "µs in all", "idle CPU", "bytes servers", "bytes kernel", "bytes all"];
  const rows = points.map(({ connections, gateways, talk_gateways, messages_per_second, cpu_us, idle_cpu_percent, bytes }) => [
    count(connections),
    `${gateways} (${talk_gateways})`,
    count(messages_per_second),
    ...[cpu_us.in_play, cpu_us.over_idle, cpu_us.total].map((value) => (value === null ? "–" : value.toFixed(1))),
    `${idle_cpu_percent}%`,
    ...[bytes.servers, bytes.kernel, bytes.all].map((value) => (value === null ? "–" : count(value))),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string => `  ${cells.map((cell, column) => cell.padStart(widths[column]!)).join("  ")}`;
  return [
    "",
    line(head),
    ...rows.map(line),
    "",
    ...flatWords("CPU per message, in play", flatness.cpu_us_in_play),
    ...flatWords("CPU per message, over idle", flatness.cpu_us_over_idle),
    ...flatWords("bytes per connection, all", flatness.bytes_all),
    ...flatWords("bytes per connection, servers", flatness.bytes_servers),
    ...warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}

function flatWords(what: string, flat: Flatness | null): string[] {
  if (flat === null) return [`${what}: too few sizes to judge`];
  return [`${what}: ${flat.flat ? "flat" : "NOT flat"} within 15% (largest ${flat.ratio} times the smallest, over ${flat.points} sizes)`];
}

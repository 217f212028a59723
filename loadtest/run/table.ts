// The result as a table for people, and as an exit code for scripts. Pure.
import type { MemoryTotals, Percentiles, Result } from "../result.ts";
import { count, mebibytes, ms } from "./live-view.ts";
import { sum } from "./servers.ts";

const TRACES_SHOWN = 20;
/** From so many connections on, memory per connection is more than a heap's own ups and downs. */
const MEMORY_SURE = 10_000;

export function renderTable(result: Result): string {
  const { server, check } = result;
  const rows: [string, string][] = [
    [
      "connections",
      `${count(result.connections)} over ${result.options["transport"]}; ${result.driver.processes} driver processes (${result.driver.wire}), ${result.options["gateways"]} gateways`,
    ],
    ["messages", `${count(result.sent)} sent, ${count(result.acked)} acked, ${count(result.delivered)} deliveries`],
    [
      "wrong",
      `${count(check.lost)} lost, ${count(check.duplicated)} doubled, ${count(check.out_of_order)} out of order, ${count(check.unacked)} never acked; ` +
        `${count(check.not_pushed ?? 0)} not pushed, ${count(check.foreign ?? 0)} at the wrong session; ${count(check.heads_wrong)} of ${count(check.heads_checked)} heads wrong, ` +
        `${count(check.heads_unchecked ?? 0)} not compared; ${count(check.repeated_on_wire)} rows came again on the wire and were dropped by number`,
    ],
    ["latency", percentileWords(result.latency_ms)],
    ["latency of ack", percentileWords(result.ack_latency_ms)],
  ];
  if (result.throttled_latency_ms) rows.push(["latency, slow", percentileWords(result.throttled_latency_ms)]);
  if (server === null) rows.push(["server", "its processes are not ours to look at: no figures of CPU and memory"]);
  else {
    if (server.cpu_us_per_message !== null) {
      const idle = server.cpu_us_per_message_over_idle;
      rows.push([
        "server CPU",
        `${server.cpu_us_per_message} µs a message (${splitWords(server.split, " µs")})` +
          `${idle !== null && idle < server.cpu_us_per_message * 0.97 ? `, ${idle} µs without what idling costs` : ""}; ${server.cpu_us_per_delivery} µs a delivery`,
      ]);
    }
    if (Object.keys(server.idle_cpu_percent).length > 0)
      rows.push(["idle CPU", `${splitWords(server.idle_cpu_percent, "%")} of a core, everybody connected and silent`]);
    if (server.bytes_per_connection !== null) {
      rows.push([
        "memory",
        `${count(server.bytes_per_connection)} bytes a connection (${splitWords(server.bytes_per_connection_split, "")}), kernel ${server.kernel_bytes_per_connection === null ? "unknown" : `${count(server.kernel_bytes_per_connection)} (both ends)`}${result.connections < MEMORY_SURE ? "; with so few connections mostly what heaps grow by anyway" : ""}`,
      ]);
    }
  }
  if (result.memory !== undefined) {
    const { before, connected, end, bytes_per_connection: each, further_bytes_per_connection: further } = result.memory;
    rows.push(["memory before", totalWords(before)], ["memory connected", totalWords(connected)]);
    if (end !== undefined) rows.push(["memory at end", totalWords(end)]);
    if (result.memory.connections >= MEMORY_SURE) rows.push(["each connection", `${splitWords(each, "")} bytes, ${count(sum(each))} in all`]);
    if (further !== undefined)
      rows.push(["each further one", `${splitWords(further, "")} bytes, ${count(sum(further))} in all: over processes that have warmed up`]);
  }
  if (Object.keys(result.frame_bytes).length > 0) rows.push(["frames", `${splitWords(result.frame_bytes, "")} bytes on average, length prefix included`]);
  rows.push([
    "driver",
    `busiest ${result.driver_cpu_percent}% of a core; messages left ${ms(result.driver.lag_p99_ms)} late (p99)` +
      `${result.driver.passed_over_percent ? `; ${result.driver.passed_over_percent}% from another sender than the one whose turn it was` : ""}` +
      `${result.driver.over_limit_percent ? `; ${result.driver.over_limit_percent}% held back by the server's limits` : ""}` +
      `${result.driver.bytes_per_connection === null ? "" : `; ${count(result.driver.bytes_per_connection)} bytes a connection`}`,
  ]);
  for (const { name, seconds, figures } of result.phases) {
    const words = Object.entries(figures).map(([figure, value]) => `${figure} ${count(value)}`);
    rows.push([name, `${seconds.toFixed(1)} s${words.length > 0 ? `: ${words.join(", ")}` : ""}`]);
  }
  if (Object.keys(result.errors).length > 0) rows.push(["errors", splitWords(result.errors, "")]);
  for (const [name, detail] of Object.entries(result.error_details ?? {})) rows.push([`first ${name}`, detail]);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = ["", `${result.scenario}, ${result.seconds} s`, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
  if (result.traces.length > 0) {
    lines.push("", `what went wrong, the first ${Math.min(TRACES_SHOWN, result.traces.length)}:`);
    for (const trace of result.traces.slice(0, TRACES_SHOWN)) lines.push(`  ${traceWords(trace)}`);
  }
  if (result.unfit.length > 0) lines.push("", "*** UNFIT: the figures of this run should not be trusted:", ...result.unfit.map((reason) => `***   ${reason}`));
  lines.push("", result.passed ? "PASSED: everything that was acked arrived once and in order" : `FAILED: ${result.failures.join("; ")}`);
  return lines.join("\n");
}

/** 0: passed; 1: a promise broke; 2: stopped before its end; 3: unfit, where that was asked about. */
export function exitCode(result: Result, interrupted: boolean, strict: boolean): number {
  if (!result.passed && !interrupted) return 1;
  if (interrupted) return 2;
  return strict && result.unfit.length > 0 ? 3 : 0;
}

function percentileWords(percentiles: Percentiles | null): string {
  if (percentiles === null) return "nothing was measured";
  return `p50 ${ms(percentiles.p50)}, p90 ${ms(percentiles.p90)}, p99 ${ms(percentiles.p99)}, p99.9 ${ms(percentiles.p999)}, max ${ms(percentiles.max)}`;
}

function totalWords({ parts, all, available }: MemoryTotals): string {
  const words = Object.entries(parts).map(([part, bytes]) => `${part} ${mebibytes(bytes)}`);
  return `${words.join(", ")}; ${mebibytes(all)} in all${available === null ? "" : `, ${mebibytes(available)} still free`}`;
}

function splitWords(values: Record<string, number>, unit: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${count(value)}${unit}`)
    .join(", ");
}

function traceWords(trace: Result["traces"][number]): string {
  const times = (["intended", "sent", "acked", "delivered"] as const).flatMap((what) => {
    const at = trace[what];
    return at === undefined ? [] : [`${what} ${new Date(at).toISOString().slice(11, 23)}`];
  });
  const numbers = [...(trace.client_seq === undefined ? [] : [`client_seq ${trace.client_seq}`]), ...(trace.seq === undefined ? [] : [`seq ${trace.seq}`])];
  return [
    `${trace.what}: ${trace.from} to ${trace.to}${trace.device === undefined ? "" : ` (${trace.device})`}`,
    ...numbers,
    ...times,
    ...(trace.detail === undefined ? [] : [trace.detail]),
  ].join(", ");
}

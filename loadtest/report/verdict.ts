// The top of the report: whether the promises held, whether the figures can be trusted, the key figures, and what went
// wrong, message by message.
import type { CheckCounts, Result, Trace } from "../result.ts";
import { bytes, count, duration, micros, millis, MISSING, type Quantity, significant, text } from "./format.ts";
import { foreign, html, type Markup, NOTHING } from "./markup.ts";
import { row, scrolled, table } from "./table.ts";

/** Rows of the table of traces; the result holds the others. */
const TRACES_MAX = 200;

type BrokenCheck = "lost" | "not_pushed" | "duplicated" | "out_of_order" | "foreign" | "unacked" | "heads_wrong" | "heads_unchecked" | "protocol_errors";

const BROKEN: Record<BrokenCheck, string> = {
  lost: "lost",
  not_pushed: "not pushed, only fetched at the end",
  duplicated: "delivered twice",
  out_of_order: "out of order",
  foreign: "delivered to sessions that they were not for",
  unacked: "never acked",
  heads_wrong: "conversations with a wrong head",
  heads_unchecked: "conversations whose head was not compared",
  protocol_errors: "connections on which the server broke the protocol",
};

const CHECKS: [keyof CheckCounts, string][] = [
  ["sent", "Messages sent"],
  ["acked", "Acked"],
  ["delivered", "Deliveries, over all sessions"],
  ["lost", "Lost: acked, and missing at a session that should have it"],
  ["not_pushed", "Not pushed: came only when it was asked for at the end"],
  ["duplicated", "Duplicated: delivered again as another row"],
  ["out_of_order", "Out of order"],
  ["foreign", "At a session that should never have seen it"],
  ["unacked", "Not acked at the end"],
  ["repeated_on_wire", "Repeated on the wire, and dropped by number (allowed)"],
  ["heads_checked", "Conversations whose head was compared"],
  ["heads_wrong", "Conversations with a wrong head"],
  ["heads_unchecked", "Conversations whose head could not be compared"],
  ["protocol_errors", "Connections on which the server broke the protocol"],
];

export function verdicts(result: Result): Markup {
  return html`<div class="verdicts">${promises(result)}${trust(result)}</div>`;
}

function promises({ passed, failures, check, connections }: Result): Markup {
  const broken = (Object.keys(BROKEN) as BrokenCheck[]).filter((name) => (check[name] ?? 0) > 0).map((name) => `${count(check[name] ?? 0)} ${BROKEN[name]}`);
  if (!passed) {
    const wrong = failures.length > 0 ? failures : [broken.join(", ") || "the result does not say what"];
    const counts = check.sent === 0 ? "" : `${threeCounts(check)}. `;
    return verdict("bad", "✕ Failed", html`<p>${counts}What did not hold:</p><ul>${wrong.map((one) => html`<li>${one}</li>`)}</ul>`);
  }
  if (check.sent === 0) return verdict("good", "✓ Passed", html`<p>${count(connections)} connections; this scenario sends no messages.</p>`);
  const also = broken.length > 0 ? ` Beside that: ${broken.join(", ")}.` : "";
  const words = `Every one of ${count(check.acked)} acked messages was delivered once and in order: ${threeCounts(check)}.${also}`;
  return verdict("good", "✓ Passed", html`<p>${words}</p>`);
}

function threeCounts({ lost, duplicated, out_of_order: disordered }: CheckCounts): string {
  return `${count(lost)} lost, ${count(duplicated)} duplicated, ${count(disordered)} out of order`;
}

function trust({ unfit }: Result): Markup {
  if (unfit.length === 0) return verdict("good", "✓ Fit", html`<p>The driver and the machine kept up: the figures are the server’s.</p>`);
  return verdict("warn", "! UNFIT: do not trust the figures", html`<ul>${unfit.map((reason) => html`<li>${reason}</li>`)}</ul>`);
}

function verdict(tone: "good" | "bad" | "warn", title: string, content: Markup): Markup {
  return html`<section class="verdict ${tone}"><h2>${title}</h2>${content}</section>`;
}

/** Key figures; those that were not measured are left out. */
export function tiles(result: Result): Markup {
  const { latency_ms: latency, ack_latency_ms: ack, server, driver, check, samples } = result;
  const stolen = samples.length > 0 ? Math.max(...samples.map((one) => one.stolen_percent)) : undefined;
  const flowing = samples.filter((one) => one.acked_per_second > 0).length;
  return html`<ul class="tiles">${[
    tile("Connections", { value: count(result.connections), unit: "" }),
    check.sent > 0 ? tile("Messages acked", { value: count(result.acked), unit: "" }, `of ${count(result.sent)} sent`) : NOTHING,
    check.sent > 0
      ? tile("Deliveries", { value: count(result.delivered), unit: "" }, flowing > 0 ? `${count(result.acked / flowing)} acks/s while any came` : "")
      : NOTHING,
    latency ? tile("Delivery latency, p50", millis(latency.p50), `p90 ${text(millis(latency.p90))}`) : NOTHING,
    latency ? tile("Delivery latency, p99", millis(latency.p99), `p99.9 ${text(millis(latency.p999))}, max ${text(millis(latency.max))}`) : NOTHING,
    ack ? tile("Ack latency, p99", millis(ack.p99), `p50 ${text(millis(ack.p50))}, max ${text(millis(ack.max))}`) : NOTHING,
    server && server.cpu_us_per_message !== null
      ? tile("Server CPU per message", micros(server.cpu_us_per_message), mostOf(server.split, server.cpu_us_per_message))
      : NOTHING,
    server && server.bytes_per_connection !== null && server.bytes_per_connection > 0
      ? tile("Server memory per connection", bytes(Math.round(server.bytes_per_connection)), "private, all processes")
      : NOTHING,
    server && server.kernel_bytes_per_connection !== null
      ? tile("Kernel memory per connection", bytes(Math.round(server.kernel_bytes_per_connection)), "slab and TCP buffers")
      : NOTHING,
    tile(
      "Driver CPU, busiest",
      { value: significant(Math.round(result.driver_cpu_percent * 10) / 10), unit: "%" },
      `of one core; ${driver.processes} ${driver.processes === 1 ? "process" : "processes"}`,
    ),
    driver.bytes_per_connection !== null && driver.bytes_per_connection > 0
      ? tile("Driver memory per connection", bytes(Math.round(driver.bytes_per_connection)), driver.wire)
      : NOTHING,
    stolen !== undefined ? tile("Taken by the host", { value: significant(stolen), unit: "%" }, "of the machine’s time, worst second") : NOTHING,
  ]}</ul>`;
}

function tile(name: string, { value, unit }: Quantity, more = ""): Markup {
  const small = (kind: "unit" | "more", text: string): Markup => (text === "" ? NOTHING : html`<span class="${kind}">${text}</span>`);
  return html`<li class="tile"><span class="name">${name}</span><span class="value">${value}${small("unit", unit)}</span>${small("more", more)}</li>`;
}

function mostOf(split: Record<string, number>, whole: number): string {
  const most = Object.entries(split).sort((a, b) => b[1] - a[1])[0];
  return most === undefined || whole <= 0 ? "" : `${most[0]} ${Math.round((most[1] / whole) * 100)}% of it`;
}

/** What the checker counted. */
export function checks({ check }: Result): Markup {
  const row = ([name, words]: [keyof CheckCounts, string]): Markup => {
    const many = check[name];
    if (many === undefined) return NOTHING;
    return html`<tr class="${name in BROKEN && many > 0 ? "broken" : "held"}"><th scope="row">${words}</th><td>${count(many)}</td></tr>`;
  };
  return html`<section class="panel"><table class="full"><tbody>${CHECKS.map(row)}</tbody></table></section>`;
}

/** Every message that went wrong, as far as a page can hold them. */
export function traceTable(traces: readonly Trace[]): Markup {
  const left = traces.length - TRACES_MAX;
  const heads = ["what", "from", "to", "device", "client seq", "seq", "intended (UTC)", "sent", "acked", "delivered", "detail"];
  const texts = new Set([0, 1, 2, 3, 10]);
  const rows = traces.slice(0, TRACES_MAX).map((trace) => row(cells(trace), texts));
  return html`<section class="panel"><h3>Messages that went wrong</h3>
<p class="note">Sent, acked and delivered in time since the intended moment of sending.${left > 0 ? ` ${count(left)} more are in the JSON result.` : ""}</p>
${scrolled(table("traces", heads, rows, texts))}</section>`;
}

function cells(trace: Trace): (Markup | string)[] {
  const { intended } = trace;
  const since = (at: number | undefined): string => (at === undefined ? MISSING : intended === undefined ? clock(at) : `+${text(millis(at - intended))}`);
  return [
    trace.what.replaceAll("_", " "),
    foreign(trace.from),
    foreign(trace.to),
    trace.device === undefined ? MISSING : foreign(trace.device),
    trace.client_seq === undefined ? MISSING : count(trace.client_seq),
    trace.seq === undefined ? MISSING : count(trace.seq),
    intended === undefined ? MISSING : clock(intended),
    since(trace.sent),
    since(trace.acked),
    since(trace.delivered),
    trace.detail === undefined ? "" : foreign(trace.detail),
  ];
}

/** Time of the day, to the millisecond. */
function clock(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? MISSING : date.toISOString().slice(11, 23);
}

/** One line below the title: what ran, when, how long. */
export function summary({ scenario, connections, seconds, started }: Result): string {
  const at = new Date(started);
  const when = Number.isNaN(at.getTime()) ? started : `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return `Scenario ${scenario}, ${count(connections)} connections, ${duration(seconds)}, started ${when}`;
}

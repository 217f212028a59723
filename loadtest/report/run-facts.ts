// How it was run, so that somebody else can run it again and judge it: command, versions, machine and limits, options,
// phases with figures of their own, errors.
import type { Result } from "../result.ts";
import { panel } from "./figure.ts";
import { bytes, count, duration, MISSING, quantityOf, text, wordsOf } from "./format.ts";
import { foreign, html, type Markup, type Part } from "./markup.ts";
import { namedRow, row, scrolled, table } from "./table.ts";

export function runFacts({ command, versions, machine, options, driver }: Result): Markup {
  return html`<section class="panel"><h3>Command</h3><pre>${command}</pre></section>
<div class="three">
${panel(
  "Versions",
  list([
    ["Hawser", versions.hawser],
    ["Node", versions.node],
    ["nats-server", versions.nats ?? "not ours to look at"],
    ["kernel", versions.kernel],
  ]),
)}
${panel(
  "Machine and limits",
  list([
    ["CPU", machine.cpu],
    ["cores", count(machine.cores)],
    ["memory", text(bytes(machine.memory_bytes))],
    ["files per process", count(machine.files_per_process)],
    ["driver", `${count(driver.processes)} ${driver.processes === 1 ? "process" : "processes"}, wire ${driver.wire}`],
  ]),
)}
${panel(
  "Options",
  Object.keys(options).length === 0 ? html`<p class="empty">None were given.</p>` : list(Object.entries(options).map(([name, value]) => [name, String(value)])),
)}
</div>`;
}

export function phaseTable({ phases }: Result): Markup {
  if (phases.length === 0) return html`<section class="panel"><p class="empty">This run had no phases.</p></section>`;
  const texts = new Set([1, 3]);
  const rows = phases.map(({ name, seconds, figures }, index) => row([index + 1, name, duration(seconds), own(figures)], texts));
  return html`<section class="panel">${scrolled(table("", ["", "phase", "length", "figures of its own"], rows, texts), "phases")}</section>`;
}

function own(figures: Record<string, number>): Part {
  const all = Object.entries(figures);
  return all.length === 0 ? MISSING : html`<dl class="own">${all.map(figureOf)}</dl>`;
}

function figureOf([name, value]: [string, number]): Markup {
  return html`<div><dt>${wordsOf(name)}</dt><dd>${text(quantityOf(name, value))}</dd></div>`;
}

export function errorTable({ errors, error_details: details = {} }: Result): Markup {
  const all = Object.entries(errors).sort((a, b) => b[1] - a[1]);
  if (all.length === 0) return panel("Errors", html`<p class="empty">None.</p>`);
  return panel(
    "Errors",
    table(
      "full",
      ["error", "count"],
      all.map(([name, times]) => namedRow(name, [details[name] === undefined ? count(times) : html`${count(times)}; the first: ${foreign(details[name])}`])),
    ),
  );
}

function list(rows: readonly (readonly [string, string])[]): Markup {
  return html`<dl class="list">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

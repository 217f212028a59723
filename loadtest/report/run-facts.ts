// How it was run, so that somebody else can run it again and judge it: command, versions, machine and limits, options,
// phases with figures of their own, errors.
import type { Result } from "../result.ts";
import { panel } from "./figure.ts";
import { bytes, count, duration, quantityOf, text, wordsOf } from "./format.ts";
import { html, type Markup, type Part } from "./markup.ts";

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
  const figures = (own: Record<string, number>): Part =>
    Object.keys(own).length === 0 ? "–" : html`<dl class="own">${Object.entries(own).map(([name, value]) => html`<dt>${wordsOf(name)}</dt><dd>${text(quantityOf(name, value))}</dd>`)}</dl>`;
  return html`<section class="panel"><div class="scroll phases" tabindex="0"><table><thead><tr><th scope="col"></th><th scope="col" class="text">phase</th><th scope="col">length</th><th scope="col" class="text">figures of its own</th></tr></thead>
<tbody>${phases.map(
    ({ name, seconds, figures: own }, index) =>
      html`<tr><td>${index + 1}</td><th scope="row" class="text">${name}</th><td>${duration(Math.round(seconds * 10) / 10)}</td><td class="text">${figures(own)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

export function errorTable({ errors }: Result): Markup {
  const rows = Object.entries(errors).sort((a, b) => b[1] - a[1]);
  if (rows.length === 0) return panel("Errors", html`<p class="empty">None.</p>`);
  return panel(
    "Errors",
    html`<table class="full"><thead><tr><th scope="col">error</th><th scope="col">count</th></tr></thead><tbody>${rows.map(([name, times]) => html`<tr><th scope="row">${name}</th><td>${count(times)}</td></tr>`)}</tbody></table>`,
  );
}

function list(rows: readonly (readonly [string, string])[]): Markup {
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

// The report of a load test: one HTML page that needs nothing else and asks nobody for anything. A policy in the page
// forbids every request and every script and style but its own, by their hashes. All text of the result is escaped
// (markup.ts), and the page is well-formed XML too.
import { createHash } from "node:crypto";
import type { Result } from "../result.ts";
import { bytesPerConnection, cpuPerMessage, driverCpu, frameBytes, memoryCurves } from "./cost-plots.ts";
import { HOVER_SCRIPT } from "./hover.ts";
import { latencyPlot } from "./latency-plot.ts";
import { html, Markup, NOTHING } from "./markup.ts";
import { errorTable, phaseTable, runFacts } from "./run-facts.ts";
import { styleSheet } from "./style.ts";
import { timePlots } from "./time-plots.ts";
import { checks, summary, tiles, traceTable, verdicts } from "./verdict.ts";

export function renderReport(result: Result): string {
  const style = styleSheet();
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(HOVER_SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  const title = `Hawser load test: ${result.scenario}, ${result.passed ? "passed" : "failed"}${result.unfit.length > 0 ? ", unfit" : ""}`;
  return html`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<title>${title}</title>
<style>${new Markup(style)}</style>
</head><body>
<header class="top"><h1>Load test: ${result.scenario}</h1>${themes()}</header>
<p class="subtitle">${summary(result)}</p>
<main>${body(result)}</main>
<footer>Written by hawser loadtest from its JSON result (format ${result.format}). Latencies count from the intended moment of sending.
KiB, MiB and GiB are powers of 1024.</footer>
<script>${new Markup(HOVER_SCRIPT)}</script>
</body></html>
`.text;
}

function body(result: Result): Markup {
  const over = timePlots(result);
  return html`
${verdicts(result)}
${tiles(result)}
<h2>Latency</h2>
${latencyPlot(result)}
<h2>Over time</h2>
${over.merged > 1 ? mergedNote(over.merged) : NOTHING}
${over.plots}
<h2>What it cost</h2>
<div class="pair">${cpuPerMessage(result)}${bytesPerConnection(result)}</div>
<div class="pair">${memoryCurves(result)}</div>
<div class="pair">${frameBytes(result)}${driverCpu(result)}</div>
<h2>Checks and errors</h2>
<div class="pair">${checks(result)}${errorTable(result)}</div>
${result.traces.length > 0 ? traceTable(result.traces) : NOTHING}
<h2>Phases</h2>
${phaseTable(result)}
<h2>How it was run</h2>
${runFacts(result)}
`;
}

function mergedNote(merged: number): Markup {
  return html`<p class="note">Each point stands for up to ${merged} samples of the same phase: rates and CPU are means, latencies and stolen time the worst
of them.</p>`;
}

/** The switch of themes: plain inputs, which the style sheet looks at. */
function themes(): Markup {
  const choice = (name: string, label: string, checked: Markup): Markup =>
    html`<label><input type="radio" name="theme" id="theme-${name}"${checked}/>${label}</label>`;
  const choices = [choice("system", "System", html` checked=""`), choice("light", "Light", NOTHING), choice("dark", "Dark", NOTHING)];
  return html`<fieldset class="themes"><legend>Theme</legend>${choices}</fieldset>`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

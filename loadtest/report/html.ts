// The report of a load test: one HTML page (page.ts) with everything that the result knows.
import type { Result } from "../result.ts";
import { bytesPerConnection, cpuPerMessage, driverCpu, frameBytes, memoryCurves } from "./cost-plots.ts";
import { latencyPlot } from "./latency-plot.ts";
import { html, type Markup, NOTHING } from "./markup.ts";
import { memoryTable } from "./memory-table.ts";
import { renderPage } from "./page.ts";
import { errorTable, phaseTable, runFacts } from "./run-facts.ts";
import { timePlots } from "./time-plots.ts";
import { checks, summary, tiles, traceTable, verdicts } from "./verdict.ts";

export function renderReport(result: Result): string {
  return renderPage({
    title: `Hawser load test: ${result.scenario}, ${result.passed ? "passed" : "failed"}${result.unfit.length > 0 ? ", unfit" : ""}`,
    heading: `Load test: ${result.scenario}`,
    subtitle: summary(result),
    main: body(result),
    footer: html`Written by hawser loadtest from its JSON result (format ${result.format}). Latencies count from the intended moment of sending.
KiB, MiB and GiB are powers of 1024.`,
  });
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
${memoryTable(result)}
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

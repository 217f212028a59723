// One figure of the report: title, what to see in it, the plot and its data as a table. Without data it is a sentence.
import { html, type Markup, type Part } from "./markup.ts";
import { round } from "./svg.ts";
import { scrolled, table } from "./table.ts";

export interface DataRow {
  /** Place on the x axis, 0 to 1, for the readout. */
  at: number;
  cells: readonly string[];
}

export interface Figure {
  title: string;
  note: Part;
  plot: Markup;
  /** Shown below the plot, beside the table of all data. */
  figures?: Markup;
  data: { head: readonly string[]; rows: readonly DataRow[] };
  /** Plots over time follow each other's readout. */
  over?: "time" | "other";
}

export function figure({ title, note, plot, figures, data, over = "other" }: Figure): Markup {
  const cells = (texts: readonly string[]): Markup[] => texts.map((text) => html`<td>${text}</td>`);
  const rows = data.rows.map(
    ({ at, cells: texts }) => html`<tr data-at="${round(at * 100) / 100}">${cells(texts)}</tr>
`,
  );
  return html`<figure><figcaption><h3>${title}</h3><p class="note">${note}</p></figcaption>
<div class="frame" data-plot="${over}">${plot}</div>${figures}
<details><summary>Data (${rows.length} rows)</summary>${scrolled(table("data", data.head, rows))}</details></figure>`;
}

/** What stands where a figure would be that has no data. */
export function noFigure(title: string, why: string): Markup {
  return html`<figure><figcaption><h3>${title}</h3></figcaption><p class="empty">${why}</p></figure>`;
}

/** A panel with a heading and anything. */
export function panel(title: string, content: Part, note?: string): Markup {
  return html`<section class="panel"><h3>${title}</h3>${note === undefined ? undefined : html`<p class="note">${note}</p>`}${content}</section>`;
}

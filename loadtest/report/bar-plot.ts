// Bars as SVG inside of tables: every bar stands in a row with its name and its figure, so that the table is the plot's
// text as well.
import { html, type Markup } from "./markup.ts";
import { percent, swatch } from "./svg.ts";
import { namedRow, table } from "./table.ts";

export interface Bar {
  name: string;
  value: number;
  /** With its unit. */
  text: string;
  /** A colour class of style.ts. */
  colour: string;
}

/** One bar of several parts, with a table of them below. `whole`: the name of their sum. */
export function stackedBar(parts: readonly Bar[], whole: { name: string; text: string }): Markup {
  const sum = parts.reduce((total, { value }) => total + Math.max(0, value), 0);
  let from = 0;
  const pieces = parts.map(({ name, value, text, colour }) => {
    const [start, width] = [from, sum > 0 ? Math.max(0, value) / sum : 0];
    from += width;
    return html`<rect class="piece ${colour}" x="${percent(start)}" width="${percent(width)}" height="34"><title>${name}: ${text}</title></rect>`;
  });
  const alt = `${whole.name}, ${whole.text}: ${parts.map(({ name, text }) => `${name} ${text}`).join(", ")}`;
  return html`<svg class="stack" role="img" aria-label="${alt}" height="34">${pieces}</svg>
<table class="key-table"><tbody>
${parts.map(({ name, value, text, colour }) => namedRow([swatch(colour), name], [text, share(value, sum)]))}
<tr class="sum"><th scope="row">${whole.name}</th><td>${whole.text}</td><td></td></tr>
</tbody></table>`;
}

/** One row per bar; `full` is the value of a bar over the whole width. */
export function barTable(bars: readonly Bar[], full: number, head: readonly [name: string, figure: string]): Markup {
  const rows = bars.map(({ name, value, text, colour }) => namedRow(name, [text, bar(full > 0 ? Math.min(1, Math.max(0, value / full)) : 0, colour)]));
  return table("bars", [...head, ""], rows);
}

function bar(part: number, colour: string): Markup {
  return html`<svg class="bar" aria-hidden="true" height="14"><rect class="track" width="100%" height="14" rx="2"/>
<rect class="piece ${colour}" width="${percent(part)}" height="14" rx="2"/></svg>`;
}

function share(value: number, sum: number): string {
  return sum > 0 ? `${Math.round((Math.max(0, value) / sum) * 100)}%` : "";
}

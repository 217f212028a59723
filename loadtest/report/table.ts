// Tables of the report: figures to the right, texts (and always the first column) to the left.
import { html, type Markup, NOTHING, type Part } from "./markup.ts";

const NO_TEXT: ReadonlySet<number> = new Set();

/** `kind`: classes of style.ts. `texts`: columns that hold texts. An empty head is a column without a name. */
export function table(kind: string, head: readonly string[], rows: readonly Markup[], texts = NO_TEXT): Markup {
  const column = (name: string, index: number): Markup => (name === "" ? html`<td></td>` : html`<th scope="col"${alignment(index, texts)}>${name}</th>`);
  return html`<table class="${kind}"><thead><tr>${head.map(column)}</tr></thead>
<tbody>${rows}</tbody></table>`;
}

export function row(cells: readonly Part[], texts = NO_TEXT): Markup {
  return html`<tr>${cells.map((cell, index) => html`<td${alignment(index, texts)}>${cell}</td>`)}</tr>
`;
}

/** A row whose first cell names it. */
export function namedRow(name: Part, cells: readonly Part[]): Markup {
  return html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`;
}

/** A table that may be larger than its place. */
export function scrolled(content: Markup, kind = ""): Markup {
  return html`<div class="scroll ${kind}" tabindex="0">${content}</div>`;
}

function alignment(column: number, texts: ReadonlySet<number>): Markup {
  return texts.has(column) ? html` class="text"` : NOTHING;
}

// Building markup from parts that nobody has checked: user ids, commands, error texts. The `html` tag escapes everything
// that is put into it, in text and in quoted attributes alike; only Markup, which was built by the same tag, goes in as
// it is. What comes out is well-formed XML as well as HTML, so that any XML parser can check a page.
// Invariant: no text from outside reaches a page without passing escape().

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Part = Markup | string | number | undefined | readonly Part[];

export const NOTHING = new Markup("");

const SPECIAL: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * Text for element content and quoted attributes. Characters that no page may hold (controls, lone surrogates) or that
 * turn the writing direction of what follows become U+FFFD.
 */
export function escapeText(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => SPECIAL[character]!);
}

/** html`<td title="${name}">${[cell, cell]}</td>`: strings and numbers are escaped, undefined is left out. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  let text = strings[0]!;
  for (let i = 0; i < parts.length; i++) text += partText(parts[i]) + strings[i + 1]!;
  return new Markup(text);
}

/** A text of somebody else's making: isolated, so that its writing direction cannot rearrange what stands beside it. */
export function foreign(text: string): Markup {
  return html`<bdi>${text}</bdi>`;
}

function partText(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "string" || typeof part === "number") return escapeText(String(part));
  return part.map(partText).join("");
}

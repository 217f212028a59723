// Small parts that plots share.
import { html, type Markup } from "./markup.ts";

/** A part of the whole as a length: 0.125 → 12.5%. */
export function percent(part: number): string {
  return `${round(part * 100)}%`;
}

/** A coordinate: finer than any screen shows and short in the page. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A sample of a colour, for keys. */
export function swatch(colour: string): Markup {
  return html`<svg class="key ${colour}" aria-hidden="true"><rect width="14" height="14" rx="3"/></svg>`;
}

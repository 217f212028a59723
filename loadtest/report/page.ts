// The page around a report: it needs nothing else and asks nobody for anything. A policy in the page forbids every request
// and every script and style but its own, by their hashes. All text is escaped (markup.ts), and the page is well-formed
// XML too.
import { createHash } from "node:crypto";
import { HOVER_SCRIPT } from "./hover.ts";
import { html, Markup, NOTHING, type Part } from "./markup.ts";
import { styleSheet } from "./style.ts";

export interface Page {
  title: string;
  heading: string;
  subtitle: Part;
  main: Markup;
  footer: Part;
}

export function renderPage({ title, heading, subtitle, main, footer }: Page): string {
  const style = styleSheet();
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(HOVER_SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<title>${title}</title>
<style>${new Markup(style)}</style>
</head><body>
<header class="top"><h1>${heading}</h1>${themes()}</header>
<p class="subtitle">${subtitle}</p>
<main>${main}</main>
<footer>${footer}</footer>
<script>${new Markup(HOVER_SCRIPT)}</script>
</body></html>
`.text;
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

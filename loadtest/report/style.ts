// How the report looks: two themes of the same page, chosen by the reader's system or the switch at the top (which needs
// no script), a print form, and two width classes: text that only fits a wide screen is `wide`, its stand-in `narrow`.
// The five curve colours keep their meaning on the whole page. Contrast (4.5 to 1 and more on both backgrounds) and
// difference, also to eyes that miss one kind of cone, are checked in report.test.ts.

export interface Theme {
  page: string;
  panel: string;
  ink: string;
  faint: string;
  line: string;
  grid: string;
  good: string;
  bad: string;
  warn: string;
  /** Behind phases. */
  bands: [string, string];
  /** Curves: blue, orange, green, purple, grey. */
  curves: [string, string, string, string, string];
}

export const LIGHT: Theme = {
  page: "#f5f6f8",
  panel: "#ffffff",
  ink: "#1b1f24",
  faint: "#57606a",
  line: "#d0d7de",
  grid: "#e4e8ec",
  good: "#1a6b32",
  bad: "#b3201f",
  warn: "#8a5300",
  bands: ["#f2f4f7", "#e7ebf0"],
  curves: ["#276dbd", "#ae5a08", "#06472a", "#6d1285", "#585b62"],
};

export const DARK: Theme = {
  page: "#14171a",
  panel: "#1b1f24",
  ink: "#e8ebee",
  faint: "#a3adb7",
  line: "#3a424b",
  grid: "#2c333b",
  good: "#6fdc8c",
  bad: "#ff9088",
  warn: "#f2b84b",
  bands: ["#20252b", "#272d35"],
  curves: ["#4c9bff", "#fb7c26", "#b4fbd9", "#c675b0", "#b7b9c0"],
};

/** Colour classes by what they stand for. */
export const COLOUR = { gateway: "c1", logic: "c2", nats: "c3", driver: "c4", kernel: "c5" };

/** Parts in the order of a message's way, whatever order they were written in; others follow. */
export function inOrder<T>(byPart: Record<string, T>): [string, T][] {
  const order = Object.keys(COLOUR);
  const place = (part: string): number => (order.includes(part) ? order.indexOf(part) : order.length);
  return Object.entries(byPart).sort((a, b) => place(a[0]) - place(b[0]));
}

/** The class of a server part; parts that nobody foresaw share what is left. */
export function colourOf(part: string, index: number): string {
  return Object.hasOwn(COLOUR, part) ? COLOUR[part as keyof typeof COLOUR] : `c${(index % 5) + 1}`;
}

export function styleSheet(): string {
  return `
:root { color-scheme: light; ${variables(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; ${variables(DARK)} } }
:root:has(#theme-light:checked) { color-scheme: light; ${variables(LIGHT)} }
:root:has(#theme-dark:checked) { color-scheme: dark; ${variables(DARK)} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; }
main, header.top { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header.top { display: flex; flex-wrap: wrap; gap: 4px 24px; align-items: baseline; padding-top: 24px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0; flex: 1 1 auto; }
h2 { font-size: 19px; line-height: 1.3; margin: 40px 0 12px; }
h3 { font-size: 15px; line-height: 1.4; margin: 0; }
p { margin: 0 0 8px; max-width: 80ch; }
.faint, .note { color: var(--faint); }
.note { font-size: 13.5px; margin: 2px 0 0; max-width: 110ch; }
.panel .note { margin-bottom: 10px; }
.themes { display: inline-flex; border: 1px solid var(--line); border-radius: 6px; margin: 0; padding: 0; overflow: hidden; font-size: 13px; }
.themes legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.themes label { padding: 2px 10px; cursor: pointer; color: var(--faint); border-left: 1px solid var(--line); }
.themes label:first-of-type { border-left: 0; }
.themes input { position: absolute; opacity: 0; pointer-events: none; }
.themes label:has(:checked) { background: var(--ink); color: var(--panel); }
.themes label:has(:focus-visible) { outline: 2px solid var(--c1); outline-offset: -2px; }
.subtitle { max-width: 1120px; margin: 4px auto 0; padding: 0 20px; color: var(--faint); }
.verdicts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 12px; margin-top: 16px; }
.verdict { background: var(--panel); border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 8px; padding: 14px 18px; }
.verdict h2 { margin: 0 0 4px; font-size: 18px; color: var(--tone); }
.verdict p:last-child, .verdict ul:last-child { margin-bottom: 0; }
.verdict ul { margin: 4px 0 0; padding-left: 20px; }
.good { --tone: var(--good); } .bad { --tone: var(--bad); } .warn { --tone: var(--warn); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); gap: 12px; margin: 12px 0 0; padding: 0; list-style: none; }
.tile { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px 12px; display: flex; flex-direction: column; }
.tile .name { font-size: 13.5px; color: var(--faint); line-height: 1.35; }
.tile .value { font-size: 25px; font-weight: 600; line-height: 1.3; white-space: nowrap; }
.tile .unit { font-size: 15px; font-weight: 400; color: var(--faint); margin-left: 4px; }
.tile .more { font-size: 13px; color: var(--faint); line-height: 1.35; }
.panel, figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 0 0 12px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 12px; margin-bottom: 12px; }
.pair > * { margin: 0; min-width: 0; }
figure { break-inside: avoid; min-width: 0; }
.frame { position: relative; margin-top: 8px; }
svg.plot { display: block; overflow: visible; width: calc(100% - 64px - 16px); margin-left: 64px; }
svg.plot.labelled { width: calc(100% - 64px - 106px); }
svg.plot text { font-size: 12.5px; fill: var(--faint); }
svg.plot text.label { font-size: 13px; font-weight: 600; fill: var(--c); stroke: none; }
svg.plot text.rule-name { fill: var(--ink); paint-order: stroke; stroke: var(--panel); stroke-width: 3px; }
svg.plot text.band-name { font-size: 12px; }
.band.even { fill: var(--band-a); } .band.odd { fill: var(--band-b); }
.grid { stroke: var(--grid); } .base { stroke: var(--faint); } .rule { stroke: var(--ink); stroke-dasharray: 2 4; }
.hair { stroke: var(--ink); stroke-width: 1; visibility: hidden; }
.curves { overflow: visible; }
.curve { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.curve.broad { stroke-width: 8; stroke-opacity: .38; stroke-linecap: butt; } .curve.mid { stroke-width: 5; } .curve.dashed { stroke-dasharray: 5 5; }
.curve.dots { stroke-width: 7; }
.fill { fill: var(--c); fill-opacity: .25; }
.c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); } .c5 { --c: var(--c5); }
.key { width: 14px; height: 14px; margin-right: 6px; vertical-align: -2px; } .key rect { fill: var(--c); }
ul.legend { list-style: none; margin: 6px 0 0; padding: 0; font-size: 13.5px; flex-wrap: wrap; gap: 2px 16px; }
.stack { display: block; width: 100%; border-radius: 6px; overflow: hidden; margin: 4px 0 10px; }
.percentiles { margin-top: 12px; } .percentiles th, .percentiles td { white-space: nowrap; }
table.traces { min-width: 1000px; }
.traces td.text { min-width: 15ch; } .traces td.text:first-child { min-width: 10ch; }
.piece { fill: var(--c); stroke: var(--panel); stroke-width: 2; } .bar .piece { stroke: none; } .track { fill: var(--grid); }
.bar { display: block; width: 100%; }
table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: right; padding: 4px 12px 4px 0; vertical-align: top; border-bottom: 1px solid var(--grid); font-weight: 400; }
th:first-child, td.text, th.text { text-align: left; }
thead th { color: var(--faint); border-bottom-color: var(--line); vertical-align: bottom; }
td.text { overflow-wrap: anywhere; min-width: 8ch; }
table.full { width: 100%; } .full td, .full th:last-child { padding-right: 0; }
tr.sum th, tr.sum td { border-bottom: 0; font-weight: 600; }
tr.broken th, tr.broken td { color: var(--bad); font-weight: 600; }
.bars { width: 100%; } .bars th:first-child, .bars td { white-space: nowrap; }
.bars td:last-child { width: 60%; min-width: 70px; padding-right: 0; vertical-align: middle; }
.scroll { overflow: auto; max-height: 420px; }
.scroll.phases { max-height: none; } .phases table { width: 100%; } .phases td:last-child { width: 75%; }
.scroll thead th { position: sticky; top: 0; background: var(--panel); }
details { margin-top: 8px; font-size: 14px; }
summary { cursor: pointer; color: var(--faint); width: fit-content; }
.empty { color: var(--faint); font-style: italic; margin: 8px 0 0; }
pre { margin: 0; padding: 12px 14px; background: var(--band-a); border: 1px solid var(--grid); border-radius: 6px;
  font: 14px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { margin: 0; font-size: 14px; }
dl.list { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; }
dl.own { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 185px), 1fr)); gap: 2px 16px; } dl.own div { display: flex; gap: 8px; } dl.own dd { flex: none; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
.three { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 12px; margin-bottom: 12px; }
.three .panel { margin: 0; } .panel h3 { margin-bottom: 8px; }
.readout { position: absolute; top: 28px; z-index: 1; pointer-events: none; background: var(--panel); border: 1px solid var(--faint); border-radius: 6px;
  padding: 4px 10px; font-size: 13px; line-height: 1.45; box-shadow: 0 2px 8px #0003; display: none; }
.readout b { font-weight: 600; } .readout span { display: block; white-space: nowrap; }
footer { max-width: 1120px; margin: 0 auto; padding: 24px 20px 40px; color: var(--faint); font-size: 13.5px; }
a { color: var(--c1); }
.narrow { display: none; }
@media (max-width: 760px) {
  .wide { display: none; } g.narrow, text.narrow { display: inline; } ul.legend.narrow { display: flex; }
  main, header.top, .subtitle, footer { padding-left: 12px; padding-right: 12px; }
  .panel, figure { padding: 12px; }
  svg.plot, svg.plot.labelled { width: calc(100% - 52px - 12px); margin-left: 52px; }
  svg.plot text { font-size: 12px; }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(138px, 1fr)); gap: 8px; } .tile { padding: 8px 10px; } .tile .value { font-size: 21px; }
  dl.list { grid-template-columns: 1fr; } dl.list dd { margin-bottom: 6px; }
}
@media print {
  :root, :root:has(input:checked) { color-scheme: light; ${variables(LIGHT)} --page: #ffffff; }
  body { font-size: 12px; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .themes, details, .readout { display: none !important; }
  h2 { break-after: avoid; } .tile, .verdict, .panel { break-inside: avoid; }
}
`;
}

function variables(theme: Theme): string {
  const { bands, curves, ...plain } = theme;
  const all = { ...plain, "band-a": bands[0], "band-b": bands[1], ...Object.fromEntries(curves.map((colour, index) => [`c${index + 1}`, colour])) };
  return Object.entries(all)
    .map(([name, colour]) => `--${name}: ${colour};`)
    .join(" ");
}

// The page of a load test: axes, escaping, and whole pages read by two parsers, one of them a browser's.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { FLAGS, findBrowser } from "../e2e/testing/browser.ts";
import type { Result } from "../result.ts";
import { bytes, clockTick, compact, duration, micros, millis, quantityOf, significant, text, wordsOf } from "./format.ts";
import { renderReport } from "./html.ts";
import { renderSweep } from "./sweep-report.ts";
import { sweepWords } from "../run/sweep-table.ts";
import { flatness, makeSweep } from "../sweep.ts";
import { bytesTo, linePlot, spread, unbroken, yTicksMax, zeroTo } from "./line-plot.ts";
import { escapeText, html } from "./markup.ts";
import { linearScale, logScale, ninesScale, roundStep, type Scale, timeScale } from "./scale.ts";
import { DARK, LIGHT } from "./style.ts";
import { contrast, leastDistance } from "./testing/colours.ts";
import { brokenResult, emptyResult, madeUpResult, madeUpSizes } from "./testing/made-up-result.ts";
import { elements, type Node, parseWellFormed, textOf } from "./testing/well-formed.ts";
import { thin } from "./thin.ts";
import { bandsOf } from "./time-plots.ts";

const size = fc.double({ min: 1e-6, max: 1e15, noNaN: true });
const any = fc.double({ min: -1e15, max: 1e15, noNaN: true });

function holds(scale: Scale, lo: number, hi: number, max: number, between: number[]): void {
  const rounding = (scale.hi - scale.lo) * 1e-8;
  const covered = (value: number): boolean => scale.lo <= value + rounding && value - rounding <= scale.hi;
  if (!covered(lo) || !covered(hi)) throw new Error(`${scale.lo}..${scale.hi} does not cover ${lo}..${hi}`);
  const places = [...between].sort((a, b) => a - b).map((value) => scale.at(value));
  for (const [index, place] of places.entries()) {
    if (!(place >= 0 && place <= 1)) throw new Error(`a place of ${place}`);
    if (index > 0 && place < places[index - 1]!) throw new Error("places do not rise");
  }
  const ticks = scale.ticks(max);
  if (ticks.length > max) throw new Error(`${ticks.length} ticks, ${max} allowed`);
  for (const [index, tick] of ticks.entries()) {
    if (tick < scale.lo || tick > scale.hi) throw new Error(`tick ${tick} outside of ${scale.lo}..${scale.hi}`);
    if (index > 0 && tick <= ticks[index - 1]!) throw new Error("ticks do not ascend");
  }
}

t.test("scales cover, rise and have few round ticks", async (t) => {
  const ticksMax = fc.integer({ min: 3, max: 12 });
  fc.assert(
    fc.property(any, any, fc.boolean(), ticksMax, fc.array(any), (a, b, even, max, between) => {
      const [lo, hi] = [Math.min(a, b), Math.max(a, b)];
      holds(linearScale(lo, hi, { even, ticksMax: max - 1 }), lo, hi, max + 1, [...between, lo, hi]);
    }),
  );
  fc.assert(
    fc.property(size, size, ticksMax, fc.array(any), (a, b, max, between) =>
      holds(logScale(Math.min(a, b), Math.max(a, b)), Math.min(a, b), Math.max(a, b), max, between),
    ),
  );
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1e7, noNaN: true }), ticksMax, fc.array(any), (seconds, max, between) =>
      holds(timeScale(seconds), 0, seconds, max, between),
    ),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), ticksMax, fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (nines, max, between) => {
      holds(ninesScale(100 - 100 * 10 ** -nines), 0, 90, max, between);
    }),
  );
  fc.assert(
    fc.property(size, fc.integer({ min: 60, max: 400 }), (most, height) => {
      for (const scale of [zeroTo(most, height), bytesTo(most, height)]) {
        const ticks = scale.ticks(yTicksMax(height));
        if (Math.abs(ticks.at(-1)! - scale.hi) > scale.hi * 1e-9) throw new Error(`the axis ends at ${scale.hi}, its last tick is ${ticks.at(-1)}`);
      }
    }),
  );
  fc.assert(fc.property(size, (least) => roundStep(least) >= least * (1 - 1e-9) && roundStep(least) <= least * 2.5001));

  t.same(linearScale(0, 87).ticks(6), [0, 20, 40, 60, 80, 100]);
  t.same(linearScale(0, 0.3).ticks(5), [0, 0.1, 0.2, 0.3]);
  t.same(logScale(0.7, 130).ticks(9), [0.5, 1, 2, 5, 10, 20, 50, 100, 200]);
  t.same(logScale(0.7, 130).ticks(4), [1, 10, 100]);
  t.same(ninesScale(99.99).ticks(10), [0, 50, 90, 99, 99.9, 99.99]);
  t.same(ninesScale(99.999).ticks(5), [90, 99, 99.9, 99.99, 99.999]);
  t.equal(ninesScale(99.9).at(100), 1, "the maximum is at the end");
  t.same(timeScale(95).ticks(5), [0, 30, 60, 90]);
  t.same(timeScale(3600).ticks(7), [0, 600, 1200, 1800, 2400, 3000, 3600]);
});

t.test("names beside curves keep apart, in order and within the plot", async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 10 }), (places) => {
      const moved = spread(places, 15, 0, 200);
      const order = places.map((_, index) => index).sort((a, b) => places[a]! - places[b]! || a - b);
      for (const [place, index] of order.entries()) {
        if (moved[index]! < -1e-9 || moved[index]! > 200 + 1e-9) throw new Error("outside");
        if (place > 0 && moved[index]! - moved[order[place - 1]!]! < 15 - 1e-9) throw new Error("too near");
      }
    }),
  );
});

t.test("figures carry their unit", async (t) => {
  t.same([0.012345, 1.234, 12.34, 123.4, 12_345, 0].map(significant), ["0.0123", "1.23", "12.3", "123", "12,345", "0"]);
  t.same([0, 1500, 2e6].map(compact), ["0", "1.5k", "2M"]);
  t.same([millis(0.42), millis(812), millis(12_345), micros(104.2), micros(2e6), bytes(1893), bytes(117 * 1024 ** 2)].map(text), [
    "420\u00a0µs",
    "812\u00a0ms",
    "12.3\u00a0s",
    "104\u00a0µs",
    "2,000\u00a0ms",
    "1,893\u00a0B",
    "117\u00a0MiB",
  ]);
  t.same([20, 603, 7500].map(duration), ["20 s", "10 min 3 s", "2 h 5 min"]);
  t.same([clockTick(30, 60), clockTick(90, 600), clockTick(5400, 10_800)], ["30 s", "1:30", "1:30 h"]);
  t.same(["time_to_999_ms", "bytes_per_connection", "accepts_per_second", "back", "seconds"].map(wordsOf), [
    "time to 999",
    "per connection",
    "accepts",
    "back",
    "seconds",
  ]);
  t.equal(text(quantityOf("time_to_999_ms", 812)), "812\u00a0ms");
  t.equal(text(quantityOf("back", 2000)), "2,000");
});

t.test("colours are told apart and read on both backgrounds", async (t) => {
  for (const theme of [LIGHT, DARK]) {
    for (const ground of [theme.page, theme.panel, ...theme.bands]) {
      for (const text of [theme.ink, theme.faint]) t.ok(contrast(text, ground) >= 4.5, `text ${text} on ${ground}`);
      for (const curve of theme.curves) t.ok(contrast(curve, ground) >= 3, `curve ${curve} on ${ground}`);
    }
    for (const named of [...theme.curves, theme.good, theme.bad, theme.warn]) t.ok(contrast(named, theme.panel) >= 4.5, `name in ${named}`);
    for (const [index, one] of theme.curves.entries()) {
      for (const other of theme.curves.slice(0, index)) t.ok(leastDistance(one, other) >= 0.1, `${one} and ${other}`);
    }
  }
});

t.test("everything that is put into markup is escaped", async (t) => {
  t.equal(html`<a title="${'">&'}">${["<b>", 1, undefined, html`<i/>`]}</a>`.text, '<a title="&quot;&gt;&amp;">&lt;b&gt;1<i/></a>');
  t.equal(escapeText("a\u0000b\ud800c\u202ed\ufffe"), "a\ufffdb\ufffdc\ufffdd\ufffd");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const node = parseWellFormed(html`<p title="${text}">${text}</p>`.text);
      const kept = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
      return textOf(node) === kept && node.attributes["title"] === kept;
    }),
  );
});

t.test("gaps, phases and long runs", async (t) => {
  t.same(unbroken([[1, 2], [2, undefined], [3, Number.NaN], [4, 5], [5, 6]]), [[[1, 2]], [[4, 5], [5, 6]]]); // biome-ignore format: points
  const plot = linePlot({
    alt: "",
    x: timeScale(10),
    xTick: String,
    y: zeroTo(10, 100),
    yTick: String,
    series: [{ name: "lonely", colour: "c1", points: [[0, undefined], [5, 5], [9, undefined]] }], // biome-ignore format: points
    height: 100,
    labelled: true,
  });
  t.match(plot.text, /d="M500 50h0"/, "a point between gaps is a dot");
  const made = madeUpResult({ seconds: 3000 });
  const thinned = thin(made.samples, 900);
  t.equal(thinned.merged, 4);
  t.ok(thinned.samples.length <= 900 + 3);
  const worst = (samples: Result["samples"]): number => Math.max(...samples.map((one) => one.max_ms ?? 0));
  t.equal(worst(thinned.samples), worst(made.samples), "the worst second is still there");
  t.equal(thin(made.samples, 3000).samples.length, 3000);
  const { seconds, phases } = madeUpResult({ seconds: 60 });
  t.same(bandsOf({ seconds: 90, phases }), [], "phases that do not make up the run are not drawn at wrong places");
  t.same(bandsOf({ seconds, phases }), [
    { from: 0, to: 9, name: "connect", number: 1 },
    { from: 9, to: 56, name: "traffic", number: 2 },
    { from: 56, to: 60, name: "settle", number: 3 },
  ]);
});

/** Whole pages, and what is in all of them. */
const ROOM = { parts: { gateway: 4e7, logic: 3e7, nats: 5e6, drivers: 2e7, kernel: 1e9 }, all: 1.095e9, available: 2e10 };
const EACH = { gateway: 400, logic: 650, nats: 36, drivers: 280, kernel: 9650 };
const PAGES: Record<string, Result> = {
  full: madeUpResult(),
  broken: brokenResult(),
  empty: emptyResult(),
  memory: {
    ...madeUpResult(),
    memory: { connections: 20_000, before: ROOM, connected: ROOM, end: { ...ROOM, available: null, connections: 19_000 }, bytes_per_connection: EACH },
  },
  long: madeUpResult({ seconds: 4000 }),
  "one sample": { ...madeUpResult(), samples: madeUpResult().samples.slice(0, 1) },
  "no figure": { ...madeUpResult(), server: null, latency_curve: [[100, 0]], memory_curve: [[5, 5]], traces: brokenResult().traces },
};

const WHOLE_PAGES: Record<string, string> = {
  ...Object.fromEntries(Object.entries(PAGES).map(([name, result]) => [name, renderReport(result)])),
  sweep: renderSweep(makeSweep(madeUpSizes())),
  "one size": renderSweep(makeSweep(madeUpSizes().slice(0, 1))),
};

t.test("pages are well-formed, need nothing else, and hold no broken figure", async (t) => {
  for (const [name, page] of Object.entries(WHOLE_PAGES)) {
    const all = elements(parseWellFormed(page));
    const named = (element: string): Node[] => all.filter((node) => node.name === element);
    t.equal(named("script").length, 1, `${name}: no script but its own`);
    t.notOk(
      all.some((node) => Object.keys(node.attributes).some((attribute) => /^(on|style$|src$|href$|action$)/.test(attribute))),
      `${name}: nothing that the policy forbids`,
    );
    t.notMatch(textOf(named("style")[0]!), /url\(|@import/, `${name}: no style from elsewhere`);
    const markup = page.replace(/<script>.*<\/script>/s, "");
    t.same(markup.match(/.{0,60}(NaN|Infinity|undefined|\[object).{0,60}/g) ?? [], [], `${name}: every figure is one`);
    for (const figure of named("figure")) {
      const inside = elements(figure);
      const plot = inside.find((node) => node.attributes["class"]?.startsWith("plot"));
      const title = textOf(inside.find((node) => node.name === "h3")!);
      if (plot === undefined)
        t.ok(
          inside.some((node) => node.attributes["class"] === "empty"),
          `${name}: "${title}" says why it is empty`,
        );
      else {
        t.equal(plot.attributes["role"], "img");
        t.match(plot.attributes["aria-label"], /\w+ .*\./, `${name}: "${title}" in words`);
        t.ok(
          inside.some((node) => node.name === "tbody"),
          `${name}: "${title}" as a table`,
        );
      }
    }
    for (const node of all) {
      for (const attribute of ["x", "x1", "x2", "width"]) {
        const percent = /^(-?[\d.]+)%$/.exec(node.attributes[attribute] ?? "");
        if (percent !== null && !(Number(percent[1]) >= 0 && Number(percent[1]) <= 100)) t.fail(`${name}: ${attribute} is ${percent[0]}`);
      }
    }
  }
});

t.test("a sweep: what is flat, what is not, and what should not be compared", async (t) => {
  const flat = makeSweep(madeUpSizes().reverse());
  t.strictSame(
    flat.points.map(({ connections }) => connections),
    [1000, 10_000, 100_000, 1_000_000],
  );
  t.equal(flat.points[3]!.cpu_us.in_play, 100 + 80 + 20 - 10 - 10, "without gateways that nobody talks through, and without what the others idle away");
  t.equal(flat.points[3]!.cpu_us.total, 1200);
  t.match(flat.flatness.cpu_us_in_play, { flat: true, points: 4 });
  t.match(flat.flatness.cpu_us_total, { flat: false }, "in all it grows with what only holds connections");
  t.match(flat.flatness.bytes_all, { ratio: 1, points: 3 }, "the smallest is not judged");
  t.strictSame(flat.warnings, []);
  const said = textOf(parseWellFormed(renderSweep(flat)));
  for (const words of ["✓ CPU per message flat within 15%", "✓ Bytes per connection flat within 15%", "50 (1)", "1,000,000"]) t.ok(said.includes(words), words);
  const grown = makeSweep(madeUpSizes(1.5));
  t.equal(grown.flatness.cpu_us_in_play!.flat, false);
  t.match(textOf(parseWellFormed(renderSweep(grown))), /✕ CPU per message not flat/);
  t.match(sweepWords(grown), /CPU per message, in play: NOT flat within 15%/);
  const [first, ...others] = madeUpSizes();
  const other = { result: { ...first!.result, passed: false, options: { ...first!.result.options, talkGateways: 2, gateways: 3, rate: 900 }, phases: [] } };
  const { warnings } = makeSweep([other, ...others]);
  t.match(warnings.join("\n"), /gateways that messages go through .*2, 1, 1, 1\nmessages a second differ: 900, .*\nthe run with 1000 connections failed/);
  t.equal(flatness([null, 5, 0]), null);
});

t.test("what a page says", async (t) => {
  const said = (result: Result): string => textOf(parseWellFormed(renderReport(result)));
  const full = said(madeUpResult());
  for (const words of ["✓ Passed", "✓ Fit", "0 lost, 0 duplicated, 0 out of order", "21.4", "2,340", "47.2", "--connections 20000", "v20.19.2"])
    t.ok(full.includes(words), words);
  const broken = said(brokenResult());
  for (const words of [
    "✕ Failed",
    "2 lost, 1 duplicated, 1 out of order",
    "UNFIT",
    "97% of a core",
    "user-000017",
    '<script>alert("x")</script>&amp;',
    "Busy",
  ]) {
    t.ok(broken.includes(words), words);
  }
  const empty = said(emptyResult());
  for (const words of ["this scenario sends no messages", "there is no latency to show", "No second of this run was sampled", "not ours to look at"])
    t.ok(empty.includes(words), words);
  const many = said({ ...madeUpResult(), traces: Array.from({ length: 500 }, () => brokenResult().traces[1]!) });
  t.ok(many.includes("300 more are in the JSON"), "what a page cannot hold is counted");
});

const program = findBrowser();

t.test("in a browser", { skip: program === undefined ? "there is no Chromium or Chrome here (chromium)" : false }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-report-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  // As XML it is read without any mercy; as HTML as people open it.
  for (const ending of ["xhtml", "html"]) {
    const path = join(folder, `report.${ending}`);
    writeFileSync(path, renderReport(brokenResult()));
    const dom = dump(program!, join(folder, `profile-${ending}`), path);
    t.notMatch(dom, /parsererror/, `${ending}: nothing is wrong with the page`);
    t.equal(dom.match(/<script/g)?.length, 1, `${ending}: what was escaped is still text`);
    t.ok((dom.match(/class="readout"/g)?.length ?? 0) >= 8, `${ending}: its own script runs under its own policy`);
  }
});

/** The document as the browser has it after the page's script ran. */
function dump(browser: string, profile: string, path: string): string {
  const { stdout, stderr, status } = spawnSync(browser, [...FLAGS, `--user-data-dir=${profile}`, "--dump-dom", `file://${path}`], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (status !== 0) throw new Error(`the browser ended with ${status}: ${stderr.slice(-2000)}`);
  return stdout;
}

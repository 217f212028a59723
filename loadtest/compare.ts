// Two results side by side: which figures differ by more than noise, and why the two may not be comparable at all.
// Invariant: a figure is called better or worse only when it is beyond what its kind and its own spread allow.
import { type Better, figuresOf, HEAP_NOISE_BYTES, type Measured, TOLERANCE } from "./compared-figures.ts";
import { readResult } from "./read-result.ts";
import { quantityOf, significant, text } from "./report/format.ts";
import type { Result } from "./result.ts";

export const COMPARISON_FORMAT = 1;

export type ComparedAs = "same" | "better" | "worse" | "different" | "only in A" | "only in B";

export interface ComparedFigure {
  name: string;
  a: number | null;
  b: number | null;
  /** B over A; null where that is no number. */
  ratio: number | null;
  better: Better;
  /** A difference up to this part counts as the same. */
  noise: number;
  /** A difference up to this, in the figure's unit, too: less cannot be measured. */
  least: number;
  verdict: ComparedAs;
}

/** What a comparison says of each of its results. */
export interface ComparedSide {
  name: string;
  scenario: string;
  command: string;
  started: string;
  passed: boolean;
  fit: boolean;
}

export interface Comparison {
  format: typeof COMPARISON_FORMAT;
  /** What counts as the same, in words. */
  rule: string;
  a: ComparedSide;
  b: ComparedSide;
  /** Why the two may not be comparable. */
  warnings: string[];
  figures: ComparedFigure[];
  better: number;
  worse: number;
}

const RULE = [
  `the same: within ${TOLERANCE.usual * 100}% (memory ${TOLERANCE.memory * 100}%, bytes of frames ${TOLERANCE.frames * 100}%,`,
  `figures of phases and idle CPU, seen once in a run, ${TOLERANCE.once * 100}%),`,
  "or within half of the interquartile range of the run's single seconds, where that is wider,",
  `or less apart than can be measured (0.05 ms, 1% of a core, ${HEAP_NOISE_BYTES / 2 ** 20} MiB of memory over all connections);`,
  "of what is lost, doubled, out of order or not acked every one counts",
].join(" ");

/** Options that say where output goes and not what is measured. */
const OUTPUT_OPTIONS = new Set(["json", "report", "verbose", "strict"]);

/** Reads and compares two files. Throws Failure when one of them is no result. */
export async function compareFiles(a: string, b: string): Promise<Comparison> {
  return compareResults(await readResult(a), await readResult(b), [a, b]);
}

export function compareResults(a: Result, b: Result, names: readonly [string, string] = ["A", "B"]): Comparison {
  const [left, right] = [byName(a), byName(b)];
  const figures = [...new Set([...left.keys(), ...right.keys()])].map((name) => compareFigure(name, left.get(name), right.get(name)));
  return {
    format: COMPARISON_FORMAT,
    rule: RULE,
    a: sideOf(a, names[0]),
    b: sideOf(b, names[1]),
    warnings: warningsOf(a, b),
    figures,
    better: figures.filter(({ verdict }) => verdict === "better").length,
    worse: figures.filter(({ verdict }) => verdict === "worse").length,
  };
}

function byName(result: Result): Map<string, Measured> {
  return new Map(figuresOf(result).map((figure) => [figure.name, figure]));
}

function compareFigure(name: string, a: Measured | undefined, b: Measured | undefined): ComparedFigure {
  const either = (a ?? b)!;
  const noise = either.tolerance === 0 ? 0 : Math.max(either.tolerance, a?.spread ?? 0, b?.spread ?? 0);
  const least = Math.max(a?.least ?? 0, b?.least ?? 0);
  const ratio = a === undefined || b === undefined || a.value === 0 || a.value * b.value < 0 ? null : b.value / a.value;
  const verdict = a === undefined ? "only in B" : b === undefined ? "only in A" : verdictOf(a.value, b.value, either.better, noise, least);
  return { name, a: a?.value ?? null, b: b?.value ?? null, ratio, better: either.better, noise, least, verdict };
}

function verdictOf(a: number, b: number, better: Better, noise: number, least: number): ComparedAs {
  // Of the smaller one, so that it does not matter which of the two came first.
  if (Math.abs(a - b) <= Math.max(least, noise * Math.min(Math.abs(a), Math.abs(b)))) return "same";
  if (better === "neither") return "different";
  return b < a === (better === "lower") ? "better" : "worse";
}

function sideOf({ scenario, command, started, passed, unfit }: Result, name: string): ComparedSide {
  return { name, scenario, command, started, passed, fit: unfit.length === 0 };
}

function warningsOf(a: Result, b: Result): string[] {
  const warnings: string[] = [];
  const differs = (what: string, left: unknown, right: unknown): void => {
    if (left !== right) warnings.push(`${what}: ${left ?? "none"} in A, ${right ?? "none"} in B`);
  };
  for (const [side, { unfit, passed, failures }] of Object.entries({ A: a, B: b })) {
    if (unfit.length > 0) warnings.push(`${side} is unfit: ${unfit.join("; ")}`);
    if (!passed) warnings.push(`${side} failed: ${failures.join("; ") || "it does not say why"}`);
  }
  differs("scenario", a.scenario, b.scenario);
  differs("connections", a.connections, b.connections);
  for (const name of new Set([...Object.keys(a.options), ...Object.keys(b.options)])) {
    const known = name === "connections" && a.options[name] === a.connections && b.options[name] === b.connections;
    if (!known && !OUTPUT_OPTIONS.has(name)) differs(`option ${name}`, a.options[name], b.options[name]);
  }
  differs("CPU", a.machine.cpu, b.machine.cpu);
  differs("cores", a.machine.cores, b.machine.cores);
  differs("memory of the machine", inWords("bytes", a.machine.memory_bytes), inWords("bytes", b.machine.memory_bytes));
  differs("Hawser", a.versions.hawser, b.versions.hawser);
  differs("Node", a.versions.node, b.versions.node);
  differs("nats-server", a.versions.nats, b.versions.nats);
  differs("kernel", a.versions.kernel, b.versions.kernel);
  differs("driver processes", a.driver.processes, b.driver.processes);
  differs("wire of the driver", a.driver.wire, b.driver.wire);
  return warnings;
}

/** For a terminal. */
export function formatComparison({ a, b, rule, warnings, figures, better, worse }: Comparison): string {
  const figure = (name: string, value: number | null): string => (value === null ? "–" : inWords(name, value));
  const rows = figures.map(({ name, a: left, b: right, ratio, noise, least, verdict }) => [
    name,
    figure(name, left),
    figure(name, right),
    ratio === null ? "–" : significant(Number(ratio.toPrecision(3))),
    percentOfNoise(left ?? 0, right ?? 0, noise, least),
    verdict,
  ]);
  return [
    `A  ${a.name}: ${a.command}`,
    `B  ${b.name}: ${b.command}`,
    ...warnings.map((warning) => `!  ${warning}`),
    "",
    ...columns([["", "A", "B", "B/A", "noise", ""], ...rows]),
    "",
    `${better} better, ${worse} worse; ${rule}.`,
  ].join("\n");
}

/** The noise as a part of the smaller figure, at most all of it. */
function percentOfNoise(a: number, b: number, noise: number, least: number): string {
  const smaller = Math.min(Math.abs(a), Math.abs(b));
  const part = least === 0 ? noise : Math.max(noise, least / Math.max(smaller, least));
  return part === 0 ? "0" : `±${Math.round(part * 100)}%`;
}

function inWords(name: string, value: number): string {
  return text(quantityOf(name, value)).replace("\u00a0", " ");
}

/** First and last column to the left, figures to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const last = widths.length - 1;
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : column === last ? cell : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}

// What a benchmark gives back, and how it is shown: tables whose rows are plain objects, the same for the eye and for JSON.
// Field names carry their units and are what scripts read: add, but do not rename.
import { type Conditions, type ConditionsWatch, conditionsText } from "./conditions.ts";
import type { Measurement, Timing } from "./measure.ts";

export interface BenchOptions {
  /** Seconds instead of minutes: enough to compare, not to write down. */
  quick: boolean;
  watch: ConditionsWatch;
  progress: (line: string) => void;
}

export type Cell = string | number | null;
export type Row = Record<string, Cell>;

export interface Column {
  key: string;
  title: string;
  /** Behind the decimal point; by default as many as three significant digits take. */
  digits?: number;
}

export interface Table {
  title: string;
  columns: readonly Column[];
  rows: readonly Row[];
}

export interface BenchResult {
  bench: string;
  /** What the reader must know to read the figures, a line each. */
  notes: string[];
  tables: Table[];
  conditions: Conditions;
  /** Why the figures should not be trusted; empty: they may be. */
  unfit: string[];
}

/** Columns of timings. */
const TIMING_COLUMNS: readonly Column[] = [
  { key: "name", title: "" },
  { key: "ns_per_op", title: "ns/op" },
  { key: "ops_per_second", title: "ops/s", digits: 0 },
  { key: "mb_per_second", title: "MB/s", digits: 0 },
  { key: "floor_ns", title: "floor ns" },
  { key: "ratio_to_floor", title: "ratio" },
  { key: "spread_percent", title: "± %", digits: 0 },
];

/** The timings as a table. Floors stand in the rows that they belong to, and on their own where they carry something to say. */
export function timingTable(title: string, timings: readonly Timing[]): Table {
  const used = TIMING_COLUMNS.filter(({ key }) => timings.some((timing) => timing[key as keyof Timing] !== null));
  return { title, columns: used, rows: timings.map((timing) => ({ ...timing })) };
}

/** One measurement as a whole result. */
export function timingResult(bench: string, title: string, notes: string[], { timings, conditions, unfit }: Measurement): BenchResult {
  return { bench, notes, tables: [timingTable(title, timings)], conditions, unfit };
}

/** The table as lines of text: first column to the left, all others to the right. */
export function formatTable({ title, columns, rows }: Table): string {
  const texts = [columns.map((column) => column.title), ...rows.map((row) => columns.map(({ key, digits }) => cellText(row[key] ?? null, digits)))];
  const widths = columns.map((_, i) => Math.max(...texts.map((line) => width(line[i]!))));
  const lines = texts.map((line) =>
    line
      .map((text, i) => pad(text, widths[i]!, i === 0))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** Title, notes, tables and conditions of a result. */
export function formatResult({ bench, notes, tables, conditions, unfit }: BenchResult): string {
  const parts = [`── ${bench} ${"─".repeat(Math.max(0, 76 - bench.length))}`, ...notes, ...tables.map(formatTable)];
  parts.push(conditionsText(conditions));
  for (const reason of unfit) parts.push(`UNFIT: ${reason}`);
  return `${parts.join("\n")}\n`;
}

function cellText(cell: Cell, digits: number | undefined): string {
  if (cell === null) return "-";
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return "-";
  const behind = digits ?? Math.min(3, Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(cell), 1e-9)))));
  const text = Number.isInteger(cell) && digits === undefined ? String(cell) : cell.toFixed(behind);
  return Math.abs(cell) < 10_000 ? text : text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

function width(text: string): number {
  return [...text].length;
}

function pad(text: string, columns: number, left: boolean): string {
  const space = " ".repeat(columns - width(text));
  return left ? text + space : space + text;
}

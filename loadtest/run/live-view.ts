// What a person sees while a load test runs: a block of lines redrawn in place on a terminal, one line every few seconds
// anywhere else. Drawing is a pure function of the state; the class below is the thin shell that owns the stream.
import type { Sample } from "../result.ts";

export interface ViewState {
  scenario: string;
  phase: string;
  /** From 0 to 1. */
  part: number;
  secondsLeft: number;
  sample: Sample;
  /** Sessions that are to be there at the most. */
  sessions: number;
  /** Since the start. */
  sent: number;
  acked: number;
  delivered: number;
  errors: Record<string, number>;
}

const BAR_CELLS = 30;
const LINE_EVERY_SECONDS = 5;
const CLEAR_LINE = "\r\u001b[K";

/** The block for a terminal of so many columns; each line fits. */
export function renderBlock(state: ViewState, columns: number): string[] {
  const { sample } = state;
  const full = Math.round(state.part * BAR_CELLS);
  const bar = `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)}`;
  const lines = [
    `${state.scenario}: ${state.phase}  ${bar} ${Math.floor(state.part * 100)}%  ${leftWords(state.secondsLeft)}`,
    `  connections  ${count(sample.connected)} of ${count(state.sessions)}, ${count(sample.welcomes_per_second)} accepts/s`,
    `  messages     ${count(sample.sent_per_second)}/s sent, ${count(sample.acked_per_second)}/s acked, ${count(sample.delivered_per_second)}/s delivered` +
      `  (in all ${count(state.sent)}, ${count(state.acked)}, ${count(state.delivered)})`,
    `  latency      ${sample.p50_ms === undefined ? "–" : `p50 ${ms(sample.p50_ms)}, p99 ${ms(sample.p99_ms ?? 0)}, max ${ms(sample.max_ms ?? 0)}`}`,
    `  server       ${serverWords(sample)}`,
    `  driver       busiest ${sample.driver_cpu_percent.toFixed(0)}% of a core${sample.stolen_percent >= 1 ? `; the host took ${sample.stolen_percent.toFixed(0)}% of the machine` : ""}`,
    `  errors       ${errorWords(state.errors)}`,
  ];
  return lines.map((line) => cut(line, columns));
}

/** One line, for a log. */
export function renderLine(state: ViewState): string {
  const { sample } = state;
  const latency = sample.p50_ms === undefined ? "" : `, p50 ${ms(sample.p50_ms)} p99 ${ms(sample.p99_ms ?? 0)}`;
  const errors = Object.keys(state.errors).length === 0 ? "" : `, errors: ${errorWords(state.errors)}`;
  return (
    `${Math.round(sample.t)} s ${state.phase} ${Math.floor(state.part * 100)}% (${leftWords(state.secondsLeft)}): ${count(sample.connected)} connections, ${count(sample.sent_per_second)} sent/s, ` +
    `${count(sample.delivered_per_second)} delivered/s${latency}; server ${serverWords(sample)}; driver ${sample.driver_cpu_percent.toFixed(0)}%${errors}`
  );
}

function serverWords(sample: Sample): string {
  const { server_cpu_percent: cpu, server_rss_bytes: bytes } = sample;
  if (bytes === undefined) return "not ours to look at";
  return Object.keys(bytes)
    .map((part) => `${part} ${cpu?.[part] === undefined ? "" : `${cpu[part].toFixed(0)}% `}${mebibytes(bytes[part]!)}`)
    .join(", ");
}

function errorWords(errors: Record<string, number>): string {
  const named = Object.entries(errors).map(([name, many]) => `${count(many)} ${name}`);
  return named.length === 0 ? "none" : named.join(", ");
}

function leftWords(seconds: number): string {
  return seconds >= 120 ? `${Math.round(seconds / 60)} min left` : `${seconds} s left`;
}

/** 12,345 */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A latency for people: three digits. */
export function ms(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)} MiB`;
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}

/** The part of a terminal's stream that is needed. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class LiveView {
  private readonly screen: Screen;
  private lines: number;
  private lastLineAt: number;
  private lastPhase: string;

  constructor(screen: Screen) {
    this.screen = screen;
    this.lines = 0;
    this.lastLineAt = Number.NEGATIVE_INFINITY;
    this.lastPhase = "";
  }

  show(state: ViewState): void {
    if (this.screen.isTTY !== true) {
      if (state.phase === this.lastPhase && state.sample.t - this.lastLineAt < LINE_EVERY_SECONDS) return;
      this.lastPhase = state.phase;
      this.lastLineAt = state.sample.t;
      this.screen.write(`${renderLine(state)}\n`);
      return;
    }
    const block = renderBlock(state, this.screen.columns ?? 80);
    this.screen.write(`${this.back()}${block.map((line) => CLEAR_LINE + line).join("\n")}\n`);
    this.lines = block.length;
  }

  /** A line that stays, above the block. */
  tell(text: string): void {
    this.end();
    this.screen.write(`${text}\n`);
  }

  /** Takes the block away. */
  end(): void {
    if (this.lines === 0) return;
    this.screen.write(`${this.back()}${Array.from({ length: this.lines }, () => CLEAR_LINE).join("\n")}${this.back(this.lines - 1)}`);
    this.lines = 0;
  }

  /** To the first line of the block. */
  private back(lines: number = this.lines): string {
    return lines > 0 ? `\u001b[${lines}A\r` : "";
  }
}

// Progress of long work: a bar that redraws itself on a terminal, a line now and then elsewhere.

const BAR_CELLS = 28;
const REDRAW_MS = 100;
const LINE_MS = 5000;

export class Progress {
  private readonly stream: NodeJS.WriteStream;
  private shownAt: number;
  private readonly startedAt: number;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.stream = stream;
    this.shownAt = Number.NEGATIVE_INFINITY;
    this.startedAt = performance.now();
  }

  /** Shows how far the work is; too frequent calls are passed over. */
  show(label: string, done: number, total: number, detail: string): void {
    const now = performance.now();
    if (now - this.shownAt < (this.stream.isTTY ? REDRAW_MS : LINE_MS)) return;
    this.shownAt = now;
    const part = total > 0 ? Math.min(1, done / total) : 0;
    const seconds = ((now - this.startedAt) / 1000).toFixed(0);
    const percent = `${Math.floor(part * 100)}%`.padStart(4);
    if (!this.stream.isTTY) return void this.stream.write(`${label} ${percent} ${detail} (${seconds} s)\n`);
    const full = Math.round(part * BAR_CELLS);
    this.stream.write(`\r\x1b[K${label.padEnd(10)} ${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${percent} ${detail} ${seconds} s`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.stream.isTTY) this.stream.write("\r\x1b[K");
  }
}

// Lines in, lines out: the terminal of a chat, or a pipe in its place. In a terminal what is printed appears above
// the line that is being typed, which stays as it is.
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from "node:readline";

export interface ScreenEvents {
  line(text: string): void;
  /** No more lines: end of the pipe, Ctrl-D or Ctrl-C. */
  end(): void;
}

export class Screen {
  readonly terminal: boolean;
  private readonly input: NodeJS.ReadableStream;
  private readonly output: NodeJS.WritableStream;
  private readonly lines: Interface;
  private readonly colours: boolean;
  private closed: boolean;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream, events: ScreenEvents) {
    this.terminal = input.isTTY === true && output.isTTY === true;
    this.input = input;
    this.output = output;
    this.colours = this.terminal && !process.env["NO_COLOR"];
    this.closed = false;
    this.lines = createInterface({ input, output: this.terminal ? output : undefined, terminal: this.terminal, crlfDelay: Infinity, prompt: "" });
    this.lines.on("line", (text) => events.line(text));
    this.lines.on("SIGINT", () => this.lines.close());
    this.lines.once("close", () => {
      this.closed = true;
      if (this.terminal) output.write("\n");
      events.end();
    });
  }

  print(text: string): void {
    if (!this.terminal || this.closed) {
      this.output.write(`${text}\n`);
      return;
    }
    // What is being typed may have wrapped: go to its first row, print over it, and let readline draw it again.
    moveCursor(this.output, 0, -this.lines.getCursorPos().rows);
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    this.output.write(`${text}\n`);
    this.lines.prompt(true);
  }

  /** The words before the line that is typed; nothing in a pipe. */
  setPrompt(prompt: string): void {
    if (!this.terminal || this.closed || prompt === this.lines.getPrompt()) return;
    const { rows } = this.lines.getCursorPos();
    moveCursor(this.output, 0, -rows);
    cursorTo(this.output, 0);
    clearScreenDown(this.output);
    this.lines.setPrompt(prompt);
    this.lines.prompt(true);
  }

  /** Faint text, where there are colours. */
  faint(text: string): string {
    return this.colours ? `\u001b[2m${text}\u001b[22m` : text;
  }

  /** Stops reading lines while the other side catches up. */
  pause(paused: boolean): void {
    if (this.closed) return;
    if (paused) this.lines.pause();
    else this.lines.resume();
  }

  close(): void {
    if (!this.closed) this.lines.close();
    this.input.pause();
  }
}

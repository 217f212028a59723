// A `hawser` process for tests, and all that it has printed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);
const [ending, loaders] = here.endsWith(".ts") ? ["ts", process.execArgv] : ["js", []];
const program = join(here, `../../hawser.${ending}`);

export class Run {
  out = "";
  err = "";
  code: number | null = null;
  readonly child: ChildProcess;
  /** Resolves with this, at its end. */
  readonly ended: Promise<Run>;

  /** Without `input` its standard input stays open. */
  constructor(args: readonly string[], env: Record<string, string>, input?: string) {
    const clean = { HAWSER_JWT_SECRET: "", HAWSER_TOKEN: "", HAWSER_URL: "", HAWSER_DEBUG: "" };
    this.child = spawn(process.execPath, [...loaders, program, ...args], { env: { ...process.env, ...clean, ...env }, stdio: "pipe" });
    this.child.stdout!.on("data", (bytes) => (this.out += bytes));
    this.child.stderr!.on("data", (bytes) => (this.err += bytes));
    if (input !== undefined) this.child.stdin!.end(input);
    this.ended = once(this.child, "close").then(([code]) => {
      this.code = code as number;
      return this;
    });
  }

  /** Resolves when `text` stands in its output; rejects when it ends without. */
  async printed(text: string): Promise<void> {
    while (!this.out.includes(text)) {
      const more = await Promise.race([once(this.child.stdout!, "data"), this.ended]);
      if (more === this && !this.out.includes(text)) throw new Error(`ended without saying ${text}: ${this.out}${this.err}`);
    }
  }
}

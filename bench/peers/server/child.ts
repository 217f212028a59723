// Server programs as children of the harness, found and ended by their process id alone. They end with the harness, even
// when it is killed, where the system can do that (setpriv on Linux); else when it exits.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const STOP_MS = 10_000;
const LOG_CHARS_MAX = 4_000;

export interface ChildPlan {
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** It ends when its standard input does. */
  endsWithInput: boolean;
}

const running = new Set<Child>();
process.on("exit", () => {
  for (const child of running) child.process.kill("SIGKILL");
});

export class Child {
  readonly process: ChildProcess;
  /** The last of what it printed, for when it fails. */
  private log: string;
  private readonly ended: Promise<string>;
  private endedHow: string | undefined;

  constructor(plan: ChildPlan) {
    const [command = plan.command, ...args] = plan.endsWithInput ? [plan.command, ...plan.args] : [...dieWithParent(), plan.command, ...plan.args];
    // A session of its own: Ctrl-C in the terminal reaches the harness alone, which stops its servers.
    this.process = spawn(command, args, { detached: true, stdio: ["pipe", "pipe", "pipe"], cwd: plan.cwd ?? "/", env: plan.env ?? process.env });
    this.log = "";
    this.endedHow = undefined;
    const keep = (text: Buffer) => {
      this.log = (this.log + text.toString()).slice(-LOG_CHARS_MAX);
    };
    this.process.stdout!.on("data", keep);
    this.process.stderr!.on("data", keep);
    // The harness may end before it has; writing is not what the pipe is for.
    this.process.stdin!.on("error", () => {});
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        running.delete(this);
        this.endedHow = how;
        resolve(how);
      };
      this.process.once("error", (error) => end(error.message));
      this.process.once("exit", (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    running.add(this);
  }

  /** Throws when the program has ended, with what it printed. */
  get pid(): number {
    if (this.endedHow !== undefined) throw new Error(`${this.process.spawnfile} ended with ${this.endedHow}:\n${this.log}`);
    return this.process.pid!;
  }

  /** Resolves with the first line of its output, which is its port. */
  async firstLine(): Promise<string> {
    await this.until(() => Promise.resolve(this.log.includes("\n")), 10_000);
    return this.log.slice(0, this.log.indexOf("\n"));
  }

  /** Asks until the answer is yes. Throws when the program ends or takes longer than `timeoutMs`. */
  async until(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready())) {
      if (performance.now() > deadline) throw new Error(`${this.process.spawnfile} was not ready within ${timeoutMs} ms:\n${this.log}`);
      void this.pid;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    void this.pid;
  }

  /** What `begin` gives, once it has begun; when that fails, the program is ended and `cleanUp` called. */
  async started<T>(begin: () => Promise<T>, cleanUp?: () => void): Promise<T> {
    try {
      return await begin();
    } catch (error) {
      await this.stop();
      cleanUp?.();
      throw error;
    }
  }

  /** Asks it to end, then ends it. */
  async stop(): Promise<void> {
    if (this.endedHow !== undefined) return;
    this.process.stdin!.end();
    this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** util-linux's setpriv replaces itself by the program after asking the kernel for SIGTERM on the parent's death. */
function dieWithParent(): string[] {
  deathPrefix ??= spawnSync("setpriv", ["--pdeathsig", "TERM", "true"], { stdio: "ignore" }).status === 0 ? ["setpriv", "--pdeathsig", "TERM"] : [];
  return deathPrefix;
}
let deathPrefix: string[] | undefined;

/** The path of a program, also in places that are missing in the PATH of people who are not root; undefined when there is none. */
export function findProgram(name: string): string | undefined {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return [...path, "/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"]
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** What a program prints, both streams together. */
export function outputOf(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return `${stdout}${stderr}`;
}

// Runs a function in a Node process of its own: memory and allocations are read where nothing else lives, and with flags that
// a running process cannot set for itself. The same file is both ends.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

type Work = (...args: unknown[]) => unknown;

/**
 * What `name`, exported by the module of that URL, gives for `args` (all of it JSON) in a new process. Rejects when the
 * process ends without an answer; what it wrote to stderr is on ours. `under`: a program that runs Node, with its arguments.
 */
export function inChild<T>(
  module: string,
  name: string,
  args: readonly unknown[],
  nodeArgs: readonly string[] = [],
  under: readonly string[] = [],
): Promise<T> {
  const self = import.meta.url;
  // Uncompiled sources run by a loader that the child needs too.
  const nodeFlags = [...(self.endsWith(".ts") ? process.execArgv : []), ...nodeArgs];
  const [execPath = process.execPath, ...underArgs] = under;
  const execArgv = under.length === 0 ? nodeFlags : [...underArgs, process.execPath, ...nodeFlags];
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(self), [module, name, JSON.stringify(args)], { execPath, execArgv, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    let answer: { value: T } | undefined;
    child.on("message", (message) => {
      answer = message as { value: T };
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (answer !== undefined) resolve(answer.value);
      else reject(new Error(`${name} ended with ${signal ?? `code ${code}`} and without an answer`));
    });
  });
}

/** The other end. Not awaited: the module to import may import this one. */
async function answer(module: string, name: string, args: string): Promise<void> {
  const work = ((await import(module)) as Record<string, Work>)[name]!;
  const value = await work(...(JSON.parse(args) as unknown[]));
  process.send!({ value }, () => process.exit(0));
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [module, name, args] = process.argv.slice(2) as [string, string, string];
  void answer(module, name, args);
}

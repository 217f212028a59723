// Errors as people read them: one line that names what to do. Stacks are for --debug.
import process from "node:process";

/** Something that the person at the keyboard has to mend. */
export class Failure extends Error {}

/** One line for an error of any kind. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Failure) return error.message;
  const { code, port, address, path } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  const cause = error.cause as NodeJS.ErrnoException | undefined;
  if (code === "EADDRINUSE") return `port ${port} is in use: stop what uses it or pass another port (see --help)`;
  if (code === "EACCES" && port !== undefined) return `port ${port} may not be opened by this user: pass one above 1023 (see --help)`;
  if (code === "EADDRNOTAVAIL") return `${address} is no address of this machine: pass another --host`;
  if (code === "ENOENT" && path !== undefined) return `${path} is not there: check the path`;
  if ((code === "EACCES" || code === "EPERM" || code === "EROFS") && path !== undefined)
    return `${path} may not be written or read by this user: pass another path`;
  if (cause?.code === "LEVEL_LOCKED") return "the store is open in another process: stop that one, or pass another --data";
  if (code === "ECONNREFUSED" || cause?.code === "ECONNREFUSED" || error.name === "ConnectionError") {
    return `cannot connect (${error.message}): is the other side running, and is the address right?`;
  }
  // Checks of configuration and arguments throw these with a message for people.
  if (error instanceof RangeError || error.name === "BAD_ARGUMENT") return error.message;
  return `${error.message || error.name} (run again with --debug to see where)`;
}

/** Prints an error on stderr. `debug`: with its stack and causes. */
export function report(error: unknown, debug: boolean): void {
  process.stderr.write(`hawser: ${explain(error)}\n`);
  if (debug && error instanceof Error) console.error(error);
}

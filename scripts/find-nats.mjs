// Where the NATS server is that Hawser starts: its own one on its own port and in its own folder. A NATS service of
// the machine is neither used nor touched. Used by setup, before there is anything compiled, and by the commands.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Places that are often missing in PATH: Debian's for people who are not root, Homebrew's, Go's. */
const DIRECTORIES = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"];

/**
 * The path of nats-server, or undefined. HAWSER_NATS_SERVER wins, and then it has to be right: throws RangeError.
 * @param {Record<string, string | undefined>} env
 * @param {(path: string) => boolean} executable
 */
export function findNatsServer(env = process.env, executable = isExecutable) {
  const named = env["HAWSER_NATS_SERVER"];
  if (named) {
    if (!executable(named)) throw new RangeError(`HAWSER_NATS_SERVER names ${named}, which is no program that can be run: mend or unset it`);
    return named;
  }
  const path = (env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  const go = join(env["HOME"] ?? "/", "go/bin");
  return [...path, ...DIRECTORIES, go].map((directory) => join(directory, "nats-server")).find(executable);
}

/** How to get one, for people. */
export const NATS_SERVER_MISSING = [
  "nats-server is needed and was not found. Any one of these helps:",
  "  Debian, Ubuntu:  sudo apt-get install nats-server",
  "  macOS:           brew install nats-server",
  "  Go:              go install github.com/nats-io/nats-server/v2@latest",
  "  elsewhere:       https://github.com/nats-io/nats-server/releases (2.9 or newer), unpacked anywhere",
  "then run this again; if it is not in PATH, name it: HAWSER_NATS_SERVER=/path/to/nats-server",
].join("\n");

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The NATS server that Hawser runs: found, or installed where that takes no questions. Hawser always starts
// its own one on its own port and in its own folder; a NATS service of the machine is neither used nor touched.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupFailure, run, say } from "./setup.mjs";

const PROGRAM = "nats-server";
/** Places that are often missing in PATH: /usr/sbin for people who are not root, the last two from Homebrew and Go. */
const DIRECTORIES = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/lib/go/bin"];

/**
 * Where the NATS server is, or undefined. HAWSER_NATS_SERVER wins, and then it has to be there.
 * @param {Record<string, string | undefined>} env @param {(path: string) => boolean} executable
 */
export function findNatsServer(env = process.env, executable = isExecutable) {
  const named = env["HAWSER_NATS_SERVER"];
  if (named) {
    if (!executable(named)) throw new SetupFailure(`HAWSER_NATS_SERVER names ${named}, which is no program that can be run: mend or unset it`);
    return named;
  }
  const path = (env["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return [...path, ...DIRECTORIES].map((directory) => join(directory, PROGRAM)).find(executable);
}

/** Finds the NATS server, or installs it with apt-get when that needs no password, or says how to get it. */
export function ensureNatsServer() {
  const found = findNatsServer();
  if (found) return found;
  const prefix = asRoot();
  if (prefix && which("apt-get")) {
    install(prefix);
    const installed = findNatsServer();
    if (installed) return installed;
  }
  throw new SetupFailure(
    [
      "nats-server is needed and was not found. Any one of these helps:",
      "  Debian, Ubuntu:  sudo apt-get install nats-server",
      "  macOS:           brew install nats-server",
      "  Go:              go install github.com/nats-io/nats-server/v2@latest",
      "  elsewhere:       https://github.com/nats-io/nats-server/releases (2.9 or newer), unpacked anywhere",
      "then run this again; if it is not in PATH, name it: HAWSER_NATS_SERVER=/path/to/nats-server",
    ].join("\n"),
  );
}

/**
 * Debian's package brings a service of its own, on NATS's usual port; the program is all we want. policy-rc.d keeps the
 * service from being started now, `systemctl disable` from being started at the next boot.
 * @param {string[]} prefix
 */
function install(prefix) {
  say("installing nats-server (apt-get install nats-server), about 20 s");
  const [program = "sh", ...args] = [...prefix, "sh", "-c", INSTALL];
  if (run(program, args) !== 0) say("apt-get install nats-server failed, see above");
}
const INSTALL = `
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy
  trap "rm -f $policy" EXIT
fi
apt-get update -q -q || echo "setup: apt-get update failed, going on with the package lists that are there"
apt-get install -y -q -q --no-install-recommends nats-server || exit 1
if command -v systemctl > /dev/null; then systemctl -q disable nats-server.service || true; fi
`;

/** What to put before a command that needs root: nothing, passwordless sudo, or undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

/** @param {string} program */
function which(program) {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"].some((directory) => isExecutable(join(directory, program)));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// Installs the NATS server where that takes no questions.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { NATS_SERVER_MISSING, findNatsServer, isExecutable } from "./find-nats.mjs";
import { SetupFailure, run, say } from "./setup.mjs";

/** Finds the NATS server, or installs it with apt-get when that needs no password, or says how to get it. */
export function ensureNatsServer() {
  const found = find();
  if (found) return found;
  const prefix = asRoot();
  if (prefix && which("apt-get")) {
    install(prefix);
    const installed = find();
    if (installed) return installed;
  }
  throw new SetupFailure(NATS_SERVER_MISSING);
}

function find() {
  try {
    return findNatsServer();
  } catch (error) {
    throw error instanceof RangeError ? new SetupFailure(error.message) : error;
  }
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

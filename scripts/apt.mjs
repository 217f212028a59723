// Installs Debian packages for the programs in them, where that takes no questions.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { isExecutable } from "./find-nats.mjs";
import { run, say } from "./setup.mjs";

/**
 * Installs packages with apt-get when that needs no password. Returns whether it did; what went wrong was printed. Servers
 * among them bring services of their own, on their usual ports, and the programs are all we want: policy-rc.d keeps the
 * services from being started now, `systemctl disable` from being started at the next boot.
 * @param {string[]} packages @param {string[]} services the services to keep from starting @param {string} about how long it takes
 */
export function installPackages(packages, services, about) {
  const prefix = asRoot();
  if (!prefix || !hasAptGet()) return false;
  say(`installing ${packages.join(" ")} (apt-get install), about ${about}`);
  const [program = "sh", ...args] = [...prefix, "sh", "-c", INSTALL, "install", services.join(" "), ...packages];
  if (run(program, args) === 0) return true;
  say(`apt-get install ${packages.join(" ")} failed, see above`);
  return false;
}
const INSTALL = `
export DEBIAN_FRONTEND=noninteractive
services=$1
shift
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy
  trap "rm -f $policy" EXIT
fi
apt-get update -q -q || echo "setup: apt-get update failed, going on with the package lists that are there"
apt-get install -y -q -q --no-install-recommends "$@" || exit 1
if command -v systemctl > /dev/null; then for service in $services; do systemctl -q disable $service || true; done; fi
`;

/** What to put before a command that needs root: nothing, passwordless sudo, or undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

function hasAptGet() {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"].some((directory) => isExecutable(join(directory, "apt-get")));
}

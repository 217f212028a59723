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
  const [program = "sh", ...args] = [...prefix, "sh", "-c", INSTALL, "install", "", services.join(" "), ...packages];
  if (run(program, args) === 0) return true;
  say(`apt-get install ${packages.join(" ")} failed, see above`);
  return false;
}

/**
 * The script behind it. Its arguments: a folder that stands for / (empty for / itself; a test has one of its own), the
 * services, the packages. The machine is as before when it ends, by a signal too: dash runs what is set for EXIT only when it
 * ends by itself, so the signals make it do that. A service that was there before belongs to somebody, and is left alone.
 */
export const INSTALL = `
export DEBIAN_FRONTEND=noninteractive
root=$1
services=$2
shift 2
new=
for service in $services; do
  there=
  for folder in etc run lib usr/lib usr/local/lib; do
    if [ -e "$root/$folder/systemd/system/$service" ] || [ -L "$root/$folder/systemd/system/$service" ]; then there=yes; fi
  done
  if [ -z "$there" ]; then new="$new $service"; fi
done
trap 'exit 130' HUP INT TERM
policy=$root/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
apt-get update -q -q || echo "setup: apt-get update failed, going on with the package lists that are there"
apt-get install -y -q -q --no-install-recommends "$@" || exit 1
if command -v systemctl > /dev/null; then for service in $new; do systemctl -q disable "$service" || true; done; fi
`;

/** What to put before a command that needs root: nothing, passwordless sudo, or undefined when there is no way. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n"] : undefined;
}

function hasAptGet() {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"].some((directory) => isExecutable(join(directory, "apt-get")));
}

// What a fresh clone lacks before a command can run: packages, compiled code, a NATS server. Each step is
// skipped when it is done already, and says in one line on stderr what it does (stdout belongs to the command).
// Plain JavaScript without dependencies, since it runs before there are any.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @typedef {"prod" | "all"} Scope prod: what running takes. all: tests and their tools as well. */
/** @typedef {{ version?: string, integrity?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} LockEntry */
/** @typedef {{ packages?: Record<string, LockEntry> }} LockFile */

/** Something that the person at the keyboard has to mend: printed as one message, without a stack. */
export class SetupFailure extends Error {}

/** @param {string} text */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/**
 * Runs the steps, and ends the process with one message when one of them cannot be done.
 * @param {() => Promise<void> | void} steps
 */
export async function guarded(steps) {
  try {
    await steps();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exit(1);
  }
}

/**
 * Throws when this Node is older than package.json's engines say.
 * @param {string} version
 */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 12)) {
    throw new SetupFailure(`Hawser needs Node.js 20.12 or newer, and this is ${version}: install a newer one (https://nodejs.org)`);
  }
}

/**
 * The packages that the lock file names for this scope and that are not installed as it says. npm keeps what it
 * installed in node_modules/.package-lock.json. Optional packages never count: most are for other platforms.
 * @param {LockFile} lock @param {LockFile} installed @param {Scope} scope @param {(path: string) => boolean} exists
 */
export function missingPackages(lock, installed, scope, exists) {
  const missing = [];
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    if (path === "" || wanted.optional || wanted.devOptional || (wanted.dev && scope === "prod")) continue;
    const found = installed.packages?.[path];
    const same = found !== undefined && found.version === wanted.version && found.integrity === wanted.integrity;
    if (!same || !exists(join(path, "package.json"))) missing.push(path);
  }
  return missing;
}

/**
 * What to install when something of `scope` is missing: test tools that are there already stay, since `npm ci` begins by
 * deleting node_modules.
 * @param {LockFile} installed @param {Scope} scope @returns {Scope}
 */
export function installScope(installed, scope) {
  return scope === "all" || Object.values(installed.packages ?? {}).some((entry) => entry.dev) ? "all" : "prod";
}

/** @param {Scope} scope */
export function ensurePackages(scope) {
  const lock = readLock(join(root, "package-lock.json"));
  const installed = readLock(join(root, "node_modules/.package-lock.json"));
  const missing = missingPackages(lock, installed, scope, (path) => existsSync(join(root, path)));
  if (missing.length === 0) return;
  const omit = installScope(installed, scope) === "prod" ? ["--omit=dev"] : [];
  say(`installing packages (${["npm ci", ...omit].join(" ")}), about 10 s`);
  const npm = process.env["npm_execpath"];
  const [command, ...first] = npm?.endsWith("js") ? [process.execPath, npm] : ["npm"];
  const status = run(/** @type {string} */ (command), [...first, "ci", ...omit, "--no-audit", "--no-fund", "--loglevel=error"]);
  if (status !== 0) throw new SetupFailure("npm ci failed, see above: check the network and the npm registry, then run the command again");
}

/** @param {string} path @returns {LockFile} */
function readLock(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

/**
 * Runs a program for the person to see (its output goes to stderr) and returns its exit status, 127 when it is not there.
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env
 */
export function run(command, args, env = process.env) {
  const result = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (result.error) process.stderr.write(`${command}: ${result.error.message}\n`);
  return result.status ?? 127;
}

/**
 * Keeps two commands started at once from installing or compiling at the same time. The lock file holds a process id; a
 * lock whose process is gone is void.
 * @param {() => Promise<void> | void} steps
 */
export async function exclusively(steps) {
  const path = join(root, "dist/.setup-lock");
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      const holder = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
      if (holder > 0 && !alive(holder)) {
        rmSync(path, { force: true });
        continue;
      }
      if (!told) say(`waiting for another setup in this folder (process ${holder})`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const release = () => rmSync(path, { force: true });
  process.once("exit", release);
  try {
    await steps();
  } finally {
    process.off("exit", release);
    release();
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

// Programs from npm that only one command needs, each in a folder with a package.json and lock file of its own: installed at the
// first use, never a dependency of the project.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** bench/NAME of the sources: what is no TypeScript is not copied to dist/. */
export function toolFolder(name: string): string {
  return fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? name : `../../bench/${name}`, import.meta.url));
}

/**
 * Installs the packages of bench/NAME where they are not as its lock file says. `about` tells, on stderr, what that brings.
 * Returns the folder. Throws an error for people when it cannot be done.
 */
export function ensureToolPackages(name: string, about: string): string {
  const folder = toolFolder(name);
  if (isInstalled(folder)) return folder;
  console.error(`installing ${about} into bench/${name} (npm ci)`);
  const npm = process.env["npm_execpath"];
  const [command, ...first] = npm?.endsWith("js") ? [process.execPath, npm] : ["npm"];
  const args = [...first, "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = spawnSync(command!, args, { cwd: folder, stdio: ["ignore", 2, 2] });
  if (result.status !== 0) throw new Error(`the packages of bench/${name} could not be installed: npm ci --prefix bench/${name}`);
  return folder;
}

interface Lock {
  packages?: Record<string, { version?: string; optional?: boolean }>;
}

/** npm keeps what it installed in node_modules/.package-lock.json. */
function isInstalled(folder: string): boolean {
  const note = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(note)) return false;
  const read = (path: string): Lock => JSON.parse(readFileSync(path, "utf8")) as Lock;
  const installed = read(note).packages ?? {};
  return Object.entries(read(join(folder, "package-lock.json")).packages ?? {}).every(
    ([path, { version, optional }]) => path === "" || optional === true || installed[path]?.version === version,
  );
}

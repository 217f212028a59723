// Gets what peers need onto this machine: Debian packages by apt-get where that takes no password, npm packages into
// bench/peers/node_modules by its lock file. Says what it does on stderr. Services that packages bring are not started.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { installPackages } from "../../../scripts/apt.mjs";
import { ensureToolPackages, toolFolder } from "../../tool-packages.ts";
import { findProgram } from "./child.ts";
import { NotInstalled } from "./server.ts";

/** The folder bench/peers of the sources: what is no TypeScript is not copied to dist/. */
export const PEERS_FOLDER = toolFolder("peers");

export interface DebianProgram {
  program: string;
  package: string;
  services: readonly string[];
  about: string;
}

const tried = new Set<string>();

/** The path of a program, installed first when it is not there. Throws NotInstalled. */
export function ensureProgram(plan: DebianProgram, install: boolean): string {
  const found = findProgram(plan.program);
  if (found !== undefined) return found;
  if (install && !tried.has(plan.package)) {
    tried.add(plan.package);
    installPackages([plan.package], [...plan.services], plan.about);
    const installed = findProgram(plan.program);
    if (installed !== undefined) return installed;
  }
  throw new NotInstalled(`${plan.program} is not installed: sudo apt-get install ${plan.package} (Debian, Ubuntu), then run this again`);
}

/**
 * The version of an npm package that servers use: of bench/peers, or of the project's own packages where those have it;
 * else those of bench/peers are installed first. Throws NotInstalled.
 */
export function ensureNpmPackage(name: string, install: boolean): string {
  const found = npmVersion(name);
  if (found !== undefined) return found;
  if (install && !tried.has("npm")) {
    tried.add("npm");
    try {
      ensureToolPackages("peers", "socket.io, ws and uWebSockets.js");
    } catch (error) {
      throw new NotInstalled((error as Error).message);
    }
    const installed = npmVersion(name);
    if (installed !== undefined) return installed;
  }
  throw new NotInstalled(`${name} is not installed: npm ci --prefix bench/peers`);
}

function npmVersion(name: string): string | undefined {
  // In the order in which Node looks for it from bench/peers/servers.
  const manifest = [PEERS_FOLDER, dirname(dirname(PEERS_FOLDER))]
    .map((folder) => join(folder, "node_modules", name, "package.json"))
    .find((path) => existsSync(path));
  return manifest === undefined ? undefined : (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

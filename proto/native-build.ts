// C sources compiled at their first use: a fresh clone needs no build step, and a machine without compiler or Node's headers
// is told what it lacks. What was compiled is kept below node_modules/.cache, under a name that changes with the sources,
// the flags, the processor and, for addons, Node's version.
// Invariant: a file in the cache is complete. Processes that want the same file at once wait for the one that makes it; one that
// waited in vain makes its own, and each renames its own into place.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface NativeSource {
  /** Begins the name in the cache. */
  name: string;
  /** Folder of the files, from the project's root. */
  folder: string;
  /** Compiled together. */
  sources: readonly string[];
  /** What they include. */
  headers?: readonly string[];
  flags: readonly string[];
  /** An addon, made with Node's headers, instead of a program. */
  addon: boolean;
  /** A program that includes Node's headers, too. */
  nodeHeaders?: boolean;
}

const WAIT_MS = 100;
const WAITS_MAX = 300;
const ADDON_FLAGS = ["-shared", "-fPIC"];

/** Path of what the sources become, compiled where that was not done before. Throws an error that says what is missing. */
export function compiledNative({ name, folder, sources, headers = [], flags, addon, nodeHeaders = addon }: NativeSource): string {
  const root = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../" : "../../", import.meta.url));
  const files = [...headers, ...sources].map((file) => readFileSync(join(root, folder, file)));
  const identity = [...files, flags.join(" "), process.arch, nodeHeaders ? process.version : "", process.env["CC"] ?? ""];
  const key = identity
    .reduce((hash, part) => hash.update(part).update("\0"), createHash("sha256"))
    .digest("hex")
    .slice(0, 16);
  const cache = join(root, "node_modules/.cache/hawser");
  const file = join(cache, `${name}-${key}${addon ? ".node" : ""}`);
  if (existsSync(file)) return file;
  mkdirSync(cache, { recursive: true });
  const lock = `${file}.lock`;
  const locked = takeLock(lock, file);
  try {
    if (existsSync(file)) return file;
    const include = [...(addon ? ADDON_FLAGS : []), ...(nodeHeaders ? [`-I${headerFolder()}`] : [])];
    compile(
      [...flags, ...include],
      sources.map((source) => join(root, folder, source)),
      file,
    );
  } finally {
    if (locked) rmSync(lock, { force: true });
  }
  return file;
}

/** Waits while another process compiles the same. False: it takes too long, go on without the lock. */
function takeLock(lock: string, file: string): boolean {
  for (let waits = 0; waits < WAITS_MAX; waits++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (existsSync(file)) return false;
    if (waits % 10 === 9 && !holderLives(lock)) rmSync(lock, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
  }
  return false;
}

function holderLives(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return true;
  } catch (error) {
    // EPERM: alive, and another user's. ENOENT: just let go of.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function compile(flags: string[], sources: string[], file: string): void {
  const compiler = process.env["CC"] ?? "cc";
  const own = `${file}.${process.pid}`;
  try {
    // Libraries stand behind what needs them.
    execFileSync(compiler, [...flags, "-o", own, ...sources, "-lm"], { stdio: "pipe" });
    renameSync(own, file);
  } catch (error) {
    rmSync(own, { force: true });
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    throw new Error(code === "ENOENT" ? `no C compiler (${compiler}): apt-get install gcc libc6-dev, or set CC` : `${compiler} failed: ${stderr ?? error}`, {
      cause: error,
    });
  }
}

/** Where node_api.h and uv.h are: beside node itself, or where npm was told. */
function headerFolder(): string {
  const told = process.env["npm_config_nodedir"];
  const candidates = [join(dirname(process.execPath), "../include/node"), ...(told ? [join(told, "include/node")] : [])];
  const found = candidates.find((folder) => existsSync(join(folder, "node_api.h")) && existsSync(join(folder, "uv.h")));
  if (!found) throw new Error(`no headers of Node.js (node_api.h, uv.h) in ${candidates.join(" or ")}: install them, or set npm_config_nodedir`);
  return found;
}

// The addon of epoll.ts, compiled at its first use: a fresh clone needs no build step, and a machine without compiler or
// Node's headers is told what it lacks. What was compiled is kept below node_modules/.cache, under a name that changes
// with the source, Node's version and the processor.
// Invariant: a file in the cache is complete; processes that compile at once each rename their own into place.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EpollAddon } from "../epoll.ts";

const FLAGS = ["-O2", "-shared", "-fPIC", "-std=gnu11"];

let loaded: EpollAddon | undefined;

/** Loads the addon, compiling it where that was not done before. Throws an error that says what is missing. */
export function loadEpollAddon(): EpollAddon {
  if (loaded) return loaded;
  if (process.platform !== "linux") throw new Error(`epoll is Linux's, and this is ${process.platform}`);
  const root = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../../../" : "../../../../", import.meta.url));
  const sourceFolder = join(root, "loadtest/driver/native");
  const sources = ["epoll.h", "connections.c", "addon.c"].map((name) => join(sourceFolder, name));
  const identity = [...sources.map((source) => readFileSync(source)), FLAGS.join(" "), process.version, process.arch];
  const key = identity
    .reduce((hash, part) => hash.update(part).update("\0"), createHash("sha256"))
    .digest("hex")
    .slice(0, 16);
  const folder = join(root, "node_modules/.cache/hawser");
  const file = join(folder, `epoll-${key}.node`);
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    compile(sources.slice(1), file);
  }
  return (loaded = createRequire(import.meta.url)(file) as EpollAddon);
}

function compile(sources: string[], file: string): void {
  const headers = headerFolder();
  const compiler = process.env["CC"] ?? "cc";
  const own = `${file}.${process.pid}`;
  try {
    execFileSync(compiler, [...FLAGS, `-I${headers}`, "-o", own, ...sources], { stdio: "pipe" });
    renameSync(own, file);
  } catch (error) {
    rmSync(own, { force: true });
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    throw new Error(code === "ENOENT" ? `no C compiler (${compiler}): apt-get install gcc, or set CC` : `${compiler} failed: ${stderr ?? error}`, {
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

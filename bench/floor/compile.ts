// Programs in C, compiled at their first use and kept below node_modules/.cache, under a name that changes with the source.
// Invariant: a file in the cache is complete; processes that compile at once each rename their own into place.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FLAGS = ["-O2", "-pthread", "-std=gnu11"];

/** Path of bench/floor/NAME.c, compiled. Throws an error that says what is missing. */
export function compiledProgram(name: string): string {
  const root = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../../" : "../../../", import.meta.url));
  const source = join(root, `bench/floor/${name}.c`);
  const key = createHash("sha256")
    .update(readFileSync(source))
    .update(`${FLAGS.join(" ")} ${process.arch}`)
    .digest("hex")
    .slice(0, 16);
  const folder = join(root, "node_modules/.cache/hawser");
  const file = join(folder, `${name}-${key}`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const compiler = process.env["CC"] ?? "cc";
  const own = `${file}.${process.pid}`;
  try {
    execFileSync(compiler, [...FLAGS, "-o", own, source], { stdio: "pipe" });
    renameSync(own, file);
  } catch (error) {
    rmSync(own, { force: true });
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    throw new Error(code === "ENOENT" ? `no C compiler (${compiler}): apt-get install gcc libc6-dev, or set CC` : `${compiler} failed: ${stderr ?? error}`, {
      cause: error,
    });
  }
  return file;
}

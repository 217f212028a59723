// Packages that only benchmarks try out: installed into bench/tools on first use, and never dependencies of the project.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** bench/tools in the checkout, from the sources and from dist/ alike. */
const FOLDER = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./tools/" : "../../bench/tools/", import.meta.url));

/** The package, installed if need be; undefined, and a line that says so, when that cannot be done here. */
export function loadTool(name: string, say: (line: string) => void): unknown {
  try {
    if (!existsSync(join(FOLDER, "node_modules", name, "package.json"))) install(name, say);
    return createRequire(join(FOLDER, "package.json"))(name);
  } catch (error) {
    say(`SKIPPED: ${name} cannot be used here (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
}

function install(name: string, say: (line: string) => void): void {
  say(`installing ${name} for this benchmark (npm ci in bench/tools)`);
  const { status, stderr, error } = spawnSync("npm", ARGS, { cwd: FOLDER, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`npm ci failed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
}
const ARGS = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];

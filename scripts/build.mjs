// Compiles the TypeScript sources to dist/ when they changed: `npm run build`. "prod" compiles what runs, "all" tests as
// well. What TypeScript does not emit (generated protobuf code, vectors, web pages) is copied beside it, and compiled
// files whose source is gone are removed, so that a deleted test cannot go on passing.
// Invariant: dist/.built-SCOPE holds the hash of exactly the sources that dist/ was compiled from.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupFailure, ensurePackages, exclusively, guarded, root, run, say } from "./setup.mjs";

/** @typedef {import("./setup.mjs").Scope} Scope */

/** Folders with sources, as in tsconfig.json. */
export const SOURCE_FOLDERS = ["proto", "gateway", "logic", "client", "cli", "bench", "loadtest", "scripts"];

const ASSET = /\.(js|d\.ts|proto|json|html|css|svg|wasm|node|gz|bin)$/;
const OUTPUT = /\.(m?js|d\.m?ts|m?js\.map)$/;

/**
 * Sorts source files (paths from the root, with /) into what goes where.
 * @param {string[]} files
 */
export function plan(files) {
  /** @type {string[]} */
  const compiled = [];
  /** @type {string[]} */
  const assets = [];
  /** @type {Set<string>} */
  const outputs = new Set();
  for (const file of files) {
    const script = /^(.*)\.(m?)(?:ts|js)$/.exec(file);
    if (script && (isTypeScript(file) || file.endsWith(".mjs"))) {
      const [, name, m] = script;
      compiled.push(file);
      for (const ending of [`.${m}js`, `.${m}js.map`, `.d.${m}ts`]) outputs.add(name + ending);
    } else if (ASSET.test(file)) {
      assets.push(file);
      outputs.add(file);
    }
  }
  return { compiled, assets, outputs };
}

/** @param {string} file */
function isTypeScript(file) {
  return file.endsWith(".ts") && !file.endsWith(".d.ts");
}

/** Files that only tests need, as tsconfig.build.json excludes them. @param {string} file */
export function isTestFile(file) {
  return /\.test\.ts$|(^|\/)testing\//.test(file);
}

/**
 * The compiled files below dist/ whose source is gone.
 * @param {string[]} built @param {Set<string>} outputs
 */
export function orphans(built, outputs) {
  return built.filter((file) => OUTPUT.test(file) && !outputs.has(file));
}

/** @param {Scope} scope */
export function ensureBuilt(scope) {
  const files = SOURCE_FOLDERS.flatMap((folder) => walk(root, folder));
  const { compiled, assets, outputs } = plan(files);
  const dist = join(root, "dist");
  const built = SOURCE_FOLDERS.flatMap((folder) => walk(dist, folder));
  for (const file of orphans(built, outputs)) rmSync(join(dist, file));

  const wanted = [...compiled.filter(isTypeScript), ...assets].filter((file) => scope === "all" || !isTestFile(file));
  const lost = wanted.some((file) => !existsSync(join(dist, file.replace(/(?<!\.d)\.ts$/, ".js"))));
  const hashes = { prod: hash(files.filter((file) => !isTestFile(file))), all: hash(files) };
  const stamp = (/** @type {Scope} */ which) => join(dist, `.built-${which}`);
  if (!lost && existsSync(stamp(scope)) && readFileSync(stamp(scope), "utf8") === hashes[scope]) return;

  say(`compiling TypeScript (tsc${scope === "all" ? ", with tests" : ""}), about 5 s`);
  for (const which of /** @type {const} */ (["prod", "all"])) rmSync(stamp(which), { force: true });
  // Incremental tsc believes its notes, and would not write again what somebody deleted.
  if (lost) for (const notes of [".tsbuildinfo", ".tsbuildinfo.build"]) rmSync(join(dist, notes), { force: true });
  const project = scope === "all" ? "tsconfig.json" : "tsconfig.build.json";
  if (run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project]) !== 0) {
    throw new SetupFailure("the sources do not compile, see above");
  }
  for (const file of assets) {
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    copyFileSync(join(root, file), join(dist, file));
  }
  // Whoever compiled everything compiled what runs, too.
  writeFileSync(stamp("prod"), hashes.prod);
  if (scope === "all") writeFileSync(stamp("all"), hashes.all);
}

/** Changes whenever anything that the compiler sees does. @param {string[]} files */
function hash(files) {
  const sum = createHash("sha256");
  for (const file of ["tsconfig.json", "tsconfig.build.json", "package-lock.json", ...files]) {
    const bytes = readFileSync(join(root, file));
    sum.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return sum.digest("hex");
}

/** Files below base/folder, as paths from base, sorted. @param {string} base @param {string} folder @returns {string[]} */
export function walk(base, folder) {
  if (!existsSync(join(base, folder))) return [];
  const found = [];
  for (const entry of readdirSync(join(base, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      // proto/codegen is a package of its own.
      if (entry.name !== "node_modules" && !entry.name.startsWith(".") && path !== "proto/codegen") found.push(...walk(base, path));
    } else if (entry.isFile()) found.push(path);
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await guarded(() =>
    exclusively(() => {
      ensurePackages("prod");
      ensureBuilt("prod");
    }),
  );
}

// `npm test [-- FILES]`: makes everything ready, compiles sources and tests, and runs the tests with tap. FILES may be
// named as source (proto/frame.test.ts) or as compiled (dist/proto/frame.test.js). The last line of output is
// `N passed, N failed`, and the exit code is not 0 unless there were tests and all of them passed.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { SOURCE_FOLDERS, ensureBuilt, walk } from "./build.mjs";
import { ensureNatsServer } from "./nats.mjs";
import { SetupFailure, checkNode, ensurePackages, exclusively, guarded, root, run, say } from "./setup.mjs";
import { compiledPath, totals, worthPrinting } from "./tap-totals.mjs";

const TAP = join(root, "node_modules/tap/dist/esm/run.mjs");

await guarded(() => {
  checkNode();
  return exclusively(() => {
    ensurePackages("all");
    process.env["HAWSER_NATS_SERVER"] = ensureNatsServer();
    ensureBuilt("all");
    ensureTapPlugins();
  });
});

/**
 * tap as it is installed loads a TypeScript compiler into every test process, 0.5 s of CPU each; .taprc leaves that plugin
 * out. tap would notice by itself, but begin the run that notices with the old set.
 */
function ensureTapPlugins() {
  const built = join(root, "node_modules/@tapjs/test/test-built/dist/esm/index.js");
  if (existsSync(built) && !readFileSync(built, "utf8").includes('"@tapjs/typescript')) return;
  say("fitting tap to compiled JavaScript (tap build), about 5 s");
  if (run(process.execPath, [TAP, "build"]) !== 0) throw new SetupFailure("tap build failed, see above");
}

const args = process.argv.slice(2).map(compiledPath);
const named = args.some((arg) => !arg.startsWith("-"));
const files = named ? [] : SOURCE_FOLDERS.flatMap((folder) => walk(join(root, "dist"), folder)).filter((file) => file.endsWith(".test.js"));
const preload = pathToFileURL(join(root, "scripts/testing/tap-preload.mjs")).href;
const command = [TAP, `--node-arg=--import=${preload}`, ...args, ...files.map((file) => `dist/${file}`)];

// In a terminal tap's own reporter draws; anywhere else its TAP is cut down to what one reads in a log. All of it is in
// .tap/results.tap either way.
const results = join(root, ".tap/results.tap");
mkdirSync(dirname(results), { recursive: true });
rmSync(results, { force: true });
const drawn = process.stdout.isTTY || args.some((arg) => /^(--reporter|-R)/.test(arg));
const tap = spawn(process.execPath, drawn ? [...command, `--output-file=${results}`] : command, {
  cwd: root,
  stdio: ["inherit", drawn ? "inherit" : "pipe", "inherit"],
});
if (tap.stdout) {
  const wanted = worthPrinting();
  const file = createWriteStream(results);
  for await (const line of createInterface({ input: tap.stdout, crlfDelay: Infinity })) {
    file.write(`${line}\n`);
    if (wanted(line)) console.log(line);
  }
  await new Promise((resolve) => file.end(resolve));
}
const status = tap.exitCode ?? (tap.signalCode ? 1 : await new Promise((resolve) => tap.once("exit", (code) => resolve(code ?? 1))));
const { passed, failed } = totals(existsSync(results) ? readFileSync(results, "utf8") : "");
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = status === 0 && passed > 0 && failed === 0 ? 0 : status || 1;

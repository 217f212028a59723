// `npm test [-- FILES]`: makes everything ready, compiles sources and tests, and runs the tests with tap. FILES may be
// named as source (proto/frame.test.ts) or as compiled (dist/proto/frame.test.js). The last line of output is
// `N passed, N failed`, and the exit code is not 0 unless there were tests and all of them passed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SOURCE_FOLDERS, ensureBuilt, walk } from "./build.mjs";
import { ensureNatsServer } from "./nats.mjs";
import { checkNode, ensurePackages, exclusively, guarded, root } from "./setup.mjs";
import { compiledPath, totals } from "./tap-totals.mjs";

await guarded(() => {
  checkNode();
  return exclusively(() => {
    ensurePackages("all");
    process.env["HAWSER_NATS_SERVER"] = ensureNatsServer();
    ensureBuilt("all");
  });
});

const args = process.argv.slice(2).map(compiledPath);
const named = args.some((arg) => !arg.startsWith("-"));
const files = named ? [] : SOURCE_FOLDERS.flatMap((folder) => walk(join(root, "dist"), folder)).filter((file) => file.endsWith(".test.js"));
const results = join(root, ".tap/results.tap");
rmSync(results, { force: true });
const tap = spawnSync(
  process.execPath,
  [join(root, "node_modules/tap/dist/esm/run.mjs"), `--output-file=${results}`, ...args, ...files.map((file) => `dist/${file}`)],
  { cwd: root, stdio: "inherit" },
);
const { passed, failed } = totals(existsSync(results) ? readFileSync(results, "utf8") : "");
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = tap.status === 0 && passed > 0 && failed === 0 ? 0 : tap.status || 1;

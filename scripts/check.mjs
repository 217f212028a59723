// `npm run check`: types of everything, then lint and format. `npm run check -- --fix` mends what can be mended.
import { join } from "node:path";
import { checkNode, ensurePackages, exclusively, guarded, root, run, say } from "./setup.mjs";

await guarded(() => {
  checkNode();
  return exclusively(() => ensurePackages("all"));
});
const fix = process.argv.includes("--fix");
say("checking types (tsc)");
const types = run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json", "--noEmit"]);
say("checking style and imports (biome)");
const style = run(process.execPath, [join(root, "node_modules/@biomejs/biome/bin/biome"), "check", "--error-on-warnings", ...(fix ? ["--write"] : []), "."]);
process.exitCode = types === 0 && style === 0 ? 0 : 1;

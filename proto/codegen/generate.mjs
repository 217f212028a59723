// Generates proto/gen/{hawser,fabric}.{js,d.ts} from the .proto files: `npm run proto:generate`.
// The first line of each generated file holds the SHA-256 of its source; a test compares them, so a
// .proto file that changed without a new generation does not pass unseen.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const proto = dirname(here);
if (!existsSync(join(here, "node_modules"))) {
  console.log("installing the generator in proto/codegen (once)");
  execFileSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" });
}
for (const name of ["hawser", "fabric"]) {
  const source = readFileSync(join(proto, `${name}.proto`));
  const out = join(proto, "gen", `${name}.js`);
  execFileSync(
    process.execPath,
    [
      join(here, "node_modules/protobufjs-cli/bin/pbjs"),
      ...["-t", "static-module", "-w", "esm", "--dts", "--force-number"],
      ...["--no-verify", "--no-convert", "--no-delimited", "--no-typeurl", "--no-create"],
      ...["--dependency", "../runtime.js", "-r", name, "-o", out, join(proto, `${name}.proto`)],
    ],
    { stdio: "inherit" },
  );
  const mark = `// GENERATED from ${name}.proto by \`npm run proto:generate\`, never edited. sha256 ${createHash("sha256").update(source).digest("hex")}\n`;
  for (const file of [out, out.replace(/\.js$/, ".d.ts")]) {
    const text = readFileSync(file, "utf8")
      // The declarations import a type for 64-bit integers that our runtime never makes.
      .replace('import Long = require("long");\n', "")
      // In a message without fields the generator (2.7.1) hands the whole tag on as the field's number, and an
      // unknown group is refused.
      .replaceAll("skipType(tag & 7, _depth, tag)", "skipType(tag & 7, _depth, tag >>> 3)");
    writeFileSync(file, mark + text);
  }
  console.log(`proto/gen/${name}.js`);
}

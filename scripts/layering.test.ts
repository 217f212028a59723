// Small checks of the whole repository: who imports whom, what the browser gets, and that generated code is fresh.
// Each failure names the reason and what to do instead.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { isTestFile, SOURCE_FOLDERS, walk } from "./build.mjs";

// This file runs from scripts/ or, compiled, from dist/scripts/.
const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = existsSync(join(here, "package.json")) ? here : dirname(here);

/** Folders that may be imported from, besides one's own. cli, bench and loadtest may import everything. */
const LAYERS: Record<string, { imports: string[]; reason: string }> = {
  proto: { imports: [], reason: "proto/ is the contract that all tiers share, so it imports nothing of ours: hand in what it needs" },
  gateway: { imports: ["proto"], reason: "a gateway runs without the other tiers and meets them only over NATS: move what both need to proto/" },
  logic: { imports: ["proto"], reason: "logic runs without the other tiers and meets them only over NATS: move what both need to proto/" },
  client: { imports: ["proto"], reason: "applications use the client without the server: move what both need to proto/" },
};

/** What the browser entry may use from npm. */
const BROWSER_PACKAGES = ["@noble/hashes", "protobufjs"];

/** What a source file imports at run time; `import type` is gone by then. */
function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found = [...code.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gm)];
  const dynamic = [...code.matchAll(/\bimport\(\s*["']([^"']+)["']/g)];
  return [...found, ...dynamic].map((match) => match[1]!);
}

t.test("the import reader sees what it should", (t) => {
  const source = `import a, { b } from "./a.ts";\nimport {\n  c,\n} from "../c.ts";\nimport "./side.ts";\nimport type { D } from "./d.ts";\nexport { e } from "./e.ts";\n// import "./no.ts";\nconst f = await import("./f.ts");`;
  t.strictSame(importsOf(source), ["./a.ts", "../c.ts", "./side.ts", "./e.ts", "./f.ts"]);
  t.end();
});

t.test("imports point one way", (t) => {
  let files = 0;
  for (const [folder, { imports, reason }] of Object.entries(LAYERS)) {
    for (const file of walk(root, folder)) {
      if (!/\.ts$/.test(file) || file.endsWith(".d.ts")) continue;
      files++;
      for (const target of importsOf(readFileSync(join(root, file), "utf8"))) {
        if (!target.startsWith(".")) continue;
        const path = posix.join(posix.dirname(file), target);
        const into = path.split("/")[0]!;
        if (into !== folder && !imports.includes(into)) t.fail(`${file} imports ${target}: ${reason}`);
      }
    }
  }
  t.ok(files > 10, `looked at ${files} files`);
  t.end();
});

t.test("the browser entry reaches nothing of Node", (t) => {
  const seen = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const target of importsOf(readFileSync(join(root, file), "utf8"))) {
      const trail = [...path, file, target].join(" → ");
      if (target.startsWith(".")) {
        const next = posix.join(posix.dirname(file), target);
        visit(existsSync(join(root, next)) ? next : next.replace(/\.js$/, ".ts"), [...path, file]);
      } else if (!BROWSER_PACKAGES.some((name) => target === name || target.startsWith(`${name}/`))) {
        t.fail(`${trail}: browsers have no ${target}; hand it in from client/index.ts, or use what browsers and Node share`);
      }
    }
  };
  visit("client/browser.ts", []);
  t.ok(seen.has("proto/frame.ts"), `followed ${seen.size} files`);
  t.end();
});

t.test("what runs needs no test tools", (t) => {
  const dependenciesIn = (folder: string): Record<string, string> => {
    const manifest = join(root, folder, "package.json");
    return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, "utf8")) as { dependencies: Record<string, string> }).dependencies : {};
  };
  // A folder with a package of its own, such as bench/peers, brings what the programs in it need.
  const dependenciesOf = (file: string): Record<string, string> => {
    const folder = posix.dirname(file);
    return folder === "." ? dependenciesIn(folder) : { ...dependenciesOf(folder), ...dependenciesIn(folder) };
  };
  let files = 0;
  for (const file of SOURCE_FOLDERS.flatMap((folder) => walk(root, folder))) {
    if (!/\.m?ts$|\.mjs$/.test(file) || file.endsWith(".d.ts") || isTestFile(file)) continue;
    files++;
    const dependencies = dependenciesOf(file);
    for (const target of importsOf(readFileSync(join(root, file), "utf8"))) {
      if (/^\.|^node:/.test(target)) continue;
      const name = target.split("/", target.startsWith("@") ? 2 : 1).join("/");
      if (!(name in dependencies)) t.fail(`${file} imports ${target}: npm start installs no devDependencies, so it is for *.test.ts and testing/ only`);
    }
  }
  t.ok(files > 50, `looked at ${files} files`);
  t.end();
});

t.test("generated code matches the .proto files", (t) => {
  for (const name of ["hawser", "fabric"]) {
    const hash = createHash("sha256")
      .update(readFileSync(join(root, `proto/${name}.proto`)))
      .digest("hex");
    for (const file of [`proto/gen/${name}.js`, `proto/gen/${name}.d.ts`]) {
      const first = readFileSync(join(root, file), "utf8").split("\n", 1)[0]!;
      t.match(first, `sha256 ${hash}`, `${file} is older than proto/${name}.proto: run npm run proto:generate`);
    }
  }
  t.end();
});

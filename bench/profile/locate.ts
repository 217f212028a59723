// Where a function of a profile is, as a person would open it: TypeScript instead of what it was compiled to, paths from the
// project's folder, packages and Node's own modules by name.
import { existsSync, readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { CallFrame, Locate } from "./cpu-profile.ts";

const ROOT = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../../" : "../../../", import.meta.url));

/** Reads source maps as it meets files, and keeps them. */
export function locator(root: string = ROOT): Locate {
  const maps = new Map<string, SourceMap | undefined>();
  return ({ url, lineNumber, columnNumber }: CallFrame) => {
    const asIs = { file: shortName(url, root), line: lineNumber + 1 };
    if (!url.startsWith("file:")) return asIs;
    const path = fileURLToPath(url);
    if (!maps.has(path)) maps.set(path, readMap(path));
    const entry = maps.get(path)?.findEntry(lineNumber, columnNumber);
    if (entry === undefined || !("originalSource" in entry)) return asIs;
    return { file: relative(root, join(dirname(path), entry.originalSource)), line: entry.originalLine + 1 };
  };
}

function readMap(path: string): SourceMap | undefined {
  if (path.includes("node_modules") || !existsSync(`${path}.map`)) return undefined;
  return new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8")) as SourceMapPayload);
}

/** "node:net", a package's "protobufjs/src/reader.js", or a path from the project's folder. */
function shortName(url: string, root: string): string {
  if (!url.startsWith("file:")) return url;
  const path = fileURLToPath(url);
  const inPackage = path.lastIndexOf("node_modules/");
  return inPackage >= 0 ? path.slice(inPackage + "node_modules/".length) : relative(root, path);
}

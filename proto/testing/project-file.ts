// Files of the project that tests read (SPEC.md, .proto files, vectors): found from the root, because a test
// runs from its source or, compiled, from dist/, where only code is.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const up = dirname(folder);
    if (up === folder) throw new Error("no package.json above this file");
    folder = up;
  }
  return folder;
})();

/** The text of a file of the project, its path given from the root. */
export function projectText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** A file of proto/vectors, parsed. The caller names the type that proto/vectors/README.md describes. */
export function vectors<T>(name: string): T {
  return JSON.parse(projectText(`proto/vectors/${name}`)) as T;
}

/** Bytes written as hex; a piece `xx*N` between spaces stands for N times the bytes xx. */
export function fromHex(text: string): Uint8Array {
  const parts: Buffer[] = [];
  for (const piece of text.split(" ")) {
    const [hex = "", times = "1"] = piece.split("*");
    const one = Buffer.from(hex, "hex");
    if (one.length * 2 !== hex.length) throw new Error(`not hex: ${piece.slice(0, 40)}`);
    parts.push(Buffer.alloc(one.length * Number(times), one));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Bytes as plain hex. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

// The .proto files as tables, read by a parser of our own that knows just the part of the language they use.
// Tests compare the generated code, the constants in code and SPEC.md with what stands there.
import { projectText } from "./project-file.ts";

export interface Field {
  readonly name: string;
  /** The name in generated code: versionMin for version_min. */
  readonly property: string;
  readonly number: number;
  /** uint32, uint64, fixed32, bool, bytes, string, or the name of an enum or message. */
  readonly type: string;
  readonly repeated: boolean;
}

export interface Schema {
  readonly messages: ReadonlyMap<string, readonly Field[]>;
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Reads a file of proto/, "hawser.proto" say. Throws Error at a line it does not understand. */
export function readSchema(file: string): Schema {
  const messages = new Map<string, Field[]>();
  const enums = new Map<string, Map<string, number>>();
  let fields: Field[] | undefined;
  let values: Map<string, number> | undefined;
  for (const line of projectText(`proto/${file}`).split("\n")) {
    const text = line.replace(/\/\/.*/, "").trim();
    const [, kind, opened] = /^(message|enum) (\w+) \{$/.exec(text) ?? [];
    const [, repeated, type, name, number] = /^(repeated )?(\w+) (\w+) = (\d+);$/.exec(text) ?? [];
    const [, value, of] = /^(\w+) = (\d+);$/.exec(text) ?? [];
    if (text === "" || text.startsWith("syntax ") || text.startsWith("package ")) continue;
    if (kind === "message") messages.set(opened!, (fields = []));
    else if (kind === "enum") enums.set(opened!, (values = new Map()));
    else if (text === "}") fields = values = undefined;
    else if (fields && type) {
      const property = name!.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      fields.push({ name: name!, property, number: Number(number), type, repeated: repeated !== undefined });
    } else if (values && value) values.set(value, Number(of));
    else throw new Error(`${file}: not understood: ${line}`);
  }
  return { messages, enums };
}

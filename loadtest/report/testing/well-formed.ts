// A strict reader of the XML that the report is written in: elements, quoted attributes, text, the five entities and
// numbers of characters. Throws with the place of the first thing that is not well-formed.

export interface Node {
  name: string;
  attributes: Record<string, string>;
  children: (Node | string)[];
}

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

export function parseWellFormed(page: string): Node {
  const text = page.replace("<!DOCTYPE html>\n", "").trimEnd();
  const root: Node = { name: "", attributes: {}, children: [] };
  const open: Node[] = [root];
  const token = /<\/([\w-]+)>|<([\w-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new Error(`not well-formed: ${JSON.stringify(text.slice(at, at + 80))}`);
    const [, closed, opened, attributes, empty, plain] = match;
    const inside = open.at(-1)!;
    if (plain !== undefined) inside.children.push(inside.name === "script" ? plain : unescapeText(plain));
    else if (closed !== undefined) {
      if (inside.name !== closed) throw new Error(`</${closed}> ends <${inside.name}>`);
      open.pop();
    } else {
      const node: Node = { name: opened!, attributes: attributesOf(attributes!), children: [] };
      inside.children.push(node);
      if (empty === "") open.push(node);
    }
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)!.name}> does not end`);
  if (root.children.length !== 1) throw new Error(`${root.children.length} things at the top`);
  return root.children[0] as Node;
}

/** All elements below, in order. */
export function elements(node: Node): Node[] {
  return node.children.flatMap((child) => (typeof child === "string" ? [] : [child, ...elements(child)]));
}

export function textOf(node: Node): string {
  return node.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([\w:-]+)="([^"]*)"/g)) {
    if (Object.hasOwn(found, name!)) throw new Error(`${name} twice in one element`);
    found[name!] = unescapeText(value!);
  }
  return found;
}

function unescapeText(text: string): string {
  return text.replace(/&([^;&]*;?)/g, (whole, name: string) => {
    const character = name.endsWith(";") ? NAMED[name.slice(0, -1)] : undefined;
    if (character === undefined) throw new Error(`${whole} is no entity`);
    return character;
  });
}

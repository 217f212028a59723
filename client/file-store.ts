// The store as one file, for Node: a line of JSON for each write, synced; replaced by one line with everything when
// it has grown to several times that.
//
//   ["key","value", … ,"removed key",null]\n        applied in order
//
// A line that a crash cut short is the last one, and is left out: that write was never reported as done. A
// replacement is written beside the file, synced and renamed, so that the name always leads to a whole file.
import { open, mkdir, readFile, rename } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HawserError, LocalErrorCode } from "./errors.ts";
import { applyChanges } from "./store.ts";
import type { Store, StoreChanges } from "./store.ts";

/** Below this a file is not worth replacing. */
const REPLACE_BYTES_MIN = 64 * 1024;
/** Replaced when it is so many times as big as after the last replacement. */
const REPLACE_GROWTH = 4;

/** Files in use by this process. (Two processes on one file are the user's mistake: REPLACED will tell.) */
const inUse = new Set<string>();

export class FileStore implements Store {
  private readonly path: string;
  private readonly records: Map<string, string>;
  private handle: FileHandle | undefined;
  /** Where the next line goes: all before it is whole and synced. */
  private size: number;
  private replacedSize: number;

  /** `path`: the file, made when there is none, in a directory that is made too. Only its owner may read it. */
  constructor(path: string) {
    this.path = resolve(path);
    this.records = new Map();
    this.handle = undefined;
    this.size = 0;
    this.replacedSize = 0;
  }

  /** Rejects with STORE_IN_USE, with STORE_FAILED when a line other than the last is damaged, and with what the system says. */
  async load(): Promise<Map<string, string>> {
    if (inUse.has(this.path)) throw new HawserError(LocalErrorCode.StoreInUse, `${this.path} is in use by this process`);
    inUse.add(this.path);
    try {
      await mkdir(dirname(this.path), { recursive: true });
      const text = await this.read();
      if (text !== undefined) this.apply(text);
      // Also drops what a crash left behind, and makes the file when there was none.
      await this.replace();
    } catch (thrown) {
      inUse.delete(this.path);
      throw thrown;
    }
    return new Map(this.records);
  }

  async write(changes: StoreChanges): Promise<void> {
    const fields: (string | null)[] = [];
    for (const [key, value] of changes) fields.push(key, value ?? null);
    const line = Buffer.from(`${JSON.stringify(fields)}\n`);
    const handle = this.handle;
    if (handle === undefined) throw new HawserError(LocalErrorCode.StoreFailed, "the store is not open");
    // At a position of our own: after a failed write the next one goes over what it left.
    for (let at = 0; at < line.length; ) at += (await handle.write(line, at, line.length - at, this.size + at)).bytesWritten;
    await handle.datasync();
    this.size += line.length;
    applyChanges(this.records, changes);
    if (this.size > Math.max(REPLACE_BYTES_MIN, REPLACE_GROWTH * this.replacedSize)) await this.replace();
  }

  async close(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    inUse.delete(this.path);
    await handle?.close();
  }

  private async read(): Promise<string | undefined> {
    try {
      return await readFile(this.path, "utf8");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw thrown;
    }
  }

  private apply(text: string): void {
    const lines = text.split("\n");
    // Behind the last newline there is nothing, or a line that was cut short.
    lines.pop();
    for (let i = 0; i < lines.length; i++) {
      const changes = parseLine(lines[i]!);
      if (changes !== undefined) applyChanges(this.records, changes);
      else if (i < lines.length - 1) throw new HawserError(LocalErrorCode.StoreFailed, `line ${i + 1} of ${this.path} is damaged`);
    }
  }

  private async replace(): Promise<void> {
    const fields: string[] = [];
    for (const [key, value] of this.records) fields.push(key, value);
    const line = Buffer.from(`${JSON.stringify(fields)}\n`);
    const beside = `${this.path}.new`;
    const handle = await open(beside, "w", 0o600);
    try {
      await handle.writeFile(line);
      await handle.sync();
      await rename(beside, this.path);
      await syncDirectory(dirname(this.path));
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
    await this.handle?.close();
    this.handle = handle;
    this.size = line.length;
    this.replacedSize = line.length;
  }
}

function parseLine(line: string): StoreChanges | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    // Not JSON: the caller decides what that means.
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length % 2 !== 0) return undefined;
  const changes = new Map<string, string | undefined>();
  for (let i = 0; i < fields.length; i += 2) changes.set(String(fields[i]), fields[i + 1] === null ? undefined : String(fields[i + 1]));
  return changes;
}

/** Makes the new name itself durable. Windows cannot open a directory, and does not need to. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// Reaches into a closed embedded store, to damage it.
import { ClassicLevel } from "classic-level";
import type { Level } from "../reader.ts";

/** Opens LevelDB, lets `change` do what it wants, and closes it. */
export async function within(dir: string, change: (db: Level) => Promise<void>): Promise<void> {
  const db: Level = new ClassicLevel(dir, { keyEncoding: "view", valueEncoding: "view" });
  await db.open();
  try {
    await change(db);
  } finally {
    await db.close();
  }
}

/** Replaces the n-th value (from 0) of those whose keys begin with `kind`; undefined deletes it. Returns its key. */
export async function alter(dir: string, kind: string, n: number, change: (value: Uint8Array) => Uint8Array | undefined): Promise<Uint8Array> {
  let changed: Uint8Array | undefined;
  await within(dir, async (db) => {
    const range = { gte: Buffer.from(kind), lt: Buffer.from(`${kind}\u00ff`, "latin1") };
    const entry = (await db.iterator(range).all())[n];
    if (entry === undefined) throw new Error(`there is no value ${n} of kind ${kind}`);
    const [key, value] = entry;
    const altered = change(value.slice());
    if (altered === undefined) await db.del(key, { sync: true });
    else await db.put(key, altered, { sync: true });
    changed = key;
  });
  return changed!;
}

// The embedded store: the contract of all stores, and what is its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { openLevelStore } from "./leveldb.ts";
import { MemoryDisk, MemoryStore } from "./testing/memory-store.ts";
import { storeContract } from "./testing/store-contract.ts";

function freshDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), "hawser-store-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

storeContract(t, "memory", () => {
  const disk = new MemoryDisk();
  return { open: async (shardCount) => new MemoryStore(disk, shardCount) };
});
storeContract(t, "leveldb", (t) => {
  const dir = freshDir(t);
  return { open: (shardCount) => openLevelStore({ dir, shardCount }) };
});
// The same with a checkpoint after nearly every commit, a memory that holds next to nothing, and replay at every opening.
storeContract(t, "leveldb, small", (t) => {
  const dir = freshDir(t);
  const tuning = { checkpointBytes: 1000, overlayBytesMax: 4000, sliceBytes: 500, cacheBytesMax: 1, checkpointOnClose: false };
  return { open: (shardCount) => openLevelStore({ dir, shardCount, ...tuning }) };
});

// The stores: the same contract for each; what a crash leaves in a file; a client that lives on across runs.
import { mkdtemp, readFile, rm, stat, truncate, writeFile, appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { Test } from "tap";
import { FileStore } from "./file-store.ts";
import { HawserClient } from "./index.ts";
import { applyChanges, MemoryStore } from "./store.ts";
import type { Store } from "./store.ts";
import { ModelListener } from "./testing/model-listener.ts";
import { WebStore } from "./web-store.ts";
import type { StorageLike } from "./web-store.ts";

class FakeStorage implements StorageLike {
  readonly items = new Map<string, string>();
  /** Writes after which it is full, as after a crash in the middle. */
  left = Number.POSITIVE_INFINITY;

  get length(): number {
    return this.items.size;
  }

  key(index: number): string | null {
    return [...this.items.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.left-- <= 0) throw new Error("QuotaExceededError");
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    if (this.left-- <= 0) throw new Error("QuotaExceededError");
    this.items.delete(key);
  }
}

async function directory(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "hawser-store-"));
  t.teardown(() => rm(path, { recursive: true }));
  return path;
}

const changes = (entries: Record<string, string | undefined>): Map<string, string | undefined> => new Map(Object.entries(entries));
const loaded = async (store: Store): Promise<Record<string, string>> => Object.fromEntries(await store.load());

t.test("the contract, for each store", async (t) => {
  const path = join(await directory(t), "deep", "er", "client.store");
  const storage = new FakeStorage();
  const memory = new MemoryStore();
  const open: Record<string, () => Store> = {
    file: () => new FileStore(path),
    web: () => new WebStore("a/b", storage),
    memory: () => memory,
  };
  for (const [name, make] of Object.entries(open)) {
    const first = make();
    t.same(await loaded(first), {}, name);
    await first.write(changes({ client: "c1", "send/d:bob/1": "é\n\u2028", "send/d:x/y/2": "two" }));
    await first.write(changes({ "send/d:bob/1": undefined, client: "c2", gone: undefined }));
    await first.close();
    const second = make();
    t.same(await loaded(second), { client: "c2", "send/d:x/y/2": "two" }, name);
    await second.write(changes({ "send/d:x/y/2": undefined }));
    await second.close();
    const third = make();
    t.same(await loaded(third), { client: "c2" }, name);
    await third.close();
  }
  t.same(await loaded(new WebStore("a", storage)), {}, "stores of other names are others");
});

t.test("file: whatever is cut off its end, what was reported as written is there", async (t) => {
  const path = join(await directory(t), "store");
  const command = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.string({ maxLength: 30 }), { nil: undefined }), { minKeys: 1 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.constantFrom("", "garbage", "\0\0\0\n", '["a"]\n'),
      async (writes, cut, garbage) => {
        await rm(path, { force: true });
        const store = new FileStore(path);
        await store.load();
        const states: Record<string, string>[] = [{}];
        const sizes: number[] = [(await stat(path)).size];
        const records = new Map<string, string>();
        for (const write of writes) {
          await store.write(changes(write));
          applyChanges(records, changes(write));
          states.push(Object.fromEntries(records));
          sizes.push((await stat(path)).size);
        }
        await store.close();
        const size = sizes[0]! + (cut % (sizes.at(-1)! - sizes[0]! + 1));
        await truncate(path, size);
        // A write that was cut short and left something else behind.
        if (sizes.includes(size)) await appendFile(path, garbage);
        const whole = sizes.findLastIndex((one) => one <= size);
        const again = new FileStore(path);
        t.same(await loaded(again), states[whole]);
        await again.write(changes({ next: "1" }));
        await again.close();
        const third = new FileStore(path);
        t.same(await loaded(third), { ...states[whole], next: "1" });
        await third.close();
      },
    ),
    { numRuns: 60 },
  );
});

t.test("file: damage in the middle is an error; one user at a time; it does not grow without end", async (t) => {
  const path = join(await directory(t), "store");
  await writeFile(path, '["a","1"]\nnonsense\n["b","2"]\n');
  await t.rejects(new FileStore(path).load(), { name: "STORE_FAILED", message: /line 2/ });
  await writeFile(path, '["a","1"]\n');
  const store = new FileStore(path);
  await store.load();
  await t.rejects(new FileStore(path).load(), { name: "STORE_IN_USE" });
  t.equal((await stat(path)).mode & 0o777, 0o600, "only its owner reads it");
  for (let i = 0; i < 2000; i++) await store.write(changes({ [`key${i % 10}`]: `${i}`.padStart(100, "x") }));
  t.ok((await stat(path)).size < 80 * 1024, `${(await stat(path)).size} bytes`);
  await store.close();
  await t.rejects(store.write(changes({ a: "1" })), { name: "STORE_FAILED" });
  const again = new FileStore(path);
  t.match(await loaded(again), { a: "1", key9: /1999$/ });
  await again.close();
});

t.test("web: whatever prefix of a write survives, it can be loaded, and vouches for nothing too early", async (t) => {
  for (let left = 0; left < 6; left++) {
    const storage = new FakeStorage();
    const store = new WebStore("me", storage);
    await store.write(changes({ "send/d:bob/1": "m", client: "old" }));
    storage.left = left;
    const outcome = store.write(changes({ client: "new", "send/d:bob/1": undefined, "conversation/d:bob": "next", "send/d:bob/2": "n" }));
    if (left < 4) await t.rejects(outcome);
    else await outcome;
    storage.left = Number.POSITIVE_INFINITY;
    const records = await loaded(new WebStore("me", storage));
    if (records.client === "new") t.match(records, { "conversation/d:bob": "next", "send/d:bob/2": "n" }, `${left}`);
    if (records["send/d:bob/1"] === undefined) t.equal(records.client, "new");
  }
  const storage = new FakeStorage();
  storage.left = 1;
  await t.rejects(new WebStore("me", storage).write(changes({ "send/d:bob/1": "m", client: "first" })));
  t.same([...storage.items.keys()], ["hawser/me/client"], "first of all, whose it is");
});

t.test("a client lives on in its file: nothing lost, nothing twice", async (t) => {
  const path = join(await directory(t), "alice.store");
  const server = new ModelListener();
  t.teardown(() => server.stop());
  const url = await server.tcp();
  const shown: number[] = [];
  const run = (): HawserClient => {
    const alice = new HawserClient({ url, token: "dev:alice", store: new FileStore(path) });
    alice.on("message", (m) => shown.push(m.seq));
    return alice;
  };
  const first = run();
  await first.connect();
  for (let i = 1; i <= 5; i++) await first.send("bob", `${i}`);
  server.answers = false;
  const rejected = [first.send("bob", "6"), first.send("bob", "7")];
  while (!/send\/d:bob\/7/.test(await readFile(path, "utf8"))) await new Promise((resolve) => setTimeout(resolve, 5));
  await first.close();
  for (const outcome of await Promise.allSettled(rejected)) t.match(outcome, { status: "rejected", reason: { name: "CLOSED" } });
  server.answers = true;
  const second = run();
  const settled: number[] = [];
  second.on("sent", ({ clientSeq }) => settled.push(clientSeq));
  await second.connect();
  t.equal((await second.send("bob", "8")).seq, 8);
  await second.check();
  t.same(settled, [6, 7, 8]);
  await second.close();
  const third = run();
  await third.connect();
  await third.check();
  t.same(third.pending(), []);
  await third.close();
  t.same(shown, [1, 2, 3, 4, 5, 6, 7, 8]);
  t.same(
    server.model.of("bob")[0]?.rows.map((row) => Buffer.from(row.payload).toString()),
    ["1", "2", "3", "4", "5", "6", "7", "8"],
  );
  t.equal(new Set(server.hellos.map((hello) => Buffer.from(hello.install).toString("hex"))).size, 1);
  t.same(
    server.hellos.map((hello) => hello.connection),
    [1, 2, 3],
  );
});

// Who runs, where clients are sent, how long connections last; and the announcer on a bucket in memory.
import fc from "fast-check";
import t from "tap";
import type { KeyEntry, KeyValue } from "../../proto/bus.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { Announcer } from "./announcer.ts";
import { Lifetimes } from "./lifetimes.ts";
import { BUMP_MS, FRESH_BUMPS, FRESH_MORE_MS, KEPT_MS, Registry } from "./registry.ts";

const { GatewayEntry } = fabric.fabric.v1;
const FRESH_MS = FRESH_BUMPS * BUMP_MS + FRESH_MORE_MS;
const OWN = { tcp: "10.0.0.1:7070", websocket: "" };
const entry = (fields: fabric.fabric.v1.GatewayEntry.$Properties) => GatewayEntry.encode({ sessionsMax: 1000, ...fields }).finish();

/** Its entry, seen to move. */
function runs(registry: Registry, key: string, fields: fabric.fabric.v1.GatewayEntry.$Properties, now: number): void {
  registry.changed(key, entry(fields), 1, now);
  registry.changed(key, entry(fields), 2, now);
}

t.test("alive is who moves, on our own clock", (t) => {
  const registry = new Registry("self", OWN, 0);
  registry.changed("self", entry({ tcp: "10.0.0.9:1" }), 7, 0);
  registry.changed("a", entry({ tcp: "10.0.0.2:7070" }), 10, 0);
  t.equal(registry.others(0), 0, "found, but may be left behind by a dead one");
  registry.changed("a", entry({ tcp: "10.0.0.2:7070" }), 10, 500);
  t.equal(registry.others(500), 0, "told again: no sign of life");
  registry.changed("a", entry({ tcp: "10.0.0.2:7070" }), 11, BUMP_MS);
  t.equal(registry.target("tcp", 0.5, BUMP_MS), "10.0.0.2:7070");
  t.equal(registry.target("websocket", 0.5, BUMP_MS), "", "it has no such port");
  t.equal(registry.target("tcp", 0.5, BUMP_MS + FRESH_MS), "10.0.0.2:7070");
  t.equal(registry.target("tcp", 0.5, BUMP_MS + FRESH_MS + 1), "", "it stood still too long");
  registry.changed("a", entry({ tcp: "10.0.0.2:7070", draining: true }), 12, 9000);
  t.equal(registry.target("tcp", 0.5, 9000), "", "it sends its own away");
  registry.changed("a", new Uint8Array(0), 13, 9000);
  t.equal(registry.others(9000), 0);
  registry.changed("c", entry({ tcp: "10.0.0.7:7070" }), 14, 9000);
  t.equal(registry.target("tcp", 0.5, 9000), "10.0.0.7:7070", "it appeared while we watched");
  registry.changed("c", new Uint8Array(0), 15, 9000);
  registry.changed("b", new Uint8Array([0xff]), 14, 9000);
  t.equal(registry.others(9000), 0, "unreadable");
  t.end();
});

t.test("targets by room; gateways that share a port are one place, and one's own place is no target", (t) => {
  const registry = new Registry("self", OWN, 0);
  runs(registry, "a", { tcp: "10.0.0.2:7070", sessions: 900 }, 0);
  runs(registry, "b", { tcp: "10.0.0.3:7070", sessions: 700 }, 0);
  runs(registry, "full", { tcp: "10.0.0.4:7070", sessions: 1000 }, 0);
  const chosen = new Map<string, number>();
  for (let i = 0; i < 400; i++) {
    const target = registry.target("tcp", (i * 0.618034) % 1, 0);
    chosen.set(target, (chosen.get(target) ?? 0) + 1);
  }
  t.strictSame([...chosen].sort(), [
    ["10.0.0.2:7070", 100],
    ["10.0.0.3:7070", 300],
  ]);
  t.equal(registry.target("tcp", 0.3, 0), "", "all the room was given away; nobody is sent to who has none");

  const shared = new Registry("self", OWN, 0);
  runs(shared, "beside", { tcp: OWN.tcp }, 0);
  t.equal(shared.others(0), 1);
  for (const random of [0, 0.5, 0.999]) t.equal(shared.target("tcp", random, 0), "", "the same address: the kernel chooses");
  runs(shared, "elsewhere", { tcp: "10.0.0.5:7070" }, 0);
  t.strictSame(new Set([0.1, 0.9].map((random) => shared.target("tcp", random, 0))), new Set(["", "10.0.0.5:7070"]));
  t.end();
});

t.test("too full is who has clearly more than its share", (t) => {
  const registry = new Registry("self", OWN, 0);
  t.notOk(registry.tooFull(1000, 1000, 0), "alone");
  runs(registry, "a", { tcp: "10.0.0.2:7070", sessions: 100 }, 0);
  t.ok(registry.tooFull(500, 1000, 0));
  t.notOk(registry.tooFull(110, 1000, 0));
  t.notOk(registry.tooFull(140, 1000, 0), "a few more are no reason");
  runs(registry, "b", { tcp: "10.0.0.2:7070", sessions: 0, draining: true }, 0);
  t.notOk(registry.tooFull(140, 1000, 0), "one that leaves is nobody to share with");
  t.notOk(registry.tooFull(500, 1000, 2 * FRESH_MS), "nor is a dead one");
  t.end();
});

t.test("a large fleet writes less often; a registry has an end", (t) => {
  const registry = new Registry("self", OWN, 0);
  t.equal(registry.bumpMs, 1000);
  for (let i = 0; i < 49; i++) runs(registry, `g${i}`, {}, 3000);
  t.equal(registry.bumpMs, 25_000, "fifty: two writes a second in all");
  t.equal(registry.others(3000 + 77_000), 49, "and none of them counts as dead before it has had its chances");
  t.equal(registry.others(3000 + 77_001), 0);
  for (let i = 0; i < 5000; i++) registry.changed(`h${i}`, entry({}), 1, 5000);
  t.equal(registry["entries"].size, 4096);
  t.equal(registry.bumpMs, 30_000);
  registry.changed("late", entry({}), 1, 1e6);
  t.equal(registry.others(1e6), 1, "the dead make room");
  t.equal(registry.bumpMs, 1000);
  t.end();
});

t.test("a bucket that is made anew counts from 1 again, and the dead stay dead", (t) => {
  const registry = new Registry("self", OWN, 0);
  for (let now = 0; now < 20_000; now += BUMP_MS) registry.changed("a", entry({ tcp: "10.0.0.2:7070" }), 9000 + now, now);
  registry.changed("a", entry({ tcp: "10.0.0.3:7070" }), 1, 20_000);
  t.equal(registry.target("tcp", 0.5, 20_000), "10.0.0.3:7070");
  registry.changed("a", entry({ tcp: "10.0.0.3:7070" }), 2, 24_000);
  t.equal(registry.others(24_000 + FRESH_MS), 1);

  // It dies; somebody else goes on. A watch that begins anew tells of it as long as the bucket keeps it.
  for (let now = 25_000; now <= 24_000 + KEPT_MS; now += BUMP_MS) {
    registry.changed("b", entry({ tcp: "10.0.0.4:7070" }), now, now);
    registry.changed("a", entry({ tcp: "10.0.0.3:7070" }), 2, now);
  }
  t.equal(registry.others(24_000 + KEPT_MS), 1);
  t.equal(registry.target("tcp", 0, 24_000 + KEPT_MS), "10.0.0.4:7070");
  registry.changed("b", entry({}), 7, 400_000);
  t.equal(registry["entries"].size, 1, "forgotten, and by an entry that is known");
  registry.changed("c", entry({}), 8, 800_000);
  registry.changed("c", entry({}), 8, 1_200_000);
  t.equal(registry["entries"].size, 0, "even one that tells nothing new makes room");
  t.end();
});

t.test("lifetimes: reported once, not before the end, within a minute after it, dithered", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 86_400 }), fc.array(fc.nat(100_000), { minLength: 1, maxLength: 50 }), fc.nat(), (seconds, begins, seed) => {
      let state = seed >>> 0;
      const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 0x1_0000_0000;
      const lifetimes = new Lifetimes(64, seconds * 1000, random, 5);
      const begun = new Map<number, number>();
      const ended = new Map<number, number>();
      let now = 5;
      begins.forEach((at, slot) => {
        begun.set(slot, 5 + at);
        lifetimes.begin(slot, 5 + at);
      });
      lifetimes.end(0);
      for (; now < 5 + 100_000 + seconds * 1300 + 130_000; now += 7000) {
        lifetimes.sweep(now, 50, (slot) => {
          if (ended.has(slot)) throw new Error("told twice");
          ended.set(slot, now);
        });
      }
      if (ended.has(0)) throw new Error("it was gone");
      for (const [slot, at] of begun) {
        if (slot === 0) continue;
        const lasted = ended.get(slot)! - at;
        if (!(lasted >= seconds * 750 && lasted <= seconds * 1250 + 1000 + 60_000 + 14_000)) throw new Error(`slot ${slot} lasted ${lasted} of ${seconds} s`);
      }
    }),
    { numRuns: 30 },
  );
  const off = new Lifetimes(64, 0, Math.random, 0);
  off.begin(1, 0);
  off.sweep(1e12, 64, () => t.fail("switched off"));
  t.end();
});

class MemoryBucket implements KeyValue {
  readonly entries = new Map<string, KeyEntry>();
  broken = false;
  private revision = 0;

  async get(key: string): Promise<KeyEntry | undefined> {
    return this.entries.get(key);
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    if (this.broken) throw new Error("NATS is away");
    if ((this.entries.get(key)?.revision ?? 0) !== revision) return undefined;
    this.entries.set(key, { key, value, revision: ++this.revision });
    return this.revision;
  }

  async watch(): Promise<void> {}
}

t.test("the announcer goes on whatever happens to its entry", async (t) => {
  const bucket = new MemoryBucket();
  let count = 0;
  const announcer = new Announcer(
    bucket,
    "self",
    () => new Uint8Array([++count]),
    () => 1000,
  );
  await announcer.announce();
  await announcer.announce();
  t.strictSame([...bucket.entries.get("self")!.value], [2]);
  bucket.entries.delete("self");
  await announcer.announce();
  await announcer.announce();
  t.strictSame([...bucket.entries.get("self")!.value], [4], "expired, and back at the second bump");
  bucket.broken = true;
  await announcer.announce();
  bucket.broken = false;
  await announcer.announce();
  t.strictSame([...bucket.entries.get("self")!.value], [6]);
  await Promise.all([announcer.announce(), announcer.announce(), announcer.announce()]);
  t.equal(count, 8, "what changed while it was written is written again, once");
  announcer.stop();
  await announcer.announce();
  t.equal(count, 8, "silent once stopped");
});

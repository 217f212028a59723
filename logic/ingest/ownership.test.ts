// The lease as a core, then its holder over a real NATS server: who takes it, who keeps it, who has to go, and what a
// NATS that restarts or loses its disk changes (nothing).
import t from "tap";
import type { Bus, KeyEntry, KeyValue } from "../../proto/bus.ts";
import { connectBus } from "../../proto/bus-nats.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hex } from "../../proto/hex.ts";
import { ownerKey } from "../../proto/subject.ts";
import { NatsServer } from "../testing/nats-server.ts";
import { LEASE_STILL_MS, Lease, LeaseStep } from "./lease.ts";
import { Ownership } from "./ownership.ts";

const { Owner } = fabric.fabric.v1;
const SHARDS = 16;
const KEY = ownerKey(0, SHARDS - 1);

t.test("lease: a free key is taken", (t) => {
  t.equal(new Lease("a", 1).step(undefined, 0), LeaseStep.Write);
  t.end();
});

t.test("lease: within a store the higher epoch has it, however alive the lower one looks", (t) => {
  const lease = new Lease("a", 5);
  for (let revision = 1; revision < 4; revision++) {
    t.equal(lease.step({ store: "a", epoch: 4, revision }, 0), LeaseStep.Write);
    t.equal(lease.step({ store: "a", epoch: 5, revision }, 0), LeaseStep.Write, "its own");
    t.equal(lease.step({ store: "a", epoch: 6, revision }, 0), LeaseStep.Deposed);
  }
  t.end();
});

t.test("lease: another store's key is left alone while it moves, and taken when it stood still", (t) => {
  const moving = new Lease("a", 9);
  t.equal(moving.step({ store: "b", epoch: 1, revision: 7 }, 100), LeaseStep.Wait);
  t.equal(moving.step({ store: "b", epoch: 1, revision: 7 }, 100 + LEASE_STILL_MS - 1), LeaseStep.Wait);
  t.equal(moving.step({ store: "b", epoch: 1, revision: 8 }, 100 + LEASE_STILL_MS), LeaseStep.Foreign);
  const still = new Lease("a", 9);
  t.equal(still.step({ store: "b", epoch: 99, revision: 7 }, 100), LeaseStep.Wait);
  t.equal(still.step({ store: "b", epoch: 99, revision: 7 }, 100 + LEASE_STILL_MS), LeaseStep.Write);
  t.end();
});

t.test("lease: a still key is judged from when it was first seen at that revision, not from an earlier visit of its store", (t) => {
  const lease = new Lease("a", 1);
  t.equal(lease.step({ store: "b", epoch: 1, revision: 3 }, 0), LeaseStep.Wait);
  t.equal(lease.step(undefined, 500), LeaseStep.Write);
  t.equal(lease.step({ store: "a", epoch: 1, revision: 4 }, 1000), LeaseStep.Write);
  t.equal(lease.step({ store: "b", epoch: 1, revision: 5 }, 60_000), LeaseStep.Wait, "it came anew: it has to be looked at before it is judged");
  t.equal(lease.step({ store: "b", epoch: 1, revision: 6 }, 60_500), LeaseStep.Foreign);
  t.end();
});

/** An Ownership in a process of its own, as far as NATS can tell. */
class Process {
  readonly bus: Bus;
  readonly kv: KeyValue;
  readonly ownership: Ownership;
  readonly incarnation: Uint8Array;
  readonly lost: string[];

  private constructor(bus: Bus, kv: KeyValue, name: string, store: number, epoch: number) {
    this.bus = bus;
    this.kv = kv;
    this.incarnation = Buffer.from(name.padEnd(8, "-"));
    this.lost = [];
    const meta = { storeId: new Uint8Array(8).fill(store), shardCount: SHARDS, epoch };
    this.ownership = new Ownership(kv, this.incarnation, meta, (error) => this.lost.push(error.message));
    this.ownership.start();
  }

  static async start(server: NatsServer, bucket: string, name: string, store: number, epoch: number): Promise<Process> {
    const bus = await connectBus({ servers: server.url, name });
    return new Process(bus, await bus.keyValue(bucket), name, store, epoch);
  }

  async end(): Promise<void> {
    await this.ownership.stop();
    await this.bus.close();
  }

  async entry(): Promise<KeyEntry | undefined> {
    return this.kv.get(KEY).catch(() => undefined);
  }

  /** Who the key names. */
  async owner(): Promise<string> {
    const entry = await this.entry();
    return entry === undefined ? "" : hex(Owner.decode(entry.value).incarnation);
  }

  get name(): string {
    return hex(this.incarnation);
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 20_000; !(await condition()); ) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const moves = async (process: Process) => {
  const before = (await process.entry())?.revision ?? 0;
  await until("the key moves", async () => ((await process.entry())?.revision ?? 0) > before + 1);
};

t.test("over NATS", async (t) => {
  const server = await NatsServer.start();
  t.teardown(() => server.stop());
  // Side by side, since each of them mostly waits: one bucket each.
  t.jobs = 4;

  t.test("a free key is taken, says who holds what, and moves", async (t) => {
    const only = await Process.start(server, "free", "only", 1, 3);
    await until("held", () => only.ownership.held);
    const owner = Owner.decode((await only.entry())!.value);
    t.match(owner, { epoch: 3, shardFirst: 0, shardLast: SHARDS - 1, shardCount: SHARDS });
    t.strictSame([hex(owner.incarnation), hex(owner.store)], [only.name, "01".repeat(8)]);
    await moves(only);
    await only.end();
    t.strictSame(only.lost, []);
    const bus = await connectBus({ servers: server.url, name: "looker" });
    t.equal(hex(Owner.decode((await (await bus.keyValue("free")).get(KEY))!.value).incarnation), only.name, "its key stays");
    await bus.close();
  });

  t.test("a successor with the same store deposes at once, and the key is its alone from then on", async (t) => {
    const first = await Process.start(server, "deposed", "first", 1, 1);
    await until("held", () => first.ownership.held);
    const second = await Process.start(server, "deposed", "second", 1, 2);
    await until("the first has to go", () => first.lost.length > 0);
    await until("held", () => second.ownership.held);
    t.notOk(first.ownership.held);
    t.match(first.lost, [/deposed/]);
    await moves(second);
    t.equal(await second.owner(), second.name);
    t.strictSame([first.lost.length, second.lost], [1, []]);

    // A process that was paused over all of it, and starts with its old epoch.
    const late = await Process.start(server, "deposed", "late", 1, 1);
    await until("the late one has to go", () => late.lost.length > 0);
    t.notOk(late.ownership.held);
    t.equal(await second.owner(), second.name);
    for (const process of [first, second, late]) await process.end();
  });

  t.test("another store is left alone while its process lives; two stores are an operator's mistake and said so", async (t) => {
    const holder = await Process.start(server, "foreign", "holder", 1, 1);
    await until("held", () => holder.ownership.held);
    const stranger = await Process.start(server, "foreign", "stranger", 2, 9);
    await until("the stranger gives up", () => stranger.lost.length > 0);
    t.match(stranger.lost, [/another store/]);
    t.notOk(stranger.ownership.held);
    await moves(holder);
    t.equal(await holder.owner(), holder.name);
    t.strictSame([holder.ownership.held, holder.lost], [true, []]);
    for (const process of [holder, stranger]) await process.end();
  });

  t.test("another store's dead process is outlived", async (t) => {
    const dead = await Process.start(server, "dead", "dead", 1, 1);
    await until("held", () => dead.ownership.held);
    await dead.end();
    const before = performance.now();
    const heir = await Process.start(server, "dead", "heir", 2, 1);
    await until("held", () => heir.ownership.held);
    t.ok(performance.now() - before >= LEASE_STILL_MS - 100, "but not before it stood still");
    t.equal(await heir.owner(), heir.name);
    await moves(heir);
    await heir.end();
    t.strictSame(heir.lost, []);
  });

  t.test("two stores at once on a free key: one has it, the other gives up", async (t) => {
    const both = await Promise.all([Process.start(server, "race", "left", 1, 1), Process.start(server, "race", "right", 2, 1)]);
    await until("one gives up", () => both.some(({ lost }) => lost.length > 0));
    await until("one holds", () => both.some(({ ownership }) => ownership.held));
    const winner = both.find(({ ownership }) => ownership.held)!;
    t.equal(both.filter(({ ownership }) => ownership.held).length, 1);
    await moves(winner);
    t.equal(await winner.owner(), winner.name);
    t.strictSame(winner.lost, []);
    for (const process of both) await process.end();
  });
});

t.test("a NATS that comes back, with its disk or without, changes nothing for the holder", async (t) => {
  const server = await NatsServer.start();
  t.teardown(() => server.stop());
  const holder = await Process.start(server, "restart", "holder", 1, 1);
  await until("held", () => holder.ownership.held);
  for (const disk of ["kept", "new"] as const) {
    await server.kill();
    await until("disconnected", () => !holder.bus.connected);
    await server.run(disk);
    await until(`the key is there again (disk ${disk})`, async () => holder.bus.connected && (await holder.owner()) === holder.name);
    await moves(holder);
    t.ok(holder.ownership.held);
  }
  const successor = await Process.start(server, "restart", "heir", 1, 2);
  await until("deposed", () => holder.lost.length > 0);
  await until("held", () => successor.ownership.held);
  t.strictSame([holder.lost.length, successor.lost], [1, []]);
  await holder.end();
  await successor.end();
});

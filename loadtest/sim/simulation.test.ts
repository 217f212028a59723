// Two hundred small clusters, each with its own troubles (world.ts). A seed that fails here fails again the same way:
// node dist/loadtest/sim/main.js --seeds 1 --from SEED --short --verbose
import t from "tap";
import { NO_FAULTS } from "./faults.ts";
import { Violation } from "./judge.ts";
import { SHORT_WORLD, World } from "./world.ts";

const SEEDS = 200;

t.test("whatever goes wrong, nothing acknowledged is lost, doubled or out of order, and every device ends up with all of it", async (t) => {
  const totals = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed, SHORT_WORLD);
    await world.run().catch((error) => t.fail(`seed ${seed} at ${Math.round(world.queue.now)} ms: ${error.message}`, { faults: world.chosen }));
    for (const [what, count] of world.counts) totals.set(what, (totals.get(what) ?? 0) + count);
  }
  // A simulation in which nothing happens proves nothing.
  const happened = ["logic crashes", "freezes", "outages", "wipes", "client crashes", "resyncs for links", "busy", "slow reads", "pages of heads"];
  for (const what of happened) t.ok((totals.get(what) ?? 0) > 5, `${what}: ${totals.get(what)}`);
});

t.test("without faults: all of it arrives, one process of logic serves to the end, and nobody is closed", async (t) => {
  const world = new World(1, { ...SHORT_WORLD, faults: NO_FAULTS });
  await world.run();
  t.ok(world.judge.sendings.length > 20);
  t.equal(world.counts.get("logic processes"), 1);
  t.equal(world.counts.get("slow consumers") ?? 0, 0);
});

t.test("the same seed is the same run", async (t) => {
  const runs = [];
  for (let i = 0; i < 2; i++) {
    const world = new World(77, SHORT_WORLD);
    await world.run();
    runs.push([...world.counts, world.bus.published, world.judge.sendings.map(({ outcome }) => outcome).join()]);
  }
  t.strictSame(runs[0], runs[1]);
});

t.test("the judge sees a disk that forgets", async (t) => {
  const world = new World(3, { ...SHORT_WORLD, faults: NO_FAULTS });
  world.disk.apply = () => undefined;
  const error = await world.run().catch((error: unknown) => error);
  t.ok(error instanceof Violation, String(error));
});

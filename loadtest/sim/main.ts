// Many worlds, one after another: node dist/loadtest/sim/main.js [--seeds N] [--from S] [--short] [--verbose]. Prints each seed
// that fails with what went wrong in it; the same seed fails the same way again. Exit code 1 when one did.
import { parseArgs } from "node:util";
import { SHORT_WORLD, World } from "./world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    short: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const from = Number(values.from);
const seeds = Number(values.seeds);
const totals = new Map<string, number>();
let failed = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const world = new World(seed, values.short ? SHORT_WORLD : {});
  try {
    await world.run();
  } catch (error) {
    failed++;
    console.log(`seed ${seed} failed at ${Math.round(world.queue.now)} ms: ${values.verbose ? (error as Error).stack : (error as Error).message}`);
    console.log(`  faults ${JSON.stringify(world.chosen)}`);
  }
  for (const [what, count] of world.counts) totals.set(what, (totals.get(what) ?? 0) + count);
}
console.log(`${seeds - failed} of ${seeds} worlds were well; ${[...totals].map(([what, count]) => `${what} ${count}`).join(", ")}`);
process.exitCode = failed > 0 ? 1 : 0;

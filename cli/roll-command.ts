// `hawser roll`: has a running `hawser start` replace its gateways one after the other, and waits until that is done.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { Failure } from "./failure.ts";
import { option } from "./options.ts";
import { readRecord, runs } from "./process-record.ts";
import { ROLL_SIGNAL } from "./roll-signal.ts";

const LOOK_MS = 200;
/** For the supervisor to have heard the signal. */
const HEARD_MS = 10_000;

export function build(command: Command): void {
  command
    .addOption(option("--data <dir>", "the --data of the `hawser start` that is meant", { env: "HAWSER_DATA", default: "data" }))
    .addHelpText(
      "after",
      `
Each gateway is replaced by a process of the program as it is now on disk, while its clients are sent on, each at a moment of its own.
Where ports are shared (hawser start --share-ports) the new process starts first; otherwise each gateway drains and starts again.
The same as: kill -USR2 PID-OF-HAWSER-START`,
    )
    .action(async ({ data }: { data: string }) => roll(data));
}

async function roll(data: string): Promise<void> {
  const path = join(data, "run.json");
  const before = readRecord(path);
  if (before === undefined || !runs(before.supervisor)) throw new Failure(`no Hawser runs on ${data}: give the --data of a running hawser start`);
  if (before.roll === undefined) throw new Failure(`process ${before.supervisor.pid}, which runs on ${data}, is no hawser start: it does not roll when asked`);
  if (before.roll.state === "running") throw new Failure("a rolling restart is under way");
  process.kill(before.supervisor.pid, ROLL_SIGNAL);
  const asked = performance.now();
  for (;;) {
    await sleep(LOOK_MS);
    const { roll } = readRecord(path) ?? {};
    if (roll === undefined || !runs(before.supervisor)) throw new Failure("hawser start ended meanwhile");
    if (roll.number === before.roll.number) {
      if (performance.now() - asked > HEARD_MS) throw new Failure(`process ${before.supervisor.pid} does not answer: look at what it prints`);
    } else if (roll.state === "failed") throw new Failure(roll.why ?? "it failed");
    else if (roll.state === "done") break;
  }
  console.log(`All gateways were replaced, in ${((performance.now() - asked) / 1000).toFixed(1)} s.`);
}

// The harness itself: on a clock that tells what the test says, so that right and wrong figures can be told apart.
import t from "tap";
import { type Candidate, calibrate, consumed, measure, quantile, spreadPercent } from "./measure.ts";
import { median } from "./process-cpu.ts";
import { formatTable, timingTable } from "./result.ts";

/** Work that takes so many µs of a clock of its own. */
class Clock {
  micros = 0;
  runs: string[] = [];
  readonly now = (): number => this.micros;

  work(name: string, micros: (run: number) => number, more: Partial<Candidate> = {}): Candidate {
    let run = 0;
    return {
      name,
      run: (count) => {
        this.micros += count * micros(run++);
        this.runs.push(name);
        return 1;
      },
      ...more,
    };
  }
}

t.test("medians, quantiles and spread", async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.ok(Number.isNaN(median([])));
  t.equal(quantile([1, 2, 3, 4, 5], 0.25), 2);
  t.equal(quantile([1, 2], 0.75), 1.75);
  t.equal(spreadPercent([10, 10, 10, 10, 90]), 0, "one outlier is none of its business");
  t.equal(spreadPercent([8, 9, 10, 11, 12]), 20);
  t.equal(spreadPercent([7]), 0);
});

t.test("a slice is as long as it should be, once the work is warm", async (t) => {
  const clock = new Clock();
  t.equal(
    await calibrate(
      clock.work("steady", () => 2),
      10,
      clock.now,
    ),
    5000,
  );
  t.ok(clock.micros >= 150_000, "it ran for long enough to be compiled");
  // Slow until it is compiled: what counts is how fast it is in the end.
  t.equal(
    await calibrate(
      clock.work("warming", (run) => (run < 8 ? 100 : 1)),
      10,
      clock.now,
    ),
    10_000,
  );
  t.equal(
    await calibrate(
      clock.work("uses up", () => 1, { countMax: 700 }),
      10,
      clock.now,
    ),
    700,
  );
  t.equal(
    await calibrate(
      clock.work("very slow", () => 1_000_000),
      10,
      clock.now,
    ),
    1,
    "at least once",
  );
});

t.test("rounds take turns, and ratios are those of the rounds", async (t) => {
  const clock = new Clock();
  // Once both were calibrated, the machine is three times slower in every second round.
  let slices = -1;
  const slow = (name: string): number => {
    if (slices >= 0) slices++;
    else if (name === "floor" && clock.runs.at(-1) === "work") slices = 0;
    return slices >= 0 && slices % 4 < 2 ? 3 : 1;
  };
  const prepared: number[] = [];
  const floor = clock.work("floor", () => 2 * slow("floor"));
  const work = clock.work("work", () => 10 * slow("work"), { floor: "floor", bytes: 40, prepare: (count) => void prepared.push(count) });
  const before = consumed;
  const { timings, unfit } = await measure([floor, work], { rounds: 8, sliceMs: 20, cpuMicros: clock.now });
  const [floorTiming, timing] = timings;
  t.equal(timing!.ratio_to_floor, 5);
  t.equal(timing!.spread_percent, 0, "a slow moment that hits both is not seen in the ratio");
  t.ok(floorTiming!.spread_percent > 0);
  t.equal(floorTiming!.ratio_to_floor, null);
  t.equal(timing!.mb_per_second, 40_000 / timing!.ns_per_op);
  t.equal(timing!.rounds, 8);
  t.equal(prepared.at(-1), timing!.ops_per_slice, "prepared for as many as run");
  t.equal(consumed - before, clock.runs.length, "what the work gives is used");
  const rounds = clock.runs.slice(-16).join(" ");
  t.equal(rounds, Array.from({ length: 4 }, () => "floor work work floor").join(" "), "another one begins each round");
  t.strictSame(unfit, ["1 of 2 rows vary by more than 40% between rounds"]);
  await t.rejects(measure([work], { rounds: 1, sliceMs: 1, cpuMicros: clock.now }), /floor that is not measured/);
});

t.test("a table shows three digits of what is small and all of what is large", async (t) => {
  const clock = new Clock();
  const { timings } = await measure([clock.work("a thing", () => 0.0123)], { rounds: 2, sliceMs: 1, cpuMicros: clock.now });
  const [title, head, row] = formatTable(timingTable("things", timings)).split("\n");
  t.equal(title, "things");
  t.match(head, /^ +ns\/op +ops\/s +± %$/, "no column without figures");
  t.match(row, /^ {2}a thing +12\.3 +81,300,813 +0$/);
  t.equal(
    formatTable({ title: "", columns: [{ key: "a", title: "a" }], rows: [{ a: null }, { a: 1234567 }, { a: 0.5 }, { a: 0 }] }),
    "\n  a\n  -\n  1,234,567\n  0.500\n  0",
  );
});

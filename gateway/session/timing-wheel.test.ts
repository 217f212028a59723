// The wheel against a model that looks at every id: nothing is due early, late or twice.
import fc from "fast-check";
import t from "tap";
import { TimingWheel } from "./timing-wheel.ts";

const CAPACITY = 24;
const TICK_MS = 10;

const step = fc.oneof(
  fc.record({
    kind: fc.constant("arm" as const),
    id: fc.nat(CAPACITY - 1),
    inMs: fc.oneof(fc.integer({ min: -50, max: 200 }), fc.integer({ min: 0, max: 3000 })),
  }),
  fc.record({ kind: fc.constant("disarm" as const), id: fc.nat(CAPACITY - 1), inMs: fc.constant(0) }),
  fc.record({ kind: fc.constant("advance" as const), id: fc.constant(0), inMs: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 2500 })) }),
);

t.test("agrees with a model", async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(1000), fc.integer({ min: -20, max: 120 }), (steps, start, rearmMs) => {
      let now = start / 3;
      const wheel = new TimingWheel(CAPACITY, TICK_MS, 32, now);
      const model = new Map<number, number>();
      for (const { kind, id, inMs } of steps) {
        if (kind === "arm") {
          wheel.arm(id, now + inMs);
          model.set(id, now + inMs);
        } else if (kind === "disarm") {
          wheel.disarm(id);
          model.delete(id);
        } else {
          now += inMs;
          const seen = new Set<number>();
          wheel.advance(now, {
            due: (dueId, at) => {
              const dueAt = model.get(dueId);
              if (dueAt === undefined || dueAt > at) throw new Error(`${dueId} reported at ${at}, due at ${dueAt}`);
              if (wheel.armed(dueId)) throw new Error("reported while armed");
              model.delete(dueId);
              // Some arm again from the report, and some disarm another one, which may be the next in its bucket.
              if (dueId % 3 === 0 && !seen.has(dueId)) {
                wheel.arm(dueId, at + rearmMs);
                model.set(dueId, at + rearmMs);
              }
              if (dueId % 5 === 0) {
                wheel.disarm((dueId + 7) % CAPACITY);
                model.delete((dueId + 7) % CAPACITY);
              }
              seen.add(dueId);
            },
          });
          const wholeTicks = Math.floor(now / TICK_MS) * TICK_MS;
          for (const [late, dueAt] of model) if (dueAt <= wholeTicks && !seen.has(late)) throw new Error(`${late} due at ${dueAt} not reported at ${now}`);
        }
        for (let other = 0; other < CAPACITY; other++) if (wheel.armed(other) !== model.has(other)) throw new Error(`armed(${other}) is ${wheel.armed(other)}`);
      }
    }),
    { numRuns: 3000 },
  );
});

t.test("a time further away than the wheel reaches is put on until it comes", async (t) => {
  const wheel = new TimingWheel(2, 10, 8, 0);
  const due: number[] = [];
  const sink = { due: (_id: number, now: number) => void due.push(now) };
  wheel.arm(0, 1000);
  for (let now = 0; now <= 1100; now += 7) wheel.advance(now, sink);
  t.equal(due.length, 1);
  t.ok(due[0]! >= 1000 && due[0]! <= 1017, `at ${due[0]}`);
  t.throws(() => new TimingWheel(1, 10, 7, 0), { name: "RangeError" });
});

// A short run of every fuzz target with fixed seeds (`npm run fuzz` is the long one), and the fuzzer itself: the same
// seed gives the same inputs, a planted fault is found and made small, and growing memory is noticed.
import t from "tap";
import { Random } from "../../proto/testing/random.ts";
import { FuzzRun, GROWTH_BYTES_MAX, TARGETS } from "./run.ts";
import { failureOf } from "./shrink.ts";
import { Input, expect, mutate } from "./target.ts";
import type { FuzzTarget } from "./target.ts";

const INPUTS = { frame: 300_000, message: 60_000, session: 150_000, proxy: 300_000, deflate: 40_000, heartbeat: 400_000 };

for (const [name, make] of Object.entries(TARGETS)) {
  t.test(`${name}: no rule is broken`, (t) => {
    const run = new FuzzRun(make(), 2026, INPUTS[name as keyof typeof INPUTS]);
    while (!run.done) run.slice(1000);
    const { failure } = run;
    if (failure !== undefined) t.fail(`${failure.rule}: ${Buffer.from(failure.minimal).toString("hex")}`, { stack: failure.stack });
    t.ok(run.inputs >= run.inputsWanted && run.cases > 100, `${run.inputs} inputs in ${run.cases} cases`);
    const growth = run.growthBytes();
    t.ok(growth < GROWTH_BYTES_MAX, `live memory grew by ${growth} bytes`);
    t.end();
  });

  t.test(`${name}: the same seed gives the same inputs, another gives others, and any bytes are an input`, (t) => {
    const inputs = (seed: number): string => {
      const target = make();
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => Buffer.from(target.generate(random)).toString("base64")).join(" ");
    };
    t.equal(inputs(1), inputs(1));
    t.not(inputs(1), inputs(2));
    const target = make();
    const random = new Random(3);
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(255),
      new Uint8Array(100),
      new Uint8Array(100).fill(255),
      ...Array.from({ length: 200 }, () => random.bytes(random.below(200))),
    ]) {
      const error = failureOf(target, bytes);
      if (error !== undefined) t.fail(`${error.message}: ${Buffer.from(bytes).toString("hex")}`);
    }
    t.end();
  });
}

t.test("a planted fault is found, and its input made small", (t) => {
  const faulty: FuzzTarget = {
    name: "faulty",
    unit: "bytes",
    generate: (random) => random.bytes(random.below(200)),
    check(input) {
      const at = input.indexOf(0x41);
      expect(at < 0 || input.indexOf(0x42, at) < 0, "no 0x42 behind a 0x41");
      return input.length;
    },
  };
  const run = new FuzzRun(faulty, 1, 1_000_000);
  run.slice(60_000);
  t.equal(run.done, true);
  t.equal(run.failure?.rule, "no 0x42 behind a 0x41");
  t.same([...run.failure!.minimal], [0x41, 0x42]);
  t.ok(run.failure!.found.length > 2);
  t.match(failureOf(faulty, run.failure!.minimal)?.message, /behind/, "and breaks the rule again by itself");
  t.end();
});

t.test("what throws anything else is a fault as well", (t) => {
  const throwing: FuzzTarget = {
    name: "throwing",
    unit: "bytes",
    generate: (random) => random.bytes(4),
    check(input) {
      if (input.length > 2) throw new TypeError("not an object");
      return 1;
    },
  };
  const run = new FuzzRun(throwing, 1, 100);
  run.slice(1000);
  t.equal(run.failure?.rule, "not an object");
  t.equal(run.failure?.minimal.length, 3);
  t.end();
});

t.test("memory that grows with the inputs is noticed", (t) => {
  const kept: Uint8Array[] = [];
  const leaking: FuzzTarget = {
    name: "leaking",
    unit: "inputs",
    generate: (random) => random.bytes(1),
    check() {
      kept.push(new Uint8Array(100_000));
      return 1;
    },
  };
  const run = new FuzzRun(leaking, 1, 640);
  while (!run.done) run.slice(0.001);
  const growth = run.growthBytes();
  t.ok(growth > GROWTH_BYTES_MAX, `${growth} bytes for ${kept.length} inputs`);
  t.end();
});

t.test("inputs: varints of any width, lengths put in front, damage within bounds", (t) => {
  const input = new Input(300);
  for (const [n, bytesMin, hex] of [
    [0, 1, "00"],
    [127, 1, "7f"],
    [128, 1, "8001"],
    [5, 3, "858000"],
    [2 ** 53 - 1, 1, "ffffffffffffff0f"],
  ] as const) {
    input.length = 0;
    input.varint(n, bytesMin);
    t.equal(Buffer.from(input.taken).toString("hex"), hex);
  }
  input.length = 0;
  input.byte(9);
  input.run(7, 130);
  input.prefixLength(1);
  t.equal(Buffer.from(input.taken).toString("hex"), `098201${"07".repeat(130)}`);
  const random = new Random(5);
  for (let i = 0; i < 2000; i++) {
    input.length = 0;
    input.byte(200);
    input.noise(random, random.below(400));
    mutate(random, input, 1);
    if (input.length < 1 || input.length > 300 || input.bytes[0] !== 200) t.fail("mutate left its part of the input");
  }
  t.end();
});

t.test("the generator of random numbers: even, repeatable, in range", (t) => {
  const random = new Random(12345);
  const counts = new Uint32Array(16);
  for (let i = 0; i < 160_000; i++) counts[random.below(16)]!++;
  // Fifteen degrees of freedom: above 45 in fewer than one of ten thousand fair draws.
  const chi = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  t.ok(chi < 45, `chi-squared ${chi.toFixed(1)}`);
  const first = Array.from({ length: 5 }, () => random.uint32());
  random.reseed(12345);
  for (let i = 0; i < 160_000; i++) random.below(16);
  t.same(
    Array.from({ length: 5 }, () => random.uint32()),
    first,
  );
  for (let i = 0; i < 1000; i++) {
    const value = random.spread(53);
    if (!Number.isSafeInteger(value) || value < 0) t.fail(`${value}`);
    const between = random.between(3, 5);
    if (between < 3 || between > 5) t.fail(`${between}`);
  }
  t.ok(random.chance(1) && !random.chance(0));
  t.ok(["a", "b"].includes(random.pick(["a", "b"])));
  t.end();
});

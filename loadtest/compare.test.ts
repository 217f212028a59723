// Comparing two results: what counts as noise, what makes two runs incomparable, and files that are no results.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { Failure } from "../cli/failure.ts";
import { type Comparison, compareFiles, compareResults, formatComparison } from "./compare.ts";
import { figuresOf, spreadOf } from "./compared-figures.ts";
import { parseResult } from "./read-result.ts";
import { brokenResult, emptyResult, madeUpResult } from "./report/testing/made-up-result.ts";
import type { Result } from "./result.ts";

function verdict(comparison: Comparison, name: string): string | undefined {
  return comparison.figures.find((figure) => figure.name === name)?.verdict;
}

t.test("a run and itself are the same", async (t) => {
  for (const make of [madeUpResult, brokenResult, emptyResult]) {
    const same = compareResults(make(), make());
    t.same([same.better, same.worse], [0, 0]);
    t.ok(same.figures.every((figure) => figure.verdict === "same" && (figure.a === 0 || figure.ratio === 1)));
  }
  const names = figuresOf(madeUpResult()).map(({ name }) => name);
  t.equal(new Set(names).size, names.length, "every figure has a name of its own");
  t.same(compareResults(madeUpResult(), madeUpResult()).warnings, []);
});

t.test("noise is no difference, more than noise is", async (t) => {
  const usual = madeUpResult({ seed: 1 });
  const again = compareResults(usual, madeUpResult({ seed: 2 }));
  for (const name of ["acked_per_second", "latency_p50_ms", "server_cpu_us_per_message"]) t.equal(verdict(again, name), "same", name);

  const dear = compareResults(usual, madeUpResult({ cost: 1.3 }));
  for (const name of ["server_cpu_us_per_message", "gateway_cpu_us_per_message", "server_bytes_per_connection"]) {
    t.equal(verdict(dear, name), "worse", name);
    t.equal(verdict(compareResults(madeUpResult({ cost: 1.3 }), usual), name), "better", name);
  }
  t.equal(dear.figures.find(({ name }) => name === "server_cpu_us_per_message")?.ratio?.toFixed(2), "1.30");

  const lost = compareResults(usual, { ...usual, lost: 1 });
  t.equal(verdict(lost, "lost"), "worse", "one lost message is one too many");
  t.equal(lost.figures.find(({ name }) => name === "lost")?.ratio, null);
  t.equal(verdict(compareResults(usual, { ...usual, frame_bytes: { ...usual.frame_bytes, Push: 58 } }), "frame_Push_bytes"), "worse");
  t.equal(verdict(compareResults(usual, { ...usual, server: null }), "server_bytes_per_connection"), "only in A");
  t.equal(verdict(compareResults({ ...usual, latency_ms: null }, usual), "latency_p99_ms"), "only in B");
  t.equal(verdict(compareResults(usual, { ...usual, driver_cpu_percent: 99 }), "driver_cpu_percent"), "different", "neither better nor worse");
  const idle = { ...usual, server: { ...usual.server!, idle_cpu_percent: { gateway: 2.2, logic: 0.3, nats: 0.4 } } };
  const small = compareResults(madeUpResult({ connections: 2000 }), madeUpResult({ connections: 2000, cost: 1.3 }));
  t.equal(verdict(small, "server_bytes_per_connection"), "same", "with few connections it may be the heap's own");
  t.equal(verdict(compareResults(usual, idle), "logic_idle_cpu_percent"), "same", "0.4% of a core cannot be measured");

  // p99s of single seconds that lie far apart make a wide noise: the same difference says less then.
  const restless: Result = {
    ...usual,
    samples: usual.samples.map((one, index) => (one.p99_ms === undefined ? one : { ...one, p99_ms: index % 2 === 0 ? 1 : 60 })),
  };
  const twice = (result: Result): Result => ({ ...result, latency_ms: { ...result.latency_ms!, p99: result.latency_ms!.p99 * 1.9 } });
  t.equal(verdict(compareResults(usual, twice(usual)), "latency_p99_ms"), "worse");
  t.equal(verdict(compareResults(restless, twice(restless)), "latency_p99_ms"), spreadOf(restless.samples.map((one) => one.p99_ms))! >= 0.9 ? "same" : "worse");
  t.equal(spreadOf([1, 2, 3, 4]), undefined, "four seconds say nothing");
  t.equal(spreadOf([10, 10, 10, 10, 10]), 0);
  t.equal(spreadOf([8, 9, 10, 11, 12]), 0.1);
});

t.test("better one way is worse the other", async () => {
  const part = fc.double({ min: 0.2, max: 5, noNaN: true });
  fc.assert(
    fc.property(part, part, part, (latency, memory, rate) => {
      const a = madeUpResult({ seconds: 12 });
      const b: Result = {
        ...a,
        latency_ms: { ...a.latency_ms!, p50: a.latency_ms!.p50 * latency },
        server: { ...a.server!, bytes_per_connection: a.server!.bytes_per_connection! * memory },
        samples: a.samples.map((one) => ({ ...one, acked_per_second: one.acked_per_second * rate })),
      };
      const [there, back] = [compareResults(a, b), compareResults(b, a)];
      const turned = { better: "worse", worse: "better", "only in A": "only in B", "only in B": "only in A", same: "same", different: "different" };
      return there.better === back.worse && there.figures.every(({ name, verdict: found }) => verdict(back, name) === turned[found]);
    }),
    { numRuns: 40 },
  );
});

t.test("what makes two runs hard to compare is said", async (t) => {
  const usual = madeUpResult();
  t.match(compareResults(usual, brokenResult()).warnings.join("\n"), /B is unfit: .*saturated.*\nB failed: .*\nscenario: direct in A/);
  const other: Result = {
    ...usual,
    connections: 10,
    options: { ...usual.options, rate: 1, json: "b.json" },
    machine: { ...usual.machine, cores: 64 },
    versions: { ...usual.versions, nats: null },
    driver: { ...usual.driver, wire: "net" },
  };
  t.same(compareResults(usual, other).warnings, [
    "connections: 20000 in A, 10 in B",
    "option rate: 5000 in A, 1 in B",
    "cores: 2 in A, 64 in B",
    "nats-server: 2.9.10 in A, none in B",
    "wire of the driver: epoll in A, net in B",
  ]);
  const table = formatComparison(compareResults(usual, madeUpResult({ cost: 1.3 }), ["before.json", "after.json"]));
  t.match(table, /^A {2}before\.json: npm run loadtest/);
  t.match(table, /^server_cpu_us_per_message +104 µs +135 µs +1\.3 +±10% +worse$/m);
  for (const make of [brokenResult, emptyResult]) t.notMatch(formatComparison(compareResults(make(), usual)), /NaN|Infinity|undefined/);
  t.match(table, /\d+ worse; the same: within 10%/);
});

t.test("files", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-compare-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const good = file("good.json", JSON.stringify(madeUpResult()));
  const compared = await compareFiles(good, file("broken.json", JSON.stringify(brokenResult())));
  t.equal(compared.a.name, good);
  t.same(JSON.parse(JSON.stringify(compared)), compared, "a comparison is plain JSON");
  const refused = async (path: string, why: RegExp): Promise<void> => {
    const error = await compareFiles(good, path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    t.ok(error instanceof Failure && error.message.startsWith(path), `${path}: ${error instanceof Error ? error.message : "accepted"}`);
    t.match((error as Error).message, why);
  };
  await refused(join(folder, "absent.json"), /cannot be read: ENOENT/);
  await refused(file("text.json", "{"), /not JSON/);
  await refused(file("list.json", "[1]"), /no "format"/);
  await refused(file("old.json", '{"format": 0}'), /format 0, this version reads 1/);
  await refused(file("cut.json", JSON.stringify({ ...madeUpResult(), check: undefined })), /check should be an object/);
  await refused(file("odd.json", JSON.stringify({ ...madeUpResult(), samples: [{ t: "1" }] })), /samples\[0\]\.\w+ should be a number/);
  for (const make of [madeUpResult, brokenResult, emptyResult]) t.ok(parseResult(JSON.stringify(make()), "made up"));
});

t.test("whatever a file holds, it is a result or a Failure", async () => {
  const whole = JSON.stringify(madeUpResult({ seconds: 3 }));
  const reads = (text: string): boolean => {
    try {
      formatComparison(compareResults(parseResult(text, "it"), madeUpResult({ seconds: 3 })));
    } catch (error) {
      return error instanceof Failure;
    }
    return true;
  };
  fc.assert(fc.property(fc.json(), reads));
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(JSON.parse(whole) as object)), fc.jsonValue(), (key, value) =>
      reads(JSON.stringify({ ...(JSON.parse(whole) as object), [key]: value })),
    ),
  );
});

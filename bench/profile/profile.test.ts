// What a profile is read as, where its functions are found, a stack that is really profiled, and the wrapper of clinic with a
// program in clinic's place.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import t from "tap";
import { formatCosts, profileCpu } from "./cpu.ts";
import { type CallFrame, type CpuProfile, profileCosts } from "./cpu-profile.ts";
import { locator } from "./locate.ts";
import { trafficFor } from "./traffic.ts";

const frame = (functionName: string, url = "", lineNumber = -1): CallFrame => ({ functionName, url, lineNumber, columnNumber: 0 });
const locate = ({ url, lineNumber }: CallFrame): { file: string; line: number } => ({ file: url, line: lineNumber + 1 });

t.test("costs: self and total time, idle apart, a function that calls itself counted once", (t) => {
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame("(root)"), children: [2, 3, 4, 8] },
      { id: 2, callFrame: frame("(idle)") },
      { id: 3, callFrame: frame("(garbage collector)") },
      { id: 4, callFrame: frame("outer", "a.ts", 9), children: [5, 7] },
      { id: 5, callFrame: frame("again", "a.ts", 19), children: [6] },
      { id: 6, callFrame: frame("again", "a.ts", 19), children: [] },
      { id: 7, callFrame: frame("writev") },
      { id: 8, callFrame: frame("(program)") },
    ],
    startTime: 0,
    endTime: 1000,
    // Each lasts until the next: idle 500, gc 50, again (inner) 100, again 50, outer 100, writev 150, program 50.
    samples: [2, 3, 6, 5, 4, 7, 8, 2],
    timeDeltas: [0, 500, 50, 100, 50, 100, 150, 50],
  };
  const costs = profileCosts(profile, locate);
  t.equal(costs.idlePercent, 50);
  t.equal(costs.samples, 8);
  t.strictSame(costs.functions, [
    { name: "again", place: "a.ts:20", selfPercent: 30, totalPercent: 30 },
    { name: "writev", place: "", selfPercent: 30, totalPercent: 30 },
    { name: "outer", place: "a.ts:10", selfPercent: 20, totalPercent: 80 },
    { name: "(garbage collector)", place: "", selfPercent: 10, totalPercent: 10 },
    { name: "(native code and the kernel)", place: "", selfPercent: 10, totalPercent: 10 },
  ]);
  t.strictSame(costs.places.slice(0, 2), [
    { place: "a.ts", selfPercent: 50 },
    { place: "(native functions)", selfPercent: 30 },
  ]);
  const text = formatCosts({ part: "logic", file: "x.cpuprofile", cpuUsPerMessage: 20, cpuPercent: 40, waitedPercent: 3, costs });
  t.match(text, /logic: 20\.0 µs of CPU a message on its main thread, 40% of one core; it waited 3% of its time/);
  t.match(text, /20\.0% +4\.00 +80\.0% {2}outer {2}a\.ts:10/);
  t.match(formatCosts({ part: "logic", file: "", cpuUsPerMessage: Number.NaN, cpuPercent: 0, waitedPercent: 0, costs }), "no messages");
  t.throws(() => profileCosts({ ...profile, samples: [] }, locate), RangeError);
  t.end();
});

t.test("costs: of any profile, self times make the whole, and no total is smaller than its self", (t) => {
  const anyTree = fc.array(fc.record({ parent: fc.nat(), name: fc.integer({ min: 0, max: 5 }), us: fc.nat(1000) }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(anyTree, (tree) => {
      const nodes: CpuProfile["nodes"] = [{ id: 1, callFrame: frame("(root)"), children: [] }];
      for (const [i, { parent, name }] of tree.entries()) {
        nodes[parent % (i + 1)]!.children!.push(i + 2);
        nodes.push({ id: i + 2, callFrame: frame(`f${name}`, "a.ts", name), children: [] });
      }
      const samples = tree.map((_, i) => i + 2);
      const timeDeltas = [0, ...tree.map(({ us }) => us)].slice(0, samples.length);
      const { functions, places } = profileCosts({ nodes, startTime: 0, endTime: 1, samples, timeDeltas }, locate);
      const spent = timeDeltas.some((us) => us > 0);
      const sum = functions.reduce((all, { selfPercent }) => all + selfPercent, 0);
      if (Math.abs(sum - (spent ? 100 : 0)) > 1e-6) throw new Error(`${sum}%`);
      if (Math.abs(places.reduce((all, { selfPercent }) => all + selfPercent, 0) - sum) > 1e-6) throw new Error("places differ");
      if (functions.some((cost) => cost.totalPercent < cost.selfPercent - 1e-6 || cost.totalPercent > 100 + 1e-6)) throw new Error("a total is off");
    }),
  );
  t.end();
});

t.test("locate: TypeScript by its source map, packages and Node's modules by name", (t) => {
  const dir = realpathSync(t.testdir({ dist: {}, node_modules: { p: { "x.js": "" } } }));
  // Line 3 of the output, column 2 and on, is line 42 of src/a.ts.
  writeFileSync(join(dir, "dist/a.js.map"), JSON.stringify({ version: 3, file: "a.js", sources: ["../src/a.ts"], names: [], mappings: ";;EAyCA" }));
  const at = locator(dir);
  const url = (path: string): string => pathToFileURL(join(dir, path)).href;
  t.strictSame(at({ ...frame("f", url("dist/a.js"), 2), columnNumber: 4 }), { file: "src/a.ts", line: 42 });
  t.strictSame(at(frame("f", url("dist/b.js"), 6)), { file: "dist/b.js", line: 7 });
  t.strictSame(at(frame("f", url("node_modules/p/x.js"), 0)), { file: "p/x.js", line: 1 });
  t.strictSame(at(frame("f", "node:net", 10)), { file: "node:net", line: 11 });
  t.end();
});

t.test("cpu: a stack is profiled while messages flow", async (t) => {
  const dir = t.testdir({});
  const lines: string[] = [];
  const { traffic, parts } = await profileCpu({
    scenario: "pairs",
    seconds: 1,
    connections: 20,
    parts: ["gateway", "logic"],
    dataDir: join(dir, "data"),
    out: join(dir, "out"),
    progress: (line) => lines.push(line),
  });
  // A timer may fire a little before its time.
  t.ok(traffic.messages > 10 && traffic.seconds > 0.5, traffic.what);
  t.ok(lines.includes("profiling gateway and logic"), lines.join("; "));
  for (const { part, file, cpuUsPerMessage, cpuPercent, waitedPercent, costs } of parts) {
    t.ok(cpuUsPerMessage > 0 && cpuPercent > 0 && waitedPercent >= 0 && waitedPercent < 100, part);
    t.ok(
      costs.functions.some(({ place }) => place.startsWith(`${part}/`)),
      "its own functions are among them, by their TypeScript files",
    );
    t.ok(costs.functions.every(({ place }) => !place.startsWith("dist/gateway/") && !place.startsWith("dist/logic/")));
    t.equal(file, join(dir, "out", `${part}.cpuprofile`));
    t.ok((JSON.parse(readFileSync(file, "utf8")) as CpuProfile).samples.length > 10);
  }
  t.notOk(existsSync(join(dir, "data/run.json")), "nothing runs any more");
  t.throws(() => trafficFor({ scenario: "nothing", seconds: 1 }), RangeError);
});

const CLINIC = `
import { writeFileSync } from "node:fs";
process.on("SIGINT", () => {
  writeFileSync("page.html", process.env.NO_INSIGHT + process.argv.slice(2).join(" "));
  process.exit(7);
});
setInterval(() => undefined, 1000);
console.log("up");
`;

t.test("wrapper: SIGTERM and the end of the channel become an interrupt, clinic works in its folder, its exit code is kept", async (t) => {
  const dir = t.testdir({ "clinic.mjs": CLINIC });
  const wrapper = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./wrapper.ts" : "./wrapper.js", import.meta.url));
  for (const how of ["SIGTERM", "disconnect"]) {
    const folder = join(dir, how);
    mkdirSync(folder);
    const child = spawn(process.execPath, [...process.execArgv, wrapper, folder, join(dir, "clinic.mjs"), "flame", "--", "x"], {
      detached: true,
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const exited = once(child, "exit");
    await once(createInterface({ input: child.stdout! }), "line");
    if (how === "SIGTERM") child.kill("SIGTERM");
    else child.disconnect();
    t.strictSame(await exited, [7, null], how);
    t.equal(readFileSync(join(folder, "page.html"), "utf8"), "1flame -- x");
  }
});

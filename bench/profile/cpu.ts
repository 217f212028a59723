// `hawser profile cpu`: V8's CPU profiles of gateway and logic while a scenario runs, and which functions cost the most. Node's own
// means only: the parts listen for an inspector, and their profilers are switched on for just the stretch that counts.
//
// V8 samples by the clock on the wall. A process that has to wait for a core does so where it was interrupted, most often in a
// write that woke somebody up, and that function would look costly. So where it is permitted, the parts get a real-time
// priority meanwhile and wait for nobody; how long they waited all the same is measured and shown.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Stack, startStack } from "../../cli/stack.ts";
import { type CpuProfile, type ProfileCosts, profileCosts } from "./cpu-profile.ts";
import { Inspector } from "./inspector.ts";
import { locator } from "./locate.ts";
import { type Traffic, type TrafficDone, trafficFor, type TrafficPlan } from "./traffic.ts";

export interface CpuProfileOptions extends TrafficPlan {
  parts: readonly string[];
  dataDir: string;
  /** Where the profiles go; made when it is not there. */
  out: string;
  progress: (line: string) => void;
}

export interface PartCosts {
  part: string;
  /** The profile, for Chrome's developer tools or speedscope. */
  file: string;
  /** Of the main thread, which alone runs JavaScript; with the profiler's own cost. */
  cpuUsPerMessage: number;
  /** Of one core. */
  cpuPercent: number;
  /** Of the time that it ran or could have run, it waited for a core: what makes shares wrong. */
  waitedPercent: number;
  costs: ProfileCosts;
}

/** Between two samples, each of which takes the process some 30 µs. */
const INTERVAL_US = 1000;
const INSPECTOR_MS = 10_000;

/** Starts a stack, runs the traffic, profiles the parts meanwhile. Throws when a part cannot be profiled. */
export async function profileCpu(options: CpuProfileOptions): Promise<{ traffic: TrafficDone; parts: PartCosts[] }> {
  const traffic = trafficFor(options);
  const urls = new Map<string, string>();
  const stack = await startStack({
    dataDir: options.dataDir,
    ports: "free",
    dev: true,
    logLevel: "error",
    tell: options.progress,
    env: { NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --inspect=127.0.0.1:0`.trim() },
    gatewayArgs: traffic.gatewayArgs,
    logicArgs: traffic.logicArgs,
    line: (part, text) => {
      const url = /^Debugger listening on (ws:\S+)/.exec(text)?.[1];
      if (url !== undefined) urls.set(part, url);
      else if (!/^(For help, see: |Debugger attached|Debugger ending)/.test(text)) options.progress(`${part}: ${text}`);
    },
  });
  const inspectors: Inspector[] = [];
  try {
    for (const part of options.parts) inspectors.push(await Inspector.connect(await urlOf(part, urls)));
    return await profile(stack, traffic, inspectors, options);
  } finally {
    for (const inspector of inspectors) inspector.close();
    await stack.stop();
  }
}

async function profile(
  stack: Stack,
  traffic: Traffic,
  inspectors: readonly Inspector[],
  { parts, out, progress }: CpuProfileOptions,
): Promise<{ traffic: TrafficDone; parts: PartCosts[] }> {
  const pids = parts.map((part) => stack.pids[part]!);
  let profiles: CpuProfile[] = [];
  let before: ThreadTimes[] = [];
  let after: ThreadTimes[] = [];
  let started = 0;
  let lasted = 0;
  const done = await traffic.run(stack, {
    async begin() {
      progress(`profiling ${parts.join(" and ")}`);
      await Promise.all(inspectors.map((inspector) => inspector.startProfile(INTERVAL_US)));
      if (!pids.every(hurry)) progress("no real-time priority is permitted: see how long the parts waited for a core");
      before = pids.map(mainThread);
      started = performance.now();
    },
    async end() {
      after = pids.map(mainThread);
      lasted = performance.now() - started;
      for (const pid of pids) chrt("--all-tasks", "--other", "--pid", "0", String(pid));
      profiles = await Promise.all(inspectors.map((inspector) => inspector.stopProfile()));
    },
  });
  mkdirSync(out, { recursive: true });
  const locate = locator();
  const found = parts.map((part, i) => {
    const file = join(out, `${part}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profiles[i]));
    const ranUs = after[i]!.ranUs - before[i]!.ranUs;
    const waitedUs = after[i]!.waitedUs - before[i]!.waitedUs;
    const messagesPerMs = done.messages / (done.seconds * 1000);
    return {
      part,
      file,
      cpuUsPerMessage: ranUs / lasted / messagesPerMs,
      cpuPercent: ranUs / lasted / 10,
      waitedPercent: (100 * waitedUs) / Math.max(1, ranUs + waitedUs),
      costs: profileCosts(profiles[i]!, locate),
    };
  });
  return { traffic: done, parts: found };
}

async function urlOf(part: string, urls: ReadonlyMap<string, string>): Promise<string> {
  const deadline = performance.now() + INSPECTOR_MS;
  for (;;) {
    const url = urls.get(part);
    if (url !== undefined) return url;
    if (performance.now() > deadline) throw new Error(`${part} does not listen for an inspector`);
    await delay(20);
  }
}

interface ThreadTimes {
  ranUs: number;
  /** It could have run, and had no core. */
  waitedUs: number;
}

/** Of the thread that runs JavaScript; the kernel counts in ns. */
function mainThread(pid: number): ThreadTimes {
  const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ");
  return { ranUs: Number(ran) / 1000, waitedUs: Number(waited) / 1000 };
}

/** All threads before everything else on this machine, and V8's sampler before them. Whether that is permitted. */
function hurry(pid: number): boolean {
  if (!chrt("--all-tasks", "--fifo", "--pid", "1", String(pid))) return false;
  const samplers = readdirSync(`/proc/${pid}/task`).filter((thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, "latin1").startsWith("v8:Prof"));
  return samplers.length > 0 && samplers.every((thread) => chrt("--fifo", "--pid", "2", thread));
}

function chrt(...args: string[]): boolean {
  return spawnSync("chrt", args, { stdio: "ignore" }).status === 0;
}

const ROWS = 20;
const PLACES = 10;

/** The costliest functions and files of a part, as text. */
export function formatCosts({ part, file, cpuUsPerMessage, cpuPercent, waitedPercent, costs }: PartCosts, rows: number = ROWS): string {
  const us = (percent: number): string => (Number.isFinite(cpuUsPerMessage) ? ((cpuUsPerMessage * percent) / 100).toFixed(2) : "-").padStart(8);
  const percent = (value: number): string => `${value.toFixed(1)}%`.padStart(7);
  const head = `${part}: ${Number.isFinite(cpuUsPerMessage) ? `${cpuUsPerMessage.toFixed(1)} µs of CPU a message on its main thread` : "no messages"}`;
  return [
    `${head}, ${cpuPercent.toFixed(0)}% of one core; it waited ${waitedPercent.toFixed(0)}% of its time for one (${costs.samples} samples)`,
    "     self  µs/msg   total  function",
    ...costs.functions
      .slice(0, rows)
      .map(
        ({ name, place, selfPercent, totalPercent }) => `  ${percent(selfPercent)}${us(selfPercent)} ${percent(totalPercent)}  ${name}${place && `  ${place}`}`,
      ),
    "     self  µs/msg  file",
    ...costs.places.slice(0, PLACES).map(({ place, selfPercent }) => `  ${percent(selfPercent)}${us(selfPercent)}  ${place}`),
    `  ${file} (for the Performance panel of Chrome's developer tools, or speedscope)`,
  ].join("\n");
}

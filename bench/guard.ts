// The regression guard: figures that no noise of a machine can move, measured now and compared with those that are kept in
// guard.json. A figure may drift by as much as stands beside it; beyond, it is worse (the guard fails) or better (to be kept with
// --update, so that it cannot get lost again). For all figures less is better.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inChild } from "./child.ts";
import { YOUNG_FLAGS, type Allocations } from "./allocations.ts";
import { instructionsOf, noInstructions } from "./instructions.ts";
import { frameRows } from "./micro/frames.ts";
import { gatewayInChild, logicInChild } from "./micro/sessions.ts";
import { wheelBytesInChild } from "./micro/wheel.ts";
import type { Row, Table } from "./result.ts";
import { fixedSamples } from "./samples.ts";

export interface KeptFigure {
  value: number;
  allowed_percent: number;
  /** What it is of, and how it is measured. */
  from: string;
  /** The version under which it was taken, of a figure that depends on V8; compared under the same major version only. */
  node?: string;
}

export interface Kept {
  format: 2;
  /** Day of the last --update. What that one skipped is older. */
  taken: string;
  figures: Record<string, KeptFigure>;
}

/** Figures by name. Left out, and why: see `skipped`. */
export interface Measured {
  figures: Map<string, KeptFigure>;
  skipped: Map<string, string>;
}

export const Verdict = { Kept: "ok", Worse: "WORSE", Better: "better", New: "new", Skipped: "skipped" } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export interface Compared {
  name: string;
  kept: number | null;
  now: number | null;
  drift_percent: number | null;
  allowed_percent: number | null;
  verdict: Verdict;
  /** Why it was skipped. */
  reason: string | null;
}

const KEPT_FILE = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./guard.json" : "../../bench/guard.json", import.meta.url));

/** Sessions in the processes that are looked at: few enough to be quick, enough that what is there once does not count. */
const SESSIONS = 20_000;
const SYNCED_SESSIONS = 5000;
const CONVERSATIONS = 20;
const WHEEL_SLOTS = 1_000_000;
const SAMPLES = 2000;

/** Sizes of structures repeat to the byte but for the heap's own housekeeping; allocations follow what a version's compiler decides. */
const EXACT = 0.5;
const MEMORY = 5;
const ALLOCATED = 10;
const COUNTED = 3;

/** How much is measured: what takes seconds, all but what takes minutes, or everything. */
export type Depth = "short" | "quick" | "full";

export async function measureGuard(depth: Depth, progress: (line: string) => void): Promise<Measured> {
  const measured: Measured = { figures: new Map(), skipped: new Map() };
  const add = (name: string, value: number, allowed_percent: number, from: string) =>
    measured.figures.set(name, { value: rounded(value), allowed_percent, from });
  // How large objects are, what gets allocated and to what functions are compiled is up to V8.
  const addOfNode = (name: string, value: number, allowed_percent: number, from: string) =>
    measured.figures.set(name, { value: rounded(value), allowed_percent, from, node: process.version });
  progress("frames");
  for (const { name, mean_bytes } of frameRows(fixedSamples(SAMPLES))) {
    add(`frame bytes, ${name}`, mean_bytes as number, EXACT, `mean over ${SAMPLES} built-in messages (micro/frames.ts)`);
  }
  const work = new URL(import.meta.url.endsWith(".ts") ? "./guard-work.ts" : "./guard-work.js", import.meta.url).href;
  const fabric = await inChild<{ up: number; down: number }>(work, "fabricBytes", []);
  add("fabric bytes up, Send", fabric.up, EXACT, "of an Up batch of 64 Sends (guard-work.ts)");
  add("fabric bytes down, Send", fabric.down, EXACT, "of Down batches with the ack and the push of each of 64 Sends (guard-work.ts)");

  progress("memory");
  addOfNode("timing wheel, bytes per slot", await wheelBytesInChild(WHEEL_SLOTS), 2, `a wheel of ${WHEEL_SLOTS} slots (micro/wheel.ts)`);
  const gateway = await gatewayInChild(SESSIONS);
  addOfNode("gateway, bytes per session", gateway.total_bytes, MEMORY, `heap and arrays of ${SESSIONS} sessions without sockets (micro/sessions.ts)`);
  const attached = await logicInChild(SESSIONS, -1);
  addOfNode("logic, bytes per session", attached.total_bytes, MEMORY, `heap and arrays of ${SESSIONS} attached sessions (micro/sessions.ts)`);
  if (depth !== "short") await measureHeads(addOfNode);

  for (const [name, call, what] of ALLOCATIONS.slice(0, depth === "short" ? 1 : undefined)) {
    progress(`allocations, ${name}`);
    const { heap_bytes, array_bytes } = await inChild<Allocations>(work, call, [], YOUNG_FLAGS);
    addOfNode(`allocated bytes, ${name}`, heap_bytes + array_bytes, ALLOCATED, `for each Send: ${what} (guard-work.ts)`);
  }
  if (depth === "short") return measured;

  const reason = depth === "full" ? noInstructions() : "left out";
  for (const [name, call, count] of INSTRUCTIONS) {
    if (reason !== undefined) {
      measured.skipped.set(name, reason);
      continue;
    }
    progress(`${name}: a minute`);
    addOfNode(name, await instructionsOf(work, call, count), COUNTED, `for each Send, counted by cachegrind over ${count} (guard-work.ts)`);
  }
  return measured;
}

const ALLOCATIONS = [
  ["gateway up", "gatewayUpAllocations", "from frames to the Up batch"],
  ["gateway down", "gatewayDownAllocations", "from a Down batch to the writes, per Push"],
  ["logic", "logicSendAllocations", "from the Up batch to the Down batch, store left out"],
] as const;

/** With the operations of the shorter of two runs. */
const INSTRUCTIONS = [
  ["instructions, gateway up", "gatewayUpWork", 81_920],
  ["instructions, logic", "logicSendWork", 16_384],
] as const;

async function measureHeads(add: (name: string, value: number, allowed_percent: number, from: string) => void): Promise<void> {
  const [empty, synced] = [await logicInChild(SYNCED_SESSIONS, 0), await logicInChild(SYNCED_SESSIONS, CONVERSATIONS)];
  const perHead = (synced.total_bytes - empty.total_bytes) / CONVERSATIONS;
  add(
    "logic, bytes per head in memory",
    perHead,
    MEMORY,
    `${SYNCED_SESSIONS} sessions that synced ${CONVERSATIONS} conversations, less those that synced none (micro/sessions.ts)`,
  );
}

/** Puts every figure beside what is kept of it. What was not measured, or was kept of another major version of Node, is skipped. */
export function compareGuard(kept: Kept, { figures, skipped }: Measured): Compared[] {
  const names = new Set([...Object.keys(kept.figures), ...figures.keys(), ...skipped.keys()]);
  return [...names].map((name) => {
    const was = kept.figures[name];
    const now = figures.get(name);
    const row = { name, kept: was?.value ?? null, now: now?.value ?? null, drift_percent: null, allowed_percent: was?.allowed_percent ?? null, reason: null };
    const reason = now === undefined ? (skipped.get(name) ?? "not measured") : otherNode(was, now);
    if (now === undefined || reason !== undefined) return { ...row, verdict: Verdict.Skipped, reason: reason! };
    if (was === undefined) return { ...row, verdict: Verdict.New };
    const drift_percent = was.value === now.value ? 0 : (100 * (now.value - was.value)) / was.value;
    const verdict = drift_percent > was.allowed_percent ? Verdict.Worse : drift_percent < -was.allowed_percent ? Verdict.Better : Verdict.Kept;
    return { ...row, drift_percent, verdict };
  });
}

/** What is kept when these figures are taken over: values anew, the drift that somebody allowed as it was. */
export function updated(kept: Kept, { figures }: Measured, now: Date): Kept {
  const merged: Record<string, KeptFigure> = { ...kept.figures };
  for (const [name, figure] of figures) merged[name] = { ...figure, allowed_percent: kept.figures[name]?.allowed_percent ?? figure.allowed_percent };
  return { format: 2, taken: now.toISOString().slice(0, 10), figures: merged };
}

export function guardTable(compared: readonly Compared[]): Table {
  return {
    title: "figures that no noise moves: kept, and now",
    columns: [
      { key: "name", title: "" },
      { key: "kept", title: "kept" },
      { key: "now", title: "now" },
      { key: "drift_percent", title: "drift %", digits: 1 },
      { key: "allowed_percent", title: "allowed %", digits: 1 },
      { key: "verdict", title: "" },
    ],
    rows: compared.map(({ reason: _, ...row }): Row => row),
  };
}

export function readKept(): Kept {
  if (!existsSync(KEPT_FILE)) return { format: 2, taken: "", figures: {} };
  return JSON.parse(readFileSync(KEPT_FILE, "utf8")) as Kept;
}

export function writeKept(kept: Kept): void {
  writeFileSync(KEPT_FILE, `${JSON.stringify(kept, undefined, 2)}\n`);
}

/** Why the two cannot be compared, where they cannot. */
function otherNode(was: KeptFigure | undefined, now: KeptFigure): string | undefined {
  if (was?.node === undefined || now.node === undefined || major(was.node) === major(now.node)) return undefined;
  return `kept of Node ${was.node}, and this is ${now.node}`;
}

function major(version: string): string {
  return version.split(".", 1)[0]!;
}

/** Four digits say it all, and keep the file's history readable. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}

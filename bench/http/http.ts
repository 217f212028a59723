// What requests to the HTTP ports cost: /healthz, /readyz and /metrics of a gateway and of logic, from autocannon, a process of
// its own. While idle: as many requests as the server answers. While messages flow, at a set rate: a set rate of requests too.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { startPairs } from "../pair-traffic.ts";
import { cpuMicros, median } from "../process-cpu.ts";
import type { Table } from "../result.ts";
import { ensureToolPackages } from "../tool-packages.ts";

export interface HttpTarget {
  host: string;
  /** Of a gateway that takes development tokens; messages go through it. */
  tcpPort: number;
  /** By part: where its HTTP port is, and its process. */
  parts: Record<string, { url: string; pid: number }>;
}

export interface HttpBenchOptions {
  /** Of each measurement. */
  seconds: number;
  rounds: number;
  /** That ask at once, while idle. */
  connections: number;
  /** Durable direct messages, while messages flow. */
  messagesPerSecond: number;
  texts: readonly Uint8Array[];
  progress: (line: string) => void;
}

export const HTTP_BENCH_OPTIONS = { seconds: 3, rounds: 3, connections: 10, messagesPerSecond: 1000 } as const;

/** Medians over the rounds. */
export interface HttpLevel {
  part: string;
  path: string;
  traffic: "idle" | "messages";
  requests_per_second: number;
  /** In whole ms, as autocannon counts; 0: below one. */
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
  /** Of the part's process. While messages flow: what it took more than without the requests; null where that is too little to be told from noise. */
  cpu_us_per_request: number | null;
  messages_per_second: number;
  bytes: number;
  /** Answers that were no 2xx, timeouts and lost connections, over all rounds. */
  errors: number;
}

/** And how often a second each is asked for while messages flow: enough to tell its CPU from that of the messages. */
const PATHS = { "/healthz": 1000, "/readyz": 1000, "/metrics": 100 };
const WARM_SECONDS = 1;
const PAIRS = 200;
/** By which CPU of the same messages differs from one time to the next. */
const NOISE = 0.2;

/** Measures every path of every part, rounds interleaved. Installs autocannon first where it is not there. */
export async function benchHttp(target: HttpTarget, options: HttpBenchOptions): Promise<HttpLevel[]> {
  const program = join(ensureToolPackages("http", "autocannon, with some 60 packages"), "node_modules/autocannon/autocannon.js");
  const places = Object.entries(target.parts).flatMap(([part, { url, pid }]) =>
    Object.entries(PATHS).map(([path, rate]) => ({ part, path, rate, url: url + path, pid })),
  );
  const measured = new Map<string, HttpLevel[]>();
  const keep = (level: HttpLevel): void => {
    const key = `${level.part} ${level.path} ${level.traffic === "idle" ? "idle" : "beside messages"}`;
    measured.set(key, [...(measured.get(key) ?? []), level]);
    options.progress(
      `${key}: ${Math.round(level.requests_per_second)} requests/s, p99 ${level.p99_ms} ms, ${level.cpu_us_per_request?.toFixed(0) ?? "?"} µs a request`,
    );
  };
  for (const { url } of places) await fire(program, url, { connections: options.connections, seconds: WARM_SECONDS });
  for (let round = 0; round < options.rounds; round++) {
    for (const { part, path, url, pid } of places) {
      const cpu = cpuMicros(pid);
      const shot = await fire(program, url, { connections: options.connections, seconds: options.seconds });
      keep({ part, path, traffic: "idle", ...figures(shot), cpu_us_per_request: (cpuMicros(pid) - cpu) / shot.requests.total, messages_per_second: 0 });
    }
    const pairs = await startPairs(target, PAIRS, `h${round.toString(36)}`.padEnd(5, "-"), options.texts, options.messagesPerSecond);
    try {
      await delay(WARM_SECONDS * 1000);
      for (const { part, path, rate, url, pid } of places) {
        const meter = (): { cpu: number; at: number; messages: number } => ({ cpu: cpuMicros(pid), at: performance.now(), messages: pairs.done });
        const before = meter();
        await delay(options.seconds * 1000);
        const between = meter();
        const shot = await fire(program, url, { connections: options.connections, seconds: options.seconds, rate });
        const after = meter();
        const usual = ((between.cpu - before.cpu) / (between.at - before.at)) * (after.at - between.at);
        const more = after.cpu - between.cpu - usual;
        keep({
          part,
          path,
          traffic: "messages",
          ...figures(shot),
          cpu_us_per_request: more > usual * NOISE ? more / shot.requests.total : null,
          messages_per_second: ((after.messages - between.messages) * 1000) / (after.at - between.at),
        });
      }
    } finally {
      pairs.stop();
      await delay(200);
    }
  }
  return [...measured.values()].map(medians);
}

/** The levels as a table. */
export function httpTable(levels: readonly HttpLevel[]): Table {
  return {
    title: "Requests to the HTTP ports",
    columns: [
      { key: "what", title: "" },
      { key: "requests_per_second", title: "requests/s", digits: 0 },
      { key: "p50_ms", title: "p50 ms", digits: 0 },
      { key: "p99_ms", title: "p99 ms", digits: 0 },
      { key: "max_ms", title: "max ms", digits: 0 },
      { key: "cpu_us_per_request", title: "server µs/request", digits: 0 },
      { key: "bytes", title: "bytes", digits: 0 },
      { key: "messages_per_second", title: "messages/s", digits: 0 },
      { key: "errors", title: "errors" },
    ],
    rows: levels.map(({ part, path, traffic, ...figures }) => ({ what: `${part} ${path}${traffic === "idle" ? "" : ", beside messages"}`, ...figures })),
  };
}

/** What is read of autocannon's JSON. */
interface Shot {
  duration: number;
  errors: number;
  non2xx: number;
  latency: { p50: number; p99: number; max: number };
  requests: { total: number };
  throughput: { total: number };
}

async function fire(program: string, url: string, plan: { connections: number; seconds: number; rate?: number }): Promise<Shot> {
  const args = [program, "--json", "--connections", String(plan.connections), "--duration", String(plan.seconds)];
  if (plan.rate !== undefined) args.push("--overallRate", String(plan.rate));
  const { stdout } = await promisify(execFile)(process.execPath, [...args, url], { maxBuffer: 1 << 20 });
  const shot = JSON.parse(stdout) as Shot;
  if (shot.requests.total === 0) throw new Error(`${url} answered no request`);
  return shot;
}

function figures(shot: Shot): Pick<HttpLevel, "requests_per_second" | "p50_ms" | "p99_ms" | "max_ms" | "bytes" | "errors"> {
  return {
    requests_per_second: shot.requests.total / shot.duration,
    p50_ms: shot.latency.p50,
    p99_ms: shot.latency.p99,
    max_ms: shot.latency.max,
    bytes: Math.round(shot.throughput.total / shot.requests.total),
    errors: shot.errors + shot.non2xx,
  };
}

/** Of the rounds of one path of one part; what went wrong is added up, and the worst stays the worst. */
export function medians(rounds: readonly HttpLevel[]): HttpLevel {
  const of = (read: (level: HttpLevel) => number): number => median(rounds.map(read));
  const first = rounds[0]!;
  const cpu = rounds.flatMap(({ cpu_us_per_request: us }) => (us === null ? [] : [us]));
  return {
    part: first.part,
    path: first.path,
    traffic: first.traffic,
    requests_per_second: of((level) => level.requests_per_second),
    p50_ms: of((level) => level.p50_ms),
    p99_ms: of((level) => level.p99_ms),
    max_ms: Math.max(...rounds.map((level) => level.max_ms)),
    cpu_us_per_request: cpu.length * 2 > rounds.length ? median(cpu) : null,
    messages_per_second: of((level) => level.messages_per_second),
    bytes: of((level) => level.bytes),
    errors: rounds.reduce((sum, level) => sum + level.errors, 0),
  };
}

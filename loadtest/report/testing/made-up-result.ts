// TEST INPUT, NOT A MEASUREMENT: results that look like those of a run, made from a seed, for tests of the report and of
// compare, and for looking at the page. No figure in here was ever measured.
import type { SweepInput } from "../../sweep.ts";
import { type PercentileCurve, RESULT_FORMAT, type Result, type Sample } from "../../result.ts";

export interface MadeUp {
  seconds?: number;
  connections?: number;
  rate?: number;
  seed?: number;
  /** Of CPU and memory. */
  cost?: number;
}

/** A result with everything in it. */
export function madeUpResult({ seconds = 60, connections = 20_000, rate = 5000, seed = 1, cost = 1 }: MadeUp = {}): Result {
  const random = randomFrom(seed);
  const wiggle = (part: number): number => 1 + (random() - 0.5) * 2 * part;
  const connectSeconds = Math.max(3, Math.round(seconds * 0.15));
  const settleSeconds = Math.max(2, Math.round(seconds * 0.06));
  const samples: Sample[] = [];
  for (let second = 1; second <= seconds; second++) {
    const connecting = second <= connectSeconds;
    const flowing = !connecting && second <= seconds - settleSeconds;
    const connected = connecting ? Math.round((connections * second) / connectSeconds) : connections;
    const pause = flowing && random() < 0.05;
    const acked = flowing ? Math.round(rate * wiggle(0.03) * (pause ? 0.6 : 1)) : 0;
    const p50 = pause ? 40 * wiggle(0.5) : 1.6 * wiggle(0.2);
    const p99 = p50 * (pause ? 8 : 5) * wiggle(0.3);
    samples.push({
      t: second,
      phase: connecting ? "connect" : flowing ? "traffic" : "settle",
      connected,
      welcomes_per_second: connecting ? Math.round(connections / connectSeconds) : 0,
      sent_per_second: flowing ? rate : 0,
      acked_per_second: acked,
      delivered_per_second: acked,
      errors: 0,
      ...(flowing && { p50_ms: p50, p99_ms: p99, max_ms: p99 * (1.5 + 3 * random()) }),
      driver_cpu_percent: (flowing ? 42 : connecting ? 30 : 4) * wiggle(0.1),
      ...(second > 1 && {
        server_cpu_percent: {
          gateway: (flowing ? 24 : connecting ? 31 : 2) * wiggle(0.08) * cost,
          logic: (flowing ? 19 : connecting ? 12 : 1) * wiggle(0.08) * cost,
          nats: (flowing ? 9 : connecting ? 4 : 0.6) * wiggle(0.08) * cost,
        },
      }),
      server_rss_bytes: { gateway: (9e6 + connected * 1900 * cost) * wiggle(0.004), logic: 61e6 + connected * 420 + second * 6e4, nats: 14e6 * wiggle(0.02) },
      kernel_bytes: 9e7 + connected * 5300,
      stolen_percent: pause ? 6 + 20 * random() : random() * 1.5,
    });
  }
  const acked = samples.reduce((sum, one) => sum + one.acked_per_second, 0);
  const split = { gateway: 47.2 * cost, logic: 38.6 * cost, nats: 17.9 * cost };
  return {
    format: RESULT_FORMAT,
    scenario: "direct",
    command: `npm run loadtest -- --scenario direct --connections ${connections} --seconds ${seconds} --rate ${rate} --json out.json --report out.html`,
    started: "2025-06-03T14:05:12.000Z",
    seconds,
    versions: { hawser: "0.1.0 (made up)", node: "v20.19.2", nats: "2.9.10", kernel: "6.1.0-test" },
    machine: { cpu: "Test input, not a machine", cores: 2, memory_bytes: 24 * 1024 ** 3, files_per_process: 1_048_576 },
    options: { connections, seconds, rate, transport: "tcp", drivers: 2, messages: "shared/data/sms.jsonl.gz" },
    connections,
    sent: acked,
    acked,
    delivered: acked,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    check: {
      sent: acked,
      acked,
      delivered: acked,
      lost: 0,
      duplicated: 0,
      out_of_order: 0,
      repeated_on_wire: 12,
      unacked: 0,
      heads_checked: connections / 2,
      heads_wrong: 0,
    },
    traces: [],
    latency_ms: { p50: 1.62, p90: 4.1, p99: 21.4, p999: 310, max: 884 },
    ack_latency_ms: { p50: 1.21, p90: 3.3, p99: 18.2, p999: 290, max: 862 },
    latency_curve: curve(0.5, 1.62, 884),
    ack_latency_curve: curve(0.4, 1.21, 862),
    server: {
      cpu_us_per_message: 103.7 * cost,
      cpu_us_per_message_over_idle: 98.2 * cost,
      cpu_us_per_delivery: 103.7 * cost,
      split,
      idle_cpu_percent: { gateway: 1.9 * cost, logic: 0.7 * cost, nats: 0.4 * cost },
      bytes_per_connection: 2340 * cost,
      bytes_per_connection_split: { gateway: 1911 * cost, logic: 418 * cost, nats: 11 * cost },
      kernel_bytes_per_connection: 5312,
    },
    memory_curve: Array.from({ length: 41 }, (_, step) => [(connections * step) / 40, 9e6 + ((connections * step) / 40) * 1900 * cost * wiggle(0.01)]),
    driver_cpu_percent: 43.8,
    driver: { processes: 2, cpu_percent: [43.8, 39.1], bytes_per_connection: 1312, lag_p99_ms: 1.9, wire: "epoll" },
    frame_bytes: { Hello: 118.2, Welcome: 61, Send: 49.3, Sent: 16.4, Push: 56.8, Beat: 1 },
    phases: [
      { name: "connect", seconds: connectSeconds, figures: { accepts_per_second: connections / connectSeconds, time_to_999_ms: connectSeconds * 1000 - 12 } },
      { name: "traffic", seconds: seconds - connectSeconds - settleSeconds, figures: { acked_per_second: rate * 0.99, time_to_first_ms: 3.2 } },
      { name: "settle", seconds: settleSeconds, figures: {} },
    ],
    samples,
    errors: {},
    unfit: [],
    failures: [],
    passed: true,
  };
}

/** One that failed, is unfit, and whose texts come from somebody who means harm. */
export function brokenResult(): Result {
  const result = madeUpResult({ seconds: 40, connections: 400, rate: 200, seed: 7 });
  const evil = `<script>alert("x")</script>&amp;'\u202e\u0000\ud800`;
  const at = Date.parse(result.started) + 20_000;
  return {
    ...result,
    scenario: evil,
    command: `npm run loadtest -- --scenario ${evil}`,
    options: { [evil]: evil, "--><svg onload=alert(1)>": true },
    errors: { Busy: 31, [evil]: 1, connection_lost: 4 },
    error_details: { Busy: evil },
    lost: 2,
    duplicated: 1,
    out_of_order: 1,
    check: { ...result.check, lost: 2, duplicated: 1, out_of_order: 1, unacked: 3, heads_wrong: 1 },
    traces: [
      { what: "lost", from: evil, to: "user-000017", client_seq: 12, seq: 40, intended: at, sent: at + 1, acked: at + 4, detail: evil },
      { what: "lost", from: "a".repeat(64), to: "b".repeat(64), device: "phone", client_seq: 13, seq: 41, intended: at + 5, sent: at + 5, acked: at + 9 },
      { what: "duplicated", from: "u1", to: "u2", device: evil, seq: 12, delivered: at + 90 },
      { what: "out_of_order", from: "u1", to: "u2", seq: 9, intended: at, sent: at, acked: at + 3, delivered: at + 14_000, detail: "after 11" },
      { what: "head_wrong", from: "u1", to: "u3", detail: "head is 7, 8 were acked" },
    ],
    phases: [...result.phases, { name: evil, seconds: 0.4, figures: { [evil]: 1 } }],
    samples: result.samples.map((one) => (one.phase === "settle" ? { ...one, phase: evil, errors: 3 } : one)),
    throttled_latency_ms: { p50: 900, p90: 4000, p99: 9000, p999: 9900, max: 12_000 },
    unfit: [
      "a driver process was saturated: 97% of a core (limit 85%); take more --drivers or a lower --rate",
      `the host took 14.2% of the machine's time away: ${evil}`,
    ],
    failures: ["2 messages were lost", "1 message was duplicated", `the time to be back was over its limit: ${evil}`],
    passed: false,
  };
}

/** One in which nothing happened, of a server that is not ours to look at. */
export function emptyResult(): Result {
  const result = madeUpResult();
  return {
    ...result,
    scenario: "idle",
    versions: { ...result.versions, nats: null },
    options: {},
    connections: 0,
    sent: 0,
    acked: 0,
    delivered: 0,
    check: { sent: 0, acked: 0, delivered: 0, lost: 0, duplicated: 0, out_of_order: 0, repeated_on_wire: 0, unacked: 0, heads_checked: 0, heads_wrong: 0 },
    latency_ms: null,
    ack_latency_ms: null,
    latency_curve: [],
    ack_latency_curve: [],
    server: null,
    memory_curve: [],
    driver: { processes: 1, cpu_percent: [], bytes_per_connection: null, lag_p99_ms: 0, wire: "net" },
    frame_bytes: {},
    phases: [],
    samples: [],
  };
}

/** Rises as latencies do: slowly to the 90th percentile, then towards the maximum with every nine. */
function curve(least: number, middle: number, most: number): PercentileCurve {
  const points: PercentileCurve = [];
  for (let step = 0; step <= 60; step++) {
    const nines = step / 12;
    const rise = nines < 1 ? least * ((middle * 2.5) / least) ** nines : middle * 2.5 * (most / (middle * 2.5)) ** (((nines - 1) / 4) ** 0.8);
    points.push([100 - 100 * 10 ** -nines, Math.min(most, rise)]);
  }
  return [...points, [100, most]];
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Runs of one load at several sizes, with costs that are flat but for the last, which costs `grown` times as much. */
export function madeUpSizes(grown = 1): SweepInput[] {
  const at = (connections: number, cost: number): SweepInput => {
    const result = madeUpResult({ connections, rate: 500 });
    const split = { gateway: 100 * cost, "idle gateways": connections / 1000, logic: 80 * cost, nats: 20 * cost };
    const total = Object.values(split).reduce((sum, value) => sum + value, 0);
    return {
      result: {
        ...result,
        connections,
        options: { ...result.options, gateways: Math.ceil(connections / 20_000), talkGateways: 1, talkers: 1000, rate: 500 },
        phases: [{ name: "hold", seconds: 30, figures: { acked_per_second: 500, messages_per_batch: 1.5 } }],
        server: {
          ...result.server!,
          split,
          cpu_us_per_message: total,
          cpu_us_per_message_over_idle: total - 20,
          idle_cpu_percent: { gateway: 0.5, "idle gateways": connections / 20_000, logic: 0.5, nats: 0 },
          bytes_per_connection: 1000,
          kernel_bytes_per_connection: 10_000,
        },
      },
    };
  };
  return [at(1000, 1), at(10_000, 1.05), at(100_000, 0.98), at(1_000_000, grown)];
}

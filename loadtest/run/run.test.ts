// The coordinator's pure parts: histograms that merge, counts that add up, verdicts and fitness, what is drawn; and the fleet
// with drivers that die, fall silent or refuse.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, encodeIntoCompressedBase64 } from "hdr-histogram-js";
import t from "tap";
import { CommanderError, Command } from "commander";
import { build as buildCommand } from "../../cli/loadtest.ts";
import type { Answers, DriverPlan, Tick, Verdict } from "../driver/control.ts";
import type { Sample } from "../result.ts";
import { dialsFor, SCENARIOS, scenarioNamed } from "../scenario/catalogue.ts";
import type { Dials, Figures, Stage } from "../scenario/scenario.ts";
import { connectingSeconds, mergeConnects, progress, type Seen, sessionsIn } from "./director.ts";
import { type FitnessFacts, unfitReasons } from "./fitness.ts";
import { Fleet } from "./fleet.ts";
import { Latencies } from "./histograms.ts";
import { driverPlans, gatewayArgs, idleWithTalkers, layOut, parseUrls, resolveHosts, serverNeeds, transportFor } from "./layout.ts";
import { connectionsThatFit, demandBytes, type Room, roomWords, shortages } from "./headroom.ts";
import { readRoom } from "./machine-room.ts";
import { memoryAccount } from "./memory.ts";
import { LiveView, renderBlock, renderLine, type ViewState } from "./live-view.ts";
import { commandLine } from "./machine.ts";
import { Meter } from "./meter.ts";
import { storeReadsOf } from "./own-server.ts";
import { makeResult, type ResultInput } from "./result.ts";
import { partOf, rssAnonBytes, type ServerLook, Servers, slabBytes, tcpBufferBytes } from "./servers.ts";
import { exitCode, renderTable } from "./table.ts";

function encoded(values: readonly number[]): string {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 });
  for (const value of values) histogram.recordValue(value);
  return encodeIntoCompressedBase64(histogram);
}

function tick(given: Partial<Tick> = {}): Tick {
  return {
    at: 0,
    connected: 0,
    welcomes: 0,
    closes: 0,
    connectErrors: 0,
    sent: 0,
    acked: 0,
    delivered: 0,
    beats: 0,
    bytesIn: 0,
    bytesOut: 0,
    errors: {},
    cpuPercent: 10,
    privateBytes: 50e6,
    ...given,
  };
}

function look(given: Partial<ServerLook> = {}): ServerLook {
  return {
    at: 0,
    cores: 2,
    cpuMicros: { gateway: 0, logic: 0 },
    privateBytes: { gateway: 40e6, logic: 50e6 },
    kernelBytes: 100e6,
    availableBytes: 1e9,
    stolenMicros: 0,
    ...given,
  };
}

t.test("histograms of several drivers and seconds merge to what one would have had", (t) => {
  const values = Array.from({ length: 10_000 }, (_, i) => 100 + ((i * 7919) % 50_000));
  const merged = new Latencies();
  for (let part = 0; part < 7; part++) merged.add(encoded(values.filter((_, i) => i % 7 === part)));
  const one = new Latencies();
  one.add(encoded(values));
  t.equal(merged.count, 10_000);
  t.strictSame(merged.percentiles(), one.percentiles());
  const sorted = [...values].sort((a, b) => a - b);
  for (const [name, percentile] of Object.entries({ p50: 50, p90: 90, p99: 99, p999: 99.9 })) {
    const exact = sorted[Math.ceil((percentile / 100) * sorted.length) - 1]! / 1000;
    const got = merged.percentiles()![name as "p50"];
    t.ok(Math.abs(got - exact) / exact < 0.002, `${name}: ${got} for ${exact}`);
  }
  const curve = merged.curve();
  t.strictSame(curve[0]![0], 0);
  t.strictSame(curve.at(-1), [100, merged.percentiles()!.max]);
  t.ok(
    curve.every(([percentile, value], i) => i === 0 || (percentile > curve[i - 1]![0] && value >= curve[i - 1]![1])),
    "ascending",
  );
  t.ok(curve.length > 80 && curve.length < 200, `${curve.length} points`);
  t.equal(new Latencies().percentiles(), null);
  t.strictSame(new Latencies().curve(), []);
  t.throws(() => merged.add("nonsense"));
  t.end();
});

t.test("the meter: totals of all drivers, samples by the second, windows by their edges", (t) => {
  const meter = new Meter(2);
  meter.tick(0, tick({ connected: 10, welcomes: 10, sent: 100, acked: 90, delivered: 80, deliveryUs: encoded([1000, 1200]), errors: { BUSY: 2 } }));
  meter.tick(1, tick({ connected: 5, welcomes: 5, sent: 50, acked: 50, delivered: 50, deliveryUs: encoded([1900]), closes: 1, cpuPercent: 60 }));
  const first = meter.sample(1, "connect", look({ at: 1000, cpuMicros: { gateway: 500_000, logic: 0 } }));
  t.match(first, { t: 1, phase: "connect", connected: 15, welcomes_per_second: 15, sent_per_second: 150, errors: 3, max_ms: 1.9, driver_cpu_percent: 60 });
  t.notOk("server_cpu_percent" in first, "nothing to compare with yet");

  const window = meter.open(1000, look({ at: 1000, cpuMicros: { gateway: 500_000, logic: 0 } }), true);
  const other = meter.open(1000, look({ at: 1000 }), false);
  meter.tick(
    0,
    tick({
      connected: 10,
      welcomes: 10,
      sent: 200,
      acked: 190,
      delivered: 180,
      deliveryUs: encoded([1800]),
      throttledUs: encoded([1700]),
      lagUs: encoded([1500]),
      errors: { BUSY: 2 },
    }),
  );
  const second = meter.sample(3, "traffic", look({ at: 3000, cpuMicros: { gateway: 1_500_000, logic: 200_000 }, stolenMicros: 400_000 }));
  t.match(second, {
    sent_per_second: 50,
    delivered_per_second: 50,
    p50_ms: 1.8,
    server_cpu_percent: { gateway: 50, logic: 10 },
    stolen_percent: 10,
    errors: 0,
  });
  const closed = meter.close(window, 3000, look({ at: 3000, cpuMicros: { gateway: 1_500_000, logic: 200_000 } }));
  t.match(closed, {
    seconds: 2,
    sent: 100,
    acked: 100,
    delivered: 100,
    latency: { p50: 1.8, max: 1.8 },
    throttledLatency: { p50: 1.7 },
    cpuMicros: { gateway: 1_000_000, logic: 200_000 },
    lagP99Ms: 1.5,
  });
  meter.close(other, 3000, look());
  meter.tick(0, tick({ deliveryUs: encoded([500]) }));
  t.equal(meter.headline.delivery.count, 1, "only what came while a headline window was open");
  t.equal(meter.all.delivery.count, 5);
  t.end();
});

t.test("/proc as it is written, and what logic shows", (t) => {
  const reads = ["conversations", "users", "repeats", "pages"].map((kind, i) => `hawser_logic_store_reads_total{kind="${kind}"} ${i + 1}`);
  t.same(storeReadsOf(`# TYPE x counter\n${reads.join("\n")}\n`), { conversations: 1, users: 2, repeats: 3, pages: 4 });
  t.throws(() => storeReadsOf(reads.slice(1).join("\n")), /conversations/, "what is not measured is not 0");
  t.throws(() => storeReadsOf(""), RangeError);
  t.equal(partOf("gateway-2/old"), "gateway");
  t.equal(rssAnonBytes("VmRSS:\t   90000 kB\nRssAnon:\t   12345 kB\nRssFile:\t 1 kB\n"), 12345 * 1024);
  t.throws(() => rssAnonBytes("VmRSS: 5 kB"), RangeError);
  t.equal(slabBytes("MemTotal: 1 kB\nSlab:             123456 kB\nSReclaimable: 5 kB"), 123456 * 1024);
  t.equal(tcpBufferBytes("sockets: used 17\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 163\nUDP: inuse 0 mem 7\n"), 163 * 4096);
  t.strictSame(["gateway", "gateway-2", "gateway-13", "logic"].map(partOf), ["gateway", "gateway", "gateway", "logic"]);
  t.end();
});

t.test("servers: this process as a gateway, one that is gone, one that came later", { skip: process.platform !== "linux" }, (t) => {
  const pids: Record<string, number> = { gateway: process.pid, "gateway-2": 2 ** 22 + 1 };
  const servers = new Servers(() => pids);
  const first = servers.look();
  t.equal(first.cpuMicros?.["gateway"], 0, "counts from the first look");
  t.ok(first.privateBytes!["gateway"]! > 5e6);
  const until = performance.now() + 10_000;
  while (servers.look().cpuMicros!["gateway"]! < 20_000 && performance.now() < until);
  t.ok(servers.look().cpuMicros!["gateway"]! >= 20_000, "and goes up");
  t.strictSame(servers.newcomers, []);
  pids["logic"] = process.ppid;
  servers.look();
  t.match(servers.newcomers, [/^logic is process/]);
  const nothing = new Servers(undefined).look();
  t.equal(nothing.cpuMicros, null);
  t.ok(nothing.kernelBytes! > 0);
  t.end();
});

const FIT: FitnessFacts = {
  driverCpuPercent: [40, 50],
  driverPeakPercent: 70,
  lagP99Ms: 1,
  latencyP99Ms: 20,
  stolenPercent: 1,
  rateAsked: 2000,
  rateSent: 1999,
  window: { sent: 20_000, acked: 19_900, delivered: 39_000, owed: 39_800, overLimit: 100 },
  passedOverPart: 0.02,
  nothingMeasured: false,
  skipped: 0,
  sessionsAsked: 2000,
  sessionsConnected: 2000,
  restarts: [],
  dataInMemory: false,
  interrupted: false,
};

t.test("fitness: each condition alone makes a run unfit, and says what", (t) => {
  t.strictSame(unfitReasons(FIT), []);
  const cases: [Partial<FitnessFacts>, RegExp][] = [
    [{ driverCpuPercent: [20, 91] }, /saturated: 91%/],
    [{ driverPeakPercent: 99 }, /for a second: 99%/],
    [{ dataInMemory: true }, /in memory \(tmpfs\)/],
    [{ lagP99Ms: 80, latencyP99Ms: 1000 }, /left late: 1% of them by more than 80 ms/],
    [{ lagP99Ms: 12 }, /more than half of the p99/],
    [{ stolenPercent: 14 }, /took 14.0%/],
    [{ rateSent: 1500 }, /1500 messages a second were sent, 2000/],
    [{ window: { ...FIT.window, acked: 18_000 } }, /18000 of 20000 \(90.0%\) messages were acked/],
    [{ window: { ...FIT.window, delivered: 30_000 } }, /30000 of 39800 \(75.4%\) deliveries came/],
    [{ passedOverPart: 0.1 }, /10.0% of the messages went to another sender/],
    [{ window: { ...FIT.window, overLimit: 2000 } }, /had to wait/],
    [{ nothingMeasured: true }, /there are no latencies/],
    [{ skipped: 7 }, /7 messages were not sent at all/],
    [{ sessionsConnected: 1990 }, /only 1990 of 2000/],
    [{ restarts: ["logic ended with signal SIGKILL"] }, /started again: logic ended/],
    [{ interrupted: true }, /stopped/],
  ];
  for (const [facts, reason] of cases) {
    const reasons = unfitReasons({ ...FIT, ...facts });
    t.equal(reasons.length, 1, JSON.stringify(facts));
    t.match(reasons[0], reason);
  }
  t.strictSame(unfitReasons({ ...FIT, lagP99Ms: 3, latencyP99Ms: 4 }), [], "a lag of little is of no account");
  t.strictSame(unfitReasons({ ...FIT, rateAsked: 0, rateSent: 0, latencyP99Ms: null }), []);
  t.end();
});

const VERDICT: Verdict = {
  sent: 100,
  acked: 100,
  delivered: 100,
  lost: 0,
  duplicated: 0,
  out_of_order: 0,
  repeated_on_wire: 0,
  unacked: 0,
  heads_checked: 20,
  heads_wrong: 0,
  traces: [],
  frames: { Send: { count: 100, bytes: 5200 }, Push: { count: 100, bytes: 6000 } },
};

function seenOf(given: Partial<Seen> = {}): Seen {
  return {
    seconds: 30,
    before: { ...look({ kernelBytes: 100e6 }), driverBytes: 60e6 },
    resting: {
      connections: 2000,
      look: look({ privateBytes: { gateway: 42e6, logic: 51e6 }, kernelBytes: 110e6 }),
      driverBytes: 62e6,
      seconds: 2,
      cpuMicros: { gateway: 20_000, logic: 40_000 },
    },
    connections: 2000,
    windows: [
      {
        seconds: 10,
        connectedFrom: 2000,
        connectedTo: 2000,
        sent: 20_000,
        acked: 20_000,
        delivered: 20_000,
        welcomes: 0,
        closes: 0,
        passedOver: 400,
        overLimit: 0,
        pulledRows: 0,
        latency: null,
        ackLatency: null,
        throttledLatency: null,
        cpuMicros: { gateway: 500_000, logic: 700_000 },
        driverCpu: [{ mean: 40, max: 50 }],
        lagP99Ms: 1,
        stolenPercent: 1,
        cpu: true,
        rateAsked: 2000,
        there: 1,
      },
    ],
    phases: [{ name: "traffic", seconds: 10, figures: { acked_per_second: 2000 } }],
    samples: [],
    failures: [],
    verdicts: [VERDICT, VERDICT],
    interrupted: false,
    warm: undefined,
    end: undefined,
    ...given,
  };
}

function inputOf(seen: Seen): ResultInput {
  const meter = new Meter(1);
  meter.tick(0, tick({ deliveryUs: encoded([9_000_000]), ackUs: encoded([9_000_000]), lagUs: encoded([9_000_000]) }));
  const window = meter.open(0, look(), true);
  meter.tick(0, tick({ deliveryUs: encoded([1000, 1500, 2000]), ackUs: encoded([900]), errors: { BUSY: 1 }, errorDetails: { BUSY: "too much" } }));
  meter.close(window, 1000, look());
  return {
    scenario: "direct",
    command: "npm run loadtest",
    started: "2026-01-01T00:00:00.000Z",
    versions: { hawser: "0.1.0", node: "v20", nats: "2.9.10", kernel: "Linux 6" },
    machine: { cpu: "x", cores: 2, memory_bytes: 1, files_per_process: 20_000 },
    options: { transport: "tcp", gateways: 1 },
    seen,
    meter,
    sessionsAsked: 2000,
    wire: "net",
    restarts: [],
    dataInMemory: false,
  };
}

t.test("a result: figures from windows, memory from the rest, verdicts added up", (t) => {
  const result = makeResult(inputOf(seenOf()));
  t.match(result, {
    format: 1,
    connections: 2000,
    sent: 200,
    acked: 200,
    delivered: 200,
    lost: 0,
    latency_ms: { p50: 1.5, max: 2 },
    ack_latency_ms: { p50: 0.9 },
    driver_cpu_percent: 40,
    frame_bytes: { Send: 52, Push: 60 },
    errors: { BUSY: 1 },
    error_details: { BUSY: "too much" },
    unfit: [],
    passed: true,
  });
  // 50 + 70 ms of CPU a second for 2,000 messages is 60 µs; idling takes 10 + 20 ms a second of it: 15 µs.
  t.match(result.server, { cpu_us_per_message: 60, cpu_us_per_message_over_idle: 45, cpu_us_per_delivery: 60, split: { gateway: 25, logic: 35 } });
  const half = seenOf().windows.map((window) => ({ ...window, connectedTo: 1000 }));
  t.match(makeResult(inputOf(seenOf({ windows: half }))).server, { cpu_us_per_message: 60, cpu_us_per_message_over_idle: null }, "others were resting");
  const busy = { ...seenOf().resting!, cpuMicros: { gateway: 900_000, logic: 0 } };
  t.equal(makeResult(inputOf(seenOf({ resting: busy }))).server?.cpu_us_per_message_over_idle, null, "never negative");
  t.match(result.server, { idle_cpu_percent: { gateway: 1, logic: 2 }, bytes_per_connection: 1500, kernel_bytes_per_connection: 5000 });
  t.strictSame(result.server?.bytes_per_connection_split, { gateway: 1000, logic: 500 });
  t.equal(result.driver.bytes_per_connection, null, "too few for that");
  const many = makeResult(inputOf(seenOf({ resting: { ...seenOf().resting!, connections: 20_000 } })));
  t.equal(many.driver.bytes_per_connection, 100);

  const few = makeResult(inputOf(seenOf({ resting: { ...seenOf().resting!, connections: 100 } })));
  t.equal(few.server?.bytes_per_connection, null, "too few to say");
  t.equal(makeResult(inputOf(seenOf({ before: { ...look({ privateBytes: null }), driverBytes: 0 } }))).server, null);
  t.match(result.driver, { passed_over_percent: 2, over_limit_percent: 0 });
  const unmeasured = { ...inputOf(seenOf()), meter: new Meter(1) };
  unmeasured.meter.tick(0, tick({ deliveryUs: encoded([1000]) }));
  t.match(makeResult(unmeasured), { latency_ms: null, unfit: [/there are no latencies/] }, "what warmed up is no substitute");
  const behind = seenOf().windows.map((window) => ({ ...window, delivered: 15_000 }));
  t.match(makeResult(inputOf(seenOf({ windows: behind }))).unfit, [/15000 of 20000 \(75.0%\) deliveries/]);
  const away = behind.map((window) => ({ ...window, there: 0.5, passedOver: 9000 }));
  t.strictSame(makeResult(inputOf(seenOf({ windows: away }))).unfit, [], "half was sent away");
  t.match(makeResult(inputOf(seenOf({ windows: [{ ...away[0]!, there: 1, delivered: 20_000 }] }))).unfit, [/^45.0% of the messages went to another/]);
  t.match(makeResult(inputOf(seenOf({ windows: [] }))).server, { cpu_us_per_message: null, cpu_us_per_delivery: null });
  t.end();
});

t.test("what was broken decides, whoever found it", (t) => {
  const broken: Partial<Verdict>[] = [{ lost: 1 }, { duplicated: 1 }, { out_of_order: 1 }, { unacked: 1 }, { heads_wrong: 1 }];
  broken.push({ not_pushed: 1 }, { heads_unchecked: 1 }, { foreign: 1 }, { protocol_errors: 1 });
  for (const counts of broken) {
    const result = makeResult(inputOf(seenOf({ verdicts: [VERDICT, { ...VERDICT, ...counts }] })));
    t.equal(result.passed, false, JSON.stringify(counts));
    t.equal(result.failures.length, 1);
    t.equal(exitCode(result, false, false), 1);
    t.match(renderTable(result), /FAILED/);
  }
  const demanded = makeResult(inputOf(seenOf({ failures: ["3 of 2000 sessions were not there"] })));
  t.equal(exitCode(demanded, false, false), 1);
  t.match(renderTable(demanded), /FAILED: 3 of 2000/);

  const repeated = makeResult(inputOf(seenOf({ verdicts: [{ ...VERDICT, repeated_on_wire: 5 }] })));
  t.equal(exitCode(repeated, false, true), 0, "rows that come again on the wire are allowed");
  const unfit = makeResult({ ...inputOf(seenOf()), restarts: ["logic ended"] });
  t.equal(exitCode(unfit, false, false), 0);
  t.equal(exitCode(unfit, false, true), 3);
  t.match(renderTable(unfit), /UNFIT/);
  t.equal(exitCode(makeResult(inputOf(seenOf({ interrupted: true }))), true, false), 2);
  const trace = { what: "lost", from: "a", to: "b", device: "phone", client_seq: 3, seq: 9, intended: 1000, acked: 2000 } as const;
  const many = { ...VERDICT, lost: 500, duplicated: 1, traces: [...Array(500).fill(trace), { ...trace, what: "duplicated" as const }] };
  t.match(makeResult(inputOf(seenOf({ verdicts: [many, VERDICT] }))).traces.at(-1), { what: "duplicated" }, "many of one kind hide no other");
  t.match(
    renderTable(makeResult(inputOf(seenOf({ verdicts: [{ ...VERDICT, lost: 1, traces: [trace] }] })))),
    /lost: a to b \(phone\), client_seq 3, seq 9, intended 00:00:01.000/,
  );
  t.end();
});

t.test("reconnects of several drivers", (t) => {
  const answer = (connected: number, us: number[]): Answers["connect"] => ({
    connected,
    failed: 1,
    tookMs: 10 * connected,
    reachedMs: { p50: 1, p99: connected, p999: 3, max: 4 },
    reachedUs: encoded(us),
  });
  const merged = mergeConnects([answer(50, Array(50).fill(1000)), answer(150, Array(150).fill(2000))]);
  t.match(merged, { connected: 200, failed: 2, tookMs: 1500, reachedMs: { p50: 2, max: 2 } });
  const { reachedUs: _, ...without } = answer(50, []);
  t.match(mergeConnects([answer(150, Array(150).fill(2000)), { ...without, connected: 0 }]).reachedMs, { p99: 2 }, "nobody of one driver");
  t.match(mergeConnects([without, answer(150, [1])]).reachedMs, { p99: 150, max: 4 }, "else the slowest");
  t.end();
});

t.test("how many processes, and what they are told", (t) => {
  const dials = (connections: number, rate = 0): Dials => dialsFor(scenarioNamed("direct"), { connections, rate });
  const layout = (connections: number, drivers?: number, gateways?: number, rate = 0) =>
    layOut({ dials: dials(connections, rate), drivers, gateways, filesMax: 20_000 }, true);
  t.strictSame(layout(2000), { gateways: 1, sessions: [2000] });
  t.strictSame(layout(100_000).gateways, 6);
  t.equal(layout(100_000).sessions.length, 6);
  const million = layout(1_000_000);
  t.strictSame([million.gateways, million.sessions.length, Math.max(...million.sessions)], [52, 52, 19_231], "within 20,000 files a process");
  t.strictSame(
    layOut({ dials: dials(40_000, 1000), talkers: 12_000, drivers: undefined, gateways: undefined, filesMax: 20_000 }, true).talkers,
    [6000, 6000, 0],
  );
  t.throws(() => layOut({ dials: { ...dials(100), talkGateways: 2 }, drivers: undefined, gateways: 1, filesMax: 20_000 }, true), /--talk-gateways 2 of 1/);
  t.equal(idleWithTalkers(1_000_000, 1000, 50, 1), 19_000 / 999_000, "the gateway of those who talk is as full as the others");
  t.equal(idleWithTalkers(1000, 1000, 1, 1), 0);
  t.equal(
    layout(100_000).sessions.reduce((a, b) => a + b),
    100_000,
  );
  t.strictSame(layout(10, 3).sessions, [3, 3, 4]);
  t.equal(layout(2000, undefined, undefined, 50_000).sessions.length, 3, "for the rate");
  t.throws(() => layout(40_000, 1), /more --drivers/);
  t.throws(() => layout(40_000, undefined, 1), /more --gateways/);
  t.throws(() => layout(3, 5), /fewer/);

  const setup = { cast: { kind: "pairs", talkers: 1 } as const };
  const common = { dials: dials(4), setup, run: "abc", seed: 1, messages: undefined, token: { kind: "dev" } as const };
  const talk = {
    dials: { ...dials(4), talkGateways: 1 },
    layout: { gateways: 2, sessions: [2, 2], talkers: [2, 0] },
    gateways: [{ tcp: "tcp://127.0.0.1:7" }, { tcp: "tcp://127.0.0.1:8" }],
  };
  const plans = driverPlans({ ...common, ...talk, platform: "linux" });
  t.match(plans[0], { cast: { kind: "pairs", talkers: 1 }, talk: { gateways: 1, idlePart: 0 } });
  t.match(plans[1], { cast: { kind: "pairs", talkers: 0 } }, "reads no messages");
  const plansOn = (tcp: string, platform: NodeJS.Platform) =>
    driverPlans({ ...common, layout: { gateways: 1, sessions: [2, 2] }, gateways: [{ tcp }], platform });
  t.strictSame(plansOn("tcp://127.0.0.1:7", "linux")[1]!.sources, ["127.1.1.1", "127.1.1.2", "127.1.1.3", "127.1.1.4"]);
  t.strictSame(plansOn("tcp://127.0.0.1:7", "darwin")[1]!.sources, []);
  t.strictSame(plansOn("tcp://10.0.0.1:7", "linux")[0]!.sources, []);
  t.match(gatewayArgs(dials(18_000), setup, 1, 20_000).slice(0, 2), ["--connections-max", "19744"]);
  t.match(gatewayArgs(dials(1000), setup, 1, 20_000).slice(0, 2), ["--connections-max", "1506"]);
  t.end();
});

t.test("a run that does not fit is refused, with the sum and what would", async (t) => {
  const demand = { connections: 1_000_000, gateways: 52, drivers: 52, ownStack: true, transport: "tcp" as const, connectRate: 2500 };
  const room: Room = {
    memoryBytes: 24e9,
    filesMax: 2_466_170,
    filesOpen: 600,
    epollWatchesMax: 5e6,
    tcpPages: [287_898, 383_867, 575_796],
    tracked: undefined,
  };
  t.strictSame(shortages(demand, room), []);
  t.match(roomWords(demand, room), /needed of 24.0 GB free; no rule tracks/);
  const refused = (given: Partial<Room>): string => {
    const short = shortages(demand, { ...room, ...given });
    t.equal(short.length, 1, JSON.stringify(given));
    return short[0]!;
  };
  const words = refused({ memoryBytes: 12e9 });
  t.match(words, /1000000 connections take about 1\d\.\d GB .* 12.0 GB are free: take --connections \d+000,/);
  const fits = connectionsThatFit(demand, 12e9);
  const part = fits / demand.connections;
  t.strictSame(
    shortages({ ...demand, connections: fits, gateways: Math.ceil(52 * part), drivers: Math.ceil(52 * part) }, { ...room, memoryBytes: 12.1e9 }),
    [],
  );
  t.match(refused({ tracked: { count: 10, max: 262_144 } }), /nf_conntrack_max=1200000, or leave loopback out/);
  t.match(refused({ filesMax: 1_000_000 }), /fs.file-max=2200000/);
  t.match(refused({ epollWatchesMax: 1_500_000 }), /max_user_watches=2200000/);
  t.match(refused({ tcpPages: [1000, 2000, 3000] }), /lower --connect-rate/);
  t.ok(demandBytes({ ...demand, ownStack: false }) < demandBytes(demand) / 1.5, "a server elsewhere has its memory there");
  const here = await readRoom();
  t.ok(process.platform !== "linux" || (here.memoryBytes! > 1e8 && here.filesMax! > 1000));
  t.end();
});

t.test("where the memory is", (t) => {
  const seen = seenOf({ end: { ...look({ kernelBytes: 120e6 }), driverBytes: 70e6, connections: 1990 } });
  const account = memoryAccount(seen)!;
  t.strictSame(account.bytes_per_connection, { gateway: 1000, logic: 500, drivers: 1000, kernel: 5000 });
  t.strictSame(account.before, { parts: { gateway: 40e6, logic: 50e6, drivers: 60e6, kernel: 100e6 }, all: 250e6, available: 1e9 });
  t.match(account.end, { connections: 1990, parts: { kernel: 120e6 } });
  t.equal(memoryAccount(seenOf({ resting: undefined })), undefined);
  const warmed = memoryAccount(
    seenOf({ warm: { ...look({ privateBytes: { gateway: 41e6, logic: 51e6 }, kernelBytes: 101e6 }), driverBytes: 61e6, connections: 1000 } }),
  )!;
  t.strictSame(warmed.further_bytes_per_connection, { gateway: 1000, logic: 0, drivers: 1000, kernel: 9000 }, "what comes after is what a connection costs");
  t.match(renderTable(makeResult(inputOf(seen))), /memory connected +gateway 40 MiB.* still free/);
  t.end();
});

t.test("addresses and transports", async (t) => {
  t.strictSame(await resolveHosts([{ tcp: "tcp://localhost:1", ws: "ws://localhost:2/localhost" }]), [
    { tcp: "tcp://127.0.0.1:1", ws: "ws://127.0.0.1:2/localhost" },
  ]);
  t.strictSame(await resolveHosts([{ tcp: "tcp://10.0.0.1:7" }]), [{ tcp: "tcp://10.0.0.1:7" }]);
  await t.rejects(resolveHosts([{ ws: "ws://nowhere.invalid:1" }]), /no IPv4 address of nowhere.invalid/);
  t.match(
    serverNeeds(dialsFor(scenarioNamed("fanout"), {}), scenarioNamed("fanout").setup(dialsFor(scenarioNamed("fanout"), {})), 1),
    /logic --sessions-per-user 100$/,
  );
  t.strictSame(parseUrls(["tcp://a:1,ws://b:2/x", "tcp://c:3"]), [{ tcp: "tcp://a:1" }, { ws: "ws://b:2/x" }, { tcp: "tcp://c:3" }]);
  for (const url of ["a:1", "http://a:1", "tls://a:1", "tcp://a", "wss://a"]) t.throws(() => parseUrls([url]), RangeError, url);
  const tcp = { tcp: "tcp://a:1" };
  const ws = { ws: "ws://a:1" };
  t.equal(transportFor([tcp, ws], undefined, "tcp"), "tcp");
  t.equal(transportFor([ws], undefined, "tcp"), "ws", "what there is");
  t.equal(transportFor([tcp, ws], "both", "tcp"), "both");
  t.throws(() => transportFor([tcp], "both", "tcp"), /needs a tcp:\/\/ and a ws:\/\//);
  t.throws(() => transportFor([tcp], "ws", "tcp"), /needs a ws:\/\//);
  t.equal(commandLine(["--scenario", "storm", "--json", "my file's.json"]), "npm run loadtest -- --scenario storm --json 'my file'\\''s.json'");
});

const SAMPLE: Sample = {
  t: 12.3,
  phase: "traffic",
  connected: 1999,
  welcomes_per_second: 3,
  sent_per_second: 2000,
  acked_per_second: 1998,
  delivered_per_second: 1997,
  errors: 0,
  p50_ms: 3.456,
  p99_ms: 45.67,
  max_ms: 234.5,
  driver_cpu_percent: 33.3,
  server_cpu_percent: { gateway: 20.4, logic: 30 },
  server_rss_bytes: { gateway: 42 * 1024 * 1024, logic: 1024 * 1024 },
  stolen_percent: 4,
};
const STATE: ViewState = {
  scenario: "direct",
  phase: "traffic",
  part: 0.5,
  secondsLeft: 130,
  sample: SAMPLE,
  sessions: 2000,
  sent: 12_345,
  acked: 12_340,
  delivered: 12_339,
  errors: { BUSY: 2 },
};

t.test("what is drawn", (t) => {
  const block = renderBlock(STATE, 200).join("\n");
  for (const words of [
    "direct: traffic",
    "50%",
    "2 min left",
    "1,999 of 2,000, 3 accepts/s",
    "p50 3.46 ms, p99 45.7 ms, max 235 ms",
    "gateway 20% 42 MiB",
    "host took 4%",
    "2 BUSY",
  ])
    t.ok(block.includes(words), words);
  t.ok(
    renderBlock(STATE, 40).every((line) => line.length <= 40),
    "lines fit",
  );
  t.match(renderLine(STATE), /^12 s traffic 50% \(.* left\): 1,999 connections, 2,000 sent\/s.*p50 3.46 ms.*errors: 2 BUSY$/);
  const { server_rss_bytes: _, server_cpu_percent: __, p50_ms: ___, ...blind } = SAMPLE;
  t.match(renderBlock({ ...STATE, sample: blind, errors: {} }, 200).join("\n"), /latency {6}–.*not ours to look at.*errors {7}none/s);

  const plain: string[] = [];
  const log = new LiveView({ isTTY: false, write: (text) => plain.push(text) });
  for (let second = 0; second < 12; second++) log.show({ ...STATE, sample: { ...SAMPLE, t: second } });
  log.show({ ...STATE, phase: "settle", sample: { ...SAMPLE, t: 12 } });
  log.end();
  t.equal(plain.length, 4, "a line every few seconds, and for a new phase");
  t.notMatch(plain.join(""), /\u001b/, "nothing that only a terminal understands");

  const drawn: string[] = [];
  const terminal = new LiveView({ isTTY: true, columns: 100, write: (text) => drawn.push(text) });
  terminal.show(STATE);
  terminal.show(STATE);
  const lines = renderBlock(STATE, 100).length;
  t.ok(drawn[1]!.startsWith(`\u001b[${lines}A`), "draws over what it drew");
  terminal.end();
  terminal.end();
  t.equal(drawn.length, 3);
  t.end();
});

t.test("progress", (t) => {
  const plan = [
    { name: "a", seconds: 2, what: "" },
    { name: "b", seconds: 8, what: "" },
  ];
  t.strictSame(progress(plan, "a", 1), { part: 0.1, secondsLeft: 9 });
  t.strictSame(progress(plan, "b", 4), { part: 0.6, secondsLeft: 4 });
  t.strictSame(progress(plan, "b", 400), { part: 1, secondsLeft: 0 }, "late is not more than all");
  t.strictSame(progress(plan, "a", 1, 12), { part: 1 / 20, secondsLeft: 19 }, "slower than planned");
  t.equal(connectingSeconds(250_000, 1_000_000, 100), 400);
  t.equal(connectingSeconds(100, 1_000_000, 100), undefined, "too few to tell");
  t.strictSame(progress(plan, "start", 4), { part: 0, secondsLeft: 10 }, "before the first");
  t.end();
});

/** A stage that says yes to everything at once: to see what a script asks for. */
function rehearsal(phases: string[], orders: string[]): Stage {
  let connected = 0;
  let window = 0;
  const noteOrder = (name: string, args: unknown[]): void => {
    orders.push(`${name} ${JSON.stringify(args)}`);
  };
  const windowOf = () => ({
    seconds: 1,
    connectedFrom: 600,
    connectedTo: 600,
    sent: 100,
    acked: 100,
    delivered: 50 + (window += 1) * 0,
    welcomes: 5,
    closes: 0,
    passedOver: 0,
    overLimit: 0,
    pulledRows: 0,
    latency: { p50: 1, p90: 1, p99: 2, p999: 2, max: 2 },
    ackLatency: null,
    throttledLatency: null,
    cpuMicros: { gateway: 1000 },
    driverCpu: [{ mean: 1, max: 1 }],
    lagP99Ms: 0,
    stolenPercent: 0,
  });
  let all = 0;
  const stage: Stage = {
    async phase(name, act) {
      phases.push(name);
      const figures: Figures = {};
      await act(figures);
      for (const [figure, value] of Object.entries(figures)) if (!Number.isFinite(value)) throw new Error(`${name}: ${figure} is ${value}`);
    },
    async connect(...args) {
      noteOrder("connect", args);
      const { from, to } = args[0] ?? { from: 0, to: 1 };
      all = Math.max(all, to);
      connected = Math.min(1, from === 0 ? to : Math.max(connected, to));
      return { connected: 1, failed: 0, tookMs: 5, reachedMs: { p50: 1, p99: 2, p999: 2, max: 2 } };
    },
    rest: async (...args) => noteOrder("rest", args),
    traffic: async (...args) => noteOrder("traffic", args),
    stopTraffic: async (...args) => noteOrder("stopTraffic", args),
    wait: async () => undefined,
    async measure(...args) {
      noteOrder("measure", args);
      return windowOf();
    },
    async during(act) {
      await act();
      return windowOf();
    },
    disconnect: async (...args) => noteOrder("disconnect", args),
    throttle: async (...args) => {
      noteOrder("throttle", args);
      return 6;
    },
    churn: async (...args) => noteOrder("churn", args),
    switchNetworks: async (...args) => noteOrder("switchNetworks", args),
    settle: async () => ({ settled: true, tookMs: 3 }),
    connected: async () => Math.round(connected * 600),
    gatewayBytes: () => 1e6,
    batches: async () => 7,
    baseline: async () => undefined,
    roll: async () => undefined,
    storeReads: async () => undefined,
    require: () => undefined,
  };
  return stage;
}

t.test("scenarios: each plays the phases that it announces, and leaves nothing switched on", async (t) => {
  for (const scenario of SCENARIOS) {
    const dials = dialsFor(scenario, { connections: 600 });
    const plan = scenario.phases(dials);
    const phases: string[] = [];
    const orders: string[] = [];
    await scenario.play(rehearsal(phases, orders), dials);
    t.strictSame(
      phases,
      plan.map(({ name }) => name),
      `${scenario.name}: phases`,
    );
    t.ok(plan.every(({ seconds, what }) => seconds > 0 && what !== ""));
    t.match(scenario.setup(dials).cast.kind, /^(pairs|fanout)$/);
    for (const verb of ["churn", "throttle", "switchNetworks"]) {
      const of = orders.filter((order) => order.startsWith(verb));
      const off = verb === "throttle" ? /,0\]$/ : verb === "churn" ? /,0,\d+\]$/ : /,0\]$/;
      if (of.length > 0) t.match(of.at(-1), off, `${scenario.name}: ${verb} ends`);
    }
  }
  t.throws(() => dialsFor(scenarioNamed("direct"), { devices: 5 }), /--devices means nothing to scenario direct/);
  t.throws(() => scenarioNamed("nope"), /there are direct/);
  t.throws(() => dialsFor(scenarioNamed("slow"), { percent: 100 }), /too much for scenario slow: at most 50/);
  t.equal(sessionsIn({ from: 0.05, to: 0.15 }, [7, 7, 6]), 3, "as drivers round");
});

t.test("--help names every scenario and its phases; wrong options end with 2", async (t) => {
  const make = (): { command: Command; out: () => string } => {
    let out = "";
    const command = new Command("loadtest").configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (out += text) });
    buildCommand(command);
    return { command, out: () => out };
  };
  const help = make();
  const ended = await help.command.parseAsync(["--help"], { from: "user" }).catch((error: unknown) => error);
  t.ok(ended instanceof CommanderError && ended.exitCode === 0);
  for (const { name, summary } of SCENARIOS) t.ok(help.out().includes(`${name}: ${summary}`), name);
  for (const args of [["--scenario", "nope"], ["--connections", "0"], ["--nope"], ["--percent", "-1"]]) {
    const { command } = make();
    const error = await command.parseAsync(args, { from: "user" }).catch((error: unknown) => error);
    t.ok(error instanceof CommanderError && error.exitCode === 2, args.join(" "));
  }
});

t.test("the fleet: orders and answers, a driver that refuses, one that dies, one that hangs", async (t) => {
  const program = join(t.testdir(), "driver.mjs");
  writeFileSync(
    program,
    `let ticks;
    process.on("message", (m) => {
      if (m.order === "plan") {
        if (m.plan.driver === 9) return;
        ticks = setInterval(() => process.send({ kind: "tick", tick: { driver: m.plan.driver } }), 20);
        process.send({ kind: "done", id: m.id, answer: { wire: "double", bareBytes: 50, messages: "m" } });
      } else if (m.order === "check") process.send({ kind: "failed", id: m.id, message: "no" });
      else if (m.order === "stopTraffic") process.stdout.write("about to go\\n", () => process.exit(7));
      else if (m.order === "churn") for (;;);
      else if (m.order === "settle" && m.quietMs === 9) clearInterval(ticks);
      else if (m.order === "end") process.exit(0);
      else process.send({ kind: "done", id: m.id, answer: { settled: true, tookMs: 5 } });
    });
    process.on("disconnect", () => setTimeout(() => process.exit(), 100));\n`,
  );
  const plan = (driver: number) => ({ driver }) as DriverPlan;
  const start = (drivers: number, silenceMs: number) => {
    const ticks: number[] = [];
    const events = { tick: (driver: number) => (ticks[driver] = (ticks[driver] ?? 0) + 1), line: () => undefined };
    return Fleet.start(
      Array.from({ length: drivers }, (_, i) => plan(i)),
      events,
      { program, silenceMs },
    ).then((fleet) => ({ fleet, ticks }));
  };
  const share = { from: 0, to: 1 };

  const { fleet, ticks } = await start(2, 60_000);
  t.equal(fleet.wire, "double");
  t.equal(fleet.bareBytes, 100);
  t.equal(fleet.messages, "m");
  t.strictSame(await fleet.all({ order: "settle", quietMs: 1, timeoutMs: 1 }), [
    { settled: true, tookMs: 5 },
    { settled: true, tookMs: 5 },
  ]);
  await fleet.nextTicks();
  t.ok(ticks[0]! > 0 && ticks[1]! > 0);
  await t.rejects(fleet.all({ order: "check" }), /driver [12]: no/);
  await t.rejects(fleet.all({ order: "stopTraffic" }), /driver \d of 2 ended with exit code 7, and said last:\n {2}about to go/);
  await t.rejects(fleet.nextTicks(), /ended with/, "whatever is asked afterwards");
  const { pids } = fleet;
  await fleet.stop();
  for (const pid of pids) t.throws(() => process.kill(pid, 0), { code: "ESRCH" }, "nothing is left running");

  const hanging = await start(1, 300);
  await t.rejects(hanging.fleet.all({ order: "churn", share, partPerMinute: 0, awayMs: 0 }), /no sign of life/);
  await hanging.fleet.stop();
  t.throws(() => process.kill(hanging.fleet.pids[0]!, 0), { code: "ESRCH" });

  const stopped = await start(1, 60_000);
  void stopped.fleet.all({ order: "settle", quietMs: 9, timeoutMs: 1 }).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const waiting = t.rejects(stopped.fleet.nextTicks(), /ended with/, "who waits when it is stopped does not wait for ever");
  await stopped.fleet.stop();
  await waiting;

  const kill = new AbortController();
  const starting = Fleet.start([plan(9)], { tick: () => undefined, line: () => undefined }, { program, kill: kill.signal });
  setTimeout(() => kill.abort(), 200);
  await t.rejects(starting, /ended with/, "a start can be ended");

  await t.rejects(
    Fleet.start([plan(0)], { tick: () => undefined, line: () => undefined }, { program: join(t.testdirName, "nothing.mjs") }),
    /ended with exit code 1/,
    "a program that is not there",
  );
});

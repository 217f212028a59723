// A driver against a real stack: what it counts must be exact whatever happens to connections and processes, and it must say so
// when messages do get lost (that is ledger.test.ts's part). No figure of time is judged here.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import t from "tap";
import { startStack } from "../../cli/stack.ts";
import { type Cast, makeCast } from "../cast/cast.ts";
import { sampleMessages } from "../cast/messages.ts";
import { FrameType, TYPE_MASK } from "../../proto/frame-type.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { metric } from "../e2e/testing/gateway-process.ts";
import { TamperingProxy } from "../e2e/testing/tampering-proxy.ts";
import { until } from "../e2e/testing/wait.ts";
import { type Answers, type DriverPlan, EVERYBODY, type FromDriver, type Tick, type ToDriver, type Verdict } from "./control.ts";
import { Driver } from "./driver.ts";

const folder = mkdtempSync(join(tmpdir(), "hawser-driver-"));
const SECRET = "a secret of the tests, which is long enough";
const stack = await startStack({
  dataDir: join(folder, "data"),
  ports: "free",
  quiet: true,
  gateways: 2,
  jwtSecret: SECRET,
  // The smallest budget for pushes that there is, so that slow readers are through with it soon.
  gatewayArgs: ["--sends-per-second", "2000", "--requests-per-second", "20000", "--push-bytes-max", "66560", "--heartbeat-ms", "1000"],
});
t.teardown(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});
const messages = join(folder, "messages.jsonl");
writeFileSync(
  messages,
  sampleMessages(2000)
    .map((message) => JSON.stringify(message))
    .join("\n"),
);

/** Texts of two kilobytes. */
const longMessages = join(folder, "long.jsonl");
writeFileSync(longMessages, Array.from({ length: 50 }, (_, i) => JSON.stringify({ from: "a", to: "b", text: `${i} `.repeat(700) })).join("\n"));

let runs = 0;
function plan(more: Partial<DriverPlan> = {}): DriverPlan {
  return {
    ...{ driver: 0, drivers: 1, sessions: 100, transport: "both", gateways: stack.urls.gateways, sources: ["127.1.0.1", "127.1.0.2"] },
    ...{
      run: `t${process.pid % 1000}${(runs++).toString(36)}`,
      seed: 7,
      cast: { kind: "pairs", talkers: 1 },
      messages,
      token: { kind: "secret", secret: SECRET },
    },
    ...more,
  };
}

/** A driver with what it reported. */
class Run {
  readonly ticks: Tick[] = [];
  driver!: Driver;

  static async open(more: Partial<DriverPlan> = {}): Promise<Run> {
    const run = new Run();
    run.driver = await Driver.open(plan(more), (tick) => run.ticks.push(tick), { reportMs: 100 });
    t.teardown(() => run.driver.end());
    return run;
  }

  get last(): Tick {
    return this.ticks.at(-1)!;
  }

  async connect(share = EVERYBODY): Promise<Answers["connect"]> {
    return (await this.driver.handle({ order: "connect", share, perSecond: 1000, timeoutMs: 30_000 })) as Answers["connect"];
  }

  async traffic(perSecond: number, senders = EVERYBODY): Promise<void> {
    await this.driver.handle({ order: "traffic", perSecond, senders });
  }

  /** Until so many more were acked. */
  async acked(count: number): Promise<void> {
    await this.nextTick();
    const before = this.last.acked;
    await until(
      () => this.last.acked >= before + count,
      () => `${count} more acks than ${before}: ${JSON.stringify(this.last)}`,
      20_000,
    );
  }

  async nextTick(): Promise<void> {
    const { length } = this.ticks;
    await until(() => this.ticks.length > length, "a tick");
  }

  async finish(): Promise<Verdict> {
    await this.driver.handle({ order: "stopTraffic" });
    await this.driver.handle({ order: "settle", quietMs: 10_000, timeoutMs: 40_000 });
    const verdict = (await this.driver.handle({ order: "check" })) as Verdict;
    await this.nextTick();
    return verdict;
  }
}

const CLEAN = {
  ...{ lost: 0, duplicated: 0, out_of_order: 0, unacked: 0, heads_wrong: 0, heads_unchecked: 0 },
  ...{ not_pushed: 0, foreign: 0, protocol_errors: 0, traces: [] },
};

t.test("the cast: everybody in one driver with their partners, the same each time, no two users of one name", (t) => {
  const messages = sampleMessages(2000);
  const input = (driver: number, sessions: number) => ({ driver, drivers: 3, sessions, seed: 1, plan: { kind: "pairs", talkers: 1 } as const });
  for (const sessions of [2, 3, 50, 119, 500]) {
    const casts = [0, 1, 2].map((driver) => makeCast(input(driver, sessions), messages));
    for (const [driver, cast] of casts.entries()) {
      t.same(makeCast(input(driver, sessions), messages).turns, cast.turns);
      check(cast, sessions);
      t.ok(cast.turns.length > 0 && cast.laneConversation.length > 0, "somebody talks");
    }
  }
  const few = makeCast({ ...input(0, 1000), drivers: 1, plan: { kind: "pairs", talkers: 0.1 } }, messages);
  t.ok(Math.max(...few.first, ...few.second) < 100, "a tenth of them talks");
  t.equal(few.sessions, 1000);
  // Half of the index is half of each neighbourhood.
  const halves = makeCast({ ...input(0, 240), drivers: 1 }, messages);
  const crossing = [...halves.first].filter((user, i) => halves.sessionsOf(user)[0]! < 120 !== halves.sessionsOf(halves.second[i]!)[0]! < 120).length;
  t.ok(crossing > halves.first.length / 4, `${crossing} of ${halves.first.length} conversations are between the halves`);

  const fanout = makeCast({ ...input(0, 31), plan: { kind: "fanout", devices: 9 } }, messages);
  check(fanout, 31);
  t.equal(fanout.first.length, 3);
  t.equal(fanout.users, 7, "three groups of two, and one who is left over");
  for (let g = 0; g < 3; g++) t.equal(fanout.sessionsOf(2 * g + 1).length, 9);
  t.throws(() => makeCast({ ...input(0, 8), plan: { kind: "fanout", devices: 9 } }, messages), /10 sessions/);
  t.end();

  function check(cast: Cast, sessions: number): void {
    const seen = new Set<number>();
    for (let user = 0; user < cast.users; user++) {
      for (const [device, session] of cast.sessionsOf(user).entries()) {
        seen.add(session);
        if (cast.userOf(session) !== user || cast.deviceOf(session) !== device) t.fail(`session ${session} is not device ${device} of user ${user}`);
      }
    }
    t.equal(seen.size, sessions, "every session is somebody's");
    t.ok(
      [...cast.turns].every((lane) => lane < cast.laneConversation.length),
      "turns name lanes",
    );
  }
});

t.test("direct messages over TCP and WebSocket: exact, with resets in the middle and slow readers", async (t) => {
  const run = await Run.open();
  const connected = await run.connect();
  t.match(connected, { connected: 100, failed: 0 });
  t.ok(connected.reachedMs.max >= connected.reachedMs.p50 && connected.reachedMs.p50 > 0);
  await run.traffic(500);
  await run.acked(300);
  t.match(run.last, { connected: 100, welcomes: 100, closes: 0, connectErrors: 0, errors: {}, skipped: 0, overLimit: 0, closeReasons: {} });
  t.ok(decodeFromCompressedBase64(run.last.deliveryUs!).totalCount > 0);
  t.ok(decodeFromCompressedBase64(run.last.ackUs!).totalCount > 0);
  t.equal(run.last.throttledUs, undefined);
  t.ok(run.last.cpuPercent > 0 && run.last.privateBytes > 1e6 && run.last.bytesOut > 10_000);

  // A third is cut off while it writes and is written to, and comes back.
  await run.driver.handle({ order: "disconnect", share: { from: 0.2, to: 0.5 }, how: "reset" });
  await run.acked(100);
  t.equal(run.last.connected, 70);
  t.match(await run.connect(), { connected: 30, failed: 0 });
  await run.driver.handle({ order: "churn", share: EVERYBODY, partPerMinute: 20, awayMs: 300 });
  await run.driver.handle({ order: "throttle", share: { from: 0.9, to: 1 }, bytesPerSecond: 20 });
  await run.acked(700);
  t.ok(run.last.welcomes > 150, `${run.last.welcomes} welcomes`);
  await run.driver.handle({ order: "churn", share: EVERYBODY, partPerMinute: 0, awayMs: 0 });
  await run.driver.handle({ order: "throttle", share: { from: 0.9, to: 1 }, bytesPerSecond: 0 });
  t.match(await run.connect(), { failed: 0 });
  const verdict = await run.finish();
  t.match(verdict, CLEAN, JSON.stringify(verdict.traces));
  t.equal(verdict.sent, verdict.acked);
  t.equal(verdict.delivered, verdict.sent);
  t.ok(verdict.heads_checked > 10);
  t.ok(verdict.frames["Send"]!.count >= verdict.sent && verdict.frames["Push"]!.bytes > verdict.frames["Push"]!.count * 20);
  t.ok(
    run.ticks.some(({ throttledUs }) => throttledUs !== undefined),
    "slow readers have latencies of their own",
  );
});

t.test("a fan-out to eight devices: a gateway is killed, another sends its clients away, and some read so slowly that they are told to sync", async (t) => {
  const run = await Run.open({ sessions: 27, cast: { kind: "fanout", devices: 8 }, messages: longMessages });
  t.match(await run.connect(), { connected: 27, failed: 0 });
  await run.traffic(100);
  await run.acked(30);
  let back = stack.restarted("gateway");
  stack.kill("gateway", "SIGKILL");
  await back;
  back = stack.restarted("gateway-2");
  stack.kill("gateway-2", "SIGTERM");
  await back;
  t.match(await run.connect(), { failed: 0 });
  await run.acked(30);
  t.ok(run.last.closes > 0 && Object.keys(run.last.closeReasons!).length > 0, JSON.stringify(run.last.closeReasons));
  t.ok(run.last.errors["GO_AWAY"]! > 0, "some were told to leave");
  await run.driver.handle({ order: "throttle", share: { from: 0.3, to: 0.6 }, bytesPerSecond: 1 });
  const resyncs = async (): Promise<number> => {
    const counts = await Promise.all(stack.urls.gateways.map(({ http }) => metric(http, "hawser_gateway_resyncs_total")));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const before = await resyncs();
  await until(
    async () => (await resyncs()) > before + 2,
    () => JSON.stringify(run.last),
    20_000,
  );
  await run.driver.handle({ order: "throttle", share: { from: 0.3, to: 0.6 }, bytesPerSecond: 0 });
  t.match(await run.connect(), { failed: 0 });
  const verdict = await run.finish();
  t.match(verdict, CLEAN, JSON.stringify(verdict.traces));
  t.equal(verdict.acked, verdict.sent);
  t.equal(verdict.delivered, 8 * verdict.sent);
  t.equal(verdict.heads_checked, 3);
  t.ok(run.last.pulledRows! > 0, "rows came in pages");
  t.ok(run.last.errors["RESYNC"]! > 0, JSON.stringify(run.last.errors));
});

t.test("people who are away are written to, and get it all when they return; networks that are lost", async (t) => {
  const run = await Run.open({ network: { profile: "wifi" }, transport: "tcp", sessions: 60 });
  t.match(await run.connect(), { connected: 60, failed: 0 });
  await run.driver.handle({ order: "disconnect", share: { from: 0.5, to: 1 }, how: "close", perSecond: 500 });
  await run.traffic(300, { from: 0, to: 0.5 });
  await run.acked(200);
  t.ok(run.last.delivered < run.last.acked, "some wait for those who are away");
  await run.driver.handle({ order: "switchNetworks", share: EVERYBODY, partPerMinute: 20 });
  t.match(await run.connect(), { failed: 0 });
  await run.acked(200);
  await run.driver.handle({ order: "switchNetworks", share: EVERYBODY, partPerMinute: 0 });
  const verdict = await run.finish();
  t.match(verdict, CLEAN, JSON.stringify(verdict.traces));
  t.equal(verdict.delivered, verdict.sent);
  t.ok(run.last.pulledRows! > 0, "rows came in pages");
  t.ok(run.last.beats > 0 && run.last.errors["IDLE_TIMEOUT"] === undefined, "who has nothing to say beats");
});

t.test("a server that keeps pushes back, sends strangers' rows, sends clients nowhere and breaks the protocol", async (t) => {
  let silent = false;
  let lie: Uint8Array | undefined;
  const proxy = await TamperingProxy.start(stack.urls.gateways[0]!.tcp, (from, header, _body, connection) => {
    if (from === "server" && silent && (header & TYPE_MASK) === FrameType.Push) return new Uint8Array();
    if (from === "server" && lie !== undefined && header === FrameType.Sent) {
      connection.toClient(lie);
      lie = undefined;
    }
    return undefined;
  });
  t.teardown(() => proxy.close());
  const run = await Run.open({ sessions: 20, transport: "tcp", sources: [], gateways: [{ tcp: proxy.url }] });
  t.match(await run.connect(), { connected: 20, failed: 0 });
  await run.traffic(100);
  await run.acked(20);
  const tell = async (frame: Uint8Array): Promise<void> => {
    lie = frame;
    await until(() => lie === undefined, "the lie is told");
  };
  await tell(encodeMessage(FrameType.Push, hawser.v1.Push, { from: Buffer.from("nobody"), seq: 1, payload: Buffer.from("hello") }));
  await tell(encodeMessage(FrameType.GoAway, hawser.v1.GoAway, { reconnectAfterMs: 0, target: "gateway.example:7400" }));
  await until(() => (run.last.errors["GO_AWAY_TARGET"] ?? 0) > 0 && run.last.connected === 20, "it stays with the gateway that it knows");
  await tell(encodeMessage(FrameType.Welcome, hawser.v1.Welcome, {}));
  await until(() => run.last.errors["PROTOCOL"] === 1 && run.last.connected === 20, "it comes back");
  t.match(run.last.errorDetails, { PROTOCOL: /second Welcome/ });
  await run.acked(20);
  silent = true;
  await run.acked(20);
  await run.driver.handle({ order: "stopTraffic" });
  t.match(await run.driver.handle({ order: "settle", quietMs: 2000, timeoutMs: 20_000 }), { settled: true });
  const verdict = await run.finish();
  t.match(verdict, { lost: 0, duplicated: 0, unacked: 0, heads_unchecked: 0, foreign: 1, protocol_errors: 1 });
  t.ok(verdict.not_pushed! > 0, JSON.stringify(verdict));
  for (const kind of ["not_pushed", "foreign", "protocol_error"])
    t.ok(
      verdict.traces.some(({ what }) => what === kind),
      kind,
    );
});

t.test("intervals that the server changes are heeded, each session's own; a GoAway's target is where it goes next", async (t) => {
  let welcomes = 0;
  let hellos = 0;
  const target = new URL(stack.urls.gateways[1]!.tcp).host;
  const proxy = await TamperingProxy.start(stack.urls.gateways[0]!.tcp, (from, header, body) => {
    if (from === "client" && header === FrameType.Hello) hellos++;
    if (from === "client" || header !== FrameType.Welcome) return undefined;
    // The first is told of a long time and then of a short one, the second of a short and then of a long one, the third to go elsewhere.
    const [first, then] = [[600_000, 1000] as const, [1000, 600_000] as const, [600_000, 600_000] as const][welcomes++ % 3]!;
    const welcome = encodeMessage(FrameType.Welcome, hawser.v1.Welcome, { ...hawser.v1.Welcome.decode(body), heartbeatMs: first });
    const beat = encodeMessage(FrameType.Heartbeat, hawser.v1.Heartbeat, { heartbeatMs: then });
    const leave = encodeMessage(FrameType.GoAway, hawser.v1.GoAway, { reconnectAfterMs: 100, target });
    return Buffer.concat(welcomes === 3 ? [welcome, leave] : [welcome, beat]);
  });
  t.teardown(() => proxy.close());
  const run = await Run.open({ sessions: 3, cast: { kind: "pairs", talkers: 0 }, transport: "tcp", sources: [], gateways: [{ tcp: proxy.url }] });
  t.match(await run.connect(), { connected: 3, failed: 0 });
  await until(() => run.last?.welcomes === 4 && run.last.connected === 3, "one went elsewhere");
  t.equal(hellos, 3, "and not through here");
  const { beats } = run.last;
  await until(() => run.last.beats >= beats + 4, "the one with the short interval beats, as does the one at a gateway of its own", 10_000);
  const verdict = await run.finish();
  t.match(verdict.frames["Heartbeat"], { count: 2 });
  t.equal(run.last.closes, 0);
  t.equal(run.last.errors["GO_AWAY_TARGET"], undefined);
});

t.test("more than the server lets one session send: what waits for that is late, and counts as late", async (t) => {
  const proxy = await TamperingProxy.start(stack.urls.gateways[0]!.tcp, (from, header, body) => {
    if (from === "client" || header !== FrameType.Welcome) return undefined;
    return encodeMessage(FrameType.Welcome, hawser.v1.Welcome, { ...hawser.v1.Welcome.decode(body), sendsPerSecond: 50 });
  });
  t.teardown(() => proxy.close());
  const run = await Run.open({ sessions: 2, transport: "tcp", sources: [], gateways: [{ tcp: proxy.url }] });
  t.match(await run.connect(), { connected: 2, failed: 0 });
  await run.traffic(400);
  await until(() => (run.last?.overLimit ?? 0) > 0, "some have to wait");
  t.match(await run.finish(), CLEAN);
  const lags = run.ticks.reduce((sum, { lagUs }) => sum + (lagUs === undefined ? 0 : decodeFromCompressedBase64(lagUs).totalCount), 0);
  t.equal(lags, run.last.sent, "every message that left has a lag");
});

t.test("orders that cannot be carried out are refused", async (t) => {
  await t.rejects(
    Driver.open(plan({ network: { profile: "telegraph" } }), () => undefined),
    /telegraph/,
  );
  await t.rejects(
    Driver.open(plan({ gateways: [{ tcp: "tcp://127.0.0.1:1" }] }), () => undefined),
    /both/,
  );
  await t.rejects(
    Driver.open(plan({ gateways: [{ tcp: "tls://127.0.0.1:1" }], transport: "tcp" }), () => undefined),
    /plain TCP/,
  );
  const run = await Run.open({ cast: { kind: "pairs", talkers: 0 }, sessions: 4, transport: "tcp", gateways: [{ tcp: "tcp://127.0.0.1:1" }] });
  await t.rejects(run.traffic(5), /nobody/);
  const answer = await run.driver.handle({ order: "connect", share: EVERYBODY, perSecond: 100, timeoutMs: 300 });
  t.match(answer, { connected: 0, failed: 4, refused: 0 });
  // A share may reach beyond everybody.
  await run.driver.handle({ order: "throttle", share: { from: 0.5, to: 1.5 }, bytesPerSecond: 1 });
  const strange = await Run.open({ sessions: 4, token: { kind: "secret", secret: "a secret that this server does not know of" } });
  const turnedAway = await strange.driver.handle({ order: "connect", share: EVERYBODY, perSecond: 100, timeoutMs: 600_000 });
  t.match(turnedAway, { connected: 0, failed: 4, refused: 4 }, "nothing is left to wait for");
  // A later order takes the place of one that would wait much longer.
  const first = run.driver.handle({ order: "connect", share: EVERYBODY, perSecond: 100, timeoutMs: 600_000 });
  t.match(await run.driver.handle({ order: "connect", share: EVERYBODY, perSecond: 100, timeoutMs: 100 }), { connected: 0, failed: 4 });
  t.match(await first, { connected: 0, failed: 4 });
  await run.nextTick();
  t.ok(run.last.connectErrors >= 4 && run.last.closeReasons!["connecting: ECONNREFUSED"]! >= 4);
});

t.test("a process of its own, which ends with its channel", async (t) => {
  const here = fileURLToPath(import.meta.url);
  const program = join(here, "..", here.endsWith(".ts") ? "process.ts" : "process.js");
  const child = fork(program, [], { execArgv: process.execArgv });
  t.teardown(() => child.kill("SIGKILL"));
  const answers = new Map<number, FromDriver>();
  let ticks = 0;
  child.on("message", (message: FromDriver) => (message.kind === "tick" ? ticks++ : answers.set(message.id, message)));
  const ask = async (order: ToDriver): Promise<FromDriver> => {
    child.send(order);
    await until(() => answers.has(order.id), `an answer to ${order.order}`, 20_000);
    return answers.get(order.id)!;
  };
  t.match(await ask({ id: 1, order: "check" }), { kind: "failed", message: /plan/ });
  t.match(await ask({ id: 2, order: "plan", plan: plan({ sessions: 20 }) }), {
    kind: "done",
    answer: { wire: /epoll|net/, messages: "messages.jsonl, 2000 messages" },
  });
  t.match(await ask({ id: 3, order: "connect", share: EVERYBODY, perSecond: 100, timeoutMs: 10_000 }), { answer: { connected: 20 } });
  await until(() => ticks > 0, "a tick");
  child.disconnect();
  const [code] = await once(child, "exit");
  t.equal(code, 0);
});

// A whole gateway on real sockets and a real NATS server, with a small logic peer behind it.
import { createHmac } from "node:crypto";
import t, { type Test } from "tap";
import type { Bus, KeyValue } from "../proto/bus.ts";
import { connectBus } from "../proto/bus-nats.ts";
import { ErrorCode, errorFrame, errorName } from "../proto/error-code.ts";
import { encodeFrame, encodeMessage } from "../proto/frame.ts";
import { FrameType } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { LINK_LIMITS } from "../proto/link.ts";
import { gatewaySubject, logicSubject, ownerKey, ownersBucket } from "../proto/subject.ts";
import { type GatewayOptions, gatewayConfig } from "./config.ts";
import { SILENT } from "./log.ts";
import { type RunningGateway, runGateway } from "./main.ts";
import { type Client, type ClientKind, openClient } from "./testing/client.ts";
import { LogicPeer, type LogicPeerOptions } from "./testing/logic-peer.ts";
import { freePort, startNats, type TestNats } from "./testing/nats-server.ts";

const Class = { Control: 0, Push: 1, Sync: 2, Close: 3 };
const LINKS = { ...LINK_LIMITS, beatMs: 100, resendMs: 100, lostMs: 1500 };
const bytesOf = (value: string) => new TextEncoder().encode(value);
let clusters = 0;

/** A logic peer on a bus of its own; `passes` says of each batch whether it gets through. */
class BusPeer {
  readonly peer: LogicPeer;
  passes: () => boolean = () => true;
  private readonly bus: Bus;
  private readonly ticking: NodeJS.Timeout;
  private readonly owners: KeyValue;

  constructor(bus: Bus, owners: KeyValue, cluster: string, options: Partial<LogicPeerOptions> = {}) {
    this.bus = bus;
    this.owners = owners;
    const incarnation = new Uint8Array(8).map(() => Math.random() * 256);
    this.peer = new LogicPeer({
      incarnation,
      now: () => performance.now(),
      limits: LINKS,
      publish: (gateway, bytes) => {
        if (this.passes()) bus.publish(gatewaySubject(cluster, gateway), bytes);
      },
      ...options,
    });
    bus.subscribe(logicSubject(cluster, incarnation), (bytes) => {
      if (this.passes()) this.peer.receive(bytes.slice());
    });
    this.ticking = setInterval(() => this.peer.tick(), 50);
  }

  async own(): Promise<void> {
    const key = ownerKey(0, 255);
    const entry = await this.owners.get(key);
    if ((await this.owners.update(key, this.peer.owner, entry?.revision ?? 0)) === undefined) throw new Error("somebody else wrote the owner's key");
  }

  /** Its end, without a word to anybody. */
  async kill(): Promise<void> {
    clearInterval(this.ticking);
    await this.bus.close();
  }
}

interface Scene {
  cluster: string;
  running: RunningGateway;
  logic: BusPeer;
  newLogic(options?: Partial<LogicPeerOptions>): Promise<BusPeer>;
  open(kind: "tcp" | "ws", user: string, hello?: hawser.v1.Hello.$Properties): Promise<Client>;
}

async function scene(t: Test, nats: TestNats, options: GatewayOptions = {}, peerOptions: Partial<LogicPeerOptions> = {}): Promise<Scene> {
  const cluster = `test-${++clusters}`;
  const running = await runGateway(
    gatewayConfig({
      cluster,
      natsServers: nats.url,
      host: "127.0.0.1",
      tcpPort: 0,
      webSocketPort: 0,
      adminPort: 0,
      devTokens: true,
      heartbeatMs: 1000,
      drainMs: 600,
      lingerMs: 300,
      linkLimits: LINKS,
      sendsPerSecond: 10_000,
      ...options,
    }),
    SILENT,
  );
  t.teardown(() => running.stop());
  const newLogic = async (more: Partial<LogicPeerOptions> = {}) => {
    const bus = await connectBus({ servers: nats.url, name: "logic" });
    const logic = new BusPeer(bus, await bus.keyValue(ownersBucket(cluster)), cluster, { ...peerOptions, ...more });
    t.teardown(() => logic.kill());
    await logic.own();
    return logic;
  };
  const logic = await newLogic();
  await until(() => running.gateway.ready, "the gateway to be ready");
  const open = async (kind: ClientKind, user: string, hello: hawser.v1.Hello.$Properties = {}) => {
    const client = await openClient(kind, kind === "tcp" ? running.tcpPort! : running.webSocketPort!);
    t.teardown(() => client.destroy());
    client.write(helloFrame(user, hello));
    return client;
  };
  return { cluster, running, logic, newLogic, open };
}

function helloFrame(user: string, fields: hawser.v1.Hello.$Properties = {}): Uint8Array {
  const hello = {
    versionMin: 1,
    versionMax: 1,
    token: `dev:${user}`,
    device: bytesOf("phone"),
    install: bytesOf(user.padEnd(8, "-").slice(0, 8)),
    connection: 1,
    ...fields,
  };
  return encodeMessage(FrameType.Hello, hawser.v1.Hello, hello);
}

function sendFrame(peer: string, clientSeq: number, payload = ""): Uint8Array {
  return encodeMessage(FrameType.Send, hawser.v1.Send, { peer: bytesOf(peer), clientSeq, payload: bytesOf(payload) });
}

const pushFrame = (seq: number, bytes = 0) => encodeMessage(FrameType.Push, hawser.v1.Push, { from: bytesOf("bob"), seq, payload: new Uint8Array(bytes) });
const seqOf = (body: Uint8Array) => hawser.v1.Push.decode(body).seq;

async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !condition(); ) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function errorOf(client: Client): Promise<string> {
  const { code, ref, closes } = hawser.v1.Error.decode(await client.next(FrameType.Error));
  return `${errorName(code)}${ref > 0 ? ` ref ${ref}` : ""}${closes ? " closes" : ""}`;
}

const nats = await startNats();
t.teardown(() => nats?.stop());

t.test("on real NATS", { skip: nats === undefined ? "no nats-server on this machine" : false }, async (t) => {
  if (nats === undefined) return;

  t.test("Hello to Welcome, up and down, over both transports", async (t) => {
    const { logic, open, running } = await scene(t, nats);
    const alice = await open("tcp", "alice", { sync: true, watermark: Uint8Array.of(1, 2, 3), connection: 9, frameBytesMax: 5000 });
    alice.write(Buffer.concat([sendFrame("bob", 1), Uint8Array.of(0), sendFrame("bob", 2)]));
    const welcome = hawser.v1.Welcome.decode(await alice.next(FrameType.Welcome));
    t.match(welcome, { version: 1, heartbeatMs: 1000, frameBytesMax: 512 * 1024, user: bytesOf("alice") });
    t.equal((await alice.next(0)).length, 0, "a beat for a beat");
    const bob = await open("ws", "bob");
    await bob.next(FrameType.Welcome);
    await until(() => logic.peer.attaches.length === 2 && logic.peer.requests.length === 2, "attaches and requests");
    t.strictSame(logic.peer.attaches, ["alice sync", "bob"]);
    t.strictSame(logic.peer.requests, ["alice 5 1", "alice 5 2"]);
    const { attach } = logic.peer.session("alice");
    t.match(attach, { connection: 9, sync: true, report: false, frameBytesMax: 5000, device: bytesOf("phone"), watermark: Uint8Array.of(1, 2, 3) });

    const both = [logic.peer.session("alice"), logic.peer.session("bob")];
    logic.peer.deliver(logic.peer.only, pushFrame(1), both, Class.Push);
    logic.peer.batch(logic.peer.only, [
      { frame: pushFrame(2), slots: [both[0]!.slot], generations: [both[0]!.generation], class: Class.Push },
      { frame: pushFrame(3), slots: [both[0]!.slot, both[1]!.slot], generations: [both[0]!.generation, both[1]!.generation + 1], class: Class.Control },
    ]);
    t.strictSame([seqOf(await alice.next(FrameType.Push)), seqOf(await alice.next(FrameType.Push)), seqOf(await alice.next(FrameType.Push))], [1, 2, 3]);
    t.equal(seqOf(await bob.next(FrameType.Push)), 1);
    bob.write(Buffer.concat([sendFrame("alice", 1), encodeFrame(FrameType.Send, bytesOf("nonsense")), encodeFrame(20, new Uint8Array(0))]));
    t.equal(await errorOf(bob), "BAD_REQUEST ref 2");
    t.equal(await errorOf(bob), "UNKNOWN_TYPE ref 3");
    t.equal(bob.frames.length, 0, "what was for another generation never came");

    logic.peer.deliver(logic.peer.only, errorFrame(ErrorCode.Replaced), [logic.peer.session("bob")], Class.Close);
    t.equal(await errorOf(bob), "REPLACED closes");
    await bob.until(() => bob.closed, "the end");
    alice.end();
    await until(() => logic.peer.only.sessions.size === 0, "both detached");
    t.strictSame(logic.peer.mismatches, []);
    t.equal(running.gateway.counters.closes[ErrorCode.Replaced], 1);
  });

  t.test("batches that are lost come again, in order", async (t) => {
    const { logic, open } = await scene(t, nats, {}, {});
    const alice = await open("tcp", "alice");
    await alice.next(FrameType.Welcome);
    await until(() => logic.peer.links.size === 1 && logic.peer.only.sessions.size === 1, "attached");
    let n = 0;
    logic.passes = () => ++n % 4 !== 0;
    for (let i = 1; i <= 60; i++) {
      logic.peer.deliver(logic.peer.only, pushFrame(i), [logic.peer.session("alice")], Class.Push);
      alice.write(sendFrame("bob", i));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    logic.passes = () => true;
    await alice.until(() => alice.frames.length === 60, "60 pushes");
    t.strictSame(
      alice.frames.map(({ body }) => seqOf(body)),
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    await until(() => logic.peer.requests.length === 60, "60 sends");
    t.strictSame(
      logic.peer.requests,
      Array.from({ length: 60 }, (_, i) => `alice 5 ${i + 1}`),
    );
    t.strictSame(logic.peer.mismatches, []);
    t.ok(n > 60);
  });

  t.test("the owner dies and another takes over: sessions are reported, clients told to sync", async (t) => {
    const { logic, open, newLogic, running } = await scene(t, nats);
    const clients = await Promise.all(["alice", "bob", "carol"].map((user, i) => open(i === 1 ? "ws" : "tcp", user)));
    for (const client of clients) await client.next(FrameType.Welcome);
    await until(() => logic.peer.links.size === 1 && logic.peer.only.sessions.size === 3, "attached");
    await logic.kill();
    await new Promise((resolve) => setTimeout(resolve, 2200));
    clients[0]!.write(sendFrame("bob", 1));
    t.equal(await errorOf(clients[0]!), "BUSY ref 1");
    t.notOk(running.gateway.ready);
    t.equal((await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status, 503);
    const next = await newLogic({ epoch: 2 });
    for (const client of clients) await client.next(FrameType.Resync);
    t.strictSame(next.peer.attaches.sort(), ["alice report", "bob report", "carol report"]);
    for (const client of clients) client.write(sendFrame("alice", 1));
    await until(() => next.peer.requests.length === 3, "requests at the new owner");
    next.peer.deliver(next.peer.only, pushFrame(5), [next.peer.session("bob")], Class.Push);
    t.equal(seqOf(await clients[1]!.next(FrameType.Push)), 5);
    next.peer.epoch = 3;
    await next.own();
    for (const client of clients) await client.next(FrameType.Resync);
    t.strictSame(next.peer.mismatches, []);
    t.equal((await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status, 200);
  });

  t.test("who does not read: pushes are left out, one Resync, memory bounded, others unharmed", async (t) => {
    const { logic, open, running } = await scene(t, nats, { heartbeatMs: 60_000 });
    const { outbox, counters, transports } = running.gateway;
    for (const kind of ["tcp", "ws"] as const) {
      const slow = await open(kind, `slow-${kind}`);
      const quick = await open(kind, `quick-${kind}`);
      for (const client of [slow, quick]) await client.next(FrameType.Welcome);
      await until(() => logic.peer.links.size === 1 && logic.peer.only.sessions.size === 2, "attached");
      const sessions = [logic.peer.session(`slow-${kind}`), logic.peer.session(`quick-${kind}`)];
      slow.pause();
      const dropsBefore = counters.drops[1]!;
      let seq = 0;
      let waitingMax = 0;
      while (outbox.laggingCount === 0 || seq % 100 !== 0) {
        logic.peer.deliver(logic.peer.only, pushFrame(++seq, 30_000), sessions, Class.Push);
        if (seq % 10 === 0) await quick.until(() => quick.frames.length === seq, "the quick one");
        waitingMax = Math.max(waitingMax, transports.bufferedBytes(sessions[0]!.slot));
        if (seq > 5000) throw new Error("never lags");
      }
      for (let i = 0; i < 100; i++) logic.peer.deliver(logic.peer.only, pushFrame(++seq, 30_000), sessions, Class.Push);
      await quick.until(() => quick.frames.length === seq, "the quick one has all");
      t.strictSame(
        quick.frames.map(({ body }) => seqOf(body)),
        Array.from({ length: seq }, (_, i) => i + 1),
      );
      t.ok(waitingMax <= 256 * 1024 + 100, `${kind}: ${waitingMax} bytes waited`);
      t.ok(counters.drops[1]! - dropsBefore >= 100, "dropped");
      slow.resume();
      await slow.next(FrameType.Resync);
      const seen = slow.frames.filter(({ type }) => type === FrameType.Push).map(({ body }) => seqOf(body));
      t.strictSame(
        seen,
        Array.from({ length: seen.length }, (_, i) => i + 1),
        "what came before is whole",
      );
      t.ok(seen.length < seq);
      logic.peer.deliver(logic.peer.only, pushFrame(++seq), sessions, Class.Push);
      logic.peer.deliver(logic.peer.only, encodeMessage(FrameType.Heads, hawser.v1.Heads, { ref: 1 }), [sessions[0]!], Class.Sync);
      logic.peer.deliver(logic.peer.only, pushFrame(++seq), sessions, Class.Push);
      await slow.next(FrameType.Heads);
      const pushes = () => slow.frames.filter(({ type }) => type === FrameType.Push).map(({ body }) => seqOf(body));
      await slow.until(() => pushes().includes(seq), "a push");
      t.notOk(pushes().includes(seq - 1), "pushes again, from behind the answer to its Sync");
      t.equal(outbox.laggingCount, 0);
      slow.destroy();
      quick.destroy();
      await until(() => logic.peer.only.sessions.size === 0, "gone");
    }
    const hopeless = await open("tcp", "hopeless");
    await hopeless.next(FrameType.Welcome);
    await until(() => logic.peer.only.sessions.size === 1, "attached");
    hopeless.pause();
    for (let i = 0; i < 600 && logic.peer.only.sessions.size === 1; i++) {
      logic.peer.deliver(logic.peer.only, pushFrame(i, 60_000), [logic.peer.session("hopeless")], Class.Control);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await until(() => logic.peer.only.sessions.size === 0, "closed as too slow");
    t.equal(counters.closes[ErrorCode.SlowConsumer], 1);
    t.strictSame(logic.peer.mismatches, []);
  });

  t.test("tokens, too many connections, silence, metrics", async (t) => {
    const jwtSecret = "a secret of thirty-two bytes ...";
    const { running, logic } = await scene(t, nats, { devTokens: false, jwtSecret, connectionsMax: 3 });
    const sign = (claims: object) => {
      const text = [{ alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      return `${text}.${createHmac("sha256", jwtSecret).update(text).digest("base64url")}`;
    };
    const open = async (token: string) => {
      const client = await openClient("tcp", running.tcpPort!);
      t.teardown(() => client.destroy());
      client.write(Buffer.concat([helloFrame("x", { token }), sendFrame("bob", 1)]));
      return client;
    };
    const soon = Date.now() / 1000 + 1.5;
    const expiring = await open(sign({ sub: "alice", exp: soon }));
    const started = performance.now();
    await expiring.next(FrameType.Welcome);
    for (const [token, expected] of [
      [sign({ sub: "alice", exp: 1 }), "TOKEN_EXPIRED closes"],
      [`${sign({ sub: "alice" }).slice(0, -4)}AAAA`, "AUTH_FAILED closes"],
      ["dev:alice", "AUTH_FAILED closes"],
    ] as const) {
      const refused = await open(token);
      t.equal(await errorOf(refused), expected);
      await refused.until(() => refused.closed, "the end");
    }
    await until(() => running.gateway.openCount === 1, "closed");
    t.equal(await errorOf(expiring), "TOKEN_EXPIRED closes");
    t.ok(performance.now() - started > 1000, "when its time came");
    await until(() => running.gateway.openCount === 0, "closed");

    const silent = await openClient("tcp", running.tcpPort!);
    const others = await Promise.all([sign({ sub: "a" }), sign({ sub: "b" })].map(open));
    for (const client of others) await client.next(FrameType.Welcome);
    const extra = await openClient("ws", running.webSocketPort!);
    const { code, retryAfterMs } = hawser.v1.Error.decode(await extra.next(FrameType.Error));
    t.equal(code, ErrorCode.TooManyConnections);
    t.ok(retryAfterMs >= 1000);
    await extra.until(() => extra.closed, "the end");
    const text = await (await fetch(`http://127.0.0.1:${running.adminPort}/metrics`)).text();
    for (const line of [
      'hawser_gateway_connections{transport="tcp"} 3',
      'hawser_gateway_connections{transport="websocket"} 0',
      'hawser_gateway_closes_total{reason="TOKEN_EXPIRED"} 2',
      'hawser_gateway_closes_total{reason="TOO_MANY_CONNECTIONS"} 1',
      'hawser_gateway_auth_failures_total{error="AUTH_FAILED"} 2',
      'hawser_gateway_frames_in_total{type="Hello"} 6',
      'hawser_gateway_frames_out_total{type="Welcome"} 3',
      "hawser_gateway_links 1",
      "hawser_gateway_sessions 2",
    ]) {
      t.ok(text.includes(`${line}\n`), line);
    }
    t.match(text, /hawser_gateway_loop_delay_p99_seconds [\d.e-]+\n/);
    t.equal((await fetch(`http://127.0.0.1:${running.adminPort}/healthz`)).status, 200);
    silent.destroy();
    await until(() => logic.peer.requests.length === 3, "only requests of those who were let in");
  });

  t.test("draining: everybody is told, works on, and is closed at the end", async (t) => {
    const { running, logic, open } = await scene(t, nats, { drainMs: 1500 });
    const clients = await Promise.all(["alice", "bob", "carol", "dave"].map((user, i) => open(i % 2 === 0 ? "ws" : "tcp", user)));
    for (const client of clients) await client.next(FrameType.Welcome);
    await until(() => logic.peer.links.size === 1 && logic.peer.only.sessions.size === 4, "attached");
    const started = performance.now();
    const stopped = running.stop();
    t.equal(running.stop(), stopped, "stopping twice is stopping");
    const moments: number[] = [];
    for (const client of clients) {
      const goAway = hawser.v1.GoAway.decode(await client.next(FrameType.GoAway));
      t.equal(goAway.reason, 1);
      moments.push(goAway.reconnectAfterMs);
    }
    t.strictSame(
      moments.sort((a, b) => a - b),
      [0, 300, 600, 900],
    );
    t.equal((await fetch(`http://127.0.0.1:${running.adminPort}/readyz`)).status, 503);
    await t.rejects(openClient("tcp", running.tcpPort!));
    clients[0]!.end();
    clients[1]!.write(sendFrame("bob", 1));
    logic.peer.deliver(logic.peer.only, pushFrame(1), [logic.peer.session("dave")], Class.Push);
    t.equal(seqOf(await clients[3]!.next(FrameType.Push)), 1, "as if nothing were");
    await stopped;
    t.ok(performance.now() - started > 1000);
    for (const client of clients) await client.until(() => client.closed, "the end");
    await until(() => logic.peer.only.sessions.size === 0, "all detached");
    t.strictSame(logic.peer.requests, ["bob 5 1"]);
    t.strictSame(logic.peer.mismatches, []);
    t.equal(clients[2]!.closeCode, 1000);
  });

  t.test("a storm: let in at the pace, the others told when to come, and let in then", async (t) => {
    const { running } = await scene(t, nats, { handshakesPerSecond: 30, handshakeMs: 8000, handshakesMax: 1000 });
    let refused = 0;
    const moments: number[] = [];
    const connect = async (i: number): Promise<Client> => {
      const client = await openClient(i % 2 === 0 ? "tcp" : "ws", i % 2 === 0 ? running.tcpPort! : running.webSocketPort!);
      t.teardown(() => client.destroy());
      return client;
    };
    const come = async (i: number, client: Client): Promise<void> => {
      client.write(helloFrame(`user${i}`, { install: bytesOf(`${i}`.padStart(8, "0")) }));
      await client.until(() => client.frames.length > 0, "an answer");
      if (client.frames[0]!.type === FrameType.Welcome) return;
      const { code, closes, retryAfterMs } = hawser.v1.Error.decode(await client.next(FrameType.Error));
      t.strictSame([errorName(code as number), closes], ["BUSY", true]);
      await client.until(() => client.closed, "the close");
      refused++;
      moments.push(retryAfterMs);
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      return come(i, await connect(i));
    };
    // Connected first: who is slow at that would be no storm.
    const clients = await Promise.all(Array.from({ length: 160 }, (_, i) => connect(i)));
    await Promise.all(clients.map((client, i) => come(i, client)));
    const { admission, table } = running.gateway;
    t.equal(table.readyCount, 160);
    t.ok(refused > 0 && refused <= 70, `${refused} were told to come later`);
    t.equal(admission.returned, admission.turnedAway, "each once, and known when it came");
    t.ok(new Set(moments).size > moments.length / 2, "each has a moment of its own");
    t.strictSame([admission.queued, admission.running, running.gateway.handshakes], [0, 0, 0]);
  });

  t.test("too many handshakes at once are sent away before they are heard", async (t) => {
    const { running, open } = await scene(t, nats, { handshakesMax: 2 });
    const silent = await Promise.all([1, 2].map(() => openClient("tcp", running.tcpPort!)));
    t.teardown(() => {
      for (const client of silent) client.destroy();
    });
    await until(() => running.gateway.handshakes === 2, "two that say nothing");
    const third = await open("ws", "carol");
    const { code, retryAfterMs } = hawser.v1.Error.decode(await third.next(FrameType.Error));
    t.equal(errorName(code as number), "BUSY");
    t.ok(retryAfterMs > 0);
    silent[0]!.destroy();
    await until(() => running.gateway.handshakes === 1, "one that says nothing");
    await (await open("ws", "carol")).next(FrameType.Welcome);
  });

  t.test("gateways know of each other: targets, lifetimes, shared ports", async (t) => {
    const { cluster, running, open } = await scene(t, nats, { connectionLifetimeMs: 1000 });
    const more = async (options: GatewayOptions): Promise<RunningGateway> => {
      const shared = {
        natsServers: nats.url,
        host: "127.0.0.1",
        devTokens: true,
        linkLimits: LINKS,
        drainMs: 600,
        lingerMs: 300,
        tcpPort: 0,
        webSocketPort: 0,
      } as const;
      const other = await runGateway(gatewayConfig({ ...shared, adminPort: false, cluster, ...options }), SILENT);
      t.teardown(() => other.stop());
      return other;
    };
    const clients = await Promise.all(Array.from({ length: 40 }, (_, i) => open("tcp", `u${i}`)));
    for (const client of clients) await client.next(FrameType.Welcome);
    t.equal(running.gateway.membership!.others, 0);
    await new Promise((resolve) => setTimeout(resolve, 2200));
    t.notOk(
      clients.some(({ frames }) => frames.some(({ type }) => type === FrameType.GoAway)),
      "alone: there is nowhere to go, however long they last",
    );
    const other = await more({});
    await until(() => running.gateway.membership!.others === 1, "the other one");
    await until(() => clients.some(({ frames }) => frames.some(({ type }) => type === FrameType.GoAway)), "somebody to be told", 15_000);
    const told = clients.find(({ frames }) => frames.some(({ type }) => type === FrameType.GoAway))!;
    const goAway = hawser.v1.GoAway.decode(await told.next(FrameType.GoAway));
    t.strictSame([goAway.reason, goAway.target], [2, `127.0.0.1:${other.tcpPort}`]);

    // The other one leaves: its clients are sent here. Then there is nobody.
    await until(() => other.gateway.ready, "the other one to be ready");
    const there = await openClient("ws", other.webSocketPort!);
    t.teardown(() => there.destroy());
    there.write(helloFrame("zoe"));
    await there.next(FrameType.Welcome);
    await until(() => other.gateway.membership!.others === 1, "this one");
    const stopped = other.stop();
    t.equal(hawser.v1.GoAway.decode(await there.next(FrameType.GoAway)).target, `127.0.0.1:${running.webSocketPort}`);
    await until(() => running.gateway.membership!.target("tcp") === "", "nobody to send clients to");
    await stopped;

    // Two on one port: who comes is at the one or the other, and a drain needs no target.
    const port = await freePort();
    t.throws(() => gatewayConfig({ devTokens: true, sharePorts: true, tcpPort: 0 }), { message: /nobody else would find/ });
    const first = await more({ tcpPort: false, webSocketPort: port, sharePorts: true, advertiseWebSocket: "chat.example:443" });
    const second = await more({ tcpPort: false, sharePorts: true, webSocketPort: port });
    t.equal(second.webSocketPort, first.webSocketPort);
    await t.rejects(more({ tcpPort: false, webSocketPort: port }), "not without being told to");
    await until(() => first.gateway.ready && second.gateway.ready, "both to be ready");
    for (let i = 0; i < 30; i++) {
      const client = await openClient("ws", port);
      t.teardown(() => client.destroy());
      client.write(helloFrame(`s${i}`));
      await client.next(FrameType.Welcome);
    }
    t.equal(first.gateway.table.readyCount + second.gateway.table.readyCount, 30);
    t.ok(first.gateway.table.readyCount > 0 && second.gateway.table.readyCount > 0, "the kernel spreads them");
  });

  t.test("NATS dies and comes back: connections stay", async (t) => {
    const other = (await startNats())!;
    t.teardown(() => other.stop());
    const { logic, open, running } = await scene(t, other);
    const alice = await open("tcp", "alice");
    await alice.next(FrameType.Welcome);
    await until(() => logic.peer.links.size === 1 && logic.peer.only.sessions.size === 1, "attached");
    await other.kill();
    await until(() => !running.gateway.connected, "noticed");
    for (let i = 0; i < 12; i++) {
      alice.write(Uint8Array.of(0));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    alice.write(sendFrame("bob", 1));
    t.equal(await errorOf(alice), "BUSY ref 1");
    await other.start();
    await until(() => running.gateway.connected, "connected again");
    await alice.next(FrameType.Resync);
    alice.write(sendFrame("bob", 1));
    await until(() => logic.peer.requests.includes("alice 5 2"), "the request");
    t.ok(logic.peer.attaches.includes("alice report"));
    t.notOk(alice.closed);
  });

  t.test("what cannot start says so and leaves nothing behind", async (t) => {
    const { running } = await scene(t, nats);
    const config = gatewayConfig({
      natsServers: nats.url,
      host: "127.0.0.1",
      tcpPort: running.tcpPort!,
      webSocketPort: 0,
      adminPort: false,
      devTokens: true,
      cluster: "other",
      drainMs: 0,
    });
    await t.rejects(runGateway(config, SILENT), /EADDRINUSE/);
    await t.rejects(runGateway({ ...config, tcpPort: false, webSocketPort: running.webSocketPort! }, SILENT), /cannot listen/);
    await t.rejects(runGateway({ ...config, tokens: { jwksFile: "/nowhere/keys.json" } }, SILENT), /no such file/);
    const again = await runGateway({ ...config, tcpPort: 0 }, SILENT);
    t.not(again.tcpPort, running.tcpPort);
    await again.stop();
  });
});

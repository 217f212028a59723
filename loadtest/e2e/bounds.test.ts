// Every queue, map and buffer that clients, gateways or logic processes can fill, driven to its bound: what does not fit has a typed outcome,
// and what is held stays at the bound. Gateways run whole, on real sockets and a real NATS server, with a small logic peer that a test can
// silence; logic runs whole over a store whose commits and reads can be held. The tables in gateway/README.md and logic/README.md name these tests.
import t, { type Test } from "tap";
import { HawserClient } from "../../client/index.ts";
import type { TcpCoreChoice } from "../../gateway/accept/listen-tcp.ts";
import { type GatewayOptions, gatewayConfig } from "../../gateway/config.ts";
import { SILENT } from "../../gateway/log.ts";
import { type RunningGateway, runGateway } from "../../gateway/main.ts";
import { loadTcpAddon } from "../../gateway/native/build.ts";
import { Owners, OwnersChange } from "../../gateway/relay/owners.ts";
import { type Client, type ClientKind, openClient } from "../../gateway/testing/client.ts";
import { LogicPeer } from "../../gateway/testing/logic-peer.ts";
import { startNats } from "../../gateway/testing/nats-server.ts";
import { type GroupCommitLimits, GROUP_COMMIT_LIMITS } from "../../logic/store/group-commit.ts";
import { ReadQueue } from "../../logic/store/read-queue.ts";
import { ConversationBench } from "../../logic/testing/conversation-bench.ts";
import { FakeGateway } from "../../logic/testing/fake-gateway.ts";
import type { ServerFrame } from "../../logic/testing/frames.ts";
import { LogicBench } from "../../logic/testing/logic-bench.ts";
import { MemoryDisk } from "../../logic/testing/memory-disk.ts";
import { MemoryStore } from "../../logic/testing/memory-store.ts";
import { UserBench } from "../../logic/testing/user-bench.ts";
import { connectBus } from "../../proto/bus-nats.ts";
import { directKey } from "../../proto/conversation.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import { ErrorCode, errorName } from "../../proto/error-code.ts";
import { encodeFrame, encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { LINK_LIMITS, LinkEnd, type LinkLimits } from "../../proto/link.ts";
import { gatewaySubject, logicSubject, ownerKey, ownersBucket } from "../../proto/subject.ts";

const nats = await startNats();
t.teardown(() => nats?.stop());
function skipFor(tcpCore: TcpCoreChoice): { skip: string | false } {
  if (nats === undefined) return { skip: "no nats-server on this machine" };
  try {
    if (tcpCore === "native") loadTcpAddon();
    return { skip: false };
  } catch (error) {
    return { skip: String(error) };
  }
}

const text = (value: string) => new TextEncoder().encode(value);
/** An owner that says nothing for a while is not given up in these tests. */
const PATIENT: LinkLimits = { ...LINK_LIMITS, lostMs: 60_000 };

async function until(what: string, is: () => boolean, withinMs = 15_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !is(); ) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Scene {
  running: RunningGateway;
  peer: LogicPeer;
  /** What the peer says or hears passes, or is lost. */
  wire: { passes: boolean };
  connect(kind?: ClientKind): Promise<Client>;
  /** Connects and says Hello. */
  open(user: string, kind?: ClientKind): Promise<Client>;
  /** And has its Welcome, and is attached. */
  ready(user: string, kind?: ClientKind): Promise<Client>;
}

let clusters = 0;

async function sceneOf(t: Test, options: GatewayOptions): Promise<Scene> {
  const cluster = `bounds-${process.pid}-${++clusters}`;
  const all = { host: "127.0.0.1", tcpPort: 0, webSocketPort: 0, adminPort: 0, devTokens: true, drainMs: 0, lingerMs: 300, linkLimits: PATIENT } as const;
  const running = await runGateway(gatewayConfig({ cluster, natsServers: nats!.url, sendsPerSecond: 100_000, ...all, ...options }), SILENT);
  t.teardown(() => running.stop());
  const bus = await connectBus({ servers: nats!.url, name: "logic" });
  const incarnation = new Uint8Array(8).map(() => Math.random() * 256);
  const wire = { passes: true };
  const peer = new LogicPeer({
    incarnation,
    now: () => performance.now(),
    limits: PATIENT,
    publish: (gateway, bytes) => {
      if (wire.passes) bus.publish(gatewaySubject(cluster, gateway), bytes);
    },
  });
  bus.subscribe(logicSubject(cluster, incarnation), (bytes) => {
    if (wire.passes) peer.receive(bytes.slice());
  });
  const ticking = setInterval(() => peer.tick(), 50);
  t.teardown(async () => {
    clearInterval(ticking);
    await bus.close();
  });
  const owners = await bus.keyValue(ownersBucket(cluster));
  await owners.update(ownerKey(0, 255), peer.owner, 0);
  await until("the gateway to be ready", () => running.gateway.ready);
  const connect = async (kind: ClientKind = "tcp"): Promise<Client> => {
    const client = await openClient(kind, kind === "tcp" ? running.tcpPort! : running.webSocketPort!);
    t.teardown(() => client.destroy());
    return client;
  };
  const open = async (user: string, kind?: ClientKind): Promise<Client> => {
    const client = await connect(kind);
    client.write(hello(user));
    return client;
  };
  const ready = async (user: string, kind?: ClientKind): Promise<Client> => {
    const client = await open(user, kind);
    await client.next(FrameType.Welcome);
    await until(`${user} attached`, () => peer.links.size === 1 && [...peer.only.sessions.values()].some((session) => session.user === user));
    return client;
  };
  return { running, peer, wire, connect, open, ready };
}

function hello(user: string): Uint8Array {
  const fields = { versionMin: 1, versionMax: 1, token: `dev:${user}`, device: text("phone"), install: text(user.padEnd(8, "-").slice(-8)), connection: 1 };
  return encodeMessage(FrameType.Hello, hawser.v1.Hello, fields);
}

function send(peer: string, clientSeq: number, bytes = 1): Uint8Array {
  return encodeMessage(FrameType.Send, hawser.v1.Send, { peer: text(peer), clientSeq, kind: 1, payload: new Uint8Array(bytes) });
}

const push = (seq: number, bytes: number) => encodeMessage(FrameType.Push, hawser.v1.Push, { from: text("bob"), seq, payload: new Uint8Array(bytes) });

/** Errors that the client got, by name, taken. */
function errors(client: Client): string[] {
  const found = client.frames.filter(({ type }) => type === FrameType.Error).map(({ body }) => hawser.v1.Error.decode(body));
  return found.map(({ code, closes }) => `${errorName(code)}${closes ? " closes" : ""}`);
}

async function closedWith(client: Client): Promise<string> {
  await client.until(() => client.closed, "the end");
  return errors(client).at(-1) ?? "no word";
}

for (const tcpCore of ["net", "native"] as const) t.test(`gateway, ${tcpCore}`, skipFor(tcpCore), (t) => gatewayBounds(t, tcpCore));

async function gatewayBounds(t: Test, tcpCore: TcpCoreChoice): Promise<void> {
  const scene = (t: Test, options: GatewayOptions = {}) => sceneOf(t, { tcpCore, ...options });

  t.test("connections", async (t) => {
    const { running, open, ready } = await scene(t, { connectionsMax: 3 });
    for (const user of ["a", "b", "c"]) await ready(user);
    for (let i = 0; i < 20; i++) t.equal(await closedWith(await open(`d${i}`, i % 2 === 0 ? "tcp" : "ws")), "TOO_MANY_CONNECTIONS closes");
    t.equal(running.gateway.table.readyCount, 3);
  });

  t.test("frames before and after Welcome, and a WebSocket message", async (t) => {
    const frameBytesMax = Limits.payloadBytesMax + 1024;
    const { connect, ready } = await scene(t, { frameBytesMax });
    for (const kind of ["tcp", "ws"] as const) {
      const stranger = await connect(kind);
      stranger.write(encodeFrame(FrameType.Hello, new Uint8Array(Limits.frameBytesMaxBeforeWelcome)));
      t.equal(await closedWith(stranger), "FRAME_TOO_LARGE closes", `${kind}, before`);
      const known = await ready(`known-${kind}`, kind);
      known.write(encodeFrame(FrameType.Send, new Uint8Array(frameBytesMax)));
      t.equal(await closedWith(known), "FRAME_TOO_LARGE closes", `${kind}, after`);
    }
    const talker = await ready("talker", "ws");
    talker.write(new Uint8Array(Limits.frameBytesMax + 128 * 1024));
    t.equal(await closedWith(talker), "no word", "the engine ends it");
  });

  t.test("what is sent behind a Hello waits, as far as it is taken", async (t) => {
    // One handshake a second: the second one waits for its turn.
    const { running, open } = await scene(t, { handshakesPerSecond: 1 });
    const parkedMax = Limits.pipelinedBytesMax + 2 * 64 * 1024;
    const pipelined = Buffer.concat(Array.from({ length: 500 }, (_, i) => send("bob", i + 1, 2000)));
    await (await open("first")).next(FrameType.Welcome);
    const before = running.gateway.transports.all.reduce((bytes, transport) => bytes + transport.bytesRead, 0);
    const eager = await open("eager");
    eager.write(pipelined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const read = running.gateway.transports.all.reduce((bytes, transport) => bytes + transport.bytesRead, 0) - before;
    if (eager.frames.length === 0) t.ok(read <= parkedMax + 1024, `TCP is not read beyond: ${read} of ${pipelined.length}`);
    else t.match(errors(eager), ["BUSY closes"], "or it was given a time slot");
    const pushy = await open("pushy", "ws");
    for (let i = 0; i < 500; i++) pushy.write(send("bob", i + 1, 2000));
    t.equal(await closedWith(pushy), "BUSY closes", "a WebSocket cannot be paused");
  });

  t.test("handshakes", async (t) => {
    const { running, connect } = await scene(t, { handshakesMax: 5 });
    const silent = await Promise.all(Array.from({ length: 5 }, () => connect()));
    for (let i = 0; i < 10; i++) t.equal(await closedWith(await connect(i % 2 === 0 ? "tcp" : "ws")), "BUSY closes");
    t.ok(running.gateway.handshakes <= 5);
    t.ok(silent.every(({ closed }) => !closed));
  });

  t.test("rates of Sends, of other requests, and of what is only work", async (t) => {
    const { peer, ready } = await scene(t, { sendsPerSecond: 10, requestsPerSecond: 10, nuisancesPerSecond: 10 });
    const sender = await ready("sender");
    sender.write(Buffer.concat(Array.from({ length: 60 }, (_, i) => send("bob", i + 1))));
    await sender.until(() => errors(sender).length >= 30, "refusals");
    t.strictSame([...new Set(errors(sender))], ["RATE_LIMITED"]);
    const asker = await ready("asker");
    asker.write(Buffer.concat(Array.from({ length: 100 }, () => encodeMessage(FrameType.Check, hawser.v1.Check, { digest: new Uint8Array(8) }))));
    await asker.until(() => errors(asker).length >= 50, "refusals");
    t.strictSame([...new Set(errors(asker))], ["RATE_LIMITED"]);
    t.ok(peer.requests.length <= 25 + 45, `${peer.requests.length} requests got through`);
    const nuisance = await ready("nuisance");
    nuisance.write(new Uint8Array(2000));
    t.equal(await closedWith(nuisance), "BUSY closes");
  });

  t.test("what waits for slow readers, for each and for all together; the others get everything", async (t) => {
    const pushBytesMax = 128 * 1024;
    const backlogBytesMax = 1024 * 1024;
    const { running, peer, ready } = await scene(t, { pushBytesMax, backlogBytesMax });
    const { outbox, counters, transports } = running.gateway;
    const slow: Client[] = [];
    for (let i = 0; i < 16; i++) slow.push(await ready(`slow-${i}`, i % 2 === 0 ? "tcp" : "ws"));
    const quick = [await ready("quick-tcp"), await ready("quick-ws", "ws")];
    for (const client of slow) client.pause();
    const sessions = [...peer.only.sessions.values()];
    let seq = 0;
    let waitedMax = 0;
    let transportMax = 0;
    const deliver = async (bytes: number) => {
      peer.deliver(peer.only, push(++seq, bytes), sessions, DeliveryClass.Push);
      for (const client of quick) await client.until(() => client.frames.length === seq, `${seq} pushes`);
      waitedMax = Math.max(waitedMax, outbox.backlogBytes);
      for (const { slot } of sessions) transportMax = Math.max(transportMax, transports.bufferedBytes(slot));
    };
    while (outbox.laggingCount < slow.length && seq < 4000) await deliver(30_000);
    t.equal(outbox.laggingCount, slow.length, "everybody who does not read lags");
    t.ok(counters.resyncs >= slow.length);
    const dropped = counters.drops[1]!;
    for (let i = 0; i < 80; i++) await deliver(30_000);
    t.ok(counters.drops[1]! - dropped >= 80 * slow.length, "their pushes are left out");
    // One frame more for those who began to wait in the turn that reached the bound.
    t.ok(waitedMax <= backlogBytesMax + slow.length * 31_000, `${waitedMax} bytes waited for all`);
    t.ok(transportMax <= pushBytesMax + 1024, `${transportMax} bytes waited in a transport`);
    for (const client of quick) {
      t.strictSame(
        client.frames.map(({ body }) => hawser.v1.Push.decode(body).seq),
        Array.from({ length: seq }, (_, i) => i + 1),
      );
    }
    // Back from push to pull: its answers come, and behind the one to its Sync pushes again.
    const [one] = slow;
    one!.resume();
    await one!.next(FrameType.Resync);
    peer.deliver(peer.only, encodeMessage(FrameType.Heads, hawser.v1.Heads, { ref: 1 }), [peer.session("slow-0")], DeliveryClass.Sync);
    peer.deliver(peer.only, push(seq + 1, 10), [peer.session("slow-0")], DeliveryClass.Push);
    await one!.next(FrameType.Heads);
    await one!.until(() => one!.frames.some(({ type, body }) => type === FrameType.Push && hawser.v1.Push.decode(body).seq === seq + 1), "a push");
    t.equal(outbox.laggingCount, slow.length - 1);
    // Answers are not left out: who takes none is closed, and leaves no bytes behind.
    const others = sessions.filter(({ user }) => user.startsWith("slow-") && user !== "slow-0");
    for (let i = 0; i < 400 && counters.closes[ErrorCode.SlowConsumer]! < others.length; i++) {
      peer.deliver(peer.only, encodeFrame(FrameType.Page, new Uint8Array(60_000)), others, DeliveryClass.Control);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    t.equal(counters.closes[ErrorCode.SlowConsumer], others.length);
    await until("nothing waits", () => outbox.backlogBytes === 0 && outbox.laggingCount === 0);
  });

  t.test("a reader that takes nothing at all, and one that does not go", async (t) => {
    const { running, peer, ready } = await scene(t, { stallMs: 1000 });
    const { gateway } = running;
    const stuck = await ready("stuck");
    stuck.pause();
    for (let seq = 1; gateway.outbox.backlogCount === 0 && seq < 4000; seq++) {
      peer.deliver(peer.only, push(seq, 30_000), [peer.session("stuck")], DeliveryClass.Push);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until("it is given up", () => gateway.counters.closes[ErrorCode.SlowConsumer] === 1);
    // It neither reads nor closes: it is cut off after lingerMs.
    await until("it is cut off", () => gateway.table.openCount === 0);
    t.equal(gateway.outbox.backlogBytes, 0);
  });

  t.test("frames that have begun, of all connections together", async (t) => {
    const unfinishedBytesMax = 2 * Limits.frameBytesMax;
    const { running, ready } = await scene(t, { unfinishedBytesMax });
    const clients: Client[] = [];
    for (let i = 0; i < 6; i++) clients.push(await ready(`half-${i}`));
    // Two thirds of a frame each.
    for (const client of clients) client.write(encodeFrame(FrameType.Send, new Uint8Array(450_000)).subarray(0, 300_000));
    await until("some have no room", () => clients.filter(({ closed }) => closed).length >= 2);
    for (const client of clients) if (client.closed) t.equal(errors(client).at(-1), "BUSY closes");
    t.ok(clients.some(({ closed }) => !closed));
    t.ok(running.gateway.table.readyCount >= 2);
  });

  t.test("what an owner has not acknowledged", async (t) => {
    const { running, wire, ready, peer } = await scene(t);
    const alice = await ready("alice");
    const [link] = running.gateway.relay.links.byOwner.values();
    wire.passes = false;
    let sent = 0;
    let unackedMax = 0;
    while (errors(alice).length === 0 && sent < 1000) {
      for (let i = 0; i < 10; i++) alice.write(send("bob", ++sent, 60_000));
      await new Promise((resolve) => setTimeout(resolve, 5));
      unackedMax = Math.max(unackedMax, link!.end.unackedBytes);
    }
    for (let i = 0; i < 50; i++) alice.write(send("bob", ++sent, 60_000));
    await alice.until(() => errors(alice).length >= 50, "refusals");
    t.strictSame([...new Set(errors(alice))], ["BUSY"]);
    unackedMax = Math.max(unackedMax, link!.end.unackedBytes);
    t.ok(unackedMax < 18 * 1024 * 1024, `${unackedMax} bytes kept`);
    wire.passes = true;
    await until("what was not refused arrives", () => peer.requests.length + errors(alice).length === sent);
    t.equal(link!.broken, "");
  });
}

t.test("links", async (t) => {
  t.test("ranges of shards that owners claim", async (t) => {
    const owners = new Owners();
    const { Owner } = fabric.fabric.v1;
    for (let i = 0; i < 5000; i++) {
      const value = Owner.encode({
        incarnation: text("logic---"),
        epoch: 1,
        shardFirst: i,
        shardLast: i,
        shardCount: 65_536,
        store: Uint8Array.of(1),
      }).finish();
      t.equal(owners.apply(ownerKey(i, i), value), i < 4096 ? OwnersChange.Changed : OwnersChange.Refused);
    }
    t.equal(owners.ranges.size, 4096);
    t.match(owners.problem, /too many/);
  });

  t.test("the ring of batches that are not acknowledged", async (t) => {
    const end = new LinkEnd(text("gateway-"), text("logic---"), 1, 0, { ...LINK_LIMITS, ringBatchesMax: 10, ringBytesMax: 1000 });
    for (let i = 0; i < 10; i++) {
      end.nextHead();
      t.ok(end.retain(new Uint8Array(100), 0));
    }
    end.nextHead();
    t.notOk(end.retain(new Uint8Array(100), 0), "the link is over; who holds it opens another");
  });
});

const isBusy = ({ type, message }: ServerFrame) => type === "Error" && message.code === (ErrorCode.Busy as number);

t.test("logic", async (t) => {
  const ann = Buffer.from("ann");
  const limits: GroupCommitLimits = GROUP_COMMIT_LIMITS;

  t.test("commands parked for a conversation, and for all of a process", async (t) => {
    const bench = new ConversationBench({ parkedMax: 10, parkedBytesMax: 100_000 });
    const gateway = new FakeGateway();
    const session = gateway.session("ann", 1);
    bench.holdReads = true;
    for (let i = 1; i <= 50; i++) bench.send(session, "bob", i, i);
    t.equal(gateway.take().filter(isBusy).length, 40, "the eleventh has no place");
    for (let i = 1; i <= 500; i++) bench.send(session, `peer-${i}`, 100 + i, 1, { payload: new Uint8Array(2000), kind: 1 });
    t.ok(bench.parkedBytes.value <= 100_000, `${bench.parkedBytes.value} bytes parked`);
    const refused = gateway.take().filter(isBusy);
    t.ok(refused.length > 400 && refused.length < 500);
    bench.holdReads = false;
    while (bench.reads.length > 0) bench.answer();
    t.equal(bench.parkedBytes.value, 0);
  });

  t.test("the open commit: Sends are told to come back, read positions wait each in the place of the one before", async (t) => {
    const store = new MemoryStore(new MemoryDisk(1));
    const bench = new LogicBench(store);
    const gateway = bench.gateway("gw");
    gateway.attach(1, 1, { user: "ann", install: 1 });
    gateway.send(1, 1, 1, "bob", 1);
    gateway.flush();
    await bench.settle();
    gateway.take();
    store.holdCommits = true;
    const sends = limits.recordsMax + 3000;
    for (let i = 0; i < sends; i++) {
      gateway.send(1, 1, i + 2, "bob", i + 2);
      if (i % 500 === 499) {
        gateway.flush();
        await bench.settle();
      }
    }
    gateway.flush();
    await bench.settle();
    t.notOk(bench.logic.groupCommit.hasRoom);
    const refused = gateway.take().map((frame) => frame.split(" ")[1]);
    // The one that finds no room is told to come back, and those behind it would overtake it.
    t.strictSame([...new Set(refused)], ["BUSY", "OUT_OF_ORDER"]);
    // The commit that is being written, and the open one.
    const open = sends - refused.length;
    t.ok(open <= limits.recordsMax + 500, `${open} of ${sends} are under way`);
    const users = new UserBench();
    const phones = new FakeGateway();
    for (let i = 0; i < 5; i++) users.row("bob", "ann");
    const phone = phones.session("ann", 1);
    users.shard.attach(phone);
    users.shard.sync(phone, 1, new Uint8Array(0));
    users.answerAll();
    users.commitHasRoom = false;
    const key = Buffer.from(directKey(ann, Buffer.from("bob"))).toString("latin1");
    for (let seq = 1; seq <= 5; seq++) {
      users.shard.read(key, phone, seq, seq);
      users.shard.flushReads();
    }
    t.strictSame([users.records.length, users.shard.readsWaiting], [0, 1]);
    users.commitHasRoom = true;
    users.shard.flushReads();
    t.match(users.records, [{ record: { seq: 5 } }]);
    t.equal(users.shard.readsWaiting, 0);
  });

  t.test("reads of the store that wait", async (t) => {
    const queue = new ReadQueue((error) => t.fail(String(error)));
    const never = () => new Promise<void>(() => undefined);
    let asked = 0;
    for (let session = 0; session < 1000; session++) {
      for (let underWay = 0; underWay < 20 && queue.hasRoomFor(underWay); underWay++, asked++) queue.answer(never);
    }
    t.equal(asked, 4096 + 128, "so many wait or are under way, whoever asks");
    t.equal(queue.waitingCount, 4096);
  });

  t.test("requests of a user whose heads are being read, sessions of a user, users who left", async (t) => {
    const bench = new UserBench({ waitingMax: 10, sessionsPerUserMax: 4, absentBytesMax: 20_000 });
    const gateway = new FakeGateway();
    bench.row("bob", "ann");
    const session = gateway.session("ann", 1);
    bench.shard.attach(session);
    for (let ref = 1; ref <= 30; ref++) bench.shard.sync(session, ref, new Uint8Array(0));
    t.equal(gateway.take().filter(isBusy).length, 20);
    bench.answerAll();
    t.equal(gateway.takeShort().length, 10);
    const many = Array.from({ length: 10 }, (_, i) => gateway.session("ann", i + 10));
    for (const one of many) bench.shard.attach(one);
    t.equal(gateway.take().filter(({ deliveryClass }) => deliveryClass === DeliveryClass.Close).length, 7, "the longest there have to go");
    for (let i = 0; i < 500; i++) {
      bench.row("bob", `user-${i}`);
      const visitor = gateway.session(`user-${i}`, 100 + i);
      bench.shard.attach(visitor);
      bench.shard.sync(visitor, 1, new Uint8Array(0));
      bench.answerAll();
      bench.shard.detach(visitor);
      t.ok(bench.absent.bytes <= 20_000);
    }
    t.ok(bench.shard.size < 50, `${bench.shard.size} users kept of 501`);
  });

  t.test("gateways", async (t) => {
    const bench = new LogicBench(new MemoryStore(new MemoryDisk(1)));
    for (let i = 0; i < 1030; i++) {
      const gateway = bench.gateway(`g${i}`);
      gateway.attach(1, 1, { user: `user-${i}`, install: i + 1 });
      gateway.flush();
      await bench.settle();
      t.equal(gateway.resets.length, i < 1024 ? 0 : 1);
    }
    t.equal(bench.logic.ingest.peers.size, 1024);
  });
});

t.test("client: messages, calls for history, and calls that wait for a connection", async (t) => {
  const client = new HawserClient({ url: "tcp://127.0.0.1:1", token: "dev:ann", pendingMax: 5, pendingBytesMax: 100_000 });
  t.teardown(() => client.close());
  const outcomes: string[] = [];
  const watch = (what: string, promise: Promise<unknown>) =>
    promise.then(
      () => outcomes.push(`${what} done`),
      (error: { name: string }) => outcomes.push(`${what} ${error.name}`),
    );
  const count = (outcome: string) => outcomes.filter((each) => each === outcome).length;
  for (let i = 0; i < 8; i++) void watch("send", client.send("bob", `message ${i}`));
  for (let i = 0; i < 300; i++) void watch("history", client.fetchHistory("bob"));
  for (let i = 0; i < 1100; i++) {
    void watch("connect", client.connect());
    void watch("check", client.check());
  }
  await until("the refusals", () => outcomes.length >= 3 + 44 + 76 + 76);
  t.strictSame([count("send QUEUE_FULL"), count("history QUEUE_FULL"), count("connect QUEUE_FULL"), count("check QUEUE_FULL")], [3, 44, 76, 76]);
  t.equal(outcomes.length, 3 + 44 + 76 + 76);
});

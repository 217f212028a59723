// The client around the core, over real sockets: TCP, TLS, WebSocket; the calls of an application; what happens when
// the network, the token, a handler or the store fails.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import t from "tap";
import type { Test } from "tap";
import { WebSocket as PackagedWebSocket, WebSocketServer } from "ws";
import { ErrorCode, errorFrame } from "../proto/error-code.ts";
import { encodeMessage } from "../proto/frame.ts";
import { FrameType } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { HawserClient as BrowserClient } from "./browser.ts";
import { HawserClient, type HawserError, MemoryStore } from "./index.ts";
import type { ClientOptions, Message } from "./index.ts";
import type { Store } from "./store.ts";
import { ModelListener } from "./testing/model-listener.ts";
import { parseAddress, resolveTarget } from "./transport.ts";

/** Waits until something is so; fails the test after ten seconds. */
async function until(what: string, is: () => boolean): Promise<void> {
  for (let waited = 0; !is(); waited += 5) {
    if (waited > 10_000) throw new Error(`in vain: ${what}`);
    await sleep(5);
  }
}

async function listener(t: Test): Promise<ModelListener> {
  const server = new ModelListener();
  t.teardown(() => server.stop());
  return server;
}

function client(t: Test, options: ClientOptions): HawserClient {
  const made = new HawserClient(options);
  t.teardown(() => made.close());
  return made;
}

for (const kind of ["tcp", "webSocket"] as const) {
  t.test(`${kind}: two people talk, over cuts of the connection`, async (t) => {
    const server = await listener(t);
    const url = await server[kind]();
    const alice = client(t, { url, token: "dev:alice" });
    const bob = client(t, { url, token: () => Promise.resolve("dev:bob"), store: new MemoryStore() });
    const shown: string[] = [];
    bob.on("message", (m) => shown.push(`${m.from}: ${m.text}`));
    const mine: Message[] = [];
    alice.on("message", (m) => mine.push(m));
    await Promise.all([alice.connect(), bob.connect()]);
    t.equal(alice.user, "alice");
    t.equal(alice.state, "online");
    const receipt = await alice.send("bob", "hello");
    t.match(receipt, { seq: 1, durability: "fsync", time: Date.UTC(2025, 0, 1) });
    await until("bob has it", () => shown.length === 1);
    t.match(mine, [{ seq: 1, mine: true, local: true, text: "hello" }], "the sender sees it once, at its place");

    const before = server.chunks;
    const receipts = await Promise.all(Array.from({ length: 40 }, (_, i) => alice.send("bob", `${i}`)));
    t.same(
      receipts.map((one) => one.seq),
      Array.from({ length: 40 }, (_, i) => i + 2),
    );
    t.ok(server.chunks - before <= 2, `40 messages of one turn in ${server.chunks - before} writes`);

    server.answers = false;
    const lost = alice.send("bob", "in between");
    await until("it is on its way", () => alice.pending().length === 1);
    await sleep(20);
    server.cut();
    server.answers = true;
    t.equal((await lost).seq, 42);
    await until("bob has all", () => shown.length === 42);
    t.same(
      shown.slice(1, 41),
      Array.from({ length: 40 }, (_, i) => `alice: ${i}`),
    );
    t.equal(shown[41], "alice: in between");

    bob.markRead("alice");
    await bob.check();
    t.match(bob.conversations(), [{ conversation: { peer: "alice" }, seq: 42, readSeq: 42 }]);
    const page = await bob.fetchHistory("alice", { before: 3, limit: 10 });
    t.same(
      page.messages.map((m) => m.text),
      ["hello", "0"],
    );
    t.equal(page.more, false);
    const [refused] = await Promise.allSettled([alice.send("bob", { kind: 5, payload: Uint8Array.of(1) })]);
    t.match(refused, { status: "rejected", reason: { name: "UNSUPPORTED", code: 19 } });
    t.equal((await alice.send({ peer: "bob" }, Uint8Array.of(1, 2))).seq, 43);
    await until("data too", () => shown.length === 43);
    await alice.close();
    await bob.close();
    await until("the server sees them go", () => server.connections === 0);
  });
}

t.test("the browser's client, on a WebSocket like a browser's", async (t) => {
  const server = await listener(t);
  const url = await server.webSocket();
  const before = globalThis.WebSocket;
  globalThis.WebSocket = PackagedWebSocket as unknown as typeof WebSocket;
  t.teardown(() => (globalThis.WebSocket = before));
  const alice = new BrowserClient({ url, token: "dev:alice" });
  t.teardown(() => alice.close());
  await alice.connect();
  t.equal((await alice.send("alice", "note to self")).seq, 1);
  t.throws(() => new BrowserClient({ url: "tcp://127.0.0.1:7070", token: "" }), { name: "BAD_ARGUMENT" });
});

t.test("TLS", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-client-"));
  t.teardown(() => rm(directory, { recursive: true }));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  try {
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    await promisify(execFile)("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ]);
  } catch (thrown) {
    t.comment(`no certificate without openssl: ${(thrown as Error).message}`);
    return;
  }
  const ca = await readFile(cert, "utf8");
  const server = await listener(t);
  const url = await server.tcp({ key: await readFile(key, "utf8"), cert: ca });
  const alice = client(t, { url, token: "dev:alice", tls: { ca } });
  await alice.connect();
  t.equal((await alice.send("bob", "secret")).seq, 1);
  const stranger = client(t, { url, token: "dev:eve" });
  const reasons: string[] = [];
  stranger.on("state", ({ reason }) => reason && reasons.push(reason.name));
  void stranger.connect().catch(() => {});
  await until("the certificate is refused", () => reasons.includes("CONNECT_FAILED"));
});

t.test("offline: messages wait; the connection is tried until it works", async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const port = (taken.address() as AddressInfo).port;
  await new Promise((resolve) => taken.close(resolve));
  const alice = client(t, { url: `tcp://127.0.0.1:${port}`, token: "dev:alice" });
  const states: string[] = [];
  alice.on("state", ({ state, reason }) => states.push(reason === undefined ? state : `${state} ${reason.name}`));
  const early = alice.send("bob", "before connect");
  const online = alice.connect();
  await until("a first failure", () => states.includes("offline CONNECT_FAILED"));
  const server = await listener(t);
  const target = await server.tcp();
  const relay = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  t.teardown(() => relay.close());
  await until("a second", () => states.filter((state) => state.startsWith("offline")).length > 1);
  await new Promise((resolve) => relay.close(resolve));
  const { connect } = await import("node:net");
  const forward = createServer((socket) => {
    const onward = connect(Number(new URL(target).port), "127.0.0.1");
    socket.pipe(onward).pipe(socket);
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
  }).listen(port, "127.0.0.1");
  t.teardown(() => forward.close());
  alice.wake();
  await online;
  t.equal((await early).seq, 1);
});

t.test("GoAway leads to another gateway", async (t) => {
  const [first, second] = [await listener(t), await listener(t)];
  const alice = client(t, { url: await first.tcp(), token: "dev:alice" });
  await alice.connect();
  const target = new URL(await second.tcp()).host;
  first.tell(encodeMessage(FrameType.GoAway, hawser.v1.GoAway, { reason: 1, reconnectAfterMs: 1, target }));
  await until("it moved", () => second.hellos.length === 1 && alice.state === "online");
  t.equal(second.hellos[0].connection, 2);
});

t.test("where a target leads", (t) => {
  const schemes = ["tcp:", "tls:", "ws:", "wss:"];
  const at = (base: string, target: string): string => resolveTarget(parseAddress(base, schemes), target, schemes).href;
  t.equal(at("tcp://a:1", ""), "tcp://a:1");
  t.equal(at("tcp://a:1", "b:2"), "tcp://b:2");
  t.equal(at("wss://a/chat?x=1", "b:2"), "wss://b:2/chat?x=1");
  t.equal(at("ws://a/", "tcp://[::1]:5"), "tcp://[::1]:5");
  t.throws(() => at("tls://a:1", "tcp://b:2"), { name: "BAD_ARGUMENT" }, "never from encrypted to plain");
  t.throws(() => at("tcp://a:1", "http://b"), { name: "BAD_ARGUMENT" });
  t.throws(() => parseAddress("nonsense", schemes), { name: "BAD_ARGUMENT" });
  t.throws(() => new HawserClient({ url: "tcp://a:1", token: "", history: -1 }), { name: "BAD_ARGUMENT" });
  t.end();
});

t.test("tokens: asked again when expired, stopped when refused, a function that fails is asked again", async (t) => {
  const server = await listener(t);
  const url = await server.tcp();
  server.refusals.set("old", errorFrame(ErrorCode.TokenExpired));
  server.refusals.set("forged", errorFrame(ErrorCode.AuthFailed, { detail: "signature" }));
  const tokens = ["old", "dev:alice"];
  const alice = client(t, { url, token: () => tokens.shift() ?? "forged" });
  await alice.connect();
  t.same(
    server.hellos.map((hello) => hello.token),
    ["old", "dev:alice"],
  );
  server.cut();
  await until("back with the token that worked", () => server.hellos.length === 3 && alice.state === "online");

  await t.rejects(client(t, { url, token: "forged" }).connect(), { name: "AUTH_FAILED", message: "signature" });
  await t.rejects(client(t, { url, token: "old" }).connect(), { name: "TOKEN_EXPIRED" });
  let asked = 0;
  const errors: string[] = [];
  const bob = client(t, {
    url,
    token: async () => {
      if (++asked === 1) throw new Error("the login service is away");
      return "dev:bob";
    },
  });
  bob.on("error", (error) => errors.push(`${error.name} ${error.message}`));
  await bob.connect();
  t.same(errors, ["TOKEN_FAILED the login service is away"]);
});

t.test("close: what waits is rejected with CLOSED, and nothing is left", async (t) => {
  const server = await listener(t);
  const url = await server.tcp();
  server.answers = false;
  const alice = new HawserClient({ url, token: "dev:alice" });
  await alice.connect();
  const calls = [alice.send("bob", "a"), alice.fetchHistory("bob"), alice.check()];
  const never = new HawserClient({ url: "tcp://127.0.0.1:1", token: "x" });
  calls.push(never.connect());
  const closed = Promise.all([alice.close(), alice.close(), never.close()]);
  for (const outcome of await Promise.allSettled(calls)) t.match(outcome, { status: "rejected", reason: { name: "CLOSED", code: 1000 } });
  await closed;
  for (const call of [alice.send("bob", "b"), alice.connect(), alice.check(), alice.fetchHistory("bob")]) {
    await t.rejects(call as Promise<unknown> as Promise<void>, { name: "CLOSED" });
  }
  t.equal(alice.state, "stopped");
  await until("the timer is gone", () => !process.getActiveResourcesInfo().includes("Timeout"));
});

t.test("arguments that make no sense are typed errors", async (t) => {
  const alice = client(t, { url: "tcp://127.0.0.1:1", token: "x", pendingMax: 2 });
  await t.rejects(alice.send("", "x"), { name: "BAD_ARGUMENT" });
  await t.rejects(alice.send("x".repeat(65), "x"), { name: "BAD_ARGUMENT" });
  await t.rejects(alice.send("bob", "x".repeat(65 * 1024)), { name: "PAYLOAD_TOO_LARGE" });
  await t.rejects(alice.send("bob", { kind: -1, payload: Uint8Array.of(1) }), { name: "BAD_ARGUMENT" });
  await t.rejects(alice.send("bob", { kind: 1, payload: [1] as unknown as Uint8Array }), { name: "BAD_ARGUMENT" });
  await t.rejects(alice.send({ self: true } as never, "x"), { name: "FORBIDDEN" });
  const reused = Uint8Array.of(1);
  void alice.send("bob", reused);
  reused[0] = 9;
  t.equal(alice.pending()[0]?.payload[0], 1, "the bytes are taken as they are at the call");
  void alice.send("bob", "two");
  await t.rejects(alice.send("bob", "three"), { name: "QUEUE_FULL" });
});

t.test("handlers that throw, errors that nobody hears, calls from within handlers", async (t) => {
  const server = await listener(t);
  const url = await server.tcp();
  const alice = client(t, { url, token: "dev:alice" });
  const bob = client(t, { url, token: "dev:bob" });
  const errors: HawserError[] = [];
  const heard: string[] = [];
  bob.on("message", (m) => {
    if (m.text === "bad") throw new Error("a bug of the application");
  });
  bob.on("message", (m) => {
    heard.push(m.text ?? "");
    if (m.from === "alice") void bob.send("alice", `you said ${m.text}`);
  });
  const onError = (error: HawserError): void => void errors.push(error);
  bob.on("error", onError);
  let once = 0;
  alice.once("message", () => once++);
  const answers: string[] = [];
  alice.on("message", (m) => !m.mine && answers.push(m.text ?? ""));
  await Promise.all([alice.connect(), bob.connect()]);
  await alice.send("bob", "bad");
  await until("the answer", () => answers.length === 1);
  t.same(answers, ["you said bad"]);
  t.match(errors, [{ name: "HANDLER_FAILED", cause: { message: "a bug of the application" } }]);
  await alice.send("bob", "good");
  await until("more", () => answers.length === 2);
  t.equal(once, 1);
  bob.off("error", onError);
  // An error without a listener: no crash, and the connection is opened again.
  server.tell(Uint8Array.of(0x80, 0x00));
  await until("both are back", () => server.hellos.length === 4 && alice.state === "online" && bob.state === "online");
  t.equal((await alice.send("bob", "still here")).seq, 5);
});

t.test("a server that talks text, or closes, on WebSocket", async (t) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  await new Promise<void>((resolve) => server.once("listening", resolve));
  let connections = 0;
  server.on("connection", (socket) => (++connections === 1 ? socket.send("text") : socket.close(4001, "not you")));
  const alice = client(t, { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "x" });
  const reasons: string[] = [];
  alice.on("state", ({ reason }) => reason && reasons.push(`${reason.name} ${reason.message}`));
  void alice.connect().catch(() => {});
  await until("both", () => reasons.length >= 2);
  t.same(reasons.slice(0, 2), ["PROTOCOL_VIOLATION a text message", "CONNECT_FAILED not you"]);
});

t.test("stores: slow, failing, broken", async (t) => {
  const server = await listener(t);
  const url = await server.tcp();
  class Troubled extends MemoryStore {
    failures = 0;
    release: (() => void) | undefined;
    slow = false;
    override async write(changes: Parameters<Store["write"]>[0]): Promise<void> {
      if (this.slow) await new Promise<void>((resolve) => (this.release = resolve));
      if (this.failures-- > 0) throw new Error("disk full");
      return super.write(changes);
    }
  }
  const store = new Troubled();
  const alice = client(t, { url, token: "dev:alice", store });
  const errors: string[] = [];
  alice.on("error", (error) => errors.push(`${error.name} ${error.message}`));
  await alice.connect();
  await until("the first Sync is stored", () => alice.state === "online");
  await alice.check();
  store.failures = 1;
  const first = alice.send("bob", "first");
  const second = alice.send("bob", "second");
  t.same(
    (await Promise.all([first, second])).map((receipt) => receipt.seq),
    [1, 2],
  );
  t.same(errors, ["STORE_FAILED disk full"]);
  store.slow = true;
  const third = alice.send("bob", "third");
  await until("it is being written", () => store.release !== undefined);
  await sleep(20);
  t.equal(server.model.of("bob")[0]?.rows.length, 2, "nothing goes out that is not stored");
  store.slow = false;
  store.release?.();
  t.equal((await third).seq, 3);
  await alice.close();
  // Another run on the same store sees nothing twice, and goes on.
  const again = client(t, { url, token: "dev:alice", store });
  const shown: string[] = [];
  again.on("message", (m) => shown.push(m.text ?? ""));
  await again.connect();
  t.equal((await again.send("bob", "fourth")).seq, 4);
  await until("its own", () => shown.length > 0);
  t.same(shown, ["fourth"]);
  t.equal(server.hellos.length, 2);
  t.same(server.hellos[0].install, server.hellos[1].install);
  t.same(server.hellos[0].device, server.hellos[1].device);

  const broken: Store = { load: () => Promise.reject(new Error("unreadable")), write: async () => {}, close: async () => {} };
  const bob = client(t, { url, token: "dev:bob", store: broken });
  await t.rejects(bob.connect(), { name: "STORE_FAILED", message: "unreadable" });
  await t.rejects(bob.send("alice", "x"), { name: "STORE_FAILED" });
});

t.test("many clients: one timer, light objects, nothing lost", async (t) => {
  const server = await listener(t);
  const url = await server.tcp();
  const clients = Array.from({ length: 200 }, (_, i) => client(t, { url, token: `dev:u${i}`, device: "d" }));
  let received = 0;
  for (const one of clients) one.on("message", (m) => !m.mine && received++);
  await Promise.all(clients.map((one) => one.connect()));
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  t.ok(timers <= 3, `${timers} timers for ${clients.length} clients`);
  const sent: Promise<unknown>[] = [];
  for (let round = 0; round < 5; round++) {
    for (const [i, one] of clients.entries()) sent.push(one.send(`u${(i + round + 1) % clients.length}`, `${round}`));
  }
  await Promise.all(sent);
  await until("all have all", () => received === 1000);
});

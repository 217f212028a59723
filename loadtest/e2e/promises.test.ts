// What Hawser promises its users, seen from outside: SDK clients and raw ones on a real stack with two gateways, whose
// processes are killed and stopped under them. Nothing here knows when something happens, only that it must.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type Stack, startStack } from "../../cli/stack.ts";
import { FileStore, MemoryStore } from "../../client/index.ts";
import { directKey } from "../../proto/conversation.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Chat } from "./testing/chat.ts";
import { Device } from "./testing/device.ts";
import { DroppingProxy } from "./testing/dropping-proxy.ts";
import { metric, PROGRAM } from "./testing/gateway-process.ts";
import { Raw } from "./testing/raw-client.ts";
import { sleep, until, within } from "./testing/wait.ts";
import { sendBody, Type } from "./testing/wire-bytes.ts";

const { v1 } = hawser;
const DRAIN_MS = 1500;
const folder = mkdtempSync(join(tmpdir(), "hawser-promises-"));
const start = (): Promise<Stack> =>
  startStack({
    dataDir: join(folder, "data"),
    ports: "free",
    quiet: true,
    gateways: 2,
    drainMs: DRAIN_MS,
    gatewayArgs: ["--sends-per-second", "20000", "--requests-per-second", "20000"],
  });
let stack = await start();
t.teardown(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});
const [first, second] = stack.urls.gateways as [(typeof stack.urls.gateways)[0], (typeof stack.urls.gateways)[0]];

/** Everybody who ever was here: none of them may have seen another history than the server has. */
const everybody: Device[] = [];
t.teardown(() => Promise.all(everybody.map((device) => device.close())));
function device(url: string, user: string, more: { device?: string; store?: MemoryStore | FileStore } = {}): Device {
  const made = new Device({ url, user, ...more });
  everybody.push(made);
  return made;
}

/** `signal` to a part, and its return. */
async function restart(part: string, signal: NodeJS.Signals): Promise<void> {
  const back = stack.restarted(part);
  stack.kill(part, signal);
  await within(back, `${part} to be back`, 45_000);
}

async function accepted(): Promise<number> {
  return (await metric(first.http, "hawser_gateway_accepted_total")) + (await metric(second.http, "hawser_gateway_accepted_total"));
}

/** `hawser demo` as people run it. */
async function demo(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, "demo", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  t.teardown(() => child.kill("SIGTERM"));
  let out = "";
  let err = "";
  child.stdout.on("data", (bytes) => (out += bytes));
  child.stderr.on("data", (bytes) => (err += bytes));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** Paced, and on a stack of its own: it runs beside everything else, and is looked at last. */
const chaosDemo = demo("--chaos", "--limit", "1500", "--kills", "2", "--json", "-");
chaosDemo.catch(() => undefined);

function lines(from: number, count: number, user: string, say: string): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i} ${user}: ${say} ${from + i}`);
}

t.test("who was offline gets everything, once and in order; what was said offline is sent", async (t) => {
  const alice = device(first.tcp, "alice", { store: new FileStore(join(folder, "alice.json")) });
  const said = lines(1, 50, "alice", "hello");
  // Before there is a connection.
  const sends = said.map((_, i) => alice.client.send("bob", `hello ${i + 1}`));
  await alice.online();
  t.same(
    (await within(Promise.all(sends), "all acks")).map(({ seq }) => seq),
    said.map((_, i) => i + 1),
    "acks in the order of the calls",
  );
  const store = new FileStore(join(folder, "bob.json"));
  const bob = await device(second.ws, "bob", { store }).online();
  t.same(await bob.shown("alice", 50), said, "bob was never here before");
  await bob.close();

  const more = await within(Promise.all(Array.from({ length: 30 }, (_, i) => alice.client.send("bob", `more ${51 + i}`))), "acks");
  t.equal(more.at(-1)!.seq, 80);
  const again = await device(first.tcp, "bob", { store: new FileStore(join(folder, "bob.json")) }).online();
  t.same(await again.shown("alice", 30), lines(51, 30, "alice", "more"), "back again: only what is new");
  // Nothing comes late or twice.
  await again.client.check();
  t.equal(again.messages.length, 30);
  await again.close();

  // A process that ends with unsent messages: the next one on its store sends them.
  const offline = device("tcp://127.0.0.1:1", "carl", { store: new FileStore(join(folder, "carl.json")) });
  offline.client.connect().catch(() => undefined);
  const lost = [1, 2, 3].map((i) => offline.client.send("alice", `kept ${i}`).catch((error: Error) => error.name));
  await until(() => offline.client.pending().length === 3, "three to wait");
  await offline.close();
  t.same(await Promise.all(lost), ["CLOSED", "CLOSED", "CLOSED"]);
  const carl = await device(first.ws, "carl", { store: new FileStore(join(folder, "carl.json")) }).online();
  t.same(await alice.shown("carl", 3), lines(1, 3, "carl", "kept"));
  await until(() => carl.client.pending().length === 0, "nothing to wait any more");
  await alice.close();
});

t.test("three devices of one user and one of another see one order, own messages included", async (t) => {
  const kit = await Promise.all([
    device(first.tcp, "kim", { device: "phone" }).online(),
    device(second.ws, "kim", { device: "tablet" }).online(),
    device(second.tcp, "kim", { device: "desk" }).online(),
  ]);
  const lee = await device(first.ws, "lee").online();
  const each = 40;
  // All at once, from everywhere.
  const sends: Promise<unknown>[] = [];
  for (let i = 1; i <= each; i++) {
    for (const [n, one] of kit.entries()) sends.push(one.client.send("lee", `kim${n} ${i}`));
    sends.push(lee.client.send("kim", `lee ${i}`));
    if (i % 8 === 0) await sleep(5);
  }
  await within(Promise.all(sends), "all acks");
  const total = 4 * each;
  const log = await lee.shown("kim", total);
  t.same(
    log.map((line) => Number(line.split(" ")[0])),
    Array.from({ length: total }, (_, i) => i + 1),
    "numbered without a hole",
  );
  for (const one of kit) {
    t.same(await one.shown("lee", total), log, "the same on each");
    t.equal(one.messages.filter(({ local }) => local).length, each, "and each knows its own");
    t.equal(one.messages.filter(({ mine }) => mine).length, 3 * each, "and the user's");
    t.same(
      one.messages.map(({ time }) => time),
      lee.messages.map(({ time }) => time),
      "times as well",
    );
  }
  for (const sender of ["kim0", "kim1", "kim2", "lee"]) {
    t.same(
      log.flatMap((line) => (line.includes(`${sender} `) ? [Number(line.split(" ").at(-1))] : [])).filter((_, i) => i < each),
      Array.from({ length: each }, (_, i) => i + 1),
      `in ${sender}'s order`,
    );
  }
  // Notes to oneself are a conversation like others.
  await kit[0].client.send("kim", "milk, bread");
  for (const one of kit) t.same(await one.shown("kim", 1), ["1 kim: milk, bread"]);
  t.equal(lee.messages.length, total, "and nobody else's");

  // Read positions go to the other devices, and only upwards.
  kit[0].client.markRead("lee", 70);
  for (const other of kit.slice(1)) await until(() => other.reads.some(({ seq }) => seq === 70), "a read position to arrive");
  kit[1].client.markRead("lee", 20);
  kit[1].client.markRead("lee", 90);
  await until(() => kit[0].reads.some(({ seq }) => seq === 90), "a read position to arrive");
  t.notOk(
    kit[0].reads.some(({ seq }) => seq === 20),
    "never back",
  );
  t.same(lee.reads, [], "and they are nobody else's business");
  t.equal(kit[2].client.conversations().find(({ conversation }) => "peer" in conversation && conversation.peer === "lee")?.readSeq, 90);
  const raw = await Raw.welcomed(first.tcp, { token: "dev:kim", device: "raw" });
  raw.request(Type.Read, v1.Read.encode({ peer: Buffer.from("kim"), seq: 1_000_000 }).finish());
  await until(
    () => kit[0].reads.some(({ conversation, seq }) => "peer" in conversation && conversation.peer === "kim" && seq === 1),
    "a position beyond the head to be cut to it",
  );
  raw.destroy();
  await Promise.all([...kit, lee].map((one) => one.close()));
});

t.test("one connection for each device: the other is told REPLACED, and stays away", async (t) => {
  const cases: [string, { install: string; connection: number }, { install: string; connection: number }, 0 | 1][] = [
    ["a higher counter", { install: "install1", connection: 5 }, { install: "install1", connection: 6 }, 0],
    ["a lower counter", { install: "install1", connection: 5 }, { install: "install1", connection: 4 }, 1],
    ["the same counter", { install: "install1", connection: 5 }, { install: "install1", connection: 5 }, 0],
    ["a new install", { install: "install1", connection: 5 }, { install: "install2", connection: 1 }, 0],
  ];
  for (const [what, before, after, loser] of cases) {
    for (const [where, url] of [["here", first.ws] as const, ["elsewhere", second.tcp] as const]) {
      const user = `dev:replaced by ${what} ${where}`.slice(0, 64);
      const one = await Raw.welcomed(first.tcp, { token: user, device: "d", ...before });
      await one.sync();
      const two = await Raw.welcomed(url, { token: user, device: "d", ...after });
      const [gone, stays] = loser === 0 ? [one, two] : [two, one];
      t.equal(await gone.end(), "REPLACED", `${what}, ${where}`);
      await stays.sync();
      t.notOk(stays.ended);
      stays.destroy();
    }
  }

  const store = new MemoryStore();
  const old = await device(first.tcp, "rita", { device: "phone", store }).online();
  const copy = new MemoryStore();
  await copy.write(await store.load());
  const attempts = await accepted();
  const young = await device(second.ws, "rita", { device: "phone", store: copy }).online();
  await until(() => old.client.state === "stopped", "the old one to stop");
  t.equal(old.states.at(-1)!.reason?.name, "REPLACED");
  t.same(
    old.errors.splice(0).map(({ name }) => name),
    ["REPLACED"],
  );
  await young.client.check();
  await sleep(1200);
  t.equal(old.client.state, "stopped", "it does not come back by itself");
  t.equal(young.client.state, "online");
  t.equal(await accepted(), attempts + 1, "no fight over the connection");
  // Another name for the device, and both may stay.
  await device(first.ws, "rita", { device: "tablet" }).online();
  t.equal(young.losses, 0);
  await young.close();
});

t.test("a Push that is lost, the last one too, is noticed", async (t) => {
  const ines = await device(first.tcp, "ines").online();
  const jo = await Raw.welcomed(second.tcp, { token: "dev:jo" });
  await ines.client.send("jo", "one");
  const { seq } = await jo.take("Push");
  const { watermark } = await jo.sync();
  const check = async (at: number, count = 1): Promise<string> => {
    const key = directKey(Buffer.from("ines"), Buffer.from("jo"));
    const tail = Buffer.alloc(8);
    tail.writeBigUInt64BE(BigInt(at));
    const digest = createHash("sha256").update(key).update(tail).digest().subarray(0, 8);
    const answer = await jo.answer(jo.request(Type.Check, v1.Check.encode({ digest: at === 0 ? Buffer.alloc(8) : digest, count }).finish()));
    if (answer.name !== "Heads") return answer.name;
    return (answer.message as hawser.v1.Heads).heads.map((head) => `${Buffer.from(head.peer!)} ${head.seq}`).join();
  };
  t.equal(await check(seq), "Checked");
  t.equal(await check(0, 0), "ines 1", "who knows of no conversation is told");
  await ines.client.send("jo", "two");
  // It came, and is let fall.
  await jo.take("Push");
  t.equal(await check(1), "ines 2", "by Check");
  t.same(
    (await jo.sync(watermark)).heads.map((head) => head.seq),
    [2],
    "by Sync",
  );
  t.equal(await check(2), "Checked");
  t.equal((await jo.sync((await jo.sync(watermark)).watermark)).heads.length, 0, "a new watermark: nothing is new");
  jo.destroy();

  // The same to the SDK, whose pushes are lost on the way.
  const proxy = await DroppingProxy.start(first.tcp);
  t.teardown(() => proxy.close());
  const hugo = await device(proxy.url, "hugo").online();
  await ines.client.send("hugo", "message 1");
  await hugo.shown("ines", 1);
  proxy.dropping.add(Type.Push);
  for (const i of [2, 3]) await ines.client.send("hugo", `message ${i}`);
  await until(() => proxy.dropped === 2, "two pushes to be lost");
  t.equal(hugo.messages.length, 1, "they are lost");
  await hugo.client.check();
  t.same(hugo.log("ines"), lines(1, 3, "ines", "message"), "a lost tail is found by check()");
  await ines.client.send("hugo", "message 4");
  await until(() => proxy.dropped === 3, "another to be lost");
  proxy.dropping.clear();
  await ines.client.send("hugo", "message 5");
  t.same(await hugo.shown("ines", 5), lines(1, 5, "ines", "message"), "a hole is filled when the next one comes");
  // A lost ack: the row itself settles what was sent, once.
  proxy.dropping.add(Type.Sent);
  const sent = hugo.client.send("ines", "message 6");
  await until(() => proxy.dropped === 4, "an ack to be lost");
  proxy.dropping.clear();
  await hugo.client.check();
  t.equal((await within(sent, "a lost ack to be made up for")).seq, 6);
  t.same(hugo.client.pending(), []);
  t.same(await ines.shown("hugo", 6), [...lines(1, 5, "ines", "message"), "6 hugo: message 6"]);
  t.equal(hugo.losses, 0);
  await Promise.all([hugo.close(), ines.close()]);
});

// From here on two clients chat, each at another gateway, whatever happens to the servers.
const anna = await device(first.tcp, "anna").online();
const bert = await device(second.ws, "bert").online();
const chat = new Chat(anna.client, bert.client);
chat.start();

t.test("logic dies and stops: no connection drops, nothing is lost, old numbers keep their acks", async (t) => {
  const raw = await Raw.welcomed(second.tcp, { token: "dev:retry", install: "retrying" });
  const peer = Buffer.from("somebody");
  const acks = [];
  for (let clientSeq = 1; clientSeq <= 5; clientSeq++) acks.push(await raw.send({ peer, clientSeq, payload: Buffer.from(`text ${clientSeq}`) }));
  await raw.error(raw.request(Type.Send, sendBody({ peer: "somebody", clientSeq: 6, payload: Buffer.of(0xff) })));
  await chat.goesOn("at first");
  const before = await accepted();
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    await restart("logic", signal);
    t.ok(await raw.take("Resync"), "who is connected is told that something may have been missed");
    await chat.goesOn(`after ${signal} of logic`);
    for (const [i, ack] of acks.entries()) {
      // On the same connection, which has been told to ask again.
      let answer = await raw.answer(raw.request(Type.Send, sendBody({ peer: "somebody", clientSeq: i + 1, payload: `text ${i + 1}` })));
      while (answer.name === "Error" && (answer.message as hawser.v1.Error).code === v1.ErrorCode.BUSY) {
        await sleep((answer.message as hawser.v1.Error).retryAfterMs);
        answer = await raw.answer(raw.request(Type.Send, sendBody({ peer: "somebody", clientSeq: i + 1, payload: `text ${i + 1}` })));
      }
      const { seq, time } = answer.message as hawser.v1.Sent;
      t.match([answer.name, seq, time], ["Sent", ack.seq, ack.time], "a retry gets the first ack");
    }
    t.equal(
      (await raw.error(raw.request(Type.Send, sendBody({ peer: "somebody", clientSeq: 6, payload: "good" })))).name,
      "BAD_TEXT",
      "a refusal is for ever, too",
    );
    t.equal((await raw.error(raw.request(Type.Send, sendBody({ peer: "somebody", clientSeq: 1, payload: "other" })))).name, "CLIENT_SEQ_REUSED");
  }
  t.equal((await raw.send({ peer, clientSeq: 7, payload: Buffer.from("text 7") })).seq, 6);
  t.equal(anna.losses + bert.losses, 0, "no connection dropped");
  t.notOk(raw.ended);
  t.equal(await accepted(), before, "and none was made");
  raw.destroy();
  // Read positions of before.
  const kim = await Raw.welcomed(first.tcp, { token: "dev:kim" });
  const heads = (await kim.sync()).heads.map((head) => `${Buffer.from(head.peer!)} ${head.seq} ${head.readSeq}`);
  t.same(heads.toSorted(), ["kim 1 1", "lee 160 90"], "read positions are still there");
  kim.destroy();
});

t.test("NATS dies, and once more with everything that it had stored: nothing is lost", async (t) => {
  const before = await accepted();
  await restart("nats", "SIGKILL");
  await chat.goesOn("after the death of NATS");
  rmSync(join(folder, "data/nats"), { recursive: true, force: true });
  await restart("nats", "SIGKILL");
  await chat.goesOn("after the loss of NATS's disk");
  await restart("logic", "SIGKILL");
  await chat.goesOn("after logic was started anew on an empty NATS");
  t.equal(anna.losses + bert.losses, 0, "no connection dropped");
  t.equal(await accepted(), before);
});

t.test("frozen processes go on as if nothing had been", async (t) => {
  const before = stack.pids;
  // Longer than a lease lasts, shorter than clients wait.
  for (const parts of [["logic"], ["nats"], ["gateway", "gateway-2"], ["logic", "nats"]]) {
    for (const part of parts) stack.kill(part, "SIGSTOP");
    await sleep(2500);
    for (const part of parts) stack.kill(part, "SIGCONT");
    await chat.goesOn(`after ${parts} stood still`);
  }
  t.equal(anna.losses + bert.losses, 0, "no connection dropped");
  t.same(stack.pids, before, "and no process ended");
});

t.test("a gateway dies: its clients come back, the others stay", async (t) => {
  const lost = anna.losses;
  await restart("gateway", "SIGKILL");
  await chat.goesOn("after the death of a gateway");
  t.equal(anna.losses > lost, true, "a connection was lost, of course");
  t.equal(bert.losses, 0);
  t.equal(anna.client.state, "online");
});

t.test("a gateway stops: GoAway comes first, and until the end everything works", async (t) => {
  const raws = await Promise.all([first.tcp, first.ws, first.tcp].map((url, i) => Raw.welcomed(url, { token: `dev:guest-${i}`, device: "d" })));
  const lost = anna.losses;
  const back = restart("gateway", "SIGTERM");
  const moments = await Promise.all(
    raws.map(async (raw, i) => {
      const { reconnectAfterMs, reason } = await raw.take("GoAway");
      t.equal(reason, v1.GoAwayReason.GO_AWAY_DRAIN);
      t.equal(
        (await raw.send({ peer: Buffer.from("host"), clientSeq: 1, payload: Buffer.from(`guest ${i}`) })).seq,
        1,
        "a message between GoAway and the close",
      );
      return reconnectAfterMs;
    }),
  );
  t.ok(Math.max(...moments) <= DRAIN_MS, `within the time of the drain: ${moments}`);
  t.equal(new Set(moments).size, moments.length, `each its own moment: ${moments}`);
  for (const raw of raws) await raw.end();
  await back;
  await chat.goesOn("after a gateway stopped");
  t.equal(anna.losses > lost || anna.states.filter(({ state }) => state === "connecting").length > 2, true, "anna moved");
  t.equal(bert.losses, 0, "bert, who is elsewhere, noticed nothing");
});

t.test("everything dies at once: what was acknowledged is there", async (t) => {
  const count = 3000;
  const raw = await Raw.welcomed(first.tcp, { token: "dev:paul", install: "paul's 1" });
  const text = (clientSeq: number): string => `message ${clientSeq} ${"·".repeat(clientSeq % 50)}`;
  const acks = (of: Raw): number => of.inbox.filter(({ name }) => name === "Sent").length;
  const sendAll = async (from: Raw): Promise<void> => {
    for (let i = 1; i <= count && !from.ended; i++) {
      from.request(Type.Send, sendBody({ peer: "quentin", clientSeq: i, payload: text(i) }));
      await from.until(() => from.ended || i - acks(from) < 200, "acks");
    }
  };
  const sending = sendAll(raw);
  await raw.until(() => acks(raw) > 400, "some acks");
  const parts = ["logic", "nats", "gateway", "gateway-2"];
  const back = Promise.all(parts.map((part) => stack.restarted(part)));
  for (const part of parts) stack.kill(part);
  await within(back, "everything to be back", 60_000);
  await raw.end();
  await sending;
  const acked = new Map<number, hawser.v1.Sent>();
  for (const { name, message } of raw.inbox) if (name === "Sent") acked.set((message as hawser.v1.Sent).ref, message as hawser.v1.Sent);
  t.comment(`${acked.size} of ${count} were acknowledged before the end`);

  const quentin = await Raw.welcomed(second.ws, { token: "dev:quentin" });
  const rows = new Map<number, hawser.v1.Push.$Properties>();
  const pull = async (): Promise<void> => {
    for (;;) {
      const page = await quentin.fetch({ peer: Buffer.from("paul"), fromSeq: rows.size + 1 });
      for (const row of page.rows) rows.set(row.seq!, row);
      if (!page.more) return;
    }
  };
  await until(async () => (await quentin.answer(quentin.request(Type.Sync, Buffer.alloc(0)))).name === "Heads", "logic to answer");
  await pull();
  const missing = [...acked.values()].filter(({ ref, seq, time }) => {
    const row = rows.get(seq);
    return row === undefined || Buffer.from(row.payload!).toString() !== text(ref) || row.time !== time;
  });
  t.same(missing, [], `of ${acked.size} acknowledged messages none is missing or changed`);

  // All again, as a client does: those that were stored keep their place, the others follow.
  const again = await Raw.welcomed(first.tcp, { token: "dev:paul", install: "paul's 1", connection: 2 });
  await sendAll(again);
  for (let i = 1; i <= count; i++) {
    const sent = await again.take("Sent", ({ ref }) => ref === i);
    if (sent.seq !== i) t.equal(sent.seq, i, "one sender's numbers are the conversation's");
    const before = acked.get(i);
    if (before && before.time !== sent.time) t.equal(sent.time, before.time, "the first ack's time");
  }
  await pull();
  t.same(
    [...rows.values()].map(({ payload }) => Buffer.from(payload!).toString()),
    Array.from({ length: count }, (_, i) => text(i + 1)),
    "everything once, in order",
  );
  again.destroy();
  quentin.destroy();
  await chat.goesOn("after the end of everything");
});

t.test("the chat through all of this: nothing lost, doubled or out of order, and no history differed", async (t) => {
  const { complaints, messages } = await chat.finish();
  t.same(complaints, []);
  t.comment(`${messages} messages; anna lost her connection ${anna.losses} times, bert ${bert.losses} times`);
  for (const one of [anna, bert]) await within(one.client.check(), "a check");
  t.same(
    everybody.flatMap(({ diverged }) => diverged),
    [],
    "hashes",
  );
  t.same(
    everybody.flatMap(({ errors }) => errors.map(({ name, message }) => `${name} ${message}`)),
    [],
    "errors",
  );
  // A device that was never here sees what the two saw.
  const late = await device(second.tcp, "anna", { device: "late" }).online();
  t.same(await late.shown("bert", messages), anna.log("bert"));

  // And after the end of all processes, supervisor and all, in another life.
  await Promise.all(everybody.map((one) => one.close()));
  await stack.stopNow();
  stack = await start();
  const later = await device(stack.urls.ws, "anna", { device: "later" }).online();
  t.same(await later.shown("bert", messages), anna.log("bert"), "in another life");
  t.equal((await later.client.send("bert", "hello again")).seq, messages + 1, "numbers go on");
});

t.test("hawser demo, as people run it", async (t) => {
  const file = join(folder, "figures.json");
  const plain = await demo("--limit", "1500", "--json", file);
  t.equal(plain.code, 0, plain.err);
  const figures = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const nothing = { lost: 0, duplicated: 0, out_of_order: 0 };
  t.match(figures, {
    messages: 1500,
    delivered: Number,
    ...nothing,
    transports: { tcp: Number, ws: Number },
    offline_delivered: Number,
    latency_ms: { p50: Number, p99: Number },
    wire: { median_text_bytes: Number, median_push_frame_bytes: Number, median_send_frame_bytes: Number },
    server_cpu_us_per_message: Number,
  });
  const {
    delivered,
    transports,
    offline_delivered: offline,
    wire,
    latency_ms: latency,
  } = figures as unknown as {
    delivered: number;
    transports: { tcp: number; ws: number };
    offline_delivered: number;
    wire: { median_text_bytes: number; median_push_frame_bytes: number; median_send_frame_bytes: number };
    latency_ms: { p50: number; p99: number };
  };
  t.ok(delivered >= 1500 && transports.tcp > 0 && transports.ws > 0 && offline > 0, "something happened");
  t.ok(latency.p50 > 0 && latency.p99 >= latency.p50);
  t.ok(wire.median_push_frame_bytes > wire.median_text_bytes && wire.median_send_frame_bytes > wire.median_text_bytes);

  const chaos = await within(chaosDemo, "the demo with chaos to end", 90_000);
  t.equal(chaos.code, 0, chaos.err);
  t.match(JSON.parse(chaos.out), { messages: 1500, ...nothing });
  t.ok((JSON.parse(chaos.out) as { kills: { gateway: number; logic: number } }).kills.gateway >= 2, "and something was killed");
  t.comment(JSON.stringify(figures), chaos.out);
});

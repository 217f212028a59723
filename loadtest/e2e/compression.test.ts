// Compression from end to end: the SDK over TCP and WebSocket on a real stack. Whatever is compressed, everybody sees the same;
// what the gateway counts shows that it was. Dictionaries are trained and published by the command line's own code.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { deflateRawSync } from "node:zlib";
import t from "tap";
import { startStack } from "../../cli/stack.ts";
import { MemoryStore } from "../../client/index.ts";
import { Device, type DeviceOptions } from "./testing/device.ts";
import { metric, PROGRAM } from "./testing/gateway-process.ts";
import { Raw } from "./testing/raw-client.ts";
import { until } from "./testing/wait.ts";
import { BATCH, bytesField, COMPRESSED, frame, helloBody, numberField, sendBody, Type, varint } from "./testing/wire-bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "hawser-compression-"));
const stack = await startStack({
  dataDir: join(folder, "data"),
  ports: "free",
  quiet: true,
  gatewayArgs: ["--sends-per-second", "20000", "--requests-per-second", "20000"],
});
const devices: Device[] = [];
t.teardown(async () => {
  await Promise.all(devices.map((device) => device.close()));
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});
function device(options: Omit<DeviceOptions, "url"> & { url?: string }): Device {
  const made = new Device({ url: stack.urls.tcp, ...options });
  devices.push(made);
  return made;
}
const counted = (name: string): Promise<number> => metric(stack.urls.http, `hawser_gateway_${name}`);

async function hawserCommand(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (bytes) => (out += bytes));
  const [code] = await once(child, "close");
  t.equal(code, 0, args.slice(0, 2).join(" "));
  return out;
}

const TEXTS = [
  "Where are you now?",
  "I'm on my way home, see you in 10 minutes",
  "ok",
  "好的，明天见",
  "Thank you so much!",
  "Did you get my message? Call me when you are free",
];
const text = (i: number): string => `${TEXTS[i % TEXTS.length]!} ${i}`;

t.test("history, by pages: over TCP, over WebSocket, and without compression, all see the same", async (t) => {
  const writer = await device({ user: "walt" }).online();
  const rows = 400;
  for (const to of ["tina", "wendy", "paul"]) await Promise.all(Array.from({ length: rows }, (_, i) => writer.client.send(to, text(i))));
  const expected = Array.from({ length: rows }, (_, i) => `${i + 1} walt: ${text(i)}`);
  const paul = await device({ user: "paul", compression: false }).online();
  t.same(await paul.shown("walt", rows), expected);
  const saved = await counted("compression_saved_bytes_total");
  const tina = await device({ user: "tina" }).online();
  t.same(await tina.shown("walt", rows), expected);
  const wendy = await device({ user: "wendy", url: stack.urls.ws }).online();
  t.same(await wendy.shown("walt", rows), expected);
  t.ok((await counted("compression_saved_bytes_total")) - saved > 2 * 10_000, "two pages of 400 rows");
  t.same(
    [paul, tina, wendy].flatMap(({ diverged, errors }) => [...diverged, ...errors]),
    [],
  );
});

t.test("pushes that come together go out together; a queue that is flushed comes in compressed", async (t) => {
  const receivers = await Promise.all([device({ user: "rita" }).online(), device({ user: "rita", device: "tablet", url: stack.urls.ws }).online()]);
  const before = { out: await counted("compressed_frames_out_total"), in: await counted("compressed_frames_in_total") };
  const store = new MemoryStore();
  const sender = device({ user: "quentin", store });
  const waiting = Array.from({ length: 300 }, (_, i) => sender.client.send("rita", text(i)));
  await sender.client.connect();
  await Promise.all(waiting);
  const expected = Array.from({ length: 300 }, (_, i) => `${i + 1} quentin: ${text(i)}`);
  for (const receiver of receivers) t.same(await receiver.shown("quentin", 300), expected);
  t.ok((await counted("compressed_frames_in_total")) > before.in, "the queue");
  t.ok((await counted("compressed_frames_out_total")) > before.out, "pushes");
  t.same(
    [...receivers, sender].flatMap(({ diverged, errors }) => [...diverged, ...errors]),
    [],
  );
});

t.test("dictionaries: trained, published, fetched once, used; older ones go on", async (t) => {
  const messages = Array.from({ length: 4000 }, (_, i) =>
    JSON.stringify({ from: `user-${i % 50}`, to: `user-${(i + 1) % 50}`, text: `the lighthouse keeper says ${text(i % 300)}` }),
  );
  const file = join(folder, "messages.jsonl");
  writeFileSync(file, messages.join("\n"));
  const trained = await hawserCommand("dictionary", "train", file, "--bytes", "2048", "--publish", "--nats", stack.urls.nats);
  const first = /dictionary ([0-9a-f]{16})/.exec(trained)![1]!;
  t.match(trained, new RegExp(`published ${first}`));
  const stores = [new MemoryStore(), new MemoryStore()];
  const kept = async (store: MemoryStore): Promise<string | undefined> => (await store.load()).get("dictionary");

  // The gateway looks every few seconds; a client learns of it with the next Welcome.
  const online = async (store: MemoryStore, url = stack.urls.tcp): Promise<Device> =>
    device({ user: "dina", device: `dina-${stores.indexOf(store)}`, store, url }).online();
  await until(async () => {
    const dina = await online(stores[0]!);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await dina.close();
    return (await kept(stores[0]!)) !== undefined;
  }, "the dictionary to be fetched");
  t.equal(await counted("dictionaries_sent_total"), 1);
  const withFirst = await kept(stores[0]!);

  const again = await online(stores[0]!);
  const writer = await device({ user: "dora" }).online();
  await Promise.all(Array.from({ length: 40 }, (_, i) => writer.client.send("dina", `the lighthouse keeper says ${text(i)}`)));
  t.equal((await again.shown("dora", 40)).length, 40);
  await until(async () => (await counted("dictionaries_sent_total")) >= 2, "the writer to fetch it as well");
  t.equal(await counted("dictionaries_sent_total"), 2, "and nobody again");

  // A newer one: who has the first keeps using it on its connection, and on the next until the newer one is there.
  const newer = await hawserCommand("dictionary", "train", file, "--bytes", "4096", "--publish", "--nats", stack.urls.nats);
  const second = /dictionary ([0-9a-f]{16})/.exec(newer)![1]!;
  t.not(second, first);
  t.match(await hawserCommand("dictionary", "list", "--nats", stack.urls.nats), new RegExp(`${second}.*newest\n${first}`));
  await Promise.all(Array.from({ length: 40 }, (_, i) => writer.client.send("dina", text(i))));
  await again.shown("dora", 80);
  await again.close();
  await until(async () => {
    const dina = await online(stores[0]!);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await dina.close();
    return (await kept(stores[0]!)) !== withFirst;
  }, "the newer dictionary to be fetched");
  const other = await online(stores[1]!, stack.urls.ws);
  t.equal((await other.shown("dora", 80)).length, 80, "one that has only the default dictionary");
  const last = await online(stores[0]!);
  await writer.client.send("dina", "still here");
  await last.shown("dora", 1);
  t.same(
    [again, other, last, writer].flatMap(({ diverged, errors }) => [...diverged, ...errors]),
    [],
  );
});

t.test("bombs, lies and what was not agreed on are BAD_FRAME, and the gateway goes on", async (t) => {
  const witness = await device({ user: "wilma" }).online();
  const send = sendBody({ peer: "wilma", clientSeq: 1, payload: "hello hello hello hello" });
  const deflated = deflateRawSync(send);
  const bomb = deflateRawSync(Buffer.alloc(300 * 1024 * 1024));
  const cases: [string, Buffer, string | undefined][] = [
    ["a Send, compressed as it should be", frame(COMPRESSED | Type.Send, varint(send.length), deflated), undefined],
    ["a size that is too small", frame(COMPRESSED | Type.Send, varint(send.length - 1), deflated), "BAD_FRAME"],
    ["a size that is too large", frame(COMPRESSED | Type.Send, varint(send.length + 1), deflated), "BAD_FRAME"],
    ["data that end early", frame(COMPRESSED | Type.Send, varint(send.length), deflated.subarray(0, -3)), "BAD_FRAME"],
    ["bytes behind the data", frame(COMPRESSED | Type.Send, varint(send.length), deflated, "x"), "BAD_FRAME"],
    ["no data", frame(COMPRESSED | Type.Send, varint(5)), "BAD_FRAME"],
    ["a bomb that says what it is", frame(COMPRESSED | Type.Send, varint(2 ** 28 - 1), bomb), "BAD_FRAME"],
    ["a bomb that says less", frame(COMPRESSED | Type.Send, varint(100_000), bomb), "BAD_FRAME"],
    ["a compressed batch that is none", frame(COMPRESSED | BATCH | Type.Send, varint(send.length), deflated), "BAD_FRAME"],
    ["a compressed Hello", frame(COMPRESSED | Type.Hello, varint(send.length), deflated), "BAD_FRAME"],
  ];
  for (const [index, [what, bytes, error]] of cases.entries()) {
    for (const url of [stack.urls.tcp, stack.urls.ws]) {
      const raw = await Raw.open(url);
      const fields = { token: `dev:mallory${index}`, install: Buffer.from(`${url.slice(0, 3)}${index}`.padEnd(8)), device: url.slice(0, 3) };
      raw.write(frame(Type.Hello, helloBody(fields), numberField(9, 1), bytesField(12, Buffer.alloc(8, 7))));
      t.match(await raw.take("Welcome"), { codec: 1, dictionary: [] }, "the codec without a dictionary");
      raw.write(bytes);
      if (error === undefined) t.match(await raw.take("Sent"), { ref: 1, seq: Number }, what);
      else t.match(await raw.end(), error, `${what}, ${url.slice(0, 3)}`);
      raw.destroy();
    }
  }
  await witness.shown("mallory0", 2);
  t.ok(witness.client.state === "online");
});

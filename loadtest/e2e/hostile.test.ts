// Bad input by hand, against real gateways, logic, NATS and disk: every wrong byte gets the typed error or the limit that
// SPEC.md names, and two well-behaved clients that chat all the while do not notice.
//
// Three gateways of one cluster: "main" checks JWTs; "dev" takes dev:NAME and has little patience; "tls" speaks TLS.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { WebSocket } from "ws";
import { startStack } from "../../cli/stack.ts";
import { HawserClient } from "../../client/index.ts";
import { openFilesMax } from "../../gateway/accept/admission.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Chat } from "./testing/chat.ts";
import { Device } from "./testing/device.ts";
import { metric, startGateway } from "./testing/gateway-process.ts";
import { Raw } from "./testing/raw-client.ts";
import { sleep, until, within } from "./testing/wait.ts";
import {
  BATCH,
  BEAT,
  type Bytes,
  batch,
  bytesField,
  COMPRESSED,
  conversation,
  frame,
  hello,
  helloBody,
  jwt,
  numberField,
  RESERVED,
  sendBody,
  Type,
  varint,
} from "./testing/wire-bytes.ts";

const { v1 } = hawser;
const SECRET = "a secret that only the login service and the gateways know";
const HEARTBEAT_MS = 1000;
/** What may wait for one reader, as both gateways have it by default. */
const PUSH_BYTES_MAX = 256 * 1024;
/** Sockets of this test's own, beside the crowd's. */
const FILES_RESERVED = 600;
const CONNECTIONS_MAX = Math.min(2000, (openFilesMax() ?? 2000) - FILES_RESERVED);

const folder = mkdtempSync(join(tmpdir(), "hawser-hostile-"));
const certificate = makeCertificate();
const stack = await startStack({
  dataDir: join(folder, "data"),
  ports: "free",
  quiet: true,
  jwtSecret: SECRET,
  gatewayArgs: ["--connections-max", `${CONNECTIONS_MAX}`, "--sends-per-second", "20000", "--requests-per-second", "20000"],
});
t.teardown(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});
const patience = ["--heartbeat-ms", `${HEARTBEAT_MS}`, "--handshake-ms", "1500", "--stall-ms", "2000"];
const [dev, tls] = await Promise.all([
  startGateway(stack, ["--dev", ...patience]),
  certificate && startGateway(stack, ["--dev", "--tls-cert", certificate.certFile, "--tls-key", certificate.keyFile], true),
]);
t.teardown(() => Promise.all([dev.stop(), tls?.stop()]));
const main = stack.urls;

const alice = new HawserClient({ url: main.tcp, token: userToken("alice"), history: "all" });
const bob = new HawserClient({ url: dev.urls.ws, token: "dev:bob", history: "all" });
await within(Promise.all([alice.connect(), bob.connect()]), "two clients to connect");
t.teardown(() => Promise.all([alice.close(), bob.close()]));
const chat = new Chat(alice, bob);
chat.start();

/** Those who take their time are begun now and looked at in the end. */
const silence = beSilent();
const drip = sendByTheSecond();
const halfOpen = tls && Promise.all([tls.urls.tcp, tls.urls.ws].map(beHalfOpen));
const renewal = renewTokens();
for (const promise of [silence, drip, halfOpen, renewal]) promise?.catch(() => undefined);
/** Says nothing for as long as all of this lasts: its beats have to do. */
const quinn = new Device({ url: dev.urls.tcp, user: "quinn" });
t.teardown(() => quinn.close());
await quinn.online();

t.test("what is no frame ends the connection, with the error that says why", async (t) => {
  const before: [string, Buffer, string][] = [
    ["garbage", Buffer.from("ffffffffff3a9b00c4", "hex"), "BAD_FRAME"],
    ["a length of 4 GB", Buffer.from("ffffffff0f", "hex"), "BAD_FRAME"],
    ["the largest length that there is", Buffer.from("ffffff7f", "hex"), "FRAME_TOO_LARGE"],
    ["a length one above the limit", varint(8 * 1024 + 1), "FRAME_TOO_LARGE"],
    ["a length in more bytes than it needs", Buffer.from("8000", "hex"), "BAD_FRAME"],
    ["the same, not zero", Buffer.from("858000", "hex"), "BAD_FRAME"],
    ["another protocol", Buffer.from(`GET /chat HTTP/1.1\r\nHost: example.org\r\nUser-Agent: ${"x".repeat(99)}\r\n\r\n`), "BAD_FRAME"],
    ["type 0 with a body", frame(0, "x"), "BAD_FRAME"],
    ["the reserved bit", frame(RESERVED | Type.Hello, helloBody({ token: "dev:mallory" })), "BAD_FRAME"],
    ["the compressed bit", frame(COMPRESSED | Type.Hello, helloBody({ token: "dev:mallory" })), "BAD_FRAME"],
    ["a batched Hello", batch(Type.Hello, helloBody({ token: "dev:mallory" })), "BAD_FRAME"],
    ["a beat", BEAT, "HELLO_EXPECTED"],
    ["a Send", frame(Type.Send, sendBody({ peer: "bob", payload: "too early" })), "HELLO_EXPECTED"],
    ["an unknown type", frame(27, "x"), "HELLO_EXPECTED"],
    ["a Hello that is none", frame(Type.Hello, Buffer.of(0xff, 0xff)), "BAD_REQUEST"],
    ["a Hello that ends early", frame(Type.Hello, helloBody({ token: "dev:mallory" }).subarray(0, -10)), "BAD_REQUEST"],
    ["an empty Hello", frame(Type.Hello), "VERSION_UNSUPPORTED"],
    ["versions to come", hello({ token: "dev:mallory", versionMin: 2, versionMax: 9 }), "VERSION_UNSUPPORTED"],
    ["a version gone by", hello({ token: "dev:mallory", versionMin: 0, versionMax: 0 }), "VERSION_UNSUPPORTED"],
    ["a device without a name", hello({ token: "dev:mallory", device: "" }), "BAD_REQUEST"],
    ["a device with a long name", hello({ token: "dev:mallory", device: "x".repeat(65) }), "BAD_REQUEST"],
    ["a device that is not UTF-8", hello({ token: "dev:mallory", device: Buffer.of(0x66, 0xff) }), "BAD_REQUEST"],
    ["an install of 7 bytes", hello({ token: "dev:mallory", install: "1234567" }), "BAD_REQUEST"],
    ["an install of 9 bytes", hello({ token: "dev:mallory", install: "123456789" }), "BAD_REQUEST"],
  ];
  const after: [string, Buffer, string][] = [
    ...before.slice(0, 3),
    ["a length one above the limit", varint(512 * 1024 + 1), "FRAME_TOO_LARGE"],
    ["type 0 with a body", frame(0, "x"), "BAD_FRAME"],
    ["the reserved bit", frame(RESERVED | Type.Sync), "BAD_FRAME"],
    ["the compressed bit", frame(COMPRESSED | Type.Sync, Buffer.of(1, 0)), "BAD_FRAME"],
    ["the compressed bit and the batch bit", frame(COMPRESSED | BATCH | Type.Sync, Buffer.of(1, 0)), "BAD_FRAME"],
    ["an empty batch", frame(BATCH | Type.Sync), "BAD_FRAME"],
    ["a batch that ends early", frame(BATCH | Type.Sync, Buffer.of(2, 0)), "BAD_FRAME"],
    ["a batch with a length in more bytes than it needs", frame(BATCH | Type.Sync, Buffer.of(0x80, 0)), "BAD_FRAME"],
    ["a second Hello", hello({ token: "dev:mallory", connection: 2 }), "BAD_REQUEST"],
    ["a batched Hello", batch(Type.Hello, helloBody({ token: "dev:mallory", connection: 2 })), "BAD_FRAME"],
  ];
  const device = { count: 0 };
  const attempt = async (url: string, welcomed: boolean, bytes: Buffer): Promise<{ end: string; ref: number }> => {
    const raw = welcomed ? await Raw.welcomed(url, { token: "dev:mallory", device: `d${++device.count}` }) : await Raw.open(url);
    raw.write(bytes);
    const end = await raw.end();
    return { end, ref: (raw.last?.message as hawser.v1.Error | undefined)?.ref ?? -1 };
  };
  for (const [transport, url] of [["TCP", dev.urls.tcp] as const, ["WebSocket", dev.urls.ws] as const]) {
    const found = await Promise.all(
      [before, after].map((cases, i) => Promise.all(cases.map(async ([what, bytes, wanted]) => ({ what, wanted, ...(await attempt(url, i === 1, bytes)) })))),
    );
    for (const [i, results] of found.entries()) {
      for (const { what, wanted, end } of results) t.equal(end, wanted, `${what}, ${transport}, ${i === 0 ? "first" : "after Welcome"}`);
    }
    t.ok(
      found[0]!.every(({ ref }) => ref === 0),
      "before Welcome nothing has a number",
    );
  }
  await chat.goesOn("while rubbish arrives");
});

t.test("tokens: only what the login service signed, for whom and as long as it says", async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: "carol", exp: now + 600 };
  const good = jwt(claims, SECRET);
  const [head, body, signature] = good.split(".") as [string, string, string];
  const cases: [string, string, string][] = [
    ["no token", "", "AUTH_FAILED"],
    ["no JWT", "x", "AUTH_FAILED"],
    ["a development token", "dev:carol", "AUTH_FAILED"],
    ["another secret", jwt(claims, "not the secret that everybody here trusts"), "AUTH_FAILED"],
    ["alg none, without signature", jwt(claims, "", { alg: "none", typ: "JWT" }), "AUTH_FAILED"],
    ["alg none, with one", jwt(claims, SECRET, { alg: "none", typ: "JWT" }), "AUTH_FAILED"],
    ["alg nOnE", jwt(claims, "", { alg: "nOnE" }), "AUTH_FAILED"],
    ["an algorithm that needs a key pair", jwt(claims, SECRET, { alg: "RS256" }), "AUTH_FAILED"],
    ["an unknown crit header", jwt(claims, SECRET, { alg: "HS256", crit: ["x"], x: 1 }), "AUTH_FAILED"],
    ["the signature left out", `${head}.${body}.`, "AUTH_FAILED"],
    ["the signature changed", `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`, "AUTH_FAILED"],
    ["another user put in", `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: "alice" })).toString("base64url")}.${signature}`, "AUTH_FAILED"],
    ["expired", jwt({ sub: "carol", exp: now - 1 }, SECRET), "TOKEN_EXPIRED"],
    ["expired in 1970", jwt({ sub: "carol", exp: 0 }, SECRET), "TOKEN_EXPIRED"],
    ["exp that is no number", jwt({ sub: "carol", exp: "tomorrow" }, SECRET), "AUTH_FAILED"],
    ["not valid yet", jwt({ ...claims, nbf: now + 600 }, SECRET), "AUTH_FAILED"],
    ["nobody's", jwt({ exp: now + 600 }, SECRET), "AUTH_FAILED"],
    ["of a user without a name", jwt({ ...claims, sub: "" }, SECRET), "AUTH_FAILED"],
    ["of a user with a long name", jwt({ ...claims, sub: "x".repeat(65) }, SECRET), "AUTH_FAILED"],
    ["of half a character", jwt({ ...claims, sub: "\ud800" }, SECRET), "AUTH_FAILED"],
    ["of a number", jwt({ ...claims, sub: 7 }, SECRET), "AUTH_FAILED"],
    ["for another device", jwt({ ...claims, device: "other" }, SECRET), "AUTH_FAILED"],
    ["longer than 4 KiB", jwt({ ...claims, padding: "x".repeat(4200) }, SECRET), "AUTH_FAILED"],
  ];
  for (const [transport, url] of [["TCP", main.tcp] as const, ["WebSocket", main.ws] as const]) {
    const found = await Promise.all(
      cases.map(async ([what, token, wanted]) => {
        const raw = await Raw.open(url);
        raw.write(hello({ token }));
        return { what, wanted, end: await raw.end() };
      }),
    );
    for (const { what, wanted, end } of found) t.equal(end, wanted, `${what}, ${transport}`);
  }

  const right = await Raw.open(main.tcp);
  right.write(hello({ token: jwt({ ...claims, device: "phone", exp: now + 1e12 }, SECRET), device: "phone", versionMin: 0, versionMax: 5 }));
  const welcome = await right.take("Welcome");
  t.match({ ...welcome }, { version: 1, payloadBytesMax: 65_536, frameBytesMax: 524_288 });
  // 240 s, or for one who explores twice that; up to a tenth less, so that beats do not align.
  t.ok(welcome.heartbeatMs > 200_000 && welcome.heartbeatMs <= 480_000, `an interval of a network that nobody knows: ${welcome.heartbeatMs} ms`);
  t.equal(Buffer.from(welcome.user).toString(), "carol");
  right.destroy();

  // The token is good at first, and the connection used while it lasts.
  const soon = await Raw.welcomed(main.ws, { token: jwt({ sub: "carol", exp: Math.floor(Date.now() / 1000) + 2 }, SECRET) });
  await soon.sync();
  t.equal(await soon.end(), "TOKEN_EXPIRED", "when its time has come");
  t.ok((await metric(main.http, "hawser_gateway_auth_failures_total")) >= 2 * (cases.length - 2), "and all of it is counted");
});

t.test("what is pipelined behind a Hello waits for the token, and dies with it", async (t) => {
  const install = "pipeline";
  for (const url of [main.tcp, main.ws]) {
    for (const token of [jwt({ sub: "trudy", exp: 1 }, SECRET), jwt({ sub: "trudy" }, "forged by somebody who does not know it"), "dev:trudy"]) {
      const raw = await Raw.open(url);
      raw.write(
        hello({ token, install }),
        frame(Type.Send, sendBody({ peer: "victim", payload: "must not arrive" })),
        batch(Type.Send, sendBody({ peer: "victim", clientSeq: 2, payload: "nor this" }), sendBody({ peer: "trudy", payload: "nor that" })),
        frame(Type.Read, conversation({ peer: "alice" }), numberField(4, 1)),
      );
      t.match(await raw.end(), /^(TOKEN_EXPIRED|AUTH_FAILED)$/);
      t.same(
        raw.inbox.map(({ name }) => name),
        ["Error"],
        "nothing else is answered",
      );
    }
  }
  // With a good token the same frames are the first ones: nothing of the above took a number or a place.
  const trudy = await Raw.open(main.tcp);
  const payload = Buffer.alloc(4000, "x");
  const count = 60;
  trudy.write(
    hello({ token: userToken("trudy"), install, connection: 2 }),
    ...Array.from({ length: count }, (_, i) => frame(Type.Send, sendBody({ peer: "victim", clientSeq: i + 1, payload: i === 0 ? "the first" : payload }))),
  );
  trudy.requests = count;
  await trudy.take("Welcome");
  for (let i = 1; i <= count; i++) t.equal((await trudy.take("Sent", ({ ref }) => ref === i)).seq, i, "240 KB behind a Hello: in order");
  const page = await trudy.fetch({ peer: Buffer.from("victim"), fromSeq: 1, limit: 1 });
  t.equal(Buffer.from(page.rows[0]!.payload!).toString(), "the first");
  const victim = await Raw.welcomed(main.ws, { token: userToken("victim") });
  t.equal((await victim.sync()).heads.length, 1, "the victim has one conversation");
  t.equal((await victim.fetch({ peer: Buffer.from("trudy"), fromSeq: 1, limit: 1 })).headSeq, count);
  trudy.destroy();
  victim.destroy();

  for (const url of [dev.urls.tcp, dev.urls.ws]) {
    const twice = await Raw.open(url);
    twice.write(hello({ token: "dev:twice" }), BEAT, hello({ token: "dev:twice", connection: 2 }), frame(Type.Send, sendBody({ peer: "victim" })));
    t.equal(await twice.end(), "BAD_REQUEST", "a second Hello behind the first");
    t.same(
      twice.inbox.map(({ name }) => name),
      ["Welcome", "Beat", "Error"],
      "what stood before it counts, what stands behind it does not",
    );
  }
});

t.test("answers are as large as the client can take", async (t) => {
  const conversations = 700;
  const token = userToken("hub");
  const sender = await Raw.welcomed(main.tcp, { token });
  for (let i = 1; i <= conversations; i++) {
    sender.request(Type.Send, sendBody({ peer: `spoke ${i} ${"x".repeat(i % 50)}`, payload: "hello" }));
    if (i % 200 === 0) await sender.take("Sent", ({ ref }) => ref === i);
  }
  for (let i = 1; i <= 30; i++)
    sender.request(Type.Send, sendBody({ peer: "big", clientSeq: i, payload: i % 10 === 0 ? "y".repeat(9000) : "z".repeat(60 * i) }));
  await sender.until(() => sender.inbox.filter(({ name }) => name === "Sent").length >= conversations + 30 - 3, "all acks");
  for (const [frameBytesMax, limit, pagesMin] of [
    [0, 65_536, 1],
    [1, 4096, 2],
    [9999, 9999, 2],
  ] as const) {
    const raw = await Raw.welcomed(main.ws, { token, device: `takes ${frameBytesMax}`, frameBytesMax });
    const names = new Set<string>();
    let pages = 0;
    let watermark: Uint8Array = new Uint8Array(0);
    for (let more = true; more; pages++) {
      const { name, message, size } = await raw.answer(raw.request(Type.Sync, v1.Sync.encode({ watermark }).finish()));
      const heads = message as hawser.v1.Heads;
      t.ok(name === "Heads" && size < limit && heads.heads.length <= 500, `a page of ${heads.heads.length} heads in ${size} bytes`);
      for (const head of heads.heads) names.add(Buffer.from(head.peer!).toString());
      ({ more, watermark } = heads);
    }
    t.equal(names.size, conversations + 1, `all heads, in ${pages} pages`);
    t.ok(pages >= pagesMin);
    t.equal((await raw.sync(watermark)).heads.length, 0, "and then nothing is new");
    let next = 1;
    while (next <= 30) {
      const { name, message, size } = await raw.answer(raw.request(Type.Fetch, v1.Fetch.encode({ peer: Buffer.from("big"), fromSeq: next }).finish()));
      const { rows, more } = message as hawser.v1.Page;
      t.ok(name === "Page" && rows.length > 0 && (size < limit || rows.length === 1), `a page of ${rows.length} rows in ${size} bytes`);
      next += rows.length;
      t.equal(more, next <= 30);
    }
    raw.destroy();
  }
  sender.destroy();
});

t.test("requests that are wrong: a typed error for each, by its number, and the connection goes on", async (t) => {
  for (const url of [dev.urls.tcp, dev.urls.ws]) {
    const raw = await Raw.welcomed(url, { token: `dev:oscar by ${url.slice(0, 3)}` });
    const send = (...fields: Buffer[]): Buffer => frame(Type.Send, ...fields, numberField(4, 1), bytesField(6, "must not arrive"));
    const fetch = (...fields: Buffer[]): Buffer => frame(Type.Fetch, ...fields, numberField(4, 1));
    const read = (...fields: Buffer[]): Buffer => frame(Type.Read, ...fields, numberField(4, 1));
    const bob = bytesField(1, "bob");
    const naming: [string, Buffer[]][] = [
      ["no conversation", []],
      ["a peer twice", [bob, bob]],
      ["two peers", [bob, bytesField(1, "bib")]],
      ["a peer and a group", [bob, bytesField(2, "g")]],
      ["a group and a peer that is empty", [bytesField(1, ""), bytesField(2, "g")]],
      ["a peer and self", [bob, numberField(3, 1)]],
      ["a peer and self, which is false but there", [bob, numberField(3, 0)]],
      ["two groups", [bytesField(2, "g"), bytesField(2, "g")]],
      ["a peer without a name", [bytesField(1, "")]],
      ["a peer with a long name", [bytesField(1, "x".repeat(65))]],
      ["a peer that is not UTF-8", [bytesField(1, Buffer.of(0xff))]],
      ["a peer in more bytes than it needs", [bytesField(1, Buffer.of(0xc0, 0x80))]],
      ["a peer that is half a character", [bytesField(1, Buffer.of(0xed, 0xa0, 0x80))]],
      ["a peer that is a number", [numberField(1, 7)]],
    ];
    const wrong: [string, Buffer, string][] = [
      ...naming.flatMap(([what, fields]): [string, Buffer, string][] => [
        [`Send to ${what}`, send(...fields), "BAD_REQUEST"],
        [`Fetch of ${what}`, fetch(...fields), "BAD_REQUEST"],
        [`Read of ${what}`, read(...fields), "BAD_REQUEST"],
      ]),
      ["a peer, and again behind everything else", Buffer.concat([frame(Type.Send, bob, numberField(4, 1), bytesField(6, "x"), bob)]), "BAD_REQUEST"],
      ["a Send that is no protobuf", frame(Type.Send, Buffer.of(0xff, 0xff, 0xff)), "BAD_REQUEST"],
      ["a Send that ends early", frame(Type.Send, bob, Buffer.of(0x32, 200)), "BAD_REQUEST"],
      ["an empty Send", frame(Type.Send), "BAD_REQUEST"],
      ["a Send to self", send(numberField(3, 1)), "FORBIDDEN"],
      ["a Send to a group", send(bytesField(2, "g")), "NOT_MEMBER"],
      ["a Fetch of a group", fetch(bytesField(2, "g")), "NOT_MEMBER"],
      ["a Fetch from 0 forward", frame(Type.Fetch, bob), "BAD_REQUEST"],
      ["a Sync that is no protobuf", frame(Type.Sync, Buffer.of(0x0a, 9, 1)), "BAD_REQUEST"],
      ...[2, 3, 4, 6, 7, 9, 11, 13, 15, 16, 17, 23, 24, 30, 31].map((type): [string, Buffer, string] => [
        `type ${type}`,
        frame(type, "whatever"),
        "UNKNOWN_TYPE",
      ]),
    ];
    raw.write(...wrong.map(([, bytes]) => bytes));
    const base = raw.requests;
    raw.requests += wrong.length;
    for (const [i, [what, , wanted]] of wrong.entries()) {
      const { name, error } = await raw.error(base + i + 1);
      t.equal(name, wanted, what);
      if (error.closes) t.fail(`${what}: says that it closes`);
    }

    raw.write(batch(19, "a", "b", "c"));
    for (let i = 1; i <= 3; i++) t.equal((await raw.error(raw.requests + i)).name, "UNKNOWN_TYPE", "each member of a batch has its number");
    raw.requests += 3;
    const peer = `friend-${url.slice(0, 3)}`;
    raw.write(
      batch(
        Type.Send,
        sendBody({ peer, payload: "one" }),
        Buffer.of(0xff),
        sendBody({ peer, clientSeq: 2, payload: "two" }),
        sendBody({ payload: "to nobody" }),
        sendBody({ peer, clientSeq: 3 }),
      ),
    );
    const first = raw.requests + 1;
    raw.requests += 5;
    t.equal((await raw.error(first + 1)).name, "BAD_REQUEST");
    t.equal((await raw.error(first + 3)).name, "BAD_REQUEST");
    for (const [i, seq] of [[0, 1] as const, [2, 2] as const, [4, 3] as const]) {
      t.equal((await raw.take("Sent", ({ ref }) => ref === first + i)).seq, seq, "the others of a batch stand");
    }

    // What is odd, and right.
    t.equal((await raw.sync(Buffer.from("no watermark of yours"))).heads.length, 1, "a watermark that is of no use: all heads");
    t.equal((await raw.sync(Buffer.alloc(64, 0xff))).heads.length, 1, "another");
    const odd = frame(
      Type.Send,
      numberField(4, 9),
      numberField(200, 5),
      bytesField(6, "no"),
      numberField(4, 4),
      conversation({ peer }),
      bytesField(6, "the last one counts"),
    );
    raw.write(odd);
    t.equal((await raw.take("Sent", ({ ref }) => ref === raw.requests + 1)).seq, 4, "unknown fields are passed over, the last of two numbers counts");
    raw.requests++;
    const page = await raw.fetch({ peer: Buffer.from(peer), fromSeq: 4 });
    t.equal(Buffer.from(page.rows[0]!.payload!).toString(), "the last one counts");
    for (const naming of [{ self: true }, { peer: Buffer.from("nobody yet") }]) {
      const { rows, headSeq, more, hashBefore } = await raw.fetch({ ...naming, fromSeq: 5 });
      t.same(
        { rows, headSeq, more, hash: Buffer.from(hashBefore).toString("hex") },
        { rows: [], headSeq: 0, more: false, hash: "00".repeat(32) },
        "nothing is there yet",
      );
    }
    t.notOk(raw.ended);
    raw.destroy();
  }
  await chat.goesOn("while requests are refused");
});

t.test("numbers and payloads of Sends", async (t) => {
  const install = Buffer.from("numbers!");
  const peer = Buffer.from("bob's friend");
  let raw = await Raw.welcomed(main.tcp, { token: userToken("nina"), install });
  const refused = async (fields: hawser.v1.Send.$Properties): Promise<{ name: string; error: hawser.v1.Error }> =>
    raw.error(raw.request(Type.Send, v1.Send.encode({ peer, ...fields }).finish()));
  const text = Buffer.from("hello");

  const outOfOrder = await refused({ clientSeq: 2, payload: text });
  t.match([outOfOrder.name, outOfOrder.error.expected], ["OUT_OF_ORDER", 1]);
  const first = await raw.send({ peer, clientSeq: 1, payload: text });
  t.match({ ...first }, { seq: 1, durability: 2 }, "an ack says fsync");
  t.match({ ...(await raw.send({ peer, clientSeq: 1, payload: text })) }, { seq: 1, time: first.time }, "a retry");
  t.equal((await refused({ clientSeq: 1, payload: Buffer.from("hellO") })).name, "CLIENT_SEQ_REUSED", "other bytes");
  t.equal((await refused({ clientSeq: 1, kind: 1, payload: text })).name, "CLIENT_SEQ_REUSED", "another kind");
  t.equal((await refused({ clientSeq: 1, payload: Buffer.alloc(0) })).name, "CLIENT_SEQ_REUSED", "no bytes");
  t.equal((await refused({ clientSeq: 3, payload: text })).error.expected, 2, "expected is unchanged by all that");
  t.match((await refused({ clientSeq: 0, payload: text })).name, /^(BAD_REQUEST|OUT_OF_ORDER)$/, "there is no number 0");

  const large = Buffer.alloc(65_537, 0xff);
  const permanent: [number, string, hawser.v1.Send.$Properties][] = [
    [2, "PAYLOAD_TOO_LARGE", { kind: 5, payload: large }],
    [3, "UNSUPPORTED", { kind: 2, payload: Buffer.of(0xff) }],
    [4, "UNSUPPORTED", { kind: 31 }],
    [5, "BAD_TEXT", { payload: Buffer.of(0xff) }],
    [6, "BAD_TEXT", { payload: Buffer.of(0x61, 0xc0, 0x80) }],
    [7, "BAD_TEXT", { payload: Buffer.of(0xed, 0xa0, 0x80) }],
    [8, "BAD_TEXT", { payload: Buffer.from("€").subarray(0, 2) }],
  ];
  for (const [clientSeq, wanted, fields] of permanent) {
    const { name, error } = await refused({ clientSeq, ...fields });
    t.match([name, error.closes], [wanted, false], `number ${clientSeq}`);
  }
  t.equal((await refused({ clientSeq: 2, payload: text })).name, "PAYLOAD_TOO_LARGE", "a number that was refused stays so, whatever the bytes");
  raw.destroy();
  raw = await Raw.welcomed(main.ws, { token: userToken("nina"), install, connection: 2 });
  for (const [clientSeq, wanted] of permanent)
    t.equal((await refused({ clientSeq, payload: text })).name, wanted, `number ${clientSeq}, on another connection`);

  const good: [number, hawser.v1.Send.$Properties][] = [
    [9, { payload: Buffer.from("\ufeff\0 ☕ 👩‍🚀") }],
    [10, { payload: Buffer.alloc(0) }],
    [11, { kind: 1, payload: Buffer.of(0xff, 0) }],
    [12, { kind: 32, payload: Buffer.of(0xc0) }],
    [13, { kind: 0xffff_ffff, payload: Buffer.alloc(65_536, 0xfe) }],
    [14, { payload: Buffer.alloc(65_536, "é") }],
  ];
  for (const [clientSeq, fields] of good)
    t.equal((await raw.send({ peer, clientSeq, ...fields })).seq, clientSeq - 7, `number ${clientSeq} is good, and nothing between took a place`);
  const rows: hawser.v1.Push.$Properties[] = [];
  for (let page = await raw.fetch({ peer, fromSeq: 1 }); ; page = await raw.fetch({ peer, fromSeq: rows.length + 1 })) {
    rows.push(...page.rows);
    if (!page.more) break;
  }
  t.equal(rows.length, 7);
  for (const [i, [clientSeq, { kind = 0, payload }]] of good.entries()) {
    const row = rows[i + 1]!;
    t.ok(Buffer.from(payload!).equals(row.payload!) && row.kind === kind && row.clientSeq === clientSeq, `what is read back is what was sent: ${clientSeq}`);
  }
  raw.destroy();
});

t.test("names that would be something elsewhere", async (t) => {
  const names = ["a.*.>", "hawser.v1.logic", ">", " ", "\0", "__proto__", "constructor", "é".repeat(32), "../../etc/passwd", "$JS.API", "\u202e\ufeff"];
  const clients = names.map((name) => new HawserClient({ url: name.length % 2 ? main.tcp : main.ws, token: userToken(name), device: name }));
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  const heard = clients.map((client) => {
    const texts: string[] = [];
    client.on("message", (message) => texts.push(`${message.from}|${message.text}`));
    return texts;
  });
  await within(Promise.all(clients.map((client) => client.connect())), "the odd ones to connect");
  // Each writes to the next one, the last to the first.
  const next = (i: number): number => (i + 1) % names.length;
  await within(Promise.all(clients.map((client, i) => client.send(names[next(i)]!, `from ${i}`))), "the odd ones' acks");
  for (const [i, name] of names.entries()) {
    await until(() => heard[next(i)]!.length >= 2, `${JSON.stringify(name)} to be heard`);
    t.same(heard[next(i)]!.toSorted(), [`${name}|from ${i}`, `${names[next(i)]}|from ${next(i)}`].toSorted(), JSON.stringify(name));
  }
});

t.test("WebSocket: what is not ours is refused, what is odd is understood", async (t) => {
  const open = async (protocols: string[], options: object = {}): Promise<WebSocket | number> => {
    const socket = new WebSocket(dev.urls.ws, protocols, options);
    return new Promise((resolve) => {
      socket.once("open", () => resolve(socket));
      socket.once("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      socket.once("error", () => resolve(0));
    });
  };
  t.equal(await open([]), 400, "no subprotocol");
  t.equal(await open(["mqtt", "hawser.v2"]), 400, "another subprotocol");
  const several = (await open(["mqtt", "hawser.v1"], { perMessageDeflate: true })) as WebSocket;
  t.equal(several.protocol, "hawser.v1", "among several");
  t.equal(several.extensions, "", "compression is not taken");
  several.terminate();
  const status = await new Promise((resolve) => request(dev.urls.ws.replace("ws", "http"), (response) => resolve(response.statusCode)).end());
  t.equal(status, 426, "plain HTTP");

  const text = (await open(["hawser.v1"])) as WebSocket;
  text.send("hello?");
  t.equal((await once(text, "close"))[0], 1003, "a text message, first");
  const later = (await open(["hawser.v1"])) as WebSocket;
  const laterRaw = Raw.overWebSocket(later);
  laterRaw.write(hello({ token: "dev:wendy" }));
  await laterRaw.take("Welcome");
  later.send("hello?");
  await laterRaw.end();
  t.equal(laterRaw.closeCode, 1003, "and after Welcome");

  for (const [what, messages, wanted] of [
    ["a frame over two messages", [frame(Type.Sync).subarray(0, 1), frame(Type.Sync).subarray(1)], "BAD_FRAME"],
    ["a frame and a half in one message", [Buffer.concat([frame(Type.Sync), frame(Type.Sync).subarray(0, 1)])], "BAD_FRAME"],
    ["a message with nothing in it", [Buffer.alloc(0)], "BAD_FRAME"],
    ["a frame above the limit", [frame(Type.Send, bytesField(6, Buffer.alloc(512 * 1024)))], "FRAME_TOO_LARGE"],
  ] as const) {
    const raw = await Raw.welcomed(dev.urls.ws, { token: "dev:wendy" });
    for (const message of messages) raw.write(message);
    t.equal(await raw.end(), wanted, what);
  }
  const huge = await Raw.welcomed(dev.urls.ws, { token: "dev:wendy" });
  huge.write(Buffer.alloc(4 * 1024 * 1024, 0xff));
  await huge.end();
  t.pass("a message of 4 MB ends the connection");

  const odd = (await open(["hawser.v1"])) as WebSocket;
  const raw = Raw.overWebSocket(odd);
  const greeting = hello({ token: "dev:wendy", device: "odd" });
  odd.send(greeting.subarray(0, 3), { fin: false });
  odd.send(greeting.subarray(3, 9), { fin: false });
  odd.ping("are you there?");
  odd.send(greeting.subarray(9), { fin: true });
  t.equal(String((await within(once(odd, "pong"), "a pong"))[0]), "are you there?", "a ping, in the midst of a fragmented message");
  await raw.take("Welcome");
  raw.write(frame(Type.Sync), BEAT, frame(Type.Sync), BEAT);
  await raw.take("Heads", ({ ref }) => ref === 2);
  await until(() => raw.inbox.filter(({ name }) => name === "Beat").length === 2, "an answer to each beat");
  t.pass("several frames and beats in one message");
  odd.terminate();

  // No WebSocket at all: raw bytes behind a good upgrade.
  const { port } = new URL(dev.urls.ws);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: hawser.v1\r\n\r\n`,
  );
  await within(once(socket, "data"), "the upgrade");
  // A frame of 2^63 bytes.
  socket.write(Buffer.from("82ffffffffffffffffff00000000", "hex"));
  socket.on("error", () => undefined);
  socket.resume();
  await within(once(socket, "close"), "the end of a connection with a frame of 2^63 bytes");
  t.pass("a WebSocket frame of 2^63 bytes ends the connection");
});

t.test("floods: rates are kept, and who is nothing but work is closed", async (t) => {
  const raw = await Raw.open(dev.urls.tcp);
  raw.write(hello({ token: "dev:frank" }));
  const { sendsPerSecond, requestsInFlightMax } = await raw.take("Welcome");
  t.ok(sendsPerSecond > 0 && requestsInFlightMax > 0, "a server with limits says so");
  const count = 2 * sendsPerSecond + 50;
  raw.write(...Array.from({ length: count }, (_, i) => frame(Type.Send, sendBody({ peer: "frank", clientSeq: i + 1, payload: `${i}` }))));
  raw.requests = count;
  let next = 1;
  let limited = 0;
  for (let ref = 1; ref <= count; ref++) {
    const { name, message } = await raw.answer(ref);
    if (name === "Sent") t.equal((message as hawser.v1.Sent).seq, next++);
    else {
      const error = message as hawser.v1.Error;
      if (error.code === v1.ErrorCode.RATE_LIMITED) {
        limited++;
        t.ok(error.retryAfterMs > 0, "says when");
      } else t.equal(error.code, limited > 0 ? v1.ErrorCode.OUT_OF_ORDER : 0, "behind one that was refused for now");
    }
  }
  t.ok(limited > 0, `${limited} of ${count} were refused for now`);
  for (; next <= count; next++) {
    for (;;) {
      const { name, message } = await raw.answer(raw.request(Type.Send, sendBody({ peer: "frank", clientSeq: next, payload: `${next - 1}` })));
      if (name === "Sent") break;
      await sleep((message as hawser.v1.Error).retryAfterMs);
    }
  }
  t.equal((await raw.fetch({ peer: Buffer.from("frank"), fromSeq: count })).headSeq, count, "sent again, none is lost and none is there twice");
  raw.destroy();

  const work: [string, Buffer][] = [
    ["beats", BEAT],
    ["unknown types", frame(30)],
    ["requests that are none", frame(Type.Send, Buffer.of(0xff))],
    ["a batch of them", batch(Type.Send, ...Array.from({ length: 100 }, () => Buffer.of(0xff)))],
  ];
  for (const [what, bytes] of work) {
    const mad = await Raw.welcomed(dev.urls.tcp, { token: "dev:mad", device: what });
    mad.write(Buffer.concat(Array.from({ length: 20_000 }, () => bytes)));
    t.equal(await mad.end(), "BUSY", `20,000 ${what}`);
    t.ok((mad.last!.message as hawser.v1.Error).retryAfterMs > 0, "and not to come back at once");
  }
  await chat.goesOn("through floods");
});

t.test("those who never read hurt only themselves, and lose nothing", async (t) => {
  const rows = 320;
  const payload = Buffer.alloc(60_000, "z");
  const names = ["sloth-1", "sloth-2", "sloth-3", "sloth-4"];
  const sloths = await Promise.all(
    names.map(async (name, i) => {
      // Half of them where patience is short.
      const url = [main.tcp, main.ws, dev.urls.tcp, dev.urls.ws][i]!;
      const raw = await Raw.welcomed(url, { token: i < 2 ? userToken(name) : `dev:${name}` });
      await raw.sync();
      raw.pause();
      return raw;
    }),
  );
  const resyncs = async (): Promise<number> =>
    (await metric(main.http, "hawser_gateway_resyncs_total")) + (await metric(dev.urls.http, "hawser_gateway_resyncs_total"));
  const resyncsBefore = await resyncs();
  const sender = await Raw.welcomed(main.tcp, { token: userToken("sender") });
  let acked = 0;
  // Whatever is bounded has reached its bounds after a quarter.
  let rssBefore = 0;
  let rssMax = 0;
  let backlogMax = 0;
  for (let clientSeq = 1; clientSeq <= rows; clientSeq++) {
    const refs = names.map((name) => sender.request(Type.Send, sendBody({ peer: name, clientSeq, kind: 1, payload })));
    // At most 64 under way.
    await sender.until(() => (acked = takeAll(sender, acked)) >= refs.at(-1)! - 64, "acks");
    const both = rss(stack.pids["gateway"]!) + rss(dev.pid);
    rssMax = Math.max(rssMax, both);
    if (clientSeq <= rows / 4) rssBefore = rssMax;
    if (clientSeq % 16 === 0) for (const { http } of [main, dev.urls]) backlogMax = Math.max(backlogMax, await metric(http, "hawser_gateway_backlog_bytes"));
  }
  await sender.until(() => (acked = takeAll(sender, acked)) === names.length * rows, "all acks");
  const offered = (names.length * rows * payload.length * 3) / 4;
  const growth = rssMax - rssBefore;
  t.comment(`${(offered / 1e6).toFixed(0)} MB more for those who do not read; gateways grew by ${(growth / 1e6).toFixed(1)} MB meanwhile`);
  t.ok(backlogMax > 0 && backlogMax <= 2 * PUSH_BYTES_MAX + 1024, `at most ${backlogMax} bytes waited in a gateway for two of them`);
  // Roughly, because of all that the garbage collector leaves for later.
  t.ok(growth < (offered * 3) / 4, `gateways grew by ${growth} bytes while ${offered} were offered`);
  t.ok((await resyncs()) >= resyncsBefore + 4, "each was told to sync");
  t.ok((await metric(main.http, "hawser_gateway_push_drops_total")) > 0, "and pushes were dropped meanwhile");
  await chat.goesOn("beside those who do not read");

  // Where patience is short they are closed; elsewhere they wake up, and find that they have to pull.
  await until(async () => (await metric(dev.urls.http, "hawser_gateway_closes_total", 'reason="SLOW_CONSUMER"')) >= 2, "the stalled to be closed");
  const wakeUp = async (name: string, i: number): Promise<void> => {
    let raw = sloths[i]!;
    if (i < 2) {
      raw.resume();
      await raw.take("Resync");
      t.notOk(raw.ended);
    } else {
      raw.destroy();
      raw = await Raw.welcomed(dev.urls.tcp, { token: `dev:${name}`, connection: 2 });
    }
    const { heads } = await raw.sync();
    t.match(
      heads.map((head) => ({ peer: Buffer.from(head.peer!).toString(), seq: head.seq })),
      [{ peer: "sender", seq: rows }],
      `${name}: heads`,
    );
    let next = 1;
    while (next <= rows) {
      const page = await raw.fetch({ peer: Buffer.from("sender"), fromSeq: next });
      if (page.rows.length === 0) break;
      for (const row of page.rows) if (row.seq === next && row.payload!.length === payload.length) next++;
    }
    t.equal(next, rows + 1, `${name}: every row, in order`);
    // And from now on pushes come again.
    const live = await sender.send({ peer: Buffer.from(name), clientSeq: rows + 1, payload: Buffer.from("awake?") });
    await raw.take("Push", ({ seq }) => seq === live.seq);
    raw.destroy();
  };
  await Promise.all(names.map(wakeUp));

  // Little asked, much answered, nothing read: the answers are bounded, too.
  const closed = (): Promise<number> => metric(main.http, "hawser_gateway_closes_total", 'reason="SLOW_CONSUMER"');
  const before = await closed();
  sender.pause();
  const fetch = frame(Type.Fetch, conversation({ peer: "sloth-1" }), numberField(4, 1), numberField(6, 1));
  for (let i = 0; i < 50; i++) {
    sender.write(...Array.from({ length: 100 }, () => fetch));
    await sleep(10);
  }
  await until(async () => (await closed()) > before, "who asks and does not read to be closed");
  t.ok((await metric(main.http, "hawser_gateway_backlog_bytes")) < 2e6);
  sender.destroy();
  await chat.goesOn("beside who asks and does not read");
});

t.test("a crowd that only connects: the limit says so, those inside do not notice, and there is room again", async (t) => {
  const { port } = new URL(main.tcp);
  const crowd: Socket[] = [];
  let refused = 0;
  let other = 0;
  t.teardown(() => crowd.map((socket) => socket.destroy()));
  const enter = (): void => {
    const socket = connect(Number(port), "127.0.0.1");
    crowd.push(socket);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const error = bytes.length > 2 && bytes[1] === Type.Error ? v1.Error.decode(bytes.subarray(2)) : undefined;
      if (error?.code === v1.ErrorCode.TOO_MANY_CONNECTIONS && error.closes && error.retryAfterMs > 0) refused++;
      else other++;
    });
  };
  // Until some were refused: half-open ones leave by themselves after 10 s, and this machine may be slow.
  while (refused < 60 && crowd.length < 3 * CONNECTIONS_MAX) {
    for (let i = 0; i < 100; i++) enter();
    await sleep(10);
  }
  t.ok(refused >= 60, `${refused} of ${crowd.length} were told TOO_MANY_CONNECTIONS and when to come back (${other} otherwise)`);
  t.ok((await metric(main.http, "hawser_gateway_connections")) >= CONNECTIONS_MAX * 0.9, "up to the limit they are let in");
  const late = await Raw.open(main.ws);
  t.equal(await late.end(), "TOO_MANY_CONNECTIONS", "on the other transport as well");
  await chat.goesOn("in a crowd");
  for (const socket of crowd) socket.destroy();
  await until(async () => (await metric(main.http, "hawser_gateway_connections")) < CONNECTIONS_MAX / 2, "the crowd to be gone");
  const carol = await Raw.welcomed(main.tcp, { token: userToken("carol") });
  await carol.sync();
  carol.destroy();
});

t.test("TLS and WSS, with the SDK", { skip: certificate === undefined ? "no openssl here to make a certificate" : false }, async (t) => {
  const { urls } = tls!;
  const { certFile } = certificate!;
  const ca = readFileSync(certFile);
  const dora = new HawserClient({ url: urls.tcp, token: "dev:dora", tls: { ca } });
  t.teardown(() => dora.close());
  await within(dora.connect(), "a client over TLS");
  const heard: string[] = [];
  dora.on("message", (message) => heard.push(`${message.from}: ${message.text}`));

  // wss takes Node's own settings, which a process has from its start.
  const script = join(fileURLToPath(import.meta.url), "..", "testing", import.meta.url.endsWith(".ts") ? "say-hello.ts" : "say-hello.js");
  const child = spawn(process.execPath, [...process.execArgv, script, urls.ws, "dev:emil", "dora"], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certFile },
    stdio: ["ignore", "inherit", "inherit"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  t.same(await within(once(child, "exit"), "a client over WSS to be done"), [0, null], "over WSS");
  await until(() => heard.length > 0, "a message from one to the other");
  t.same(heard, ["emil: hello by wss"]);
  t.equal((await dora.send("emil", "hello by tls")).durability, "fsync");

  const wary = new HawserClient({ url: urls.tcp, token: "dev:wary" });
  const states: string[] = [];
  wary.on("state", ({ state, reason }) => states.push(`${state} ${reason?.name ?? ""}`));
  wary.connect().catch(() => undefined);
  await until(() => states.includes("offline CONNECT_FAILED"), "a certificate of one's own making to be refused");
  t.notOk(
    states.some((state) => state.startsWith("online")),
    "by who was not told to trust it",
  );
  await wary.close();

  const plain = await Raw.open(urls.tcp.replace("tls", "tcp"));
  plain.write(hello({ token: "dev:plain" }));
  t.equal(await plain.end(), "", "who speaks without TLS is cut off");
  t.notOk(plain.inbox.some(({ name }) => name === "Welcome"));
  const half = connect(Number(new URL(urls.tcp).port), "127.0.0.1");
  half.on("error", () => undefined);
  half.write(Buffer.from("160301", "hex"));
  t.equal((await dora.send("emil", "and half a handshake disturbs nobody")).durability, "fsync");
  half.destroy();
});

t.test("silence and slowness", async (t) => {
  t.same(await within(silence, "the silent ones to be told so", 60_000), {
    "nothing at all": "HANDSHAKE_TIMEOUT",
    "half a length": "HANDSHAKE_TIMEOUT",
    "a Hello, a byte now and then": "HANDSHAKE_TIMEOUT",
    "silent after Welcome": "IDLE_TIMEOUT",
    "half a frame after Welcome": "IDLE_TIMEOUT",
    "the same by WebSocket": "IDLE_TIMEOUT",
  });
  if (tls !== undefined) {
    await within(halfOpen!, "half-open TLS connections to be ended", 60_000);
    t.ok(
      (await metric(tls.urls.http, "hawser_gateway_failed_handshakes_total", 'transport="tcp"')) >= 100,
      "who begins TLS and does not go on is cut off, and counted",
    );
  }
  t.equal(quinn.losses, 0, "beats keep a silent client connected");
  await quinn.client.check();
  const reasons = await within(renewal, "tokens to be renewed", 60_000);
  t.ok(reasons.length >= 2 && reasons.every((reason) => reason === "TOKEN_EXPIRED"), `a client gets new tokens by itself: ${reasons}`);
  t.equal(await within(drip, "a Send at a byte a second", 60_000), "Sent", "who is slow is not silent");
});

t.test("and all the while the well-behaved noticed nothing", async (t) => {
  const { complaints, messages, losses } = await chat.finish();
  t.same(complaints, []);
  t.equal(losses, 0, "no connection was lost");
  t.comment(`${messages} messages`);
  t.ok(messages > 100);
});

/** A token as the login service makes it. */
function userToken(user: string): string {
  return jwt({ sub: user, exp: Math.floor(Date.now() / 1000) + 3600 }, SECRET);
}

/** Those who say nothing, or not enough: how each ended. */
async function beSilent(): Promise<Record<string, string>> {
  const { tcp, ws } = dev.urls;
  const whole = hello({ token: "dev:slow" });
  const say = async (raw: Promise<Raw>, ...bytes: Bytes[]): Promise<string> => {
    const one = await raw;
    for (const piece of bytes) one.write(Buffer.from(piece));
    return one.end(60_000);
  };
  const trickle = async (): Promise<string> => {
    const raw = await Raw.open(tcp);
    for (let i = 0; i < whole.length - 1 && !raw.ended; i++) {
      raw.write(whole.subarray(i, i + 1));
      await sleep(100);
    }
    return raw.end(60_000);
  };
  const cases: Record<string, Promise<string>> = {
    "nothing at all": say(Raw.open(tcp)),
    "half a length": say(Raw.open(tcp), Buffer.of(0x80)),
    "a Hello, a byte now and then": trickle(),
    "silent after Welcome": say(Raw.welcomed(tcp, { token: "dev:slow", device: "1" })),
    "half a frame after Welcome": say(Raw.welcomed(tcp, { token: "dev:slow", device: "2" }), Buffer.of(100, Type.Send, 1, 2, 3)),
    "the same by WebSocket": say(Raw.welcomed(ws, { token: "dev:slow", device: "3" })),
  };
  return Object.fromEntries(await Promise.all(Object.entries(cases).map(async ([what, end]) => [what, await end] as const)));
}

/** A client whose tokens last two seconds, until it has got its third: why it lost its connections. */
async function renewTokens(): Promise<string[]> {
  let tokens = 0;
  const client = new HawserClient({ url: main.tcp, token: () => jwt({ sub: "tina", exp: Math.floor(Date.now() / 1000) + 2, jti: tokens++ }, SECRET) });
  const reasons: string[] = [];
  client.on("state", ({ state, reason }) => {
    if (state === "offline") reasons.push(reason?.name ?? "");
  });
  await client.connect();
  await until(() => tokens >= 3 && client.state === "online", "a third token");
  await client.send("tina", "still here");
  await client.close();
  return reasons;
}

/** Connections to a TLS port that say nothing, or begin a handshake and leave it at that: resolves when all were ended. */
async function beHalfOpen(url: string): Promise<void> {
  const sockets = Array.from({ length: 100 }, () => connect(Number(new URL(url).port), "127.0.0.1"));
  for (const [i, socket] of sockets.entries()) {
    socket.on("error", () => undefined);
    socket.resume();
    // The head of a record, and of a ClientHello.
    if (i % 2 === 0) socket.write(Buffer.from("16030100c8010000c40303", "hex"));
  }
  await Promise.all(sockets.map((socket) => once(socket, "close")));
}

/** A Send at a byte a second, for longer than the server waits for one who is silent: what it is answered by. */
async function sendByTheSecond(): Promise<string> {
  const raw = await Raw.welcomed(dev.urls.tcp, { token: "dev:drip" });
  const bytes = frame(Type.Send, sendBody({ peer: "drip", payload: "slow" }));
  const last = bytes.length - 1;
  const pause = (1.5 * HEARTBEAT_MS + 10_000 + 3000) / last;
  for (let i = 0; i < last && !raw.ended; i++) {
    raw.write(bytes.subarray(i, i + 1));
    await sleep(pause);
  }
  if (raw.ended) return raw.end();
  raw.write(bytes.subarray(last));
  await until(() => raw.ended || raw.inbox.length > 0, "an answer");
  const name = raw.inbox[0]?.name ?? "nothing";
  raw.destroy();
  return name;
}

/** Takes what answers out of the inbox; the number of Sents so far. */
function takeAll(raw: Raw, acked: number): number {
  if (raw.ended) throw new Error(`the sender was cut off: ${raw}`);
  const { inbox } = raw;
  const errors = inbox.filter(({ name }) => name === "Error");
  if (errors.length > 0) throw new Error(`a Send was refused: ${raw}`);
  const sents = inbox.filter(({ name }) => name === "Sent").length;
  inbox.length = 0;
  return acked + sents;
}

/** Resident memory of a process in bytes, as Linux tells; 0 elsewhere. */
function rss(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
  } catch {
    // Not Linux: other checks have to do.
    return 0;
  }
}

/** A certificate for 127.0.0.1 that nobody vouches for; undefined where there is no openssl. */
function makeCertificate(): { certFile: string; keyFile: string } | undefined {
  const certFile = join(folder, "cert.pem");
  const keyFile = join(folder, "key.pem");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  const subject = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  try {
    execFileSync("openssl", ["req", "-x509", ...key, "-out", certFile, ...subject], { stdio: "pipe" });
    return { certFile, keyFile };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

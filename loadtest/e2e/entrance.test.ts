// The way in, against real gateways: limits by address and user through a proxy that names addresses, headers that lie, slow
// handshakes, and certificates that are renewed while SDK clients chat. The two gateways join one stack: "behind" stands
// behind a proxy and has tight limits; "tls" speaks TLS.
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import t from "tap";
import { WebSocket } from "ws";
import { startStack } from "../../cli/stack.ts";
import { HawserClient } from "../../client/index.ts";
import { ipBytes } from "../../gateway/accept/ip-address.ts";
import { joined, proxyV1, proxyV2 } from "../../gateway/accept/testing/proxy-vectors.ts";
import { makeCertificate } from "../../gateway/testing/certificate.ts";
import { metric, startGateway } from "./testing/gateway-process.ts";
import { Raw } from "./testing/raw-client.ts";
import { sleep, until, within } from "./testing/wait.ts";
import { hello } from "./testing/wire-bytes.ts";

const OPEN_MAX = 3;
const CONNECTS_PER_SECOND = 2;
const FAILURES_PER_MINUTE = 5;
const USER_PER_MINUTE = 8;
const HANDSHAKE_MS = 1500;

const folder = mkdtempSync(join(tmpdir(), "hawser-entrance-"));
const certificate = makeCertificate();
const certFile = join(folder, "cert.pem");
const keyFile = join(folder, "key.pem");
if (certificate !== undefined) renew(certificate);
const stack = await startStack({ dataDir: join(folder, "data"), ports: "free", quiet: true, jwtSecret: "a secret that nobody needs to know in this test" });
t.teardown(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});
const limits = [
  ["--connections-per-address", OPEN_MAX],
  ["--connects-per-address-per-second", CONNECTS_PER_SECOND],
  ["--auth-failures-per-address-per-minute", FAILURES_PER_MINUTE],
  ["--connects-per-user-per-minute", USER_PER_MINUTE],
  ["--handshake-ms", HANDSHAKE_MS],
].flatMap(([flag, value]) => [`${flag}`, `${value}`]);
const proxied = ["--proxy-protocol", "--trusted-proxies", "127.0.0.1", "--address-limits-exempt", "198.18.0.0/15"];
const [behind, tls] = await Promise.all([
  startGateway(stack, ["--dev", ...proxied, ...limits]),
  certificate && startGateway(stack, ["--dev", "--handshake-ms", `${HANDSHAKE_MS}`, "--tls-cert", certFile, "--tls-key", keyFile], true),
]);
t.teardown(() => Promise.all([behind.stop(), tls?.stop()]));

let users = 0;
const anybody = (): string => `dev:user ${++users}`;

t.test("connections of an address: counted by the address that the proxy names", async (t) => {
  for (const via of [tcpFrom, webSocketFrom]) {
    const [one, other, network] = via === tcpFrom ? ["203.0.113.7", "203.0.113.8", "2001:db8:1:2"] : ["203.0.113.9", "203.0.113.10", "2001:db8:1:3"];
    const raws: Raw[] = [];
    for (let i = 0; i < OPEN_MAX; i++) raws.push(await welcomed(via(one!)));
    const refused = await via(one!);
    t.equal(await refused.end(), "TOO_MANY_CONNECTIONS", via.name);
    t.ok((refused.last!.message as { retryAfterMs: number }).retryAfterMs > 0, "and when to come back");
    raws.push(await welcomed(via(other!)));
    raws.shift()!.destroy();
    await until(async () => {
      const raw = await via(one!);
      raw.write(hello({ token: anybody() }));
      const got = await Promise.race([raw.take("Welcome").then(() => true), raw.end().then(() => false)]).catch(() => false);
      if (got) raws.push(raw);
      else await sleep(500);
      return got;
    }, "room, when one of them has gone");
    for (let i = 0; i < OPEN_MAX; i++) raws.push(await welcomed(via(`${network}::${i + 1}`)));
    t.equal(await (await via(`${network}:ffff::1`)).end(), "TOO_MANY_CONNECTIONS", "an IPv6 network is one address");
    for (const raw of raws) raw.destroy();
  }
  t.ok((await metric(behind.urls.http, "hawser_gateway_turned_away_total", 'limit="address_connections"')) >= 4);
  const exempt = await Promise.all(Array.from({ length: 3 * OPEN_MAX }, () => welcomed(tcpFrom("198.18.0.1"))));
  t.equal(exempt.filter(({ ended }) => ended).length, 0, "exempt addresses have no limit");
  for (const raw of exempt) raw.destroy();
});

t.test("an address that connects again and again, and one whose tokens are refused", async (t) => {
  const ends: string[] = [];
  for (let i = 0; i < CONNECTS_PER_SECOND * 10 + 15; i++) {
    const raw = await tcpFrom("203.0.113.20");
    raw.write(Uint8Array.of(0));
    ends.push(await raw.end());
  }
  t.equal(ends[0], "HELLO_EXPECTED");
  t.ok(ends.includes("BUSY"), "beyond its rate it is told to wait");
  t.ok(ends.filter((end) => end === "HELLO_EXPECTED").length >= CONNECTS_PER_SECOND * 10, "not before");

  const guesses: string[] = [];
  for (let i = 0; i < FAILURES_PER_MINUTE; i++) {
    const raw = await tcpFrom("203.0.113.21");
    raw.write(hello({ token: `a guess ${i}` }));
    guesses.push(await raw.end());
  }
  t.same(guesses, Array(FAILURES_PER_MINUTE).fill("AUTH_FAILED"));
  const more = await Promise.all(
    Array.from({ length: CONNECTS_PER_SECOND * 5 }, async (_, i) => {
      const raw = await tcpFrom("203.0.113.21");
      raw.write(hello({ token: `another ${i}` }));
      return raw.end();
    }),
  );
  t.ok(more.filter((end) => end === "BUSY").length >= CONNECTS_PER_SECOND, "then few listen to guesses from there");
  await until(async () => {
    const raw = await tcpFrom("203.0.113.21");
    raw.write(hello({ token: anybody() }));
    const got = await Promise.race([raw.take("Welcome").then(() => true), raw.end().then(() => false)]).catch(() => false);
    raw.destroy();
    if (!got) await sleep(500);
    return got;
  }, "somebody with a good token to get in from there all the same");
  (await welcomed(tcpFrom("203.0.113.22"))).destroy();
});

t.test("a user whose token is used in a loop, from everywhere", async (t) => {
  const ends: string[] = [];
  for (let i = 0; i < USER_PER_MINUTE + 4; i++) {
    const raw = await tcpFrom(`198.51.100.${i}`);
    raw.write(hello({ token: "dev:loop", device: `d${i}` }));
    const welcome = await raw.take("Welcome").catch(() => undefined);
    ends.push(welcome === undefined ? await raw.end() : "Welcome");
    raw.destroy();
  }
  t.same(ends.slice(0, USER_PER_MINUTE), Array(USER_PER_MINUTE).fill("Welcome"));
  t.same(ends.slice(-2), ["BUSY", "BUSY"]);
  (await welcomed(tcpFrom("198.51.100.0"))).destroy();
});

t.test("headers that lie, that are none, or that take their time", async (t) => {
  const { tcp, ws } = behind.urls;
  const address = "203.0.113.30";
  // Behind the proxy's own header a client writes another: it stays who it is.
  for (let i = 0; i < OPEN_MAX; i++) {
    const raw = await tcpFrom(address);
    raw.write(proxyV2(0x21, 0x11, v4(`203.0.113.${100 + i}`)));
    t.match(await raw.end(), /^(BAD_FRAME|HELLO_EXPECTED)$/, "a second header is no frame");
  }
  for (const bytes of [hello({ token: anybody() }), Buffer.from("PROXY TCP4 1.2.3.4\r\n"), Buffer.from("GET / HTTP/1.1\r\n\r\n")]) {
    const raw = Raw.overSocket(dial(tcp));
    raw.write(bytes);
    t.equal(await raw.end(), "", "no header: closed without a word");
    t.equal(raw.inbox.length, 0);
  }
  await t.rejects(Raw.open(ws), "a WebSocket without a header");
  const elsewhere = connect({ port: Number(new URL(tcp).port), host: "127.0.0.1", localAddress: "127.0.0.2" });
  elsewhere.on("error", () => undefined).resume();
  elsewhere.write(header(address));
  await within(closed(elsewhere), "somebody else than the proxy to be cut off");

  const since = performance.now();
  const slow = Array.from({ length: 20 }, (_, i) => {
    const socket = dial(tcp);
    const bytes = header("203.0.113.31");
    let at = 0;
    const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), i % 2 === 0 ? 200 : 1e6);
    return closed(socket.resume()).then(() => clearInterval(timer));
  });
  const silent = await tcpFrom("203.0.113.32");
  t.equal(await silent.end(), "HANDSHAKE_TIMEOUT", "a header, and no Hello");
  await within(Promise.all(slow), "slow headers to be cut off");
  t.ok(performance.now() - since < HANDSHAKE_MS + 6000);
});

t.test("certificates are renewed under live connections", { skip: certificate === undefined ? "no openssl here to make a certificate" : false }, async (t) => {
  const { urls, pid } = tls!;
  const dora = new HawserClient({ url: urls.tcp, token: "dev:dora", tls: { ca: readFileSync(certFile) } });
  t.teardown(() => dora.close());
  const states: string[] = [];
  await within(dora.connect(), "a client over TLS");
  dora.on("state", ({ state }) => states.push(state));
  const web = await Raw.welcomed(urls.ws, { token: "dev:web" });
  const before = { tcp: await serial(urls.tcp), ws: await serial(urls.ws) };
  t.equal(before.tcp, before.ws);
  t.ok((await metric(urls.http, "hawser_gateway_tls_certificate_ends_seconds")) * 1000 > Date.now());

  renew();
  await until(async () => (await serial(urls.tcp)) !== before.tcp && (await serial(urls.ws)) !== before.ws, "both ports to have the new certificate");
  t.equal((await dora.send("dora", "still here")).durability, "fsync", "the old TCP connection lives");
  await web.sync();
  t.notOk(web.ended, "and the old WebSocket");

  const good = await serial(urls.tcp);
  writeFileSync(certFile, "not a certificate");
  process.kill(pid, "SIGHUP");
  await sleep(2500);
  t.same([await serial(urls.tcp), await serial(urls.ws)], [good, good], "a broken file changes nothing");
  renew();
  process.kill(pid, "SIGHUP");
  await until(async () => (await serial(urls.tcp)) !== good && (await serial(urls.ws)) !== good, "a good one again");

  // Again and again, while clients come: nobody is turned away.
  let failures = 0;
  const coming = Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      await sleep(i * 20);
      const raw = await welcomed(Raw.open(i % 2 === 0 ? urls.tcp : urls.ws)).catch(() => void failures++);
      raw?.destroy();
    }),
  );
  for (let i = 0; i < 6; i++) {
    renew();
    process.kill(pid, "SIGHUP");
    await sleep(150);
  }
  await coming;
  t.equal(failures, 0);
  t.equal((await dora.send("dora", "and still")).durability, "fsync");
  t.same(states, [], "without having been offline");
  web.destroy();
});

t.test("TLS and Hello have one deadline together", { skip: certificate === undefined }, async (t) => {
  const { port } = new URL(tls!.urls.tcp);
  const raw = connect(Number(port), "127.0.0.1");
  raw.on("error", () => undefined);
  await once(raw, "connect");
  const since = performance.now();
  await sleep(HANDSHAKE_MS * 0.7);
  const secure = connectTls({ socket: raw, rejectUnauthorized: false });
  const one = Raw.overSocket(secure);
  t.equal(await one.end(), "HANDSHAKE_TIMEOUT");
  const took = performance.now() - since;
  t.ok(took < 2 * HANDSHAKE_MS, `${took.toFixed(0)} ms from the first byte`);
});

/** New files in place of the old ones. */
function renew(made = makeCertificate()!): void {
  copyFileSync(made.certFile, certFile);
  copyFileSync(made.keyFile, keyFile);
}

/** A reset is an end as well; events.once would reject. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

function dial(url: string): Socket {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
}

function v4(source: string): Uint8Array {
  return joined(ipBytes(source)!.subarray(12), Uint8Array.of(192, 0, 2, 1, 0, 99, 0x1b, 0x9e));
}

function header(source: string): Uint8Array {
  if (!source.includes(":")) return proxyV2(0x21, 0x11, v4(source));
  return proxyV2(0x21, 0x21, joined(ipBytes(source)!, new Uint8Array(20)));
}

let version = 0;
/** A TCP connection as a proxy passes it on, by both versions of the header in turn. */
async function tcpFrom(source: string): Promise<Raw> {
  const socket = dial(behind.urls.tcp);
  await once(socket, "connect");
  const family = source.includes(":") ? "TCP6" : "TCP4";
  const target = source.includes(":") ? "2001:db8::1" : "192.0.2.1";
  socket.write(version++ % 2 === 0 ? header(source) : proxyV1(`PROXY ${family} ${source} ${target} 99 7070\r\n`));
  return Raw.overSocket(socket);
}

async function webSocketFrom(source: string): Promise<Raw> {
  const createConnection = () => {
    const socket = dial(behind.urls.ws);
    socket.write(header(source));
    return socket;
  };
  const socket = new WebSocket(behind.urls.ws, "hawser.v1", { createConnection });
  const raw = Raw.overWebSocket(socket);
  await once(socket, "open");
  return raw;
}

async function welcomed(opening: Promise<Raw>): Promise<Raw> {
  const raw = await opening;
  raw.write(hello({ token: anybody() }));
  await raw.take("Welcome");
  return raw;
}

/** Of the certificate that a new connection gets. */
async function serial(url: string): Promise<string> {
  const socket: TLSSocket = connectTls({ port: Number(new URL(url).port), host: "127.0.0.1", rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return serialNumber;
}

// Before a connection begins, on real sockets: PROXY headers over TCP, TLS and WebSocket, TLS's versions, ALPN and tickets,
// certificates renewed while connections live, deadlines, and what waits without being a connection.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import t from "tap";
import { WebSocket } from "ws";
import { errorName } from "../../proto/error-code.ts";
import { makeCertificate } from "../testing/certificate.ts";
import type { Log } from "../log.ts";
import { CertificateWatch } from "./certificate-watch.ts";
import { Entry } from "./entry.ts";
import { IpRanges } from "./ip-address.ts";
import { listenTcp } from "./tcp.ts";
import { joined, PROXY_VECTORS, proxyV1, proxyV2 } from "./testing/proxy-vectors.ts";
import { ALPN, TlsFiles } from "./tls.ts";
import type { Transport, TransportEvents, TransportOptions } from "./transport.ts";
import { listenWebSocket } from "./websocket.ts";

const folder = mkdtempSync(join(tmpdir(), "hawser-entry-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const noOpenssl = makeCertificate() === undefined ? "no openssl to make a certificate with" : false;
const V4 = Uint8Array.of(192, 0, 2, 7, 198, 51, 100, 9, 0xdb, 0xa5, 0x1b, 0x9e);
const FRAME = Buffer.from([2, 5, 77]);
const UPGRADE = Buffer.from(
  `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${ALPN}\r\n\r\n`,
);

class Recorder implements TransportEvents {
  readonly addresses: string[] = [];
  readonly ages: number[] = [];
  readonly broken_: string[] = [];
  readonly asked: string[] = [];
  admitted = true;
  frameCount = 0;
  closedCount = 0;
  transport: Transport | undefined;

  admits(address: string): boolean {
    this.asked.push(address);
    return this.admitted;
  }
  opened(_slot: number, address: string, ageMs = 0): void {
    this.addresses.push(address);
    this.ages.push(ageMs);
  }
  frames(_bytes: Uint8Array, _table: Int32Array, count: number): void {
    this.frameCount += count;
  }
  idle(): void {}
  broken(slot: number, code: number): void {
    this.broken_.push(errorName(code));
    this.transport!.close(slot);
  }
  drained(): void {}
  closed(): void {
    this.closedCount++;
  }
}

async function start(listen: typeof listenTcp, fields: Partial<TransportOptions>): Promise<{ transport: Transport; events: Recorder }> {
  const events = new Recorder();
  const options = { host: "127.0.0.1", port: 0, slotFirst: 0, slotsMax: 64, frameBytesMax: 8192, frameBytesLimit: 512 * 1024, lingerMs: 1000 };
  const transport = await listen({ ...options, sharePort: false, proxyProtocol: false, unfinishedBytesMax: 1e9, handshakeMs: 1000, ...fields }, events);
  events.transport = transport;
  t.teardown(() => transport.stop());
  return { transport, events };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 8000; !condition(); ) {
    if (Date.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function dial(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
}

/** Whatever it answers, the end comes behind it. */
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.destroyed ? resolve() : void socket.resume().once("close", () => resolve())));

function dialTls(port: number, options: ConnectionOptions = {}, socket?: Socket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      ...(socket === undefined ? { port, host: "127.0.0.1" } : { socket }),
      rejectUnauthorized: false,
      ALPNProtocols: [ALPN],
      ...options,
    });
    tls.once("secureConnect", () => resolve(tls));
    tls.once("error", reject);
    t.teardown(() => tls.destroy());
  });
}

/** A certificate in files of its own, which may be overwritten. */
function files(): { certFile: string; keyFile: string; renew: () => void } {
  const names = { certFile: join(mkdtempSync(join(folder, "tls-")), "cert.pem"), keyFile: join(mkdtempSync(join(folder, "tls-")), "key.pem") };
  const renew = (): void => {
    const made = makeCertificate()!;
    copyFileSync(made.certFile, names.certFile);
    copyFileSync(made.keyFile, names.keyFile);
  };
  renew();
  return { ...names, renew };
}

const serialOf = (socket: TLSSocket): string => socket.getPeerX509Certificate()!.serialNumber;

t.test("PROXY over TCP: every vector, whole and byte by byte", async (t) => {
  const { transport, events } = await start(listenTcp, { proxyProtocol: true, slotsMax: 1000 });
  let frames = 0;
  let refused = 0;
  for (const { what, bytes, address, headerBytes } of PROXY_VECTORS.filter(({ bytes }) => bytes.length < 300)) {
    const header = headerBytes === undefined ? bytes : bytes.subarray(0, headerBytes);
    for (const step of [header.length || 1, 1]) {
      const socket = dial(transport.port);
      for (let at = 0; at < header.length; at += step) {
        if (socket.destroyed) break;
        socket.write(header.subarray(at, at + step));
        if (step === 1 && at % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      if (address === undefined) {
        await closed(socket);
        refused++;
      } else if (address !== "more") {
        socket.write(FRAME);
        frames++;
        await until(() => events.frameCount === frames, what);
        t.equal(events.addresses.at(-1), address === "" ? "127.0.0.1" : address, what);
        socket.destroy();
      } else socket.destroy();
    }
  }
  t.equal(events.addresses.length, frames, "nobody else became a connection");
  t.equal(transport.failedHandshakes, refused);

  const together = dial(transport.port);
  together.write(joined(proxyV2(0x21, 0x11, V4), FRAME, proxyV1("PROXY TCP4 203.0.113.1 198.51.100.9 1 2\r\n")));
  await until(() => events.frameCount === frames + 1, "the frame between two headers");
  t.equal(events.addresses.at(-1), "192.0.2.7", "what stands behind the first header is the client's, a header of its own says nothing");

  const since = performance.now();
  const half = dial(transport.port);
  half.write("PROXY TC");
  const drip = dial(transport.port);
  const dripping = setInterval(() => drip.write(proxyV2(0x21, 0x11, V4).subarray(0, 1)), 100);
  drip.write("PROXY UNKNOWN ");
  await Promise.all([closed(half), closed(drip)]);
  clearInterval(dripping);
  t.ok(performance.now() - since < 4000, "a header has its time, however it comes");
});

t.test("PROXY from those who are trusted only", async (t) => {
  const elsewhere = { proxyProtocol: true, trustedProxies: new IpRanges(["192.0.2.0/24"]) };
  for (const listen of [listenTcp, listenWebSocket]) {
    const { transport, events } = await start(listen, elsewhere);
    const socket = dial(transport.port);
    socket.write(joined(proxyV2(0x21, 0x11, V4), listen === listenTcp ? FRAME : UPGRADE));
    await closed(socket);
    t.same(events.addresses, [], transport.name);
    t.ok(transport.failedHandshakes > 0);
  }
  const { transport, events } = await start(listenTcp, { proxyProtocol: true, trustedProxies: new IpRanges(["127.0.0.0/8"]) });
  dial(transport.port).write(joined(proxyV2(0x21, 0x11, V4), FRAME));
  await until(() => events.frameCount === 1, "a frame through a trusted proxy");
});

t.test("PROXY over TLS: the header stands before TLS", { skip: noOpenssl }, async (t) => {
  const { transport, events } = await start(listenTcp, { proxyProtocol: true, tls: files() });
  for (const header of [proxyV2(0x21, 0x11, V4), proxyV1("PROXY TCP6 2001:db8::2a 2001:db8::1 1 2\r\n")]) {
    const raw = dial(transport.port);
    raw.write(header);
    const tls = await dialTls(transport.port, {}, raw);
    tls.write(FRAME);
    tls.write(FRAME);
  }
  await until(() => events.frameCount === 4, "frames");
  t.same(events.addresses, ["192.0.2.7", "2001:db8::2a"]);
  const bare = dial(transport.port);
  await t.rejects(dialTls(transport.port, {}, bare), "TLS without a header");
  t.equal(transport.failedHandshakes, 1);
  const silent = dial(transport.port);
  silent.write(proxyV2(0x21, 0x11, V4));
  await closed(silent);
  t.equal(events.addresses.length, 2, "a header and then nothing");
  await until(() => transport.openCount === 2, "two connections");
});

t.test("PROXY over WebSocket: version 2, and nothing that a client could forge", async (t) => {
  const { transport, events } = await start(listenWebSocket, { proxyProtocol: true });
  const h = (last: number) => proxyV2(0x21, 0x11, joined(Uint8Array.of(192, 0, 2, last), V4.subarray(4)));
  const get = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const good = dial(transport.port);
  good.write(joined(h(7), UPGRADE));
  const split = dial(transport.port);
  split.write(h(8).subarray(0, 20));
  await until(() => events.addresses.length === 1, "an upgrade");
  split.write(joined(h(8).subarray(20), UPGRADE));
  await until(() => events.addresses.length === 2, "an upgrade in pieces");
  t.same(events.addresses, ["192.0.2.7", "192.0.2.8"]);
  for (const [what, bytes] of [
    ["no header", UPGRADE],
    ["version 1", joined(proxyV1("PROXY TCP4 192.0.2.9 198.51.100.9 1 2\r\n"), UPGRADE)],
    ["a request, then a header of one's own", joined(h(7), get, h(66), UPGRADE)],
    ["a request for another protocol, then a header of one's own", joined(h(7), Buffer.from(UPGRADE.toString().replace(ALPN, "chat")), h(66), UPGRADE)],
    ["LOCAL, which names nobody", joined(proxyV2(0x20, 0, new Uint8Array(0)), UPGRADE)],
  ] as const) {
    const socket = dial(transport.port);
    socket.write(bytes);
    await closed(socket);
    t.equal(events.addresses.length, 2, what);
  }
  for (const [what, bytes] of [
    ["two headers", joined(h(7), h(66), UPGRADE)],
    ["LOCAL, then a header of one's own", joined(proxyV2(0x20, 0, new Uint8Array(0)), h(66), UPGRADE)],
  ] as const) {
    const socket = dial(transport.port);
    socket.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.equal(events.addresses.length, 2, what);
    socket.destroy();
  }
  if (noOpenssl === false) await t.rejects(start(listenWebSocket, { proxyProtocol: true, tls: files() }), /before TLS/);
});

t.test("TLS: versions, ALPN, tickets", { skip: noOpenssl }, async (t) => {
  for (const listen of [listenTcp, listenWebSocket]) {
    for (const minVersion of ["1.2", "1.3"] as const) {
      const { transport } = await start(listen, { tls: { ...files(), minVersion } });
      const name = `${transport.name} from ${minVersion}`;
      const old = { ciphers: "DEFAULT@SECLEVEL=0", minVersion: "TLSv1", maxVersion: "TLSv1.1" } as const;
      await t.rejects(dialTls(transport.port, old), `${name}: not 1.1`);
      const twelve = dialTls(transport.port, { maxVersion: "TLSv1.2" });
      if (minVersion === "1.3") await t.rejects(twelve, `${name}: not 1.2`);
      else t.match((await twelve).getCipher().name, /^ECDHE-.*(GCM|POLY1305)/, name);
      await t.rejects(dialTls(transport.port, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256" }), `${name}: no weak suite`);
      t.equal((await dialTls(transport.port)).getProtocol(), "TLSv1.3", name);
    }
  }
  const tls = files();
  const { transport, events } = await start(listenTcp, { tls });
  t.equal((await dialTls(transport.port)).alpnProtocol, ALPN);
  t.equal((await dialTls(transport.port, { ALPNProtocols: [] })).alpnProtocol, false, "a client that offers none is taken");
  const failed = transport.failedHandshakes;
  await t.rejects(dialTls(transport.port, { ALPNProtocols: ["h2", "http/1.1"] }), "one that offers others is not");
  await until(() => transport.failedHandshakes === failed + 1, "its count");
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const first = await dialTls(transport.port, { maxVersion });
    const session = await new Promise<Buffer>((resolve) => {
      const known = first.getSession();
      if (maxVersion === "TLSv1.2" && known !== undefined) resolve(known);
      else first.once("session", resolve);
    });
    t.equal((await dialTls(transport.port, { maxVersion, session })).isSessionReused(), true, `${maxVersion} resumes`);
    tls.renew();
    transport.renewCertificate!();
    t.equal((await dialTls(transport.port, { maxVersion, session })).isSessionReused(), true, "under a new certificate, too");
  }
  t.ok(
    events.ages.every((ageMs) => ageMs > 0 && ageMs < 1000),
    "the time that TLS took is told",
  );
});

t.test("a certificate is renewed: new connections get it, old ones stay; a broken one changes nothing", { skip: noOpenssl }, async (t) => {
  for (const listen of [listenTcp, listenWebSocket]) {
    const tls = files();
    const { transport, events } = await start(listen, { tls, slotsMax: 1000 });
    const renew = () => transport.renewCertificate!();
    const open = async (): Promise<{ serial: string; send: () => void }> => {
      if (listen === listenTcp) {
        const socket = await dialTls(transport.port);
        return { serial: serialOf(socket), send: () => socket.write(FRAME) };
      }
      const socket = new WebSocket(`wss://127.0.0.1:${transport.port}`, ALPN, { rejectUnauthorized: false });
      t.teardown(() => socket.terminate());
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      return { serial: serialOf((socket as unknown as { _socket: TLSSocket })._socket), send: () => socket.send(FRAME) };
    };
    const old = await open();
    renew();
    t.equal((await open()).serial, old.serial, "nothing changed");
    tls.renew();
    renew();
    const fresh = await open();
    t.not(fresh.serial, old.serial, `${transport.name}: another certificate`);

    writeFileSync(tls.certFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    t.throws(renew, /no certificate/);
    t.doesNotThrow(renew, "said once");
    t.equal((await open()).serial, fresh.serial, "the old one stays");
    copyFileSync(makeCertificate()!.certFile, tls.certFile);
    t.throws(renew, /is not that of the certificate/);
    rmSync(tls.certFile);
    t.throws(renew, /ENOENT/);
    t.equal((await open()).serial, fresh.serial);
    tls.renew();
    renew();
    t.not((await open()).serial, fresh.serial, "until both are good");

    // Renewed again and again while clients connect: everybody gets in.
    await until(() => events.addresses.length === 6, "those that were opened until now");
    const before = events.addresses.length;
    let opened = 0;
    const clients = Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, i * 5));
        const { send } = await open();
        opened++;
        send();
      }),
    );
    for (let i = 0; i < 10; i++) {
      tls.renew();
      renew();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await clients;
    old.send();
    fresh.send();
    await until(() => events.frameCount === 62, `${transport.name}: frames of all, the oldest too`);
    t.same([opened, events.addresses.length - before, events.closedCount], [60, 60, 0]);
    t.ok(new TlsFiles(tls).expiresAtUnixMs > Date.now());
  }
});

t.test("the watch: renews transports, says once what is wrong, and warns before the end", { skip: noOpenssl }, (t) => {
  const tls = files();
  const said: string[] = [];
  const log: Log = {
    info: (_fields, message) => said.push(`info ${message}`),
    warn: (_fields, message) => said.push(`warn ${message}`),
    error: (_fields, message) => said.push(`error ${message}`),
  };
  let renewals = 0;
  let fails = false;
  const transport = {
    renewCertificate: () => {
      renewals++;
      if (fails) throw new Error("half written");
    },
  } as Transport;
  // A time at which the certificate of two days has long to go.
  const early = Date.now() - 30 * 24 * 3600 * 1000;
  const watch = new CertificateWatch(tls, [transport, {} as Transport], log);
  t.ok(Math.abs(watch.endsAtUnixMs - Date.now() - 2 * 24 * 3600 * 1000) < 3_600_000);
  const check = (unixNow = early): string[] => {
    watch.check(unixNow);
    return said.splice(0);
  };
  t.same(check(), []);
  tls.renew();
  t.match(check(), [/^info new certificate/]);
  t.equal(renewals, 1);
  writeFileSync(tls.keyFile, "no key");
  t.match(check(), [/^error .*old one stays/]);
  t.same([...check(), ...check()], [], "once");
  fails = true;
  tls.renew();
  t.match(check(), [/^error/], "a transport could not");
  fails = false;
  t.match(check(), [/^info/], "and is asked again");
  t.same([check(), renewals], [[], 3]);
  t.match(check(Date.now()), [/^warn .*ends soon/]);
  t.same(check(Date.now() + 3_600_000), [], "once a day");
  t.match(check(Date.now() + 3 * 24 * 3600 * 1000), [/^error .*has ended/]);
  rmSync(tls.certFile);
  t.throws(() => new CertificateWatch(tls, [], log), /ENOENT/);
  t.end();
});

t.test("sockets that become nothing: bounded in time and number", { skip: noOpenssl }, async (t) => {
  const { transport, events } = await start(listenTcp, { tls: files(), slotsMax: 5 });
  const sockets = Array.from({ length: 8 }, () => dial(transport.port));
  sockets[0]!.write(Uint8Array.of(22, 3, 1));
  const since = performance.now();
  await Promise.all(sockets.map(closed));
  t.ok(performance.now() - since < 4000, "TLS has its time");
  await dialTls(transport.port);
  await until(() => events.addresses.length === 1, "a connection afterwards");

  const web = await start(listenWebSocket, { slotsMax: 5 });
  const waiting = Array.from({ length: 9 }, () => dial(web.transport.port));
  await until(() => waiting.filter(({ destroyed }) => destroyed).length === 4, "those beyond the slots to be closed");
  waiting.find(({ destroyed }) => !destroyed)!.write(UPGRADE);
  await until(() => web.events.addresses.length === 1, "one of the others to upgrade");
});

t.test("who is not admitted costs no handshake", { skip: noOpenssl }, async (t) => {
  const secure = await start(listenTcp, { tls: files() });
  secure.events.admitted = false;
  await t.rejects(dialTls(secure.transport.port));
  t.same([secure.events.asked, secure.transport.failedHandshakes, secure.events.addresses], [["127.0.0.1"], 1, []]);
  const behind = await start(listenTcp, { tls: files(), proxyProtocol: true });
  behind.events.admitted = false;
  const raw = dial(behind.transport.port);
  raw.write(proxyV2(0x21, 0x11, V4));
  await closed(raw);
  t.same(behind.events.asked, ["192.0.2.7"], "asked for the client's address, not the proxy's");
  for (const tls of [undefined, files()]) {
    const web = await start(listenWebSocket, tls === undefined ? {} : { tls });
    web.events.admitted = false;
    for (let i = 0; i < 5; i++) await closed(dial(web.transport.port));
    web.events.admitted = true;
    const socket = new WebSocket(`ws${tls === undefined ? "" : "s"}://127.0.0.1:${web.transport.port}`, ALPN, { rejectUnauthorized: false });
    t.teardown(() => socket.terminate());
    await until(() => web.events.addresses.length === 1, "one that is admitted");
    t.same([web.events.asked.length, web.transport.failedHandshakes], [6, 5]);
  }
});

t.test("a connection carries nothing of its entrance with it", { skip: noOpenssl }, async (t) => {
  for (const options of [{ proxyProtocol: true }, { tls: files(), proxyProtocol: false }]) {
    const sockets: Socket[] = [];
    const raws: Socket[] = [];
    const entry = new Entry({ handshakeMs: 1000, ...options }, (socket) => void sockets.push(socket));
    const server = createServer((socket) => {
      raws.push(socket);
      entry.accept(socket);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    if (options.proxyProtocol) dial(port).write(proxyV2(0x21, 0x11, V4));
    else await dialTls(port);
    await until(() => sockets.length === 1, "a connection");
    t.equal(entry.pendingCount, 0);
    for (const socket of [...raws, ...sockets]) {
      const kept = Object.getOwnPropertySymbols(socket).filter(({ description = "" }) => ["pending", "entry"].includes(description));
      for (const symbol of kept) t.equal((socket as unknown as Record<symbol, unknown>)[symbol], undefined, `nothing is kept under ${symbol.description}`);
      socket.destroy();
    }
    server.close();
    entry.stop();
  }
});

t.test("unfinished frames: all together are bounded, who would pass the bound is told", async (t) => {
  const { transport, events } = await start(listenTcp, { unfinishedBytesMax: 10_000 });
  const frame = Buffer.concat([Buffer.from([0x88, 0x27, 5]), Buffer.alloc(4999)]);
  const half = frame.subarray(0, 4500);
  const sockets = [dial(transport.port), dial(transport.port), dial(transport.port)] as const;
  sockets[0].write(half);
  sockets[1].write(half);
  await until(() => events.addresses.length === 3 && transport.bytesRead === 9000, "two halves");
  sockets[2].write(half);
  await until(() => events.broken_.length === 1, "the third");
  t.same(events.broken_, ["BUSY"]);
  await closed(sockets[2]);
  // What becomes whole, or goes, makes room.
  sockets[0].write(frame.subarray(4500));
  await until(() => events.frameCount === 1, "a whole frame");
  sockets[1].destroy();
  await until(() => events.closedCount === 2, "the end of another");
  let read = transport.bytesRead;
  for (let i = 0; i < 20; i++) {
    const socket = dial(transport.port);
    socket.write(half);
    read += half.length;
    await until(() => transport.bytesRead === read, "one more");
    socket.destroy();
    await until(() => events.closedCount === 3 + i, "and its end");
  }
  sockets[0].write(half);
  dial(transport.port).write(half);
  await until(() => transport.bytesRead === read + 2 * half.length, "two halves again");
  t.same(events.broken_, ["BUSY"], "nothing is counted that is gone");
});

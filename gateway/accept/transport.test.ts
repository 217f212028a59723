// What every transport must do, on real sockets: one suite, run for TCP on the native core and on node:net, TLS, WebSocket and
// WebSocket over TLS; then what only one of them can get wrong.
import { type AddressInfo, connect, createServer } from "node:net";
import { request } from "node:http";
import { connect as connectTls } from "node:tls";
import { Worker } from "node:worker_threads";
import t, { type Test } from "tap";
import { WebSocket } from "ws";
import { ErrorCode, errorName } from "../../proto/error-code.ts";
import { BEAT_FRAME, encodeFrame } from "../../proto/frame.ts";
import { BEAT } from "../../proto/frame-reader.ts";
import { Random } from "../../proto/testing/random.ts";
import { makeCertificate } from "../testing/certificate.ts";
import { type ClientKind, openClient, type WebSocketClient } from "../testing/client.ts";
import { loadTcpAddon } from "../native/build.ts";
import { IpRanges } from "./ip-address.ts";
import { listenNativeTcp } from "./native-tcp.ts";
import { SlotPool } from "./slot-pool.ts";
import { listenTcp } from "./tcp.ts";
import { PROXY_VECTORS } from "./testing/proxy-vectors.ts";
import { BEAT_GAP_MS, FRAME_FIELDS, type Transport, type TransportEvents, type TransportOptions, WriteResult } from "./transport.ts";
import { listenWebSocket } from "./websocket.ts";

const certificate = makeCertificate();
const FRAME_BYTES_MAX = 8192;
const SLOT_FIRST = 100;

/** Writes down what a transport tells. */
class Recorder implements TransportEvents {
  readonly log: string[] = [];
  readonly frameBodies = new Map<number, { header: number; body: Buffer }[]>();
  readonly open = new Set<number>();
  addresses: string[] = [];
  calls = 0;
  onFrame: (slot: number) => void = () => undefined;

  opened(slot: number, remoteAddress: string): void {
    if (this.open.has(slot)) throw new Error(`slot ${slot} opened while open`);
    this.open.add(slot);
    this.frameBodies.set(slot, []);
    this.addresses.push(remoteAddress);
    this.log.push(`opened ${slot}`);
  }

  frames(bytes: Uint8Array, table: Int32Array, count: number): void {
    this.calls++;
    for (let i = 0; i < count; i++) {
      const [slot, header, start, end] = table.subarray(FRAME_FIELDS * i, FRAME_FIELDS * (i + 1)) as unknown as [number, number, number, number];
      if (!this.open.has(slot)) throw new Error(`a frame of slot ${slot}, which is not open`);
      this.frameBodies.get(slot)!.push({ header, body: Buffer.from(bytes.slice(start, end)) });
      this.onFrame(slot);
    }
  }

  idle(slot: number): void {
    if (!this.open.has(slot)) throw new Error(`slot ${slot} is idle, and is not open`);
    this.log.push(`idle ${slot}`);
  }

  broken(slot: number, code: ErrorCode): void {
    this.log.push(`broken ${slot} ${errorName(code)}`);
  }

  drained(slot: number): void {
    this.log.push(`drained ${slot}`);
  }

  closed(slot: number): void {
    if (!this.open.delete(slot)) throw new Error(`slot ${slot} closed while closed`);
    this.log.push(`closed ${slot}`);
  }
}

async function until(condition: () => boolean, what: string, withinMs = 8000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !condition(); ) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function options(kind: ClientKind, fields: Partial<TransportOptions> = {}): TransportOptions {
  const tls = kind === "tls" || kind === "wss" ? { tls: certificate! } : {};
  return {
    host: "127.0.0.1",
    port: 0,
    slotFirst: SLOT_FIRST,
    slotsMax: 4,
    frameBytesMax: FRAME_BYTES_MAX,
    frameBytesLimit: 512 * 1024,
    lingerMs: 1000,
    sharePort: false,
    proxyProtocol: false,
    unfinishedBytesMax: 64 * 1024 * 1024,
    ...tls,
    ...fields,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the suite is run for: who listens, and what a client of it speaks. */
interface Subject {
  name: string;
  kind: ClientKind;
  listen: (options: TransportOptions, events: TransportEvents) => Promise<Transport>;
  skip: string | false;
}
const noCertificate = certificate === undefined ? "no openssl to make a certificate with" : false;
const SUBJECTS: readonly Subject[] = [
  { name: "native", kind: "tcp", listen: listenNativeTcp, skip: noNative() },
  { name: "net", kind: "tcp", listen: listenTcp, skip: false },
  { name: "tls", kind: "tls", listen: listenTcp, skip: noCertificate },
  { name: "ws", kind: "ws", listen: listenWebSocket, skip: false },
  { name: "wss", kind: "wss", listen: listenWebSocket, skip: noCertificate },
];
const subjectOf = (name: string) => SUBJECTS.find((subject) => subject.name === name)!;

function noNative(): string | false {
  try {
    loadTcpAddon();
    return false;
  } catch (error) {
    return `no native core here: ${(error as Error).message}`;
  }
}

async function listen(t: Test, { kind, listen }: Subject, fields: Partial<TransportOptions> = {}): Promise<{ transport: Transport; events: Recorder }> {
  const events = new Recorder();
  const transport = await listen(options(kind, fields), events);
  t.teardown(() => transport.stop());
  return { transport, events };
}

for (const subject of SUBJECTS) {
  const { kind } = subject;
  const stream = kind === "tcp" || kind === "tls";
  t.test(subject.name, { skip: subject.skip }, async (t) => {
    t.test("frames come whole and in order, many in a call", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      await until(() => events.open.size === 1, "opened");
      t.strictSame(events.log, [`opened ${SLOT_FIRST}`]);
      t.match(events.addresses[0], /127\.0\.0\.1/);
      const frames = Array.from({ length: 3000 }, (_, i) => (i % 10 === 9 ? Buffer.of(0) : encodeFrame(5 + (i % 3), Buffer.alloc(i % 300, i))));
      client.write(Buffer.concat(frames));
      const got = events.frameBodies.get(SLOT_FIRST)!;
      await until(() => got.length === 3000, "all frames");
      t.ok(
        got.every(({ header, body }, i) =>
          i % 10 === 9 ? header === 0 && body.length === 0 : header === 5 + (i % 3) && body.equals(Buffer.alloc(i % 300, i)),
        ),
        "as they were sent",
      );
      t.ok(events.calls < 100, `${events.calls} calls for 3000 frames`);
      const largest = encodeFrame(5, Buffer.alloc(FRAME_BYTES_MAX - 1, 1));
      client.write(largest);
      await until(() => got.length === 3001, "the largest frame");
      transport.setFrameLimit(SLOT_FIRST, 512 * 1024);
      client.write(encodeFrame(6, Buffer.alloc(512 * 1024 - 1, 2)));
      await until(() => got.length === 3002, "a frame up to the new limit");
      t.ok(got[3001]!.body.equals(Buffer.alloc(512 * 1024 - 1, 2)));
      t.ok(transport.bytesRead > 900_000);
      client.end();
      await until(() => events.open.size === 0, "closed");
      t.strictSame(events.log, [`opened ${SLOT_FIRST}`, `closed ${SLOT_FIRST}`]);
    });

    t.test("bytes that are no frames", async (t) => {
      const { transport, events } = await listen(t, subject);
      const good = Buffer.from(encodeFrame(5, Buffer.from("good")));
      const cases: [string, number[], number][] = [
        ["4 GB", [0xff, 0xff, 0xff, 0xff, 0x0f], ErrorCode.BadFrame],
        ["256 MB", [0xff, 0xff, 0xff, 0x7f], ErrorCode.FrameTooLarge],
        ["one more than the limit", [0x81, 0x40, 5], ErrorCode.FrameTooLarge],
        ["a length that is not minimal", [0x80, 0x00], ErrorCode.BadFrame],
        ["the reserved bit", [1, 0x85], ErrorCode.BadFrame],
        ["type 0", [1, 0x20], ErrorCode.BadFrame],
      ];
      for (const [name, bytes, code] of cases) {
        const client = await openClient(kind, transport.port);
        await until(() => events.open.size === 1, "opened");
        client.write(Buffer.concat([good, Buffer.from(bytes), good]));
        await until(() => events.log.some((line) => line.startsWith("broken")), name);
        t.equal(events.log.at(-1), `broken ${SLOT_FIRST} ${errorName(code)}`, name);
        t.equal(events.frameBodies.get(SLOT_FIRST)!.length, 1, "what stood before it was handed over, nothing behind it");
        transport.close(SLOT_FIRST, Buffer.from(encodeFrame(3, Buffer.from("why"))));
        t.equal(transport.write(SLOT_FIRST, good), WriteResult.Dropped);
        t.equal(Buffer.from(await client.next(3)).toString(), "why", "the last bytes arrive");
        await client.until(() => client.closed, "the end");
        await until(() => events.open.size === 0, "closed");
        t.equal(events.log.filter((line) => line.startsWith("broken")).length, 1, "told once");
        events.log.length = 0;
      }
    });

    t.test("writes arrive in order; closing sends everything first", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      client.keepBytes = true;
      await until(() => events.open.size === 1, "opened");
      const expected: Buffer[] = [];
      const frames = Array.from({ length: 200 }, (_, i) => Buffer.from(encodeFrame(7, Buffer.alloc(1 + ((i * 977) % 5000), i))));
      for (let i = 0; i < 200; i += 4) {
        t.not(transport.write(SLOT_FIRST, frames[i]!), WriteResult.Dropped);
        transport.writeMany(SLOT_FIRST, [frames[i + 1]!, frames[i + 2]!, frames[i + 3]!, Buffer.from("not this one")], 3);
        expected.push(...frames.slice(i, i + 4));
      }
      const last = Buffer.from(encodeFrame(3, Buffer.alloc(100_000, 9)));
      transport.close(SLOT_FIRST, last);
      await client.until(() => client.closed, "the end");
      t.ok(client.received.equals(Buffer.concat([...expected, last])), "every byte");
      await until(() => events.open.size === 0, "closed");
      t.equal(transport.bufferedBytes(SLOT_FIRST), 0);
      t.equal(transport.write(SLOT_FIRST, last), WriteResult.Dropped, "nobody is there");
      transport.close(SLOT_FIRST);
    });

    t.test("a view of a large buffer is written as it was", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      await until(() => events.open.size === 1, "opened");
      const batch = Buffer.alloc(700_000);
      const frame = encodeFrame(7, Buffer.alloc(50_000, 3));
      batch.set(frame, 1234);
      for (let i = 0; i < 8; i++) transport.write(SLOT_FIRST, batch.subarray(1234, 1234 + frame.length));
      await client.until(() => client.frames.length === 8, "all of them");
      t.ok(client.frames.every(({ body }) => Buffer.from(body).equals(Buffer.alloc(50_000, 3))));
    });

    t.test("a peer that never reads: Buffered, and cut off in the end", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      await until(() => events.open.size === 1, "opened");
      client.pause();
      const frame = Buffer.from(encodeFrame(7, Buffer.alloc(60_000, 1)));
      let written = 0;
      let result: WriteResult = WriteResult.Sent;
      while (transport.bufferedBytes(SLOT_FIRST) < 300_000 && written < 64 << 20) {
        result = transport.write(SLOT_FIRST, frame);
        written += frame.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      t.equal(result, WriteResult.Buffered);
      const waiting = transport.bufferedBytes(SLOT_FIRST);
      t.ok(waiting >= 300_000 && waiting < 1_000_000, `${waiting} wait of ${written}`);
      // Read on: everything that waited arrives, and that is told.
      client.resume();
      await until(() => transport.bufferedBytes(SLOT_FIRST) === 0, "drained");
      await until(() => events.log.includes(`drained ${SLOT_FIRST}`), "the event");
      await client.until(() => client.frames.length === written / frame.length, "every frame");
      client.pause();
      while (transport.bufferedBytes(SLOT_FIRST) < 300_000) {
        transport.write(SLOT_FIRST, frame);
        await new Promise((resolve) => setImmediate(resolve));
      }
      transport.close(SLOT_FIRST, frame);
      await until(() => events.open.size === 0, "closed without its help", 4000);
      client.destroy();
    });

    t.test("slots are used again, and are bounded", async (t) => {
      const { transport, events } = await listen(t, subject, { slotsMax: 2 });
      const first = await openClient(kind, transport.port);
      await openClient(kind, transport.port);
      await until(() => events.open.size === 2, "two");
      t.strictSame([...events.open], [SLOT_FIRST, SLOT_FIRST + 1]);
      const third = await openClient(kind, transport.port).catch(() => undefined);
      await third?.until(() => third.closed, "the end of one too many");
      t.equal(events.open.size, 2);
      first.destroy();
      await until(() => events.open.size === 1, "closed");
      const next = await openClient(kind, transport.port);
      await until(() => events.open.size === 2, "again two");
      t.ok(events.open.has(SLOT_FIRST), "the same slot");
      next.write(encodeFrame(5, Buffer.from("hi")));
      await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 1, "its frame");
      t.equal(transport.openCount, 2);
    });

    t.test("closing from inside the call that hands frames over", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      events.onFrame = (slot) => transport.close(slot, encodeFrame(3, Buffer.from("enough")));
      client.write(Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from(encodeFrame(5, Buffer.from("x"))))));
      t.equal(Buffer.from(await client.next(3)).toString(), "enough");
      await client.until(() => client.closed, "the end");
      await until(() => events.open.size === 0, "closed");
      t.ok(events.frameBodies.get(SLOT_FIRST)!.length <= 1024, "the rest of the table at most");
    });

    t.test("stopping", async (t) => {
      // A port that is given, as in service: one that the system chose cannot always be taken again at once.
      const port = await freePort();
      const { transport, events } = await listen(t, subject, { port });
      const client = await openClient(kind, transport.port);
      await until(() => events.open.size === 1, "opened");
      transport.stopListening();
      await t.rejects(openClient(kind, port), "nobody new");
      client.write(encodeFrame(5, Buffer.from("hi")));
      await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 1, "the old one goes on");
      await transport.stop();
      t.equal(events.open.size, 0, "all are told closed before stop resolves");
      await client.until(() => client.closed, "the end");
      const again = await subject.listen(options(kind, { port }), new Recorder());
      t.equal(again.port, port, "the port is free");
      await t.rejects(subject.listen(options(kind, { port }), new Recorder()), "and is not shared");
      await again.stop();
    });

    t.test("many come and go: everything that was sent arrives, every slot is told opened and closed", async (t) => {
      const { transport, events } = await listen(t, subject, { slotsMax: 64 });
      const random = new Random(20_26);
      const echo = (slot: number): void => {
        const { header, body } = events.frameBodies.get(slot)!.at(-1)!;
        if (header === 6) return transport.close(slot, encodeFrame(3, Buffer.from("bye")));
        transport.write(slot, encodeFrame(header, body));
        if (random.chance(0.02)) transport.pause(slot);
        if (random.chance(0.5)) transport.resume(slot);
      };
      events.onFrame = echo;
      let whole = 0;
      const one = async (name: number): Promise<void> => {
        const client = await openClient(kind, transport.port);
        const sent: Buffer[] = [];
        const end = random.below(4);
        for (let i = random.between(1, 6); i > 0; i--) {
          const frames = Array.from({ length: random.between(1, 8) }, (_, k) => Buffer.from(encodeFrame(5, Buffer.alloc(random.below(3000), name + k))));
          sent.push(...frames);
          const bytes = Buffer.concat(frames);
          const cut = stream ? random.below(bytes.length) : 0;
          if (cut > 0) client.write(bytes.subarray(0, cut));
          if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
          client.write(bytes.subarray(cut));
        }
        if (end === 0) return client.destroy();
        if (end === 1) return client.end();
        await until(() => {
          for (const slot of events.open) transport.resume(slot);
          return client.frames.length === sent.length;
        }, "its frames come back");
        whole++;
        if (!client.frames.every(({ body }, i) => Buffer.from(encodeFrame(5, body)).equals(sent[i]!))) t.fail("other bytes");
        if (end === 2) return client.end();
        client.write(encodeFrame(6, Buffer.from("close me")));
        t.equal(Buffer.from(await client.next(3)).toString(), "bye");
        await client.until(() => client.closed, "the end");
      };
      for (let round = 0; round < 6; round++) await Promise.allSettled(Array.from({ length: 40 }, (_, i) => one(40 * round + i)));
      await until(() => events.open.size === 0 && transport.openCount === 0, "all are gone");
      const count = (what: string) => events.log.filter((line) => line.startsWith(what)).length;
      t.equal(count("opened"), count("closed"));
      t.equal(count("broken"), 0);
      t.ok(whole > 30, `${whole} had everything back`);
    });

    if (!stream) return;
    t.test("frames that are not whole: bounded over all connections", async (t) => {
      const { transport, events } = await listen(t, subject, { unfinishedBytesMax: 10_000 });
      const frame = Buffer.from(encodeFrame(5, Buffer.alloc(8000, 1)));
      const first = await openClient(kind, transport.port);
      await until(() => events.open.size === 1, "opened");
      first.write(frame.subarray(0, 6000));
      await until(() => transport.bytesRead >= 6000, "its half");
      const second = await openClient(kind, transport.port);
      await until(() => events.open.size === 2, "opened");
      second.write(frame.subarray(0, 3000));
      await until(() => transport.bytesRead >= 9000, "a third of the second");
      second.write(frame.subarray(3000, 6000));
      await until(() => events.log.includes(`broken ${SLOT_FIRST + 1} BUSY`), "one too many");
      transport.close(SLOT_FIRST + 1);
      first.write(frame.subarray(6000));
      await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 1, "the first goes on");
      for (let i = 0; i < 4; i++) {
        const client = await openClient(kind, transport.port);
        await until(() => events.open.size === 2, "opened");
        const slot = [...events.open].at(-1)!;
        for (let at = 0; at < frame.length; at += 1600) client.write(frame.subarray(at, at + 1600));
        client.write(frame.subarray(0, 7000));
        await until(() => events.frameBodies.get(slot)!.length === 1, "those who close give back what they held");
        client.destroy();
        await until(() => events.open.size === 1, "closed");
      }
      t.equal(events.log.filter((line) => line.startsWith("broken")).length, 1);
    });

    t.test("a PROXY header says whose connection it is", async (t) => {
      if (kind === "tls") return;
      const trustedProxies = new IpRanges(["127.0.0.1"]);
      const { transport, events } = await listen(t, subject, { proxyProtocol: true, trustedProxies, handshakeMs: 600 });
      let closed = 0;
      for (const { what, bytes, address, headerBytes = 0 } of PROXY_VECTORS) {
        const client = await openClient(kind, transport.port);
        if (address === undefined || address === "more") {
          client.write(bytes);
          // Nothing but the end of their time closes those who say too little.
          if (address === "more" && closed++ % 4 > 0) client.end();
          await client.until(() => client.closed, what);
          continue;
        }
        // In one piece, or byte by byte.
        const frame = Buffer.from(encodeFrame(6, Buffer.from("behind it")));
        if (bytes.length > 200 || closed % 2 === 0) client.write(Buffer.concat([bytes.subarray(0, headerBytes), frame]));
        else {
          for (const byte of bytes.subarray(0, headerBytes)) {
            client.write(Buffer.of(byte));
            await new Promise((resolve) => setImmediate(resolve));
          }
          client.write(frame);
        }
        closed++;
        await until(() => events.frameBodies.get(SLOT_FIRST)?.length === 1, what);
        t.equal(events.addresses.at(-1), address === "" ? "127.0.0.1" : address, what);
        t.equal(events.frameBodies.get(SLOT_FIRST)![0]!.body.toString(), "behind it");
        client.end();
        await until(() => events.open.size === 0 && transport.openCount === 0, "closed");
        events.frameBodies.delete(SLOT_FIRST);
      }
      const wanted = PROXY_VECTORS.filter(({ address }) => address !== undefined && address !== "more").length;
      t.equal(events.addresses.length, wanted, "nobody else was opened");
      events.onFrame = (slot) => transport.close(slot);
      const elsewhere = await listen(t, subject, { proxyProtocol: true, trustedProxies: new IpRanges(["10.0.0.0/9", "127.0.0.4/30"]) });
      const stranger = await openClient(kind, elsewhere.transport.port);
      stranger.write(PROXY_VECTORS[0]!.bytes);
      await stranger.until(() => stranger.closed, "who may not say so is closed");
      t.equal(elsewhere.events.log.length, 0);
    });

    t.test("a frame over many reads; pausing", async (t) => {
      const { transport, events } = await listen(t, subject);
      const client = await openClient(kind, transport.port);
      const bytes = Buffer.concat([encodeFrame(5, Buffer.alloc(300, 7)), Buffer.of(0), encodeFrame(6, Buffer.from("end"))]);
      for (const byte of bytes) {
        client.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => events.frameBodies.get(SLOT_FIRST)?.length === 3, "three frames");
      t.strictSame(
        events.frameBodies.get(SLOT_FIRST)!.map(({ header, body }) => [header, body.length]),
        [
          [5, 300],
          [0, 0],
          [6, 3],
        ],
      );
      transport.pause(SLOT_FIRST);
      const flood = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.from(encodeFrame(5, Buffer.alloc(4000)))));
      client.write(flood);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const whilePaused = events.frameBodies.get(SLOT_FIRST)!.length;
      t.ok(whilePaused < 100, `${whilePaused} of 4000 frames while paused`);
      transport.resume(SLOT_FIRST);
      await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 4003, "all of them");
    });
  });
}

async function beatsAndSilence(t: Test, subject: Subject): Promise<void> {
  const { name, kind } = subject;
  const { transport, events } = await listen(t, subject);
  const client = await openClient(kind, transport.port);
  await until(() => events.open.size === 1, "opened");
  const frames = events.frameBodies.get(SLOT_FIRST)!;
  client.write(BEAT_FRAME);
  await until(() => frames.length === 1, "the beat");
  t.strictSame([frames[0]!.header, frames[0]!.body.length, transport.beatsAnswered], [BEAT, 0, 0], `${name}: handed up before watch`);
  transport.watch(SLOT_FIRST, 0);
  await until(() => transport.quietMs(SLOT_FIRST) >= 2 * BEAT_GAP_MS, "silence");
  client.write(Buffer.of(0, 0));
  await client.until(() => client.frames.length === 1, "the answer");
  await until(() => frames.length === 2, "the second");
  t.strictSame(
    [client.frames[0]!.type, frames[1]!.header, transport.beatsAnswered],
    [BEAT, BEAT, 1],
    `${name}: the first is answered, the one behind it handed up`,
  );
  const gap = transport.takeLongestGapMs(SLOT_FIRST);
  t.ok(gap >= BEAT_GAP_MS, `${name}: a gap of ${gap} ms`);
  t.equal(transport.takeLongestGapMs(SLOT_FIRST), 0, `${name}: and then begins anew`);
  t.strictSame(events.log, [`opened ${SLOT_FIRST}`], `${name}: idle 0: never told`);
  const roundTrip = transport.roundTripMs(SLOT_FIRST);
  if (subject.name === "native") t.ok(roundTrip! > 0 && roundTrip! < 5000, `${name}: round trip ${roundTrip} ms`);
  transport.watch(SLOT_FIRST, 100);
  await until(() => events.log.includes(`idle ${SLOT_FIRST}`), "idle");
  t.ok(transport.quietMs(SLOT_FIRST) >= 100);
  client.write(encodeFrame(5, Buffer.from("here")));
  await until(() => frames.length === 3, "a frame");
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.equal(events.log.filter((line) => line.startsWith("idle")).length, 1, `${name}: told once`);
  transport.watch(SLOT_FIRST, 200);
  await until(() => events.log.filter((line) => line.startsWith("idle")).length === 2, "again, after another watch");
  transport.close(SLOT_FIRST);
  await until(() => events.open.size === 0, "closed");
  t.equal(events.log.length, 4);
  const next = await openClient(kind, transport.port);
  await until(() => events.open.has(SLOT_FIRST), "the slot is used again");
  next.write(BEAT_FRAME);
  await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 1, `${name}: and is not watched`);
  t.strictSame([transport.beatsAnswered, transport.takeLongestGapMs(SLOT_FIRST)], [1, 0]);
}

t.test("beats, silence and gaps", async (t) => {
  // Most of it is waiting.
  await Promise.all(SUBJECTS.filter(({ skip }) => skip === false).map((subject) => beatsAndSilence(t, subject)));
});

// Of another thread, so that they beat while this one stands still; the first message ends the beats.
const BEATING = `
  const { connect } = require("node:net");
  const { parentPort, workerData } = require("node:worker_threads");
  const sockets = Array.from({ length: workerData.count }, () => connect(workerData.port, "127.0.0.1").on("error", () => {}).resume());
  const beats = setInterval(() => sockets.forEach((socket) => socket.write(Buffer.of(0))), 200);
  parentPort.once("message", () => clearInterval(beats));
`;

for (const name of ["native", "net"]) {
  const subject = subjectOf(name);
  t.test(`${name}: a process that stood still gives up nobody who lives`, { skip: subject.skip }, async (t) => {
    const count = 100;
    const { transport, events } = await listen(t, subject, { slotsMax: count });
    const peers = new Worker(BEATING, { eval: true, workerData: { count, port: transport.port } });
    t.teardown(() => peers.terminate());
    await until(() => events.open.size === count, "opened");
    for (const slot of events.open) transport.watch(slot, 3000);
    await until(() => events.calls > 3, "beats");
    const idle = () => events.log.filter((line) => line.startsWith("idle")).length;
    // Whatever libuv would do next, timers or reading.
    for (const turn of [setTimeout, setImmediate]) {
      await new Promise<void>((resolve) => turn(resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4500);
      await new Promise((resolve) => setTimeout(resolve, 1700));
      t.equal(idle(), 0);
    }
    const gaps = Array.from(events.open, (slot) => transport.takeLongestGapMs(slot));
    t.ok(Math.max(...gaps) < 4500, `a silence that was ours is nobody's gap: ${Math.max(...gaps)} ms`);
    peers.postMessage("quiet");
    await until(() => idle() === count, "who is silent is told");
  });
}

t.test("native only", { skip: subjectOf("native").skip }, async (t) => {
  // No frame is larger than the buffer, whatever the options say.
  const frameBytesLimit = 70_000;
  const wrong = await listen(t, subjectOf("native"), { frameBytesMax: 8_000_000, frameBytesLimit });
  const large = await openClient("tcp", wrong.transport.port);
  large.write(encodeFrame(5, Buffer.alloc(4_000_000)));
  await until(() => wrong.events.log.includes(`broken ${SLOT_FIRST} FRAME_TOO_LARGE`), "its end");
  large.destroy();

  // One event that throws does not swallow those told in the same call.
  const { transport, events } = await listen(t, subjectOf("native"));
  const tell = (transport as unknown as { tell: () => void }).tell;
  const told = (transport as unknown as { told: Uint32Array }).told;
  const others = (transport as unknown as { others: Int32Array }).others;
  events.open.add(SLOT_FIRST + 1);
  told.set([0, 0, 3]);
  others.set([SLOT_FIRST, 5, SLOT_FIRST + 1, 5, SLOT_FIRST + 2, 5]);
  t.throws(tell, { message: `slot ${SLOT_FIRST} closed while closed` }, "the first error");
  t.strictSame(events.log, [`closed ${SLOT_FIRST + 1}`], "the others were told");
  told.set([0, 0, 0]);
  t.doesNotThrow(tell);

  // More than the queue of a connection can ever hold: what is behind it is dropped as well, and it is said.
  const reader = await openClient("tcp", transport.port);
  await until(() => events.open.has(SLOT_FIRST), "opened");
  const huge = Buffer.alloc(80 * 1024 * 1024);
  t.equal(transport.writeMany(SLOT_FIRST, [Buffer.alloc(10), huge, Buffer.alloc(10)], 3), WriteResult.Dropped);
  t.equal(transport.write(SLOT_FIRST, Buffer.alloc(10)), WriteResult.Dropped);
  reader.destroy();
  await until(() => events.open.size === 0, "closed");
});

t.test("WebSocket only", async (t) => {
  const { transport, events } = await listen(t, subjectOf("ws"));
  const open = async () => (await openClient("ws", transport.port)) as WebSocketClient;
  const text = await open();
  text.socket.send("hello");
  await text.until(() => text.closed, "the end");
  t.equal(text.closeCode, 1003, "a text message");

  const fragmented = await open();
  t.equal(fragmented.socket.protocol, "hawser.v1");
  t.equal(fragmented.socket.extensions, "", "no compression");
  await until(() => events.open.size === 1, "opened");
  const frame = Buffer.from(encodeFrame(5, Buffer.alloc(3000, 4)));
  for (let at = 0; at < frame.length; at += 1000) fragmented.socket.send(frame.subarray(at, at + 1000), { fin: at + 1000 >= frame.length });
  await until(() => events.frameBodies.get(SLOT_FIRST)!.length === 1, "joined");
  t.ok(events.frameBodies.get(SLOT_FIRST)![0]!.body.equals(Buffer.alloc(3000, 4)));
  fragmented.socket.send(Buffer.concat([frame, frame.subarray(0, 100)]));
  await until(() => events.log.includes(`broken ${SLOT_FIRST} BAD_FRAME`), "a message that ends within a frame");
  t.equal(events.frameBodies.get(SLOT_FIRST)!.length, 2);
  const other = await open();
  await until(() => events.open.size === 2, "opened");
  other.socket.send(frame.subarray(100));
  await until(() => events.log.filter((line) => line.startsWith("broken")).length === 2, "what was held is not carried to others");
  other.socket.send(Buffer.alloc(0));
  transport.close(SLOT_FIRST);
  transport.close(SLOT_FIRST + 1);
  await until(() => events.open.size === 0, "closed");
  const large = await open();
  large.socket.send(Buffer.alloc(700 * 1024));
  await large.until(() => large.closed, "the end of who sends a message that is too large");

  for (const protocols of [[], ["mqtt"], ["hawser.v2"]]) {
    const refused = new WebSocket(`ws://127.0.0.1:${transport.port}/`, protocols);
    const status = await new Promise((resolve) => {
      refused.once("unexpected-response", (_request, response) => resolve(response.statusCode));
      refused.once("open", () => resolve("open"));
      refused.once("error", resolve);
    });
    t.equal(status, 400, `subprotocol ${protocols}`);
  }
  const status = await new Promise((resolve) =>
    request({ port: transport.port, host: "127.0.0.1", path: "/" }, (response) => resolve(response.statusCode)).end(),
  );
  t.equal(status, 426, "no upgrade");
  t.equal(transport.failedHandshakes, 4);
});

t.test("TLS only", { skip: certificate === undefined ? "no openssl to make a certificate with" : false }, async (t) => {
  for (const kind of ["tls", "wss"] as const) {
    const subject = subjectOf(kind);
    const { transport, events } = await listen(t, subject);
    const plain = connect(transport.port, "127.0.0.1");
    plain.on("error", () => undefined);
    plain.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise((resolve) => plain.once("close", resolve));
    const old = connectTls({
      port: transport.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    await t.rejects(
      new Promise((resolve, reject) => {
        old.once("secureConnect", resolve);
        old.once("error", reject);
      }),
      `${kind}: TLS 1.1`,
    );
    const client = await openClient(kind, transport.port);
    await until(() => events.open.size === 1, "opened");
    t.strictSame(events.log, [`opened ${SLOT_FIRST}`], "those before were never opened");
    client.destroy();
    await t.rejects(subject.listen(options(kind, { tls: { certFile: "/nowhere/cert.pem", keyFile: "/nowhere/key.pem" } }), new Recorder()));
  }
});

t.test("slots", async (t) => {
  const pool = new SlotPool(7, 3);
  t.strictSame([pool.take(), pool.take(), pool.take(), pool.take(), pool.taken], [7, 8, 9, -1, 3]);
  pool.release(8);
  t.equal(pool.take(), 8);
  for (const slot of [7, 8, 9]) pool.release(slot);
  t.throws(() => pool.release(9));
});

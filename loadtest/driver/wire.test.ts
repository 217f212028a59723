// One contract for both wires, and for WebSocket over each, against real sockets.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import t, { type Test } from "tap";
import { WebSocketServer, type WebSocket } from "ws";
import { sleep, until } from "../e2e/testing/wait.ts";
import { wireMaker, type WireKind, type WireMaker } from "./open-wire.ts";
import { webSocketWire, type WebSocketWire } from "./websocket.ts";
import { WIRE_BACKLOG_BYTES_MAX, WIRE_REST_BYTES_MAX, type Wire, type WireEvents, type WireTarget } from "./wire.ts";

/** An owner that writes down what it is told; hooks may do more. */
class Owner implements WireEvents {
  wire!: Wire;
  readonly log: string[] = [];
  readonly got = new Map<number, Buffer[]>();
  /** Set while one of our calls runs: nothing may be told meanwhile. */
  calling = false;
  toldInsideCall = 0;
  onOpened: (slot: number) => void = () => undefined;
  onClosed: (slot: number, reason: string) => void = () => undefined;
  /** Returns what it consumed. */
  onData: (slot: number, bytes: Buffer, start: number, end: number) => number = (slot, bytes, start, end) => this.keep(slot, bytes, start, end);

  opened(slot: number): void {
    if (this.calling) this.toldInsideCall++;
    this.log.push(`opened ${slot}`);
    this.onOpened(slot);
  }

  data(slot: number, bytes: Buffer, start: number, end: number): number {
    if (this.calling) this.toldInsideCall++;
    return this.onData(slot, bytes, start, end);
  }

  closed(slot: number, reason: string): void {
    if (this.calling) this.toldInsideCall++;
    this.log.push(`closed ${slot} ${reason}`);
    this.onClosed(slot, reason);
  }

  keep(slot: number, bytes: Buffer, start: number, end: number): number {
    const chunks = this.got.get(slot) ?? [];
    chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.got.set(slot, chunks);
    return end - start;
  }

  bytes(slot: number): Buffer {
    return Buffer.concat(this.got.get(slot) ?? []);
  }

  connect(slot: number, target: WireTarget): void {
    this.calling = true;
    this.wire.connect(slot, target);
    this.calling = false;
  }

  async open(slot: number, target: WireTarget): Promise<void> {
    this.connect(slot, target);
    await until(
      () => this.wire.isOpen(slot),
      () => `slot ${slot} to open: ${this.log.join(", ")}`,
    );
  }
}

/** A server whose ends of the connections the test holds, in the order in which they came. */
class Peer {
  readonly server: Server;
  readonly sockets: Socket[] = [];
  readonly log: string[] = [];
  readonly chunks: Buffer[] = [];
  target: WireTarget = { host: "127.0.0.1", port: 0 };

  constructor(onSocket: (socket: Socket) => void = () => undefined) {
    this.server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on("error", (error: NodeJS.ErrnoException) => this.log.push(error.code ?? "error"));
      socket.on("end", () => {
        this.log.push("end");
        socket.end();
      });
      socket.on("data", (chunk) => this.chunks.push(chunk));
      onSocket(socket);
    });
  }

  async listen(): Promise<this> {
    this.server.listen(0, "127.0.0.1", 1024);
    await once(this.server, "listening");
    this.target = { host: "127.0.0.1", port: (this.server.address() as AddressInfo).port };
    return this;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async socket(index: number): Promise<Socket> {
    await until(() => this.sockets.length > index, `connection ${index}`);
    return this.sockets[index]!;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

const echo = (socket: Socket): void => void socket.on("data", (chunk) => socket.write(chunk));

/** Bytes that tell where they are in the stream. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7) & 255;
  return bytes;
}

async function setUp(t: Test, maker: WireMaker, slots = 8, onSocket?: (socket: Socket) => void): Promise<{ owner: Owner; wire: Wire; peer: Peer }> {
  const owner = new Owner();
  owner.wire = maker.open(slots, owner);
  const peer = await new Peer(onSocket).listen();
  t.teardown(() => {
    owner.wire.destroy();
    peer.close();
  });
  return { owner, wire: owner.wire, peer };
}

async function contract(t: Test, kind: WireKind): Promise<void> {
  const maker = wireMaker(kind);

  await t.test("echo: a turn's writes leave together, counted as they came and went", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker, 8, echo);
    await owner.open(3, { ...peer.target, from: "127.1.9.7" });
    t.equal(peer.sockets[0]?.remoteAddress, "127.1.9.7", "from the source address");
    const own = Buffer.from("one ");
    wire.write(3, own);
    own.fill(0);
    wire.write(3, Buffer.from("two "));
    wire.write(3, new Uint8Array(0));
    wire.write(3, Buffer.from("a third that is longer than what is copied by hand"));
    wire.write(4, Buffer.from("to nobody"));
    const text = "one two a third that is longer than what is copied by hand";
    await until(() => owner.bytes(3).length >= text.length, "the echo");
    t.equal(owner.bytes(3).toString(), text);
    t.equal(peer.chunks.length, 1, "three writes, one send");
    t.equal(wire.bytesOut, text.length);
    t.equal(wire.bytesIn, text.length);
    t.equal(wire.backlogBytes, 0);
    t.ok(wire.isOpen(3));
    t.notOk(wire.isOpen(4));
  });

  await t.test("slots in use, slots that are none, hosts that are none", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker);
    await owner.open(0, peer.target);
    t.throws(() => wire.connect(0, peer.target), /in use/);
    t.throws(() => wire.connect(8, peer.target), RangeError);
    t.throws(() => wire.connect(-1, peer.target), RangeError);
    for (const stray of [7, 8, -1]) {
      wire.close(stray);
      wire.reset(stray);
      wire.write(stray, Buffer.from("x"));
      t.notOk(wire.isOpen(stray));
    }
    if (kind === "epoll") t.throws(() => wire.connect(1, { host: "some.name", port: 1 }), /IPv4/);
    t.notOk(wire.isOpen(1));
    await owner.open(1, peer.target);
  });

  await t.test("many connections at once, each with its own bytes", async (t) => {
    const slots = 600;
    const { owner, wire, peer } = await setUp(t, maker, slots, echo);
    owner.onOpened = (slot) => {
      for (const part of [`I am ${slot}, `, "and this is ", "my line"]) wire.write(slot, Buffer.from(part));
    };
    for (let slot = 0; slot < slots; slot++) owner.connect(slot, { ...peer.target, from: `127.1.0.${1 + (slot % 4)}` });
    const lines = Array.from({ length: slots }, (_, slot) => `I am ${slot}, and this is my line`);
    const total = lines.join("").length;
    await until(
      () => wire.bytesIn === total,
      () => `${wire.bytesIn} of ${total} bytes`,
    );
    t.strictSame(
      lines.map((_, slot) => owner.bytes(slot).toString()),
      lines,
    );
    t.equal(wire.bytesOut, total);
    t.equal(owner.toldInsideCall, 0);
  });

  await t.test("what is not consumed comes again in front of the next bytes, wherever the stream is split", async (t) => {
    const { owner, peer } = await setUp(t, maker, 8);
    await owner.open(2, peer.target);
    const socket = await peer.socket(0);
    const frames: string[] = [];
    let takeAtMost = 1;
    owner.onData = (_slot, bytes, start, end) => {
      let at = start;
      for (let taken = 0; taken < takeAtMost && at < end && at + 1 + bytes[at]! <= end; taken++) {
        frames.push(bytes.toString("latin1", at + 1, at + 1 + bytes[at]!));
        at += 1 + bytes[at]!;
      }
      return at - start;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 250, unit: "binary-ascii" }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 20 }),
        async (texts, splits, atMost) => {
          frames.length = 0;
          takeAtMost = atMost;
          const stream = Buffer.concat(texts.map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text, "latin1")])));
          let from = 0;
          for (const split of [...splits.map((split) => split % stream.length), stream.length].sort((a, b) => a - b)) {
            if (split === from) continue;
            await new Promise((resolve) => socket.write(stream.subarray(from, split), resolve));
            await new Promise(setImmediate);
            from = split;
          }
          // A frame that was whole but not taken waits for more to come: let no more come than empty frames.
          for (let spare = 0; frames.filter((frame) => frame !== "").length < texts.filter((text) => text !== "").length; spare++) {
            if (spare > 2000) throw new Error(`${frames.length} of ${texts.length} frames`);
            socket.write(Buffer.of(0));
            await sleep(1);
          }
          t.strictSame(
            frames.filter((frame) => frame !== ""),
            texts.filter((text) => text !== ""),
          );
          takeAtMost = Number.POSITIVE_INFINITY;
          socket.write(Buffer.from("\x04last"));
          await until(() => frames.at(-1) === "last", "everything that was left");
        },
      ),
      { numRuns: 40 },
    );
  });

  await t.test("leaving more unconsumed than may be kept resets the connection", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker);
    await owner.open(0, peer.target);
    let most = 0;
    owner.onData = (_slot, _bytes, start, end) => {
      most = Math.max(most, end - start);
      return 0;
    };
    const socket = await peer.socket(0);
    socket.write(pattern(WIRE_REST_BYTES_MAX));
    await until(
      () => most === WIRE_REST_BYTES_MAX,
      () => `${most} bytes`,
    );
    t.ok(wire.isOpen(0), "the limit is allowed");
    socket.write(Buffer.alloc(1));
    await until(() => owner.log.includes("closed 0 EMSGSIZE"), "the end");
    await until(() => peer.log.includes("ECONNRESET"), "RST");
    owner.onData = (slot, bytes, start, end) => owner.keep(slot, bytes, start, end);
    await owner.open(0, peer.target);
    (await peer.socket(1)).write("anew");
    await until(() => owner.bytes(0).length > 0, "bytes");
    t.equal(owner.bytes(0).toString(), "anew", "nothing is left of the connection before");
  });

  await t.test("much to write while the peer does not read", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker, 8, (socket) => socket.pause());
    await owner.open(0, peer.target);
    await owner.open(1, peer.target);
    const slow = await peer.socket(0);
    const sent = pattern(7 * 1024 * 1024);
    let at = 0;
    // As much as stays below the limit, whatever the kernel takes.
    while (at < sent.length && wire.backlogBytes < WIRE_BACKLOG_BYTES_MAX - 300_000) {
      wire.write(0, sent.subarray(at, (at += 100_000 + (at % 7919))));
      await new Promise(setImmediate);
    }
    at = Math.min(at, sent.length);
    t.ok(wire.backlogBytes > 0, "a backlog");
    t.equal(wire.bytesOut + wire.backlogBytes, at, "all is sent or waits");
    wire.write(1, Buffer.from("others go on"));
    (await peer.socket(1)).resume();
    await until(() => peer.received.toString().endsWith("others go on"), "the other connection");
    peer.chunks.length = 0;
    slow.resume();
    await until(
      () => wire.backlogBytes === 0 && peer.received.length === at,
      () => `${peer.received.length} of ${at}`,
    );
    t.ok(peer.received.equals(sent.subarray(0, at)), "in order, whole");
    t.equal(wire.bytesOut, at + 12);
  });

  await t.test("a peer that never reads: reset at the limit, and told", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker, 8, (socket) => socket.pause());
    await owner.open(0, peer.target);
    for (let i = 0; i < 200 && wire.isOpen(0); i++) {
      wire.write(0, pattern(200_000));
      await new Promise(setImmediate);
    }
    await until(() => owner.log.length > 1, "the end");
    t.strictSame(owner.log, ["opened 0", "closed 0 ENOBUFS"]);
    t.equal(wire.backlogBytes, 0);
  });

  await t.test("closed in order, after what was written; or reset", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker, 8);
    await owner.open(0, peer.target);
    const socket = await peer.socket(0);
    socket.pause();
    const sent = pattern(3_500_000);
    for (let at = 0; at < sent.length; at += 250_000) wire.write(0, sent.subarray(at, at + 250_000));
    wire.close(0);
    wire.write(0, Buffer.from("too late"));
    t.notOk(wire.isOpen(0));
    socket.write("nobody listens any more");
    socket.resume();
    await until(() => peer.log.length > 0, "FIN");
    t.strictSame(peer.log, ["end"]);
    t.ok(peer.received.equals(sent), "everything arrived before");
    await until(() => wire.backlogBytes === 0, "no backlog");

    await owner.open(0, peer.target);
    const second = await peer.socket(1);
    wire.reset(0);
    await until(() => second.destroyed, "RST");
    t.strictSame(peer.log, ["end", "ECONNRESET"]);
    t.strictSame(owner.log, ["opened 0", "opened 0"], "whoever closes is not told");
    t.equal(owner.got.size, 0);
  });

  await t.test("a slot is free at once, and the new connection hears nothing of the old", async (t) => {
    const loud = await new Peer((socket) => socket.write(Buffer.alloc(300_000, "A"))).listen();
    t.teardown(() => loud.close());
    const { owner, wire, peer } = await setUp(t, maker, 4, (socket) => socket.write("B"));
    let turns = 0;
    owner.onData = (slot, bytes, start, end) => {
      if (bytes[start] !== 65) return owner.keep(slot, bytes, start, end);
      turns++;
      // Every way to leave, from inside the call; others too, whose bytes may lie behind in the same batch.
      for (let other = 0; other < 4; other++) {
        if (turns % 2 === 0) wire.close(other);
        else wire.reset(other);
        wire.connect(other, turns < 40 ? loud.target : peer.target);
      }
      return turns % 3 === 0 ? 0 : end - start;
    };
    for (let slot = 0; slot < 4; slot++) wire.connect(slot, loud.target);
    await until(
      () => turns >= 40 && owner.got.size === 4,
      () => `${turns} turns, ${owner.got.size} at the end`,
    );
    for (let slot = 0; slot < 4; slot++) t.equal(owner.bytes(slot).toString(), "B");
    t.notOk(owner.log.some((line) => line.startsWith("closed")));
  });

  await t.test("why a connection ended", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker);
    const free = await new Peer().listen();
    free.close();
    await once(free.server, "close");
    owner.connect(0, free.target);
    await until(() => owner.log.length === 1, "the refusal");
    await owner.open(1, peer.target);
    (await peer.socket(0)).end("goodbye");
    await until(() => owner.log.length === 3, "the end");
    t.equal(owner.bytes(1).toString(), "goodbye");
    await owner.open(2, peer.target);
    (await peer.socket(1)).resetAndDestroy();
    await until(() => owner.log.length === 5, "the reset");
    owner.connect(3, { ...peer.target, from: "9.9.9.9" });
    await until(() => owner.log.length === 6, "the wrong source address");
    t.strictSame(owner.log, ["closed 0 ECONNREFUSED", "opened 1", "closed 1 end", "opened 2", "closed 2 ECONNRESET", "closed 3 EADDRNOTAVAIL"]);
    t.equal(owner.toldInsideCall, 0);
    // Refusals that beget connections, from inside the call that tells of them.
    let refused = 0;
    owner.onClosed = (slot) => {
      if (++refused < 50) wire.connect(slot, refused % 2 ? { ...peer.target, from: "9.9.9.9" } : free.target);
      else wire.connect(slot, peer.target);
    };
    owner.connect(0, free.target);
    await until(() => wire.isOpen(0), "the way out");
    t.equal(refused, 50);
    owner.connect(4, peer.target);
    wire.close(4);
    owner.connect(5, peer.target);
    wire.reset(5);
    await owner.open(4, peer.target);
    await owner.open(5, peer.target);
    t.strictSame(owner.log.slice(-2), ["opened 4", "opened 5"]);
  });

  await t.test("the peer's last words are told even when we wrote into the void", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker);
    owner.onOpened = (slot) => wire.write(slot, Buffer.from("hello"));
    for (let slot = 0; slot < 8; slot++) owner.connect(slot, peer.target);
    for (let slot = 0; slot < 8; slot++) (await peer.socket(slot)).end("no room");
    await until(() => {
      for (let slot = 0; slot < 8; slot++) wire.write(slot, Buffer.from("more"));
      return owner.log.filter((line) => line.startsWith("closed")).length === 8;
    }, "all ends");
    for (let slot = 0; slot < 8; slot++) t.equal(owner.bytes(slot).toString(), "no room");
  });

  await t.test("throttled: never more than the rate allows, and all of it once freed", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker);
    const sent = pattern(300_000);
    const rate = 500;
    wire.throttle(0, rate);
    const since = performance.now();
    await owner.open(0, peer.target);
    await owner.open(1, peer.target);
    wire.throttle(1, rate);
    // Net may have a read of 64 KiB under way when it is throttled late; it then pays for it by waiting.
    const allowed = (slot: number): number => rate * ((performance.now() - since) / 1000 + 1) + (slot === 1 && kind === "net" ? 65_536 : 0);
    for (const index of [0, 1]) (await peer.socket(index)).write(sent);
    await until(() => {
      for (const slot of [0, 1]) if (owner.bytes(slot).length > allowed(slot)) throw new Error(`slot ${slot} read ${owner.bytes(slot).length} bytes`);
      return owner.bytes(0).length > rate && owner.bytes(1).length > rate;
    }, "some bytes");
    for (const slot of [0, 1]) wire.throttle(slot, 0);
    await until(() => owner.bytes(0).length + owner.bytes(1).length === 2 * sent.length, "the others");
    for (const slot of [0, 1]) t.ok(owner.bytes(slot).equals(sent));

    wire.throttle(0, 1);
    wire.throttle(1, 1);
    (await peer.socket(0)).resetAndDestroy();
    await until(() => owner.log.includes("closed 0 ECONNRESET"), "a reset, told in spite of the throttle");
    wire.close(1);
    await until(() => peer.log.includes("end"), "FIN of a throttled one");
    wire.throttle(2, 5);
    await owner.open(2, peer.target);
    (await peer.socket(2)).end("12345");
    await until(() => owner.log.includes("closed 2 end"), "the end behind the throttle");
    t.equal(owner.bytes(2).toString(), "12345");
  });

  await t.test("any order of calls, with peers that do as they like", async (t) => {
    const slots = 12;
    const { owner, wire, peer } = await setUp(t, maker, slots, (socket) => {
      socket.on("data", (chunk) => {
        const whim = chunk[0]! % 16;
        // Node never closes a socket that is reset while it is being ended.
        if (socket.writableEnded) return;
        if (whim === 0) socket.resetAndDestroy();
        else if (whim === 1) socket.end(chunk);
        else socket.write(chunk);
      });
    });
    const free = await new Peer().listen();
    free.close();
    // 0: nothing is to be told; 1: opened or closed; 2: data or closed.
    const may = new Uint8Array(slots);
    const wrong: string[] = [];
    let random = 12_345;
    const next = (below: number): number => ((random = (random * 1_103_515_245 + 12_345) >>> 0) >>> 8) % below;
    const act = (): void => {
      const slot = next(slots);
      const choice = next(20);
      owner.calling = true;
      if (may[slot] === 0) {
        may[slot] = 1;
        wire.connect(slot, next(8) === 0 ? free.target : peer.target);
      } else if (choice < 3) {
        may[slot] = 0;
        if (choice === 0) wire.close(slot);
        else wire.reset(slot);
      } else if (choice === 3) {
        wire.throttle(slot, next(3) * 2000);
      } else {
        wire.write(slot, pattern(1 + next(choice === 4 ? 300_000 : 300)).fill(next(256), 0, 1));
      }
      owner.calling = false;
    };
    let told = 0;
    owner.onOpened = (slot) => {
      if (may[slot] !== 1) wrong.push(`opened ${slot} in ${may[slot]}`);
      may[slot] = 2;
      act();
    };
    owner.onClosed = (slot, reason) => {
      if (may[slot] === 0) wrong.push(`closed ${slot} ${reason}`);
      may[slot] = 0;
      act();
    };
    owner.onData = (slot, _bytes, start, end) => {
      told++;
      if (may[slot] !== 2 || end <= start) wrong.push(`data ${slot} in ${may[slot]}`);
      act();
      return told % 3 === 0 ? 0 : end - start;
    };
    for (let turn = 0; turn < 1500; turn++) {
      for (let i = next(6); i > 0; i--) act();
      await new Promise(setImmediate);
    }
    t.strictSame(wrong, []);
    t.ok(told > 50, `${told} times data`);
    owner.onOpened = owner.onClosed = () => undefined;
    owner.onData = (_slot, _bytes, start, end) => end - start;
    for (let slot = 0; slot < slots; slot++) wire.throttle(slot, 0);
    for (let slot = 0; slot < slots; slot++) wire.close(slot);
    await until(() => wire.backlogBytes === 0 && peer.sockets.every((socket) => socket.destroyed), "all to end");
    owner.onData = (slot, bytes, start, end) => owner.keep(slot, bytes, start, end);
    await owner.open(0, peer.target);
    wire.write(0, Buffer.from("still works"));
    await until(() => owner.bytes(0).toString() === "still works", "an echo");
    t.equal(owner.toldInsideCall, 0);
  });

  await t.test("destroyed: the peer sees it, the owner hears nothing more", async (t) => {
    const { owner, wire, peer } = await setUp(t, maker, 8, echo);
    for (let slot = 0; slot < 6; slot++) await owner.open(slot, peer.target);
    const calls = owner.log.length;
    // From inside a call, with bytes for others under way.
    owner.onData = (_slot, _bytes, start, end) => {
      wire.destroy();
      owner.onData = () => {
        owner.log.push("data after the end");
        return 0;
      };
      return end - start;
    };
    for (let slot = 0; slot < 6; slot++) wire.write(slot, Buffer.from("x"));
    await until(() => peer.sockets.every((socket) => socket.destroyed), "all to be gone");
    wire.destroy();
    t.throws(() => wire.connect(7, peer.target), /destroyed/);
    wire.write(0, Buffer.from("x"));
    wire.close(0);
    t.equal(owner.log.length, calls);
  });

  // A thread loads no TypeScript.
  const compiled = import.meta.url.endsWith(".js");
  await t.test("a thread may end without saying so", { skip: !compiled }, async (t) => {
    const { peer } = await setUp(t, maker, 1, echo);
    const file = new URL("./open-wire.js", import.meta.url).href;
    const source = `
      const { parentPort } = require("node:worker_threads");
      import(${JSON.stringify(file)}).then(({ wireMaker }) => {
        let told = 0;
        const wire = wireMaker(${JSON.stringify(kind)}).open(20, {
          opened(slot) { wire.write(slot, Buffer.from("hello")); },
          data(slot, bytes, start, end) { if (++told === 20) parentPort.postMessage("ready"); wire.write(slot, Buffer.from("again")); return end - start; },
          closed() {},
        });
        for (let slot = 0; slot < 20; slot++) wire.connect(slot, ${JSON.stringify(peer.target)});
      }).catch((error) => parentPort.postMessage(String(error)));`;
    for (let round = 0; round < 2; round++) {
      const worker = new Worker(source, { eval: true });
      t.strictSame(await once(worker, "message"), ["ready"]);
      await worker.terminate();
      await until(() => peer.sockets.length === 20 * (round + 1) && peer.sockets.every((socket) => socket.destroyed), "all to be gone");
    }
  });

  await t.test("WebSocket", (t) => webSocketContract(t, maker));
}

interface WebSocketSetUp {
  owner: Owner;
  wire: WebSocketWire;
  server: WebSocketServer;
  sockets: WebSocket[];
  log: string[];
  target: WireTarget;
}

async function setUpWebSocket(t: Test, maker: WireMaker): Promise<WebSocketSetUp> {
  const owner = new Owner();
  const wire = webSocketWire(owner, (events) => maker.open(8, events));
  owner.wire = wire;
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (offered) => (offered.has("wanted") ? "wanted" : false) });
  await once(server, "listening");
  const sockets: WebSocket[] = [];
  const log: string[] = [];
  server.on("connection", (socket, request) => {
    sockets.push(socket);
    log.push(`path ${request.url}`);
    socket.on("error", (error) => log.push(error.message));
    socket.on("message", (data: Buffer, binary) => log.push(`${binary ? "binary" : "text"} ${data.length < 100 ? data.toString("latin1") : digest(data)}`));
    socket.on("pong", (data) => log.push(`pong ${data.toString()}`));
    socket.on("close", (code) => log.push(`close ${code}`));
  });
  t.teardown(() => {
    wire.destroy();
    for (const socket of sockets) socket.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { owner, wire, server, sockets, log, target: { host: "127.0.0.1", port, path: "/im?x=1", protocol: "wanted" } };
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}

/** A server that answers an upgrade by hand, with `answer` when given, and shows the socket. */
async function rawServer(t: Test, answer?: (accept: string) => string): Promise<{ target: WireTarget; peer: Peer }> {
  const peer = await new Peer((socket) => {
    socket.once("data", (chunk) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(chunk.toString())![1]!;
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(
        answer?.(accept) ??
          `HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
  }).listen();
  t.teardown(() => peer.close());
  return { target: peer.target, peer };
}

/** One frame as a server sends it. */
function serverFrame(opcode: number, payload: Uint8Array, fin = true): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.of(0, length) : length < 65_536 ? Buffer.of(0, 126, length >> 8, length & 255) : Buffer.alloc(10);
  if (length >= 65_536) {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  head[0] = opcode | (fin ? 128 : 0);
  return Buffer.concat([head, payload]);
}

async function webSocketContract(t: Test, maker: WireMaker): Promise<void> {
  await t.test("binary and text, of all sizes of length, both ways", async (t) => {
    const { owner, wire, sockets, log, target } = await setUpWebSocket(t, maker);
    const texts: boolean[] = [];
    owner.onData = (slot, bytes, start, end) => {
      texts.push(wire.text);
      return owner.keep(slot, bytes, start, end);
    };
    owner.connect(1, target);
    wire.write(1, Buffer.from("before it is open: ignored"));
    await until(() => wire.isOpen(1) && sockets.length === 1, "the upgrade");
    const sizes = [1, 125, 126, 127, 65_535, 65_536, 200_000];
    for (const size of sizes) wire.write(1, pattern(size));
    wire.writeText(1, Buffer.from("a text: ü"));
    await until(
      () => log.length === sizes.length + 2,
      () => log.join(),
    );
    t.strictSame(log, [
      "path /im?x=1",
      ...sizes.map((size) => `binary ${size < 100 ? pattern(size).toString("latin1") : digest(pattern(size))}`),
      `text ${Buffer.from("a text: ü").toString("latin1")}`,
    ]);
    for (const size of sizes) sockets[0]!.send(pattern(size));
    sockets[0]!.send("");
    sockets[0]!.send("text");
    await until(() => owner.got.get(1)?.length === sizes.length + 1, "messages");
    t.strictSame(
      owner.got.get(1)!.map((message) => message.length),
      [...sizes, 4],
      "message by message; an empty one is not told",
    );
    t.ok(owner.bytes(1).equals(Buffer.concat([...sizes.map(pattern), Buffer.from("text")])));
    t.strictSame(texts, [...sizes.map(() => false), true]);
    t.equal(owner.toldInsideCall, 0);
  });

  await t.test("fragments are joined, pings between them answered, what is left is kept over messages", async (t) => {
    const { owner, wire, sockets, log, target } = await setUpWebSocket(t, maker);
    await owner.open(0, target);
    await until(() => sockets.length === 1, "the connection");
    const socket = sockets[0]!;
    socket.send("one ", { fin: false });
    socket.ping("are you there?");
    socket.send("two ", { fin: false });
    socket.send("three", { fin: true });
    socket.pong("unasked");
    await until(() => owner.got.size === 1 && log.length === 2, "the message");
    t.strictSame(owner.got.get(0)!.map(String), ["one two three"]);
    t.strictSame(log.slice(1), ["pong are you there?"]);
    owner.onData = (slot, bytes, start, end) => (end - start < 10 ? 0 : owner.keep(slot, bytes, start, end));
    for (const part of ["12345", "678", "90"]) socket.send(part);
    await until(() => owner.got.get(0)!.length === 2, "the rest");
    t.equal(String(owner.got.get(0)![1]), "1234567890");
    t.ok(wire.isOpen(0));
  });

  await t.test("goodbyes: ours, theirs, and none", async (t) => {
    const { owner, wire, sockets, log, target } = await setUpWebSocket(t, maker);
    for (let slot = 0; slot < 5; slot++) {
      await owner.open(slot, { ...target, path: `/${slot}` });
      await until(() => sockets.length === slot + 1, "the connection");
    }
    wire.write(0, Buffer.from("last"));
    wire.close(0);
    wire.write(0, Buffer.from("too late"));
    await until(() => log.includes("close 1000"), "our goodbye");
    t.strictSame(log.slice(-2), ["binary last", "close 1000"]);
    sockets[1]!.close(1001);
    sockets[2]!.close(4008, "because");
    sockets[3]!.terminate();
    wire.reset(4);
    await until(
      () => owner.log.length === 8 && log.filter((line) => line.startsWith("close")).length === 5,
      () => owner.log.join(),
    );
    t.strictSame(owner.log.slice(5).sort(), ["closed 1 end", "closed 2 WS 4008", "closed 3 end"]);
    t.strictSame(
      log.filter((line) => line.startsWith("close")).sort(),
      ["close 1000", "close 1000", "close 1006", "close 1006", "close 4008"],
      "theirs are answered in kind",
    );
    await owner.open(4, target);
  });

  await t.test("answers that are no upgrade", async (t) => {
    const good = (accept: string): string => `HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n`;
    const cases: [string, (accept: string) => string][] = [
      ["HTTP 503", () => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"],
      ["EPROTO", (accept) => `${good(accept.replace(/./, (first) => (first === "A" ? "B" : "A")))}\r\n`],
      ["EPROTO", (accept) => `${good(accept)}Sec-WebSocket-Protocol: unasked\r\n\r\n`],
      ["EPROTO", (accept) => `${good(accept)}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n`],
      ["EPROTO", (accept) => `${good(accept).replace("Upgrade: websocket", "Upgrade: h2c")}\r\n`],
      ["EPROTO", (accept) => `${good(accept).replace("Connection: upgrade", "Connection: close")}\r\n`],
      ["EPROTO", () => "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
      ["EPROTO", () => `HTTP/1.1 101 Fine\r\nX: ${"x".repeat(17_000)}`],
    ];
    const owner = new Owner();
    owner.wire = webSocketWire(owner, (events) => maker.open(1, events));
    t.teardown(() => owner.wire.destroy());
    for (const [reason, answer] of cases) {
      const { target } = await rawServer(t, answer);
      owner.log.length = 0;
      owner.connect(0, target);
      await until(() => owner.log.length > 0, reason);
      t.strictSame(owner.log, [`closed 0 ${reason}`]);
    }
    const { target } = await rawServer(t, (accept) => `${good(accept)}\r\n`);
    owner.log.length = 0;
    owner.connect(0, { ...target, protocol: "wanted" });
    await until(() => owner.log.length > 0, "the missing protocol");
    t.strictSame(owner.log, ["closed 0 EPROTO"]);
    await owner.open(0, target);
  });

  await t.test("frames that break the rules", async (t) => {
    const { target, peer } = await rawServer(t);
    const owner = new Owner();
    owner.wire = webSocketWire(owner, (events) => maker.open(1, events));
    t.teardown(() => owner.wire.destroy());
    const huge = Buffer.alloc(10);
    huge[0] = 0x82;
    huge[1] = 127;
    const larger = Buffer.from(huge);
    huge.writeUInt32BE(1, 2);
    larger.writeUInt32BE(WIRE_REST_BYTES_MAX, 6);
    const cases: [string, number, Buffer][] = [
      ["EPROTO", 1002, Buffer.of(0xc2, 1, 0)],
      ["EPROTO", 1002, Buffer.of(0x82, 0x81, 0, 0, 0, 0, 0)],
      ["EPROTO", 1002, Buffer.of(0x83, 0)],
      ["EPROTO", 1002, Buffer.of(0x80, 0)],
      ["EPROTO", 1002, Buffer.of(0x09, 0)],
      ["EPROTO", 1002, Buffer.of(0x89, 126, 0, 126)],
      ["EPROTO", 1002, Buffer.concat([serverFrame(1, Buffer.from("a"), false), serverFrame(1, Buffer.from("b"))])],
      ["EMSGSIZE", 1009, huge],
      ["EMSGSIZE", 1009, larger],
      ["EMSGSIZE", 1009, Buffer.concat([0, 1, 2].map((i) => serverFrame(i === 0 ? 2 : 0, Buffer.alloc(400_000), false)))],
    ];
    for (const [i, [reason, code, frames]] of cases.entries()) {
      owner.log.length = 0;
      await owner.open(0, target);
      const socket = await peer.socket(i);
      peer.chunks.length = 0;
      socket.write(frames);
      await until(() => owner.log.length === 2, reason);
      t.strictSame(owner.log, ["opened 0", `closed 0 ${reason}`], frames.subarray(0, 10).toString("hex"));
      await until(() => peer.received.length >= 8, "our goodbye");
      const goodbye = peer.received.subarray(-8);
      t.equal(((goodbye[6]! ^ goodbye[2]!) << 8) | (goodbye[7]! ^ goodbye[3]!), code);
    }
  });

  await t.test("messages, whole, however they are fragmented and the stream is split", async (t) => {
    const { target, peer } = await rawServer(t);
    const owner = new Owner();
    owner.wire = webSocketWire(owner, (events) => maker.open(1, events));
    t.teardown(() => owner.wire.destroy());
    await owner.open(0, target);
    const socket = await peer.socket(0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ sizes: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }), ping: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.nat(), { maxLength: 10 }),
        async (messages, splits) => {
          owner.got.clear();
          const frames = messages.flatMap(({ sizes, ping }) =>
            sizes.flatMap((size, i) => [
              serverFrame(i === 0 ? 2 : 0, pattern(size), i === sizes.length - 1),
              ...(ping ? [serverFrame(9, Buffer.from("ping"))] : []),
            ]),
          );
          const stream = Buffer.concat(frames);
          let from = 0;
          for (const split of [...splits.map((split) => split % stream.length), stream.length].sort((a, b) => a - b)) {
            if (split === from) continue;
            await new Promise((resolve) => socket.write(stream.subarray(from, split), resolve));
            await new Promise(setImmediate);
            from = split;
          }
          const wanted = messages.map(({ sizes }) => Buffer.concat(sizes.map(pattern)).toString("hex"));
          await until(() => (owner.got.get(0)?.length ?? 0) >= wanted.length, "messages");
          t.strictSame(
            owner.got.get(0)!.map((message) => message.toString("hex")),
            wanted,
          );
        },
      ),
      { numRuns: 40 },
    );
  });
}

for (const kind of ["net", "epoll"] as const) {
  let missing = "";
  try {
    wireMaker(kind);
  } catch (error) {
    missing = (error as Error).message;
  }
  await t.test(kind, missing ? { skip: missing } : {}, (t) => contract(t, kind));
}

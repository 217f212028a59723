// The model against its rules for any traffic on any link, and the proxy with real sockets.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import t, { type Test } from "tap";
import { Random } from "../../proto/testing/random.ts";
import { HEADER_BYTES, handshakeMs, LinkModel, Outages, SEGMENT_BYTES, type LinkDirection, type LinkProfile } from "./link-model.ts";
import { LINK_PROFILES } from "./link-profiles.ts";
import { SHAPER_LIMITS, startShaper } from "./shaper.ts";

const anyDirection = fc.record<LinkDirection>({
  bitsPerSecond: fc.integer({ min: 8_000, max: 100_000_000 }),
  delayMs: fc.double({ min: 0, max: 800, noNaN: true }),
  jitterMs: fc.double({ min: 0, max: 400, noNaN: true }),
  lossPercent: fc.double({ min: 0, max: 60, noNaN: true }),
  queueBytesMax: fc.integer({ min: 1, max: 200_000 }),
});
const anyOutage = fc.option(fc.record({ everyMs: fc.integer({ min: 3000, max: 60_000 }), forMs: fc.integer({ min: 1, max: 2000 }) }), { nil: undefined });
const anyPushes = fc.array(fc.record({ afterMs: fc.double({ min: 0, max: 300, noNaN: true }), bytes: fc.integer({ min: 1, max: 70_000 }) }), {
  minLength: 1,
  maxLength: 60,
});

t.test("model: what goes in comes out, in order, never too early, never faster than the link", (t) => {
  fc.assert(
    fc.property(anyDirection, anyOutage, anyPushes, fc.integer({ min: 0 }), (direction, outage, pushes, seed) => {
      const opensAt = 250;
      const outages = outage && new Outages(outage, seed, new Random(0));
      const model = new LinkModel(direction, direction.delayMs * 2, new Random(seed), outages, opensAt);
      const taken: { at: number; total: number }[] = [];
      let now = 0;
      let pushed = 0;
      let out = 0;
      const offered: { at: number; until: number }[] = [];
      const takeUntil = (until: number): void => {
        while (model.nextAt <= until && (model.queuedBytes > 0 || !model.hasEnded(until))) {
          const { nextAt } = model;
          if (nextAt < (taken.at(-1)?.at ?? 0)) throw new Error("due times fell");
          const bytes = model.take(nextAt);
          out += bytes;
          taken.push({ at: nextAt, total: out });
          if (bytes === 0 && model.queuedBytes > 0) throw new Error("due, but nothing came out");
        }
      };
      for (const { afterMs, bytes } of pushes) {
        now += afterMs;
        takeUntil(now);
        model.push(bytes, now);
        pushed += bytes;
        offered.push({ at: now, until: pushed });
        if (model.queuedBytes >= direction.queueBytesMax && !model.isFull) throw new Error("over its limit, but not full");
        if (model.queuedBytes !== pushed - out) throw new Error("queuedBytes is wrong");
      }
      model.end(now);
      model.end(now);
      takeUntil(Number.MAX_VALUE);
      if (out !== pushed || model.queuedBytes !== 0 || !model.hasEnded(Number.MAX_VALUE)) throw new Error(`${out} of ${pushed} bytes came out`);
      for (const { at, total } of taken) {
        // The last byte out was pushed at some time: it needs its own delay, and everything before it the link's time.
        const push = offered.find(({ until }) => total <= until)!;
        if (at < Math.max(push.at, opensAt) + direction.delayMs - 1e-6) throw new Error("came out before the delay was over");
        const linkMs = ((total + HEADER_BYTES * Math.ceil(total / SEGMENT_BYTES)) * 8000) / direction.bitsPerSecond;
        if (at < opensAt + linkMs + direction.delayMs - 1e-6) throw new Error("faster than the link");
      }
    }),
    { numRuns: 500 },
  );
  t.pass("500 links");
  t.end();
});

t.test("model: the same seed gives the same times, another seed others", (t) => {
  const times = (seed: number): number[] => {
    const model = new LinkModel(LINK_PROFILES["2g"]!.up, 460, new Random(seed), undefined, 0);
    const found: number[] = [];
    for (let i = 0; i < 50; i++) {
      model.push(100, i * 1000);
      found.push(model.nextAt);
      model.take(Number.MAX_VALUE);
    }
    return found;
  };
  t.strictSame(times(7), times(7));
  t.notSame(times(7), times(8));
  t.end();
});

t.test("model: a lost segment stalls the stream by timeouts that double, and lets go of what waited behind it at once", (t) => {
  const direction: LinkDirection = { bitsPerSecond: 1e9, delayMs: 50, jitterMs: 0, lossPercent: 50, queueBytesMax: 1 << 20 };
  const model = new LinkModel(direction, 100, new Random(1), undefined, 0);
  const stalls = new Map<number, number>();
  let now = 0;
  for (let i = 0; i < 5000; i++) {
    model.push(10, now);
    const due = model.nextAt;
    model.push(10, now + 1);
    if (model.nextAt !== due) t.fail("overtaken");
    const stall = Math.round(due - now - 50);
    stalls.set(stall, (stalls.get(stall) ?? 0) + 1);
    now += 1e8;
    if (model.take(now) !== 20) t.fail("not together");
  }
  // A round trip of 100 ms and Linux's 200 ms on top: 300, then 300 + 600, 300 + 600 + 1200 …
  const expected = [0, 300, 900, 2100, 4500, 9300, 18_900];
  t.strictSame([...stalls.keys()].sort((a, b) => a - b).slice(0, expected.length), expected);
  for (let i = 0; i < 4; i++) {
    const part = stalls.get(expected[i]!)! / 5000;
    t.ok(Math.abs(part - 0.5 ** (i + 1)) < 0.03, `${expected[i]} ms: ${(part * 100).toFixed(1)}%`);
  }
  t.equal(model.segments, 10_000);
  t.ok(Math.abs(model.losses / (model.segments + model.losses) - 0.5) < 0.02);
  t.end();
});

t.test("model: outages take their share of time, and nothing is sent during one", (t) => {
  const outages = new Outages({ everyMs: 30_000, forMs: 4000 }, 99, new Random(0));
  let down = 0;
  for (let at = 0; at < 30_000_000; at += 10) if (outages.isDown(at)) down++;
  t.ok(Math.abs(down / 3_000_000 - 4 / 30) < 0.01, `${((down / 3_000_000) * 100).toFixed(1)}% of the time`);
  let begins = 0;
  while (!outages.isDown(begins)) begins += 10;
  let ends = begins;
  while (outages.isDown(ends)) ends += 10;
  t.ok(ends - begins >= 2000 && ends - begins <= 6010, `${ends - begins} ms`);
  const { train } = LINK_PROFILES;
  const model = new LinkModel({ ...train!.up, lossPercent: 0 }, 70, new Random(1), outages, 0);
  model.push(1, begins + 10);
  t.ok(model.nextAt > ends, "only after the tunnel");
  t.ok(
    handshakeMs({ ...train!, up: { ...train!.up, lossPercent: 0 }, down: { ...train!.down, lossPercent: 0 } }, new Random(1), outages, begins + 10) >
      ends - begins - 10,
  );
  t.throws(() => new Outages({ everyMs: 1000, forMs: 900 }, 1, new Random(0)), RangeError);
  t.throws(() => new LinkModel({ ...train!.up, lossPercent: 100 }, 70, new Random(1), undefined, 0), RangeError);
  t.end();
});

t.test("profiles: all of them are links", (t) => {
  for (const [name, { about, up, down, outage }] of Object.entries(LINK_PROFILES)) {
    for (const direction of [up, down]) {
      const model = new LinkModel(direction, 100, new Random(1), outage && new Outages(outage, 1, new Random(0)), 0);
      model.push(100, 0);
      t.ok(model.nextAt > direction.delayMs && model.nextAt < Number.POSITIVE_INFINITY && !model.isFull, name);
    }
    t.match(about, /\d/, "says its numbers");
  }
  t.end();
});

interface Target {
  server: Server;
  port: number;
  next(): Promise<Socket>;
}

/** A server whose connections a test takes one by one. */
async function target(t: Test): Promise<Target> {
  const waiting: Socket[] = [];
  const askers: ((socket: Socket) => void)[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    const asker = askers.shift();
    if (asker) asker(socket);
    else waiting.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return {
    server,
    port: (server.address() as AddressInfo).port,
    next: () => (waiting.length > 0 ? Promise.resolve(waiting.shift()!) : new Promise((resolve) => askers.push(resolve))),
  };
}

const FAST: LinkProfile = {
  about: "quick, for tests",
  up: { bitsPerSecond: 80_000_000, delayMs: 5, jitterMs: 5, lossPercent: 0, queueBytesMax: 64 * 1024 },
  down: { bitsPerSecond: 80_000_000, delayMs: 5, jitterMs: 5, lossPercent: 0, queueBytesMax: 64 * 1024 },
};

async function shaped(t: Test, port: number, profile: LinkProfile, from?: string, limits = SHAPER_LIMITS) {
  const network = await startShaper({ host: "127.0.0.1", port }, profile, 11, from, limits);
  t.teardown(() => network.close());
  const client = (): Socket => connect({ host: network.host, port: network.port, noDelay: true, allowHalfOpen: true }).on("error", () => undefined);
  return { network, client };
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await delay(5);
};

t.test("proxy: both directions keep every byte in order with loss, FIN passes both ways, source address and counts", async (t) => {
  const { port, next } = await target(t);
  const profile: LinkProfile = { ...FAST, up: { ...FAST.up, lossPercent: 2 }, down: { ...FAST.down, lossPercent: 2, queueBytesMax: 5000 } };
  const { network, client } = await shaped(t, port, profile, "127.1.2.3");
  t.match(network.host, /^127\.2\./);
  const up = randomBytes(300_000);
  const down = randomBytes(200_000);
  const near = client();
  const asked = performance.now();
  near.end(up);
  const far = await next();
  t.ok(performance.now() - asked >= 10, "the server sees a connection after the handshake only");
  t.equal(far.remoteAddress, "127.1.2.3");
  far.end(down);
  const [atFar, atNear] = await Promise.all([readAll(far), readAll(near)]);
  t.equal(digest(atFar), digest(up));
  t.equal(digest(atNear), digest(down));
  await until(() => network.stats.open === 0);
  t.match(network.stats, { accepted: 1, open: 0, networksLost: 0, held: 0, bytesUp: up.length, bytesDown: down.length });
  t.ok(network.stats.segments >= 500_000 / SEGMENT_BYTES && network.stats.losses > 0, `${network.stats.losses} of ${network.stats.segments} segments lost`);
});

t.test("proxy: no faster than the link, and the sender has to wait", async (t) => {
  const { port, next } = await target(t);
  const profile: LinkProfile = { ...FAST, up: { ...FAST.up, bitsPerSecond: 8_000_000, delayMs: 40, jitterMs: 0 } };
  const { client } = await shaped(t, port, profile);
  const near = client();
  const bytes = 600_000;
  const started = performance.now();
  near.end(Buffer.alloc(bytes));
  const far = await next();
  const got = await readAll(far);
  const tookMs = performance.now() - started;
  t.equal(got.length, bytes);
  t.ok(tookMs >= (bytes * 8) / 8000 + 40, `${tookMs.toFixed(0)} ms`);
  far.end();
});

t.test("proxy: a client that never reads stops the server's writes, and the shaper holds no more than its queue", async (t) => {
  const { port, next } = await target(t);
  const { network, client } = await shaped(t, port, FAST);
  const near = client();
  near.pause();
  const far = await next();
  let written = 0;
  while (far.writableLength < 4_000_000 && written < 64_000_000) {
    far.write(Buffer.alloc(500_000));
    written += 500_000;
    await delay(5);
  }
  t.ok(far.writableLength >= 4_000_000, "the server's own buffer grows, since nobody takes it");
  t.ok(network.stats.bytesDown < written - 4_000_000);
  near.resetAndDestroy();
  await until(() => network.stats.held === 1);
  t.equal(network.stats.open, 0);
});

t.test("proxy: a RESET client leaves the server with silence, for the time of holding, and only the newest are held", async (t) => {
  const { port, next } = await target(t);
  const limits = { ...SHAPER_LIMITS, heldMax: 2, holdMs: 1000 };
  const { network, client } = await shaped(t, port, FAST, undefined, limits);
  const heard: string[][] = [];
  const fars: Socket[] = [];
  for (let i = 0; i < 3; i++) {
    const near = client();
    near.write("hello");
    const far = await next();
    const events: string[] = [];
    heard.push(events);
    fars.push(far);
    far.on("data", (chunk: Buffer) => events.push(chunk.toString()));
    far.on("end", () => events.push("FIN"));
    far.on("error", (error: NodeJS.ErrnoException) => events.push(error.code!));
    await until(() => events.length > 0);
    near.write("lost with the network");
    near.resetAndDestroy();
    await until(() => network.stats.networksLost === i + 1);
  }
  await until(() => heard[0]!.length === 2);
  t.strictSame(heard, [["hello", "ECONNRESET"], ["hello"], ["hello"]], "the oldest is dropped for the third; the others hear nothing");
  fars[1]!.write("anybody there?");
  t.match(network.stats, { open: 0, held: 2, networksLost: 3 });
  await until(() => heard[1]!.length === 2 && heard[2]!.length === 2);
  t.strictSame(heard.slice(1), [
    ["hello", "ECONNRESET"],
    ["hello", "ECONNRESET"],
  ]);
  t.equal(network.stats.held, 0);
});

t.test("proxy: a RESET of the server passes, a server that is not there resets, too many are refused, close() drops all", async (t) => {
  const { port, next } = await target(t);
  const { network, client } = await shaped(t, port, FAST, undefined, { ...SHAPER_LIMITS, connectionsMax: 1 });
  const ended = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      socket.resume();
      socket.once("end", () => resolve("FIN"));
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code!));
    });
  const near = client();
  const nearEnded = ended(near);
  const far = await next();
  t.equal(await ended(client()), "ECONNRESET", "one too many");
  far.resetAndDestroy();
  t.equal(await nearEnded, "ECONNRESET");
  await until(() => network.stats.open === 0);
  t.match(network.stats, { accepted: 1, refused: 1, networksLost: 0 });

  const last = client();
  const lastEnded = ended(last);
  const lastFar = ended(await next());
  await network.close();
  t.strictSame([await lastEnded, await lastFar], ["ECONNRESET", "ECONNRESET"]);
  t.equal(await ended(client()), "ECONNREFUSED");

  const nobody = await shaped(t, 1, FAST);
  t.equal(await ended(nobody.client()), "ECONNRESET");
  t.equal(nobody.network.stats.targetRefused, 1);
});

// Limits by address and user: the table against a Map that forgets nothing, and the rules one by one.
import fc from "fast-check";
import t from "tap";
import { ErrorCode } from "../../proto/error-code.ts";
import { AddressLimits, type AddressLimitOptions, EXEMPT_BY_DEFAULT, TurnedBy } from "./address-limits.ts";
import { IpRanges } from "./ip-address.ts";
import { RateTable } from "./rate-table.ts";

const SEED = 0x1234567;
const OFF: AddressLimitOptions = {
  connectionsPerAddress: 0,
  connectsPerAddressPerSecond: 0,
  authFailuresPerAddressPerMinute: 0,
  connectsPerUserPerMinute: 0,
  exempt: new IpRanges([]),
};

const half = (): number => 0.5;
/** Uniform enough, and the same each time. */
function dice(): () => number {
  let state = 12345;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** A bucket as it is explained: tokens that come with time, up to a burst. */
class PlainBuckets {
  private readonly tokens = new Map<string, { count: number; at: number }>();

  take(key: string, perSecond: number, burst: number, now: number): boolean {
    const bucket = this.tokens.get(key) ?? { count: burst, at: now };
    const count = Math.min(burst, bucket.count + ((now - bucket.at) * perSecond) / 1000);
    this.tokens.set(key, { count: count >= 1 - 1e-9 ? count - 1 : count, at: now });
    return count >= 1 - 1e-9;
  }
}

t.test("the table: open ones are counted and tokens taken as a map does it, whoever else comes", (t) => {
  const step = fc.record({
    what: fc.constantFrom("open", "close", "take", "take", "wait"),
    key: fc.oneof(fc.nat(5), fc.nat(40), fc.nat(4_000_000)),
    bucket: fc.nat(1),
    waits: fc.nat(400),
  });
  const rate = { perSecond: 4, burst: 3 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.integer(), (steps, seed) => {
      // Few enough places for collisions and long chains; enough for every key of a run, so that nothing is forgotten early.
      const table = new RateTable(steps.length, seed, 2, true);
      const open = new Map<number, number>();
      const buckets = new PlainBuckets();
      let now = 5000;
      for (const { what, key, bucket, waits } of steps) {
        const high = Math.floor(key / 7);
        const low = key >>> 1 === key / 2 ? key : 0;
        const id = high * 2 ** 32 + low;
        now += waits;
        if (what === "open") {
          table.opened(high, low, now);
          open.set(id, (open.get(id) ?? 0) + 1);
        } else if (what === "close") {
          table.closed(high, low);
          open.set(id, Math.max(0, (open.get(id) ?? 0) - 1));
        } else if (what === "take") {
          const waitMs = table.waitMs(high, low, bucket, rate, now);
          const takenMs = table.take(high, low, bucket, rate, now);
          if (Math.abs(waitMs - takenMs) > 1e-6) return false;
          if ((takenMs === 0) !== buckets.take(`${id} ${bucket}`, rate.perSecond, rate.burst, now)) return false;
          if (takenMs > 0 && table.waitMs(high, low, bucket, rate, now + takenMs + 0.001) !== 0) return false;
        }
        if (table.openCount(high, low) !== (open.get(id) ?? 0)) return false;
      }
      return table.evictions === 0 && [...open].every(([id, count]) => table.openCount(Math.floor(id / 2 ** 32), id % 2 ** 32) === count);
    }),
    { numRuns: 400 },
  );
  t.end();
});

t.test("a table that is full forgets whoever has nothing open, and counts it", (t) => {
  const rate = { perSecond: 1, burst: 2 };
  const table = new RateTable(100, SEED, 2, true);
  for (let key = 1; key <= 60; key++) table.opened(key, key, 0);
  for (let key = 1000; key < 51_000; key++) table.take(key, 1, 0, rate, 0);
  t.ok(table.size <= 192, `${table.size} keys of 50,060`);
  t.ok(table.evictions > 49_000);
  for (let key = 1; key <= 60; key++) if (table.openCount(key, key) !== 1) t.fail(`${key} is open and was forgotten`);
  // An hour later their buckets are full: making room costs nobody anything.
  const before = table.evictions;
  for (let key = 100_000; key < 100_030; key++) table.take(key, 1, 0, rate, 3_600_000);
  t.equal(table.evictions, before);
  const open = new RateTable(20, SEED, 0, true);
  t.throws(() => {
    for (let key = 0; key < 1000; key++) open.opened(key, 7, 0);
  }, /made for/);
  const counts = new RateTable(20, SEED, 0, true);
  for (let key = 0; key < 1000; key++) {
    counts.opened(key, 7, 0);
    if (key >= 10) counts.closed(key - 10, 7);
  }
  t.equal(counts.size, 10, "without buckets, known while something is open");
  t.equal(counts.openCount(995, 7), 1);
  t.end();
});

t.test("a table is as large as those who are remembered need", (t) => {
  const rate = { perSecond: 10, burst: 100 };
  const table = new RateTable(8192, SEED, 1, false);
  // A thousand keys a second, each with a full bucket 100 ms later.
  for (let key = 1; key <= 50_000; key++) table.take(key, 5, 0, rate, key);
  t.ok(table.size <= 400, `${table.size} keys`);
  t.equal(table.evictions, 0);
  const wide = new RateTable(40_000, SEED, 1, true);
  for (let key = 1; key <= 30_000; key++) {
    wide.opened(key, 5, 0);
    wide.take(key, 5, 0, rate, 0);
  }
  for (let key = 1; key <= 30_000; key++) if (wide.openCount(key, 5) !== 1 || wide.tokens(key, 5, 0, rate, 0) !== 99) t.fail(`${key} after the table grew`);
  t.equal(wide.size, 30_000);
  t.end();
});

t.test("connections of an address: counted from opened to closed, IPv6 by its network", (t) => {
  const limits = new AddressLimits(100, { ...OFF, connectionsPerAddress: 2 }, SEED, half);
  t.equal(limits.opened(0, "192.0.2.1", 0), undefined);
  t.equal(limits.opened(1, "::ffff:192.0.2.1", 0), undefined, "the same in its IPv6 form");
  t.match(limits.opened(2, "192.0.2.1", 0), { code: ErrorCode.TooManyConnections, retryAfterMs: 10_000 });
  t.equal(limits.opened(3, "192.0.2.2", 0), undefined, "another address");
  limits.closed(0);
  t.match(limits.opened(4, "192.0.2.1", 0), { code: ErrorCode.TooManyConnections }, "the one that was turned away is open still");
  limits.closed(2);
  limits.closed(4);
  limits.closed(4);
  t.equal(limits.opened(5, "192.0.2.1", 0), undefined);
  t.match(limits.opened(6, "192.0.2.1", 0), { code: ErrorCode.TooManyConnections }, "a second close of a slot counts nothing down");

  t.equal(limits.opened(10, "2001:db8:1:2::1", 0), undefined);
  t.equal(limits.opened(11, "2001:0db8:0001:0002:ffff:ffff:ffff:ffff", 0), undefined);
  t.match(limits.opened(12, "2001:db8:1:2:3::", 0), { code: ErrorCode.TooManyConnections }, "one network");
  t.equal(limits.opened(13, "2001:db8:1:3::1", 0), undefined, "the next one");
  for (const text of ["", "unix", "1.2.3"]) for (let slot = 20; slot < 24; slot++) t.equal(limits.opened(slot, text, 0), undefined, "no address, no limit");
  t.equal(limits.turned[TurnedBy.Open], 4);
  t.end();
});

t.test("new connections of an address", (t) => {
  const limits = new AddressLimits(100, { ...OFF, connectsPerAddressPerSecond: 2 }, SEED, half);
  const address = "198.51.100.1";
  const connects = (count: number, now: number): number => {
    let taken = 0;
    for (let i = 0; i < count; i++) {
      if (limits.opened(0, address, now) === undefined) taken++;
      limits.closed(0);
    }
    return taken;
  };
  t.equal(connects(100, 1000), 20, "ten seconds' worth at once");
  t.match(limits.opened(0, address, 1000), { code: ErrorCode.Busy });
  t.equal(connects(100, 4000), 6);
  t.equal(connects(100, 3_600_000), 20, "and never more");

  let sockets = 0;
  for (let i = 0; i < 100; i++) if (limits.admits("198.51.100.9", 5000)) sockets++;
  t.equal(sockets, 40, "sockets before their handshake: twice as many");
  t.equal(limits.admits("198.51.100.9", 5250), true);
  t.equal(limits.admits("198.51.100.9", 5250), false);
  t.equal(limits.opened(1, "198.51.100.9", 5250), undefined, "a bucket of its own");
  limits.closed(1);

  t.end();
});

t.test("those who are refused together come back one after the other", (t) => {
  const fresh = (): AddressLimits => new AddressLimits(5000, { ...OFF, connectsPerAddressPerSecond: 100 }, SEED, dice());
  const limits = fresh();
  const waits: number[] = [];
  for (let i = 0; i < 9000; i++) {
    const turned = limits.opened(i % 5000, "203.0.113.9", 1000);
    if (turned !== undefined) waits.push(turned.retryAfterMs);
  }
  t.equal(waits.length, 8000);
  for (let second = 1; second < 30; second++) {
    const due = waits.slice(0, 3000).filter((ms) => ms > second * 1000 && ms <= (second + 1) * 1000).length;
    t.ok(due >= 85 && due <= 115, `${due} in second ${second}`);
  }
  const beyond = waits.slice(3100);
  t.ok(Math.min(...beyond) > 15_000 && Math.max(...beyond) < 30_100 && new Set(beyond).size > 2000, "beyond the horizon at random");

  // 3,000 clients of one NAT after a restart, each back when it was told to.
  const herd = fresh();
  const due: number[][] = [];
  for (let client = 0; client < 3000; client++) (due[1000 + (client % 1000)] ??= []).push(client);
  let tries = 0;
  let inside = 0;
  let now = 0;
  for (; inside < 3000 && now < 60_000; now++) {
    for (const client of due[now] ?? []) {
      tries++;
      const turned = herd.opened(client, "203.0.113.9", now);
      if (turned === undefined) inside++;
      else {
        herd.closed(client);
        (due[now + turned.retryAfterMs + 80] ??= []).push(client);
      }
    }
  }
  t.ok(inside === 3000 && now < 23_000, `${inside} inside after ${now} ms`);
  t.ok(tries < 5500, `${tries} connections for 3,000 clients`);

  // All places taken: not all at the same moment, either.
  const full = new AddressLimits(5000, { ...OFF, connectionsPerAddress: 10 }, SEED, dice());
  const retries = new Set<number>();
  for (let slot = 0; slot < 1010; slot++) {
    const turned = full.opened(slot, "203.0.113.9", 0);
    if (turned !== undefined) retries.add(turned.retryAfterMs);
  }
  t.ok(retries.size > 900 && Math.min(...retries) >= 5000 && Math.max(...retries) <= 15_000);
  t.end();
});

t.test("tokens that were refused slow an address down, and lock nobody out who shares it", (t) => {
  const options = { ...OFF, connectsPerAddressPerSecond: 100, authFailuresPerAddressPerMinute: 120 };
  for (const everyMs of [20, 10]) {
    const limits = new AddressLimits(1000, options, SEED, dice());
    const address = "203.0.113.9";
    const due: number[][] = [];
    for (let client = 1; client <= 200; client++) (due[90_000 + client * 300] ??= []).push(client);
    const waited: number[] = [];
    let checks = 0;
    for (let now = 1; now < 240_000; now++) {
      if (now % everyMs === 0) {
        if (limits.opened(0, address, now) === undefined) {
          limits.authFailed(0, now);
          if (now > 90_000) checks++;
        }
        limits.closed(0);
      }
      for (const client of due[now] ?? []) {
        const turned = limits.opened(client, address, now);
        if (turned === undefined) waited.push(now - 90_000 - client * 300);
        else {
          limits.closed(client);
          (due[now + turned.retryAfterMs + 80] ??= []).push(client);
        }
      }
    }
    waited.sort((a, b) => a - b);
    t.equal(waited.length, 200, `all are in beside ${1000 / everyMs} bad tokens a second`);
    t.ok(waited[190]! < 10_000, `nearly all within ${waited[190]} ms`);
    t.ok(checks <= 51 * 150, `${checks} tokens were checked for it`);
  }
  // Nobody else is slower for it, and it is over when the bucket has room again.
  const limits = new AddressLimits(1000, { ...options, authFailuresPerAddressPerMinute: 3 }, SEED, () => 0.999);
  const fails = (count: number, now: number): void => {
    for (let i = 0; i < count; i++) {
      limits.opened(1, "198.51.100.2", now);
      limits.authFailed(1, now);
      limits.closed(1);
    }
  };
  fails(4, 4_000_000);
  t.match(limits.opened(1, "198.51.100.2", 4_000_000), { code: ErrorCode.Busy, detail: /refused/ });
  t.equal(limits.opened(2, "198.51.100.3", 4_000_000), undefined);
  limits.authFailed(50, 4_000_001);
  for (let slot = 3; slot < 8; slot++) t.equal(limits.opened(slot, "198.51.100.2", 4_020_001), undefined, "a third of a minute later");
  t.end();
});

t.test("a /48 has sixteen times as much as each of its /64s", (t) => {
  const limits = new AddressLimits(40_000, { ...OFF, connectsPerAddressPerSecond: 100 }, SEED);
  const some = (network: string): string => `2001:db8:${network}::1`;
  let refused = 0;
  for (let i = 0; i < 20_000; i++) if (limits.opened(i, some(`1:${i.toString(16)}`), 1000) !== undefined) refused++;
  t.equal(refused, 4000, "however many /64s drive each other out of the table");
  t.equal(limits.opened(20_000, some("2:1"), 1000), undefined, "the next /48");

  const few = new AddressLimits(1000, { ...OFF, connectionsPerAddress: 2 }, SEED);
  for (let slot = 0; slot < 32; slot++) t.equal(few.opened(slot, some(`7:${slot}`), 0), undefined);
  t.match(few.opened(32, some("7:99"), 0), { code: ErrorCode.TooManyConnections });
  few.closed(32);
  few.closed(5);
  t.equal(few.opened(33, some("7:100"), 0), undefined, "counted down as well");

  const bad = new AddressLimits(1000, { ...OFF, authFailuresPerAddressPerMinute: 1 }, SEED, () => 0.9999);
  let slowed = 0;
  for (let i = 0; i < 40; i++) {
    if (bad.opened(i, some(`9:${i}`), 0) !== undefined) slowed++;
    else bad.authFailed(i, 0);
  }
  t.ok(slowed > 10, `${slowed} of 40 once 16 tokens were refused`);
  t.end();
});

t.test("the network of zeros is counted down, and a limit below one lets somebody in", (t) => {
  const limits = new AddressLimits(10, { ...OFF, connectionsPerAddress: 2 }, SEED);
  for (let i = 0; i < 10; i++) {
    t.equal(limits.opened(0, "::1", i), undefined);
    limits.closed(0);
  }
  const slow = new AddressLimits(10, { ...OFF, connectsPerAddressPerSecond: 0.05, connectsPerUserPerMinute: 0.5 }, SEED, half);
  for (const now of [1e6, 2e6]) {
    t.equal(slow.opened(0, "203.0.113.9", now), undefined);
    t.match(slow.opened(1, "203.0.113.9", now), { retryAfterMs: 20_050 });
    t.equal(slow.userConnected(Buffer.of(1), now), undefined);
    t.match(slow.userConnected(Buffer.of(1), now), { retryAfterMs: 120_050 });
    t.equal(slow.admits("203.0.113.9", now), true);
  }
  t.end();
});

t.test("connections of a user", (t) => {
  const limits = new AddressLimits(20_000, { ...OFF, connectsPerUserPerMinute: 5 }, SEED, half);
  const ann = Buffer.from("ann");
  for (let i = 0; i < 5; i++) t.equal(limits.userConnected(ann, 0), undefined);
  t.match(limits.userConnected(ann, 0), { code: ErrorCode.Busy, retryAfterMs: 12_050 });
  t.equal(limits.userConnected(Buffer.from("bob"), 0), undefined);
  t.equal(limits.userConnected(ann, 12_001), undefined);
  t.equal(limits.turned[TurnedBy.User], 1);
  // A hundred thousand users: nobody shares a bucket with another, and the table keeps its size.
  let refused = 0;
  for (let i = 0; i < 100_000; i++) if (limits.userConnected(Buffer.from(`user ${i}`), 20_000) !== undefined) refused++;
  t.equal(refused, 0);
  t.ok(limits.known.users <= 12_288, `${limits.known.users}`);
  t.end();
});

t.test("exempt addresses, and no limits at all", (t) => {
  const strict = { connectionsPerAddress: 1, connectsPerAddressPerSecond: 1, authFailuresPerAddressPerMinute: 1, connectsPerUserPerMinute: 0 };
  const limits = new AddressLimits(1000, { ...strict, exempt: new IpRanges(EXEMPT_BY_DEFAULT) }, SEED);
  for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1"]) {
    for (let slot = 0; slot < 50; slot++) {
      if (limits.opened(slot, address, 0) !== undefined) t.fail(address);
      limits.authFailed(slot, 0);
    }
  }
  t.equal(limits.known.addresses, 0);
  t.equal(limits.opened(0, "8.8.8.8", 0), undefined);
  t.match(limits.opened(1, "8.8.8.8", 0), { code: ErrorCode.TooManyConnections });
  const off = new AddressLimits(1000, OFF, SEED);
  for (let slot = 0; slot < 1000; slot++)
    if (off.opened(slot, "8.8.8.8", 0) !== undefined || off.userConnected(Buffer.of(1), 0) !== undefined) t.fail("no limit");
  t.end();
});

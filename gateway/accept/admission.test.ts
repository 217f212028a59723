// Admission as a whole and by its parts, against storms: the pace is never above what was asked, slots lie one behind
// the other, who comes to its slot is admitted, and nobody waits for ever.
import fc from "fast-check";
import t from "tap";
import type { Hello } from "../session/handshake.ts";
import { Admission, type AdmissionLimits, type AdmissionOwner } from "./admission.ts";
import { HandshakeSchedule, Turn } from "./handshake-schedule.ts";
import { TicketBook } from "./ticket-book.ts";

const LIMITS: AdmissionLimits = { handshakesPerSecond: 100, handshakesBurst: 50, waitMs: 1000, horizonMs: 60_000, authenticationsMax: 64 };

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

const installOf = (client: number) => new Uint8Array(new Uint32Array([client, 0x5eed]).buffer);
const helloOf = (client: number) => ({ token: `t${client}`, device: new TextEncoder().encode("phone"), install: installOf(client) }) as Hello;

/** Clients that obey, before an admission with a clock of its own; the token check takes no time. */
class Storm implements AdmissionOwner {
  now = 1000;
  readonly admitted: { client: number; at: number }[] = [];
  /** By client: how often it was told to come later, and when it came first. */
  readonly refusals = new Map<number, number>();
  readonly arrivedAt = new Map<number, number>();
  readonly slots: { client: number; at: number }[] = [];
  readonly admission: Admission;
  readonly away = new Set<number>();
  /** Who comes, by step of 10 ms. */
  private readonly due = new Map<number, number[]>();
  private readonly lateMs: () => number;

  constructor(limits: AdmissionLimits, seed: number, lateMs: () => number = () => 0) {
    this.admission = new Admission(
      // What resolves at once would need the loop; checks are counted when they begin.
      (token) => {
        this.admitted.push({ client: Number(token.slice(1)), at: this.now });
        return new Promise(() => undefined);
      },
      this,
      { ...limits, authenticationsMax: Number.POSITIVE_INFINITY },
      () => this.now,
      randomOf(seed),
    );
    this.lateMs = lateMs;
  }

  come(client: number, at: number): void {
    const step = Math.max(Math.ceil(at / 10), this.now / 10 + 1);
    const those = this.due.get(step);
    if (those === undefined) this.due.set(step, [client]);
    else those.push(client);
  }

  /** Lets time pass in steps of 10 ms until nobody is under way, at most so long. */
  run(maxMs: number): void {
    const end = this.now + maxMs;
    for (; this.now < end; this.now += 10) {
      const here = this.due.get(this.now / 10) ?? [];
      this.due.delete(this.now / 10);
      for (const client of here) {
        if (!this.arrivedAt.has(client)) this.arrivedAt.set(client, this.now);
        this.admission.add(client, 1, helloOf(client));
      }
      this.admission.next();
      if (this.due.size === 0 && this.admission.queued === 0) return;
    }
  }

  waiting(): boolean {
    return true;
  }

  verified(): void {}

  turnedAway(client: number, retryAfterMs: number): void {
    this.refusals.set(client, (this.refusals.get(client) ?? 0) + 1);
    this.slots.push({ client, at: this.now + retryAfterMs });
    if (!this.away.has(client)) this.come(client, this.now + retryAfterMs + this.lateMs());
  }

  nextSoon(): void {}

  /** The most admissions in any stretch of so many ms. */
  busiest(ms: number): number {
    let most = 0;
    for (let from = 0, to = 0; to < this.admitted.length; to++) {
      while (this.admitted[to]!.at - this.admitted[from]!.at > ms) from++;
      most = Math.max(most, to - from + 1);
    }
    return most;
  }
}

t.test("a storm is admitted at the pace, in order, and nobody is told twice to come later", (t) => {
  const storm = new Storm(LIMITS, 1);
  for (let client = 0; client < 2000; client++) storm.come(client, 1000);
  storm.run(60_000);
  t.equal(storm.admitted.length, 2000);
  t.strictSame(
    storm.admitted.slice(0, 140).map(({ client }) => client),
    Array.from({ length: 140 }, (_, client) => client),
    "the burst, then the line, in the order they came",
  );
  t.equal(storm.refusals.size, 2000 - 150, "the burst begins at once, a second of the pace waits");
  t.equal(Math.max(...storm.refusals.values()), 1);
  t.equal(storm.admission.returned, storm.refusals.size, "all slots were known again");
  const last = storm.admitted.at(-1)!.at - 1000;
  t.ok(last >= 19_400 && last <= 20_500, `the last of 2,000 at 100 a second with a burst of 50 after ${last} ms`);
  t.ok(storm.busiest(1000) <= 50 + 100 + 1);
  // Slots: one second of them is one second of the pace.
  const perSecond = new Map<number, number>();
  for (const { at } of storm.slots) perSecond.set(Math.floor(at / 1000), (perSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
  for (const [second, count] of perSecond) t.ok(count <= 112, `${count} slots in second ${second}`);
  t.equal(new Set(storm.slots.map(({ at }) => at)).size > 1500, true, "spread, not in heaps");
  t.end();
});

t.test("whatever comes: never above the pace, nobody starves, slots are kept", (t) => {
  const wave = fc.record({ at: fc.nat(8000), clients: fc.integer({ min: 1, max: 400 }), overMs: fc.nat(4000) });
  fc.assert(
    fc.property(fc.array(wave, { minLength: 1, maxLength: 5 }), fc.nat(), fc.integer({ min: 20, max: 200 }), fc.nat(1500), (waves, seed, rate, late) => {
      const random = randomOf(seed);
      const limits = { ...LIMITS, handshakesPerSecond: rate, handshakesBurst: rate, horizonMs: 600_000 };
      const storm = new Storm(limits, seed, () => random() * late);
      let clients = 0;
      for (const { at, clients: count, overMs } of waves) for (let i = 0; i < count; i++) storm.come(clients++, 1000 + at + random() * overMs);
      storm.run(200_000);
      if (storm.admitted.length !== clients) throw new Error(`${storm.admitted.length} of ${clients} were admitted`);
      for (const ms of [100, 1000, 5000]) {
        const most = storm.busiest(ms);
        if (most > rate + (rate * (ms + 10)) / 1000 + 1) throw new Error(`${most} within ${ms} ms`);
      }
      if (storm.refusals.size > 0 && Math.max(...storm.refusals.values()) > 1) throw new Error("somebody was sent away twice");
      // No later than a line of all that came before would take, with what being late costs.
      const end = Math.max(...storm.admitted.map(({ at }) => at));
      const lastCame = Math.max(...storm.arrivedAt.values());
      if (end > lastCame + (clients / rate) * 1000 + 1500 + 3000) throw new Error(`the last one waited until ${end - lastCame} ms after the last came`);
    }),
    { numRuns: 40 },
  );
  t.end();
});

t.test("who comes to its slot goes before newcomers; slots that nobody comes for are not lost", (t) => {
  const storm = new Storm(LIMITS, 3);
  for (let client = 0; client < 400; client++) storm.come(client, 1000);
  // While they come back, three times as many newcomers as there is room for.
  for (let client = 1000; client < 4000; client++) storm.come(client, 2500 + (client - 1000) * 3.3);
  storm.run(120_000);
  const at = new Map(storm.admitted.map(({ client, at }) => [client, at]));
  for (const { client, at: slot } of storm.slots) if (client < 400) t.ok(at.get(client)! <= slot + 300, `${client} at ${at.get(client)}, slot ${slot}`);
  t.equal(storm.admitted.length, 3400);
  t.equal(Math.max(...storm.refusals.values()), 1);

  const noShows = new Storm(LIMITS, 4);
  for (let client = 0; client < 1000; client++) {
    noShows.away.add(client);
    noShows.come(client, 1000);
  }
  noShows.run(3000);
  const before = noShows.admitted.length;
  // The line is promised for 8 s more, but nobody of it comes: newcomers get the places that are free.
  for (let client = 1000; client < 1300; client++) noShows.come(client, 4000 + (client - 1000) * 10);
  noShows.run(10_000);
  t.ok(noShows.admitted.length - before > 250, `${noShows.admitted.length - before} of 300 newcomers in 3 s`);
  t.end();
});

t.test("beyond the horizon: asks again later; a slot without a name; a long sleep", (t) => {
  const schedule = new HandshakeSchedule({ handshakesPerSecond: 10, handshakesBurst: 1, waitMs: 0, horizonMs: 1000 }, randomOf(5), 0);
  t.equal(schedule.arrive(installOf(0), 0, 0, 0), Turn.Other);
  t.ok(schedule.may(Turn.Other, 0));
  schedule.begin();
  t.notOk(schedule.may(Turn.First, 50));
  for (let i = 1; i < 30; i++) {
    const turn = schedule.arrive(installOf(i), 0, 1, 0);
    t.equal(turn, Turn.Later);
    t.ok(schedule.retryAfterMs <= 1100, `${schedule.retryAfterMs}`);
    if (i > 15) t.ok(schedule.retryAfterMs >= 500, "the second half of the horizon");
  }
  t.ok(schedule.turnAway(0) >= 500);
  t.equal(schedule.arrive(installOf(99), 0, 0, 1e9), Turn.Other, "days later nothing is promised any more");
  t.end();
});

t.test("the ticket book: once each, in its time, bounded", (t) => {
  const book = new TicketBook(4000, randomOf(6));
  for (let i = 0; i < 2000; i++) book.add(installOf(i), 100 + i, 0);
  t.equal(book.take(installOf(5), 0, 104), -1, "too early");
  let found = 0;
  for (let i = 0; i < 2000; i++) if (book.take(installOf(i), 0, 10_000) === 100 + i) found++;
  t.ok(found > 1990, `${found} of 2000`);
  t.equal(book.take(installOf(7), 0, 10_000), -1, "used up");
  t.equal(book.take(installOf(70_000), 0, 10_000), -1, "never had one");
  book.add(installOf(1), 50, 0);
  book.add(installOf(1), 60, 0);
  t.equal(book.take(installOf(1), 0, 100), 60, "the newer of two");
  const small = new TicketBook(1, randomOf(7));
  for (let i = 0; i < 100_000; i++) small.add(installOf(i), i, 0);
  let kept = 0;
  for (let i = 0; i < 100_000; i++) if (small.take(installOf(i), 0, 1e6) >= 0) kept++;
  t.ok(kept > 500 && kept <= 1024, `${kept} kept`);
  t.end();
});

t.test("a bounded number of checks at once, in order, and none for who is gone", async (t) => {
  const started: string[] = [];
  const finish: (() => void)[] = [];
  const done: string[] = [];
  const gone = new Set([5]);
  const admission = new Admission(
    (token) => {
      started.push(token);
      return new Promise((resolve) => finish.push(() => resolve({ code: 0, user: new Uint8Array(1), expiresAtUnixMs: 1 })));
    },
    {
      waiting: (slot) => !gone.has(slot),
      verified: (slot, generation) => void done.push(`${slot}.${generation}`),
      turnedAway: () => t.fail("there is room"),
      nextSoon: () => t.fail("no time has to pass"),
    },
    { ...LIMITS, authenticationsMax: 3 },
    () => 0,
    randomOf(8),
  );
  for (let slot = 0; slot < 10; slot++) admission.add(slot, slot + 100, helloOf(slot));
  t.strictSame([started, admission.running, admission.queued], [["t0", "t1", "t2"], 3, 7]);
  while (finish.length > 0) {
    finish.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
    t.ok(admission.running <= 3);
  }
  t.strictSame(
    started,
    [0, 1, 2, 3, 4, 6, 7, 8, 9].map((slot) => `t${slot}`),
  );
  t.equal(done.length, 9);
  t.ok(done.includes("9.109"));
  t.strictSame([admission.running, admission.queued], [0, 0]);
});

// Liveness against a naive model.
import fc from "fast-check";
import t from "tap";
import { Liveness, SWEEP_MS } from "./liveness.ts";

const SLOTS = 4;

t.test("liveness: whoever is silent for too long is told once, gaps are what they were", (t) => {
  const step = fc.record({
    what: fc.constantFrom("open", "bytes", "watch", "close", "wait", "pass", "pass", "gap"),
    slot: fc.nat(SLOTS - 1),
    n: fc.oneof({ weight: 9, arbitrary: fc.nat(9) }, fc.nat(40)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let now = 5000;
      const liveness = new Liveness(SLOTS, now);
      const model = Array.from({ length: SLOTS }, () => ({ open: false, at: 0, idle: 0, watched: false, gap: 0 }));
      let sweptAt = now;
      let judgesAt = now;
      // A sweep that is late by more than a second: the process stood still, which is nobody's silence.
      const excuse = () => {
        const late = now - sweptAt - SWEEP_MS;
        if (late <= 1000) return;
        sweptAt = now;
        judgesAt = now + SWEEP_MS;
        for (const one of model) one.at = Math.min(now, one.at + late);
      };
      for (const { what, slot, n } of steps) {
        const one = model[slot]!;
        if (what === "wait") {
          now += 100 * n;
        } else if (what === "pass") {
          now += 100 * n;
          const told: number[] = [];
          liveness.sweep(now, (idle) => told.push(idle));
          excuse();
          sweptAt = now;
          const due = model.flatMap(({ idle, at }, i) => (now >= judgesAt && idle > 0 && now - at >= idle ? [i] : []));
          for (const i of due) model[i]!.idle = 0;
          if (told.join() !== due.join()) return false;
        } else if (what === "open" && !one.open) {
          liveness.opened(slot, now);
          Object.assign(one, { open: true, at: now, idle: 0, watched: false, gap: 0 });
        } else if (!one.open) continue;
        else if (what === "close") {
          liveness.closed(slot);
          Object.assign(one, { open: false, idle: 0, watched: false });
        } else if (what === "watch") {
          liveness.watch(slot, 100 * n, now);
          if (!one.watched) Object.assign(one, { at: now, gap: 0 });
          Object.assign(one, { watched: true, idle: 100 * n });
        } else if (what === "bytes") {
          const answers = liveness.received(slot, now);
          excuse();
          if (answers !== (one.watched && now - one.at >= 500)) return false;
          if (one.watched) one.gap = Math.max(one.gap, now - one.at);
          one.at = now;
          if (liveness.quietMs(slot, now) !== 0) return false;
        } else if (what === "gap") {
          if (one.watched && liveness.takeLongestGapMs(slot) !== one.gap) return false;
          if (one.watched) one.gap = 0;
        }
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.end();
});

t.test("liveness: a process that stood still gives up nobody whose bytes lie unread, and then whoever is silent", (t) => {
  const liveness = new Liveness(SLOTS, 0);
  const told: string[] = [];
  const sweep = (now: number) => liveness.sweep(now, (slot) => told.push(`${slot} at ${now}`));
  for (const slot of [0, 1]) {
    liveness.opened(slot, 0);
    liveness.watch(slot, 5000, 0);
  }
  for (let now = 1000; now <= 3000; now += 1000) sweep(now);
  // Ten minutes pass; the timer comes before what was sent meanwhile is read.
  sweep(603_000);
  t.equal(liveness.quietMs(0, 603_000), 4000);
  liveness.received(0, 603_100);
  t.equal(liveness.takeLongestGapMs(0), 4100, "no path has survived a silence that was ours");
  for (let now = 604_000; now <= 609_000; now += 1000) sweep(now);
  t.strictSame(told, ["1 at 604000", "0 at 609000"]);
  t.end();
});

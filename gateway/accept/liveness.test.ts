// Liveness against a naive model.
import fc from "fast-check";
import t from "tap";
import { Liveness } from "./liveness.ts";

const SLOTS = 4;

t.test("liveness: whoever is silent for too long is told once, gaps are what they were", (t) => {
  const step = fc.record({ what: fc.constantFrom("open", "bytes", "watch", "close", "pass", "gap"), slot: fc.nat(SLOTS - 1), n: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let now = 5000;
      const liveness = new Liveness(SLOTS, now);
      const model = Array.from({ length: SLOTS }, () => ({ open: false, at: 0, idle: 0, watched: false, gap: 0 }));
      for (const { what, slot, n } of steps) {
        const one = model[slot]!;
        if (what === "pass") {
          now += 100 * n;
          const told: number[] = [];
          liveness.sweep(now, (idle) => told.push(idle));
          const due = model.flatMap(({ idle, at }, i) => (idle > 0 && now - at >= idle ? [i] : []));
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

// Liveness against a naive model, and the slab of ids against a map of records.
import fc from "fast-check";
import t from "tap";
import { IdSlab } from "../session/id-slab.ts";
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

t.test("id slab: records keep what was written, and room never runs out", (t) => {
  const record = fc.record({ slot: fc.nat(7), length: fc.integer({ min: 10, max: 136 }), fill: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 200 }), (records) => {
      const slab = new IdSlab(8, 136);
      const held = new Map<number, { at: number; length: number; fill: number }>();
      for (const { slot, length, fill } of records) {
        const old = held.get(slot);
        if (old !== undefined) {
          slab.release(old.at, old.length);
          held.delete(slot);
        } else {
          const at = slab.take(length);
          slab.bytes.fill(fill, at, at + length);
          held.set(slot, { at, length, fill });
        }
        for (const { at, length, fill } of held.values()) {
          for (let i = at; i < at + length; i++) if (slab.bytes[i] !== fill) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
  const slab = new IdSlab(2, 136);
  slab.take(136);
  slab.take(120);
  t.throws(() => slab.take(136), "more than there can be is a mistake, not a reason to grow");
  t.end();
});

// Silence: how long it is borne, that it is borne longer each time, and that a process that stood still does not count it.
import t from "tap";
import { LOOK_MS, RECONNECTED_MS, RETRY_MS, RETRY_MS_MAX, SILENCE_MS, SILENCE_MS_MAX, WatchPatience } from "./watch-patience.ts";

/** Looks until it is to begin anew. */
function looks(patience: WatchPatience): number {
  for (let count = 1; ; count++) if (patience.look()) return count;
}

t.test("a watch that shows nothing begins anew, later each time, never in step", (t) => {
  for (const [random, most] of [
    [() => 0, SILENCE_MS],
    [() => 0.999999, SILENCE_MS_MAX],
  ] as const) {
    const patience = new WatchPatience(random);
    const silences: number[] = [];
    for (let i = 0; i < 8; i++) {
      silences.push(looks(patience) * LOOK_MS);
      patience.began();
      // It tells what there was before.
      patience.heard(i === 0 ? 5 : 3);
      if (i > 0) patience.heard(5);
    }
    t.ok(silences.every((ms, i) => ms >= SILENCE_MS && ms >= (silences[i - 1] ?? 0)));
    t.equal(Math.max(...silences), most);
  }
  const chances = new Set(Array.from({ length: 50 }, (_, i) => looks(new WatchPatience(() => i / 50))));
  t.ok(chances.size > 5, "spread");
  t.end();
});

t.test("who hears something new is as watchful as at first", (t) => {
  const patience = new WatchPatience(() => 0.999999);
  const first = looks(patience);
  for (let i = 0; i < 5; i++) {
    patience.began();
    looks(patience);
  }
  patience.began();
  for (let i = 0; i < 500; i++) {
    t.notOk(patience.look());
    patience.heard(i);
  }
  t.equal(looks(patience), first);
  looks(patience);
  patience.began();
  for (let i = 1; i <= 20; i++) {
    patience.look();
    patience.heard(i);
  }
  t.equal(looks(patience), first, "in a bucket that was made anew as well");
  t.end();
});

t.test("after a reconnect silence is borne for a short time, once; who is heard has survived", (t) => {
  const patience = new WatchPatience(() => 0);
  patience.look();
  patience.reconnected();
  t.equal(looks(patience) * LOOK_MS, RECONNECTED_MS);
  patience.began();
  t.equal(looks(patience) * LOOK_MS, SILENCE_MS);
  patience.began();
  patience.reconnected();
  patience.heard(0);
  t.equal(looks(patience) * LOOK_MS, SILENCE_MS);
  t.end();
});

t.test("beginnings that fail come later each time, by chance", (t) => {
  const last = new WatchPatience(() => 0.999999);
  const waits = Array.from({ length: 8 }, () => Math.round(last.nextRetryMs()));
  t.strictSame(waits, [RETRY_MS, 600, 1200, 2400, 4800, RETRY_MS_MAX, RETRY_MS_MAX, RETRY_MS_MAX]);
  last.began();
  t.equal(Math.round(last.nextRetryMs()), RETRY_MS);
  const soonest = new WatchPatience(() => 0);
  t.ok(Array.from({ length: 8 }, () => soonest.nextRetryMs()).every((ms) => ms === RETRY_MS / 2));
  t.end();
});

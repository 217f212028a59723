// The comparison in small, as relations that must hold whatever is tuned: it is the real learner that is simulated.
import t from "tap";
import { compare, mean, movedByRestart, withChanges, withLiars } from "./run.ts";
import { goodAfterHours } from "./simulate.ts";
import { carriers, MINUTE } from "./world.ts";

const SCALE = { phones: 24, days: 3, seed: 4 };

t.test("ours against a fixed interval, FCM's and Mars", (t) => {
  const [fixed, fcm, mars, ours] = compare(SCALE).map(({ outcomes }) => outcomes);
  const dead = (of: typeof ours) => mean(of!, (outcome) => outcome.deadMinutesPerDaySettled);
  for (const [name, other] of [
    ["fixed", fixed],
    ["FCM", fcm],
    ["Mars", mars],
  ] as const)
    t.ok(dead(ours) < dead(other) / 10, `far fewer dead minutes than ${name}: ${dead(ours).toFixed(1)} to ${dead(other).toFixed(1)}`);
  // Where fixed and Mars work at all, from limits of 8 minutes on, ours beats far more rarely.
  const from8 = (of: typeof ours) => mean(of!.slice(4, 11), (outcome) => outcome.beatsPerDaySettled);
  t.ok(from8(ours) < from8(fixed) / 3, `${from8(ours).toFixed(0)} beats a day to ${from8(fixed).toFixed(0)}`);
  t.ok(from8(ours) < from8(mars) / 1.5, `${from8(ours).toFixed(0)} beats a day to Mars's ${from8(mars).toFixed(0)}`);
  const good = (of: typeof ours) => of!.filter(({ goodAfterHours: hours }) => hours !== undefined).length;
  t.ok(good(ours) >= 11 && good(ours) > good(mars) && good(ours) > good(fixed) && good(ours) > good(fcm), `good on ${good(ours)} carriers of ${ours!.length}`);
  t.ok(
    ours!.every(({ deadMinutesPerDaySettled }) => deadMinutesPerDaySettled < 15),
    "no carrier is sacrificed",
  );
  t.ok(movedByRestart(ours!) <= 1, "a restart of all gateways moves nothing");
  t.end();
});

t.test("liars make it no worse than a fixed interval", (t) => {
  const scale = { ...SCALE, phones: 40 };
  const few = withLiars(scale, 0.05).outcomes;
  const many = withLiars(scale, 0.3).outcomes;
  const long = (of: typeof few) => mean(of.slice(4, 11), (outcome) => outcome.beatsPerDay);
  t.ok(long(few) < 288 / 2, `${long(few).toFixed(0)} beats a day with 5% liars, 288 at a fixed 4 minutes`);
  t.ok(long(many) < 288, `${long(many).toFixed(0)} with 30%`);
  for (const outcomes of [few, many]) t.ok(outcomes.every(({ deadMinutesPerDaySettled }) => deadMinutesPerDaySettled < 15));
  t.end();
});

t.test("a carrier that changes its timer", (t) => {
  const [fixed, , mars, ours] = withChanges(SCALE);
  const [toFive, toTwo] = ours!.outcomes;
  t.ok(toFive!.goodAfterHours !== undefined && toFive!.goodAfterHours < 12, `30 → 5 min: good again after ${toFive!.goodAfterHours} h`);
  t.ok(toTwo!.deadMinutesPerDay < fixed!.outcomes[1]!.deadMinutesPerDay / 5, "15 → 2 min: fixed and Mars never recover");
  t.ok(toTwo!.deadMinutesPerDay < mars!.outcomes[1]!.deadMinutesPerDay / 5);
  t.end();
});

t.test("when an interval is good", (t) => {
  const [, two] = carriers();
  t.equal(goodAfterHours([240, 240, 100, 100], two!), 2 / 6);
  t.equal(goodAfterHours([100, 240, 240, 240, 240, 240, 240, 240, 240], two!), undefined, "not for good");
  t.equal(goodAfterHours([30, 30], two!), undefined, "less than half the limit");
  const changes = { ...two!, change: { at: 10 * MINUTE, limitsMs: [5 * MINUTE] } };
  t.equal(goodAfterHours([100, 240], changes), 0);
  t.end();
});

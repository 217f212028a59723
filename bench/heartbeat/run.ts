// `hawser bench heartbeat`: intervals of beats as this project learns them, beside a fixed one, FCM's and Mars's, on the
// same phones and carriers (world.ts): time to a good interval, beats, minutes silently dead; with liars, a carrier that changes its
// timer, and a restart of all gateways. Simulated time: the figures depend on the seed alone, not on the machine.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchOptions, BenchResult, Row, Table } from "../result.ts";
import { FixedPolicy, LearnedPolicy, MarsPolicy, type Policy } from "./policy.ts";
import { type Picture, renderHeartbeats } from "./report.ts";
import { type CarrierOutcome, Simulation } from "./simulate.ts";
import { type Carrier, carriers, DAY, Dice, MINUTE } from "./world.ts";

export interface Compared {
  policy: string;
  outcomes: CarrierOutcome[];
}

export interface Scale {
  phones: number;
  days: number;
  seed: number;
}

export const QUICK: Scale = { phones: 40, days: 6, seed: 1 };
const FULL: Scale = { phones: 100, days: 14, seed: 1 };

/** Google's messaging service beats every 28 minutes on mobile networks and every 15 on Wi-Fi. */
const FCM = { mobileMs: 28 * MINUTE, wifiMs: 15 * MINUTE };
const OURS = "learned by the fleet";

function policies(on: readonly Carrier[], { phones, seed }: Scale): Policy[] {
  const four = 4 * MINUTE;
  return [
    new FixedPolicy("fixed, 4 min", on, four, four),
    new FixedPolicy("FCM, 28 / 15 min", on, FCM.mobileMs, FCM.wifiMs),
    new MarsPolicy(on.length * phones),
    ours(on, phones, seed),
  ];
}

function ours(on: readonly Carrier[], phones: number, seed: number): Policy {
  const dice = new Dice(seed + 1000);
  return new LearnedPolicy(OURS, on, on.length * phones, () => dice.next());
}

/** All ways on all carriers, with a restart of all gateways half way. */
export function compare(scale: Scale): Compared[] {
  const on = carriers();
  return policies(on, scale).map((policy) => ({
    policy: policy.name,
    outcomes: new Simulation({ ...scale, carriers: on, liars: 0, restartAt: (scale.days * DAY) / 2 }, policy).run(),
  }));
}

/** Ours with a share of phones that claim deaths. */
export function withLiars(scale: Scale, liars: number): Compared {
  const on = carriers();
  return {
    policy: `${liars * 100}% liars`,
    outcomes: new Simulation({ ...scale, carriers: on, liars, restartAt: 0 }, ours(on, scale.phones, scale.seed)).run(),
  };
}

/** All ways on carriers that change their timers half way. */
export function withChanges(scale: Scale): Compared[] {
  const change = (from: number, to: number): Carrier => ({
    name: `${from} → ${to} min`,
    kind: "mobile",
    limitsMs: [from * MINUTE],
    change: { at: (scale.days * DAY) / 2, limitsMs: [to * MINUTE] },
  });
  const on = [change(30, 5), change(15, 2), change(5, 30)];
  return policies(on, scale).map((policy) => ({
    policy: policy.name,
    outcomes: new Simulation({ ...scale, carriers: on, liars: 0, restartAt: 0 }, policy).run(),
  }));
}

export function mean(outcomes: readonly CarrierOutcome[], of: (outcome: CarrierOutcome) => number): number {
  return outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
}

export async function run({ quick, watch, progress }: BenchOptions): Promise<BenchResult> {
  const meter = watch.begin();
  const scale = quick ? QUICK : FULL;
  progress("fixed, FCM, Mars and ours on all carriers");
  const compared = compare(scale);
  progress("liars");
  const honest = compared.at(-1)!;
  const lied = [{ ...honest, policy: "no liars" }, withLiars(scale, 0.05), withLiars(scale, 0.3)];
  progress("carriers that change their timers");
  const changed = withChanges(scale);
  const tables = [
    summaryTable("all carriers, means", compared),
    byCarrier(compared),
    summaryTable("ours with liars among the phones, honest phones' means", lied),
    changeTable(changed),
  ];
  const notes = [
    `${scale.phones} phones on each of ${honest.outcomes.length} carriers, ${scale.days} days, seed ${scale.seed}; all gateways start again half way.`,
    "Good: below the NAT's limit, and at least half of it or 25 minutes. Dead: minutes in which a phone that is on and has radio believes itself connected and is not.",
    `${restartNote(honest.outcomes)}`,
  ];
  const path = join(tmpdir(), "hawser-heartbeat.html");
  writeFileSync(path, renderHeartbeats("Hawser: intervals of beats compared", notes, tables, pictures(honest.outcomes, changed)));
  return { bench: "heartbeat", notes: [...notes, `As a page with plots: ${path}`], tables, conditions: await meter.end(), unfit: [] };
}

const COLUMNS = [
  { key: "name", title: "" },
  { key: "good_carriers", title: "good on" },
  { key: "hours_to_good", title: "after h", digits: 1 },
  { key: "beats_per_day", title: "beats/day", digits: 0 },
  { key: "dead_minutes_per_day", title: "dead min/day", digits: 1 },
  { key: "beats_per_day_settled", title: "beats, last quarter", digits: 0 },
  { key: "dead_minutes_per_day_settled", title: "dead, last quarter", digits: 1 },
];

function summaryTable(title: string, compared: readonly Compared[]): Table {
  return { title, columns: COLUMNS, rows: compared.map(({ policy, outcomes }) => summaryRow(policy, outcomes)) };
}

function summaryRow(name: string, outcomes: readonly CarrierOutcome[]): Row {
  const good = outcomes.flatMap(({ goodAfterHours }) => (goodAfterHours === undefined ? [] : [goodAfterHours])).sort((a, b) => a - b);
  return {
    name,
    good_carriers: `${good.length}/${outcomes.length}`,
    hours_to_good: good[good.length >> 1] ?? null,
    beats_per_day: mean(outcomes, (outcome) => outcome.beatsPerDay),
    dead_minutes_per_day: mean(outcomes, (outcome) => outcome.deadMinutesPerDay),
    beats_per_day_settled: mean(outcomes, (outcome) => outcome.beatsPerDaySettled),
    dead_minutes_per_day_settled: mean(outcomes, (outcome) => outcome.deadMinutesPerDaySettled),
  };
}

function byCarrier(compared: readonly Compared[]): Table {
  const columns = [
    { key: "name", title: "NAT's limit" },
    ...compared.flatMap(({ policy }, i) => [
      { key: `beats_${i}`, title: `${policy}: beats`, digits: 0 },
      { key: `dead_${i}`, title: "dead min", digits: 1 },
    ]),
  ];
  const rows = compared[0]!.outcomes.map(({ carrier }, at) => {
    const row: Row = { name: carrier };
    for (const [i, { outcomes }] of compared.entries()) {
      row[`beats_${i}`] = outcomes[at]!.beatsPerDaySettled;
      row[`dead_${i}`] = outcomes[at]!.deadMinutesPerDaySettled;
    }
    return row;
  });
  return { title: "by carrier, of a day in the last quarter", columns, rows };
}

function changeTable(changed: readonly Compared[]): Table {
  const columns = [
    { key: "name", title: "" },
    { key: "carrier", title: "NAT's limit" },
    { key: "hours_to_good", title: "good again after h", digits: 1 },
    { key: "beats_per_day", title: "beats/day", digits: 0 },
    { key: "dead_minutes_per_day", title: "dead min/day", digits: 1 },
  ];
  const rows = changed.flatMap(({ policy, outcomes }) =>
    outcomes.map((outcome) => ({
      name: policy,
      carrier: outcome.carrier,
      hours_to_good: outcome.goodAfterHours ?? null,
      beats_per_day: outcome.beatsPerDay,
      dead_minutes_per_day: outcome.deadMinutesPerDay,
    })),
  );
  return { title: "carriers that change their timers half way, means over the whole run", columns, rows };
}

/** How far the restart of all gateways moved what a new phone is told. */
export function movedByRestart(outcomes: readonly CarrierOutcome[]): number {
  return outcomes.filter(({ curve }) => {
    const at = curve.length >> 1;
    return Math.abs(curve[at + 1]! / curve[at - 1]! - 1) > 0.01;
  }).length;
}

function restartNote(outcomes: readonly CarrierOutcome[]): string {
  return `What a new phone is told changed over the restart of all gateways on ${movedByRestart(outcomes)} of ${outcomes.length} carriers.`;
}

function pictures(outcomes: readonly CarrierOutcome[], changed: readonly Compared[]): Picture[] {
  const shown = ["2 min", "8 min", "30 min", "none"];
  return [
    {
      title: "What a new phone is told",
      note: "Learned by the fleet, by the limit of the carrier's NAT. Logarithmic.",
      curves: outcomes.filter(({ carrier }) => shown.includes(carrier)).map(({ carrier, curve }) => ({ name: carrier, seconds: curve })),
    },
    ...changed[0]!.outcomes.map(({ carrier }, at) => ({
      title: `A carrier changes its limit: ${carrier}`,
      note: "Half way. What a new phone is told, or, with Mars, what the median phone has found.",
      curves: changed.map(({ policy, outcomes: of }) => ({ name: policy, seconds: of[at]!.curve })),
    })),
  ];
}

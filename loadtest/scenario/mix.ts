// mix: a day of a messenger in miniature.
import { EVERYBODY, type Share } from "../driver/control.ts";
import { AT_ONCE, connectSeconds, type Dials, type PhasePlan, REST_SECONDS, type Scenario } from "./scenario.ts";

const NIGHT_OWLS: Share = { from: 0, to: 0.1 };
const DAY: Share = EVERYBODY;
const SLOW: Share = { from: 0.98, to: 0.99 };
const UNDERGROUND: Share = { from: 0.5, to: 0.8 };
const SLEEPERS: Share = { from: 0.1, to: 1 };
const AWAY_MS = 3000;

/** Hours of the day as parts of --seconds. */
const HOURS = { morning: 0.2, lunch: 0.2, evening: 0.25, storm: 0.1, late: 0.15, night: 0.1 } as const;

function lasts({ seconds }: Dials, hour: keyof typeof HOURS): number {
  return Math.max(2, Math.round(seconds * HOURS[hour]));
}

function plan(dials: Dials): PhasePlan[] {
  return [
    { name: "dawn", seconds: Math.ceil(connectSeconds(dials) * 0.1) + REST_SECONDS, what: "a tenth is there, and rests" },
    { name: "morning", seconds: connectSeconds(dials) + lasts(dials, "morning"), what: "all others come, while half the rate flows" },
    { name: "lunch", seconds: lasts(dials, "lunch"), what: "the full rate; within a minute as many leave and return as there are" },
    { name: "evening", seconds: lasts(dials, "evening"), what: "the peak: twice the rate; 1% of the sessions read 1 byte a second" },
    { name: "storm", seconds: lasts(dials, "storm"), what: "30% are reset at once and come back at once" },
    { name: "late", seconds: lasts(dials, "late"), what: "the full rate again; the slow ones read freely" },
    { name: "night", seconds: lasts(dials, "night"), what: "nine in ten close; a tenth of the rate goes on, to the absent too" },
    { name: "next morning", seconds: connectSeconds(dials), what: "all come back, and get what they missed" },
  ];
}

export const mix: Scenario = {
  name: "mix",
  summary: "a day of a messenger in miniature",
  meaning:
    "A morning in which everybody comes, steady talk, people who leave and return at lunch, an evening peak with a few who hardly read, a network that drops a third of everybody, " +
    "and a night in which most are away and are written to. --seconds is the length of the day, --rate that of its middle. The checker looks at all of it together.",
  defaults: { connections: 2000, seconds: 60, rate: 800 },
  setup: () => ({ cast: { kind: "pairs", talkers: 1 } }),
  phases: plan,
  async play(stage, dials) {
    const latency = (figures: Record<string, number>, window: { latency: { p50: number; p99: number } | null; acked: number; seconds: number }): void => {
      figures["acked_per_second"] = Math.round(window.acked / window.seconds);
      if (window.latency !== null) Object.assign(figures, { p50_ms: window.latency.p50, p99_ms: window.latency.p99 });
    };
    await stage.phase("dawn", async () => {
      await stage.connect(NIGHT_OWLS);
      await stage.rest(REST_SECONDS);
    });
    await stage.phase("morning", async (figures) => {
      await stage.traffic(dials.rate / 2, NIGHT_OWLS);
      const window = await stage.during(
        async () => {
          const { connected, tookMs } = await stage.connect(DAY);
          figures["connects_per_second"] = Math.round((connected * 1000) / Math.max(1, tookMs));
          await stage.traffic(dials.rate / 2, DAY);
          await stage.wait(lasts(dials, "morning"));
        },
        { cpu: false },
      );
      latency(figures, window);
    });
    await stage.phase("lunch", async (figures) => {
      await stage.traffic(dials.rate);
      await stage.churn(DAY, 1, AWAY_MS);
      const window = await stage.measure(lasts(dials, "lunch"), { there: 1 - AWAY_MS / 60_000 });
      latency(figures, window);
      figures["returns_per_minute"] = Math.round((window.welcomes / window.seconds) * 60);
      await stage.churn(DAY, 0, AWAY_MS);
    });
    await stage.phase("evening", async (figures) => {
      await stage.throttle(SLOW, 1);
      await stage.connect(DAY);
      await stage.traffic(dials.rate * 2);
      latency(figures, await stage.measure(lasts(dials, "evening"), { there: 1 - (SLOW.to - SLOW.from) }));
    });
    await stage.phase("storm", async (figures) => {
      await stage.traffic(dials.rate);
      const window = await stage.during(
        async () => {
          await stage.disconnect(UNDERGROUND, "reset");
          const { failed, reachedMs } = await stage.connect(UNDERGROUND, AT_ONCE);
          figures["time_to_99_back_ms"] = Math.round(reachedMs.p99);
          if (failed === 0) figures["time_to_all_back_ms"] = Math.round(reachedMs.max);
          await stage.wait(lasts(dials, "storm"));
        },
        { cpu: false },
      );
      latency(figures, window);
    });
    await stage.phase("late", async (figures) => {
      await stage.throttle(SLOW, 0);
      await stage.connect(DAY);
      latency(figures, await stage.measure(lasts(dials, "late")));
    });
    await stage.phase("night", async (figures) => {
      await stage.disconnect(SLEEPERS, "close", dials.connectRate);
      await stage.traffic(dials.rate / 10, NIGHT_OWLS);
      const window = await stage.measure(lasts(dials, "night"), { latencies: false, cpu: false });
      figures["acked_per_second"] = Math.round(window.acked / window.seconds);
      await stage.stopTraffic();
    });
    await stage.phase("next morning", async (figures) => {
      const [{ failed, reachedMs }, { settled, tookMs }] = await Promise.all([stage.connect(DAY), stage.settle()]);
      if (failed === 0) figures["time_to_all_back_ms"] = Math.round(reachedMs.max);
      figures["time_to_synced_ms"] = Math.round(tookMs);
      stage.require(settled, "not everything that was stored for them reached those who came back");
      const alive = await stage.connected();
      stage.require(alive === dials.connections, `only ${alive} of ${dials.connections} sessions were there at the end of the day`);
    });
  },
};

// churn: people come and go all the time, as with phones.
import { EVERYBODY } from "../driver/control.ts";
import { begin, beginning, requireAll, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

const AWAY_MS = 5000;

export const churn: Scenario = {
  name: "churn",
  summary: "a part of the sessions leaves and returns each minute",
  meaning:
    "Messages flow as in direct; then, for --seconds, --percent of all sessions leave each minute without a goodbye and come back 5 s later, while messages " +
    "to them go on; those whose turn it is to send are passed over while they are away. p99 with churn stands beside p99 without, of the same run. Messages to those who are away count from when they were meant to leave, " +
    "so the highest latencies are the time away.",
  defaults: { connections: 2000, seconds: 30, rate: 1000, percent: 50 },
  heeds: ["percent"],
  percentMax: 600,
  setup: () => ({ cast: { kind: "pairs", talkers: 1 } }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "steady", seconds: Math.ceil(dials.seconds / 2), what: "messages flow, nobody leaves" },
    { name: "churn", seconds: dials.seconds, what: "--percent of all sessions leave each minute, and return 5 s later" },
    { name: "return", seconds: AWAY_MS / 1000, what: "nobody leaves any more; the last come back" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    let steadyP50 = 0;
    await stage.phase("steady", async (figures) => {
      const { latency } = await stage.measure(Math.ceil(dials.seconds / 2), { latencies: false, cpu: false });
      steadyP50 = latency?.p50 ?? 0;
      figures["p50_ms"] = steadyP50;
      figures["p99_ms"] = latency?.p99 ?? 0;
    });
    await stage.phase("churn", async (figures) => {
      await stage.churn(EVERYBODY, dials.percent / 100, AWAY_MS);
      const { latency, welcomes, seconds } = await stage.measure(dials.seconds, { there: Math.max(0, 1 - ((dials.percent / 100) * AWAY_MS) / 60_000) });
      figures["returns_per_minute"] = Math.round((welcomes / seconds) * 60);
      figures["p50_ms"] = latency?.p50 ?? 0;
      figures["p99_ms"] = latency?.p99 ?? 0;
      if (steadyP50 > 0 && latency !== null) figures["p50_ratio_to_steady"] = Math.round((latency.p50 / steadyP50) * 100) / 100;
      stage.require(welcomes > 0, "nobody came and went");
    });
    await stage.phase("return", async () => {
      await stage.churn(EVERYBODY, 0, AWAY_MS);
      await stage.wait(AWAY_MS / 1000);
      await stage.connect(EVERYBODY);
      await requireAll(stage, dials);
      await stage.stopTraffic();
    });
  },
};

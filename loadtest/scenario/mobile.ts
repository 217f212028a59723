// mobile: phones on bad networks.
import { EVERYBODY } from "../driver/control.ts";
import { begin, beginning, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

/** 2G holds answers for seconds: what looks like nothing moving is not over yet. */
const QUIET_SECONDS = 20;

export const mobile: Scenario = {
  name: "mobile",
  summary: "phones behind slow and lossy networks that they lose and change",
  meaning:
    "All connections go through a proxy inside the drivers that shapes them: delay, jitter, bandwidth and loss of --profile. Then --percent of all sessions each minute lose " +
    "their network without a goodbye (the server sees nothing, as behind a NAT) and come back from another address, while messages go on. " +
    "A quarter of the drivers' time may go into shaping, so rates are low; compare runs of this scenario with each other, not with direct.",
  defaults: { connections: 300, seconds: 30, rate: 100, percent: 60, profile: "3g" },
  heeds: ["percent", "profile"],
  percentMax: 600,
  setup: ({ profile }) => ({ cast: { kind: "pairs", talkers: 1 }, network: { profile } }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "steady", seconds: Math.ceil(dials.seconds / 2), what: "messages flow over the shaped network" },
    { name: "switching", seconds: dials.seconds, what: "--percent of all sessions change networks each minute" },
    { name: "return", seconds: 10, what: "nobody changes any more; all come back and get what they missed" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    await stage.phase("steady", async (figures) => {
      const { latency } = await stage.measure(Math.ceil(dials.seconds / 2), { cpu: false });
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99 });
    });
    await stage.phase("switching", async (figures) => {
      await stage.switchNetworks(EVERYBODY, dials.percent / 100);
      const { latency, welcomes, seconds } = await stage.measure(dials.seconds);
      figures["switches_per_minute"] = Math.round((welcomes / seconds) * 60);
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99 });
    });
    await stage.phase("return", async (figures) => {
      await stage.switchNetworks(EVERYBODY, 0);
      await stage.stopTraffic();
      const [, { settled, tookMs }] = await Promise.all([stage.connect(EVERYBODY), stage.settle(QUIET_SECONDS)]);
      figures["time_to_settled_ms"] = Math.round(tookMs);
      stage.require(settled, "not everything arrived over the shaped network");
    });
  },
};

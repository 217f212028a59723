// storm: everybody drops at once and comes back at once.
import { EVERYBODY } from "../driver/control.ts";
import { AT_ONCE, begin, beginning, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

/** What the bar is drawn for. */
const EXPECTED_BACK_PER_SECOND = 2000;

export const storm: Scenario = {
  name: "storm",
  summary: "all connections drop at once, and all come back at once",
  meaning:
    "While messages flow, every connection is reset in the same moment, and every session connects again immediately, without the random wait that the protocol asks " +
    "of clients: the worst case. What was sent meanwhile is sent or fetched once its people are back, and counts from the moment it was meant to leave. " +
    "Look at the time until 50, 99, 99.9 and 100% are back (welcomed), and at whether latencies are what they were once it is over.",
  defaults: { connections: 2000, seconds: 20, rate: 1000 },
  setup: () => ({ cast: { kind: "pairs", talkers: 1 } }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "before", seconds: Math.ceil(dials.seconds / 2), what: "messages flow" },
    {
      name: "storm",
      seconds: Math.ceil(dials.connections / EXPECTED_BACK_PER_SECOND) + 1,
      what: "every connection is reset, everybody connects at once; messages go on",
    },
    { name: "after", seconds: dials.seconds, what: "messages flow, and what waited arrives" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    let before: number | undefined;
    await stage.phase("before", async (figures) => {
      const { latency } = await stage.measure(Math.ceil(dials.seconds / 2), { latencies: false });
      before = latency?.p99;
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99 });
    });
    await stage.phase("storm", async (figures) => {
      const window = await stage.during(
        async () => {
          await stage.disconnect(EVERYBODY, "reset");
          const { connected, failed, reachedMs, tookMs } = await stage.connect(EVERYBODY, AT_ONCE);
          figures["back"] = connected;
          figures["failed"] = failed;
          figures["time_to_50_ms"] = Math.round(reachedMs.p50);
          figures["time_to_99_ms"] = Math.round(reachedMs.p99);
          figures["time_to_999_ms"] = Math.round(reachedMs.p999);
          // When some did not come back, the last of the others is not all.
          if (failed === 0) {
            figures["time_to_all_ms"] = Math.round(reachedMs.max);
            figures["time_to_all_synced_ms"] = Math.round(tookMs);
          }
          figures["accepts_per_second"] = Math.round((connected * 1000) / Math.max(1, reachedMs.max));
        },
        { cpu: false },
      );
      if (window.latency !== null) Object.assign(figures, { p50_ms: window.latency.p50, p99_ms: window.latency.p99, max_ms: window.latency.max });
      for (const [part, micros] of Object.entries(window.cpuMicros ?? {})) figures[`${part}_cpu_ms`] = Math.round(micros / 1000);
      figures["driver_cpu_percent"] = Math.max(...window.driverCpu.map(({ mean }) => mean));
    });
    await stage.phase("after", async (figures) => {
      const { latency } = await stage.measure(dials.seconds, { latencies: true, cpu: false });
      if (latency !== null) {
        Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99, max_ms: latency.max });
        if (before !== undefined) figures["p99_ratio_to_before"] = Math.round((latency.p99 / before) * 100) / 100;
      }
      const alive = await stage.connected();
      stage.require(alive === dials.connections, `only ${alive} of ${dials.connections} sessions were back at the end`);
    });
    await stage.stopTraffic();
  },
};

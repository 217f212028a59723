// offline: writing to people who are not there.
import { EVERYBODY, type Share } from "../driver/control.ts";
import { begin, beginning, type Scenario } from "./scenario.ts";

/** Who goes away; the others write. */
const ABSENT: Share = { from: 0.5, to: 1 };
const PRESENT: Share = { from: 0, to: 0.5 };

export const offline: Scenario = {
  name: "offline",
  summary: "write to people who are away; then all return and sync",
  meaning:
    "Half of the sessions leave. The other half writes to everybody, the absent ones too. Then all absent ones return at the pace of --connect-rate, sync, and " +
    "must get every message that was stored for them, once and in order. Look at the time until everything is there. Latencies of the result are those " +
    "of acks and of readers who are there; those of the absent count from when a message was meant to leave, and are figures of the return.",
  defaults: { connections: 2000, seconds: 10, rate: 2000 },
  setup: () => ({ cast: { kind: "pairs", talkers: 1 } }),
  phases: (dials) => [
    ...beginning(dials),
    { name: "leave", seconds: 2, what: "half of the sessions close in order" },
    { name: "traffic", seconds: dials.seconds, what: "the other half writes to all" },
    { name: "return", seconds: Math.ceil(dials.connections / 2 / dials.connectRate) + 2, what: "the absent come back, sync, and fetch what they missed" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await stage.phase("leave", async (figures) => {
      await stage.disconnect(ABSENT, "close");
      await stage.wait(1);
      figures["away"] = dials.connections - (await stage.connected());
    });
    let waiting = 0;
    await stage.phase("traffic", async (figures) => {
      await stage.traffic(dials.rate, PRESENT);
      // How much of it is for those who are there is up to the messages.
      const { acked, delivered, seconds } = await stage.measure(dials.seconds, { there: 0 });
      figures["acked_per_second"] = Math.round(acked / seconds);
      await stage.stopTraffic();
      await stage.wait(1);
      waiting = acked - delivered;
      figures["messages_waiting"] = waiting;
      stage.require(waiting > 0, "nobody wrote to those who were away");
    });
    await stage.phase("return", async (figures) => {
      const window = await stage.during(
        async () => {
          // Together: what the first to come back missed comes while others connect.
          const [{ failed, reachedMs }, { settled, tookMs }] = await Promise.all([stage.connect(EVERYBODY), stage.settle()]);
          figures["time_to_99_back_ms"] = Math.round(reachedMs.p99);
          if (failed === 0) figures["time_to_all_back_ms"] = Math.round(reachedMs.max);
          figures["time_to_synced_ms"] = Math.round(tookMs);
          stage.require(settled, "not everything that was stored for them reached those who came back");
        },
        { latencies: false, cpu: false },
      );
      if (window.latency !== null) Object.assign(figures, { p50_ms: window.latency.p50, p99_ms: window.latency.p99 });
      figures["synced_messages"] = window.delivered;
      figures["rows_fetched_in_pages"] = window.pulledRows;
      for (const [part, micros] of Object.entries(window.cpuMicros ?? {})) figures[`${part}_cpu_ms`] = Math.round(micros / 1000);
    });
  },
};

// slow: some read hardly at all; nobody else may feel it.
import type { Share } from "../driver/control.ts";
import { begin, beginning, requireAll, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

/** The smallest budget of pushes for one connection that a gateway takes, so that a short run gets there. */
const PUSH_BYTES_MAX = 64 * 1024 + 1024;

/** Not from the first session on: that one is a sender, and who reads no acks has soon sent all that may be unanswered. */
function slowOnes({ percent, connections }: { percent: number; connections: number }): Share {
  return { from: 1 / connections, to: Math.min(1, 1 / connections + percent / 100) };
}

export const slow: Scenario = {
  name: "slow",
  summary: "a few receivers read one byte a second",
  meaning:
    "Messages flow; then --percent of all sessions read 1 byte a second, and those who read freely are measured again: their p99 stands beside that of before, as a ratio " +
    "within the run. The memory of the gateways is looked at before and at the end. Then the slow ones read again, and must get everything that they missed. " +
    "Sessions form groups of one sender and --devices receivers, so that everybody gets much, and the gateways' budget for one connection is the smallest there is (65 KiB): " +
    "it is used up within the run, and the slow ones are switched from push to pull.",
  defaults: { connections: 200, seconds: 30, rate: 1500, percent: 1, devices: 9 },
  heeds: ["percent", "devices"],
  percentMax: 50,
  setup: ({ devices }) => ({
    cast: { kind: "fanout", devices },
    gatewayArgs: ["--push-bytes-max", `${PUSH_BYTES_MAX}`],
    logicArgs: ["--sessions-per-user", `${Math.max(32, devices)}`],
  }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "before", seconds: dials.seconds, what: "everybody reads freely" },
    { name: "slow", seconds: dials.seconds, what: "--percent of the sessions read 1 byte a second" },
    { name: "catch-up", seconds: 5, what: "they read freely again, and get what they missed" },
  ],
  async play(stage, dials) {
    const share = slowOnes(dials);
    await begin(stage, dials);
    await warmUp(stage, dials);
    let before: { p50: number; p99: number } | null = null;
    const bytes: (number | undefined)[] = [];
    const memory = (figures: Record<string, number>): void => {
      const now = stage.gatewayBytes();
      bytes.push(now);
      if (now !== undefined) figures["gateway_bytes"] = now;
    };
    await stage.phase("before", async (figures) => {
      const { latency } = await stage.measure(dials.seconds, { cpu: false });
      before = latency;
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99 });
      memory(figures);
    });
    await stage.phase("slow", async (figures) => {
      figures["slow_sessions"] = await stage.throttle(share, 1);
      await stage.connect();
      const { latency } = await stage.measure(dials.seconds, { there: 1 - (share.to - share.from) });
      if (latency !== null) {
        Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99 });
        if (before !== null) {
          figures["p50_ratio_to_before"] = Math.round((latency.p50 / before.p50) * 100) / 100;
          figures["p99_ratio_to_before"] = Math.round((latency.p99 / before.p99) * 100) / 100;
        }
      }
      memory(figures);
      if (bytes[0] !== undefined && bytes[1] !== undefined) figures["gateway_bytes_more"] = bytes[1] - bytes[0];
    });
    await stage.phase("catch-up", async (figures) => {
      await stage.stopTraffic();
      const window = await stage.during(
        async () => {
          await stage.throttle(share, 0);
          const { settled, tookMs } = await stage.settle();
          figures["time_to_caught_up_ms"] = Math.round(tookMs);
          stage.require(settled, "the slow ones did not get everything that they had missed");
          await requireAll(stage, dials);
        },
        { latencies: false, cpu: false },
      );
      figures["rows_caught_up"] = window.delivered;
      figures["rows_fetched_in_pages"] = window.pulledRows;
    });
  },
};

// deploy: a new version takes over while people talk.
import { begin, beginning, requireAll, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

const GATEWAYS = 2;
/** Clients are sent on at about this pace, well below that at which a gateway lets them in; a drain lasts as long as that takes. */
const MOVED_PER_SECOND = 1000;
const DRAIN_MS_MIN = 2000;
/** What a process may open here, with room for what is no connection. */
const CONNECTIONS_MAX = 19_000;
/** A message may be late by so much at the most, at the 99th percentile. */
const GAP_MS_MAX = 1000;

/** Of one gateway; when one of two drains, the other may have had three quarters of all sessions. */
function drainMs(connections: number): number {
  return Math.max(DRAIN_MS_MIN, Math.ceil((connections * 1000) / MOVED_PER_SECOND));
}

export const deploy: Scenario = {
  name: "deploy",
  summary: "all gateways are replaced one after the other while messages flow",
  meaning:
    "Messages flow as in direct; then every gateway is replaced by a new process, as `hawser roll` does it: a new one starts on the same ports (where they can be shared; " +
    "otherwise each gateway drains to the others and starts again), and the old one tells each of its sessions when to leave and where to go. " +
    "p99 and the longest delay of a message during the roll stand beside those of before, of the same run; p99 has to stay below a second, no connection may be cut, and nothing lost. " +
    "It takes a server of its own, with at least two gateways.",
  defaults: { connections: 2000, seconds: 20, rate: 1000 },
  setup: ({ connections }) => ({
    cast: { kind: "pairs", talkers: 1 },
    gatewaysMin: GATEWAYS,
    sharePorts: true,
    drainMs: drainMs(connections),
    gatewayArgs: ["--connections-max", `${Math.min(CONNECTIONS_MAX, connections + 256)}`],
  }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "before", seconds: Math.ceil(dials.seconds / 2), what: "messages flow" },
    { name: "roll", seconds: GATEWAYS * (drainMs(dials.connections) / 1000 + 2), what: "gateways are replaced one after the other; messages go on" },
    { name: "after", seconds: Math.ceil(dials.seconds / 2), what: "messages flow" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    let before: number | undefined;
    await stage.phase("before", async (figures) => {
      const { latency } = await stage.measure(Math.ceil(dials.seconds / 2), { latencies: false, cpu: false });
      before = latency?.p99;
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99, max_ms: latency.max });
    });
    await stage.phase("roll", async (figures) => {
      const window = await stage.during(() => stage.roll(), { cpu: false });
      const { latency, welcomes, closes, seconds } = window;
      figures["roll_seconds"] = seconds;
      figures["moves"] = welcomes;
      figures["connections_cut"] = closes;
      if (latency !== null) {
        Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99, p999_ms: latency.p999, max_ms: latency.max });
        if (before !== undefined) figures["p99_ratio_to_before"] = Math.round((latency.p99 / before) * 100) / 100;
        stage.require(
          latency.p99 < GAP_MS_MAX,
          `1% of the messages took more than ${Math.round(latency.p99)} ms while gateways were replaced (limit ${GAP_MS_MAX} ms)`,
        );
      }
      stage.require(closes === 0, `${closes} connections were cut instead of being sent on`);
      stage.require(welcomes >= dials.connections, `only ${welcomes} moves of ${dials.connections} sessions: some were on no gateway that was replaced`);
    });
    await stage.phase("after", async (figures) => {
      const { latency } = await stage.measure(Math.ceil(dials.seconds / 2), { latencies: false, cpu: false });
      if (latency !== null) Object.assign(figures, { p50_ms: latency.p50, p99_ms: latency.p99, max_ms: latency.max });
    });
    await requireAll(stage, dials);
    await stage.stopTraffic();
  },
};

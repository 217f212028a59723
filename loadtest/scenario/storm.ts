// storm: everybody drops at once and comes back at once.
import { EVERYBODY } from "../driver/control.ts";
import { AT_ONCE, begin, beginning, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

/** The pace of one gateway, for which the bar is drawn. */
const EXPECTED_BACK_PER_SECOND = 2000;
/** Of the sessions, how many resumes may need the store: those of whom nothing was in memory any more. */
const STORE_READS_PART_MAX = 0.01;

export const storm: Scenario = {
  name: "storm",
  summary: "all connections drop at once, and all come back at once",
  meaning:
    "While messages flow, every connection is reset in the same moment, and every session connects again immediately, without the random wait that the protocol asks " +
    "of clients: the worst case. What was sent meanwhile is sent or fetched once its people are back, and counts from the moment it was meant to leave. " +
    "The gateways let them in at their pace, and tell those beyond it when to come back, which the sessions obey. " +
    "Look at the time until 50, 99, 99.9 and 100% are back (welcomed), and at whether latencies are what they were once it is over. " +
    "Resumes are answered from logic's memory: less than 1% of them may read the user from the store; conversations that are new, rows that are sent again and pages of rows that were missed are read as ever, at most once a row.",
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
      const readsBefore = await stage.storeReads();
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
      const readsAfter = await stage.storeReads();
      if (readsBefore !== undefined && readsAfter !== undefined) {
        // What a resume costs when nothing of the user is in memory.
        figures["store_reads_at_first"] = readsBefore.users;
        const reads = readsAfter.users - readsBefore.users;
        figures["store_reads"] = reads;
        // Not of resumes: somebody wrote in a conversation for the first time, or asked for rows that were missed.
        figures["store_conversations"] = readsAfter.conversations - readsBefore.conversations;
        figures["store_repeats"] = readsAfter.repeats - readsBefore.repeats;
        figures["store_pages"] = readsAfter.pages - readsBefore.pages;
        const most = Math.ceil(dials.connections * STORE_READS_PART_MAX);
        stage.require(reads <= most, `${dials.connections} resumes had to read the user from the store ${reads} times (limit ${most})`);
        const rows = window.sent + window.delivered;
        const others = figures["store_conversations"] + figures["store_repeats"] + figures["store_pages"];
        stage.require(others <= rows, `conversations, repeated rows and pages were read from the store ${others} times for ${rows} messages and deliveries`);
      } else {
        // A server that is not ours: how often it reads its store is not to be had.
        figures["store_reads_not_known"] = 1;
      }
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

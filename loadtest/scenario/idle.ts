// idle: what it costs to be there.
import { begin, beginning, type Dials, REST_SECONDS, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

const BEATS_MIN = 3;
const TALKERS_MIN = 1000;
/** From so many connections on, this part of them comes first, to warm every process up. */
const WARM_FROM = 10_000;
const WARM_PART = 0.05;

/** The gateway's own interval of beats, s; shorter when the hold would not see a few. */
function heartbeatFor(seconds: number): number {
  return Math.min(240, Math.max(5, Math.floor(seconds / BEATS_MIN)));
}

/** Where some talk later, what idling costs is seen before they do, for long enough that it can be taken off. */
function restFor({ rate, seconds }: Dials): number {
  return rate > 0 ? Math.min(15, Math.max(3, seconds / 2)) : Math.min(REST_SECONDS, Math.max(1, seconds / 4));
}

/** Sessions that talk: one in ten, and where that is many, ten for each message of a second, so that nobody says much. */
function talkersFor({ connections, rate, talkers }: Dials): number {
  if (rate === 0) return 0;
  return talkers > 0 ? Math.min(talkers, connections) : Math.max(2, Math.floor(Math.min(connections / 10, Math.max(TALKERS_MIN, rate * 10))));
}

export const idle: Scenario = {
  name: "idle",
  summary: "hold connections with nothing but beats",
  meaning:
    "All sessions connect and say nothing but their beats. At the end every one of them must still be there, without having been lost in between. " +
    "Memory per connection is private memory of all server processes over what they had with nobody connected; kernel memory stands beside it. " +
    "The interval of beats is a third of --seconds (at most the usual 240 s), so that everybody beats a few times; --heartbeat sets it (not on a server of --url, whose gateways have their own). " +
    "--rate lets a few talk meanwhile: --talkers says how many (one in ten sessions where nothing is said, but at most ten for each message of a second); --talk-gateways connects these to so many " +
    "of the gateways only, which have as many connections as the others: so that runs of different sizes have as many gateways in play.",
  defaults: { connections: 10_000, seconds: 30, rate: 0 },
  heeds: ["heartbeat", "talkers", "talkGateways"],
  setup: (dials) => ({
    cast: { kind: "pairs", talkers: 0 },
    talkers: talkersFor(dials),
    gatewayArgs: dials.heartbeat > 0 ? [] : ["--heartbeat-ms", `${heartbeatFor(dials.seconds) * 1000}`],
  }),
  phases: (dials) => [
    ...beginning(dials, restFor(dials)),
    ...(dials.rate > 0 ? [warmUpPlan(dials)] : []),
    { name: "hold", seconds: dials.seconds, what: "everybody beats; --rate > 0: some talk" },
  ],
  async play(stage, dials) {
    await begin(stage, dials, restFor(dials), dials.connections >= WARM_FROM ? WARM_PART : 0);
    if (dials.rate > 0) await warmUp(stage, dials);
    await stage.phase("hold", async (figures) => {
      // Memory is what it is after a while, when heaps have been tidied; and what idling costs is seen over all of the hold.
      const before = await stage.batches();
      const window = dials.rate > 0 ? await stage.measure(dials.seconds) : await stage.during(() => stage.rest(dials.seconds));
      if (dials.rate > 0) {
        const after = await stage.batches();
        figures["acked_per_second"] = Math.round(window.acked / Math.max(1e-3, window.seconds));
        if (before !== undefined && after !== undefined && after > before) figures["messages_per_batch"] = Number((window.acked / (after - before)).toFixed(2));
      }
      const alive = await stage.connected();
      figures["alive_at_end"] = alive;
      figures["connections_lost"] = window.closes;
      stage.require(alive === dials.connections, `${dials.connections - alive} of ${dials.connections} sessions were not there at the end`);
      stage.require(window.closes === 0, `${window.closes} connections were lost while nothing happened`);
    });
  },
};

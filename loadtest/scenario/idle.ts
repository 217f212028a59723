// idle: what it costs to be there.
import { begin, beginning, type Scenario } from "./scenario.ts";
import { EVERYBODY } from "../driver/control.ts";

const BEATS_MIN = 3;

/** The gateway's own interval of beats, s; shorter when the hold would not see a few. */
function heartbeatFor(seconds: number): number {
  return Math.min(240, Math.max(5, Math.floor(seconds / BEATS_MIN)));
}

export const idle: Scenario = {
  name: "idle",
  summary: "hold connections with nothing but beats",
  meaning:
    "All sessions connect and say nothing but their beats. At the end every one of them must still be there, without having been lost in between. " +
    "Memory per connection is private memory of all server processes over what they had with nobody connected; kernel memory stands beside it. " +
    "The interval of beats is a third of --seconds (at most the usual 240 s), so that everybody beats a few times; --heartbeat sets it (not on a server of --url, whose gateways have their own). " +
    "--rate lets a few talk meanwhile: it is spread over one in ten sessions.",
  defaults: { connections: 10_000, seconds: 30, rate: 0 },
  heeds: ["heartbeat"],
  setup: ({ seconds, heartbeat, rate }) => ({
    cast: { kind: "pairs", talkers: rate > 0 ? 0.1 : 0 },
    gatewayArgs: heartbeat > 0 ? [] : ["--heartbeat-ms", `${heartbeatFor(seconds) * 1000}`],
  }),
  phases: (dials) => [...beginning(dials), { name: "hold", seconds: dials.seconds, what: "everybody beats; --rate > 0: one in ten talks" }],
  async play(stage, dials) {
    await begin(stage, dials);
    await stage.phase("hold", async (figures) => {
      if (dials.rate > 0) await stage.traffic(dials.rate, EVERYBODY);
      // Memory is what it is after a while, when heaps have been tidied; and what idling costs is seen over all of the hold.
      const window = dials.rate > 0 ? await stage.measure(dials.seconds) : await stage.during(() => stage.rest(dials.seconds));
      const alive = await stage.connected();
      figures["alive_at_end"] = alive;
      figures["connections_lost"] = window.closes;
      stage.require(alive === dials.connections, `${dials.connections - alive} of ${dials.connections} sessions were not there at the end`);
      stage.require(window.closes === 0, `${window.closes} connections were lost while nothing happened`);
    });
  },
};

// direct: one person writes to another, durably; the figure that everything else is compared with.
import { begin, beginning, requireAll, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

export const direct: Scenario = {
  name: "direct",
  summary: "durable messages from one to one",
  meaning:
    "Every session is a user who writes to the partners, as often and with the texts that the message file has. Messages leave open loop at --rate, " +
    "whether or not earlier ones were answered, and latency counts from the moment a message was meant to leave. " +
    "CPU per message is that of all server processes together over the traffic phase.",
  defaults: { connections: 2000, seconds: 20, rate: 2000 },
  setup: () => ({ cast: { kind: "pairs", talkers: 1 } }),
  phases: (dials) => [...beginning(dials), warmUpPlan(dials), { name: "traffic", seconds: dials.seconds, what: "messages flow at --rate, measured" }],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    await stage.phase("traffic", async (figures) => {
      const { acked, delivered, seconds } = await stage.measure(dials.seconds);
      figures["acked_per_second"] = Math.round(acked / seconds);
      figures["delivered_per_second"] = Math.round(delivered / seconds);
    });
    await requireAll(stage, dials);
    await stage.stopTraffic();
  },
};

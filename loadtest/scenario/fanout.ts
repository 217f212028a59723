// fanout: one sender, many devices.
import { begin, beginning, requireAll, type Scenario, warmUp, warmUpPlan } from "./scenario.ts";

export const fanout: Scenario = {
  name: "fanout",
  summary: "one sender to a receiver with very many devices",
  meaning:
    "Sessions form groups of one sender and one receiver with --devices devices; every message is stored once and delivered to all of them. " +
    "--rate counts messages, so there are --devices times as many deliveries. CPU per delivery is the figure to look at.",
  defaults: { connections: 1010, seconds: 20, rate: 40, devices: 100 },
  heeds: ["devices"],
  setup: ({ devices }) => ({ cast: { kind: "fanout", devices }, logicArgs: ["--sessions-per-user", `${Math.max(32, devices)}`] }),
  phases: (dials) => [
    ...beginning(dials),
    warmUpPlan(dials),
    { name: "traffic", seconds: dials.seconds, what: "messages flow at --rate to all devices of each receiver, measured" },
  ],
  async play(stage, dials) {
    await begin(stage, dials);
    await warmUp(stage, dials);
    await stage.phase("traffic", async (figures) => {
      const { acked, delivered, seconds } = await stage.measure(dials.seconds);
      figures["acked_per_second"] = Math.round(acked / seconds);
      figures["delivered_per_second"] = Math.round(delivered / seconds);
      figures["deliveries_per_message"] = acked === 0 ? 0 : Math.round((delivered / acked) * 10) / 10;
    });
    await requireAll(stage, dials);
    await stage.stopTraffic();
  },
};

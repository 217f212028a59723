// ramp: how many connections a second are accepted.
import type { Share } from "../driver/control.ts";
import { AT_ONCE, type Dials, type PhasePlan, REST_SECONDS, type Scenario } from "./scenario.ts";

/** Offered connections a second, step by step; the last takes whatever is admitted. */
const STEPS = [250, 500, 1000, 2000, 4000, AT_ONCE];
/** What an unpaced step reaches, for the progress bar only. */
const EXPECTED_PER_SECOND = 3000;

function shareOf(step: number): Share {
  return { from: step / STEPS.length, to: (step + 1) / STEPS.length };
}

function nameOf(step: number): string {
  const offered = STEPS[step]!;
  return offered === AT_ONCE ? "unpaced" : `${offered}/s`;
}

function plan({ connections }: Dials): PhasePlan[] {
  return STEPS.map((offered, step) => ({
    name: nameOf(step),
    seconds: Math.ceil(connections / STEPS.length / Math.min(offered, EXPECTED_PER_SECOND)) + 1,
    what: offered === AT_ONCE ? "the last part connects all at once: what is admitted is the limit" : `the next part connects, ${offered} offered each second`,
  }));
}

export const ramp: Scenario = {
  name: "ramp",
  summary: "connect faster and faster: accepts per second",
  meaning:
    "The sessions connect in six equal parts, each at twice the rate of the one before, the last one all at once. A connection counts when it was welcomed: " +
    "the token is checked and the session registered at logic. Look at accepted against offered, at the time to be welcomed, and at server CPU per accept. " +
    "--rate and --connect-rate mean nothing here: nobody talks, and the steps are the paces.",
  defaults: { connections: 6000, seconds: 5, rate: 0 },
  // What it costs to let people in is looked for here, not the pace at which that is done usually.
  setup: () => ({ cast: { kind: "pairs", talkers: 0 }, gatewayArgs: ["--handshakes-per-second", "1000000", "--handshakes-max", "1000000"] }),
  phases: (dials) => [
    ...plan(dials),
    { name: "rest", seconds: REST_SECONDS, what: "all are there: memory per connection" },
    { name: "hold", seconds: dials.seconds, what: "all must stay" },
  ],
  async play(stage, dials) {
    let fastest = 0;
    for (const [step, offered] of STEPS.entries()) {
      await stage.phase(nameOf(step), async (figures) => {
        const before = await stage.connected();
        let tookMs = 1;
        const window = await stage.during(async () => {
          const answer = await stage.connect(shareOf(step), offered);
          tookMs = Math.max(1, answer.reachedMs.max);
          if (offered === AT_ONCE) {
            figures["time_to_50_ms"] = Math.round(answer.reachedMs.p50);
            figures["time_to_99_ms"] = Math.round(answer.reachedMs.p99);
          }
          figures["failed"] = answer.failed;
        });
        const accepted = (await stage.connected()) - before;
        const perSecond = (accepted * 1000) / tookMs;
        fastest = Math.max(fastest, perSecond);
        if (offered !== AT_ONCE) figures["offered_per_second"] = offered;
        figures["accepts_per_second"] = Math.round(perSecond);
        if (window.cpuMicros !== null && accepted > 0) {
          for (const [part, micros] of Object.entries(window.cpuMicros)) figures[`${part}_cpu_us_per_accept`] = Math.round(micros / accepted);
        }
      });
    }
    await stage.phase("rest", () => stage.rest(REST_SECONDS));
    await stage.phase("hold", async (figures) => {
      await stage.wait(dials.seconds);
      const alive = await stage.connected();
      figures["accepts_per_second_max"] = Math.round(fastest);
      figures["alive_at_end"] = alive;
      stage.require(alive === dials.connections, `${dials.connections - alive} of ${dials.connections} sessions were not there at the end`);
    });
  },
};

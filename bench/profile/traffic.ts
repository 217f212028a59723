// What a profile is taken of: a scenario of the load test, by its own drivers, or pairs that write to each other as fast as the
// server answers. Either way there is one stretch of time that counts, between `begin` and `end`.
import { setTimeout as delay } from "node:timers/promises";
import type { Stack } from "../../cli/stack.ts";
import { gatewayArgs } from "../../loadtest/run/layout.ts";
import { runLoadTest } from "../../loadtest/run/load-test.ts";
import { openFilesMax } from "../../gateway/accept/admission.ts";
import { dialsFor, SCENARIOS, scenarioNamed } from "../../loadtest/scenario/catalogue.ts";
import type { Dials } from "../../loadtest/scenario/scenario.ts";
import { startPairs } from "../pair-traffic.ts";
import { realSamples } from "../samples.ts";

export interface TrafficPlan {
  /** A scenario's name, or "pairs". */
  scenario: string;
  seconds: number;
  connections?: number;
  /** Messages a second; "pairs" has none. */
  rate?: number;
}

export interface Hooks {
  /** The stretch that counts begins, and ends. The load test does not wait for them. */
  begin(): Promise<void>;
  end(): Promise<void>;
}

export interface TrafficDone {
  /** Acked in the stretch. */
  messages: number;
  seconds: number;
  /** For people. */
  what: string;
}

export interface Traffic {
  /** What the stack has to be started with. */
  gatewayArgs: readonly string[];
  logicArgs: readonly string[];
  run(stack: Stack, hooks: Hooks): Promise<TrafficDone>;
}

export const TRAFFIC_NAMES: readonly string[] = [...SCENARIOS.map(({ name }) => name), "pairs"];

const PAIRS = 100;
const WARM_MS = 1000;
const TEXTS = 20_000;

/** Throws RangeError for a scenario that there is not. */
export function trafficFor(plan: TrafficPlan): Traffic {
  return plan.scenario === "pairs" ? pairs(plan) : loadTest(plan);
}

function pairs({ seconds, connections = 2 * PAIRS }: TrafficPlan): Traffic {
  return {
    gatewayArgs: ["--sends-per-second", "100000"],
    logicArgs: [],
    async run(stack, hooks) {
      const { samples } = await realSamples(TEXTS);
      const url = new URL(stack.urls.tcp);
      const count = Math.max(1, connections >> 1);
      const texts = samples.map(({ row }) => row.payload);
      const traffic = await startPairs({ host: url.hostname, tcpPort: Number(url.port) }, count, "-prof", texts);
      try {
        await delay(WARM_MS);
        await hooks.begin();
        const before = traffic.done;
        const started = performance.now();
        await delay(seconds * 1000);
        const messages = traffic.done - before;
        const took = (performance.now() - started) / 1000;
        await hooks.end();
        return { messages, seconds: took, what: `${count} pairs with one message in flight each, ${Math.round(messages / took)} messages/s` };
      } finally {
        traffic.stop();
      }
    },
  };
}

function loadTest({ scenario: name, seconds, connections, rate }: TrafficPlan): Traffic {
  const scenario = scenarioNamed(name);
  const asked: Partial<Dials> = { seconds, ...(connections !== undefined && { connections }), ...(rate !== undefined && { rate }) };
  const dials = dialsFor(scenario, { ...asked, transport: "tcp" });
  const setup = scenario.setup(dials);
  // The phase that the scenario is about: by its name, or the longest.
  const phases = scenario.phases(dials);
  const counted = phases.find((phase) => phase.name === "traffic") ?? phases.reduce((longest, phase) => (phase.seconds > longest.seconds ? phase : longest));
  return {
    gatewayArgs: gatewayArgs(dials, setup, 1, openFilesMax()),
    logicArgs: setup.logicArgs ?? [],
    async run(stack, hooks) {
      const hooked: Promise<void>[] = [];
      let inside = false;
      const hook = (promise: Promise<void>): void => {
        hooked.push(promise);
        // Awaited below, unless the load test fails first.
        promise.catch(() => undefined);
      };
      const never = new AbortController().signal;
      const { result } = await runLoadTest({
        scenario,
        dials,
        gateways: [{ tcp: stack.urls.tcp, ws: stack.urls.ws }],
        dataDir: undefined,
        driverCount: undefined,
        gatewayCount: undefined,
        messages: undefined,
        seed: 1,
        secret: undefined,
        command: `hawser profile --scenario ${name}`,
        verbose: false,
        screen: process.stderr,
        stop: never,
        kill: never,
        onPhase: (phase) => {
          if (phase === counted.name) hook(hooks.begin());
          else if (inside) hook(hooks.end());
          inside = phase === counted.name;
        },
      });
      await Promise.all(hooked);
      const samples = result.samples.filter(({ phase }) => phase === counted.name);
      const perSecond = samples.reduce((sum, sample) => sum + sample.acked_per_second, 0) / Math.max(1, samples.length);
      const took = result.phases.find((phase) => phase.name === counted.name)?.seconds ?? 0;
      const rated = `${dials.connections} connections, ${Math.round(perSecond)} messages/s`;
      const wrong = result.passed ? "" : "; NOT everything that the load test checks held";
      return { messages: perSecond * took, seconds: took, what: `scenario ${name}, phase ${counted.name}: ${rated}${wrong}` };
    },
  };
}

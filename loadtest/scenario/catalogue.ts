// All scenarios, in the order in which --help lists them, and what a run of one comes to with what a person asked for.
import { churn } from "./churn.ts";
import { deploy } from "./deploy.ts";
import { direct } from "./direct.ts";
import { fanout } from "./fanout.ts";
import { idle } from "./idle.ts";
import { mix } from "./mix.ts";
import { mobile } from "./mobile.ts";
import { offline } from "./offline.ts";
import { ramp } from "./ramp.ts";
import { COMMON_DEFAULTS, type Dials, type Scenario, SPECIAL_DIALS, usualConnectRate } from "./scenario.ts";
import { slow } from "./slow.ts";
import { storm } from "./storm.ts";

export const SCENARIOS: readonly Scenario[] = [direct, fanout, idle, ramp, churn, storm, deploy, slow, offline, mobile, mix];

/** The scenario of that name. Throws RangeError naming those that there are. */
export function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((scenario) => scenario.name === name);
  if (scenario === undefined) throw new RangeError(`no scenario ${JSON.stringify(name)}: there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  return scenario;
}

/** What was asked for, and the scenario's defaults for the rest. Throws RangeError for what it does not heed. */
export function dialsFor(scenario: Scenario, asked: Partial<Dials>): Dials {
  for (const dial of SPECIAL_DIALS) {
    if (asked[dial] !== undefined && scenario.heeds?.includes(dial) !== true)
      throw new RangeError(`${flagOf(dial)} means nothing to scenario ${scenario.name}: leave it out`);
  }
  const { percentMax } = scenario;
  if (percentMax !== undefined && asked.percent !== undefined && asked.percent > percentMax) {
    throw new RangeError(`--percent ${asked.percent} is too much for scenario ${scenario.name}: at most ${percentMax}`);
  }
  const dials = { ...COMMON_DEFAULTS, ...scenario.defaults, ...asked };
  if (asked.connectRate === undefined && scenario.defaults.connectRate === undefined) dials.connectRate = usualConnectRate(dials.connections);
  return dials;
}

/** "talkGateways" → "--talk-gateways" */
export function flagOf(dial: string): string {
  return `--${dial.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What --help says of the scenarios. */
export function describeScenarios(): string {
  const lines: string[] = ["Scenarios:"];
  for (const scenario of SCENARIOS) {
    const dials = dialsFor(scenario, {});
    const defaults = ["connections", "seconds", "rate", ...(scenario.heeds ?? [])].flatMap((dial) => {
      const value = dials[dial as keyof Dials];
      return value === "" || (value === 0 && dial !== "rate") ? [] : [`${flagOf(dial)} ${value}`];
    });
    lines.push("", `  ${scenario.name}: ${scenario.summary}`, ...wrapped(scenario.meaning, "    "), `    defaults: ${defaults.join(" ")}`, "    phases:");
    const width = Math.max(...scenario.phases(dials).map(({ name }) => name.length));
    for (const { name, what } of scenario.phases(dials)) lines.push(`      ${name.padEnd(width)}  ${what}`);
  }
  lines.push("", "Every run ends with settle (everything sent is acked and delivered) and check (all of it is compared).");
  return lines.join("\n");
}

function wrapped(text: string, indent: string, columns = 100): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > columns && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

// Options as commands take them: a flag, else an environment variable, else the default, and checked either way.
import { InvalidArgumentError, Option } from "commander";

/** A port: 0 (any free one) to 65535. */
export function port(text: string): number {
  return integer(0, 65_535)(text);
}

/** A whole number from min to max. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** A time such as 90s, 15m, 1h or 7d, in seconds. */
export function seconds(text: string): number {
  const match = /^(\d{1,9})(s|m|h|d)?$/.exec(text);
  const value = match ? Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[(match[2] ?? "s") as "s" | "m" | "h" | "d"] : 0;
  if (value <= 0) throw new InvalidArgumentError("It must be a time such as 90s, 15m, 1h or 7d.");
  return value;
}

export interface OptionPlan<T> {
  env?: string;
  default?: T;
  /** Shown instead of the default, where that is computed. */
  defaultText?: string;
  parse?: (text: string) => T;
  choices?: readonly string[];
}

/** `option("--tcp-port <port>", "TCP port", { env: "HAWSER_TCP_PORT", default: 7070, parse: port })` */
export function option<T = string>(flags: string, description: string, plan: OptionPlan<T> = {}): Option {
  const made = new Option(flags, description);
  if (plan.env) made.env(plan.env);
  if (plan.default !== undefined) made.default(plan.default, plan.defaultText);
  const { parse } = plan;
  if (parse) made.argParser((text) => parse(text));
  if (plan.choices) made.choices(plan.choices);
  return made;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** What every process that logs takes. */
export function logLevel(level: string): Option {
  return option("--log-level <level>", "how much is logged", { env: "HAWSER_LOG_LEVEL", default: level, choices: LOG_LEVELS });
}

// Reading a result that a load test wrote as JSON. A file may come from anywhere: whatever it holds, the answer is a
// Result with everything that report and compare look at, or a Failure that names the file and what is wrong with it.
import { readFile } from "node:fs/promises";
import { Failure } from "../cli/failure.ts";
import { RESULT_FORMAT, type Result } from "./result.ts";

type Check = (value: unknown, path: string) => string | undefined;

/** Throws Failure when it is not there, or not a result. */
export async function readResult(path: string): Promise<Result> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  return parseResult(text, path);
}

/** `name`: what the text is called in errors. Throws Failure when it is not a result. */
export function parseResult(text: string, name: string): Result {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure(`${name} is not JSON: give a file that hawser loadtest --json wrote`);
  }
  if (!isRecord(value) || !("format" in value)) throw new Failure(`${name} is not the result of a load test: it has no "format"`);
  if (value["format"] !== RESULT_FORMAT) {
    throw new Failure(
      `${name} has format ${JSON.stringify(value["format"])}, this version reads ${RESULT_FORMAT}: run the load test again, or use the version that wrote it`,
    );
  }
  const wrong = RESULT(value, "");
  if (wrong !== undefined) throw new Failure(`${name} is not a whole result of a load test: ${wrong}`);
  return value as unknown as Result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const number: Check = (value, path) => (typeof value === "number" && Number.isFinite(value) ? undefined : `${path} should be a number`);
const string: Check = (value, path) => (typeof value === "string" ? undefined : `${path} should be a text`);
const boolean: Check = (value, path) => (typeof value === "boolean" ? undefined : `${path} should be true or false`);
const scalar: Check = (value, path) =>
  ["string", "number", "boolean"].includes(typeof value) ? undefined : `${path} should be a text, a number, true or false`;

function maybe(check: Check): Check {
  return (value, path) => (value === undefined ? undefined : check(value, path));
}

function orNull(check: Check): Check {
  return (value, path) => (value === null ? undefined : check(value, path));
}

function list(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return `${path} should be a list`;
    return first(value.map((one, index) => () => check(one, `${path}[${index}]`)));
  };
}

function values(check: Check): Check {
  return (value, path) => {
    if (!isRecord(value)) return `${path} should be an object`;
    return first(
      Object.entries(value).map(
        ([key, one]) =>
          () =>
            check(one, `${path}.${key}`),
      ),
    );
  };
}

function shape(fields: Record<string, Check>): Check {
  return (value, path) => {
    if (!isRecord(value)) return `${path === "" ? "it" : path} should be an object`;
    return first(
      Object.entries(fields).map(
        ([key, check]) =>
          () =>
            check(value[key], path === "" ? key : `${path}.${key}`),
      ),
    );
  };
}

const pair: Check = (value, path) => (Array.isArray(value) && value.length === 2 ? list(number)(value, path) : `${path} should be two numbers`);

function first(checks: (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const wrong = check();
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function numbers(...names: string[]): Record<string, Check> {
  return Object.fromEntries(names.map((name) => [name, number]));
}

const PERCENTILES = shape(numbers("p50", "p90", "p99", "p999", "max"));
const AMOUNTS = values(number);

const SAMPLE = shape({
  ...numbers(
    "t",
    "connected",
    "welcomes_per_second",
    "sent_per_second",
    "acked_per_second",
    "delivered_per_second",
    "errors",
    "driver_cpu_percent",
    "stolen_percent",
  ),
  phase: string,
  p50_ms: maybe(number),
  p99_ms: maybe(number),
  max_ms: maybe(number),
  server_cpu_percent: maybe(AMOUNTS),
  server_rss_bytes: maybe(AMOUNTS),
  kernel_bytes: maybe(number),
});

const TRACE = shape({
  what: string,
  from: string,
  to: string,
  device: maybe(string),
  client_seq: maybe(number),
  seq: maybe(number),
  intended: maybe(number),
  sent: maybe(number),
  acked: maybe(number),
  delivered: maybe(number),
  detail: maybe(string),
});

const totals = { parts: AMOUNTS, all: number, available: orNull(number) };
const MEMORY = shape({
  connections: number,
  before: shape(totals),
  warm: maybe(shape({ ...totals, connections: number })),
  connected: shape(totals),
  end: maybe(shape({ ...totals, connections: number })),
  bytes_per_connection: AMOUNTS,
  further_bytes_per_connection: maybe(AMOUNTS),
});

const RESULT = shape({
  ...numbers("seconds", "connections", "sent", "acked", "delivered", "lost", "duplicated", "out_of_order", "driver_cpu_percent"),
  scenario: string,
  command: string,
  started: string,
  versions: shape({ hawser: string, node: string, nats: orNull(string), kernel: string }),
  machine: shape({ cpu: string, ...numbers("cores", "memory_bytes", "files_per_process") }),
  options: values(scalar),
  check: shape({
    ...numbers("sent", "acked", "delivered", "lost", "duplicated", "out_of_order", "repeated_on_wire", "unacked", "heads_checked", "heads_wrong"),
    ...{ not_pushed: maybe(number), heads_unchecked: maybe(number), foreign: maybe(number), protocol_errors: maybe(number) },
  }),
  traces: list(TRACE),
  latency_ms: orNull(PERCENTILES),
  ack_latency_ms: orNull(PERCENTILES),
  throttled_latency_ms: maybe(orNull(PERCENTILES)),
  latency_curve: list(pair),
  ack_latency_curve: list(pair),
  server: orNull(
    shape({
      cpu_us_per_message: orNull(number),
      cpu_us_per_message_over_idle: orNull(number),
      cpu_us_per_delivery: orNull(number),
      split: AMOUNTS,
      idle_cpu_percent: AMOUNTS,
      bytes_per_connection: orNull(number),
      bytes_per_connection_split: AMOUNTS,
      kernel_bytes_per_connection: orNull(number),
    }),
  ),
  memory: maybe(MEMORY),
  memory_curve: list(pair),
  driver: shape({
    ...numbers("processes", "lag_p99_ms"),
    ...{ cpu_percent: list(number), bytes_per_connection: orNull(number), wire: string, passed_over_percent: maybe(number), over_limit_percent: maybe(number) },
  }),
  frame_bytes: AMOUNTS,
  phases: list(shape({ name: string, seconds: number, figures: AMOUNTS })),
  samples: list(SAMPLE),
  errors: AMOUNTS,
  error_details: maybe(values(string)),
  unfit: list(string),
  failures: list(string),
  passed: boolean,
});

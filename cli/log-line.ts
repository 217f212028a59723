// Log lines for a person at a terminal. Gateways and logic write one JSON object a line (pino's), which suits machines.

const LEVELS: Record<number, string> = { 10: "trace", 20: "debug", 30: "info", 40: "WARN", 50: "ERROR", 60: "FATAL" };
const DROPPED = new Set(["level", "time", "pid", "hostname", "name", "msg", "err"]);

/** `{"level":40,"time":…,"msg":"slow","ms":7}` as `12:00:00 WARN slow ms=7`; a line that is no such object as it is. */
export function readableLine(line: string): string {
  if (!line.startsWith('{"level":')) return line;
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // A line cut off by the death of its writer: better shown raw than not at all.
    return line;
  }
  const time = new Date(Number(record["time"]));
  const clock = Number.isNaN(time.getTime()) ? "--:--:--" : time.toTimeString().slice(0, 8);
  const fields = Object.entries(record).flatMap(([key, value]) =>
    DROPPED.has(key) ? [] : [` ${key}=${typeof value === "object" ? JSON.stringify(value) : value}`],
  );
  const error = record["err"] as { message?: string; type?: string } | undefined;
  if (error) fields.push(`: ${error.type ?? "Error"}: ${error.message ?? ""}`);
  return `${clock} ${LEVELS[Number(record["level"])] ?? record["level"]} ${record["msg"] ?? ""}${fields.join("")}`;
}

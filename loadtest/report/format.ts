// Numbers as people read them: three digits that count, units always. A figure's name may carry its unit at its end
// (time_to_999_ms, bytes_per_connection); wordsOf and quantityOf take the two apart.

/** A number and its unit, apart, because tiles set them in different sizes. */
export interface Quantity {
  value: string;
  unit: string;
}

export const MISSING = "–";

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

const UNITS: Record<string, (value: number) => Quantity> = {
  us: (value) => micros(value),
  ms: (value) => millis(value),
  seconds: (value) => ({ value: significant(value), unit: "s" }),
  s: (value) => ({ value: significant(value), unit: "s" }),
  bytes: (value) => bytes(value),
  percent: (value) => ({ value: significant(value), unit: "%" }),
  per_second: (value) => ({ value: significant(value), unit: "/s" }),
  per_minute: (value) => ({ value: significant(value), unit: "/min" }),
};

/** 12,345 */
export function count(value: number): string {
  return Number.isFinite(value) ? GROUPED.format(value) : MISSING;
}

/** Three digits that count: 0.0123, 1.23, 12.3, 123, 12,345. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return GROUPED.format(value);
  if (size < 0.001) return size === 0 ? "0" : value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** For ticks: 1.5k, 20M. */
export function compact(value: number): string {
  const size = Math.abs(value);
  for (const [unit, letter] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= unit * (1 - 1e-9)) return `${Number((value / unit).toPrecision(4))}${letter}`;
  }
  return String(Number(value.toPrecision(4)));
}

export function millis(value: number): Quantity {
  if (!Number.isFinite(value)) return { value: MISSING, unit: "ms" };
  if (value >= 10_000) return { value: significant(value / 1000), unit: "s" };
  if (value > 0 && value < 1) return { value: significant(value * 1000), unit: "µs" };
  return { value: significant(value), unit: "ms" };
}

/** A tick of an axis of latencies, which spans powers of ten: 500 µs, 10 ms, 2 s. */
export function latencyTick(ms: number): string {
  return ms >= 1000 ? text({ value: significant(ms / 1000), unit: "s" }) : text(millis(ms));
}

export function micros(value: number): Quantity {
  return value >= 10_000 ? millis(value / 1000) : { value: significant(value), unit: "µs" };
}

/** Powers of 1024; below 10,000 whole bytes, because memory per connection is compared to the byte. */
export function bytes(value: number): Quantity {
  const size = Math.abs(value);
  if (!(size >= 10_000)) return { value: Number.isInteger(value) || size >= 100 ? count(value) : significant(value), unit: "B" };
  for (const [power, unit] of [
    [1024 ** 4, "TiB"],
    [1024 ** 3, "GiB"],
    [1024 ** 2, "MiB"],
  ] as const) {
    if (size >= power) return { value: significant(value / power), unit };
  }
  return { value: significant(value / 1024), unit: "KiB" };
}

/** 20 s, 10 min 3 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return MISSING;
  if (seconds < 120) return `${significant(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = hours > 0 ? [`${hours} h`, minutes > 0 ? `${minutes} min` : ""] : [`${minutes} min`, rest > 0 ? `${rest} s` : ""];
  return parts.filter((part) => part !== "").join(" ");
}

/** A tick of a time axis: 45 s while minutes are not reached, then 1:30, then 2:00 h. */
export function clockTick(seconds: number, lastSeconds: number): string {
  if (lastSeconds <= 120) return `${seconds} s`;
  const two = (value: number): string => String(value).padStart(2, "0");
  if (lastSeconds <= 7200) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))} h`;
}

/** In one piece, that is with a space that does not break. */
export function text({ value, unit }: Quantity): string {
  return unit === "/s" || unit === "/min" || unit === "%" || unit === "" ? value + unit : `${value}\u00a0${unit}`;
}

/** "time_to_999_ms" → "time to 999", "bytes_per_connection" → "per connection". */
export function wordsOf(name: string): string {
  const match = unitIn(name);
  const words = match === null ? name : name.slice(0, match.index) + name.slice(match.index + match[0].length);
  return words.replaceAll("_", " ").trim() || name;
}

/** ("time_to_999_ms", 812) → 812 ms. Without a unit in the name the number stands alone. */
export function quantityOf(name: string, value: number): Quantity {
  const match = unitIn(name);
  return match === null ? { value: significant(value), unit: "" } : UNITS[match[1]!]!(value);
}

function unitIn(name: string): RegExpExecArray | null {
  return /(?:^|_)(us|ms|s|seconds|bytes|percent)(?=_per_|$)/.exec(name) ?? /_(per_second|per_minute)$/.exec(name);
}

// Samples of a long run, so few that a page can hold them: neighbours of one phase are merged in groups of equal size.
// Rates and CPU become means, latencies and stolen time the worst of the group (p50 its mean), errors add up, and states
// are the last of the group.
import type { Sample } from "../result.ts";

export interface Thinned {
  samples: Sample[];
  /** How many samples, at most, one point stands for. */
  merged: number;
}

export function thin(samples: readonly Sample[], pointsMax: number): Thinned {
  const merged = Math.max(1, Math.ceil(samples.length / pointsMax));
  if (merged === 1) return { samples: [...samples], merged };
  const points: Sample[] = [];
  let group: Sample[] = [];
  for (const sample of samples) {
    if (group.length === merged || (group.length > 0 && group[0]!.phase !== sample.phase)) {
      points.push(merge(group));
      group = [];
    }
    group.push(sample);
  }
  if (group.length > 0) points.push(merge(group));
  return { samples: points, merged };
}

function merge(group: Sample[]): Sample {
  const last = group.at(-1)!;
  const mean = (of: (sample: Sample) => number | undefined): number | undefined => {
    const values = group.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const worst = (of: (sample: Sample) => number | undefined): number | undefined => {
    const values = group.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : Math.max(...values);
  };
  const [p50_ms, p99_ms, max_ms] = [mean((one) => one.p50_ms), worst((one) => one.p99_ms), worst((one) => one.max_ms)];
  const parts = [...new Set(group.flatMap((one) => Object.keys(one.server_cpu_percent ?? {})))];
  return {
    ...last,
    welcomes_per_second: mean((one) => one.welcomes_per_second)!,
    sent_per_second: mean((one) => one.sent_per_second)!,
    acked_per_second: mean((one) => one.acked_per_second)!,
    delivered_per_second: mean((one) => one.delivered_per_second)!,
    errors: group.reduce((sum, one) => sum + one.errors, 0),
    driver_cpu_percent: mean((one) => one.driver_cpu_percent)!,
    stolen_percent: worst((one) => one.stolen_percent)!,
    ...(p50_ms === undefined ? {} : { p50_ms }),
    ...(p99_ms === undefined ? {} : { p99_ms }),
    ...(max_ms === undefined ? {} : { max_ms }),
    ...(parts.length === 0 ? {} : { server_cpu_percent: Object.fromEntries(parts.map((part) => [part, mean((one) => one.server_cpu_percent?.[part])!])) }),
  };
}

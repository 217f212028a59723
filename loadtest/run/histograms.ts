// Latencies of many drivers and many seconds, merged. Drivers send HDR histograms (µs, compressed, base64) of each second;
// histograms add up exactly, which percentiles do not, so percentiles are taken only here, at the end.
import { build, decodeFromCompressedBase64, type Histogram } from "hdr-histogram-js";
import type { PercentileCurve, Percentiles } from "../result.ts";

/** The highest that a bucket is made for: an hour, in µs. Drivers record nothing above it. */
const HIGHEST_US = 3_600_000_000;
const DIGITS = 3;
/** Points of a curve for each halving of what is left up to 100%. */
const POINTS_PER_HALVING = 8;

export class Latencies {
  private readonly histogram: Histogram;

  constructor(histogram?: Histogram) {
    this.histogram = histogram ?? build({ lowestDiscernibleValue: 1, highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: DIGITS });
  }

  /** One encoded histogram of µs. Throws when it is none. */
  static decode(text: string): Latencies {
    return new Latencies(decodeFromCompressedBase64(text));
  }

  /** Adds an encoded histogram of µs, or another collection. Throws when it is not one. */
  add(more: string | Latencies): void {
    this.histogram.add(typeof more === "string" ? decodeFromCompressedBase64(more) : more.histogram);
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  /** In ms; null when there is nothing. */
  percentiles(): Percentiles | null {
    if (this.count === 0) return null;
    const [p50, p90, p99, p999] = [50, 90, 99, 99.9].map((percentile) => this.at(percentile)) as [number, number, number, number];
    return { p50, p90, p99, p999, max: ms(this.histogram.maxValue) };
  }

  /** The value at a percentile, in ms. */
  at(percentile: number): number {
    // The bucket of the highest value may reach beyond it.
    return ms(Math.min(this.histogram.getValueAtPercentile(percentile), this.histogram.maxValue));
  }

  /** For a plot with a log axis of percentiles: dense towards 100%, up to the last single value. */
  curve(): PercentileCurve {
    const { count } = this;
    if (count === 0) return [];
    const curve: PercentileCurve = [];
    for (let step = 0; ; step++) {
      const left = 2 ** (-step / POINTS_PER_HALVING);
      if (left * count < 1) break;
      const percentile = 100 * (1 - left);
      curve.push([Number(percentile.toPrecision(9)), this.at(percentile)]);
    }
    curve.push([100, ms(this.histogram.maxValue)]);
    return curve;
  }
}

/** Three digits are what a histogram knows. */
function ms(us: number): number {
  return Number((us / 1000).toPrecision(DIGITS + 1));
}

// Latencies of the running second, as HDR histograms that are used again. Times are µs.
import { build, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

const HIGHEST_US = 600_000_000;

export class Latency {
  private readonly histogram: Histogram;

  constructor() {
    this.histogram = build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_US,
      numberOfSignificantValueDigits: 3,
      autoResize: false,
      useWebAssembly: false,
    });
  }

  record(us: number): void {
    this.histogram.recordValue(us < 1 ? 1 : us > HIGHEST_US ? HIGHEST_US : Math.round(us));
  }

  /** ms. */
  percentile(percentile: number): number {
    return this.histogram.totalCount === 0 ? 0 : this.histogram.getValueAtPercentile(percentile) / 1000;
  }

  /** What was recorded since the last call, as it travels; undefined: nothing was. */
  take(): string | undefined {
    if (this.histogram.totalCount === 0) return undefined;
    const encoded = encodeIntoCompressedBase64(this.histogram);
    this.histogram.reset();
    return encoded;
  }
}

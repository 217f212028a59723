// What messages cost on the wire: whole frames, length and header included, made by the codec that makes them in production.
// Nothing is timed.
import { BEAT_FRAME } from "../../proto/frame.ts";
import { median } from "../process-cpu.ts";
import type { BenchOptions, BenchResult, Row } from "../result.ts";
import { pushFrame, realSamples, type Sample, sendFrame, sentFrame } from "../samples.ts";

export async function run({ watch }: BenchOptions): Promise<BenchResult> {
  const meter = watch.begin();
  const { samples, source } = await realSamples(1_000_000);
  const notes = [
    `${samples.length} messages from ${source}, numbered as conversations and connections number them; half of the texts have at most`,
    `${median(samples.map(({ row }) => row.payload.length))} bytes. "Beyond" is what a frame has beside the text and, in Send and Push, the one user id. TCP and TLS come on top.`,
  ];
  const columns = [
    { key: "name", title: "" },
    { key: "median_bytes", title: "median" },
    { key: "mean_bytes", title: "mean", digits: 1 },
    { key: "p99_bytes", title: "p99" },
    { key: "median_beyond_bytes", title: "beyond, median" },
  ];
  return { bench: "frames", notes, tables: [{ title: "bytes of a frame", columns, rows: frameRows(samples) }], conditions: await meter.end(), unfit: [] };
}

/** Bytes of each frame that a message becomes. */
export function frameRows(samples: readonly Sample[]): Row[] {
  return [
    row("Send", samples, sendFrame, ({ to, row }) => to.length + row.payload.length),
    row("Sent", samples, sentFrame, () => 0),
    row("Push", samples, pushFrame, ({ from, row }) => from.length + row.payload.length),
    row(
      "beat",
      samples.slice(0, 1),
      () => BEAT_FRAME,
      () => 0,
    ),
  ];
}

function row(name: string, samples: readonly Sample[], frame: (sample: Sample) => Uint8Array, content: (sample: Sample) => number): Row {
  const sizes = samples.map((sample) => frame(sample).length).sort((a, b) => a - b);
  const beyond = samples.map((sample) => frame(sample).length - content(sample));
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  return { name, median_bytes: median(sizes), mean_bytes: mean, p99_bytes: sizes[Math.floor(sizes.length * 0.99)]!, median_beyond_bytes: median(beyond) };
}

// Frames out of a byte stream and into one: the reader over real Sends in the pieces in which sockets hand them over, and the
// ways to write a frame. The floor is a copy of the same bytes in the same pieces.
import { type Encodable, encodeBatch, encodeFrame, encodeMessage, splitBatch } from "../../proto/frame.ts";
import { FrameReader, type FrameSink } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { type Candidate, measure, measureOptions } from "../measure.ts";
import { type BenchOptions, type BenchResult, timingResult } from "../result.ts";
import { each } from "./each.ts";
import { bodyOf, realSamples, sendFrame } from "../samples.ts";

const FRAMES = 8192;
/** What an Ethernet frame leaves of a TCP segment. */
const SEGMENT_BYTES = 1460;
const CHUNK_BYTES = 64 * 1024;
const BATCH = 20;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const { samples, source } = await realSamples(FRAMES);
  const frames = samples.map(sendFrame);
  const stream = Buffer.concat(frames);
  const bytes = stream.length / frames.length;
  const candidates: Candidate[] = [];
  for (const [name, chunks] of [
    ["one frame a chunk", cut(stream, frames)],
    ["1460-byte segments", pieces(stream, SEGMENT_BYTES)],
    ["64 KiB chunks", pieces(stream, CHUNK_BYTES)],
  ] as const) {
    candidates.push(copyFloor(`copy, ${name}`, chunks, frames.length, bytes));
    candidates.push(reading(`FrameReader, ${name}`, chunks, frames.length, bytes, `copy, ${name}`));
  }

  const bodies = frames.map(bodyOf);
  const messages = samples.map(({ to, clientSeq, row }) => ({ peer: to, clientSeq, payload: row.payload }));
  const fresh = "allocate and copy a frame";
  candidates.push({ name: fresh, bytes, run: (count) => each(count, frames, (frame) => new Uint8Array(frame).length) });
  candidates.push({
    name: "encodeMessage(Send)",
    floor: fresh,
    bytes,
    run: (count) => each(count, messages, (message) => encodeMessage(FrameType.Send, hawser.v1.Send as Encodable<(typeof messages)[0]>, message).length),
  });
  candidates.push({ name: "encodeFrame(body)", floor: fresh, bytes, run: (count) => each(count, bodies, (body) => encodeFrame(FrameType.Send, body).length) });

  const groups = Array.from({ length: Math.floor(bodies.length / BATCH) }, (_, i) => bodies.slice(i * BATCH, i * BATCH + BATCH));
  const batches = groups.map((group) => encodeBatch(FrameType.Send | HeaderBit.Batch, group));
  const batchBodies = batches.map(bodyOf);
  const batchBytes = batchBodies.reduce((sum, body) => sum + body.length, 0) / batchBodies.length;
  candidates.push({
    name: `allocate and copy a batch of ${BATCH}`,
    bytes: batchBytes,
    run: (count) => each(count, batches, (batch) => new Uint8Array(batch).length),
  });
  candidates.push({
    name: `encodeBatch of ${BATCH}`,
    floor: `allocate and copy a batch of ${BATCH}`,
    bytes: batchBytes,
    run: (count) => each(count, groups, (group) => encodeBatch(FrameType.Send | HeaderBit.Batch, group).length),
  });
  let seen = 0;
  const split = (start: number, end: number): void => {
    seen += end - start;
  };
  candidates.push({
    name: `splitBatch of ${BATCH}`,
    floor: `allocate and copy a batch of ${BATCH}`,
    bytes: batchBytes,
    run: (count) => each(count, batchBodies, (body) => (splitBatch(body, 0, body.length, split) ? seen & 1 : 0)),
  });

  const notes = [
    `${frames.length} Sends with texts from ${source}, ${bytes.toFixed(1)} bytes on average. An operation is one frame (or one batch).`,
    "Floors: Buffer.copy of the same chunks (reading), new Uint8Array(frame) (writing). A ratio below 1 is no mistake: for pieces",
    "this small a call of memcpy costs more than the bytes, and one copy of a large chunk costs less than looking at its frames.",
  ];
  return timingResult("framing", "per frame", notes, await measure(candidates, measureOptions(options)));
}

class CountingSink implements FrameSink {
  frames = 0;
  bytes = 0;

  frame(header: number, _bytes: Uint8Array, start: number, end: number): boolean {
    this.frames++;
    this.bytes += header + end - start;
    return true;
  }
}

/** Whole passes over the stream only: an operation is a frame, whatever the chunks. */
function reading(name: string, chunks: readonly Uint8Array[], frames: number, bytes: number, floor: string): Candidate {
  const reader = new FrameReader(Limits.frameBytesMax);
  const sink = new CountingSink();
  let next = 0;
  return {
    name,
    floor,
    bytes,
    run(count) {
      for (const wanted = sink.frames + count; sink.frames < wanted; next = next + 1 === chunks.length ? 0 : next + 1) {
        if (reader.push(chunks[next]!, sink) !== 0) throw new Error("the stream is not made of frames");
      }
      return sink.bytes / frames;
    },
  };
}

function copyFloor(name: string, chunks: readonly Buffer[], frames: number, bytes: number): Candidate {
  const target = Buffer.alloc(CHUNK_BYTES);
  const framesPerChunk = frames / chunks.length;
  let next = 0;
  return {
    name,
    bytes,
    run(count) {
      let copied = 0;
      for (let done = 0; done < count; done += framesPerChunk, next = next + 1 === chunks.length ? 0 : next + 1) copied += chunks[next]!.copy(target);
      return copied + target[0]!;
    },
  };
}

function cut(stream: Buffer, frames: readonly Uint8Array[]): Buffer[] {
  let at = 0;
  return frames.map((frame) => stream.subarray(at, (at += frame.length)));
}

function pieces(stream: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, i) => stream.subarray(i * size, (i + 1) * size));
}

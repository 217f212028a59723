// Whether compressing pays, on what would be compressed: bodies of real frames, one by one, in batches, and as pages. The
// dictionary is trained on the messages of one half of the users and everything is measured on the other half's, so that no
// ratio comes from having seen the text before. The floor is a copy of the same bytes. "As shipped" is what gateways do; what they
// decide by is in gateway/compress/policy.ts.
import { hash } from "node:crypto";
import { encodeBatch } from "../../proto/frame.ts";
import { varintBytes } from "../../proto/varint.ts";
import { trainDictionary } from "../../cli/dictionary/train.ts";
import { defaultDictionary } from "../../proto/codec/default-dictionary.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { savingOf } from "../../cli/dictionary/saving.ts";
import { hex } from "../../proto/hex.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { type Candidate, measure, measureOptions, type Timing } from "../measure.ts";
import type { BenchOptions, BenchResult, Row, Table } from "../result.ts";
import { bodyOf, pushFrame, realSamples, type Sample } from "../samples.ts";
import { type Compressor, compressors } from "./codecs.ts";
import { threadHopTable } from "./thread-hop.ts";
import { each } from "./each.ts";

const SMALL_BATCH = 4;
const BATCH = 20;
/** As `hawser dictionary train` has it. */
const SENDERS_MIN = 3;
/** What a client can be expected to keep, and to have shipped with it. */
export const DICTIONARY_BYTES = 16 * 1024;
const FLOOR = "copy";

/** What is compressed at a time. */
interface Unit {
  readonly name: string;
  readonly bodies: readonly Uint8Array[];
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const { quick, progress, watch } = options;
  const meter = watch.begin();
  const { samples, source } = await realSamples(1_000_000);
  const known = samples.filter(({ from }) => isTraining(from));
  const others = samples.filter(({ from }) => !isTraining(from));
  const dictionary = trainDictionary(
    known.map((sample) => ({ sender: hex(sample.from), bytes: bodyOf(pushFrame(sample)) })),
    DICTIONARY_BYTES,
    SENDERS_MIN,
  );
  const codecs = compressors(dictionary, progress);
  const tested = evenly(others, quick ? 4000 : 20_000);
  const bodies = tested.map((sample) => bodyOf(pushFrame(sample)));
  const units: Unit[] = [
    { name: "one Push", bodies },
    { name: `batch of ${SMALL_BATCH} Pushes`, bodies: batches(bodies, SMALL_BATCH) },
    { name: `batch of ${BATCH} Pushes`, bodies: batches(bodies, BATCH) },
    { name: "full Page", bodies: pages(tested) },
  ];
  const notes = [
    `Dictionary of ${dictionary.length} bytes trained on ${known.length} messages of one half of the senders; measured on ${tested.length} of the other half's, from ${source}.`,
    'Ratio: bytes on the wire (with the inflated size that the header says) to bytes without compression; "kept": where what does not shrink is sent as it is.',
    "node:zlib sets a compressor up for each call, which is most of its time for small input.",
  ];
  const tables: Table[] = [];
  const unfit: string[] = [];
  for (const unit of units) {
    progress(unit.name);
    const longest = Math.max(...unit.bodies.map((body) => body.length));
    const fitting = codecs.filter(({ bytesMax }) => bytesMax === undefined || longest <= bytesMax);
    const rows = fitting.map((codec) => ratioRow(codec, unit.bodies));
    const measured = await measure(candidatesFor(fitting, unit.bodies), measureOptions(options));
    const bytes = meanBytes(unit.bodies);
    addTimes(rows, fitting, measured.timings, bytes);
    tables.push({ title: `${unit.name}, ${Math.round(bytes)} bytes on average`, columns: COLUMNS, rows });
    for (const reason of measured.unfit) unfit.push(`${unit.name}: ${reason}`);
  }
  progress("dictionaries");
  tables.push(dictionaryTable(known, bodies, dictionary));
  progress("threads");
  tables.push(await threadHopTable(units.slice(-2), dictionary, 1, quick ? 200 : 1000));
  return { bench: "compression", notes, tables, conditions: await meter.end(), unfit };
}

const COLUMNS = [
  { key: "name", title: "" },
  { key: "ratio", title: "ratio", digits: 3 },
  { key: "ratio_kept", title: "kept", digits: 3 },
  { key: "compress_us", title: "compress µs" },
  { key: "compress_ratio_to_copy", title: "copies" },
  { key: "inflate_us", title: "inflate µs" },
  { key: "inflate_ratio_to_copy", title: "copies" },
  { key: "saved_bytes_per_us", title: "bytes saved/µs" },
];

/** Half of the users, by a hash of the id. */
function isTraining(user: Uint8Array): boolean {
  let hash = 0x811c9dc5;
  for (const byte of user) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 16) % 2 === 0;
}

/** At most `count` of the items, in runs of neighbours from all over them: what is sent together stays together. */
function evenly<T>(items: readonly T[], count: number): T[] {
  const runs = Math.ceil(count / BATCH);
  const step = items.length / runs;
  if (items.length <= count) return items.slice();
  return Array.from({ length: runs }, (_, run) => items.slice(Math.floor(run * step), Math.floor(run * step) + BATCH)).flat();
}

function batches(bodies: readonly Uint8Array[], together: number): Uint8Array[] {
  return Array.from({ length: Math.floor(bodies.length / together) }, (_, i) =>
    bodyOf(encodeBatch(FrameType.Push | HeaderBit.Batch, bodies.slice(i * together, i * together + together))),
  );
}

/** Bytes left with dictionaries of several sizes and kinds, by what is shipped. */
function dictionaryTable(known: readonly Sample[], bodies: readonly Uint8Array[], trained: Uint8Array): Table {
  const messages = known.map((sample) => ({ sender: hex(sample.from), bytes: bodyOf(pushFrame(sample)) }));
  const kinds: [string, Uint8Array][] = [
    ["none", new Uint8Array(0)],
    ["the default one", defaultDictionary((bytes) => new Uint8Array(hash("sha256", bytes, "buffer"))).bytes],
    ["trained, 4 KiB", trainDictionary(messages, 4096, SENDERS_MIN)],
    ["trained, 16 KiB", trained],
    ["trained, 28 KiB", trainDictionary(messages, 28 * 1024, SENDERS_MIN)],
    ["trained, 16 KiB, of any text", trainDictionary(messages, DICTIONARY_BYTES, 1)],
  ];
  const rows = kinds.map(([name, bytes]) => ({ name, bytes: bytes.length, ...savingOf(bytes, bodies) }));
  const columns = [
    { key: "name", title: "" },
    { key: "bytes", title: "bytes" },
    { key: "single", title: "one Push", digits: 3 },
    { key: "batch", title: `batch of ${BATCH}`, digits: 3 },
  ];
  return { title: `bytes left, by dictionary (trained: what at least ${SENDERS_MIN} senders have written)`, columns, rows };
}

/** The messages as pages of one long conversation of two. */
function pages(samples: readonly Sample[]): Uint8Array[] {
  const made: Uint8Array[] = [];
  const peer = samples[0]!.from;
  const random = hash("sha256", peer, "buffer");
  const install = random.subarray(0, 8);
  let rows: hawser.v1.Push.$Properties[] = [];
  let bytes = 0;
  for (const [seq, { row }] of samples.entries()) {
    const { payload, time, clientSeq } = row;
    const whose = seq % 2 === 0 ? { from: peer } : { install, clientSeq };
    rows.push({ ...whose, seq: seq + 1, time, kind: 0, payload });
    bytes += payload.length + 64;
    if (bytes < Limits.pageBytesMax) continue;
    made.push(hawser.v1.Page.encode({ peer, ref: made.length, rows, hashBefore: random, headSeq: samples.length, more: true }).finish());
    rows = [];
    bytes = 0;
  }
  return made;
}

/** Sizes over all bodies; and every one of them must come back as it was. */
function ratioRow({ name, sizeBytes, compress, inflate }: Compressor, bodies: readonly Uint8Array[]): Row {
  let plain = 0;
  let all = 0;
  let kept = 0;
  for (const body of bodies) {
    const compressed = compress(body);
    if (Buffer.compare(inflate(compressed), body) !== 0) throw new Error(`${name} does not give back what it was given`);
    const size = varintBytes(body.length) + compressed.length - sizeBytes;
    plain += body.length;
    all += size;
    kept += Math.min(size, body.length);
  }
  return { name, ratio: all / plain, ratio_kept: kept / plain };
}

function candidatesFor(codecs: readonly Compressor[], bodies: readonly Uint8Array[]): Candidate[] {
  const buffers = bodies.map((body) => Buffer.from(body));
  const target = Buffer.alloc(Math.max(...bodies.map((body) => body.length)));
  const copy: Candidate = { name: FLOOR, run: (count) => each(count, buffers, (buffer) => buffer.copy(target)) };
  return [
    copy,
    ...codecs.flatMap(({ name, compress, inflate }) => {
      const compressed = buffers.map(compress);
      return [
        { name: `compress ${name}`, floor: FLOOR, run: (count: number) => each(count, buffers, (buffer) => compress(buffer).length) },
        { name: `inflate ${name}`, floor: FLOOR, run: (count: number) => each(count, compressed, (bytes) => inflate(bytes).length) },
      ];
    }),
  ];
}

function addTimes(rows: readonly Row[], codecs: readonly Compressor[], timings: readonly Timing[], bytes: number): void {
  const byName = new Map(timings.map((timing) => [timing.name, timing]));
  for (const [i, { name }] of codecs.entries()) {
    const row = rows[i]!;
    for (const way of ["compress", "inflate"]) {
      const { ns_per_op, ratio_to_floor } = byName.get(`${way} ${name}`)!;
      row[`${way}_us`] = ns_per_op / 1000;
      row[`${way}_ratio_to_copy`] = ratio_to_floor;
    }
    const saved = bytes * (1 - (row["ratio_kept"] as number));
    row["saved_bytes_per_us"] = saved / (row["compress_us"] as number);
  }
}

function meanBytes(bodies: readonly Uint8Array[]): number {
  return bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
}

// What it costs to make and to read messages: protobufjs's generated code for what clients and servers say, the gateway's hand-written
// peek at a Send, the batches of the fabric, and the gateway's whole way up and down. The floor is a copy of the same bytes.
import { FrameReader, type FrameSink } from "../../proto/frame-reader.ts";
import { FRAME_FIELDS } from "../../gateway/accept/transport.ts";
import { DeliveryClass } from "../../proto/delivery-class.ts";
import type { Encodable } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { DownBatch } from "../../gateway/relay/downlink.ts";
import { peek, peekedEnd, peekedShard } from "../../gateway/relay/routing.ts";
import { UpBatch } from "../../gateway/relay/up-batch.ts";
import { DownBatch as SentDownBatch } from "../../logic/ingest/down-batch.ts";
import { Command, UpBatch as ReceivedUpBatch } from "../../logic/ingest/up-batch.ts";
import type { Session } from "../../logic/shard/session.ts";
import { type Candidate, measure, measureOptions } from "../measure.ts";
import { type BenchOptions, type BenchResult, timingResult } from "../result.ts";
import { bodyOf, pushFrame, realSamples, type Sample, sendFrame, sentFrame } from "../samples.ts";
import { GatewayStage } from "../stage/gateway-stage.ts";
import { each } from "./each.ts";

const SAMPLES = 8192;
/** Requests or deliveries in a batch of the fabric: a gateway under load. */
const BATCH = 64;
const SESSIONS = 1024;
const HEADS = 50;
const v1 = hawser.v1;

interface Codec<T> extends Encodable<T> {
  decode(bytes: Uint8Array): object;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const meter = options.watch.begin();
  const { samples, source } = await realSamples(SAMPLES);
  const candidates: Candidate[] = [
    ...both("Send", v1.Send, samples.map(sendFrame).map(bodyOf)),
    ...peeks(samples),
    ...both("Sent", v1.Sent, samples.map(sentFrame).map(bodyOf)),
    byHand("write a Sent by hand (logic)", "Sent", samples, sentFrame),
    ...both("Push", v1.Push, samples.map(pushFrame).map(bodyOf)),
    byHand("write a Push by hand (logic)", "Push", samples, pushFrame),
    ...both(`Heads of ${HEADS}`, v1.Heads, [headsBody(samples)]),
    ...both("a full Page", v1.Page, [pageBody(samples)]),
  ];
  const fabricCandidates = [...upBatches(samples), ...downBatches(samples)];
  // The first is the copy of an Up batch.
  fabricCandidates.push(...(await ways(samples, fabricCandidates[0]!.name)));
  const messages = await measure(candidates, measureOptions(options));
  const batches = await measure(fabricCandidates, measureOptions(options));
  const notes = [
    `Texts from ${source}. Encode: an object with its fields → bytes; decode: bytes → an object. Each floor copies the bytes of one such message,`,
    "each from a place of its own.",
    `Batches of the fabric hold ${BATCH} requests or deliveries; an operation is one of these. "Gateway up" is everything from a transport's frames to the`,
    'published Up batch, "gateway down" from a Down batch to the writes to sessions; sockets and NATS are left out of both.',
  ];
  const result = timingResult("codec", "messages, per message", notes, messages);
  const more = timingResult("codec", "batches between gateway and logic, per request or delivery", [], batches);
  return { ...result, tables: [...result.tables, ...more.tables], unfit: [...result.unfit, ...more.unfit], conditions: await meter.end() };
}

/** Keeps a message reachable, so that it must be made. */
function keep(message: object): number {
  kept = message;
  return 1;
}
/** The last message that was decoded. */
export let kept: object = {};

/** A message both ways, beside a copy of it. */
function both<T>(name: string, codec: Codec<T>, bodies: readonly Uint8Array[]): Candidate[] {
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
  const messages = bodies.map((body) => codec.decode(body) as T);
  const copy = `copy ${Math.round(bytes)} bytes (${name})`;
  return [
    copyOf(copy, bodies),
    { name: `encode ${name}`, floor: copy, bytes, run: (count) => each(count, messages, (message) => codec.encode(message).finish().length) },
    { name: `decode ${name}`, floor: copy, bytes, run: (count) => each(count, bodies, (body) => keep(codec.decode(body))) },
  ];
}

/** A frame as logic writes it, header and all. */
function byHand(name: string, of: string, samples: readonly Sample[], frame: (sample: Sample) => Uint8Array): Candidate {
  return { name, floor: copyName(samples.map(frame).map(bodyOf), of), run: (count) => each(count, samples, (sample) => frame(sample).length) };
}

function copyOf(name: string, pieces: readonly Uint8Array[]): Candidate {
  const target = Buffer.alloc(Math.max(...pieces.map((piece) => piece.length)));
  const buffers = pieces.map((piece) => Buffer.from(piece));
  return { name, run: (count) => each(count, buffers, (buffer) => buffer.copy(target)) + target[0]! };
}

/** What the gateway reads of a Send: who it is for, and which shard has it. */
function peeks(samples: readonly Sample[]): Candidate[] {
  const bodies = samples.map(sendFrame).map(bodyOf);
  const floor = copyName(bodies, "Send");
  const { from } = samples[0]!;
  return [
    { name: "peek at a Send", floor, run: (count) => each(count, bodies, (body) => (peek(body, 0, body.length) ? peekedEnd : 0)) },
    {
      name: "peek and find its shard",
      floor,
      run: (count) => each(count, bodies, (body) => (peek(body, 0, body.length) ? peekedShard(body, from, 0, from.length, 256) : 0)),
    },
  ];
}

function copyName(bodies: readonly Uint8Array[], of: string): string {
  return `copy ${Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length)} bytes (${of})`;
}

function headsBody(samples: readonly Sample[]): Uint8Array {
  const heads = Array.from({ length: HEADS }, (_, i) => {
    const { from, row } = samples[i * 31]!;
    return { peer: from, seq: row.seq + i, hash: new Uint8Array(32).fill(i), time: row.time, readSeq: i };
  });
  return v1.Heads.encode({ ref: 3, heads, watermark: new Uint8Array(16).fill(1), more: true }).finish();
}

/** Rows of one conversation as far as a page goes: half of them the viewer's own. */
function pageBody(samples: readonly Sample[]): Uint8Array {
  const rows: hawser.v1.Push.$Properties[] = [];
  const peer = samples[0]!.from;
  for (let i = 0, bytes = 0; bytes < Limits.pageBytesMax; i++) {
    const { payload, time, install } = samples[i % samples.length]!.row;
    const common = { seq: 1000 + i, time, kind: 0, payload };
    rows.push(i % 2 === 0 ? { from: peer, ...common } : { ...common, install, clientSeq: 500 + i });
    bytes += payload.length + 64;
  }
  return v1.Page.encode({ peer, ref: 9, rows, hashBefore: new Uint8Array(32).fill(5), headSeq: 5000, more: true }).finish();
}

function upBatches(samples: readonly Sample[]): Candidate[] {
  const { gateway } = new GatewayStage(SESSIONS);
  const batch = new UpBatch(gateway.table);
  const received = new ReceivedUpBatch();
  const command = new Command();
  const head = linkHead();
  const bodies = samples.map(sendFrame).map(bodyOf);
  const commands = bodies
    .slice(0, BATCH)
    .map((body, i) => ({ slot: i, generation: 1, type: 5, ref: i, body, user: samples[i]!.from, install: samples[i]!.install }));
  const up = fabric.fabric.v1.Up.encode({ head, commands, sessions: SESSIONS, digest: 0x12345678 }).finish();
  const { table } = gateway;
  for (const [i, { from, install }] of samples.slice(0, BATCH).entries()) {
    table.open(i);
    table.ready(i, from, from, install);
  }
  const floor = `copy ${Math.round(up.length / BATCH)} bytes (Up)`;
  return [
    copyOf(floor, pieces(up)),
    perItem({
      name: "Up batch written by hand (gateway)",
      floor,
      bytes: up.length / BATCH,
      run(count) {
        let sum = 0;
        for (let done = 0; done < count; done++) {
          for (let i = 0; i < BATCH; i++) batch.add(i, FrameType.Send, i, bodies[i]!, 0, bodies[i]!.length);
          sum += batch.finish(head, SESSIONS, 0x12345678).length;
        }
        return sum;
      },
    }),
    perItem({
      name: "Up.encode (generated)",
      floor,
      bytes: up.length / BATCH,
      run: (count) => each(count, [commands], (commands) => fabric.fabric.v1.Up.encode({ head, commands, sessions: SESSIONS, digest: 7 }).finish().length),
    }),
    perItem({
      name: "Up.decode (generated)",
      floor,
      bytes: up.length / BATCH,
      run: (count) => each(count, [up], (up) => fabric.fabric.v1.Up.decode(up).commands.length),
    }),
    perItem({
      name: "Up batch read by hand (logic)",
      floor,
      bytes: up.length / BATCH,
      run(count) {
        let sum = 0;
        for (let done = 0; done < count; done++) {
          received.read(up);
          for (let i = 0; i < received.count; i++) {
            received.get(i, command);
            // As the dispatcher does, which decodes from here on; nobody there looks at user and install.
            sum += keep(command.body());
          }
          received.release();
        }
        return sum;
      },
    }),
  ];
}

function downBatches(samples: readonly Sample[]): Candidate[] {
  const deliveries = samples.slice(0, BATCH).map((sample, i) => ({ frame: pushFrame(sample), slots: [i], generations: [1], class: DeliveryClass.Push }));
  const down = fabric.fabric.v1.Down.encode({ head: linkHead(), epoch: 1, deliveries }).finish();
  const sessions = deliveries.map((_, slot) => ({ slot, generation: 1 }) as Session);
  const writer = new SentDownBatch();
  const reader = new DownBatch();
  let seen = 0;
  const sink = {
    delivery(frame: Uint8Array): void {
      seen += frame.length;
    },
  };
  const floor = `copy ${Math.round(down.length / BATCH)} bytes (Down)`;
  return [
    copyOf(floor, pieces(down)),
    perItem({
      name: "Down.encode (generated)",
      floor,
      bytes: down.length / BATCH,
      run: (count) => each(count, [deliveries], (deliveries) => fabric.fabric.v1.Down.encode({ head: linkHead(), epoch: 1, deliveries }).finish().length),
    }),
    perItem({
      name: "Down batch written by hand (logic)",
      floor,
      bytes: down.length / BATCH,
      run(count) {
        let sum = 0;
        for (let done = 0; done < count; done++) {
          for (let i = 0; i < BATCH; i++) writer.add(sessions[i]!, deliveries[i]!.frame, DeliveryClass.Push);
          sum += writer.finish(linkHead(), 1).length;
        }
        return sum;
      },
    }),
    perItem({
      name: "Down batch read by hand (gateway)",
      floor,
      bytes: down.length / BATCH,
      run(count) {
        for (let done = 0; done < count; done++) {
          reader.read(down);
          reader.deliver(sink);
        }
        return seen;
      },
    }),
  ];
}

/** The gateway's ways from end to end, as parts of them are above. */
async function ways(samples: readonly Sample[], upFloor: string): Promise<Candidate[]> {
  const up = new UpWay(samples);
  await up.start();
  const down = new DownWay(samples);
  await down.start();
  return [
    { name: "gateway up: frames → Up batch", floor: upFloor, run: (count) => up.run(count) },
    {
      name: "gateway down: Down batch → writes",
      prepare: (count) => down.prepare(count),
      run: () => down.run(),
    },
  ];
}

/** Sends of many sessions through a gateway, a turn's worth at a time. */
export class UpWay {
  private readonly stage: GatewayStage;
  private readonly stream: Uint8Array;
  private readonly tables: Int32Array[];
  private sent: number;

  constructor(samples: readonly Sample[]) {
    this.stage = new GatewayStage(SESSIONS);
    this.stream = Buffer.concat(samples.slice(0, SESSIONS).map(sendFrame));
    this.tables = [];
    this.sent = 0;
  }

  async start(): Promise<void> {
    await this.stage.admit(users());
    let slot = 0;
    let table = new Int32Array(0);
    const sink: FrameSink = {
      frame: (header, _bytes, start, end) => {
        if (slot % BATCH === 0) this.tables.push((table = new Int32Array(BATCH * FRAME_FIELDS)));
        table.set([slot, header, start, end], (slot % BATCH) * FRAME_FIELDS);
        slot++;
        return true;
      },
    };
    new FrameReader(Limits.frameBytesMax).push(this.stream, sink);
    this.run(4 * BATCH);
  }

  /** Sends at least `count`, in whole turns. */
  run(count: number): number {
    const { stage, stream, tables } = this;
    for (let done = 0; done < count; done += BATCH) {
      stage.gateway.frames(stream, tables[(this.sent / BATCH) % tables.length]!, BATCH);
      stage.turn();
      this.sent += BATCH;
    }
    return stage.batchBytes;
  }

  /** Bytes of Up batches for each Send, over all sessions. */
  bytesPerSend(): number {
    const before = this.stage.batchBytes;
    this.run(SESSIONS);
    return (this.stage.batchBytes - before) / SESSIONS;
  }
}

/** Pushes to many sessions through a gateway, a batch at a time. */
export class DownWay {
  private readonly stage: GatewayStage;
  private readonly pushes: readonly Uint8Array[];
  private readonly slots: readonly number[][];
  private ready: Uint8Array[];
  private encoded: number;

  constructor(samples: readonly Sample[]) {
    this.stage = new GatewayStage(SESSIONS);
    this.pushes = samples.slice(0, BATCH).map(pushFrame);
    this.slots = Array.from({ length: SESSIONS / BATCH }, (_, i) => Array.from({ length: BATCH }, (_, j) => i * BATCH + j));
    this.ready = [];
    this.encoded = 0;
  }

  async start(): Promise<void> {
    await this.stage.admit(users());
  }

  /** Encodes batches with at least `count` Pushes. */
  prepare(count: number): void {
    for (let done = 0; done < count; done += BATCH) {
      this.ready.push(this.stage.encodeDown(this.pushes, this.slots[this.encoded++ % this.slots.length]!, DeliveryClass.Push));
    }
  }

  /** Has them received and written. */
  run(): number {
    const { ready, stage } = this;
    for (const down of ready) stage.receive(down);
    ready.length = 0;
    return stage.transport.bytes;
  }
}

function* users(): Generator<Uint8Array> {
  for (let i = 0; i < SESSIONS; i++) yield new Uint8Array(Buffer.from(`u${String(i).padStart(10, "0")}`));
}

/** A candidate whose operation is a whole batch, counted by what is in it. */
function perItem(candidate: Candidate): Candidate {
  return { ...candidate, run: (count) => candidate.run(Math.ceil(count / BATCH)) };
}

/** A batch in as many parts as it has commands: their bytes lie in so many places before, or after. */
function pieces(batch: Uint8Array): Uint8Array[] {
  return Array.from({ length: BATCH }, (_, i) => batch.subarray((i * batch.length) / BATCH, ((i + 1) * batch.length) / BATCH));
}

function linkHead() {
  return { from: new Uint8Array(8).fill(1), to: new Uint8Array(8).fill(2), link: 3, number: 4711, last: 4711, ack: 4242, reset: false };
}

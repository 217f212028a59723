// What a Send costs logic: from an Up batch to the Down batch with its ack and its push, with a store that answers at once; and
// the shard core alone, from the decoded message to the record and from the commit to the answers. The floor is the work that
// the promises ask of any implementation: the two SHA-256 that a row of the conversation's hash chain takes.
import { hash } from "node:crypto";
import { directKey, idBytes } from "../../proto/conversation.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { ConversationShard } from "../../logic/shard/conversation-shard.ts";
import type { Completion, ConversationOutput } from "../../logic/shard/output.ts";
import { bytesText, Session, type SessionGateway } from "../../logic/shard/session.ts";
import { type Candidate, measure, measureOptions } from "../measure.ts";
import { type BenchOptions, type BenchResult, timingResult } from "../result.ts";
import { realSamples } from "../samples.ts";
import { LogicStage } from "../stage/logic-stage.ts";

const { Down } = fabric.fabric.v1;
/** Pairs of users, each with its conversation. */
const PAIRS = 2000;
const FLOOR = "two SHA-256 (payload, row)";
const DIGEST_BYTES = 32;
/** A row's input to the chain: previous hash, seq, sender of 11 bytes, kind, time, payload hash. */
const CHAIN_BYTES = DIGEST_BYTES + 8 + 1 + 11 + 4 + 8 + DIGEST_BYTES;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const { samples, source } = await realSamples(20_000);
  const payloads = samples.map(({ row }) => row.payload);
  const candidates: Candidate[] = [floor(payloads), core(payloads)];
  const stages: SendTraffic[] = [];
  for (const batch of [1, 16, 256]) {
    const traffic = new SendTraffic(payloads, batch);
    await traffic.start();
    stages.push(traffic);
    candidates.push(traffic.candidate(`logic, Up batches of ${batch}`));
  }
  const measured = await measure(candidates, measureOptions(options));
  for (const traffic of stages) traffic.verify();
  const notes = [
    `Sends between ${PAIRS} pairs, both online, texts from ${source}; every Send gives an ack to one session and a push to another.`,
    "An operation is one Send. Batches of 1: a gateway with nothing else to say; of 256: one under load.",
  ];
  return timingResult("shard", "per Send", notes, measured);
}

/** Sends in Up batches to a whole Logic. */
export class SendTraffic {
  private readonly stage: LogicStage;
  private readonly payloads: readonly Uint8Array[];
  private readonly batch: number;
  private readonly users: Uint8Array[];
  private readonly installs: Uint8Array[];
  private readonly clientSeqs: Uint32Array;
  private sent: number;
  private ready: Uint8Array[];

  constructor(payloads: readonly Uint8Array[], batch: number) {
    this.stage = new LogicStage();
    this.payloads = payloads;
    this.batch = batch;
    this.users = Array.from({ length: 2 * PAIRS }, (_, i) => idBytes(`u${String(i).padStart(10, "0")}`));
    this.installs = this.users.map((_, i) => installOf(i));
    this.clientSeqs = new Uint32Array(PAIRS);
    this.sent = 0;
    this.ready = [];
  }

  /** Attaches the users and has every conversation in memory. */
  async start(): Promise<void> {
    await this.stage.attach(this.users, this.installs);
    for (let done = 0; done < PAIRS; done += 200) await this.stage.settle(this.encode(200));
  }

  /** Encodes batches for `count` Sends, to be received by `receive`. */
  prepare(count: number): void {
    for (let done = 0; done < count; done += this.batch) this.ready.push(this.encode(Math.min(this.batch, count - done)));
  }

  /** Has everything prepared received and answered. */
  async receive(): Promise<number> {
    const { ready, stage } = this;
    for (const batch of ready) await stage.receive(batch);
    ready.length = 0;
    return stage.bytes;
  }

  /** Bytes of Down batches for each Send so far. */
  get downBytesPerSend(): number {
    return this.stage.bytes / this.sent;
  }

  candidate(name: string): Candidate {
    return { name, floor: FLOOR, prepare: (count) => this.prepare(count), run: () => this.receive() };
  }

  /** Looks at one more batch and its answers. Throws when a Send was not acked and pushed, as it would be to clients. */
  verify(): void {
    const { store } = this.stage;
    // A row for each, and two index rows for each conversation.
    if (store.records !== this.sent + 2 * PAIRS) throw new Error(`${store.records} records for ${this.sent} Sends`);
  }

  /** Frame types of what one batch of Sends makes logic deliver. */
  async deliveries(): Promise<number[]> {
    this.stage.keep = true;
    this.prepare(this.batch);
    await this.receive();
    this.stage.keep = false;
    const taken = this.stage.take().flatMap((bytes) => Down.decode(bytes).deliveries ?? []);
    return taken.map(({ frame }) => frame![1]!);
  }

  private encode(count: number): Uint8Array {
    const commands = Array.from({ length: count }, () => {
      const index = this.sent++;
      const pair = index % PAIRS;
      const clientSeq = ++this.clientSeqs[pair]!;
      const message = { peer: this.users[2 * pair + 1]!, clientSeq, payload: this.payloads[(index * 7919) % this.payloads.length]! };
      return LogicStage.send(2 * pair, this.users[2 * pair]!, this.installs[2 * pair]!, clientSeq, message);
    });
    return this.stage.encode(commands);
  }
}

/** Frame types that a Send must give, once each. */
export const SEND_DELIVERS: readonly number[] = [FrameType.Sent, FrameType.Push];

function floor(payloads: readonly Uint8Array[]): Candidate {
  const chain = new Uint8Array(CHAIN_BYTES);
  return {
    name: FLOOR,
    run(count) {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        // As text: a digest as a buffer costs five times as much (logic/shard/sha256.ts), and a floor must not be dearer than it has to.
        const digest = hash("sha256", payloads[i % payloads.length]!, "binary");
        for (let j = 0; j < DIGEST_BYTES; j++) chain[j] = digest.charCodeAt(j);
        sum += hash("sha256", chain, "binary").charCodeAt(0);
      }
      return sum;
    },
  };
}

/** ConversationShard by itself: send() up to the record, then the commit's answers. */
function core(payloads: readonly Uint8Array[]): Candidate {
  const output = new InstantOutput();
  const shard = new ConversationShard(0, output, { value: 0 });
  const senders = Array.from({ length: PAIRS }, (_, i) => {
    const user = idBytes(`u${String(i).padStart(10, "0")}`);
    const fields = { gateway: output, slot: i, generation: 1, user, install: installOf(i), device: idBytes("device-1"), connection: 1, frameBytesMax: 524_288 };
    const key = directKey(user, idBytes(`v${String(i).padStart(10, "0")}`));
    return { session: new Session(fields), key, keyText: bytesText(key), clientSeq: 0 };
  });
  output.shard = shard;
  return {
    name: "shard core alone",
    floor: FLOOR,
    run(count) {
      for (let i = 0; i < count; i++) {
        const sender = senders[i % PAIRS]!;
        const clientSeq = ++sender.clientSeq;
        const message = { clientSeq, kind: 0, payload: payloads[(i * 7919) % payloads.length]! };
        shard.send(sender.key, sender.keyText, sender.session, clientSeq, message, 47_000_000_000);
        output.commit();
      }
      return output.bytes;
    },
  };
}

/** Commits when told, loads nothing, and counts what sessions are to get. */
class InstantOutput implements ConversationOutput, SessionGateway {
  readonly durability = hawser.v1.Durability.DURABILITY_FSYNC;
  readonly commitHasRoom = true;
  readonly over = false;
  shard: ConversationShard | undefined;
  bytes = 0;
  private open: Completion[] = [];

  commit(): void {
    const { open } = this;
    for (let i = 0; i < open.length; i++) open[i]!.committed();
    open.length = 0;
  }

  record(_shard: number, _record: unknown, completion: Completion | undefined): void {
    if (completion !== undefined) this.open.push(completion);
  }

  load(_shard: number, conversation: Uint8Array, install: Uint8Array | undefined): void {
    // Behind the command that asked: it is parked by then.
    this.open.push({ committed: () => this.shard!.loaded(conversation, undefined, install, undefined) });
  }

  readsHaveRoomFor(): boolean {
    return true;
  }

  find(): void {
    throw new Error("no Send is repeated here");
  }

  page(): void {
    throw new Error("nothing is fetched here");
  }

  rowCommitted({ key }: { readonly key: Uint8Array }): void {
    this.bytes += key.length;
  }

  deliver(_session: Session, frame: Uint8Array): void {
    this.bytes += frame.length;
  }

  deliverMany(_sessions: readonly Session[], frame: Uint8Array): void {
    this.bytes += frame.length;
  }
}

function installOf(index: number): Uint8Array {
  const install = new Uint8Array(8).fill(0x1d);
  new DataView(install.buffer).setUint32(0, index);
  return install;
}

// A whole Logic on a stage: Up batches go in as bytes, Down batches come out as bytes, and the bus, the store and the clock
// around it are instant. One gateway's link is kept as a gateway keeps it: numbered batches, acks, a table of sessions.
import type { Bus, KeyValue } from "../../proto/bus.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { sessionDigestTerm } from "../../proto/link.ts";
import { Logic } from "../../logic/logic.ts";
import { encodeWatermark } from "../../logic/shard/watermark.ts";
import { InstantStore } from "./instant-store.ts";

const { Attach, Down, Operation, Up } = fabric.fabric.v1;
type Command = fabric.fabric.v1.Command.$Properties;

const DEVICE = Buffer.from("device-1");
const GATEWAY = Buffer.from("gateway1");
const SHARDS = 256;
const UNIX_START = Date.UTC(2026, 5, 1);
/** Down batches that logic may have sent without an ack: well below what its ring holds. */
const UNACKED_MAX = 512;
/** Rounds of microtasks that an instant commit may take to answer. */
const HOPS_MAX = 1000;

/** An Attach; its connection counter is the generation. */
export interface StageAttach {
  slot: number;
  generation: number;
  user: Uint8Array;
  install: Uint8Array;
  sync?: boolean;
  report?: boolean;
  watermark?: Uint8Array;
}

export class LogicStage implements Bus {
  readonly connected: boolean;
  readonly logic: Logic;
  readonly store: InstantStore;
  /** Down batches with deliveries that were published so far, and their bytes. */
  batches: number;
  bytes: number;
  /** Keeps what is published, for `take`. */
  keep: boolean;
  private kept: Uint8Array[];
  private turns: (() => void)[];
  private number: number;
  private ackedBatches: number;
  private lastDown: Uint8Array | undefined;
  private sessions: number;
  private digest: number;
  private link: number;
  /** Of the sessions attached, by slot. */
  private generations: number[];
  private time: number;

  constructor(conversationsPerUser = 0) {
    this.connected = true;
    this.batches = 0;
    this.bytes = 0;
    this.keep = false;
    this.kept = [];
    this.turns = [];
    this.number = 0;
    this.ackedBatches = 0;
    this.lastDown = undefined;
    this.sessions = 0;
    this.digest = 0;
    this.link = 1;
    this.generations = [];
    this.time = 0;
    this.store = new InstantStore(SHARDS, conversationsPerUser);
    this.logic = new Logic({
      bus: this,
      store: this.store,
      cluster: "bench",
      fatal: (error) => {
        throw error;
      },
      warn: (message) => {
        throw new Error(message);
      },
      // Links measure silence on this clock, which stands still, so that none is ever lost.
      loop: { now: () => 0, unixNow: () => UNIX_START + this.time, endOfTurn: (run) => this.turns.push(run) },
      incarnation: Buffer.from("logic-01"),
    });
  }

  /** Makes the sessions known: slots 0 … users.length - 1, generation 1. */
  async attach(users: readonly Uint8Array[], installs: readonly Uint8Array[], sync = false): Promise<void> {
    for (let done = 0; done < users.length; done += 1024) {
      const some = users.slice(done, done + 1024);
      const from = this.sessions;
      await this.settle(this.attachBatch(some.map((user, i) => ({ slot: from + i, generation: 1, user, install: installs[done + i]!, sync }))));
    }
  }

  /** An Up batch that attaches these sessions, each in a slot that is free. */
  attachBatch(attaches: readonly StageAttach[]): Uint8Array {
    const commands = attaches.map(({ slot, generation, user, install, ...fields }) => {
      const body = Attach.encode({ device: DEVICE, connection: generation, frameBytesMax: 524_288, ...fields }).finish();
      this.sessions++;
      this.generations[slot] = generation;
      this.digest = (this.digest + sessionDigestTerm(slot, generation)) >>> 0;
      return { slot, generation, type: Operation.OPERATION_ATTACH, body, user, install };
    });
    return this.encode(commands);
  }

  /** An Up batch that detaches the sessions in these slots. */
  detachBatch(slots: readonly number[]): Uint8Array {
    const commands = slots.map((slot) => {
      const generation = this.generations[slot]!;
      this.sessions--;
      this.digest = (this.digest - sessionDigestTerm(slot, generation)) >>> 0;
      return { slot, generation, type: Operation.OPERATION_DETACH };
    });
    return this.encode(commands);
  }

  /** The gateway's next batch begins another link, on which no session is attached. */
  openLink(): void {
    this.link++;
    this.number = 0;
    this.sessions = 0;
    this.digest = 0;
    this.lastDown = undefined;
    this.ackedBatches = this.batches;
  }

  /** A watermark since which nothing has changed. */
  watermark(): Uint8Array {
    return encodeWatermark(this.logic.incarnation, Number.MAX_SAFE_INTEGER);
  }

  /** An Up batch with these commands. Batches must be received in the order in which they were encoded. */
  encode(commands: Command[]): Uint8Array {
    const head = { from: GATEWAY, to: this.logic.incarnation, link: this.link, number: ++this.number, last: this.number, ack: 0 };
    return Up.encode({ head, commands, sessions: this.sessions, digest: this.digest }).finish();
  }

  /** The command that carries a Send. */
  static send(slot: number, user: Uint8Array, install: Uint8Array, ref: number, message: hawser.v1.Send.$Properties): Command {
    return { slot, generation: 1, type: FrameType.Send, ref, body: hawser.v1.Send.encode(message).finish(), user, install };
  }

  /** Gives it a batch and comes back when everything that comes of it was published; it must be something. */
  async receive(batch: Uint8Array): Promise<void> {
    const before = this.batches;
    this.time++;
    this.logic.receive(batch);
    for (let hop = 0; ; hop++) {
      while (this.turns.length > 0) this.turns.shift()!();
      if (this.batches > before) break;
      if (hop === HOPS_MAX) throw new Error("logic did not answer");
      await undefined;
    }
    if (this.batches - this.ackedBatches >= UNACKED_MAX) this.acknowledge();
  }

  /** Gives it a batch and waits for whatever it has to read first. */
  async settle(batch: Uint8Array): Promise<void> {
    this.logic.receive(batch);
    for (let quiet = 0; quiet < 3; quiet++) {
      if (this.turns.length > 0) quiet = 0;
      while (this.turns.length > 0) this.turns.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.acknowledge();
  }

  /** Batches published since `keep` was set. */
  take(): Uint8Array[] {
    return this.kept.splice(0);
  }

  publish(_subject: string, bytes: Uint8Array): boolean {
    this.batches++;
    this.bytes += bytes.length;
    this.lastDown = bytes;
    if (this.keep) this.kept.push(bytes);
    return true;
  }

  subscribe(): void {}

  flush(): Promise<void> {
    return Promise.resolve();
  }

  keyValue(): Promise<KeyValue> {
    return Promise.reject(new Error("nobody looks for an owner here"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private acknowledge(): void {
    if (this.lastDown === undefined) return;
    const ack = Down.decode(this.lastDown).head?.last ?? 0;
    const head = { from: GATEWAY, to: this.logic.incarnation, link: this.link, number: 0, last: this.number, ack };
    this.ackedBatches = this.batches;
    this.logic.receive(Up.encode({ head, sessions: this.sessions, digest: this.digest }).finish());
  }
}

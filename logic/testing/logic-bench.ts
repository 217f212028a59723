// A whole Logic, without NATS and without a clock of its own: batches go straight from and to small gateways that keep
// real link ends, time stands until the test moves it, and turns of the loop end when the test says so.
import type { Bus, KeyValue } from "../../proto/bus.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hawser } from "../../proto/gen/hawser.js";
import { LinkEnd, type LinkHead, sessionDigestTerm, Verdict } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";
import { Logic } from "../logic.ts";
import type { Store } from "../store/store.ts";
import { installOf, short } from "./fake-gateway.ts";
import { readFrame } from "./frames.ts";

const { Attach, Down, Operation, Up } = fabric.fabric.v1;

export interface AttachFields {
  user: string;
  install: number;
  device?: string;
  connection?: number;
  sync?: boolean;
  watermark?: Uint8Array;
  report?: boolean;
}

export class LogicBench implements Bus {
  readonly logic: Logic;
  readonly gateways: Map<string, BenchGateway>;
  readonly connected: boolean;
  now: number;
  failures: unknown[];
  warnings: string[];
  private turns: (() => void)[];

  constructor(store: Store, incarnation = "logic-01") {
    this.connected = true;
    this.gateways = new Map();
    this.now = 1000;
    this.failures = [];
    this.warnings = [];
    this.turns = [];
    this.logic = new Logic({
      bus: this,
      store,
      cluster: "test",
      fatal: (error) => this.failures.push(error),
      warn: (message) => this.warnings.push(message),
      loop: { now: () => this.now, unixNow: () => Date.UTC(2025, 0, 1) + this.now, endOfTurn: (run) => this.turns.push(run) },
      incarnation: Buffer.from(incarnation),
    });
  }

  gateway(name: string): BenchGateway {
    const gateway = new BenchGateway(this, Buffer.from(name.padEnd(8, "-")));
    this.gateways.set(hex(gateway.incarnation), gateway);
    return gateway;
  }

  /** Ends turns and lets the store answer, until nothing more comes of it. */
  async settle(): Promise<void> {
    do {
      for (const run of this.turns.splice(0)) run();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.turns.length > 0);
  }

  /** Time passes, with logic ticking as it does; gateways say nothing on their own. */
  pass(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now += 100;
      this.logic.tick();
    }
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    this.gateways.get(subject.slice(subject.lastIndexOf(".") + 1))?.receive(bytes);
    return true;
  }

  subscribe(): void {}

  flush(): Promise<void> {
    return Promise.resolve();
  }

  keyValue(): Promise<KeyValue> {
    return Promise.reject(new Error("this bus has no key-value store"));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class BenchGateway {
  readonly incarnation: Uint8Array;
  /** Taken in order, as "slot.generation frame"; class 3 as "… closes". */
  delivered: string[];
  /** Links that logic wants to be opened anew. */
  resets: number[];
  /** Batches from logic, bare heads included. */
  received: number;
  /** What arrives is lost. */
  deaf: boolean;
  end: LinkEnd;
  /** slot → generation of the sessions attached on the present link. */
  readonly sessions: Map<number, number>;
  private readonly bench: LogicBench;
  private commands: fabric.fabric.v1.Command.$Properties[];

  constructor(bench: LogicBench, incarnation: Uint8Array) {
    this.bench = bench;
    this.incarnation = incarnation;
    this.delivered = [];
    this.resets = [];
    this.received = 0;
    this.deaf = false;
    this.sessions = new Map();
    this.commands = [];
    this.end = this.link(1);
  }

  /** Opens another link; sessions are not on it until they are attached. */
  open(link: number): void {
    this.end = this.link(link);
    this.sessions.clear();
    this.commands = [];
  }

  attach(slot: number, generation: number, { user, install, device, connection, sync, watermark, report }: AttachFields): void {
    const body = Attach.encode({
      device: Buffer.from(device ?? `device-${install}`),
      connection: connection ?? 1,
      sync: sync ?? false,
      watermark: watermark ?? new Uint8Array(0),
      report: report ?? false,
    }).finish();
    this.sessions.set(slot, generation);
    this.command({ slot, generation, type: Operation.OPERATION_ATTACH, body, user: Buffer.from(user), install: installOf(install) });
  }

  detach(slot: number, generation: number): void {
    if (this.sessions.get(slot) === generation) this.sessions.delete(slot);
    this.command({ slot, generation, type: Operation.OPERATION_DETACH });
  }

  send(slot: number, generation: number, ref: number, peer: string, clientSeq: number, payload = `m${clientSeq}`): void {
    const body = hawser.v1.Send.encode({ peer: Buffer.from(peer), clientSeq, payload: Buffer.from(payload) }).finish();
    this.command({ slot, generation, type: FrameType.Send, ref, body });
  }

  command(command: fabric.fabric.v1.Command.$Properties): void {
    this.commands.push(command);
  }

  /** Sends the batch. Returns its bytes, to be lost or sent again. */
  flush(lost = false): Uint8Array {
    const bytes = this.encode(this.end.nextHead(), this.commands);
    this.commands = [];
    this.end.retain(bytes, this.bench.now);
    if (!lost) this.bench.logic.receive(bytes);
    return bytes;
  }

  beat(): void {
    this.bench.logic.receive(this.encode(this.end.bareHead(this.bench.now), []));
  }

  encode(head: Partial<LinkHead>, commands: fabric.fabric.v1.Command.$Properties[], digest = this.digest): Uint8Array {
    return Up.encode({ head, commands, sessions: this.sessions.size, digest }).finish();
  }

  take(): string[] {
    return this.delivered.splice(0);
  }

  receive(bytes: Uint8Array): void {
    if (this.deaf) return;
    this.received++;
    const { head, epoch, deliveries } = Down.decode(bytes);
    if (head == null || epoch !== this.bench.logic.epoch) throw new Error("a batch without head or epoch");
    if (head.reset) {
      this.resets.push(head.link ?? 0);
      return;
    }
    if (head.link !== this.end.link) return;
    const filled = { from: this.incarnation, to: this.incarnation, link: 0, number: 0, last: 0, ack: 0, reset: false, ...head } as LinkHead;
    const verdict = this.end.receive(filled, this.bench.now, (again) => this.bench.logic.receive(again));
    if (verdict !== Verdict.Deliver) return;
    for (const delivery of deliveries ?? []) {
      for (const [i, slot] of (delivery.slots ?? []).entries()) {
        this.delivered.push(`${slot}.${delivery.generations![i]} ${short(readFrame(delivery.frame!))}${delivery.class === 3 ? " closes" : ""}`);
      }
    }
  }

  private get digest(): number {
    let digest = 0;
    for (const [slot, generation] of this.sessions) digest = (digest + sessionDigestTerm(slot, generation)) >>> 0;
    return digest;
  }

  private link(link: number): LinkEnd {
    return new LinkEnd(this.incarnation, this.bench.logic.incarnation, link, this.bench.now);
  }
}

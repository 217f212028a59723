// The SDK's core as a client of the simulated world, over a store that takes its time and survives its crashes. Unlike
// the minimal client it repeats requests that stay unanswered and checks what it holds by itself.
import { ConversationKind } from "../../proto/conversation.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { toWireTime } from "../../proto/time.ts";
import { sha256 } from "../../logic/shard/sha256.ts";
import { ClientCore } from "../../client/core.ts";
import type { CoreEvent } from "../../client/outputs.ts";
import type { PendingSend } from "../../client/pending-send.ts";
import { applyChanges } from "../../client/store.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { type Holder, Violation } from "./judge.ts";
import type { World } from "./world.ts";

export class CoreClient implements ConnectionOwner, Holder {
  readonly user: string;
  readonly device: string;
  readonly repeatsReads: boolean;
  connection: Connection | undefined;
  private readonly world: World;
  private core: ClientCore;
  private records: Map<string, string>;
  /** How many rows were shown, by peer; and up to where a crash may have them shown again. */
  private shown: Map<string, number>;
  private link: number;
  private storing: boolean;
  private tickAt: number;
  /** Grows with every life of the process. */
  private life: number;

  constructor(world: World, user: string, device: string) {
    this.user = user;
    this.device = device;
    this.repeatsReads = true;
    this.connection = undefined;
    this.world = world;
    this.records = new Map();
    this.shown = new Map();
    this.link = 0;
    this.storing = false;
    this.tickAt = Number.POSITIVE_INFINITY;
    this.life = 0;
    this.core = this.boot();
  }

  get name(): string {
    return `${this.user}/${this.device} (SDK)`;
  }

  shownOf(peer: string): number {
    return this.shown.get(peer) ?? 0;
  }

  readOf(peer: string): number {
    for (const log of this.core.logs()) if (log.kind === ConversationKind.Direct && log.name === peer) return log.readSeq;
    return 0;
  }

  get isAtRest(): boolean {
    return this.core.online && this.core.pending().length === 0 && this.core.requestsInFlight === 0;
  }

  /** Why it is not at rest. */
  get unrest(): string {
    return `online ${this.core.online}, ${this.core.pending().length} unsent, ${this.core.requestsInFlight} requests in flight`;
  }

  /** Starts, or starts over on another connection. */
  connect(): void {
    if (this.core.stopped) this.input((core) => core.start(this.now));
    else this.connection?.cut();
  }

  /** The process ends; its store stays as it is. */
  crash(): void {
    // The application has no record of what never reached the store.
    this.forgetPending((send) => !this.records.has(`send/${send.log.key}/${send.clientSeq}`));
    this.reboot(this.records);
  }

  /** Its store is gone. */
  wipe(): void {
    this.forgetPending(() => true);
    this.shown = new Map();
    this.reboot(new Map());
  }

  send(peer: string, kind: number, payload: Uint8Array): void {
    this.input((core) => {
      const sending = { user: this.user, install: Buffer.from(core.installHex, "hex"), peer, clientSeq: 0, kind, payload };
      const ticket = this.world.judge.sending(sending);
      ticket.clientSeq = core.send(ConversationKind.Direct, peer, kind, payload, ticket, this.now).clientSeq;
    });
  }

  markRead(peer: string): void {
    if (this.shownOf(peer) > 0) this.input((core) => core.markRead(ConversationKind.Direct, peer, undefined, this.now));
  }

  /** Its way of asking what changed is a Check. */
  sync(): void {
    this.check();
  }

  check(): void {
    this.input((core) => core.check(this.now));
  }

  opened(connection: Connection): void {
    if (connection !== this.connection) return;
    this.input((core) => core.connected(this.link, this.user, this.now));
  }

  received(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.connection) return;
    this.input((core) => core.received(this.link, bytes, false, this.now));
  }

  lost(connection: Connection): void {
    if (connection !== this.connection) return;
    this.connection = undefined;
    this.input((core) => core.lost(this.link, undefined, this.now));
  }

  private forgetPending(which: (send: PendingSend) => boolean): void {
    for (const send of this.core.pending()) {
      const sending = this.world.judge.find(this.user, Buffer.from(this.core.installHex, "hex"), send.log.name, send.clientSeq);
      if (sending !== undefined && which(send)) this.world.judge.forget(sending);
    }
  }

  private get now(): number {
    return this.world.queue.now;
  }

  private input(give: (core: ClientCore) => void): void {
    give(this.core);
    const { outputs } = this.core;
    for (const frame of outputs.takeFrames()) this.connection?.write(frame);
    if (outputs.takeClose()) {
      this.connection?.end();
      this.connection = undefined;
    }
    const order = outputs.takeConnect();
    if (order !== undefined) this.open(order.link);
    for (const event of outputs.takeEvents()) this.event(event);
    this.store();
    this.schedule();
  }

  private open(link: number): void {
    this.link = link;
    this.later(this.world.random.below(50), () => {
      if (!this.core.awaits(link)) return;
      this.input((core) => core.opening(link, this.now));
      const gateway = this.world.anyGateway();
      if (gateway === undefined) this.input((core) => core.lost(link, undefined, this.now));
      else {
        this.connection?.end();
        this.connection = new Connection(this.world, gateway, this);
      }
    });
  }

  private event(event: CoreEvent): void {
    switch (event.type) {
      case "message": {
        const { message } = event;
        const peer = "peer" in message.conversation ? message.conversation.peer : "";
        const shown = this.shownOf(peer);
        // After a crash rows that the store did not have yet are shown again.
        if (message.seq > shown + 1) throw new Violation(`${this.name} was shown row ${message.seq} after ${shown}`);
        this.shown.set(peer, Math.max(shown, message.seq));
        const { seq, kind, payload, from } = message;
        this.world.judge.shown(this.user, peer, { seq, kind, payload, sender: from, time: toWireTime(message.time) });
        break;
      }
      case "sent": {
        const { log, clientSeq } = event.send;
        const sending = this.world.judge.find(this.user, Buffer.from(this.core.installHex, "hex"), log.name, clientSeq);
        if (sending === undefined) break;
        if (event.receipt !== undefined) this.world.judge.acked(sending, event.receipt.seq, undefined);
        else this.world.judge.refused(sending, event.error!.code as number);
        break;
      }
      case "diverged":
        throw new Violation(`${this.name} found another history than it was shown`);
      case "error":
        if (event.error.code === ErrorCode.Replaced && this.world.faults.mayReplace) {
          this.later(1000, () => this.connect());
          break;
        }
        if (event.error.code === ErrorCode.Busy || event.error.code === ErrorCode.SlowConsumer) break;
        throw new Violation(`${this.name}: ${event.error.message}`);
    }
  }

  private store(): void {
    if (this.storing) return;
    const { version } = this.core.journal;
    const changes = this.core.journal.take();
    if (changes === undefined) return;
    this.storing = true;
    this.later(this.world.random.below(20), () => {
      applyChanges(this.records, changes);
      this.storing = false;
      this.input((core) => core.stored(version, this.now));
    });
  }

  private schedule(): void {
    const { dueAt } = this.core.outputs;
    if (dueAt >= this.tickAt || dueAt === Number.POSITIVE_INFINITY) return;
    this.tickAt = dueAt;
    this.later(Math.max(0, dueAt - this.now), () => {
      if (this.tickAt !== dueAt) return;
      this.tickAt = Number.POSITIVE_INFINITY;
      this.input((core) => core.tick(this.now));
    });
  }

  private reboot(records: Map<string, string>): void {
    this.connection?.cut();
    this.connection = undefined;
    this.life++;
    this.storing = false;
    this.tickAt = Number.POSITIVE_INFINITY;
    this.records = records;
    this.core = this.boot();
    this.later(3000, () => this.connect());
  }

  private boot(): ClientCore {
    const { random } = this.world;
    return new ClientCore({
      sha256,
      random: () => random.uint32() / 0x1_0000_0000,
      verify: true,
      history: "all",
      network: "",
      pendingMax: 10_000,
      pendingBytesMax: 1 << 24,
      records: this.records,
      device: this.device,
    });
  }

  private later(ms: number, run: () => void): void {
    const { life } = this;
    this.world.queue.after(ms, () => {
      if (this.life === life) run();
    });
  }
}

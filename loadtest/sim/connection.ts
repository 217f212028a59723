// A connection between a client and a gateway of the simulated world: bytes in order, in pieces, with delays, at the
// speed at which the client reads. It ends at both ends, but not always at the same time: a connection that is cut
// may look alive to a gateway for long.
import type { GatewayProcess } from "./gateway-process.ts";
import type { World } from "./world.ts";

/** The client's side. */
export interface ConnectionOwner {
  opened(connection: Connection): void;
  received(connection: Connection, bytes: Uint8Array): void;
  /** Once, and last. */
  lost(connection: Connection): void;
}

export class Connection {
  readonly gateway: GatewayProcess;
  /** The gateway's bytes that have not left it. */
  bufferedBytes: number;
  private readonly waiting: Uint8Array[];
  /** How fast the client reads. */
  private bytesPerMs: number;
  /** The piece on the way: what ends when the speed changes. */
  private sending: number;
  private readonly world: World;
  private readonly owner: ConnectionOwner;
  private slot: number;
  private clientOpen: boolean;
  /** The gateway has the slot, and hears and may write. */
  private serverOpen: boolean;
  /** The path is cut: neither hears the other any more. */
  private isCut: boolean;
  private upAt: number;

  constructor(world: World, gateway: GatewayProcess, owner: ConnectionOwner) {
    this.gateway = gateway;
    this.bufferedBytes = 0;
    this.waiting = [];
    this.bytesPerMs = Number.POSITIVE_INFINITY;
    this.sending = 0;
    this.world = world;
    this.owner = owner;
    this.slot = -1;
    this.clientOpen = true;
    this.serverOpen = false;
    this.isCut = false;
    this.upAt = 0;
    gateway.connections.add(this);
    world.queue.after(this.latency(), () => {
      if (gateway.alive) gateway.perform(() => this.accepted());
      else this.clientLost();
    });
  }

  // The client's side

  /** Bytes to the gateway. */
  write(bytes: Uint8Array): void {
    const { queue } = this.world;
    this.upAt = Math.max(this.upAt, queue.now + this.latency());
    const copy = bytes.slice();
    queue.after(this.upAt - queue.now, () => {
      if (!this.isCut) this.gateway.perform(() => this.serverOpen && this.gateway.bytes(this.slot, copy));
    });
  }

  /** The client ends it. */
  end(): void {
    if (!this.clientOpen) return;
    this.clientOpen = false;
    this.world.queue.after(this.latency(), () => this.serverClosed());
  }

  /** The network ends it: each side notices when it notices. */
  cut(): void {
    if (this.isCut) return;
    this.isCut = true;
    const { random, queue } = this.world;
    queue.after(random.below(2000), () => this.clientLost());
    queue.after(random.below(random.chance(0.5) ? 200 : 20_000), () => this.serverClosed());
  }

  // The gateway's side

  /** False: nobody takes it any more. */
  send(bytes: Uint8Array): boolean {
    if (!this.serverOpen) return false;
    this.bufferedBytes += bytes.length;
    // What is cut fills up, as a socket would.
    if (this.isCut) return true;
    this.waiting.push(bytes.slice());
    if (this.waiting.length === 1) this.sendNext();
    return true;
  }

  /** How fast the client reads from now on. */
  setSpeed(bytesPerMs: number): void {
    this.bytesPerMs = bytesPerMs;
    this.sending++;
    if (this.waiting.length > 0) this.sendNext();
  }

  private sendNext(): void {
    const sending = ++this.sending;
    if (this.bytesPerMs === Number.POSITIVE_INFINITY) {
      while (this.waiting.length > 0) this.leave();
      return;
    }
    this.world.queue.after(this.waiting[0]!.length / this.bytesPerMs, () => {
      if (this.sending !== sending || this.isCut) return;
      this.leave();
      if (this.waiting.length > 0) this.sendNext();
      else this.gateway.perform(() => this.serverOpen && this.gateway.drained(this.slot));
    });
  }

  private leave(): void {
    const bytes = this.waiting.shift()!;
    this.bufferedBytes -= bytes.length;
    this.world.queue.after(1, () => this.arrive(bytes));
  }

  /** The gateway closes it, once everything is sent. */
  close(): void {
    if (!this.serverOpen) return;
    this.serverOpen = false;
    // After a few seconds without regard to what still waits, as the transports do.
    const ms = this.waiting.length === 0 ? 2 : 3000;
    this.world.queue.after(ms, () => {
      this.clientLost();
      this.gateway.perform(() => this.freeSlot());
    });
  }

  /** The gateway's process is gone. */
  serverGone(): void {
    this.serverOpen = false;
    this.world.queue.after(this.world.random.below(3000), () => this.clientLost());
  }

  private accepted(): void {
    if (!this.clientOpen || this.isCut) return;
    this.slot = this.gateway.accept(this);
    if (this.slot < 0) {
      this.clientLost();
      return;
    }
    this.serverOpen = true;
    this.world.queue.after(this.latency(), () => {
      if (this.clientOpen && !this.isCut) this.owner.opened(this);
    });
  }

  private arrive(bytes: Uint8Array): void {
    if (!this.clientOpen || this.isCut) return;
    const half = this.world.random.below(bytes.length);
    if (half > 0) this.owner.received(this, bytes.subarray(0, half));
    // The first half may have ended it.
    if (this.clientOpen) this.owner.received(this, bytes.subarray(half));
  }

  private clientLost(): void {
    this.gateway.connections.delete(this);
    if (!this.clientOpen) return;
    this.clientOpen = false;
    this.owner.lost(this);
    if (!this.isCut) this.world.queue.after(this.latency(), () => this.serverClosed());
  }

  private serverClosed(): void {
    this.gateway.perform(() => {
      if (!this.serverOpen) return;
      this.serverOpen = false;
      this.freeSlot();
    });
  }

  private freeSlot(): void {
    this.gateway.connections.delete(this);
    if (this.slot < 0) return;
    const slot = this.slot;
    this.slot = -1;
    this.gateway.closed(slot);
  }

  private latency(): number {
    return 1 + this.world.random.below(20);
  }
}

// NATS in the simulated world: at most once, in order for each pair of publisher and subject, with delays, losses and
// outages; and the one key that says who owns the shards.
import type { World } from "./world.ts";

/** Who can be published to. */
export interface Subscriber {
  receive(bytes: Uint8Array): void;
}

export class SimBus {
  connected: boolean;
  /** Probability that a message is lost. */
  loss: number;
  /** Messages published, and how many of them were lost. */
  published: number;
  lost: number;
  private readonly world: World;
  /** By incarnation in hex. */
  private readonly subscribers: Map<string, Subscriber>;
  /** By publisher and subject: when its last message arrives. */
  private readonly arrivals: Map<string, number>;

  constructor(world: World) {
    this.connected = true;
    this.loss = 0;
    this.published = 0;
    this.lost = 0;
    this.world = world;
    this.subscribers = new Map();
    this.arrivals = new Map();
  }

  subscribe(name: string, subscriber: Subscriber): void {
    this.subscribers.set(name, subscriber);
  }

  unsubscribe(name: string): void {
    this.subscribers.delete(name);
  }

  /** False: not connected. */
  publish(from: string, to: string, bytes: Uint8Array): boolean {
    if (!this.connected) return false;
    this.published++;
    const { random, queue } = this.world;
    if (random.chance(this.loss)) {
      this.lost++;
      return true;
    }
    const pair = `${from} ${to}`;
    const at = Math.max(this.arrivals.get(pair) ?? 0, queue.now + 0.1 + random.below(30) / 10);
    this.arrivals.set(pair, at);
    // A copy: publishers use their buffers again.
    const copy = bytes.slice();
    queue.after(at - queue.now, () => {
      if (this.connected) this.subscribers.get(to)?.receive(copy);
    });
    return true;
  }
}

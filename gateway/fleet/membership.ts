// This gateway among the others: says in the gateways bucket that it runs and where, and knows from there who else does. The
// shell around registry.ts and announcer.ts.
import type { Bus } from "../../proto/bus.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hex } from "../../proto/hex.ts";
import { gatewaysBucket } from "../../proto/subject.ts";
import { Announcer } from "./announcer.ts";
import { type Addresses, KEPT_MS, Registry } from "./registry.ts";

const { GatewayEntry } = fabric.fabric.v1;

/** What others are told of this gateway; read each time that it is told. */
export interface Standing {
  readonly incarnation: Uint8Array;
  readonly sessionsOpen: number;
  readonly sessionsMax: number;
  readonly draining: boolean;
}

export class Membership {
  private readonly registry: Registry;
  private readonly announcer: Announcer;
  private readonly standing: Standing;

  private constructor(registry: Registry, announcer: Announcer, standing: Standing) {
    this.registry = registry;
    this.announcer = announcer;
    this.standing = standing;
  }

  /** Joins; rejects when the bucket cannot be had. */
  static async join(bus: Bus, cluster: string, addresses: Addresses, standing: Standing): Promise<Membership> {
    const kv = await bus.keyValue(gatewaysBucket(cluster), KEPT_MS);
    const key = hex(standing.incarnation);
    const registry = new Registry(key, addresses, performance.now());
    const value = () => {
      const { incarnation, sessionsOpen, sessionsMax, draining } = standing;
      return GatewayEntry.encode({ incarnation, ...addresses, sessions: sessionsOpen, sessionsMax, draining }).finish();
    };
    const announcer = new Announcer(kv, key, value, () => registry.bumpMs);
    await kv.watch((entry) => registry.changed(entry.key, entry.value, entry.revision, performance.now()));
    await announcer.start();
    return new Membership(registry, announcer, standing);
  }

  /** Others that run. */
  get others(): number {
    return this.registry.others(performance.now());
  }

  /** Where a client of this transport should go; "": where it is. */
  target(transport: keyof Addresses): string {
    return this.registry.target(transport, Math.random(), performance.now());
  }

  /** Whether this gateway has clearly more than its share of all sessions. */
  get tooFull(): boolean {
    return this.registry.tooFull(this.standing.sessionsOpen, this.standing.sessionsMax, performance.now());
  }

  /** The others are to know at once. */
  announce(): void {
    void this.announcer.announce();
  }

  /** Says nothing more. */
  leave(): void {
    this.announcer.stop();
  }
}

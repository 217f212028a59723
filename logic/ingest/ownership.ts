// Holds the lease over all shards of an embedded store: takes it, bumps it twice a second, and says when it is
// lost for good. While NATS is away nothing is decided: no command arrives either.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import type { KeyValue } from "../../proto/bus.ts";
import { hex } from "../../proto/hex.ts";
import { ownerKey } from "../../proto/subject.ts";
import type { StoreMeta } from "../store/store.ts";
import { Lease, type LeaseEntry, LeaseStep } from "./lease.ts";

const { Owner } = fabric.fabric.v1;

export const LEASE_BUMP_MS = 500;

export class Ownership {
  /** True once the lease was written and until it is given up. */
  held: boolean;
  private readonly kv: KeyValue;
  private readonly key: string;
  private readonly value: Uint8Array;
  private readonly lease: Lease;
  private readonly lost: (error: Error) => void;
  private revision: number | undefined;
  private stopped: boolean;
  private running: Promise<void> | undefined;

  /** `lost` is called at most once: the process must stop serving. */
  constructor(kv: KeyValue, incarnation: Uint8Array, meta: StoreMeta, lost: (error: Error) => void) {
    const shardLast = meta.shardCount - 1;
    this.held = false;
    this.kv = kv;
    this.key = ownerKey(0, shardLast);
    this.value = Owner.encode({ incarnation, epoch: meta.epoch, shardFirst: 0, shardLast, shardCount: meta.shardCount, store: meta.storeId }).finish();
    this.lease = new Lease(hex(meta.storeId), meta.epoch);
    this.lost = lost;
    this.revision = undefined;
    this.stopped = false;
    this.running = undefined;
  }

  start(): void {
    this.running = this.run();
  }

  /** Stops bumping. The key stays as it is: a successor with our store overwrites it at once. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      // NATS is away, or has lost its bucket: nothing is decided, and the next step tries again.
      const wait = await this.step().catch(() => LEASE_BUMP_MS);
      // Short sleeps, so that stopping does not wait for a bump.
      for (let slept = 0; slept < wait && !this.stopped; slept += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** One bump or one attempt to take the lease. Returns ms until the next. */
  private async step(): Promise<number> {
    if (this.revision !== undefined) {
      this.revision = await this.kv.update(this.key, this.value, this.revision);
      if (this.revision !== undefined) return LEASE_BUMP_MS;
    }
    const entry = await this.kv.get(this.key);
    const step = this.lease.step(entry === undefined || entry.value.length === 0 ? undefined : leaseEntry(entry.value, entry.revision), performance.now());
    if (step === LeaseStep.Wait) return LEASE_BUMP_MS;
    if (step !== LeaseStep.Write) {
      this.held = false;
      this.stopped = true;
      this.lost(
        new Error(
          step === LeaseStep.Deposed
            ? "deposed: a later process owns this store"
            : "another store already serves this cluster: use another cluster name, or stop it",
        ),
      );
      return 0;
    }
    this.revision = await this.kv.update(this.key, this.value, entry?.value.length ? entry.revision : 0);
    this.held = this.revision !== undefined;
    return this.held ? LEASE_BUMP_MS : 0;
  }
}

function leaseEntry(value: Uint8Array, revision: number): LeaseEntry {
  const owner = Owner.decode(value);
  return { store: hex(owner.store), epoch: owner.epoch, revision };
}

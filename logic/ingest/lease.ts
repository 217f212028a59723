// Who should own a range of shards, decided from a key in NATS KV without I/O. The lease is only a hint to
// gateways: what makes a second owner harmless is the store, which lets in one process at a time and mints the
// epoch. So an entry of our own store with a lower epoch is a dead predecessor's, whatever it looks like, and is
// overwritten at once. An entry of another store is left alone while it moves: two stores in one cluster is an
// operator's mistake, which is reported and not fought over.

export interface LeaseEntry {
  readonly store: string;
  readonly epoch: number;
  readonly revision: number;
}

export const LeaseStep = {
  /** Write our entry over the revision given (0: create). */
  Write: 0,
  /** Look again a little later. */
  Wait: 1,
  /** A higher epoch of our own store: we are deposed, and must stop. */
  Deposed: 2,
  /** Another store's owner is alive. */
  Foreign: 3,
} as const;
export type LeaseStep = (typeof LeaseStep)[keyof typeof LeaseStep];

/** A key that stood still for this long, on our own clock, is nobody's any more; holders move it twice a second. */
export const LEASE_STILL_MS = 2000;

export class Lease {
  private readonly store: string;
  private readonly epoch: number;
  /** Another store's entry as it was first seen; revision 0: none. */
  private foreignRevision: number;
  private foreignSince: number;

  constructor(store: string, epoch: number) {
    this.store = store;
    this.epoch = epoch;
    this.foreignRevision = 0;
    this.foreignSince = 0;
  }

  /** What to do, given the entry as it is now (undefined: none). `now`: monotonic ms. */
  step(entry: LeaseEntry | undefined, now: number): LeaseStep {
    if (entry === undefined || entry.store === this.store) {
      this.foreignRevision = 0;
      return entry !== undefined && entry.epoch > this.epoch ? LeaseStep.Deposed : LeaseStep.Write;
    }
    if (this.foreignRevision === 0) {
      this.foreignRevision = entry.revision;
      this.foreignSince = now;
      return LeaseStep.Wait;
    }
    if (entry.revision !== this.foreignRevision) return LeaseStep.Foreign;
    return now - this.foreignSince >= LEASE_STILL_MS ? LeaseStep.Write : LeaseStep.Wait;
  }
}

// Who owns which shards, as the KV bucket of leases says it. Pure: entries in, ranges out. Holders bump their
// entries twice a second, so most entries change nothing.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { hex } from "../../proto/hex.ts";

export interface OwnedRange {
  readonly key: string;
  /** Of the owning process, and the same in hex. */
  readonly incarnation: Uint8Array;
  readonly owner: string;
  readonly epoch: number;
  readonly store: string;
  readonly shardFirst: number;
  readonly shardLast: number;
}

export const OwnersChange = {
  None: 0,
  Changed: 1,
  /** Not an entry that can be used: its reason is in `Owners.problem`. */
  Refused: 2,
} as const;
export type OwnersChange = (typeof OwnersChange)[keyof typeof OwnersChange];

const INCARNATION_BYTES = 8;
const SHARDS_MAX = 65_536;
const RANGES_MAX = 4096;

export class Owners {
  /** 0 until the first owner is known. */
  shardCount: number;
  /** By key. */
  readonly ranges: Map<string, OwnedRange>;
  problem: string;

  constructor() {
    this.shardCount = 0;
    this.ranges = new Map();
    this.problem = "";
  }

  /** Takes the present value of a key; empty: it was deleted. */
  apply(key: string, value: Uint8Array): OwnersChange {
    if (value.length === 0) return this.ranges.delete(key) ? OwnersChange.Changed : OwnersChange.None;
    let owner: fabric.fabric.v1.Owner;
    try {
      owner = fabric.fabric.v1.Owner.decode(value);
    } catch {
      return this.refuse(`${key} is not an Owner`);
    }
    const { shardFirst, shardLast, shardCount, epoch } = owner;
    if (owner.incarnation.length !== INCARNATION_BYTES) return this.refuse(`${key} names no process`);
    if (shardCount < 1 || shardCount > SHARDS_MAX || shardFirst > shardLast || shardLast >= shardCount) {
      return this.refuse(`${key} claims shards ${shardFirst} to ${shardLast} of ${shardCount}`);
    }
    const known = this.ranges.get(key);
    const name = hex(owner.incarnation);
    const store = hex(owner.store);
    if (known !== undefined) {
      if (known.owner === name && known.epoch === epoch && known.store === store && this.shardCount === shardCount) return OwnersChange.None;
      // Epochs are minted in the store: within one, a lower epoch is a deposed owner's.
      if (known.store === store && epoch < known.epoch) return this.refuse(`${key} went back from epoch ${known.epoch} to ${epoch}`);
    } else if (this.ranges.size >= RANGES_MAX) return this.refuse("too many ranges of shards");
    this.shardCount = shardCount;
    this.ranges.set(key, { key, incarnation: owner.incarnation.slice(), owner: name, epoch, store, shardFirst, shardLast });
    return OwnersChange.Changed;
  }

  private refuse(problem: string): OwnersChange {
    this.problem = problem;
    return OwnersChange.Refused;
  }
}

// The networks that a gateway keeps evidence of: by key, and by an index that sessions hold. No I/O.
//
// Room is made by forgetting the least known network without sessions: of a sample of all when as many are kept as may be, or of the
// same addresses when those have as many hints as they may. A hint is free text: without that second bound one address could push
// everybody else's networks out.
//
// Invariants: at most `max` networks, at most HINTS_MAX of one part of an address besides the one without a hint; a network
// with sessions is never forgotten; while any has none, the table has room for another. Indexes in use are 0 … size - 1.
import { type Evidence, weightOf } from "./evidence.ts";
import { addressOf, isHinted } from "./network-key.ts";

/** No network: more are in use than are kept. Its sessions have the start interval, and nothing is learned from them. */
export const NO_NETWORK = -1;
/** Different hints of one part of an address: some carriers and Wi-Fis, with room. */
export const HINTS_MAX = 16;
/** Networks without sessions among which the least known goes; the next sample begins where this one ends. */
const SAMPLE = 64;

export class Networks {
  private readonly max: number;
  private readonly byKey: Map<string, number>;
  private readonly keys: string[];
  private readonly evidence: Evidence[];
  /** Sessions on each. */
  private readonly sessions: number[];
  /** Networks with a hint, by the part of the address that they share. */
  private readonly hinted: Map<string, number[]>;
  /** Those without sessions, in no order, and where each stands in there. */
  private readonly unused: number[];
  private readonly unusedAt: number[];
  private cursor: number;

  constructor(max: number) {
    this.max = max;
    this.byKey = new Map();
    this.keys = [];
    this.evidence = [];
    this.sessions = [];
    this.hinted = new Map();
    this.unused = [];
    this.unusedAt = [];
    this.cursor = 0;
  }

  get size(): number {
    return this.keys.length;
  }

  /** Index of a network; NO_NETWORK: it is not kept. */
  indexOf(key: string): number {
    return this.byKey.get(key) ?? NO_NETWORK;
  }

  keyOf(network: number): string {
    return this.keys[network]!;
  }

  /** Undefined for NO_NETWORK. */
  of(network: number): Evidence | undefined {
    return this.evidence[network];
  }

  set(network: number, evidence: Evidence): void {
    this.evidence[network] = evidence;
  }

  sessionsOn(network: number): number {
    return this.sessions[network] ?? 0;
  }

  entries(): Iterable<readonly [key: string, network: number]> {
    return this.byKey;
  }

  /** Keeps a network that is not kept yet; it has no sessions. Returns its index; NO_NETWORK: there is no room. */
  add(key: string, evidence: Evidence): number {
    const siblings = isHinted(key) ? this.hinted.get(addressOf(key)) : undefined;
    let network = this.keys.length;
    if (siblings !== undefined && siblings.length >= HINTS_MAX) network = this.leastOf(siblings, 0, siblings.length);
    else if (network >= this.max) network = this.leastOfSample();
    if (network === NO_NETWORK) return NO_NETWORK;
    if (network < this.keys.length) this.forget(network);
    this.byKey.set(key, network);
    this.keys[network] = key;
    this.evidence[network] = evidence;
    this.sessions[network] = 0;
    this.unusedAt[network] = this.unused.push(network) - 1;
    if (isHinted(key)) {
      const of = this.hinted.get(addressOf(key));
      if (of === undefined) this.hinted.set(addressOf(key), [network]);
      else of.push(network);
    }
    return network;
  }

  /** A session begins on this network. */
  enter(network: number): void {
    if (this.sessions[network]!++ === 0) this.used(network);
  }

  /** It ends. */
  leave(network: number): void {
    if (--this.sessions[network]! === 0) this.unusedAt[network] = this.unused.push(network) - 1;
  }

  /** No longer among those without sessions. */
  private used(network: number): void {
    const last = this.unused.pop()!;
    const at = this.unusedAt[network]!;
    if (last === network) return;
    this.unused[at] = last;
    this.unusedAt[last] = at;
  }

  /** Its index becomes another network's. */
  private forget(network: number): void {
    const key = this.keys[network]!;
    this.byKey.delete(key);
    this.used(network);
    if (!isHinted(key)) return;
    const siblings = this.hinted.get(addressOf(key))!;
    siblings.splice(siblings.indexOf(network), 1);
    if (siblings.length === 0) this.hinted.delete(addressOf(key));
  }

  private leastOfSample(): number {
    const { unused } = this;
    if (unused.length === 0) return NO_NETWORK;
    const from = this.cursor % unused.length;
    this.cursor = from + SAMPLE;
    return this.leastOf(unused, from, Math.min(SAMPLE, unused.length));
  }

  /** The least known without sessions of `count` in `among`, from `from` on and around; NO_NETWORK: all have sessions. */
  private leastOf(among: readonly number[], from: number, count: number): number {
    let least = NO_NETWORK;
    let weight = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const network = among[(from + i) % among.length]!;
      if (this.sessions[network] !== 0) continue;
      const of = weightOf(this.evidence[network]!);
      if (of >= weight) continue;
      least = network;
      weight = of;
    }
    return least;
  }
}

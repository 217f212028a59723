// How often each of very many keys did something, and how many of its things are open, in a table of fixed size: typed
// arrays, open addressing, no object for a key. What a key may do is a bucket of tokens, kept as one number: the time
// at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371).
//
// Invariants: at most ¾ of the places are taken. A key with something open is never forgotten. One with nothing open
// whose bucket is full is as good as unknown, and is what makes room; when there is none nearby, one is forgotten although
// its bucket is not full, so that those who come with ever new keys cost no more than the table.
//
// Who makes room is looked for from a random place. A hand that goes round would leave the places before it ever fuller and
// those behind it emptier: at ¾ on the whole, 125 µs for a key instead of half a microsecond.

export interface Rate {
  /** Tokens a second. */
  readonly perSecond: number;
  /** Tokens of a full bucket; a key that was never seen has as many. */
  readonly burst: number;
}

const NOBODY = -1;

export class RateTable {
  /** Keys that are known. */
  size: number;
  /** Keys forgotten before their bucket was full, for want of room. */
  evictions: number;
  private readonly buckets: number;
  private readonly mask: number;
  private readonly sizeMax: number;
  private readonly seed: number;
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly taken: Uint8Array;
  private readonly open: Uint32Array;
  /** By place and bucket: when it is full again, ms. */
  private readonly fullAt: Float64Array;
  /** State of a xorshift generator, never 0. */
  private dice: number;

  /**
   * Room for `keysMax` keys, at least as many as can have something open at once. `seed`: any 32 bits, unknown to
   * those who choose keys. `buckets` of each key; with 0 it is known while something of it is open.
   */
  constructor(keysMax: number, seed: number, buckets: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, (keysMax + 1) / 0.75)));
    this.size = 0;
    this.evictions = 0;
    this.buckets = buckets;
    this.mask = capacity - 1;
    this.sizeMax = Math.floor(capacity * 0.75);
    this.seed = seed | 0;
    this.high = new Uint32Array(capacity);
    this.low = new Uint32Array(capacity);
    this.taken = new Uint8Array(capacity);
    this.open = new Uint32Array(capacity);
    this.fullAt = new Float64Array(capacity * buckets);
    this.dice = seed | 1;
  }

  /** Things of this key that are open. */
  openCount(high: number, low: number): number {
    const at = this.find(high, low);
    return at === NOBODY ? 0 : this.open[at]!;
  }

  /** One more is open. */
  opened(high: number, low: number, now: number): void {
    this.open[this.findOrAdd(high, low, now)]!++;
  }

  /** One of those is closed. */
  closed(high: number, low: number): void {
    const at = this.find(high, low);
    if (at === NOBODY || this.open[at] === 0) return;
    if (--this.open[at]! === 0 && this.buckets === 0) this.remove(at);
  }

  /** ms until the bucket has a token; 0: it has one now. Takes nothing. */
  waitMs(high: number, low: number, bucket: number, rate: Rate, now: number): number {
    const at = this.find(high, low);
    if (at === NOBODY) return 0;
    const stepMs = 1000 / rate.perSecond;
    return Math.max(0, this.fullAt[at * this.buckets + bucket]! + stepMs - now - rate.burst * stepMs);
  }

  /** Takes a token, if there is one: 0; otherwise ms until there will be. */
  take(high: number, low: number, bucket: number, rate: Rate, now: number): number {
    const at = this.findOrAdd(high, low, now) * this.buckets + bucket;
    const stepMs = 1000 / rate.perSecond;
    const fullAt = Math.max(this.fullAt[at]!, now) + stepMs;
    const waitMs = fullAt - now - rate.burst * stepMs;
    // A rounding of the time is no wait.
    if (waitMs > 1e-6) return waitMs;
    this.fullAt[at] = fullAt;
    return 0;
  }

  private placeOf(high: number, low: number): number {
    // The finalizer of MurmurHash3 (Appleby, public domain) over both halves.
    let h = Math.imul(high ^ this.seed, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13) ^ low, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 16) ^ this.seed, 0x85ebca6b);
    return (h ^ (h >>> 15)) & this.mask;
  }

  private find(high: number, low: number): number {
    for (let at = this.placeOf(high, low); this.taken[at] !== 0; at = (at + 1) & this.mask) {
      if (this.high[at] === high && this.low[at] === low) return at;
    }
    return NOBODY;
  }

  private findOrAdd(high: number, low: number, now: number): number {
    const found = this.find(high, low);
    if (found !== NOBODY) return found;
    if (this.size >= this.sizeMax) this.makeRoom(now);
    let at = this.placeOf(high, low);
    while (this.taken[at] !== 0) at = (at + 1) & this.mask;
    this.size++;
    this.taken[at] = 1;
    this.high[at] = high;
    this.low[at] = low;
    this.open[at] = 0;
    this.fullAt.fill(0, at * this.buckets, (at + 1) * this.buckets);
    return at;
  }

  /** Forgets a key: within a few steps one that is as good as unknown, otherwise the next one with nothing open. */
  private makeRoom(now: number): void {
    let victim = NOBODY;
    const start = this.throwDice();
    for (let steps = 0; steps <= this.mask; steps++) {
      const at = (start + steps) & this.mask;
      if (this.taken[at] === 0 || this.open[at] !== 0) continue;
      if (this.isFull(at, now)) return this.remove(at);
      if (victim === NOBODY) victim = at;
      if (steps >= STEPS_FOR_A_BETTER_ONE) break;
    }
    if (victim === NOBODY) throw new Error("more keys have something open than the table was made for");
    this.evictions++;
    this.remove(victim);
  }

  /** Marsaglia's xorshift, 13, 17, 5. */
  private throwDice(): number {
    let x = this.dice;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.dice = x;
    return x & this.mask;
  }

  private isFull(at: number, now: number): boolean {
    for (let bucket = 0; bucket < this.buckets; bucket++) if (this.fullAt[at * this.buckets + bucket]! > now) return false;
    return true;
  }

  /** Empties a place and moves up what stands behind it only because it was taken (Knuth, TAOCP 3, 6.4 R). */
  private remove(place: number): void {
    let hole = place;
    for (let at = (hole + 1) & this.mask; this.taken[at] !== 0; at = (at + 1) & this.mask) {
      const home = this.placeOf(this.high[at]!, this.low[at]!);
      if (((at - home) & this.mask) < ((at - hole) & this.mask)) continue;
      this.high[hole] = this.high[at]!;
      this.low[hole] = this.low[at]!;
      this.open[hole] = this.open[at]!;
      this.fullAt.copyWithin(hole * this.buckets, at * this.buckets, (at + 1) * this.buckets);
      hole = at;
    }
    this.taken[hole] = 0;
    this.size--;
  }
}
const STEPS_FOR_A_BETTER_ONE = 64;

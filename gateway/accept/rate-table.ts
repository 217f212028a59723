// How often each of very many keys did something, and how many of its things are open, in a table that grows as keys come, up
// to a fixed size: typed arrays, open addressing, no object for a key. What a key may do is a bucket of tokens, kept as one number: the time
// at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371). A line is one number likewise:
// the time at which its next place is free.
//
// Invariants: at most ¾ of the places are taken. A key with something open is never forgotten. One with nothing open
// whose bucket is full is as good as unknown, and is what makes room; when there is none nearby, one is forgotten although
// its bucket is not full, so that those who come with ever new keys cost no more than the table. Before it grows, all that
// are as good as unknown are left out: it is as large as the keys of its busiest moment need, and not as all that ever came do.
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
const PLACES_MIN = 16;
/** The share of places that may be taken. */
const FULL = 0.75;

export class RateTable {
  /** Keys that are known. */
  size: number;
  /** Keys forgotten before their bucket was full, for want of room. */
  evictions: number;
  private readonly buckets: number;
  private readonly counts: boolean;
  private readonly placesMax: number;
  private mask: number;
  private sizeMax: number;
  private readonly seed: number;
  private high: Uint32Array;
  private low: Uint32Array;
  private taken: Uint8Array;
  private open: Uint32Array;
  /** By place and bucket: when it is full again, ms. */
  private fullAt: Float64Array;
  /** State of a xorshift generator, never 0. */
  private dice: number;

  /**
   * Room for `keysMax` keys, at least as many as can have something open at once. `seed`: any 32 bits, unknown to
   * those who choose keys. `buckets` of each key; with 0 it is known while something of it is open. `counts`: whether
   * anything is opened here; a table that counts nothing has no memory for it.
   */
  constructor(keysMax: number, seed: number, buckets: number, counts: boolean) {
    this.size = 0;
    this.evictions = 0;
    this.buckets = buckets;
    this.counts = counts;
    this.placesMax = placesFor(keysMax + 1);
    const places = PLACES_MIN;
    this.mask = places - 1;
    this.sizeMax = Math.floor(places * FULL);
    this.seed = seed | 0;
    this.high = new Uint32Array(places);
    this.low = new Uint32Array(places);
    this.taken = new Uint8Array(places);
    this.open = new Uint32Array(counts ? places : 0);
    this.fullAt = new Float64Array(places * buckets);
    this.dice = seed | 1;
  }

  /** Things of this key that are open. */
  openCount(high: number, low: number): number {
    const at = this.find(high, low);
    return at === NOBODY ? 0 : this.open[at]!;
  }

  /** One more is open. */
  opened(high: number, low: number, now: number): void {
    // First the place: the arrays are others when the table grew.
    const at = this.findOrAdd(high, low, now);
    this.open[at]!++;
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

  /** Tokens in the bucket. Takes nothing. */
  tokens(high: number, low: number, bucket: number, rate: Rate, now: number): number {
    const at = this.find(high, low);
    if (at === NOBODY) return rate.burst;
    return rate.burst - (Math.max(0, this.fullAt[at * this.buckets + bucket]! - now) * rate.perSecond) / 1000;
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

  /**
   * Takes the next free place of a line that moves one place in `stepMs`: ms until then, `fromMs` at least. Beyond `horizonMs`
   * nothing is taken, and the line grows no longer.
   */
  queue(high: number, low: number, bucket: number, fromMs: number, stepMs: number, horizonMs: number, now: number): number {
    const at = this.findOrAdd(high, low, now) * this.buckets + bucket;
    const place = Math.max(this.fullAt[at]!, now + fromMs);
    if (place - now <= horizonMs) this.fullAt[at] = place + stepMs;
    return place - now;
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
    if (this.size >= this.sizeMax) {
      if (this.mask + 1 < this.placesMax) this.rebuild(now);
      else this.makeRoom(now);
    }
    let at = this.placeOf(high, low);
    while (this.taken[at] !== 0) at = (at + 1) & this.mask;
    this.size++;
    this.taken[at] = 1;
    this.high[at] = high;
    this.low[at] = low;
    if (this.counts) this.open[at] = 0;
    this.fullAt.fill(0, at * this.buckets, (at + 1) * this.buckets);
    return at;
  }

  /** A table with twice the room that those need who are not as good as unknown, and without the others. */
  private rebuild(now: number): void {
    const { high, low, taken, open, fullAt, buckets, counts } = this;
    let size = 0;
    for (let at = 0; at < taken.length; at++) {
      if (taken[at] === 0 || (!(counts && open[at] !== 0) && this.isFull(at, now))) taken[at] = 0;
      else size++;
    }
    const places = Math.min(this.placesMax, placesFor(2 * size));
    this.size = size;
    this.mask = places - 1;
    this.sizeMax = Math.floor(places * FULL);
    this.high = new Uint32Array(places);
    this.low = new Uint32Array(places);
    this.taken = new Uint8Array(places);
    this.open = new Uint32Array(counts ? places : 0);
    this.fullAt = new Float64Array(places * buckets);
    for (let from = 0; from < taken.length; from++) {
      if (taken[from] === 0) continue;
      let at = this.placeOf(high[from]!, low[from]!);
      while (this.taken[at] !== 0) at = (at + 1) & this.mask;
      this.taken[at] = 1;
      this.high[at] = high[from]!;
      this.low[at] = low[from]!;
      if (counts) this.open[at] = open[from]!;
      for (let bucket = 0; bucket < buckets; bucket++) this.fullAt[at * buckets + bucket] = fullAt[from * buckets + bucket]!;
    }
  }

  /** Forgets a key: within a few steps one that is as good as unknown, otherwise the next one with nothing open. */
  private makeRoom(now: number): void {
    let victim = NOBODY;
    const start = this.throwDice();
    for (let steps = 0; steps <= this.mask; steps++) {
      const at = (start + steps) & this.mask;
      if (this.taken[at] === 0 || (this.counts && this.open[at] !== 0)) continue;
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
      if (this.counts) this.open[hole] = this.open[at]!;
      this.fullAt.copyWithin(hole * this.buckets, at * this.buckets, (at + 1) * this.buckets);
      hole = at;
    }
    this.taken[hole] = 0;
    this.size--;
  }
}
const STEPS_FOR_A_BETTER_ONE = 64;

function placesFor(keys: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(PLACES_MIN, keys / FULL)));
}

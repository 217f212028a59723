// A small seeded generator for tests, simulations and fuzzers: the same seed gives the same run on every
// machine, which Math.random cannot. sfc32 ("small fast counting", Chris Doty-Humphrey's PractRand, public
// domain): 128 bits of state in four 32-bit integers, all of it integer arithmetic that V8 keeps unboxed.
// Not for secrets.

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  constructor(seed: number) {
    this.a = 0;
    this.b = 0;
    this.c = 0;
    this.counter = 0;
    this.reseed(seed);
  }

  /** Starts over as `new Random(seed)` would; up to 53 bits of the seed count. */
  reseed(seed: number): void {
    this.a = seed >>> 0;
    this.b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.c = 0x9e3779b9;
    this.counter = 1;
    // Neighbouring seeds begin almost equal; twelve rounds is what PractRand's author gives for mixing them.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** 0 … 2^32 - 1. */
  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 … n - 1, for n from 1 to 2^32. */
  below(n: number): number {
    // By multiplication, not by remainder: the high bits are as good as the low ones and no division is needed.
    return Math.floor((this.uint32() / 0x1_0000_0000) * n);
  }

  /** low … high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with the probability p. */
  chance(p: number): boolean {
    return this.uint32() < p * 0x1_0000_0000;
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Fills bytes[start, end) with random bytes. */
  fill(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    for (let i = start; i < end; i++) bytes[i] = this.uint32();
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.fill(bytes);
    return bytes;
  }

  /** An integer that is small as often as large: 0 … 2^bits - 1, its length in bits chosen first. For bits up to 53. */
  spread(bits: number): number {
    const chosen = this.below(bits + 1);
    if (chosen <= 32) return this.below(2 ** chosen);
    return this.below(2 ** (chosen - 32)) * 0x1_0000_0000 + this.uint32();
  }
}

// What the fuzzer runs: a target turns any bytes into events for the code under test and holds the outcome
// against rules that must hold for all of them. Any bytes are a valid input, so that an input can be printed as hex,
// run again alone and made smaller by leaving bytes out.
import type { Random } from "../../proto/testing/random.ts";

export interface FuzzTarget {
  readonly name: string;
  /** What is counted: "chunks", "bodies", "events". */
  readonly unit: string;
  /** A new input: seldom sense, seldom pure noise. The bytes are valid until the next call. */
  generate(random: Random): Uint8Array;
  /** Feeds an input from a fresh state. Returns how many units it was; throws (any Error) when a rule was broken. */
  check(input: Uint8Array): number;
}

/** A rule was broken. `expect` throws it; the runner takes any other error as a broken rule too: nothing may throw. */
export class Broken extends Error {}

export function expect(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Broken(rule);
}

/** A buffer that generators write an input into; what does not fit is left out. */
export class Input {
  readonly bytes: Uint8Array;
  length: number;

  constructor(bytesMax: number) {
    this.bytes = new Uint8Array(bytesMax);
    this.length = 0;
  }

  get taken(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length < this.bytes.length) this.bytes[this.length++] = value;
  }

  noise(random: Random, length: number): void {
    for (let i = 0; i < length; i++) this.byte(random.uint32());
  }

  /** The same byte many times. */
  run(value: number, length: number): void {
    const end = Math.min(this.length + length, this.bytes.length);
    this.bytes.fill(value, this.length, end);
    this.length = end;
  }

  /** An LEB128 varint of n (up to 2^53), padded with zero groups to at least `bytesMin` bytes. */
  varint(n: number, bytesMin = 1): void {
    for (let i = 1; n >= 128 || i < bytesMin; i++) {
      this.byte((n % 128) | 128);
      n = Math.floor(n / 128);
    }
    this.byte(n);
  }

  /** Inserts a varint of the bytes written since `start` at `start`. */
  prefixLength(start: number, bytesMin = 1): void {
    const end = this.length;
    this.varint(end - start, bytesMin);
    const prefix = this.bytes.slice(end, this.length);
    this.bytes.copyWithin(start + prefix.length, start, end);
    this.bytes.set(prefix, start);
  }
}

const TELLING = [0x00, 0x01, 0x05, 0x20, 0x40, 0x7f, 0x80, 0x81, 0xff];

/** Damages what was written since `start` in a few places: changes, removes, repeats, cuts off. */
export function mutate(random: Random, input: Input, start: number): void {
  for (let times = random.between(1, 4); times > 0; times--) {
    const { bytes, length } = input;
    if (length <= start) return;
    const at = start + random.below(length - start);
    const span = Math.min(random.between(1, 8), length - at);
    switch (random.below(7)) {
      case 0:
        bytes[at] = random.uint32();
        break;
      case 1:
        bytes[at] = random.pick(TELLING);
        break;
      case 2:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 3:
        bytes.copyWithin(at, at + span, length);
        input.length -= span;
        break;
      case 4:
        if (length + span > bytes.length) break;
        bytes.copyWithin(at + span, at, length);
        input.length += span;
        break;
      case 5:
        bytes.copyWithin(start + random.below(length - start), at, at + span);
        break;
      default:
        input.length = at;
    }
  }
}

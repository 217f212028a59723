// Raw inflate (RFC 1951) with a dictionary, for places without zlib: browsers' own streams take no dictionary. As strict as zlib,
// and stricter in two ways that matter here: it ends as soon as the output is longer than it may be, and bytes behind the end of
// the data are an error. Pure.
//
// Invariant: time is bounded by the data and the claimed size, memory by the claimed size; nothing is read outside of data,
// output and dictionary.
import type { Inflate } from "./codec.ts";

const BITS_MAX = 15;
const LITERALS = 288;
const DISTANCES = 32;
const END = 256;
const MATCH_LONGEST = 285;
const DISTANCES_USED = 30;

// RFC 1951 §3.2.5.
const lengthBase = new Uint16Array(29);
const lengthExtra = new Uint8Array(29);
const distanceBase = new Uint16Array(DISTANCES_USED);
const distanceExtra = new Uint8Array(DISTANCES_USED);
for (let code = 0, length = 3; code < 28; code++) {
  lengthBase[code] = length;
  lengthExtra[code] = code < 8 ? 0 : (code >> 2) - 1;
  length += 1 << lengthExtra[code]!;
}
lengthBase[28] = 258;
for (let code = 0, distance = 1; code < DISTANCES_USED; code++) {
  distanceBase[code] = distance;
  distanceExtra[code] = code < 4 ? 0 : (code >> 1) - 1;
  distance += 1 << distanceExtra[code]!;
}
const HEADER_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A prefix code as a table: by the next `bits` bits, symbol and length as symbol << 4 | length; 0: no code begins so. */
class DecodeTable {
  readonly entries: Uint16Array;
  bits: number;

  constructor(bitsMax: number) {
    this.entries = new Uint16Array(1 << bitsMax);
    this.bits = 0;
  }

  /** Of the lengths of symbols 0 … count - 1, from `from` on. False: they are no code (as zlib has it: one symbol of one bit is). */
  build(lengths: Uint8Array, from: number, count: number): boolean {
    counts.fill(0);
    let longest = 0;
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[from + symbol]!;
      counts[length]!++;
      if (length > longest) longest = length;
    }
    counts[0] = 0;
    let code = 0;
    let left = 1;
    for (let length = 1; length <= BITS_MAX; length++) {
      left = 2 * left - counts[length]!;
      if (left < 0) return false;
      code = (code + counts[length - 1]!) << 1;
      nextCode[length] = code;
    }
    if (left > 0 && longest > 1) return false;
    this.bits = longest;
    const { entries } = this;
    entries.fill(0, 0, 1 << longest);
    for (let symbol = 0; symbol < count; symbol++) {
      const length = lengths[from + symbol]!;
      if (length === 0) continue;
      // Codes are written from their first bit on: all entries whose low bits are the code backwards.
      const step = 1 << length;
      for (let at = reversed(nextCode[length]!++, length); at < 1 << longest; at += step) entries[at] = (symbol << 4) | length;
    }
    return true;
  }
}

// Scratch: a call uses it from beginning to end.
const counts = new Uint16Array(BITS_MAX + 1);
const nextCode = new Uint16Array(BITS_MAX + 1);
const lengths = new Uint8Array(LITERALS + DISTANCES);
const headerLengths = new Uint8Array(19);
const headerTable = new DecodeTable(7);
const literalTable = new DecodeTable(BITS_MAX);
const distanceTable = new DecodeTable(BITS_MAX);
const fixedLiterals = new DecodeTable(9);
const fixedDistances = new DecodeTable(5);
fixedLiterals.build(new Uint8Array(LITERALS).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280), 0, LITERALS);
fixedDistances.build(new Uint8Array(DISTANCES).fill(5), 0, DISTANCES);

class Inflater {
  private readonly data: Uint8Array;
  private readonly bitsEnd: number;
  private readonly out: Uint8Array;
  private readonly dictionary: Uint8Array;
  /** Bits read. Beyond the data they count as 0; whoever reads on finds out by `ended`. */
  private bit: number;
  private at: number;

  constructor(data: Uint8Array, size: number, dictionary: Uint8Array) {
    this.data = data;
    this.bitsEnd = 8 * data.length;
    this.out = new Uint8Array(size);
    this.dictionary = dictionary;
    this.bit = 0;
    this.at = 0;
  }

  /** The whole output, or undefined. */
  run(): Uint8Array | undefined {
    for (let last = false; !last; ) {
      last = this.take(1) === 1;
      const type = this.take(2);
      let good = false;
      if (type === 0) good = this.stored();
      else if (type === 1) good = this.block(fixedLiterals, fixedDistances);
      else if (type === 2) good = this.tables() && this.block(literalTable, distanceTable);
      if (!good || this.bit > this.bitsEnd) return undefined;
    }
    return this.at === this.out.length && (this.bit + 7) >> 3 === this.data.length ? this.out : undefined;
  }

  /** The next 16 bits and more, not taken. */
  private peek(): number {
    const { data } = this;
    const at = this.bit >> 3;
    return ((data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16)) >>> (this.bit & 7)) & 0xffff;
  }

  private take(count: number): number {
    const value = this.peek() & ((1 << count) - 1);
    this.bit += count;
    return value;
  }

  /** The next symbol; -1: no code, or the data end. */
  private symbol(table: DecodeTable): number {
    const entry = table.entries[this.peek() & ((1 << table.bits) - 1)]!;
    this.bit += entry & 15;
    return entry === 0 || this.bit > this.bitsEnd ? -1 : entry >> 4;
  }

  private stored(): boolean {
    const { data } = this;
    const at = (this.bit + 7) >> 3;
    if (at + 4 > data.length) return false;
    const length = data[at]! | (data[at + 1]! << 8);
    const end = at + 4 + length;
    if ((length ^ (data[at + 2]! | (data[at + 3]! << 8))) !== 0xffff || end > data.length || length > this.out.length - this.at) return false;
    this.out.set(data.subarray(at + 4, end), this.at);
    this.at += length;
    this.bit = 8 * end;
    return true;
  }

  /** Reads the codes of a block (§3.2.7). */
  private tables(): boolean {
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const header = this.take(4) + 4;
    if (literals > MATCH_LONGEST + 1 || distances > DISTANCES_USED) return false;
    headerLengths.fill(0);
    for (let i = 0; i < header; i++) headerLengths[HEADER_ORDER[i]!] = this.take(3);
    if (!headerTable.build(headerLengths, 0, 19)) return false;
    const total = literals + distances;
    for (let i = 0; i < total; ) {
      const symbol = this.symbol(headerTable);
      if (symbol < 0) return false;
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) return false;
      const value = symbol === 16 ? lengths[i - 1]! : 0;
      const end = i + (symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7));
      if (end > total) return false;
      while (i < end) lengths[i++] = value;
    }
    return lengths[END] !== 0 && literalTable.build(lengths, 0, literals) && distanceTable.build(lengths, literals, distances);
  }

  private block(literals: DecodeTable, distances: DecodeTable): boolean {
    const { out } = this;
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === END) return true;
      if (symbol < 0 || symbol > MATCH_LONGEST) return false;
      if (symbol < END) {
        if (this.at === out.length) return false;
        out[this.at++] = symbol;
        continue;
      }
      const length = lengthBase[symbol - 257]! + this.take(symbol === MATCH_LONGEST ? 0 : lengthExtra[symbol - 257]!);
      const code = this.symbol(distances);
      if (code < 0 || code >= DISTANCES_USED) return false;
      const distance = distanceBase[code]! + this.take(distanceExtra[code]!);
      if (length > out.length - this.at || distance > this.at + this.dictionary.length) return false;
      this.copy(length, distance);
    }
  }

  /** Byte by byte: a match may reach into what it writes. */
  private copy(length: number, distance: number): void {
    const { out, dictionary } = this;
    let at = this.at;
    const end = at + length;
    for (let from = dictionary.length + at - distance; at < end && from < dictionary.length; ) out[at++] = dictionary[from++]!;
    for (; at < end; at++) out[at] = out[at - distance]!;
    this.at = end;
  }
}

export const inflateRaw: Inflate = (data, size, dictionary) => new Inflater(data, size, dictionary).run();

function reversed(code: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((code >>> i) & 1) << (length - 1 - i);
  return result;
}

// Raw deflate (RFC 1951) for what is small: one message, a batch of them. Any inflate reads what it writes. It exists because
// zlib spends most of its time on a small input before the first byte of it: it clears its tables and hashes the whole
// dictionary anew for each call. Here the dictionary is indexed once, and the tables of the input are never cleared: entries
// of earlier calls are told apart by their age.
//
//   match      greedy with one byte of looking ahead: chains of positions with the same four bytes, first in the input, then
//              in the dictionary
//   encode     one block, with the fixed code or one made for it, whichever is smaller
//
// Invariant: `window` holds the dictionary, then the input; positions and distances are within it, so within 32 KiB.
import { codeLengths, codesOf } from "./huffman.ts";

/** Dictionary and input together: what a distance can reach. */
const WINDOW_BYTES = 32 * 1024;
/** Of an input, at most. Above it zlib is the better tool. */
export const SMALL_BYTES_MAX = 4 * 1024;
/** Of a dictionary; the rest of a longer one, at its beginning, is not referred to. */
const INDEXED_BYTES_MAX = WINDOW_BYTES - SMALL_BYTES_MAX;

const MATCH_MIN = 4;
const MATCH_MAX = 258;
/** A match this long is taken without a look at the next position, and ends the search. */
const GOOD_MATCH = 24;
const DICTIONARY_CHAIN_MAX = 8;
const INPUT_CHAIN_MAX = 4;
const DICTIONARY_HASH_BITS = 14;
const INPUT_HASH_BITS = 12;
const AGE_MAX = 2 ** 30;

const LITERALS = 286;
const DISTANCES = 30;
const END = 256;

// RFC 1951 §3.2.5: the first length (distance) of each code, and its extra bits.
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const lengthBase = new Uint16Array(29);
/** Code of each length, less 257. */
const lengthCode = new Uint8Array(MATCH_MAX + 1);
const distanceBase = new Uint16Array(DISTANCES);
const distanceExtra = new Uint8Array(DISTANCES);
/** Code of each distance - 1: below 256 directly, above by its upper bits. */
const distanceCode = new Uint8Array(512);
for (let code = 0, length = 3; code < 28; code++) {
  lengthBase[code] = length;
  for (let i = 0; i < 1 << LENGTH_EXTRA[code]!; i++) lengthCode[length++] = code;
}
lengthBase[28] = MATCH_MAX;
lengthCode[MATCH_MAX] = 28;
for (let code = 0, distance = 1; code < DISTANCES; code++) {
  const extra = code < 4 ? 0 : (code >> 1) - 1;
  distanceBase[code] = distance;
  distanceExtra[code] = extra;
  for (let i = 0; i < 1 << extra; i++, distance++) distanceCode[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)] = code;
}

/** Order of the lengths of the code lengths' own code (§3.2.7). */
const HEADER_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const HEADER_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7];

const fixedLengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
const fixedCodes = new Uint16Array(288);
codesOf(fixedLengths, 288, fixedCodes);
const fixedDistanceLengths = new Uint8Array(DISTANCES + 2).fill(5);
const fixedDistanceCodes = new Uint16Array(DISTANCES + 2);
codesOf(fixedDistanceLengths, DISTANCES + 2, fixedDistanceCodes);

// Scratch that all deflaters share: a call uses it from beginning to end.
const tokens = new Uint32Array(SMALL_BYTES_MAX + 1);
const literalCounts = new Uint32Array(LITERALS);
const distanceCounts = new Uint32Array(DISTANCES);
const literalLengths = new Uint8Array(LITERALS);
const literalCodes = new Uint16Array(LITERALS);
const distanceLengths = new Uint8Array(DISTANCES);
const distanceCodes = new Uint16Array(DISTANCES);
/** Lengths of both codes in runs: symbol | repeat << 8. */
const runs = new Uint16Array(LITERALS + DISTANCES);
const runCounts = new Uint32Array(19);
const runLengths = new Uint8Array(19);
const runCodes = new Uint16Array(19);
const inputHeads = new Int32Array(1 << INPUT_HASH_BITS);
const inputPrevious = new Int32Array(SMALL_BYTES_MAX);
/** Positions in inputHeads stand as age + position; those below the age are of earlier calls. */
let age = 1;

export class SmallDeflater {
  private readonly dictionaryBytes: number;
  private readonly window: Uint8Array;
  /** Last position of each hash in the dictionary, and the one before of each position; -1: none. */
  private readonly heads: Int16Array;
  private readonly previous: Int16Array;
  private matchLength: number;
  private matchDistance: number;
  private out: Uint8Array;
  private at: number;
  private bits: number;
  private bitCount: number;

  constructor(dictionary: Uint8Array) {
    const used = dictionary.subarray(Math.max(0, dictionary.length - INDEXED_BYTES_MAX));
    this.dictionaryBytes = used.length;
    this.window = new Uint8Array(used.length + SMALL_BYTES_MAX);
    this.window.set(used);
    this.heads = new Int16Array(1 << DICTIONARY_HASH_BITS).fill(-1);
    this.previous = new Int16Array(used.length).fill(-1);
    this.matchLength = 0;
    this.matchDistance = 0;
    this.out = NONE;
    this.at = 0;
    this.bits = 0;
    this.bitCount = 0;
    for (let at = 0; at + MATCH_MIN <= used.length; at++) {
      const hash = hashAt(this.window, at) >>> (32 - DICTIONARY_HASH_BITS);
      this.previous[at] = this.heads[hash]!;
      this.heads[hash] = at;
    }
  }

  /**
   * Deflates `input`, at most SMALL_BYTES_MAX, into `out` from `at` on. Returns the offset behind it; -1 when it would take
   * more than `bytesMax`, which `out` must have room for.
   */
  deflate(input: Uint8Array, out: Uint8Array, at: number, bytesMax: number): number {
    const count = this.tokenize(input);
    const fixedBits = 3 + bitsWith(fixedLengths, fixedDistanceLengths);
    let bits = fixedBits;
    let runCount = 0;
    // A code of its own takes some 50 bytes to say.
    if (fixedBits > 8 * 90) {
      prepareCodes();
      runCount = toRuns();
      bits = 3 + headerBits() + bitsWith(literalLengths, distanceLengths);
    }
    if (Math.min(bits, fixedBits) > 8 * bytesMax) return -1;
    this.out = out;
    this.at = at;
    this.bits = 0;
    this.bitCount = 0;
    if (bits < fixedBits) {
      this.put(1 | (2 << 1), 3);
      this.putHeader(runCount);
      this.putTokens(count, literalCodes, literalLengths, distanceCodes, distanceLengths);
    } else {
      this.put(1 | (1 << 1), 3);
      this.putTokens(count, fixedCodes, fixedLengths, fixedDistanceCodes, fixedDistanceLengths);
    }
    if (this.bitCount > 0) out[this.at++] = this.bits;
    this.out = NONE;
    return this.at;
  }

  /** Literals and matches of the input, into `tokens`, and how often each code occurs. */
  private tokenize(input: Uint8Array): number {
    const { window, dictionaryBytes } = this;
    window.set(input, dictionaryBytes);
    const end = dictionaryBytes + input.length;
    const hashEnd = end - MATCH_MIN;
    literalCounts.fill(0);
    distanceCounts.fill(0);
    literalCounts[END] = 1;
    let count = 0;
    let length = 0;
    let distance = 0;
    let known = false;
    for (let at = dictionaryBytes; at < end; ) {
      if (!known) {
        this.find(at, end, hashEnd);
        length = this.matchLength;
        distance = this.matchDistance;
      }
      known = false;
      if (length >= MATCH_MIN && length < GOOD_MATCH && at + 1 <= hashEnd) {
        this.find(at + 1, end, hashEnd);
        if (this.matchLength > length) {
          length = 0;
          known = true;
        }
      } else if (length >= MATCH_MIN && at + 1 <= hashEnd) insert(window, at + 1, dictionaryBytes);
      if (length < MATCH_MIN) {
        const literal = window[at++]!;
        literalCounts[literal]!++;
        tokens[count++] = literal;
        if (known) {
          length = this.matchLength;
          distance = this.matchDistance;
        }
        continue;
      }
      literalCounts[257 + lengthCode[length]!]!++;
      distanceCounts[codeOfDistance(distance)]!++;
      tokens[count++] = (length << 16) | (distance - 1);
      const next = at + length;
      for (let i = at + 2; i < next && i <= hashEnd; i++) insert(window, i, dictionaryBytes);
      at = next;
    }
    age += SMALL_BYTES_MAX;
    if (age > AGE_MAX) {
      age = 1;
      inputHeads.fill(0);
    }
    return count;
  }

  /** The longest match at `at`, which joins the input's chains. */
  private find(at: number, end: number, hashEnd: number): void {
    this.matchLength = 0;
    if (at > hashEnd) return;
    const { window, dictionaryBytes } = this;
    const lengthMax = Math.min(MATCH_MAX, end - at);
    const hash = hashAt(window, at);
    const slot = hash >>> (32 - INPUT_HASH_BITS);
    let candidate = inputHeads[slot]! - age;
    inputPrevious[at - dictionaryBytes] = candidate;
    inputHeads[slot] = age + at - dictionaryBytes;
    let best = MATCH_MIN - 1;
    for (let i = 0; candidate >= 0 && i < INPUT_CHAIN_MAX; i++) {
      const from = candidate + dictionaryBytes;
      if (window[from + best] === window[at + best]) {
        const length = common(window, from, at, lengthMax);
        if (length > best) {
          best = length;
          this.matchDistance = at - from;
          if (length >= GOOD_MATCH) break;
        }
      }
      candidate = inputPrevious[candidate]!;
    }
    if (best < GOOD_MATCH) {
      let from = this.heads[hash >>> (32 - DICTIONARY_HASH_BITS)]!;
      for (let i = 0; from >= 0 && i < DICTIONARY_CHAIN_MAX; i++) {
        if (window[from + best] === window[at + best]) {
          const length = common(window, from, at, lengthMax);
          if (length > best) {
            best = length;
            this.matchDistance = at - from;
            if (length >= GOOD_MATCH) break;
          }
        }
        from = this.previous[from]!;
      }
    }
    if (best >= MATCH_MIN) this.matchLength = best;
  }

  private putTokens(count: number, codes: Uint16Array, lengths: Uint8Array, codesOfDistance: Uint16Array, lengthsOfDistance: Uint8Array): void {
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!;
      if (token < 256) {
        this.put(codes[token]!, lengths[token]!);
        continue;
      }
      const length = token >>> 16;
      const code = lengthCode[length]!;
      this.put(codes[257 + code]!, lengths[257 + code]!);
      if (LENGTH_EXTRA[code]! > 0) this.put(length - lengthBase[code]!, LENGTH_EXTRA[code]!);
      const distance = (token & 0xffff) + 1;
      const far = codeOfDistance(distance);
      this.put(codesOfDistance[far]!, lengthsOfDistance[far]!);
      if (distanceExtra[far]! > 0) this.put(distance - distanceBase[far]!, distanceExtra[far]!);
    }
    this.put(codes[END]!, lengths[END]!);
  }

  /** The codes' lengths, run by run, in a code of their own (§3.2.7). */
  private putHeader(runCount: number): void {
    this.put(lastUsed(literalLengths, LITERALS, 257) - 257, 5);
    this.put(lastUsed(distanceLengths, DISTANCES, 1) - 1, 5);
    const headerCount = headerLengthCount();
    this.put(headerCount - 4, 4);
    for (let i = 0; i < headerCount; i++) this.put(runLengths[HEADER_ORDER[i]!]!, 3);
    for (let i = 0; i < runCount; i++) {
      const symbol = runs[i]! & 0xff;
      this.put(runCodes[symbol]!, runLengths[symbol]!);
      if (symbol >= 16) this.put(runs[i]! >>> 8, HEADER_EXTRA[symbol]!);
    }
  }

  /** At most 16 bits. */
  private put(value: number, count: number): void {
    let bits = this.bits | (value << this.bitCount);
    let bitCount = this.bitCount + count;
    while (bitCount >= 8) {
      this.out[this.at++] = bits;
      bits >>>= 8;
      bitCount -= 8;
    }
    this.bits = bits;
    this.bitCount = bitCount;
  }
}
const NONE = new Uint8Array(0);

function hashAt(bytes: Uint8Array, at: number): number {
  return Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24), 0x9e3779b1);
}

/** Has position `at` found by those that come later. */
function insert(window: Uint8Array, at: number, dictionaryBytes: number): void {
  const slot = hashAt(window, at) >>> (32 - INPUT_HASH_BITS);
  inputPrevious[at - dictionaryBytes] = inputHeads[slot]! - age;
  inputHeads[slot] = age + at - dictionaryBytes;
}

/** How many bytes at both places are the same, at most `max`. */
function common(bytes: Uint8Array, a: number, b: number, max: number): number {
  let length = 0;
  while (length < max && bytes[a + length] === bytes[b + length]) length++;
  return length;
}

function codeOfDistance(distance: number): number {
  return distance <= 256 ? distanceCode[distance - 1]! : distanceCode[256 + ((distance - 1) >> 7)]!;
}

/** Bits of all tokens with these codes. */
function bitsWith(lengths: Uint8Array, lengthsOfDistance: Uint8Array): number {
  let bits = 0;
  for (let symbol = 0; symbol <= END; symbol++) bits += literalCounts[symbol]! * lengths[symbol]!;
  for (let code = 0; code < 29; code++) bits += literalCounts[257 + code]! * (lengths[257 + code]! + LENGTH_EXTRA[code]!);
  for (let code = 0; code < DISTANCES; code++) bits += distanceCounts[code]! * (lengthsOfDistance[code]! + distanceExtra[code]!);
  return bits;
}

/** Codes made for the tokens. */
function prepareCodes(): void {
  // Two distances at least: not every decoder takes a code of one symbol.
  for (let code = 0; usedDistances() < 2; code++) if (distanceCounts[code] === 0) distanceCounts[code] = 1;
  codeLengths(literalCounts, LITERALS, 15, literalLengths);
  codesOf(literalLengths, LITERALS, literalCodes);
  codeLengths(distanceCounts, DISTANCES, 15, distanceLengths);
  codesOf(distanceLengths, DISTANCES, distanceCodes);
}

function usedDistances(): number {
  let used = 0;
  for (let code = 0; code < DISTANCES && used < 2; code++) if (distanceCounts[code] !== 0) used++;
  return used;
}

function lastUsed(lengths: Uint8Array, count: number, least: number): number {
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}

/** The lengths of both codes in runs (§3.2.7), and the code for the runs. Returns how many runs there are. */
function toRuns(): number {
  const literals = lastUsed(literalLengths, LITERALS, 257);
  const total = literals + lastUsed(distanceLengths, DISTANCES, 1);
  const lengthAt = (i: number): number => (i < literals ? literalLengths[i]! : distanceLengths[i - literals]!);
  runCounts.fill(0);
  let count = 0;
  for (let i = 0; i < total; ) {
    const length = lengthAt(i);
    let same = 1;
    while (i + same < total && same < 138 && lengthAt(i + same) === length) same++;
    if (length === 0 && same >= 11) runs[count++] = 18 | ((same - 11) << 8);
    else if (length === 0 && same >= 3) runs[count++] = 17 | ((same - 3) << 8);
    else {
      runs[count++] = length;
      same = Math.min(same - 1, 6);
      if (same >= 3) runs[count++] = 16 | ((same - 3) << 8);
      else same = 0;
      runCounts[length]!++;
      if (same > 0) runCounts[16]!++;
      i += 1 + same;
      continue;
    }
    runCounts[runs[count - 1]! & 0xff]!++;
    i += same;
  }
  for (let symbol = 0, used = runCounts.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0); used < 2; symbol++) {
    if (runCounts[symbol] !== 0) continue;
    runCounts[symbol] = 1;
    used++;
  }
  codeLengths(runCounts, 19, 7, runLengths);
  codesOf(runLengths, 19, runCodes);
  return count;
}

function headerLengthCount(): number {
  let count = 19;
  while (count > 4 && runLengths[HEADER_ORDER[count - 1]!] === 0) count--;
  return count;
}

function headerBits(): number {
  let bits = 14 + 3 * headerLengthCount();
  for (let symbol = 0; symbol < 19; symbol++) bits += runCounts[symbol]! * (runLengths[symbol]! + HEADER_EXTRA[symbol]!);
  return bits;
}

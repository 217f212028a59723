// Prefix codes for deflate (RFC 1951 §3.2.2): how long each symbol's code should be, and what the codes then are. Pure.
//
// Lengths come from Huffman's algorithm over symbols sorted by frequency (two queues, so no heap); codes that would be longer
// than allowed are shortened by giving two symbols one bit more for each that is over, which keeps the code complete.
// Invariant: with two or more used symbols the code is complete (its Kraft sum is 1): decoders refuse others.

const SYMBOLS_MAX = 288;
const DEPTHS_MAX = 64;

// Scratch of every call: one thread, and nothing is kept between calls.
const sorted = new Uint32Array(SYMBOLS_MAX);
const weights = new Uint32Array(2 * SYMBOLS_MAX);
const parents = new Uint16Array(2 * SYMBOLS_MAX);
const depths = new Uint8Array(2 * SYMBOLS_MAX);
const counts = new Uint32Array(DEPTHS_MAX);
const nextCode = new Uint16Array(17);

/**
 * Lengths of the codes of symbols 0 … count - 1 into `lengths`, at most `limit` bits each, 0 for those with frequency 0.
 * Frequencies are below 2²², and at least two of them are not 0.
 */
export function codeLengths(frequencies: Uint32Array, count: number, limit: number, lengths: Uint8Array): void {
  let used = 0;
  for (let symbol = 0; symbol < count; symbol++) {
    lengths[symbol] = 0;
    if (frequencies[symbol] !== 0) sorted[used++] = (frequencies[symbol]! << 9) | symbol;
  }
  sorted.subarray(0, used).sort();
  for (let i = 0; i < used; i++) weights[i] = sorted[i]! >>> 9;
  // Leaves 0 … used - 1 ascend, and so do the inner nodes made of them: the two smallest stand at the heads of two queues.
  let leaf = 0;
  let inner = used;
  const root = 2 * used - 2;
  for (let node = used; node <= root; node++) {
    let weight = 0;
    for (let child = 0; child < 2; child++) {
      const taken = inner >= node || (leaf < used && weights[leaf]! <= weights[inner]!) ? leaf++ : inner++;
      parents[taken] = node;
      weight += weights[taken]!;
    }
    weights[node] = weight;
  }
  counts.fill(0);
  depths[root] = 0;
  for (let node = root - 1; node >= 0; node--) {
    const depth = depths[parents[node]!]! + 1;
    depths[node] = depth;
    if (node < used) counts[Math.min(depth, limit)]!++;
  }
  complete(limit);
  // The most frequent get the shortest.
  let at = used;
  for (let length = 1; length <= limit; length++) {
    for (let i = counts[length]!; i > 0; i--) lengths[sorted[--at]! & 0x1ff] = length;
  }
}

/** Makes the sum of 2^-length over `counts` 1 again, where cutting at `limit` made it more. */
function complete(limit: number): void {
  let sum = 0;
  for (let length = 1; length <= limit; length++) sum += counts[length]! << (limit - length);
  for (let over = sum - (1 << limit); over > 0; over--) {
    counts[limit]!--;
    let length = limit - 1;
    while (counts[length] === 0) length--;
    counts[length]!--;
    counts[length + 1]! += 2;
  }
}

/** The codes that belong to the lengths, bits reversed: deflate writes codes from their first bit on, all else from the last. */
export function codesOf(lengths: Uint8Array, count: number, codes: Uint16Array): void {
  counts.fill(0);
  for (let symbol = 0; symbol < count; symbol++) counts[lengths[symbol]!]!++;
  let code = 0;
  counts[0] = 0;
  for (let length = 1; length <= 15; length++) {
    code = (code + counts[length - 1]!) << 1;
    nextCode[length] = code;
  }
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol]!;
    if (length !== 0) codes[symbol] = reversed(nextCode[length]!++, length);
  }
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((code >>> i) & 1) << (length - 1 - i);
  return result;
}

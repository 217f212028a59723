// A dictionary of what is frequent in small messages, for compressors that may be given one. In the manner of COVER (Liao,
// Petri, Moffat and Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries", WWW 2016): the text is cut into as
// many stretches as the dictionary has segments, and from each stretch comes the segment whose byte sequences are in the most
// messages, not counting those that an earlier segment brought.
//
// Invariant: the dictionary has at most `bytes` bytes, all of them out of the messages given.

/** Length of the sequences that are counted: the least that every candidate can refer to at a gain. */
const SEQUENCE_BYTES = 6;
/** Of a segment: some words of chat. */
const SEGMENT_BYTES = 24;
/** Slots of the table of counts; sequences that share a slot share their count. */
const TABLE_BITS = 22;

/** Trains on the messages. The most useful segments come last: what is near is cheapest to refer to. */
export function trainDictionary(messages: readonly Uint8Array[], bytes: number): Uint8Array {
  const text = Buffer.concat(messages);
  const counts = countByMessage(messages);
  const segments: { score: number; bytes: Uint8Array }[] = [];
  const wanted = Math.floor(bytes / SEGMENT_BYTES);
  for (let i = 0; i < wanted; i++) {
    const start = Math.floor((i * text.length) / wanted);
    const end = Math.min(Math.floor(((i + 1) * text.length) / wanted) + SEGMENT_BYTES, text.length);
    const best = bestSegment(text, start, end, counts);
    if (best.score === 0) continue;
    segments.push({ score: best.score, bytes: text.subarray(best.at, best.at + SEGMENT_BYTES) });
    for (let at = best.at; at <= best.at + SEGMENT_BYTES - SEQUENCE_BYTES; at++) counts[slotOf(text, at)] = 0;
  }
  segments.sort((a, b) => a.score - b.score);
  return Buffer.concat(segments.map((segment) => segment.bytes));
}

/** How many messages each sequence is in; those that are in one only count nothing. */
function countByMessage(messages: readonly Uint8Array[]): Uint32Array {
  const counts = new Uint32Array(1 << TABLE_BITS);
  const lastSeen = new Uint32Array(1 << TABLE_BITS);
  for (const [i, message] of messages.entries()) {
    for (let at = 0; at <= message.length - SEQUENCE_BYTES; at++) {
      const slot = slotOf(message, at);
      if (lastSeen[slot] === i + 1) continue;
      lastSeen[slot] = i + 1;
      counts[slot]!++;
    }
  }
  for (let slot = 0; slot < counts.length; slot++) if (counts[slot] === 1) counts[slot] = 0;
  return counts;
}

function bestSegment(text: Uint8Array, start: number, end: number, counts: Uint32Array): { at: number; score: number } {
  const sequences = SEGMENT_BYTES - SEQUENCE_BYTES + 1;
  let best = { at: start, score: 0 };
  let score = 0;
  for (let at = start; at + SEQUENCE_BYTES <= end; at++) {
    score += counts[slotOf(text, at)]!;
    const first = at - sequences + 1;
    if (first > start) score -= counts[slotOf(text, first - 1)]!;
    if (first >= start && score > best.score) best = { at: first, score };
  }
  return best;
}

function slotOf(bytes: Uint8Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let i = at; i < at + SEQUENCE_BYTES; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> (32 - TABLE_BITS);
}

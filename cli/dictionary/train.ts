// A dictionary of what many people write, for compressors that may be given one. In the manner of COVER (Liao, Petri, Moffat and
// Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries", WWW 2016): the messages are cut into as many stretches as
// the dictionary has segments, and each stretch gives the segment whose byte sequences are used by most senders, not counting
// those that an earlier segment brought.
//
// A dictionary goes to every client, so nothing private may be in it. Invariant: each run of SEQUENCE_BYTES bytes inside a segment
// is in messages of at least `sendersMin` senders; a segment lies within one message; the same messages give the same dictionary.

/** Length of the sequences that are counted: the least that a compressor refers to at a clear gain. */
export const SEQUENCE_BYTES = 6;
const SEGMENT_BYTES_MIN = 10;
const SEGMENT_BYTES_MAX = 32;

export interface TrainingMessage {
  readonly sender: string;
  /** As it is compressed: the body of its frame. */
  readonly bytes: Uint8Array;
}

interface Segment {
  readonly score: number;
  readonly bytes: Uint8Array;
}

/** Trains a dictionary of at most `bytesMax`; the most useful segments come last, where they are cheapest to refer to. */
export function trainDictionary(messages: readonly TrainingMessage[], bytesMax: number, sendersMin: number): Uint8Array {
  const counts = sendersOfSequences(messages, sendersMin);
  const segments: Segment[] = [];
  let left = bytesMax;
  // Several rounds: a stretch that gave nothing new leaves its place to others.
  for (let round = 0; round < 4 && left >= SEGMENT_BYTES_MIN; round++) {
    const wanted = Math.ceil(left / 20);
    for (let i = 0; i < wanted && left >= SEGMENT_BYTES_MIN; i++) {
      const from = Math.floor((i * messages.length) / wanted);
      const to = Math.max(from + 1, Math.floor(((i + 1) * messages.length) / wanted));
      const best = bestSegment(messages, from, Math.min(to, messages.length), counts, Math.min(left, SEGMENT_BYTES_MAX));
      if (best === undefined) continue;
      segments.push(best);
      left -= best.bytes.length;
      for (let at = 0; at + SEQUENCE_BYTES <= best.bytes.length; at++) counts.set(sequenceAt(best.bytes, at), 0);
    }
  }
  segments.sort((a, b) => a.score - b.score);
  const dictionary = new Uint8Array(bytesMax - left);
  let at = 0;
  for (const { bytes } of segments) {
    dictionary.set(bytes, at);
    at += bytes.length;
  }
  return dictionary;
}

/** By how many senders each sequence is used; only those of enough senders. 0 later: it is in the dictionary already. */
function sendersOfSequences(messages: readonly TrainingMessage[], sendersMin: number): Map<number, number> {
  const bySender = new Map<string, TrainingMessage[]>();
  for (const message of messages) {
    const list = bySender.get(message.sender);
    if (list === undefined) bySender.set(message.sender, [message]);
    else list.push(message);
  }
  const counts = new Map<number, number>();
  for (const list of bySender.values()) {
    const seen = new Set<number>();
    for (const { bytes } of list) for (let at = 0; at + SEQUENCE_BYTES <= bytes.length; at++) seen.add(sequenceAt(bytes, at));
    for (const sequence of seen) counts.set(sequence, (counts.get(sequence) ?? 0) + 1);
  }
  for (const [sequence, count] of counts) if (count < sendersMin) counts.delete(sequence);
  return counts;
}

/** The segment of messages[from … to - 1] with the most in it that is new; undefined: there is none. */
function bestSegment(messages: readonly TrainingMessage[], from: number, to: number, counts: Map<number, number>, bytesMax: number): Segment | undefined {
  let best: Segment | undefined;
  for (let i = from; i < to; i++) {
    const { bytes } = messages[i]!;
    let start = 0;
    let score = 0;
    for (let at = 0; at + SEQUENCE_BYTES <= bytes.length; at++) {
      const count = counts.get(sequenceAt(bytes, at));
      if (count === undefined) {
        start = at + 1;
        score = 0;
        continue;
      }
      score += count;
      const end = at + SEQUENCE_BYTES;
      while (end - start > bytesMax) score -= counts.get(sequenceAt(bytes, start++)) ?? 0;
      if (end - start >= SEGMENT_BYTES_MIN && score > (best?.score ?? 0)) best = { score, bytes: bytes.subarray(start, end) };
    }
  }
  return best;
}

/** The sequence at `at` as a number: six bytes fit one. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const low = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
  return high * 0x100_0000 + low;
}

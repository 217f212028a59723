// A second reader of frames, for the fuzzer: takes the whole stream at once, knows nothing of chunks, and is
// written from SPEC.md §2 in another way than the one under test.

export const Verdict = { Good: 0, BadFrame: 1, FrameTooLarge: 2 } as const;

/** What stands in a stream. Filled anew by each `read`; its arrays grow and are kept. */
export class ReferenceFrames {
  /** Frames before the verdict: header (0: beat), and where the body starts and ends. */
  count = 0;
  headers: number[] = [];
  starts: number[] = [];
  ends: number[] = [];
  verdict: number = Verdict.Good;
  /** The verdict must be known when so many bytes came, and cannot be known before `verdictFrom`. */
  verdictFrom = 0;
  verdictBy = 0;
  /** Where the unfinished frame at the end begins (the length of the stream: there is none). */
  restAt = 0;

  /**
   * `limit` is the largest length value; a frame of type `raisingType` raises it to `raisedLimit` for what comes
   * behind, as Welcome does.
   */
  read(stream: Uint8Array, limit: number, raisingType: number, raisedLimit: number): void {
    this.count = 0;
    this.verdict = Verdict.Good;
    this.restAt = 0;
    for (let at = 0; at < stream.length; this.restAt = at) {
      // The length: up to four groups of seven bits.
      let groups = 0;
      let length = 0;
      while (at + groups < stream.length && groups < 4) {
        const group = stream[at + groups]! % 128;
        length += group * 128 ** groups;
        groups++;
        if (stream[at + groups - 1]! === group) break;
      }
      const last = stream[at + groups - 1]!;
      if (last >= 128) {
        if (groups === 4) this.refuse(Verdict.BadFrame, at + 4, at + 4);
        return;
      }
      if (groups > 1 && last === 0) return this.refuse(Verdict.BadFrame, at + groups, at + groups);
      if (length > limit) return this.refuse(Verdict.FrameTooLarge, at + groups, at + groups);
      const header = at + groups;
      const end = header + length;
      if (end > stream.length) return;
      if (length === 0) this.add(0, header, header);
      else {
        const value = stream[header]!;
        // Type 0 or the reserved bit: may be refused when the header is there, must be when the frame is.
        if (value >= 128 || value % 32 === 0) return this.refuse(Verdict.BadFrame, header + 1, end);
        this.add(value, header + 1, end);
        if (value % 32 === raisingType) limit = raisedLimit;
      }
      at = end;
    }
  }

  private add(header: number, start: number, end: number): void {
    this.headers[this.count] = header;
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.count++;
  }

  private refuse(verdict: number, from: number, by: number): void {
    this.verdict = verdict;
    this.verdictFrom = from;
    this.verdictBy = by;
  }
}

/** The members of a batch body bytes[start, end), as offsets in `starts` and `ends`; their number, or -1 when it is none. */
export function referenceBatch(bytes: Uint8Array, start: number, end: number, starts: number[], ends: number[]): number {
  let count = 0;
  for (let at = start; at < end; count++) {
    let length = 0;
    let scale = 1;
    let byte = 128;
    for (const from = at; byte >= 128; scale *= 128) {
      if (at === end || at - from === 4) return -1;
      byte = bytes[at++]!;
      if (byte === 0 && at - from > 1) return -1;
      length += (byte % 128) * scale;
    }
    if (at + length > end) return -1;
    starts[count] = at;
    at += length;
    ends[count] = at;
  }
  return count === 0 ? -1 : count;
}

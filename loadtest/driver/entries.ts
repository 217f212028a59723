// Messages that are under way, as rows of typed arrays: from the moment at which they were meant to be sent until they were
// acked and delivered everywhere. Rows are linked into lists by lane, and used again.

export const NONE = -1;

export const EntryFlag = {
  /** The server said which row it became. */
  Acked: 1,
  /** Refused for good: it has no row. */
  Refused: 2,
} as const;

const CAPACITY_MIN = 1024;

/** Grown together; read through this object each time, since growing replaces them. */
export class Entries {
  readonly max: number;
  /** Index of its lane. */
  lane: Int32Array;
  text: Int32Array;
  clientSeq: Uint32Array;
  /** Of the request that is unanswered now; 0: none. */
  ref: Uint32Array;
  /** Its row, once it is acked. */
  seq: Uint32Array;
  flags: Uint8Array;
  /** Sessions that it was delivered to. */
  delivered: Uint16Array;
  next: Int32Array;
  /** Times in µs since the epoch; 0: it has not happened. */
  intended: Float64Array;
  sent: Float64Array;
  acked: Float64Array;
  count: number;
  private free: number;

  constructor(max: number) {
    this.max = max;
    this.lane = new Int32Array(0);
    this.text = new Int32Array(0);
    this.clientSeq = new Uint32Array(0);
    this.ref = new Uint32Array(0);
    this.seq = new Uint32Array(0);
    this.flags = new Uint8Array(0);
    this.delivered = new Uint16Array(0);
    this.next = new Int32Array(0);
    this.intended = new Float64Array(0);
    this.sent = new Float64Array(0);
    this.acked = new Float64Array(0);
    this.count = 0;
    this.free = NONE;
  }

  /** A fresh entry, or NONE when there are `max`. */
  take(lane: number, text: number, clientSeq: number, intendedUs: number): number {
    if (this.free === NONE && !this.grow()) return NONE;
    const entry = this.free;
    this.free = this.next[entry]!;
    this.count++;
    this.lane[entry] = lane;
    this.text[entry] = text;
    this.clientSeq[entry] = clientSeq;
    this.ref[entry] = 0;
    this.seq[entry] = 0;
    this.flags[entry] = 0;
    this.delivered[entry] = 0;
    this.next[entry] = NONE;
    this.intended[entry] = intendedUs;
    this.sent[entry] = 0;
    this.acked[entry] = 0;
    return entry;
  }

  release(entry: number): void {
    // So that nobody who still holds its number takes it for what it was.
    this.lane[entry] = NONE;
    this.next[entry] = this.free;
    this.free = entry;
    this.count--;
  }

  private grow(): boolean {
    const old = this.next.length;
    const size = Math.min(this.max, Math.max(CAPACITY_MIN, 2 * old));
    if (size === old) return false;
    this.lane = widened(this.lane, new Int32Array(size));
    this.text = widened(this.text, new Int32Array(size));
    this.clientSeq = widened(this.clientSeq, new Uint32Array(size));
    this.ref = widened(this.ref, new Uint32Array(size));
    this.seq = widened(this.seq, new Uint32Array(size));
    this.flags = widened(this.flags, new Uint8Array(size));
    this.delivered = widened(this.delivered, new Uint16Array(size));
    this.next = widened(this.next, new Int32Array(size));
    this.intended = widened(this.intended, new Float64Array(size));
    this.sent = widened(this.sent, new Float64Array(size));
    this.acked = widened(this.acked, new Float64Array(size));
    for (let i = size - 1; i >= old; i--) {
      this.next[i] = this.free;
      this.free = i;
    }
    return true;
  }
}

function widened<T extends Int32Array | Uint32Array | Uint8Array | Uint16Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

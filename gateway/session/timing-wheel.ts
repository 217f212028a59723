// Deadlines of many sessions on one coarse tick: a hashed timing wheel (Varghese and Lauck, 1987) with one
// entry per id and doubly linked buckets in typed arrays. Arming and disarming cost a few writes, whatever the
// number of sessions. An entry further away than the wheel reaches waits in its last bucket and is put on from there.
//
// Invariant: an armed id stands in exactly one bucket, and is reported not before its time, and by the first
// `advance` at or after its time rounded up to a whole tick.

const NONE = -1;

export interface WheelSink {
  /** The id's time has come. It is disarmed; it may be armed again from here. */
  due(id: number, now: number): void;
}

export class TimingWheel {
  private readonly tickMs: number;
  private readonly mask: number;
  /** First id of each bucket. */
  private readonly heads: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  /** Bucket of each id; NONE: not armed. */
  private readonly buckets: Int32Array;
  private readonly dueAt: Float64Array;
  /** Ticks before this one are done. */
  private tick: number;
  /** What is overdue already when armed goes into this tick's bucket: one that is not passed yet. */
  private floor: number;
  /** The id that `advance` comes to next; moved on when that one is unlinked meanwhile. */
  private cursor: number;

  /** Ids 0 … capacity - 1; `bucketCount` is a power of two; times in ms. */
  constructor(capacity: number, tickMs: number, bucketCount: number, now: number) {
    if ((bucketCount & (bucketCount - 1)) !== 0) throw new RangeError("bucketCount must be a power of two");
    this.tickMs = tickMs;
    this.mask = bucketCount - 1;
    this.heads = new Int32Array(bucketCount).fill(NONE);
    this.next = new Int32Array(capacity).fill(NONE);
    this.previous = new Int32Array(capacity).fill(NONE);
    this.buckets = new Int32Array(capacity).fill(NONE);
    this.dueAt = new Float64Array(capacity);
    this.tick = Math.floor(now / tickMs);
    this.floor = this.tick;
    this.cursor = NONE;
  }

  /** Has `id` reported at `dueAt`, instead of when it was armed for before. */
  arm(id: number, dueAt: number): void {
    if (this.buckets[id] !== NONE) this.unlink(id);
    this.dueAt[id] = dueAt;
    this.link(id);
  }

  disarm(id: number): void {
    if (this.buckets[id] !== NONE) this.unlink(id);
  }

  armed(id: number): boolean {
    return this.buckets[id] !== NONE;
  }

  /** Reports everything that is due at `now`. */
  advance(now: number, sink: WheelSink): void {
    const until = Math.floor(now / this.tickMs);
    if (until < this.tick) return;
    this.floor = until;
    // After a long sleep one turn of the wheel comes by every bucket.
    if (until - this.tick > this.mask) this.tick = until - this.mask;
    for (; this.tick <= until; this.tick++) {
      let id = this.heads[this.tick & this.mask]!;
      while (id !== NONE) {
        this.cursor = this.next[id]!;
        const dueAt = this.dueAt[id]!;
        if (dueAt <= now) {
          this.unlink(id);
          sink.due(id, now);
        } else if (this.tick < until) this.arm(id, dueAt);
        id = this.cursor;
      }
    }
    // The tick under way is not over: what becomes due within it is found there by the next call.
    this.tick = until;
    this.cursor = NONE;
  }

  private link(id: number): void {
    const due = Math.ceil(this.dueAt[id]! / this.tickMs);
    const bucket = Math.min(Math.max(due, this.floor), this.tick + this.mask) & this.mask;
    const head = this.heads[bucket]!;
    this.buckets[id] = bucket;
    this.previous[id] = NONE;
    this.next[id] = head;
    if (head !== NONE) this.previous[head] = id;
    this.heads[bucket] = id;
  }

  private unlink(id: number): void {
    const next = this.next[id]!;
    const previous = this.previous[id]!;
    if (id === this.cursor) this.cursor = next;
    if (previous === NONE) this.heads[this.buckets[id]!] = next;
    else this.next[previous] = next;
    if (next !== NONE) this.previous[next] = previous;
    this.buckets[id] = NONE;
  }
}

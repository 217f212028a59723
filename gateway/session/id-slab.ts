// The ids of all sessions (user, device, install) in one block of memory: a record for each session, in the smallest
// size class that holds it. A class has room for as many records as there can be sessions, so that room never runs out and
// nothing is ever moved; memory that no record has touched is address space only, the system gives it no pages.
//
// record = install (8 bytes) | user | device
const GRAIN_BYTES = 24;

export class IdSlab {
  readonly bytes: Uint8Array;
  private readonly capacity: number;
  /** Records handed out so far in each class, and those given back, linked through their first four bytes. */
  private readonly used: Uint32Array;
  private readonly free: Uint32Array;
  private readonly view: DataView;

  /** At most `capacity` records of at most `recordBytesMax` bytes each. */
  constructor(capacity: number, recordBytesMax: number) {
    const classes = Math.ceil(recordBytesMax / GRAIN_BYTES);
    this.capacity = capacity;
    this.bytes = new Uint8Array((capacity * GRAIN_BYTES * classes * (classes + 1)) / 2);
    this.view = new DataView(this.bytes.buffer);
    this.used = new Uint32Array(classes);
    // 0: none; else a place + 1.
    this.free = new Uint32Array(classes);
  }

  /** Room for a record; returns where it starts in `bytes`. */
  take(length: number): number {
    const kind = sizeClass(length);
    const free = this.free[kind]!;
    if (free !== 0) {
      this.free[kind] = this.view.getUint32(free - 1);
      return free - 1;
    }
    if (this.used[kind] === this.capacity) throw new Error("more records than sessions");
    return this.classStart(kind) + this.used[kind]!++ * (kind + 1) * GRAIN_BYTES;
  }

  /** Gives back what `take(length)` returned. */
  release(at: number, length: number): void {
    const kind = sizeClass(length);
    this.view.setUint32(at, this.free[kind]!);
    this.free[kind] = at + 1;
  }

  private classStart(kind: number): number {
    return (this.capacity * GRAIN_BYTES * kind * (kind + 1)) / 2;
  }
}

function sizeClass(length: number): number {
  return Math.max(0, Math.ceil(length / GRAIN_BYTES) - 1);
}

// The ids of all sessions (user, device, install) in pages of memory: a record for each session, in the smallest size
// class that holds it. A page belongs to one class for ever, so that nothing is ever moved; a class has at most as many
// records as there can be sessions, which bounds the pages.
//
// A record's place: page << 16 | where it starts in the page.
const GRAIN_BYTES = 24;
const PAGE_BITS = 16;
const PAGE_BYTES = 1 << PAGE_BITS;

export class IdSlab {
  private readonly capacity: number;
  private readonly pages: Uint8Array[];
  /** By class: records handed out so far, the place of the next one, and those given back, linked through their first four bytes. */
  private readonly used: Uint32Array;
  private readonly next: Float64Array;
  private readonly free: Float64Array;

  /** At most `capacity` records of at most `recordBytesMax` bytes each. */
  constructor(capacity: number, recordBytesMax: number) {
    const classes = Math.ceil(recordBytesMax / GRAIN_BYTES);
    this.capacity = capacity;
    this.pages = [];
    this.used = new Uint32Array(classes);
    this.next = new Float64Array(classes).fill(NONE);
    this.free = new Float64Array(classes).fill(NONE);
  }

  /** The page that a place is in, and where in it the record starts. */
  page(at: number): Uint8Array {
    return this.pages[at >>> PAGE_BITS]!;
  }

  start(at: number): number {
    return at & (PAGE_BYTES - 1);
  }

  /** Room for a record; returns its place. */
  take(length: number): number {
    const kind = sizeClass(length);
    const free = this.free[kind]!;
    if (free !== NONE) {
      const { buffer } = this.page(free);
      const link = new DataView(buffer).getUint32(this.start(free));
      this.free[kind] = link === 0 ? NONE : link - 1;
      return free;
    }
    if (this.used[kind]!++ === this.capacity) throw new Error("more records than sessions");
    const size = (kind + 1) * GRAIN_BYTES;
    let at = this.next[kind]!;
    if (at === NONE || this.start(at) + size > PAGE_BYTES) at = (this.pages.push(new Uint8Array(PAGE_BYTES)) - 1) * PAGE_BYTES;
    // The last record of a page ends where no other begins: what follows is another class's, or nobody's.
    this.next[kind] = this.start(at) + 2 * size > PAGE_BYTES ? NONE : at + size;
    return at;
  }

  /** Gives back what `take(length)` returned. */
  release(at: number, length: number): void {
    const kind = sizeClass(length);
    const free = this.free[kind]!;
    new DataView(this.page(at).buffer).setUint32(this.start(at), free === NONE ? 0 : free + 1);
    this.free[kind] = at;
  }
}
const NONE = -1;

function sizeClass(length: number): number {
  return Math.max(0, Math.ceil(length / GRAIN_BYTES) - 1);
}

// Who spoke already: a set of 32-bit fingerprints that is emptied as each window begins, in one array of fixed size. Pure.
//
// Invariant: at most `capacity` entries; when it is full nobody else is heard until the window ends, so memory is bounded
// and many who speak cannot push the weight of one who spoke out of it.

export class Spoke {
  private readonly slots: Uint32Array;
  private readonly entriesMax: number;
  private entries: number;
  private window: number;

  /** `capacity` is rounded up to a power of two; half of the array stays free. */
  constructor(capacity: number) {
    this.slots = new Uint32Array(2 ** Math.ceil(Math.log2(capacity * 2)));
    this.entriesMax = capacity;
    this.entries = 0;
    this.window = -1;
  }

  /** Whether this one speaks for the first time in this window, and is heard. */
  first(fingerprint: number, window: number): boolean {
    if (window !== this.window) {
      this.window = window;
      this.entries = 0;
      this.slots.fill(0);
    }
    const { slots } = this;
    const mask = slots.length - 1;
    const wanted = fingerprint >>> 0 || 1;
    let at = wanted & mask;
    while (slots[at] !== 0) {
      if (slots[at] === wanted) return false;
      at = (at + 1) & mask;
    }
    if (this.entries >= this.entriesMax) return false;
    slots[at] = wanted;
    this.entries++;
    return true;
  }
}

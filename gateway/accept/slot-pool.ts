// The free slots of a transport: a stack in a typed array. The slot freed last is used first, so that the
// tables indexed by slot stay warm and dense.
// Invariant: a slot is either taken or on the stack, once.

export class SlotPool {
  private readonly free: Int32Array;
  private freeCount: number;

  /** Slots first … first + count - 1, the lowest handed out first. */
  constructor(first: number, count: number) {
    this.free = new Int32Array(count);
    this.freeCount = count;
    for (let i = 0; i < count; i++) this.free[i] = first + count - 1 - i;
  }

  /** -1: all are taken. */
  take(): number {
    return this.freeCount === 0 ? -1 : this.free[--this.freeCount]!;
  }

  release(slot: number): void {
    if (this.freeCount === this.free.length) throw new Error(`slot ${slot} released twice`);
    this.free[this.freeCount++] = slot;
  }

  get taken(): number {
    return this.free.length - this.freeCount;
  }
}

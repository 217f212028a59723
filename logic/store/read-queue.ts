// Reads of the store under way: so many at a time, the others in order behind them. A storm of clients that all ask
// at once costs the store a steady load, and memory for what waits, not for thousands of open iterators.

/** At the same time: enough to keep a disk and libuv's threads busy. */
const READS_AT_ONCE = 128;
/** Waiting reads above which clients are told to come back. Loads of conversations and users have bounds of their own. */
const CROWDED_AT = 4096;

export class ReadQueue {
  private readonly failed: (error: unknown) => void;
  private active: number;
  private waiting: ((() => Promise<void>) | undefined)[];
  private first: number;

  /** `failed` hears of a read that rejects. */
  constructor(failed: (error: unknown) => void) {
    this.failed = failed;
    this.active = 0;
    this.waiting = [];
    this.first = 0;
  }

  /** Reads that have not begun. */
  get waitingCount(): number {
    return this.waiting.length - this.first;
  }

  get hasRoom(): boolean {
    return this.waitingCount < CROWDED_AT;
  }

  /** Begins a read now, or when one of those before it has ended. */
  run(read: () => Promise<void>): void {
    if (this.active < READS_AT_ONCE) this.begin(read);
    else this.waiting.push(read);
  }

  private begin(read: () => Promise<void>): void {
    this.active++;
    read().then(this.ended, (error) => {
      this.failed(error);
      this.ended();
    });
  }

  private readonly ended = (): void => {
    this.active--;
    if (this.first === this.waiting.length) return;
    const next = this.waiting[this.first]!;
    // Not held any longer than it waits: what it closes over may be large.
    this.waiting[this.first++] = undefined;
    if (this.first > 1024 && this.first * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.first);
      this.first = 0;
    }
    this.begin(next);
  };
}

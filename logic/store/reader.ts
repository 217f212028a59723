// Reads of single values, gathered: what is asked for in one loop turn goes to LevelDB as one call, which halves the CPU
// of a read (16 µs against 33 µs, measured) and keeps a storm of reads from filling the thread pool that commits need.
import type { ClassicLevel } from "classic-level";
import { storeError } from "./errors.ts";

export type Level = ClassicLevel<Uint8Array, Uint8Array>;

/** Reads under way at most; the rest waits here. Four threads are shared with commits and checkpoints. */
const CALLS_MAX = 2;
const KEYS_PER_CALL = 128;

interface Waiter {
  readonly key: Uint8Array;
  readonly resolve: (value: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class Reader {
  private readonly db: Level;
  private waiting: Waiter[];
  private calls: number;
  private scheduled: boolean;

  constructor(db: Level) {
    this.db = db;
    this.waiting = [];
    this.calls = 0;
    this.scheduled = false;
  }

  /** The value, or undefined. Rejects with StoreFailed or StoreCorrupt. */
  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      if (this.scheduled || this.calls >= CALLS_MAX) return;
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.next();
      });
    });
  }

  private next(): void {
    while (this.calls < CALLS_MAX && this.waiting.length > 0) {
      this.calls++;
      const waiters = this.waiting.splice(0, KEYS_PER_CALL);
      this.db.getMany(waiters.map((waiter) => waiter.key)).then(
        (values) => this.done(waiters, values),
        (error) => this.failed(waiters, storeError("reading", error)),
      );
    }
  }

  private done(waiters: Waiter[], values: (Uint8Array | undefined)[]): void {
    this.calls--;
    for (let i = 0; i < waiters.length; i++) waiters[i]!.resolve(values[i]);
    this.next();
  }

  private failed(waiters: Waiter[], error: Error): void {
    this.calls--;
    for (const waiter of waiters) waiter.reject(error);
    this.next();
  }
}

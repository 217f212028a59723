// Carries the journal's changes to the store: one write at a time, all that gathered meanwhile in the next one, a
// failed one again with what came since. Invariant: the store sees changes in the order they were made.
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import type { Journal } from "./journal.ts";
import { NEVER } from "./outputs.ts";
import type { Store, StoreChanges } from "./store.ts";

const RETRY_MS = 1_000;

export interface StoreWriterSink {
  /** The store holds the journal up to `version`. */
  stored(version: number): void;
  /** A write failed; it is tried again at `retryAt`. */
  storeFailed(error: HawserError): void;
}

export class StoreWriter {
  private readonly store: Store;
  private readonly journal: Journal;
  private readonly sink: StoreWriterSink;
  private writing: Promise<void> | undefined;
  private failed: StoreChanges | undefined;
  /** When flush() is to be called again after a failure, or NEVER. */
  retryAt: number;

  constructor(store: Store, journal: Journal, sink: StoreWriterSink) {
    this.store = store;
    this.journal = journal;
    this.sink = sink;
    this.writing = undefined;
    this.failed = undefined;
    this.retryAt = NEVER;
  }

  /** Begins to write what is new, unless a write is under way (which will go on with it). */
  flush(now: number): void {
    if (this.writing !== undefined || (now < this.retryAt && this.retryAt !== NEVER)) return;
    const changes = this.takeChanges();
    if (changes === undefined) return;
    const version = this.journal.version;
    this.retryAt = NEVER;
    this.writing = this.store.write(changes).then(
      () => {
        this.writing = undefined;
        this.sink.stored(version);
      },
      (thrown: unknown) => {
        this.writing = undefined;
        this.failed = changes;
        this.retryAt = now + RETRY_MS;
        this.sink.storeFailed(asStoreError(thrown));
      },
    );
  }

  /** Writes everything and closes the store. Rejects with STORE_FAILED when the last try fails. */
  async close(): Promise<void> {
    while (this.writing !== undefined) await this.writing;
    const changes = this.takeChanges();
    try {
      if (changes !== undefined) await this.store.write(changes);
    } catch (thrown) {
      throw asStoreError(thrown);
    } finally {
      await this.store.close();
    }
  }

  private takeChanges(): StoreChanges | undefined {
    const changes = this.journal.take();
    const failed = this.failed;
    this.failed = undefined;
    if (failed === undefined || changes === undefined) return changes ?? failed;
    return new Map([...failed, ...changes]);
  }
}

export function asStoreError(thrown: unknown): HawserError {
  return thrown instanceof HawserError ? thrown : new HawserError(LocalErrorCode.StoreFailed, describe(thrown), thrown);
}

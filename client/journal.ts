// Which parts of the core's state the store does not hold yet. The core marks what it changed; the shell takes
// the marked parts as text, writes them, and reports the version that is stored. Coalesces by itself: a
// part that changed a hundred times between two writes is written once.
import type { StoreChanges } from "./store.ts";

/** A part of the state that can write itself down. */
export interface Kept {
  record(): string;
}

export class Journal {
  /** Grows with every mark. Stays 0 when nothing is kept. */
  version: number;
  /** All marks up to here are stored. Infinite when nothing is kept, so that nothing waits for it. */
  stored: number;
  private readonly marked: Map<string, Kept | undefined> | undefined;

  constructor(kept: boolean) {
    this.version = 0;
    this.stored = kept ? 0 : Number.POSITIVE_INFINITY;
    this.marked = kept ? new Map() : undefined;
  }

  /** There is a store. */
  get kept(): boolean {
    return this.marked !== undefined;
  }

  /** `part` changed, to be kept under `key`; undefined: it is gone. */
  mark(key: string, part: Kept | undefined): void {
    if (this.marked === undefined) return;
    this.version++;
    // Deleted first, so that the order of the map is the order of the changes.
    this.marked.delete(key);
    this.marked.set(key, part);
  }

  /** What to write now, as of `version`; undefined when there is nothing. */
  take(): StoreChanges | undefined {
    if (this.marked === undefined || this.marked.size === 0) return undefined;
    const changes = new Map<string, string | undefined>();
    for (const [key, part] of this.marked) changes.set(key, part?.record());
    this.marked.clear();
    return changes;
  }
}

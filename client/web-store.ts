// The store in a browser's localStorage: one item a record. localStorage has no transactions, so the order of a write is
// chosen such that whatever prefix of it survives is a sound state: new messages and positions first, then the
// client's own record (whose watermark vouches for them), removals last. It takes about 5 MiB.
import { HawserError, LocalErrorCode } from "./errors.ts";
import { ROOT_KEY } from "./records.ts";
import type { Store, StoreChanges } from "./store.ts";

/** The part of Storage that is used. */
export interface StorageLike {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class WebStore implements Store {
  private readonly prefix: string;
  private readonly storage: StorageLike;
  private release: (() => void) | undefined;

  /** `name` tells stores of one origin apart: one for each user that logs in here. */
  constructor(name: string, storage: StorageLike = localStorage) {
    this.prefix = `hawser/${encodeURIComponent(name)}/`;
    this.storage = storage;
    this.release = undefined;
  }

  /** Rejects with STORE_IN_USE when another tab has it (where the browser offers locks). */
  async load(): Promise<Map<string, string>> {
    await this.lock();
    const records = new Map<string, string>();
    for (let i = 0; i < this.storage.length; i++) {
      const key = this.storage.key(i);
      if (key?.startsWith(this.prefix)) records.set(key.slice(this.prefix.length), this.storage.getItem(key) ?? "");
    }
    return records;
  }

  /** Rejects with what the browser says (QuotaExceededError). */
  async write(changes: StoreChanges): Promise<void> {
    const root = changes.get(ROOT_KEY);
    // The first write of all says whose the records are before there are any.
    if (root !== undefined && this.storage.getItem(this.prefix + ROOT_KEY) === null) this.storage.setItem(this.prefix + ROOT_KEY, root);
    for (const [key, value] of changes) if (value !== undefined && key !== ROOT_KEY) this.storage.setItem(this.prefix + key, value);
    if (root !== undefined) this.storage.setItem(this.prefix + ROOT_KEY, root);
    for (const [key, value] of changes) if (value === undefined) this.storage.removeItem(this.prefix + key);
  }

  async close(): Promise<void> {
    this.release?.();
    this.release = undefined;
  }

  private async lock(): Promise<void> {
    const locks = typeof navigator === "undefined" ? undefined : (navigator.locks as LockManager | undefined);
    if (locks === undefined) return;
    const taken = await new Promise<boolean>((resolve, reject) => {
      // The lock is held until the promise that its callback returns is settled.
      locks
        .request(this.prefix, { ifAvailable: true }, (lock) => {
          resolve(lock !== null);
          return lock === null ? undefined : new Promise<void>((release) => (this.release = release));
        })
        .catch(reject);
    });
    if (!taken) throw new HawserError(LocalErrorCode.StoreInUse, `${this.prefix} is in use by another tab`);
  }
}

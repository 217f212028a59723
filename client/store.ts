// The store port: what must outlive the process, as text under keys. Three shells serve it: memory (below),
// a file (file-store.ts, Node), and localStorage (web-store.ts, browsers).
//
// What is kept: the install id, the connection counter and the watermark; for each conversation the next seq,
// the hash there, the next client_seq and the read position; and every message not yet confirmed.
// Messages that were delivered are not kept: that is the application's part.
//
// The contract at a crash. The handlers of "message" run before the new position is written. So after a crash
// a message may be delivered a second time, with the same conversation and seq: an application that stores
// messages under (conversation, seq) sees each once. A message to be sent is in the store before it is on the
// wire, so it is neither lost nor sent twice.
//
// A store belongs to one client at a time and must never be copied: two clients on copies of one store would
// number their messages alike (SPEC.md §3, install).

/** New text under a key; undefined removes the key. */
export type StoreChanges = ReadonlyMap<string, string | undefined>;

export interface Store {
  /** All that was written. Called once, first. Rejects when the content cannot be trusted. */
  load(): Promise<Map<string, string>>;
  /**
   * Resolves when the changes are as safe as this store makes them; a crash leaves all of them or none. Called
   * again only after the last call settled. A rejected write is called again, with later changes merged in.
   */
  write(changes: StoreChanges): Promise<void>;
  /** Called once, last; no write is under way. */
  close(): Promise<void>;
}

/** Keeps everything until the process ends: for tests, and for handing over from one client to the next. */
export class MemoryStore implements Store {
  private readonly records: Map<string, string>;

  constructor() {
    this.records = new Map();
  }

  async load(): Promise<Map<string, string>> {
    return new Map(this.records);
  }

  async write(changes: StoreChanges): Promise<void> {
    applyChanges(this.records, changes);
  }

  async close(): Promise<void> {}
}

export function applyChanges(records: Map<string, string>, changes: StoreChanges): void {
  for (const [key, value] of changes) {
    if (value === undefined) records.delete(key);
    else records.set(key, value);
  }
}

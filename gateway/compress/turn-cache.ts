// What was compressed in this turn, so that a fan-out costs it once: the same frames for many connections are the same
// objects, since logic sends each frame once with a list of its receivers.
//
// Invariant: nothing of it outlives the turn; at most ENTRIES_MAX results.

const ENTRIES_MAX = 1024;

interface Entry {
  readonly dictionary: number;
  readonly frames: readonly Uint8Array[];
  /** undefined: it did not shrink. */
  readonly result: Uint8Array | undefined;
}

export class TurnCache {
  /** By the first of the frames. */
  private readonly entries: Map<Uint8Array, Entry[]>;
  private count: number;

  constructor() {
    this.entries = new Map();
    this.count = 0;
  }

  /** The entry for frames[from … to - 1] with this dictionary. */
  find(dictionary: number, frames: readonly Uint8Array[], from: number, to: number): Entry | undefined {
    const entries = this.entries.get(frames[from]!);
    if (entries === undefined) return undefined;
    for (const entry of entries) if (entry.dictionary === dictionary && isSame(entry.frames, frames, from, to)) return entry;
    return undefined;
  }

  add(dictionary: number, frames: readonly Uint8Array[], from: number, to: number, result: Uint8Array | undefined): void {
    if (this.count >= ENTRIES_MAX) return;
    this.count++;
    const entry = { dictionary, frames: frames.slice(from, to), result };
    const entries = this.entries.get(frames[from]!);
    if (entries === undefined) this.entries.set(frames[from]!, [entry]);
    else entries.push(entry);
  }

  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    this.entries.clear();
  }
}

function isSame(a: readonly Uint8Array[], frames: readonly Uint8Array[], from: number, to: number): boolean {
  if (a.length !== to - from) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== frames[from + i]) return false;
  return true;
}

// The dictionaries that this gateway can use, by small numbers that sessions keep: the default one, and those that were
// published. A published one stays as long as it is among the newest, or a session uses it.
//
// Invariant: a number names one dictionary as long as any session holds it. Number 0 is no dictionary at all, 1 the default one.
import type { Dictionary } from "../../proto/codec/codec.ts";

/** Entries, the empty one and the default one included. Each takes its bytes and an index of about five times that. */
const ENTRIES_MAX = 18;

export const NO_DICTIONARY = 0;
const DEFAULT = 1;
const EMPTY: Dictionary = { id: new Uint8Array(0), name: "", bytes: new Uint8Array(0) };

interface Entry {
  readonly dictionary: Dictionary;
  /** Sessions that use it. */
  holders: number;
  /** Rank among those published: 0 is the newest. */
  rank: number;
}

export class DictionarySet {
  private readonly entries: (Entry | undefined)[];
  /** The newest that was published; NO_DICTIONARY: none was. */
  newest: number;

  constructor(fallback: Dictionary) {
    this.entries = [
      { dictionary: EMPTY, holders: 0, rank: Number.POSITIVE_INFINITY },
      { dictionary: fallback, holders: 0, rank: Number.MAX_SAFE_INTEGER },
    ];
    this.newest = NO_DICTIONARY;
  }

  /** The dictionary of a number that is held. */
  of(index: number): Dictionary {
    return this.entries[index]!.dictionary;
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  find(name: string): number | undefined {
    if (name === "") return undefined;
    const index = this.entries.findIndex((entry) => entry?.dictionary.name === name);
    return index < 0 ? undefined : index;
  }

  /** These are published now, newest first; of others that nobody uses, the numbers are free again. False: there is no room for one. */
  publish(dictionaries: readonly Dictionary[]): boolean {
    for (let index = DEFAULT + 1; index < this.entries.length; index++) {
      const entry = this.entries[index];
      if (entry === undefined) continue;
      entry.rank = Number.MAX_SAFE_INTEGER - 1;
      if (entry.holders === 0 && !dictionaries.some(({ name }) => name === entry.dictionary.name)) this.entries[index] = undefined;
    }
    let whole = true;
    for (const [rank, dictionary] of dictionaries.entries()) {
      const index = this.find(dictionary.name) ?? this.place(dictionary);
      if (index === undefined) whole = false;
      else if (index > DEFAULT) this.entries[index]!.rank = rank;
    }
    const first = dictionaries[0];
    this.newest = (first === undefined ? undefined : this.find(first.name)) ?? NO_DICTIONARY;
    return whole;
  }

  /** The best of those that a client has; NO_DICTIONARY when none is known here. */
  best(names: readonly string[]): number {
    let best = NO_DICTIONARY;
    for (const name of names) {
      const index = this.find(name);
      if (index !== undefined && this.entries[index]!.rank < this.entries[best]!.rank) best = index;
    }
    return best;
  }

  hold(index: number): void {
    this.entries[index]!.holders++;
  }

  release(index: number): void {
    this.entries[index]!.holders--;
  }

  private place(dictionary: Dictionary): number | undefined {
    for (let index = DEFAULT + 1; index < ENTRIES_MAX; index++) {
      if (this.entries[index] !== undefined) continue;
      this.entries[index] = { dictionary, holders: 0, rank: 0 };
      return index;
    }
    return undefined;
  }
}

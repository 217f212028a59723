// Who was told to come back when, in a fixed number of bytes: for each slot handed out a fingerprint of the install that
// got it and its moment, in a table of sets of eight. A full set loses the ticket that is due last: its holder is a newcomer
// then, and no worse off than anybody else. Nothing is kept for each client, and nothing has to be cleaned up.

const WAYS = 8;
const ENTRIES_MIN = 1 << 10;
const ENTRIES_MAX = 1 << 17;

export class TicketBook {
  private readonly mask: number;
  /** Unknown to clients, so that nobody can choose installs that share a set. */
  private readonly seed: number;
  private readonly entries: number;
  /** By entry; 0: free. Made when the first ticket is. */
  private prints: Uint32Array | undefined;
  private dues: Uint32Array;

  /** Room for twice `tickets`, a power of two between 1,024 and 131,072 (1 MiB). `random`: uniform in [0, 1). */
  constructor(tickets: number, random: () => number) {
    let entries = ENTRIES_MIN;
    while (entries < 2 * tickets && entries < ENTRIES_MAX) entries *= 2;
    this.entries = entries;
    this.mask = entries - 1;
    this.seed = Math.floor(random() * 0x1_0000_0000) >>> 0;
    this.prints = undefined;
    this.dues = new Uint32Array(0);
  }

  /** `due` and `now` are ticks of one clock. What was due before `expired` may be overwritten. */
  add(install: Uint8Array, due: number, expired: number): void {
    this.prints ??= new Uint32Array(this.entries);
    if (this.dues.length === 0) this.dues = new Uint32Array(this.entries);
    const { prints, dues } = this;
    const hash = this.hash(install);
    const print = fingerprint(hash, install);
    const first = hash & this.mask & ~(WAYS - 1);
    let at = first;
    for (let i = first; i < first + WAYS; i++) {
      if (prints[i] === 0 || prints[i] === print || dues[i]! < expired) {
        at = i;
        break;
      }
      if (dues[i]! > dues[at]!) at = i;
    }
    prints[at] = print;
    dues[at] = due;
  }

  /** The moment that this install was given, if it lies within [from, to]: the ticket is used up. -1: it has none. */
  take(install: Uint8Array, from: number, to: number): number {
    const { prints, dues } = this;
    if (prints === undefined) return -1;
    const hash = this.hash(install);
    const print = fingerprint(hash, install);
    const first = hash & this.mask & ~(WAYS - 1);
    for (let i = first; i < first + WAYS; i++) {
      if (prints[i] !== print) continue;
      const due = dues[i]!;
      if (due < from || due > to) return -1;
      prints[i] = 0;
      return due;
    }
    return -1;
  }

  /** FNV-1a with its result mixed, as in conversation.ts, from a seed. */
  private hash(install: Uint8Array): number {
    let h = (0x811c9dc5 ^ this.seed) >>> 0;
    for (let i = 0; i < install.length; i++) h = Math.imul(h ^ install[i]!, 0x01000193);
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    return (h ^ (h >>> 13)) >>> 0;
  }
}

/** Never 0. */
function fingerprint(hash: number, install: Uint8Array): number {
  let h = hash ^ 0x9e3779b9;
  for (let i = install.length - 1; i >= 0; i--) h = Math.imul(h ^ install[i]!, 0xc2b2ae35) ^ (h >>> 15);
  return h >>> 0 || 1;
}

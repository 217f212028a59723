// The committed heads of all conversations of a shard's users, as a structure of typed arrays: a cache of stored rows, nothing
// more. A head takes no object but the key of its conversation; where a row is pushed, both users share that with the conversation.
//
// A head is found by its user and key over chained buckets, and each user's heads are a list in the order of their last change,
// so that "what changed since" is the end of a list. A change number comes from one counter that only grows while the process
// lives; loaded heads get numbers like changed ones, so a watermark from before the user was loaded is answered with all of them.
//
// Invariant: place 0 is no head; every other below `used` is in one user's list and in one bucket, or is free.
import { digestTerm, type Sha256 } from "../../proto/conversation-hash.ts";
import { bytesOf } from "../store/latin1.ts";
import type { StoredHead } from "../store/store.ts";
import { HeadList, type User } from "./user.ts";

const HASH_BYTES = 32;
const PLACES_START = 8;

export class HeadTable {
  /** Key of the conversation, and the number of the user in this table. */
  private keys: string[];
  private owner: Int32Array;
  seq: Float64Array;
  time: Float64Array;
  uncounted: Float64Array;
  readSeq: Float64Array;
  change: Float64Array;
  private hashes: Uint8Array;
  /** What of it is in its user's digest; 0: nothing yet. */
  private terms: BigUint64Array;
  /** Places of the same user: the one that changed before, and after. The free ones are chained by `later`. */
  private earlier: Int32Array;
  private later: Int32Array;
  private buckets: Int32Array;
  private chain: Int32Array;
  private capacity: number;
  private used: number;
  private free: number;
  /** Numbers given to users so far, and those of them that are free again. */
  private owners: number;
  private readonly freeOwners: number[];

  constructor() {
    this.capacity = 0;
    this.used = 1;
    this.free = 0;
    this.owners = 0;
    this.freeOwners = [];
    this.keys = [];
    this.owner = new Int32Array(0);
    this.seq = new Float64Array(0);
    this.time = this.seq;
    this.uncounted = this.seq;
    this.readSeq = this.seq;
    this.change = this.seq;
    this.hashes = new Uint8Array(0);
    this.terms = new BigUint64Array(0);
    this.earlier = this.owner;
    this.later = this.owner;
    this.chain = this.owner;
    this.buckets = new Int32Array(1);
  }

  /** The place of a user's head; 0: there is none. */
  find(user: User, keyText: string): number {
    if (user.heads === undefined) return 0;
    const { owner } = user.heads;
    let at = this.buckets[this.bucketOf(owner, keyText)]!;
    while (at !== 0 && !(this.owner[at] === owner && this.keys[at] === keyText)) at = this.chain[at]!;
    return at;
  }

  /** Sets a head that is newer than the one known, and moves it to the end of the user's list. */
  merge(user: User, keyText: string, head: StoredHead, readSeq: number, change: number): void {
    const known = this.find(user, keyText);
    if (known === 0) {
      const at = this.add(user, keyText);
      this.readSeq[at] = readSeq;
      this.set(at, head);
      this.append(user.heads!, at, change);
      return;
    }
    if (readSeq > this.readSeq[known]!) this.readSeq[known] = readSeq;
    if (this.seq[known]! >= head.seq) return;
    this.set(known, head);
    this.changed(user, known, change);
  }

  /** Moves a head to the end of the list of changes. */
  changed(user: User, at: number, change: number): void {
    const list = user.heads!;
    if (list.last === at) {
      this.change[at] = change;
      return;
    }
    this.unlink(list, at);
    this.append(list, at, change);
  }

  /** The first head that changed after `since`, or 0. Looks from both ends of the user's list. */
  firstChange(user: User, since: number): number {
    const { heads } = user;
    if (heads === undefined || this.change[heads.last]! <= since) return 0;
    let front = heads.first;
    let back = heads.last;
    while (true) {
      if (this.change[front]! > since) return front;
      front = this.later[front]!;
      const before = this.earlier[back]!;
      if (before === 0 || this.change[before]! <= since) return back;
      back = before;
    }
  }

  /** The head of the same user that changed next, or 0. */
  next(at: number): number {
    return this.later[at]!;
  }

  keyText(at: number): string {
    return this.keys[at]!;
  }

  /** A view of the head's hash, valid until anything is merged. */
  hash(at: number): Uint8Array {
    return this.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  }

  /** The digest of all heads of a user, for Check: works through what changed since it was last asked for, and no more. */
  digest(user: User, sha256: Sha256): bigint {
    const list = user.heads;
    if (list === undefined) return 0n;
    for (let at = list.last; at !== 0 && this.change[at]! > list.digestedTo; at = this.earlier[at]!) {
      const term = digestTerm(sha256, bytesOf(this.keys[at]!), this.seq[at]!);
      list.digest = BigInt.asUintN(64, list.digest + term - this.terms[at]!);
      this.terms[at] = term;
    }
    list.digestedTo = this.change[list.last]!;
    return list.digest;
  }

  /** Forgets all heads of a user. */
  release(user: User): void {
    const { heads } = user;
    if (heads === undefined) return;
    this.freeOwners.push(heads.owner);
    for (let at = heads.first; at !== 0; ) {
      const next = this.later[at]!;
      this.removeFromBucket(this.bucketOf(heads.owner, this.keys[at]!), at);
      this.keys[at] = "";
      this.later[at] = this.free;
      this.free = at;
      at = next;
    }
    user.heads = undefined;
  }

  private add(user: User, keyText: string): number {
    let at = this.free;
    if (at !== 0) this.free = this.later[at]!;
    else {
      if (this.used >= this.capacity) this.grow();
      at = this.used++;
    }
    user.heads ??= new HeadList(this.freeOwners.pop() ?? ++this.owners);
    user.heads.count++;
    this.keys[at] = keyText;
    this.owner[at] = user.heads.owner;
    this.terms[at] = 0n;
    const bucket = this.bucketOf(user.heads.owner, keyText);
    this.chain[at] = this.buckets[bucket]!;
    this.buckets[bucket] = at;
    return at;
  }

  private set(at: number, { seq, hash, time, uncounted }: StoredHead): void {
    this.seq[at] = seq;
    this.time[at] = time;
    this.uncounted[at] = uncounted;
    const { hashes } = this;
    // Cheaper than a call of set() for so few.
    for (let i = 0, to = at * HASH_BYTES; i < HASH_BYTES; i++, to++) hashes[to] = hash[i]!;
  }

  private append(list: HeadList, at: number, change: number): void {
    this.change[at] = change;
    this.earlier[at] = list.last;
    this.later[at] = 0;
    if (list.last === 0) list.first = at;
    else this.later[list.last] = at;
    list.last = at;
  }

  private unlink(list: HeadList, at: number): void {
    const before = this.earlier[at]!;
    const after = this.later[at]!;
    if (before === 0) list.first = after;
    else this.later[before] = after;
    if (after === 0) list.last = before;
    else this.earlier[after] = before;
  }

  /** 32-bit FNV-1a over the key, finished as shardOf is: users of a shard share bits of that. */
  private bucketOf(owner: number, keyText: string): number {
    let h = Math.imul(owner, 0x9e3779b1);
    for (let i = 0; i < keyText.length; i++) h = Math.imul(h ^ keyText.charCodeAt(i), 0x01000193);
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    return h & (this.buckets.length - 1);
  }

  private removeFromBucket(bucket: number, at: number): void {
    let other = this.buckets[bucket]!;
    if (other === at) {
      this.buckets[bucket] = this.chain[at]!;
      return;
    }
    while (this.chain[other] !== at) other = this.chain[other]!;
    this.chain[other] = this.chain[at]!;
  }

  /** By a quarter once there are many: room that is not used counts for each head. */
  private grow(): void {
    const from = this.capacity;
    const to = from === 0 ? PLACES_START : from < 1024 ? 2 * from : from + (from >> 2);
    this.capacity = to;
    this.owner = grown(this.owner, new Int32Array(to));
    this.seq = grown(this.seq, new Float64Array(to));
    this.time = grown(this.time, new Float64Array(to));
    this.uncounted = grown(this.uncounted, new Float64Array(to));
    this.readSeq = grown(this.readSeq, new Float64Array(to));
    this.change = grown(this.change, new Float64Array(to));
    this.hashes = grown(this.hashes, new Uint8Array(to * HASH_BYTES));
    this.terms = grown(this.terms, new BigUint64Array(to));
    this.earlier = grown(this.earlier, new Int32Array(to));
    this.later = grown(this.later, new Int32Array(to));
    this.chain = grown(this.chain, new Int32Array(to));
    // No holes, so that it stays an array of strings.
    while (this.keys.length < this.used) this.keys.push("");
    if (to <= this.buckets.length) return;
    this.buckets = new Int32Array(2 * this.buckets.length < to ? powerOfTwo(to) : 2 * this.buckets.length);
    for (let at = 1; at < this.used; at++) {
      if (this.keys[at] === "") continue;
      const bucket = this.bucketOf(this.owner[at]!, this.keys[at]!);
      this.chain[at] = this.buckets[bucket]!;
      this.buckets[bucket] = at;
    }
  }
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

function powerOfTwo(atLeast: number): number {
  let power = 1;
  while (power < atLeast) power *= 2;
  return power;
}

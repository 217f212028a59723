// Frames that wait for the end of the loop turn (or a few ms longer, coalescing.ts), by connection: they leave in one write for each. Entries
// are linked, in arrays that are used again, so that gathering makes no objects; a slot that nothing is gathered for takes four bytes.
//
// Invariant: placeOf[slot] - 1 is the slot's place in `slots` until clear(), and a slot has one place.
const END = -1;
const START_PLACES = 256;
const NONE = new Uint8Array(0);

export class Gathered {
  /** By slot: its place + 1; 0: none. */
  private readonly placeOf: Int32Array;
  /** By place. */
  private slots: Int32Array;
  private first: Int32Array;
  private last: Int32Array;
  private bytes: Float64Array;
  private placesTaken: number;
  /** By entry, in the order they came. */
  private readonly frames: Uint8Array[];
  private readonly next: number[];
  private framesTaken: number;
  private bytesTaken: number;

  constructor(capacity: number) {
    this.placeOf = new Int32Array(capacity);
    this.slots = new Int32Array(START_PLACES);
    this.first = new Int32Array(START_PLACES);
    this.last = new Int32Array(START_PLACES);
    this.bytes = new Float64Array(START_PLACES);
    this.placesTaken = 0;
    this.frames = [];
    this.next = [];
    this.framesTaken = 0;
    this.bytesTaken = 0;
  }

  /** Slots that something was gathered for since clear(): slotAt(0) … slotAt(placeCount - 1). */
  get placeCount(): number {
    return this.placesTaken;
  }

  slotAt(place: number): number {
    return this.slots[place]!;
  }

  /** Frames and their bytes since clear(), those that were taken already included: what the arrays hold on to. */
  get frameCount(): number {
    return this.framesTaken;
  }

  get byteCount(): number {
    return this.bytesTaken;
  }

  /** Bytes that wait for this slot. */
  bytesOf(slot: number): number {
    const place = this.placeOf[slot]!;
    return place === 0 ? 0 : this.bytes[place - 1]!;
  }

  add(slot: number, frame: Uint8Array): void {
    let place = this.placeOf[slot]! - 1;
    if (place < 0) {
      place = this.placesTaken++;
      if (place === this.slots.length) this.grow();
      this.placeOf[slot] = place + 1;
      this.slots[place] = slot;
      this.first[place] = END;
      this.bytes[place] = 0;
    }
    const entry = this.framesTaken++;
    this.frames[entry] = frame;
    this.next[entry] = END;
    if (this.first[place] === END) this.first[place] = entry;
    else this.next[this.last[place]!] = entry;
    this.last[place] = entry;
    this.bytes[place]! += frame.length;
    this.bytesTaken += frame.length;
  }

  /** Moves the slot's frames to into[from …], in order; returns how many they are. */
  take(slot: number, into: Uint8Array[], from: number): number {
    const place = this.placeOf[slot]! - 1;
    if (place < 0) return 0;
    let at = from;
    for (let entry = this.first[place]!; entry !== END; entry = this.next[entry]!) into[at++] = this.frames[entry]!;
    this.first[place] = END;
    this.bytes[place] = 0;
    return at - from;
  }

  /** What was gathered for the slot must not be written. */
  forget(slot: number): void {
    const place = this.placeOf[slot]! - 1;
    if (place < 0) return;
    this.first[place] = END;
    this.bytes[place] = 0;
  }

  /** Everything was taken or forgotten. */
  clear(): void {
    for (let place = 0; place < this.placesTaken; place++) this.placeOf[this.slots[place]!] = 0;
    this.frames.fill(NONE, 0, this.framesTaken);
    this.placesTaken = 0;
    this.framesTaken = 0;
    this.bytesTaken = 0;
  }

  private grow(): void {
    const places = 2 * this.slots.length;
    this.slots = grown(this.slots, new Int32Array(places));
    this.first = grown(this.first, new Int32Array(places));
    this.last = grown(this.last, new Int32Array(places));
    this.bytes = grown(this.bytes, new Float64Array(places));
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

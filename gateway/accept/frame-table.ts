// Gathers the frames of a chunk, so that they are handed over in one call: the FrameSink of every transport
// written in TypeScript. Frames of one buffer stand in one table; another buffer (a frame that was gathered from
// several chunks) or a full table begins a new one.
import type { FrameSink } from "../../proto/frame-reader.ts";
import { BEAT } from "../../proto/frame-reader.ts";
import { FRAME_FIELDS, type TransportEvents } from "./transport.ts";

const FRAMES_MAX = 1024;
const NONE = new Uint8Array(0);

export class FrameTable implements FrameSink {
  private readonly events: TransportEvents;
  /** Answers a beat of the slot; called for the first beat of a chunk that may be answered so. */
  private readonly beat: (slot: number) => void;
  private readonly table: Int32Array;
  private bytes: Uint8Array;
  private count: number;
  private slot: number;
  private reading: boolean;
  private answersBeat: boolean;

  constructor(events: TransportEvents, beat: (slot: number) => void) {
    this.events = events;
    this.beat = beat;
    this.table = new Int32Array(FRAME_FIELDS * FRAMES_MAX);
    this.bytes = NONE;
    this.count = 0;
    this.slot = -1;
    this.reading = false;
    this.answersBeat = false;
  }

  /** The frames to come are this slot's. With `answersBeat` the first beat among them is answered here (Liveness.received). */
  begin(slot: number, answersBeat: boolean): void {
    this.slot = slot;
    this.reading = true;
    this.answersBeat = answersBeat;
  }

  /** Stops reading when the slot is the one being read: it is being closed by what was handed over. */
  closing(slot: number): void {
    if (slot === this.slot) this.reading = false;
  }

  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (header === BEAT && this.answersBeat) {
      this.answersBeat = false;
      this.beat(this.slot);
      return this.reading;
    }
    if (bytes !== this.bytes || this.count === FRAMES_MAX) {
      this.flush();
      if (!this.reading) return false;
    }
    this.bytes = bytes;
    const at = FRAME_FIELDS * this.count++;
    const { table } = this;
    table[at] = this.slot;
    table[at + 1] = header;
    table[at + 2] = start;
    table[at + 3] = end;
    return this.reading;
  }

  /** Hands over what was gathered. */
  flush(): void {
    const { bytes, count } = this;
    this.bytes = NONE;
    this.count = 0;
    if (count > 0) this.events.frames(bytes, this.table, count);
  }

  /** Hands over the rest. False: the slot is being closed. */
  end(): boolean {
    this.flush();
    this.slot = -1;
    return this.reading;
  }
}

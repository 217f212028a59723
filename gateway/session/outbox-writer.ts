// The last step of the outbox: frames of one connection to its transport, in one write, joined and compressed before where that is on.
import type { FrameShaper } from "../compress/shaper.ts";
import { WriteResult } from "../accept/transport.ts";
import type { Counters } from "../counters.ts";

/** The part of a transport that is written to. */
export interface OutboxPort {
  write(slot: number, bytes: Uint8Array): WriteResult;
  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult;
  bufferedBytes(slot: number): number;
  close(slot: number, lastBytes?: Uint8Array): void;
}

const NONE = new Uint8Array(0);

export class OutboxWriter {
  readonly port: OutboxPort;
  private readonly counters: Counters;
  private readonly shaper: FrameShaper | undefined;
  /** Bytes of the last write, as they went out; 0 when it was Dropped. */
  writtenBytes: number;

  constructor(port: OutboxPort, counters: Counters, shaper: FrameShaper | undefined) {
    this.port = port;
    this.counters = counters;
    this.shaper = shaper;
    this.writtenBytes = 0;
  }

  /** Whether the frames for this slot are looked at one by one before they are written. */
  shapes(slot: number): boolean {
    return this.shaper?.shapes(slot) === true;
  }

  /** Writes frames[0 … count - 1] and lets go of them. */
  write(slot: number, frames: Uint8Array[], count: number): WriteResult {
    const left = this.shaper?.shapes(slot) === true ? this.shaper.shape(slot, frames, count) : count;
    let bytes = frames[0]!.length;
    for (let i = 1; i < left; i++) bytes += frames[i]!.length;
    const result = left === 1 ? this.port.write(slot, frames[0]!) : this.port.writeMany(slot, frames, left);
    for (let i = 0; i < count; i++) frames[i] = NONE;
    this.writtenBytes = result === WriteResult.Dropped ? 0 : bytes;
    this.counters.bytesOut[0]! += this.writtenBytes;
    return result;
  }
}

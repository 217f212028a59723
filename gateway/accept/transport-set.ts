// The transports of a gateway as one: each has its own range of slots, so a slot alone says whose it is.
import type { Transport, WriteResult } from "./transport.ts";

export class TransportSet {
  readonly all: Transport[];
  /** Slots below ends[i] and not below ends[i - 1] are all[i]'s. */
  private readonly ends: number[];

  constructor() {
    this.all = [];
    this.ends = [];
  }

  /** Adds the transport of the slots up to `slotEnd`. */
  add(transport: Transport, slotEnd: number): void {
    this.all.push(transport);
    this.ends.push(slotEnd);
  }

  of(slot: number): Transport {
    let i = 0;
    while (slot >= this.ends[i]!) i++;
    return this.all[i]!;
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    return this.of(slot).write(slot, bytes);
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    return this.of(slot).writeMany(slot, frames, count);
  }

  bufferedBytes(slot: number): number {
    return this.of(slot).bufferedBytes(slot);
  }

  roundTripMs(slot: number): number | undefined {
    return this.of(slot).roundTripMs(slot);
  }

  close(slot: number, lastBytes?: Uint8Array): void {
    this.of(slot).close(slot, lastBytes);
  }
}

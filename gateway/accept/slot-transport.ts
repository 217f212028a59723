// What the transports written in TypeScript have in common: their slots, the table that frames are gathered in, and who of
// them is still there. Beats are answered here, silence is looked for once a second.
import { BEAT_FRAME } from "../../proto/frame.ts";
import { FrameTable } from "./frame-table.ts";
import { Liveness, SWEEP_MS } from "./liveness.ts";
import { SlotPool } from "./slot-pool.ts";
import type { TransportEvents, TransportOptions, WriteResult } from "./transport.ts";

export abstract class SlotTransport {
  beatsAnswered: number;
  protected readonly options: TransportOptions;
  protected readonly events: TransportEvents;
  protected readonly table: FrameTable;
  protected readonly pool: SlotPool;
  protected readonly slotFirst: number;
  /** By slot - slotFirst. */
  protected readonly liveness: Liveness;
  private readonly watcher: NodeJS.Timeout;

  constructor(options: TransportOptions, events: TransportEvents) {
    this.beatsAnswered = 0;
    this.options = options;
    this.events = events;
    this.table = new FrameTable(events, (slot) => this.answerBeat(slot));
    this.pool = new SlotPool(options.slotFirst, options.slotsMax);
    this.slotFirst = options.slotFirst;
    this.liveness = new Liveness(options.slotsMax, performance.now());
    this.watcher = setInterval(() => this.liveness.sweep(performance.now(), this.tellIdle), SWEEP_MS).unref();
  }

  abstract write(slot: number, bytes: Uint8Array): WriteResult;

  get openCount(): number {
    return this.pool.taken;
  }

  watch(slot: number, idleMs: number): void {
    this.liveness.watch(slot - this.slotFirst, idleMs, performance.now());
  }

  quietMs(slot: number): number {
    return this.liveness.quietMs(slot - this.slotFirst, performance.now());
  }

  takeLongestGapMs(slot: number): number {
    return this.liveness.takeLongestGapMs(slot - this.slotFirst);
  }

  /** Neither Node nor uWebSockets.js tells. */
  roundTripMs(): undefined {
    return undefined;
  }

  /** Resolves when all slots are free: the sockets' close events come a turn after their end. */
  protected async emptied(): Promise<void> {
    while (this.pool.taken > 0) await new Promise((resolve) => setImmediate(resolve));
    clearInterval(this.watcher);
  }

  private answerBeat(slot: number): void {
    this.beatsAnswered++;
    this.write(slot, BEAT_FRAME);
  }

  private readonly tellIdle = (index: number): void => {
    this.events.idle(this.slotFirst + index);
  };
}

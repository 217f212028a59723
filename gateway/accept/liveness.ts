// Who is still there: when bytes last came from each connection, how long a pause its path has survived, and who was
// silent for too long. The transports written in TypeScript keep it; native code keeps its own. No I/O.
//
// Times are ticks of 100 ms in 32 bits, which last 13 years. Silence is looked for by passing over all slots about once
// a second: 20,000 numbers in some 20 µs, less than a wheel of timers would cost each time that bytes come.
import { BEAT_GAP_MS } from "./transport.ts";

export const SWEEP_MS = 1000;
const TICK_MS = 100;
const SWEEP_TICKS = SWEEP_MS / TICK_MS;
/** A sweep this much behind its time: the process stood still. */
const LATE_TICKS = 10;

export class Liveness {
  private readonly startedAt: number;
  private readonly receivedAt: Uint32Array;
  /** Silence after which the slot is told idle, in ticks; 0: never, or not watched yet. */
  private readonly idleTicks: Uint32Array;
  private readonly longestGap: Uint32Array;
  /** Watched: its beats are answered here. */
  private readonly watched: Uint8Array;
  /** No slot at or above this was ever used. */
  private end: number;
  private sweptAt: number;
  /** Nobody is told idle before. */
  private judgesAt: number;

  /** Slots 0 … capacity - 1; `now`: monotonic ms, as everywhere here. */
  constructor(capacity: number, now: number) {
    this.startedAt = now;
    this.receivedAt = new Uint32Array(capacity);
    this.idleTicks = new Uint32Array(capacity);
    this.longestGap = new Uint32Array(capacity);
    this.watched = new Uint8Array(capacity);
    this.end = 0;
    this.sweptAt = 0;
    this.judgesAt = 0;
  }

  opened(slot: number, now: number): void {
    this.receivedAt[slot] = this.ticks(now);
    this.idleTicks[slot] = 0;
    this.longestGap[slot] = 0;
    this.watched[slot] = 0;
    if (slot >= this.end) this.end = slot + 1;
  }

  /** Bytes came. True: a beat among them may be answered without asking anybody, the first one. */
  received(slot: number, now: number): boolean {
    const ticks = this.ticks(now);
    this.excuse(ticks);
    const gap = ticks - this.receivedAt[slot]!;
    this.receivedAt[slot] = ticks;
    if (this.watched[slot] === 0) return false;
    if (gap > this.longestGap[slot]!) this.longestGap[slot] = gap;
    return gap >= BEAT_GAP_MS / TICK_MS;
  }

  /** See Transport.watch. */
  watch(slot: number, idleMs: number, now: number): void {
    // Silence counts from Welcome: a token check that took its time is not the client's.
    if (this.watched[slot] === 0) {
      this.receivedAt[slot] = this.ticks(now);
      this.longestGap[slot] = 0;
    }
    this.watched[slot] = 1;
    this.idleTicks[slot] = Math.ceil(idleMs / TICK_MS);
  }

  closed(slot: number): void {
    this.idleTicks[slot] = 0;
    this.watched[slot] = 0;
  }

  quietMs(slot: number, now: number): number {
    return (this.ticks(now) - this.receivedAt[slot]!) * TICK_MS;
  }

  /** See Transport.takeLongestGapMs. */
  takeLongestGapMs(slot: number): number {
    const gap = this.longestGap[slot]!;
    this.longestGap[slot] = 0;
    return gap * TICK_MS;
  }

  /** Tells each slot that was silent for too long, once. To be called every SWEEP_MS: later than that by much, it tells nobody. */
  sweep(now: number, idle: (slot: number) => void): void {
    const ticks = this.ticks(now);
    this.excuse(ticks);
    this.sweptAt = ticks;
    if (ticks < this.judgesAt) return;
    const { idleTicks, receivedAt } = this;
    for (let slot = 0; slot < this.end; slot++) {
      const after = idleTicks[slot]!;
      if (after === 0 || ticks - receivedAt[slot]! < after) continue;
      idleTicks[slot] = 0;
      idle(slot);
    }
  }

  /**
   * The process may have stood still (its machine paused, it was stopped, or swapped out). What came meanwhile lies unread in the
   * kernel, and timers run before it is read: that time is nobody's silence, and it is read before anybody is judged.
   */
  private excuse(ticks: number): void {
    const late = ticks - this.sweptAt - SWEEP_TICKS;
    if (late <= LATE_TICKS) return;
    this.sweptAt = ticks;
    this.judgesAt = ticks + SWEEP_TICKS;
    const { receivedAt } = this;
    for (let slot = 0; slot < this.end; slot++) receivedAt[slot] = Math.min(ticks, receivedAt[slot]! + late);
  }

  private ticks(now: number): number {
    return Math.floor((now - this.startedAt) / TICK_MS);
  }
}

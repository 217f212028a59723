// One timer for all clients of a process: a coarse tick that looks at each client's next due time. Thousands of
// clients then cost one number to compare each, twenty times a second, and no timers of their own.

/** How late a due time may be noticed. */
const TICK_MS = 50;
/** A tick later than this: the process was frozen, or the device slept. */
const SLEEP_MS = 15_000;

export interface Ticking {
  /** On this clock, ms; or Infinity. */
  readonly dueAt: number;
  tick(now: number): void;
  /** The device slept. */
  wake(): void;
  /** The clock's own. -1: not on the clock. */
  clockIndex: number;
}

export class Clock {
  private readonly members: Ticking[];
  private timer: ReturnType<typeof setInterval> | undefined;
  private lastMonotonic: number;
  private lastWall: number;

  constructor() {
    this.members = [];
    this.timer = undefined;
    this.lastMonotonic = 0;
    this.lastWall = 0;
  }

  /** Monotonic, ms. */
  now(): number {
    return performance.now();
  }

  /** The timer keeps the process alive as long as there is a member. */
  add(member: Ticking): void {
    if (member.clockIndex >= 0) return;
    member.clockIndex = this.members.length;
    this.members.push(member);
    if (this.timer !== undefined) return;
    this.lastMonotonic = this.now();
    this.lastWall = Date.now();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  remove(member: Ticking): void {
    const index = member.clockIndex;
    if (index < 0) return;
    member.clockIndex = -1;
    const last = this.members.pop()!;
    if (last !== member) {
      this.members[index] = last;
      last.clockIndex = index;
    }
    if (this.members.length > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    const now = this.now();
    const wall = Date.now();
    // The monotonic clock may stand still while a device sleeps; the wall clock does not, but people set it.
    const slept = Math.max(now - this.lastMonotonic, wall - this.lastWall) > SLEEP_MS;
    this.lastMonotonic = now;
    this.lastWall = wall;
    // Backwards: a member that leaves is replaced by one that was looked at already.
    for (let i = this.members.length - 1; i >= 0; i--) {
      const member = this.members[i];
      if (member === undefined) continue;
      if (slept) member.wake();
      if (member.dueAt <= now) member.tick(now);
    }
  }
}

/** The clock of this process. */
export const sharedClock: Clock = new Clock();

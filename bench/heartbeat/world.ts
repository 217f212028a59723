// The world of the heartbeat simulator: carriers whose NATs forget what was silent for too long, phones with days and
// nights, and what happens to them. Everything follows from a seed. Times are ms since the start, which is a midnight.
//
// A phone talks in bursts by day and gets a push now and then at night; it freezes or is switched off for hours, loses its radio
// for minutes (mostly noticing it), and now and then its path breaks without a word (a router that starts again).

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export interface Carrier {
  name: string;
  kind: "mobile" | "wifi";
  /** The NAT's limit on silence, of each phone in turn; Infinity: none. Several: homes with routers of their own behind one address range. */
  limitsMs: readonly number[];
  /** From `at` on the limits are these. */
  change?: { at: number; limitsMs: readonly number[] };
}

export function limitOf(carrier: Carrier, phone: number, now: number): number {
  const limits = carrier.change !== undefined && now >= carrier.change.at ? carrier.change.limitsMs : carrier.limitsMs;
  return limits[phone % limits.length]!;
}

/**
 * One minute to six hours, and none: mobile carriers' TCP limits were found from under 5 to over 30 minutes (Wang et al., "An Untold Story of Middleboxes in
 * Cellular Networks", SIGCOMM 2011), home routers' from 4 minutes to over a day with a median near an hour (Hätönen et al., IMC 2010).
 */
export function carriers(): Carrier[] {
  const single = [1, 2, 3, 5, 8, 15, 30, 60, 120, 360].map(
    (minutes, i): Carrier => ({ name: `${minutes} min`, kind: i % 2 === 0 ? "mobile" : "wifi", limitsMs: [minutes * MINUTE] }),
  );
  const none: Carrier = { name: "none", kind: "wifi", limitsMs: [Number.POSITIVE_INFINITY] };
  const homes = [5, 30, 60, 60, 60, 120, 120, 360, 360, Number.POSITIVE_INFINITY].map((minutes) => minutes * MINUTE);
  return [...single, none, { name: "homes", kind: "wifi", limitsMs: homes }];
}

/** Mean times between events of one phone, and how long they last. */
export const HABITS = {
  /** By day, between bursts of talk, and between messages of a burst; at night, between pushes. */
  burstMs: 50 * MINUTE,
  messageMs: 40_000,
  burstMessages: 6,
  nightMs: 2.5 * HOUR,
  /** Freezes and switched off. */
  sleepEveryMs: DAY,
  sleepMsMin: 20 * MINUTE,
  sleepMsMax: 6 * HOUR,
  radioEveryMs: DAY / 3,
  radioMsMin: 20_000,
  radioMsMax: 15 * MINUTE,
  /** Of losses of radio, how many the phone does not notice. */
  radioUnnoticed: 0.2,
  /** The path breaks without a word. */
  breakEveryMs: 5 * DAY,
} as const;

/** mulberry32: small, fast, and enough for a simulation. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** Exponential. */
  after(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs;
  }
}

export function isNight(now: number): boolean {
  const hour = (now % DAY) / HOUR;
  return hour < 7;
}

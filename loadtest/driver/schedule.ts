// When messages are meant to be sent: message i at start + i / rate, whatever has become of those before it (open loop). A core
// without I/O. Latencies count from these moments, so that a server that stands still for a second is charged with every
// message that was due in that second, and not with the one that happened to be under way.

export class Schedule {
  private startUs: number;
  private intervalUs: number;
  private count: number;

  constructor() {
    this.startUs = 0;
    this.intervalUs = Number.POSITIVE_INFINITY;
    this.count = 0;
  }

  /** From now on; `perSecond` 0 ends it. Times are µs. */
  start(nowUs: number, perSecond: number): void {
    this.startUs = nowUs;
    this.intervalUs = perSecond > 0 ? 1_000_000 / perSecond : Number.POSITIVE_INFINITY;
    this.count = 0;
  }

  get running(): boolean {
    return this.intervalUs !== Number.POSITIVE_INFINITY;
  }

  /** The moment that the next message is meant for, if it has come; 0: not yet. Each moment is given once. */
  next(nowUs: number): number {
    if (!this.running) return 0;
    const at = this.startUs + this.count * this.intervalUs;
    if (at > nowUs) return 0;
    this.count++;
    return at;
  }
}

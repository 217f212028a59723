// One writer of LevelDB at a time, first come, first served. LevelDB would queue them anyway; here it is so that a failed
// write is known before the next one begins. A failed append can leave half a record in the log, behind which a
// later one would be lost at the next opening although its sync succeeded: so nothing is acknowledged after a failure.
// It also paces a checkpoint: while commits flow it gets one write between two of them.

export class Gate {
  private held: boolean;
  private readonly waiting: (() => void)[];

  constructor() {
    this.held = false;
    this.waiting = [];
  }

  /** Undefined when the gate was free, else a promise of being in. Whoever is in must leave(). */
  enter(): Promise<void> | undefined {
    if (this.held) return new Promise((resolve) => this.waiting.push(resolve));
    this.held = true;
    return undefined;
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.held = false;
    else next();
  }
}

// A process of the simulated world: it can stand still for a while (what comes meanwhile waits, as it would in its
// sockets) and it can crash (nothing of it happens any more).

export class SimProcess {
  alive: boolean;
  private waiting: (() => void)[] | undefined;

  constructor() {
    this.alive = true;
    this.waiting = undefined;
  }

  get frozen(): boolean {
    return this.waiting !== undefined;
  }

  /** Has something happen in this process: now, after it thawed, or never. */
  perform(run: () => void): void {
    if (!this.alive) return;
    if (this.waiting === undefined) run();
    else this.waiting.push(run);
  }

  freeze(): void {
    this.waiting ??= [];
  }

  thaw(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) this.perform(run);
  }

  crash(): void {
    this.alive = false;
    this.waiting = undefined;
  }
}

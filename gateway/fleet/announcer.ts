// Says that this gateway runs: writes its entry in the gateways bucket every second or few, as long as it lives. Whoever reads them
// goes by their moving (registry.ts); those of the dead vanish from the bucket by themselves.
import type { KeyValue } from "../../proto/bus.ts";

export class Announcer {
  private readonly kv: KeyValue;
  private readonly key: string;
  private readonly value: () => Uint8Array;
  private readonly bumpMs: () => number;
  private revision: number;
  private timer: NodeJS.Timeout | undefined;
  private writing: boolean;
  /** It changed while it was being written. */
  private again: boolean;
  private stopped: boolean;

  /** `value`: the entry as it is now; never empty. `bumpMs`: time between two bumps, asked before each. */
  constructor(kv: KeyValue, key: string, value: () => Uint8Array, bumpMs: () => number) {
    this.kv = kv;
    this.key = key;
    this.value = value;
    this.bumpMs = bumpMs;
    this.revision = 0;
    this.timer = undefined;
    this.writing = false;
    this.again = false;
    this.stopped = false;
  }

  /** Resolves when it was written for the first time, or could not be. */
  async start(): Promise<void> {
    await this.announce();
    this.bump();
  }

  /** The entry stands still from now on. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Writes it now, because it has changed. One write at a time. */
  async announce(): Promise<void> {
    this.again = true;
    if (this.writing) return;
    this.writing = true;
    while (this.again && !this.stopped) {
      this.again = false;
      await this.write();
    }
    this.writing = false;
  }

  private async write(): Promise<void> {
    try {
      const revision = await this.kv.update(this.key, this.value(), this.revision);
      // Lost: the bucket was made anew, or the entry expired while NATS was away.
      this.revision = revision ?? (await this.kv.get(this.key))?.revision ?? 0;
    } catch {
      // NATS is away: tried again with the next bump; others go on without us meanwhile.
    }
  }

  private bump(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      void this.announce();
      this.bump();
    }, this.bumpMs());
  }
}

// Says that this gateway runs: writes its entry in the gateways bucket once a second, as long as it lives. Whoever reads them
// goes by their moving (registry.ts); those of the dead vanish from the bucket by themselves.
import type { KeyValue } from "../../proto/bus.ts";
import { BUMP_MS } from "./registry.ts";

export class Announcer {
  private readonly kv: KeyValue;
  private readonly key: string;
  private readonly value: () => Uint8Array;
  private revision: number;
  private timer: NodeJS.Timeout | undefined;
  private writing: boolean;
  private stopped: boolean;

  /** `value`: the entry as it is now; never empty. */
  constructor(kv: KeyValue, key: string, value: () => Uint8Array) {
    this.kv = kv;
    this.key = key;
    this.value = value;
    this.revision = 0;
    this.timer = undefined;
    this.writing = false;
    this.stopped = false;
  }

  /** Resolves when it was written for the first time, or could not be. */
  start(): Promise<void> {
    this.timer = setInterval(() => void this.announce(), BUMP_MS);
    return this.announce();
  }

  /** The entry stands still from now on. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
  }

  /** Writes it now, because it has changed. At most one write at a time: the next bump is not far. */
  async announce(): Promise<void> {
    if (this.writing || this.stopped) return;
    this.writing = true;
    try {
      const revision = await this.kv.update(this.key, this.value(), this.revision);
      // Lost: the bucket was made anew, or the entry expired while NATS was away.
      this.revision = revision ?? (await this.kv.get(this.key))?.revision ?? 0;
    } catch {
      // NATS is away: tried again with the next bump; others go on without us meanwhile.
    } finally {
      this.writing = false;
    }
  }
}

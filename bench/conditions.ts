// Under what conditions figures were taken: how long it took, what the machine is, and how much of its time the host took away
// meanwhile. Figures are read together with these, or not at all.
import { cpus, release, totalmem } from "node:os";
import { stolenMicros } from "./process-cpu.ts";

/** Above this part of the machine's time taken away, a run is unfit: its figures are the host's as much as ours. */
export const UNFIT_STOLEN_PERCENT = 10;

export interface Conditions {
  seconds: number;
  /** Steal time as the kernel counts it, in percent of all processors. Not every host tells it. */
  stolen_percent: number;
}

/** Watches the conditions from its making to `stop`. */
export class ConditionsMeter {
  private readonly startedAt: number;
  private readonly stolenBefore: number;

  constructor() {
    this.startedAt = performance.now();
    this.stolenBefore = stolenMicros();
  }

  stop(): Conditions {
    const elapsedMs = performance.now() - this.startedAt;
    const machineMicros = elapsedMs * 1000 * cpus().length;
    return { seconds: elapsedMs / 1000, stolen_percent: machineMicros === 0 ? 0 : (100 * (stolenMicros() - this.stolenBefore)) / machineMicros };
  }
}

/** Why figures taken under these conditions should not be trusted; empty: they may be. */
export function unfitBecauseOf({ stolen_percent }: Conditions): string[] {
  if (stolen_percent <= UNFIT_STOLEN_PERCENT) return [];
  return [`the host took ${stolen_percent.toFixed(1)}% of the machine's time away (at most ${UNFIT_STOLEN_PERCENT}%)`];
}

export interface Machine {
  cpu: string;
  cores: number;
  memory_bytes: number;
  kernel: string;
  node: string;
}

export function machine(): Machine {
  return { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memory_bytes: totalmem(), kernel: release(), node: process.version };
}

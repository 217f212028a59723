// Under what conditions figures were taken: how long it took, what the machine is, and how much of its time the host took away
// meanwhile, as the kernel counts it and as pauses.ts measures it. Figures are read together with these, or not at all.
import { cpus, release, totalmem } from "node:os";
import { type PauseMark, type PauseMeter, startPauses } from "./pauses.ts";
import { stolenMicros } from "./process-cpu.ts";

/** Above this part of the machine's time taken away, a run is unfit: its figures are the host's as much as ours. */
export const UNFIT_STOLEN_PERCENT = 10;

export interface Conditions {
  seconds: number;
  /** Steal time as the kernel counts it, in percent of all processors. Not every host tells it. */
  stolen_percent: number;
  /** Measured pauses, in percent of all processors, and the longest. Null where they cannot be measured. */
  paused_percent: number | null;
  longest_pause_ms: number | null;
}

/** Watches the conditions, from `begin` on, as often as one likes. */
export class ConditionsWatch {
  private readonly pauses: PauseMeter | undefined;

  private constructor(pauses: PauseMeter | undefined) {
    this.pauses = pauses;
  }

  /** With pauses where they can be measured; `say` is told why not, where not. */
  static async start(say: (line: string) => void): Promise<ConditionsWatch> {
    try {
      const pauses = await startPauses();
      if (pauses.realtime) return new ConditionsWatch(pauses);
      await pauses.stop();
      say("pauses of the host are not measured: no permission for a real-time priority");
    } catch (error) {
      say(`pauses of the host are not measured: ${error instanceof Error ? error.message : String(error)}`);
    }
    return new ConditionsWatch(undefined);
  }

  /** For tests, and for work whose time does not matter. */
  static withoutPauses(): ConditionsWatch {
    return new ConditionsWatch(undefined);
  }

  begin(): ConditionsMeter {
    return new ConditionsMeter(this.pauses);
  }

  async stop(): Promise<void> {
    await this.pauses?.stop();
  }
}

/** From its making to `stop` or `end`. */
export class ConditionsMeter {
  private readonly pauses: PauseMeter | undefined;
  private readonly mark: PauseMark | undefined;
  private readonly startedAt: number;
  private readonly stolenBefore: number;

  constructor(pauses?: PauseMeter) {
    this.pauses = pauses;
    this.mark = pauses?.mark();
    this.startedAt = performance.now();
    this.stolenBefore = stolenMicros();
  }

  /** With what was measured of pauses. */
  async end(): Promise<Conditions> {
    const conditions = this.stop();
    const pauses = await this.pauses?.since(this.mark!);
    return { ...conditions, paused_percent: pauses?.pausedPercent ?? null, longest_pause_ms: pauses?.longestMs ?? null };
  }

  /** With what the kernel counts alone. */
  stop(): Conditions {
    const elapsedMs = performance.now() - this.startedAt;
    const machineMicros = elapsedMs * 1000 * cpus().length;
    const stolen = machineMicros === 0 ? 0 : (100 * (stolenMicros() - this.stolenBefore)) / machineMicros;
    return { seconds: elapsedMs / 1000, stolen_percent: stolen, paused_percent: null, longest_pause_ms: null };
  }
}

/** Why figures taken under these conditions should not be trusted; empty: they may be. */
export function unfitBecauseOf({ stolen_percent, paused_percent }: Conditions): string[] {
  // The same time may be in both.
  const taken = Math.max(stolen_percent, paused_percent ?? 0);
  return taken <= UNFIT_STOLEN_PERCENT ? [] : [`the host took ${taken.toFixed(1)}% of the machine's time away (at most ${UNFIT_STOLEN_PERCENT}%)`];
}

/** The conditions in one line. */
export function conditionsText({ seconds, stolen_percent, paused_percent, longest_pause_ms }: Conditions): string {
  const stolen = `${seconds.toFixed(1)} s; taken by the host: ${stolen_percent.toFixed(1)}% as the kernel counts it`;
  if (paused_percent === null) return stolen;
  return `${stolen}, ${paused_percent.toFixed(1)}% in measured pauses, the longest ${longest_pause_ms!.toFixed(1)} ms`;
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

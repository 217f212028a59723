// The signal by which a supervisor is asked for a rolling restart (`hawser roll`), and run.json, where it notes how that went. It
// is listened to from before the first part starts until the record is gone: unheard, it would kill the supervisor in mid-start or
// mid-stop. Whoever asks then gets a note of why not.
import type { ProcessRecord, RollRecord } from "./process-record.ts";

export const ROLL_SIGNAL = "SIGUSR2";

export class RollSignal {
  private readonly record: ProcessRecord;
  private readonly tell: (text: string) => void;
  private roll: (() => Promise<void>) | undefined;
  /** Why there is none to be had. */
  private why: string;
  private number: number;
  private running: boolean;
  private readonly listener: () => void;

  constructor(record: ProcessRecord, tell: (text: string) => void) {
    this.record = record;
    this.tell = tell;
    this.roll = undefined;
    this.why = "everything is being started";
    this.number = 0;
    this.running = false;
    this.listener = () => this.asked();
    record.noteRoll({ number: 0, state: "none" });
    process.on(ROLL_SIGNAL, this.listener);
  }

  /** From now on it rolls. */
  serves(roll: () => Promise<void>): void {
    this.roll = roll;
  }

  /** From now on it does not. */
  refuses(why: string): void {
    this.roll = undefined;
    this.why = why;
  }

  /** The signal is nobody's any more. After the record was released: nobody asks who has none. */
  close(): void {
    process.off(ROLL_SIGNAL, this.listener);
  }

  private asked(): void {
    if (this.running) return;
    this.number++;
    if (this.roll === undefined) return this.failed(this.why);
    this.running = true;
    this.note("running");
    this.tell("replacing the gateways, one after the other");
    this.roll()
      .then(
        () => this.note("done"),
        (error: Error) => this.failed(error.message),
      )
      .finally(() => {
        this.running = false;
      });
  }

  private failed(why: string): void {
    this.tell(why);
    this.note("failed", why);
  }

  private note(state: RollRecord["state"], why?: string): void {
    this.record.noteRoll({ number: this.number, state, ...(why !== undefined && { why }) });
  }
}

// A rolling restart: part by part a new process takes over from the old one, so that something serves all the time.
// Decisions only; the Supervisor owns it and passes on what concerns it.
//
//   beside:    Heir (new one starts beside the old) ─ ready ─▶ Retiring (old one has SIGTERM) ─ exited ─▶ next part
//   in place:  Stopping (SIGTERM) ─ exited ─▶ Returning (started again at once) ─ ready ─▶ next part
//   Heir and Returning have `readyMs`: who is not ready then hangs, and is killed.
//
// What fails ends the roll where it is: a version that does not start takes at most one part, and beside the old one none.
// Invariant: at most one process beyond those of the Supervisor, `extra`.
import type { Action, PartPlan } from "./supervisor.ts";

export const Stage = { Heir: 1, Retiring: 2, Stopping: 3, Returning: 4, Over: 5 } as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

export class Roll {
  stage: Stage;
  /** The process that is beside the part's own, and whose it is. */
  extra: "heir" | "retired" | undefined;
  /** When `extra`, or what returns, has had its time; Infinity for never. */
  deadline: number;
  private readonly waiting: PartPlan[];
  private current: PartPlan | undefined;

  /** Parts in the order in which they are replaced; those whose plan says no way are left as they are. */
  constructor(parts: readonly PartPlan[]) {
    this.stage = Stage.Over;
    this.extra = undefined;
    this.deadline = Infinity;
    this.waiting = parts.filter(({ rolls }) => rolls !== undefined);
    this.current = undefined;
  }

  /** Whether it is this part's turn. */
  isAt(part: string): boolean {
    return this.stage !== Stage.Over && this.current?.name === part;
  }

  /** The part whose process `extra` is. */
  get part(): PartPlan | undefined {
    return this.current;
  }

  /** Goes on to the next part. In place: the Supervisor is to stop it. */
  next(now: number, actions: Action[]): PartPlan | undefined {
    this.current = this.waiting.shift();
    this.extra = undefined;
    this.deadline = Infinity;
    if (this.current === undefined) {
      this.stage = Stage.Over;
      actions.push({ type: "rolled" });
      return undefined;
    }
    if (this.current.rolls === "inPlace") {
      this.stage = Stage.Stopping;
      return this.current;
    }
    this.stage = Stage.Heir;
    this.extra = "heir";
    this.deadline = now + this.current.readyMs;
    actions.push({ type: "spawnHeir", part: this.current.name });
    return undefined;
  }

  /** The heir serves. `retires`: there is an old process to stop. */
  handOver(retires: boolean, now: number, actions: Action[]): void {
    const { name, stopMs } = this.current!;
    actions.push({ type: "handOver", part: name });
    if (!retires) return;
    this.stage = Stage.Retiring;
    this.extra = "retired";
    this.deadline = now + stopMs;
    actions.push({ type: "signal", part: name, signal: "SIGTERM", of: "retired" });
  }

  /** Stopped in place, it is started again. */
  comesBack(now: number): void {
    this.stage = Stage.Returning;
    this.deadline = now + this.current!.readyMs;
  }

  /** `extra` is gone. True: the part is done, and the next may come. */
  extraExited(actions: Action[]): boolean {
    const was = this.extra;
    this.extra = undefined;
    this.deadline = Infinity;
    if (was === "heir") this.fail(actions, "exited");
    return was === "retired" && this.stage === Stage.Retiring;
  }

  /** The time of `extra` is up, or that of what returns: then it is the Supervisor's to kill. */
  expired(actions: Action[]): void {
    this.deadline = Infinity;
    this.signalExtra("SIGKILL", actions);
    if (this.extra === "heir" || this.stage === Stage.Returning) this.fail(actions, "timeout");
  }

  /** Everything is to stop: the roll is over, and `extra` has to go. */
  cancel(signal: "SIGTERM" | "SIGKILL", now: number, actions: Action[]): void {
    this.fail(actions, "stopped");
    if (signal === "SIGTERM" && this.extra === "retired") return;
    this.signalExtra(signal, actions);
    this.deadline = signal === "SIGTERM" && this.extra !== undefined ? now + this.current!.stopMs : Infinity;
  }

  /** Ends it where it is; says so once. */
  fail(actions: Action[], reason: "exited" | "timeout" | "stopped"): void {
    this.waiting.length = 0;
    if (this.extra === undefined) this.deadline = Infinity;
    if (this.stage === Stage.Over) return;
    this.stage = Stage.Over;
    actions.push({ type: "rollFailed", part: this.current!.name, reason });
  }

  private signalExtra(signal: "SIGTERM" | "SIGKILL", actions: Action[]): void {
    if (this.extra !== undefined) actions.push({ type: "signal", part: this.current!.name, signal, of: this.extra });
  }
}

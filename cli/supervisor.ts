// Which process is started, restarted, stopped or killed, and when: decisions only. Whoever owns a Supervisor tells
// it what happened (a part became ready, exited, time passed) and carries out the actions that it returns.
//
// Parts stand in tiers. Tiers start one after the other, each once the one below is ready and a few parts at a time, and stop in reverse. A part that
// exits after it was ready once is started again, after a pause that doubles while it keeps dying soon. A part that exits
// before everything was up for the first time ends the start: what is wrong then is for a person to mend.
// A rolling restart (roll.ts) replaces the processes of some parts one after the other while everything is up.
// Invariant: but for the one that a roll adds, a part has at most one process; a part in phase Starting, Ready or Stopping has one, in the others none.

import { Roll, Stage } from "./roll.ts";

export const Phase = { Waiting: 0, Starting: 1, Ready: 2, Backoff: 3, Stopping: 4, Stopped: 5 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export interface PartPlan {
  name: string;
  /** Lower tiers start first and stop last. */
  tier: number;
  /** How long it may take to become ready at the first start. */
  readyMs: number;
  /** How long it may take to stop before it is killed. */
  stopMs: number;
  /** How a rolling restart replaces it: by a process beside it, or by stopping it first. Left out: not at all. */
  rolls?: "beside" | "inPlace";
}

/** Parts of a tier that are starting at the same time: on few cores fifty at once would all be late. */
export const STARTING_MAX = 8;

export const Backoff = {
  firstMs: 250,
  maxMs: 5_000,
  /** Who lived this long died of something new. */
  resetAfterMs: 30_000,
} as const;

export type Input =
  | { type: "start" }
  | { type: "ready"; part: string }
  | { type: "exited"; part: string }
  | { type: "tick" }
  | { type: "roll" }
  /** Of the process beside a part's own. */
  | { type: "extraReady"; part: string }
  | { type: "extraExited"; part: string }
  | { type: "stop" }
  | { type: "kill" };

export type Action =
  | { type: "spawn"; part: string }
  | { type: "signal"; part: string; signal: "SIGTERM" | "SIGKILL"; of?: "heir" | "retired" }
  /** A new process of a part, beside its own. */
  | { type: "spawnHeir"; part: string }
  /** The heir is the part's own process from now on, and the one before is retired. */
  | { type: "handOver"; part: string }
  /** A roll is done, or ended where it was. */
  | { type: "rolled" }
  | { type: "rollFailed"; part: string; reason: "exited" | "timeout" | "stopped" }
  /** The part exited and comes back in `inMs`. */
  | { type: "restarting"; part: string; inMs: number }
  /** Everything is ready for the first time. */
  | { type: "up" }
  /** The start cannot succeed; everything that runs is being stopped. */
  | { type: "failed"; part: string; reason: "exited" | "timeout" }
  /** Nothing runs any more. Comes once, last. */
  | { type: "down" };

interface PartState {
  plan: PartPlan;
  phase: Phase;
  /** Of the process that runs now or ran last. */
  startedAt: number;
  /** The pause before the next restart. */
  backoffMs: number;
  /** When Backoff ends, or Starting (at the first start) or Stopping has lasted too long; Infinity for never. */
  deadline: number;
}

export class Supervisor {
  private readonly parts: PartState[];
  private up: boolean;
  private stopping: boolean;
  private down: boolean;
  private roll: Roll | undefined;

  constructor(plans: readonly PartPlan[]) {
    const byTier = [...plans].sort((a, b) => a.tier - b.tier);
    this.parts = byTier.map((plan) => ({ plan, phase: Phase.Waiting, startedAt: 0, backoffMs: Backoff.firstMs, deadline: Infinity }));
    this.up = false;
    this.stopping = false;
    this.down = false;
    this.roll = undefined;
  }

  phase(part: string): Phase {
    return this.find(part).phase;
  }

  /** Whether a roll is under way, or its last process has not gone yet. */
  get rolling(): boolean {
    return this.roll !== undefined && (this.roll.stage !== Stage.Over || this.roll.extra !== undefined);
  }

  /** When the next tick is due, on the clock of `now`; Infinity when nothing waits for time. */
  get wakeAt(): number {
    return this.parts.reduce((earliest, part) => Math.min(earliest, part.deadline), this.roll?.deadline ?? Infinity);
  }

  /** `now` is milliseconds on any clock that does not go back. */
  step(input: Input, now: number): Action[] {
    const actions: Action[] = [];
    switch (input.type) {
      case "start":
        break;
      case "ready":
        this.ready(this.find(input.part), now, actions);
        break;
      case "exited":
        this.exited(this.find(input.part), now, actions);
        break;
      case "tick":
        for (const part of this.parts) if (now >= part.deadline) this.expired(part, now, actions);
        if (this.roll !== undefined && now >= this.roll.deadline) this.rollExpired(this.roll, now, actions);
        break;
      case "roll":
        this.beginRoll(now, actions);
        break;
      case "extraReady":
        this.extraReady(now, actions);
        break;
      case "extraExited":
        if (this.roll?.extraExited(actions)) this.rollOn(now, actions);
        break;
      case "stop":
        if (!this.stopping) this.roll?.cancel("SIGTERM", now, actions);
        this.stopping = true;
        break;
      case "kill":
        this.stopping = true;
        for (const part of this.parts) if (hasProcess(part)) this.signal(part, "SIGKILL", now, actions);
        this.roll?.cancel("SIGKILL", now, actions);
        break;
    }
    if (this.stopping) this.lower(now, actions);
    else this.raise(now, actions);
    return actions;
  }

  /** Starts the lowest tier that waits, once everything below is ready; of many parts the next when one is ready. */
  private raise(now: number, actions: Action[]): void {
    if (this.up) return;
    const tier = this.parts.find((part) => part.phase !== Phase.Ready)?.plan.tier;
    let starting = this.parts.reduce((count, { phase }) => count + (phase === Phase.Starting ? 1 : 0), 0);
    for (const part of this.parts) {
      if (part.plan.tier !== tier || part.phase !== Phase.Waiting || starting >= STARTING_MAX) continue;
      this.spawn(part, now, actions);
      starting++;
    }
    if (tier === undefined) {
      this.up = true;
      actions.push({ type: "up" });
    }
  }

  /** Stops the highest tier that runs; nothing that has no process starts any more. */
  private lower(now: number, actions: Action[]): void {
    for (const part of this.parts) if (!hasProcess(part)) settle(part, Phase.Stopped, Infinity);
    const extraTier = this.roll?.extra === undefined ? undefined : this.roll.part?.tier;
    const tier = this.parts.findLast((part) => hasProcess(part) || part.plan.tier === extraTier)?.plan.tier;
    for (const part of this.parts) {
      if (part.plan.tier === tier && (part.phase === Phase.Starting || part.phase === Phase.Ready)) this.signal(part, "SIGTERM", now, actions);
    }
    if (tier === undefined && !this.down) {
      this.down = true;
      actions.push({ type: "down" });
    }
  }

  private ready(part: PartState, now: number, actions: Action[]): void {
    if (part.phase === Phase.Starting) settle(part, Phase.Ready, Infinity);
    if (this.roll?.isAt(part.plan.name) && this.roll.stage === Stage.Returning) this.rollOn(now, actions);
  }

  /** One roll at a time, and only when everything is up. */
  private beginRoll(now: number, actions: Action[]): void {
    if (!this.up || this.stopping || this.rolling) return;
    this.roll = new Roll(this.parts.map(({ plan }) => plan));
    this.rollOn(now, actions);
  }

  private rollOn(now: number, actions: Action[]): void {
    const inPlace = this.roll!.next(now, actions);
    if (inPlace === undefined) return;
    const part = this.find(inPlace.name);
    if (part.phase === Phase.Ready || part.phase === Phase.Starting) this.signal(part, "SIGTERM", now, actions);
    // It died by itself, and its pause ends now. One that is being killed comes back when it is gone.
    else if (part.phase !== Phase.Stopping) this.comeBack(part, now, actions);
  }

  private rollExpired(roll: Roll, now: number, actions: Action[]): void {
    const hangs = roll.stage === Stage.Returning ? this.find(roll.part!.name) : undefined;
    roll.expired(actions);
    // Its pause begins when it is gone, and ends with whatever the program is by then.
    if (hangs !== undefined) this.signal(hangs, "SIGKILL", now, actions);
  }

  private comeBack(part: PartState, now: number, actions: Action[]): void {
    this.roll!.comesBack(now);
    this.spawn(part, now, actions);
  }

  private extraReady(now: number, actions: Action[]): void {
    const { roll } = this;
    if (roll === undefined || roll.stage !== Stage.Heir) return;
    const part = this.find(roll.part!.name);
    const retires = hasProcess(part);
    part.startedAt = now;
    part.backoffMs = Backoff.firstMs;
    settle(part, Phase.Ready, Infinity);
    roll.handOver(retires, now, actions);
    if (!retires) this.rollOn(now, actions);
  }

  private exited(part: PartState, now: number, actions: Action[]): void {
    if (!hasProcess(part)) return;
    if (this.stopping || !this.up) {
      settle(part, Phase.Stopped, Infinity);
      if (!this.stopping) this.fail(part, "exited", actions);
      return;
    }
    if (this.roll?.isAt(part.plan.name) && this.roll.stage === Stage.Stopping) return this.comeBack(part, now, actions);
    if (this.roll?.isAt(part.plan.name) && this.roll.stage === Stage.Returning) this.roll.fail(actions, "exited");
    if (now - part.startedAt >= Backoff.resetAfterMs) part.backoffMs = Backoff.firstMs;
    settle(part, Phase.Backoff, now + part.backoffMs);
    actions.push({ type: "restarting", part: part.plan.name, inMs: part.backoffMs });
    part.backoffMs = Math.min(part.backoffMs * 2, Backoff.maxMs);
  }

  private expired(part: PartState, now: number, actions: Action[]): void {
    if (part.phase === Phase.Backoff) this.spawn(part, now, actions);
    else if (part.phase === Phase.Starting) this.fail(part, "timeout", actions);
    else if (part.phase === Phase.Stopping) this.signal(part, "SIGKILL", now, actions);
  }

  private fail(part: PartState, reason: "exited" | "timeout", actions: Action[]): void {
    this.stopping = true;
    actions.push({ type: "failed", part: part.plan.name, reason });
  }

  private spawn(part: PartState, now: number, actions: Action[]): void {
    part.startedAt = now;
    // A part that comes back may take as long as it needs: killing it would not make it faster. In a roll it may be one that never is ready.
    settle(part, Phase.Starting, this.up ? Infinity : now + part.plan.readyMs);
    actions.push({ type: "spawn", part: part.plan.name });
  }

  private signal(part: PartState, signal: "SIGTERM" | "SIGKILL", now: number, actions: Action[]): void {
    settle(part, Phase.Stopping, signal === "SIGTERM" ? now + part.plan.stopMs : Infinity);
    actions.push({ type: "signal", part: part.plan.name, signal });
  }

  private find(name: string): PartState {
    const part = this.parts.find((part) => part.plan.name === name);
    if (!part) throw new RangeError(`no part ${JSON.stringify(name)}: there are ${this.parts.map((part) => part.plan.name).join(", ")}`);
    return part;
  }
}

function settle(part: PartState, phase: Phase, deadline: number): void {
  part.phase = phase;
  part.deadline = deadline;
}

function hasProcess(part: PartState): boolean {
  return part.phase === Phase.Starting || part.phase === Phase.Ready || part.phase === Phase.Stopping;
}

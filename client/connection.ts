// When to connect, when to beat, when to give up on a connection, how long to wait before the next (SPEC.md §3,
// §10). Holds no protocol state beyond that.
//
//   Stopped ─start→ Opening ─connected→ Greeting ─Welcome→ Online
//                     ▲  └────── lost ──────┴───────────────┤
//                     └── delay over ── Waiting ◀───────────┘      stop: from anywhere
//
// Invariant: `at` is the one deadline of the phase; `link` grows with each connection, so that a report about
// an earlier one is told apart.
import { BEAT_FRAME } from "../proto/frame.ts";
import { Limits } from "../proto/limits.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";
import { LossMemory } from "./loss-memory.ts";
import { NEVER } from "./outputs.ts";
import type { ConnectionState, Outputs } from "./outputs.ts";

export const Phase = { Stopped: 0, Waiting: 1, Opening: 2, Greeting: 3, Online: 4 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** How long a connection may take to open, and the server to answer Hello. */
const OPEN_MS = Limits.handshakeMs;
/** Without a byte for so long after a beat or request, the connection counts as dead (SPEC.md §10). */
export const SILENCE_MS = 10_000;
/** A tick that comes so late says that the process was frozen, and nothing about the network. */
const FROZEN_MS = 5000;
/** Whoever was refused waits for a random time from here to there at least, whatever the server says: many may be told the same. */
const REFUSED_MS_MIN = 250;
const REFUSED_MS_MAX = 1000;
const PUT_OFF_MS = 1000;

/** A random time up to twice as long at each attempt (SPEC.md §3): many that fail together do not come back together. */
export function fullJitterMs(random: () => number, attempt: number): number {
  return random() * Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
}

export class Connection {
  private readonly outputs: Outputs;
  private readonly random: () => number;
  phase: Phase;
  link: number;
  /** Connections in a row that ended before a Sync was complete. */
  private attempt: number;
  private at: number;
  private heartbeatMs: number;
  private beatAt: number;
  /** When a frame of ours last went out. */
  private wroteAt: number;
  /** Since when something of ours waits for a sign of life; NEVER: nothing does. */
  private silentSince: number;
  /** When a byte last went either way, and when before that. */
  private passedAt: number;
  private passedBefore: number;
  /** For how long nothing had gone either way when what waits was sent; 0: not known, or not worth saying. */
  private silenceMs: number;
  /** The same of the connection before, if it was found dead of it: for Hello. */
  lostAfterMs: number;
  private readonly losses: LossMemory;
  /** A GoAway's moment, or NEVER. */
  private leaveAt: number;
  private target: string;
  freshToken: boolean;
  /** The server named the time to wait: waking up does not shorten it. */
  private instructed: boolean;

  constructor(outputs: Outputs, random: () => number) {
    this.outputs = outputs;
    this.random = random;
    this.phase = Phase.Stopped;
    this.link = 0;
    this.attempt = 0;
    this.at = NEVER;
    this.heartbeatMs = 0;
    this.beatAt = NEVER;
    this.wroteAt = 0;
    this.silentSince = NEVER;
    this.passedAt = 0;
    this.passedBefore = 0;
    this.silenceMs = 0;
    this.lostAfterMs = 0;
    this.losses = new LossMemory();
    this.leaveAt = NEVER;
    this.target = "";
    this.freshToken = false;
    this.instructed = false;
  }

  /** Orders a new connection, at once. */
  open(): void {
    this.enter(Phase.Opening, NEVER);
    this.link++;
    this.instructed = false;
    this.leaveAt = NEVER;
    this.silentSince = NEVER;
    this.beatAt = NEVER;
    this.outputs.connect = { link: this.link, target: this.target, freshToken: this.freshToken };
    // A target is for one attempt: if it fails, the usual address is the better guess.
    this.target = "";
    this.freshToken = false;
    this.report("connecting", undefined, undefined);
  }

  /** The shell has a token and opens the socket. */
  opening(now: number): void {
    this.setDeadline(now + OPEN_MS);
  }

  connected(now: number): void {
    this.enter(Phase.Greeting, now + OPEN_MS);
  }

  /** Welcome came. */
  online(heartbeatMs: number, now: number): void {
    this.enter(Phase.Online, NEVER);
    this.heartbeatMs = heartbeatMs;
    this.lostAfterMs = 0;
    this.passedAt = now;
    this.passedBefore = now;
    this.wroteAt = now;
    // The first beat at a random moment of the second half, so that clients that came together do not beat together.
    this.beatAt = heartbeatMs > 0 ? now + this.intervalMs(now) * (0.5 + this.random() / 2) : NEVER;
    this.outputs.schedule(this.beatAt);
    this.report("online", undefined, undefined);
  }

  /** Everything was pulled: this connection was a success. */
  succeeded(): void {
    this.attempt = 0;
  }

  /** The server has another interval for us, from the last frame of ours on. */
  heartbeat(heartbeatMs: number, now: number): void {
    this.heartbeatMs = heartbeatMs;
    this.beatAt = heartbeatMs > 0 ? Math.max(now, this.wroteAt + this.intervalMs(now)) : NEVER;
    this.outputs.schedule(this.beatAt);
  }

  /** The device is on another network than the last time: what was learned there does not hold here. */
  moved(): void {
    this.losses.forget();
    this.lostAfterMs = 0;
    this.silenceMs = 0;
  }

  /** A byte came. */
  received(now: number): void {
    if (this.silentSince !== NEVER && this.silenceMs > 0) this.losses.survived(this.silenceMs);
    this.silentSince = NEVER;
    this.passed(now);
  }

  /** A frame goes out. */
  wrote(now: number): void {
    // Not scheduled: the earlier tick finds the later time.
    if (this.heartbeatMs > 0) this.beatAt = now + this.intervalMs(now);
    this.wroteAt = now;
    this.passed(now);
  }

  /** Something goes out that the server will answer. */
  asked(now: number): void {
    if (this.silentSince !== NEVER) return;
    this.silentSince = now;
    // Written just now, by the frame that asks.
    this.silenceMs = now - (this.passedAt === now ? this.passedBefore : this.passedAt);
    this.outputs.schedule(now + SILENCE_MS);
  }

  goAway(afterMs: number, target: string, now: number): void {
    this.leaveAt = now + afterMs;
    this.target = target;
    this.outputs.schedule(this.leaveAt);
  }

  /** How long to wait after a loss without an instruction: full jitter (SPEC.md §3). */
  backoff(): number {
    return fullJitterMs(this.random, this.attempt);
  }

  /** How long to wait after a transient refusal that does not say, the `attempt`th in a row from 0. */
  jitterMs(attempt: number): number {
    return fullJitterMs(this.random, attempt);
  }

  /** How long to wait when the server closed the connection and named the time; undefined: it did not (0). */
  refusedMs(retryAfterMs: number): number | undefined {
    if (retryAfterMs === 0) return undefined;
    if (retryAfterMs >= REFUSED_MS_MAX) return retryAfterMs;
    return Math.max(retryAfterMs, REFUSED_MS_MIN + this.random() * (REFUSED_MS_MAX - REFUSED_MS_MIN));
  }

  /** For "reconnect at once": really at once only if the connection before this was a success. */
  soon(): number {
    return this.attempt === 0 ? 0 : this.backoff();
  }

  /**
   * The connection is gone, or given up. Waits `delayMs` (undefined: until a GoAway's moment if there was one,
   * else by backoff), then connects again.
   */
  lost(reason: HawserError | undefined, delayMs: number | undefined, now: number): void {
    this.outputs.close = true;
    this.instructed = delayMs !== undefined || this.leaveAt !== NEVER;
    if (delayMs === undefined) delayMs = this.leaveAt === NEVER ? this.backoff() : Math.max(0, this.leaveAt - now);
    else this.target = "";
    this.attempt++;
    this.enter(Phase.Waiting, now + delayMs);
    this.leaveAt = NEVER;
    this.report("offline", reason, delayMs);
  }

  stop(reason: HawserError | undefined): void {
    if (this.phase === Phase.Stopped) return;
    this.outputs.close = true;
    this.outputs.connect = undefined;
    this.attempt = 0;
    this.leaveAt = NEVER;
    this.enter(Phase.Stopped, NEVER);
    this.report("stopped", reason, undefined);
  }

  /** The device woke up, or is on another network: no reason to wait any longer. */
  wakes(): boolean {
    // It was frozen, or somewhere else.
    this.silenceMs = 0;
    return this.phase === Phase.Waiting && !this.instructed;
  }

  /** What time brings. Returns "open" when it is time to connect, an error when the connection is to be given up. */
  tick(now: number): "open" | HawserError | undefined {
    if (this.phase === Phase.Waiting) return now >= this.at ? "open" : undefined;
    if (now >= this.at) {
      return new HawserError(LocalErrorCode.ConnectFailed, this.phase === Phase.Opening ? "the connection did not open in time" : "no answer to Hello");
    }
    if (this.phase !== Phase.Online) return undefined;
    if (now >= this.leaveAt) return "open";
    if (now >= this.silentSince + SILENCE_MS) {
      if (now < this.silentSince + SILENCE_MS + FROZEN_MS) this.foundDead(now);
      return new HawserError(LocalErrorCode.ConnectFailed, "the server fell silent");
    }
    if (now >= this.beatAt) {
      const frozen = now >= this.beatAt + FROZEN_MS;
      this.outputs.frames.push(BEAT_FRAME);
      this.wrote(now);
      this.asked(now);
      if (frozen) this.silenceMs = 0;
    }
    return undefined;
  }

  beatDue(now: number): boolean {
    return this.phase === Phase.Online && now >= this.beatAt;
  }

  /** Something else goes out in its place now; a beat follows if it does not. */
  putOffBeat(now: number): void {
    this.silenceMs = 0;
    this.beatAt = now + PUT_OFF_MS;
    this.outputs.schedule(this.beatAt);
  }

  private foundDead(now: number): void {
    this.lostAfterMs = Math.round(this.silenceMs);
    this.losses.lost(this.silenceMs, now);
  }

  /** What the server says, or less where that has killed a connection lately. */
  intervalMs(now: number): number {
    return Math.min(this.heartbeatMs, this.losses.capMs(now));
  }

  private passed(now: number): void {
    if (now === this.passedAt) return;
    this.passedBefore = this.passedAt;
    this.passedAt = now;
  }

  dueAt(): number {
    return this.phase === Phase.Online ? Math.min(this.beatAt, this.leaveAt, this.silentSince + SILENCE_MS) : this.at;
  }

  private enter(phase: Phase, at: number): void {
    this.phase = phase;
    this.silentSince = NEVER;
    this.setDeadline(at);
  }

  private setDeadline(at: number): void {
    this.at = at;
    this.outputs.schedule(at);
  }

  private report(state: ConnectionState, reason: HawserError | undefined, retryInMs: number | undefined): void {
    this.outputs.events.push({ type: "state", change: { state, reason, retryInMs } });
  }
}

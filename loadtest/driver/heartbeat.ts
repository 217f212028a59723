// When a session that is connected has to beat, and when silence after a beat means that its connection is dead (SPEC.md §10).
// A core without I/O: asked when a session's time in the wheel has come, it says what to do and when to ask again.
import type { Random } from "../../proto/testing/random.ts";
import { Flag, type SessionTable } from "./session-table.ts";

/** Without a byte for so long after a beat, or after a request that is answered. */
export const PATIENCE_MS = 10_000;

export const Due = { Nothing: 0, Beat: 1, Dead: 2 } as const;
export type Due = (typeof Due)[keyof typeof Due];

export class Heartbeat {
  /** When to ask again, after due(). */
  againAt: number;
  private readonly table: SessionTable;
  private readonly random: Random;

  constructor(table: SessionTable, random: Random) {
    this.againAt = 0;
    this.table = table;
    this.random = random;
  }

  /** Welcome gave the interval, ms. Returns when to ask first. */
  begin(session: number, now: number, intervalMs: number): number {
    this.table.heartbeatMs[session] = intervalMs;
    return now + (intervalMs === 0 ? PATIENCE_MS : Math.min(PATIENCE_MS, intervalMs / 2));
  }

  /** The server gave another interval, ms. Returns when to ask next: at once where the new one is over already. */
  change(session: number, now: number, intervalMs: number): number {
    const { table } = this;
    table.heartbeatMs[session] = intervalMs;
    if (intervalMs === 0 || table.has(session, Flag.BeatAsked)) return now + PATIENCE_MS;
    return Math.max(now, table.saidAt[session]! + intervalMs);
  }

  /** The session's time has come. Of one that reads slowly, silence means nothing. */
  due(session: number, now: number): Due {
    const { table } = this;
    const intervalMs = table.heartbeatMs[session]!;
    const asked = table.has(session, Flag.BeatAsked);
    if (asked && !table.has(session, Flag.Throttled) && now - table.beatAt[session]! >= PATIENCE_MS) return Due.Dead;
    if (intervalMs === 0) {
      this.againAt = now + PATIENCE_MS;
      return Due.Nothing;
    }
    // The first beat comes early, at a random time, so that those who came at once do not beat at once.
    const first = table.has(session, Flag.FirstBeat);
    const wanted = first ? intervalMs * (0.5 + this.random.below(1000) / 2000) : intervalMs;
    const said = now - table.saidAt[session]!;
    if (said < wanted && !(first && said >= intervalMs / 2)) {
      this.againAt = now + wanted - said;
      return Due.Nothing;
    }
    table.clear(session, Flag.FirstBeat);
    table.set(session, Flag.BeatAsked);
    if (!asked) table.beatAt[session] = now;
    this.againAt = now + Math.min(PATIENCE_MS, intervalMs);
    return Due.Beat;
  }
}

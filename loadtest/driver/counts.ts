// What one driver counts since its start, as its ticks tell it.
import { type FrameType, frameTypeName } from "../../proto/frame-type.ts";

const TYPES = 32;
const BEAT_TYPE = 0;
/** Names that are counted apart: they come from the server. */
const NAMES_MAX = 64;
const OTHERS = "others";

export class Counts {
  connected = 0;
  welcomes = 0;
  closes = 0;
  connectErrors = 0;
  beats = 0;
  /** Connections on which the server broke the protocol. */
  violations = 0;
  /** Errors from the server, and what this driver found wrong with what it said, by name. */
  readonly errors: Map<string, number> = new Map();
  /** What exactly it was the first time, by the same names. */
  readonly errorDetails: Map<string, string> = new Map();
  /** Why connections ended that nobody asked to end. */
  readonly closeReasons: Map<string, number> = new Map();
  /** Frames in and out by type, and their bytes. */
  readonly frames: Float64Array = new Float64Array(TYPES);
  readonly frameBytes: Float64Array = new Float64Array(TYPES);

  error(name: string, detail?: string): void {
    count(this.errors, name);
    if (detail !== undefined && !this.errorDetails.has(name)) this.errorDetails.set(name, detail);
  }

  closed(reason: string): void {
    count(this.closeReasons, reason);
  }

  frame(type: number, bytes: number): void {
    this.frames[type]!++;
    this.frameBytes[type]! += bytes;
  }

  framesByName(): Record<string, { count: number; bytes: number }> {
    const frames: Record<string, { count: number; bytes: number }> = {};
    for (let type = BEAT_TYPE; type < TYPES; type++) {
      if (this.frames[type] === 0) continue;
      frames[type === BEAT_TYPE ? "Beat" : frameTypeName(type as FrameType)] = { count: this.frames[type]!, bytes: this.frameBytes[type]! };
    }
    return frames;
  }
}

function count(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < NAMES_MAX ? name : OTHERS;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

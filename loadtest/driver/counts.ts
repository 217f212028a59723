// What one driver counts since its start, as its ticks tell it.
import { type FrameType, frameTypeName } from "../../proto/frame-type.ts";

const TYPES = 32;
const BEAT_TYPE = 0;

export class Counts {
  connected = 0;
  welcomes = 0;
  closes = 0;
  connectErrors = 0;
  beats = 0;
  /** Errors from the server, and what this driver found wrong with what it said, by name. */
  readonly errors: Map<string, number> = new Map();
  /** Why connections ended that nobody asked to end. */
  readonly closeReasons: Map<string, number> = new Map();
  /** Frames in and out by type, and their bytes. */
  readonly frames: Float64Array = new Float64Array(TYPES);
  readonly frameBytes: Float64Array = new Float64Array(TYPES);

  error(name: string): void {
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1);
  }

  closed(reason: string): void {
    this.closeReasons.set(reason, (this.closeReasons.get(reason) ?? 0) + 1);
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

// What is committed but not in its place on disk yet, and, as far as memory allows, what was read lately: one map of
// conversation states. A dirty state stays until a checkpoint has written it; clean ones are dropped by the clock
// algorithm (second chance: one that was used since the hand last passed stays another round).
//
// Invariant: a conversation that is in the map is as committed; one that is not in it is wholly on disk.
import { type ConversationState, DIRTY_STATE_BYTES } from "./conversation-state.ts";

/** States that the hand passes in one go: about a millisecond. */
const SWEEP_STEPS_MAX = 4096;

export class Overlay {
  readonly states: Map<string, ConversationState>;
  /** Estimated memory of what no checkpoint has taken up and written yet. */
  dirtyBytes: number;
  private dirty: ConversationState[];
  private readonly cacheBytesMax: number;
  private cachedBytes: number;
  /** Clean states in the order in which the hand reaches them, from `hand` on; some have become dirty meanwhile. */
  private queue: ConversationState[];
  private hand: number;
  private sweeping: boolean;

  constructor(cacheBytesMax: number) {
    this.states = new Map();
    this.dirtyBytes = 0;
    this.dirty = [];
    this.cacheBytesMax = cacheBytesMax;
    this.cachedBytes = 0;
    this.queue = [];
    this.hand = 0;
    this.sweeping = false;
  }

  find(id: string): ConversationState | undefined {
    const state = this.states.get(id);
    if (state !== undefined) state.touched = true;
    return state;
  }

  /** Takes in a state that was read. */
  add(state: ConversationState): void {
    this.states.set(state.id, state);
    this.cache(state);
  }

  /** A commit added `bytes` to the state. */
  soil(state: ConversationState, bytes: number): void {
    if (state.dirtyBytes === 0) {
      bytes += DIRTY_STATE_BYTES;
      this.dirty.push(state);
    }
    state.dirtyBytes += bytes;
    this.dirtyBytes += bytes;
  }

  /** The dirty states, oldest first. The caller writes each, or the store is done for. */
  takeDirty(): ConversationState[] {
    const taken = this.dirty;
    this.dirty = [];
    return taken;
  }

  /** A checkpoint has written `bytes` of what soil() added for the state. */
  written(state: ConversationState, bytes: number): void {
    this.dirtyBytes -= bytes;
    state.dropSenders();
    if (state.dirtyBytes === 0 && !state.writing) this.cache(state);
  }

  /** The cached state has grown by something that was read. */
  grown(state: ConversationState): void {
    if (state.queued && state.dirtyBytes === 0) this.cache(state);
  }

  get conversations(): number {
    return this.states.size;
  }

  private cache(state: ConversationState): void {
    const { bytes } = state;
    this.cachedBytes += bytes - state.cachedBytes;
    state.cachedBytes = bytes;
    if (!state.queued) {
      state.queued = true;
      this.queue.push(state);
    }
    // Later, so that whoever is being given the state can pin it first.
    if (this.cachedBytes > this.cacheBytesMax) this.sweepSoon();
  }

  private sweepSoon(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    setImmediate(() => this.sweep());
  }

  private sweep(): void {
    this.sweeping = false;
    let steps = Math.min(SWEEP_STEPS_MAX, this.queue.length - this.hand);
    while (this.cachedBytes > this.cacheBytesMax && steps-- > 0) {
      const state = this.queue[this.hand++]!;
      if (state.dirtyBytes > 0 || state.writing) {
        // It comes back when it is clean again.
        state.queued = false;
        this.cachedBytes -= state.cachedBytes;
        state.cachedBytes = 0;
      } else if (state.touched || state.pins > 0) {
        state.touched = false;
        this.queue.push(state);
      } else {
        state.queued = false;
        this.cachedBytes -= state.cachedBytes;
        state.cachedBytes = 0;
        this.states.delete(state.id);
      }
    }
    // Not at once: commits have their turn between.
    if (steps <= 0 && this.cachedBytes > this.cacheBytesMax && this.hand < this.queue.length) this.sweepSoon();
    if (this.hand > 1024 && this.hand * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.hand);
      this.hand = 0;
    }
  }
}

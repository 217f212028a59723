// The hook between the outbox and compression: what is gathered for one connection may become fewer and smaller frames
// right before it is written. The outbox knows nothing of codecs, and compression nothing of budgets.

export interface FrameShaper {
  /** Whether frames for this slot may be changed at all; false for every connection without a codec, at the price of one look. */
  shapes(slot: number): boolean;
  /**
   * Looks at frames[0 … count - 1], all that is written to the slot in this turn, in order, and may put fewer and smaller ones
   * in their place, at the front of the same array: pushes that follow each other become one compressed batch, pages and heads
   * compressed frames. Returns how many remain; the order of messages and what they mean stays. The frames themselves are
   * never written to: other slots have the same ones. To be called only when `shapes(slot)`.
   */
  shape(slot: number, frames: Uint8Array[], count: number): number;
}

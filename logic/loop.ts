// The clocks and the event loop as logic uses them: injected, so that the whole of logic runs inside a simulation
// whose time and order of events come from a seed.

export interface Loop {
  /** Monotonic ms. */
  now(): number;
  /** ms since 1970. */
  unixNow(): number;
  /** Calls `run` once, at the end of this turn of the loop: after everything that is there to be read. */
  endOfTurn(run: () => void): void;
}

export const NODE_LOOP: Loop = {
  now: () => performance.now(),
  unixNow: () => Date.now(),
  endOfTurn: (run) => {
    setImmediate(run);
  },
};

// How a gateway leaves without being noticed: no new connections; every client is told when to move, each at its
// own moment; those still here at the end are closed.

export interface DrainTarget {
  readonly openCount: number;
  stopListening(): void;
  /** Tells every session to leave within `withinMs`. */
  goAway(withinMs: number): void;
  closeAll(): void;
}

/** Of the time to drain, what the clients' moments are spread over; the rest is for the last of them to leave. */
const SPREAD = 0.8;
const LOOK_MS = 20;

/** Resolves when no connection is left, at the latest `drainMs` + `lingerMs` from now. */
export async function drain(target: DrainTarget, drainMs: number, lingerMs: number): Promise<void> {
  target.stopListening();
  target.goAway(drainMs * SPREAD);
  await emptyWithin(target, drainMs);
  target.closeAll();
  await emptyWithin(target, lingerMs);
}

async function emptyWithin(target: DrainTarget, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (target.openCount > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

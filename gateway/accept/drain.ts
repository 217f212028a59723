// How a gateway leaves without being noticed: no new connections; every client is told when to move and where to, each at its
// own moment; those still here at the end are closed. Nobody is cut off before its moment.

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

/** The slots in the order in which they leave: first those of whom nothing was heard for the longest time, who miss the least. */
export function quietestFirst(slots: Uint32Array, quietMs: (slot: number) => number): Uint32Array {
  const quiet = new Map<number, number>();
  for (const slot of slots) quiet.set(slot, quietMs(slot));
  return slots.sort((a, b) => quiet.get(b)! - quiet.get(a)!);
}

async function emptyWithin(target: DrainTarget, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (target.openCount > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

// What can go wrong with a store. `code` is stable; the message says what to do where there is something to do.

/** What is stored contradicts itself. The store must not be served: restore it, or find out what damaged it. */
export class StoreCorrupt extends Error {
  readonly code = "STORE_CORRUPT";
  /** Which value or file. */
  readonly place: string;

  constructor(place: string, problem: string, options?: ErrorOptions) {
    super(`the store is corrupt at ${place}: ${problem}`, options);
    this.name = "StoreCorrupt";
    this.place = place;
  }
}

/** Another process (or another part of this one) has the store open. */
export class StoreLocked extends Error {
  readonly code = "STORE_LOCKED";

  constructor(dir: string, options?: ErrorOptions) {
    super(`the store in ${dir} is open elsewhere: stop the other process first, or use another directory`, options);
    this.name = "StoreLocked";
  }
}

/** The store was made for something else than what is asked of it now. */
export class StoreMismatch extends Error {
  readonly code = "STORE_MISMATCH";

  constructor(message: string) {
    super(message);
    this.name = "StoreMismatch";
  }
}

/** A commit of another epoch than that of this opening. Nothing was written. */
export class EpochConflict extends Error {
  readonly code = "EPOCH_CONFLICT";

  constructor(epoch: number, expected: number) {
    super(`commit of epoch ${epoch}, but the store is open with epoch ${expected}`);
    this.name = "EpochConflict";
  }
}

/** A commit whose position is taken already, or not next: somebody else writes this shard. Nothing was written. */
export class PositionConflict extends Error {
  readonly code = "POSITION_CONFLICT";
  readonly shard: number;

  constructor(shard: number, position: number, expected: number) {
    super(`commit at position ${position} of shard ${shard}, which expects ${expected}`);
    this.name = "PositionConflict";
    this.shard = shard;
  }
}

/** The store cannot be used any more in this process (a write failed, or it was closed): open it anew. `cause` tells why. */
export class StoreFailed extends Error {
  readonly code = "STORE_FAILED";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreFailed";
  }
}

/** The error of an operation on LevelDB as one of ours. */
export function storeError(what: string, error: unknown): Error {
  if (error instanceof StoreCorrupt || error instanceof StoreFailed) return error;
  if ((error as { code?: string }).code === "LEVEL_CORRUPTION") return new StoreCorrupt(what, (error as Error).message, { cause: error });
  return new StoreFailed(`${what} failed: ${(error as Error).message}`, { cause: error });
}

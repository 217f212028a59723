// How far the journal reaches. Only a commit that was synced raises `last`, only a finished checkpoint raises `first`.
export class JournalState {
  /** Numbers of the first commit that is still kept and of the last one; first is last + 1 when there is none. */
  first: number;
  last: number;
  /** The last committed position of each shard. */
  readonly positions: Float64Array;
  /** Commits that were above the checkpoint when the store was opened. */
  replayed: number;

  constructor(first: number, last: number, positions: Float64Array) {
    this.first = first;
    this.last = last;
    this.positions = positions;
    this.replayed = 0;
  }
}

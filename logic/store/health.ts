// Whether the store may be used. After a failed write nothing may: what is in memory and what is on disk may differ, and
// only opening the store anew tells. The first failure counts, is told once, and is the cause of every refusal after it.
import { StoreFailed } from "./errors.ts";

export class Health {
  failure: Error | undefined;
  private readonly onFailure: ((error: Error) => void) | undefined;

  constructor(onFailure: ((error: Error) => void) | undefined) {
    this.failure = undefined;
    this.onFailure = onFailure;
  }

  /** Throws StoreFailed when the store has failed or was closed. */
  assert(): void {
    if (this.failure !== undefined) throw new StoreFailed(`the store cannot be used any more: ${this.failure.message}`, { cause: this.failure });
  }

  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.onFailure?.(error);
  }

  close(): void {
    this.failure ??= new StoreFailed("it was closed");
  }
}

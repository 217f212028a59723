// Waiting for conditions: the tests here know what must become true, never when.

/** Generous: a loaded machine is no failure. What never comes true fails with this. */
export const PATIENCE_MS = 30_000;
const LOOK_MS = 15;

/** Resolves when `condition` holds; rejects, saying what was waited for, after `withinMs`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string), withinMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${typeof what === "string" ? what : what()}`);
    await sleep(LOOK_MS);
  }
}

/** The promise's value, or a rejection that says what did not come. */
export async function within<T>(promise: Promise<T>, what: string, withinMs = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${withinMs} ms for ${what}`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

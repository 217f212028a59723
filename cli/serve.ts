// The life of a process that serves (`hawser gateway`, `hawser logic`): runs until somebody asks it to stop or its
// supervisor is gone, then stops in order.

export interface Running {
  stop(): Promise<void>;
}

/** Without a supervisor nobody kills a stop that hangs. */
const ORPHAN_STOP_MS = 10_000;

/** Resolves, with everything stopped, after SIGTERM, SIGINT or the end of the channel to the supervisor. */
export async function serve(start: () => Promise<Running>): Promise<void> {
  let started = false;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
    if (process.connected) {
      process.once("disconnect", () => {
        setTimeout(() => process.exit(1), ORPHAN_STOP_MS).unref();
        resolve();
      });
    }
  });
  // During the start nothing is served yet, and it may wait for ever for a NATS server that is not there.
  void asked.then(() => {
    if (!started) process.exit(0);
  });
  const running = await start();
  started = true;
  await asked;
  await running.stop();
  if (process.connected) process.disconnect();
}

// Installs the NATS server where that takes no questions.
import { installPackages } from "./apt.mjs";
import { NATS_SERVER_MISSING, findNatsServer } from "./find-nats.mjs";
import { SetupFailure } from "./setup.mjs";

/** Finds the NATS server, or installs it with apt-get when that needs no password, or says how to get it. */
export function ensureNatsServer() {
  const found = find();
  if (found) return found;
  if (installPackages(["nats-server"], ["nats-server.service"], "20 s")) {
    const installed = find();
    if (installed) return installed;
  }
  throw new SetupFailure(NATS_SERVER_MISSING);
}

function find() {
  try {
    return findNatsServer();
  } catch (error) {
    throw error instanceof RangeError ? new SetupFailure(error.message) : error;
  }
}

// What an idle connection costs in memory, and how long it takes until everybody is back after all were dropped.
import type { PeerProtocol } from "../protocol/protocol.ts";
import type { PeerServer } from "../server/server.ts";
import { Fleet, type MeasureContext } from "./fleet.ts";
import { kernelBytes, privateBytesOf, type Split, since, sum } from "./processes.ts";

export interface IdleResult {
  connections: number;
  /** Private memory of all server processes over their empty state, per connection; null when it was not asked for. */
  userBytes: number | null;
  split: Split;
  /** Of the kernel, for the server's end of a connection; null when it was not asked for, or drowned in what else the machine did. */
  kernelBytes: number | null;
  /** From the drop of all connections until 99.9% were logged in again, in ms; null when they never were. */
  recoveryMs: number | null;
  missing: number;
}

/** Who comes and goes before the empty state is taken: what a server loads for its first clients is no cost of a connection. */
const WARMING = 100;
const LOGIN_TIMEOUT_MS = 120_000;
const AWAY_MS = 500;

const NOTHING = { delivered: () => {}, acked: () => {} };

/**
 * `settleSeconds`: how long the connections are idle before memory is read, and half of that for the empty state. Runtimes
 * with garbage collection give memory back only after they had nothing to do for long; 0: memory is not read.
 */
export async function measureIdle(
  context: MeasureContext,
  server: PeerServer,
  protocol: PeerProtocol,
  users: readonly string[],
  settleSeconds: number,
): Promise<IdleResult> {
  const identities = users.map((user) => ({ user }));
  const warming = new Fleet(context, server, protocol, identities.slice(0, WARMING), NOTHING);
  try {
    await warming.login(LOGIN_TIMEOUT_MS);
    warming.drop();
    await warming.idle(AWAY_MS + settleSeconds * 500);
  } finally {
    warming.destroy();
  }
  const fleet = new Fleet(context, server, protocol, identities, NOTHING);
  try {
    const empty = { user: privateBytesOf(server.pids()), kernel: kernelBytes() };
    const { missing } = await fleet.login(LOGIN_TIMEOUT_MS);
    if (missing > 0) throw new Error(`${missing} of ${users.length} sessions could not log in`);
    await fleet.idle(settleSeconds * 1000);
    const split = since(empty.user, privateBytesOf(server.pids()), users.length);
    // Both ends of each connection are on this machine.
    const kernel = (kernelBytes() - empty.kernel) / users.length / 2;
    fleet.drop();
    const again = await fleet.login(LOGIN_TIMEOUT_MS);
    const read = settleSeconds > 0;
    return {
      connections: users.length,
      userBytes: read ? sum(split) : null,
      split: read ? split : {},
      kernelBytes: read && kernel > 0 ? kernel : null,
      recoveryMs: Number.isNaN(again.mostMs) ? null : again.mostMs,
      missing: again.missing,
    };
  } finally {
    fleet.destroy();
  }
}

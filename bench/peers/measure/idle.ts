// What an idle connection costs in memory, and how long it takes until everybody is back after all were dropped.
import { setTimeout as delay } from "node:timers/promises";
import type { PeerProtocol } from "../protocol/protocol.ts";
import type { PeerServer } from "../server/server.ts";
import { Fleet, type MeasureContext } from "./fleet.ts";
import { kernelBytes, settledBytes } from "./processes.ts";

export interface IdleResult {
  connections: number;
  /** Private memory of all server processes over their empty state, per connection. */
  userBytes: number;
  /** Of the kernel, for the server's end of a connection. */
  kernelBytes: number;
  /** From the drop of all connections until 99.9% were logged in again, in ms; null when they never were. */
  recoveryMs: number | null;
  missing: number;
}

/** Who comes and goes before the empty state is taken: what a server loads for its first clients is no cost of a connection. */
const WARMING = 200;
const LOGIN_TIMEOUT_MS = 120_000;
const SETTLE_TIMEOUT_MS = 8_000;

const NOTHING = { delivered: () => {}, acked: () => {} };

export async function measureIdle(context: MeasureContext, server: PeerServer, protocol: PeerProtocol, users: readonly string[]): Promise<IdleResult> {
  const warming = new Fleet(context, server, protocol, users.slice(0, WARMING).map((user) => ({ user })), NOTHING);
  try {
    await warming.login(LOGIN_TIMEOUT_MS);
    warming.drop();
    await delay(500);
  } finally {
    warming.destroy();
  }
  const fleet = new Fleet(context, server, protocol, users.map((user) => ({ user })), NOTHING);
  try {
    const emptyBytes = await settledBytes(server.pids, SETTLE_TIMEOUT_MS);
    const emptyKernel = kernelBytes();
    const { missing } = await fleet.login(LOGIN_TIMEOUT_MS);
    if (missing > 0) throw new Error(`${missing} of ${users.length} sessions could not log in`);
    const fullBytes = await settledBytes(server.pids, SETTLE_TIMEOUT_MS);
    const fullKernel = kernelBytes();
    fleet.check();
    fleet.drop();
    const again = await fleet.login(LOGIN_TIMEOUT_MS);
    return {
      connections: users.length,
      userBytes: (fullBytes - emptyBytes) / users.length,
      // Both ends of each connection are on this machine.
      kernelBytes: (fullKernel - emptyKernel) / users.length / 2,
      recoveryMs: Number.isNaN(again.mostMs) ? null : again.mostMs,
      missing: again.missing,
    };
  } finally {
    fleet.destroy();
  }
}

// Where the memory is: of every part before anybody connected, with everybody there and silent, and at the end; and what a
// connection adds to each. Pure.
import type { MemoryAccount, MemoryTotals } from "../result.ts";
import type { Seen } from "./director.ts";
import type { ServerLook } from "./servers.ts";

/** Undefined where the run did not rest, or nothing could be looked at. */
export function memoryAccount({ before, resting, end }: Seen): MemoryAccount | undefined {
  if (resting === undefined) return undefined;
  const first = totals(before, before.driverBytes);
  const full = totals(resting.look, resting.driverBytes);
  const { connections } = resting;
  const account: MemoryAccount = { connections, before: first, connected: full, bytes_per_connection: {} };
  if (end !== undefined) account.end = { ...totals(end, end.driverBytes), connections: end.connections };
  if (connections === 0) return account;
  for (const [part, bytes] of Object.entries(full.parts)) {
    account.bytes_per_connection[part] = Math.round((bytes - (first.parts[part] ?? 0)) / connections);
  }
  return account;
}

function totals({ privateBytes, kernelBytes, availableBytes }: ServerLook, driverBytes: number): MemoryTotals {
  const parts: Record<string, number> = { ...privateBytes };
  if (driverBytes > 0) parts["drivers"] = driverBytes;
  if (kernelBytes !== null) parts["kernel"] = kernelBytes;
  return { parts, all: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0), available: availableBytes };
}

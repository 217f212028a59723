// Where the memory is: of every part before anybody connected, with everybody there and silent, and at the end; and what a
// connection adds to each. Pure.
import type { MemoryAccount, MemoryTotals } from "../result.ts";
import type { Seen } from "./director.ts";
import type { ServerLook } from "./servers.ts";

/** Undefined where the run did not rest, or nothing could be looked at. */
export function memoryAccount({ before, warm, resting, end }: Seen): MemoryAccount | undefined {
  if (resting === undefined) return undefined;
  const first = totals(before, before.driverBytes);
  const full = totals(resting.look, resting.driverBytes);
  const { connections } = resting;
  const account: MemoryAccount = { connections, before: first, connected: full, bytes_per_connection: each(first, full, connections) };
  if (warm !== undefined && warm.connections < connections) {
    account.warm = { ...totals(warm, warm.driverBytes), connections: warm.connections };
    account.further_bytes_per_connection = each(account.warm, full, connections - warm.connections);
  }
  if (end !== undefined) account.end = { ...totals(end, end.driverBytes), connections: end.connections };
  return account;
}

/** What every part has more, for each of so many connections. */
function each(from: MemoryTotals, to: MemoryTotals, connections: number): Record<string, number> {
  if (connections === 0) return {};
  return Object.fromEntries(Object.entries(to.parts).map(([part, bytes]) => [part, Math.round((bytes - (from.parts[part] ?? 0)) / connections)]));
}

function totals({ privateBytes, kernelBytes, availableBytes }: ServerLook, driverBytes: number): MemoryTotals {
  const parts: Record<string, number> = { ...privateBytes };
  if (driverBytes > 0) parts["drivers"] = driverBytes;
  if (kernelBytes !== null) parts["kernel"] = kernelBytes;
  return { parts, all: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0), available: availableBytes };
}

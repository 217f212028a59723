// A whole Hawser: gateway, logic and nats-server, with limits that a load generator does not run into.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack } from "../../../cli/stack.ts";
import type { PeerServer, ServerNeeds } from "./server.ts";

export async function startHawser(transport: "tcp" | "ws", needs: ServerNeeds): Promise<PeerServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-peer-hawser-"));
  const cleanUp = (): void => rmSync(dataDir, { recursive: true, force: true });
  const stack = await startStack({
    dataDir,
    ports: "free",
    dev: true,
    quiet: true,
    logLevel: "error",
    gatewayArgs: ["--sends-per-second", "100000", "--connections-max", String(needs.connections + 1000)],
    logicArgs: ["--sessions-per-user", String(needs.members + 1)],
  }).catch((error: unknown) => {
    cleanUp();
    throw error;
  });
  return {
    host: "127.0.0.1",
    port: Number(new URL(stack.urls[transport]).port),
    pids: () => stack.pids,
    stop: () => stack.stop().finally(cleanUp),
  };
}

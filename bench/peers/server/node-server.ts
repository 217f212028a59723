// The servers in bench/peers/servers/, each a Node process that prints its port and ends with its standard input.
import { join } from "node:path";
import { Child } from "./child.ts";
import { PEERS_FOLDER } from "./install.ts";
import type { PeerServer } from "./server.ts";

export async function startNodeServer(name: "ws" | "uws" | "socketio"): Promise<PeerServer> {
  // Where bench/peers has no packages of its own, ws and uWebSockets.js are found in the project's.
  const child = new Child({ command: process.execPath, args: [join(PEERS_FOLDER, "servers", `${name}.mjs`)], cwd: PEERS_FOLDER, endsWithInput: true });
  const port = Number(await child.started(() => child.firstLine()));
  return { host: "127.0.0.1", port, pids: () => ({ node: child.pid }), stop: () => child.stop() };
}

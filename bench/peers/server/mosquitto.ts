// mosquitto on a free port with its own configuration. Persistence, where it is on, is as by default: what is in memory
// is written whole every half hour and at the end; an acknowledgement does not wait for that.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, portIsFree } from "../../../cli/ports.ts";
import { Child, outputOf } from "./child.ts";
import { ensureProgram } from "./install.ts";
import type { PeerServer, ServerNeeds } from "./server.ts";

const PROGRAM = { program: "mosquitto", package: "mosquitto", services: ["mosquitto.service"], about: "10 s" };

export function mosquittoVersion(install: boolean): string {
  return /mosquitto version (\S+)/.exec(outputOf(ensureProgram(PROGRAM, install), ["-h"]))?.[1] ?? "unknown";
}

export async function startMosquitto(persistence: boolean, needs: ServerNeeds): Promise<PeerServer> {
  const program = ensureProgram(PROGRAM, false);
  const dir = mkdtempSync(join(tmpdir(), "hawser-peer-mosquitto-"));
  const [port = 0] = await freePorts(1);
  const data = join(dir, "data");
  mkdirSync(data);
  const saved = `persistence true
persistence_location ${data}/
`;
  writeFileSync(
    join(dir, "mosquitto.conf"),
    `listener ${port} 127.0.0.1
allow_anonymous true
max_connections ${needs.connections + 100}
log_type error
log_dest stderr
set_tcp_nodelay true
max_inflight_messages 100
${process.getuid?.() === 0 ? "user root\n" : ""}${persistence ? saved : "persistence false\n"}`,
  );
  const child = new Child({ command: program, args: ["-c", join(dir, "mosquitto.conf")], endsWithInput: false });
  const cleanUp = (): void => rmSync(dir, { recursive: true, force: true });
  await child.started(() => child.until(async () => !(await portIsFree(port)), 10_000), cleanUp);
  return {
    host: "127.0.0.1",
    port,
    pids: () => ({ mosquitto: child.pid }),
    stop: () => child.stop().finally(cleanUp),
  };
}

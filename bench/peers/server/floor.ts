// The floors in C of bench/floor/, compiled at each start of the harness: they take a second.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { PEERS_FOLDER } from "./install.ts";
import { NotInstalled, type PeerServer } from "./server.ts";

export type FloorName = "relay" | "fanout";

export async function startFloor(name: FloorName): Promise<PeerServer> {
  const dir = mkdtempSync(join(tmpdir(), "hawser-peer-floor-"));
  const compiler = process.env["CC"] ?? "cc";
  const program = join(dir, name);
  try {
    execFileSync(compiler, ["-O2", "-o", program, join(PEERS_FOLDER, `../floor/${name}.c`)], { stdio: "pipe" });
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    const said = (error as { stderr?: Buffer }).stderr?.toString() ?? "";
    throw new NotInstalled(`the floor needs a C compiler (${compiler}): apt-get install gcc libc6-dev, or set CC. ${said}`);
  }
  const child = new Child({ command: program, args: [], endsWithInput: true });
  const port = Number(await child.firstLine());
  return {
    host: "127.0.0.1",
    port,
    pids: () => ({ [name]: child.pid }),
    stop: async () => {
      await child.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

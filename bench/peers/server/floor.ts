// The floors in C of bench/floor/, compiled at their first use.
import { compiledProgram } from "../../floor/compile.ts";
import { Child } from "./child.ts";
import { NotInstalled, type PeerServer } from "./server.ts";

export type FloorName = "relay" | "fanout";

export async function startFloor(name: FloorName): Promise<PeerServer> {
  const child = new Child({ command: floorProgram(name), args: [], endsWithInput: true });
  const port = Number(await child.started(() => child.firstLine()));
  return {
    host: "127.0.0.1",
    port,
    pids: () => ({ [name]: child.pid }),
    stop: () => child.stop(),
  };
}

/** The path of the compiled program. Throws NotInstalled. */
export function floorProgram(name: FloorName): string {
  try {
    return compiledProgram(name);
  } catch (error) {
    throw new NotInstalled((error as Error).message);
  }
}

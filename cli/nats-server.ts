// The NATS server as a part of the stack: its configuration, its start, and its end together with ours.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findNatsServer, NATS_SERVER_MISSING } from "../scripts/find-nats.mjs";
import { Failure } from "./failure.ts";
import type { Part } from "./run-parts.ts";
import { natsReady } from "./ready.ts";

/**
 * The plan for a NATS server on 127.0.0.1 with JetStream in dir/nats. It carries messages and keeps leases; what has to
 * last is in the store of logic, so the bounds on its own storage are small. Throws Failure when there is no nats-server.
 */
export function natsPart(dir: string, port: number): Part {
  const program = findNatsServer();
  if (!program) throw new Failure(NATS_SERVER_MISSING);
  mkdirSync(join(dir, "nats"), { recursive: true });
  const config = join(dir, "nats.conf");
  writeFileSync(
    config,
    `# Written anew by each start.
listen: "127.0.0.1:${port}"
server_name: "hawser-${port}"
max_payload: 1MB
jetstream {
  store_dir: ${JSON.stringify(join(dir, "nats"))}
  max_memory_store: 256MB
  max_file_store: 1GB
}
`,
  );
  const [command = program, ...before] = [...dieWithParent(), program];
  return {
    name: "nats",
    tier: 0,
    readyMs: 30_000,
    stopMs: 5_000,
    command,
    args: [...before, "-c", config],
    channel: false,
    ready: () => natsReady(port),
  };
}

/**
 * What to put before a program that cannot watch a channel to us, so that it ends when we are killed: util-linux's setpriv
 * replaces itself by the program after asking the kernel for SIGTERM on the parent's death (prctl(2), PR_SET_PDEATHSIG).
 * Nothing where there is none (macOS, BusyBox): then the next start ends what was left over.
 */
function dieWithParent(): string[] {
  const prefix = ["setpriv", "--pdeathsig", "TERM"];
  return spawnSync(prefix[0]!, [...prefix.slice(1), "true"], { stdio: "ignore" }).status === 0 ? prefix : [];
}

/** Whether a line of nats-server's log is a warning or an error. */
export function natsLineMatters(line: string): boolean {
  return /\[(WRN|ERR|FTL)\]|^nats-server: /.test(line);
}

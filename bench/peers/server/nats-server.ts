// nats-server alone, without JetStream, on a free port.
import { findNatsServer, NATS_SERVER_MISSING } from "../../../scripts/find-nats.mjs";
import { freePorts } from "../../../cli/ports.ts";
import { natsReady } from "../../../cli/ready.ts";
import { Child, outputOf } from "./child.ts";
import { NotInstalled, type PeerServer } from "./server.ts";

export function natsVersion(): string {
  return /v([\d.]+)/.exec(outputOf(program(), ["-v"]))?.[1] ?? "unknown";
}

export async function startNatsServer(): Promise<PeerServer> {
  const [port = 0] = await freePorts(1);
  const child = new Child({ command: program(), args: ["-a", "127.0.0.1", "-p", String(port)], endsWithInput: false });
  await child.started(() => child.until(() => natsReady(port), 10_000));
  return { host: "127.0.0.1", port, pids: () => ({ nats: child.pid }), stop: () => child.stop() };
}

function program(): string {
  const found = findNatsServer();
  if (found === undefined) throw new NotInstalled(NATS_SERVER_MISSING);
  return found;
}

// Which code serves the TCP port: the native core where it can, node:net otherwise. Both behave the same, and one suite holds
// them to it (transport.test.ts); the native core costs a fraction of the memory and CPU.
import type { Log } from "../log.ts";
import { loadTcpAddon } from "../native/build.ts";
import { listenNativeTcp } from "./native-tcp.ts";
import { listenTcp, netSharesPorts } from "./tcp.ts";
import type { Transport, TransportEvents, TransportOptions } from "./transport.ts";

/** What may be asked for: the native core where it can be had, by all means, or not at all. */
export const TCP_CORES = ["auto", "native", "net"] as const;
export type TcpCoreChoice = (typeof TCP_CORES)[number];

/** Listens. Rejects as listenTcp does, and with "native" also where there can be no native core; the error says what to do. */
export async function listenChosenTcp(choice: TcpCoreChoice, options: TransportOptions, events: TransportEvents, log: Log): Promise<Transport> {
  // TLS is OpenSSL's work, and that is in Node.
  if (choice === "net" || options.tls !== undefined) return listenTcp(options, events);
  const missing = missingForNative();
  if (missing === undefined) return listenNativeTcp(options, events);
  if (choice === "native") throw new Error(`no native TCP core: ${missing}; or give tcpCore "auto" or "net"`);
  log.warn({ missing }, "TCP is served by node:net, at a higher cost per connection, because the native core cannot be made here");
  return listenTcp(options, events);
}

/** Whether several gateways can listen on one port here. */
export function canSharePorts(): boolean {
  return missingForNative() === undefined || netSharesPorts(process.versions.node);
}

/** Why there is no native core; undefined: there is. */
function missingForNative(): string | undefined {
  try {
    loadTcpAddon();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

// A gateway process: connects to NATS, opens the ports, and undoes both in reverse.
import pino from "pino";
import { serveAdmin } from "../proto/admin-http.ts";
import { connectBus } from "../proto/bus-nats.ts";
import type { Bus } from "../proto/bus.ts";
import { hex } from "../proto/hex.ts";
import { dictionariesBucket, heartbeatsBucket, ownersBucket } from "../proto/subject.ts";
import { Limits } from "../proto/limits.ts";
import { CertificateWatch } from "./accept/certificate-watch.ts";
import { listenChosenTcp } from "./accept/listen-tcp.ts";
import type { TransportOptions } from "./accept/transport.ts";
import { listenWebSocket } from "./accept/websocket.ts";
import { DictionarySource } from "./compress/dictionary-source.ts";
import { type GatewayConfig, slotsFor } from "./config.ts";
import { Membership } from "./fleet/membership.ts";
import { Gateway } from "./gateway.ts";
import { HeartbeatSharing } from "./heartbeat/sharing.ts";
import type { Log } from "./log.ts";
import { gatewayMetrics } from "./metrics.ts";
import { TokenVerifier } from "./session/token.ts";

/** How often the files of public keys and of the certificate are looked at. */
const FILES_RELOAD_MS = 2000;
/** How often the list of published dictionaries is looked at. */
const DICTIONARIES_READ_MS = 5000;
/** How long NATS may take to offer JetStream after it answered. */
const JETSTREAM_WAIT_MS = 15_000;

export interface RunningGateway {
  readonly gateway: Gateway;
  /** Where it listens; undefined where a port is off. */
  readonly tcpPort: number | undefined;
  readonly webSocketPort: number | undefined;
  readonly adminPort: number | undefined;
  /** Drains and stops; resolves when everything is closed. Later calls join the first. */
  stop(): Promise<void>;
}

/** Runs a gateway. Rejects, leaving nothing behind, when it cannot start; the error says what to do. */
export async function runGateway(config: GatewayConfig, log: Log = pino({ name: "hawser-gateway" })): Promise<RunningGateway> {
  const undo: (() => unknown)[] = [];
  const rewind = async () => {
    while (undo.length > 0) await undo.pop()!();
  };
  try {
    const verifier = new TokenVerifier(config.tokens);
    if (config.tokens.devTokens === true) log.warn({}, "DEVELOPMENT TOKENS ARE ACCEPTED: anybody can be anybody here with the token dev:USER");
    const reloading = setInterval(() => reloadKeys(verifier, log), FILES_RELOAD_MS);
    undo.push(() => clearInterval(reloading));
    const onStatus = (status: string) => log.warn({ status }, "NATS");
    const bus = await connectBus({ servers: config.natsServers, name: "hawser-gateway", onStatus });
    undo.push(() => bus.close());

    const slotsMax = slotsFor(config.sessions.connectionsMax);
    const slotCount = slotsMax * ((config.tcpPort === false ? 0 : 1) + (config.webSocketPort === false ? 0 : 1));
    const gateway = new Gateway(config, bus, verifier, log, slotCount);
    gateway.start();
    undo.push(() => gateway.stop());
    await watchOwners(bus, config.cluster, gateway, log);
    const { heartbeats } = gateway;
    if (heartbeats !== undefined) {
      const known = await bus.keyValue(heartbeatsBucket(config.cluster));
      const sharing = await HeartbeatSharing.start(known, heartbeats.learner, log, config.heartbeats?.periodMs);
      undo.push(() => sharing.stop());
    }
    if (config.compression) undo.push(await followDictionaries(bus, config.cluster, gateway, log));
    const serve = async (port: number | false, listen: typeof listenWebSocket): Promise<number | undefined> => {
      if (port === false) return undefined;
      const slotFirst = gateway.transports.all.length * slotsMax;
      const transport = await listen(transportOptions(config, port, slotFirst, slotsMax), gateway);
      gateway.transports.add(transport, slotFirst + slotsMax);
      return transport.port;
    };
    const tcpPort = await serve(config.tcpPort, (options, events) => listenChosenTcp(config.tcpCore, options, events, log));
    const webSocketPort = await serve(config.webSocketPort, listenWebSocket);
    const addresses = {
      tcp: config.advertise.tcp ?? ownAddress(config, tcpPort),
      websocket: config.advertise.websocket ?? ownAddress(config, webSocketPort),
    };
    const membership = await Membership.join(bus, config.cluster, addresses, gateway);
    gateway.membership = membership;
    // The very last: while it drains, others are told so.
    undo.unshift(() => membership.leave());
    if (config.proxyProtocol && config.trustedProxies === undefined) {
      log.warn({}, "PROXY headers are taken from anybody: give trustedProxies unless only the proxies can reach these ports");
    }
    if (config.tls !== undefined) undo.push(watchCertificate(new CertificateWatch(config.tls, gateway.transports.all, log), gateway));
    let adminPort: number | undefined;
    if (config.adminPort !== false) {
      const metrics = gatewayMetrics(gateway);
      undo.push(() => metrics.stop());
      const admin = await serveAdmin({ host: config.adminHost, port: config.adminPort, ready: () => gateway.ready, metrics: metrics.registry });
      adminPort = admin.port;
      // Behind the gateway's own stop: while it drains, its probes and metrics are looked at most.
      undo.unshift(() => admin.close());
    }
    log.info({ incarnation: hex(gateway.incarnation), tcpPort, webSocketPort, adminPort, tls: config.tls !== undefined }, "gateway runs");
    let stopping: Promise<void> | undefined;
    return { gateway, tcpPort, webSocketPort, adminPort, stop: () => (stopping ??= rewind()) };
  } catch (error) {
    await rewind();
    throw error;
  }
}

/** Where clients reach this port, as far as a gateway can know that by itself. */
function ownAddress({ host, tls, proxyProtocol }: GatewayConfig, port: number | undefined): string {
  // Many addresses, a name that is in the certificate, something in front: somebody has to say it.
  if (port === undefined || tls !== undefined || proxyProtocol || ["0.0.0.0", "::", ""].includes(host)) return "";
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function transportOptions(config: GatewayConfig, port: number, slotFirst: number, slotsMax: number): TransportOptions {
  return {
    host: config.host,
    port,
    slotFirst,
    slotsMax,
    frameBytesMax: Limits.frameBytesMaxBeforeWelcome,
    frameBytesLimit: config.sessions.frameBytesMax,
    lingerMs: config.lingerMs,
    sharePort: config.sharePorts,
    proxyProtocol: config.proxyProtocol,
    unfinishedBytesMax: config.unfinishedBytesMax,
    handshakeMs: config.sessions.handshakeMs,
    ...(config.trustedProxies !== undefined && { trustedProxies: config.trustedProxies }),
    ...(config.tls !== undefined && { tls: config.tls }),
  };
}

async function watchOwners(bus: Bus, cluster: string, gateway: Gateway, log: Log): Promise<void> {
  const until = performance.now() + JETSTREAM_WAIT_MS;
  for (;;) {
    try {
      const owners = await bus.keyValue(ownersBucket(cluster));
      return await owners.watch((entry) => gateway.ownerEntry(entry.key, entry.value));
    } catch (error) {
      if (performance.now() > until) throw new Error("NATS offers no JetStream: start nats-server with -js, and see its log", { cause: error });
      log.warn({ error: error instanceof Error ? error.message : String(error) }, "waiting for JetStream");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Reads published dictionaries now and every few seconds. Returns what ends that. */
async function followDictionaries(bus: Bus, cluster: string, gateway: Gateway, log: Log): Promise<() => void> {
  const bucket = await bus.keyValue(dictionariesBucket(cluster));
  const source = new DictionarySource(gateway.compression.dictionaries, log);
  await source.read(bucket);
  const timer = setInterval(() => bus.connected && source.read(bucket), DICTIONARIES_READ_MS);
  return () => clearInterval(timer);
}

/** Looks at the files every few seconds, and on SIGHUP. Returns what ends it. */
function watchCertificate(watch: CertificateWatch, gateway: Gateway): () => void {
  const check = () => {
    watch.check(Date.now());
    gateway.certificateEndsAtUnixMs = watch.endsAtUnixMs;
  };
  check();
  const checking = setInterval(check, FILES_RELOAD_MS);
  // A terminal that closes sends it too, and means the end.
  const signals = process.stdin.isTTY !== true;
  if (signals) process.on("SIGHUP", check);
  return () => {
    clearInterval(checking);
    if (signals) process.off("SIGHUP", check);
  };
}

function reloadKeys(verifier: TokenVerifier, log: Log): void {
  try {
    if (verifier.reload()) log.info({}, "token keys were read again");
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, "the file of token keys cannot be read: the old keys stay in use");
  }
}

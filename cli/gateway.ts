// `hawser gateway`: flags and environment to the configuration of gateway/config.ts, and the life of its process.
import type { Command } from "commander";
import { pino } from "pino";
import { TCP_CORES, type TcpCoreChoice } from "../gateway/accept/listen-tcp.ts";
import { ConfigError, type GatewayConfig, type GatewayOptions, gatewayConfig } from "../gateway/config.ts";
import { runGateway } from "../gateway/main.ts";
import { LEARNER_OPTIONS } from "../gateway/heartbeat/learner.ts";
import { Failure } from "./failure.ts";
import { integer, type LOG_LEVELS, logLevel, option, port } from "./options.ts";
import { serve } from "./serve.ts";
import { DEFAULT_PORTS } from "./stack.ts";

interface Flags {
  host: string;
  tcpPort: number;
  wsPort: number;
  httpPort: number;
  httpHost: string;
  nats: string;
  cluster: string;
  dev?: boolean;
  jwtSecret?: string;
  jwks?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsMinVersion?: string;
  sharePorts?: boolean;
  proxyProtocol?: boolean;
  trustedProxies?: string;
  addressLimitsExempt?: string;
  advertiseTcp?: string;
  advertiseWs?: string;
  tcpCore: TcpCoreChoice;
  compression: boolean;
  heartbeat?: "adaptive" | "fixed";
  logLevel: (typeof LOG_LEVELS)[number];
}

/** Bounds and times with their own checks in gateway/config.ts: the option there, what it is, its default. */
const TUNABLES: readonly { key: keyof GatewayOptions & string; what: string; usual: (config: GatewayConfig) => number }[] = [
  { key: "connectionsMax", what: "connections, both transports together", usual: (config) => config.sessions.connectionsMax },
  {
    key: "heartbeatMs",
    what: "time between the beats of a silent client; where they are learned, the first guess",
    usual: (config) => config.sessions.heartbeatMs,
  },
  { key: "heartbeatMinMs", what: "shortest time that may be learned", usual: () => LEARNER_OPTIONS.minMs },
  { key: "heartbeatMaxMs", what: "longest time that may be learned", usual: () => LEARNER_OPTIONS.maxMs },
  { key: "handshakeMs", what: "time for a client to say who it is", usual: (config) => config.sessions.handshakeMs },
  { key: "frameBytesMax", what: "largest frame taken", usual: (config) => config.sessions.frameBytesMax },
  { key: "sendsPerSecond", what: "messages of one connection", usual: (config) => config.sessions.sendsPerSecond },
  { key: "requestsPerSecond", what: "requests of one connection, Sends apart", usual: (config) => config.sessions.requestsPerSecond },
  { key: "nuisancesPerSecond", what: "beats and refused requests of one connection", usual: (config) => config.sessions.nuisancesPerSecond },
  { key: "pushBytesMax", what: "pushes waiting for a slow reader, before it has to pull", usual: (config) => config.outbox.pushBytesMax },
  { key: "controlBytesMax", what: "answers waiting for a slow reader, before it is closed", usual: (config) => config.outbox.controlBytesMax },
  { key: "backlogBytesMax", what: "waiting for all slow readers together, before more of them have to pull", usual: (config) => config.outbox.backlogBytesMax },
  {
    key: "holdMsMax",
    what: "longest time that frames wait for more of their connection when the gateway is busy; 0: never",
    usual: (config) => config.outbox.holdMsMax,
  },
  { key: "stallMs", what: "time a reader may take nothing", usual: (config) => config.outbox.stallMs },
  {
    key: "handshakesPerSecond",
    what: "pace at which clients are let in; those beyond it wait or get a time slot",
    usual: (config) => config.admission.handshakesPerSecond,
  },
  { key: "handshakesMax", what: "handshakes open at once", usual: (config) => config.handshakesMax },
  { key: "authenticationsMax", what: "tokens checked at once", usual: (config) => config.admission.authenticationsMax },
  { key: "resyncsPerSecond", what: "clients told to sync, after a loss between processes", usual: (config) => config.resyncsPerSecond },
  {
    key: "connectionLifetimeMs",
    what: "after about so long a connection moves, if others have fewer; 0: never",
    usual: (config) => config.connectionLifetimeMs,
  },
  { key: "unfinishedBytesMax", what: "frames that are not whole yet, of all connections", usual: (config) => config.unfinishedBytesMax },
  { key: "connectionsPerAddress", what: "connections of one address; 0: any", usual: (config) => config.addressLimits.connectionsPerAddress },
  { key: "connectsPerAddressPerSecond", what: "new connections of one address; 0: any", usual: (config) => config.addressLimits.connectsPerAddressPerSecond },
  {
    key: "authFailuresPerAddressPerMinute",
    what: "refused tokens of one address, before it connects at half its rate; 0: any",
    usual: (config) => config.addressLimits.authFailuresPerAddressPerMinute,
  },
  { key: "connectsPerUserPerMinute", what: "connections that one user opens; 0: any", usual: (config) => config.addressLimits.connectsPerUserPerMinute },
  { key: "drainMs", what: "time over which a stopping gateway sends its clients elsewhere", usual: (config) => config.drainMs },
  { key: "lingerMs", what: "time for the last bytes to a client that is closed", usual: (config) => config.lingerMs },
];

export function build(command: Command): void {
  const usual = gatewayConfig({ devTokens: true });
  const p = DEFAULT_PORTS;
  command
    .addOption(option("--host <address>", "address that clients connect to", { env: "HAWSER_HOST", default: "127.0.0.1" }))
    .addOption(option("--tcp-port <port>", "TCP port; 0: any free one", { env: "HAWSER_TCP_PORT", default: p.tcp, parse: port }))
    .addOption(option("--ws-port <port>", "WebSocket port; 0: any free one", { env: "HAWSER_WS_PORT", default: p.ws, parse: port }))
    .addOption(option("--http-port <port>", "port of /healthz, /readyz and /metrics", { env: "HAWSER_HTTP_PORT", default: p.http, parse: port }))
    .addOption(option("--http-host <address>", "address that HTTP listens on", { env: "HAWSER_HTTP_HOST", default: "127.0.0.1" }))
    .addOption(option("--nats <urls>", "NATS servers, separated by commas", { env: "HAWSER_NATS", default: `nats://127.0.0.1:${p.nats}` }))
    .addOption(option("--cluster <name>", "keeps several Hawsers on one NATS apart", { env: "HAWSER_CLUSTER", default: "hawser" }))
    .addOption(option("--jwt-secret <text>", "check tokens by this secret (HS256)", { env: "HAWSER_JWT_SECRET" }))
    .addOption(option("--jwks <file>", "check tokens by the public keys in this file (EdDSA, RS256); read again when it changes", { env: "HAWSER_JWKS" }))
    .option("--dev", "take dev:NAME as NAME's token: anybody can be anybody. Never in production")
    .addOption(option("--tls-cert <file>", "certificate (PEM): both ports speak TLS only", { env: "HAWSER_TLS_CERT" }))
    .addOption(option("--tls-key <file>", "its private key (PEM)", { env: "HAWSER_TLS_KEY" }))
    .addOption(option("--tls-min-version <version>", "oldest TLS spoken (default: 1.2)", { env: "HAWSER_TLS_MIN_VERSION", choices: ["1.2", "1.3"] }))
    .addOption(option("--tcp-core <which>", "what serves the TCP port", { env: "HAWSER_TCP_CORE", default: "auto", choices: TCP_CORES }))
    .addOption(
      option("--heartbeat <how>", "time between beats: learned for each network, or the same for all; fixed where --heartbeat-ms is given alone", {
        env: "HAWSER_HEARTBEAT",
        choices: ["adaptive", "fixed"],
      }),
    )
    .option("--no-compression", "never compress, whatever clients offer")
    .option("--share-ports", "let several gateways listen on the same ports: the kernel spreads clients over them")
    .option("--proxy-protocol", "connections begin with a PROXY protocol header: v1 or v2 over TCP, v2 over WebSocket")
    .addOption(
      option("--trusted-proxies <ranges>", "who may write it, separated by commas (10.0.0.0/8,192.0.2.1); anybody if not given", {
        env: "HAWSER_TRUSTED_PROXIES",
      }),
    )
    .addOption(
      option("--address-limits-exempt <ranges>", "addresses without limits, or none (default: this machine, private and shared networks)", {
        env: "HAWSER_ADDRESS_LIMITS_EXEMPT",
      }),
    )
    .addOption(option("--advertise-tcp <host:port>", "where clients of other gateways reach this one", { env: "HAWSER_ADVERTISE_TCP" }))
    .addOption(option("--advertise-ws <host:port>", "the same over WebSocket", { env: "HAWSER_ADVERTISE_WS" }))
    .addOption(logLevel("info"));
  for (const { key, what, usual: read } of TUNABLES) {
    const name = flagOf(key);
    const env = `HAWSER_${name.slice(2).replaceAll("-", "_").toUpperCase()}`;
    command.addOption(option(`${name} <number>`, `${what} (default: ${read(usual)})`, { env, parse: integer(0, Number.MAX_SAFE_INTEGER) }));
  }
  command
    .addHelpText(
      "after",
      `
Examples:
  hawser gateway --nats nats://10.0.0.5:4222 --host 0.0.0.0 --jwks keys.json --tls-cert cert.pem --tls-key key.pem
  hawser gateway --dev`,
    )
    .action(async (flags: Flags) => {
      const config = configOf(flags);
      await serve(() => runGateway(config, pino({ name: "gateway", level: flags.logLevel })));
    });
}

function configOf(flags: Flags): GatewayConfig {
  const tuned = Object.fromEntries(TUNABLES.flatMap(({ key }) => (key in flags ? [[key, flags[key as keyof Flags]]] : [])));
  try {
    return gatewayConfig({
      ...tuned,
      cluster: flags.cluster,
      natsServers: flags.nats.split(","),
      host: flags.host,
      tcpPort: flags.tcpPort,
      webSocketPort: flags.wsPort,
      adminPort: flags.httpPort,
      adminHost: flags.httpHost,
      devTokens: flags.dev ?? false,
      compression: flags.compression,
      ...(flags.heartbeat !== undefined && { heartbeat: flags.heartbeat }),
      tcpCore: flags.tcpCore,
      sharePorts: flags.sharePorts ?? false,
      proxyProtocol: flags.proxyProtocol ?? false,
      ...(flags.trustedProxies !== undefined && { trustedProxies: flags.trustedProxies.split(",") }),
      ...(flags.addressLimitsExempt !== undefined && { addressLimitsExempt: flags.addressLimitsExempt === "none" ? [] : flags.addressLimitsExempt.split(",") }),
      ...(flags.tlsMinVersion !== undefined && { tlsMinVersion: flags.tlsMinVersion }),
      ...(flags.advertiseTcp !== undefined && { advertiseTcp: flags.advertiseTcp }),
      ...(flags.advertiseWs !== undefined && { advertiseWebSocket: flags.advertiseWs }),
      ...(flags.jwtSecret !== undefined && { jwtSecret: flags.jwtSecret }),
      ...(flags.jwks !== undefined && { jwksFile: flags.jwks }),
      ...(flags.tlsCert !== undefined && { tlsCertFile: flags.tlsCert }),
      ...(flags.tlsKey !== undefined && { tlsKeyFile: flags.tlsKey }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new Failure(withFlagNames(error.message));
  }
}

/** "connectionsMax" → "--connections-max" */
function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Options that have another name here than in the configuration. */
const RENAMED: Record<string, string> = {
  webSocketPort: "--ws-port",
  adminPort: "--http-port",
  jwksFile: "--jwks",
  tlsCertFile: "--tls-cert",
  tlsKeyFile: "--tls-key",
  advertiseWebSocket: "--advertise-ws",
  devTokens: "--dev",
  tcpCore: "--tcp-core",
};

/** An error of the configuration in the words of the command line. */
export function withFlagNames(message: string): string {
  const keys = [
    ...Object.keys(RENAMED),
    "tcpPort",
    "jwtSecret",
    "advertiseTcp",
    "sharePorts",
    "tlsMinVersion",
    "proxyProtocol",
    "trustedProxies",
    "addressLimitsExempt",
    ...TUNABLES.map(({ key }) => key),
  ];
  return message.replace(new RegExp(`\\b(${keys.join("|")})\\b`, "g"), (key) => RENAMED[key] ?? flagOf(key));
}

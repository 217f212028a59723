// The gateway's configuration: what may be given, what it is by default, and whether it fits together. Every error
// says what to change.
import { Limits } from "../proto/limits.ts";
import { LINK_LIMITS, type LinkLimits } from "../proto/link.ts";
import { checkCluster } from "../proto/subject.ts";
import { type AddressLimitOptions, EXEMPT_BY_DEFAULT } from "./accept/address-limits.ts";
import { type AdmissionLimits, openFilesMax } from "./accept/admission.ts";
import { IpRanges } from "./accept/ip-address.ts";
import { TCP_CORES, type TcpCoreChoice } from "./accept/listen-tcp.ts";
import { TLS_VERSIONS, type TlsFileOptions } from "./accept/tls.ts";
import { LEARNER_OPTIONS, type LearnerOptions } from "./heartbeat/learner.ts";
import { PERIOD_MS } from "./heartbeat/sharing.ts";
import type { OutboxLimits } from "./session/outbox.ts";
import type { SessionLimits } from "./session/session.ts";
import type { TokenOptions } from "./session/token.ts";

/** What may be given; everything else is by default. Ports: 0 lets the system choose, false switches off. */
export interface GatewayOptions {
  cluster?: string;
  /** nats://host:port, one or several. */
  natsServers?: string | string[];
  /** Address to listen on, for all ports. */
  host?: string;
  tcpPort?: number | false;
  webSocketPort?: number | false;
  adminPort?: number | false;
  adminHost?: string;
  /** PEM files: both or none. With them both transports speak TLS only. */
  tlsCertFile?: string;
  tlsKeyFile?: string;
  /** Oldest version of TLS: "1.2" or "1.3". */
  tlsMinVersion?: string;
  jwtSecret?: string;
  jwksFile?: string;
  /** Takes dev:USER as a token. Never in production. */
  devTokens?: boolean;
  connectionsMax?: number;
  /** "adaptive": intervals of beats are learned, network by network; "fixed": heartbeatMs for all, and by default where that is given. */
  heartbeat?: "adaptive" | "fixed";
  /** The interval, or the one for networks that nobody knows; and the shortest and longest that may be learned. */
  heartbeatMs?: number;
  heartbeatMinMs?: number;
  heartbeatMaxMs?: number;
  /** Times of learning, for tests. */
  heartbeatLearning?: Partial<LearnerOptions> & { periodMs?: number };
  handshakeMs?: number;
  frameBytesMax?: number;
  sendsPerSecond?: number;
  requestsPerSecond?: number;
  nuisancesPerSecond?: number;
  pushBytesMax?: number;
  controlBytesMax?: number;
  /** What waits for slow readers, all of them together. */
  backlogBytesMax?: number;
  stallMs?: number;
  /** Longest time that frames wait for more of their connection, under load and where that joins writes; 0: never. */
  holdMsMax?: number;
  /** Pace of handshakes, and how many may be open at once. */
  handshakesPerSecond?: number;
  handshakesMax?: number;
  authenticationsMax?: number;
  resyncsPerSecond?: number;
  /** Where clients of other gateways can be sent to, host:port; by default `host` with the port, if it is one address and speaks neither TLS nor PROXY protocol. */
  advertiseTcp?: string;
  advertiseWebSocket?: string;
  /** After about so long a connection is asked to move, if this gateway has more than its share then; 0: never. */
  connectionLifetimeMs?: number;
  drainMs?: number;
  lingerMs?: number;
  linkLimits?: LinkLimits;
  /** Several gateways listen on the same ports, and the kernel spreads connections over them. */
  sharePorts?: boolean;
  /** Connections begin with a PROXY protocol header. */
  proxyProtocol?: boolean;
  /** Who may write that header: addresses and ranges. Anybody, if not given. */
  trustedProxies?: string[];
  /** Limits of one address (an IPv6 /64; its /48 may have 16 times as much) and of one user; 0 switches one off. */
  connectionsPerAddress?: number;
  connectsPerAddressPerSecond?: number;
  authFailuresPerAddressPerMinute?: number;
  connectsPerUserPerMinute?: number;
  /** Addresses and ranges that have no limits. Loopback, private and shared networks, if not given. */
  addressLimitsExempt?: string[];
  /** What serves the TCP port: the native core where there can be one ("auto"), by all means ("native"), or node:net ("net"). */
  tcpCore?: TcpCoreChoice;
  /** Of frames that have begun and are not whole yet, over all connections. */
  unfinishedBytesMax?: number;
  /** Compress for clients that ask for it. */
  compression?: boolean;
}

export interface GatewayConfig {
  readonly cluster: string;
  readonly natsServers: string | string[];
  readonly host: string;
  readonly tcpPort: number | false;
  readonly webSocketPort: number | false;
  readonly adminPort: number | false;
  readonly adminHost: string;
  readonly tls: TlsFileOptions | undefined;
  readonly tokens: TokenOptions;
  readonly sessions: SessionLimits;
  readonly outbox: OutboxLimits;
  readonly admission: AdmissionLimits;
  readonly handshakesMax: number;
  readonly resyncsPerSecond: number;
  readonly advertise: { readonly tcp: string | undefined; readonly websocket: string | undefined };
  readonly connectionLifetimeMs: number;
  readonly drainMs: number;
  readonly lingerMs: number;
  readonly linkLimits: LinkLimits;
  /** Undefined: the same interval for all. */
  readonly heartbeats: { readonly learner: Partial<LearnerOptions>; readonly periodMs: number } | undefined;
  readonly sharePorts: boolean;
  readonly proxyProtocol: boolean;
  readonly trustedProxies: IpRanges | undefined;
  readonly addressLimits: AddressLimitOptions;
  readonly tcpCore: TcpCoreChoice;
  readonly unfinishedBytesMax: number;
  readonly compression: boolean;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const CONNECTIONS_DEFAULT = 10_000;
/** Files kept for everything that is no client: NATS, logs, listeners, scrapes, and connections that are closing. */
const FILES_RESERVED = 256;
/** Slots of one transport beyond its connections, at most. */
const SPARE_SLOTS_MAX = 1024;
const SECRET_BYTES_MIN = 32;
const HEARTBEAT_MS_DEFAULT = 240_000;
const HEARTBEAT_MS_MAX = 6 * 3_600_000;
const CONNECTION_LIFETIME_MS = 24 * 3_600_000;
/** How long a handshake may wait for its turn with the connection open; beyond that it is given a time slot. */
const HANDSHAKE_WAIT_MS = 2000;
/** Time slots lie at most so far ahead. */
const SLOTS_HORIZON_MS = 300_000;
const BACKLOG_BYTES_MAX = 256 * 1024 * 1024;
const PARKED_BYTES_MAX = 64 * 1024 * 1024;
const UNFINISHED_BYTES_MAX = 256 * 1024 * 1024;

/** Checks what was given and fills in the rest. Throws ConfigError. */
export function gatewayConfig(options: GatewayOptions): GatewayConfig {
  const tcpPort = port("tcpPort", options.tcpPort ?? 7070);
  const webSocketPort = port("webSocketPort", options.webSocketPort ?? 7071);
  if (tcpPort === false && webSocketPort === false) throw new ConfigError("no port to serve clients on: give tcpPort or webSocketPort");
  if (options.sharePorts === true && (tcpPort === 0 || webSocketPort === 0)) {
    throw new ConfigError("sharePorts with a port that the system chooses, which nobody else would find: give tcpPort and webSocketPort, or false");
  }
  const sendsPerSecond = number("sendsPerSecond", options.sendsPerSecond ?? 100, 1, 1e6);
  const requestsPerSecond = number("requestsPerSecond", options.requestsPerSecond ?? 500, 1, 1e6);
  const nuisancesPerSecond = number("nuisancesPerSecond", options.nuisancesPerSecond ?? 100, 1, 1e6);
  const handshakeMs = number("handshakeMs", options.handshakeMs ?? Limits.handshakeMs, 100, 60_000);
  const handshakesPerSecond = number("handshakesPerSecond", options.handshakesPerSecond ?? 2000, 1, 1e6);
  const pushBytesMax = number("pushBytesMax", options.pushBytesMax ?? 256 * 1024, Limits.payloadBytesMax + 1024, 1e9);
  return {
    cluster: cluster(options.cluster ?? "hawser"),
    natsServers: options.natsServers ?? "nats://127.0.0.1:7073",
    host: options.host ?? "0.0.0.0",
    tcpPort,
    webSocketPort,
    adminPort: port("adminPort", options.adminPort ?? 7072),
    adminHost: options.adminHost ?? "127.0.0.1",
    tls: tls(options),
    tokens: tokens(options),
    sessions: {
      connectionsMax: connections(options.connectionsMax, tcpPort !== false && webSocketPort !== false ? 2 : 1),
      heartbeatMs: number("heartbeatMs", options.heartbeatMs ?? HEARTBEAT_MS_DEFAULT, 1000, HEARTBEAT_MS_MAX),
      handshakeMs,
      // A smaller limit could not take the largest payload that the protocol promises.
      frameBytesMax: number("frameBytesMax", options.frameBytesMax ?? Limits.frameBytesMax, Limits.payloadBytesMax + 1024, Limits.frameBytesMax),
      sendsPerSecond,
      sendsBurst: 2 * sendsPerSecond,
      requestsPerSecond,
      requestsBurst: 4 * requestsPerSecond,
      nuisancesPerSecond,
      nuisancesBurst: 10 * nuisancesPerSecond,
      parkedBytesMax: PARKED_BYTES_MAX,
    },
    outbox: {
      pushBytesMax,
      backlogBytesMax: number("backlogBytesMax", options.backlogBytesMax ?? Math.max(BACKLOG_BYTES_MAX, 4 * pushBytesMax), pushBytesMax, 1e12),
      controlBytesMax: number("controlBytesMax", options.controlBytesMax ?? 1024 * 1024, Limits.frameBytesMax + 1024, 1e9),
      stallMs: number("stallMs", options.stallMs ?? 60_000, 1000, 3_600_000),
      holdMsMax: number("holdMsMax", options.holdMsMax ?? 8, 0, 50),
    },
    admission: {
      handshakesPerSecond,
      // What a second admits may come at once: reconnects after a blip are no storm.
      handshakesBurst: handshakesPerSecond,
      waitMs: Math.min(HANDSHAKE_WAIT_MS, handshakeMs / 4),
      horizonMs: SLOTS_HORIZON_MS,
      authenticationsMax: number("authenticationsMax", options.authenticationsMax ?? 64, 1, 4096),
    },
    handshakesMax: number("handshakesMax", options.handshakesMax ?? 10_000, 1, 1e7),
    resyncsPerSecond: number("resyncsPerSecond", options.resyncsPerSecond ?? 2000, 1, 1e6),
    advertise: { tcp: address("advertiseTcp", options.advertiseTcp), websocket: address("advertiseWebSocket", options.advertiseWebSocket) },
    connectionLifetimeMs: number("connectionLifetimeMs", options.connectionLifetimeMs ?? CONNECTION_LIFETIME_MS, 0, 1e10),
    drainMs: number("drainMs", options.drainMs ?? 8000, 0, 3_600_000),
    lingerMs: number("lingerMs", options.lingerMs ?? 2000, 10, 60_000),
    linkLimits: options.linkLimits ?? LINK_LIMITS,
    heartbeats: heartbeats(options),
    sharePorts: options.sharePorts ?? false,
    proxyProtocol: proxyProtocol(options, webSocketPort),
    trustedProxies: options.trustedProxies === undefined ? undefined : ranges("trustedProxies", options.trustedProxies),
    addressLimits: {
      connectionsPerAddress: number("connectionsPerAddress", options.connectionsPerAddress ?? 2000, 0, 1e7),
      connectsPerAddressPerSecond: number("connectsPerAddressPerSecond", options.connectsPerAddressPerSecond ?? 100, 0, 1e6),
      authFailuresPerAddressPerMinute: number("authFailuresPerAddressPerMinute", options.authFailuresPerAddressPerMinute ?? 120, 0, 1e6),
      connectsPerUserPerMinute: number("connectsPerUserPerMinute", options.connectsPerUserPerMinute ?? 600, 0, 1e6),
      exempt: ranges("addressLimitsExempt", options.addressLimitsExempt ?? EXEMPT_BY_DEFAULT),
    },
    tcpCore: tcpCore(options.tcpCore ?? "auto", options.tlsCertFile !== undefined),
    compression: options.compression ?? true,
    unfinishedBytesMax: number("unfinishedBytesMax", options.unfinishedBytesMax ?? UNFINISHED_BYTES_MAX, 2 * Limits.frameBytesMax, 1e12),
  };
}

function number(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw new ConfigError(`${name} is ${value}: give a number from ${min} to ${max}`);
  return value;
}

function heartbeats(options: GatewayOptions): GatewayConfig["heartbeats"] {
  const { heartbeat = options.heartbeatMs === undefined ? "adaptive" : "fixed", heartbeatMs: startMs = HEARTBEAT_MS_DEFAULT } = options;
  if (heartbeat !== "adaptive" && heartbeat !== "fixed") throw new ConfigError(`heartbeat is ${JSON.stringify(heartbeat)}: give "adaptive" or "fixed"`);
  if (heartbeat === "fixed") {
    if (options.heartbeatMinMs === undefined && options.heartbeatMaxMs === undefined) return undefined;
    throw new ConfigError('heartbeatMinMs and heartbeatMaxMs bound what is learned: give heartbeat "adaptive" with them, or leave them out');
  }
  const minMs = number("heartbeatMinMs", options.heartbeatMinMs ?? Math.min(startMs, LEARNER_OPTIONS.minMs), 1000, startMs);
  const maxMs = number("heartbeatMaxMs", options.heartbeatMaxMs ?? Math.max(startMs, LEARNER_OPTIONS.maxMs), startMs, HEARTBEAT_MS_MAX);
  const { periodMs = PERIOD_MS, ...learning } = options.heartbeatLearning ?? {};
  return { learner: { minMs, maxMs, startMs, ...learning }, periodMs };
}

function port(name: string, value: number | false): number | false {
  if (value !== false && !(Number.isInteger(value) && value >= 0 && value <= 65_535))
    throw new ConfigError(`${name} is ${value}: give 0 to 65535, or false to switch it off`);
  return value;
}

function tcpCore(choice: string, tls: boolean): TcpCoreChoice {
  const found = TCP_CORES.find((core) => core === choice);
  if (found === undefined) throw new ConfigError(`tcpCore is ${JSON.stringify(choice)}: give ${TCP_CORES.join(", ")}`);
  if (found === "native" && tls) throw new ConfigError("tcpCore is native, and the native core speaks no TLS: leave tcpCore or tlsCertFile out");
  return found;
}

function address(name: string, text: string | undefined): string | undefined {
  if (text === undefined || /^([^\s:/]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(text)) return text;
  throw new ConfigError(`${name} is ${JSON.stringify(text)}: give host:port, as clients reach this gateway`);
}

function cluster(name: string): string {
  try {
    return checkCluster(name);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function tls({ tlsCertFile: certFile, tlsKeyFile: keyFile, tlsMinVersion }: GatewayOptions): TlsFileOptions | undefined {
  const minVersion = TLS_VERSIONS.find((version) => version === (tlsMinVersion ?? "1.2"));
  if (minVersion === undefined) throw new ConfigError(`tlsMinVersion is ${tlsMinVersion}: give 1.2 or 1.3`);
  if (certFile === undefined && keyFile === undefined) {
    if (tlsMinVersion !== undefined) throw new ConfigError("tlsMinVersion without a certificate: give tlsCertFile and tlsKeyFile, or leave it out");
    return undefined;
  }
  if (certFile === undefined) throw new ConfigError("a TLS key without a certificate: give tlsCertFile too");
  if (keyFile === undefined) throw new ConfigError("a TLS certificate without its key: give tlsKeyFile too");
  return { certFile, keyFile, minVersion };
}

function proxyProtocol({ proxyProtocol, trustedProxies, tlsCertFile }: GatewayOptions, webSocketPort: number | false): boolean {
  if (proxyProtocol !== true) {
    if (trustedProxies !== undefined) throw new ConfigError("trustedProxies without proxyProtocol: give that too, or leave it out");
    return false;
  }
  if (tlsCertFile !== undefined && webSocketPort !== false) {
    throw new ConfigError(
      "proxyProtocol with TLS on webSocketPort: the header stands before TLS, where the WebSocket engine does not read it. Let the proxy end TLS (leave tlsCertFile out), or switch the WebSocket port off",
    );
  }
  return true;
}

function ranges(name: string, texts: readonly string[]): IpRanges {
  try {
    return new IpRanges(texts);
  } catch (error) {
    throw new ConfigError(`${name}: ${(error as Error).message}`);
  }
}

function tokens({ jwtSecret, jwksFile, devTokens }: GatewayOptions): TokenOptions {
  if (jwtSecret !== undefined && jwksFile !== undefined)
    throw new ConfigError("both jwtSecret and jwksFile are given: a gateway checks tokens in one way, leave one out");
  if (jwtSecret === undefined && jwksFile === undefined && devTokens !== true) {
    throw new ConfigError("nothing to check tokens with: give jwtSecret (HS256) or jwksFile (EdDSA, RS256), or, on a machine of your own, devTokens");
  }
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < SECRET_BYTES_MIN) {
    throw new ConfigError(`jwtSecret is shorter than ${SECRET_BYTES_MIN} bytes: make one with "openssl rand -hex 32"`);
  }
  return { ...(jwtSecret !== undefined && { jwtSecret }), ...(jwksFile !== undefined && { jwksFile }), devTokens: devTokens ?? false };
}

/** Slots of each transport: a few more than connections, so that one too many can be told so. */
export function slotsFor(connectionsMax: number): number {
  return connectionsMax + Math.min(SPARE_SLOTS_MAX, 16 + Math.floor(connectionsMax / 8));
}

function connections(wanted: number | undefined, transports: number): number {
  const files = openFilesMax();
  const most = files === undefined ? Number.POSITIVE_INFINITY : files - FILES_RESERVED;
  if (wanted === undefined) return Math.max(1, Math.min(CONNECTIONS_DEFAULT, most));
  number("connectionsMax", wanted, 1, Math.min(1e7, Math.floor(Limits.gatewaySlotsMax / transports) - SPARE_SLOTS_MAX));
  if (wanted > most) {
    throw new ConfigError(
      `connectionsMax is ${wanted}, but this process may open ${files} files: raise the limit ("ulimit -n ${wanted + FILES_RESERVED}"), or give at most ${Math.max(0, most)}`,
    );
  }
  return wanted;
}

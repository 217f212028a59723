// `hawser start`, which is `npm start`: a whole Hawser on this machine, until Ctrl-C.
import type { Command } from "commander";
import { Failure } from "./failure.ts";
import { readableLine } from "./log-line.ts";
import { integer, logLevel, option, port } from "./options.ts";
import { DEFAULT_PORTS, type Stack, startStack } from "./stack.ts";

interface Flags {
  data: string;
  tcpPort: number;
  wsPort: number;
  httpPort: number;
  natsPort: number;
  logicPort: number;
  freePorts?: boolean;
  host: string;
  gateways: number;
  sharePorts?: boolean;
  drainMs?: number;
  dev?: boolean;
  secret?: string;
  jwks?: string;
  tlsCert?: string;
  tlsKey?: string;
  logLevel: string;
}

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** One Ctrl-C can arrive twice: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 1_000;

export function build(command: Command): void {
  const p = DEFAULT_PORTS;
  command
    .addOption(option("--data <dir>", "where everything is kept", { env: "HAWSER_DATA", default: "data" }))
    .addOption(option("--tcp-port <port>", "TCP port of the gateway", { env: "HAWSER_TCP_PORT", default: p.tcp, parse: port }))
    .addOption(option("--ws-port <port>", "WebSocket port of the gateway", { env: "HAWSER_WS_PORT", default: p.ws, parse: port }))
    .addOption(option("--http-port <port>", "port of the gateway's health and metrics", { env: "HAWSER_HTTP_PORT", default: p.http, parse: port }))
    .addOption(option("--nats-port <port>", "port of the NATS server that is started", { env: "HAWSER_NATS_PORT", default: p.nats, parse: port }))
    .addOption(option("--logic-port <port>", "port of logic's health and metrics", { env: "HAWSER_LOGIC_HTTP_PORT", default: p.logic, parse: port }))
    .option("--free-ports", "take any free ports instead, so that several Hawsers run at once")
    .addOption(option("--gateways <count>", "how many gateways; each further one has its ports 10 higher", { default: 1, parse: integer(1, 16) }))
    .option("--share-ports", "all gateways listen on the same two ports, and are replaced without a gap by hawser roll")
    .addOption(
      option("--drain-ms <ms>", "over how long a stopping gateway sends its clients away (default: 500, several: 2000)", { parse: integer(0, 3_600_000) }),
    )
    .addOption(option("--host <address>", "address that clients connect to", { env: "HAWSER_HOST", default: "127.0.0.1" }))
    .addOption(option("--secret <text>", "check tokens by this secret (HS256) instead of taking dev:NAME", { env: "HAWSER_JWT_SECRET" }))
    .addOption(option("--jwks <file>", "check tokens by the public keys in this file", { env: "HAWSER_JWKS" }))
    .option("--dev", "take tokens dev:NAME although there is --secret or --jwks")
    .addOption(option("--tls-cert <file>", "certificate (PEM): clients connect by TLS", { env: "HAWSER_TLS_CERT" }))
    .addOption(option("--tls-key <file>", "its private key (PEM)", { env: "HAWSER_TLS_KEY" }))
    .addOption(logLevel("warn"))
    .addHelpText(
      "after",
      `
Examples:
  npm start
  npm start -- --data /tmp/hawser --free-ports
  HAWSER_JWT_SECRET=$(openssl rand -hex 32) npm start -- --host 0.0.0.0
Ctrl-C stops everything in order; the data stays. \`hawser roll\` replaces the gateways one after the other while clients stay served.`,
    )
    .action(start);
}

async function start(flags: Flags): Promise<void> {
  const tokens = flags.secret !== undefined || flags.jwks !== undefined;
  const dev = flags.dev ?? !tokens;
  if (dev && !LOOPBACK.includes(flags.host)) {
    throw new Failure(`anybody could log in as anybody on ${flags.host}: pass --secret or --jwks (without --dev), or leave --host out`);
  }
  const stack = await startStack({
    dataDir: flags.data,
    ports: flags.freePorts ? "free" : { tcp: flags.tcpPort, ws: flags.wsPort, http: flags.httpPort, nats: flags.natsPort, logic: flags.logicPort },
    gateways: flags.gateways,
    host: flags.host,
    sharePorts: flags.sharePorts ?? false,
    ...(flags.drainMs !== undefined && { drainMs: flags.drainMs }),
    rollsBySignal: true,
    dev,
    ...(flags.secret !== undefined && { jwtSecret: flags.secret }),
    ...(flags.jwks !== undefined && { jwks: flags.jwks }),
    ...(flags.tlsCert !== undefined && { tlsCert: flags.tlsCert }),
    ...(flags.tlsKey !== undefined && { tlsKey: flags.tlsKey }),
    logLevel: flags.logLevel,
    line: (part, text) => console.log(`${part.padEnd(9)} | ${readableLine(text)}`),
  });
  console.log(welcome(stack, dev, flags));
  await untilAskedToStop(stack);
}

async function untilAskedToStop(stack: Stack): Promise<void> {
  // A terminal window that was closed cannot be written to any more; that is no reason to leave the stop half done.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  let firstAt = 0;
  await new Promise<void>((resolve, reject) => {
    const asked = () => {
      const now = performance.now();
      if (firstAt === 0) {
        firstAt = now;
        console.log("\nStopping: gateway, logic, NATS (Ctrl-C again to kill them).");
        stack.stop().then(resolve, reject);
      } else if (now - firstAt > SAME_SIGNAL_MS) stack.stopNow().then(resolve, reject);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, asked);
  });
  console.log("Stopped; the data is kept.");
}

function welcome(stack: Stack, dev: boolean, flags: Flags): string {
  const { urls } = stack;
  const lines = ["", "Hawser is up."];
  if (dev) {
    lines.push("", "  *** DEVELOPMENT MODE: anybody on this machine can log in as anybody, with the token dev:NAME. ***");
  }
  lines.push("");
  for (const gateway of urls.gateways) lines.push(`  TCP        ${gateway.tcp}`, `  WebSocket  ${gateway.ws}`, `  metrics    ${gateway.http}/metrics`);
  lines.push(`  logic      ${urls.logicHttp}/metrics`, `  NATS       ${urls.nats}`, `  data       ${flags.data}`);
  const usual = urls.tcp === `tcp://127.0.0.1:${DEFAULT_PORTS.tcp}`;
  const where = usual ? "" : ` --url ${urls.tcp}`;
  lines.push("", "Try next, each in a terminal of its own:");
  if (dev) lines.push(`  npm run chat -- --as alice --to bob${where}`, `  npm run chat -- --as bob --to alice${where}`);
  else lines.push("  npm run -s token -- --user alice --secret …", `  npm run chat -- --as alice --to bob --token …${where}`);
  lines.push("  npm run demo", "", "Ctrl-C stops everything; the data stays.", "");
  return lines.join("\n");
}

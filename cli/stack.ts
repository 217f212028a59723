// A whole Hawser on this machine: NATS, logic and gateways as child processes of this one, supervised. `hawser start`,
// the demo, tests, load tests and chaos all run on it.
//
// dataDir/ holds nats/ and logic/ (kept over restarts), nats.conf, and run.json, which says what runs.
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";
import { natsLineMatters, natsPart } from "./nats-server.ts";
import { freePorts, portIsFree } from "./ports.ts";
import { ProcessRecord } from "./process-record.ts";
import { httpReady } from "./ready.ts";
import { RollSignal } from "./roll-signal.ts";
import { type Part, RunningParts } from "./run-parts.ts";

export interface StackPorts {
  /** Of the first gateway; each further one has its three ports 10 higher, or, with shared ports, that of http only. */
  tcp: number;
  ws: number;
  http: number;
  nats: number;
  logic: number;
}

/** A gateway alone on a machine has nobody to send its clients to, and they all come back when it does. */
const DRAIN_ALONE_MS = 500;
const DRAIN_MS = 2000;
/** So much above a gateway's port for HTTP is that of a process beside it. */
const HTTP_BESIDE = 3;

export const DEFAULT_PORTS: StackPorts = { tcp: 7070, ws: 7071, http: 7072, nats: 7073, logic: 7074 };

/** The option of `hawser start` that moves a port. */
const PORT_FLAGS: Record<keyof StackPorts, string> = {
  tcp: "--tcp-port",
  ws: "--ws-port",
  http: "--http-port",
  nats: "--nats-port",
  logic: "--logic-port",
};

export interface StackOptions {
  dataDir: string;
  /** "free": any that are free, so that several stacks run at once. Ports left out are the default ones. */
  ports?: Partial<StackPorts> | "free";
  /** How many gateways; 1 when left out. */
  gateways?: number;
  /** Where gateways listen; 127.0.0.1 when left out. Everything else always listens on 127.0.0.1. */
  host?: string;
  /** Take tokens `dev:USER`; true when no way to check real ones is given. */
  dev?: boolean;
  jwtSecret?: string;
  /** File with a JSON Web Key Set. */
  jwks?: string;
  tlsCert?: string;
  tlsKey?: string;
  cluster?: string;
  /**
   * All gateways listen on the same ports, and the kernel spreads clients over them. Needs the native TCP core on Node before 22.12.
   * Without it each has ports of its own.
   */
  sharePorts?: boolean;
  /** Over how long a stopping gateway sends its clients away; 500 when left out, 2000 where there is another one to send them to. */
  drainMs?: number;
  logLevel?: string;
  /** Added to the environment of all parts. */
  env?: Record<string, string>;
  /** Added to the arguments of the parts. */
  gatewayArgs?: readonly string[];
  /** Options of Node itself, for logic and the gateways. */
  nodeArgs?: readonly string[];
  /** How far gateways stand back for other processes, as nice(1) has it; 0 when left out. */
  gatewayNice?: number;
  logicArgs?: readonly string[];
  /** Rolls when this process gets ROLL_SIGNAL, and notes in run.json how that went; left out: the signal is not listened to. */
  rollsBySignal?: boolean;
  /** Nothing is printed, whatever `line` and `tell` are. */
  quiet?: boolean;
  /** Each line that a part prints; on stdout, behind the part's name, when left out. */
  line?: (part: string, text: string) => void;
  /** What the supervisor does, for people; on stderr when left out. */
  tell?: (text: string) => void;
  /** A part died and comes back. */
  onRestart?: (part: string, how: string) => void;
  /**
   * Runs one part under another command (a profiler), which gets Node and its arguments behind its own, and SIGTERM instead of
   * the part. It may take `stopMs` to end then.
   */
  wrap?: { part: string; command: readonly [string, ...string[]]; stopMs: number };
  /** What is run as `logic` and `gateway`; a test may put something smaller there. */
  program?: string;
}

export interface GatewayUrls {
  tcp: string;
  ws: string;
  http: string;
}

export interface Stack {
  urls: GatewayUrls & { nats: string; logicHttp: string; gateways: GatewayUrls[] };
  /** Of the parts that run now: nats, logic, gateway, gateway-2, gateway-3 … */
  readonly pids: Record<string, number>;
  /** Sends a signal to a part (SIGKILL when left out); one that dies of it is restarted. */
  kill(part: string, signal?: NodeJS.Signals): void;
  /** Resolves when the part has become ready again after it died. Ask before or right after kill(). */
  restarted(part: string): Promise<void>;
  /**
   * Replaces the gateways' processes one after the other, by new ones of the program as it is now, while clients stay served: where ports are
   * shared a new one starts beside each before that drains, otherwise each drains and starts again. Rejects with Failure where a new
   * one does not start; what served then serves on. `urls` are those of the new processes.
   */
  roll(): Promise<void>;
  /** Stops gateways, then logic, then NATS; data is kept. */
  stop(): Promise<void>;
  /** Kills everything at once. */
  stopNow(): Promise<void>;
}

/** Starts a stack; resolves when it serves. Throws Failure, with nothing left running, when it does not come up. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const quiet = options.quiet === true;
  const tell = (text: string) => {
    if (!quiet) (options.tell ?? ((text) => console.error(`hawser: ${text}`)))(text);
  };
  const line = (part: string, text: string) => {
    if (!quiet) (options.line ?? ((part, text) => console.log(`${part.padEnd(9)} | ${text}`)))(part, text);
  };
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true });
  const record = await ProcessRecord.claim(join(dataDir, "run.json"), {
    inUse: (holder) => `${dataDir} is in use by ${holder}: stop that one, or pass another --data`,
    ours: isOurs,
    tell,
  });
  const signal = options.rollsBySignal === true ? new RollSignal(record, tell) : undefined;
  try {
    const ports = await choosePorts(options);
    const urls = urlsOf(ports, options);
    const parts = planParts(dataDir, ports, options);
    const running = await RunningParts.start(parts, {
      record,
      line: (part, text) => {
        if (part !== "nats" || natsLineMatters(text)) line(part, text);
      },
      restarting: (part, how, inMs) => {
        tell(`${part} ended with ${how}, starting it again in ${inMs} ms`);
        options.onRestart?.(part, how);
      },
      handedOver: (part, beside) => {
        tell(`${part} is a new process, the old one drains`);
        const index = gatewayIndex(part);
        const { http, httpBeside } = ports.gateways[index]!;
        urls.gateways[index]!.http = httpUrl(beside ? httpBeside! : http);
        if (index === 0) urls.http = urls.gateways[0]!.http;
      },
    });
    signal?.serves(() => running.roll());
    const end = (ended: Promise<void>) => {
      signal?.refuses("everything is being stopped");
      return ended.then(() => {
        record.release();
        signal?.close();
      });
    };
    return {
      urls,
      get pids() {
        return running.pids;
      },
      kill: (part, signal = "SIGKILL") => running.signal(part, signal),
      restarted: (part) => running.nextReady(part),
      roll: () => running.roll(),
      stop: () => end(running.stop()),
      stopNow: () => end(running.kill()),
    };
  } catch (error) {
    record.release();
    signal?.close();
    throw error;
  }
}

/** Whether a leftover with this command line is what the record says. */
function isOurs(part: string, command: string): boolean {
  return part === "nats" ? command.includes("nats-server") : command.includes(part.replace(/(-\d+)?(\/\w+)?$/, ""));
}

interface ChosenPorts {
  nats: number;
  logic: number;
  /** `httpBeside`: of a process that is started beside the gateway's own. */
  gateways: { tcp: number; ws: number; http: number; httpBeside?: number }[];
}

async function choosePorts(options: StackOptions): Promise<ChosenPorts> {
  const count = options.gateways ?? 1;
  const shared = options.sharePorts === true;
  if (options.ports === "free") {
    const free = await freePorts(2 + 3 * count);
    const take = () => free.pop()!;
    if (shared) {
      const [nats, logic, tcp, ws] = [take(), take(), take(), take()];
      const more = await freePorts(2 * count);
      return { nats, logic, gateways: Array.from({ length: count }, () => ({ tcp, ws, http: more.pop()!, httpBeside: more.pop()! })) };
    }
    return { nats: take(), logic: take(), gateways: Array.from({ length: count }, () => ({ tcp: take(), ws: take(), http: take() })) };
  }
  const base = { ...DEFAULT_PORTS, ...options.ports };
  const gateways = Array.from({ length: count }, (_, i) => ({
    tcp: shared ? base.tcp : base.tcp + 10 * i,
    ws: shared ? base.ws : base.ws + 10 * i,
    http: base.http + 10 * i,
    ...(shared && { httpBeside: base.http + 10 * i + HTTP_BESIDE }),
  }));
  const taken = new Map<number, string>();
  const claim = async (port: number, name: keyof StackPorts, host?: string) => {
    const flag = PORT_FLAGS[name];
    const other = taken.get(port);
    if (other) throw new Failure(`port ${port} is asked for twice: change ${flag} or ${other}`);
    taken.set(port, flag);
    if (!(await portIsFree(port, host))) throw new Failure(`port ${port} is in use: stop what uses it or pass ${flag}`);
  };
  await claim(base.nats, "nats");
  await claim(base.logic, "logic");
  for (const [i, gateway] of gateways.entries()) {
    if (i === 0 || !shared) await claim(gateway.tcp, "tcp", options.host);
    if (i === 0 || !shared) await claim(gateway.ws, "ws", options.host);
    await claim(gateway.http, "http");
    if (gateway.httpBeside !== undefined) await claim(gateway.httpBeside, "http");
  }
  return { nats: base.nats, logic: base.logic, gateways };
}

function planParts(dataDir: string, ports: ChosenPorts, options: StackOptions): Part[] {
  const program = options.program ?? hawserProgram();
  // Run from TypeScript sources (by a loader that Node was given), the parts are as well.
  const loaders = program.endsWith(".ts") ? process.execArgv : [];
  const common = ["--nats", `nats://127.0.0.1:${ports.nats}`, "--cluster", options.cluster ?? "hawser", "--log-level", options.logLevel ?? "info"];
  const part = (name: string, tier: number, httpPort: number, args: readonly string[], env: Record<string, string>): Part => {
    const wrap = options.wrap?.part === name ? options.wrap : undefined;
    const [command, ...first] = [...(wrap?.command ?? []), process.execPath] as [string, ...string[]];
    return {
      name,
      tier,
      readyMs: 60_000,
      stopMs: wrap?.stopMs ?? 15_000 + (options.drainMs ?? DRAIN_MS),
      command,
      args: [...first, ...loaders, ...(options.nodeArgs ?? []), program, ...args, "--http-port", String(httpPort), ...common],
      env: { ...options.env, ...env },
      channel: true,
      ...(args[0] === "gateway" && options.gatewayNice !== undefined && { nice: options.gatewayNice }),
      ready: () => httpReady(`http://127.0.0.1:${httpPort}/readyz`),
    };
  };
  const logic = part("logic", 1, ports.logic, ["logic", "--data", join(dataDir, "logic"), ...(options.logicArgs ?? [])], {});
  const dev = options.dev ?? (options.jwtSecret === undefined && options.jwks === undefined);
  const flags = {
    "--jwks": options.jwks,
    "--tls-cert": options.tlsCert,
    "--tls-key": options.tlsKey,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const shared = options.sharePorts === true;
  const drainMs = options.drainMs ?? (shared || ports.gateways.length > 1 ? DRAIN_MS : DRAIN_ALONE_MS);
  const gateways = ports.gateways.map(({ tcp, ws, http, httpBeside }, i): Part => {
    const on = (httpPort: number): Part =>
      part(
        i === 0 ? "gateway" : `gateway-${i + 1}`,
        2,
        httpPort,
        [
          ...["gateway", "--host", options.host ?? "127.0.0.1", "--tcp-port", String(tcp), "--ws-port", String(ws)],
          ...(shared ? ["--share-ports"] : []),
          ...["--drain-ms", String(drainMs)],
          ...(dev ? ["--dev"] : []),
          ...given,
          ...(options.gatewayArgs ?? []),
        ],
        // Not an argument: every user of the machine can read those.
        options.jwtSecret === undefined ? {} : { HAWSER_JWT_SECRET: options.jwtSecret },
      );
    return { ...on(http), rolls: shared ? "beside" : "inPlace", ...(httpBeside !== undefined && { beside: on(httpBeside) }) };
  });
  return [natsPart(dataDir, ports.nats), logic, ...gateways];
}

function httpUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** gateway-2 is the second. */
function gatewayIndex(part: string): number {
  return Number(/-(\d+)$/.exec(part)?.[1] ?? 1) - 1;
}

function urlsOf(ports: ChosenPorts, options: StackOptions): Stack["urls"] {
  const host = options.host === undefined || options.host === "0.0.0.0" || options.host === "::" ? "127.0.0.1" : options.host;
  const tls = options.tlsCert === undefined ? "" : "s";
  const gateways = ports.gateways.map(({ tcp, ws, http }) => ({
    tcp: `${tls ? "tls" : "tcp"}://${host}:${tcp}`,
    ws: `ws${tls}://${host}:${ws}`,
    http: httpUrl(http),
  }));
  return { ...gateways[0]!, nats: `nats://127.0.0.1:${ports.nats}`, logicHttp: `http://127.0.0.1:${ports.logic}`, gateways };
}

/** The program that this process is, as compiled: dist/cli/hawser.js, or hawser.ts under a loader that runs TypeScript. */
function hawserProgram(): string {
  const here = fileURLToPath(import.meta.url);
  return join(dirname(here), here.endsWith(".ts") ? "hawser.ts" : "hawser.js");
}

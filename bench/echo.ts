// What a frame costs the gateway's TCP transports and nothing else: each frame that comes is written back, through the port
// of accept/transport.ts, beside a floor in C that does one read and one write for it; what a beat costs, and an idle
// connection in bytes. Every server is a process of its own, and their turns alternate.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { encodeFrame } from "../proto/frame.ts";
import { listenNativeTcp } from "../gateway/accept/native-tcp.ts";
import { listenTcp } from "../gateway/accept/tcp.ts";
import { FRAME_FIELDS, type Transport, type TransportEvents, type TransportOptions } from "../gateway/accept/transport.ts";
import { type Wire, WIRE_LINGER_MS } from "../loadtest/driver/wire.ts";
import { wireMaker } from "../loadtest/driver/open-wire.ts";
import { memoryInUse } from "./collect.ts";
import { compiledProgram } from "./floor/compile.ts";
import { cpuMicros, median } from "./process-cpu.ts";
import type { Row, Table } from "./result.ts";

const SERVERS = ["floor", "native", "net"] as const;
type ServerName = (typeof SERVERS)[number];

export interface EchoOptions {
  /** Connections with one frame in flight each. */
  levels: readonly number[];
  /** Of each measurement. */
  seconds: number;
  rounds: number;
  /** Connections that beat, and that idle. */
  idle: number;
  progress: (line: string) => void;
}

export const ECHO_OPTIONS = { levels: [1, 10, 100, 1000], seconds: 3, rounds: 5, idle: 15_000 };
export const ECHO_QUICK = { levels: [10, 1000], seconds: 1, rounds: 3, idle: 3000 };

/** Of a Send with a short text. */
const FRAME_BYTES = 64;
/** Above BEAT_GAP_MS, so that the transport answers. */
const BEAT_MS = 640;
const SLICES = 64;
/** The machine has some 28,000 ports for each source address. */
const PER_SOURCE = 10_000;

interface Server {
  process: ChildProcess;
  pid: number;
  port: number;
}

/** Measures everything. Throws when no C compiler is there. */
export async function benchEcho(options: EchoOptions): Promise<Table[]> {
  const servers = new Map<ServerName, Server>();
  try {
    for (const name of SERVERS) servers.set(name, await (name === "floor" ? startFloor() : startTransport(name)));
    const rows: Row[] = [];
    for (const connections of options.levels) rows.push(await level(`${connections} at once`, servers, options, (port) => echo(port, connections, options)));
    rows.push(await level("beats", servers, options, (port) => beats(port, Math.min(options.idle, 5000), options)));
    const memory: Row[] = [];
    for (const name of ["native", "net"] as const) memory.push({ name, ...(await idleBytes(name, options)) });
    return [costTable(rows), memoryTable(memory)];
  } finally {
    for (const { process } of servers.values()) {
      process.stdin?.end();
      if (process.connected) process.disconnect();
    }
  }
}

function costTable(rows: Row[]): Table {
  return {
    title: `CPU per frame of ${FRAME_BYTES} bytes that is written back, and per beat`,
    columns: [
      { key: "name", title: "" },
      { key: "frames_per_second", title: "frames/s", digits: 0 },
      { key: "floor_us", title: "floor µs", digits: 2 },
      { key: "native_us", title: "native µs", digits: 2 },
      { key: "native_ratio", title: "ratio", digits: 2 },
      { key: "net_us", title: "net µs", digits: 2 },
      { key: "net_ratio", title: "ratio", digits: 2 },
    ],
    rows,
  };
}

function memoryTable(rows: Row[]): Table {
  return {
    title: "Bytes per idle connection, user space",
    columns: [
      { key: "name", title: "" },
      { key: "connections", title: "connections" },
      { key: "table_bytes", title: "by its tables" },
      { key: "process_bytes", title: "private memory", digits: 0 },
    ],
    rows,
  };
}

interface Cost {
  micros: number;
  rate: number;
}

async function level(name: string, servers: Map<ServerName, Server>, options: EchoOptions, drive: (port: number) => Promise<Drive>): Promise<Row> {
  const rounds: Record<ServerName, Cost>[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const costs: Partial<Record<ServerName, Cost>> = {};
    // Another one first each time.
    for (let i = 0; i < SERVERS.length; i++) {
      const which = SERVERS[(i + round) % SERVERS.length]!;
      const { pid, port } = servers.get(which)!;
      const driven = await drive(port);
      await delay(300);
      const before = { cpu: cpuMicros(pid), done: driven.done(), at: performance.now() };
      await delay(options.seconds * 1000);
      const done = driven.done() - before.done;
      costs[which] = { micros: (cpuMicros(pid) - before.cpu) / done, rate: (done * 1000) / (performance.now() - before.at) };
      await driven.stop();
    }
    const whole = costs as Record<ServerName, Cost>;
    rounds.push(whole);
    options.progress(`${name}, round ${round + 1}: ${SERVERS.map((which) => `${which} ${whole[which].micros.toFixed(2)} µs`).join(", ")}`);
  }
  const of = (which: ServerName) => median(rounds.map((costs) => costs[which].micros));
  const ratio = (which: ServerName) => median(rounds.map((costs) => costs[which].micros / costs.floor.micros));
  return {
    name,
    frames_per_second: median(rounds.map((costs) => costs.native.rate)),
    floor_us: of("floor"),
    native_us: of("native"),
    native_ratio: ratio("native"),
    net_us: of("net"),
    net_ratio: ratio("net"),
  };
}

// The other end

interface Drive {
  /** Frames that came back so far. */
  done(): number;
  stop(): Promise<void>;
}

async function connected(port: number, count: number, data: (wire: Wire, slot: number, length: number) => number): Promise<Wire> {
  let open = 0;
  let failed: string | undefined;
  const wire: Wire = wireMaker().open(count, {
    opened: () => open++,
    data: (slot, _bytes, start, end) => data(wire, slot, end - start),
    closed: (_slot, reason) => {
      failed = reason;
    },
  });
  for (let slot = 0; slot < count; slot++) {
    wire.connect(slot, { host: "127.0.0.1", port, from: `127.0.1.${1 + Math.floor(slot / PER_SOURCE)}` });
    if (slot % 500 === 499) await delay(5);
  }
  for (const until = performance.now() + 30_000; open < count; ) {
    if (failed !== undefined || performance.now() > until) throw new Error(`${open} of ${count} connected: ${failed ?? "too slow"}`);
    await delay(5);
  }
  return wire;
}

async function echo(port: number, count: number, { seconds }: EchoOptions): Promise<Drive> {
  const frame = encodeFrame(5, new Uint8Array(FRAME_BYTES - 2));
  let done = 0;
  const wire = await connected(port, count, (wire, slot, length) => {
    const frames = Math.floor(length / FRAME_BYTES);
    done += frames;
    for (let i = 0; i < frames; i++) wire.write(slot, frame);
    return frames * FRAME_BYTES;
  });
  for (let slot = 0; slot < count; slot++) wire.write(slot, frame);
  return { done: () => done, stop: () => ended(wire, count, seconds) };
}

async function beats(port: number, count: number, { seconds }: EchoOptions): Promise<Drive> {
  const beat = Uint8Array.of(0);
  let done = 0;
  const wire = await connected(port, count, (_wire, _slot, length) => {
    done += length;
    return length;
  });
  let slice = 0;
  const timer = setInterval(() => {
    for (let slot = slice; slot < count; slot += SLICES) wire.write(slot, beat);
    slice = (slice + 1) % SLICES;
  }, BEAT_MS / SLICES);
  await delay(2 * BEAT_MS);
  const stop = (): Promise<void> => {
    clearInterval(timer);
    return ended(wire, count, seconds);
  };
  return { done: () => done, stop };
}

async function ended(wire: Wire, count: number, seconds: number): Promise<void> {
  // Reset: ports that wait for stray segments would run out.
  for (let slot = 0; slot < count; slot++) wire.reset(slot);
  await delay(Math.min(100 + 50 * seconds, WIRE_LINGER_MS));
  wire.destroy();
}

/** In a process that has not seen many before: what a heap has grown by stays. */
async function idleBytes(name: ServerName, { idle, progress }: EchoOptions): Promise<Row> {
  progress(`${idle} idle connections on ${name}`);
  const server = await startTransport(name);
  try {
    await (await idleDrive(server.port, 200)).stop();
    const before = await memoryOf(server);
    const drive = await idleDrive(server.port, idle);
    const after = await memoryOf(server);
    await drive.stop();
    return { connections: idle, table_bytes: after.table, process_bytes: (after.bytes - before.bytes) / idle };
  } finally {
    server.process.disconnect();
  }
}

async function idleDrive(port: number, count: number): Promise<Drive> {
  const wire = await connected(port, count, (_wire, _slot, length) => length);
  return { done: () => 0, stop: () => ended(wire, count, 1) };
}

async function memoryOf({ process }: Server): Promise<{ bytes: number; table: number | null }> {
  const answer = new Promise((resolve) => process.once("message", resolve));
  process.send!("memory");
  return (await answer) as { bytes: number; table: number | null };
}

// Servers

function startFloor(): Promise<Server> {
  const child = spawn(compiledProgram("relay"), ["echo"], { stdio: ["pipe", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.stdout!.once("data", (line) => resolve({ process: child, pid: child.pid!, port: Number(line) }));
  });
}

function startTransport(name: ServerName): Promise<Server> {
  const self = import.meta.url;
  const child = fork(fileURLToPath(self), ["serve", name], {
    execArgv: self.endsWith(".ts") ? process.execArgv : [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`the server on ${name} ended at once`)));
    child.once("message", (port) => resolve({ process: child, pid: child.pid!, port: Number(port) }));
  });
}

/** Writes every frame back where it came from; answers beats. */
class EchoServer implements TransportEvents {
  transport: Transport | undefined;

  opened(slot: number): void {
    this.transport!.watch(slot, 0);
  }

  frames(bytes: Uint8Array, table: Int32Array, count: number): void {
    const { transport } = this;
    // Length and header stand before the body: one byte each.
    for (let at = 0; at < count * FRAME_FIELDS; at += FRAME_FIELDS)
      if (table[at + 1] !== 0) transport!.write(table[at]!, bytes.subarray(table[at + 2]! - 2, table[at + 3]!));
  }

  idle(): void {}
  broken(slot: number): void {
    this.transport!.close(slot);
  }
  drained(): void {}
  closed(): void {}
}

async function serve(name: string): Promise<void> {
  const server = new EchoServer();
  const options: TransportOptions = {
    host: "127.0.0.1",
    port: 0,
    slotFirst: 0,
    slotsMax: 18_000,
    frameBytesMax: 8192,
    frameBytesLimit: 512 * 1024,
    lingerMs: 1000,
    sharePort: false,
    proxyProtocol: false,
    unfinishedBytesMax: 1 << 26,
  };
  const transport = await (name === "native" ? listenNativeTcp : listenTcp)(options, server);
  server.transport = transport;
  process.on("message", () => void tellMemory(name));
  process.on("disconnect", () => process.exit(0));
  process.send!(transport.port);
}

async function tellMemory(name: string): Promise<void> {
  await memoryInUse();
  const text = readFileSync("/proc/self/smaps_rollup", "latin1");
  const kibibytes = Number(/^Private_Dirty:\s+(\d+)/m.exec(text)?.[1]) + Number(/^Private_Clean:\s+(\d+)/m.exec(text)?.[1]);
  const table = name === "native" ? (await import("../gateway/native/build.ts")).loadTcpAddon().layout.connectionBytes : null;
  process.send!({ bytes: 1024 * kibibytes, table });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === "serve") void serve(process.argv[3]!);

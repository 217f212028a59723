// CPU of all server processes per durable direct message, from few pairs of users to many, each pair with one
// message in flight: how far batching brings the cost down as load rises. In the same run, round by round, the
// same traffic through the floor (bench/floor/relay.c), because only ratios survive a noisy machine.
import { setTimeout as delay } from "node:timers/promises";
import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { ConditionsMeter } from "./conditions.ts";
import { compiledProgram } from "./floor/compile.ts";
import { startPairs } from "./pair-traffic.ts";
import type { Table } from "./result.ts";
import { cpuMicros, median } from "./process-cpu.ts";

export interface SpineTarget {
  host: string;
  tcpPort: number;
  /** Server processes by part. */
  pids(): Record<string, number>;
}

export interface SpineOptions {
  pairs: number[];
  /** Of each measurement. */
  seconds: number;
  rounds: number;
  texts: Uint8Array[];
  progress: (line: string) => void;
}

export interface SpineLevel {
  pairs: number;
  messages_per_second: number;
  cpu_us_per_message: number;
  /** By part, of the median round. */
  split_us: Record<string, number>;
  floor_us_per_message: number;
  ratio_to_floor: number;
  ratios: number[];
  /** Of the machine's time, as the kernel counts it. */
  stolen_percent: number;
}

/** The levels as a table. */
export function spineTable(levels: readonly SpineLevel[]): Table {
  const parts = [...new Set(levels.flatMap((level) => Object.keys(level.split_us)))];
  return {
    title: "CPU of all server processes per durable direct message",
    columns: [
      { key: "pairs", title: "pairs" },
      { key: "messages_per_second", title: "messages/s" },
      { key: "cpu_us_per_message", title: "µs/message", digits: 1 },
      ...parts.map((part) => ({ key: part, title: `${part} µs`, digits: 1 })),
      { key: "floor_us_per_message", title: "floor µs", digits: 1 },
      { key: "ratio_to_floor", title: "ratio", digits: 1 },
      { key: "stolen_percent", title: "stolen %", digits: 1 },
    ],
    rows: levels.map(({ split_us, ratios: _, ...level }) => ({ ...level, ...split_us })),
  };
}

/** One measurement: CPU µs per message in all, by part, and messages per second. */
interface Measured {
  perMessage: number;
  split: Record<string, number>;
  rate: number;
}

/** Measures every level, rounds interleaved with the floor. Throws when no C compiler is there. */
export async function benchSpine(target: SpineTarget, options: SpineOptions): Promise<SpineLevel[]> {
  const floor = await startFloor();
  try {
    const levels: SpineLevel[] = [];
    for (const pairs of options.pairs) {
      const rounds: { spine: Measured; floor: Measured; stolen: number }[] = [];
      for (let round = 0; round < options.rounds; round++) {
        const meter = new ConditionsMeter();
        const floorMeasured = await measureFloor(floor, pairs, options);
        const spine = await measureSpine(target, pairs, round, options);
        const percent = meter.stop().stolen_percent;
        rounds.push({ spine, floor: floorMeasured, stolen: percent });
        options.progress(
          `${pairs} pairs, round ${round + 1}/${options.rounds}: ${spine.perMessage.toFixed(1)} µs, floor ${floorMeasured.perMessage.toFixed(1)} µs, ` +
            `ratio ${(spine.perMessage / floorMeasured.perMessage).toFixed(1)}, ${Math.round(spine.rate)} messages/s, ${percent.toFixed(1)}% stolen`,
        );
      }
      const ratios = rounds.map((round) => round.spine.perMessage / round.floor.perMessage);
      const middle = [...rounds].sort((a, b) => a.spine.perMessage - b.spine.perMessage)[rounds.length >> 1]!;
      levels.push({
        pairs,
        messages_per_second: Math.round(median(rounds.map((round) => round.spine.rate))),
        cpu_us_per_message: median(rounds.map((round) => round.spine.perMessage)),
        split_us: middle.spine.split,
        floor_us_per_message: median(rounds.map((round) => round.floor.perMessage)),
        ratio_to_floor: median(ratios),
        ratios,
        stolen_percent: median(rounds.map((round) => round.stolen)),
      });
    }
    return levels;
  } finally {
    floor.process.stdin!.end();
  }
}

async function measureSpine(target: SpineTarget, pairs: number, round: number, options: SpineOptions): Promise<Measured> {
  // New users each time, with ids of 11 bytes as in the real messages.
  const run = `${pairs.toString(36)}${round.toString(36)}`.padStart(5, "-");
  const traffic = await startPairs(target, pairs, run, options.texts);
  await delay(500);
  const pids = target.pids();
  const before = Object.entries(pids).map(([part, pid]) => [part, cpuMicros(pid)] as const);
  const messages = traffic.done;
  const started = performance.now();
  await delay(options.seconds * 1000);
  const counted = traffic.done - messages;
  const rate = (counted * 1000) / (performance.now() - started);
  const split: Record<string, number> = {};
  let total = 0;
  for (const [part, cpu] of before) {
    split[part] = (cpuMicros(pids[part]!) - cpu) / counted;
    total += split[part];
  }
  traffic.stop();
  await delay(200);
  return { perMessage: total, split, rate };
}

interface Floor {
  process: ChildProcess;
  port: number;
}

async function startFloor(): Promise<Floor> {
  const child = spawn(compiledProgram("relay"), { stdio: ["pipe", "pipe", "inherit"] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error("the floor's relay ended at once")));
    child.stdout!.once("data", (line) => resolve(Number(line)));
  });
  return { process: child, port };
}

/** The same through the relay: a message of a Push's size to the other side, the next when it has arrived. */
async function measureFloor(floor: Floor, pairs: number, options: SpineOptions): Promise<Measured> {
  const sockets: Socket[] = [];
  let done = 0;
  let stopped = false;
  const message = (): Uint8Array => options.texts[(done * 7919) % options.texts.length]!;
  const envelope = Buffer.alloc(26, 1);
  for (let i = 0; i < pairs; i++) {
    // One after the other: the relay pairs connections in the order in which they come.
    const a = await connected(floor.port);
    const b = await connected(floor.port);
    const send = (): void => {
      if (!stopped) a.write(Buffer.concat([envelope, message()]));
    };
    b.on("data", () => {
      done++;
      send();
    });
    sockets.push(a, b);
    setTimeout(send, 100);
  }
  await delay(600);
  const pid = floor.process.pid!;
  const cpu = cpuMicros(pid);
  const before = done;
  const started = performance.now();
  await delay(Math.min(options.seconds, 3) * 1000);
  const counted = done - before;
  const perMessage = (cpuMicros(pid) - cpu) / counted;
  const rate = (counted * 1000) / (performance.now() - started);
  stopped = true;
  for (const socket of sockets) socket.destroy();
  await delay(100);
  return { perMessage, split: { relay: perMessage }, rate };
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

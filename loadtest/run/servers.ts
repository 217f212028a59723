// Looks at the server's processes and at the machine through /proc: CPU, private memory, kernel memory, stolen time.
// By part: the several gateways count as one. Where there is no /proc, or where the servers run elsewhere, a look sees null.
//
// Private memory is RssAnon of /proc/PID/status: anonymous pages in RAM. Code and files that processes share do not count,
// nor does what the kernel holds for sockets, which is looked at apart: all slabs of the machine and the pages of TCP
// buffers, so that on one machine both ends of a connection are in it.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cpuMicros, stolenMicros } from "../../bench/process-cpu.ts";
import { availableBytes } from "./machine-room.ts";

export interface ServerLook {
  /** ms, on the clock of performance.now(). */
  at: number;
  cores: number;
  /** By part: CPU (user and system) since the first look, in µs; private memory now. */
  cpuMicros: Record<string, number> | null;
  privateBytes: Record<string, number> | null;
  kernelBytes: number | null;
  /** What the machine could still give (MemAvailable). */
  availableBytes: number | null;
  /** Time that the host took away since boot, over all cores. */
  stolenMicros: number | null;
}

/** Pages of Linux on every machine that this was run on; on others the kernel's memory of TCP buffers is off by the ratio. */
const PAGE_BYTES = 4096;

/** `pids`: server processes that run now, by name (gateway, gateway-2 …); undefined: not ours to look at. */
export class Servers {
  private readonly pids: (() => Record<string, number>) | undefined;
  private readonly talkGateways: number;
  private readonly hasProc: boolean;
  /** Of every process ever seen: its part, and its CPU when looked at first and last. One that died keeps what it used. */
  private readonly seen: Map<number, { part: string; first: number; last: number }>;
  private looked: boolean;
  /** Processes that were not there at the first look: something died and came back. */
  readonly newcomers: string[];

  /** `talkGateways`: where only the first so many gateways have talkers, the others' CPU is a part of its own ("idle gateways"); 0: all have. */
  constructor(pids: (() => Record<string, number>) | undefined, talkGateways = 0) {
    this.talkGateways = talkGateways;
    this.pids = pids;
    this.hasProc = existsSync("/proc/self/status");
    this.seen = new Map();
    this.looked = false;
    this.newcomers = [];
  }

  look(): ServerLook {
    const at = performance.now();
    const look: ServerLook = {
      at,
      cores: availableParallelism(),
      cpuMicros: null,
      privateBytes: null,
      kernelBytes: null,
      availableBytes: null,
      stolenMicros: null,
    };
    if (!this.hasProc) return look;
    look.stolenMicros = stolenMicros();
    look.kernelBytes = kernelBytes();
    look.availableBytes = availableBytes() ?? null;
    if (this.pids === undefined) return look;
    look.cpuMicros = {};
    look.privateBytes = {};
    for (const [name, pid] of Object.entries(this.pids())) {
      const part = partOf(name);
      const bytes = ofProcess(() => privateBytes(pid));
      const cpu = ofProcess(() => cpuMicros(pid));
      if (bytes === undefined || cpu === undefined) continue;
      look.privateBytes[part] = (look.privateBytes[part] ?? 0) + bytes;
      const seen = this.seen.get(pid);
      // What runs at the first look had a life before; what is there later was started meanwhile.
      if (seen !== undefined) seen.last = cpu;
      else {
        this.seen.set(pid, { part: this.cpuPartOf(name, part), first: this.looked ? 0 : cpu, last: cpu });
        if (this.looked) this.newcomers.push(`${name} is process ${pid} now`);
      }
    }
    this.looked = true;
    for (const { part, first, last } of this.seen.values()) look.cpuMicros[part] = (look.cpuMicros[part] ?? 0) + last - first;
    return look;
  }

  private cpuPartOf(name: string, part: string): string {
    const number = part === name ? 1 : Number(name.slice(part.length + 1));
    return part === "gateway" && this.talkGateways > 0 && number > this.talkGateways ? IDLE_GATEWAYS : part;
  }
}

/** The part of CPU of gateways that nobody talks through. */
export const IDLE_GATEWAYS = "idle gateways";

/** gateway-2 is of the part gateway, and so are gateway-2/new and gateway-2/old while it is replaced. */
export function partOf(name: string): string {
  return name.replace(/(-\d+)?(\/\w+)?$/, "");
}

/** Undefined when the process ends, or has ended and its parent has not heard of it yet: its memory is gone first. */
function privateBytes(pid: number): number | undefined {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return /^VmRSS:/m.test(status) ? rssAnonBytes(status) : undefined;
}

/** RssAnon of /proc/PID/status, in bytes. Throws RangeError when it is not there. */
export function rssAnonBytes(status: string): number {
  const kib = /^RssAnon:\s+(\d+) kB/m.exec(status)?.[1];
  if (kib === undefined) throw new RangeError("no RssAnon in /proc/PID/status: it needs Linux 4.5 or later");
  return Number(kib) * 1024;
}

/** Slab of /proc/meminfo, in bytes. */
export function slabBytes(meminfo: string): number {
  return Number(/^Slab:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) * 1024;
}

/** Memory of TCP buffers, of /proc/net/sockstat, in bytes. */
export function tcpBufferBytes(sockstat: string): number {
  return Number(/^TCP:.*\bmem (\d+)/m.exec(sockstat)?.[1] ?? 0) * PAGE_BYTES;
}

/** Slab and TCP buffers of the machine. */
function kernelBytes(): number {
  return slabBytes(readFileSync("/proc/meminfo", "latin1")) + tcpBufferBytes(readFileSync("/proc/net/sockstat", "latin1"));
}

/** Undefined when the process is gone: it died between being listed and being looked at. */
function ofProcess<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

export function sum(values: Record<string, number>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}

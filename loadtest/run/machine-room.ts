// What this machine has room for now, read from /proc: the numbers that headroom.ts does its sums with. What a system does not
// say is undefined, and then not judged.
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { Room } from "./headroom.ts";

/** Connections to itself that show whether the kernel tracks them. */
const TRIALS = 32;
/** Of them, how many have to show in the count: others come and go meanwhile. */
const TRIALS_SEEN = TRIALS / 2;

export async function readRoom(): Promise<Room> {
  const tcpPages = numbers("/proc/sys/net/ipv4/tcp_mem");
  const [filesOpen = 0] = numbers("/proc/sys/fs/file-nr") ?? [];
  return {
    memoryBytes: availableBytes(),
    filesMax: numbers("/proc/sys/fs/file-max")?.[0],
    filesOpen,
    epollWatchesMax: numbers("/proc/sys/fs/epoll/max_user_watches")?.[0],
    tcpPages: tcpPages?.length === 3 ? [tcpPages[0]!, tcpPages[1]!, tcpPages[2]!] : undefined,
    tracked: await tracking(),
  };
}

/** MemAvailable of /proc/meminfo, in bytes; undefined where there is none. */
export function availableBytes(): number | undefined {
  const text = textOf("/proc/meminfo");
  const kib = text === undefined ? undefined : /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** Connections that the kernel tracks, if a rule has it track those on loopback: the module may be there without any. */
async function tracking(): Promise<Room["tracked"]> {
  const count = (): number | undefined => numbers("/proc/sys/net/netfilter/nf_conntrack_count")?.[0];
  const max = numbers("/proc/sys/net/netfilter/nf_conntrack_max")?.[0];
  const before = count();
  if (max === undefined || before === undefined) return undefined;
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as { port: number };
  const connected = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", resolve).on("error", reject);
      sockets.push(socket);
    });
  try {
    await Promise.all(Array.from({ length: TRIALS }, connected));
    return count()! - before >= TRIALS_SEEN ? { count: before, max } : undefined;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function numbers(path: string): number[] | undefined {
  return textOf(path)?.trim().split(/\s+/).map(Number);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (["ENOENT", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

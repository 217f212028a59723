// Whether a run fits into this machine, before it begins: memory, files, ports of the connection tracker, buffers of TCP. Pure
// arithmetic over what machine-room.ts reads, so that a run is refused with the sum that does not come out, and with the
// largest number that would, instead of ending in the kernel's out-of-memory killer half an hour later.

/** What the machine has, at this moment. Undefined: this system does not say. */
export interface Room {
  /** MemAvailable of /proc/meminfo. */
  memoryBytes: number | undefined;
  /** Of the whole machine: files that may be open, and are. */
  filesMax: number | undefined;
  filesOpen: number;
  /** Files that one user may have in epoll sets. */
  epollWatchesMax: number | undefined;
  /** tcp_mem, pages of 4 KiB: beyond the first TCP saves, beyond the second it is under pressure, beyond the last it drops. */
  tcpPages: readonly [number, number, number] | undefined;
  /** Connection tracking: undefined where there is none, or it has no rule that sees loopback. */
  tracked: { count: number; max: number } | undefined;
}

export interface Demand {
  connections: number;
  /** Processes of our own on this machine. */
  gateways: number;
  drivers: number;
  /** Both ends are here, and with them the servers. */
  ownStack: boolean;
  transport: "tcp" | "ws" | "both";
  /** Sessions that connect each second. */
  connectRate: number;
}

/**
 * What things take, measured on Linux 6 with Node 20: socket, file, dentry and epoll entry of both ends; an idle gateway, a driver and
 * logic with NATS and the coordinator, private memory without sessions; and what all user space keeps for a session.
 */
export const COST = {
  kernelBytes: 11_100,
  kernelBytesOneEnd: 5_550,
  gatewayBytes: 28_000_000,
  driverBytes: 18_000_000,
  baseBytes: 400_000_000,
  sessionBytes: { tcp: 1_500, ws: 2_500, both: 2_000 },
  driverSessionBytes: 300,
} as const;

/** Of a session that connects now: a segment or two in the buffers of each end, for the time that it takes. */
const HANDSHAKE_PAGES = 4;
const HANDSHAKE_SECONDS = 2;
/** Files of the machine that processes have besides their connections. */
const FILES_PER_PROCESS = 64;
/** As much is left over for whoever else runs here. */
const MARGIN_BYTES = 300_000_000;

/** Bytes that the run is expected to take, with everybody connected. */
export function demandBytes({ connections, gateways, drivers, ownStack, transport }: Demand): number {
  const each = (ownStack ? COST.kernelBytes + COST.sessionBytes[transport] : COST.kernelBytesOneEnd) + COST.driverSessionBytes;
  return Math.round(connections * each + drivers * COST.driverBytes + (ownStack ? COST.baseBytes + gateways * COST.gatewayBytes : 0));
}

/** Sessions that would fit into so many bytes, with processes in proportion. */
export function connectionsThatFit(demand: Demand, bytes: number): number {
  const one = demandBytes({ ...demand, connections: 0, gateways: 0, drivers: 0 });
  const each = (demandBytes(demand) - one) / demand.connections;
  return Math.max(0, Math.floor((bytes - MARGIN_BYTES - one) / each / 1000) * 1000);
}

/** Why the run cannot be done here, each with the sum and what to change; none when it can. */
export function shortages(demand: Demand, room: Room): string[] {
  const short: string[] = [];
  const { connections, gateways, drivers, ownStack, transport, connectRate } = demand;
  const bytes = demandBytes(demand);
  if (room.memoryBytes !== undefined && bytes + MARGIN_BYTES > room.memoryBytes) {
    const each = (ownStack ? COST.kernelBytes + COST.sessionBytes[transport] : COST.kernelBytesOneEnd) + COST.driverSessionBytes;
    short.push(
      `${connections} connections take about ${gb(bytes)} (${connections} times ${each} bytes, kernel included; ` +
        `${ownStack ? `${gateways} gateways of ${gb(COST.gatewayBytes)}, ` : ""}${drivers} drivers of ${gb(COST.driverBytes)}${ownStack ? `, ${gb(COST.baseBytes)} for the rest` : ""}), ` +
        `and ${gb(room.memoryBytes)} are free: take --connections ${connectionsThatFit(demand, room.memoryBytes)}, or --memory-floor 0 to try it all the same`,
    );
  }
  const sockets = connections * (ownStack ? 2 : 1);
  if (room.filesMax !== undefined && sockets + FILES_PER_PROCESS * (gateways + drivers) + room.filesOpen > room.filesMax) {
    short.push(`${sockets} sockets, and this machine may open ${room.filesMax} files: sysctl -w fs.file-max=${Math.ceil((sockets * 1.1) / 1e5) * 1e5}`);
  }
  if (room.epollWatchesMax !== undefined && sockets > room.epollWatchesMax) {
    short.push(
      `${sockets} sockets, and a user may watch ${room.epollWatchesMax}: sysctl -w fs.epoll.max_user_watches=${Math.ceil((sockets * 1.1) / 1e5) * 1e5}`,
    );
  }
  if (room.tracked !== undefined && connections > room.tracked.max - room.tracked.count) {
    short.push(
      `a firewall rule has the kernel track every connection, at most ${room.tracked.max} (${room.tracked.count} now): sysctl -w net.netfilter.nf_conntrack_max=${Math.ceil((connections * 1.2) / 1000) * 1000}, ` +
        "or leave loopback out of it: iptables -t raw -A PREROUTING -i lo -j NOTRACK and iptables -t raw -A OUTPUT -o lo -j NOTRACK",
    );
  }
  const pages = Math.min(connections, connectRate * HANDSHAKE_SECONDS) * HANDSHAKE_PAGES;
  if (room.tcpPages !== undefined && pages > room.tcpPages[1]) {
    short.push(
      `${connectRate} connects a second hold about ${pages} pages of TCP buffers, and from ${room.tcpPages[1]} on the kernel is short of them: take a lower --connect-rate, or raise net.ipv4.tcp_mem`,
    );
  }
  return short;
}

/** What was looked at, in one line for people. */
export function roomWords(demand: Demand, room: Room): string {
  const memory = room.memoryBytes === undefined ? "memory unknown" : `about ${gb(demandBytes(demand))} needed of ${gb(room.memoryBytes)} free`;
  const tracking =
    room.tracked === undefined ? "no rule tracks connections on loopback" : `connections are tracked, ${room.tracked.count} of ${room.tracked.max}`;
  const tcp = room.tcpPages === undefined ? "" : `; TCP buffers up to ${gb(room.tcpPages[2] * 4096)}`;
  return `room: ${memory}; ${tracking}${tcp}`;
}

/** 23.4 GB, 45 MB */
export function gb(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

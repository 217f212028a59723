// The PROXY protocol's header, versions 1 and 2: what a load balancer writes before the first byte of a connection, to
// say who the client is. Pure: bytes in; complete, not yet, or no header at all out. It is read as strictly as it is
// defined, because whoever could forge it would choose its own address.
//
// Accepted: v1 TCP4, TCP6 and UNKNOWN; v2 LOCAL and PROXY, of TCP over IPv4 or IPv6; a family that is not said and
// UNIX sockets name no address. TLVs are skipped. At most PROXY_HEADER_BYTES_MAX, so that what waits for the rest of a
// header is bounded. testing/proxy-vectors.ts has an example of each; the native core reads the same list.
import { formatIp, parseIp } from "./ip-address.ts";

/** A v2 header may be 64 KiB by its length field; real ones stay below one segment. */
export const PROXY_HEADER_BYTES_MAX = 4096;
/** "PROXY UNKNOWN" with the longest addresses that there are, and its line end. */
const V1_BYTES_MAX = 107;
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V1_BEGINNING = Uint8Array.of(0x50, 0x52, 0x4f, 0x58, 0x59, 0x20);
const V2_FIXED_BYTES = 16;
const CR = 13;
const LF = 10;

export const ProxyRead = { Done: 0, More: 1, Bad: 2 } as const;
export type ProxyRead = (typeof ProxyRead)[keyof typeof ProxyRead];

/** What the last header that was Done said. Read it before the next call. */
export const proxyHeader = {
  /** "": the header names no address, the socket's own stands. */
  address: "",
  port: 0,
  /** Where the connection's own bytes begin. */
  bytes: 0,
};

/** Reads a header that begins at bytes[0]. Done: `proxyHeader` has it. More: nothing is wrong so far. Bad: close. */
export function readProxyHeader(bytes: Uint8Array): ProxyRead {
  if (bytes.length === 0) return ProxyRead.More;
  if (bytes[0] === SIGNATURE[0]) return readV2(bytes);
  return readV1(bytes);
}

function readV2(bytes: Uint8Array): ProxyRead {
  const known = Math.min(bytes.length, SIGNATURE.length);
  for (let i = 1; i < known; i++) if (bytes[i] !== SIGNATURE[i]) return ProxyRead.Bad;
  if (bytes.length < V2_FIXED_BYTES) return ProxyRead.More;
  const command = bytes[12]!;
  if (command !== 0x20 && command !== 0x21) return ProxyRead.Bad;
  const length = (bytes[14]! << 8) | bytes[15]!;
  const total = V2_FIXED_BYTES + length;
  if (total > PROXY_HEADER_BYTES_MAX) return ProxyRead.Bad;
  const family = command === 0x20 ? 0x00 : bytes[13]!;
  const addressBytes = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (addressBytes === 0 && family !== 0x00 && family !== 0x31) return ProxyRead.Bad;
  if (length < 2 * addressBytes + (addressBytes === 0 ? 0 : 4)) return ProxyRead.Bad;
  if (bytes.length < total) return ProxyRead.More;
  if (addressBytes === 0) return done("", 0, total);
  const portAt = V2_FIXED_BYTES + 2 * addressBytes;
  return done(formatIp(bytes, V2_FIXED_BYTES, addressBytes), (bytes[portAt]! << 8) | bytes[portAt + 1]!, total);
}

function readV1(bytes: Uint8Array): ProxyRead {
  const known = Math.min(bytes.length, V1_BEGINNING.length);
  for (let i = 0; i < known; i++) if (bytes[i] !== V1_BEGINNING[i]) return ProxyRead.Bad;
  const most = Math.min(bytes.length, V1_BYTES_MAX);
  let end = V1_BEGINNING.length;
  while (end < most && bytes[end] !== CR) {
    // No control character belongs there: a lone line feed ends a line for some readers only.
    if (bytes[end]! < 32 || bytes[end]! > 126) return ProxyRead.Bad;
    end++;
  }
  if (end + 1 >= V1_BYTES_MAX) return ProxyRead.Bad;
  if (end + 1 >= bytes.length) return ProxyRead.More;
  if (bytes[end + 1] !== LF) return ProxyRead.Bad;
  let line = "";
  for (let i = V1_BEGINNING.length; i < end; i++) line += String.fromCharCode(bytes[i]!);
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) return done("", 0, end + 2);
  const [family, source, target, sourcePort, targetPort, beyond] = line.split(" ", 6);
  const addressBytes = family === "TCP4" ? 4 : family === "TCP6" ? 16 : 0;
  if (addressBytes === 0 || beyond !== undefined || source === undefined || target === undefined) return ProxyRead.Bad;
  // The target first: what is left in SCRATCH is the source.
  if (parseIp(target, SCRATCH) !== addressBytes || parseIp(source, SCRATCH) !== addressBytes) return ProxyRead.Bad;
  const port = portOf(sourcePort);
  if (port < 0 || portOf(targetPort) < 0) return ProxyRead.Bad;
  return done(formatIp(SCRATCH, 0, addressBytes), port, end + 2);
}
const SCRATCH = new Uint8Array(16);
const PORT = /^(0|[1-9]\d{0,4})$/;

function portOf(text: string | undefined): number {
  if (text === undefined || !PORT.test(text)) return -1;
  const port = Number(text);
  return port <= 65_535 ? port : -1;
}

function done(address: string, port: number, bytes: number): ProxyRead {
  proxyHeader.address = address;
  proxyHeader.port = port;
  proxyHeader.bytes = bytes;
  return ProxyRead.Done;
}

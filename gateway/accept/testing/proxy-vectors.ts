// PROXY protocol headers and what every reader of them must make of each (proxy-protocol.ts here, the native core in
// C++): one list for both, so that a listener behaves the same whichever of them serves it.
//
// Bytes behind a header that is good belong to the connection; a reader says where they begin. Each vector must give
// the same outcome however its bytes are cut.
import { PROXY_HEADER_BYTES_MAX } from "../proxy-protocol.ts";

export interface ProxyVector {
  readonly what: string;
  readonly bytes: Uint8Array;
  /**
   * The client's address and port; `""`: the header is good, but names none (LOCAL, UNKNOWN), so that the socket's own
   * address stands; undefined: not a header, the connection is closed; "more": nothing is wrong with it, but it is not whole.
   */
  readonly address: string | undefined | "more";
  readonly port?: number;
  /** Bytes of the header, where it is good. */
  readonly headerBytes?: number;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const V4 = Uint8Array.of(192, 0, 2, 7, 198, 51, 100, 9, 0xdb, 0xa5, 0x1b, 0x9e);
const V6_SOURCE = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2a);
const V6 = joined(V6_SOURCE, Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), Uint8Array.of(0xdb, 0xa5, 0x1b, 0x9e));
const MAPPED = joined(
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7),
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1),
  Uint8Array.of(0xdb, 0xa5, 0x1b, 0x9e),
);
/** A TLV of type NOOP with 5 bytes. */
const TLV = Uint8Array.of(4, 0, 5, 1, 2, 3, 4, 5);

/** A v2 header: version and command, family and protocol, then `body` under its own length or another. */
export function proxyV2(command: number, family: number, body: Uint8Array, length = body.length): Uint8Array {
  return joined(SIGNATURE, Uint8Array.of(command, family, length >> 8, length & 255), body);
}

export function proxyV1(line: string): Uint8Array {
  return new TextEncoder().encode(line);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const PORT = 0xdba5;
const good = (what: string, header: Uint8Array, address: string, port: number, behind = new Uint8Array(0)): ProxyVector => ({
  what,
  bytes: joined(header, behind),
  address,
  port,
  headerBytes: header.length,
});
const bad = (what: string, bytes: Uint8Array): ProxyVector => ({ what, bytes, address: undefined });
const more = (what: string, bytes: Uint8Array): ProxyVector => ({ what, bytes, address: "more" });

export const PROXY_VECTORS: readonly ProxyVector[] = [
  good("v1, IPv4", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070\r\n"), "192.0.2.7", PORT),
  good("v1, IPv4, a frame behind it", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070\r\n"), "192.0.2.7", PORT, Uint8Array.of(0)),
  good("v1, IPv4, the largest values", proxyV1("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255", 65535),
  good("v1, IPv6", proxyV1("PROXY TCP6 2001:db8::2a 2001:db8::1 56229 7070\r\n"), "2001:db8::2a", PORT),
  good("v1, IPv6 written out", proxyV1("PROXY TCP6 2001:0db8:0000:0000:0000:0000:0000:002A 2001:db8::1 56229 7070\r\n"), "2001:db8::2a", PORT),
  good("v1, IPv4 in IPv6", proxyV1("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:10.0.0.1 56229 7070\r\n"), "::ffff:192.0.2.7", PORT),
  good("v1, UNKNOWN", proxyV1("PROXY UNKNOWN\r\n"), "", 0),
  good("v1, UNKNOWN with anything behind it", proxyV1("PROXY UNKNOWN ffff:: whatever 1 2\r\n"), "", 0, Uint8Array.of(1, 2, 3)),
  good("v1, as long as it may be", proxyV1(`PROXY UNKNOWN ${"x".repeat(91)}\r\n`), "", 0),
  good("v2, IPv4", proxyV2(0x21, 0x11, V4), "192.0.2.7", PORT),
  good("v2, IPv4, a frame behind it", proxyV2(0x21, 0x11, V4), "192.0.2.7", PORT, Uint8Array.of(0, 0)),
  good("v2, IPv4 with a TLV", proxyV2(0x21, 0x11, joined(V4, TLV)), "192.0.2.7", PORT),
  good("v2, IPv4 with TLVs as long as it may be", proxyV2(0x21, 0x11, joined(V4, new Uint8Array(PROXY_HEADER_BYTES_MAX - 16 - 12))), "192.0.2.7", PORT),
  good("v2, IPv6", proxyV2(0x21, 0x21, V6), "2001:db8::2a", PORT),
  good("v2, IPv6 with a TLV and a frame behind it", proxyV2(0x21, 0x21, joined(V6, TLV)), "2001:db8::2a", PORT, Uint8Array.of(0)),
  good("v2, IPv4 in IPv6", proxyV2(0x21, 0x21, MAPPED), "::ffff:192.0.2.7", PORT),
  good("v2, LOCAL: the proxy's own health check", proxyV2(0x20, 0x00, new Uint8Array(0)), "", 0),
  good("v2, LOCAL with addresses, which do not count", proxyV2(0x20, 0x11, V4), "", 0),
  good("v2, LOCAL of a family that is none", proxyV2(0x20, 0xff, Uint8Array.of(1)), "", 0),
  good("v2, a family that is not said", proxyV2(0x21, 0x00, Uint8Array.of(1, 2, 3)), "", 0),
  good("v2, a UNIX socket", proxyV2(0x21, 0x31, new Uint8Array(216)), "", 0),
  more("nothing", new Uint8Array(0)),
  more("the first letter of v1", proxyV1("P")),
  more("v1 without its end", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070")),
  more("v1 without its last byte", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070\r")),
  more("half the signature of v2", SIGNATURE.subarray(0, 6)),
  more("the signature of v2", SIGNATURE),
  more("v2 without its addresses", proxyV2(0x21, 0x11, new Uint8Array(0), 12)),
  more("v2 without the end of its TLVs", proxyV2(0x21, 0x11, joined(V4, TLV.subarray(1)), 20)),
  bad("a Hello", Uint8Array.of(0x2a, 0x01, 0x08, 0x01)),
  bad("a beat", Uint8Array.of(0)),
  bad("TLS", Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00)),
  bad("HTTP", proxyV1("GET / HTTP/1.1\r\n")),
  bad("a POST, which begins like v1", proxyV1("POST / HTTP/1.1\r\n")),
  bad("v1 in small letters", proxyV1("proxy TCP4 192.0.2.7 198.51.100.9 56229 7070\r\n")),
  bad("v1, no protocol", proxyV1("PROXY \r\n")),
  bad("v1, nothing at all", proxyV1("PROXY\r\n")),
  bad("v1, UDP", proxyV1("PROXY UDP4 192.0.2.7 198.51.100.9 56229 7070\r\n")),
  bad("v1, UNKNOWN with a tail", proxyV1("PROXY UNKNOWNS\r\n")),
  bad("v1, two spaces", proxyV1("PROXY  TCP4 192.0.2.7 198.51.100.9 56229 7070\r\n")),
  bad("v1, two spaces before a port", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9  56229 7070\r\n")),
  bad("v1, a space at the end", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070 \r\n")),
  bad("v1, no port", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229\r\n")),
  bad("v1, a port too many", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070 1\r\n")),
  bad("v1, a port too large", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 65536 7070\r\n")),
  bad("v1, a port with a zero before it", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 056229 7070\r\n")),
  bad("v1, a port below zero", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 -1 7070\r\n")),
  bad("v1, the other port is none", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 x\r\n")),
  bad("v1, IPv4 with a number too large", proxyV1("PROXY TCP4 192.0.2.256 198.51.100.9 56229 7070\r\n")),
  bad("v1, IPv4 with a zero too many", proxyV1("PROXY TCP4 192.0.02.7 198.51.100.9 56229 7070\r\n")),
  bad("v1, half an IPv4", proxyV1("PROXY TCP4 192.0.2 198.51.100.9 56229 7070\r\n")),
  bad("v1, the other IPv4 is none", proxyV1("PROXY TCP4 192.0.2.7 localhost 56229 7070\r\n")),
  bad("v1, IPv6 for IPv4", proxyV1("PROXY TCP4 2001:db8::2a 2001:db8::1 56229 7070\r\n")),
  bad("v1, IPv4 for IPv6", proxyV1("PROXY TCP6 192.0.2.7 198.51.100.9 56229 7070\r\n")),
  bad("v1, IPv6 with a zone", proxyV1("PROXY TCP6 fe80::1%eth0 2001:db8::1 56229 7070\r\n")),
  bad("v1, IPv6 with two gaps", proxyV1("PROXY TCP6 2001::db8::1 2001:db8::1 56229 7070\r\n")),
  bad("v1, IPv6 with five digits", proxyV1("PROXY TCP6 2001:0db80::1 2001:db8::1 56229 7070\r\n")),
  bad("v1, a line feed alone", proxyV1("PROXY TCP4 192.0.2.7 198.51.100.9 56229 7070\n")),
  bad("v1, a carriage return that ends nothing", proxyV1("PROXY TCP4 192.0.2.7\r 198.51.100.9 56229 7070\r\n")),
  bad("v1, a byte too long", proxyV1(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`)),
  bad("v1, too long and without an end", proxyV1(`PROXY UNKNOWN ${"x".repeat(93)}`)),
  bad("v1, a zero byte", proxyV1("PROXY TCP4 192.0.2.7\0 198.51.100.9 56229 7070\r\n")),
  bad("v2, a signature with a wrong end", joined(SIGNATURE.subarray(0, 11), Uint8Array.of(0x0b))),
  bad("v2, version 1", proxyV2(0x11, 0x11, V4)),
  bad("v2, version 3", proxyV2(0x31, 0x11, V4)),
  bad("v2, an unknown command", proxyV2(0x22, 0x11, V4)),
  bad("v2, UDP over IPv4", proxyV2(0x21, 0x12, V4)),
  bad("v2, UDP over IPv6", proxyV2(0x21, 0x22, V6)),
  bad("v2, an unknown family", proxyV2(0x21, 0x41, V6)),
  bad("v2, too short for IPv4", proxyV2(0x21, 0x11, V4.subarray(1))),
  bad("v2, too short for IPv6", proxyV2(0x21, 0x21, V6.subarray(1))),
  bad("v2, a byte too long", proxyV2(0x21, 0x11, V4, PROXY_HEADER_BYTES_MAX - 16 + 1)),
  bad("v2, far too long", proxyV2(0x21, 0x11, V4, 65535)),
];

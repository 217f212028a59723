// Fuzzes the PROXY header's reader: whatever the bytes and wherever they are cut, it agrees with a second reader that is
// written from the format's description with other means, decides once, and never waits for more than a header can have.
//
// An input: how to cut (1 byte), then the bytes.
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import { PROXY_HEADER_BYTES_MAX, ProxyRead, proxyHeader, readProxyHeader } from "../../gateway/accept/proxy-protocol.ts";
import { PROXY_VECTORS } from "../../gateway/accept/testing/proxy-vectors.ts";
import type { Random } from "../../proto/testing/random.ts";
import { expect, type FuzzTarget, Input, mutate } from "./target.ts";

const WORDS = [
  "PROXY ",
  "TCP4 ",
  "TCP6 ",
  "UNKNOWN",
  " ",
  "\r\n",
  "\r",
  "\n",
  "0",
  "65535",
  "65536",
  "192.0.2.7",
  "10.0.0.255",
  "::",
  "::1",
  "2001:db8::2a",
  "::ffff:1.2.3.4",
  "fe80::1%1",
];

export class ProxyTarget implements FuzzTarget {
  readonly name = "proxy";
  readonly unit = "reads";
  private readonly input: Input;

  constructor() {
    this.input = new Input(PROXY_HEADER_BYTES_MAX + 64);
  }

  generate(random: Random): Uint8Array {
    const { input } = this;
    input.length = 0;
    input.byte(random.uint32());
    const kind = random.below(10);
    if (kind < 4) {
      for (const byte of random.pick(PROXY_VECTORS).bytes) input.byte(byte);
      if (random.chance(0.8)) mutate(random, input, 1);
    } else if (kind < 8) {
      text(input, "PROXY ");
      if (random.chance(0.7)) this.line(random);
      else for (let words = random.below(9); words > 0; words--) text(input, random.pick(WORDS));
      if (random.chance(0.9)) text(input, "\r\n");
      if (random.chance(0.3)) mutate(random, input, 1);
    } else {
      for (const byte of SIGNATURE) input.byte(byte);
      input.byte(random.pick([0x20, 0x21, 0x21, 0x21, random.below(256)]));
      input.byte(random.pick([0x00, 0x11, 0x21, 0x31, 0x12, random.below(256)]));
      const length = random.pick([0, 12, 12, 36, 36, 40, 216, random.below(64), random.below(PROXY_HEADER_BYTES_MAX)]);
      input.byte(length >> 8);
      input.byte(random.chance(0.95) ? length : random.uint32());
      input.noise(random, random.chance(0.8) ? length : random.below(64));
    }
    if (random.chance(0.3)) input.noise(random, random.below(20));
    return input.taken;
  }

  check(input: Uint8Array): number {
    const bytes = input.subarray(1);
    const wanted = reference(bytes);
    const step = 1 + ((input[0] ?? 0) & 31);
    let reads = 0;
    let decided = false;
    for (let length = 0; !decided; length = Math.min(length + step, bytes.length)) {
      const outcome = readProxyHeader(bytes.subarray(0, length));
      reads++;
      if (outcome === ProxyRead.More) {
        expect(length < PROXY_HEADER_BYTES_MAX, "a header that is as long as one may be is not waited for any longer");
        if (length < bytes.length) continue;
        expect(wanted === undefined, "More as long as the second reader needs more");
        return reads;
      }
      decided = true;
      expect(wanted !== undefined, "a decision only when the second reader has one");
      if (outcome === ProxyRead.Bad) expect(wanted === null, "Bad when the second reader says so");
      else {
        expect(wanted !== null, "Done when the second reader says so");
        expect(proxyHeader.bytes <= length && proxyHeader.bytes === wanted.bytes, "as many bytes");
        expect(proxyHeader.port === wanted.port, "the same port");
        expect(proxyHeader.address === wanted.address, "the same address");
      }
    }
    return reads;
  }

  private line(random: Random): void {
    const { input } = this;
    const six = random.chance(0.5);
    text(input, six ? "TCP6 " : "TCP4 ");
    text(input, `${address(random, six)} ${address(random, six)} ${random.below(70_000)} ${random.below(70_000)}`);
  }
}

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

function text(input: Input, text: string): void {
  for (let i = 0; i < text.length; i++) input.byte(text.charCodeAt(i));
}

function address(random: Random, six: boolean): string {
  if (!six) return `${random.below(260)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`;
  const groups = Array.from({ length: random.pick([8, 8, 8, 7, 9]) }, () => (random.chance(0.4) ? "0" : random.below(65_536).toString(16)));
  if (random.chance(0.5)) groups.splice(random.below(groups.length), random.below(4), "");
  return groups.join(":");
}

interface Header {
  bytes: number;
  address: string;
  port: number;
}

/** The header; null: none, and no bytes that follow change that; undefined: more are needed. */
function reference(bytes: Uint8Array): Header | null | undefined {
  const ascii = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, PROXY_HEADER_BYTES_MAX)).toString("latin1");
  if (ascii === "") return undefined;
  const signature = String.fromCharCode(...SIGNATURE);
  if (signature.startsWith(ascii.slice(0, 12))) return ascii.length < 16 ? undefined : second(bytes, ascii);
  if (ascii.startsWith("\r")) return null;
  const start = "PROXY ";
  if (!ascii.startsWith(start)) return start.startsWith(ascii) ? undefined : null;
  const line = /^PROXY ([ -~]{0,99})\r\n/.exec(ascii);
  if (line === null) return /^PROXY [ -~]{0,99}$|^PROXY [ -~]{0,99}\r$/.test(ascii) && ascii.length < 107 ? undefined : null;
  const rest = line[1]!;
  if (/^UNKNOWN( |$)/.test(rest)) return { bytes: line[0].length, address: "", port: 0 };
  const parts = /^TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(rest);
  if (parts === null) return null;
  const [, family, source, target, port, otherPort] = parts as unknown as [string, string, string, string, string, string];
  for (const text of [port, otherPort]) if (Number(text) > 65_535 || String(Number(text)) !== text) return null;
  const is = family === "4" ? isIPv4 : (text: string) => isIPv6(text) && !text.includes("%");
  if (!is(source) || !is(target)) return null;
  return { bytes: line[0].length, address: canonical(source, family === "4"), port: Number(port) };
}

function second(bytes: Uint8Array, ascii: string): Header | null | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const total = 16 + view.getUint16(14);
  const command = bytes[12];
  if ((command !== 0x20 && command !== 0x21) || total > PROXY_HEADER_BYTES_MAX) return null;
  const family = command === 0x20 ? 0 : bytes[13];
  const sizes: Record<number, number> = { 0: 0, 17: 12, 33: 36, 49: 0 };
  const size = sizes[family!];
  if (size === undefined || total < 16 + size) return null;
  if (ascii.length < total) return undefined;
  if (size === 0) return { bytes: total, address: "", port: 0 };
  if (family === 0x11) return { bytes: total, address: Array.from(bytes.subarray(16, 20)).join("."), port: view.getUint16(24) };
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(16 + 2 * i).toString(16));
  return { bytes: total, address: canonical(groups.join(":"), false), port: view.getUint16(48) };
}

/** As the system writes it. */
function canonical(text: string, four: boolean): string {
  return four ? text : new SocketAddress({ address: text, family: "ipv6" }).address;
}

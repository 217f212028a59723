// IP addresses as bytes: text to bytes and back, and ranges such as 10.0.0.0/8. Text goes out as inet_ntop writes it
// (RFC 5952), so that one address has one text; in comes every form that inet_pton takes.

/** Bytes of the address that `parseIp` read last into its buffer: 4 or 16. */
export type AddressBytes = 0 | 4 | 16;

const ZERO = 48;
const NINE = 57;
const DOT = 46;
const COLON = 58;

/** Reads an address from text into `out` (16 bytes). Returns 4 or 16, or 0 when it is none. Zones (%eth0) are none. */
export function parseIp(text: string, out: Uint8Array): AddressBytes {
  if (text.length > 45) return 0;
  if (text.indexOf(":") >= 0) return parseV6(text, out) ? 16 : 0;
  return parseV4(text, 0, out, 0) ? 4 : 0;
}

/** The address in bytes[at, at + length) as text. */
export function formatIp(bytes: Uint8Array, at: number, length: 4 | 16): string {
  if (length === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push((bytes[at + i]! << 8) | bytes[at + i + 1]!);
  let gapAt = -1;
  let gapLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i > gapLength) {
      gapAt = i;
      gapLength = end - i;
    }
    if (end > i) i = end;
  }
  const mapped = gapAt === 0 && (gapLength === 6 || (gapLength === 5 && words[5] === 0xffff));
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === gapAt) {
      text += i === 0 ? "::" : ":";
      i += gapLength - 1;
    } else if (mapped && i === 6) {
      return text + formatIp(bytes, at + 12, 4);
    } else {
      text += words[i]!.toString(16);
      if (i < 7) text += ":";
    }
  }
  return text;
}

function parseV4(text: string, from: number, out: Uint8Array, at: number): boolean {
  let parts = 0;
  let value = -1;
  for (let i = from; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : DOT;
    if (c === DOT) {
      if (value < 0 || parts === 4) return false;
      out[at + parts++] = value;
      value = -1;
    } else {
      // A leading zero would be octal to some and decimal to others.
      if (c < ZERO || c > NINE || value === 0) return false;
      value = (value < 0 ? 0 : value) * 10 + c - ZERO;
      if (value > 255) return false;
    }
  }
  return parts === 4;
}

function parseV6(text: string, out: Uint8Array): boolean {
  let at = 0;
  let gapAt = -1;
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gapAt = 0;
    i = 2;
  }
  while (i < text.length) {
    const start = i;
    let value = 0;
    while (i < text.length && text.charCodeAt(i) !== COLON && text.charCodeAt(i) !== DOT) {
      const digit = hexDigit(text.charCodeAt(i++));
      if (digit < 0 || i - start > 4) return false;
      value = value * 16 + digit;
    }
    if (i < text.length && text.charCodeAt(i) === DOT) {
      if (at > 12 || !parseV4(text, start, out, at)) return false;
      at += 4;
      i = text.length;
      break;
    }
    if (i === start || at > 14) return false;
    out[at] = value >> 8;
    out[at + 1] = value & 255;
    at += 2;
    if (i === text.length) break;
    i++;
    if (i === text.length) return false;
    if (text.charCodeAt(i) !== COLON) continue;
    if (gapAt >= 0) return false;
    gapAt = at;
    i++;
  }
  if (gapAt < 0) return at === 16;
  // A gap stands for one group of zeros at least.
  if (at > 14) return false;
  const tail = at - gapAt;
  out.copyWithin(16 - tail, gapAt, at);
  out.fill(0, gapAt, 16 - tail);
  return true;
}

function hexDigit(c: number): number {
  if (c >= ZERO && c <= NINE) return c - ZERO;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Whether the 16 bytes are an IPv4 address in IPv6 form (::ffff:0:0/96). */
export function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** The 16 bytes of an address, IPv4 in its IPv6 form, so that both kinds compare; undefined when the text is none. */
export function ipBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  return readIp(text, bytes) ? bytes : undefined;
}

/** The same into `out`. False: the text is no address. */
export function readIp(text: string, out: Uint8Array): boolean {
  const length = parseIp(text, out);
  if (length === 4) {
    out.copyWithin(12, 0, 4);
    out.fill(0, 0, 10);
    out[10] = 0xff;
    out[11] = 0xff;
  }
  return length > 0;
}

/** Ranges of addresses. */
export class IpRanges {
  private readonly bytes: readonly Uint8Array[];
  private readonly bits: readonly number[];

  /** Of texts such as "10.0.0.0/8", "2001:db8::/32" or "192.0.2.1". Throws when one is none of these. */
  constructor(texts: readonly string[]) {
    const bytes: Uint8Array[] = [];
    const bits: number[] = [];
    for (const text of texts) {
      const slash = text.indexOf("/");
      const address = slash < 0 ? text : text.slice(0, slash);
      const base = ipBytes(address);
      const widest = address.includes(":") ? 128 : 32;
      const prefix = slash < 0 ? widest : /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
      if (base === undefined || prefix < 0 || prefix > widest) throw new Error(`"${text}" is no range of addresses (10.0.0.0/8, 2001:db8::/32, 192.0.2.1)`);
      bytes.push(base);
      bits.push(prefix + 128 - widest);
    }
    this.bytes = bytes;
    this.bits = bits;
  }

  get size(): number {
    return this.bits.length;
  }

  /** All of them in one array, 17 bytes each: how many bits count, then the address. */
  flat(): Uint8Array {
    const flat = new Uint8Array(17 * this.size);
    this.bits.forEach((bits, i) => {
      flat[17 * i] = bits;
      flat.set(this.bytes[i]!, 17 * i + 1);
    });
    return flat;
  }

  /** Whether the address (16 bytes, as `readIp` gives them) is in one of them. */
  has(address: Uint8Array): boolean {
    for (let i = 0; i < this.bits.length; i++) if (samePrefix(this.bytes[i]!, address, this.bits[i]!)) return true;
    return false;
  }
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (a[whole]! ^ b[whole]!) >> (8 - rest) === 0;
}

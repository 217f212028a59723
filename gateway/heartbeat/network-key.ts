// Which network a connection comes over, as a short text: the part of its address that a network shares, which the gateway
// sees for itself, and the hint of Hello.network. The hint only divides what the address already tells apart (a phone's carrier
// and the cable behind it), so nobody can speak for a network that he is not on. Pure.
//
// Invariant: a key is 1 to KEY_CHARS_MAX of a-z 0-9 . - _ and :, whatever the client sent.
import { isIPv4, isIPv6 } from "node:net";

/** A hint is cut here: "310-260", "wifi" and the like are short. */
const HINT_CHARS_MAX = 16;
export const KEY_CHARS_MAX = 48;

/** Between address and hint; no address has one. */
const HINT_MARK = "_";
const MAPPED = "::ffff:";

/**
 * The key of a network: the first three bytes of an IPv4 address (/24) or the first three groups of an IPv6 one (/48), which is
 * what carriers and sites are given as a whole, then the hint.
 */
export function networkKey(hint: string, address: string): string {
  const said = hint
    .slice(0, HINT_CHARS_MAX)
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "_");
  return `${addressPrefix(address)}${HINT_MARK}${said}`.slice(0, KEY_CHARS_MAX);
}

/** The part of a key that the gateway saw for itself. */
export function addressOf(key: string): string {
  const end = key.indexOf(HINT_MARK);
  return end === -1 ? key : key.slice(0, end);
}

export function isHinted(key: string): boolean {
  const end = key.indexOf(HINT_MARK);
  return end !== -1 && end + 1 < key.length;
}

/** The network of the same addresses that has no hint. */
export function withoutHint(key: string): string {
  return `${addressOf(key)}${HINT_MARK}`;
}

/** "192.0.2" for 192.0.2.7 and ::ffff:192.0.2.7; "2001:db8:1" for 2001:db8:1:2::3; "?" for what is no address. */
export function addressPrefix(address: string): string {
  const plain = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
  if (isIPv4(plain)) return plain.slice(0, plain.lastIndexOf("."));
  if (!isIPv6(plain)) return "?";
  const [head = "", tail] = plain.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  // Behind "::" stand zeros, as many as are missing; of them only those among the first three matter.
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  for (let i = 0; i < zeros && groups.length < 3; i++) groups.push("0");
  return groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

/** 32 bits of a text and a salt: murmur3's finalizer over FNV-1a. For sampling and telling apart, not for secrets. */
export function hash32(text: string, salt: number): number {
  let h = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix32(h ^ salt);
}

export function mix32(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

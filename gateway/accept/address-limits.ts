// What one address, and one user, may cost: connections of an address that are open, connections it makes a second,
// tokens of it that were refused, and how often a user connects. Asked when a connection opens, before anything is kept
// of it, and when its token was checked. No I/O; bounded memory (rate-table.ts), 8 bytes for each slot beside it.
//
// An address is an IPv4 address or the /64 network of an IPv6 one: whoever has one address of such a network has them
// all (RFC 6177). Addresses that stand for many (the proxy that all clients come through, this machine) are exempt.
import { ErrorCode } from "../../proto/error-code.ts";
import { type IpRanges, isMapped, readIp } from "./ip-address.ts";
import { type Rate, RateTable } from "./rate-table.ts";

export interface AddressLimitOptions {
  /** Connections of an address that are open at once. 0: any. */
  readonly connectionsPerAddress: number;
  /** New connections of an address a second, in the long run; ten seconds' worth of them may come at once. 0: any. */
  readonly connectsPerAddressPerSecond: number;
  /** Tokens of an address refused as AUTH_FAILED a minute, before its connections are turned away. 0: any. */
  readonly authFailuresPerAddressPerMinute: number;
  /** Connections that a user opens a minute, in the long run and at once. 0: any. */
  readonly connectsPerUserPerMinute: number;
  readonly exempt: IpRanges;
}

/** This machine, private networks (RFC 1918, 4193), the shared ones of carriers (RFC 6598), link-local addresses. */
export const EXEMPT_BY_DEFAULT = [
  "127.0.0.0/8",
  "::1",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "169.254.0.0/16",
  "fc00::/7",
  "fe80::/10",
];

/** Why a connection is turned away, and for how long. */
export interface Turned {
  readonly code: typeof ErrorCode.TooManyConnections | typeof ErrorCode.Busy;
  readonly retryAfterMs: number;
  readonly detail: string;
}

const CONNECTS_BURST_SECONDS = 10;
/**
 * Addresses and users whose buckets are remembered: those of the last seconds are what counts, since a bucket that is full again
 * is as good as none. More would be memory that each session has to bear (8,192 users: 18 bytes, of 19,000 sessions).
 */
const RECENT_MAX = 8192;
/** Somebody whose connections are all taken: until one of them ends is anybody's guess. */
const RETRY_MS = 10_000;
const Bucket = { Connects: 0, Failures: 1, Sockets: 2 } as const;
const ADDRESS_BUCKETS = 3;
/** Sockets may come so many times as fast as connections: those are told why they are turned away, these cannot be. */
const SOCKETS_SHARE = 2;
/** High halves of keys that no IPv6 address of a host begins with (ff00::/8 is multicast). */
const V4_HIGH = 0xffff0000;

export class AddressLimits {
  /** Connections turned away, by TurnedBy. */
  readonly turned: Float64Array;
  private readonly options: AddressLimitOptions;
  private readonly connects: Rate;
  private readonly sockets: Rate;
  private readonly failures: Rate;
  private readonly userConnects: Rate;
  /** Of addresses with connections; and the buckets of those who came lately. */
  private readonly openBy: RateTable;
  private readonly addresses: RateTable;
  private readonly users: RateTable;
  private readonly seed: number;
  /** By slot: the key under which it is counted; both 0: it is not. */
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly bytes: Uint8Array;

  /** `seed`: any 32 bits, unknown to clients. */
  constructor(slots: number, options: AddressLimitOptions, seed: number) {
    this.turned = new Float64Array(TURNED_BY.length);
    this.options = options;
    this.connects = { perSecond: options.connectsPerAddressPerSecond, burst: options.connectsPerAddressPerSecond * CONNECTS_BURST_SECONDS };
    this.sockets = { perSecond: SOCKETS_SHARE * this.connects.perSecond, burst: SOCKETS_SHARE * this.connects.burst };
    this.failures = { perSecond: options.authFailuresPerAddressPerMinute / 60, burst: options.authFailuresPerAddressPerMinute };
    this.userConnects = { perSecond: options.connectsPerUserPerMinute / 60, burst: options.connectsPerUserPerMinute };
    this.openBy = new RateTable(slots, seed, 0);
    this.addresses = new RateTable(RECENT_MAX, seed, ADDRESS_BUCKETS);
    this.users = new RateTable(RECENT_MAX, seed, 1);
    this.seed = seed | 0;
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.bytes = new Uint8Array(16);
  }

  /** Addresses known now, and forgotten for want of room; users likewise. */
  get known(): { addresses: number; users: number; evictions: number } {
    return { addresses: this.addresses.size, users: this.users.size, evictions: this.addresses.evictions + this.users.evictions };
  }

  /** A socket came whose handshake of TLS or HTTP is still to be: is it worth that? */
  admits(address: string, now: number): boolean {
    if (this.options.connectsPerAddressPerSecond === 0 || !this.readKey(address)) return true;
    if (this.addresses.take(keyHigh, keyLow, Bucket.Sockets, this.sockets, now) === 0) return true;
    this.turned[TurnedBy.Sockets]!++;
    return false;
  }

  /** A connection opened; one that is turned away is counted as open until `closed`, as it is. `now`: monotonic ms. */
  opened(slot: number, address: string, now: number): Turned | undefined {
    const { options, addresses } = this;
    this.high[slot] = 0;
    this.low[slot] = 0;
    if (!this.readKey(address)) return undefined;
    const high = keyHigh;
    const low = keyLow;
    this.high[slot] = high;
    this.low[slot] = low;
    this.openBy.opened(high, low, now);
    if (options.connectionsPerAddress !== 0 && this.openBy.openCount(high, low) > options.connectionsPerAddress) {
      return this.turn(TurnedBy.Open, ErrorCode.TooManyConnections, RETRY_MS, "too many connections from this address");
    }
    if (options.connectsPerAddressPerSecond !== 0) {
      const waitMs = addresses.take(high, low, Bucket.Connects, this.connects, now);
      if (waitMs > 0) return this.turn(TurnedBy.Connects, ErrorCode.Busy, waitMs, "this address connects too often");
    }
    if (options.authFailuresPerAddressPerMinute !== 0) {
      const waitMs = addresses.waitMs(high, low, Bucket.Failures, this.failures, now);
      if (waitMs > 0) return this.turn(TurnedBy.Failures, ErrorCode.Busy, waitMs, "too many tokens of this address were refused");
    }
    return undefined;
  }

  closed(slot: number): void {
    if (this.high[slot] === 0 && this.low[slot] === 0) return;
    this.openBy.closed(this.high[slot]!, this.low[slot]!);
    this.high[slot] = 0;
    this.low[slot] = 0;
  }

  /** A token that came over this slot was refused (AUTH_FAILED). */
  authFailed(slot: number, now: number): void {
    if (this.options.authFailuresPerAddressPerMinute === 0 || (this.high[slot] === 0 && this.low[slot] === 0)) return;
    this.addresses.take(this.high[slot]!, this.low[slot]!, Bucket.Failures, this.failures, now);
  }

  /** A user's token was found good: may it connect now? */
  userConnected(user: Uint8Array, now: number): Turned | undefined {
    if (this.options.connectsPerUserPerMinute === 0) return undefined;
    hashUser(user, this.seed);
    const waitMs = this.users.take(keyHigh, keyLow, Bucket.Connects, this.userConnects, now);
    return waitMs > 0 ? this.turn(TurnedBy.User, ErrorCode.Busy, waitMs, "this user connects too often") : undefined;
  }

  private turn(by: number, code: Turned["code"], waitMs: number, detail: string): Turned {
    this.turned[by]!++;
    return { code, retryAfterMs: Math.ceil(waitMs), detail };
  }

  /** The key of an address into keyHigh and keyLow. False: it is exempt, or no address. */
  private readKey(address: string): boolean {
    const { bytes } = this;
    if (!readIp(address, bytes) || this.options.exempt.has(bytes)) return false;
    const at = isMapped(bytes) ? 12 : 4;
    keyHigh = at === 12 ? V4_HIGH : word(bytes, 0);
    keyLow = word(bytes, at);
    return true;
  }
}

/** Indexes of `turned`, and their labels in metrics. */
export const TurnedBy = { Open: 0, Connects: 1, Failures: 2, User: 3, Sockets: 4 } as const;
export const TURNED_BY = ["address_connections", "address_rate", "address_auth_failures", "user_rate", "address_sockets"];

let keyHigh = 0;
let keyLow = 0;

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/**
 * 64 bits of a user id into keyHigh and keyLow: two rounds of FNV-1a from different, secret starts. Two users that fall
 * together share a bucket; with 65,536 users that is once in some four billion tables.
 */
function hashUser(user: Uint8Array, seed: number): void {
  let a = 0x811c9dc5 ^ seed;
  let b = 0x9e3779b9 ^ Math.imul(seed, 0x85ebca6b);
  for (let i = 0; i < user.length; i++) {
    a = Math.imul(a ^ user[i]!, 0x01000193);
    b = Math.imul((b ^ user[i]!) + (a >>> 7), 0x85ebca6b);
  }
  keyHigh = (a ^ (a >>> 16)) >>> 0;
  keyLow = (b ^ (b >>> 13)) >>> 0;
}

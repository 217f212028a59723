// What one address, and one user, may cost: connections of an address that are open, connections it makes a second,
// tokens of it that were refused, and how often a user connects. Asked when a connection opens, before anything is kept
// of it, and when its token was checked. No I/O; bounded memory (rate-table.ts), 8 bytes for each slot beside it.
//
// An address is an IPv4 address or the /64 network of an IPv6 one: whoever has one address of such a network has them
// all. A site may have a /48 (RFC 6177): that has limits of its own, 16 times as high, in tables of its own, since /64s
// without number would drive it out of theirs. Addresses that stand for many (the proxy that all clients come through, this
// machine) are exempt.
import { ErrorCode } from "../../proto/error-code.ts";
import { type IpRanges, isMapped, readIp } from "./ip-address.ts";
import { type Rate, RateTable } from "./rate-table.ts";

export interface AddressLimitOptions {
  /** Connections of an address that are open at once. 0: any. */
  readonly connectionsPerAddress: number;
  /** New connections of an address a second, in the long run; ten seconds' worth of them may come at once. 0: any. */
  readonly connectsPerAddressPerSecond: number;
  /** Tokens of an address refused as AUTH_FAILED a minute, before it connects at half its rate only. 0: any. */
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
 * is as good as none. More would be memory that each session has to bear.
 */
const RECENT_MAX = 8192;
/** Somebody whose connections are all taken: until one of them ends is anybody's guess, and not the same one for all. */
const RETRY_MS_MIN = 5000;
const RETRY_MS_MAX = 15_000;
/** Who was turned away together comes back one after the other, so far ahead at most; beyond that at a random time of its second half. */
const HORIZON_MS = 30_000;
/** Places of a line may lie closer than clocks and networks are exact. */
const SPREAD_MS = 100;
/** Past its refused tokens an address connects at this share of its rate: half, so that those who have good ones get through beside those who have not. */
const SUSPECT_SHARE = 0.5;
const SUSPECTS_PER_SECOND_WITHOUT_RATE = 50;
/** Random, not a line: those who come with bad tokens do not keep to theirs, and would only make it longer for others. */
const SUSPECT_RETRY_MS_MIN = 500;
const SUSPECT_RETRY_MS_MAX = 2500;
/** What a /48 may, in /64s. */
const NETWORK_SHARE = 16;
const Bucket = { Connects: 0, Sockets: 1 } as const;
const BUCKETS = 2;
/** Of those only who were refused something. */
const Trouble = { Failures: 0, Suspects: 1, Line: 2 } as const;
const TROUBLES = 3;
/** Sockets may come so many times as fast as connections: those are told why they are turned away, these cannot be. */
const SOCKETS_SHARE = 2;
/** High halves of keys that no IPv6 address of a host begins with (ff00::/8 is multicast). */
const HOSTS_END = 0xff000000;
const V4_HIGH = 0xffff0000;
/** Of a /48: 16 bits of it stand behind this, 32 in the low half. */
const NETWORK_HIGH = 0xfffe0000;
/** ::/64, whose own key is that of nobody. */
const ZERO_HIGH = 0xfffd0000;

/** Addresses, or /48s: what each may, and what is known of them. */
class Level {
  readonly openMax: number;
  readonly connects: Rate;
  readonly sockets: Rate;
  readonly failures: Rate;
  readonly suspects: Rate;
  /** Those with connections. */
  readonly open: RateTable;
  /** Buckets of those who came lately; and of those who were refused something. */
  readonly recent: RateTable;
  readonly troubles: RateTable;

  /** `times` as much as one address may. */
  constructor(slots: number, options: AddressLimitOptions, seed: number, times: number) {
    const connects = times * options.connectsPerAddressPerSecond;
    const failures = times * options.authFailuresPerAddressPerMinute;
    const suspects = connects === 0 ? times * SUSPECTS_PER_SECOND_WITHOUT_RATE : SUSPECT_SHARE * connects;
    this.openMax = times * options.connectionsPerAddress;
    this.connects = rate(connects, connects * CONNECTS_BURST_SECONDS);
    this.sockets = rate(SOCKETS_SHARE * connects, SOCKETS_SHARE * connects * CONNECTS_BURST_SECONDS);
    this.failures = rate(failures / 60, failures);
    this.suspects = rate(suspects, suspects);
    this.open = new RateTable(slots, seed, 0, true);
    this.recent = new RateTable(Math.min(RECENT_MAX, slots), seed, BUCKETS, false);
    this.troubles = new RateTable(Math.min(RECENT_MAX, slots), seed, TROUBLES, false);
  }
}

export class AddressLimits {
  /** Connections turned away, by TurnedBy. */
  readonly turned: Float64Array;
  private readonly options: AddressLimitOptions;
  private readonly random: () => number;
  private readonly addresses: Level;
  private readonly networks: Level;
  private readonly userConnects: Rate;
  private readonly users: RateTable;
  private readonly userLines: RateTable;
  private readonly seed: number;
  /** By slot: the key under which it is counted; both 0: it is not. */
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly bytes: Uint8Array;

  /** `seed`: any 32 bits, unknown to clients. `random`: uniform in [0, 1). */
  constructor(slots: number, options: AddressLimitOptions, seed: number, random: () => number = Math.random) {
    this.turned = new Float64Array(TURNED_BY.length);
    this.options = options;
    this.random = random;
    this.addresses = new Level(slots, options, seed, 1);
    this.networks = new Level(slots, options, seed, NETWORK_SHARE);
    this.userConnects = rate(options.connectsPerUserPerMinute / 60, options.connectsPerUserPerMinute);
    this.users = new RateTable(Math.min(RECENT_MAX, slots), seed, 1, false);
    this.userLines = new RateTable(Math.min(RECENT_MAX, slots), seed, 1, false);
    this.seed = seed | 0;
    this.high = new Uint32Array(slots);
    this.low = new Uint32Array(slots);
    this.bytes = new Uint8Array(16);
  }

  /** Addresses known now, and forgotten for want of room; users likewise. */
  get known(): { addresses: number; users: number; evictions: number } {
    return { addresses: this.addresses.recent.size, users: this.users.size, evictions: this.addresses.recent.evictions + this.users.evictions };
  }

  /** A socket came whose handshake of TLS or HTTP is still to be: is it worth that? */
  admits(address: string, now: number): boolean {
    if (this.options.connectsPerAddressPerSecond === 0 || !this.readKey(address)) return true;
    const high = keyHigh;
    const low = keyLow;
    const { addresses, networks } = this;
    let waitMs = addresses.recent.take(high, low, Bucket.Sockets, addresses.sockets, now);
    if (waitMs === 0 && hasNetwork(high)) waitMs = networks.recent.take(networkHigh(high), networkLow(high, low), Bucket.Sockets, networks.sockets, now);
    if (waitMs === 0) return true;
    this.turned[TurnedBy.Sockets]!++;
    return false;
  }

  /** A connection opened; one that is turned away is counted as open until `closed`, as it is. `now`: monotonic ms. */
  opened(slot: number, address: string, now: number): Turned | undefined {
    this.high[slot] = 0;
    this.low[slot] = 0;
    if (!this.readKey(address)) return undefined;
    const high = keyHigh;
    const low = keyLow;
    this.high[slot] = high;
    this.low[slot] = low;
    const { addresses, networks } = this;
    addresses.open.opened(high, low, now);
    if (!hasNetwork(high)) return this.check(addresses, high, low, now);
    networks.open.opened(networkHigh(high), networkLow(high, low), now);
    return this.check(addresses, high, low, now) ?? this.check(networks, networkHigh(high), networkLow(high, low), now);
  }

  closed(slot: number): void {
    const high = this.high[slot]!;
    const low = this.low[slot]!;
    if (high === 0 && low === 0) return;
    this.addresses.open.closed(high, low);
    if (hasNetwork(high)) this.networks.open.closed(networkHigh(high), networkLow(high, low));
    this.high[slot] = 0;
    this.low[slot] = 0;
  }

  /** A token that came over this slot was refused (AUTH_FAILED). */
  authFailed(slot: number, now: number): void {
    const high = this.high[slot]!;
    const low = this.low[slot]!;
    const { addresses, networks } = this;
    if (this.options.authFailuresPerAddressPerMinute === 0 || (high === 0 && low === 0)) return;
    addresses.troubles.take(high, low, Trouble.Failures, addresses.failures, now);
    if (hasNetwork(high)) networks.troubles.take(networkHigh(high), networkLow(high, low), Trouble.Failures, networks.failures, now);
  }

  /** A user's token was found good: may it connect now? */
  userConnected(user: Uint8Array, now: number): Turned | undefined {
    if (this.options.connectsPerUserPerMinute === 0) return undefined;
    hashUser(user, this.seed);
    const high = keyHigh;
    const low = keyLow;
    const waitMs = this.users.take(high, low, Bucket.Connects, this.userConnects, now);
    if (waitMs === 0) return undefined;
    return this.turn(TurnedBy.User, ErrorCode.Busy, this.place(this.userLines, 0, high, low, waitMs, this.userConnects, now), "this user connects too often");
  }

  private check(level: Level, high: number, low: number, now: number): Turned | undefined {
    const { options } = this;
    const { troubles } = level;
    if (options.connectionsPerAddress !== 0 && level.open.openCount(high, low) > level.openMax) {
      return this.turn(TurnedBy.Open, ErrorCode.TooManyConnections, this.between(RETRY_MS_MIN, RETRY_MS_MAX), "too many connections from this address");
    }
    if (options.authFailuresPerAddressPerMinute !== 0 && troubles.waitMs(high, low, Trouble.Failures, level.failures, now) > 0) {
      // By chance, the fuller the bucket the likelier: first come, first served would be for who comes most often.
      const share = troubles.tokens(high, low, Trouble.Suspects, level.suspects, now) / level.suspects.burst;
      if (this.random() >= share || troubles.take(high, low, Trouble.Suspects, level.suspects, now) > 0) {
        const retryAfterMs = this.between(SUSPECT_RETRY_MS_MIN, SUSPECT_RETRY_MS_MAX);
        return this.turn(TurnedBy.Failures, ErrorCode.Busy, retryAfterMs, "too many tokens of this address were refused");
      }
    }
    if (options.connectsPerAddressPerSecond === 0) return undefined;
    const waitMs = level.recent.take(high, low, Bucket.Connects, level.connects, now);
    if (waitMs === 0) return undefined;
    const retryAfterMs = this.place(troubles, Trouble.Line, high, low, waitMs, level.connects, now);
    return this.turn(TurnedBy.Connects, ErrorCode.Busy, retryAfterMs, "this address connects too often");
  }

  /**
   * When somebody who was refused may come back, in ms: the next free place of a line that moves at the rate, so that there
   * is a token for each of those who were refused together.
   */
  private place(lines: RateTable, line: number, high: number, low: number, waitMs: number, { perSecond }: Rate, now: number): number {
    const horizonMs = waitMs + HORIZON_MS;
    const placeMs = lines.queue(high, low, line, waitMs, 1000 / perSecond, horizonMs, now);
    return placeMs > horizonMs ? waitMs + this.between(HORIZON_MS / 2, HORIZON_MS) : placeMs + this.random() * SPREAD_MS;
  }

  private between(min: number, max: number): number {
    return min + this.random() * (max - min);
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
    if (keyHigh === 0 && keyLow === 0) keyHigh = ZERO_HIGH;
    return true;
  }
}

/** Indexes of `turned`, and their labels in metrics. */
export const TurnedBy = { Open: 0, Connects: 1, Failures: 2, User: 3, Sockets: 4 } as const;
export const TURNED_BY = ["address_connections", "address_rate", "address_auth_failures", "user_rate", "address_sockets"];

let keyHigh = 0;
let keyLow = 0;

/** A bucket without room for one token would never have one. */
function rate(perSecond: number, burst: number): Rate {
  return { perSecond, burst: Math.max(1, burst) };
}

/** Whether the key is of an IPv6 address, and so in a /48. */
function hasNetwork(high: number): boolean {
  return high < HOSTS_END;
}

function networkHigh(high: number): number {
  return (NETWORK_HIGH | (high >>> 16)) >>> 0;
}

function networkLow(high: number, low: number): number {
  return ((high << 16) | (low >>> 16)) >>> 0;
}

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

// Which gateways run, and where a client that has to leave this one should go. Fed with the entries of the gateways bucket,
// without I/O. What counts as alive is decided on our own clock: an entry that was seen to move, or to appear, not longer than
// a few bumps ago. What was there when we came may have been left behind by a dead gateway, until it moves; clocks of other
// machines are never compared.
//
// A client is sent to an address, not to a process: gateways that share a port are one place, with the room of all of them.
import { hawser as fabric } from "../../proto/gen/fabric.js";

const { GatewayEntry } = fabric.fabric.v1;

/** host:port by transport; "": none, or not known. */
export interface Addresses {
  readonly tcp: string;
  readonly websocket: string;
}

interface Entry extends Addresses {
  revision: number;
  seenAt: number;
  /** It appeared, or its revision changed, while we watched. */
  moved: boolean;
  sessions: number;
  sessionsMax: number;
  draining: boolean;
}

/**
 * An entry is written anew once a second, and less often in a large fleet: every gateway reads what every other one writes, up
 * to 60 of them two entries a second in all.
 */
export const BUMP_MS = 1000;
const BUMP_MS_PER_GATEWAY = 500;
const BUMP_MS_MAX = 30_000;
/** An entry that stood still for so many bumps, and this long, is nobody's any more. */
export const FRESH_BUMPS = 3;
export const FRESH_MORE_MS = 2000;
/** Entries vanish from the bucket when nobody has written them for so long: four of the longest bumps. */
export const KEPT_MS = 120_000;
/** What stood still for longer is forgotten; looked at now and then. Later than it vanishes: a watch that begins anew must not tell us of it as of somebody new. */
const FORGET_MS = KEPT_MS + BUMP_MS_MAX;
const FORGET_LOOK_MS = 10_000;
/** What is seen first so long after we came was not there before: it has just been written. */
const SETTLED_MS = 2000;
const ENTRIES_MAX = 4096;
/** Ours is too full when it has so many more sessions than its share, and these more. */
const UNEVEN_PART = 0.1;
const UNEVEN_SESSIONS = 16;

export class Registry {
  private readonly self: string;
  private readonly own: Addresses;
  private readonly startAt: number;
  private forgotAt: number;
  private readonly entries: Map<string, Entry>;

  /** `self`: this gateway's key. `now`: monotonic ms. */
  constructor(self: string, own: Addresses, now: number) {
    this.self = self;
    this.own = own;
    this.startAt = now;
    this.forgotAt = now;
    this.entries = new Map();
  }

  /** A key of the bucket as it is now. `now`: monotonic ms. */
  changed(key: string, value: Uint8Array, revision: number, now: number): void {
    if (key === this.self) return;
    if (value.length === 0) {
      this.entries.delete(key);
      return;
    }
    const known = this.entries.get(key);
    if (now - this.forgotAt >= FORGET_LOOK_MS) this.forgetDead(now);
    // A watch that begins anew tells what it told before: that is no sign of life. A lower revision is one: the bucket was made anew.
    if (known !== undefined && revision === known.revision) return;
    if (known === undefined && this.entries.size >= ENTRIES_MAX) return;
    let entry: fabric.fabric.v1.GatewayEntry;
    try {
      entry = GatewayEntry.decode(value);
    } catch {
      // Of a later version, or of nobody: as if it were not there.
      this.entries.delete(key);
      return;
    }
    const { tcp, websocket, sessions, sessionsMax, draining } = entry;
    const moved = known !== undefined || now - this.startAt >= SETTLED_MS;
    this.entries.set(key, { tcp, websocket, sessions, sessionsMax, draining, revision, seenAt: now, moved });
  }

  /** How often an entry is to be written, by how many there are. */
  get bumpMs(): number {
    return Math.min(BUMP_MS_MAX, Math.max(BUMP_MS, (this.entries.size + 1) * BUMP_MS_PER_GATEWAY));
  }

  /** Other gateways that run, those that are leaving among them. */
  others(now: number): number {
    let count = 0;
    for (const entry of this.entries.values()) if (this.alive(entry, now)) count++;
    return count;
  }

  /**
   * Where a client of this transport should go: an address, chosen by weight of the free room behind it; "" for the address that it
   * has: when that is as good as any (ports are shared), or nothing better is known. `random`: in [0, 1).
   */
  target(transport: keyof Addresses, random: number, now: number): string {
    let room = 0;
    for (const entry of this.entries.values()) room += this.roomOf(entry, transport, now);
    let at = random * room;
    for (const entry of this.entries.values()) {
      at -= this.roomOf(entry, transport, now);
      if (at >= 0 || room === 0) continue;
      // Until it says how many it has: the next one who is sent away must not go by a room that is taken.
      entry.sessions++;
      return entry[transport] === this.own[transport] ? "" : entry[transport];
    }
    return "";
  }

  /** Whether this gateway has clearly more than its share of all sessions, and somebody has room for them. */
  tooFull(sessions: number, sessionsMax: number, now: number): boolean {
    let all = sessions;
    let allMax = sessionsMax;
    for (const entry of this.entries.values()) {
      if (!this.alive(entry, now) || entry.draining) continue;
      all += entry.sessions;
      allMax += entry.sessionsMax;
    }
    const share = (all * sessionsMax) / Math.max(1, allMax);
    return allMax > sessionsMax && sessions > share * (1 + UNEVEN_PART) + UNEVEN_SESSIONS;
  }

  private alive({ moved, seenAt }: Entry, now: number): boolean {
    return moved && now - seenAt <= FRESH_BUMPS * this.bumpMs + FRESH_MORE_MS;
  }

  private roomOf(entry: Entry, transport: keyof Addresses, now: number): number {
    return entry[transport] === "" || entry.draining || !this.alive(entry, now) ? 0 : Math.max(0, entry.sessionsMax - entry.sessions);
  }

  private forgetDead(now: number): void {
    this.forgotAt = now;
    for (const [key, entry] of this.entries) if (now - entry.seenAt > FORGET_MS) this.entries.delete(key);
  }
}

// A link as a TCP stream sees it, without I/O: bytes go in, and the model says when they come out. Each push is cut into
// segments. A segment first waits for the link to be free and is sent at the link's rate (with headers), then travels for
// the delay and some jitter. A lost one comes after a retransmission timeout, which doubles while it is lost again; what
// was sent behind it waits at the receiver, since TCP hands bytes over in order only.
//
// Not modelled: congestion control (the queue's limit stands for the window), fast retransmit (it takes three segments behind
// the lost one, which a chat seldom has), and the room that acknowledgements take on the way back.
// Invariant: due times never fall, and no byte is due before it was sent at the link's rate and travelled for the delay.
import type { Random } from "../../proto/testing/random.ts";

export interface LinkDirection {
  bitsPerSecond: number;
  /** One way. */
  delayMs: number;
  /** Added to the delay, evenly from 0 to this. */
  jitterMs: number;
  /** Of segments. */
  lossPercent: number;
  /** Bytes on their way at most; whoever sends has to wait then. */
  queueBytesMax: number;
}

export interface LinkProfile {
  /** For people: what it is, and where the numbers come from. */
  about: string;
  /** From the client. */
  up: LinkDirection;
  /** To the client. */
  down: LinkDirection;
  /** Once in each `everyMs`, at a random moment, nothing gets through for 0.5 to 1.5 times `forMs`. */
  outage?: { everyMs: number; forMs: number };
}

/** Payload of a segment: 1,500 bytes of Ethernet without IPv4 and TCP headers and timestamps. */
export const SEGMENT_BYTES = 1448;
/** IPv4 (20), TCP (20) and its timestamps (12), which take room on the link as well. */
export const HEADER_BYTES = 52;
/** Linux adds at least this to the round trip for its retransmission timeout (TCP_RTO_MIN). */
const RTO_MIN_MS = 200;
/** And never waits longer (TCP_RTO_MAX). */
const RTO_MAX_MS = 120_000;
/** Before a round trip was measured: RFC 6298, section 2.1. */
const FIRST_RTO_MS = 1000;
/** A link whose loss would make it try more often lets the segment through: everything comes out in the end. */
const ATTEMPTS_MAX = 15;
/** Segments on their way at most, so that writes of single bytes are bounded too. */
const SEGMENTS_MAX = 2048;

/** Times in which nothing gets through, of one connection: the same for both directions, and known for the future too. */
export class Outages {
  private readonly everyMs: number;
  private readonly forMs: number;
  private readonly seed: number;
  private readonly random: Random;

  /** `random` is only lent: it is reseeded at each question. */
  constructor(outage: { everyMs: number; forMs: number }, seed: number, random: Random) {
    if (!(outage.forMs * 1.5 <= outage.everyMs)) throw new RangeError("an outage must fit into the time between outages");
    this.everyMs = outage.everyMs;
    this.forMs = outage.forMs;
    this.seed = seed;
    this.random = random;
  }

  isDown(at: number): boolean {
    const period = Math.floor(at / this.everyMs);
    this.random.reseed((this.seed % 0x1_0000_0000) * 0x10_0000 + (period % 0x10_0000));
    const lengthMs = this.forMs * (0.5 + this.random.uint32() / 0x1_0000_0000);
    const startsAt = period * this.everyMs + (this.random.uint32() / 0x1_0000_0000) * (this.everyMs - lengthMs);
    return at >= startsAt && at < startsAt + lengthMs;
  }
}

/** How long connecting takes over this link: a round trip, and more when a segment of the handshake is lost. */
export function handshakeMs(profile: LinkProfile, random: Random, outages: Outages | undefined, now: number): number {
  let waitedMs = 0;
  let rtoMs = FIRST_RTO_MS;
  for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
    const lost = random.chance(profile.up.lossPercent / 100) || random.chance(profile.down.lossPercent / 100);
    if (!lost && !outages?.isDown(now + waitedMs)) break;
    waitedMs += rtoMs;
    rtoMs = Math.min(rtoMs * 2, RTO_MAX_MS);
  }
  return waitedMs + travelMs(profile.up, random) + travelMs(profile.down, random);
}

function travelMs(direction: LinkDirection, random: Random): number {
  return direction.delayMs + (direction.jitterMs * random.uint32()) / 0x1_0000_0000;
}

/** One direction of one connection. Times are ms on any clock that does not go back. */
export class LinkModel {
  /** Bytes that went in and have not come out. */
  queuedBytes: number;
  segments: number;
  /** Counted once for each time that a segment was lost. */
  losses: number;
  private readonly direction: LinkDirection;
  private readonly rtoMs: number;
  private readonly random: Random;
  private readonly outages: Outages | undefined;
  /** Until then the link is busy sending what went in earlier. */
  private busyUntil: number;
  private lastDueAt: number;
  private readonly dueAt: number[];
  private readonly bytes: number[];
  /** Of the two arrays: what is before it has come out. */
  private head: number;
  private endDueAt: number;

  /** `roundTripMs`: of the whole link, for the retransmission timeout. Nothing is sent before `opensAt`. */
  constructor(direction: LinkDirection, roundTripMs: number, random: Random, outages: Outages | undefined, opensAt: number) {
    if (!(direction.bitsPerSecond > 0 && direction.delayMs >= 0 && direction.jitterMs >= 0 && direction.lossPercent < 100 && direction.queueBytesMax > 0))
      throw new RangeError(`not a link: ${JSON.stringify(direction)}`);
    this.queuedBytes = 0;
    this.segments = 0;
    this.losses = 0;
    this.direction = direction;
    this.rtoMs = roundTripMs + RTO_MIN_MS;
    this.random = random;
    this.outages = outages;
    this.busyUntil = opensAt;
    this.lastDueAt = opensAt;
    this.dueAt = [];
    this.bytes = [];
    this.head = 0;
    this.endDueAt = Number.POSITIVE_INFINITY;
  }

  /** Takes bytes, even when it is full; whoever pushes while it is has no bound. */
  push(bytes: number, now: number): void {
    this.queuedBytes += bytes;
    for (let left = bytes; left > 0; left -= SEGMENT_BYTES) {
      const size = Math.min(left, SEGMENT_BYTES);
      const due = this.send(size, now);
      const last = this.dueAt.length - 1;
      // What waited behind a lost segment comes out with it.
      if (last >= this.head && this.dueAt[last] === due) this.bytes[last]! += size;
      else {
        this.dueAt.push(due);
        this.bytes.push(size);
      }
    }
  }

  /** The sender is done: its FIN is a segment like the others. No push may follow. */
  end(now: number): void {
    if (this.endDueAt === Number.POSITIVE_INFINITY) this.endDueAt = this.send(0, now);
  }

  /** How many bytes have come out since the last call. */
  take(now: number): number {
    let taken = 0;
    while (this.head < this.dueAt.length && this.dueAt[this.head]! <= now) taken += this.bytes[this.head++]!;
    this.queuedBytes -= taken;
    if (this.head === this.dueAt.length || this.head > SEGMENTS_MAX) {
      this.dueAt.splice(0, this.head);
      this.bytes.splice(0, this.head);
      this.head = 0;
    }
    return taken;
  }

  /** Whoever pushes has to wait until some of it has come out. */
  get isFull(): boolean {
    return this.queuedBytes >= this.direction.queueBytesMax || this.dueAt.length - this.head >= SEGMENTS_MAX;
  }

  /** Everything came out, and the end after it. */
  hasEnded(now: number): boolean {
    return this.endDueAt <= now && this.queuedBytes === 0;
  }

  /** When the next bytes, or the end, come out; Infinity when nothing is on its way. */
  get nextAt(): number {
    return this.head < this.dueAt.length ? this.dueAt[this.head]! : this.endDueAt;
  }

  /** Sends a segment and returns when it comes out at the other end. */
  private send(size: number, now: number): number {
    const { bitsPerSecond, lossPercent } = this.direction;
    this.segments++;
    this.busyUntil = Math.max(now, this.busyUntil) + ((size + HEADER_BYTES) * 8000) / bitsPerSecond;
    let sentAt = this.busyUntil;
    let rtoMs = Math.min(this.rtoMs, RTO_MAX_MS);
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
      if (!this.random.chance(lossPercent / 100) && !this.outages?.isDown(sentAt)) break;
      this.losses++;
      sentAt += rtoMs;
      rtoMs = Math.min(rtoMs * 2, RTO_MAX_MS);
    }
    this.lastDueAt = Math.max(this.lastDueAt, sentAt + travelMs(this.direction, this.random));
    return this.lastDueAt;
  }
}

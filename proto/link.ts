// One end of a link between two processes: contiguous batch numbers, cumulative acks, resends from a
// bounded ring. NATS delivers at most once; a link makes that exactly once and in order, or says that it
// could not (Ring exhausted, peer lost), which its owner answers by opening a new link and telling the
// sessions concerned to sync. No I/O: times come in, verdicts go out.
//
// Invariant: ackedByPeer ≤ every number in the ring ≤ lastSent, and the ring has no hole.

/** Head of a batch as it travels (fabric.proto LinkHead). */
export interface LinkHead {
  from: Uint8Array;
  to: Uint8Array;
  link: number;
  number: number;
  last: number;
  ack: number;
  reset: boolean;
}

export const Verdict = {
  /** The next batch: take its content. */
  Deliver: 0,
  /** Nothing to take: a bare head, a duplicate, or a batch behind a hole (it will be sent again). */
  Skip: 1,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export interface LinkLimits {
  ringBatchesMax: number;
  ringBytesMax: number;
  /** Bare heads at least this often while acks are owed or outstanding, and as a sign of life. */
  beatMs: number;
  /** No progress in acks for this long, though the peer is heard: batches are sent again. Doubles up to RESEND_BACKOFF_MAX times while nothing comes of it. */
  resendMs: number;
  /** Nothing heard for this long: the peer is lost. */
  lostMs: number;
  /** An ack leaves at once after this many batches without one. */
  ackEveryBatches: number;
}

export const LINK_LIMITS: LinkLimits = { ringBatchesMax: 8192, ringBytesMax: 64 * 1024 * 1024, beatMs: 500, resendMs: 250, lostMs: 5000, ackEveryBatches: 32 };

const RESEND_BACKOFF_MAX = 8;
/** Sent again at a time; what follows waits for the ack of these. */
const RESEND_BATCHES_MAX = 256;
const RESEND_BYTES_MAX = 4 * 1024 * 1024;
/** Duplicates and batches behind a hole ask for an ack no more often than this: there may be very many of them. */
const REPEATED_ACK_MS = 20;

export class LinkEnd {
  readonly self: Uint8Array;
  readonly peer: Uint8Array;
  readonly link: number;
  private readonly limits: LinkLimits;
  private lastSent: number;
  private received: number;
  private ackSent: number;
  private ackedByPeer: number;
  /** Batches ackedByPeer + 1 … lastSent, in order, from `ringStart` on. */
  private ring: Uint8Array[];
  private ringStart: number;
  private ringBytes: number;
  /** When the oldest batch in the ring last had its chance: sent, become the oldest, or sent again. */
  private progressAt: number;
  private resendAfterMs: number;
  /** Batches up to this number were sent again, and those behind it are still to be; 0: nothing is being made up for. */
  private resentTo: number;
  private heardAt: number;
  private headSentAt: number;
  private ackWanted: boolean;

  constructor(self: Uint8Array, peer: Uint8Array, link: number, now: number, limits: LinkLimits = LINK_LIMITS) {
    this.self = self;
    this.peer = peer;
    this.link = link;
    this.limits = limits;
    this.lastSent = 0;
    this.received = 0;
    this.ackSent = 0;
    this.ackedByPeer = 0;
    this.ring = [];
    this.ringStart = 0;
    this.ringBytes = 0;
    this.progressAt = now;
    this.resendAfterMs = limits.resendMs;
    this.resentTo = 0;
    this.heardAt = now;
    this.headSentAt = now;
    this.ackWanted = false;
  }

  /** The head of the next batch; `retain` must follow with the encoded batch. Acks what was received. */
  nextHead(): LinkHead {
    this.lastSent++;
    return this.head(this.lastSent);
  }

  /** Keeps an encoded batch until it is acknowledged. False: the ring is exhausted and the link is over. */
  retain(bytes: Uint8Array, now: number): boolean {
    if (this.ringStart === this.ring.length) this.progressAt = now;
    this.ring.push(bytes);
    this.ringBytes += bytes.length;
    this.headSentAt = now;
    return this.unacked <= this.limits.ringBatchesMax && this.ringBytes <= this.limits.ringBytesMax;
  }

  /** Batches sent and not acknowledged. */
  get unacked(): number {
    return this.lastSent - this.ackedByPeer;
  }

  /** Bytes of those. */
  get unackedBytes(): number {
    return this.ringBytes;
  }

  /** Takes the head of a batch of this link. `resend` is called with each batch to be published again. */
  receive(head: LinkHead, now: number, resend: (bytes: Uint8Array) => void): Verdict {
    this.heardAt = now;
    this.acknowledge(head.ack, now);
    let verdict: Verdict = Verdict.Skip;
    if (head.number === this.received + 1) {
      this.received = head.number;
      verdict = Verdict.Deliver;
      // The first at once: it tells the opener that its link is known.
      if (this.received === 1 || this.received - this.ackSent >= this.limits.ackEveryBatches) this.ackWanted = true;
    } else if ((head.number !== 0 || head.last > this.received) && now - this.headSentAt >= REPEATED_ACK_MS) this.ackWanted = true;
    this.resendMissing(now, resend);
    return verdict;
  }

  /** Whether a bare head should be sent now: an ack is wanted at once, or the beat is due. */
  headDue(now: number): boolean {
    return this.ackWanted || now - this.headSentAt >= this.limits.beatMs;
  }

  /** A head without a batch. */
  bareHead(now: number): LinkHead {
    this.headSentAt = now;
    return this.head(0);
  }

  /** Nothing heard of the peer for lostMs. */
  lost(now: number): boolean {
    return now - this.heardAt > this.limits.lostMs;
  }

  private head(number: number): LinkHead {
    this.ackSent = this.received;
    this.ackWanted = false;
    return { from: this.self, to: this.peer, link: this.link, number, last: this.lastSent, ack: this.received, reset: false };
  }

  private acknowledge(ack: number, now: number): void {
    if (ack > this.lastSent || ack <= this.ackedByPeer) return;
    this.progressAt = now;
    this.resendAfterMs = this.limits.resendMs;
    while (this.ackedByPeer < ack) {
      this.ackedByPeer++;
      this.ringBytes -= this.ring[this.ringStart]!.length;
      this.ring[this.ringStart++] = RELEASED;
    }
    if (this.ringStart > 64 && this.ringStart * 2 > this.ring.length) {
      this.ring = this.ring.slice(this.ringStart);
      this.ringStart = 0;
    }
  }

  /**
   * The peer speaks, but its acks stand still: a hole. Sends again from there (the peer drops what is behind a
   * hole), a part at a time, so that a bus that does not take them is not filled with them. Not decided by the age
   * of a batch: on a bus that is merely slow every batch is old, acks advance all the same, and sending again would
   * make it slower still, until nothing gets through.
   */
  private resendMissing(now: number, resend: (bytes: Uint8Array) => void): void {
    // An ack of more than was sent again: nothing was missing there, the bus is only slow.
    if (this.ringStart === this.ring.length || this.ackedByPeer > this.resentTo) this.resentTo = 0;
    if (this.ringStart === this.ring.length) return;
    if (now - this.progressAt >= this.resendAfterMs) {
      this.progressAt = now;
      this.resendAfterMs = Math.min(this.resendAfterMs * 2, this.limits.resendMs * RESEND_BACKOFF_MAX);
      this.resentTo = this.ackedByPeer;
    } else if (this.resentTo === 0 || this.ackedByPeer < this.resentTo) return;
    let number = this.ackedByPeer;
    let bytes = 0;
    for (const end = number + RESEND_BATCHES_MAX; number < this.lastSent && number < end && bytes < RESEND_BYTES_MAX; number++) {
      const batch = this.ring[this.ringStart + number - this.ackedByPeer]!;
      bytes += batch.length;
      resend(batch);
    }
    // Behind the last one new batches follow without a hole. Otherwise a head behind this part asks for its ack.
    this.resentTo = number === this.lastSent ? 0 : number;
    if (this.resentTo !== 0) this.ackWanted = true;
  }
}
const RELEASED = new Uint8Array(0);

/** What one session adds (modulo 2^32) to the digest by which gateway and logic compare their tables. */
export function sessionDigestTerm(slot: number, generation: number): number {
  let h = Math.imul(slot ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(generation + 1, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x27d4eb2f);
  return (h ^ (h >>> 13)) >>> 0;
}

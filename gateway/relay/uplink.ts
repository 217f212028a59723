// One link from this gateway to an owner process: its number, its batch under way, and the sessions attached on it.
// What is added leaves once a loop turn, or when the batch is full.
//
// Invariant: `sessions` and `digest` are those of the sessions attached and not detached on this link, with
// everything added so far; so they are what the owner must have after the batch that carries them.
import { Limits } from "../../proto/limits.ts";
import { LinkEnd, type LinkLimits, sessionDigestTerm } from "../../proto/link.ts";
import type { SessionTable } from "../session/session-table.ts";
import { UpBatch } from "./up-batch.ts";

export interface UplinkHost {
  readonly incarnation: Uint8Array;
  readonly linkLimits: LinkLimits;
  readonly table: SessionTable;
  /** ms on the gateway's clock. */
  now(): number;
  /** False: dropped. The link sends it again when it must. */
  publish(owner: string, bytes: Uint8Array): boolean;
}

/** A batch leaves when it holds this much, without waiting for the end of the turn. */
const BATCH_BYTES_FULL = Limits.fabricBatchBytesMax / 2;

/** Beyond these, requests are answered BUSY: well below what exhausts the ring. */
const UNACKED_BYTES_HIGH = 16 * 1024 * 1024;
const UNACKED_BATCHES_HIGH = 4096;

/** A report of sessions takes up to an eighth of the ring, about 80,000 of them, before it waits for acks. */
const REPORT_SHARE = 8;

export class Uplink {
  /** Incarnation of the owner, in hex. */
  readonly owner: string;
  readonly end: LinkEnd;
  readonly number: number;
  readonly epoch: number;
  /** Which ranges of which epochs the owner held when this link was opened; another set needs another link. */
  readonly claim: string;
  readonly openedAt: number;
  /** The owner was heard on this link. */
  confirmed: boolean;
  /** Opened because the one before failed: until it is confirmed nothing is entrusted to it. */
  readonly suspect: boolean;
  /** Why this link is over; empty: it is not. */
  broken: string;
  /** Sessions attached on it, and the sum of their digest terms modulo 2^32. */
  sessions: number;
  digest: number;
  /** The owner has been told of the sessions in slots below this one, as far as they are its. */
  reportedTo: number;
  private readonly host: UplinkHost;
  private readonly batch: UpBatch;

  constructor(host: UplinkHost, owner: string, incarnation: Uint8Array, number: number, epoch: number, claim: string, suspect: boolean) {
    this.owner = owner;
    this.openedAt = host.now();
    this.end = new LinkEnd(host.incarnation, incarnation, number, this.openedAt, host.linkLimits);
    this.number = number;
    this.epoch = epoch;
    this.claim = claim;
    this.confirmed = false;
    this.suspect = suspect;
    this.broken = "";
    this.sessions = 0;
    this.digest = 0;
    this.reportedTo = 0;
    this.host = host;
    this.batch = new UpBatch(host.table);
  }

  /** Whether a request may be entrusted to this link; else it is answered BUSY. */
  get accepting(): boolean {
    if (this.broken !== "" || (this.suspect && !this.confirmed)) return false;
    return this.end.unackedBytes < UNACKED_BYTES_HIGH && this.end.unacked < UNACKED_BATCHES_HIGH;
  }

  /** Whether more old sessions may be reported now: a report must leave most of the ring to requests. */
  get takesReports(): boolean {
    const { ringBytesMax, ringBatchesMax } = this.host.linkLimits;
    return (
      this.broken === "" && this.end.unackedBytes + this.batch.byteLength < ringBytesMax / REPORT_SHARE && this.end.unacked < ringBatchesMax / REPORT_SHARE
    );
  }

  /** Adds a command; see UpBatch.add. What was added before may leave first: an attach or detach is counted after it was added. */
  add(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.broken !== "") return;
    if (this.batch.byteLength > BATCH_BYTES_FULL) this.flush();
    else if (this.batch.byteLength + UpBatch.roomFor(end - start) > Limits.fabricBatchBytesMax - 1024) this.flush();
    this.batch.add(slot, type, ref, bytes, start, end);
  }

  attached(slot: number, generation: number): void {
    this.sessions++;
    this.digest = (this.digest + sessionDigestTerm(slot, generation)) >>> 0;
  }

  detached(slot: number, generation: number): void {
    this.sessions--;
    this.digest = (this.digest - sessionDigestTerm(slot, generation)) >>> 0;
  }

  /** Sends what was added, if anything was. */
  flush(): void {
    if (this.batch.byteLength === 0 || this.broken !== "") return;
    const bytes = this.batch.finish(this.end.nextHead(), this.sessions, this.digest);
    if (!this.end.retain(bytes, this.host.now())) this.broken = "too much unacknowledged";
    this.host.publish(this.owner, bytes);
  }

  /** Makes the link known to its owner at once, whether there is something to say or not. */
  greet(): void {
    if (this.batch.byteLength > 0) this.flush();
    else this.sendHead(this.host.now());
  }

  /** Sends a bare head if one is due: an acknowledgement, or a sign of life. */
  flushHead(): void {
    const now = this.host.now();
    if (this.broken !== "" || !this.end.headDue(now)) return;
    if (this.batch.byteLength > 0) this.flush();
    else this.sendHead(now);
  }

  private sendHead(now: number): void {
    this.host.publish(this.owner, this.batch.finish(this.end.bareHead(now), this.sessions, this.digest));
  }

  /** Sends again what the owner lacks. */
  readonly resend = (bytes: Uint8Array): void => {
    this.host.publish(this.owner, bytes);
  };
}

// Requests up to the owners of their shards, deliveries down to sessions. Keeps one link per owner process; when a
// link may have lost something (a new owner, a new epoch, silence, a ring that ran over, a reset) it opens another
// one, reports the sessions on it, and, once the owner is heard on it, has every session told to sync that could
// have missed something. No I/O: batches and owner entries come in, batches go out through a Publisher.
//
// Invariant: attachedOn[slot] is the number of the link on which the session was attached and not detached; when that
// link is no more, it names none. Nothing of a session goes to its own shard's owner before its attach.
import { ErrorCode } from "../../proto/error-code.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { LINK_LIMITS, type LinkLimits, Verdict } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";
import type { Counters } from "../counters.ts";
import type { Log } from "../log.ts";
import { SessionState, type SessionTable, USER_AT } from "../session/session-table.ts";
import { type DeliverySink, DownBatch } from "./downlink.ts";
import { Links, type LinksOwner } from "./links.ts";
import { ResyncPacer } from "./resync-pacer.ts";
import { peek, peekedShard } from "./routing.ts";
import type { Uplink, UplinkHost } from "./uplink.ts";

const { Attach, Operation } = fabric.fabric.v1;

/** What the relay asks of the sessions; implemented by gateway.ts. */
export interface RelaySessions extends DeliverySink {
  refuse(slot: number, ref: number, code: ErrorCode, retryAfterMs?: number, detail?: string): void;
  /** Writes Resync. */
  resync(slot: number): void;
  /** To have `flush` called at the end of this loop turn. */
  flushSoon(): void;
}

export interface Publisher {
  readonly connected: boolean;
  /** To an owner, named by its incarnation in hex. False: dropped. */
  publish(owner: string, bytes: Uint8Array): boolean;
}

export interface RelayOptions {
  incarnation: Uint8Array;
  resyncsPerSecond: number;
  linkLimits?: LinkLimits;
  /** In [0, 1). */
  random: () => number;
}

/** When who is refused may try again: drawn between these, so that all who were refused together do not return together. */
export const BUSY_RETRY_MS_MIN = 500;
export const BUSY_RETRY_MS_MAX = 1500;
const EMPTY = new Uint8Array(0);

export class Relay implements UplinkHost, LinksOwner {
  readonly incarnation: Uint8Array;
  readonly linkLimits: LinkLimits;
  readonly table: SessionTable;
  readonly now: () => number;
  readonly links: Links;
  private readonly publisher: Publisher;
  private readonly sessions: RelaySessions;
  private readonly counters: Counters;
  private readonly log: Log;
  private readonly random: () => number;
  private readonly down: DownBatch;
  private readonly pacer: ResyncPacer;
  private readonly attachedOn: Uint32Array;
  /** The newest link when the session began: what links opened later may have missed concerns it. */
  private readonly since: Uint32Array;

  constructor(publisher: Publisher, table: SessionTable, sessions: RelaySessions, counters: Counters, log: Log, now: () => number, options: RelayOptions) {
    this.incarnation = options.incarnation;
    this.linkLimits = options.linkLimits ?? LINK_LIMITS;
    this.now = now;
    this.links = new Links(this, this, log);
    this.publisher = publisher;
    this.table = table;
    this.sessions = sessions;
    this.counters = counters;
    this.log = log;
    this.random = options.random;
    this.down = new DownBatch();
    this.pacer = new ResyncPacer(table.capacity, options.resyncsPerSecond);
    this.attachedOn = new Uint32Array(table.capacity);
    this.since = new Uint32Array(table.capacity);
  }

  /** Whether some owner takes requests. */
  get ready(): boolean {
    for (const link of this.links.byOwner.values()) if (link.accepting) return true;
    return false;
  }

  /** Sessions that wait to be told Resync. */
  get resyncsWaiting(): number {
    return this.pacer.waiting;
  }

  publish(owner: string, bytes: Uint8Array): boolean {
    return this.publisher.publish(owner, bytes);
  }

  /** A session became Ready. */
  attach(slot: number, sync: boolean, watermark: Uint8Array): void {
    this.since[slot] = this.links.newest;
    this.attachedOn[slot] = 0;
    const link = this.linkOf(slot);
    // Without an owner, or with a broken link, it is reported when the next link opens.
    if (link !== undefined && link.broken === "") this.addAttach(link, slot, sync, watermark, false);
  }

  /** A session is no longer Ready. */
  detach(slot: number): void {
    this.pacer.cancel(slot);
    const link = this.links.numbered(this.attachedOn[slot]!);
    this.attachedOn[slot] = 0;
    if (link === undefined || link.broken !== "") return;
    // Counted only once it is added: what is cut off before it leaves with the session in its count.
    link.add(slot, Operation.OPERATION_DETACH, 0, EMPTY, 0, 0);
    link.detached(slot, this.table.generation[slot]!);
    this.sessions.flushSoon();
  }

  /** A request of a Ready session: on to the owner of its shard, or refused. */
  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void {
    let link: Uplink | undefined;
    if (type === FrameType.Sync || type === FrameType.Check) link = this.linkOf(slot);
    else if (!peek(bytes, start, end)) return this.sessions.refuse(slot, ref, ErrorCode.BadRequest, 0, "name the conversation once, by peer, group or self");
    else if (type === FrameType.Read) link = this.linkOf(slot);
    else if (this.links.shardCount > 0) link = this.links.byShard[this.peekedShard(slot, bytes)];
    if (link === undefined || !link.accepting) return this.sessions.refuse(slot, ref, ErrorCode.Busy, this.busyRetryMs());
    // The report of old sessions has not come to it yet.
    if (this.attachedOn[slot] !== link.number && link === this.linkOf(slot)) this.addAttach(link, slot, false, EMPTY, true);
    link.add(slot, type, ref, bytes, start, end);
    this.sessions.flushSoon();
  }

  private busyRetryMs(): number {
    return Math.floor(BUSY_RETRY_MS_MIN + this.random() * (BUSY_RETRY_MS_MAX - BUSY_RETRY_MS_MIN));
  }

  /** A Down batch. */
  receive(bytes: Uint8Array): void {
    const { down } = this;
    try {
      down.read(bytes);
    } catch (error) {
      return this.bad(error);
    }
    const { head } = down;
    if (hex(head.to) !== hex(this.incarnation)) return this.bad(new Error("a batch for another gateway"));
    const link = this.links.byOwner.get(hex(head.from));
    // From somebody who is no owner any more, from before a takeover, or from a link that was given up.
    if (link === undefined || down.epoch < link.epoch || head.link !== link.number || link.broken !== "") return;
    if (head.reset) return this.links.fail(link, "reset by the owner");
    const now = this.now();
    const verdict = link.end.receive(head, now, link.resend);
    this.report(link);
    if (!link.confirmed) this.confirm(link, now);
    // Heads that carry nothing are answered by the next tick only: two ends that both miss something would
    // otherwise answer each other as fast as the bus allows.
    if (verdict !== Verdict.Deliver) return;
    try {
      down.deliver(this.sessions);
    } catch (error) {
      this.bad(error);
      this.links.fail(link, "a malformed batch");
    }
    link.flushHead();
  }

  /** Sends the batches under way. */
  flush(): void {
    for (const link of this.links.byOwner.values()) link.flush();
  }

  /** Keeps links alive, replaces broken ones, paces Resyncs. Called several times a second. */
  tick(): void {
    const now = this.now();
    this.links.tick(now, this.publisher.connected);
    this.pacer.advance(now, this.tellResync);
  }

  private linkOf(slot: number): Uplink | undefined {
    const { byShard } = this.links;
    return byShard.length === 0 ? undefined : byShard[this.table.userHash[slot]! % byShard.length];
  }

  private peekedShard(slot: number, bytes: Uint8Array): number {
    const user = this.table.idsStart(slot) + USER_AT;
    return peekedShard(bytes, this.table.ids(slot), user, user + this.table.userBytes[slot]!, this.links.shardCount);
  }

  /** Tells the owner of every session that is its, as many now as fit, the others as acks come. */
  opened(link: Uplink): void {
    this.report(link);
    link.greet();
  }

  private report(link: Uplink): void {
    const { table } = this;
    for (; link.reportedTo < table.slotEnd && link.takesReports; link.reportedTo++) {
      const slot = link.reportedTo;
      if (table.state[slot] !== SessionState.Ready || this.attachedOn[slot] === link.number) continue;
      if (this.linkOf(slot) === link) this.addAttach(link, slot, false, EMPTY, true);
    }
  }

  private addAttach(link: Uplink, slot: number, sync: boolean, watermark: Uint8Array, report: boolean): void {
    const { table } = this;
    const fields = { device: table.device(slot), connection: table.connection[slot]!, sync, watermark, report, frameBytesMax: table.frameBytesMax[slot]! };
    const body = Attach.encode(fields).finish();
    const generation = table.generation[slot]!;
    link.add(slot, Operation.OPERATION_ATTACH, 0, body, 0, body.length);
    link.attached(slot, generation);
    this.attachedOn[slot] = link.number;
    this.sessions.flushSoon();
  }

  /** The owner is there: those who may have missed something are told to sync. */
  private confirm(link: Uplink, now: number): void {
    link.confirmed = true;
    const { table } = this;
    for (let slot = 0; slot < table.slotEnd; slot++) {
      if (table.state[slot] === SessionState.Ready && this.since[slot]! < link.number) this.pacer.want(slot);
    }
    this.pacer.start(now);
    this.log.info({ owner: link.owner, link: link.number, sessions: link.sessions, resyncs: this.pacer.waiting }, "link confirmed");
  }

  private readonly tellResync = (slot: number): void => {
    this.counters.resyncs++;
    this.sessions.resync(slot);
  };

  private bad(error: unknown): void {
    this.counters.badBatches++;
    this.log.warn({ error: error instanceof Error ? error.message : String(error) }, "a batch is ignored");
  }
}

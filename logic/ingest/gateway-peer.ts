// A gateway process as logic sees it: the link to it, its table of sessions, and the Down batch that gathers
// what its sessions are to get. A batch leaves once a loop turn, or when it is full.
import { Limits } from "../../proto/limits.ts";
import { LinkEnd, sessionDigestTerm } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";
import type { Session, SessionGateway } from "../shard/session.ts";
import { DownBatch } from "./down-batch.ts";
import { SessionSlots } from "./session-slots.ts";

/** What a peer needs of the process around it. */
export interface PeerHost {
  readonly incarnation: Uint8Array;
  readonly epoch: number;
  publish(peer: GatewayPeer, bytes: Uint8Array): void;
  /** Has `flush` called at the end of this loop turn. */
  flushSoon(peer: GatewayPeer): void;
  now(): number;
}

export class GatewayPeer implements SessionGateway {
  readonly incarnation: Uint8Array;
  readonly name: string;
  readonly link: LinkEnd;
  readonly sessions: SessionSlots;
  /** Sum of sessionDigestTerm over the sessions, modulo 2^32. */
  digest: number;
  /** The ring ran over or the link was given up: nothing is sent on it any more. */
  over: boolean;
  private readonly host: PeerHost;
  private readonly batch: DownBatch;
  private scheduled: boolean;

  constructor(host: PeerHost, incarnation: Uint8Array, link: number) {
    this.incarnation = Uint8Array.from(incarnation);
    this.name = hex(incarnation);
    this.link = new LinkEnd(host.incarnation, this.incarnation, link, host.now());
    this.sessions = new SessionSlots();
    this.digest = 0;
    this.over = false;
    this.host = host;
    this.batch = new DownBatch();
    this.scheduled = false;
  }

  addSession(session: Session): void {
    this.sessions.add(session);
    this.digest = (this.digest + sessionDigestTerm(session.slot, session.generation)) >>> 0;
  }

  removeSession(session: Session): void {
    this.sessions.remove(session);
    this.digest = (this.digest - sessionDigestTerm(session.slot, session.generation)) >>> 0;
  }

  deliver(session: Session, frame: Uint8Array, deliveryClass: number): void {
    if (!this.hasRoom(DownBatch.roomFor(frame.length, 1))) return;
    this.batch.add(session, frame, deliveryClass);
    this.flushSoon();
  }

  deliverMany(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void {
    if (!this.hasRoom(DownBatch.roomFor(frame.length, sessions.length))) return;
    this.batch.addMany(sessions, frame, deliveryClass);
    this.flushSoon();
  }

  /** Gives the link up, with all that was gathered for it. */
  end(): void {
    this.over = true;
    this.batch.clear();
  }

  /** Sends again what the gateway lacks. */
  readonly resend = (bytes: Uint8Array): void => this.host.publish(this, bytes);

  /** Sends the gathered batch. */
  flush(): void {
    this.scheduled = false;
    if (this.batch.byteLength === 0 || this.over) return;
    const bytes = this.batch.finish(this.link.nextHead(), this.host.epoch);
    if (!this.link.retain(bytes, this.host.now())) this.end();
    this.host.publish(this, bytes);
  }

  /** A head for acks and as a sign of life: that of the gathered batch, or a bare one. */
  flushHead(): void {
    if (this.over) return;
    if (this.batch.byteLength > 0) this.flush();
    else this.host.publish(this, this.batch.finish(this.link.bareHead(this.host.now()), this.host.epoch));
  }

  /** False: nothing is taken any more. Else there is room for so many bytes, in the next batch if not in this one. */
  private hasRoom(bytes: number): boolean {
    if (this.over) return false;
    if (this.batch.byteLength > 0 && this.batch.byteLength + bytes > Limits.fabricBatchBytesMax - 1024) this.flush();
    return !this.over;
  }

  private flushSoon(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.host.flushSoon(this);
  }
}

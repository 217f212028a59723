// A gateway process as logic sees it: the link to it, its table of sessions, and the Down batch that gathers
// what its sessions are to get. A batch leaves once a loop turn, or when it is full.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { Limits } from "../../proto/limits.ts";
import { LinkEnd, sessionDigestTerm } from "../../proto/link.ts";
import { Writer } from "../../proto/runtime.ts";
import { hex } from "../../proto/hex.ts";
import type { Session, SessionGateway } from "../shard/session.ts";

const { Delivery, LinkHead } = fabric.fabric.v1;

/** Tags of Down's fields: a batch is put together field by field, its head last. */
const TAG_HEAD = (1 << 3) | 2;
const TAG_EPOCH = 2 << 3;
const TAG_DELIVERIES = (3 << 3) | 2;

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
  readonly sessions: Map<number, Session>;
  /** Sum of sessionDigestTerm over the sessions, modulo 2^32. */
  digest: number;
  /** The ring ran over or the link was given up: nothing is sent on it any more. */
  over: boolean;
  private readonly host: PeerHost;
  private writer: Writer | undefined;
  private scheduled: boolean;

  constructor(host: PeerHost, incarnation: Uint8Array, link: number) {
    this.incarnation = Uint8Array.from(incarnation);
    this.name = hex(incarnation);
    this.link = new LinkEnd(host.incarnation, this.incarnation, link, host.now());
    this.sessions = new Map();
    this.digest = 0;
    this.over = false;
    this.host = host;
    this.writer = undefined;
    this.scheduled = false;
  }

  addSession(session: Session): void {
    this.sessions.set(session.slot, session);
    this.digest = (this.digest + sessionDigestTerm(session.slot, session.generation)) >>> 0;
  }

  removeSession(session: Session): void {
    this.sessions.delete(session.slot);
    this.digest = (this.digest - sessionDigestTerm(session.slot, session.generation)) >>> 0;
  }

  deliver(session: Session, frame: Uint8Array, deliveryClass: number): void {
    this.add({ frame, slots: [session.slot], generations: [session.generation], class: deliveryClass }, frame.length);
  }

  deliverMany(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void {
    const slots = sessions.map((session) => session.slot);
    const generations = sessions.map((session) => session.generation);
    this.add({ frame, slots, generations, class: deliveryClass }, frame.length + 8 * sessions.length);
  }

  /** Gives the link up, with all that was gathered for it. */
  end(): void {
    this.over = true;
    this.writer = undefined;
  }

  /** Sends the gathered batch. */
  flush(): void {
    this.scheduled = false;
    const { writer } = this;
    if (writer === undefined || this.over) return;
    this.writer = undefined;
    LinkHead.encode(this.link.nextHead(), writer.uint32(TAG_HEAD).fork()).ldelim();
    this.send(writer, true);
  }

  /** A head without content, for acks and as a sign of life. */
  flushHead(): void {
    if (this.over) return;
    const writer = Writer.create();
    LinkHead.encode(this.link.bareHead(this.host.now()), writer.uint32(TAG_HEAD).fork()).ldelim();
    this.send(writer, false);
  }

  private send(writer: Writer, retain: boolean): void {
    const bytes = writer.uint32(TAG_EPOCH).uint64(this.host.epoch).finish();
    if (retain && !this.link.retain(bytes, this.host.now())) this.end();
    this.host.publish(this, bytes);
  }

  private add(delivery: fabric.fabric.v1.Delivery.$Properties, bytes: number): void {
    if (this.over) return;
    if (this.writer !== undefined && this.writer.len + bytes > Limits.fabricBatchBytesMax - 4096) this.flush();
    this.writer ??= Writer.create();
    Delivery.encode(delivery, this.writer.uint32(TAG_DELIVERIES).fork()).ldelim();
    if (this.scheduled) return;
    this.scheduled = true;
    this.host.flushSoon(this);
  }
}

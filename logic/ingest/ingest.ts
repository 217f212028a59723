// Up batches in: finds the gateway's link, keeps it in order, and hands the commands on. Gateways that fall
// silent are forgotten with all their sessions; they report them again when they come back.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { type LinkHead, Verdict } from "../../proto/link.ts";
import { Writer } from "../../proto/runtime.ts";
import { hex } from "../../proto/hex.ts";
import type { Dispatch } from "./dispatch.ts";
import { GatewayPeer, type PeerHost } from "./gateway-peer.ts";
import { Command, UpBatch } from "./up-batch.ts";

const { Down } = fabric.fabric.v1;

/** More gateways than any one logic process should serve; beyond, new ones are not answered. */
const GATEWAYS_MAX = 1024;
const INCARNATION_BYTES = 8;
/** Sessions of a lost gateway, or link, that are detached at once: about 10 ms. The others follow, as many in each tick. */
const DETACHED_AT_ONCE = 4096;

export interface IngestCounters {
  batches: number;
  badBatches: number;
  resets: number;
  lostGateways: number;
  digestMismatches: number;
}

export class Ingest {
  readonly counters: IngestCounters;
  readonly peers: Map<string, GatewayPeer>;
  /** Forgotten ones of whose sessions some are still to be detached. They get nothing any more, and stand in nobody's way. */
  private leaving: GatewayPeer[];
  private readonly host: PeerHost;
  private readonly dispatch: Dispatch;
  private readonly wireNow: () => number;
  private readonly warn: (message: string, gateway: string) => void;
  /** Bytes for a gateway that is no peer: the answer to a link that is not known. */
  private readonly publishTo: (incarnation: Uint8Array, bytes: Uint8Array) => void;
  /** Ours, in hex. */
  private readonly incarnation: string;
  /** The batch being read: scratch. Nothing that is published comes back before `receive` has ended. */
  private readonly up: UpBatch;
  private readonly command: Command;

  constructor(
    host: PeerHost,
    dispatch: Dispatch,
    wireNow: () => number,
    publishTo: (incarnation: Uint8Array, bytes: Uint8Array) => void,
    warn: (message: string, gateway: string) => void,
  ) {
    this.counters = { batches: 0, badBatches: 0, resets: 0, lostGateways: 0, digestMismatches: 0 };
    this.peers = new Map();
    this.leaving = [];
    this.host = host;
    this.dispatch = dispatch;
    this.wireNow = wireNow;
    this.publishTo = publishTo;
    this.warn = warn;
    this.incarnation = hex(host.incarnation);
    this.up = new UpBatch();
    this.command = new Command();
  }

  /** One message from NATS. Its bytes are not kept. */
  receive(bytes: Uint8Array): void {
    if (this.read(bytes)) this.take();
    else this.counters.badBatches++;
    this.up.release();
    this.command.release();
  }

  /** False: the bytes are no batch, or not one for us. */
  private read(bytes: Uint8Array): boolean {
    try {
      this.up.read(bytes);
    } catch {
      return false;
    }
    const { head } = this.up;
    return head.from.length === INCARNATION_BYTES && hex(head.to) === this.incarnation;
  }

  private take(): void {
    const { up } = this;
    this.counters.batches++;
    const peer = this.peerOf(up.head);
    if (peer === undefined) return;
    const now = this.host.now();
    if (peer.link.receive(up.head, now, peer.resend) === Verdict.Deliver) this.deliver(peer, up);
    if (peer.link.headDue(now)) peer.flushHead();
  }

  private deliver(peer: GatewayPeer, up: UpBatch): void {
    const { command } = this;
    const now = this.wireNow();
    for (let i = 0; i < up.count; i++) {
      up.get(i, command);
      this.dispatch.command(peer, command, now);
    }
    // Faster than they can come anew: a gateway that opens link after link does not pile them up.
    this.detachSome(2 * up.count);
    this.compare(peer, up);
  }

  /** Keeps links alive and forgets gateways that are gone. Called several times a second. */
  tick(): void {
    const now = this.host.now();
    for (const peer of this.peers.values()) {
      if (peer.over || peer.link.lost(now)) {
        this.counters.lostGateways++;
        this.warn(peer.over ? "gateway takes nothing any more, link given up" : "gateway fell silent", peer.name);
        this.forget(peer);
      } else if (peer.link.headDue(now)) peer.flushHead();
    }
    this.detachSome(DETACHED_AT_ONCE);
  }

  /** The peer that a batch belongs to; a new link replaces an old one; undefined when it is not to be read. */
  private peerOf(head: LinkHead): GatewayPeer | undefined {
    const name = hex(head.from);
    const peer = this.peers.get(name);
    if (peer !== undefined && head.link === peer.link.link && !peer.over) return peer;
    if (peer !== undefined && head.link < peer.link.link) return undefined;
    const begins = head.number === 1 || head.last === 0;
    const sameLink = peer !== undefined && head.link === peer.link.link;
    const full = peer === undefined && this.peers.size >= GATEWAYS_MAX;
    if (sameLink || !begins || full) {
      this.reset(head.from, head.link);
      return undefined;
    }
    if (peer !== undefined) this.forget(peer);
    const opened = new GatewayPeer(this.host, head.from, head.link);
    this.peers.set(name, opened);
    return opened;
  }

  private forget(peer: GatewayPeer): void {
    this.peers.delete(peer.name);
    peer.end();
    this.leaving.push(peer);
    this.detachSome(DETACHED_AT_ONCE);
  }

  private detachSome(count: number): void {
    for (; count > 0 && this.leaving.length > 0; count--) {
      const peer = this.leaving[0]!;
      const session = peer.sessions.next();
      if (session === undefined) this.leaving.shift();
      else this.dispatch.detach(peer, session);
    }
  }

  /** Both sides name the sessions that they think are attached; a difference is repaired by a new link. */
  private compare(peer: GatewayPeer, up: UpBatch): void {
    if (up.sessions === peer.sessions.size && up.digest === peer.digest) return;
    this.counters.digestMismatches++;
    this.warn(`session tables differ: ${up.sessions} there, ${peer.sessions.size} here`, peer.name);
    this.forget(peer);
    this.reset(peer.incarnation, peer.link.link);
  }

  private reset(incarnation: Uint8Array, link: number): void {
    this.counters.resets++;
    const head = { from: this.host.incarnation, to: incarnation, link, number: 0, last: 0, ack: 0, reset: true };
    this.publishTo(incarnation, Down.encode({ head, epoch: this.host.epoch, deliveries: [] }, Writer.create()).finish());
  }
}

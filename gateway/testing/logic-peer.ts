// The logic side of links, as small as it can be: takes Up batches, keeps the table of sessions that they describe,
// checks the sessions and digest that they claim, and sends what a test wants delivered.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import { LINK_LIMITS, LinkEnd, type LinkHead, type LinkLimits, sessionDigestTerm, Verdict } from "../../proto/link.ts";
import { hex } from "../../proto/hex.ts";

const { Attach, Down, Operation, Owner, Up } = fabric.fabric.v1;
type Command = fabric.fabric.v1.Command.$Properties;

export interface PeerSession {
  slot: number;
  generation: number;
  user: string;
  attach: fabric.fabric.v1.Attach;
}

export interface PeerLink {
  gateway: Uint8Array;
  end: LinkEnd;
  sessions: Map<number, PeerSession>;
}

export interface LogicPeerOptions {
  incarnation: Uint8Array;
  epoch?: number;
  shardFirst?: number;
  shardLast?: number;
  shardCount?: number;
  limits?: LinkLimits;
  now: () => number;
  publish: (gateway: Uint8Array, bytes: Uint8Array) => void;
  command?: (link: PeerLink, command: Command) => void;
}

export class LogicPeer {
  readonly incarnation: Uint8Array;
  readonly links = new Map<string, PeerLink>();
  /** Every command but attach and detach, as "user type ref". */
  readonly requests: string[] = [];
  readonly attaches: string[] = [];
  /** What gateways claimed wrongly. */
  readonly mismatches: string[] = [];
  epoch: number;
  private readonly options: LogicPeerOptions;

  constructor(options: LogicPeerOptions) {
    this.incarnation = options.incarnation;
    this.epoch = options.epoch ?? 1;
    this.options = options;
  }

  /** Its entry in the owners bucket. */
  get owner(): Uint8Array {
    const { shardFirst = 0, shardLast = 255, shardCount = 256 } = this.options;
    return Owner.encode({ incarnation: this.incarnation, epoch: this.epoch, shardFirst, shardLast, shardCount, store: Uint8Array.of(1) }).finish();
  }

  receive(bytes: Uint8Array): void {
    const up = Up.decode(bytes);
    const head = { ...NO_HEAD, ...up.head } as LinkHead;
    if (hex(head.to) !== hex(this.incarnation)) throw new Error("a batch for somebody else");
    const name = hex(head.from);
    let link = this.links.get(name);
    if (link === undefined || link.end.link < head.link) {
      if (head.number !== 1 && head.last !== 0) return this.reset(head.from.slice(), head.link);
      link = { gateway: head.from.slice(), end: this.newEnd(head.from.slice(), head.link), sessions: new Map() };
      this.links.set(name, link);
    } else if (link.end.link > head.link) return;
    const to = link;
    const verdict = to.end.receive(head, this.options.now(), (again) => this.options.publish(to.gateway, again));
    if (verdict === Verdict.Deliver) {
      for (const command of up.commands) this.command(to, command);
      this.compare(to, up);
    }
    this.head(to);
  }

  /** One frame to sessions of one gateway. */
  deliver(link: PeerLink, frame: Uint8Array, sessions: readonly { slot: number; generation: number }[], deliveryClass = 0): void {
    const slots = sessions.map(({ slot }) => slot);
    const generations = sessions.map(({ generation }) => generation);
    this.batch(link, [{ frame, slots, generations, class: deliveryClass }]);
  }

  batch(link: PeerLink, deliveries: fabric.fabric.v1.Delivery.$Properties[]): void {
    const bytes = Down.encode({ head: link.end.nextHead(), epoch: this.epoch, deliveries }).finish();
    link.end.retain(bytes, this.options.now());
    this.options.publish(link.gateway, bytes);
  }

  /** Forgets a gateway's link and says so. */
  reset(gateway: Uint8Array, number: number): void {
    if (this.links.get(hex(gateway))?.end.link === number) this.links.delete(hex(gateway));
    const head = { ...NO_HEAD, from: this.incarnation, to: gateway, link: number, reset: true };
    this.options.publish(gateway, Down.encode({ head, epoch: this.epoch, deliveries: [] }).finish());
  }

  tick(): void {
    for (const link of this.links.values()) this.head(link);
  }

  /** The only gateway's link. */
  get only(): PeerLink {
    const [link] = this.links.values();
    if (link === undefined || this.links.size !== 1) throw new Error(`${this.links.size} gateways`);
    return link;
  }

  session(user: string): PeerSession {
    for (const link of this.links.values()) for (const session of link.sessions.values()) if (session.user === user) return session;
    throw new Error(`no session of ${user}`);
  }

  private head(link: PeerLink): void {
    const now = this.options.now();
    if (!link.end.headDue(now)) return;
    this.options.publish(link.gateway, Down.encode({ head: link.end.bareHead(now), epoch: this.epoch, deliveries: [] }).finish());
  }

  private newEnd(gateway: Uint8Array, number: number): LinkEnd {
    return new LinkEnd(this.incarnation, gateway, number, this.options.now(), this.options.limits ?? LINK_LIMITS);
  }

  private command(link: PeerLink, command: Command): void {
    const slot = command.slot ?? 0;
    const user = Buffer.from(command.user ?? []).toString();
    if (command.type === Operation.OPERATION_ATTACH) {
      const attach = Attach.decode((command.body ?? new Uint8Array(0)).slice());
      link.sessions.set(slot, { slot, generation: command.generation!, user, attach });
      this.attaches.push(`${user}${attach.report ? " report" : ""}${attach.sync ? " sync" : ""}`);
    } else if (command.type === Operation.OPERATION_DETACH) {
      if (link.sessions.get(slot)?.generation !== command.generation) this.mismatches.push(`detach of ${slot} that is not attached`);
      link.sessions.delete(slot);
    } else {
      if (user === "" || command.install?.length !== 8) this.mismatches.push("a command without user and install");
      this.requests.push(`${user} ${command.type} ${command.ref}`);
      this.options.command?.(link, command);
    }
  }

  private compare(link: PeerLink, up: fabric.fabric.v1.Up): void {
    let digest = 0;
    for (const { slot, generation } of link.sessions.values()) digest = (digest + sessionDigestTerm(slot, generation)) >>> 0;
    if (up.sessions !== link.sessions.size || up.digest !== digest) this.mismatches.push(`${up.sessions} sessions claimed, ${link.sessions.size} here`);
  }
}

const NONE = new Uint8Array(0);
const NO_HEAD: LinkHead = { from: NONE, to: NONE, link: 0, number: 0, last: 0, ack: 0, reset: false };

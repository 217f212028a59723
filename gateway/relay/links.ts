// The links to all owner processes: which one a shard's requests take, and when one is replaced by the next. An owner
// that holds another set of ranges or epochs than before gets another link, as does one whose link broke.
//
// Invariant: byShard[shard] is the current link to the shard's owner, or undefined while it has none; link numbers only grow.
import type { Log } from "../log.ts";
import { type OwnedRange, Owners, OwnersChange } from "./owners.ts";
import { Uplink, type UplinkHost } from "./uplink.ts";

/** At least this long between two links to one owner. */
const REOPEN_MS = 250;

export interface LinksOwner {
  /** A link was opened, and stands in its shards' places: to be told of the sessions that are its. */
  opened(link: Uplink): void;
}

export class Links {
  /** By owner's incarnation in hex. */
  readonly byOwner: Map<string, Uplink>;
  byShard: (Uplink | undefined)[];
  /** Number of the newest link. */
  newest: number;
  private readonly host: UplinkHost;
  private readonly owner: LinksOwner;
  private readonly log: Log;
  private readonly owners: Owners;
  private readonly byNumber: Map<number, Uplink>;
  private problem: string;

  constructor(host: UplinkHost, owner: LinksOwner, log: Log) {
    this.byOwner = new Map();
    this.byShard = [];
    this.newest = 0;
    this.host = host;
    this.owner = owner;
    this.log = log;
    this.owners = new Owners();
    this.byNumber = new Map();
    this.problem = "";
  }

  /** 0: no owner is known yet. */
  get shardCount(): number {
    return this.byShard.length;
  }

  /** The current link of that number, if it is one. */
  numbered(number: number): Uplink | undefined {
    return this.byNumber.get(number);
  }

  /** An entry of the owners bucket, as it is now. */
  ownerEntry(key: string, value: Uint8Array): void {
    const change = this.owners.apply(key, value);
    if (change === OwnersChange.Changed) return this.arrange();
    if (change === OwnersChange.None || this.owners.problem === this.problem) return;
    this.problem = this.owners.problem;
    this.log.warn({ problem: this.problem }, "an owner entry is ignored");
  }

  /** Nothing is entrusted to this link any more; `tick` opens the next one. */
  fail(link: Uplink, reason: string): void {
    if (link.broken !== "") return;
    link.broken = reason;
    this.log.warn({ owner: link.owner, link: link.number, reason }, "link broken");
  }

  /** Keeps links alive and replaces broken ones, while `connected`. */
  tick(now: number, connected: boolean): void {
    for (const link of this.byOwner.values()) {
      if (link.broken === "" && link.end.lost(now)) this.fail(link, "nothing heard from the owner");
      if (link.broken === "") link.flushHead();
      else if (connected && now - link.openedAt >= REOPEN_MS) this.reopen(link);
    }
  }

  /** Makes the links fit the owners: called when a range changed hands or epochs. */
  private arrange(): void {
    const claims = new Map<string, OwnedRange[]>();
    for (const range of this.owners.ranges.values()) {
      const claim = claims.get(range.owner);
      if (claim === undefined) claims.set(range.owner, [range]);
      else claim.push(range);
    }
    for (const link of this.byOwner.values()) if (!claims.has(link.owner)) this.drop(link, "owns nothing any more");
    const links: (Uplink | undefined)[] = new Array(this.owners.shardCount).fill(undefined);
    const opened: Uplink[] = [];
    for (const [owner, ranges] of claims) {
      const claim = claimText(ranges, this.owners.shardCount);
      let link = this.byOwner.get(owner);
      if (link?.claim !== claim) {
        const epoch = Math.min(...ranges.map((range) => range.epoch));
        link = this.open(owner, ranges[0]!.incarnation, epoch, claim, false);
        opened.push(link);
      }
      for (const { shardFirst, shardLast } of ranges) links.fill(link, shardFirst, shardLast + 1);
    }
    this.byShard = links;
    for (const link of opened) this.owner.opened(link);
  }

  private reopen(old: Uplink): void {
    const link = this.open(old.owner, old.end.peer, old.epoch, old.claim, true);
    for (let shard = 0; shard < this.byShard.length; shard++) if (this.byShard[shard] === old) this.byShard[shard] = link;
    this.owner.opened(link);
  }

  private open(owner: string, incarnation: Uint8Array, epoch: number, claim: string, suspect: boolean): Uplink {
    const old = this.byOwner.get(owner);
    const after = old === undefined ? "nothing" : old.broken || "another claim";
    if (old !== undefined) this.drop(old, after);
    const link = new Uplink(this.host, owner, incarnation, ++this.newest, epoch, claim, suspect);
    this.byOwner.set(owner, link);
    this.byNumber.set(link.number, link);
    this.log.info({ owner, link: link.number, epoch, claim, after }, "link opened");
    return link;
  }

  private drop(link: Uplink, reason: string): void {
    if (link.broken === "") link.broken = reason;
    this.byOwner.delete(link.owner);
    this.byNumber.delete(link.number);
  }
}

/** What an owner holds, as text that differs whenever it does. */
function claimText(ranges: readonly OwnedRange[], shardCount: number): string {
  const parts = ranges.map(
    ({ shardFirst, shardLast, epoch, store }) => `${shardFirst}-${shardLast} of ${shardCount}, epoch ${epoch}${store === "" ? "" : ` of ${store}`}`,
  );
  return parts.sort().join("; ");
}

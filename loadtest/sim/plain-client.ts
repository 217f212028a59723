// The minimal client of SPEC.md §14, written from that page and with nothing more than it must have: no timeouts of
// requests and no Checks, which would hide that a server lost something without a word. It keeps its state over
// connections as a client's store would. Everything it is told goes to the judge.
import { directKey } from "../../proto/conversation.ts";
import { digestBytes, digestTerm } from "../../proto/conversation-hash.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { Limits } from "../../proto/limits.ts";
import { sha256 } from "../../logic/shard/sha256.ts";
import { type Holder, type SeenRow, Violation } from "./judge.ts";
import { PlainLink, type Request } from "./plain-link.ts";
import { PlainLog } from "./plain-log.ts";
import type { World } from "./world.ts";

const v1 = hawser.v1;
const NONE = new Uint8Array(0);
/** SPEC.md §7: a hole behind an own Send may close by itself. */
const OWN_HOLE_MS = 1000;
/** After OUT_OF_ORDER: the Send before it is on its way or waits for its own retry. */
const ORDER_RETRY_MS = 50;

export class PlainClient extends PlainLink implements Holder {
  readonly repeatsReads: boolean;
  private logs: Map<string, PlainLog>;
  /** Ref of the Sync whose Heads are awaited; 0: Hello's; -1: none. */
  private syncRef: number;
  /** Ref of the Check under way; 0: none. */
  private checkRef: number;
  /** To be kept once everything that was announced is there. */
  private nextWatermark: { watermark: Uint8Array; needed: Map<PlainLog, number> } | undefined;

  constructor(world: World, user: string, device: string) {
    super(world, user, device);
    this.repeatsReads = true;
    this.logs = new Map();
    this.syncRef = -1;
    this.checkRef = 0;
    this.nextWatermark = undefined;
  }

  shownOf(peer: string): number {
    return (this.logs.get(peer)?.next ?? 1) - 1;
  }

  readOf(peer: string): number {
    return this.logs.get(peer)?.readSeq ?? 0;
  }

  /** Holds all that it was told of, waits for nothing. */
  get isAtRest(): boolean {
    if (!this.online || this.syncRef >= 0 || this.checkRef > 0 || this.nextWatermark !== undefined) return false;
    return [...this.logs.values()].every((log) => log.isAtRest);
  }

  /** Why it is not at rest. */
  get unrest(): string {
    const logs = [...this.logs.values()].map(
      ({ peer, next, known, pending, fetching }) => `${peer}: next ${next} of ${known}, ${pending.length} unsent${fetching ? ", fetching" : ""}`,
    );
    return `online ${this.online}, Sync ${this.syncRef}, watermark ${this.nextWatermark === undefined ? "kept" : "to keep"}; ${logs.join("; ")}`;
  }

  /** Its store is gone, and what was not confirmed with it. */
  wipe(): void {
    for (const log of this.logs.values()) for (const { sending } of log.pending) this.world.judge.forget(sending);
    this.logs = new Map();
    this.startOver();
  }

  send(peer: string, kind: number, payload: Uint8Array): void {
    const log = this.log(peer);
    const sending = this.world.judge.sending({ user: this.user, install: this.install, peer, clientSeq: ++log.clientSeq, kind, payload });
    log.pending.push({ sending, inFlight: false });
    if (this.online) this.sendPending(log);
  }

  markRead(peer: string): void {
    const log = this.log(peer);
    if (log.readSeq >= log.next - 1) return;
    log.readSeq = log.next - 1;
    if (this.online) this.sendRead(log);
  }

  /** Asks for what changed. */
  sync(): void {
    this.startSync(this.watermark);
  }

  /** Asks whether it holds everything; at rest it must. */
  check(): void {
    const held = [...this.logs.values()].filter(({ next }) => next > 1);
    const sum = held.reduce((digest, { peer, next }) => digest + digestTerm(sha256, directKey(Buffer.from(this.user), Buffer.from(peer)), next - 1), 0n);
    this.checkRef = this.request(FrameType.Check, v1.Check.encode({ digest: digestBytes(sum), count: held.length }).finish(), { type: "check" });
  }

  protected begun(): void {
    this.syncRef = 0;
    this.nextWatermark = undefined;
    for (const log of this.logs.values()) log.forgetRequests();
    // Some do not wait for Welcome.
    if (this.world.random.chance(0.3)) for (const log of this.logs.values()) this.sendPending(log);
  }

  protected frame(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.Welcome:
        this.online = true;
        for (const log of this.logs.values()) this.sendPending(log);
        this.mendAll();
        break;
      case FrameType.Heads:
        this.heads(v1.Heads.decode(body));
        break;
      case FrameType.Push:
        this.push(v1.Push.decode(body));
        break;
      case FrameType.Page:
        this.page(v1.Page.decode(body));
        break;
      case FrameType.Sent:
        this.sent(v1.Sent.decode(body));
        break;
      case FrameType.Read: {
        const { peer, seq } = v1.Read.decode(body);
        const log = this.log(text(peer));
        log.readSeq = Math.max(log.readSeq, seq);
        break;
      }
      case FrameType.Checked:
        if (this.take(v1.Checked.decode(body).ref)?.type !== "check") throw new Violation("Checked for something else than a Check");
        this.checkRef = 0;
        break;
      case FrameType.Resync:
        this.resync();
        break;
      case FrameType.Error:
        this.error(v1.Error.decode(body));
        break;
      default:
        throw new Violation(`a frame of type ${type}`);
    }
  }

  private resync(): void {
    this.world.count("resyncs");
    for (const request of this.requests.values()) request.isVoid = true;
    for (const log of this.logs.values()) {
      log.forgetRequests();
      this.sendPending(log);
    }
    this.startSync(this.watermark);
    this.mendAll();
  }

  /** What was asked for before the connection, or its owner, changed: Reads are never answered, so they are repeated too. */
  private mendAll(): void {
    for (const log of this.logs.values()) {
      this.mend(log);
      if (log.readKnown < log.readSeq) this.sendRead(log);
    }
  }

  // Sending

  private sendPending(log: PlainLog): void {
    for (const pending of log.pending) {
      if (pending.inFlight) continue;
      pending.inFlight = true;
      const { clientSeq, kind, payload } = pending.sending;
      this.request(FrameType.Send, v1.Send.encode({ peer: Buffer.from(log.peer), clientSeq, kind, payload }).finish(), { type: "send", log, pending });
    }
  }

  private sent({ ref, seq, time, durability }: hawser.v1.Sent): void {
    const request = this.take(ref);
    if (request?.pending === undefined) throw new Violation("Sent for something else than a Send");
    if (durability !== 2) throw new Violation("an ack of another durability than the store's");
    const { log, pending } = request;
    const { sending } = pending;
    this.world.judge.acked(sending, seq, time);
    log!.settle(sending);
    this.row(log!, { seq, time, kind: sending.kind, sender: this.user, payload: sending.payload });
  }

  // Receiving

  private push(push: hawser.v1.Push): void {
    const own = push.from.length === 0;
    const log = this.log(text(own ? push.to : push.from));
    if (own && push.install.length !== Limits.installBytes) throw new Violation("an own row without its install");
    this.taken(log, push, own);
  }

  /** A row of a Push or Page. */
  private taken(log: PlainLog, row: hawser.v1.Push.$Properties, own: boolean): void {
    const { seq, time, kind, payload, install, clientSeq, from } = { ...EMPTY_ROW, ...row } as Required<typeof EMPTY_ROW>;
    if (own && Buffer.compare(install, this.install) === 0) {
      const pending = log.pending.find(({ sending }) => sending.clientSeq === clientSeq);
      if (pending !== undefined) {
        this.world.judge.acked(pending.sending, seq, time);
        log.settle(pending.sending);
      }
    }
    this.row(log, { seq, time, kind, sender: own ? this.user : text(from), payload });
  }

  private row(log: PlainLog, row: SeenRow): void {
    log.take(row, (next) => this.world.judge.shown(this.user, log.peer, next));
    this.mend(log);
    this.keepWatermark();
  }

  /** Has a hole filled, now or, where it may close by itself, a second later. */
  private mend(log: PlainLog): void {
    if (!this.online || !log.hasHole || log.fetching || log.fetchScheduled) return;
    if (log.pending.length === 0) {
      this.fetch(log);
      return;
    }
    log.fetchScheduled = true;
    this.later(OWN_HOLE_MS, () => {
      log.fetchScheduled = false;
      if (this.online && log.hasHole && !log.fetching) this.fetch(log);
    });
  }

  private fetch(log: PlainLog): void {
    log.fetching = true;
    const fromSeq = log.next;
    const limit = this.world.random.pick([0, 0, 3]);
    this.request(FrameType.Fetch, v1.Fetch.encode({ peer: Buffer.from(log.peer), fromSeq, limit }).finish(), { type: "fetch", log, fromSeq });
  }

  private page(page: hawser.v1.Page): void {
    const request = this.take(page.ref);
    if (request?.type !== "fetch") throw new Violation("a Page for something else than a Fetch");
    const log = request.log!;
    if (text(page.peer) !== log.peer) throw new Violation("a Page of another conversation");
    const rows = page.rows;
    const first = rows[0]?.seq ?? 0;
    if (rows.some((row, i) => row.seq !== first + i)) throw new Violation("a Page with a hole");
    if (rows.length > 0 && first !== request.fromSeq) throw new Violation("a Page that begins elsewhere");
    if (rows.length > 0) this.world.judge.hash(this.user, log.peer, first - 1, page.hashBefore);
    if (!request.isVoid) log.fetching = false;
    if (rows.length === 0 && !request.isVoid && log.known >= request.fromSeq) throw new Violation(`row ${request.fromSeq} was announced and is not given`);
    log.known = Math.max(log.known, page.headSeq);
    for (const row of rows) this.taken(log, row, (row.from?.length ?? 0) === 0);
    this.mend(log);
  }

  // Syncing

  private startSync(watermark: Uint8Array): void {
    this.nextWatermark = undefined;
    this.syncRef = this.request(FrameType.Sync, v1.Sync.encode({ watermark }).finish(), { type: "sync" });
  }

  private heads({ ref, heads, watermark, more }: hawser.v1.Heads): void {
    this.requests.delete(ref);
    if (ref !== 0 && ref === this.checkRef) throw new Violation(`${this.name} holds everything and is told otherwise`);
    for (const head of heads) {
      const log = this.log(text(head.peer));
      const seq = head.seq ?? 0;
      this.world.judge.hash(this.user, log.peer, seq, head.hash ?? NONE);
      log.known = Math.max(log.known, seq);
      log.readKnown = head.readSeq ?? 0;
      if (log.readKnown < log.readSeq) this.sendRead(log);
      log.readSeq = Math.max(log.readSeq, log.readKnown);
    }
    if (ref === this.syncRef) {
      this.syncRef = -1;
      if (more) {
        this.world.count("pages of heads");
        this.startSync(watermark);
      } else this.nextWatermark = { watermark: watermark.slice(), needed: new Map([...this.logs.values()].map((log) => [log, log.known])) };
    }
    for (const log of this.logs.values()) this.mend(log);
    this.keepWatermark();
  }

  private keepWatermark(): void {
    if (this.nextWatermark === undefined) return;
    for (const [log, seq] of this.nextWatermark.needed) if (log.next <= seq) return;
    this.watermark = this.nextWatermark.watermark;
    this.nextWatermark = undefined;
  }

  private sendRead(log: PlainLog): void {
    this.request(FrameType.Read, v1.Read.encode({ peer: Buffer.from(log.peer), seq: log.readSeq }).finish(), { type: "read", log });
  }

  // Errors

  private error({ code, ref, retryAfterMs, closes, expected }: hawser.v1.Error): void {
    if (closes) {
      this.closedWith(code as number, retryAfterMs);
      return;
    }
    // The Sync of Hello.
    if (ref === 0) {
      if ((code as number) !== ErrorCode.Busy) throw new Violation(`Error ${code} without a ref`);
      this.retrySync(retryAfterMs, 0);
      return;
    }
    const request = this.take(ref);
    if (request === undefined) throw new Violation(`Error ${code} for nothing`);
    if (request.isVoid && request.type !== "send") return;
    switch (code as number) {
      case ErrorCode.Busy:
      case ErrorCode.RateLimited:
        this.refusedForNow(request, ref, retryAfterMs);
        break;
      case ErrorCode.OutOfOrder:
        if (request.isVoid || !this.isOpen(request)) break;
        if (expected > request.pending!.sending.clientSeq) throw new Violation("OUT_OF_ORDER that expects a later number");
        if (expected < request.log!.pending[0]!.sending.clientSeq) throw new Violation(`the server lost the numbering: expects ${expected}`);
        this.retrySend(request, ORDER_RETRY_MS);
        break;
      case ErrorCode.BadText:
      case ErrorCode.Unsupported:
      case ErrorCode.PayloadTooLarge:
        this.world.judge.refused(request.pending!.sending, code as number);
        request.log!.settle(request.pending!.sending);
        break;
      default:
        throw new Violation(`${this.name}: Error ${code}`);
    }
  }

  private refusedForNow(request: Request, ref: number, retryAfterMs: number): void {
    this.world.count("busy");
    if (request.type === "send") {
      if (!request.isVoid && this.isOpen(request)) this.retrySend(request, retryAfterMs);
    } else if (request.type === "fetch") {
      request.log!.fetching = false;
      request.log!.fetchScheduled = true;
      this.later(retryAfterMs, () => {
        request.log!.fetchScheduled = false;
        this.mend(request.log!);
      });
    } else if (request.type === "sync" && ref === this.syncRef) this.retrySync(retryAfterMs, ref);
  }

  private isOpen({ log, pending }: Request): boolean {
    return log!.pending.includes(pending!);
  }

  private retrySend({ log, pending }: Request, afterMs: number): void {
    pending!.inFlight = false;
    this.laterHere(afterMs, () => this.sendPending(log!));
  }

  /** A Sync whose page is refused begins again; `ref` is the one refused. */
  private retrySync(afterMs: number, ref: number): void {
    this.laterHere(afterMs, () => {
      if (this.syncRef === ref) this.startSync(this.watermark);
    });
  }

  private log(peer: string): PlainLog {
    let log = this.logs.get(peer);
    if (log === undefined) {
      log = new PlainLog(peer);
      this.logs.set(peer, log);
    }
    return log;
  }
}

const EMPTY_ROW = { seq: 0, time: 0, kind: 0, payload: NONE, install: NONE, clientSeq: 0, from: NONE };

function text(id: Uint8Array | null | undefined): string {
  return Buffer.from(id ?? NONE).toString();
}

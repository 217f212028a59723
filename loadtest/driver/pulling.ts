// Finds out what a session lacks and fetches it: heads after each connection, pages where a view is behind (SPEC.md §8).
// The watermark moves only once everything that the heads announced is there.
import type { UserNames } from "../cast/names.ts";
import { encodeMessage } from "../../proto/frame.ts";
import { FrameType } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { type ErrorCode, ERROR_RULES } from "../../proto/error-code.ts";
import { Pull, type View } from "./conversation.ts";
import { equalBytes, type Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { HoleSink, Rows } from "./rows.ts";
import { Flag, State } from "./session-table.ts";
import type { SendingHost } from "./sending.ts";
import { Ask, type Talker } from "./talker.ts";

/** How long a hole may close by itself when a Sent of one's own may be what is missing (SPEC.md §7). */
const OWN_HOLE_MS = 1000;
/** Fetches and Syncs without an answer, of one session. */
const PULLS_AT_ONCE = 32;
const REFUSED_MS_MIN = 20;
const REFUSED_MS_MAX = 5_000;

export interface PullingHost extends SendingHost {
  /** All heads of this connection have come. */
  synced(session: number): void;
}

export class Pulling implements HoleSink {
  /** Rows that came in pages. */
  pulledRows: number;
  /** Set after Rows is made, which needs this. */
  rows: Rows | undefined;
  private readonly host: PullingHost;
  private readonly ledger: Ledger;
  private readonly names: UserNames;
  private readonly identity: Identity;
  /** Views whose hole may close by itself, until holeAt. */
  private readonly waiting: Set<View>;
  private readonly peerBytes: Uint8Array;

  constructor(host: PullingHost, ledger: Ledger, names: UserNames, identity: Identity) {
    this.pulledRows = 0;
    this.rows = undefined;
    this.host = host;
    this.ledger = ledger;
    this.names = names;
    this.identity = identity;
    this.waiting = new Set();
    this.peerBytes = new Uint8Array(names.length);
  }

  /** HoleSink. */
  hole(view: View, own: boolean): void {
    if (!own) return this.want(view);
    view.holeAt = this.host.nowMs + OWN_HOLE_MS;
    this.waiting.add(view);
  }

  /** Called a few times a second: holes that did not close by themselves. */
  tick(): void {
    for (const view of this.waiting) {
      if (view.holeAt > this.host.nowMs) continue;
      this.waiting.delete(view);
      view.holeAt = 0;
      if (view.behind) this.want(view);
    }
  }

  /** Rows are missing in this view. */
  want(view: View): void {
    if (view.pull !== Pull.None) return;
    const talker = this.talkerOf(view);
    view.pull = Pull.Wanted;
    talker.pulls.push(view);
    this.pump(talker);
  }

  /** Asks for all heads from the stored watermark. */
  sync(talker: Talker): void {
    talker.syncFrom = this.host.table.watermark(talker.session).slice();
    this.pump(talker);
  }

  /** Asks for all heads there are, and compares them with what was acked. */
  checkHeads(talker: Talker): void {
    talker.headsSeen = new Set();
    this.ask(talker, Ask.HeadCheck, FrameType.Sync, encodeMessage(FrameType.Sync, hawser.v1.Sync, {}), null);
  }

  /** Asks what is to be asked and may be. */
  pump(talker: Talker): void {
    const { host } = this;
    if (host.table.state[talker.session] !== State.Ready) return;
    if (host.nowMs < talker.pullAt) {
      if (talker.syncFrom !== undefined || talker.pulls.length > 0) host.later(talker);
      return;
    }
    if (talker.syncFrom !== undefined) {
      const frame = encodeMessage(FrameType.Sync, hawser.v1.Sync, { watermark: talker.syncFrom });
      talker.syncFrom = undefined;
      this.ask(talker, Ask.Sync, FrameType.Sync, frame, null);
    }
    while (talker.pulls.length > 0) {
      if (talker.requests.count >= PULLS_AT_ONCE) return host.later(talker);
      const view = talker.pulls.shift()!;
      view.pull = Pull.None;
      if (!view.behind) continue;
      view.pull = Pull.Asked;
      this.names.write(this.peerBytes, 0, view.peer);
      const frame = encodeMessage(FrameType.Fetch, hawser.v1.Fetch, { peer: this.peerBytes, fromSeq: view.next });
      this.ask(talker, Ask.Fetch, FrameType.Fetch, frame, view);
    }
    this.complete(talker);
  }

  /** Requests are forgotten: asks again for what views lack. */
  repeatAll(talker: Talker): void {
    talker.pulls.length = 0;
    for (const view of talker.views) {
      view.pull = view.behind ? Pull.Wanted : Pull.None;
      if (view.behind) talker.pulls.push(view);
    }
  }

  /** Heads came; `ask` is what they answer, None for those of Hello. Throws when they are none. */
  heads(session: number, talker: Talker | undefined, ask: Ask, heads: hawser.v1.Heads): void {
    const { host, ledger } = this;
    for (const head of heads.heads as hawser.v1.Head[]) {
      const view = talker?.viewOf(this.names.read(head.peer, 0, head.peer.length));
      if (view === undefined) {
        ledger.stranger(session, "a head of a conversation that nobody writes in");
        continue;
      }
      if (ask === Ask.HeadCheck) {
        talker!.headsSeen?.add(view);
        ledger.head(view.conversation, head.seq);
      }
      if (this.rows!.announced(view, head.seq) && !this.waiting.has(view)) this.want(view);
    }
    if (heads.more && talker !== undefined) {
      talker.syncFrom = ask === Ask.HeadCheck ? undefined : new Uint8Array(heads.watermark);
      if (ask === Ask.HeadCheck) {
        const frame = encodeMessage(FrameType.Sync, hawser.v1.Sync, { watermark: heads.watermark });
        this.ask(talker, Ask.HeadCheck, FrameType.Sync, frame, null);
      } else this.pump(talker);
      return;
    }
    if (talker !== undefined && ask === Ask.HeadCheck) return this.headsChecked(talker);
    if (talker === undefined) host.table.setWatermark(session, heads.watermark);
    else {
      talker.reached = new Uint8Array(heads.watermark);
      this.complete(talker);
    }
    host.table.set(session, Flag.Synced | Flag.Known);
    host.synced(session);
  }

  /** A page came in answer to the request that was taken last. Throws when its rows make no sense. */
  page(talker: Talker, page: hawser.v1.Page): void {
    const { names, host } = this;
    const view = talker.requests.view!;
    const nowUs = host.nowUs;
    const before = view.next;
    // Nothing in between throws.
    this.ledger.inPage = true;
    for (const row of page.rows as hawser.v1.Push[]) {
      this.pulledRows++;
      const { payload } = row;
      if (row.kind !== 0) this.ledger.stranger(talker.session, `row ${row.seq} is of kind ${row.kind}, and only kind 0 is sent`);
      if (row.from.length > 0) {
        if (names.read(row.from, 0, row.from.length) !== view.peer) this.ledger.stranger(talker.session, `row ${row.seq} in the name of a third person`);
        else this.rows!.pushed(view, row.seq, payload, 0, payload.length, nowUs);
      } else {
        const mine = equalBytes(row.install, this.identity.install(talker.session));
        this.rows!.pushedOwn(view, row.seq, mine, row.clientSeq, payload, 0, payload.length, nowUs);
      }
    }
    this.ledger.inPage = false;
    view.pull = Pull.None;
    view.known = Math.max(view.known, page.headSeq);
    if (view.behind && view.next === before) {
      // Announced and not given: nothing more to hope for. If it was somebody's message, the ledger misses it.
      host.count("ROWS_NOT_GIVEN");
      view.known = view.next - 1;
    }
    if (view.behind) this.want(view);
    this.pump(talker);
  }

  /** An Error came for the Fetch or Sync that was taken last. */
  refused(talker: Talker, code: number, retryAfterMs: number): void {
    const { requests } = talker;
    const { host } = this;
    const again = ERROR_RULES[code as ErrorCode]?.retry === "wait";
    if (again) talker.pullAt = Math.max(talker.pullAt, host.nowMs + Math.min(Math.max(retryAfterMs, REFUSED_MS_MIN), REFUSED_MS_MAX));
    if (requests.ask === Ask.HeadCheck) {
      // No answer says nothing of any head; they are asked for again.
      talker.headsSeen = undefined;
      return;
    }
    const { view } = requests;
    if (requests.ask === Ask.Sync) {
      if (again) this.sync(talker);
    } else if (view !== null) {
      view.pull = Pull.None;
      if (again) this.want(view);
      else view.known = view.next - 1;
    }
    host.later(talker);
  }

  private headsChecked(talker: Talker): void {
    const seen = talker.headsSeen;
    talker.headsSeen = undefined;
    for (const view of talker.views) if (seen !== undefined && !seen.has(view) && view.conversation.left > 0) this.ledger.head(view.conversation, 0);
  }

  private complete(talker: Talker): void {
    if (talker.reached === undefined || talker.pulls.length > 0) return;
    for (const view of talker.views) if (view.behind) return;
    this.host.table.setWatermark(talker.session, talker.reached);
    talker.reached = undefined;
  }

  private ask(talker: Talker, ask: Ask, type: number, frame: Uint8Array, view: View | null): void {
    const ref = ++this.host.table.refs[talker.session]!;
    talker.requests.add(ref, ask, null, view, -1, 0, this.host.nowMs);
    this.host.write(talker.session, type, frame);
  }

  private talkerOf(view: View): Talker {
    return this.host.talkers[this.host.table.talker[view.session]!]!;
  }
}

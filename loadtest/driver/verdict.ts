// The end of a run: waits until everything has come, helps as a client would by asking for heads where something is missing,
// and compares all heads with what was acked.
import { setTimeout as delay } from "node:timers/promises";
import { FrameType } from "../../proto/frame-type.ts";
import type { Answers, Verdict } from "./control.ts";
import { type Conversation, HeadState } from "./conversation.ts";
import type { Counts } from "./counts.ts";
import { EntryFlag, NONE } from "./entries.ts";
import type { Ledger } from "./ledger.ts";
import type { Pulling } from "./pulling.ts";
import { Flag, State } from "./session-table.ts";
import type { Sessions } from "./sessions.ts";
import type { Talker } from "./talker.ts";

const POLL_MS = 20;
/** Sessions whose heads are asked for at the same time, and how long all may take. */
const AT_ONCE = 200;
const ASK_MS = 30_000;
/** A user's shard may hear of a row a moment after its sender did. */
const ROUNDS = 4;
const PAUSE_MS = 500;
/** How long no row may have come before heads are compared, and how long that is waited for. */
const QUIET_MS = 500;
const QUIET_MS_MAX = 3000;

export class Judge {
  private readonly ledger: Ledger;
  private readonly sessions: Sessions;
  private readonly pulling: Pulling;
  private readonly counts: Counts;

  constructor(ledger: Ledger, sessions: Sessions, pulling: Pulling, counts: Counts) {
    this.ledger = ledger;
    this.sessions = sessions;
    this.pulling = pulling;
    this.counts = counts;
  }

  /** Resolves when nothing is missing any more, or nothing has moved for `quietMs`. */
  async settle(quietMs: number, timeoutMs: number): Promise<Answers["settle"]> {
    const { ledger } = this;
    const start = performance.now();
    let progress = -1;
    let movedAt = start;
    let helped = false;
    while (!ledger.settled) {
      const now = performance.now();
      const moved = ledger.acked + ledger.refused + ledger.delivered + this.pulling.pulledRows + this.counts.welcomes;
      if (moved !== progress) {
        progress = moved;
        movedAt = now;
        helped = false;
      } else if (now - movedAt >= quietMs) break;
      else if (!helped && now - movedAt >= quietMs / 2) {
        // What a client's Check every few minutes finds: a tail that was lost on the way is still in the store.
        helped = true;
        for (const talker of this.behind()) {
          this.counts.error("TAIL_SYNCED");
          this.pulling.sync(talker);
        }
      }
      if (now - start >= timeoutMs) break;
      await delay(POLL_MS);
    }
    return { settled: ledger.settled, tookMs: performance.now() - start };
  }

  async check(): Promise<Verdict> {
    await this.quiet();
    await this.checkHeads();
    const { counts, traces } = this.ledger.check();
    const { violations } = this.counts;
    if (violations > 0) traces.push({ what: "protocol_error", from: "server", to: "?", detail: this.counts.errorDetails.get("PROTOCOL") ?? "" });
    return { ...counts, protocol_errors: violations, traces, frames: this.counts.framesByName() };
  }

  /** Waits until no row has come for a moment: what is wrong may come behind everything that is right. */
  private async quiet(): Promise<void> {
    const end = performance.now() + QUIET_MS_MAX;
    let rows = -1;
    for (let quietAt = 0; performance.now() < end; await delay(POLL_MS)) {
      const now = performance.now();
      const came = this.counts.frames[FrameType.Push]! + this.pulling.pulledRows;
      if (came !== rows) quietAt = now + QUIET_MS;
      else if (now >= quietAt) return;
      rows = came;
    }
  }

  /** Sessions that miss a message and could ask for it. */
  private behind(): Set<Talker> {
    const { entries } = this.ledger;
    const behind = new Set<Talker>();
    for (const lane of this.ledger.lanes) {
      if (lane.head === NONE || (entries.flags[lane.head]! & EntryFlag.Acked) === 0) continue;
      for (const view of lane.receivers) {
        const talker = this.sessions.talkerAt(view.session);
        if (talker === undefined || !this.canAsk(talker) || view.next > entries.seq[lane.head]!) continue;
        behind.add(talker);
        this.ledger.askedFor(view, lane, Math.max(talker.steadySince, talker.freeSince));
      }
    }
    return behind;
  }

  /** Every connected session of a conversation that anything was written in asks for its heads. */
  private async checkHeads(): Promise<void> {
    let conversations: readonly Conversation[] = this.ledger.conversations.filter(({ left }) => left > 0);
    for (let round = 0; round < ROUNDS && conversations.length > 0; round++) {
      if (round > 0) await delay(PAUSE_MS);
      const talkers = new Set<Talker>();
      for (const conversation of conversations) {
        conversation.head = HeadState.Unchecked;
        for (const view of conversation.views) {
          const talker = this.sessions.talkerAt(view.session);
          if (talker !== undefined && this.canAsk(talker)) talkers.add(talker);
        }
      }
      await this.askAll([...talkers]);
      conversations = conversations.filter(({ head }) => head !== HeadState.Right);
    }
  }

  private async askAll(talkers: Talker[]): Promise<void> {
    const until = performance.now() + ASK_MS;
    let asked: Talker[] = [];
    let next = 0;
    while ((next < talkers.length || asked.length > 0) && performance.now() < until) {
      asked = asked.filter((talker) => talker.headsSeen !== undefined && this.canAsk(talker));
      for (; next < talkers.length && asked.length < AT_ONCE; next++) {
        if (!this.canAsk(talkers[next]!)) continue;
        this.pulling.checkHeads(talkers[next]!);
        asked.push(talkers[next]!);
      }
      if (asked.length > 0) await delay(2);
    }
    if (next < talkers.length || asked.length > 0) this.counts.error("HEADS_NOT_ANSWERED");
  }

  private canAsk({ session }: Talker): boolean {
    const { table } = this.sessions;
    return table.state[session] === State.Ready && !table.has(session, Flag.Throttled);
  }
}

// Sends what is due: the schedule says when, the cast says in which lane and which text. Never waits for anything. The next
// lane is the next in the cast's turns, except that one whose sender was sent away, or has about as much under way as the
// server lets it, is passed over for the next (counted), as long as there is one: which sender a message is from does not
// matter, how many there are per second does.
import type { Cast } from "../cast/cast.ts";
import type { Lane } from "./conversation.ts";
import { NONE } from "./entries.ts";
import type { Ledger } from "./ledger.ts";
import { Schedule } from "./schedule.ts";
import type { Sending } from "./sending.ts";
import { Flag, type SessionTable, State } from "./session-table.ts";

/** Lanes that are looked at for one message. */
const LOOKS_MAX = 64;
/** Messages of one call: what is still due then comes with the next, so that answers are read in between. */
const AT_ONCE_MAX = 2000;
/** Messages of one lane that are not acked: beyond, it is not given any more. */
const LANE_UNACKED_MAX = 10_000;

export class Traffic {
  /** Messages that went to another lane than the one whose turn it was. */
  passedOver: number;
  /** Messages that nobody could take, since each lane had too many waiting: they were not sent at all. */
  skipped: number;
  readonly schedule: Schedule;
  private readonly cast: Cast;
  private readonly ledger: Ledger;
  private readonly sending: Sending;
  private readonly table: SessionTable;
  private readonly nextText: Int32Array;
  private turns: Int32Array;
  private turn: number;

  constructor(cast: Cast, ledger: Ledger, sending: Sending, table: SessionTable) {
    this.passedOver = 0;
    this.skipped = 0;
    this.schedule = new Schedule();
    this.cast = cast;
    this.ledger = ledger;
    this.sending = sending;
    this.table = table;
    this.nextText = new Int32Array(cast.laneConversation.length);
    this.turns = cast.turns;
    this.turn = 0;
  }

  /** From now on, from senders with sessions in [from, to). Throws Error when there are none. */
  start(nowUs: number, perSecond: number, from: number, to: number): void {
    const { lanes } = this.ledger;
    const everybody = from === 0 && to === this.table.sessions;
    this.turns = everybody
      ? this.cast.turns
      : this.cast.turns.filter((lane) => {
          const { session } = lanes[lane]!.sender;
          return session >= from && session < to;
        });
    if (this.turns.length === 0 && perSecond > 0) throw new Error("nobody in this share of the sessions has anybody to write to");
    // There may be fewer turns than before.
    this.turn %= Math.max(1, this.turns.length);
    this.schedule.start(nowUs, perSecond);
  }

  stop(): void {
    this.schedule.start(0, 0);
  }

  /** Sends all that is due. */
  tick(nowUs: number): void {
    for (let i = 0; i < AT_ONCE_MAX; i++) {
      const intendedUs = this.schedule.next(nowUs);
      if (intendedUs === 0) return;
      const lane = this.choose();
      if (lane === undefined) this.skipped++;
      else if (this.ledger.intend(lane, this.textFor(lane), intendedUs) !== NONE) this.sending.add(lane, intendedUs);
    }
  }

  private choose(): Lane | undefined {
    const { table, sending } = this;
    const { lanes } = this.ledger;
    const looks = Math.min(LOOKS_MAX, this.turns.length);
    let second: Lane | undefined;
    for (let i = 0; i < looks; i++) {
      const lane = lanes[this.turns[this.turn]!]!;
      if (++this.turn === this.turns.length) this.turn = 0;
      const { session } = lane.sender;
      if (lane.count - lane.acked - lane.refused >= LANE_UNACKED_MAX) continue;
      const gone = table.state[session] === State.Away || table.has(session, Flag.OnLeave);
      if (!gone && sending.isFree(sending.talkerOf(lane))) {
        if (i > 0) this.passedOver++;
        return lane;
      }
      if (second === undefined || !gone) second = lane;
    }
    return second;
  }

  private textFor(lane: Lane): number {
    const { laneStart, laneCount, laneTexts } = this.cast;
    const { index } = lane;
    const n = this.nextText[index]!;
    this.nextText[index] = n + 1 === laneCount[index] ? 0 : n + 1;
    return laneTexts[laneStart[index]! + n]!;
  }
}

// Writes what talkers have to say: message after message of each lane in order, within the limits that Welcome announced, and
// again from where the doubt begins after a lost connection, a Resync, a refusal or silence (SPEC.md §6).
//
// Within a lane:  acked … | written, unanswered | toSend …      `toSend` goes back to the first unanswered one on any doubt
// Invariant: a lane stands in its talker's queue if and only if it has something to write.
import type { UserNames } from "../cast/names.ts";
import type { Texts } from "../cast/texts.ts";
import { type ErrorCode, ERROR_RULES, errorName } from "../../proto/error-code.ts";
import { FrameType } from "../../proto/frame-type.ts";
import type { Lane } from "./conversation.ts";
import { NONE } from "./entries.ts";
import { SendWriter } from "./frames.ts";
import type { Ledger } from "./ledger.ts";
import type { Latency } from "./latency.ts";
import { State, type SessionTable } from "./session-table.ts";
import { Ask, type Talker } from "./talker.ts";

export interface SendingHost {
  readonly table: SessionTable;
  readonly talkers: readonly Talker[];
  write(session: number, type: number, frame: Uint8Array): void;
  /** The talker has something that must wait: attend to it soon. */
  later(talker: Talker): void;
  count(error: string): void;
  readonly nowMs: number;
  readonly nowUs: number;
}

/** Of what the server allows. The rest is for clocks that differ and writes that arrive together. */
const ALLOWANCE = 0.9;
/** Above this part of what it may send, or have unanswered, a session is not given another message if one of the others can take it. */
const BUSY_PART = 0.5;
const REPEAT_MS = 50;
const REFUSED_MS_MIN = 20;
const REFUSED_MS_MAX = 5_000;

export class Sending {
  /** Of Welcome; 0: no limit. */
  sendsPerSecond: number;
  inFlightMax: number;
  /** Messages that waited because their session was over its limits when they were due. */
  overLimit: number;
  private readonly host: SendingHost;
  private readonly ledger: Ledger;
  private readonly names: UserNames;
  private readonly texts: Texts;
  private readonly lag: Latency;
  private readonly writer: SendWriter;

  constructor(host: SendingHost, ledger: Ledger, names: UserNames, texts: Texts, lag: Latency) {
    this.sendsPerSecond = 0;
    this.inFlightMax = 0;
    this.overLimit = 0;
    this.host = host;
    this.ledger = ledger;
    this.names = names;
    this.texts = texts;
    this.lag = lag;
    this.writer = new SendWriter();
  }

  talkerOf(lane: Lane): Talker {
    return this.host.talkers[this.host.table.talker[lane.sender.session]!]!;
  }

  /** Whether the sender has much less to do than it may. */
  isFree(talker: Talker): boolean {
    if (this.inFlightMax > 0 && talker.requests.count > this.inFlightMax * BUSY_PART) return false;
    return this.sendsPerSecond === 0 || talker.fullAt - this.host.nowMs < 2000 * BUSY_PART;
  }

  /** An entry was added at the end of the lane: written now if nothing stands in the way. */
  add(lane: Lane, intendedUs: number): void {
    const { host } = this;
    const talker = this.talkerOf(lane);
    const { held } = talker;
    this.enqueue(talker, lane);
    if (host.table.state[talker.session] !== State.Ready) return;
    this.pump(talker);
    if (lane.toSend !== NONE) this.overLimit++;
    // Otherwise it was recorded as it was written.
    else if (!held) this.lag.record(host.nowUs - intendedUs);
  }

  /** Writes what may be written. */
  pump(talker: Talker): void {
    const { host } = this;
    const { queue } = talker;
    if (queue.length === 0 || host.table.state[talker.session] !== State.Ready) return;
    const now = host.nowMs;
    // The bucket of SPEC.md §13: bursts of twice what a second may have, as the time at which it is full again.
    const intervalMs = this.sendsPerSecond === 0 ? 0 : 1000 / (this.sendsPerSecond * ALLOWANCE);
    const aheadMs = 2000 * ALLOWANCE;
    while (queue.length > 0) {
      if (now < talker.sendAt || (this.inFlightMax > 0 && talker.requests.count >= this.inFlightMax * ALLOWANCE)) break;
      if (talker.fullAt < now) talker.fullAt = now;
      if (talker.fullAt + intervalMs > now + aheadMs) {
        talker.held = true;
        break;
      }
      talker.fullAt += intervalMs;
      const lane = queue[0]!;
      this.write(talker, lane, now);
      if (lane.toSend === NONE) {
        queue.shift();
        lane.queued = false;
      } else if (queue.length > 1) queue.push(queue.shift()!);
    }
    if (queue.length > 0) host.later(talker);
    else talker.held = false;
  }

  /** The connection is new, or all answers are void: whatever is not acked is to be written again. The requests are forgotten already. */
  repeatAll(talker: Talker): void {
    for (const { outgoing } of talker.views) if (outgoing !== null) this.rewind(talker, outgoing);
  }

  /** Sent came for the request that was taken last. */
  sent(talker: Talker, seq: number, nowUs: number): Lane {
    const { requests } = talker;
    const lane = requests.lane!;
    if (!this.isThat(lane, requests.entry, requests.clientSeq)) return lane;
    lane.disorders = 0;
    const wasNext = lane.toSend === requests.entry;
    const next = this.ledger.entries.next[requests.entry]!;
    // An earlier attempt was answered after all.
    if (wasNext) lane.toSend = next;
    this.ledger.ack(lane, requests.entry, seq, nowUs);
    if (talker.queue.length > 0) this.pump(talker);
    return lane;
  }

  /** An Error came for the request that was taken last: SPEC.md §12, columns retry and number. */
  refused(talker: Talker, ref: number, code: number, closes: boolean, retryAfterMs: number, expected: number): void {
    const { requests } = talker;
    const { entries } = this.ledger;
    const lane = requests.lane!;
    const entry = requests.entry;
    // Of an attempt that was repeated already.
    if (!this.isThat(lane, entry, requests.clientSeq) || entries.ref[entry] !== ref || entries.flags[entry] !== 0 || closes) return;
    const rule = ERROR_RULES[code as ErrorCode];
    if (rule?.retry === "wait") {
      talker.sendAt = Math.max(talker.sendAt, this.host.nowMs + Math.min(Math.max(retryAfterMs, REFUSED_MS_MIN), REFUSED_MS_MAX));
      this.rewind(talker, lane);
    } else if (rule?.retry === "order") this.disordered(talker, lane, expected);
    else {
      if (lane.toSend === entry) lane.toSend = entries.next[entry]!;
      this.ledger.refuse(lane, entry, errorName(code));
    }
    this.host.later(talker);
  }

  private disordered(talker: Talker, lane: Lane, expected: number): void {
    const { entries } = this.ledger;
    const first = lane.unacked;
    if (first !== NONE && expected > 0 && expected < entries.clientSeq[first]!) this.host.count("NUMBERS_LOST");
    // The first is the rule behind another refusal; more of them must not become a storm.
    const waitMs = lane.disorders++ === 0 ? 0 : REPEAT_MS * 2 ** Math.min(lane.disorders, 6);
    talker.sendAt = Math.max(talker.sendAt, this.host.nowMs + waitMs);
    this.rewind(talker, lane);
  }

  /** From the first that is not acked on, all are to be written again; answers to what was written count only as acks. */
  private rewind(talker: Talker, lane: Lane): void {
    const { entries } = this.ledger;
    lane.toSend = lane.unacked;
    for (let entry = lane.unacked; entry !== NONE && entries.ref[entry] !== 0; entry = entries.next[entry]!) entries.ref[entry] = 0;
    if (lane.toSend !== NONE) this.enqueue(talker, lane);
  }

  private enqueue(talker: Talker, lane: Lane): void {
    if (lane.queued) return;
    lane.queued = true;
    talker.queue.push(lane);
  }

  private write(talker: Talker, lane: Lane, now: number): void {
    const { host, ledger, writer } = this;
    const { entries } = ledger;
    let entry = lane.toSend;
    while (entry !== NONE && entries.flags[entry] !== 0) entry = entries.next[entry]!;
    if (entry === NONE) {
      lane.toSend = NONE;
      return;
    }
    const clientSeq = entries.clientSeq[entry]!;
    const ref = ++host.table.refs[talker.session]!;
    talker.requests.add(ref, Ask.Send, lane, null, entry, clientSeq, now);
    entries.ref[entry] = ref;
    lane.toSend = entries.next[entry]!;
    // Kept back by this driver's own caution, so that it is this driver's lag.
    if (talker.held && entries.sent[entry] === 0) this.lag.record(host.nowUs - entries.intended[entry]!);
    ledger.left(lane, entry, host.nowUs);
    const length = writer.write(this.names, lane.sender.peer, clientSeq, this.texts, entries.text[entry]!);
    host.write(talker.session, FrameType.Send, writer.bytes.subarray(0, length));
  }

  /** Whether the entry is still that message: entries are used again. */
  private isThat(lane: Lane, entry: number, clientSeq: number): boolean {
    const { entries } = this.ledger;
    return entries.lane[entry] === lane.index && entries.clientSeq[entry] === clientSeq;
  }
}

// What the server sends: from bytes to frames, and what each means for a session. Sent and Push, which are the load, are read
// in place; the rest goes through the generated code. Anything that SPEC.md forbids ends the connection and is counted.
import { ErrorCode, ERROR_RULES, errorName } from "../../proto/error-code.ts";
import { LENGTH_INCOMPLETE, lengthRead, readLength, splitBatch } from "../../proto/frame.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import type { UserNames } from "../cast/names.ts";
import type { Counts } from "./counts.ts";
import { RowReader } from "./frames.ts";
import { equalBytes, type Identity } from "./identity.ts";
import type { Ledger } from "./ledger.ts";
import type { Pulling } from "./pulling.ts";
import type { Rows } from "./rows.ts";
import type { Sending, SendingHost } from "./sending.ts";
import { NOBODY, State } from "./session-table.ts";
import { Ask, type Talker } from "./talker.ts";

/** A connection after which the session is not to come back by itself, or only after a while. */
export type Return = "backoff" | "now" | "never" | { afterMs: number };

export interface InboundHost extends SendingHost {
  readonly counts: Counts;
  welcomed(session: number, welcome: hawser.v1.Welcome): void;
  goAway(session: number, afterMs: number, target: string): void;
  /** From now on the session beats after so many ms of having said nothing. */
  beatEvery(session: number, intervalMs: number): void;
  /** The server closes; how the session is to come back when it has. */
  closing(session: number, back: Return): void;
  /** Asks for heads again after a while. */
  syncLater(session: number, afterMs: number): void;
  /** The server broke the protocol. */
  violation(session: number, detail: string): void;
}

export interface InboundParts {
  readonly names: UserNames;
  readonly ledger: Ledger;
  readonly rows: Rows;
  readonly sending: Sending;
  readonly pulling: Pulling;
  readonly identity: Identity;
}

/** Where a refusal names no time to try again. */
const REFUSED_MS = 200;

class Violation extends Error {
  override readonly name = "Violation";
}

export class Inbound {
  private readonly host: InboundHost;
  private readonly parts: InboundParts;
  private readonly reader: RowReader;

  constructor(host: InboundHost, parts: InboundParts) {
    this.host = host;
    this.parts = parts;
    this.reader = new RowReader();
  }

  /** Takes the whole frames in bytes[start, end). Returns how many bytes they were. */
  data(session: number, bytes: Buffer, start: number, end: number): number {
    const { host } = this;
    const { state } = host.table;
    const { counts } = host;
    let at = start;
    try {
      while (at < end) {
        const frame = at;
        const body = readLength(bytes, at, end);
        if (body === LENGTH_INCOMPLETE) break;
        if (body < 0) throw new Violation("a length that is none");
        const bodyEnd = body + lengthRead;
        if (bodyEnd > end) break;
        at = bodyEnd;
        if (body === bodyEnd) {
          counts.frame(0, 1);
          continue;
        }
        const header = bytes[body]!;
        counts.frame(header & TYPE_MASK, bodyEnd - frame);
        if ((header & ~TYPE_MASK) === 0) this.message(session, header, bytes, body + 1, bodyEnd);
        else this.flagged(session, header, bytes, body + 1, bodyEnd);
        // Closed from within, or left: the rest is of no interest.
        if (state[session]! < State.Greeting) return end - start;
      }
    } catch (thrown) {
      // What the decoders throw, and Violation: the server's fault, unlike a TypeError.
      if (!(thrown instanceof Violation || thrown instanceof RangeError || (thrown as Error).name === "Error")) throw thrown;
      host.violation(session, (thrown as Error).message);
      return end - start;
    }
    return at - start;
  }

  private flagged(session: number, header: number, bytes: Uint8Array, start: number, end: number): void {
    const type = header & TYPE_MASK;
    if ((header & (HeaderBit.Compressed | HeaderBit.Reserved)) !== 0 || type === 0) throw new Violation("a compressed or reserved frame");
    if (!splitBatch(bytes, start, end, (from, to) => this.message(session, type, bytes, from, to))) throw new Violation("a batch that is none");
  }

  private message(session: number, type: number, bytes: Uint8Array, start: number, end: number): void {
    const { host } = this;
    if (host.table.state[session] === State.Ready) {
      if (type === FrameType.Push) return this.push(session, bytes, start, end);
      if (type === FrameType.Sent) return this.sent(session, bytes, start, end);
    } else if (host.table.state[session] !== State.Greeting) return;
    const body = bytes.subarray(start, end);
    if (type === FrameType.Error) return this.error(session, hawser.v1.Error.decode(body));
    if (host.table.state[session] === State.Greeting) {
      if (type !== FrameType.Welcome) throw new Violation(`frame type ${type} before Welcome`);
      return host.welcomed(session, hawser.v1.Welcome.decode(body));
    }
    switch (type) {
      case FrameType.Heads:
        return this.heads(session, hawser.v1.Heads.decode(body));
      case FrameType.Page:
        return this.page(session, hawser.v1.Page.decode(body));
      case FrameType.Resync:
        return this.resync(session);
      case FrameType.GoAway: {
        const { reconnectAfterMs, target } = hawser.v1.GoAway.decode(body);
        return host.goAway(session, reconnectAfterMs, target);
      }
      case FrameType.Heartbeat:
        return host.beatEvery(session, hawser.v1.Heartbeat.decode(body).heartbeatMs);
      case FrameType.Welcome:
        throw new Violation("a second Welcome");
      default:
      // Nothing that these sessions asked for, or unknown: ignored (SPEC.md §2).
    }
  }

  private push(session: number, bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    const { names, ledger, rows } = this.parts;
    reader.readPush(bytes, start, end);
    if (reader.seq === 0) throw new Violation("a row without a number");
    const own = reader.fromEnd === 0;
    const peer = own ? names.read(bytes, reader.toStart, reader.toEnd) : names.read(bytes, reader.fromStart, reader.fromEnd);
    const view = this.talkerOf(session)?.viewOf(peer);
    if (view === undefined) return ledger.stranger(session, `a push of row ${reader.seq} in a conversation that nobody writes in`);
    if (reader.kind !== 0) ledger.stranger(session, `row ${reader.seq} is of kind ${reader.kind}, and only kind 0 is sent`);
    const { nowUs } = this.host;
    if (!own) return rows.pushed(view, reader.seq, bytes, reader.payloadStart, reader.payloadEnd, nowUs);
    // Written on an earlier connection, and stored only when this one was there: not the session that sent it any more.
    const mine = equalBytes(bytes.subarray(reader.installStart, reader.installEnd), this.parts.identity.install(session));
    rows.pushedOwn(view, reader.seq, mine, reader.clientSeq, bytes, reader.payloadStart, reader.payloadEnd, nowUs);
  }

  private sent(session: number, bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this;
    reader.readSent(bytes, start, end);
    if (reader.seq === 0) throw new Violation("Sent without a number");
    const talker = this.talkerOf(session);
    if (talker === undefined || !talker.requests.take(reader.ref) || talker.requests.ask !== Ask.Send) return;
    const { seq } = reader;
    const nowUs = this.host.nowUs;
    const lane = this.parts.sending.sent(talker, seq, nowUs);
    this.parts.rows.own(lane.sender, seq, nowUs);
  }

  private heads(session: number, heads: hawser.v1.Heads): void {
    const talker = this.talkerOf(session);
    let ask: Ask = Ask.None;
    if (talker !== undefined && heads.ref > 0) {
      if (!talker.requests.take(heads.ref)) return;
      ask = talker.requests.ask;
    }
    this.parts.pulling.heads(session, talker, ask, heads);
  }

  private page(session: number, page: hawser.v1.Page): void {
    const talker = this.talkerOf(session);
    if (talker?.requests.take(page.ref) && talker.requests.ask === Ask.Fetch) this.parts.pulling.page(talker, page);
  }

  private resync(session: number): void {
    const talker = this.talkerOf(session);
    this.host.counts.error("RESYNC");
    if (talker === undefined) this.host.syncLater(session, 0);
    else {
      talker.steadySince = Number.POSITIVE_INFINITY;
      this.repeat(talker);
    }
  }

  /** Everything unanswered is asked again, Sends first, then what is missing is looked for. */
  repeat(talker: Talker): void {
    const { sending, pulling } = this.parts;
    talker.requests.begin(this.host.table.refs[talker.session]! + 1);
    sending.repeatAll(talker);
    sending.pump(talker);
    pulling.repeatAll(talker);
    pulling.sync(talker);
  }

  private error(session: number, error: hawser.v1.Error): void {
    const { host } = this;
    const code = error.code as number;
    const rule = ERROR_RULES[code as ErrorCode];
    const closes = error.closes || rule?.closes === true;
    host.counts.error(errorName(code));
    const talker = this.talkerOf(session);
    if (error.ref > 0 && talker?.requests.take(error.ref)) {
      if (talker.requests.ask === Ask.Send) this.parts.sending.refused(talker, error.ref, code, closes, error.retryAfterMs, error.expected);
      else if (!closes) this.parts.pulling.refused(talker, code, error.retryAfterMs);
    } else if (!closes && (error.ref === 0 || talker === undefined)) host.syncLater(session, Math.max(REFUSED_MS, error.retryAfterMs));
    if (!closes) return;
    if (code === ErrorCode.BadRequest || code === ErrorCode.AuthFailed || rule?.retry === "never") host.closing(session, "never");
    else if (rule?.retry === "token" || rule?.retry === "now") host.closing(session, "now");
    else host.closing(session, error.retryAfterMs > 0 ? { afterMs: error.retryAfterMs } : "backoff");
  }

  private talkerOf(session: number): Talker | undefined {
    const number = this.host.table.talker[session]!;
    return number === NOBODY ? undefined : this.host.talkers[number];
  }
}

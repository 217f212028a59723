// What the frames of a Ready session mean: beats are answered, batches split, every message counted, and what may
// go on is handed on. Rates are kept here, so that no client costs more than its share.
import { ErrorCode, type ErrorFields } from "../../proto/error-code.ts";
import { BEAT_FRAME, splitBatch } from "../../proto/frame.ts";
import { BEAT } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import type { SessionCodecs } from "../compress/codecs.ts";
import type { Counters } from "../counters.ts";
import { RateLimit } from "./rate-limit.ts";
import { SessionState, type SessionTable } from "./session-table.ts";

export interface RequestLimits {
  sendsPerSecond: number;
  sendsBurst: number;
  /** Other requests than Send. */
  requestsPerSecond: number;
  requestsBurst: number;
  /** What costs work and brings nothing: beats, and requests that are refused. Who goes on beyond it is closed. */
  nuisancesPerSecond: number;
  nuisancesBurst: number;
  /** Largest frame read (length value), and what a compressed one may inflate to. */
  frameBytesMax: number;
}

/** How a message may end here; implemented by session.ts. */
export interface RequestOutcomes {
  fail(slot: number, code: ErrorCode, fields?: ErrorFields): void;
  refuse(slot: number, ref: number, code: ErrorCode, now: number, retryAfterMs?: number, detail?: string): void;
  retryMs(): number;
}

export interface RequestSink {
  write(slot: number, frame: Uint8Array): void;
  command(slot: number, type: number, ref: number, bytes: Uint8Array, start: number, end: number): void;
}

/** Inflating so many bytes takes about the time of a request. */
const INFLATED_BYTES_PER_REQUEST = 16 * 1024;
/** A connection's dictionaries are used up: on another one, some time. */
const DICTIONARY_WAIT_MS = 60_000;

export class Requests {
  private readonly outcomes: RequestOutcomes;
  private readonly table: SessionTable;
  private readonly sink: RequestSink;
  private readonly counters: Counters;
  private readonly codecs: SessionCodecs;
  private readonly bodyBytesMax: number;
  private readonly sends: RateLimit;
  private readonly others: RateLimit;
  private readonly nuisances: RateLimit;
  /** The batch being split: scratch, so that no closure is made for each. */
  private batchSlot: number;
  private batchType: number;
  private batchBytes: Uint8Array;
  private batchNow: number;

  constructor(outcomes: RequestOutcomes, table: SessionTable, sink: RequestSink, counters: Counters, limits: RequestLimits, codecs: SessionCodecs) {
    this.outcomes = outcomes;
    this.table = table;
    this.sink = sink;
    this.counters = counters;
    this.codecs = codecs;
    this.bodyBytesMax = limits.frameBytesMax - 1;
    this.sends = new RateLimit(table.capacity, limits.sendsPerSecond, limits.sendsBurst);
    this.others = new RateLimit(table.capacity, limits.requestsPerSecond, limits.requestsBurst);
    this.nuisances = new RateLimit(table.capacity, limits.nuisancesPerSecond, limits.nuisancesBurst);
    this.batchSlot = -1;
    this.batchType = 0;
    this.batchBytes = NONE;
    this.batchNow = 0;
  }

  opened(slot: number): void {
    this.sends.reset(slot);
    this.others.reset(slot);
    this.nuisances.reset(slot);
  }

  /** One frame: bytes[start, end) is its body; `header` is BEAT for a beat. */
  frame(slot: number, header: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    if (header === BEAT) {
      this.counters.framesIn[0]!++;
      this.sink.write(slot, BEAT_FRAME);
      return this.nuisance(slot, now);
    }
    const type = header & TYPE_MASK;
    if ((header & HeaderBit.Compressed) !== 0) return this.compressed(slot, header & ~HeaderBit.Compressed, bytes, start, end, now);
    if ((header & HeaderBit.Batch) === 0) return this.message(slot, type, bytes, start, end, now);
    if (type === FrameType.Hello) return this.outcomes.fail(slot, ErrorCode.BadFrame, { detail: "Hello is never batched" });
    this.batchSlot = slot;
    this.batchType = type;
    this.batchBytes = bytes;
    this.batchNow = now;
    const whole = splitBatch(bytes, start, end, this.batchMessage);
    this.batchBytes = NONE;
    if (!whole) this.outcomes.fail(slot, ErrorCode.BadFrame, { detail: "a batch must end where its frame ends" });
  }

  /** What it inflates to is a frame like others. Inflating counts as requests, by what comes out. */
  private compressed(slot: number, header: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    if ((header & TYPE_MASK) === FrameType.Hello) return this.outcomes.fail(slot, ErrorCode.BadFrame, { detail: "Hello is never compressed" });
    const body = this.codecs.inflate(slot, bytes, start, end, this.bodyBytesMax);
    if (body === undefined) return this.outcomes.fail(slot, ErrorCode.BadFrame, { detail: "not what the codec of this connection makes" });
    for (let inflated = 0; inflated < body.length; inflated += INFLATED_BYTES_PER_REQUEST) {
      if (this.others.take(slot, now) === 0) continue;
      return this.outcomes.fail(slot, ErrorCode.Busy, { closes: true, retryAfterMs: this.outcomes.retryMs(), detail: "too much to inflate" });
    }
    this.frame(slot, header, body, 0, body.length, now);
  }

  private readonly batchMessage = (start: number, end: number): void => {
    // A message before this one may have ended the session.
    if (this.table.state[this.batchSlot] !== SessionState.Ready) return;
    this.message(this.batchSlot, this.batchType, this.batchBytes, start, end, this.batchNow);
  };

  private message(slot: number, type: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    const ref = this.table.ref[slot]! + 1;
    this.table.ref[slot] = ref;
    this.counters.framesIn[type]!++;
    let waitMs: number;
    switch (type) {
      case FrameType.Send:
        waitMs = this.sends.take(slot, now);
        break;
      case FrameType.Sync:
      case FrameType.Fetch:
      case FrameType.Check:
      case FrameType.Read:
        waitMs = this.others.take(slot, now);
        break;
      case FrameType.Hello:
        return this.outcomes.fail(slot, ErrorCode.BadRequest, { ref, closes: true, detail: "a second Hello" });
      case FrameType.Dictionary:
        return this.dictionary(slot, ref, bytes, start, end, now);
      default:
        return this.outcomes.refuse(slot, ref, ErrorCode.UnknownType, now);
    }
    if (waitMs > 0) return this.outcomes.refuse(slot, ref, ErrorCode.RateLimited, now, waitMs);
    this.sink.command(slot, type, ref, bytes, start, end);
  }

  /** Answered here: dictionaries are the gateway's. */
  private dictionary(slot: number, ref: number, bytes: Uint8Array, start: number, end: number, now: number): void {
    const answer = this.codecs.dictionaryFor(slot, ref, bytes, start, end);
    if (typeof answer !== "number") this.sink.write(slot, answer);
    else this.outcomes.refuse(slot, ref, answer, now, answer === ErrorCode.RateLimited ? DICTIONARY_WAIT_MS : 0);
  }

  /** Closes a session that is nothing but work. */
  nuisance(slot: number, now: number): void {
    if (this.nuisances.take(slot, now) === 0) return;
    this.outcomes.fail(slot, ErrorCode.Busy, { closes: true, retryAfterMs: this.outcomes.retryMs(), detail: "too many beats or refused requests" });
  }
}
const NONE = new Uint8Array(0);

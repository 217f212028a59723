// Compression of all connections: what Hello and Welcome agree on, frames out, frames in, and dictionaries for those who ask.
// Two bytes for each slot: its dictionary, and what is known of its link. Decisions are policy.ts's.
//
// Invariants: a slot without a codec is never touched; the order of its messages never changes; a turn deflates at most
// TURN_BYTES_MAX, whatever is asked for, since everybody waits for it.
import { Codec, type Dictionary, inflateBody } from "../../proto/codec/codec.ts";
import { nodeInflate } from "../../proto/codec/zlib-inflate.ts";
import { ErrorCode } from "../../proto/error-code.ts";
import { encodeMessage, readLength } from "../../proto/frame.ts";
import { FrameType, HeaderBit } from "../../proto/frame-type.ts";
import { hawser } from "../../proto/gen/hawser.js";
import { hex } from "../../proto/hex.ts";
import type { CompressionCounters } from "../counters.ts";
import { type CodecOffer, type CodecTerms, PLAIN_TERMS, type SessionCodecs } from "./codecs.ts";
import { DictionarySet, NO_DICTIONARY } from "./dictionary-set.ts";
import { BATCH_BYTES_MAX, FrameDeflater } from "./frame-deflater.ts";
import { CompressionPolicy, isSlow, Kind } from "./policy.ts";
import type { FrameShaper } from "./shaper.ts";
import { TurnCache } from "./turn-cache.ts";

/** What the transports know of a link. */
export interface LinkReadings {
  roundTripMs(slot: number): number | undefined;
  bufferedBytes(slot: number): number;
}

/** About 3 ms: what a turn may take longer for it. What is more goes out as it is. */
const TURN_BYTES_MAX = 256 * 1024;
/** A client asks for one or two in a connection's life. */
const DICTIONARY_REQUESTS_MAX = 4;
const NO_BYTES = new Uint8Array(0);

/** In `link`: how many dictionaries were asked for, how many writes ago the round trip was looked at, and whether the link is slow. */
const ASKED_MASK = 0x07;
const WRITES_MASK = 0x78;
const WRITES_ONE = 0x08;
const SLOW = 0x80;

export class Compression implements FrameShaper, SessionCodecs {
  readonly policy: CompressionPolicy;
  readonly dictionaries: DictionarySet;
  private readonly enabled: boolean;
  private readonly readings: LinkReadings;
  private readonly counters: CompressionCounters;
  /** Number of the slot's dictionary and 1 more; 0: no codec. */
  private readonly used: Uint8Array;
  private readonly link: Uint8Array;
  private readonly cache: TurnCache;
  /** By number of the dictionary, made when first needed. */
  private readonly deflaters: { dictionary: Dictionary; deflater: FrameDeflater }[];
  private turnBytes: number;

  constructor(capacity: number, fallback: Dictionary, readings: LinkReadings, counters: CompressionCounters, enabled: boolean) {
    this.policy = new CompressionPolicy();
    this.dictionaries = new DictionarySet(fallback);
    this.enabled = enabled;
    this.readings = readings;
    this.counters = counters;
    this.used = new Uint8Array(capacity);
    this.link = new Uint8Array(capacity);
    this.cache = new TurnCache();
    this.deflaters = [];
    this.turnBytes = 0;
  }

  /** A session becomes ready with this offer: what holds from Welcome on. */
  agree(slot: number, offer: CodecOffer): CodecTerms {
    this.closed(slot);
    if (!this.enabled || !offer.deflate) return PLAIN_TERMS;
    const { dictionaries } = this;
    const index = dictionaries.best(offer.dictionaries);
    dictionaries.hold(index);
    this.used[slot] = index + 1;
    const { newest } = dictionaries;
    const wanted = newest !== NO_DICTIONARY && newest !== index ? dictionaries.of(newest).id : NO_BYTES;
    return { codec: Codec.Deflate, dictionary: dictionaries.of(index).id, dictionaryWanted: wanted };
  }

  /** The session is over. */
  closed(slot: number): void {
    const used = this.used[slot]!;
    this.link[slot] = 0;
    if (used === 0) return;
    this.dictionaries.release(used - 1);
    this.used[slot] = 0;
  }

  // Out

  shapes(slot: number): boolean {
    return this.used[slot] !== 0;
  }

  shape(slot: number, frames: Uint8Array[], count: number): number {
    const slow = this.look(slot);
    let kept = 0;
    for (let i = 0; i < count; ) {
      const header = headerOf(frames[i]!);
      const type = header & ~HeaderBit.Batch;
      if (type === FrameType.Push) {
        const end = this.runOf(frames, i, count);
        kept = this.shapePushes(slot, frames, i, end, kept, slow);
        i = end;
        continue;
      }
      const isPage = type === FrameType.Page || type === FrameType.Heads;
      const frame = frames[i]!;
      frames[kept++] = (isPage && this.policy.worth(Kind.Page, frame.length, slow) ? this.deflated(slot, header, frames, i, i + 1) : undefined) ?? frame;
      i++;
    }
    return kept;
  }

  /** The turn is over: everything was written. */
  endTurn(): void {
    this.turnBytes = 0;
    this.cache.clear();
  }

  // In

  /** What a compressed frame's body inflates to; undefined: a BadFrame. */
  inflate(slot: number, bytes: Uint8Array, start: number, end: number, sizeMax: number): Uint8Array | undefined {
    const used = this.used[slot]!;
    if (used === 0) return undefined;
    const body = inflateBody(bytes, start, end, sizeMax, this.dictionaries.of(used - 1).bytes, nodeInflate);
    if (body !== undefined) {
      this.counters.framesIn++;
      this.counters.bytesInflated += body.length;
    }
    return body;
  }

  /** The answer to a request for a dictionary, or why there is none. */
  dictionaryFor(slot: number, ref: number, bytes: Uint8Array, start: number, end: number): Uint8Array | ErrorCode {
    let id: Uint8Array;
    try {
      id = hawser.v1.Dictionary.decode(bytes.subarray(start, end)).id;
    } catch {
      return ErrorCode.BadRequest;
    }
    if ((this.link[slot]! & ASKED_MASK) >= DICTIONARY_REQUESTS_MAX) return ErrorCode.RateLimited;
    const index = this.dictionaries.find(hex(id));
    if (index === undefined) return ErrorCode.Unsupported;
    this.link[slot]!++;
    this.counters.dictionariesSent++;
    const dictionary = this.dictionaries.of(index);
    return encodeMessage(FrameType.Dictionary, hawser.v1.Dictionary, { id: dictionary.id, ref, bytes: dictionary.bytes });
  }

  /** Whether the link is slow. The round trip, which is a system call, is looked at for the first write and every 16th from there, if nothing waits. */
  private look(slot: number): boolean {
    const link = this.link[slot]!;
    const before = (link & SLOW) !== 0;
    const writes = link & WRITES_MASK;
    const slow = this.readings.bufferedBytes(slot) > 0 || (writes === 0 ? isSlow(before, this.readings.roundTripMs(slot)) : before);
    this.link[slot] = (link & ASKED_MASK) | ((writes + WRITES_ONE) & WRITES_MASK) | (slow ? SLOW : 0);
    return slow;
  }

  /** Where the pushes end that begin at `from` and fit one batch. */
  private runOf(frames: readonly Uint8Array[], from: number, count: number): number {
    let bytes = frames[from]!.length;
    let to = from + 1;
    while (to < count && (headerOf(frames[to]!) & ~HeaderBit.Batch) === FrameType.Push) {
      bytes += frames[to]!.length;
      if (bytes > BATCH_BYTES_MAX) break;
      to++;
    }
    return to;
  }

  private shapePushes(slot: number, frames: Uint8Array[], from: number, to: number, kept: number, slow: boolean): number {
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += frames[i]!.length;
    const header = headerOf(frames[from]!);
    const kind = to - from === 1 && (header & HeaderBit.Batch) === 0 ? Kind.Push : Kind.Batch;
    const made = this.policy.worth(kind, bytes, slow) ? this.deflated(slot, FrameType.Push, frames, from, to) : undefined;
    if (made !== undefined) {
      frames[kept] = made;
      return kept + 1;
    }
    for (let i = from; i < to; i++) frames[kept++] = frames[i]!;
    return kept;
  }

  private deflated(slot: number, header: number, frames: readonly Uint8Array[], from: number, to: number): Uint8Array | undefined {
    const index = this.used[slot]! - 1;
    const known = this.cache.find(index, frames, from, to);
    if (known !== undefined) {
      if (known.result !== undefined) this.countOut(frames, from, to, known.result);
      return known.result;
    }
    if (this.turnBytes >= TURN_BYTES_MAX) return undefined;
    for (let i = from; i < to; i++) this.turnBytes += frames[i]!.length;
    const deflater = this.deflater(index);
    const made = to - from === 1 ? deflater.one(frames[from]!) : deflater.batch(header, frames, from, to);
    this.cache.add(index, frames, from, to, made);
    if (made === undefined) this.counters.framesInVain++;
    else this.countOut(frames, from, to, made);
    return made;
  }

  private deflater(index: number): FrameDeflater {
    const dictionary = this.dictionaries.of(index);
    const known = this.deflaters[index];
    if (known?.dictionary === dictionary) return known.deflater;
    const deflater = new FrameDeflater(dictionary.bytes);
    this.deflaters[index] = { dictionary, deflater };
    return deflater;
  }

  private countOut(frames: readonly Uint8Array[], from: number, to: number, made: Uint8Array): void {
    let bytes = 0;
    for (let i = from; i < to; i++) bytes += frames[i]!.length;
    this.counters.framesOut++;
    this.counters.bytesSaved += bytes - made.length;
  }
}

/** The header byte of a whole frame; 0 for a beat. */
function headerOf(frame: Uint8Array): number {
  const at = frame[0]! < 0x80 ? 1 : readLength(frame, 0, frame.length);
  return at < 0 || at >= frame.length ? 0 : frame[at]!;
}

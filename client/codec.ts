// Compression as a client sees it: which dictionaries it has, what this connection agreed on, frames in, batches out, and the
// dictionary that the server would rather use, fetched once and kept in the store for the next connection. Without `inflate`
// nothing is offered, and the server sends everything as it is.
//
// Invariant: offered are CODEC_DEFLATE and the dictionaries held, never others, so a Welcome that names another is a violation.
import { Codec, compressedFrame, type Dictionary, dictionaryOf, type Inflate, inflateBody, PREFIX_BYTES_MAX } from "../proto/codec/codec.ts";
import { defaultDictionary } from "../proto/codec/default-dictionary.ts";
import { SMALL_BYTES_MAX, SmallDeflater } from "../proto/codec/deflate.ts";
import type { Sha256 } from "../proto/conversation-hash.ts";
import { encodeBatch, encodeMessage, lengthRead, readLength } from "../proto/frame.ts";
import { FrameType, HeaderBit } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { hex } from "../proto/hex.ts";
import { Violation } from "./conversations.ts";
import { base64ToBytes, bytesToBase64 } from "./encoding.ts";
import type { Journal, Kept } from "./journal.ts";
import { Request, RequestKind } from "./requests.ts";
import type { Requests } from "./requests.ts";

/** The store's key of the fetched dictionary; there is one at most. */
export const DICTIONARY_KEY = "dictionary";
/** Fewer, or less of them, go out as they are: a queue that is flushed has more. */
const BATCH_SENDS_MIN = 4;
const BATCH_BYTES_MIN = 512;

const NO_BYTES = new Uint8Array(0);

export class ClientCodec implements Kept {
  private readonly inflate: Inflate | undefined;
  private readonly sha256: Sha256;
  private readonly journal: Journal;
  /** The fetched one. */
  private fetched: Dictionary | undefined;
  private agreed: boolean;
  private dictionary: Dictionary | undefined;
  /** To be asked for on this connection. */
  private wanted: Uint8Array | undefined;

  constructor(inflate: Inflate | undefined, sha256: Sha256, journal: Journal) {
    this.inflate = inflate;
    this.sha256 = sha256;
    this.journal = journal;
    this.fetched = undefined;
    this.agreed = false;
    this.dictionary = undefined;
    this.wanted = undefined;
  }

  /** For Hello. */
  offer(): { codecs: number[]; dictionaries: Uint8Array[] } {
    if (this.inflate === undefined) return { codecs: [], dictionaries: [] };
    return { codecs: [Codec.Deflate], dictionaries: this.held().map(({ id }) => id) };
  }

  /** What Welcome says. Throws Violation on what was not offered. */
  open(welcome: hawser.v1.Welcome): void {
    this.close();
    if ((welcome.codec as number) === Codec.None) return;
    if (this.inflate === undefined || (welcome.codec as number) !== Codec.Deflate) throw new Violation("a codec that was not offered");
    const name = hex(welcome.dictionary);
    this.dictionary = this.held().find((dictionary) => dictionary.name === name);
    if (name !== "" && this.dictionary === undefined) throw new Violation("a dictionary that was not offered");
    this.agreed = true;
    const wanted = hex(welcome.dictionaryWanted);
    if (wanted !== "" && !this.held().some((dictionary) => dictionary.name === wanted)) this.wanted = welcome.dictionaryWanted.slice();
  }

  /** The connection is over. */
  close(): void {
    this.agreed = false;
    this.dictionary = undefined;
    this.wanted = undefined;
  }

  /** A compressed frame's body; undefined: it is none. */
  inflated(bytes: Uint8Array, start: number, end: number, sizeMax: number): Uint8Array | undefined {
    if (!this.agreed) return undefined;
    return inflateBody(bytes, start, end, sizeMax, this.dictionary?.bytes ?? NO_BYTES, this.inflate!);
  }

  /** Asks for the dictionary that the server wants, once. To be called when there is nothing more urgent. */
  pump(requests: Requests, now: number): void {
    if (this.wanted === undefined || !requests.canAsk()) return;
    const frame = encodeMessage(FrameType.Dictionary, hawser.v1.Dictionary, { id: this.wanted });
    this.wanted = undefined;
    requests.ask(frame, new Request(RequestKind.Dictionary, undefined, undefined, undefined, 0, now));
  }

  /** It came: for the next connection. Throws Violation when it is not what its id says. */
  received(answer: hawser.v1.Dictionary): void {
    let dictionary: Dictionary;
    try {
      dictionary = dictionaryOf(answer.bytes.slice(), this.sha256);
    } catch {
      throw new Violation("a dictionary of no size that one may have");
    }
    if (dictionary.name !== hex(answer.id)) throw new Violation("a dictionary that is not what its id says");
    this.fetched = dictionary;
    this.journal.mark(DICTIONARY_KEY, this);
  }

  /** `frames` with Sends that follow each other in compressed batches, where there are enough of them to pay. */
  packed(frames: Uint8Array[]): Uint8Array[] {
    if (!this.agreed || frames.length < BATCH_SENDS_MIN) return frames;
    const packed: Uint8Array[] = [];
    for (let i = 0; i < frames.length; ) {
      let bytes = 0;
      let end = i;
      while (end < frames.length && isSend(frames[end]!) && bytes + frames[end]!.length <= SMALL_BYTES_MAX) bytes += frames[end++]!.length;
      const batch = end - i >= BATCH_SENDS_MIN && bytes >= BATCH_BYTES_MIN ? this.batch(frames, i, end, bytes) : undefined;
      if (batch !== undefined) packed.push(batch);
      else for (let at = i; at < Math.max(end, i + 1); at++) packed.push(frames[at]!);
      i = Math.max(end, i + 1);
    }
    return packed;
  }

  /** Kept. */
  record(): string {
    return JSON.stringify({ bytes: bytesToBase64(this.fetched!.bytes) });
  }

  /** What the store kept. A record that makes no sense is as good as none: the dictionary can be fetched again. */
  restore(record: string): void {
    try {
      this.fetched = dictionaryOf(base64ToBytes(String((JSON.parse(record) as Record<string, unknown>).bytes)), this.sha256);
    } catch {
      this.fetched = undefined;
    }
  }

  private held(): Dictionary[] {
    const own = defaultDictionary(this.sha256);
    return this.fetched === undefined ? [own] : [this.fetched, own];
  }

  private batch(frames: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array | undefined {
    const bodies = frames.slice(from, to).map(bodyOf);
    const batch = bodyOf(encodeBatch(FrameType.Send | HeaderBit.Batch, bodies));
    const work = new Uint8Array(PREFIX_BYTES_MAX + batch.length);
    const end = deflaterOf(this.dictionary).deflate(batch, work, PREFIX_BYTES_MAX, Math.min(batch.length, bytes - PREFIX_BYTES_MAX));
    return end < 0 ? undefined : compressedFrame(FrameType.Send | HeaderBit.Batch | HeaderBit.Compressed, batch.length, work, end);
  }
}

/** One for all clients of this process: its index of the dictionary takes more than the rest of a client. */
const deflaters = new WeakMap<Dictionary, SmallDeflater>();
let plainDeflater: SmallDeflater | undefined;

function deflaterOf(dictionary: Dictionary | undefined): SmallDeflater {
  if (dictionary === undefined) {
    plainDeflater ??= new SmallDeflater(NO_BYTES);
    return plainDeflater;
  }
  let deflater = deflaters.get(dictionary);
  if (deflater === undefined) {
    deflater = new SmallDeflater(dictionary.bytes);
    deflaters.set(dictionary, deflater);
  }
  return deflater;
}

function isSend(frame: Uint8Array): boolean {
  const at = readLength(frame, 0, frame.length);
  return at > 0 && frame[at] === FrameType.Send;
}

function bodyOf(frame: Uint8Array): Uint8Array {
  const at = readLength(frame, 0, frame.length);
  return frame.subarray(at + 1, at + lengthRead);
}

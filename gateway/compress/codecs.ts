// What sessions ask of compression; implemented by compression.ts, and by nothing at all where there is none.
import { Codec } from "../../proto/codec/codec.ts";
import { ErrorCode } from "../../proto/error-code.ts";

/** What a Hello says of codecs. */
export interface CodecOffer {
  /** It takes CODEC_DEFLATE. */
  readonly deflate: boolean;
  /** Dictionaries that it has: their ids in hex. */
  readonly dictionaries: readonly string[];
}

/** What Welcome says of them. */
export interface CodecTerms {
  readonly codec: number;
  readonly dictionary: Uint8Array;
  readonly dictionaryWanted: Uint8Array;
}

export interface SessionCodecs {
  /** A session becomes ready with this offer: what holds from Welcome on. */
  agree(slot: number, offer: CodecOffer): CodecTerms;
  /** What the body of a compressed frame inflates to, at most `sizeMax` bytes; undefined: it is none (BadFrame). */
  inflate(slot: number, bytes: Uint8Array, start: number, end: number, sizeMax: number): Uint8Array | undefined;
  /** The answer to a request for a dictionary, or why there is none. */
  dictionaryFor(slot: number, ref: number, bytes: Uint8Array, start: number, end: number): Uint8Array | ErrorCode;
}

const NO_BYTES = new Uint8Array(0);
export const PLAIN_TERMS: CodecTerms = { codec: Codec.None, dictionary: NO_BYTES, dictionaryWanted: NO_BYTES };

/** Without compression: no codec is agreed on, and frames of it are no frames. */
export const NO_CODECS: SessionCodecs = {
  agree: () => PLAIN_TERMS,
  inflate: () => undefined,
  dictionaryFor: () => ErrorCode.UnknownType,
};

// What an install's numbers became in a conversation: the send index. Numbers are kept in chunks of 64, lists of tokens,
// one a number: the row's seq, a refusal's code, or nothing. A full chunk is a value that is never written again. The
// chunk of the highest number, the open one, stands with that number in the conversation's head for the installs that
// sent last, and in a value of its own for the others. So looking a number up reads one value more than the head, however
// long ago it was used, and using one rewrites about fifty bytes.
import { varintBytes, writeVarint } from "../../proto/varint.ts";
import { corrupt, ENVELOPE_BYTES, seal, Tag, unseal } from "./envelope.ts";
import { INSTALL_BYTES, sendsKey, senderKey } from "./keys.ts";
import { ByteReader, readUint32, writeUint32 } from "./varint.ts";

export const CHUNK_NUMBERS = 64;

/** What a number became: even: twice the row's seq; odd: twice the refusal's code, plus 1; 0: it was not used. */
export type Token = number;
export const TOKEN_UNUSED = 0;
/** The answer of SenderState.find for a number of a chunk that is not in memory. */
export const TOKEN_STORED = -1;

export const rowToken = (seq: number): Token => seq * 2;
export const refusalToken = (code: number): Token => code * 2 + 1;

interface Chunk {
  readonly index: number;
  readonly tokens: readonly Token[];
}

// Most senders have none.
const NO_CHUNKS: Chunk[] = [];

export class SenderState {
  readonly installHigh: number;
  readonly installLow: number;
  /** The highest number used up; 0: none. */
  last: number;
  /** The highest one that the commit being checked uses; valid while `attempt` is that commit's. */
  assigned: number;
  attempt: number;
  dirty: boolean;
  /** On disk it stands in the conversation's head. */
  inline: boolean;
  /** The conversation's seq when it last used a number: who stays in the head. */
  usedAt: number;
  /** Chunks that were filled since the last checkpoint, oldest first. */
  closed: Chunk[];
  /** How many of them are in a batch that is being written. */
  writing: number;
  private chunk: number;
  private tokens: Token[];

  constructor(installHigh: number, installLow: number, last: number, tokens: Token[]) {
    this.installHigh = installHigh;
    this.installLow = installLow;
    this.last = last;
    this.assigned = 0;
    this.attempt = 0;
    this.dirty = false;
    this.inline = false;
    this.usedAt = 0;
    this.closed = NO_CHUNKS;
    this.writing = 0;
    this.chunk = chunkOf(Math.max(1, last));
    this.tokens = tokens;
  }

  /** Number `clientSeq`, above all earlier ones, became `token`. */
  use(clientSeq: number, token: Token): void {
    const chunk = chunkOf(clientSeq);
    if (chunk !== this.chunk) {
      if (this.tokens.length > 0) this.closed = [...this.closed, { index: this.chunk, tokens: this.tokens }];
      this.chunk = chunk;
      this.tokens = [];
    }
    const slot = (clientSeq - 1) % CHUNK_NUMBERS;
    while (this.tokens.length < slot) this.tokens.push(TOKEN_UNUSED);
    this.tokens.push(token);
    this.last = clientSeq;
  }

  /** Chunks that were being written are on disk. */
  dropWritten(): void {
    this.closed = this.closed.length === this.writing ? NO_CHUNKS : this.closed.slice(this.writing);
    this.writing = 0;
  }

  find(clientSeq: number): Token {
    if (clientSeq < 1 || clientSeq > this.last) return TOKEN_UNUSED;
    const chunk = chunkOf(clientSeq);
    const slot = (clientSeq - 1) % CHUNK_NUMBERS;
    if (chunk === this.chunk) return this.tokens[slot] ?? TOKEN_UNUSED;
    for (const closed of this.closed) if (closed.index === chunk) return closed.tokens[slot] ?? TOKEN_UNUSED;
    return TOKEN_STORED;
  }

  /** Bytes that writeInline takes. */
  get inlineBytes(): number {
    const tokens = tokensBytes(this.tokens);
    return INSTALL_BYTES + varintBytes(this.last) + varintBytes(tokens) + tokens;
  }

  /** Writes install, last number and open chunk into a head's value; returns the offset behind it. */
  writeInline(bytes: Uint8Array, at: number): number {
    at = writeUint32(bytes, writeUint32(bytes, at, this.installHigh), this.installLow);
    at = writeVarint(bytes, at, this.last);
    at = writeVarint(bytes, at, tokensBytes(this.tokens));
    return writeTokens(bytes, at, this.tokens);
  }

  /** The value of a sender that does not stand in its conversation's head. */
  encode(): Uint8Array {
    const value = Buffer.allocUnsafe(ENVELOPE_BYTES + varintBytes(this.last) + tokensBytes(this.tokens));
    return seal(value, writeTokens(value, writeVarint(value, ENVELOPE_BYTES, this.last), this.tokens), Tag.Sender);
  }
}

/** What writeInline wrote. */
export function readInlineSender(reader: ByteReader): SenderState {
  const high = readUint32(reader.take(4), 0);
  const low = readUint32(reader.take(4), 0);
  const last = reader.varint();
  const length = reader.varint();
  const sender = new SenderState(high, low, last, readTokens(new ByteReader(reader.bytes, reader.at, reader.at + length)));
  reader.take(length);
  sender.inline = true;
  return sender;
}

export const chunkOf = (clientSeq: number): number => Math.floor((clientSeq - 1) / CHUNK_NUMBERS);

export function readSender(conversation: string, installHigh: number, installLow: number, value: Uint8Array | undefined): SenderState {
  if (value === undefined) return new SenderState(installHigh, installLow, 0, []);
  const key = senderKey(conversation, installHigh, installLow);
  const reader = unseal(value, Tag.Sender, "sender", key);
  try {
    return new SenderState(installHigh, installLow, reader.varint(), readTokens(reader));
  } catch (error) {
    throw corrupt("sender", key, (error as Error).message, error);
  }
}

/** A full chunk's value. */
export function encodeChunk(chunk: Chunk): Uint8Array {
  const value = Buffer.allocUnsafe(ENVELOPE_BYTES + tokensBytes(chunk.tokens));
  return seal(value, writeTokens(value, ENVELOPE_BYTES, chunk.tokens), Tag.Sends);
}

/** What `clientSeq` became, from its chunk's value. */
export function findInChunk(conversation: string, sender: SenderState, clientSeq: number, value: Uint8Array | undefined): Token {
  if (value === undefined) return TOKEN_UNUSED;
  const key = sendsKey(conversation, sender.installHigh, sender.installLow, chunkOf(clientSeq));
  const reader = unseal(value, Tag.Sends, "send index", key);
  try {
    return readTokens(reader)[(clientSeq - 1) % CHUNK_NUMBERS] ?? TOKEN_UNUSED;
  } catch (error) {
    throw corrupt("send index", key, (error as Error).message, error);
  }
}

// Seqs rise with the numbers, so each is written as what it adds to the one before it in the chunk.

function tokensBytes(tokens: readonly Token[]): number {
  let bytes = 0;
  let previous = 0;
  for (const token of tokens) {
    if (token === TOKEN_UNUSED || token % 2 === 1) bytes += varintBytes(token);
    else {
      bytes += varintBytes(token - previous);
      previous = token;
    }
  }
  return bytes;
}

function writeTokens(bytes: Uint8Array, at: number, tokens: readonly Token[]): number {
  let previous = 0;
  for (const token of tokens) {
    if (token === TOKEN_UNUSED || token % 2 === 1) at = writeVarint(bytes, at, token);
    else {
      at = writeVarint(bytes, at, token - previous);
      previous = token;
    }
  }
  return at;
}

function readTokens(reader: ByteReader): Token[] {
  const tokens: Token[] = [];
  let previous = 0;
  while (!reader.done) {
    const token = reader.varint();
    if (token === TOKEN_UNUSED || token % 2 === 1) tokens.push(token);
    else tokens.push((previous += token));
  }
  return tokens;
}

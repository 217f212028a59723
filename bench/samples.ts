// Messages as they travel: texts of a corpus, numbered as conversations, installs and connections number them, and each
// of the frames that such a message becomes, made by the codec that makes them in production.
import { pushFromFrame, sentFrame as ackFrame } from "../logic/shard/frames.ts";
import type { Row } from "../logic/store/store.ts";
import { readMessages, sampleMessages, type ChatMessage } from "../loadtest/cast/messages.ts";
import { encodeMessage } from "../proto/frame.ts";
import { FrameType } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";

/** Wire time of the first message, ms since 2025-01-01: a day in 2026, and always the same, so that sizes repeat. */
const FIRST_TIME = 47_000_000_000;
const BETWEEN_MS = 1700;

export interface Sample {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** 8 bytes, of the sender's install. */
  readonly install: Uint8Array;
  /** Number of the request on the sender's connection. */
  readonly ref: number;
  readonly clientSeq: number;
  readonly row: Row;
}

/** At most `limit` real messages where there are some, else the built-in sample; and where they are from. */
export async function realSamples(limit: number): Promise<{ samples: Sample[]; source: string }> {
  const { messages, source } = await readMessages(undefined, limit);
  return { samples: numbered(messages), source };
}

/** The same messages every time and everywhere: for figures that are kept. */
export function fixedSamples(count: number): Sample[] {
  return numbered(sampleMessages(count));
}

/** Messages with their numbers, times and installs. */
export function numbered(messages: readonly ChatMessage[]): Sample[] {
  const next = new Map<string, number>();
  const count = (key: string): number => {
    const value = (next.get(key) ?? 0) + 1;
    next.set(key, value);
    return value;
  };
  const installs = new Map<string, Uint8Array>();
  return messages.map(({ from, to, text }, index) => {
    let install = installs.get(from);
    if (install === undefined) {
      install = new Uint8Array(8).fill(0x1d);
      new DataView(install.buffer).setUint32(0, installs.size);
      installs.set(from, install);
    }
    const sender = new Uint8Array(Buffer.from(from));
    const payload = new Uint8Array(Buffer.from(text));
    const clientSeq = count(`${from} to ${to}`);
    const seq = count(from < to ? `${from} and ${to}` : `${to} and ${from}`);
    const row = { seq, time: FIRST_TIME + index * BETWEEN_MS, kind: 0, sender, payload, install, clientSeq, uncounted: 0 };
    return { from: sender, to: new Uint8Array(Buffer.from(to)), install, ref: count(from), clientSeq, row };
  });
}

/** What the sender's client writes. */
export function sendFrame({ to, clientSeq, row }: Sample): Uint8Array {
  return encodeMessage(FrameType.Send, hawser.v1.Send, { peer: to, clientSeq, payload: row.payload });
}

/** What the sender gets back. */
export function sentFrame({ ref, row }: Sample): Uint8Array {
  return ackFrame(ref, row.seq, row.time, hawser.v1.Durability.DURABILITY_FSYNC);
}

/** What the receiver's devices get. */
export function pushFrame({ row }: Sample): Uint8Array {
  return pushFromFrame(row);
}

/** The frame's message, without length and header byte. */
export function bodyOf(frame: Uint8Array): Uint8Array {
  let at = 0;
  while (frame[at]! >= 0x80) at++;
  return frame.subarray(at + 2);
}

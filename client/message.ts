// What the application gives and gets: conversations, messages, receipts. Pure data; a Message owns its
// bytes (it outlives the frame that it came in).
import type { hawser } from "../proto/gen/hawser.js";
import { fromWireTime } from "../proto/time.ts";
import { HawserError, LocalErrorCode } from "./errors.ts";

/** One of: a direct conversation (your own id: notes to self), a group, or what happens to you alone. */
export type Conversation = { readonly peer: string } | { readonly group: string } | { readonly self: true };

/** Where to send: a user's id, or a conversation. */
export type Destination = string | { readonly peer: string } | { readonly group: string };

/** Text; or bytes (kind 1, data); or bytes of a kind of the application's own (32 and above). */
export type Body = string | Uint8Array | { readonly kind: number; readonly payload: Uint8Array };

/** The kinds of rows that the protocol names (SPEC.md §5). */
export const MessageKind = { Text: 0, Data: 1 } as const;

const DURABILITIES = ["unspecified", "memory", "fsync", "replicated"] as const;
/** How safe a message was when the server confirmed it; "unspecified" when that is not known. */
export type Durability = (typeof DURABILITIES)[number];

export function durabilityName(durability: number): Durability {
  return DURABILITIES[durability] ?? "unspecified";
}

/** The server's confirmation of a message: its place, and its time in ms since 1970. */
export interface Receipt {
  readonly seq: number;
  readonly time: number;
  readonly durability: Durability;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** A row of a conversation, as the application sees it. */
export class Message {
  readonly conversation: Conversation;
  /** Who sent it; "" for rows that the server wrote into the `self` conversation. */
  readonly from: string;
  /** The other user of a direct conversation when `mine`, else you; undefined outside direct conversations. */
  readonly to: string | undefined;
  /** Sent by you, on whichever device. */
  readonly mine: boolean;
  /** Sent by you, by this very install: the `send` of this client or of an earlier run on the same store. */
  readonly local: boolean;
  /** Its place in the conversation: 1, 2, 3 … */
  readonly seq: number;
  /** When the server took it, ms since 1970. */
  readonly time: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** The payload as text, for kind 0. */
  readonly text: string | undefined;
  /** Of your own messages: the install that sent it (16 hex digits), and its number there. */
  readonly install: string | undefined;
  readonly clientSeq: number | undefined;

  /** `payload` is kept, not copied; `wireTime` is in ms since 2025 as on the wire. */
  constructor(
    conversation: Conversation,
    from: string,
    to: string | undefined,
    mine: boolean,
    local: boolean,
    seq: number,
    wireTime: number,
    kind: number,
    payload: Uint8Array,
    install: string | undefined,
    clientSeq: number | undefined,
  ) {
    this.conversation = conversation;
    this.from = from;
    this.to = to;
    this.mine = mine;
    this.local = local;
    this.seq = seq;
    this.time = fromWireTime(wireTime);
    this.kind = kind;
    this.payload = payload;
    this.text = kind === MessageKind.Text ? decoder.decode(payload) : undefined;
    this.install = install;
    this.clientSeq = clientSeq;
  }
}

/** Kind and bytes of a body. A lone surrogate in text becomes U+FFFD, as everywhere on the web. */
export function bodyParts(body: Body): { kind: number; payload: Uint8Array } {
  if (typeof body === "string") return { kind: MessageKind.Text, payload: encoder.encode(body) };
  if (body instanceof Uint8Array) return { kind: MessageKind.Data, payload: new Uint8Array(body) };
  const { kind, payload } = body;
  if (!Number.isInteger(kind) || kind < 0 || kind > 0xffff_ffff) throw new HawserError(LocalErrorCode.BadArgument, "kind must be an unsigned 32-bit integer");
  if (!(payload instanceof Uint8Array)) throw new HawserError(LocalErrorCode.BadArgument, "payload must be a Uint8Array");
  // Copied: the application may change its buffer while the message waits.
  return { kind, payload: new Uint8Array(payload) };
}

export type PushRow = hawser.v1.Push.$Properties;

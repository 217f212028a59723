// The public face in types: what a client is made with, what it reports, what it is asked for.
import type { HawserError } from "./errors.ts";
import type { Conversation, Message } from "./message.ts";
import type { DivergedEvent, HeadInfo, ReadEvent, SentEvent, StateEvent } from "./outputs.ts";
import type { Store } from "./store.ts";

export interface ClientOptions {
  /** tcp://host:port and tls://host:port (Node only), ws://…, wss://… */
  readonly url: string;
  /** The token, or what gets one: asked before the first connection, and whenever the server says that it expired. */
  readonly token: string | (() => string | Promise<string>);
  /** A stable name for this device, 1 to 64 bytes of UTF-8; by default one is made up, and kept in the store. */
  readonly device?: string | undefined;
  /** What must survive a restart goes there; by default nothing survives. */
  readonly store?: Store | undefined;
  /** How many rows of each conversation the first Sync of a new store pulls; later everything is pulled. Default 50. */
  readonly history?: number | "all" | undefined;
  /** Check the conversations' hashes as messages come in. Default true. */
  readonly verify?: boolean | undefined;
  /**
   * A stable name of the network in use ("wifi", "310-260"), or what tells it, asked for each connection: servers learn the interval of
   * beats for each. In browsers by default what navigator.connection says.
   */
  readonly network?: string | (() => string) | undefined;
  /** Offer compression: the server then compresses what pays, and so does this client. Default true. */
  readonly compression?: boolean | undefined;
  /** Messages that may wait for confirmation; beyond it send() rejects with QUEUE_FULL. Default 1,000. */
  readonly pendingMax?: number | undefined;
  /** The same in bytes of payload. Default 16 MiB. */
  readonly pendingBytesMax?: number | undefined;
}

export interface ClientEvents {
  /** A row of a conversation, each once and in order; your own included, at their place (`local`: sent by this install). */
  message: Message;
  /** A message of yours was confirmed, or refused for good. */
  sent: SentEvent;
  /** You read further on another device. */
  read: ReadEvent;
  state: StateEvent;
  /** Conversations as the server has them, when it was asked: for lists and counts of unread messages. */
  heads: HeadInfo[];
  /** Nothing is missing. */
  synced: undefined;
  diverged: DivergedEvent;
  /** What is no consequence of a call and no mere loss of the connection. Not listening is no crash. */
  error: HawserError;
}

/** A message of yours that is not confirmed yet. */
export interface PendingMessage {
  readonly conversation: Conversation;
  readonly clientSeq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

export interface ConversationInfo {
  readonly conversation: Conversation;
  /** The last row shown. */
  readonly seq: number;
  readonly readSeq: number;
}

export const PENDING_MAX_DEFAULT = 1_000;
export const PENDING_BYTES_MAX_DEFAULT = 16 * 1024 * 1024;
export const HISTORY_DEFAULT = 50;

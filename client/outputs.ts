// What the core wants done, gathered while it handles one input and taken by the shell right after it:
// frames to write, events for the application, closing and opening the connection. The shell does them in
// this order: write `frames`, close if `close`, open `connect`, deliver `events`, store what changed.
import type { HawserError } from "./errors.ts";
import type { Conversation, Message, Receipt } from "./message.ts";
import type { PendingSend } from "./pending-send.ts";

export type ConnectionState = "connecting" | "online" | "offline" | "stopped";

export interface StateEvent {
  readonly state: ConnectionState;
  /** Why, when it is not by the application's own call. */
  readonly reason: HawserError | undefined;
  /** offline: ms until the next attempt. */
  readonly retryInMs: number | undefined;
}

/** An own message was confirmed (`receipt`) or refused for good (`error`). */
export interface SentEvent {
  readonly conversation: Conversation;
  readonly clientSeq: number;
  readonly receipt: Receipt | undefined;
  readonly error: HawserError | undefined;
}

/** The user's own read position moved, on another device. */
export interface ReadEvent {
  readonly conversation: Conversation;
  readonly seq: number;
}

/** A conversation as the server's heads have it. unread = seq - uncounted, less the same at readSeq. */
export interface HeadInfo {
  readonly conversation: Conversation;
  readonly seq: number;
  readonly uncounted: number;
  readonly readSeq: number;
  /** Of the newest row, ms since 1970. */
  readonly time: number;
}

/**
 * What was shown of a conversation is not what the server has: forget its messages from `fromSeq` on; they
 * are delivered again, as "message" events.
 */
export interface DivergedEvent {
  readonly conversation: Conversation;
  readonly fromSeq: number;
}

export interface HistoryResult {
  readonly messages: Message[];
  /** There are older ones. */
  readonly more: boolean;
}

export type CoreEvent =
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "sent"; readonly send: PendingSend; readonly receipt: Receipt | undefined; readonly error: HawserError | undefined }
  | { readonly type: "read"; readonly read: ReadEvent }
  | { readonly type: "state"; readonly change: StateEvent }
  | { readonly type: "heads"; readonly heads: HeadInfo[] }
  /** Nothing is missing, as of now: a Sync was completed, or a Check was answered well. */
  | { readonly type: "synced" }
  | { readonly type: "diverged"; readonly diverged: DivergedEvent }
  | { readonly type: "error"; readonly error: HawserError }
  | { readonly type: "history"; readonly ticket: unknown; readonly result: HistoryResult | HawserError };

/** Open a connection numbered `link`, to `target` (a gateway's hint) or the usual address. */
export interface ConnectOrder {
  readonly link: number;
  readonly target: string;
  /** The token used before was refused as expired. */
  readonly freshToken: boolean;
}

export const NEVER: number = Number.POSITIVE_INFINITY;

export class Outputs {
  frames: Uint8Array[];
  events: CoreEvent[];
  close: boolean;
  connect: ConnectOrder | undefined;
  /** The core wants a tick at this time (its own clock, ms), or NEVER. */
  dueAt: number;

  constructor() {
    this.frames = [];
    this.events = [];
    this.close = false;
    this.connect = undefined;
    this.dueAt = NEVER;
  }

  schedule(at: number): void {
    if (at < this.dueAt) this.dueAt = at;
  }

  takeFrames(): Uint8Array[] {
    const frames = this.frames;
    this.frames = [];
    return frames;
  }

  takeEvents(): CoreEvent[] {
    const events = this.events;
    this.events = [];
    return events;
  }

  takeClose(): boolean {
    const close = this.close;
    this.close = false;
    return close;
  }

  takeConnect(): ConnectOrder | undefined {
    const connect = this.connect;
    this.connect = undefined;
    return connect;
  }

  error(error: HawserError): void {
    this.events.push({ type: "error", error });
  }
}

// The client for browsers: WebSocket only, and nothing of Node's.
import { sha256 } from "@noble/hashes/sha2.js";
import { inflateRaw } from "../proto/codec/inflate.ts";
import { Client } from "./client.ts";
import type { Platform } from "./client.ts";
import type { ClientOptions } from "./options.ts";
import { SUBPROTOCOL, WEBSOCKET_SCHEMES, webSocketTransport } from "./websocket.ts";
import type { WebSocketLike } from "./websocket.ts";

// biome-ignore lint/performance/noBarrelFile: this is the package's entry
export { HawserError, LocalErrorCode } from "./errors.ts";
export { ErrorCode } from "../proto/error-code.ts";
export { WebStore } from "./web-store.ts";
export { MemoryStore } from "./store.ts";
export { Message, MessageKind } from "./message.ts";
export type { Store, StoreChanges } from "./store.ts";
export type { Body, Conversation, Destination, Durability, Receipt } from "./message.ts";
export type { ClientEvents, ClientOptions, ConversationInfo, PendingMessage } from "./options.ts";
export type { ConnectionState, DivergedEvent, HeadInfo, HistoryResult, ReadEvent, SentEvent, StateEvent } from "./outputs.ts";

const PLATFORM: Platform = {
  sha256,
  inflate: inflateRaw,
  schemes: WEBSOCKET_SCHEMES,
  open: (url, sink) => webSocketTransport(new WebSocket(url, SUBPROTOCOL) as unknown as WebSocketLike, sink),
};

/** "wifi", "cellular" …, where the browser tells. */
function networkType(): string {
  const connection = (globalThis.navigator as { connection?: { type?: unknown } } | undefined)?.connection;
  return typeof connection?.type === "string" ? connection.type : "";
}

export class HawserClient extends Client {
  private readonly onWake: () => void;

  /** Throws BAD_ARGUMENT on options that make no sense. */
  constructor(options: ClientOptions) {
    super({ network: networkType, ...options }, PLATFORM);
    this.onWake = () => {
      if (typeof document === "undefined" || document.visibilityState === "visible") this.wake();
    };
    // A page that comes back to the front, or to the network, may have missed anything. Workers have no document.
    globalThis.addEventListener?.("online", this.onWake);
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.onWake);
  }

  override close(): Promise<void> {
    globalThis.removeEventListener?.("online", this.onWake);
    if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.onWake);
    return super.close();
  }
}

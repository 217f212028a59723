// The client for Node: TCP, TLS and WebSocket.
import { hash } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import { WebSocket as PackagedWebSocket } from "ws";
import { Client } from "./client.ts";
import type { Platform } from "./client.ts";
import type { ClientOptions as CommonOptions } from "./options.ts";
import { openTcp, TCP_SCHEMES } from "./tcp.ts";
import type { Transport, TransportSink } from "./transport.ts";
import { SUBPROTOCOL, WEBSOCKET_SCHEMES, webSocketTransport } from "./websocket.ts";
import type { WebSocketLike } from "./websocket.ts";

export { HawserError, LocalErrorCode } from "./errors.ts";
export { ErrorCode } from "../proto/error-code.ts";
export { FileStore } from "./file-store.ts";
export { MemoryStore } from "./store.ts";
export { Message, MessageKind } from "./message.ts";
export type { Store, StoreChanges } from "./store.ts";
export type { Body, Conversation, Destination, Durability, Receipt } from "./message.ts";
export type { ClientEvents, ConversationInfo, PendingMessage } from "./options.ts";
export type { ConnectionState, DivergedEvent, HeadInfo, HistoryResult, ReadEvent, SentEvent, StateEvent } from "./outputs.ts";

export interface ClientOptions extends CommonOptions {
  /** For tls: URLs: certificates and the like, as node:tls takes them. (For wss:, Node's own settings hold.) */
  readonly tls?: ConnectionOptions | undefined;
}

/** A WebSocket message that a server may send, at most: more frames than anybody would put into one. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

function openWebSocket(url: URL, sink: TransportSink): Transport {
  // Node 22 has a WebSocket of its own.
  const socket =
    typeof WebSocket === "undefined"
      ? new PackagedWebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX })
      : new WebSocket(url, SUBPROTOCOL);
  return webSocketTransport(socket as unknown as WebSocketLike, sink);
}

function platform(tls: ConnectionOptions | undefined): Platform {
  return {
    sha256,
    schemes: [...TCP_SCHEMES, ...WEBSOCKET_SCHEMES],
    open: (url, sink) => (WEBSOCKET_SCHEMES.includes(url.protocol) ? openWebSocket(url, sink) : openTcp(url, sink, tls)),
  };
}
const PLAIN: Platform = platform(undefined);

export class HawserClient extends Client {
  /** Throws BAD_ARGUMENT on options that make no sense. */
  constructor(options: ClientOptions) {
    super(options, options.tls === undefined ? PLAIN : platform(options.tls));
  }
}

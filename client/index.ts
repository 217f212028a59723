// The client for Node: TCP, TLS and WebSocket.
import type { ConnectionOptions } from "node:tls";
import { Client } from "./client.ts";
import { nodePlatform } from "./node-platform.ts";
import type { ClientOptions as CommonOptions } from "./options.ts";

// biome-ignore lint/performance/noBarrelFile: this is the package's entry
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

const PLAIN = nodePlatform();

export class HawserClient extends Client {
  /** Throws BAD_ARGUMENT on options that make no sense. */
  constructor(options: ClientOptions) {
    super(options, options.tls === undefined ? PLAIN : nodePlatform(options.tls));
  }
}

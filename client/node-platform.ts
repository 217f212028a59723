// What Node gives a client: TCP, TLS and WebSocket, and a fast SHA-256.
import { hash } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import { nodeInflate } from "../proto/codec/zlib-inflate.ts";
import { WebSocket as PackagedWebSocket } from "ws";
import type { Platform } from "./client.ts";
import { openTcp, TCP_SCHEMES } from "./tcp.ts";
import type { Transport, TransportSink } from "./transport.ts";
import { SUBPROTOCOL, WEBSOCKET_SCHEMES, webSocketTransport } from "./websocket.ts";
import type { WebSocketLike } from "./websocket.ts";

/** A WebSocket message that a server may send, at most: more frames than anybody would put into one. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** `tls`: for tls: URLs, as node:tls takes it. (For wss:, Node's own settings hold.) */
export function nodePlatform(tls?: ConnectionOptions): Platform {
  return {
    sha256: (bytes) => hash("sha256", bytes, "buffer"),
    inflate: nodeInflate,
    schemes: [...TCP_SCHEMES, ...WEBSOCKET_SCHEMES],
    open: (url, sink) => (WEBSOCKET_SCHEMES.includes(url.protocol) ? openWebSocket(url, sink) : openTcp(url, sink, tls)),
  };
}

function openWebSocket(url: URL, sink: TransportSink): Transport {
  // Node 22 has a WebSocket of its own.
  const socket =
    typeof WebSocket === "undefined"
      ? new PackagedWebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX })
      : new WebSocket(url, SUBPROTOCOL);
  return webSocketTransport(socket as unknown as WebSocketLike, sink);
}

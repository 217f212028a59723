// WebSocket, whichever implementation the entry hands in: the browser's or Node's own, or the ws package.
import { HawserError, LocalErrorCode } from "./errors.ts";
import type { Transport, TransportSink } from "./transport.ts";

export const WEBSOCKET_SCHEMES: readonly string[] = ["ws:", "wss:"];
export const SUBPROTOCOL = "hawser.v1";

/** The part of the WebSocket interface that is used. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown } & never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(bytes: Uint8Array): void;
  close(code?: number): void;
}

const OPEN = 1;
const NORMAL = 1000;

class WebSocketTransport implements Transport {
  private readonly socket: WebSocketLike;
  private sink: TransportSink | undefined;
  private error: string;

  constructor(socket: WebSocketLike, sink: TransportSink) {
    this.socket = socket;
    this.sink = sink;
    this.error = "";
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.sink?.opened();
    socket.onmessage = (event: { readonly data: unknown }) => this.message(event.data);
    // Stays for good: ws throws an error that nobody hears. Browsers give no message.
    socket.onerror = (event: { readonly message?: unknown }) => {
      if (typeof event.message === "string") this.error = event.message;
    };
    socket.onclose = (event: { readonly code?: number; readonly reason?: string }) => {
      const detail = this.error || event.reason || (event.code === undefined ? "" : `closed with status ${event.code}`);
      this.end(event.code === NORMAL ? undefined : new HawserError(LocalErrorCode.ConnectFailed, detail));
    };
  }

  write(bytes: Uint8Array): void {
    // While closing, sends are void: onclose is on its way.
    if (this.socket.readyState === OPEN) this.socket.send(bytes);
  }

  close(): void {
    this.sink = undefined;
    this.socket.close(NORMAL);
  }

  private message(data: unknown): void {
    if (data instanceof ArrayBuffer) this.sink?.received(new Uint8Array(data), true);
    else {
      this.socket.close(NORMAL);
      this.end(new HawserError(LocalErrorCode.ProtocolViolation, "a text message"));
    }
  }

  private end(reason: HawserError | undefined): void {
    const sink = this.sink;
    this.sink = undefined;
    sink?.closed(reason);
  }
}

/** Makes a transport of a WebSocket that was just created. */
export function webSocketTransport(socket: WebSocketLike, sink: TransportSink): Transport {
  return new WebSocketTransport(socket, sink);
}

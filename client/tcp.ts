// TCP and TLS by node:net and node:tls: URLs tcp://host:port and tls://host:port.
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { HawserError, LocalErrorCode } from "./errors.ts";
import type { Transport, TransportSink } from "./transport.ts";

/** What this speaks, for proxies that look (RFC 7301). */
const ALPN = "hawser.v1";
export const TCP_SCHEMES: readonly string[] = ["tcp:", "tls:"];

/** How long bytes that a peer does not take may hold up the end of a connection. */
const LINGER_MS = 5_000;
const READ_BYTES = 64 * 1024;
/**
 * All sockets read into one buffer: what is read is handled before the next read, and nobody keeps a view of it. Not on
 * Windows, where a read is given its buffer before there is anything to read.
 */
const SHARED_BUFFER: Uint8Array | undefined = process.platform === "win32" ? undefined : new Uint8Array(READ_BYTES);

class TcpTransport implements Transport {
  private readonly socket: Socket;
  private sink: TransportSink | undefined;
  private error: Error | undefined;

  constructor(url: URL, sink: TransportSink, tls: ConnectionOptions | undefined) {
    this.sink = sink;
    this.error = undefined;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = Number(url.port);
    const onread =
      SHARED_BUFFER === undefined
        ? undefined
        : {
            buffer: SHARED_BUFFER,
            callback: (length: number, buffer: Uint8Array): boolean => {
              this.sink?.received(buffer.subarray(0, length), false);
              return true;
            },
          };
    const options = { host, port, noDelay: true, ...(onread === undefined ? {} : { onread }) };
    const secure = url.protocol === "tls:";
    // onread is an option of tls.connect too, which its types leave out.
    this.socket = secure
      ? connectTls({ servername: /^[\d.]+$|:/.test(host) ? "" : host, ALPNProtocols: [ALPN], ...tls, ...options } as ConnectionOptions)
      : connectTcp(options);
    this.socket.on(secure ? "secureConnect" : "connect", () => this.sink?.opened());
    if (onread === undefined) this.socket.on("data", (chunk: Uint8Array) => this.sink?.received(chunk, false));
    this.socket.on("error", (error) => {
      this.error = error;
    });
    // The server's FIN is the end: nothing of ours is worth sending to it any more.
    this.socket.on("end", () => this.socket.destroy());
    this.socket.on("close", () => this.ended());
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.sink = undefined;
    if (this.socket.connecting || this.socket.writableLength === 0) {
      // Bytes that the system has are still delivered.
      this.socket.destroy();
      return;
    }
    this.socket.setTimeout(LINGER_MS, () => this.socket.destroy());
    this.socket.destroySoon();
  }

  private ended(): void {
    const sink = this.sink;
    this.sink = undefined;
    const error = this.error;
    sink?.closed(error && new HawserError(LocalErrorCode.ConnectFailed, error.message, error));
  }
}

/** Opens tcp: and tls: URLs. `tls`: certificates and the like, as node:tls takes them. */
export function openTcp(url: URL, sink: TransportSink, tls?: ConnectionOptions): Transport {
  if (url.port === "") throw new RangeError(`no port in ${url.href}`);
  return new TcpTransport(url, sink, tls);
}

// A WebSocket (RFC 6455) as a client, around another protocol whose messages are WebSocket messages: what the inner session
// writes at once leaves as one message, and each message that comes is handed to it whole. No extensions are offered, so
// nobody compresses; messages in fragments are refused, since no server here sends them.
import { createHash, randomBytes } from "node:crypto";
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

export interface WebSocketOptions {
  path: string;
  /** Messages are text; binary when left out. */
  text?: boolean;
  subprotocol?: string;
}

const Opcode = { Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;
const FIN = 0x80;
const MASKED = 0x80;
/** RFC 6455, section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEADERS_END = Buffer.from("\r\n\r\n");

export function overWebSocket(inner: PeerProtocol, options: WebSocketOptions): PeerProtocol {
  return { acks: inner.acks, publishAcks: inner.publishAcks, session: (identity, out) => new WebSocketSession(inner, options, identity, out) };
}

class WebSocketSession implements PeerSession {
  private readonly options: WebSocketOptions;
  private readonly out: PeerOutput;
  private readonly inner: PeerSession;
  private key: string;
  private upgraded: boolean;

  constructor(inner: PeerProtocol, options: WebSocketOptions, identity: PeerIdentity, out: PeerOutput) {
    this.options = options;
    this.out = out;
    const opcode = options.text === true ? Opcode.Text : Opcode.Binary;
    this.inner = inner.session(identity, {
      write: (bytes) => out.write(clientFrame(opcode, bytes)),
      ready: () => out.ready(),
      delivered: (text) => out.delivered(text),
      acked: () => out.acked(),
      failed: (reason) => out.failed(reason),
    });
    this.key = "";
    this.upgraded = false;
  }

  opened(): void {
    this.upgraded = false;
    this.key = randomBytes(16).toString("base64");
    const { path, subprotocol } = this.options;
    const wanted = subprotocol === undefined ? "" : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${this.key}\r\nSec-WebSocket-Version: 13\r\n${wanted}\r\n`;
    this.out.write(Buffer.from(request, "latin1"));
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (!this.upgraded) {
      const headers = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
      const length = headers.indexOf(HEADERS_END);
      if (length < 0) return 0;
      if (!this.upgrade(headers.toString("latin1", 0, length))) return end - start;
      at += length + HEADERS_END.length;
    }
    while (end - at >= 2) {
      let body = at + 2;
      let length = bytes[at + 1]!;
      if (length === 126) {
        if (end - at < 4) break;
        length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        body = at + 4;
      } else if (length > 126) {
        this.out.failed("a masked frame, or one of more than 64 KiB");
        return end - start;
      }
      if (end - body < length) break;
      this.frame(bytes[at]!, bytes, body, body + length);
      at = body + length;
    }
    return at - start;
  }

  send(to: string, text: Uint8Array): void {
    this.inner.send(to, text);
  }

  publish(group: string, text: Uint8Array): void {
    this.inner.publish(group, text);
  }

  keepAlive(): void {
    this.inner.keepAlive();
  }

  /** Whether the server agreed; the inner session begins. */
  private upgrade(headers: string): boolean {
    const accept = createHash("sha1").update(`${this.key}${ACCEPT_GUID}`).digest("base64");
    if (!headers.startsWith("HTTP/1.1 101") || !headers.includes(accept)) {
      this.out.failed(`no WebSocket: ${headers.slice(0, 200)}`);
      return false;
    }
    this.upgraded = true;
    this.inner.opened();
    return true;
  }

  private frame(first: number, bytes: Uint8Array, start: number, end: number): void {
    switch (first) {
      case FIN | Opcode.Text:
      case FIN | Opcode.Binary:
        if (this.inner.data(bytes, start, end) !== end - start) this.out.failed("a message that does not end where it should");
        return;
      case FIN | Opcode.Ping:
        this.out.write(clientFrame(Opcode.Pong, bytes.subarray(start, end)));
        return;
      case FIN | Opcode.Pong:
      // The end of the connection follows by itself.
      case FIN | Opcode.Close:
        return;
      default:
        this.out.failed(`a WebSocket frame that begins with 0x${first.toString(16)}`);
    }
  }
}

/** A frame as clients send it, masked. Payloads of up to 64 KiB. */
function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? 2 : 4;
  const frame = Buffer.allocUnsafe(head + 4 + length);
  frame[0] = FIN | opcode;
  frame[1] = MASKED | Math.min(length, 126);
  if (head === 4) frame.writeUInt16BE(length, 2);
  frame.writeUInt32BE(Math.floor(Math.random() * 0x1_0000_0000), head);
  for (let i = 0; i < length; i++) frame[head + 4 + i] = payload[i]! ^ frame[head + (i & 3)]!;
  return frame;
}

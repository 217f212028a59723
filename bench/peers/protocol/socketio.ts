// socket.io (protocol 5 over engine.io 4) as a client, on WebSocket only: no polling first. A user is in the room of its
// own name, as is usual, and in that of its group. The events are those of bench/peers/servers/socketio.mjs; a message is
// acknowledged by the server's callback.
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

export const socketio: PeerProtocol = {
  // Where engine.io listens; the query says what is spoken.
  webSocket: { path: "/socket.io/?EIO=4&transport=websocket", text: true },
  acks: true,
  publishAcks: true,
  session: (identity, out) => new SocketioSession(identity, out),
};

/** Of the acknowledgement that answers the login. */
const LOGIN = 0;

class SocketioSession implements PeerSession {
  private readonly identity: PeerIdentity;
  private readonly out: PeerOutput;
  private lastAck: number;

  constructor(identity: PeerIdentity, out: PeerOutput) {
    this.identity = identity;
    this.out = out;
    this.lastAck = LOGIN;
  }

  /** engine.io's server speaks first. */
  opened(): void {
    this.lastAck = LOGIN;
  }

  /** One whole packet: WebSocket messages are handed over one by one. */
  data(bytes: Uint8Array, start: number, end: number): number {
    this.packet(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8"));
    return end - start;
  }

  send(to: string, text: Uint8Array): void {
    this.emit("message", to, text);
  }

  publish(group: string, text: Uint8Array): void {
    this.emit("publish", group, text);
  }

  private emit(event: string, to: string, text: Uint8Array): void {
    const plain = Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8");
    this.write(`42${++this.lastAck}${JSON.stringify([event, to, plain])}`);
  }

  /** engine.io: 0 open, 2 ping, 4 message; behind 4 socket.io: 0 connected, 2 event, 3 acknowledgement, 4 refused. */
  private packet(text: string): void {
    if (text.startsWith("42")) this.out.delivered(Buffer.from((JSON.parse(text.slice(2)) as [string, string, string])[2]));
    else if (text.startsWith("43")) {
      if (Number.parseInt(text.slice(2), 10) === LOGIN) this.out.ready();
      else this.out.acked();
    } else if (text === "2") this.write("3");
    else if (text.startsWith("0")) this.write("40");
    else if (text.startsWith("40")) this.write(`42${LOGIN}${JSON.stringify(["login", this.identity.user, this.identity.group ?? null])}`);
    else this.out.failed(text.slice(0, 200));
  }

  private write(text: string): void {
    this.out.write(Buffer.from(text));
  }
}

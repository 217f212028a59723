// The protocol that the servers made of a bare WebSocket library speak (bench/peers/servers/ws.mjs and uws.mjs): the least
// with which messages find their way. A WebSocket message is a kind byte, a name with its length before it, and a text;
// no acknowledgements, nothing is stored.
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

/** The same numbers as in the servers. */
export const RawKind = { Login: 1, Ready: 2, Send: 3, Publish: 4, Delivered: 5, Join: 6 } as const;

export const raw: PeerProtocol = { webSocket: { path: "/" }, acks: false, publishAcks: false, session: (identity, out) => new RawSession(identity, out) };

class RawSession implements PeerSession {
  private readonly identity: PeerIdentity;
  private readonly out: PeerOutput;

  constructor(identity: PeerIdentity, out: PeerOutput) {
    this.identity = identity;
    this.out = out;
  }

  opened(): void {
    if (this.identity.group !== undefined) this.put(RawKind.Join, this.identity.group);
    this.put(RawKind.Login, this.identity.user);
  }

  /** One whole message: WebSocket messages are handed over one by one. */
  data(bytes: Uint8Array, start: number, end: number): number {
    const kind = bytes[start];
    if (kind === RawKind.Delivered) this.out.delivered(bytes.subarray(start + 2 + bytes[start + 1]!, end));
    else if (kind === RawKind.Ready) this.out.ready();
    else this.out.failed(`a message of kind ${kind}`);
    return end - start;
  }

  send(to: string, text: Uint8Array): void {
    this.put(RawKind.Send, to, text);
  }

  publish(group: string, text: Uint8Array): void {
    this.put(RawKind.Publish, group, text);
  }

  private put(kind: number, name: string, text?: Uint8Array): void {
    const message = Buffer.allocUnsafe(2 + name.length + (text?.length ?? 0));
    message[0] = kind;
    message[1] = name.length;
    message.write(name, 2, "latin1");
    if (text !== undefined) message.set(text, 2 + name.length);
    this.out.write(message);
  }
}

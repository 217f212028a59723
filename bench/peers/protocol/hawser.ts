// Hawser as a light client: Hello, Welcome, Heads, Send, Sent, Push. A group is one user with a device for each member:
// what is written to the user reaches every device.
import { randomBytes } from "node:crypto";
import { idBytes } from "../../../proto/conversation.ts";
import { errorName } from "../../../proto/error-code.ts";
import { encodeMessage, LENGTH_INCOMPLETE, lengthRead, readLength, splitBatch } from "../../../proto/frame.ts";
import { FrameType, frameTypeName, HeaderBit, TYPE_MASK } from "../../../proto/frame-type.ts";
import { hawser as wire } from "../../../proto/gen/hawser.js";
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

export const hawser: PeerProtocol = { acks: true, publishAcks: true, session: (identity, out) => new HawserSession(identity, out) };
export const hawserOverWebSocket: PeerProtocol = { ...hawser, webSocket: { path: "/", subprotocol: "hawser.v1" } };

class HawserSession implements PeerSession {
  private readonly user: string;
  private readonly device: string;
  private readonly out: PeerOutput;
  private readonly install: Uint8Array;
  private connection: number;
  /** The last number used, by whom it was sent to. */
  private readonly clientSeqs: Map<string, number>;

  constructor(identity: PeerIdentity, out: PeerOutput) {
    this.user = identity.group ?? identity.user;
    this.device = identity.user;
    this.out = out;
    this.install = randomBytes(8);
    this.connection = 0;
    this.clientSeqs = new Map();
  }

  opened(): void {
    const { install } = this;
    const hello = { versionMin: 1, versionMax: 1, token: `dev:${this.user}`, device: idBytes(this.device), install, connection: ++this.connection, sync: true };
    this.out.write(encodeMessage(FrameType.Hello, wire.v1.Hello, hello));
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const header = readLength(bytes, at, end);
      if (header === LENGTH_INCOMPLETE) break;
      if (header < 0) {
        this.out.failed("a length that is none");
        return end - start;
      }
      const next = header + lengthRead;
      if (next > end) break;
      if (next > header) this.frame(bytes[header]!, bytes, header + 1, next);
      at = next;
    }
    return at - start;
  }

  send(to: string, text: Uint8Array): void {
    const clientSeq = (this.clientSeqs.get(to) ?? 0) + 1;
    this.clientSeqs.set(to, clientSeq);
    this.out.write(encodeMessage(FrameType.Send, wire.v1.Send, { peer: idBytes(to), clientSeq, payload: text }));
  }

  publish(group: string, text: Uint8Array): void {
    this.send(group, text);
  }

  private frame(header: number, bytes: Uint8Array, start: number, end: number): void {
    const type = header & TYPE_MASK;
    if ((header & HeaderBit.Batch) === 0) this.message(type, bytes.subarray(start, end));
    else if (!splitBatch(bytes, start, end, (from, to) => this.message(type, bytes.subarray(from, to)))) this.out.failed("a batch that is none");
  }

  private message(type: number, body: Uint8Array): void {
    switch (type) {
      case FrameType.Push:
        this.out.delivered(wire.v1.Push.decode(body).payload);
        return;
      case FrameType.Sent:
        this.out.acked();
        return;
      case FrameType.Welcome:
        return;
      case FrameType.Heads:
        // The session was registered before the heads were read. The other pages of heads are of no interest here.
        if (wire.v1.Heads.decode(body).ref === 0) this.out.ready();
        return;
      case FrameType.Error: {
        const { code, ref, detail } = wire.v1.Error.decode(body);
        this.out.failed(`${errorName(code)} for request ${ref} ${detail}`);
        return;
      }
      default:
        this.out.failed(`a frame ${frameTypeName(type)}`);
    }
  }
}

// A session straight on the frame codec, for generators of load: no queue, no retry, no ordering, just frames.
// Programs that must not lose anything use the SDK in client/.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { idBytes } from "../proto/conversation.ts";
import { errorName } from "../proto/error-code.ts";
import { encodeMessage } from "../proto/frame.ts";
import { FrameReader, type FrameSink } from "../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../proto/frame-type.ts";
import { hawser } from "../proto/gen/hawser.js";
import { Limits } from "../proto/limits.ts";

/** What a session tells its owner. Bodies are views, valid during the call. */
export interface LightEvents {
  frame(session: LightSession, type: number, body: Uint8Array): void;
  closed(session: LightSession): void;
}

export class LightSession implements FrameSink {
  readonly user: string;
  readonly peer: Uint8Array;
  clientSeq: number;
  private readonly socket: Socket;
  private readonly reader: FrameReader;
  private readonly events: LightEvents;

  /** Connects and says Hello; `peer` is whom `send` writes to. */
  constructor(host: string, port: number, user: string, peer: string, token: string, events: LightEvents) {
    this.user = user;
    this.peer = idBytes(peer);
    this.clientSeq = 0;
    this.events = events;
    this.reader = new FrameReader(Limits.frameBytesMax);
    this.socket = connect({ host, port, noDelay: true });
    this.socket.on("data", (chunk) => this.reader.push(chunk, this));
    this.socket.on("close", () => events.closed(this));
    // What went wrong shows in the close that follows.
    this.socket.on("error", () => undefined);
    const hello = { versionMin: 1, versionMax: 1, token, device: idBytes("load"), install: randomBytes(8), connection: 1 };
    this.socket.write(encodeMessage(FrameType.Hello, hawser.v1.Hello, hello));
  }

  /** Sends the next message to the peer. Returns the bytes of its frame. */
  send(payload: Uint8Array): number {
    const frame = encodeMessage(FrameType.Send, hawser.v1.Send, { peer: this.peer, clientSeq: ++this.clientSeq, payload });
    this.socket.write(frame);
    return frame.length;
  }

  close(): void {
    this.socket.destroy();
  }

  frame(header: number, bytes: Uint8Array, start: number, end: number): boolean {
    if ((header & (HeaderBit.Batch | HeaderBit.Compressed)) !== 0) throw new Error("a light session takes no batches");
    const type = header & TYPE_MASK;
    const body = bytes.subarray(start, end);
    if (type === FrameType.Error) {
      const { code, ref, detail } = hawser.v1.Error.decode(body);
      throw new Error(`${this.user}: ${errorName(code)} for request ${ref} ${detail}`);
    }
    this.events.frame(this, type, body);
    return true;
  }
}

// What the floors of bench/floor/ relay: no login, a message is a length of four bytes, an envelope of zeros as long as
// what Hawser has around a text, and the text. Whom it goes to is a matter of the order of connections, or everybody.
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

/** Bytes around a text in Hawser's Push, length included (the median of real messages). */
const ENVELOPE_BYTES = 26;
const LENGTH_BYTES = 4;

export const floor: PeerProtocol = { acks: false, publishAcks: false, session: (_: PeerIdentity, out: PeerOutput) => new FloorSession(out) };

class FloorSession implements PeerSession {
  private readonly out: PeerOutput;

  constructor(out: PeerOutput) {
    this.out = out;
  }

  opened(): void {
    this.out.ready();
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (end - at >= LENGTH_BYTES) {
      const length = Buffer.from(bytes.buffer, bytes.byteOffset + at, LENGTH_BYTES).readUInt32BE(0);
      if (end - at < length) break;
      this.out.delivered(bytes.subarray(at + ENVELOPE_BYTES, at + length));
      at += length;
    }
    return at - start;
  }

  send(_to: string, text: Uint8Array): void {
    const message = Buffer.alloc(ENVELOPE_BYTES + text.length);
    message.writeUInt32BE(message.length);
    message.set(text, ENVELOPE_BYTES);
    this.out.write(message);
  }

  publish(_group: string, text: Uint8Array): void {
    this.send("", text);
  }
}

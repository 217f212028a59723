// NATS as a client, core without JetStream. A user's messages come on the subject u.USER, a group's on g.GROUP. There
// are no acknowledgements: the server is asked for none (verbose off), and gives none that would say more than "parsed".
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"lang":"bench","version":"1","protocol":1,"echo":false}\r\n';
const PONG = Buffer.from("PONG\r\n");
const CRLF = Buffer.from("\r\n");
const LF = 0x0a;

export const nats: PeerProtocol = { acks: false, publishAcks: false, session: (identity, out) => new NatsSession(identity, out) };

class NatsSession implements PeerSession {
  private readonly identity: PeerIdentity;
  private readonly out: PeerOutput;
  private loggedIn: boolean;

  constructor(identity: PeerIdentity, out: PeerOutput) {
    this.identity = identity;
    this.out = out;
    this.loggedIn = false;
  }

  /** The server speaks first. */
  opened(): void {
    this.loggedIn = false;
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const lf = bytes.indexOf(LF, at);
      if (lf < 0 || lf >= end) break;
      // M of MSG subject sid #bytes; the other commands are a line alone.
      if (bytes[at] === 0x4d) {
        let length = 0;
        for (let digit = lf - 2, power = 1; bytes[digit] !== 0x20; digit--, power *= 10) length += (bytes[digit]! - 0x30) * power;
        const text = lf + 1;
        if (end - text < length + CRLF.length) break;
        this.out.delivered(bytes.subarray(text, text + length));
        at = text + length + CRLF.length;
      } else {
        this.line(
          Buffer.from(bytes.buffer, bytes.byteOffset + at, lf - at)
            .toString("latin1")
            .trimEnd(),
        );
        at = lf + 1;
      }
    }
    return at - start;
  }

  send(to: string, text: Uint8Array): void {
    this.put(`u.${to}`, text);
  }

  publish(group: string, text: Uint8Array): void {
    this.put(`g.${group}`, text);
  }

  private put(subject: string, text: Uint8Array): void {
    this.out.write(Buffer.concat([Buffer.from(`PUB ${subject} ${text.length}\r\n`, "latin1"), text, CRLF]));
  }

  private line(line: string): void {
    if (line.startsWith("INFO ")) {
      if (this.loggedIn) return;
      const group = this.identity.group === undefined ? "" : `SUB g.${this.identity.group} 2\r\n`;
      // The PONG says that everything before it was taken.
      this.out.write(Buffer.from(`${CONNECT}SUB u.${this.identity.user} 1\r\n${group}PING\r\n`, "latin1"));
    } else if (line === "PING") this.out.write(PONG);
    else if (line === "PONG") {
      if (!this.loggedIn) {
        this.loggedIn = true;
        this.out.ready();
      }
    } else this.out.failed(line);
  }
}

// MQTT 3.1.1 as a client. A user's messages come on the topic u/USER, a group's on g/GROUP. With QoS 1 sessions are
// persistent (clean session off) and every message is acknowledged by the broker to its sender and by the receiver to
// the broker; with QoS 0 neither.
import type { PeerIdentity, PeerOutput, PeerProtocol, PeerSession } from "./protocol.ts";

const Packet = { Connack: 2, Publish: 3, Puback: 4, Suback: 9, Pingresp: 13 } as const;
/** Seconds; the broker drops a client that was silent for 1.5 times that. Longer than any measurement. */
const KEEP_ALIVE_S = 600;
const PACKET_IDS = 65_535;

export function mqtt(qos: 0 | 1): PeerProtocol {
  return { acks: qos === 1, publishAcks: qos === 1, session: (identity, out) => new MqttSession(qos, identity, out) };
}

class MqttSession implements PeerSession {
  private readonly qos: 0 | 1;
  private readonly identity: PeerIdentity;
  private readonly out: PeerOutput;
  private packetId: number;
  private subscribed: boolean;

  constructor(qos: 0 | 1, identity: PeerIdentity, out: PeerOutput) {
    this.qos = qos;
    this.identity = identity;
    this.out = out;
    this.packetId = 0;
    this.subscribed = false;
  }

  opened(): void {
    const clean = this.qos === 0 ? 2 : 0;
    const header = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, clean, KEEP_ALIVE_S >> 8, KEEP_ALIVE_S & 0xff]);
    this.out.write(packet(0x10, header, field(this.identity.user)));
  }

  data(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (end - at >= 2) {
      let length = 0;
      let body = at + 1;
      for (let shift = 0; ; shift += 7) {
        if (body >= end) return at - start;
        const byte = bytes[body++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        if (shift === 21) {
          this.out.failed("a packet with a length of more than four bytes");
          return end - start;
        }
      }
      if (end - body < length) break;
      this.packet(bytes[at]!, bytes, body, body + length);
      at = body + length;
    }
    return at - start;
  }

  send(to: string, text: Uint8Array): void {
    this.put(`u/${to}`, text);
  }

  publish(group: string, text: Uint8Array): void {
    this.put(`g/${group}`, text);
  }

  private put(topic: string, text: Uint8Array): void {
    if (this.qos === 0) this.out.write(packet(0x30, field(topic), text));
    else this.out.write(packet(0x32, field(topic), this.nextId(), text));
  }

  private packet(first: number, bytes: Uint8Array, start: number, end: number): void {
    switch (first >> 4) {
      case Packet.Publish: {
        let at = start + 2 + ((bytes[start]! << 8) | bytes[start + 1]!);
        const qos = (first >> 1) & 3;
        if (qos === 1) {
          this.out.write(Buffer.from([0x40, 2, bytes[at]!, bytes[at + 1]!]));
          at += 2;
        }
        this.out.delivered(bytes.subarray(at, end));
        return;
      }
      case Packet.Puback:
        this.out.acked();
        return;
      case Packet.Connack:
        if (bytes[start + 1] !== 0) this.out.failed(`CONNACK with return code ${bytes[start + 1]}`);
        // The first flag says that the broker kept the session, subscriptions and all.
        else if ((bytes[start]! & 1) === 1 && this.subscribed) this.out.ready();
        else this.subscribe();
        return;
      case Packet.Suback:
        for (let at = start + 2; at < end; at++) if (bytes[at]! >= 0x80) this.out.failed("a subscription was refused");
        this.subscribed = true;
        this.out.ready();
        return;
      case Packet.Pingresp:
        return;
      default:
        this.out.failed(`a packet of type ${first >> 4}`);
    }
  }

  private subscribe(): void {
    const topics = [`u/${this.identity.user}`];
    if (this.identity.group !== undefined) topics.push(`g/${this.identity.group}`);
    const qos = Buffer.from([this.qos]);
    this.out.write(packet(0x82, this.nextId(), ...topics.flatMap((topic) => [field(topic), qos])));
  }

  private nextId(): Buffer {
    this.packetId = (this.packetId % PACKET_IDS) + 1;
    return Buffer.from([this.packetId >> 8, this.packetId & 0xff]);
  }
}

function field(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const head = [first];
  for (let rest = length; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    head.push(rest > 0 ? low | 0x80 : low);
    if (rest === 0) break;
  }
  return Buffer.concat([Buffer.from(head), ...parts]);
}

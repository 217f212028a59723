// WebSocket, client side (RFC 6455), between a wire and its owner: the owner sees the same interface, and its bytes
// travel as the payloads of messages. Ping and close are answered here. No extension is offered, and the UTF-8 of text
// messages is not looked at.
//
// Each message is told by one call of `data`, whole, joined where it was fragmented, behind what earlier calls left; an
// empty one is not told. So an owner that consumes all it is given sees messages one by one.
// An idle connection costs one byte here, besides what the wire below keeps.
import { randomInt } from "node:crypto";
import { append, type Gathered, RestBytes } from "./rest.ts";
import { judgeAnswer, upgradeRequest } from "./websocket-upgrade.ts";
import { WIRE_REST_BYTES_MAX, type Wire, type WireEvents, type WireTarget } from "./wire.ts";

const Phase = { Free: 0, Connecting: 1, Upgrading: 2, Open: 3 } as const;
const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;
const CloseCode = { Normal: 1000, GoingAway: 1001, ProtocolError: 1002, NoCode: 1005, TooLarge: 1009 } as const;

const FIN = 0x80;
const MASKED = 0x80;
const RESERVED = 0x70;
const FRAME_HEADER_BYTES_MAX = 14;
const CONTROL_BYTES_MAX = 125;
const ANSWER_BYTES_MAX = 16 * 1024;

/** Frames are masked here, header in front of byte 16, so that the payload and its mask lie on whole words. */
const PAYLOAD_AT = 16;
const scratch = new Uint8Array(PAYLOAD_AT + 64 * 1024);
const scratchWords = new Int32Array(scratch.buffer);

interface Upgrade {
  target: WireTarget;
  accept: string;
}

interface Fragments extends Gathered {
  text: boolean;
}

/** WebSocket over the wire that `open` makes. `closed` may also give "HTTP 503" (the status instead of 101), "EPROTO" or "WS 1008" (the server's close code, when it is none of a normal end). */
export function webSocketWire(events: WireEvents, open: (events: WireEvents) => Wire): WebSocketWire {
  return new WebSocketWire(events, open);
}

export class WebSocketWire implements Wire {
  private readonly inner: Wire;
  private readonly events: WireEvents;
  private readonly rest: RestBytes;
  private phases: Uint8Array;
  private readonly upgrades: Map<number, Upgrade>;
  private readonly fragments: Map<number, Fragments>;
  /** Whose bytes are being looked at; −1 once that connection has ended. */
  private reading: number;
  /** Whether the message that `data` tells of now came as text. */
  text: boolean;

  constructor(events: WireEvents, open: (events: WireEvents) => Wire) {
    this.events = events;
    this.rest = new RestBytes(events);
    this.phases = new Uint8Array(64);
    this.upgrades = new Map();
    this.fragments = new Map();
    this.reading = -1;
    this.text = false;
    this.inner = open({
      opened: (slot) => this.upgrade(slot),
      data: (slot, bytes, start, end) => this.read(slot, bytes, start, end),
      closed: (slot, reason) => this.ended(slot, reason),
    });
  }

  connect(slot: number, target: WireTarget): void {
    this.inner.connect(slot, target);
    if (slot >= this.phases.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(slot + 1)));
      larger.set(this.phases);
      this.phases = larger;
    }
    this.phases[slot] = Phase.Connecting;
    this.upgrades.set(slot, { target, accept: "" });
  }

  /** One binary message. Ignored until the slot is open. */
  write(slot: number, bytes: Uint8Array): void {
    if (this.phases[slot] === Phase.Open) this.writeFrame(slot, Opcode.Binary, bytes);
  }

  /** One text message, of UTF-8. */
  writeText(slot: number, bytes: Uint8Array): void {
    if (this.phases[slot] === Phase.Open) this.writeFrame(slot, Opcode.Text, bytes);
  }

  close(slot: number): void {
    this.leave(slot, CloseCode.Normal);
  }

  reset(slot: number): void {
    this.forget(slot);
    this.inner.reset(slot);
  }

  throttle(slot: number, bytesPerSecond: number): void {
    this.inner.throttle(slot, bytesPerSecond);
  }

  isOpen(slot: number): boolean {
    return this.phases[slot] === Phase.Open;
  }

  get bytesIn(): number {
    return this.inner.bytesIn;
  }

  get bytesOut(): number {
    return this.inner.bytesOut;
  }

  get backlogBytes(): number {
    return this.inner.backlogBytes;
  }

  destroy(): void {
    this.inner.destroy();
    this.phases.fill(Phase.Free);
    this.upgrades.clear();
    this.fragments.clear();
    this.rest.clear();
    this.reading = -1;
  }

  private upgrade(slot: number): void {
    const upgrade = this.upgrades.get(slot)!;
    const { request, accept } = upgradeRequest(upgrade.target);
    upgrade.accept = accept;
    this.phases[slot] = Phase.Upgrading;
    this.inner.write(slot, request);
  }

  private read(slot: number, bytes: Buffer, start: number, end: number): number {
    this.reading = slot;
    let at = start;
    if (this.phases[slot] === Phase.Upgrading) at = this.readAnswer(slot, bytes, start, end);
    while (this.reading === slot && this.phases[slot] === Phase.Open && at < end) {
      const next = this.readFrame(slot, bytes, at, end);
      if (next === at) break;
      at = next;
    }
    return at - start;
  }

  /** Returns where the frames begin, or `start` when the answer is not whole. */
  private readAnswer(slot: number, bytes: Buffer, start: number, end: number): number {
    const found = bytes.subarray(start, Math.min(end, start + ANSWER_BYTES_MAX)).indexOf("\r\n\r\n");
    if (found < 0) {
      if (end - start >= ANSWER_BYTES_MAX) this.refuse(slot, "EPROTO");
      return start;
    }
    const { accept, target } = this.upgrades.get(slot)!;
    const problem = judgeAnswer(bytes.toString("latin1", start, start + found), accept, target.protocol);
    if (problem) {
      this.refuse(slot, problem);
    } else {
      this.upgrades.delete(slot);
      this.phases[slot] = Phase.Open;
      this.events.opened(slot);
    }
    return start + found + 4;
  }

  /** Reads one frame. Returns where it ends, or `at` when it is not whole. */
  private readFrame(slot: number, bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return at;
    const first = bytes[at]!;
    const opcode = first & 15;
    let length = bytes[at + 1]! & 127;
    let payload = at + 2;
    if ((first & RESERVED) !== 0 || (bytes[at + 1]! & MASKED) !== 0) return this.violated(slot, at);
    if (opcode >= Opcode.Close && (length > CONTROL_BYTES_MAX || (first & FIN) === 0)) return this.violated(slot, at);
    if (length === 126) {
      if (end - at < 4) return at;
      length = bytes.readUInt16BE(at + 2);
      payload = at + 4;
    } else if (length === 127) {
      if (end - at < 10) return at;
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
      payload = at + 10;
    }
    if (length > WIRE_REST_BYTES_MAX - FRAME_HEADER_BYTES_MAX) return this.tooLarge(slot, at);
    const next = payload + length;
    if (next > end) return at;
    switch (opcode) {
      case Opcode.Text:
      case Opcode.Binary:
        if (this.fragments.size > 0 && this.fragments.has(slot)) return this.violated(slot, at);
        if ((first & FIN) !== 0) this.tell(slot, opcode === Opcode.Text, bytes, payload, next);
        else this.fragments.set(slot, { bytes: Buffer.from(bytes.subarray(payload, next)), length, text: opcode === Opcode.Text });
        return next;
      case Opcode.Continuation: {
        const fragments = this.fragments.get(slot);
        if (!fragments) return this.violated(slot, at);
        if (fragments.length + length > WIRE_REST_BYTES_MAX) return this.tooLarge(slot, at);
        append(fragments, bytes, payload, next);
        if ((first & FIN) === 0) return next;
        this.fragments.delete(slot);
        this.tell(slot, fragments.text, fragments.bytes, 0, fragments.length);
        return next;
      }
      case Opcode.Ping:
        this.writeFrame(slot, Opcode.Pong, bytes.subarray(payload, next));
        return next;
      case Opcode.Pong:
        return next;
      case Opcode.Close: {
        const code = length >= 2 ? bytes.readUInt16BE(payload) : CloseCode.NoCode;
        const normal = code === CloseCode.Normal || code === CloseCode.GoingAway || code === CloseCode.NoCode;
        this.leave(slot, normal ? CloseCode.Normal : code);
        this.events.closed(slot, normal ? "end" : `WS ${code}`);
        return next;
      }
      default:
        return this.violated(slot, at);
    }
  }

  private tell(slot: number, text: boolean, bytes: Buffer, start: number, end: number): void {
    if (start === end) return;
    this.text = text;
    if (!this.rest.tell(slot, bytes, start, end)) this.tooLarge(slot, 0);
  }

  private violated(slot: number, at: number): number {
    this.leave(slot, CloseCode.ProtocolError);
    this.events.closed(slot, "EPROTO");
    return at;
  }

  private tooLarge(slot: number, at: number): number {
    this.leave(slot, CloseCode.TooLarge);
    this.events.closed(slot, "EMSGSIZE");
    return at;
  }

  private refuse(slot: number, reason: string): void {
    this.reset(slot);
    this.events.closed(slot, reason);
  }

  /** Says goodbye and closes in order. */
  private leave(slot: number, code: number): void {
    if (this.phases[slot] === Phase.Open) this.writeFrame(slot, Opcode.Close, Uint8Array.of(code >> 8, code & 255));
    this.forget(slot);
    this.inner.close(slot);
  }

  private ended(slot: number, reason: string): void {
    this.forget(slot);
    this.events.closed(slot, reason);
  }

  private forget(slot: number): void {
    if (slot < this.phases.length) this.phases[slot] = Phase.Free;
    if (this.reading === slot) this.reading = -1;
    this.upgrades.delete(slot);
    this.fragments.delete(slot);
    this.rest.drop(slot);
  }

  private writeFrame(slot: number, opcode: number, payload: Uint8Array): void {
    const { length } = payload;
    const fits = PAYLOAD_AT + length <= scratch.length;
    const bytes = fits ? scratch : new Uint8Array((PAYLOAD_AT + length + 3) & ~3);
    const words = fits ? scratchWords : new Int32Array(bytes.buffer);
    let head = PAYLOAD_AT - 6;
    let size = length;
    if (length >= 126) {
      size = length < 65_536 ? 126 : 127;
      const sizeBytes = length < 65_536 ? 2 : 8;
      head -= sizeBytes;
      for (let i = 0, left = length; i < sizeBytes; i++, left = Math.floor(left / 256)) bytes[PAYLOAD_AT - 5 - i] = left;
    }
    bytes[head] = FIN | opcode;
    bytes[head + 1] = MASKED | size;
    bytes.set(payload, PAYLOAD_AT);
    const mask = nextMask();
    words[PAYLOAD_AT / 4 - 1] = mask;
    for (let i = PAYLOAD_AT / 4; 4 * i < PAYLOAD_AT + length; i++) words[i]! ^= mask;
    this.inner.write(slot, bytes.subarray(head, PAYLOAD_AT + length));
  }
}

let mask = randomInt(1, 2 ** 31);

/** Xorshift, never 0: masks guard proxies against scripts in a browser, so cheap ones do here, but a mask of 0 would spare the server its work. */
function nextMask(): number {
  mask ^= mask << 13;
  mask ^= mask >>> 17;
  return (mask ^= mask << 5);
}

// A wire over the addon in native/: connections live in C, and this side keeps 5 bytes for each. What should be done is
// appended to a shared buffer as commands, which the addon carries out before the loop waits; what happened comes as
// records in another, told one after the other.
// Invariant: a record tells only of the connection that its slot has now, known by its generation.
import { getSystemErrorName } from "node:util";
import { RestBytes } from "./rest.ts";
import type { Wire, WireEvents, WireTarget } from "./wire.ts";

/** What native/addon.c exports. */
export interface EpollAddon {
  open(slots: number, records: ArrayBuffer, commands: ArrayBuffer, stats: ArrayBuffer, callback: (usedBytes: number) => void): object;
  /** Carries out the commands now. */
  flush(handle: object): void;
  destroy(handle: object): void;
}

/** 128 ready sockets share this, each at least 4 KB. */
const RECORDS_BYTES = 512 * 1024;
const COMMANDS_BYTES = 256 * 1024;

// As in native/epoll.h.
const Op = { Write: 0, Connect: 1, Close: 2, Reset: 3, Throttle: 4 } as const;
const COMMAND_BYTES = 16;
const RECORD_BYTES = 12;
const CLOSED_BY_PEER = -10_000;

const State = { Free: 0, Connecting: 1, Open: 2 } as const;

/** Below this a loop beats the call of TypedArray.set. */
const COPY_BY_HAND_BYTES = 24;

export class EpollWire implements Wire {
  private readonly addon: EpollAddon;
  private readonly events: WireEvents;
  private readonly rest: RestBytes;
  private readonly states: Uint8Array;
  private readonly generations: Uint32Array;
  /** Bytes a second of slots that are throttled, connected or not. */
  private readonly rates: Map<number, number>;
  private readonly records: Buffer;
  private readonly recordWords: Int32Array;
  private readonly commands: Uint8Array;
  /** The first word says how far the commands reach, for both sides. */
  private readonly commandWords: Uint32Array;
  private readonly stats: Float64Array;
  private handle: object | undefined;

  constructor(addon: EpollAddon, slots: number, events: WireEvents) {
    this.addon = addon;
    this.events = events;
    this.rest = new RestBytes(events);
    this.states = new Uint8Array(slots);
    this.generations = new Uint32Array(slots);
    this.rates = new Map();
    const records = new ArrayBuffer(RECORDS_BYTES);
    const commands = new ArrayBuffer(COMMANDS_BYTES);
    this.records = Buffer.from(records);
    this.recordWords = new Int32Array(records);
    this.commands = new Uint8Array(commands);
    this.commandWords = new Uint32Array(commands);
    this.stats = new Float64Array(3);
    this.handle = addon.open(slots, records, commands, this.stats.buffer as ArrayBuffer, (usedBytes) => this.told(usedBytes));
  }

  connect(slot: number, target: WireTarget): void {
    if (!this.handle) throw new Error("the wire is destroyed");
    if (!(slot >= 0 && slot < this.states.length)) throw new RangeError(`slot ${slot} of ${this.states.length}`);
    if (this.states[slot] !== State.Free) throw new Error(`slot ${slot} is in use`);
    const host = ipv4(target.host);
    const from = target.from === undefined ? 0 : ipv4(target.from);
    this.states[slot] = State.Connecting;
    const generation = (this.generations[slot]! + 1) >>> 0;
    this.generations[slot] = generation;
    const at = this.command(Op.Connect, slot, 20) / 4;
    const words = this.commandWords;
    words[at] = generation;
    words[at + 1] = host;
    words[at + 2] = target.port;
    words[at + 3] = from;
    words[at + 4] = this.rates.get(slot) ?? 0;
  }

  write(slot: number, bytes: Uint8Array): void {
    if (this.states[slot] === State.Free) return;
    const length = bytes.length;
    if (length > COMMANDS_BYTES / 4) {
      for (let at = 0; at < length; at += COMMANDS_BYTES / 4) this.write(slot, bytes.subarray(at, at + COMMANDS_BYTES / 4));
      return;
    }
    const at = this.command(Op.Write, slot, length);
    const commands = this.commands;
    if (length > COPY_BY_HAND_BYTES) commands.set(bytes, at);
    else for (let i = 0; i < length; i++) commands[at + i] = bytes[i]!;
  }

  close(slot: number): void {
    this.end(slot, Op.Close);
  }

  reset(slot: number): void {
    this.end(slot, Op.Reset);
  }

  throttle(slot: number, bytesPerSecond: number): void {
    if (bytesPerSecond > 0) this.rates.set(slot, bytesPerSecond);
    else this.rates.delete(slot);
    if (this.states[slot] === State.Free) return;
    const at = this.command(Op.Throttle, slot, 4) / 4;
    this.commandWords[at] = Math.max(0, bytesPerSecond);
  }

  isOpen(slot: number): boolean {
    return this.states[slot] === State.Open;
  }

  get bytesIn(): number {
    return this.stats[0]!;
  }

  get bytesOut(): number {
    return this.stats[1]!;
  }

  get backlogBytes(): number {
    return this.stats[2]!;
  }

  destroy(): void {
    if (!this.handle) return;
    this.addon.destroy(this.handle);
    this.handle = undefined;
    this.states.fill(State.Free);
    this.rest.clear();
  }

  private end(slot: number, op: number): void {
    if (this.states[slot] === State.Free) return;
    this.free(slot);
    this.command(op, slot, 0);
  }

  private free(slot: number): void {
    this.states[slot] = State.Free;
    this.rest.drop(slot);
  }

  /** Appends a command. Returns where its `length` bytes go. */
  private command(op: number, slot: number, length: number): number {
    const words = this.commandWords;
    const bytes = COMMAND_BYTES + ((length + 3) & ~3);
    if (words[0]! + bytes > COMMANDS_BYTES) this.addon.flush(this.handle!);
    const at = words[0]!;
    words[0] = at + bytes;
    const head = at >> 2;
    words[head] = op;
    words[head + 1] = slot;
    words[head + 2] = length;
    return at + COMMAND_BYTES;
  }

  private told(usedBytes: number): void {
    const words = this.recordWords;
    for (let at = 0; at < usedBytes && this.handle; ) {
      const head = at >> 2;
      const slot = words[head]!;
      const length = words[head + 2]!;
      const start = at + RECORD_BYTES;
      at = length > 0 ? start + ((length + 3) & ~3) : start;
      if (words[head + 1]! >>> 0 !== this.generations[slot] || this.states[slot] === State.Free) continue;
      if (length > 0) {
        if (!this.rest.tell(slot, this.records, start, start + length)) {
          this.end(slot, Op.Reset);
          this.events.closed(slot, "EMSGSIZE");
        }
      } else if (length === 0) {
        this.states[slot] = State.Open;
        this.events.opened(slot);
      } else {
        this.free(slot);
        this.events.closed(slot, length === CLOSED_BY_PEER ? "end" : getSystemErrorName(length));
      }
    }
  }
}

/** The address as a number, first part highest. Throws for a name: looking it up is not for a wire. */
function ipv4(host: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host === "localhost" ? "127.0.0.1" : host);
  let address = 0;
  for (let i = 1; i <= 4; i++) {
    const part = Number(parts?.[i] ?? 256);
    if (part > 255) throw new Error(`the epoll wire connects to IPv4 addresses, and ${JSON.stringify(host)} is none`);
    address = address * 256 + part;
  }
  return address;
}

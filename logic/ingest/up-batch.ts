// One Up batch (fabric.proto), read by hand: commands become numbers in one array that is used again, and no object or view is
// made for one until somebody wants its bytes. The whole batch is read before anything of it is handed out: it is taken
// whole, or not at all.
import { hawser as fabric } from "../../proto/gen/fabric.js";
import type { LinkHead } from "../../proto/link.ts";
import { Reader } from "../../proto/runtime.ts";

const Tag = { Head: 0x0a, Command: 0x12, Sessions: 0x18, Digest: 0x25 } as const;
const CommandTag = { Slot: 0x08, Generation: 0x10, Type: 0x18, Ref: 0x20, Body: 0x2a, User: 0x32, Install: 0x3a } as const;

/** Numbers kept of a command: slot, generation, type, ref, then where body, user and install begin and end. */
const FIELDS = 10;
const COMMANDS_START = 256;

export class UpBatch {
  head: LinkHead;
  sessions: number;
  digest: number;
  /** Commands of the batch. */
  count: number;
  private bytes: Uint8Array;
  private fields: Float64Array;

  constructor() {
    this.head = NO_HEAD;
    this.sessions = 0;
    this.digest = 0;
    this.count = 0;
    this.bytes = NONE;
    this.fields = new Float64Array(COMMANDS_START * FIELDS);
  }

  /** Reads a batch. Throws Error or RangeError when the bytes are none. */
  read(bytes: Uint8Array): void {
    const reader = Reader.create(bytes);
    this.bytes = bytes;
    this.head = NO_HEAD;
    this.sessions = 0;
    this.digest = 0;
    this.count = 0;
    while (reader.pos < reader.len) {
      const tag = reader.tag();
      if (tag === Tag.Command) this.readCommand(reader);
      else if (tag === Tag.Head) this.readHead(reader);
      else if (tag === Tag.Sessions) this.sessions = reader.uint64();
      else if (tag === Tag.Digest) this.digest = reader.fixed32();
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
  }

  /** Puts command number `index` into `command`. */
  get(index: number, command: Command): void {
    const { fields } = this;
    const at = index * FIELDS;
    command.bytes = this.bytes;
    command.slot = fields[at]!;
    command.generation = fields[at + 1]!;
    command.type = fields[at + 2]!;
    command.ref = fields[at + 3]!;
    command.bodyStart = fields[at + 4]!;
    command.bodyEnd = fields[at + 5]!;
    command.userStart = fields[at + 6]!;
    command.userEnd = fields[at + 7]!;
    command.installStart = fields[at + 8]!;
    command.installEnd = fields[at + 9]!;
  }

  /** The batch is done with, or could not be read: neither its bytes are kept, head included, nor room for a very large one. */
  release(): void {
    this.bytes = NONE;
    this.head = NO_HEAD;
    if (this.fields.length > 16 * COMMANDS_START * FIELDS && this.count < COMMANDS_START) this.fields = new Float64Array(COMMANDS_START * FIELDS);
  }

  private readHead(reader: Reader): void {
    // protobuf would merge them; no gateway sends two.
    if (this.head !== NO_HEAD) throw new RangeError(TWO_HEADS);
    this.head = { ...NO_HEAD, ...fabric.fabric.v1.LinkHead.decode(reader, reader.uint32()) } as LinkHead;
  }

  private readCommand(reader: Reader): void {
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > reader.len) throw new RangeError("command longer than its batch");
    const at = this.count * FIELDS;
    if (at + FIELDS > this.fields.length) this.grow();
    const { fields } = this;
    fields.fill(0, at, at + FIELDS);
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
        case CommandTag.Slot:
          fields[at] = reader.uint32();
          break;
        case CommandTag.Generation:
          fields[at + 1] = reader.uint32();
          break;
        case CommandTag.Type:
          fields[at + 2] = reader.uint32();
          break;
        case CommandTag.Ref:
          fields[at + 3] = reader.uint64();
          break;
        case CommandTag.Body:
          this.span(reader, at + 4);
          break;
        case CommandTag.User:
          this.span(reader, at + 6);
          break;
        case CommandTag.Install:
          this.span(reader, at + 8);
          break;
        default:
          reader.skipType(tag & 7, 0, tag >>> 3);
      }
    }
    if (reader.pos !== end) throw new RangeError("malformed command");
    this.count++;
  }

  private span(reader: Reader, at: number): void {
    const length = reader.uint32();
    this.fields[at] = reader.pos;
    this.fields[at + 1] = reader.pos + length;
    if (reader.pos + length > reader.len) throw new RangeError("field longer than its batch");
    reader.pos += length;
  }

  private grow(): void {
    const grown = new Float64Array(2 * this.fields.length);
    grown.set(this.fields);
    this.fields = grown;
  }
}

/** One command, where it stands in its batch: valid during the call that hands it over. */
export class Command {
  bytes: Uint8Array;
  slot: number;
  generation: number;
  /** A frame type, or fabric's Operation. */
  type: number;
  ref: number;
  bodyStart: number;
  bodyEnd: number;
  userStart: number;
  userEnd: number;
  installStart: number;
  installEnd: number;

  constructor() {
    this.bytes = NONE;
    this.slot = 0;
    this.generation = 0;
    this.type = 0;
    this.ref = 0;
    this.bodyStart = 0;
    this.bodyEnd = 0;
    this.userStart = 0;
    this.userEnd = 0;
    this.installStart = 0;
    this.installEnd = 0;
  }

  /** Lets go of the batch. */
  release(): void {
    this.bytes = NONE;
  }

  /** Reads the body as it stands. */
  body(): Reader {
    const reader = Reader.create(this.bytes);
    reader.pos = this.bodyStart;
    reader.len = this.bodyEnd;
    return reader;
  }

  get user(): Uint8Array {
    return this.bytes.subarray(this.userStart, this.userEnd);
  }

  get install(): Uint8Array {
    return this.bytes.subarray(this.installStart, this.installEnd);
  }
}

/** Why a batch is refused that protobufjs would take. */
export const TWO_HEADS = "two heads";
const NONE = new Uint8Array(0);
const NO_HEAD: LinkHead = { from: NONE, to: NONE, link: 0, number: 0, last: 0, ack: 0, reset: false };

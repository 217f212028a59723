// A client's connection as logic knows it: (gateway incarnation, slot, generation) and who is behind it.
import { Limits } from "../../proto/limits.ts";
import { bytesOf, textOf } from "../store/latin1.ts";

/** What a shard needs of the gateway that holds a session. Declared here, implemented by ingest/gateway-peer.ts. */
export interface SessionGateway {
  /** It was lost: its sessions are as good as gone, though they are detached one by one. */
  readonly over: boolean;
  /** One frame to one session. `deliveryClass` is fabric's DeliveryClass. */
  deliver(session: Session, frame: Uint8Array, deliveryClass: number): void;
  /** The same frame to several sessions of this gateway. */
  deliverMany(sessions: readonly Session[], frame: Uint8Array, deliveryClass: number): void;
}

export interface SessionFields {
  gateway: SessionGateway;
  slot: number;
  generation: number;
  user: Uint8Array;
  /** The shard that owns the user; 0 when left out. */
  userShard?: number;
  install: Uint8Array;
  device: Uint8Array;
  connection: number;
  /** An old session told to a new owner; false, too, when left out. */
  reported?: boolean;
  frameBytesMax: number;
}

/**
 * A million of these are alive, so each is one object and its ids are strings or small integers: bytes as typed arrays would take
 * about 220 of memory each, outside of what they hold (README.md has the figures).
 */
export class Session {
  readonly gateway: SessionGateway;
  readonly slot: number;
  readonly generation: number;
  /** User id, as a map key. */
  userText: string;
  /** Of the user; set by who knows how many there are. */
  readonly userShard: number;
  /** The eight bytes of the install as two signed numbers. Of an install that has another length, which is served by nobody: 0. */
  readonly installHigh: number;
  readonly installLow: number;
  readonly deviceText: string;
  readonly connection: number;
  /** It was there before the link on which it was attached: older than any that is not reported on that link. */
  readonly reported: boolean;
  readonly frameBytesMax: number;
  /** Requests of this session that wait for the store. */
  waiting: number;
  /** Its gateway was told to close it. */
  closing: boolean;

  constructor(fields: SessionFields) {
    const { install } = fields;
    this.gateway = fields.gateway;
    this.slot = fields.slot;
    this.generation = fields.generation;
    this.userText = bytesText(fields.user);
    this.userShard = fields.userShard ?? 0;
    this.installHigh = install.length === INSTALL_BYTES ? int32At(install, 0) : 0;
    this.installLow = install.length === INSTALL_BYTES ? int32At(install, 4) : 0;
    this.deviceText = bytesText(fields.device);
    this.connection = fields.connection;
    this.reported = fields.reported ?? false;
    this.frameBytesMax = fields.frameBytesMax;
    this.waiting = 0;
    this.closing = false;
  }

  /** User id, as bytes: made for who asks, and kept until somebody asks for another one. */
  get user(): Uint8Array {
    if (lastUserText !== this.userText) {
      lastUser = bytesOf(this.userText);
      lastUserText = this.userText;
    }
    return lastUser;
  }

  /** The install as bytes of its own. */
  get install(): Uint8Array {
    const install = new Uint8Array(INSTALL_BYTES);
    writeInt32(install, 0, this.installHigh);
    writeInt32(install, 4, this.installLow);
    return install;
  }
}

const INSTALL_BYTES = Limits.installBytes;
/** One command asks several times for the same one. */
let lastUserText = "";
let lastUser: Uint8Array = new Uint8Array(0);

/** Four bytes as a signed number, which V8 keeps without an object of its own. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Bytes as a string that is equal exactly when the bytes are: a map key, not text. */
export const bytesText = (bytes: Uint8Array): string => textOf(bytes);

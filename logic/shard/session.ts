// A client's connection as logic knows it: (gateway incarnation, slot, generation) and who is behind it.
import { textOf } from "../store/latin1.ts";

/** What a shard needs of the gateway that holds a session. Declared here, implemented by ingest/gateway-peer.ts. */
export interface SessionGateway {
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
  install: Uint8Array;
  device: Uint8Array;
  connection: number;
  /** An old session told to a new owner; false, too, when left out. */
  reported?: boolean;
  frameBytesMax: number;
}

export class Session {
  readonly gateway: SessionGateway;
  readonly slot: number;
  readonly generation: number;
  /** User id, as bytes and as a map key. */
  readonly user: Uint8Array;
  readonly userText: string;
  readonly install: Uint8Array;
  readonly installText: string;
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
    this.gateway = fields.gateway;
    this.slot = fields.slot;
    this.generation = fields.generation;
    // Copies: the fields are views into a batch, and sessions live long.
    this.user = Uint8Array.from(fields.user);
    this.userText = bytesText(this.user);
    this.install = Uint8Array.from(fields.install);
    this.installText = bytesText(this.install);
    this.deviceText = bytesText(fields.device);
    this.connection = fields.connection;
    this.reported = fields.reported ?? false;
    this.frameBytesMax = fields.frameBytesMax;
    this.waiting = 0;
    this.closing = false;
  }
}

/** Bytes as a string that is equal exactly when the bytes are: a map key, not text. */
export const bytesText = (bytes: Uint8Array): string => textOf(bytes);

// What the harness needs of a peer's protocol: log in, write to a user, publish to a group, and recognise what came of
// it. Sessions do no I/O: bytes in, events out, bytes to write out; the harness puts a Wire around them.

/** What a session tells its owner, never from inside opened(), send() or publish() but for write(). */
export interface PeerOutput {
  /** Bytes to send; taken (copied) during the call. */
  write(bytes: Uint8Array): void;
  /** Logged in, and able to receive everything that is sent to its user and its group. */
  ready(): void;
  /** A message of somebody else's came. `text` is a view, valid during the call. */
  delivered(text: Uint8Array): void;
  /** The server acknowledged the oldest own message that it had not acknowledged before. Only where PeerProtocol.acks is true. */
  acked(): void;
  /** The server refused something, or said what cannot be understood: the measurement is void. */
  failed(reason: string): void;
}

export interface PeerSession {
  /** The connection is there: log in. Called again after a loss, when a new connection is there. */
  opened(): void;
  /** Bytes from `start` to `end`; returns how many were consumed. The rest comes again, with more behind it. */
  data(bytes: Uint8Array, start: number, end: number): number;
  /** Writes a message to a user. */
  send(to: string, text: Uint8Array): void;
  /** Writes a message to all members of a group. The sender is no member unless the protocol demands it. */
  publish(group: string, text: Uint8Array): void;
}

/** Who a session is. */
export interface PeerIdentity {
  /** 11 bytes, [a-z0-9]. */
  user: string;
  /** A group that it receives messages of. */
  group?: string;
  /** A group that it publishes to. */
  publishes?: string;
}

/** How a protocol's messages travel in WebSocket messages: each write is one, and each that comes is handed over by itself. */
export interface WebSocketPlan {
  path: string;
  subprotocol?: string;
  /** Messages are text; binary when left out. */
  text?: boolean;
}

export interface PeerProtocol {
  /** TCP when left out. */
  readonly webSocket?: WebSocketPlan;
  /** Whether the server acknowledges a 1:1 message to its sender. */
  readonly acks: boolean;
  /** Whether it acknowledges a published message. */
  readonly publishAcks: boolean;
  session(identity: PeerIdentity, out: PeerOutput): PeerSession;
}

// The connections of one driver process, as its sessions see them: numbered slots that bytes come from and go to, no
// object per connection. Slot numbers are the caller's (0 … slots − 1), so that whoever keeps something per session
// keeps it in arrays under the same number. A closed slot may be connected again.
//
// Two wires serve this: epoll.ts over a small addon in C (Linux; some tens of bytes per connection), and net.ts over
// node:net, where the addon cannot be built. websocket.ts puts WebSocket between a wire and its owner.

/** What a wire tells its owner, one connection after the other, never from inside a call of the owner's. */
export interface WireEvents {
  opened(slot: number): void;
  /**
   * Bytes came: `bytes` from `start` to `end`, a view valid during the call, with all that earlier calls left. Returns how
   * many were consumed; the rest is kept (at most WIRE_REST_BYTES_MAX, or the connection is reset) and comes again with more.
   */
  data(slot: number, bytes: Buffer, start: number, end: number): number;
  /** The connection is gone, or never came to be: `reason` is "end" (the peer closed), or an errno name like ECONNRESET. Not told after close() or reset(). */
  closed(slot: number, reason: string): void;
}

export interface WireTarget {
  host: string;
  port: number;
  /** Source address, for example 127.1.3.1: a machine has some 28,000 ports per source and target. Any when left out. */
  from?: string;
  /** For WebSocket. */
  path?: string;
  protocol?: string;
}

export interface Wire {
  /** Begins to connect; `opened` or `closed` follows. IPv4 only for the addon. Throws when the slot is in use. */
  connect(slot: number, target: WireTarget): void;
  /** Copies the bytes; they leave at the end of this turn of the loop, all of a connection's in one write. Ignored on a closed slot. */
  write(slot: number, bytes: Uint8Array): void;
  /** Closes in order, after what was written. */
  close(slot: number): void;
  /** Drops the connection at once, with RST. */
  reset(slot: number): void;
  /** Reads at most so many bytes a second from now on, with a small receive buffer where connect() was told so first; 0: no limit. */
  throttle(slot: number, bytesPerSecond: number): void;
  isOpen(slot: number): boolean;
  /** Bytes that came and went since the start, as TCP payload, over all slots. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes that wait because sockets would not take them, over all slots. */
  readonly backlogBytes: number;
  /** Ends everything; nothing is told any more. */
  destroy(): void;
}

/** What `data` may leave unconsumed; above every frame that a server may send. */
export const WIRE_REST_BYTES_MAX = 1024 * 1024;

/** What one connection may have waiting to be sent; beyond it the connection is reset, and told as closed with ENOBUFS. */
export const WIRE_BACKLOG_BYTES_MAX = 4 * 1024 * 1024;

/** How long a connection that was closed in order may wait for its last bytes to leave and for its peer to close as well. */
export const WIRE_LINGER_MS = 5000;

// The transport port: everything the gateway knows about sockets. Connections are slots, small integers that
// are used again; no object per connection crosses this line, so that a transport in native code can serve it
// with one call into JavaScript a loop turn.
//
// Rules that both sides rely on:
// - A slot is opened once and closed once, in that order, whoever closes it. Between the two it is nobody
//   else's. `closed` never comes from inside a command, and a slot is not opened again before it came.
// - After `close(slot)` nothing more is heard of the slot but `closed`; what is written to it is Dropped.
// - Bytes given in `frames` are valid during the call only. Bytes given to `write` may be a view of something
//   larger: a transport that keeps them copies them.
import type { ErrorCode } from "../../proto/error-code.ts";
import type { IpRanges } from "./ip-address.ts";
import type { TlsFileOptions } from "./tls.ts";

/** What became of written bytes. The same three words stand in metrics and tests. */
export const WriteResult = {
  /** Handed to the kernel, all of them. */
  Sent: 0,
  /** Some wait in this process: see bufferedBytes. */
  Buffered: 1,
  /** The connection is closing or gone. */
  Dropped: 2,
} as const;
export type WriteResult = (typeof WriteResult)[keyof typeof WriteResult];

/** Beats that come faster are no sign of life but a nuisance. */
export const BEAT_GAP_MS = 500;

/** Integers per frame in the table of `frames`: slot, header, start, end. */
export const FRAME_FIELDS = 4;

/** What a transport tells; implemented by the gateway. */
export interface TransportEvents {
  /**
   * A socket of this address came, whose handshake of TLS or HTTP comes before it is a connection. False: it is closed at once.
   */
  admits?(remoteAddress: string): boolean;
  /** `ageMs`: how long ago its socket was accepted, where a PROXY header and TLS took their time. */
  opened(slot: number, remoteAddress: string, ageMs?: number): void;
  /**
   * `count` whole frames, in the order they came: table[4i] is the slot, then the header byte (BEAT = 0 for a
   * beat), then where the body starts and ends in `bytes`. Frames of a slot that was closed by an earlier one
   * of the same call may still follow it.
   */
  frames(bytes: Uint8Array, table: Int32Array, count: number): void;
  /** Nothing was received for the time given to `watch`. Told once; the gateway closes the slot. */
  idle(slot: number): void;
  /** The bytes of this slot are no frames (BadFrame, FrameTooLarge): close it with this error. Nothing is read from it any more. */
  broken(slot: number, code: ErrorCode): void;
  /** Bytes that waited for this slot are all gone. Not told for every small remainder: bufferedBytes is what counts. */
  drained(slot: number): void;
  closed(slot: number): void;
}

export interface Transport {
  /** For metrics and logs: "tcp" or "websocket". */
  readonly name: string;
  /** Where it listens. */
  readonly port: number;
  /** Slots in use. */
  readonly openCount: number;
  /** Bytes read since the start, framing included. */
  readonly bytesRead: number;
  /** Connections that failed before they were opened (TLS, HTTP). */
  readonly failedHandshakes: number;
  write(slot: number, bytes: Uint8Array): WriteResult;
  /** frames[0 … count - 1] with as few system calls as the transport can: the difference to `write` is one call against many. */
  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult;
  /**
   * Closes once everything written, `lastBytes` included, is sent, or after a few seconds without regard to it.
   */
  close(slot: number, lastBytes?: Uint8Array): void;
  /** Stops reading, as far as the transport can: some frames more may come. */
  pause(slot: number): void;
  resume(slot: number): void;
  /** Bytes written that wait in this process. */
  bufferedBytes(slot: number): number;
  /** Largest frame (length value) that is read from now on. */
  setFrameLimit(slot: number, bytes: number): void;
  /**
   * From now on the transport itself answers each beat with a beat, and tells `idle` when nothing was received for `idleMs`
   * (checked about once a second; 0: never). Called at Welcome, and again when the interval changes. Beats that come before, and
   * a beat within BEAT_GAP_MS of the one before, are handed up as frames (BEAT) instead of being answered: the session decides.
   */
  watch(slot: number, idleMs: number): void;
  /** ms since something was received, or since the slot was opened. */
  quietMs(slot: number): number;
  /** The longest pause between two arrivals of bytes since `watch` was first called, ms, and begins anew: what the path to this client survived. */
  takeLongestGapMs(slot: number): number;
  /** Beats answered by the transport itself since the start. */
  readonly beatsAnswered: number;
  /** Round trip as the kernel measures it, ms; undefined where it is not known. */
  roundTripMs(slot: number): number | undefined;
  /**
   * With TLS: reads certificate and key again. New connections get them, open ones keep what they have. Throws, and changes
   * nothing, when they are no good.
   */
  renewCertificate?(): void;
  /** Refuses new connections from now on; those that are open stay. */
  stopListening(): void;
  /** Ends every connection at once and releases the port. */
  stop(): Promise<void>;
}

/** What every transport is made with. */
export interface TransportOptions {
  host: string;
  /** 0: the system chooses; see Transport.port. */
  port: number;
  /** Slots of this transport: slotFirst … slotFirst + slotsMax - 1. A connection beyond them is closed without a word. */
  slotFirst: number;
  slotsMax: number;
  /** Largest frame before setFrameLimit is called for a slot. */
  frameBytesMax: number;
  /** Largest frame that setFrameLimit will ever allow. */
  frameBytesLimit: number;
  /** After `close`, a peer that neither reads nor closes is cut off after this long. */
  lingerMs: number;
  /** Several processes may listen on the port; the kernel spreads new connections over them (SO_REUSEPORT). */
  sharePort: boolean;
  /** Each connection begins with a PROXY protocol header (v1 or v2), which names the client's address; one without is closed. */
  proxyProtocol: boolean;
  /** Bytes of unfinished frames held by all connections together; the one that would pass it is told `broken` with Busy. */
  unfinishedBytesMax: number;
  tls?: TlsFileOptions;
  /** From the accept to the first byte of a frame: PROXY header and TLS. Limits.handshakeMs by default. */
  handshakeMs?: number;
  /** With proxyProtocol: who may write its header; connections from elsewhere are closed. Undefined: anybody. */
  trustedProxies?: IpRanges;
}

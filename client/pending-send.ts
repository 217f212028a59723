// A message that was sent by the application and not yet confirmed or refused by the server.
import type { ConversationLog } from "./conversation-log.ts";
import { bytesToBase64 } from "./encoding.ts";

export class PendingSend {
  readonly log: ConversationLog;
  /** Its number; changes only when the server says that a number before it was never used. */
  clientSeq: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** The shell's own: whom to tell. */
  readonly ticket: unknown;
  /** Number of the request it is in flight as on this connection; 0: not in flight. */
  ref: number;
  /** It may go on the wire once the store holds this version. */
  version: number;
  settled: boolean;

  constructor(log: ConversationLog, clientSeq: number, kind: number, payload: Uint8Array, ticket: unknown, version: number) {
    this.log = log;
    this.clientSeq = clientSeq;
    this.kind = kind;
    this.payload = payload;
    this.ticket = ticket;
    this.ref = 0;
    this.version = version;
    this.settled = false;
  }

  record(): string {
    return JSON.stringify({ kind: this.kind, payload: bytesToBase64(this.payload) });
  }
}

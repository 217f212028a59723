// Everything that can go wrong, as one error class with a number and a name. Codes below 1000 are the
// server's, with their names from the table in SPEC.md §12; codes from 1000 are this SDK's own.
import { type ErrorCode, errorName } from "../proto/error-code.ts";

export const LocalErrorCode = {
  /** The client was closed by the application; what was pending stays in the store, if there is one. */
  Closed: 1000,
  /** Too many messages or bytes wait to be sent, or too many calls wait for an answer. */
  QueueFull: 1001,
  /** A connection could not be opened, or gave no sign of life. It is tried again. */
  ConnectFailed: 1002,
  /** The server sent what it must not send. The connection is given up and opened again. */
  ProtocolViolation: 1003,
  /** The store could not be read or written. Writing is tried again; nothing unstored goes on the wire. */
  StoreFailed: 1004,
  /** The token names another user than the one whose data is in the store. */
  WrongUser: 1005,
  /** An argument of a call is not valid. */
  BadArgument: 1006,
  /** The token function threw. It is asked again. */
  TokenFailed: 1007,
  /** A handler of the application threw; see `cause`. */
  HandlerFailed: 1008,
  /** Another client of this machine already uses this store. */
  StoreInUse: 1009,
} as const;
export type LocalErrorCode = (typeof LocalErrorCode)[keyof typeof LocalErrorCode];

const LOCAL_NAMES: Readonly<Record<LocalErrorCode, string>> = {
  [LocalErrorCode.Closed]: "CLOSED",
  [LocalErrorCode.QueueFull]: "QUEUE_FULL",
  [LocalErrorCode.ConnectFailed]: "CONNECT_FAILED",
  [LocalErrorCode.ProtocolViolation]: "PROTOCOL_VIOLATION",
  [LocalErrorCode.StoreFailed]: "STORE_FAILED",
  [LocalErrorCode.WrongUser]: "WRONG_USER",
  [LocalErrorCode.BadArgument]: "BAD_ARGUMENT",
  [LocalErrorCode.TokenFailed]: "TOKEN_FAILED",
  [LocalErrorCode.HandlerFailed]: "HANDLER_FAILED",
  [LocalErrorCode.StoreInUse]: "STORE_IN_USE",
};

/** `name` is the stable word to compare with ("NOT_MEMBER", "QUEUE_FULL"), `code` its number; `message` is for people. */
export class HawserError extends Error {
  override readonly name: string;
  readonly code: number;

  constructor(code: ErrorCode | LocalErrorCode | number, detail?: string, cause?: unknown) {
    const name = LOCAL_NAMES[code as LocalErrorCode] ?? errorName(code);
    super(detail || name.toLowerCase().replaceAll("_", " "), cause === undefined ? undefined : { cause });
    this.name = name;
    this.code = code;
  }
}

/** What a thrown thing says, for an error's detail. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

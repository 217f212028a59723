// One table of everything that can go wrong between client and server: code, whether the connection
// closes, who may retry and when, and whether a refused Send uses its number up (SPEC.md §12).
// Code, metrics labels, SDK behaviour and documentation follow it; a test compares it with SPEC.md.
import { hawser } from "./gen/hawser.js";
import { FrameType } from "./frame-type.ts";
import { encodeMessage } from "./frame.ts";

export const ErrorCode = {
  BadFrame: 1,
  FrameTooLarge: 2,
  HelloExpected: 3,
  HandshakeTimeout: 4,
  VersionUnsupported: 5,
  AuthFailed: 6,
  TokenExpired: 7,
  Replaced: 8,
  UnknownType: 9,
  BadRequest: 10,
  RateLimited: 11,
  Busy: 12,
  OutOfOrder: 13,
  ClientSeqReused: 14,
  PayloadTooLarge: 15,
  BadText: 16,
  NotMember: 17,
  Forbidden: 18,
  Unsupported: 19,
  SlowConsumer: 20,
  IdleTimeout: 21,
  TooManyConnections: 22,
  Internal: 23,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/**
 * What a client does about it: `backoff` reconnect as after a loss; `now` at once; `wait` after
 * retry_after_ms (the request, or the connection if it closed); `token` reconnect with a new token;
 * `order` send the missing numbers first; `never` give up.
 */
export type Retry = "backoff" | "now" | "wait" | "token" | "order" | "never";

export interface ErrorRule {
  readonly name: string;
  readonly closes: boolean;
  readonly retry: Retry;
  /** A Send refused so has used its client_seq up, durably. */
  readonly usesNumber: boolean;
}

const rule = (name: string, closes: boolean, retry: Retry, usesNumber = false): ErrorRule => ({ name, closes, retry, usesNumber });

export const ERROR_RULES: Readonly<Record<ErrorCode, ErrorRule>> = {
  [ErrorCode.BadFrame]: rule("BAD_FRAME", true, "backoff"),
  [ErrorCode.FrameTooLarge]: rule("FRAME_TOO_LARGE", true, "backoff"),
  [ErrorCode.HelloExpected]: rule("HELLO_EXPECTED", true, "backoff"),
  [ErrorCode.HandshakeTimeout]: rule("HANDSHAKE_TIMEOUT", true, "backoff"),
  [ErrorCode.VersionUnsupported]: rule("VERSION_UNSUPPORTED", true, "never"),
  [ErrorCode.AuthFailed]: rule("AUTH_FAILED", true, "token"),
  [ErrorCode.TokenExpired]: rule("TOKEN_EXPIRED", true, "token"),
  [ErrorCode.Replaced]: rule("REPLACED", true, "never"),
  [ErrorCode.UnknownType]: rule("UNKNOWN_TYPE", false, "never"),
  [ErrorCode.BadRequest]: rule("BAD_REQUEST", false, "never"),
  [ErrorCode.RateLimited]: rule("RATE_LIMITED", false, "wait"),
  [ErrorCode.Busy]: rule("BUSY", false, "wait"),
  [ErrorCode.OutOfOrder]: rule("OUT_OF_ORDER", false, "order"),
  [ErrorCode.ClientSeqReused]: rule("CLIENT_SEQ_REUSED", false, "never"),
  [ErrorCode.PayloadTooLarge]: rule("PAYLOAD_TOO_LARGE", false, "never", true),
  [ErrorCode.BadText]: rule("BAD_TEXT", false, "never", true),
  [ErrorCode.NotMember]: rule("NOT_MEMBER", false, "never", true),
  [ErrorCode.Forbidden]: rule("FORBIDDEN", false, "never", true),
  [ErrorCode.Unsupported]: rule("UNSUPPORTED", false, "never", true),
  [ErrorCode.SlowConsumer]: rule("SLOW_CONSUMER", true, "backoff"),
  [ErrorCode.IdleTimeout]: rule("IDLE_TIMEOUT", true, "now"),
  [ErrorCode.TooManyConnections]: rule("TOO_MANY_CONNECTIONS", true, "wait"),
  [ErrorCode.Internal]: rule("INTERNAL", false, "wait"),
};

/** The name of a code as SPEC.md has it, for logs, metrics and error messages. */
export function errorName(code: number): string {
  return ERROR_RULES[code as ErrorCode]?.name ?? `ERROR_${code}`;
}

export interface ErrorFields {
  ref?: number;
  retryAfterMs?: number;
  /** Close although the table does not say so (a second Hello, say). */
  closes?: boolean;
  expected?: number;
  detail?: string;
}

/** A whole Error frame, ready to be written. */
export function errorFrame(code: ErrorCode, fields: ErrorFields = {}): Uint8Array {
  const closes = fields.closes ?? ERROR_RULES[code].closes;
  return encodeMessage(FrameType.Error, hawser.v1.Error, { ...fields, code: code as number, closes });
}

// The port between the client and a socket. A transport carries bytes, knows nothing of frames, and reports
// each end once. Also: which address a GoAway's target means.
import { HawserError, LocalErrorCode } from "./errors.ts";

/** Told by the transport. After close() it is told nothing any more. */
export interface TransportSink {
  opened(): void;
  /** `bytes` are valid during the call only. `whole`: they end where a frame must end. */
  received(bytes: Uint8Array, whole: boolean): void;
  /** The connection ended, or could not be opened. Once, and last. */
  closed(reason: HawserError | undefined): void;
}

export interface Transport {
  /** Takes all of it; the caller does not touch the bytes afterwards. How much may wait is bounded by the caller's window of requests. */
  write(bytes: Uint8Array): void;
  /** Sends what waits, then closes. */
  close(): void;
}

/** Opens a connection. Throws RangeError on a scheme that it does not serve. */
export type OpenTransport = (url: URL, sink: TransportSink) => Transport;

/** The address as a URL. Throws BAD_ARGUMENT when it is none, or of a scheme that is not among `schemes` ("tcp:"). */
export function parseAddress(address: string, schemes: readonly string[]): URL {
  if (!URL.canParse(address)) throw new HawserError(LocalErrorCode.BadArgument, `not a URL: ${address}`);
  const url = new URL(address);
  if (!schemes.includes(url.protocol)) {
    throw new HawserError(LocalErrorCode.BadArgument, `${url.protocol} is not served here; one of ${schemes.join(" ")}`);
  }
  if (url.hostname === "") throw new HawserError(LocalErrorCode.BadArgument, `no host in ${address}`);
  return url;
}

/**
 * Where a GoAway's `target` leads: a URL, or a host with port that replaces those of `base`. Throws BAD_ARGUMENT when
 * it cannot be served, or would take the token from an encrypted connection to a plain one.
 */
export function resolveTarget(base: URL, target: string, schemes: readonly string[]): URL {
  if (target === "") return base;
  const url = parseAddress(target.includes("://") ? target : `${base.protocol}//${target}${base.pathname}${base.search}`, schemes);
  if (isSecure(base) && !isSecure(url)) throw new HawserError(LocalErrorCode.BadArgument, `refused to leave encryption for ${target}`);
  return url;
}

function isSecure(url: URL): boolean {
  return url.protocol === "tls:" || url.protocol === "wss:";
}

// From an order to connect to an open socket: gets the token, finds the address, opens a transport, and carries
// bytes both ways. At most one transport at a time; what an earlier one still reports names its own link, and the
// core does not listen to it.
import { Limits } from "../proto/limits.ts";
import { ErrorCode } from "../proto/error-code.ts";
import { describe, HawserError, LocalErrorCode } from "./errors.ts";
import type { ConnectOrder } from "./outputs.ts";
import { resolveTarget } from "./transport.ts";
import type { OpenTransport, Transport, TransportSink } from "./transport.ts";

/** Frames of one turn are joined to one write up to this size. */
const JOIN_BYTES_MAX = 64 * 1024;

export interface DialerSink {
  /** Whether connection `link` is still wanted. */
  awaits(link: number): boolean;
  linkOpening(link: number): void;
  linkOpened(link: number, token: string): void;
  linkReceived(link: number, bytes: Uint8Array, whole: boolean): void;
  linkClosed(link: number, reason: HawserError | undefined): void;
  /** No token will do: there is no use in trying again. */
  noToken(reason: HawserError): void;
  dialError(error: HawserError): void;
}

export class Dialer {
  private readonly sink: DialerSink;
  private readonly url: URL;
  private readonly schemes: readonly string[];
  private readonly openTransport: OpenTransport;
  private readonly token: string | (() => string | Promise<string>);
  private cachedToken: string | undefined;
  private transport: Transport | undefined;

  constructor(sink: DialerSink, url: URL, schemes: readonly string[], openTransport: OpenTransport, token: string | (() => string | Promise<string>)) {
    this.sink = sink;
    this.url = url;
    this.schemes = schemes;
    this.openTransport = openTransport;
    this.token = token;
    this.cachedToken = undefined;
    this.transport = undefined;
  }

  /** Opens the connection that the core ordered, when there is a token. */
  open(order: ConnectOrder): void {
    this.drop();
    const token = this.token;
    if (typeof token === "string") {
      if (order.freshToken) this.sink.noToken(new HawserError(ErrorCode.TokenExpired, "the token expired, and there is no function to get another"));
      else this.dial(order, token);
      return;
    }
    if (order.freshToken) this.cachedToken = undefined;
    if (this.cachedToken !== undefined) return this.dial(order, this.cachedToken);
    // Asked in a promise's callback, so that a function that throws and one that rejects are alike.
    Promise.resolve()
      .then(token)
      .then(
        (fresh) => {
          this.cachedToken = fresh;
          this.dial(order, fresh);
        },
        (thrown: unknown) => {
          const error = new HawserError(LocalErrorCode.TokenFailed, describe(thrown), thrown);
          this.sink.dialError(error);
          this.sink.linkClosed(order.link, error);
        },
      );
  }

  /** The next connection asks for a token again. */
  forgetToken(): void {
    this.cachedToken = undefined;
  }

  write(frames: readonly Uint8Array[]): void {
    const transport = this.transport;
    if (transport === undefined) return;
    let from = 0;
    let bytes = 0;
    for (let i = 0; i <= frames.length; i++) {
      const length = frames[i]?.length ?? 0;
      if (i < frames.length && (i === from || bytes + length <= JOIN_BYTES_MAX)) {
        bytes += length;
        continue;
      }
      transport.write(i === from + 1 ? frames[from]! : join(frames, from, i, bytes));
      from = i;
      bytes = length;
    }
  }

  drop(): void {
    const transport = this.transport;
    this.transport = undefined;
    transport?.close();
  }

  private dial(order: ConnectOrder, token: string): void {
    // The token came late: another connection was ordered, or none.
    if (!this.sink.awaits(order.link)) return;
    if (token.length > Limits.tokenBytesMax)
      return this.sink.noToken(new HawserError(ErrorCode.AuthFailed, `the token is longer than ${Limits.tokenBytesMax} bytes`));
    this.sink.linkOpening(order.link);
    const link = new Link(this.sink, order.link, token);
    try {
      this.transport = this.openTransport(this.address(order.target), link);
    } catch (thrown) {
      link.closed(new HawserError(LocalErrorCode.ConnectFailed, describe(thrown), thrown));
    }
  }

  private address(target: string): URL {
    try {
      return resolveTarget(this.url, target, this.schemes);
    } catch (thrown) {
      // A target that is no use is no reason to stay away.
      this.sink.dialError(thrown as HawserError);
      return this.url;
    }
  }
}

/** What a transport reports to, for one connection. */
class Link implements TransportSink {
  private readonly sink: DialerSink;
  private readonly link: number;
  private readonly token: string;

  constructor(sink: DialerSink, link: number, token: string) {
    this.sink = sink;
    this.link = link;
    this.token = token;
  }

  opened(): void {
    this.sink.linkOpened(this.link, this.token);
  }

  received(bytes: Uint8Array, whole: boolean): void {
    this.sink.linkReceived(this.link, bytes, whole);
  }

  closed(reason: HawserError | undefined): void {
    this.sink.linkClosed(this.link, reason);
  }
}

function join(frames: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  const joined = new Uint8Array(bytes);
  let at = 0;
  for (let i = from; i < to; i++) {
    joined.set(frames[i]!, at);
    at += frames[i]!.length;
  }
  return joined;
}

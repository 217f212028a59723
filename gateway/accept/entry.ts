// What stands between an accepted socket and a connection on node:net: the PROXY header, then TLS. Both together, and
// what is left for Hello, have one deadline, counted from the accept; a socket that waits here has no slot and no
// memory of ours beyond the bytes of half a header.
import type { Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from "node:tls";
import { type IpRanges, ipBytes } from "./ip-address.ts";
import { ProxyRead, proxyHeader, readProxyHeader } from "./proxy-protocol.ts";
import { newTicketKeys, nodeTlsOptions, TlsFiles, type TlsFileOptions } from "./tls.ts";

const SWEEP_MS = 250;

export interface EntryOptions {
  readonly proxyProtocol: boolean;
  /** Who may write PROXY headers; undefined: anybody. */
  readonly trustedProxies?: IpRanges;
  /** For header and TLS together. */
  readonly handshakeMs: number;
  readonly tls?: TlsFileOptions;
  /** Asked before TLS; see TransportEvents. */
  readonly admits?: (address: string) => boolean;
}

/** A connection may begin: with its client's address, and ms since its socket was accepted. */
export type Ready = (socket: Socket, address: string, ageMs: number) => void;

interface Pending {
  readonly key: string;
  readonly raw: Socket;
  readonly since: number;
  address: string;
  header: Buffer | undefined;
}
const PENDING = Symbol("pending");
const ENTRY = Symbol("entry");
interface Entering extends Socket {
  [PENDING]: Pending | undefined;
  [ENTRY]: Entry | undefined;
}

export class Entry {
  /** Sockets that never became connections. */
  failed: number;
  private readonly options: EntryOptions;
  private readonly ready: Ready;
  private readonly files: TlsFiles | undefined;
  private readonly ticketKeys: Buffer;
  /** Listens nowhere: it is given sockets. */
  private readonly tls: TlsServer | undefined;
  /** By the peer's address and port, oldest first. */
  private readonly pending: Map<string, Pending>;
  private readonly sweeper: NodeJS.Timeout | undefined;

  /** Throws when the certificate is no good. */
  constructor(options: EntryOptions, ready: Ready) {
    this.failed = 0;
    this.options = options;
    this.ready = ready;
    this.files = options.tls === undefined ? undefined : new TlsFiles(options.tls);
    this.ticketKeys = newTicketKeys();
    this.tls = this.files === undefined ? undefined : this.tlsServer(this.files);
    this.pending = new Map();
    this.sweeper = this.tls !== undefined || options.proxyProtocol ? setInterval(() => this.sweep(), SWEEP_MS).unref() : undefined;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  accept(raw: Socket): void {
    const { options } = this;
    if (this.sweeper === undefined) return this.ready(raw, raw.remoteAddress ?? "", 0);
    // Whatever went wrong with a socket, its close follows.
    raw.on("error", ignore);
    const address = raw.remoteAddress ?? "";
    if (options.proxyProtocol && !this.trusts(address)) return this.refuse(raw);
    const entering = raw as Entering;
    entering[ENTRY] = this;
    const key = keyOf(raw);
    const pending: Pending = { key, raw, since: performance.now(), address, header: undefined };
    entering[PENDING] = pending;
    this.pending.set(key, pending);
    raw.on("close", onClose);
    if (options.proxyProtocol) raw.on("data", onHeader);
    else this.secure(pending);
  }

  /** See Transport.renewCertificate. */
  renewCertificate(): void {
    if (this.files === undefined || !this.files.reload()) return;
    this.tls!.setSecureContext(nodeTlsOptions(this.files, this.ticketKeys));
  }

  stop(): void {
    clearInterval(this.sweeper);
    for (const { raw } of this.pending.values()) raw.destroy();
    this.pending.clear();
  }

  /** Bytes of a socket that owes its PROXY header. */
  header(pending: Pending, chunk: Buffer): void {
    const { raw } = pending;
    const bytes = pending.header === undefined ? chunk : Buffer.concat([pending.header, chunk]);
    const outcome = readProxyHeader(bytes);
    if (outcome === ProxyRead.More) {
      // A copy: the chunk is a view of something larger.
      pending.header = Buffer.from(bytes);
      return;
    }
    raw.off("data", onHeader);
    pending.header = undefined;
    if (outcome === ProxyRead.Bad) return this.refuse(raw);
    if (proxyHeader.address !== "") pending.address = proxyHeader.address;
    raw.pause();
    if (proxyHeader.bytes < bytes.length) raw.unshift(bytes.subarray(proxyHeader.bytes));
    if (this.tls !== undefined) return this.secure(pending);
    this.done(raw);
    raw.resume();
  }

  closed(pending: Pending): void {
    // The port may be somebody else's by now.
    if (this.pending.get(pending.key) === pending) this.pending.delete(pending.key);
  }

  private secure(pending: Pending): void {
    if (this.options.admits?.(pending.address) === false) return this.refuse(pending.raw);
    this.tls!.emit("connection", pending.raw);
  }

  private done(socket: Socket): void {
    const key = keyOf(socket);
    const pending = this.pending.get(key);
    if (pending === undefined) {
      // Its peer is gone already, and so is the port that it was known by.
      socket.on("error", ignore);
      socket.destroy();
      return;
    }
    this.pending.delete(key);
    pending.raw.off("close", onClose);
    // The socket lives on, for as long as the connection: nothing of ours is to live with it.
    const entering = pending.raw as Entering;
    entering[PENDING] = undefined;
    entering[ENTRY] = undefined;
    this.ready(socket, pending.address, performance.now() - pending.since);
  }

  private tlsServer(files: TlsFiles): TlsServer {
    const server = createTlsServer({ ...nodeTlsOptions(files, this.ticketKeys), handshakeTimeout: this.options.handshakeMs });
    server.on("secureConnection", (socket: TLSSocket) => this.done(socket));
    server.on("tlsClientError", (_error: Error, socket: TLSSocket) => {
      this.failed++;
      // One whose handshake took too long would stay open.
      socket.destroy();
    });
    return server;
  }

  private trusts(address: string): boolean {
    const { trustedProxies } = this.options;
    if (trustedProxies === undefined) return true;
    const bytes = ipBytes(address);
    return bytes !== undefined && trustedProxies.has(bytes);
  }

  private refuse(raw: Socket): void {
    this.failed++;
    raw.destroy();
  }

  /** Ends those whose time is over; the oldest come first. */
  private sweep(): void {
    const before = performance.now() - this.options.handshakeMs;
    for (const [key, { raw, since }] of this.pending) {
      if (since > before) return;
      this.pending.delete(key);
      this.refuse(raw);
    }
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function onHeader(this: Socket, chunk: Buffer): void {
  const { [ENTRY]: entry, [PENDING]: pending } = this as Entering;
  if (pending !== undefined) entry?.header(pending, chunk);
}

function onClose(this: Socket): void {
  const { [ENTRY]: entry, [PENDING]: pending } = this as Entering;
  if (pending !== undefined) entry?.closed(pending);
}

function ignore(): void {}

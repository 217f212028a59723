// A TCP proxy that is a bad network: what passes between its clients and the target goes through two LinkModels per
// connection. The sockets and the clock around link-model.ts; every connection has random numbers of its own, from the seed
// and its place in the order of accepting.
//
// A FIN passes in order, a RST of the target too. A client that RESETS its connection means "the network was lost": what is
// on its way is gone, and the target hears nothing any more, neither bytes nor FIN nor RST, and none of its bytes are read.
// Such a half-open connection is held for up to a minute, then dropped, as a NAT does.
// Note that Linux also sends a RST when a program closes a socket that it has not read to the end: half-close it first.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Random } from "../../proto/testing/random.ts";
import { handshakeMs, LinkModel, Outages, type LinkProfile } from "./link-model.ts";

export interface ShaperStats {
  /** Clients that came, and those turned away because there were too many (with a RST). */
  accepted: number;
  refused: number;
  /** Connections now, those that are held half-open not counted. */
  open: number;
  /** Connections that the target did not take. */
  targetRefused: number;
  /** Connections whose client was gone without a goodbye, and how many of them are held half-open now. */
  networksLost: number;
  held: number;
  /** Payload that came out of the link, in bytes. */
  bytesUp: number;
  bytesDown: number;
  /** Segments sent over the link, and how often one was lost. */
  segments: number;
  losses: number;
}

export interface ShapedNetwork {
  readonly host: string;
  readonly port: number;
  readonly stats: Readonly<ShaperStats>;
  /** Drops every connection, the held ones too. */
  close(): Promise<void>;
}

export interface ShaperLimits {
  connectionsMax: number;
  /** Half-open connections; the oldest is dropped for one more. */
  heldMax: number;
  holdMs: number;
}

export const SHAPER_LIMITS: ShaperLimits = { connectionsMax: 20_000, heldMax: 5_000, holdMs: 60_000 };

/**
 * Listens on a free port of 127.2.0.0/16 (the address comes from the seed) and connects onward to `target`, from the
 * address `from` when it is given. Rejects when it cannot listen.
 */
export async function startShaper(
  target: { host: string; port: number },
  profile: LinkProfile,
  seed: number,
  from?: string,
  limits: ShaperLimits = SHAPER_LIMITS,
): Promise<ShapedNetwork> {
  const shaper = new Shaper(target, profile, seed, from, limits);
  await shaper.listen();
  return shaper;
}

class Shaper implements ShapedNetwork {
  host: string;
  port: number;
  readonly stats: ShaperStats;
  readonly target: { host: string; port: number };
  readonly profile: LinkProfile;
  readonly from: string | undefined;
  private readonly seed: number;
  private readonly limits: ShaperLimits;
  private readonly server: Server;
  private readonly open: Set<Shaped>;
  /** In order of their loss, with the time at which they are dropped. */
  private readonly held: Map<Socket, number>;
  private readonly sweep: NodeJS.Timeout;

  constructor(target: { host: string; port: number }, profile: LinkProfile, seed: number, from: string | undefined, limits: ShaperLimits) {
    const random = new Random(seed);
    this.host = `127.2.${random.between(0, 255)}.${random.between(1, 254)}`;
    this.port = 0;
    this.stats = {
      accepted: 0,
      refused: 0,
      open: 0,
      targetRefused: 0,
      networksLost: 0,
      held: 0,
      bytesUp: 0,
      bytesDown: 0,
      segments: 0,
      losses: 0,
    };
    this.target = target;
    this.profile = profile;
    this.from = from;
    this.seed = seed;
    this.limits = limits;
    this.open = new Set();
    this.held = new Map();
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.accept(near));
    this.sweep = setInterval(() => this.dropHeld(), Math.min(1000, limits.holdMs)).unref();
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen({ host: this.host, port: 0, backlog: 4096 }, resolve);
    }).catch((error: unknown) => {
      clearInterval(this.sweep);
      throw error;
    });
    this.port = (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    clearInterval(this.sweep);
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const shaped of this.open) shaped.drop();
    for (const far of this.held.keys()) far.resetAndDestroy();
    await closed;
  }

  private accept(near: Socket): void {
    if (this.open.size >= this.limits.connectionsMax) {
      this.stats.refused++;
      near.on("error", ignore);
      near.resetAndDestroy();
      return;
    }
    this.stats.accepted++;
    // Odd steps, so that connections of neighbouring seeds do not repeat each other.
    this.open.add(new Shaped(this, near, this.seed + this.stats.accepted * 0x1_0000_0001));
    this.stats.open = this.open.size;
  }

  closed(shaped: Shaped): void {
    if (this.open.delete(shaped)) this.stats.open = this.open.size;
  }

  hold(far: Socket): void {
    this.stats.networksLost++;
    for (const oldest of this.held.keys()) {
      if (this.held.size < this.limits.heldMax) break;
      this.release(oldest);
    }
    this.held.set(far, performance.now() + this.limits.holdMs);
    this.stats.held = this.held.size;
    far.once("close", () => this.release(far));
  }

  private release(far: Socket): void {
    if (!this.held.delete(far)) return;
    this.stats.held = this.held.size;
    far.resetAndDestroy();
  }

  private dropHeld(): void {
    const now = performance.now();
    for (const [far, until] of this.held) {
      if (until > now) break;
      this.release(far);
    }
  }
}

/** One connection: near is the client's side, far the target's. */
class Shaped {
  private readonly shaper: Shaper;
  private readonly near: Socket;
  private far: Socket | undefined;
  private readonly up: Flow;
  private readonly down: Flow;
  private connecting: NodeJS.Timeout | undefined;
  private gone: boolean;

  constructor(shaper: Shaper, near: Socket, seed: number) {
    const { profile } = shaper;
    const now = performance.now();
    const outages = profile.outage && new Outages(profile.outage, seed, new Random(0));
    const random = new Random(seed);
    const opensAt = now + handshakeMs(profile, random, outages, now);
    const roundTripMs = profile.up.delayMs + profile.up.jitterMs / 2 + profile.down.delayMs + profile.down.jitterMs / 2;
    this.shaper = shaper;
    this.near = near;
    this.far = undefined;
    this.gone = false;
    this.up = new Flow(near, new LinkModel(profile.up, roundTripMs, random, outages, opensAt), shaper.stats, "bytesUp");
    this.down = new Flow(undefined, new LinkModel(profile.down, roundTripMs, new Random(seed + 1), outages, opensAt), shaper.stats, "bytesDown");
    this.down.to(near);
    near.on("error", () => this.nearFailed());
    near.on("close", () => this.maybeGone());
    this.connecting = setTimeout(() => this.connectFar(), opensAt - now);
  }

  /** Once the handshake has come through. */
  private connectFar(): void {
    this.connecting = undefined;
    const { target, from } = this.shaper;
    const far = connect({ ...target, ...(from !== undefined && { localAddress: from }), noDelay: true, allowHalfOpen: true });
    this.far = far;
    let connected = false;
    far.once("connect", () => {
      connected = true;
    });
    far.on("error", () => {
      if (connected) this.down.reset();
      else {
        this.shaper.stats.targetRefused++;
        this.drop();
      }
    });
    far.on("close", () => this.maybeGone());
    this.down.from(far);
    this.up.to(far);
  }

  private nearFailed(): void {
    if (this.gone) return;
    const { far } = this;
    // Reset before it was through, or after it had said goodbye: its own kernel would have answered the server with a RST.
    if (far === undefined || far.connecting || far.destroyed || this.up.hasEnded) return this.drop();
    this.end();
    far.pause();
    this.shaper.hold(far);
  }

  /** Both at once, without a word to either that they could mistake for an orderly end. */
  drop(): void {
    if (this.gone) return;
    this.end();
    this.near.resetAndDestroy();
    this.far?.resetAndDestroy();
  }

  private maybeGone(): void {
    if (this.near.destroyed && (this.far === undefined ? this.connecting === undefined : this.far.destroyed)) this.end();
  }

  private end(): void {
    if (this.gone) return;
    this.gone = true;
    clearTimeout(this.connecting);
    this.up.stop();
    this.down.stop();
    this.shaper.closed(this);
  }
}

/** One direction: reads, keeps what is on its way, writes it when the model says so. */
class Flow {
  /** The source said FIN. */
  hasEnded: boolean;
  private source: Socket | undefined;
  private sink: Socket | undefined;
  private readonly model: LinkModel;
  private readonly stats: ShaperStats;
  private readonly counter: "bytesUp" | "bytesDown";
  private readonly chunks: Buffer[];
  /** Of the first chunk, what has come out already. */
  private offset: number;
  private timer: NodeJS.Timeout | undefined;
  private readonly due: () => void;
  private endsWithReset: boolean;
  private finished: boolean;
  private stopped: boolean;

  constructor(source: Socket | undefined, model: LinkModel, stats: ShaperStats, counter: "bytesUp" | "bytesDown") {
    this.hasEnded = false;
    this.source = undefined;
    this.sink = undefined;
    this.model = model;
    this.stats = stats;
    this.counter = counter;
    this.chunks = [];
    this.offset = 0;
    this.timer = undefined;
    this.due = () => {
      this.timer = undefined;
      this.pump();
    };
    this.endsWithReset = false;
    this.finished = false;
    this.stopped = false;
    if (source !== undefined) this.from(source);
  }

  from(source: Socket): void {
    this.source = source;
    source.on("data", (chunk: Buffer) => {
      if (this.stopped) return;
      const { segments, losses } = this.model;
      this.chunks.push(chunk);
      this.model.push(chunk.length, performance.now());
      this.stats.segments += this.model.segments - segments;
      this.stats.losses += this.model.losses - losses;
      if (this.model.isFull) source.pause();
      this.arm();
    });
    source.on("end", () => {
      // libuv reports a RST right behind data as an end, but the socket knows: a write, even of nothing, fails.
      if (source.writable) source.write("");
      setImmediate(() => {
        if (!source.errored) this.hasEnded = true;
        this.ending();
      });
    });
  }

  to(sink: Socket): void {
    this.sink = sink;
    sink.on("drain", this.due);
    this.arm();
  }

  /** The source was reset: so is the sink, behind what was on its way. */
  reset(): void {
    this.endsWithReset = true;
    if (this.finished && !this.stopped) this.sink?.resetAndDestroy();
    else this.ending();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.chunks.length = 0;
  }

  private ending(): void {
    if (this.stopped) return;
    this.model.end(performance.now());
    this.arm();
  }

  private arm(): void {
    if (this.timer !== undefined || this.stopped || this.finished || this.sink === undefined || this.sink.writableNeedDrain) return;
    const { nextAt } = this.model;
    if (nextAt === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(this.due, Math.max(0, Math.ceil(nextAt - performance.now())));
  }

  private pump(): void {
    const { sink } = this;
    if (this.stopped || this.finished || sink === undefined || sink.writableNeedDrain) return;
    const now = performance.now();
    const bytes = this.model.take(now);
    this.stats[this.counter] += bytes;
    if (bytes > 0 && !sink.destroyed) this.write(sink, bytes);
    if (this.model.hasEnded(now)) {
      this.finished = true;
      if (this.endsWithReset) sink.resetAndDestroy();
      else sink.end();
      return;
    }
    if (!this.model.isFull && this.source?.isPaused()) this.source.resume();
    this.arm();
  }

  private write(sink: Socket, bytes: number): void {
    sink.cork();
    for (let left = bytes; left > 0; ) {
      const chunk = this.chunks[0]!;
      const part = chunk.subarray(this.offset, this.offset + left);
      sink.write(part);
      left -= part.length;
      this.offset += part.length;
      if (this.offset === chunk.length) {
        this.chunks.shift();
        this.offset = 0;
      }
    }
    sink.uncork();
  }
}

function ignore(): void {}

// Raw TCP on the core in ../native: connections live in C, this side keeps nothing for each. What happened comes in one call
// for everything that was ready, as tables in memory that both sides see; what is written is put into that memory, and is
// one system call.
//
// Invariant: tables are told in the order opened, frames, others; with it each slot's story is told in the order in which it
// happened, because a slot is used again only after it was told closed.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import { ErrorCode } from "../../proto/error-code.ts";
import { Limits } from "../../proto/limits.ts";
import { loadTcpAddon, type TcpAddon, type TcpCore } from "../native/build.ts";
import { FRAME_FIELDS, type Transport, type TransportEvents, type TransportOptions, WriteResult } from "./transport.ts";

// As in native/core.h.
const Told = { Opened: 0, Frames: 1, Others: 2 } as const;
const Other = { BadFrame: 0, FrameTooLarge: 1, Busy: 2, Idle: 3, Drained: 4, Closed: 5 } as const;
const Stat = { BytesRead: 0, BytesSent: 1, BeatsAnswered: 2, FailedHandshakes: 3, SlotsTaken: 4, UnfinishedBytes: 5 } as const;
const STATS_COUNT = 6;
const OTHER_FIELDS = 2;
const OPENED_BYTES = 56;

/** Beside the largest frame, which may lie in the buffer in two parts, so much can be read before frames are handed over. */
const BATCH_BYTES = 256 * 1024;
/** Below this a loop beats the call of TypedArray.set. */
const COPY_BY_HAND_BYTES = 24;

/** Listens; rejects when it cannot: address in use, no such host, no compiler. The last is an error of loadTcpAddon. */
export async function listenNativeTcp(options: TransportOptions, events: TransportEvents): Promise<NativeTcpTransport> {
  if (options.tls !== undefined) throw new Error("the native TCP core speaks no TLS: use node:net for it");
  const addon = loadTcpAddon();
  const host = isIP(options.host) !== 0 ? options.host : (await lookup(options.host)).address;
  return new NativeTcpTransport(addon, host, options, events);
}

export class NativeTcpTransport implements Transport {
  readonly name = "tcp";
  readonly port: number;
  private readonly core: TcpCore;
  private readonly events: TransportEvents;
  private readonly told: Uint32Array;
  private readonly stats: Float64Array;
  private readonly table: Int32Array;
  private readonly others: Int32Array;
  private readonly opened: Buffer;
  private readonly out: Uint8Array;
  private readonly bytes: Buffer;
  /** Slots closed so far, while connections are told opened: their frames of the same call are left out. */
  private closes: number;
  private stopped: boolean;
  /** The first that an event threw, while the others of the same call are told. */
  private failure: { error: unknown } | undefined;

  /** Throws as listenNativeTcp rejects. `host` is an address. */
  constructor(addon: TcpAddon, host: string, options: TransportOptions, events: TransportEvents) {
    const { layout } = addon;
    const bytesMax = options.frameBytesLimit + 8 + layout.readBytes + BATCH_BYTES;
    const memory = new ArrayBuffer(layout.in + bytesMax);
    this.events = events;
    this.told = new Uint32Array(memory, layout.told, 3);
    this.stats = new Float64Array(memory, layout.stats, STATS_COUNT);
    this.table = new Int32Array(memory, layout.frames, FRAME_FIELDS * layout.framesMax);
    this.others = new Int32Array(memory, layout.others, OTHER_FIELDS * layout.othersMax);
    this.opened = Buffer.from(memory, layout.opened, OPENED_BYTES * layout.openedMax);
    this.out = new Uint8Array(memory, layout.out, layout.outBytes);
    this.bytes = Buffer.from(memory, layout.in, bytesMax);
    this.closes = 0;
    this.stopped = false;
    this.failure = undefined;
    const { port, slotFirst, slotsMax, frameBytesMax, lingerMs, handshakeMs = Limits.handshakeMs, unfinishedBytesMax } = options;
    const core = addon.listen(
      host,
      memory,
      this.tell,
      unfinishedBytesMax,
      port,
      Number(options.sharePort),
      Number(options.proxyProtocol),
      slotFirst,
      slotsMax,
      frameBytesMax,
      lingerMs,
      handshakeMs,
      options.trustedProxies?.flat(),
    );
    if (typeof core === "number") throw listenError(core, host, port);
    this.core = core;
    this.port = core.port;
  }

  get openCount(): number {
    return this.stats[Stat.SlotsTaken]!;
  }

  get bytesRead(): number {
    return this.stats[Stat.BytesRead]!;
  }

  get failedHandshakes(): number {
    return this.stats[Stat.FailedHandshakes]!;
  }

  get beatsAnswered(): number {
    return this.stats[Stat.BeatsAnswered]!;
  }

  write(slot: number, bytes: Uint8Array): WriteResult {
    const { length } = bytes;
    const { out } = this;
    if (length > out.length) return this.core.sendBytes(slot, bytes) as WriteResult;
    if (length > COPY_BY_HAND_BYTES) out.set(bytes, 0);
    else for (let i = 0; i < length; i++) out[i] = bytes[i]!;
    return this.core.send(slot, length) as WriteResult;
  }

  writeMany(slot: number, frames: readonly Uint8Array[], count: number): WriteResult {
    const { out } = this;
    let result: WriteResult = WriteResult.Sent;
    let filled = 0;
    for (let i = 0; i < count; i++) {
      const frame = frames[i]!;
      if (filled + frame.length > out.length) {
        result = this.core.send(slot, filled) as WriteResult;
        filled = 0;
        if (frame.length > out.length && result !== WriteResult.Dropped) {
          result = this.core.sendBytes(slot, frame) as WriteResult;
          if (result !== WriteResult.Dropped) continue;
        }
        // Nothing may follow what is missing.
        if (result === WriteResult.Dropped) return result;
      }
      out.set(frame, filled);
      filled += frame.length;
    }
    return filled === 0 ? result : (this.core.send(slot, filled) as WriteResult);
  }

  close(slot: number, lastBytes?: Uint8Array): void {
    if (lastBytes !== undefined) this.write(slot, lastBytes);
    this.closes++;
    this.core.close(slot);
  }

  pause(slot: number): void {
    this.core.pause(slot, 1);
  }

  resume(slot: number): void {
    this.core.pause(slot, 0);
  }

  bufferedBytes(slot: number): number {
    return this.core.bufferedBytes(slot);
  }

  setFrameLimit(slot: number, bytes: number): void {
    this.core.setFrameLimit(slot, bytes);
  }

  watch(slot: number, idleMs: number): void {
    this.core.watch(slot, Math.min(Math.ceil(idleMs), 0x7fff_ffff));
  }

  quietMs(slot: number): number {
    return this.core.quietMs(slot);
  }

  takeLongestGapMs(slot: number): number {
    return this.core.takeLongestGapMs(slot);
  }

  roundTripMs(slot: number): number | undefined {
    const micros = this.core.roundTripMicros(slot);
    return micros === 0 ? undefined : micros / 1000;
  }

  stopListening(): void {
    this.core.stopListening();
    // Those that were in the kernel's queue were accepted, and are told behind whatever this is called from.
    setImmediate(() => this.core.tell());
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.core.stopListening();
    // Not from inside a call that tells something.
    await new Promise((resolve) => setImmediate(resolve));
    this.core.endAll();
    this.core.destroy();
  }

  private readonly tell = (): void => {
    const { told, others, events } = this;
    const openedCount = told[Told.Opened]!;
    const framesCount = told[Told.Frames]!;
    const othersCount = told[Told.Others]!;
    const someClosed = openedCount > 0 && !this.tellOpened(openedCount);
    try {
      if (someClosed) this.tellFramesOfOpen(framesCount);
      else if (framesCount > 0) events.frames(this.bytes, this.table, framesCount);
    } catch (error) {
      this.failure ??= { error };
    }
    for (let at = 0; at < othersCount * OTHER_FIELDS; at += OTHER_FIELDS) {
      try {
        this.tellOther(others[at]!, others[at + 1]!);
      } catch (error) {
        this.failure ??= { error };
      }
    }
    const { failure } = this;
    if (failure === undefined) return;
    // The core takes its tables for told, whatever happens here.
    this.failure = undefined;
    throw failure.error;
  };

  /** False: some were closed at once. */
  private tellOpened(count: number): boolean {
    const { opened, events, closes } = this;
    for (let at = 0; at < count * OPENED_BYTES; at += OPENED_BYTES) {
      const start = at + 8;
      try {
        events.opened(opened.readInt32LE(at), opened.toString("latin1", start, opened.indexOf(0, start)), opened.readUInt32LE(at + 4));
      } catch (error) {
        this.failure ??= { error };
      }
    }
    return this.closes === closes;
  }

  /** Only a connection that came through a proxy is opened and read in one call. */
  private tellFramesOfOpen(count: number): void {
    const { table } = this;
    let kept = 0;
    for (let at = 0; at < count * FRAME_FIELDS; at += FRAME_FIELDS) {
      if (this.core.isOpen(table[at]!) === 0) continue;
      table.copyWithin(kept, at, at + FRAME_FIELDS);
      kept += FRAME_FIELDS;
    }
    if (kept > 0) this.events.frames(this.bytes, table, kept / FRAME_FIELDS);
  }

  private tellOther(slot: number, kind: number): void {
    const { events } = this;
    if (kind === Other.Closed) return events.closed(slot);
    // Closed by what was told before: nothing more is heard of it but that.
    if (this.core.isOpen(slot) === 0) return;
    if (kind === Other.Idle) events.idle(slot);
    else if (kind === Other.Drained) events.drained(slot);
    else events.broken(slot, kind === Other.BadFrame ? ErrorCode.BadFrame : kind === Other.Busy ? ErrorCode.Busy : ErrorCode.FrameTooLarge);
  }
}

/** As node:net has it. */
function listenError(errno: number, host: string, port: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`listen ${code}: ${host}:${port}`), { code, errno, syscall: "listen", address: host, port });
}

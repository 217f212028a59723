// What messages cost on the wire, from the bytes themselves: a tap on real connections, cut into frames as any
// client cuts them.
import type { Platform } from "../../client/client.ts";
import type { Transport, TransportSink } from "../../client/transport.ts";
import { varintBytes } from "../../proto/varint.ts";
import { FrameReader, type FrameSink } from "../../proto/frame-reader.ts";
import { FrameType, HeaderBit, TYPE_MASK } from "../../proto/frame-type.ts";
import { Limits } from "../../proto/limits.ts";

export class WireCost {
  /** Sizes of whole frames, length prefix included. */
  readonly sends: number[];
  readonly pushes: number[];

  constructor() {
    this.sends = [];
    this.pushes = [];
  }

  /** The platform with a tap on every TCP connection that it opens. */
  tapped(platform: Platform): Platform {
    return {
      ...platform,
      open: (url, sink) => (url.protocol === "tcp:" ? this.openTapped(platform, url, sink) : platform.open(url, sink)),
    };
  }

  private openTapped(platform: Platform, url: URL, sink: TransportSink): Transport {
    const up = new FrameReader(Limits.frameBytesMax);
    const down = new FrameReader(Limits.frameBytesMax);
    const sends = new SizeSink(FrameType.Send, this.sends);
    const pushes = new SizeSink(FrameType.Push, this.pushes);
    const transport = platform.open(url, {
      opened: () => sink.opened(),
      received(bytes, whole) {
        down.push(bytes, pushes);
        sink.received(bytes, whole);
      },
      closed: (reason) => sink.closed(reason),
    });
    return {
      write(bytes) {
        up.push(bytes, sends);
        transport.write(bytes);
      },
      close: () => transport.close(),
    };
  }
}

class SizeSink implements FrameSink {
  private readonly type: number;
  private readonly sizes: number[];

  constructor(type: number, sizes: number[]) {
    this.type = type;
    this.sizes = sizes;
  }

  frame(header: number, _bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start + 1;
    if ((header & TYPE_MASK) === this.type && (header & (HeaderBit.Batch | HeaderBit.Compressed)) === 0) this.sizes.push(varintBytes(length) + length);
    return true;
  }
}

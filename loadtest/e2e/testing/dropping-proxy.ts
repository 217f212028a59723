// A TCP proxy that can lose what the server says: between a client and a gateway it passes everything on, frame by frame,
// but for the frames of the types that it is told to drop. A network does not do this; parts of a server might.
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { FrameReader } from "../../../proto/frame-reader.ts";
import { encodeFrame } from "../../../proto/frame.ts";
import { BEAT } from "./wire-bytes.ts";

const TYPE_MASK = 0x1f;

export class DroppingProxy {
  /** Types that are dropped now. */
  readonly dropping = new Set<number>();
  dropped = 0;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(target: string): Promise<DroppingProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer({ noDelay: true });
    const proxy = new DroppingProxy(server);
    server.on("connection", (near) => {
      const far = connect({ host: hostname, port: Number(port), noDelay: true });
      const reader = new FrameReader(1 << 24);
      near.on("data", (chunk) => far.write(chunk));
      far.on("data", (chunk: Buffer) => {
        reader.push(chunk, {
          frame: (header, bytes, start, end) => {
            if (proxy.dropping.has(header & TYPE_MASK)) proxy.dropped++;
            else near.write(header === 0 ? BEAT : encodeFrame(header, bytes.slice(start, end)));
            return true;
          },
        });
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on("error", () => undefined);
        one.on("close", () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
  }
}

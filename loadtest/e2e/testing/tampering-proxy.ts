// A TCP proxy that lies: between clients and a gateway it passes everything on, frame by frame, but for what a function
// puts in a frame's place. No network does this; a checker must see it all the same.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { encodeFrame } from "../../../proto/frame.ts";
import { FrameReader } from "../../../proto/frame-reader.ts";
import { BEAT } from "./wire-bytes.ts";

/** One connection through the proxy. */
export interface TamperedConnection {
  /** Requests that the client has sent on it, as the protocol counts them. */
  requests: number;
  toClient(frame: Uint8Array): void;
}

/** What goes on in the place of a frame: undefined for the frame itself. */
export type Tamper = (from: "client" | "server", header: number, body: Uint8Array, connection: TamperedConnection) => Uint8Array | undefined;

const FRAME_BYTES_MAX = 1 << 24;

export class TamperingProxy {
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(target: string, tamper: Tamper): Promise<TamperingProxy> {
    const { hostname, port } = new URL(target);
    const server = createServer({ noDelay: true });
    server.on("connection", (near) => {
      const far = connect({ host: hostname, port: Number(port), noDelay: true });
      const connection = { requests: -1, toClient: (frame: Uint8Array) => void near.write(frame) };
      pass("client", near, far, tamper, connection);
      pass("server", far, near, tamper, connection);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TamperingProxy(server);
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
  }
}

function pass(from: "client" | "server", source: Socket, target: Socket, tamper: Tamper, connection: TamperedConnection): void {
  const reader = new FrameReader(FRAME_BYTES_MAX);
  source.on("data", (chunk: Buffer) => {
    reader.push(chunk, {
      frame: (header, bytes, start, end) => {
        if (header === 0) {
          target.write(BEAT);
          return true;
        }
        // Hello is none.
        if (from === "client") connection.requests++;
        const body = bytes.slice(start, end);
        target.write(tamper(from, header, body, connection) ?? encodeFrame(header, body));
        return true;
      },
    });
  });
  source.on("error", () => undefined);
  source.on("close", () => target.destroy());
}

// The few words of V8's inspector protocol that a profile takes, over the WebSocket that `node --inspect` serves.
import { WebSocket } from "ws";
import type { CpuProfile } from "./cpu-profile.ts";

/** A profile of a minute is some 20 MB. */
const ANSWER_BYTES_MAX = 1 << 30;
const ANSWER_MS = 60_000;

export class Inspector {
  private readonly socket: WebSocket;
  private readonly waiting: Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>;
  private nextId: number;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.waiting = new Map();
    this.nextId = 1;
    socket.on("message", (data: Buffer) => {
      const { id, result, error } = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: { message: string } };
      const waiting = id === undefined ? undefined : this.waiting.get(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`the inspector says: ${error.message}`));
    });
    socket.on("close", () => this.lost(new Error("the profiled process is gone")));
    socket.on("error", (error) => this.lost(error));
  }

  /** `url` as Node prints it: "Debugger listening on ws://…". */
  static async connect(url: string): Promise<Inspector> {
    const socket = new WebSocket(url, { maxPayload: ANSWER_BYTES_MAX, perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new Inspector(socket);
  }

  async startProfile(intervalUs: number): Promise<void> {
    await this.call("Profiler.enable");
    await this.call("Profiler.setSamplingInterval", { interval: intervalUs });
    await this.call("Profiler.start");
  }

  async stopProfile(): Promise<CpuProfile> {
    const { profile } = (await this.call("Profiler.stop")) as { profile: CpuProfile };
    await this.call("Profiler.disable");
    return profile;
  }

  close(): void {
    this.socket.close();
  }

  private async call(method: string, params: object = {}): Promise<unknown> {
    const id = this.nextId++;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`no answer to ${method}`)), ANSWER_MS);
        this.socket.send(JSON.stringify({ id, method, params }));
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
    }
  }

  private lost(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

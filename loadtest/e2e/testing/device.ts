// A device with the SDK on it, and all that it was shown: what a person would see on its screen.
import { HawserClient, type HawserError, type Message, type ReadEvent, type StateEvent, type Store } from "../../../client/index.ts";
import { until, within } from "./wait.ts";

/** "peer" of the conversation that a message is in. */
function peerOf(message: Message): string {
  return "peer" in message.conversation ? message.conversation.peer : "";
}

export interface DeviceOptions {
  url: string;
  user: string;
  device?: string;
  store?: Store;
  /** Offer compression; true when left out. */
  compression?: boolean;
}

export class Device {
  readonly client: HawserClient;
  readonly user: string;
  readonly messages: Message[] = [];
  readonly states: StateEvent[] = [];
  readonly reads: ReadEvent[] = [];
  readonly errors: HawserError[] = [];
  /** Hash checks that failed: must stay empty, whatever happens. */
  readonly diverged: string[] = [];
  synced = 0;

  constructor({ url, user, device, store, compression }: DeviceOptions) {
    this.user = user;
    this.client = new HawserClient({ url, token: `dev:${user}`, device, store, compression, history: "all" });
    this.client.on("message", (message) => this.messages.push(message));
    this.client.on("state", (state) => this.states.push(state));
    this.client.on("read", (read) => this.reads.push(read));
    this.client.on("error", (error) => this.errors.push(error));
    this.client.on("diverged", ({ fromSeq }) => this.diverged.push(`${user} from ${fromSeq} on`));
    this.client.on("synced", () => this.synced++);
  }

  /** Connects, and waits until everything that there was has been shown. */
  async online(): Promise<this> {
    const before = this.synced;
    await within(this.client.connect(), `${this.user} to connect`);
    await until(() => this.synced > before, `${this.user} to be in sync`);
    return this;
  }

  /** What was shown of the conversation with `peer`, a line a row. */
  log(peer: string): string[] {
    return this.messages.filter((message) => peerOf(message) === peer).map(({ seq, from, text }) => `${seq} ${from}: ${text}`);
  }

  async shown(peer: string, rows: number): Promise<string[]> {
    await until(
      () => this.log(peer).length >= rows,
      () => `${this.user} (${this.client.state}) to be shown ${rows} rows; has ${this.log(peer).length}`,
    );
    return this.log(peer);
  }

  /** Times that the connection was lost or given up. */
  get losses(): number {
    return this.states.filter(({ state }) => state === "offline" || state === "stopped").length;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

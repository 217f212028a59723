// The bus over a real NATS server. The one file that imports the NATS client.
import { jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Bus, KeyEntry, KeyValue } from "./bus.ts";
import { LOOK_MS, WatchPatience } from "./watch-patience.ts";

export interface NatsOptions {
  /** nats://host:port, one or several. */
  servers: string | string[];
  /** Shown in the server's monitoring. */
  name: string;
  /** Called with "connected" or "disconnected" as the connection comes and goes. */
  onStatus?: (status: "connected" | "disconnected") => void;
}

const RECONNECT_WAIT_MS = 250;

/** Connects, waiting for the server as long as it takes. Throws when the address is malformed. */
export async function connectBus(options: NatsOptions): Promise<Bus> {
  const connection = await connect({
    servers: options.servers,
    name: options.name,
    // Tracing errors to their callers costs an Error object for every asynchronous call.
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    waitOnFirstConnect: true,
    pingInterval: 10_000,
    maxPingOut: 2,
  });
  return new NatsBus(connection, options.onStatus);
}

class NatsBus implements Bus {
  connected: boolean;
  private readonly connection: NatsConnection;
  /** Of all watches. */
  private readonly patiences: WatchPatience[];

  constructor(connection: NatsConnection, onStatus: NatsOptions["onStatus"]) {
    this.patiences = [];
    this.connected = true;
    this.connection = connection;
    void this.follow(onStatus);
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    // The client would keep what is published while disconnected, without bound; links resend instead.
    if (!this.connected) return false;
    this.connection.publish(subject, bytes);
    return true;
  }

  subscribe(subject: string, receive: (bytes: Uint8Array) => void): void {
    this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) receive(message.data);
      },
    });
  }

  async flush(): Promise<void> {
    if (this.connected) await this.connection.flush();
  }

  async keyValue(bucket: string, keptMs = 0): Promise<KeyValue> {
    const open = () => new Kvm(jetstream(this.connection, { timeout: 2000 })).create(bucket, { history: 1, ttl: keptMs });
    return new NatsKeyValue(this.connection, await open(), open, this.patiences);
  }

  async close(): Promise<void> {
    this.connected = false;
    await this.connection.close();
  }

  private async follow(onStatus: NatsOptions["onStatus"]): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === "disconnect") this.connected = false;
      else if (status.type === "reconnect") {
        this.connected = true;
        for (const patience of this.patiences) patience.reconnected();
      } else continue;
      onStatus?.(this.connected ? "connected" : "disconnected");
    }
  }
}

class NatsKeyValue implements KeyValue {
  private readonly connection: NatsConnection;
  private readonly reopen: () => Promise<KV>;
  private readonly patiences: WatchPatience[];
  private kv: KV;

  constructor(connection: NatsConnection, kv: KV, reopen: () => Promise<KV>, patiences: WatchPatience[]) {
    this.patiences = patiences;
    this.connection = connection;
    this.reopen = reopen;
    this.kv = kv;
  }

  async get(key: string): Promise<KeyEntry | undefined> {
    const entry = await this.kv.get(key);
    return entry === null ? undefined : { key, value: entry.operation === "PUT" ? entry.value : EMPTY, revision: entry.revision };
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    try {
      return revision === 0 ? await this.kv.create(key, value) : await this.kv.update(key, value, revision);
    } catch (error) {
      if (isWrongRevision(error)) return undefined;
      // The server may have lost its bucket with its disk: make it again, so that the next try can pass.
      this.kv = await this.reopen();
      throw error;
    }
  }

  async watch(changed: (entry: KeyEntry) => void): Promise<void> {
    const patience = new WatchPatience(Math.random);
    let entries = await this.kv.watch();
    this.patiences.push(patience);
    void (async () => {
      for (;;) {
        await this.follow(entries, patience, changed).catch(() => undefined);
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, patience.nextRetryMs()));
          if (this.connection.isClosed()) return;
          try {
            this.kv = await this.reopen();
            entries = await this.kv.watch();
            break;
          } catch {
            // Not connected, or JetStream is not ready yet: tried again until the connection is closed.
          }
        }
      }
    })();
  }

  /** Hands on the entries of one watch, until it ends or stalls. */
  private async follow(entries: Awaited<ReturnType<KV["watch"]>>, patience: WatchPatience, changed: (entry: KeyEntry) => void): Promise<void> {
    patience.began();
    const looking = setInterval(() => {
      if (patience.look()) entries.stop();
    }, LOOK_MS);
    try {
      for await (const entry of entries) {
        patience.heard(entry.revision);
        changed({ key: entry.key, value: entry.operation === "PUT" ? entry.value : EMPTY, revision: entry.revision });
      }
    } finally {
      clearInterval(looking);
    }
  }
}

const EMPTY = new Uint8Array(0);
/** JetStream's error code for "wrong last sequence": the compare-and-set lost. */
const WRONG_LAST_SEQUENCE = 10071;

function isWrongRevision(error: unknown): boolean {
  const code = (error as { code?: unknown }).code ?? (error as { api_error?: { err_code?: unknown } }).api_error?.err_code;
  return code === WRONG_LAST_SEQUENCE || code === String(WRONG_LAST_SEQUENCE) || /wrong last sequence/.test(String((error as Error).message));
}

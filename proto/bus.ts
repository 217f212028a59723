// The bus port: what gateway and logic need from NATS. Publishing may lose (links notice and repair),
// and never queues without bound.

export interface Bus {
  /** False while there is no connection: what is published then is dropped at once. */
  readonly connected: boolean;
  /** Sends at most once, without waiting. False: dropped, not connected. */
  publish(subject: string, bytes: Uint8Array): boolean;
  /** Calls `receive` for every message, one at a time, in order per publisher. */
  subscribe(subject: string, receive: (bytes: Uint8Array) => void): void;
  /** Resolves when everything published so far has reached the server. */
  flush(): Promise<void>;
  /** Opens a bucket, making it when there is none. Its entries vanish when nobody wrote them for `keptMs`; 0: they stay. */
  keyValue(bucket: string, keptMs?: number): Promise<KeyValue>;
  close(): Promise<void>;
}

export interface KeyEntry {
  readonly key: string;
  /** Empty: deleted. */
  readonly value: Uint8Array;
  readonly revision: number;
}

export interface KeyValue {
  get(key: string): Promise<KeyEntry | undefined>;
  /** Compare-and-set: writes only when the key's revision is `revision` (0: does not exist). Undefined: it was not. */
  update(key: string, value: Uint8Array, revision: number): Promise<number | undefined>;
  /** Calls `changed` for every key's present value, then for every change, again after reconnects. */
  watch(changed: (entry: KeyEntry) => void): Promise<void>;
}

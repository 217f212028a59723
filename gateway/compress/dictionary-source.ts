// Published dictionaries, from NATS KV to this gateway (written by `hawser dictionary publish`). One small key lists the newest;
// it is read again every few seconds, and only dictionaries that are new here are fetched: a watch of the bucket would send all
// of them again after each reconnect. What is wrong in the bucket is logged and leaves everything as it was.
import { hash } from "node:crypto";
import type { KeyValue } from "../../proto/bus.ts";
import { type Dictionary, dictionaryOf } from "../../proto/codec/codec.ts";
import { DICTIONARIES_LIST_KEY, dictionaryKey, readDictionaryList } from "../../proto/codec/dictionary-list.ts";
import type { Log } from "../log.ts";
import type { DictionarySet } from "./dictionary-set.ts";

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hash("sha256", bytes, "buffer"));

export class DictionarySource {
  private readonly set: DictionarySet;
  private readonly log: Log;
  private revision: number;
  private reading: boolean;

  constructor(set: DictionarySet, log: Log) {
    this.set = set;
    this.log = log;
    this.revision = 0;
    this.reading = false;
  }

  /** Reads what changed. Never rejects; a call while another is under way does nothing. */
  async read(bucket: KeyValue): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const list = await bucket.get(DICTIONARIES_LIST_KEY);
      if (list === undefined || list.revision === this.revision) return;
      const dictionaries: Dictionary[] = [];
      for (const name of readDictionaryList(list.value)) {
        const known = this.set.find(name);
        const dictionary = known === undefined ? await fetchDictionary(bucket, name) : this.set.of(known);
        if (dictionary !== undefined) dictionaries.push(dictionary);
        else this.log.warn({ name }, "a dictionary is listed and is not in the bucket, or is not what its name says");
      }
      if (!this.set.publish(dictionaries)) this.log.warn({}, "too many dictionaries are in use: not all that are published can be offered");
      this.revision = list.revision;
      this.log.info({ dictionaries: dictionaries.map(({ name }) => name) }, "dictionaries");
    } catch (error) {
      this.log.warn({ error: error instanceof Error ? error.message : String(error) }, "dictionaries cannot be read");
    } finally {
      this.reading = false;
    }
  }
}

async function fetchDictionary(bucket: KeyValue, name: string): Promise<Dictionary | undefined> {
  const entry = await bucket.get(dictionaryKey(name));
  if (entry === undefined || entry.value.length === 0) return undefined;
  const dictionary = dictionaryOf(new Uint8Array(entry.value), sha256);
  return dictionary.name === name ? dictionary : undefined;
}

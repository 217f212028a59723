// Published dictionaries, from NATS KV to this gateway (written by `hawser dictionary publish`). One small key lists the newest;
// it is read again every few seconds, and only dictionaries that are new here are fetched: a watch of the bucket would send all
// of them again after each reconnect. What is wrong in the bucket is logged and leaves everything as it was; what is missing, or has
// no room, is tried again each time.
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
  /** Of the list that was taken whole; until then, what is missing is looked for each time. */
  private revision: number;
  /** Of the list that problems were told of. */
  private toldRevision: number;
  private reading: boolean;

  constructor(set: DictionarySet, log: Log) {
    this.set = set;
    this.log = log;
    this.revision = 0;
    this.toldRevision = 0;
    this.reading = false;
  }

  /** Reads what changed. Never rejects; a call while another is under way does nothing. */
  async read(bucket: KeyValue): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      const list = await bucket.get(DICTIONARIES_LIST_KEY);
      if (list === undefined || list.revision === this.revision) return;
      const told = list.revision === this.toldRevision;
      const dictionaries: Dictionary[] = [];
      let whole = true;
      for (const name of readDictionaryList(list.value)) {
        const known = this.set.find(name);
        const dictionary = known === undefined ? await fetchDictionary(bucket, name) : this.set.of(known);
        if (dictionary !== undefined) {
          dictionaries.push(dictionary);
          continue;
        }
        whole = false;
        if (!told) this.log.warn({ name }, "a dictionary is listed and is not in the bucket, or is not what its name says");
      }
      if (!this.set.publish(dictionaries)) {
        whole = false;
        if (!told) this.log.warn({}, "too many dictionaries are in use: not all that are published can be offered yet");
      }
      this.toldRevision = list.revision;
      if (whole) this.revision = list.revision;
      if (whole || !told) this.log.info({ dictionaries: dictionaries.map(({ name }) => name) }, "dictionaries");
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

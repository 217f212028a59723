// Published dictionaries in NATS KV: one key for each, and the list of them, which gateways follow.
import type { KeyValue } from "../../proto/bus.ts";
import type { Dictionary } from "../../proto/codec/codec.ts";
import { DICTIONARIES_LIST_KEY, dictionaryKey, readDictionaryList, withNewest } from "../../proto/codec/dictionary-list.ts";

const ATTEMPTS_MAX = 5;

/** Puts the dictionary there and in front of the list. Throws when others keep writing the list meanwhile. */
export async function publishDictionary(bucket: KeyValue, dictionary: Dictionary): Promise<void> {
  // Under its own digest: what stands there already is the same.
  await bucket.update(dictionaryKey(dictionary.name), dictionary.bytes, 0);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const list = await bucket.get(DICTIONARIES_LIST_KEY);
    const names = list === undefined ? [] : readDictionaryList(list.value);
    if (names[0] === dictionary.name) return;
    if ((await bucket.update(DICTIONARIES_LIST_KEY, withNewest(names, dictionary.name), list?.revision ?? 0)) !== undefined) return;
  }
  throw new Error("somebody else publishes dictionaries at the same time: try again");
}

/** Names of those published, newest first. */
export async function publishedDictionaries(bucket: KeyValue): Promise<string[]> {
  const list = await bucket.get(DICTIONARIES_LIST_KEY);
  return list === undefined ? [] : readDictionaryList(list.value);
}

/** The bytes of one, published now or earlier. */
export async function storedDictionary(bucket: KeyValue, name: string): Promise<Uint8Array | undefined> {
  const entry = await bucket.get(dictionaryKey(name));
  return entry === undefined || entry.value.length === 0 ? undefined : new Uint8Array(entry.value);
}

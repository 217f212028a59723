// What stands in the KV bucket of dictionaries: each under its id, and one key that lists the published ones, newest first, as
// lines of 16 hex digits. Writing that key publishes. Pure.

export const DICTIONARIES_LIST_KEY = "published";
/** Published at once: so many versions back are honoured everywhere. */
export const DICTIONARIES_LISTED_MAX = 8;

/** The key of a dictionary's bytes. */
export function dictionaryKey(name: string): string {
  return `dictionary.${name}`;
}

/** Names, newest first. Throws RangeError on anything but a list. */
export function readDictionaryList(value: Uint8Array): string[] {
  const text = new TextDecoder().decode(value);
  const names = text === "" ? [] : text.split("\n");
  if (names.length > DICTIONARIES_LISTED_MAX || names.some((name) => !/^[0-9a-f]{16}$/.test(name))) {
    throw new RangeError(`not a list of at most ${DICTIONARIES_LISTED_MAX} dictionaries`);
  }
  return names;
}

/** The list with one more in front; the oldest falls off its end. */
export function withNewest(names: readonly string[], name: string): Uint8Array {
  const list = [name, ...names.filter((other) => other !== name)].slice(0, DICTIONARIES_LISTED_MAX);
  return new TextEncoder().encode(list.join("\n"));
}

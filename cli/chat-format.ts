// What the terminal chat prints, as plain functions. Everything that came over the network goes through printable():
// a message must not be able to move the cursor or colour the screen of its reader.

/** Text safe for a terminal: control characters become visible, line breaks are indented. */
export function printable(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (c) => (c === "\t" ? "  " : "\ufffd"))
    .replaceAll("\n", "\n        ");
}

/** The first characters of a text, on one line. */
export function snippet(text: string, charactersMax = 40): string {
  const line = printable(text).replace(/\s+/g, " ");
  const characters = [...line];
  return characters.length <= charactersMax ? line : `${characters.slice(0, charactersMax - 1).join("")}…`;
}

export function clock(unixMs: number): string {
  return new Date(unixMs).toTimeString().slice(0, 5);
}

export interface ShownMessage {
  time: number;
  from: string;
  /** The other user of the conversation. */
  peer: string;
  mine: boolean;
  text: string | undefined;
  bytes: number;
}

/** `12:30  bob: hello`, or with both names when it is not from whom one is talking to. */
export function messageLine(message: ShownMessage, talkingTo: string | undefined): string {
  const text = message.text === undefined ? `(${message.bytes} bytes of data)` : printable(message.text);
  const from = printable(message.from);
  const peer = printable(message.peer);
  const who = message.peer === talkingTo ? from : message.mine ? `${from} → ${peer}` : `${from} (/to ${peer} to answer)`;
  return `${clock(message.time)}  ${who}: ${text}`;
}

const DURABILITY_WORDS: Record<string, string> = {
  fsync: "stored (fsync)",
  replicated: "stored (replicated)",
  memory: "taken (memory only)",
};

/** What an acknowledgement promises. */
export function durabilityWords(durability: string): string {
  return `✓ ${DURABILITY_WORDS[durability] ?? "stored"}`;
}

/** A wait for people. */
export function waitWords(ms: number): string {
  return ms < 950 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`;
}

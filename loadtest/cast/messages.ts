// The messages that a demo or a load test replays: a JSON-lines file ({"from","to","text"} a line, plain or gzipped), or a
// small built-in sample when there is none.
import { createReadStream, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import { createInterface } from "node:readline";

export interface ChatMessage {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

export interface ChatMessages {
  readonly source: string;
  readonly messages: ChatMessage[];
}

/** Real messages, where a checkout has them beside it. */
const BESIDE_THE_PROJECT = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../../shared/data/sms.jsonl.gz" : "../../../../shared/data/sms.jsonl.gz", import.meta.url),
);

/** Reads at most `limit` messages of `file`, or of the default. Throws naming the line that is not a message. */
export async function readMessages(file: string | undefined, limit: number): Promise<ChatMessages> {
  const path = file ?? process.env.HAWSER_MESSAGES ?? (existsSync(BESIDE_THE_PROJECT) ? BESIDE_THE_PROJECT : undefined);
  if (path === undefined) return { source: "built-in sample", messages: sampleMessages(Math.min(limit, SAMPLE_MESSAGES)) };
  const raw = createReadStream(path);
  const input = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  // An error of the file must end the reading of the pipe behind it.
  raw.on("error", (error) => input.destroy(error));
  const messages: ChatMessage[] = [];
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (text.trim() === "") continue;
    if (messages.length >= limit) break;
    messages.push(parseMessage(text, `${path}:${line}`));
  }
  raw.destroy();
  if (messages.length === 0) throw new Error(`${path} holds no messages`);
  return { source: path, messages };
}

function parseMessage(line: string, where: string): ChatMessage {
  let value: Partial<ChatMessage>;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${where}: not JSON`);
  }
  const { from, to, text } = value ?? {};
  if (typeof from !== "string" || typeof to !== "string" || typeof text !== "string") throw new Error(`${where}: "from", "to" and "text" must be strings`);
  // A lone surrogate has no UTF-8: what arrives is U+FFFD, so that is what is sent.
  return { from, to, text: Buffer.from(text).toString() };
}

const SAMPLE_MESSAGES = 2000;
const SAMPLE_USERS = 120;
const SAMPLE_TEXTS = [
  "on my way",
  "Running ten minutes late, sorry!",
  "did you eat already?",
  "ok",
  "Call me when you are free",
  "haha yes",
  "Where did we park?",
  "The train stands still again…",
  "see you at eight",
  "Can you bring the charger?",
  "Happy birthday!! 🎂",
  "我到了，你在哪里？",
  "晚上一起吃饭吗？",
  "好的",
  "no idea, ask Mina",
  "Meeting moved to 3, room is the same",
  "I left the keys with the neighbour downstairs, she is home until six",
  "👍",
  "Did the parcel come?",
  "Grüße aus Köln, es regnet natürlich",
  "спасибо, до завтра",
  "what was the name of that film with the lighthouse?",
  "We are out of milk, bread, and patience",
  "Test at nine. Wish me luck",
  "let me check and tell you in a minute",
  "なるほど",
  "who is picking up the kids today?",
  "Photos are great, send me the one on the bridge please",
  "never mind, found it",
  "good night",
];

/** A small world of its own: few talk much, many talk little; the same every time. */
export function sampleMessages(count: number): ChatMessage[] {
  let state = 20250101;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
  const user = (index: number): string => `sample-${String(index).padStart(4, "0")}`;
  return Array.from({ length: count }, () => {
    // The smaller of two draws: low indexes are the talkative ones.
    const from = Math.min(random(SAMPLE_USERS), random(SAMPLE_USERS));
    const to = (from + 1 + random(Math.min(8, SAMPLE_USERS - 1))) % SAMPLE_USERS;
    return { from: user(from), to: user(to), text: SAMPLE_TEXTS[random(SAMPLE_TEXTS.length)]! };
  });
}

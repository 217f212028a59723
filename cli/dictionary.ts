// `hawser dictionary`: trains a compression dictionary on messages, says what it saves, and publishes it to the gateways.
import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { bodyOf, numbered, pushFrame } from "../bench/samples.ts";
import { readMessages } from "../loadtest/cast/messages.ts";
import { connectBus } from "../proto/bus-nats.ts";
import type { KeyValue } from "../proto/bus.ts";
import { type Dictionary, dictionaryOf } from "../proto/codec/codec.ts";
import { defaultDictionary } from "../proto/codec/default-dictionary.ts";
import { Limits } from "../proto/limits.ts";
import { dictionariesBucket } from "../proto/subject.ts";
import { publishDictionary, publishedDictionaries, storedDictionary } from "./dictionary/bucket.ts";
import { savingOf } from "./dictionary/saving.ts";
import { trainDictionary, type TrainingMessage } from "./dictionary/train.ts";
import { Failure } from "./failure.ts";
import { integer, option } from "./options.ts";
import { DEFAULT_PORTS } from "./stack.ts";

/** More messages make it slower and hardly better. */
const MESSAGES_MAX = 200_000;
/** Of ten senders, those that the dictionary is measured on and not trained on. */
const HELD_OUT_OF_TEN = 2;
const NATS_WAIT_MS = 5000;

interface NatsFlags {
  nats: string;
  cluster: string;
}

interface TrainFlags extends NatsFlags {
  out?: string;
  bytes: number;
  sendersMin: number;
  limit: number;
  publish?: boolean;
}

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hash("sha256", bytes, "buffer"));

export function build(command: Command): void {
  const nats = () => option("--nats <urls>", "NATS servers, separated by commas", { env: "HAWSER_NATS", default: `nats://127.0.0.1:${DEFAULT_PORTS.nats}` });
  const cluster = () => option("--cluster <name>", "which Hawser on that NATS", { env: "HAWSER_CLUSTER", default: "hawser" });
  command
    .command("train")
    .argument("<file...>", 'messages, a line each: {"from","to","text"}; .gz too')
    .description("Train a dictionary on messages and say what it saves on messages of other senders.")
    .option("--out <file>", "write it there")
    .option("--publish", "publish it to the gateways")
    .addOption(option("--bytes <number>", "its size, at most", { default: 16_384, parse: integer(256, Limits.dictionaryBytesMax) }))
    .addOption(option("--senders-min <number>", "only what at least so many senders have written gets into it", { default: 3, parse: integer(1, 1_000_000) }))
    .addOption(option("--limit <number>", "messages to read", { default: MESSAGES_MAX, parse: integer(100, 10 * MESSAGES_MAX) }))
    .addOption(nats())
    .addOption(cluster())
    .action(train);
  command
    .command("publish")
    .argument("<file>", "a dictionary that was trained before")
    .description("Make a dictionary the newest: gateways use it within seconds, clients fetch it. Up to 8 versions are honoured.")
    .addOption(nats())
    .addOption(cluster())
    .action((file: string, flags: NatsFlags) => publish(dictionaryFrom(file), flags));
  command.command("list").description("List the dictionaries that gateways offer, newest first.").addOption(nats()).addOption(cluster()).action(list);
  command
    .command("show")
    .argument("<file-or-id>", 'a file, or an id of `list` ("default": the one that every client has)')
    .description("Print what is in a dictionary.")
    .addOption(nats())
    .addOption(cluster())
    .action(show);
  command.addHelpText(
    "after",
    `
Examples:
  hawser dictionary train messages.jsonl.gz --out chat.dict
  hawser dictionary publish chat.dict --nats nats://10.0.0.5:4222
  hawser dictionary show default`,
  );
}

async function train(files: string[], flags: TrainFlags): Promise<void> {
  const messages = [];
  for (const file of files) messages.push(...(await readable(file, flags.limit - messages.length)));
  const { known, others } = split(messages);
  if (known.length === 0 || others.length === 0) throw new Failure("too few senders: a dictionary is trained on some and measured on others");
  const bytes = trainDictionary(known, flags.bytes, flags.sendersMin);
  if (bytes.length === 0)
    throw new Failure(`nothing in these messages is written by ${flags.sendersMin} senders: give more messages, or a lower --senders-min`);
  const dictionary = dictionaryOf(bytes, sha256);
  console.log(`dictionary ${dictionary.name}: ${bytes.length} bytes, from ${known.length} messages`);
  console.log(`bytes left of each byte, on ${others.length} messages of other senders:   one push   a batch of 20`);
  const rows: [string, Uint8Array][] = [
    ["without a dictionary", new Uint8Array(0)],
    ["the default one", defaultDictionary(sha256).bytes],
    ["this one", bytes],
  ];
  const bodies = others.map((message) => message.bytes);
  for (const [name, of] of rows) {
    const { single, batch } = savingOf(of, bodies);
    console.log(`  ${name.padEnd(22)} ${single.toFixed(3)}      ${batch.toFixed(3)}`);
  }
  if (flags.out !== undefined) writeFileSync(flags.out, bytes);
  if (flags.publish === true) await publish(dictionary, flags);
}

async function readable(file: string, limit: number) {
  try {
    return limit > 0 ? (await readMessages(file, limit)).messages : [];
  } catch (error) {
    throw new Failure(error instanceof Error ? error.message : String(error));
  }
}

/** As pushes, what is compressed: those to train on, and those of a few senders to measure on. */
function split(messages: Awaited<ReturnType<typeof readable>>): { known: TrainingMessage[]; others: TrainingMessage[] } {
  const known: TrainingMessage[] = [];
  const others: TrainingMessage[] = [];
  for (const [i, sample] of numbered(messages).entries()) {
    const heldOut = sha256(sample.from)[0]! % 10 < HELD_OUT_OF_TEN;
    (heldOut ? others : known).push({ sender: messages[i]!.from, bytes: bodyOf(pushFrame(sample)) });
  }
  return { known, others };
}

async function publish(dictionary: Dictionary, flags: NatsFlags): Promise<void> {
  await withBucket(flags, (bucket) => publishDictionary(bucket, dictionary));
  console.log(`published ${dictionary.name} (${dictionary.bytes.length} bytes) to cluster ${flags.cluster}`);
}

async function list(flags: NatsFlags): Promise<void> {
  await withBucket(flags, async (bucket) => {
    for (const [rank, name] of (await publishedDictionaries(bucket)).entries()) {
      const bytes = await storedDictionary(bucket, name);
      console.log(`${name}  ${bytes?.length ?? "no"} bytes${rank === 0 ? "  newest" : ""}`);
    }
  });
  const { name, bytes } = defaultDictionary(sha256);
  console.log(`${name}  ${bytes.length} bytes  default`);
}

async function show(what: string, flags: NatsFlags): Promise<void> {
  const own = defaultDictionary(sha256);
  const dictionary = what === "default" || what === own.name ? own : /^[0-9a-f]{16}$/.test(what) ? await fetched(what, flags) : dictionaryFrom(what);
  console.log(`${dictionary.name}: ${dictionary.bytes.length} bytes`);
  // What is no text, tags and lengths of frames above all, as a point.
  console.log(
    Buffer.from(dictionary.bytes)
      .toString("utf8")
      .replace(/[\p{Cc}\ufffd]/gu, "·"),
  );
}

async function fetched(name: string, flags: NatsFlags): Promise<Dictionary> {
  const bytes = await withBucket(flags, (bucket) => storedDictionary(bucket, name));
  if (bytes === undefined) throw new Failure(`no dictionary ${name} in cluster ${flags.cluster}: see \`hawser dictionary list\``);
  return dictionaryOf(bytes, sha256);
}

function dictionaryFrom(file: string): Dictionary {
  try {
    return dictionaryOf(new Uint8Array(readFileSync(file)), sha256);
  } catch (error) {
    throw new Failure(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function withBucket<T>(flags: NatsFlags, work: (bucket: KeyValue) => Promise<T>): Promise<T> {
  const connecting = connectBus({ servers: flags.nats.split(","), name: "hawser-dictionary" });
  const bus = await Promise.race([connecting, new Promise<undefined>((resolve) => setTimeout(resolve, NATS_WAIT_MS))]);
  if (bus === undefined) throw new Failure(`no NATS at ${flags.nats}: start one, or say where with --nats`);
  try {
    return await work(await bus.keyValue(dictionariesBucket(flags.cluster)));
  } finally {
    await bus.close();
  }
}

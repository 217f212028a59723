// `hawser chat`: a chat client for a terminal, and for scripts when its input is a pipe.
import { homedir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { FileStore, HawserClient } from "../client/index.ts";
import { Screen } from "./chat-screen.ts";
import { ChatSession } from "./chat-session.ts";
import { option, seconds } from "./options.ts";
import { ProcessRecord } from "./process-record.ts";

interface Flags {
  as: string;
  to?: string;
  url: string;
  device: string;
  token?: string;
  state?: string;
  wait: number;
  follow?: boolean;
}

/** Lines read ahead of what is confirmed, when they come from a pipe. */
const UNCONFIRMED_MAX = 64;

export function build(command: Command): void {
  command
    .requiredOption("--as <name>", "who you are")
    .option("--to <name>", "whom to talk to; /to NAME changes it")
    .addOption(option("--url <url>", "the gateway: tcp://, tls://, ws:// or wss://", { env: "HAWSER_URL", default: "tcp://127.0.0.1:7070" }))
    .option("--device <name>", "name of this device; one connection for each", "terminal")
    .addOption(option("--token <token>", "token to log in with", { env: "HAWSER_TOKEN", defaultText: "dev:NAME" }))
    .option("--state <file>", "where unsent messages and positions are kept; none: nowhere (default: ~/.hawser/chat/NAME-DEVICE.json)")
    .addOption(option("--wait <time>", "how long the last messages may take at the end", { default: 30, defaultText: "30s", parse: seconds }))
    .option("--follow", "stay when the input ends, and print what comes")
    .addHelpText(
      "after",
      `
Examples:
  npm run chat -- --as alice --to bob
  npm run chat -- --as bob --to alice --url ws://127.0.0.1:7071
  echo "backup done" | npm run -s chat -- --as cron --to alice    # one message a line; exits 0 when all are stored
While it runs, /help says what can be typed.`,
    )
    .action(chat);
}

async function chat(flags: Flags): Promise<void> {
  const file = flags.state ?? join(homedir(), ".hawser/chat", `${encodeURIComponent(flags.as)}-${encodeURIComponent(flags.device)}.json`);
  const kept = file !== "none";
  // Two clients on one state would number their messages alike.
  const claim = kept
    ? await ProcessRecord.claim(`${file}.run`, { inUse: (holder) => `${file} is in use by ${holder}, another chat: pass another --device, or --state none` })
    : undefined;
  const client = new HawserClient({
    url: flags.url,
    token: flags.token ?? `dev:${flags.as}`,
    device: flags.device,
    // The conversation at hand gets its history from the server; without a state there is no "since last time" for the others.
    history: 0,
    ...(kept && { store: new FileStore(file) }),
  });

  const lines: string[] = [];
  let ended = false;
  let wake = () => {};
  const screen = new Screen(process.stdin, process.stdout, {
    line: (text) => {
      lines.push(text);
      if (lines.length >= UNCONFIRMED_MAX) screen.pause(true);
      wake();
    },
    end: () => {
      ended = true;
      wake();
    },
  });
  const session = new ChatSession(client, screen, { me: flags.as, to: flags.to, url: flags.url, waitMs: flags.wait * 1000, kept });
  session.start();
  // A client that gave up ends the chat; one that is not connected yet does not keep anybody from writing.
  void session.over.then(() => {
    ended = true;
    lines.length = 0;
    wake();
  });

  try {
    // Old lines first, then new ones.
    await session.begun;
    for (;;) {
      const line = lines.shift();
      if (line === undefined) {
        if (ended) break;
        screen.pause(false);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (!session.line(line)) break;
      // Behind a pipe, lines come faster than acknowledgements: bounded, and in step.
      if (!screen.terminal && session.unconfirmed >= UNCONFIRMED_MAX) await session.settled();
    }
    if (flags.follow && ended && !screen.terminal) await Promise.race([untilSignal(), session.over]);
    await session.end();
  } finally {
    screen.close();
    await client.close();
    claim?.release();
  }
}

/** Resolves at Ctrl-C or SIGTERM. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

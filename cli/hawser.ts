// The `hawser` command: one file per command in this folder, loaded only when it is called, so that --help is quick.
// Each of them exports `build(command)`, which adds its options, help and action to a command that has its name and summary.
import { Command, CommanderError } from "commander";
import { report } from "./failure.ts";

interface CommandFile {
  build(command: Command): void;
}

interface CommandPlan {
  summary: string;
  load: () => Promise<CommandFile>;
}

const COMMANDS: Record<string, CommandPlan> = {
  start: { summary: "start a whole Hawser on this machine, for development", load: () => import("./start.ts") },
  roll: { summary: "replace the gateways of a running start, without losing a client", load: () => import("./roll-command.ts") },
  chat: { summary: "chat in this terminal", load: () => import("./chat.ts") },
  demo: { summary: "replay real messages between many clients and check every one", load: () => import("./demo.ts") },
  loadtest: { summary: "put load on a whole Hawser, measure it and check every message", load: () => import("./loadtest.ts") },
  bench: { summary: "measure what things cost, as ratios to a floor", load: () => import("./bench.ts") },
  "bench:peers": { summary: "measure Hawser beside others on this machine", load: () => import("./bench-peers.ts") },
  fuzz: { summary: "feed parsers and sessions with bad input and check what they do", load: () => import("./fuzz.ts") },
  profile: { summary: "find where the time of a gateway or of logic goes", load: () => import("./profile.ts") },
  dictionary: { summary: "train compression dictionaries, and publish them to the gateways", load: () => import("./dictionary.ts") },
  token: { summary: "make a token for a user", load: () => import("./token.ts") },
  gateway: { summary: "run a gateway: holds client connections", load: () => import("./gateway.ts") },
  logic: { summary: "run logic: orders and stores messages", load: () => import("./logic.ts") },
};

/** Runs one command line (without node and the program's name). Returns the exit code. */
async function main(args: string[]): Promise<number> {
  const program = new Command("hawser")
    .description("Hawser: a connection layer for instant messaging.")
    .option("--debug", "show where errors come from (also HAWSER_DEBUG=1)")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(add --help for what there is)")
    .exitOverride()
    .addHelpText("after", "\nhawser COMMAND --help says more about a command. Options can be given by environment variables as well, where it says so.");
  const called = args.find((arg) => !arg.startsWith("-"));
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`);
    if (name === called || (called === "help" && args.includes(name))) (await load()).build(command);
  }
  if (args.length === 0) program.help();
  await program.parseAsync(args, { from: "user" });
  return Number(process.exitCode ?? 0);
}

// An empty variable is one that is not set: `HAWSER_JWT_SECRET= npm start` means no secret.
for (const [name, value] of Object.entries(process.env)) if (name.startsWith("HAWSER_") && value === "") Reflect.deleteProperty(process.env, name);

try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  // Commander has printed its own errors (and --help, which ends like one).
  if (error instanceof CommanderError) process.exit(error.exitCode);
  report(error, process.argv.includes("--debug") || Boolean(process.env["HAWSER_DEBUG"]));
  process.exit(1);
}

// `hawser logic`: flags and environment to the configuration of logic/main.ts, and the life of its process.
import type { Command } from "commander";
import { LOGIC_DEFAULTS, type LogicConfig } from "../logic/config.ts";
import { runLogic } from "../logic/main.ts";
import { integer, logLevel, option, port, seconds } from "./options.ts";
import { serve } from "./serve.ts";

interface Flags {
  data: string;
  host: string;
  httpPort: number;
  nats: string;
  cluster: string;
  shards: number;
  sessionsPerUser: number;
  absentMib: number;
  absentFor: number;
  logLevel: string;
}

export function build(command: Command): void {
  const d = LOGIC_DEFAULTS;
  command
    .addOption(option("--data <dir>", "directory of the store; made when it is not there", { env: "HAWSER_LOGIC_DATA", default: d.dataDir }))
    .addOption(option("--http-port <port>", "port of /healthz, /readyz and /metrics", { env: "HAWSER_LOGIC_HTTP_PORT", default: d.httpPort, parse: port }))
    .addOption(option("--host <address>", "address that HTTP listens on", { env: "HAWSER_LOGIC_HOST", default: d.host }))
    .addOption(option("--nats <urls>", "NATS servers, separated by commas", { env: "HAWSER_NATS", default: d.natsUrl }))
    .addOption(option("--cluster <name>", "keeps several Hawsers on one NATS apart", { env: "HAWSER_CLUSTER", default: d.cluster }))
    .addOption(option("--shards <count>", "shards of a new store, a power of two", { env: "HAWSER_SHARDS", default: d.shardCount, parse: integer(1, 65_536) }))
    .addOption(
      option("--sessions-per-user <count>", "live sessions of one user; of more, the first to connect has to go", {
        env: "HAWSER_SESSIONS_PER_USER",
        default: d.sessionsPerUserMax,
        parse: integer(1, 100_000),
      }),
    )
    .addOption(
      option(
        "--absent-mib <count>",
        "memory for users whose last session ended: a storm is answered without the store as far as its users fit, 256 bytes each and 256 a conversation",
        {
          env: "HAWSER_ABSENT_MIB",
          default: d.absentMib,
          parse: integer(0, 1_048_576),
        },
      ),
    )
    .addOption(
      option("--absent-for <time>", "for how long those are kept, such as 90s, 15m or 1h", {
        env: "HAWSER_ABSENT_FOR",
        default: d.absentSeconds,
        defaultText: "1h",
        parse: seconds,
      }),
    )
    .addOption(logLevel(d.logLevel))
    .addHelpText("after", "\nExample:\n  hawser logic --data /var/lib/hawser --nats nats://10.0.0.5:4222 --host 0.0.0.0")
    .action(async (flags: Flags) => {
      const config: LogicConfig = {
        dataDir: flags.data,
        natsUrl: flags.nats,
        cluster: flags.cluster,
        host: flags.host,
        httpPort: flags.httpPort,
        shardCount: flags.shards,
        sessionsPerUserMax: flags.sessionsPerUser,
        absentMib: flags.absentMib,
        absentSeconds: flags.absentFor,
        logLevel: flags.logLevel,
      };
      await serve(() => runLogic(config));
    });
}

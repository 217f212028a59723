// A logic process: opens the store, connects to NATS, serves. Ends itself when it must not serve any more; its
// supervisor starts it again, and the store is opened with a new epoch.
import { mkdirSync } from "node:fs";
import { pino } from "pino";
import { connectBus } from "../proto/bus-nats.ts";
import { serveAdmin } from "../proto/admin-http.ts";
import { checkLogicConfig, type LogicConfig, MIB } from "./config.ts";
import { Logic } from "./logic.ts";
import { logicMetrics } from "./metrics.ts";
import { USER_LIMITS } from "./shard/user-shard.ts";
import { openLevelStore } from "./store/leveldb.ts";

export interface RunningLogic {
  httpPort: number;
  stop(): Promise<void>;
}

/** Runs logic until stop(). Throws when the store cannot be opened or the configuration is wrong. */
export async function runLogic(given: Partial<LogicConfig>): Promise<RunningLogic> {
  const config = checkLogicConfig(given);
  const log = pino({ name: "logic", level: config.logLevel });
  mkdirSync(config.dataDir, { recursive: true });
  // The outcome of a commit is unknown, or somebody else owns the store: answer nothing more, start over.
  const fatal = (error: unknown): never => {
    log.fatal({ err: error }, "logic must stop");
    process.exit(1);
  };
  const store = await openLevelStore({ dir: config.dataDir, shardCount: config.shardCount, onFailure: fatal });
  log.info({ dir: config.dataDir, epoch: store.meta.epoch, shards: store.meta.shardCount }, "store open");
  const bus = await connectBus({
    servers: config.natsUrl.split(","),
    name: "hawser-logic",
    onStatus: (status) => log.warn({ status }, "NATS"),
  });
  const logic = new Logic({
    bus,
    store,
    cluster: config.cluster,
    limits: {
      users: {
        ...USER_LIMITS,
        sessionsPerUserMax: config.sessionsPerUserMax,
        absentBytesMax: config.absentMib * MIB,
        absentSecondsMax: config.absentSeconds,
      },
    },
    fatal,
    warn: (message, fields) => log.warn(fields, message),
  });
  const metrics = logicMetrics(logic);
  const admin = await serveAdmin({ host: config.host, port: config.httpPort, ready: () => logic.ownership?.held === true && bus.connected, metrics });
  await logic.start();
  return {
    httpPort: admin.port,
    async stop() {
      await logic.stop();
      await bus.close();
      await admin.close();
      log.info("stopped");
    },
  };
}

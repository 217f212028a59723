// The configuration of a logic process, checked before anything starts.
import { Limits } from "../proto/limits.ts";
import { checkCluster } from "../proto/subject.ts";
import { USER_LIMITS } from "./shard/user-shard.ts";

export interface LogicConfig {
  /** Directory of the embedded store; made when it is not there. */
  dataDir: string;
  /** nats://host:port, several separated by commas. */
  natsUrl: string;
  /** Keeps several Hawsers on one NATS apart. */
  cluster: string;
  host: string;
  /** Health, readiness and metrics; 0: any free port. */
  httpPort: number;
  /** Of a new store; an old one keeps its own, and a difference is an error. */
  shardCount: number;
  /** Live sessions of one user; of more, the one that connected first has to go. */
  sessionsPerUserMax: number;
  /** Memory for users whose last session ended, in MiB, so that who comes back is answered without the store; 0: none is kept. */
  absentMib: number;
  /** For how long, in seconds. */
  absentSeconds: number;
  logLevel: string;
}

export const MIB = 1024 * 1024;

export const LOGIC_DEFAULTS: LogicConfig = {
  dataDir: "data/logic",
  natsUrl: "nats://127.0.0.1:7073",
  cluster: "hawser",
  host: "127.0.0.1",
  httpPort: 7074,
  shardCount: Limits.shardCountDefault,
  sessionsPerUserMax: USER_LIMITS.sessionsPerUserMax,
  absentMib: USER_LIMITS.absentBytesMax / MIB,
  absentSeconds: USER_LIMITS.absentSecondsMax,
  logLevel: "info",
};

/** Fills in the defaults. Throws RangeError naming the option that is wrong. */
export function checkLogicConfig(given: Partial<LogicConfig>): LogicConfig {
  const config = { ...LOGIC_DEFAULTS, ...given };
  checkCluster(config.cluster);
  if (!Number.isInteger(config.shardCount) || config.shardCount < 1 || config.shardCount > 65_536 || (config.shardCount & (config.shardCount - 1)) !== 0) {
    throw new RangeError(`shard count must be a power of two from 1 to 65536: ${config.shardCount}`);
  }
  if (!Number.isInteger(config.sessionsPerUserMax) || config.sessionsPerUserMax < 1 || config.sessionsPerUserMax > 100_000) {
    throw new RangeError(`sessions per user must be a number from 1 to 100000: ${config.sessionsPerUserMax}`);
  }
  if (!Number.isInteger(config.absentMib) || config.absentMib < 0 || config.absentMib > 1_048_576) {
    throw new RangeError(`memory for absent users must be 0 to 1048576 MiB: ${config.absentMib}`);
  }
  if (!Number.isInteger(config.absentSeconds) || config.absentSeconds < 1) {
    throw new RangeError(`absent users must be kept for a whole number of seconds, 1 at least: ${config.absentSeconds}`);
  }
  if (!Number.isInteger(config.httpPort) || config.httpPort < 0 || config.httpPort > 65_535) throw new RangeError(`not a port: ${config.httpPort}`);
  return config;
}

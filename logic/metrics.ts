// What a logic process shows to Prometheus. Numbers are read when somebody asks; nothing is counted twice.
import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import { frameTypeName } from "../proto/frame-type.ts";
import { hawser as fabric } from "../proto/gen/fabric.js";
import type { Logic } from "./logic.ts";

const { Operation } = fabric.fabric.v1;

export function logicMetrics(logic: Logic): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const level = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  total("hawser_logic_commits_total", "Synced commits.", () => logic.groupCommit.commits);
  total("hawser_logic_records_total", "Records in them: rows, refusals, index rows, read positions.", () => logic.groupCommit.records);
  total("hawser_logic_batches_total", "Batches from gateways.", () => logic.ingest.counters.batches);
  total("hawser_logic_bad_batches_total", "Batches that could not be read.", () => logic.ingest.counters.badBatches);
  total("hawser_logic_link_resets_total", "Links that gateways were told to open anew.", () => logic.ingest.counters.resets);
  total("hawser_logic_lost_gateways_total", "Gateways that fell silent or took nothing any more.", () => logic.ingest.counters.lostGateways);
  total("hawser_logic_digest_mismatches_total", "Session tables found different from a gateway's.", () => logic.ingest.counters.digestMismatches);
  level("hawser_logic_gateways", "Gateways with a link.", () => logic.ingest.peers.size);
  level("hawser_logic_sessions", "Sessions attached.", () => sum(logic.ingest.peers.values(), (peer) => peer.sessions.size));
  level("hawser_logic_conversations", "Conversations in memory.", () => sum(logic.conversations, (shard) => shard.size));
  level("hawser_logic_users", "Users in memory.", () => sum(logic.users, (shard) => shard.size));
  level("hawser_logic_absent_users", "Those of them without a session.", () => logic.absent.users);
  level("hawser_logic_absent_bytes", "Memory that those count for, of what is set for them.", () => logic.absent.bytes);
  level("hawser_logic_lease_held", "1 while the lease is held.", () => (logic.ownership?.held ? 1 : 0));
  level("hawser_logic_epoch", "Epoch of this opening of the store.", () => logic.epoch);
  new Counter({
    name: "hawser_logic_store_reads_total",
    help: "Reads of the store, by what was asked for.",
    labelNames: ["kind"],
    registers,
    collect() {
      this.reset();
      for (const [kind, count] of Object.entries(logic.storeReads)) this.inc({ kind }, count);
    },
  });
  new Counter({
    name: "hawser_logic_commands_total",
    help: "Commands by type.",
    labelNames: ["type"],
    registers,
    collect() {
      this.reset();
      for (const [type, count] of logic.dispatch.counts.entries()) if (count > 0) this.inc({ type: commandName(type) }, count);
    },
  });
  return registry;
}

function commandName(type: number): string {
  return type === Operation.OPERATION_ATTACH ? "Attach" : type === Operation.OPERATION_DETACH ? "Detach" : frameTypeName(type);
}

function sum<T>(items: Iterable<T>, value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}

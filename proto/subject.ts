// Every NATS subject, bucket and key is built here, and nowhere else. Ids of users never stand in a subject.
import { hex } from "./hex.ts";

/** Cluster names keep several Hawsers apart on one NATS. Throws RangeError for anything but letters, digits, _ and -. */
export function checkCluster(cluster: string): string {
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(cluster)) throw new RangeError(`cluster name must be 1 to 32 of A-Z a-z 0-9 _ -: ${JSON.stringify(cluster)}`);
  return cluster;
}

/** Where a gateway process takes Down batches. */
export function gatewaySubject(cluster: string, incarnation: Uint8Array): string {
  return `hawser.${cluster}.gateway.${hex(incarnation)}`;
}

/** Where a logic process takes Up batches. */
export function logicSubject(cluster: string, incarnation: Uint8Array): string {
  return `hawser.${cluster}.logic.${hex(incarnation)}`;
}

/** The KV bucket of leases: one key for each range of shards, its value an Owner. */
export function ownersBucket(cluster: string): string {
  return `hawser-${cluster}-owners`;
}

/** The key of a range of shards, both ends included. */
export function ownerKey(shardFirst: number, shardLast: number): string {
  return `shards.${shardFirst}-${shardLast}`;
}

/** The KV bucket of what the fleet learned of networks' idle timeouts: pages of networks, and a salt. */
export function heartbeatsBucket(cluster: string): string {
  return `hawser-${cluster}-heartbeats`;
}

/** The KV bucket of compression dictionaries: one key for each, and one that names the newest. */
export function dictionariesBucket(cluster: string): string {
  return `hawser-${cluster}-dictionaries`;
}

/** The KV bucket of gateways that run: one key for each, bumped while it lives; its value says where clients reach it and how full it is. */
export function gatewaysBucket(cluster: string): string {
  return `hawser-${cluster}-gateways`;
}

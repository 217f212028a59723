// What gateways share: networks in pages, a page a value of the key-value bucket. A network's page follows from its key, so the
// bucket has a fixed number of keys, and a page a bounded number of networks: nothing has to be deleted. JSON, because pages
// are written a few times a minute and operators read them (`nats kv get`). Pure.
//
// Invariant: whatever bytes come in, what comes out is evidence with finite weights in range; what is not is left out.
import { BUCKETS } from "./buckets.ts";
import { age, type Evidence, newEvidence, observe, weightOf } from "./evidence.ts";
import { decide, type Bounds } from "./decide.ts";
import { hash32, KEY_CHARS_MAX } from "./network-key.ts";
import type { LearnerOptions, Observation } from "./learner.ts";

export const PAGES = 64;
/** Networks of one page: with PAGES as many as a learner keeps. At some 250 bytes each a page stays far below NATS's limit of 1 MiB. */
export const PAGE_NETWORKS_MAX = 128;
/** Weights that more evidence would not change anything about; keeps numbers short. */
const WEIGHT_MAX = 1e6;

export type Page = Map<string, Evidence>;

export function pageKey(page: number): string {
  return `page.${page}`;
}

/** The page that a network is on; from the key alone, the same on every gateway. */
export function pageOf(networkKey: string): number {
  return hash32(networkKey, 0) % PAGES;
}

interface NetworkJson {
  at: number;
  best: number;
  probe: number;
  /** Earlier best and probe, and when they changed. */
  was: [number, number, number];
  /** Users for longer, for shorter, ever. */
  users: [number, number, number];
  /** bucket → weights: survived, died, survived lately, died lately. */
  w: Record<string, number[]>;
}

export function encodePage(page: Page): Uint8Array {
  const networks: Record<string, NetworkJson> = {};
  for (const [key, e] of page) {
    const w: Record<string, number[]> = {};
    for (let i = 0; i < BUCKETS; i++) {
      const weights = [e.survived[i]!, e.died[i]!, e.survivedFast[i]!, e.diedFast[i]!].map((weight) => Math.round(weight * 100) / 100);
      if (weights.some((weight) => weight > 0)) w[i] = weights;
    }
    const users: NetworkJson["users"] = [e.longerUsers >>> 0, e.shorterUsers >>> 0, e.users >>> 0];
    networks[key] = { at: e.agedAt, best: e.best, probe: e.probe, was: [e.allowedBest, e.allowedProbe, e.changedAt], users, w };
  }
  return new TextEncoder().encode(JSON.stringify({ format: 1, networks }));
}

/** Empty for empty bytes. Undefined: no page of a format known here; it must not be written over. */
export function decodePage(bytes: Uint8Array): Page | undefined {
  const page: Page = new Map();
  if (bytes.length === 0) return page;
  let json: { format?: unknown; networks?: Record<string, Partial<NetworkJson>> };
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Not ours: said by the answer.
    return undefined;
  }
  if (json?.format !== 1 || typeof json.networks !== "object" || json.networks === null) return undefined;
  for (const [key, network] of Object.entries(json.networks)) {
    if (page.size >= PAGE_NETWORKS_MAX) break;
    if (key.length > KEY_CHARS_MAX || typeof network !== "object" || network === null || !Number.isFinite(network.at)) continue;
    const evidence = newEvidence(Math.max(0, bucketIn(network.best)), network.at!);
    evidence.probe = Math.max(0, bucketIn(network.probe));
    evidence.allowedBest = bucketIn(network.was?.[0]);
    evidence.allowedProbe = bucketIn(network.was?.[1]);
    evidence.changedAt = Number.isFinite(network.was?.[2]) ? network.was![2] : network.at!;
    evidence.longerUsers = Number(network.users?.[0]) | 0;
    evidence.shorterUsers = Number(network.users?.[1]) | 0;
    evidence.users = Number(network.users?.[2]) | 0;
    for (const [index, weights] of Object.entries(network.w ?? {})) {
      const i = Number(index);
      if (!Number.isInteger(i) || i < 0 || i >= BUCKETS || !Array.isArray(weights)) continue;
      evidence.survived[i] = weightIn(weights[0]);
      evidence.died[i] = weightIn(weights[1]);
      evidence.survivedFast[i] = weightIn(weights[2]);
      evidence.diedFast[i] = weightIn(weights[3]);
    }
    page.set(key, evidence);
  }
  return page;
}

/** Adds what one gateway observed since its last write, and forgets the least known networks of a page that is full. */
export function addToPage(page: Page, observations: readonly Observation[], options: LearnerOptions, bounds: Bounds, now: number): void {
  for (const { key, bucket, died, weight, user } of observations) {
    let evidence = page.get(key);
    if (evidence === undefined) {
      if (page.size >= PAGE_NETWORKS_MAX) forgetLeast(page);
      evidence = newEvidence(bounds.start, now);
      page.set(key, evidence);
    }
    age(evidence, now, options.slowHalfLifeMs, options.fastHalfLifeMs);
    observe(evidence, bucket, died, weight, user);
    for (let i = 0; i < 2 && decide(evidence, bounds, now); i++);
  }
}

function forgetLeast(page: Page): void {
  let least: string | undefined;
  let weight = Number.POSITIVE_INFINITY;
  for (const [key, evidence] of page) {
    const of = weightOf(evidence);
    if (of >= weight) continue;
    least = key;
    weight = of;
  }
  if (least !== undefined) page.delete(least);
}

function bucketIn(value: unknown): number {
  return Number.isInteger(value) ? Math.min(BUCKETS - 1, Math.max(-1, value as number)) : 0;
}

function weightIn(value: unknown): number {
  return typeof value === "number" && value > 0 ? Math.min(WEIGHT_MAX, value) : 0;
}

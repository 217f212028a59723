// Shares what this gateway learned with the others, and keeps it beyond everybody's restart: pages in a key-value bucket of NATS
// (summary.ts), merged by compare-and-set. What was observed since the last write is added to the page as it is now, so each
// observation counts once, whoever else writes; the page that results is what this gateway knows from then on.
//
// Bounds: one turn every PERIOD_MS (spread), at most PAGES_PER_TURN pages written in it and REFRESH_PER_TURN more read; what
// waits is bounded by the learner. While NATS is away, learning goes on alone. A write whose outcome is unknown is repeated: its
// observations may count twice then, which is nothing against their half-life.
import type { KeyValue } from "../../proto/bus.ts";
import type { Log } from "../log.ts";
import type { HeartbeatLearner, Observation } from "./learner.ts";
import { addToPage, decodePage, encodePage, pageKey, pageOf, PAGES } from "./summary.ts";

export const PERIOD_MS = 20_000;
const PAGES_PER_TURN = 16;
const REFRESH_PER_TURN = 4;
const ATTEMPTS = 4;
const SALT_KEY = "salt";

export class HeartbeatSharing {
  private readonly bucket: KeyValue;
  private readonly learner: HeartbeatLearner;
  private readonly log: Log;
  private readonly periodMs: number;
  private readonly random: () => number;
  private readonly unixNow: () => number;
  private timer: NodeJS.Timeout | undefined;
  private refreshed: number;
  private stopped: boolean;
  private failing: boolean;
  private running: Promise<void> | undefined;

  private constructor(bucket: KeyValue, learner: HeartbeatLearner, log: Log, periodMs: number, random: () => number, unixNow: () => number) {
    this.bucket = bucket;
    this.learner = learner;
    this.log = log;
    this.periodMs = periodMs;
    this.random = random;
    this.unixNow = unixNow;
    this.timer = undefined;
    this.refreshed = 0;
    this.stopped = false;
    this.failing = false;
    this.running = undefined;
  }

  /** Reads what the fleet knows, then shares in turns until `stop`. Rejects when the bucket cannot be read. */
  static async start(
    bucket: KeyValue,
    learner: HeartbeatLearner,
    log: Log,
    periodMs = PERIOD_MS,
    random: () => number = Math.random,
    unixNow: () => number = Date.now,
  ): Promise<HeartbeatSharing> {
    const sharing = new HeartbeatSharing(bucket, learner, log, periodMs, random, unixNow);
    await sharing.agreeOnSalt();
    await Promise.all(Array.from({ length: PAGES }, (_, page) => sharing.read(page)));
    sharing.next();
    return sharing;
  }

  /** A last turn, and no more. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    await this.share(PAGES);
  }

  /** One turn: writes what waits, reads some of the rest. Never rejects; what could not be written waits on. */
  async share(pagesMax = PAGES_PER_TURN): Promise<void> {
    const byPage = new Map<number, Observation[]>();
    for (const observation of this.learner.pending) {
      const page = pageOf(observation.key);
      const of = byPage.get(page);
      if (of === undefined) byPage.set(page, [observation]);
      else of.push(observation);
    }
    this.learner.pending = [];
    let written = 0;
    for (const [page, observations] of byPage) {
      const done = written < pagesMax && (await this.attempt(() => this.write(page, observations)));
      if (done) written++;
      else this.learner.wait(observations);
    }
    if (this.stopped) return;
    for (let i = 0; i < REFRESH_PER_TURN; i++) {
      this.refreshed = (this.refreshed + 1) % PAGES;
      await this.attempt(async () => {
        await this.read(this.refreshed);
        return true;
      });
    }
  }

  private next(): void {
    // Spread, so that gateways that began together do not write together.
    const afterMs = this.periodMs * (0.5 + this.random());
    this.timer = setTimeout(() => {
      this.running = this.share().then(() => {
        if (!this.stopped) this.next();
      });
    }, afterMs);
    this.timer.unref();
  }

  private async write(page: number, observations: readonly Observation[]): Promise<boolean> {
    const { learner } = this;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = await this.bucket.get(pageKey(page));
      const networks = decodePage(entry?.value ?? EMPTY);
      // Somebody's newer format: what we know is of no use to him, and his is not to be destroyed.
      if (networks === undefined) return true;
      addToPage(networks, observations, learner.options, learner.bounds, this.unixNow());
      if ((await this.bucket.update(pageKey(page), encodePage(networks), entry?.revision ?? 0)) === undefined) continue;
      this.adopt(networks);
      return true;
    }
    return false;
  }

  private async read(page: number): Promise<void> {
    const entry = await this.bucket.get(pageKey(page));
    const networks = entry === undefined ? undefined : decodePage(entry.value);
    if (networks !== undefined) this.adopt(networks);
  }

  private adopt(networks: NonNullable<ReturnType<typeof decodePage>>): void {
    const { learner } = this;
    const waiting = new Map<string, Observation[]>();
    for (const observation of learner.pending) {
      if (!networks.has(observation.key)) continue;
      const of = waiting.get(observation.key);
      if (of === undefined) waiting.set(observation.key, [observation]);
      else of.push(observation);
    }
    for (const [key, evidence] of networks) learner.adopt(key, evidence, waiting.get(key) ?? [], this.unixNow());
  }

  /** Who explores is drawn alike everywhere, from a number that the first gateway made. */
  private async agreeOnSalt(): Promise<void> {
    const made = new Uint8Array(4);
    new DataView(made.buffer).setUint32(0, Math.floor(this.random() * 0x1_0000_0000));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = await this.bucket.get(SALT_KEY);
      if (entry !== undefined && entry.value.length === 4) {
        this.learner.setSalt(new DataView(entry.value.buffer, entry.value.byteOffset, 4).getUint32(0));
        return;
      }
      await this.bucket.update(SALT_KEY, made, entry?.revision ?? 0);
    }
  }

  /** False: it failed, which is said once, until something works again. */
  private async attempt(work: () => Promise<boolean>): Promise<boolean> {
    try {
      const done = await work();
      if (this.failing) this.log.info({}, "learned heartbeats are shared again");
      this.failing = false;
      return done;
    } catch (error) {
      if (!this.failing)
        this.log.warn({ error: error instanceof Error ? error.message : String(error) }, "learned heartbeats cannot be shared: learning goes on alone");
      this.failing = true;
      return false;
    }
  }
}
const EMPTY = new Uint8Array(0);

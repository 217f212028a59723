// Traffic for benchmarks: pairs of light sessions, each pair with one message in flight. The next message leaves when both the
// ack and the push of the last have come, or, at a set rate, when its time has come as well.
import { setTimeout as delay } from "node:timers/promises";
import { FrameType } from "../proto/frame-type.ts";
import { type LightEvents, LightSession } from "../loadtest/light-session.ts";

const WELCOMES_MS = 30_000;
const PACE_MS = 5;

/**
 * Connects `pairs` pairs by development tokens and lets them write, as fast as the server answers or `perSecond` messages a
 * second in all. `run`, of 5 characters, keeps their users apart from those of other runs on the same server. Rejects when not
 * all are welcomed within 30 s.
 */
export async function startPairs(
  target: { host: string; tcpPort: number },
  pairs: number,
  run: string,
  texts: readonly Uint8Array[],
  perSecond?: number,
): Promise<PairTraffic> {
  const traffic = new PairTraffic(texts, perSecond !== undefined);
  const senders: LightSession[] = [];
  for (let i = 0; i < pairs; i++) {
    const a = `a${run}${String(i).padStart(5, "0")}`;
    const b = `b${run}${String(i).padStart(5, "0")}`;
    const receiver = new LightSession(target.host, target.tcpPort, b, a, `dev:${b}`, traffic);
    const sender = new LightSession(target.host, target.tcpPort, a, b, `dev:${a}`, traffic);
    traffic.pair(sender, receiver);
    senders.push(sender);
    if (i % 50 === 49) await delay(20);
  }
  await traffic.welcomed().catch((error: unknown) => {
    traffic.stop();
    throw error;
  });
  if (perSecond === undefined) for (const sender of senders) traffic.next(sender);
  else traffic.pace(senders, perSecond);
  return traffic;
}

export class PairTraffic implements LightEvents {
  /** Messages that were acked and delivered. */
  done: number;
  private readonly paced: boolean;
  private ticker: NodeJS.Timeout | undefined;
  private readonly texts: readonly Uint8Array[];
  private readonly sessions: LightSession[];
  private readonly senderOf: Map<LightSession, LightSession>;
  /** Of the two signs that a sender waits for, how many have come. */
  private readonly signs: Map<LightSession, number>;
  private readonly underWay: Set<LightSession>;
  private welcomes: number;
  private stopped: boolean;

  constructor(texts: readonly Uint8Array[], paced = false) {
    this.done = 0;
    this.paced = paced;
    this.ticker = undefined;
    this.texts = texts;
    this.sessions = [];
    this.senderOf = new Map();
    this.signs = new Map();
    this.underWay = new Set();
    this.welcomes = 0;
    this.stopped = false;
  }

  pair(sender: LightSession, receiver: LightSession): void {
    this.sessions.push(receiver, sender);
    this.senderOf.set(sender, sender);
    this.senderOf.set(receiver, sender);
    this.signs.set(sender, 0);
  }

  next(sender: LightSession): void {
    if (this.stopped) return;
    if (this.paced) this.underWay.add(sender);
    sender.send(this.texts[(this.done * 7919) % this.texts.length]!);
  }

  frame(session: LightSession, type: number): void {
    if (type === FrameType.Welcome) this.welcomes++;
    if (type !== FrameType.Sent && type !== FrameType.Push) return;
    const sender = this.senderOf.get(session)!;
    const signs = this.signs.get(sender)! + 1;
    this.signs.set(sender, signs % 2);
    if (signs < 2) return;
    this.done++;
    if (this.paced) this.underWay.delete(sender);
    else this.next(sender);
  }

  closed(session: LightSession): void {
    if (!this.stopped) throw new Error(`the server closed the connection of ${session.user}`);
  }

  /** A pair whose last message is still under way is passed over: what the server cannot take is not sent later. */
  pace(senders: readonly LightSession[], perSecond: number): void {
    const started = performance.now();
    let due = 0;
    let turn = 0;
    this.ticker = setInterval(() => {
      for (const until = ((performance.now() - started) * perSecond) / 1000; due < until; due++) {
        const sender = senders[turn++ % senders.length]!;
        if (!this.underWay.has(sender)) this.next(sender);
      }
    }, PACE_MS);
  }

  /** Drops all connections. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.ticker);
    for (const session of this.sessions) session.close();
  }

  async welcomed(): Promise<void> {
    const count = this.sessions.length;
    const deadline = performance.now() + WELCOMES_MS;
    while (this.welcomes < count) {
      if (performance.now() > deadline) throw new Error(`only ${this.welcomes} of ${count} sessions were welcomed within ${WELCOMES_MS / 1000} s`);
      await delay(20);
    }
  }
}

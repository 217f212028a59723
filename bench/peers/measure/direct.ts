// What a 1:1 message costs: pairs of users, each with one message in flight. The next leaves when the last has been
// delivered, and acknowledged where the peer does that. Every text that comes is compared with the one that was sent.
import { setTimeout as delay } from "node:timers/promises";
import type { PeerProtocol } from "../protocol/protocol.ts";
import type { PeerServer } from "../server/server.ts";
import { Fleet, type FleetEvents, type MeasureContext } from "./fleet.ts";
import { cpuOf, DriverMeter, type Split, since, sum } from "./processes.ts";

export interface MessagePlan {
  texts: readonly Uint8Array[];
  seconds: number;
  /** Before anything is counted. */
  warmSeconds: number;
}

export interface DirectResult {
  messages: number;
  perSecond: number;
  /** Of all server processes. */
  cpuMicros: number;
  split: Split;
  /** Per message, both directions, acknowledgements and the text (twice) included. */
  wireBytes: number;
  /** Of the mean text among these messages. */
  textBytes: number;
  /** Of one core, used by the driver: near 100, it was the driver that set the pace. */
  driverPercent: number;
}

const LOGIN_TIMEOUT_MS = 30_000;
const QUIET_MS = 10_000;

/** `users`: two for each pair, sender first. `inOrder`: one logs in after the other, for a relay that pairs by order. */
export async function measureDirect(
  context: MeasureContext,
  server: PeerServer,
  protocol: PeerProtocol,
  users: readonly string[],
  inOrder: boolean,
  plan: MessagePlan,
): Promise<DirectResult> {
  const traffic = new PairTraffic(users, protocol.acks ? 2 : 1, plan.texts);
  const fleet = new Fleet(
    context,
    server,
    protocol,
    users.map((user) => ({ user })),
    traffic,
  );
  traffic.fleet = fleet;
  try {
    const { missing } = await fleet.login(LOGIN_TIMEOUT_MS, inOrder ? 1 : undefined);
    if (missing > 0) throw new Error(`${missing} of ${users.length} sessions could not log in`);
    traffic.start();
    await delay(plan.warmSeconds * 1000);
    const before = { done: traffic.done, text: traffic.textBytes, wire: fleet.wire.bytesIn + fleet.wire.bytesOut, cpu: cpuOf(server.pids()) };
    const started = performance.now();
    const driver = new DriverMeter();
    await runFor(plan.seconds, fleet, () => traffic.done);
    const elapsed = performance.now() - started;
    const driverPercent = driver.percent();
    const messages = traffic.done - before.done;
    const split = since(before.cpu, cpuOf(server.pids()), messages);
    const wire = fleet.wire.bytesIn + fleet.wire.bytesOut - before.wire;
    traffic.stop();
    fleet.check();
    if (messages === 0) throw new Error("not one message arrived");
    return {
      messages,
      perSecond: (messages * 1000) / elapsed,
      cpuMicros: sum(split),
      split,
      driverPercent,
      wireBytes: wire / messages,
      textBytes: (traffic.textBytes - before.text) / messages,
    };
  } finally {
    fleet.destroy();
  }
}

/** Waits; throws when the fleet failed, or when nothing happened for long. */
export async function runFor(seconds: number, fleet: Fleet, progress: () => number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let last = progress();
  let lastAt = performance.now();
  for (;;) {
    fleet.check();
    const now = performance.now();
    if (progress() !== last) {
      last = progress();
      lastAt = now;
    } else if (now - lastAt > QUIET_MS) throw new Error("a message was neither delivered nor acknowledged within 10 s");
    if (now >= end) return;
    await delay(Math.min(200, end - now));
  }
}

class PairTraffic implements FleetEvents {
  fleet: Fleet | undefined;
  /** Messages whose signs have all come. */
  done: number;
  /** Of those messages. */
  textBytes: number;
  private readonly users: readonly string[];
  private readonly signsWanted: number;
  private readonly texts: readonly Uint8Array[];
  /** By pair: the text in flight, and how many of its signs have come. */
  private readonly inFlight: Uint8Array[];
  private readonly signs: Uint8Array;
  private sent: number;
  private stopped: boolean;

  constructor(users: readonly string[], signsWanted: number, texts: readonly Uint8Array[]) {
    this.fleet = undefined;
    this.done = 0;
    this.textBytes = 0;
    this.users = users;
    this.signsWanted = signsWanted;
    this.texts = texts;
    this.inFlight = [];
    this.signs = new Uint8Array(users.length / 2);
    this.sent = 0;
    this.stopped = false;
  }

  start(): void {
    for (let pair = 0; pair < this.users.length / 2; pair++) this.next(pair);
  }

  stop(): void {
    this.stopped = true;
  }

  delivered(slot: number, text: Uint8Array): void {
    const pair = slot >> 1;
    if ((slot & 1) === 0 || Buffer.compare(text, this.inFlight[pair]!) !== 0) this.fleet!.fail(`slot ${slot} got a message that was not sent to it`);
    else this.sign(pair);
  }

  acked(slot: number): void {
    this.sign(slot >> 1);
  }

  private sign(pair: number): void {
    if (++this.signs[pair]! < this.signsWanted) return;
    this.done++;
    this.textBytes += this.inFlight[pair]!.length;
    this.next(pair);
  }

  private next(pair: number): void {
    if (this.stopped) return;
    // A prime step: neighbours in the file are of one conversation.
    const text = this.texts[(this.sent++ * 7919) % this.texts.length]!;
    this.inFlight[pair] = text;
    this.signs[pair] = 0;
    this.fleet!.session(2 * pair).send(this.users[2 * pair + 1]!, text);
  }
}

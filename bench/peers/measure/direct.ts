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
  const traffic = new PairTraffic(users, protocol.acks, plan.texts);
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
    await everyArrival(fleet, () => traffic.underWay);
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

/** Waits for what is under way after the last message has been sent. Throws when some of it does not come. */
export async function everyArrival(fleet: Fleet, underWay: () => number): Promise<void> {
  const deadline = performance.now() + QUIET_MS;
  for (;;) {
    fleet.check();
    if (underWay() === 0) return;
    if (performance.now() > deadline) throw new Error(`${underWay()} messages were neither delivered nor acknowledged within ${QUIET_MS / 1000} s`);
    await delay(20);
  }
}

/** Signs of a message, as bits. */
const DELIVERED = 1;
const ACKED = 2;

class PairTraffic implements FleetEvents {
  fleet: Fleet | undefined;
  /** Pairs whose message is not done yet. */
  underWay: number;
  /** Messages whose signs have all come. */
  done: number;
  /** Of those messages. */
  textBytes: number;
  private readonly users: readonly string[];
  /** Bits of a message that is done. */
  private readonly signsWanted: number;
  private readonly texts: readonly Uint8Array[];
  /** By pair: the text in flight, and which of its signs have come. */
  private readonly inFlight: Uint8Array[];
  private readonly signs: Uint8Array;
  private sent: number;
  private stopped: boolean;

  constructor(users: readonly string[], acks: boolean, texts: readonly Uint8Array[]) {
    this.fleet = undefined;
    this.underWay = 0;
    this.done = 0;
    this.textBytes = 0;
    this.users = users;
    this.signsWanted = acks ? DELIVERED | ACKED : DELIVERED;
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
    else this.sign(pair, DELIVERED);
  }

  acked(slot: number): void {
    this.sign(slot >> 1, ACKED);
  }

  private sign(pair: number, sign: number): void {
    const signs = this.signs[pair]!;
    if ((signs & sign) !== 0) {
      this.fleet!.fail(`a message of pair ${pair} was ${sign === ACKED ? "acknowledged" : "delivered"} twice`);
      return;
    }
    this.signs[pair] = signs | sign;
    if ((signs | sign) !== this.signsWanted) return;
    this.underWay--;
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
    this.underWay++;
    this.fleet!.session(2 * pair).send(this.users[2 * pair + 1]!, text);
  }
}

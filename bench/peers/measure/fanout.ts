// What a delivery costs when one sender writes to many: a group, and so many of its messages in flight at once. Every
// member must get every message once, in the order sent, with its text.
import { setTimeout as delay } from "node:timers/promises";
import type { PeerIdentity, PeerProtocol } from "../protocol/protocol.ts";
import type { PeerServer } from "../server/server.ts";
import { everyArrival, type MessagePlan, runFor } from "./direct.ts";
import { Fleet, type FleetEvents, type MeasureContext } from "./fleet.ts";
import { cpuOf, DriverMeter, type Split, since, sum } from "./processes.ts";

export interface FanoutPlan extends MessagePlan {
  inFlight: number;
}

export interface FanoutResult {
  members: number;
  deliveries: number;
  perSecond: number;
  /** Of all server processes, per delivery. */
  cpuMicros: number;
  split: Split;
  /** Of one core, used by the driver: near 100, it was the driver that set the pace. */
  driverPercent: number;
}

const LOGIN_TIMEOUT_MS = 60_000;

/** `users`: the sender, then the members. */
export async function measureFanout(
  context: MeasureContext,
  server: PeerServer,
  protocol: PeerProtocol,
  users: readonly string[],
  group: string,
  plan: FanoutPlan,
): Promise<FanoutResult> {
  const identities: PeerIdentity[] = users.map((user, i) => (i === 0 ? { user, publishes: group } : { user, group }));
  const traffic = new GroupTraffic(users.length - 1, group, protocol.publishAcks, plan);
  const fleet = new Fleet(context, server, protocol, identities, traffic);
  traffic.fleet = fleet;
  try {
    const { missing } = await fleet.login(LOGIN_TIMEOUT_MS);
    if (missing > 0) throw new Error(`${missing} of ${users.length} sessions could not log in`);
    // Rooms tell everybody who came, and the sender may have come before the last of them.
    await delay(300);
    traffic.start();
    await delay(plan.warmSeconds * 1000);
    const before = { deliveries: traffic.deliveries, cpu: cpuOf(server.pids()) };
    const started = performance.now();
    const driver = new DriverMeter();
    await runFor(plan.seconds, fleet, () => traffic.deliveries);
    const elapsed = performance.now() - started;
    const driverPercent = driver.percent();
    const deliveries = traffic.deliveries - before.deliveries;
    const split = since(before.cpu, cpuOf(server.pids()), deliveries);
    traffic.stop();
    await everyArrival(fleet, () => traffic.underWay);
    if (deliveries === 0) throw new Error("not one message arrived");
    return { members: users.length - 1, deliveries, perSecond: (deliveries * 1000) / elapsed, cpuMicros: sum(split), split, driverPercent };
  } finally {
    fleet.destroy();
  }
}

class GroupTraffic implements FleetEvents {
  fleet: Fleet | undefined;
  deliveries: number;
  private readonly members: number;
  private readonly group: string;
  private readonly acks: boolean;
  private readonly plan: FanoutPlan;
  /** By slot: how many messages have come. */
  private readonly got: Uint32Array;
  private sent: number;
  private ackeds: number;
  private stopped: boolean;

  constructor(members: number, group: string, acks: boolean, plan: FanoutPlan) {
    this.fleet = undefined;
    this.deliveries = 0;
    this.members = members;
    this.group = group;
    this.acks = acks;
    this.plan = plan;
    this.got = new Uint32Array(members + 1);
    this.sent = 0;
    this.ackeds = 0;
    this.stopped = false;
  }

  /** Deliveries that are still to come. */
  get underWay(): number {
    return this.sent * this.members - this.deliveries;
  }

  start(): void {
    this.fill();
  }

  stop(): void {
    this.stopped = true;
  }

  delivered(slot: number, text: Uint8Array): void {
    const number = this.got[slot]!++;
    if (slot === 0 || number >= this.sent || Buffer.compare(text, this.text(number)) !== 0) {
      this.fleet!.fail(`slot ${slot} got something else than message ${number} of the group`);
      return;
    }
    this.deliveries++;
    if (this.deliveries % this.members === 0) this.fill();
  }

  acked(): void {
    this.ackeds++;
    this.fill();
  }

  private fill(): void {
    if (this.stopped) return;
    const delivered = Math.floor(this.deliveries / this.members);
    const done = this.acks ? Math.min(delivered, this.ackeds) : delivered;
    while (this.sent - done < this.plan.inFlight) this.fleet!.session(0).publish(this.group, this.text(this.sent++));
  }

  private text(number: number): Uint8Array {
    const { texts } = this.plan;
    return texts[(number * 7919) % texts.length]!;
  }
}

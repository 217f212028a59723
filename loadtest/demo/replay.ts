// Replays messages between real SDK clients: half over TCP and half over WebSocket, some users with a second
// device, some offline at first. What was sent and what each device was shown goes into the ledger.
import { setTimeout as delay } from "node:timers/promises";
import { build, type Histogram } from "hdr-histogram-js";
import { Client, type Platform } from "../../client/client.ts";
import type { Message } from "../../client/message.ts";
import { nodePlatform } from "../../client/node-platform.ts";
import { conversationName, type Ledger } from "./ledger.ts";
import type { ChatMessage } from "../cast/messages.ts";
import { WireCost } from "./wire-cost.ts";

export interface ReplayTarget {
  tcpUrl: string;
  wsUrl: string;
  /** Appended to every user id, so that runs on one server do not meet. */
  suffix: string;
}

export interface ReplayOptions {
  /** Messages per second; 0: as fast as acks come. */
  rate: number;
  /** Messages without an ack at any time. */
  inFlightMax: number;
  progress: (state: ReplayProgress) => void;
  /** Those who are online at first are connected; messages begin. */
  connected: () => void;
  /** Everything was sent and acked; what is still to be shown is waited for after this. */
  settled: () => Promise<void>;
  /** A stop from outside: resolves what is left as lost. */
  signal: AbortSignal;
}

export interface ReplayProgress {
  phase: "connecting" | "sending" | "delivering";
  /** Devices that were welcomed, of those who are to be there now. */
  connected: number;
  devices: number;
  sent: number;
  acked: number;
  shown: number;
  expected: number;
}

export interface ReplayResult {
  users: number;
  devices: number;
  transports: { tcp: number; ws: number };
  offlineUsers: number;
  /** Messages that were sent while their recipient was offline, and shown after it came. */
  offlineDelivered: number;
  /** From send() to the recipient's first device, ms; of messages to users who were online. */
  latency: Histogram;
  reconnects: number;
  /** Sizes of Send and Push frames as they went over TCP. */
  sendFrameBytes: readonly number[];
  pushFrameBytes: readonly number[];
}

/** Of the users who only receive or send little, every so many is offline at first. */
const OFFLINE_EVERY = 4;
const OFFLINE_SENDS_MAX = 100;
/** Every so many users have two devices. */
const SECOND_DEVICE_EVERY = 25;
/** Offline users return when this part of the messages was sent. */
const RETURN_AT = 0.6;
/** An absent user may have everything waiting in the client. */
const PENDING_BYTES_MAX = 256 * 1024 * 1024;
const TO_ABSENT = -1;
const FROM_ABSENT = -2;
const CONNECTS_AT_ONCE = 200;
/** Without a single new row for this long, what is missing is lost. */
const STALL_MS = 45_000;

export async function replay(target: ReplayTarget, messages: readonly ChatMessage[], ledger: Ledger, options: ReplayOptions): Promise<ReplayResult> {
  const run = new Replay(target, messages, ledger, options);
  try {
    await run.connect(run.present, "connecting");
    options.connected();
    await run.send();
    await options.settled();
    await run.settle();
    return run.result();
  } finally {
    await run.close();
  }
}

class Replay {
  readonly present: Device[];
  private readonly absent: Device[];
  private readonly devices: Device[];
  private readonly target: ReplayTarget;
  private readonly messages: readonly ChatMessage[];
  private readonly ledger: Ledger;
  private readonly options: ReplayOptions;
  private readonly wireCost: WireCost;
  private readonly platform: Platform;
  private readonly primary: Map<string, Device>;
  private readonly latency: Histogram;
  /** When messages from one user to another were sent, the oldest first; or one of the marks below. */
  private readonly sentAt: Map<string, number[]>;
  private readonly offlineUsers: Set<string>;
  /** The offline users have not returned yet. */
  private away: boolean;
  private offlineDelivered: number;
  private reconnects: number;
  private sent: number;
  private acked: number;
  /** Sent by users who were offline, and not acked: they wait in their clients, and must not hold up the window. */
  private held: number;
  private connected: number;
  private expectedDevices: number;
  private shown: number;
  private shownAt: number;
  private failure: unknown;

  constructor(target: ReplayTarget, messages: readonly ChatMessage[], ledger: Ledger, options: ReplayOptions) {
    this.target = target;
    this.messages = messages;
    this.ledger = ledger;
    this.options = options;
    this.wireCost = new WireCost();
    this.platform = this.wireCost.tapped(nodePlatform());
    this.latency = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000, numberOfSignificantValueDigits: 3 });
    this.sentAt = new Map();
    this.away = true;
    this.offlineDelivered = 0;
    this.reconnects = 0;
    this.sent = 0;
    this.acked = 0;
    this.held = 0;
    this.connected = 0;
    this.expectedDevices = 0;
    this.shown = 0;
    this.shownAt = performance.now();
    this.failure = undefined;
    this.primary = new Map();
    this.devices = [];
    const sends = new Map<string, number>();
    for (const { from, to } of messages) {
      sends.set(from, (sends.get(from) ?? 0) + 1);
      if (!sends.has(to)) sends.set(to, 0);
    }
    this.offlineUsers = new Set();
    for (const [index, [user, count]] of [...sends].entries()) {
      if (count <= OFFLINE_SENDS_MAX && index % OFFLINE_EVERY === OFFLINE_EVERY - 1) this.offlineUsers.add(user);
      const first = this.addDevice(user, `${user}${target.suffix}`, "phone", index % 2 === 0);
      this.primary.set(user, first);
      if (index % SECOND_DEVICE_EVERY === 0) this.addDevice(user, `${user}${target.suffix}`, "tablet", index % 2 !== 0);
    }
    this.present = this.devices.filter((device) => !this.offlineUsers.has(device.user));
    this.absent = this.devices.filter((device) => this.offlineUsers.has(device.user));
  }

  async connect(devices: readonly Device[], phase: ReplayProgress["phase"]): Promise<void> {
    let next = 0;
    this.expectedDevices += devices.length;
    const worker = async (): Promise<void> => {
      while (next < devices.length && !this.options.signal.aborted) {
        await devices[next++]!.client.connect();
        this.connected++;
        this.report(phase);
      }
    };
    await Promise.all(Array.from({ length: CONNECTS_AT_ONCE }, worker));
  }

  /** Sends everything in the file's order, within the window and at the rate; brings the absent back on the way. */
  async send(): Promise<void> {
    const started = performance.now();
    this.shownAt = started;
    let returned: Promise<void> | undefined;
    for (const message of this.messages) {
      while (this.sent - this.acked - this.held >= this.options.inFlightMax || this.ahead(started)) {
        if (this.stalled()) return;
        await delay(5);
      }
      if (returned === undefined && this.sent >= this.messages.length * RETURN_AT) returned = this.bringBack();
      this.sendOne(message);
    }
    // Those who are absent hold messages of their own, which nobody acks before they return.
    returned ??= this.bringBack();
    await returned;
  }

  /** Waits until every device was shown everything, or nothing moves any more. */
  async settle(): Promise<void> {
    this.shownAt = performance.now();
    while (this.shown < this.ledger.expected || this.acked < this.sent) {
      if (this.stalled()) return;
      this.report("delivering");
      await delay(50);
    }
    // Late doubles would come now.
    await delay(500);
    this.report("delivering");
  }

  result(): ReplayResult {
    if (this.failure !== undefined) throw this.failure;
    const tcp = this.devices.filter((device) => device.tcp).length;
    return {
      users: this.primary.size,
      devices: this.devices.length,
      transports: { tcp, ws: this.devices.length - tcp },
      offlineUsers: this.offlineUsers.size,
      offlineDelivered: this.offlineDelivered,
      latency: this.latency,
      reconnects: this.reconnects,
      sendFrameBytes: this.wireCost.sends,
      pushFrameBytes: this.wireCost.pushes,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.client.close()));
  }

  private addDevice(user: string, id: string, name: string, tcp: boolean): Device {
    const url = tcp ? this.target.tcpUrl : this.target.wsUrl;
    // Over TCP the frames are measured as they are; over WebSocket they may be compressed.
    const options = {
      url,
      token: `dev:${id}`,
      device: name,
      history: "all",
      compression: !tcp,
      pendingMax: this.messages.length,
      pendingBytesMax: PENDING_BYTES_MAX,
    } as const;
    // What HawserClient is, with a tap on the wire.
    const client = new Client(options, this.platform);
    const device: Device = { user, name: `${id}/${name}`, client, tcp, first: name === "phone" };
    this.ledger.addDevice(device.name, id);
    client.on("message", (message) => this.show(device, message));
    let online = false;
    client.on("state", ({ state }) => {
      if (state === "online" && online) this.reconnects++;
      if (state === "online") online = true;
    });
    this.devices.push(device);
    return device;
  }

  private sendOne({ from, to, text }: ChatMessage): void {
    const { suffix } = this.target;
    const entry = this.ledger.send(from + suffix, to + suffix, text);
    const held = this.away && this.offlineUsers.has(from);
    if (held) this.held++;
    this.noteSent(from, to, held);
    this.sent++;
    const settled = (): void => {
      this.acked++;
      if (held) this.held--;
    };
    this.primary
      .get(from)!
      .client.send(to + suffix, text)
      .then(
        ({ seq }) => {
          entry.seq = seq;
          settled();
        },
        (error: unknown) => {
          this.failure ??= error;
          settled();
        },
      );
    if (this.sent % 64 === 0) this.report("sending");
  }

  /** When it was sent, for its latency: not of those whose sender or recipient is away. */
  private noteSent(from: string, to: string, held: boolean): void {
    const pair = pairName(from, to);
    let times = this.sentAt.get(pair);
    if (times === undefined) this.sentAt.set(pair, (times = []));
    const toAbsent = this.away && this.offlineUsers.has(to);
    times.push(toAbsent ? TO_ABSENT : held ? FROM_ABSENT : performance.now());
  }

  private show(device: Device, message: Message): void {
    const { suffix } = this.target;
    const self = device.user + suffix;
    const peer = "peer" in message.conversation ? message.conversation.peer : self;
    this.ledger.show(device.name, conversationName(self, peer), message.seq, message.text ?? "", message.from);
    this.shown++;
    this.shownAt = performance.now();
    if (message.mine || !device.first) return;
    const at = this.sentAt.get(pairName(peer.slice(0, peer.length - suffix.length), device.user))?.shift();
    if (at === TO_ABSENT) this.offlineDelivered++;
    else if (at !== undefined && at !== FROM_ABSENT) this.latency.recordValue(Math.max(1, Math.round(performance.now() - at)));
  }

  private async bringBack(): Promise<void> {
    this.away = false;
    await this.connect(this.absent, "sending");
  }

  private ahead(started: number): boolean {
    return this.options.rate > 0 && this.sent >= ((performance.now() - started) / 1000) * this.options.rate;
  }

  private stalled(): boolean {
    return this.options.signal.aborted || this.failure !== undefined || performance.now() - this.shownAt > STALL_MS;
  }

  private report(phase: ReplayProgress["phase"]): void {
    this.options.progress({
      phase,
      connected: this.connected,
      devices: this.expectedDevices,
      sent: this.sent,
      acked: this.acked,
      shown: this.shown,
      expected: this.ledger.expected,
    });
  }
}

interface Device {
  user: string;
  name: string;
  client: Client;
  tcp: boolean;
  /** The device on which delivery is counted and timed. */
  first: boolean;
}

function pairName(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

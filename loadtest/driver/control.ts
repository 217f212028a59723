// What the coordinator and a driver process say to each other over the IPC channel: orders down, answers and one Tick a
// second up. An order says what part of the driver's own sessions it is for as a range of fractions, so that the same
// order goes to every driver and means the same share of each.
import type { CheckCounts, Trace } from "../result.ts";

/** Sessions from `from` (inclusive) to `to` (exclusive), as fractions of this driver's sessions in order of their index. */
export interface Share {
  from: number;
  to: number;
}

export const EVERYBODY: Share = { from: 0, to: 1 };

/** Who there is, and who talks to whom. */
export type CastPlan =
  /** Every session is a user of its own; pairs are those of the message file, as far as it reaches, then the same again with new users. `talkers`: of this driver's sessions, the share that has anybody to talk to. */
  | { kind: "pairs"; talkers: number }
  /** Groups of one sender and a receiver with so many devices. */
  | { kind: "fanout"; devices: number };

export interface Gateway {
  /** tcp://host:port and ws://host:port of one gateway; a transport that is not used may be left out. */
  tcp?: string;
  ws?: string;
}

/** A shaped network between sessions and gateways; see loadtest/shaper/. */
export interface NetworkPlan {
  profile: string;
}

export interface DriverPlan {
  /** Which of how many drivers this is. */
  driver: number;
  drivers: number;
  /** Sessions of this driver. */
  sessions: number;
  transport: "tcp" | "ws" | "both";
  gateways: Gateway[];
  /** Source addresses, for example 127.1.0.1 to 127.1.0.4; empty: whatever the kernel takes. */
  sources: string[];
  /** Names every user of this run, so that no two runs share one. At most 6 characters of [a-z0-9]. */
  run: string;
  seed: number;
  cast: CastPlan;
  /** Those who talk connect to the first so many gateways only, with them this part of those who do not; all others to the other gateways. */
  talk?: { gateways: number; idlePart: number };
  /** JSON-lines file of messages; undefined: the default of loadtest/cast/messages.ts. */
  messages?: string;
  /** How a user's token is made. */
  token: { kind: "dev" } | { kind: "secret"; secret: string };
  network?: NetworkPlan;
}

export type Order =
  | { order: "plan"; plan: DriverPlan }
  /**
   * Connects the share's sessions that are not connected, `perSecond` of them each second in this driver; done when all are welcomed and
   * synced, or turned away for good. An order to connect ends an earlier one, which answers with what it has.
   */
  | { order: "connect"; share: Share; perSecond: number; timeoutMs: number }
  /** Ends connections; their sessions stay away until an order to connect. "reset" is an abrupt RST, "close" an orderly FIN. */
  | { order: "disconnect"; share: Share; how: "close" | "reset"; perSecond?: number }
  /** Sends from now on, open loop, `perSecond` messages each second in this driver, from the senders in the share. */
  | { order: "traffic"; perSecond: number; senders: Share }
  | { order: "stopTraffic" }
  /** The share's sessions read so slowly from their next connection on (they are reconnected by a later "connect", or at once when connected); 0: as fast as they can. */
  | { order: "throttle"; share: Share; bytesPerSecond: number }
  /** Each minute this part of the share's sessions leaves and comes back after `awayMs`; 0 ends it. */
  | { order: "churn"; share: Share; partPerMinute: number; awayMs: number }
  /** Behind a shaped network: this part of the share's sessions loses it each minute without a goodbye and comes back from another address; 0 ends it. */
  | { order: "switchNetworks"; share: Share; partPerMinute: number }
  /** Waits until everything that was sent is acked and delivered to every session that should have it, or no progress was made for `quietMs`. */
  | { order: "settle"; quietMs: number; timeoutMs: number }
  /** Compares everything, heads included (connected sessions Sync once more), and answers with a Verdict. */
  | { order: "check" }
  | { order: "end" };

export type OrderName = Order["order"];

/** Answers by order; void for those that are not here. */
export interface Answers {
  /** The kind of wire that the driver has; see open-wire.ts. */
  plan: {
    wire: string;
    /** Private memory of this process before it had sessions. */
    bareBytes: number;
    /** What the messages are: a file's name without its folder, or "built-in sample", and how many; "none" where nobody talks. */
    messages: string;
  };
  connect: {
    connected: number;
    failed: number;
    /** Of those that failed, the ones that the server sent away for good (a wrong token, say): nothing was left to wait for. */
    refused?: number;
    tookMs: number /** When the given parts of them were welcomed, in ms since the order. */;
    reachedMs: { p50: number; p99: number; p999: number; max: number };
    /** The same as a histogram of µs, encoded as in Tick, so that the coordinator can merge several drivers' exactly. */
    reachedUs?: string;
  };
  settle: { settled: boolean; tookMs: number };
  check: Verdict;
}

export type ToDriver = Order & { id: number };

export type FromDriver =
  | { kind: "done"; id: number; answer?: Answers[keyof Answers] }
  | { kind: "failed"; id: number; message: string }
  | { kind: "tick"; tick: Tick };

/** The state of a driver, once a second. Counts are since its start. */
export interface Tick {
  /** Since the epoch, in ms. */
  at: number;
  connected: number;
  welcomes: number;
  /** Connections that ended without being asked to. */
  closes: number;
  connectErrors: number;
  sent: number;
  acked: number;
  delivered: number;
  beats: number;
  bytesIn: number;
  bytesOut: number;
  /** Errors from the server, by name, and what was found wrong with what it said (PROTOCOL). */
  errors: Record<string, number>;
  /** What exactly was wrong, the first time, for errors that have more to them than their name. */
  errorDetails?: Record<string, string>;
  /** Of one core, since the last tick. */
  cpuPercent: number;
  /** Private memory of the process. */
  privateBytes: number;
  /** How late messages left after the moment they were meant to, the driver's own fault: a histogram like those below. */
  lagUs?: string;
  /** Messages that were meant to be sent and have not left, because their sender is not connected or over its limits. */
  waiting?: number;
  /** Messages that were not sent at all, because too many waited already: the figures are not of the load that was asked for. */
  skipped?: number;
  /** Messages that went to another sender than the one whose turn it was, since that one was away or near its limits. */
  passedOver?: number;
  /** Messages that had to wait because all senders were at the limits that Welcome sets (sends_per_second, requests_in_flight_max). */
  overLimit?: number;
  /** Rows that came before those in front of them, and rows that came in pages instead of pushes. */
  holes?: number;
  pulledRows?: number;
  /** Why connections ended that nobody was ordered to end, or could not be made: "end", ECONNRESET, silence, "connecting: ECONNREFUSED" … */
  closeReasons?: Record<string, number>;
  /** HDR histograms in µs since the last tick, compressed base64 of hdr-histogram-js: from the intended moment of sending to delivery, of sessions that read freely … */
  deliveryUs?: string;
  /** … and of throttled ones; and to the ack. */
  throttledUs?: string;
  ackUs?: string;
}

/** What a driver found when it compared everything. */
export interface Verdict extends CheckCounts {
  traces: Trace[];
  /** Bytes of frames (length prefix included) by type, and how many there were: frame bytes per message come from these. */
  frames: Record<string, { count: number; bytes: number }>;
}

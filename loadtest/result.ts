// The result of a load test, as `--json` writes it and as the report and `compare` read it. Field names are part of the
// interface that scripts read: add, but do not rename.

export const RESULT_FORMAT = 1;

export interface CheckCounts {
  /** Messages that were meant to be sent and left at least once. */
  sent: number;
  acked: number;
  /** Deliveries, over all sessions; with one device per receiver, as many as messages. */
  delivered: number;
  /** Acked, but not delivered to some session that should have it: one per missing delivery. */
  lost: number;
  /** Delivered again as another row. */
  duplicated: number;
  out_of_order: number;
  /** The same row (same seq) on the wire again, which a client drops by its number; allowed, and worth knowing. */
  repeated_on_wire: number;
  /** Not acked at the end. */
  unacked: number;
  /** Conversations whose head was compared with what was acked, and those where it differed. */
  heads_checked: number;
  heads_wrong: number;
  // Results of before these were counted lack them.
  /**
   * Deliveries to sessions that were connected and read freely all the while, and which still came only because the session
   * asked for what it lacks once nothing moved any more: their pushes were lost.
   */
  not_pushed?: number;
  /** Conversations in which something was sent, whose head nobody could be asked for, or was not answered. */
  heads_unchecked?: number;
  /** Rows and heads that a session should never have seen: of conversations in which nobody writes to it, in a third person's name, of another kind than was sent, or with other bytes than the same row had before. */
  foreign?: number;
  /** Connections on which the server broke the protocol. */
  protocol_errors?: number;
}

/** One message that went wrong. Times are ms since the epoch; what did not happen is left out. */
export interface Trace {
  what: "lost" | "duplicated" | "out_of_order" | "unacked" | "head_wrong" | "not_pushed" | "head_unchecked" | "foreign" | "protocol_error";
  from: string;
  to: string;
  device?: string;
  client_seq?: number;
  seq?: number;
  intended?: number;
  sent?: number;
  acked?: number;
  delivered?: number;
  detail?: string;
}

export interface Percentiles {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/** A histogram for plots: [percentile from 0 to 100, value in ms], ascending. */
export type PercentileCurve = [number, number][];

/** Once a second, over all drivers and servers. */
export interface Sample {
  /** Seconds since the start of the run. */
  t: number;
  phase: string;
  connected: number;
  welcomes_per_second: number;
  sent_per_second: number;
  acked_per_second: number;
  delivered_per_second: number;
  errors: number;
  /** Of this second; absent when nothing was delivered. */
  p50_ms?: number;
  p99_ms?: number;
  max_ms?: number;
  driver_cpu_percent: number;
  /** By part, percent of one core; gateways together. Absent where the server's processes are not ours to look at. */
  server_cpu_percent?: Record<string, number>;
  server_rss_bytes?: Record<string, number>;
  /** Slab of the kernel and memory of TCP buffers, of the whole machine. */
  kernel_bytes?: number;
  /** Part of the machine's time that the host took away. */
  stolen_percent: number;
}

/** Bytes by part: private memory of gateways (together), logic, nats and drivers; slab and TCP buffers of the whole machine as kernel. */
export interface MemoryTotals {
  parts: Record<string, number>;
  all: number;
  /** MemAvailable of the machine. */
  available: number | null;
}

export interface MemoryAccount {
  /** Of `connected`. */
  connections: number;
  /** Servers that run, and drivers before they had sessions. */
  before: MemoryTotals;
  /** With the first of them there, where the scenario let some come before the others: every process has done by then what it does once. */
  warm?: MemoryTotals & { connections: number };
  /** Everybody connected and silent. */
  connected: MemoryTotals;
  /** When everything was played. */
  end?: MemoryTotals & { connections: number };
  /** What `connected` has more than `before`, for each connection; the kernel's is for both ends, when both are here. */
  bytes_per_connection: Record<string, number>;
  /** The same over `warm`, for each that came after it: without what processes grow by anyway. */
  further_bytes_per_connection?: Record<string, number>;
}

export interface PhaseResult {
  name: string;
  seconds: number;
  /** Figures of a scenario's own, with their unit in the name: { time_to_999_ms: 812 }. */
  figures: Record<string, number>;
}

export interface Result {
  format: typeof RESULT_FORMAT;
  scenario: string;
  /** As a person would type it again. */
  command: string;
  started: string;
  seconds: number;
  versions: { hawser: string; node: string; nats: string | null; kernel: string };
  machine: { cpu: string; cores: number; memory_bytes: number; files_per_process: number };
  options: Record<string, string | number | boolean>;

  connections: number;
  sent: number;
  acked: number;
  delivered: number;
  lost: number;
  duplicated: number;
  out_of_order: number;
  check: CheckCounts;
  traces: Trace[];
  /** From the intended moment of sending to delivery, sessions that read freely. Null when nothing was delivered. */
  latency_ms: Percentiles | null;
  ack_latency_ms: Percentiles | null;
  /** Of sessions that the scenario made slow. */
  throttled_latency_ms?: Percentiles | null;
  latency_curve: PercentileCurve;
  ack_latency_curve: PercentileCurve;
  /** Null where the server's processes are not ours to look at. */
  server: {
    /** CPU (user and system) of all server processes while traffic flowed, per acked message; null without traffic. All of it, idling and beats included. */
    cpu_us_per_message: number | null;
    /** The same without what these processes use anyway while nobody talks; null where that was not seen with as many connections. */
    cpu_us_per_message_over_idle: number | null;
    cpu_us_per_delivery: number | null;
    /** cpu_us_per_message by part, which add up to it: gateway (all of them), logic, nats. */
    split: Record<string, number>;
    /** By part, percent of one core with everybody connected and nobody talking. */
    idle_cpu_percent: Record<string, number>;
    /** Private memory of all server processes over what they had with no connection, per connection. Null where too few connections make it noise. */
    bytes_per_connection: number | null;
    bytes_per_connection_split: Record<string, number>;
    /** Kernel slab and TCP buffers over what there was before, per connection: both ends when both are here. */
    kernel_bytes_per_connection: number | null;
  } | null;
  /** Absent where the run did not rest; results of before this was counted lack it. */
  memory?: MemoryAccount;
  /** [connections, private bytes of all gateways], as they grew. */
  memory_curve: [number, number][];
  /** Of one core, the busiest driver process while traffic flowed. */
  driver_cpu_percent: number;
  driver: {
    processes: number;
    cpu_percent: number[];
    bytes_per_connection: number | null;
    lag_p99_ms: number;
    wire: string;
    /** Of the messages sent while it was measured: those from another sender than the one whose turn it was, and those that the server's limits for all senders held back. */
    passed_over_percent?: number;
    over_limit_percent?: number;
  };
  /** Bytes of a frame, by type, on average. */
  frame_bytes: Record<string, number>;
  phases: PhaseResult[];
  samples: Sample[];
  errors: Record<string, number>;
  /** What exactly was wrong the first time, of errors that have more to them than their name. */
  error_details?: Record<string, string>;
  /** Why the figures should not be trusted; empty when they can. */
  unfit: string[];
  /** What did not hold, in words: promises that the checker found broken, and what the scenario demands. */
  failures: string[];
  /** Whether everything that was promised held: there are no failures. */
  passed: boolean;
}

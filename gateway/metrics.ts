// Prometheus metrics. Nothing is counted here: the numbers of counters.ts and of the parts are read when somebody
// asks, so that the hot path never meets a metrics library. Labels have few values: types, errors, transports.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { errorName } from "../proto/error-code.ts";
import { frameTypeName } from "../proto/frame-type.ts";
import { TURNED_BY } from "./accept/address-limits.ts";
import { CloseReason, DropReason } from "./counters.ts";
import type { Gateway } from "./gateway.ts";
import { bucketName } from "./heartbeat/learner.ts";

type Values = Iterable<readonly [label: string, value: number]>;

/** Time between two looks at the event loop, ms: each look wakes the process. Ten a second see a stall of 100 ms surely, one of 50 ms every other time. */
const LOOP_RESOLUTION_MS = 100;
/** The same of prom-client's own figures of the loop, which only repeat ours: 10 ms by default, which is most of what an idle gateway costs. */
const LOOP_AGAIN_MS = 10_000;

export interface Metrics {
  readonly registry: Registry;
  stop(): void;
}

export function gatewayMetrics(gateway: Gateway): Metrics {
  const registry = new Registry();
  const { counters, table, outbox, relay, admission } = gateway;
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_AGAIN_MS });

  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name: `hawser_gateway_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  const countersBy = (name: string, help: string, label: string, values: () => Values) =>
    new Counter({
      name: `hawser_gateway_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [of, value] of values()) this.inc({ [label]: of }, value);
      },
    });
  const gaugesBy = (name: string, help: string, label: string, values: () => Values) =>
    new Gauge({
      name: `hawser_gateway_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [of, value] of values()) this.set({ [label]: of }, value);
      },
    });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `hawser_gateway_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });

  new Gauge({
    name: "hawser_gateway_connections",
    help: "Connections open now, by transport",
    labelNames: ["transport"],
    registers: [registry],
    collect() {
      for (const transport of gateway.transports.all) this.set({ transport: transport.name }, transport.openCount);
    },
  });
  gauge("sessions", "Sessions that are past their handshake", () => table.readyCount);
  counter("accepted_total", "Connections accepted", () => counters.accepted);
  countersBy("closes_total", "Connections ended, by error or reason", "reason", () => named(counters.closes, closeName));
  countersBy("failed_handshakes_total", "Connections that failed before they were open (TLS, HTTP), by transport", "transport", () =>
    gateway.transports.all.map((transport) => [transport.name, transport.failedHandshakes] as const),
  );
  countersBy("beats_answered_total", "Beats answered, by transport; those that came too fast are in frames_in_total", "transport", () =>
    gateway.transports.all.map((transport) => [transport.name, transport.beatsAnswered] as const),
  );
  countersBy("frames_in_total", "Messages received, by type", "type", () => named(counters.framesIn, typeName));
  countersBy("frames_out_total", "Frames written, by type", "type", () => named(counters.framesOut, typeName));
  countersBy("bytes_in_total", "Bytes received, framing included, by transport", "transport", () =>
    gateway.transports.all.map((transport) => [transport.name, transport.bytesRead] as const),
  );
  counter("bytes_out_total", "Bytes of frames written", () => counters.bytesOut[0]!);
  countersBy("refusals_total", "Requests answered with an error by the gateway", "error", () => named(counters.refusals, errorName));
  countersBy("auth_failures_total", "Tokens refused", "error", () => named(counters.authFailures, errorName));
  gauge("auth_running", "Token checks under way", () => admission.running);
  gauge("auth_queued", "Handshakes that wait for their turn", () => admission.queued);
  gauge("handshakes", "Connections that are not past their handshake", () => gateway.handshakes);
  counter("slots_given_total", "Handshakes told to come back at a time slot", () => admission.turnedAway);
  counter("slots_kept_total", "Handshakes that came back at their slot", () => admission.returned);
  countersBy("deliveries_total", "Deliveries from logic, counted per session, by class", "class", () =>
    named(counters.deliveries, (index) => CLASS_NAMES[index]!),
  );
  counter("push_drops_total", "Pushes dropped for lagging connections", () => counters.drops[DropReason.Lagging]!);
  counter("stale_drops_total", "Deliveries for sessions that were gone", () => counters.drops[DropReason.Stale]!);
  counter(
    "receipt_drops_total",
    "Read positions that had no room behind a backlog, and are made up for by a Resync",
    () => counters.drops[DropReason.Receipt]!,
  );
  counter("ephemeral_drops_total", "Ephemeral frames dropped for connections that are behind", () => counters.drops[DropReason.Ephemeral]!);
  gauge("hold_ms", "How long frames may wait for more of their connection before they are written", () => outbox.coalescing.deadlineMs);
  gauge("lagging", "Connections whose pushes are dropped until their Sync", () => outbox.laggingCount);
  gauge("backlogged", "Connections with bytes waiting in this process", () => outbox.backlogCount);
  gauge("backlog_bytes", "Bytes waiting in this process for connections that do not take them", () => outbox.backlogBytes);
  counter("resyncs_total", "Resyncs told to clients", () => counters.resyncs);
  gauge("resyncs_waiting", "Sessions that will be told Resync", () => relay.resyncsWaiting);
  gauge("links", "Links to owners that take requests", () => sum(relay.links.byOwner.values(), (link) => (link.accepting ? 1 : 0)));
  gauge("link_unacked_batches", "Batches that owners have not acknowledged", () => sum(relay.links.byOwner.values(), (link) => link.end.unacked));
  gauge("link_unacked_bytes", "Bytes of those", () => sum(relay.links.byOwner.values(), (link) => link.end.unackedBytes));
  counter("bad_batches_total", "Batches from NATS that were ignored", () => counters.badBatches);
  const { compression } = counters;
  counter("compressed_frames_out_total", "Frames written compressed", () => compression.framesOut);
  counter("compressed_in_vain_total", "Frames that compression made no smaller", () => compression.framesInVain);
  counter("compression_saved_bytes_total", "Bytes that compression kept from the wire", () => compression.bytesSaved);
  counter("compressed_frames_in_total", "Compressed frames received", () => compression.framesIn);
  counter("inflated_bytes_total", "Bytes that those inflated to", () => compression.bytesInflated);
  counter("dictionaries_sent_total", "Dictionaries given to clients", () => compression.dictionariesSent);
  gauge("compression_effort", "2: everything that pays, 1: slow links only, 0: nothing, the process is too busy", () => gateway.compression.policy.effort);
  gauge("peers", "Other gateways that run", () => gateway.membership?.others ?? 0);
  const { heartbeats } = gateway;
  if (heartbeats !== undefined) {
    const { learner } = heartbeats;
    gauge("heartbeat_networks", "Networks whose silence is known", () => learner.networkCount);
    gaugesBy("heartbeat_sessions", "Sessions by the seconds that their interval of beats begins at", "seconds", () => named(heartbeats.byBucket, bucketName));
    counter("heartbeat_changes_total", "Intervals changed while a session lasted", () => heartbeats.changes);
    counter("heartbeat_survivals_total", "Silences that were survived, as far as they counted", () => learner.survivals);
    counter("heartbeat_deaths_total", "Silences that a connection died of, as far as they counted", () => learner.deaths);
    counter("heartbeat_unbelieved_total", "Deaths claimed after longer than anybody was told to be silent", () => learner.unbelieved);
  }
  countersBy("turned_away_total", "Connections turned away by the limits of an address or a user, by limit", "limit", () =>
    named(gateway.addressLimits.turned, (index) => TURNED_BY[index]!),
  );
  gauge("known_addresses", "Addresses that the limits know", () => gateway.addressLimits.known.addresses);
  gauge("known_users", "Users that the limits know", () => gateway.addressLimits.known.users);
  counter("limits_forgotten_total", "Addresses and users forgotten early, because the table was full", () => gateway.addressLimits.known.evictions);
  gauge("tls_certificate_ends_seconds", "When the certificate in use ends, Unix time; 0 without TLS", () => gateway.certificateEndsAtUnixMs / 1000);
  gauge("draining", "1 while this gateway is leaving", () => (gateway.draining ? 1 : 0));
  gauge("loop_delay_p99_seconds", "99th percentile of the event loop's delay since the last scrape", () => {
    // Who is never looked at need not wake up for it: the first scrape begins it.
    if (loop.enable()) return 0;
    const seconds = Math.max(0, loop.percentile(99) / 1e9 - LOOP_RESOLUTION_MS / 1000);
    loop.reset();
    return seconds;
  });
  return {
    registry,
    stop: () => {
      loop.disable();
    },
  };
}

const CLASS_NAMES = ["control", "push", "sync", "close", "receipt", "ephemeral"];

function* named(values: Float64Array | Int32Array, name: (index: number) => string): Generator<readonly [string, number]> {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) yield [name(i), values[i]!];
}

function typeName(type: number): string {
  return type === 0 ? "Beat" : frameTypeName(type);
}

function closeName(reason: number): string {
  if (reason === CloseReason.Peer) return "PEER";
  if (reason === CloseReason.Drained) return "DRAINED";
  return reason === CloseReason.Other ? "OTHER" : errorName(reason);
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

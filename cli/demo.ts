// `hawser demo`: replays real messages between SDK clients, checks every one at every receiver, and says what it cost.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { cpuMicros, median } from "../bench/process-cpu.ts";
import { Chaos, type ChaosCounts } from "../loadtest/demo/chaos.ts";
import { type Findings, Ledger } from "../loadtest/demo/ledger.ts";
import { readMessages } from "../loadtest/cast/messages.ts";
import { Progress } from "../loadtest/demo/progress.ts";
import { type ReplayResult, replay } from "../loadtest/demo/replay.ts";
import { missingFromStore } from "../loadtest/demo/store-check.ts";
import { Failure } from "./failure.ts";
import { integer, option } from "./options.ts";
import { type Stack, startStack } from "./stack.ts";

interface Flags {
  limit: number;
  json?: string;
  url?: string;
  wsUrl?: string;
  chaos?: boolean;
  kills: number;
  rate?: number;
  keep?: boolean;
  verbose?: boolean;
}

/** With --chaos, messages are paced so that the kills fall among them. */
const CHAOS_RATE = 900;
const IN_FLIGHT_MAX = 2048;
/** Years of messages in seconds: far above what one person may send by default. */
const GATEWAY_ARGS = ["--sends-per-second", "20000", "--requests-per-second", "20000"];

export function build(command: Command): void {
  command
    .argument(
      "[file]",
      'messages, {"from": …, "to": …, "text": …} a line, plain or .gz; default: a shared file where there is one, else a small built-in sample',
    )
    .addOption(option("--limit <count>", "replay only the first so many", { parse: integer(1, 100_000_000), default: 100_000_000, defaultText: "all" }))
    .option("--json <out>", "write the figures as JSON to this file (- for standard output)")
    .option("--url <url>", "use a running server (in development mode) instead of starting one: its tcp:// address")
    .option("--ws-url <url>", "and its ws:// address; default: the same host, next port")
    .option("--chaos", "kill -9 gateway and logic in turn while messages flow")
    .addOption(option("--kills <count>", "with --chaos: go on until each was killed so often", { parse: integer(1, 10_000), default: 5 }))
    .addOption(option("--rate <count>", "messages per second; default: as fast as acks come, with --chaos paced", { parse: integer(1, 1_000_000) }))
    .option("--keep", "keep the data of the server that was started, and say where it is")
    .option("--verbose", "show what the server processes print")
    .addHelpText(
      "after",
      `
Examples:
  npm run demo
  npm run demo -- messages.jsonl.gz --limit 5000 --json out.json
  npm run demo -- --chaos
  npm run demo -- --url tcp://127.0.0.1:7070

The exit code is 0 only if nothing was lost, doubled or out of order.`,
    )
    .action(async (file: string | undefined, flags: Flags) => {
      process.exitCode = (await demo(file, flags)) ? 0 : 1;
    });
}

async function demo(file: string | undefined, flags: Flags): Promise<boolean> {
  if (flags.chaos && flags.url) throw new Failure("--chaos kills processes that it started itself: it does not go with --url");
  const { source, messages } = await readMessages(file, flags.limit);
  console.error(`${messages.length} messages from ${source}`);
  const abort = new AbortController();
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-demo-"));
  const stack = flags.url === undefined ? await ownStack(dataDir, flags) : undefined;
  let chaos: Chaos | undefined;
  const interrupted = (): void => {
    abort.abort();
    void chaos?.stop();
  };
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    const target = stack === undefined ? runningServer(flags) : { tcpUrl: stack.urls.tcp, wsUrl: stack.urls.ws, suffix: "" };
    const ledger = new Ledger();
    chaos = flags.chaos && stack !== undefined ? new Chaos(stack) : undefined;
    const cpu = stack === undefined || chaos !== undefined ? undefined : new ServerCpu(stack);
    const rate =
      flags.rate ?? (chaos === undefined ? 0 : Math.min(CHAOS_RATE, Math.max(1, Math.floor(messages.length / (flags.kills * CHAOS_SECONDS_PER_KILL)))));
    const progress = new Progress();
    const started = performance.now();
    const result = await replay(target, messages, ledger, {
      rate,
      inFlightMax: IN_FLIGHT_MAX,
      signal: abort.signal,
      connected: () => chaos?.start(),
      progress: ({ phase, connected, devices, sent, acked, shown, expected }) => {
        const kills = chaos === undefined ? "" : `, killed gateway ${chaos.kills.gateway} and logic ${chaos.kills.logic} times`;
        if (phase === "connecting") progress.show(phase, connected, devices, `${connected} of ${devices} clients`);
        else if (phase === "sending") progress.show(phase, acked, messages.length, `${acked} acked of ${sent} sent${kills}`);
        else progress.show(phase, shown, expected, `${shown} of ${expected} rows shown${kills}`);
      },
      settled: async () => {
        await chaos?.stopAfter(flags.kills);
      },
    });
    const seconds = (performance.now() - started) / 1000;
    progress.end();
    const cpuPerMessage = cpu?.perMessage(messages.length);
    const findings = ledger.check();
    await stack?.stop();
    // The store of a server that somebody else runs is not ours to open.
    const missing = stack === undefined ? undefined : await missingFromStore(join(dataDir, "logic"), ledger.acked());
    findings.traces.push(...(missing ?? []));
    const aborted = abort.signal.aborted;
    const unsent = messages.length - findings.messages;
    if (unsent > 0) findings.traces.unshift(`gave up with ${unsent} messages not sent: nothing was shown to anybody for too long`);
    const ok = !aborted && unsent === 0 && findings.lost === 0 && findings.duplicated === 0 && findings.outOfOrder === 0 && (missing ?? []).length === 0;
    const figures = figuresOf(
      findings,
      result,
      messages.map(({ text }) => Buffer.byteLength(text)),
      cpuPerMessage,
      chaos?.kills,
      missing?.length,
    );
    print(figures, findings, result, seconds, ok, aborted, flags.rate !== undefined);
    if (flags.json === "-") console.log(JSON.stringify(figures));
    else if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, undefined, 2)}\n`);
    return ok;
  } finally {
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
    await stack?.stop();
    if (flags.keep) console.error(`data kept in ${dataDir}`);
    else rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Between two kills of one part: two pauses, and the time in which both parts come back. */
const CHAOS_SECONDS_PER_KILL = 9;

async function ownStack(dataDir: string, flags: Flags): Promise<Stack> {
  console.error("starting NATS, logic and a gateway on free ports");
  const quiet = flags.verbose !== true;
  return startStack({ dataDir, ports: "free", dev: true, quiet, logLevel: flags.verbose ? "info" : "error", gatewayArgs: GATEWAY_ARGS });
}

function runningServer(flags: Flags): { tcpUrl: string; wsUrl: string; suffix: string } {
  const tcp = new URL(flags.url!);
  if (tcp.protocol !== "tcp:" && tcp.protocol !== "tls:") throw new Failure(`--url takes a tcp:// address: ${flags.url}`);
  const wsUrl = flags.wsUrl ?? `${tcp.protocol === "tls:" ? "wss" : "ws"}://${tcp.hostname}:${Number(tcp.port) + 1}`;
  // Other users each time: what earlier runs left in their conversations is not ours to check.
  return { tcpUrl: flags.url!, wsUrl, suffix: `-${Date.now().toString(36)}` };
}

class ServerCpu {
  private readonly stack: Stack;
  private readonly before: Record<string, number>;

  constructor(stack: Stack) {
    this.stack = stack;
    this.before = {};
    for (const [part, pid] of Object.entries(stack.pids)) this.before[part] = cpuMicros(pid);
  }

  /** Of all server processes together since the start: connecting and syncing included. */
  perMessage(messages: number): number {
    let total = 0;
    for (const [part, pid] of Object.entries(this.stack.pids)) total += cpuMicros(pid) - this.before[part]!;
    return total / messages;
  }
}

function figuresOf(
  findings: Findings,
  result: ReplayResult,
  textBytes: number[],
  cpu: number | undefined,
  kills: ChaosCounts | undefined,
  notInStore: number | undefined,
) {
  return {
    messages: findings.messages,
    delivered: findings.delivered,
    lost: findings.lost,
    duplicated: findings.duplicated,
    out_of_order: findings.outOfOrder,
    transports: result.transports,
    offline_delivered: result.offlineDelivered,
    latency_ms: { p50: result.latency.getValueAtPercentile(50), p99: result.latency.getValueAtPercentile(99) },
    wire: {
      median_text_bytes: median(textBytes),
      median_push_frame_bytes: median(result.pushFrameBytes),
      median_send_frame_bytes: median(result.sendFrameBytes),
    },
    server_cpu_us_per_message: cpu === undefined ? null : Math.round(cpu * 10) / 10,
    acked: findings.acked,
    acked_not_in_store: notInStore ?? null,
    users: result.users,
    devices: result.devices,
    reconnects: result.reconnects,
    ...(kills === undefined ? {} : { kills }),
  };
}

function print(
  figures: ReturnType<typeof figuresOf>,
  findings: Findings,
  result: ReplayResult,
  seconds: number,
  ok: boolean,
  aborted: boolean,
  paced: boolean,
): void {
  const { wire, latency_ms: latency } = figures;
  const lines = [
    `users        ${figures.users} with ${figures.devices} devices: ${figures.transports.tcp} over TCP, ${figures.transports.ws} over WebSocket; ${result.offlineUsers} users offline at first`,
    `messages     ${figures.messages} in ${seconds.toFixed(1)} s: ${figures.acked} acked, ${figures.delivered} delivered, ${figures.offline_delivered} of them to users who were offline`,
    `wrong        ${figures.lost} lost, ${figures.duplicated} doubled, ${figures.out_of_order} out of order${figures.acked_not_in_store === null ? "" : `, ${figures.acked_not_in_store} acked but not in the store`}`,
    `latency      p50 ${latency.p50} ms, p99 ${latency.p99} ms from send() to the recipient, ${figures.kills ? "outages included" : paced ? "paced by --rate" : "everything sent as fast as acks come"}`,
    `on the wire  text ${wire.median_text_bytes} bytes, Send frame ${wire.median_send_frame_bytes}, Push frame ${wire.median_push_frame_bytes} (medians)`,
  ];
  if (figures.server_cpu_us_per_message !== null)
    lines.push(`server CPU   ${figures.server_cpu_us_per_message} µs a message: NATS, logic and gateway, with connecting and syncing`);
  if (figures.kills)
    lines.push(`chaos        gateway killed ${figures.kills.gateway} times, logic ${figures.kills.logic} times; ${figures.reconnects} reconnects`);
  console.error(lines.join("\n"));
  if (findings.traces.length > 0) console.error(["what went wrong, the first cases:", ...findings.traces.slice(0, 20)].join("\n  "));
  console.error(aborted ? "stopped before the end" : ok ? "ok: nothing lost, doubled or out of order" : "FAILED");
}

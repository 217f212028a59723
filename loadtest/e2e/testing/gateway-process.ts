// One more gateway beside those of a stack, with settings of its own: it joins by NATS, as one on another machine would.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../../cli/ports.ts";
import { httpReady } from "../../../cli/ready.ts";
import type { GatewayUrls, Stack } from "../../../cli/stack.ts";
import { until } from "./wait.ts";

const here = dirname(fileURLToPath(import.meta.url));
/** The command line of hawser: dist/cli/hawser.js, or hawser.ts under the loader that runs this. */
export const PROGRAM: string = join(here, "../../../cli", import.meta.url.endsWith(".ts") ? "hawser.ts" : "hawser.js");

export interface GatewayProcess {
  readonly urls: GatewayUrls;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Resolves when it serves. */
export async function startGateway(stack: Stack, args: readonly string[], secure = false): Promise<GatewayProcess> {
  const [tcp, ws, http] = (await freePorts(3)) as [number, number, number];
  const ports = ["--tcp-port", `${tcp}`, "--ws-port", `${ws}`, "--http-port", `${http}`, "--drain-ms", "100", "--log-level", "error"];
  // The channel is its lifeline: it ends when this process does.
  const child = spawn(process.execPath, [...process.execArgv, PROGRAM, "gateway", "--nats", stack.urls.nats, ...ports, ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const s = secure ? "s" : "";
  const urls = { tcp: `${secure ? "tls" : "tcp"}://127.0.0.1:${tcp}`, ws: `ws${s}://127.0.0.1:${ws}`, http: `http://127.0.0.1:${http}` };
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`the gateway ended with exit code ${child.exitCode}`);
    return httpReady(`${urls.http}/readyz`);
  }, "a gateway to be ready");
  return { urls, pid: child.pid!, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

/** One value of /metrics, summed over labels unless `label` picks one (`error="BUSY"`). */
export async function metric(httpUrl: string, name: string, label = ""): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  let sum = 0;
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z0-9_]+)(\{[^}]*\})? (\S+)$/.exec(line);
    if (match?.[1] === name && (match[2] ?? "").includes(label)) sum += Number(match[3]);
  }
  return sum;
}

// The fleet learns the limit of a real NAT: Linux's connection tracking, which forgets what was silent for some seconds, between real
// clients in a network namespace and a real stack. Times are those of a carrier, divided by a few hundred.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import t from "tap";
import { gatewayConfig } from "../../gateway/config.ts";
import { bucketMs } from "../../gateway/heartbeat/buckets.ts";
import { networkKey } from "../../gateway/heartbeat/network-key.ts";
import { SILENT } from "../../gateway/log.ts";
import { runGateway } from "../../gateway/main.ts";
import { startNats } from "../../gateway/testing/nats-server.ts";
import { runLogic } from "../../logic/main.ts";
import { makeNat } from "./testing/nat.ts";
import { sleep } from "./testing/wait.ts";

const FORGETS_SECONDS = 5;
const CLIENTS = 12;
/** Deaths take 10 s each to be noticed, whatever the NAT. */
const LEARNED_WITHIN_MS = 75_000;

t.setTimeout(LEARNED_WITHIN_MS + 45_000);
const nat = makeNat(FORGETS_SECONDS);
const missing = "missing" in nat ? nat.missing : undefined;
if (missing !== undefined) t.comment(`SKIPPED: no NAT can be made here; missing: ${missing}`);

t.test("learns the limit of Linux's connection tracking", { skip: missing ?? false, timeout: LEARNED_WITHIN_MS + 40_000 }, async (t) => {
  if ("missing" in nat) return;
  t.teardown(() => nat.remove());
  const nats = await startNats();
  if (nats === undefined) {
    t.comment("SKIPPED: nats-server is not installed");
    return;
  }
  t.teardown(() => nats.stop());
  const dataDir = mkdtempSync(join(tmpdir(), "hawser-nat-"));
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }));
  const logic = await runLogic({ dataDir, natsUrl: nats.url, cluster: "nat", httpPort: 0, logLevel: "silent" });
  t.teardown(() => logic.stop());
  const config = gatewayConfig({
    cluster: "nat",
    natsServers: nats.url,
    host: nat.address,
    tcpPort: 0,
    webSocketPort: false,
    adminPort: 0,
    devTokens: true,
    drainMs: 0,
    lingerMs: 100,
    heartbeat: "adaptive",
    heartbeatMs: 1500,
    heartbeatMinMs: 1000,
    heartbeatMaxMs: 60_000,
    // All clients have the NAT's one address, so four of them count in each window.
    heartbeatLearning: { windowMs: 1000, claimWindowMs: 1000, epochMs: 15_000, fastHalfLifeMs: 120_000, periodMs: 1000 },
  });
  const running = await runGateway(config, SILENT);
  t.teardown(() => running.stop());
  const { learner } = running.gateway.heartbeats!;
  const key = networkKey("nat", nat.address.replace(/\.1$/, ".2"));

  const child = nat.run([
    ...process.execArgv,
    new URL(import.meta.url.endsWith(".ts") ? "./testing/nat-clients.ts" : "./testing/nat-clients.js", import.meta.url).pathname,
    `tcp://${nat.address}:${running.tcpPort}`,
    String(CLIENTS),
    "nat",
  ]);
  t.teardown(() => child.kill());
  let seen = { online: 0, losses: 0 };
  createInterface({ input: child.stdout! }).on("line", (line) => {
    seen = JSON.parse(line);
  });

  const limitMs = FORGETS_SECONDS * 1000;
  const said: string[] = [];
  let best = -1;
  const startedAt = performance.now();
  let settledAt = 0;
  // Learned: the best interval is the longest bucket below the limit but one, and stays so while those at the limit die.
  while (performance.now() - startedAt < LEARNED_WITHIN_MS) {
    await sleep(250);
    const now = learner.bestOf(key) ?? -1;
    if (now !== best) {
      best = now;
      settledAt = performance.now();
      said.push(`${((settledAt - startedAt) / 1000).toFixed(0)} s: ${(bucketMs(best) / 1000).toFixed(1)} s`);
    }
    if (best >= 0 && learner.deaths >= 3 && bucketMs(best) < limitMs && bucketMs(best) >= limitMs / 2 && performance.now() - settledAt > 12_000) break;
  }
  t.comment(
    `interval over time: ${said.join(", ")}; ${learner.survivals} survivals, ${learner.deaths} deaths, ${learner.unbelieved} not believed, ${seen.losses} connections lost`,
  );
  t.ok(nat.tracked() > 0, "clients come through the NAT");
  t.ok(bucketMs(best) < limitMs, "below what the NAT forgets");
  t.ok(bucketMs(best) >= limitMs / 2, "and not far below it");
  t.ok(learner.deaths >= 3, "some found out that more is too much");
  t.ok(running.gateway.heartbeats!.changes > 0, "and were told while connected");

  // With it, nobody is lost any more but who explores.
  const before = seen.losses;
  await sleep(2 * limitMs);
  t.ok(seen.losses - before <= CLIENTS, `${seen.losses - before} of ${CLIENTS} clients were lost in another ${(2 * limitMs) / 1000} s`);
});

// A new version takes over: gateways are replaced one after the other under SDK clients that talk, on shared ports and on ports
// of their own. Nobody loses a message, and no client sees more than a resume: a connection that it was told to leave.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type Stack, startStack } from "../../cli/stack.ts";
import { Device } from "./testing/device.ts";
import { PROGRAM } from "./testing/gateway-process.ts";
import { sleep, until, within } from "./testing/wait.ts";

/** Pairs of devices on both transports that write to each other until they are told to stop. */
class Talk {
  readonly devices: Device[] = [];
  private readonly sent: number[] = [];
  private readonly acks: Promise<unknown>[] = [];
  private going = true;
  private running: Promise<void> | undefined;

  constructor(stack: Stack) {
    for (const [i, { tcp, ws }] of stack.urls.gateways.entries()) {
      for (const [j, url] of [tcp, ws].entries()) {
        const pair = `${i}${j}`;
        this.devices.push(new Device({ url, user: `a${pair}` }), new Device({ url, user: `b${pair}` }));
      }
    }
  }

  async begin(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.online()));
    this.running = this.run();
  }

  /** Everything that was said is acked, and shown once and in order on both sides. */
  async end(t: Test): Promise<void> {
    this.going = false;
    await this.running;
    await within(Promise.all(this.acks), "all acks");
    for (let i = 0; i < this.devices.length; i += 2) {
      const [a, b] = [this.devices[i]!, this.devices[i + 1]!];
      const rows = this.sent[i]! + this.sent[i + 1]!;
      t.ok(rows > 10, `${rows} rows between ${a.user} and ${b.user}`);
      const log = await b.shown(a.user, rows);
      t.same(
        log.map((line) => Number(line.split(" ")[0])),
        Array.from({ length: rows }, (_, k) => k + 1),
        "each row once, in order",
      );
      t.same(await a.shown(b.user, rows), log, "both see the same");
      t.same([...a.diverged, ...b.diverged], []);
    }
    await Promise.all(this.devices.map((device) => device.close()));
  }

  private async run(): Promise<void> {
    for (let n = 1; this.going; n++) {
      for (const [i, device] of this.devices.entries()) {
        const peer = this.devices[i ^ 1]!;
        this.acks.push(device.client.send(peer.user, `${n}`));
        this.sent[i] = n;
      }
      await sleep(20);
    }
  }
}

for (const sharePorts of [true, false]) {
  t.test(`a rolling restart of two gateways, ${sharePorts ? "on shared ports" : "each on its own"}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "hawser-roll-"));
    const restarts: string[] = [];
    const stack = await startStack({
      dataDir: join(folder, "data"),
      ports: "free",
      quiet: true,
      gateways: 2,
      sharePorts,
      drainMs: 1500,
      onRestart: (part, how) => restarts.push(`${part}: ${how}`),
    });
    t.teardown(async () => {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const before = stack.pids;
    const talk = new Talk(stack);
    await talk.begin();
    const states = talk.devices.map(({ states }) => states.length);
    // So that everybody is known to everybody.
    await sleep(2500);
    await within(stack.roll(), "the roll", 60_000);
    for (const part of ["gateway", "gateway-2"]) t.not(stack.pids[part], before[part], `${part} is another process`);
    t.same(Object.keys(stack.pids).sort(), ["gateway", "gateway-2", "logic", "nats"], "and the old ones are gone");
    t.equal(stack.pids["logic"], before["logic"]);
    for (const { http } of stack.urls.gateways) t.equal((await fetch(`${http}/readyz`)).status, 200, "metrics are where the stack says");
    await talk.end(t);
    for (const [i, device] of talk.devices.entries()) {
      const seen = device.states.slice(states[i]).map(({ state }) => state);
      t.ok(seen.includes("connecting"), `${device.user} moved`);
      t.notOk(seen.includes("offline"), `${device.user} left when it was told, and was welcomed where it went: ${seen}`);
    }
    t.same(restarts, [], "nothing died");
  });
}

t.test("hawser roll", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "hawser-roll-"));
  const data = join(folder, "data");
  const hawser = (...args: string[]) => spawn(process.execPath, [...process.execArgv, PROGRAM, ...args, "--data", data], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = async (...args: string[]): Promise<[code: number | null, text: string]> => {
    const child = hawser(...args);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (text += bytes));
    const [code] = (await once(child, "close")) as [number | null];
    return [code, text];
  };
  const [code, text] = await ended("roll");
  t.equal(code, 1);
  t.match(text, /no Hawser runs on/);
  const start = hawser("start", "--free-ports", "--share-ports");
  t.teardown(async () => {
    start.kill("SIGTERM");
    if (start.exitCode === null) await once(start, "close");
    rmSync(folder, { recursive: true, force: true });
  });
  let out = "";
  start.stdout.on("data", (bytes) => (out += bytes));
  start.stderr.on("data", (bytes) => (out += bytes));
  await until(
    () => out.includes("Hawser is up."),
    () => `the start; it said ${out}`,
    60_000,
  );
  const url = /TCP +(\S+)/.exec(out)![1]!;
  const device = await new Device({ url, user: "ann" }).online();
  const [rolled, said] = await within(ended("roll"), "the roll", 60_000);
  t.equal(rolled, 0, said);
  t.match(said, /All gateways were replaced/);
  t.equal((await within(device.client.send("bob", "still here"), "an ack")).seq, 1);
  await device.close();
});

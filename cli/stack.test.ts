// The stack with a real NATS server and real child processes; logic and gateway are a small HTTP program here, so that
// what is tested is their supervision.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { natsPart } from "./nats-server.ts";
import { freePorts } from "./ports.ts";
import { identify, runs } from "./process-record.ts";
import { httpReady, natsReady } from "./ready.ts";
import { startStack } from "./stack.ts";

/** Serves /readyz, notes its life in log.txt beside the data, heeds SIGTERM unless told not to, ends with its parent. */
const PART = `
import { appendFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
const [name, ...args] = process.argv.slice(2);
const value = (flag) => args[args.indexOf(flag) + 1];
const note = (text) => appendFileSync(new URL("./log.txt", import.meta.url), name + " " + text + "\\n");
if (process.env.BROKEN === name || existsSync(new URL("./broken-" + name, import.meta.url))) {
  console.error("the disk is full");
  process.exit(3);
}
createServer((request, response) => response.writeHead(request.url === "/readyz" ? 200 : 404).end()).listen(Number(value("--http-port")), "127.0.0.1", () => note("up"));
console.log("hello from " + name + (process.env.HAWSER_JWT_SECRET ? " with a secret" : "") + (args.includes("--dev") ? " in dev" : "") + (process.env.WRAPPED ? ", wrapped" : ""));
process.on("SIGTERM", () => {
  note("stopped");
  process.exit(0);
});
process.on("disconnect", () => process.exit(0));
`;

async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 200 && identify(pid); i++) await sleep(50);
  return identify(pid) === undefined;
}

t.test("starts in order, serves, restarts what dies, stops in reverse", async (t) => {
  const dir = t.testdir({ "part.mjs": PART });
  const lines: string[] = [];
  const restarts: string[] = [];
  const stack = await startStack({
    dataDir: join(dir, "data"),
    ports: "free",
    gateways: 2,
    program: join(dir, "part.mjs"),
    jwtSecret: "s3cret",
    wrap: { part: "logic", command: ["env", "WRAPPED=yes"], stopMs: 20_000 },
    line: (part, text) => lines.push(`${part}: ${text}`),
    tell: () => {},
    onRestart: (part, how) => restarts.push(`${part} ${how}`),
  });
  t.teardown(() => stack.stopNow());
  t.strictSame(Object.keys(stack.pids).sort(), ["gateway", "gateway-2", "logic", "nats"]);
  t.equal(stack.urls.gateways.length, 2);
  t.ok(await natsReady(Number(new URL(stack.urls.nats).port)), "NATS greets");
  t.ok(await httpReady(`${stack.urls.http}/readyz`), "the gateway is ready");
  t.ok(await httpReady(`${stack.urls.logicHttp}/readyz`), "logic is ready");
  t.ok(lines.includes("gateway: hello from gateway with a secret"), "output by part; no dev mode when there is a secret");
  t.ok(lines.includes("logic: hello from logic, wrapped"), "one part runs under another command");
  t.notOk(readFileSync(`/proc/${stack.pids["gateway"]}/cmdline`, "utf8").includes("s3cret"), "the secret is not in the process list");

  await t.rejects(
    startStack({ dataDir: join(dir, "data"), ports: "free", program: join(dir, "part.mjs"), quiet: true }).then((second) => second.stop()),
    {
      message: "in use by this process",
    },
  );

  const before = stack.pids;
  for (const part of ["logic", "nats", "gateway-2"]) {
    const back = stack.restarted(part);
    stack.kill(part);
    await back;
    t.not(stack.pids[part], before[part], `${part} is another process`);
  }
  t.equal(stack.pids["gateway"], before["gateway"], "the others live on");
  t.strictSame(restarts, ["logic signal SIGKILL", "nats signal SIGKILL", "gateway-2 signal SIGKILL"]);
  t.ok(await natsReady(Number(new URL(stack.urls.nats).port)));
  t.throws(() => stack.kill("nobody"), { message: "no part" });

  const { pids } = stack;
  const record = join(dir, "data/run.json");
  t.ok(existsSync(record));
  await stack.stop();
  await stack.stop();
  for (const [part, pid] of Object.entries(pids)) t.equal(identify(pid), undefined, `${part} is gone`);
  t.strictSame(stack.pids, {});
  const log = readFileSync(join(dir, "log.txt"), "utf8").trim().split("\n");
  t.equal(log[0], "logic up", "logic before gateways");
  t.strictSame(log.slice(-3), ["gateway stopped", "gateway stopped", "logic stopped"], "gateways before logic");
  t.notOk(existsSync(record), "nothing to clean up");
  t.ok(existsSync(join(dir, "data/nats/jetstream")) || existsSync(join(dir, "data/nats")), "data stays");
});

t.test("a start that fails says why and leaves nothing", async (t) => {
  const dir = t.testdir({ "part.mjs": PART });
  const options = { dataDir: join(dir, "data"), program: join(dir, "part.mjs"), quiet: true };
  await t.rejects(startStack({ ...options, ports: "free", env: { BROKEN: "gateway" } }), {
    message: "gateway did not start: it ended with exit code 3, and said last:\n  the disk is full",
  });
  t.notOk(existsSync(join(dir, "data/run.json")));
  t.equal(readFileSync(join(dir, "log.txt"), "utf8"), "logic up\nlogic stopped\n");

  const [a, b, c, d, e] = (await freePorts(5)) as [number, number, number, number, number];
  const holder = createServer().listen(b, "127.0.0.1");
  await once(holder, "listening");
  await t.rejects(startStack({ ...options, ports: { tcp: a, ws: b, http: c, nats: d, logic: e } }), {
    message: `port ${b} is in use: stop what uses it or pass --ws-port`,
  });
  holder.close();
  await t.rejects(startStack({ ...options, ports: { tcp: a, ws: a, http: c, nats: d, logic: e } }), { message: "asked for twice" });

  const before = process.env["HAWSER_NATS_SERVER"];
  process.env["HAWSER_NATS_SERVER"] = "/nowhere/nats-server";
  await t.rejects(startStack({ ...options, ports: "free" }), { message: "/nowhere/nats-server" });
  if (before === undefined) Reflect.deleteProperty(process.env, "HAWSER_NATS_SERVER");
  else process.env["HAWSER_NATS_SERVER"] = before;
});

t.test("gateways are replaced one after the other, by call and by signal; one that does not start ends it", async (t) => {
  const listeners = process.listenerCount("SIGUSR2");
  for (const sharePorts of [true, false]) {
    const dir = t.testdir({ "part.mjs": PART });
    const data = join(dir, "data");
    const told: string[] = [];
    const restarts: string[] = [];
    const starting = startStack({
      dataDir: data,
      ports: "free",
      gateways: 2,
      sharePorts,
      program: join(dir, "part.mjs"),
      line: () => {},
      tell: (text) => told.push(text),
      onRestart: (part, how) => restarts.push(`${part} ${how}`),
      rollsBySignal: true,
    });
    const record = () =>
      JSON.parse(readFileSync(join(data, "run.json"), "utf8")) as { parts: Record<string, { pid: number }>; roll: { state: string; why?: string } };
    while (process.listenerCount("SIGUSR2") === listeners) await sleep(1);
    process.kill(process.pid, "SIGUSR2");
    const stack = await starting;
    t.teardown(() => stack.stopNow());
    t.match(record().roll, { state: "failed", why: "being started" }, "asked before there is anything to replace");
    const [a, b] = stack.urls.gateways as [(typeof stack.urls.gateways)[0], (typeof stack.urls.gateways)[0]];
    t.equal(a.tcp === b.tcp, sharePorts);
    const before = { ...stack.pids };
    const http = a.http;
    writeFileSync(join(dir, "log.txt"), "");
    await stack.roll();
    const { pids } = stack;
    t.strictSame(Object.keys(pids).sort(), ["gateway", "gateway-2", "logic", "nats"]);
    t.equal(pids["logic"], before["logic"]);
    for (const part of ["gateway", "gateway-2"]) {
      t.not(pids[part], before[part]);
      t.equal(record().parts[part]?.pid, pids[part], "the record knows the new one");
    }
    t.strictSame(Object.keys(record().parts).sort(), ["gateway", "gateway-2", "logic", "nats"]);
    t.equal(a.http === http, !sharePorts, "a process beside another has a port of its own");
    t.equal(stack.urls.http, a.http);
    t.ok(await httpReady(`${a.http}/readyz`));
    const lives = readFileSync(join(dir, "log.txt"), "utf8").trim().split("\n");
    t.strictSame(
      lives,
      sharePorts ? ["gateway up", "gateway stopped", "gateway up", "gateway stopped"] : ["gateway stopped", "gateway up", "gateway stopped", "gateway up"],
    );

    // Twice: back to the port of before, where it is another one.
    process.kill(process.pid, "SIGUSR2");
    while (record().roll.state !== "done") await sleep(20);
    t.equal(a.http, http);
    t.ok(await httpReady(`${a.http}/readyz`));
    t.not(stack.pids["gateway-2"], pids["gateway-2"]);

    // A version that does not start.
    writeFileSync(join(dir, "broken-gateway"), "");
    const now = { ...stack.pids };
    const rolling = stack.roll();
    await t.rejects(stack.roll(), { message: "under way" });
    await t.rejects(rolling, { message: "gateway: it ended with exit code 3, and said last:\n  the disk is full" });
    t.equal(stack.pids["gateway-2"], now["gateway-2"], "the next one was left alone");
    if (sharePorts) {
      t.equal(stack.pids["gateway"], now["gateway"], "and the old one serves on");
      t.ok(await httpReady(`${a.http}/readyz`));
      t.strictSame(restarts, []);
    } else {
      const back = stack.restarted("gateway");
      rmSync(join(dir, "broken-gateway"));
      await back;
      t.ok(restarts.length > 0, "it is tried again as ever");
    }
    const ended = { ...stack.pids };
    const stopping = stack.stop();
    process.kill(process.pid, "SIGUSR2");
    // The next turns of the loop hear it, while parts take their time.
    while (record().roll.state !== "failed" || !told.at(-1)?.includes("being stopped")) await sleep(1);
    await stopping;
    for (const [part, pid] of Object.entries(ended)) t.equal(identify(pid), undefined, `${part} is gone`);
    t.equal(process.listenerCount("SIGUSR2"), listeners, "and nobody listens any more");
  }
});

t.test("nothing outlives a supervisor that is killed", async (t) => {
  const dir = t.testdir({ "part.mjs": PART });
  const stackModule = new URL(import.meta.url.endsWith(".ts") ? "./stack.ts" : "./stack.js", import.meta.url).href;
  writeFileSync(
    join(dir, "supervisor.mjs"),
    `const { startStack } = await import(${JSON.stringify(stackModule)});
     const stack = await startStack({ dataDir: ${JSON.stringify(join(dir, "data"))}, ports: "free", program: ${JSON.stringify(join(dir, "part.mjs"))}, quiet: true });
     process.stdout.write(JSON.stringify(stack.pids) + "\\n");
     setInterval(() => {}, 1000);`,
  );
  const supervisor = spawn(process.execPath, [...process.execArgv, join(dir, "supervisor.mjs")], { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = (await once(supervisor.stdout, "data")) as [Buffer];
  const pids = JSON.parse(output.toString()) as Record<string, number>;
  t.strictSame(Object.keys(pids).sort(), ["gateway", "logic", "nats"]);

  await t.rejects(startStack({ dataDir: join(dir, "data"), ports: "free", program: join(dir, "part.mjs"), quiet: true }), {
    message: `in use by process ${supervisor.pid}`,
  });

  supervisor.kill("SIGKILL");
  await once(supervisor, "exit");
  for (const [part, pid] of Object.entries(pids)) {
    // Without setpriv a NATS server stays, until the next start in that directory.
    if (part !== "nats" || natsPart(dir, 4222).command === "setpriv") t.ok(await gone(pid), `${part} is gone`);
  }
  t.ok(existsSync(join(dir, "data/run.json")), "the record is left behind");

  // A NATS server of an earlier life, and a stranger whose process id the record happens to name.
  const [port] = (await freePorts(1)) as [number];
  const plan = natsPart(join(dir, "data"), port);
  const leftover = spawn(plan.args.at(-3)!.endsWith("nats-server") ? plan.args.at(-3)! : plan.command, plan.args.slice(-2), { stdio: "ignore" });
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  t.teardown(() => {
    leftover.kill("SIGKILL");
    stranger.kill("SIGKILL");
  });
  while (!(await plan.ready())) await sleep(20);
  const known = identify(leftover.pid!)!;
  const record = {
    supervisor: { pid: supervisor.pid, started: "0" },
    parts: { nats: { pid: known.pid, started: known.started }, logic: { pid: stranger.pid, started: "1" }, gateway: identify(stranger.pid!) },
  };
  writeFileSync(join(dir, "data/run.json"), JSON.stringify(record));
  const told: string[] = [];
  const stack = await startStack({
    dataDir: join(dir, "data"),
    ports: "free",
    program: join(dir, "part.mjs"),
    line: () => {},
    tell: (text) => told.push(text),
  });
  t.strictSame(told, [`ending nats (process ${leftover.pid}), left over from a start that was killed`]);
  t.ok(await gone(leftover.pid!));
  t.ok(runs(identify(stranger.pid!)!), "the stranger lives");
  await stack.stop();

  writeFileSync(join(dir, "data/run.json"), "{");
  await t.rejects(startStack({ dataDir: join(dir, "data"), ports: "free", program: join(dir, "part.mjs"), quiet: true }), { message: "delete that file" });
});

// The native core's own tests, beside the suite that it shares with the other transports (accept/transport.test.ts): its
// readers on the protocol's vectors in every chunking, the fuzzer for a moment, a churn under address and undefined-behaviour
// sanitizers inside of Node, a port that two processes share, and what a connection costs.
import { execFileSync, fork, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import t from "tap";
import { errorName } from "../../proto/error-code.ts";
import { FrameReader } from "../../proto/frame-reader.ts";
import { listenChosenTcp } from "../accept/listen-tcp.ts";
import { listenNativeTcp } from "../accept/native-tcp.ts";
import { PROXY_VECTORS } from "../accept/testing/proxy-vectors.ts";
import type { TransportEvents, TransportOptions } from "../accept/transport.ts";
import { SILENT } from "../log.ts";
import { compiledFuzzer, loadTcpAddon, sanitizedAddon } from "./build.ts";

const OPTIONS: TransportOptions = {
  host: "127.0.0.1",
  port: 0,
  slotFirst: 0,
  slotsMax: 1000,
  frameBytesMax: 8192,
  frameBytesLimit: 512 * 1024,
  lingerMs: 300,
  sharePort: false,
  proxyProtocol: false,
  unfinishedBytesMax: 1e6,
};

function events(fields: Partial<TransportEvents> = {}): TransportEvents {
  const nothing = (): void => undefined;
  return { opened: nothing, frames: nothing, idle: nothing, broken: nothing, drained: nothing, closed: nothing, ...fields };
}

/** Why a part cannot run here; false: it can. */
function missing(make: () => unknown): string | false {
  try {
    make();
    return false;
  } catch (error) {
    return (error as Error).message.split("\n", 1)[0]!;
  }
}
const noAddon = missing(loadTcpAddon);
const noFuzzer = missing(compiledFuzzer);

t.test("vectors in every chunking", { skip: noFuzzer }, (t) => {
  const file = new URL(`../../proto/vectors/frames.json`, import.meta.url);
  const { streams } = JSON.parse(readFileSync(file, "utf8")) as { streams: { name: string; stream: string; limit: number }[] };
  const all = streams.map(({ name, stream, limit }) => ({ name, limit, bytes: expand(stream) })).filter(({ bytes }) => bytes.length <= 65_536);
  const input = [
    ...all.map(({ limit, bytes }) => `stream ${limit} ${bytes.toString("hex")}`),
    ...PROXY_VECTORS.map(({ bytes }) => `proxy ${Buffer.from(bytes).toString("hex")}`),
  ].join("\n");
  const lines = execFileSync(compiledFuzzer(), ["--vectors"], { input, encoding: "latin1", maxBuffer: 1 << 26 }).split("\n");
  // The reader in TypeScript is held to the vectors in proto/frame.test.ts.
  for (const { name, limit, bytes } of all) {
    const frames: string[] = [];
    const reader = new FrameReader(limit);
    const code = reader.push(bytes, {
      frame(header, chunk, start, end) {
        frames.push(` ${header}:${Buffer.from(chunk.subarray(start, end)).toString("hex")}`);
        return true;
      },
    });
    t.equal(lines.shift(), `${code === 0 ? "open" : errorName(code)}${frames.join("")}`, name);
  }
  for (const { what, address, headerBytes } of PROXY_VECTORS) {
    const told = address === undefined ? "-1 -" : address === "more" ? "0 -" : `${headerBytes} ${address === "" ? "-" : address}`;
    t.equal(lines.shift(), told, what);
  }
  t.ok(all.length > 20);
  t.end();
});

t.test("the fuzzer, for a moment: no rule is broken", { skip: noFuzzer }, (t) => {
  const run = spawnSync(compiledFuzzer(), ["--inputs", "1500000", "--seed", "2026"], { encoding: "latin1" });
  t.equal(run.status, 0, run.stderr);
  const { targets } = JSON.parse(run.stdout) as { targets: { name: string; inputs: number; cases: number }[] };
  t.strictSame(
    targets.map(({ name }) => name),
    ["stream", "proxy", "kernel"],
  );
  t.ok(targets.every(({ inputs, cases }) => inputs >= 500_000 && cases > 500));
  t.end();
});

const self = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./testing/churn.ts" : "./testing/churn.js", import.meta.url));

t.test("connections come and go under sanitizers", { skip: noAddon }, (t) => {
  const compiler = process.env["CC"] ?? "cc";
  const libraries = ["libasan.so", "libubsan.so"].map((name) => execFileSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" }).trim());
  const absent = libraries.filter((file) => !existsSync(file));
  if (absent.length > 0) t.comment(`not under sanitizers: ${compiler} has no ${absent.join(" and no ")}`);
  const sanitize =
    absent.length > 0
      ? {}
      : { HAWSER_NATIVE_SANITIZE: "1", LD_PRELOAD: libraries.join(" "), ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: "print_stacktrace=1" };
  // The compiler should not run under the preloaded library.
  if (absent.length === 0) sanitizedAddon();
  const run = spawnSync(process.execPath, [...process.execArgv, self, "churn", "1500"], { encoding: "utf8", env: { ...process.env, ...sanitize } });
  t.equal(run.status, 0, run.stderr);
  const { opened, closed, frames, open } = JSON.parse(run.stdout.trim().split("\n").at(-1)!) as Record<string, number>;
  t.ok(opened! > 1000 && opened === closed && open === 0 && frames! > 1000, run.stdout);
  t.end();
});

t.test("a port that two processes share; who stops listening lets nobody down", { skip: noAddon }, async (t) => {
  let opened = 0;
  const own = await listenNativeTcp({ ...OPTIONS, sharePort: true }, events({ opened: () => opened++ }));
  const other = fork(self, ["listen", String(own.port)], { execArgv: process.execArgv });
  const told = () => new Promise<unknown>((resolve) => other.once("message", resolve));
  t.equal(await told(), "listening");
  const sockets: Socket[] = [];
  let failed = 0;
  const dial = (count: number): Promise<unknown> =>
    Promise.all(
      Array.from(
        { length: count },
        () =>
          new Promise<void>((resolve) => {
            const socket = connect(own.port, "127.0.0.1", () => resolve());
            socket.on("error", () => {
              failed++;
              resolve();
            });
            sockets.push(socket);
          }),
      ),
    );
  await dial(100);
  for (let theirs = 0; opened + theirs < 100; ) {
    other.send("count");
    theirs = (await told()) as number;
  }
  t.ok(opened > 10 && opened < 90, `${opened} of 100 here`);
  // Connections that the kernel has made, and that nobody has accepted: those of this turn.
  const dialled = dial(200);
  await new Promise((resolve) => process.nextTick(resolve));
  own.stopListening();
  await dialled;
  await dial(50);
  for (let theirs = 0; opened + theirs < 350; ) {
    other.send("count");
    theirs = (await told()) as number;
  }
  t.equal(failed, 0, "nobody was reset");
  const before = opened;
  await dial(20);
  t.equal(opened, before, "nobody new comes here");
  for (const socket of sockets) socket.destroy();
  await own.stop();
  other.disconnect();
  await new Promise((resolve) => other.once("exit", resolve));
});

t.test("what a connection costs; who serves the port", async (t) => {
  const chosen = { ...OPTIONS, slotsMax: 10 };
  if (noAddon === false) {
    const { connectionBytes } = loadTcpAddon().layout;
    t.ok(connectionBytes <= 64, `${connectionBytes} bytes`);
    const native = await listenChosenTcp("auto", chosen, events(), SILENT);
    t.equal(native.constructor.name, "NativeTcpTransport");
    await native.stop();
    await t.rejects(listenNativeTcp({ ...chosen, host: "no.such.host.invalid" }, events()));
    await t.rejects(listenNativeTcp({ ...chosen, host: "192.0.2.1" }, events()), { code: "EADDRNOTAVAIL" });
  }
  const net = await listenChosenTcp("net", chosen, events(), SILENT);
  t.not(net.constructor.name, "NativeTcpTransport");
  await net.stop();
  // A machine without compiler, seen from another process.
  const script = `
    const { listenChosenTcp } = await import(${JSON.stringify(new URL(import.meta.url.endsWith(".ts") ? "../accept/listen-tcp.ts" : "../accept/listen-tcp.js", import.meta.url).href)});
    const log = { warn: (fields, message) => console.log("warned", message, fields.missing), info() {}, error() {} };
    const options = ${JSON.stringify(chosen)};
    await listenChosenTcp("native", options, {}, log).catch((error) => console.log("refused", error.message));
    await (await listenChosenTcp("auto", options, {}, log)).stop();
  `;
  const run = spawnSync(process.execPath, [...process.execArgv, "--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { ...process.env, CC: "/nowhere/cc" },
  });
  t.equal(run.status, 0, run.stderr);
  t.match(run.stdout, /refused no native TCP core: no C compiler \(\/nowhere\/cc\): apt-get install .*tcpCore/);
  t.match(run.stdout, /warned TCP is served by node:net.*no C compiler/);
});

/** "05 61*126": hex with repeated bytes, as proto/vectors has it. */
function expand(text: string): Buffer {
  const parts = text.split(" ").map((part) => {
    const [byte, times] = part.split("*");
    return times === undefined ? Buffer.from(part, "hex") : Buffer.alloc(Number(times), Number.parseInt(byte!, 16));
  });
  return Buffer.concat(parts);
}

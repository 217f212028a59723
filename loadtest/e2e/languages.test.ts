// Clients of other makes against a real stack: the one in Python, which was written from SPEC.md alone, and the browser's, in
// a real browser. Where python3 or Chromium is missing, its test says so and is skipped.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { startStack } from "../../cli/stack.ts";
import { Browser, findBrowser, Site } from "./testing/browser.ts";
import { Device } from "./testing/device.ts";
import { sleep, within } from "./testing/wait.ts";

const here = dirname(fileURLToPath(import.meta.url));
/** The project: these files run from loadtest/e2e/ or dist/loadtest/e2e/. */
const root = [join(here, "../.."), join(here, "../../..")].find((folder) => existsSync(join(folder, "package.json")))!;

const folder = mkdtempSync(join(tmpdir(), "hawser-languages-"));
const stack = await startStack({ dataDir: join(folder, "data"), ports: "free", quiet: true, gateways: 2 });
t.teardown(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

const python = ["python3", "python"].find((name) => spawnSync(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status === 0);
const program = findBrowser();

/** They wait much and compute little: they run, at the second gateway, while the browser is tested at the first. */
const pythonRuns = python === undefined ? Promise.resolve([]) : runPython();
pythonRuns.catch(() => undefined);

t.test("a browser", { skip: program === undefined ? "there is no Chromium or Chrome here (chromium)" : false }, async (t) => {
  const { build } = await import("esbuild");
  const entry = join(here, "testing", import.meta.url.endsWith(".ts") ? "page.ts" : "page.js");
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: "es2022",
    minify: true,
    logLevel: "silent",
  });
  const script = bundle.outputFiles[0]!.text;
  t.comment(`the page's script with the client in it: ${script.length} bytes`);

  const nora = await new Device({ url: stack.urls.tcp, user: "nora" }).online();
  t.teardown(() => nora.close());
  const say = async (from: number, to: number): Promise<void> => {
    for (let i = from; i <= to; i++) await nora.client.send("paula", `nora ${i}`);
  };
  await say(1, 3);

  const site = await Site.start(script);
  t.teardown(() => site.close());
  const query = new URLSearchParams({ gateway: stack.urls.ws, user: "paula" });
  const browser = new Browser(program!, `${site.url}/?${query}`);
  t.teardown(() => browser.close());
  const welcome = await site.take("online", 60_000).catch((error: Error) => {
    throw new Error(`${error.message}; the browser said: ${browser.output}`);
  });
  t.match(welcome, { user: "paula", pending: 0 }, "the page is online over WebSocket");

  t.match(await site.does({ do: "send", to: "nora", text: "paula 1" }), { seq: 4, durability: "fsync" });
  t.match(await site.does({ do: "send", to: "nora", text: "paula 2 ☕" }), { seq: 5, durability: "fsync" });
  await nora.shown("paula", 5);
  await say(4, 6);
  await site.does({ do: "check" });
  t.equal(await site.does({ do: "secondTab" }), "STORE_IN_USE", "a second tab on the same store");

  // Messages come while the page is being reloaded.
  const meanwhile = say(7, 30);
  site.order({ do: "reload" });
  t.match(await site.take("online"), { pending: 0 });
  await meanwhile;
  await site.does({ do: "check" });

  // Messages of its own that have no answer yet when the page goes: the next one sends them.
  const unsent = [3, 4, 5, 6, 7].map((i) => `paula ${i}`);
  site.order({ do: "sendAndReload", to: "nora", texts: unsent });
  await site.take("online");
  await nora.shown("paula", 37);
  await say(31, 33);

  // The gateway dies: the page comes back by itself.
  const back = stack.restarted("gateway");
  stack.kill("gateway");
  await within(back, "the gateway to be back");
  await say(34, 36);
  t.match(await site.does({ do: "send", to: "nora", text: "paula 8" }), { seq: 44 });
  await site.does({ do: "check" });

  // Nothing comes late or twice.
  await sleep(300);
  site.order({ do: "tell" });
  const { lines, complaints } = await site.take("shown");
  t.same(complaints, []);
  t.same(
    lines.map((line) => line.replace(/^nora /, "")),
    nora.log("paula"),
    "over two reloads and a lost connection: every row once, in order, as nora sees them",
  );
  t.equal(lines.length, 44);
  const own = lines.map((line) => line.split(": ")[1]!).filter((text) => text.startsWith("paula"));
  t.same(own, ["paula 1", "paula 2 ☕", ...unsent, "paula 8"], "its own once, in the order of its calls");
  t.same([...nora.diverged, ...nora.errors.map(String)], []);
});

t.test("Python", { skip: python === undefined ? "there is no Python 3.8 or later here (python3)" : false }, async (t) => {
  for (const [what, least, { code, lines }] of await within(pythonRuns, "the Python client's tests", 110_000)) {
    t.same(lines.filter((line) => !line.startsWith("ok - ")).slice(0, -1), [], `${what}: every step`);
    t.equal(code, 0, `${what}: ${lines.at(-1)}`);
    t.ok(lines.filter((line) => line.startsWith("ok - ")).length >= least, `${what}: all steps ran`);
  }
  // What the Python client wrote, this one reads.
  const bob = await new Device({ url: stack.urls.ws, user: "bob", device: "node" }).online();
  t.ok(bob.log("alice").length > 40, `${bob.log("alice").length} rows written by the Python client`);
  t.same([...bob.diverged, ...bob.errors.map(String)], [], "and both agree on the hash");
  await bob.close();
});

interface Selftest {
  code: number | null;
  lines: string[];
}

/** The three runs of the Python client's own tests: what, how many steps at least, and what came of it. */
async function runPython(): Promise<[string, number, Selftest][]> {
  const server = ["--port", new URL(stack.urls.gateways[1]!.tcp).port];
  return [
    ["vectors", 5, await selftest("--vectors", join(root, "proto/vectors"))],
    ["a server", 20, await selftest(...server)],
    // The same two users have a history now.
    ["a server that knows them", 20, await selftest(...server)],
  ];
}

async function selftest(...args: string[]): Promise<Selftest> {
  const child = spawn(python!, [join(root, "proto/examples/python/selftest.py"), "--timeout", "60", ...args], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (out += bytes));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, lines: out.trim().split("\n") };
}

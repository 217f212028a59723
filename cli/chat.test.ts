// The whole way at once: `hawser start` as people start it, and `hawser chat` behind pipes; then the terminal's part.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import t from "tap";
import { messageLine, printable, snippet, waitWords } from "./chat-format.ts";
import { Screen } from "./chat-screen.ts";
import { identify } from "./process-record.ts";
import { Run } from "./testing/run.ts";

t.test("start, chat, stop", async (t) => {
  const home = t.testdir();
  const data = join(home, "data");
  const start = new Run(["start", "--data", data, "--free-ports"], { HOME: home });
  t.teardown(() => start.child.kill("SIGTERM"));
  await start.printed("Ctrl-C stops everything");
  const printed = start.out;
  t.match(printed, "DEVELOPMENT MODE", "said loudly");
  const tcp = /TCP +(tcp:\S+)/.exec(printed)![1]!;
  const ws = /WebSocket +(ws:\S+)/.exec(printed)![1]!;
  t.match(printed, `npm run chat -- --as alice --to bob --url ${tcp}`, "what to try, with these ports");
  for (const [name, url] of [...printed.matchAll(/(metrics|logic) +(http:\S+)/g)].map((match) => [match[1]!, match[2]!] as const)) {
    const body = await (await fetch(url)).text();
    t.match(body, name === "logic" ? "hawser_logic_sessions" : "hawser_gateway", `metrics of ${name}`);
  }

  const chat = (args: string[], input: string) => new Run(["chat", "--url", tcp, ...args], { HOME: home }, input).ended;
  const alice = await chat(["--as", "alice", "--to", "bob"], "hello\n//slash\n/help\n\n/to alice\nmind the gap\n");
  t.equal(alice.code, 0, alice.err);
  t.match(alice.out, /✓ stored \(fsync\) as bob #1: hello\n/);
  t.match(alice.out, /✓ stored \(fsync\) as bob #2: \/slash\n/);
  t.match(alice.out, /✓ stored \(fsync\) as alice #1: mind the gap\n/);
  t.match(alice.out, "/history [N]");

  const bob = await chat(["--as", "bob", "--to", "alice", "--url", ws, "--state", "none"], "");
  t.equal(bob.code, 0, bob.err);
  t.match(bob.out, /\d\d:\d\d {2}alice: hello\n\d\d:\d\d {2}alice: \/slash\n/, "history, over WebSocket");
  t.notMatch(bob.out, "mind the gap", "a note to oneself is nobody else's");

  const listener = new Run(["chat", "--url", tcp, "--as", "bob", "--to", "alice", "--follow"], { HOME: home }, "");
  await listener.printed("alice: /slash");
  const again = await chat(["--as", "alice", "--to", "bob"], "still there?\n");
  t.match(again.out, /✓ stored \(fsync\) as bob #3: still there\?\n/, "numbers go on after a restart");
  await listener.printed("alice: still there?");
  listener.child.kill("SIGINT");
  t.match(await listener.ended, { code: 0, err: "" });

  const results = await Promise.all([
    chat(["--as", "eve", "--token", "forged", "--to", "bob"], "x\n"),
    chat(["--as", "carol"], "x\n/nope\n"),
    chat(["--as", "carol", "--device", "late", "--to", "bob", "--url", "tcp://127.0.0.1:1", "--wait", "1s"], "kept\n"),
    chat(["--as", "carol", "--device", "x", "--url", "gopher://127.0.0.1:1"], "x\n"),
    chat(["--as", "x".repeat(65), "--state", "none", "--to", "bob"], "x\n"),
  ]);
  for (const { code } of results) t.equal(code, 1);
  const [forged, lost, late, scheme, longName] = results.map(({ err }) => err);
  t.match(forged, /^hawser: the server does not take this token .*pass another --token.*\n$/);
  t.match(lost, /^hawser: 2 not understood, see above\n$/);
  t.match(late, /^hawser: 1 message was not confirmed in 1 s: kept, and sent the next time this chat is started\n$/);
  t.match(scheme, /^hawser: gopher: is not served here.*\n$/);
  t.match(longName, /^hawser: .*\n$/);
  const sent = await chat(["--as", "carol", "--device", "late", "--to", "bob"], "");
  t.match(sent, { code: 0, out: /carol: kept\n/ }, "and so it was");

  const first = new Run(["chat", "--url", tcp, "--as", "dora", "--to", "bob", "--state", "none"], { HOME: home });
  await first.printed("connected as dora");
  const second = await chat(["--as", "dora", "--to", "bob", "--state", "none"], "me again\n");
  t.equal(second.code, 0, second.err);
  t.match(await first.ended, { code: 1, err: /^hawser: another connection of this device took over: pass another --device.*\n$/ });

  const { parts } = JSON.parse(readFileSync(join(data, "run.json"), "utf8")) as { parts: Record<string, { pid: number }> };
  t.strictSame(Object.keys(parts), ["nats", "logic", "gateway"]);
  // One Ctrl-C, which npm passes on a second time.
  start.child.kill("SIGINT");
  setTimeout(() => start.child.kill("SIGINT"), 20);
  t.equal((await start.ended).code, 0);
  t.match(start.out, /Stopping: gateway, logic, NATS .*\nStopped; the data is kept.\n$/);
  for (const { pid } of Object.values(parts)) t.equal(identify(pid), undefined, "nothing runs on");
});

t.test("nothing from the network reaches the terminal as a command", (t) => {
  t.equal(printable("a\u001b[31mred\u0007\u009b2J"), "a\ufffd[31mred\ufffd\ufffd2J");
  t.equal(printable("one\r\ntwo\tthree"), "one\n        two  three");
  t.equal(printable("\u202egnp.exe"), "\ufffdgnp.exe", "no turning of the reading direction");
  t.equal(printable("zoë 👩‍🚀"), "zoë 👩‍🚀");
  t.equal(snippet("x".repeat(50)), `${"x".repeat(39)}…`);
  t.equal(snippet("two\nlines"), "two lines");
  t.equal(waitWords(1234), "1 s");
  const message = { time: new Date(2026, 0, 1, 9, 5).getTime(), from: "bob", peer: "bob", mine: false, text: "hi", bytes: 2 };
  t.equal(messageLine(message, "bob"), "09:05  bob: hi");
  t.equal(messageLine(message, "carol"), "09:05  bob (/to bob to answer): hi");
  t.equal(messageLine({ ...message, from: "me", mine: true }, "carol"), "09:05  me → bob: hi");
  t.equal(messageLine({ ...message, text: undefined }, "bob"), "09:05  bob: (2 bytes of data)");
  t.end();
});

t.test("a line that comes while one is being typed", async (t) => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 20, rows: 10 });
  let written = "";
  output.on("data", (bytes) => (written += bytes));
  const lines: string[] = [];
  let ends = 0;
  const screen = new Screen(input as unknown as NodeJS.ReadStream, output as unknown as NodeJS.WriteStream, {
    line: (text) => lines.push(text),
    end: () => ends++,
  });
  t.ok(screen.terminal);
  screen.setPrompt("bob> ");
  input.write("typing over the edge of it");
  await new Promise((resolve) => setTimeout(resolve, 20));
  written = "";
  screen.print("bob: hi");
  t.equal(written, "\u001b[1A\u001b[1G\u001b[0Jbob: hi\n\u001b[1G\u001b[0Jbob> typing over the edge of it\u001b[12G", "above it, and it is drawn again");
  input.write("\r");
  input.write("\u0004");
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.strictSame(lines, ["typing over the edge of it"]);
  t.equal(ends, 1, "Ctrl-D");
  screen.print("later");
  t.match(written, /later\n$/);
  screen.close();
});

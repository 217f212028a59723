// The command line as people meet it: help, errors, exit codes; and what stands behind single commands.
import { once } from "node:events";
import { createServer } from "node:net";
import { jwtVerify } from "jose";
import t from "tap";
import { explain, Failure } from "./failure.ts";
import { readableLine } from "./log-line.ts";
import { port, seconds } from "./options.ts";
import { Run } from "./testing/run.ts";
import { makeToken } from "./token.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

const hawser = (args: string[], env: Record<string, string> = {}) => new Run(args, env, "").ended;

t.test("help", async (t) => {
  const [bare, help, start, helpToken] = await Promise.all([hawser([]), hawser(["--help"]), hawser(["start", "--help"]), hawser(["help", "token"])]);
  t.equal(help.code, 0);
  for (const command of ["start", "chat", "token", "gateway", "logic"]) t.match(help.out, new RegExp(`^  ${command} .*\\w`, "m"), `${command} is listed`);
  t.equal(bare.out, help.out, "nothing asked: help");
  t.equal(bare.code, 0);
  t.equal(start.code, 0);
  t.match(start.out, /--tcp-port <port>\s+TCP port of the gateway \(default:\s+7070, env:\s+HAWSER_TCP_PORT\)/, "defaults and environment");
  t.match(start.out, "Examples:");
  t.match(helpToken.out, "--user <id>", "hawser help COMMAND");
});

t.test("mistakes get one clear line and exit code 1", async (t) => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const taken = String((holder.address() as { port: number }).port);
  const data = t.testdir();
  const cases: [string, string[], RegExp, Record<string, string>?][] = [
    ["unknown command", ["strat"], /unknown command 'strat'\n\(Did you mean start\?\)/],
    ["unknown option", ["start", "--prot", "1"], /unknown option '--prot'/],
    ["no port", ["start", "--tcp-port", "70700"], /'--tcp-port <port>' argument '70700' is invalid. It must be a whole number from 0 to 65535/],
    ["no port in the environment", ["start"], /value 'x' from env 'HAWSER_TCP_PORT' is invalid/, { HAWSER_TCP_PORT: "x" }],
    ["missing option", ["token"], /required option '--user <id>' not specified/],
    ["missing secret", ["token", "--user", "a"], /^hawser: no secret: pass --secret or set HAWSER_JWT_SECRET.*\n$/],
    ["short secret", ["token", "--user", "a", "--secret", "abc"], /^hawser: the secret is shorter than 32 bytes.*\n$/],
    ["no id", ["token", "--user", "", "--secret", SECRET], /^hawser: not an id \(1 to 64 bytes of UTF-8\): ""\n$/],
    ["open door", ["start", "--data", data, "--host", "0.0.0.0"], /^hawser: anybody could log in as anybody on 0.0.0.0: pass --secret or --jwks.*\n$/],
    ["port in use", ["start", "--data", data, "--tcp-port", taken], new RegExp(`^hawser: port ${taken} is in use: stop what uses it or pass --tcp-port\n$`)],
  ];
  await Promise.all(
    cases.map(async ([name, args, expected, env]) => {
      const { code, out, err } = await hawser(args, env ?? {});
      t.equal(code, 1, name);
      t.match(err, expected, name);
      t.notMatch(err, "    at ", `${name}: no stack`);
      t.equal(out, "", name);
    }),
  );
  const debug = await hawser(["token", "--user", "a", "--debug"]);
  t.match(debug.err, /no secret[\s\S]*\n {4}at /, "--debug shows where");
  holder.close();
});

t.test("token", async (t) => {
  const { code, out } = await hawser(["token", "--user", "zoë", "--device", "phone", "--ttl", "2h"], { HAWSER_JWT_SECRET: SECRET });
  t.equal(code, 0);
  const { payload, protectedHeader } = await jwtVerify(out.trim(), new TextEncoder().encode(SECRET), { algorithms: ["HS256"] });
  t.match({ ...payload, ...protectedHeader }, { sub: "zoë", device: "phone", alg: "HS256" });
  t.equal(payload.exp! - payload.iat!, 7200);
  t.equal(out.trim().split("\n").length, 1, "and nothing else");
  await t.rejects(async () => makeToken("x".repeat(65), SECRET, 1), RangeError);
});

t.test("values of options", (t) => {
  t.equal(seconds("90"), 90);
  t.equal(seconds("15m"), 900);
  t.equal(seconds("7d"), 604_800);
  for (const bad of ["", "0", "-1", "1w", "1.5h", "h"]) t.throws(() => seconds(bad), bad);
  t.equal(port("0"), 0);
  for (const bad of ["", "-1", "65536", "7070x", "1e3"]) t.throws(() => port(bad), bad);
  t.end();
});

t.test("errors for people", (t) => {
  const coded = (fields: object) => Object.assign(new Error("raw"), fields);
  t.equal(explain(new Failure("do this")), "do this");
  t.match(explain(coded({ code: "EADDRINUSE", port: 7070 })), "port 7070 is in use");
  t.match(explain(coded({ code: "EACCES", port: 80 })), "above 1023");
  t.match(explain(coded({ code: "ENOENT", path: "/x/key.pem" })), "/x/key.pem is not there");
  t.match(explain(coded({ code: "EROFS", path: "/x" })), "/x may not be written");
  t.match(explain(new Error("not open", { cause: coded({ code: "LEVEL_LOCKED" }) })), "open in another process");
  t.match(explain(coded({ code: "ECONNREFUSED" })), "is the other side running");
  t.equal(explain(new RangeError("shard count must be a power of two")), "shard count must be a power of two");
  t.match(explain(new TypeError("x is undefined")), /x is undefined \(run again with --debug/);
  t.equal(explain("thrown text"), "thrown text");
  t.end();
});

t.test("log lines", (t) => {
  const time = new Date(2026, 0, 2, 3, 4, 5).getTime();
  t.equal(
    readableLine(JSON.stringify({ level: 40, time, pid: 1, hostname: "h", name: "logic", ms: 7, of: { a: 1 }, msg: "slow" })),
    '03:04:05 WARN slow ms=7 of={"a":1}',
  );
  t.equal(
    readableLine(JSON.stringify({ level: 50, time, err: { type: "RangeError", message: "no" }, msg: "failed" })),
    "03:04:05 ERROR failed: RangeError: no",
  );
  t.equal(readableLine("plain"), "plain");
  t.equal(readableLine('{"level":40,'), '{"level":40,', "cut off");
  t.end();
});

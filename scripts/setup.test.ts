// What setup decides: which packages are missing, where the NATS server is, what gets compiled, copied and removed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { INSTALL } from "./apt.mjs";
import { isTestFile, orphans, plan } from "./build.mjs";
import { findNatsServer } from "./find-nats.mjs";
import { checkNode, installScope, missingPackages } from "./setup.mjs";
import { compiledPath, totals, worthPrinting } from "./tap-totals.mjs";

t.test("Node's version", (t) => {
  for (const good of ["20.12.0", "20.20.2", "22.0.0", "24.1.0"]) t.doesNotThrow(() => checkNode(good), good);
  for (const old of ["20.11.1", "18.20.0", "8.0.0"]) t.throws(() => checkNode(old), { message: `20.12 or newer, and this is ${old}` }, old);
  t.end();
});

t.test("packages", (t) => {
  const lock = {
    packages: {
      "": {},
      "node_modules/ws": { version: "8.0.0", integrity: "x" },
      "node_modules/tap": { version: "21.0.0", integrity: "y", dev: true },
      "node_modules/other-platform": { version: "1.0.0", optional: true },
    },
  };
  const runtime = { packages: { "node_modules/ws": lock.packages["node_modules/ws"] } };
  const everything = { packages: { ...runtime.packages, "node_modules/tap": lock.packages["node_modules/tap"] } };
  const there = () => true;

  t.strictSame(missingPackages(lock, {}, "prod", there), ["node_modules/ws"], "nothing is installed");
  t.strictSame(missingPackages(lock, runtime, "prod", there), [], "running needs no test tools");
  t.strictSame(missingPackages(lock, runtime, "all", there), ["node_modules/tap"]);
  t.strictSame(missingPackages(lock, everything, "all", there), []);
  t.strictSame(
    missingPackages(lock, everything, "all", (path) => !path.includes("tap")),
    ["node_modules/tap"],
    "deleted by hand",
  );
  const older = { packages: { "node_modules/ws": { version: "7.0.0", integrity: "x" } } };
  t.strictSame(missingPackages(lock, older, "prod", there), ["node_modules/ws"], "another version");
  const forged = { packages: { "node_modules/ws": { version: "8.0.0", integrity: "z" } } };
  t.strictSame(missingPackages(lock, forged, "prod", there), ["node_modules/ws"], "another content");

  t.equal(installScope({}, "prod"), "prod", "npm start installs no test tools");
  t.equal(installScope({}, "all"), "all");
  t.equal(installScope(runtime, "prod"), "prod");
  t.equal(installScope(everything, "prod"), "all", "test tools that are there stay");
  t.end();
});

t.test("the NATS server", (t) => {
  const directory = t.testdir({ bin: {} });
  const program = join(directory, "bin/nats-server");
  const only = (path: string) => (candidate: string) => candidate === path;
  t.equal(findNatsServer({ PATH: `/nowhere:${directory}/bin` }, only(program)), program, "from PATH");
  t.equal(findNatsServer({ PATH: "/bin" }, only("/usr/sbin/nats-server")), "/usr/sbin/nats-server", "where PATH does not look");
  t.equal(findNatsServer({ PATH: "/bin" }, only("")), undefined);
  t.equal(
    findNatsServer({ PATH: `${directory}/bin`, HAWSER_NATS_SERVER: "/opt/nats" }, () => true),
    "/opt/nats",
    "the environment wins",
  );
  t.throws(() => findNatsServer({ HAWSER_NATS_SERVER: "/opt/nats" }, () => false), { message: "/opt/nats" }, "and has to be right");
  writeFileSync(program, "#!/bin/sh\n", { mode: 0o644 });
  t.throws(() => findNatsServer({ HAWSER_NATS_SERVER: program }), { message: "no program" }, "a file that cannot be run");
  t.end();
});

t.test("installing packages leaves no trace but them", (t) => {
  const services = { old: { lib: { systemd: { system: { "epmd.service": "" } } } }, masked: { etc: { systemd: { system: { "epmd.socket": "" } } } } };
  const policy = (root: string) => join(root, "usr/sbin/policy-rc.d");
  /** Runs it with an apt-get that does as told, on a machine with these files; returns what it ran, and how it ended. */
  const install = (apt: string, files: object) => {
    const root = t.testdir({ usr: { sbin: {} }, bin: {}, ...files });
    const log = join(root, "log");
    writeFileSync(log, "");
    const programs = {
      "apt-get": `echo "apt-get $*" >> ${log}\n[ -x ${policy(root)} ] && echo "held back" >> ${log}\n${apt}`,
      systemctl: `echo "systemctl $*" >> ${log}`,
    };
    for (const [name, script] of Object.entries(programs)) writeFileSync(join(root, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const args = ["-c", INSTALL, "install", root, "epmd.service epmd.socket", "ejabberd", "erlang-base"];
    const { status, signal } = spawnSync("/bin/sh", args, { env: { PATH: `${join(root, "bin")}:/usr/bin:/bin` } });
    return { root, ran: readFileSync(log, "utf8").trim().split("\n"), status, signal };
  };
  const packages = "apt-get install -y -q -q --no-install-recommends ejabberd erlang-base";
  const update = ["apt-get update -q -q", "held back"];

  const fresh = install("exit 0", {});
  t.strictSame(fresh.ran, [...update, packages, "held back", "systemctl -q disable epmd.service", "systemctl -q disable epmd.socket"]);
  t.equal(fresh.status, 0);
  t.notOk(existsSync(policy(fresh.root)));

  const some = install("exit 0", services.old);
  t.strictSame(some.ran.slice(4), ["systemctl -q disable epmd.socket"], "a service that was there before goes on");
  t.strictSame(install("exit 0", { ...services.old, ...services.masked }).ran.slice(4), [], "or was kept from starting by somebody");

  const failed = install('[ "$1" = update ] || exit 100', {});
  t.equal(failed.status, 1);
  t.notOk(existsSync(policy(failed.root)), "services may start again after a failure");
  for (const signal of ["INT", "TERM", "HUP"]) {
    const stopped = install(`[ "$1" = update ] || kill -${signal} $PPID`, {});
    t.strictSame({ status: stopped.status, signal: stopped.signal }, { status: 130, signal: null });
    t.strictSame(stopped.ran, [...update, packages, "held back"]);
    t.notOk(existsSync(policy(stopped.root)), `and after SIG${signal}`);
  }

  const own = install("exit 0", { usr: { sbin: { "policy-rc.d": "somebody's" } } });
  t.equal(readFileSync(policy(own.root), "utf8"), "somebody's", "a policy that was there stays");
  t.end();
});

t.test("sources", (t) => {
  const { compiled, assets, outputs } = plan(["proto/a.ts", "proto/a.test.ts", "proto/gen/b.js", "proto/gen/b.d.ts", "proto/SPEC.md", "scripts/c.mjs"]);
  t.strictSame(compiled, ["proto/a.ts", "proto/a.test.ts", "scripts/c.mjs"]);
  t.strictSame(assets, ["proto/gen/b.js", "proto/gen/b.d.ts"]);
  const built = ["proto/a.js", "proto/a.js.map", "proto/a.d.ts", "proto/a.test.js", "proto/gone.test.js", "proto/gone.test.js.map", "proto/gen/b.js", "x.txt"];
  t.strictSame(orphans(built, outputs), ["proto/gone.test.js", "proto/gone.test.js.map"], "a deleted test does not run on");
  t.ok(isTestFile("proto/a.test.ts") && isTestFile("proto/testing/random.ts"));
  t.notOk(isTestFile("proto/a.ts") || isTestFile("gateway/contesting.ts"));
  t.end();
});

t.test("what npm test counts", (t) => {
  t.equal(compiledPath("proto/frame.test.ts"), "dist/proto/frame.test.js");
  t.equal(compiledPath("./proto/frame.test.ts"), "dist/proto/frame.test.js");
  t.equal(compiledPath("dist/proto/frame.test.js"), "dist/proto/frame.test.js");
  t.equal(compiledPath("--bail"), "--bail");
  t.strictSame(totals("ok 1 - a\n    # { total: 1, pass: 1 }\n# { total: 9, pass: 7, fail: 2 }\n"), { passed: 7, failed: 2 });
  t.strictSame(totals("# { total: 3, pass: 3 }\n# time=2ms\n"), { passed: 3, failed: 0 });
  t.strictSame(totals(""), { passed: 0, failed: 0 }, "no result is no success");

  const tap = `TAP version 14
# Subtest: a.test.js
    # Subtest: inner
        ok 1 - fine
          ---
          note: of no interest
          ...
        not ok 2 - wrong
          ---
          wanted: 2
          ...
        not ok 3 - later # TODO
        1..3
    not ok 1 - inner # time=1ms
    1..1
not ok 1 - a.test.js # time=2ms

# { total: 3, pass: 1, fail: 1, todo: 1 }`;
  const shown = tap.split("\n").filter(worthPrinting());
  t.strictSame(
    shown.map((line) => line.trim()),
    [
      "TAP version 14",
      ...["not ok 2 - wrong", "---", "wanted: 2", "...", "not ok 1 - inner # time=1ms"],
      ...["not ok 1 - a.test.js # time=2ms", "# { total: 3, pass: 1, fail: 1, todo: 1 }"],
    ],
  );
  t.end();
});

t.test("processes that a test starts are as they are in life", (t) => {
  const { stdout } = spawnSync(process.execPath, ["-p", "process.env.NODE_OPTIONS"], { encoding: "utf8" });
  t.notMatch(stdout, "tapjs", "no loader of tap: see testing/tap-preload.mjs");
  t.end();
});

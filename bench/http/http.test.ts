// Rounds of the HTTP benchmark put together and shown; and what says whether a tool's packages are there.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { formatTable } from "../result.ts";
import { toolFolder } from "../tool-packages.ts";
import { type HttpLevel, httpTable, medians } from "./http.ts";

const level = (figures: Partial<HttpLevel>): HttpLevel => ({
  part: "logic",
  path: "/metrics",
  traffic: "messages",
  requests_per_second: 100,
  p50_ms: 1,
  p99_ms: 10,
  max_ms: 20,
  cpu_us_per_request: 700,
  messages_per_second: 1000,
  bytes: 9000,
  errors: 0,
  ...figures,
});

t.test("medians of rounds, the worst of the worst, all errors; a line of the table for each", (t) => {
  const found = medians([
    level({ requests_per_second: 90, max_ms: 40, errors: 1, cpu_us_per_request: null }),
    level({ requests_per_second: 110, p99_ms: 30, errors: 2 }),
    level({ requests_per_second: 100, p99_ms: 12 }),
  ]);
  t.strictSame(found, level({ requests_per_second: 100, p99_ms: 12, max_ms: 40, errors: 3 }));
  t.equal(medians([level({ cpu_us_per_request: null }), level({})]).cpu_us_per_request, null, "mostly lost in the noise");
  const lines = formatTable(httpTable([level({ traffic: "idle", path: "/healthz" }), found])).split("\n");
  t.match(lines[2], /^ {2}logic \/healthz +100 +1 +10 +20 +700 +9000 +1000 +0$/);
  t.match(lines[3], /^ {2}logic \/metrics, beside messages +100 +1 +12 +40 +700 +9000 +1000 +3$/);
  t.end();
});

t.test("the folders of tools are those of the sources, each with a lock file", (t) => {
  for (const name of ["http", "profile"])
    for (const file of ["package.json", "package-lock.json"]) t.ok(existsSync(join(toolFolder(name), file)), `${name}/${file}`);
  t.notMatch(toolFolder("http"), /dist.bench/);
  t.end();
});

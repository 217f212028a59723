// Loaded into every test process by scripts/test.mjs. For the sake of coverage, which is not collected here, tap puts a
// loader into each process that a test starts: 0.4 s of CPU for every gateway and client, and files written where a test has
// forbidden it. This takes the loader out again: of NODE_OPTIONS, and of the hook that adds it to new processes.
import { createRequire } from "node:module";

// Imported here first: tap's own import of it later finds it loaded, and adds no hook any more.
await import("@tapjs/processinfo/import");
createRequire(import.meta.resolve("@tapjs/processinfo/import"))("process-on-spawn").removeAllListeners();
const options = (process.env["NODE_OPTIONS"] ?? "").replace(/"?--import=\S*@tapjs\/processinfo[^\s"]*"?/, "").trim();
if (options) process.env["NODE_OPTIONS"] = options;
else Reflect.deleteProperty(process.env, "NODE_OPTIONS");
